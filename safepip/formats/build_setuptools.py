"""What setuptools runs of an sdist's own: setup.py, and the settings that lead to code, in three files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from safepip.formats.build_evidence import (
    SETUP_CFG,
    SETUP_PY,
    BuildFiles,
    Lookup,
    Reader,
    Reason,
    clue_at,
    line_of,
    own_code,
    table,
)
from safepip.formats.plain import clean
from safepip.formats.scm_options import unsafe_scm
from safepip.formats.setup_py import Attribute, Setup, Sign, read_setup_cfg, read_setup_py
from safepip.formats.toml import Path
from safepip.model.sdist import BuildKind, Clue


def read_setuptools(files: BuildFiles) -> Iterator[Reason]:
    for name in sorted(files.links & {SETUP_PY, SETUP_CFG}):
        yield BuildKind.NEEDS_SETUP_PY, Clue(file=name, line=None, what="is a link, so that it is not read here")
    if files.setup_py is not None:
        setup = read_setup_py(files.setup_py, unsafe_scm)
        yield from _signs(BuildKind.NEEDS_SETUP_PY, SETUP_PY, setup.code)
        yield from _signs(BuildKind.PLUGINS, SETUP_PY, setup.plugins)
    yield from _signs(BuildKind.OWN_CODE, SETUP_CFG, _cfg(files).code)
    document = files.pyproject
    if document is None:
        return
    tool = table(document.data, "tool")
    for key in ("cmdclass", "ext-modules", "ext_modules"):
        if table(tool, "setuptools").get(key):
            yield own_code(document, ("tool", "setuptools", key), f"{key} leads to code")
    for command, options in table(tool, "distutils").items():
        for key in options if isinstance(options, Mapping) else ():
            if key.replace("-", "_") == "command_packages":
                yield own_code(document, ("tool", "distutils", command, key), "command_packages leads to code")
    if "setuptools-rust" in tool:
        yield own_code(document, ("tool", "setuptools-rust"), "setuptools-rust compiles what the sdist brings")


def _signs(kind: BuildKind, file: str, signs: Iterable[Sign]) -> Iterator[Reason]:
    for sign in signs:
        yield kind, Clue(file=file, line=sign.line, what=clean(sign.what))


def _cfg(files: BuildFiles) -> Setup:
    return read_setup_cfg(files.setup_cfg) if files.setup_cfg is not None else Setup(code=(), plugins=())


def setuptools_lookups(files: BuildFiles) -> Iterator[Lookup]:
    for found in _cfg(files).attributes:
        what = f"the version is read from the module attribute {found.path[:80]}"
        yield _lookup(Clue(file=SETUP_CFG, line=found.line, what=clean(what)), found)
    document = files.pyproject
    settings = table(document.data, "tool", "setuptools") if document is not None else {}
    attribute = table(settings, "dynamic", "version").get("attr")
    if document is not None and isinstance(attribute, str):
        where: Path = ("tool", "setuptools", "dynamic", "version", "attr")
        folders = {**table(settings, "package_dir"), **table(settings, "package-dir")}
        pairs = tuple((name, str(folder)) for name, folder in folders.items())
        found = Attribute(line=line_of(document, where), path=attribute.strip(), package_dir=pairs)
        yield _lookup(
            clue_at(document, where, f"the version is read from the module attribute {attribute[:80]}"), found
        )


def _lookup(clue: Clue, found: Attribute) -> Lookup:
    """Where setuptools looks for a module: at the top, in `src`, and where package_dir says (config/expand.py)."""
    module, _, name = found.path.rpartition(".")
    parts = module.split(".") if module else []
    bases = [_joined("", *parts), _joined("src", *parts)]
    for package, folder in found.package_dir:
        if not package:
            bases.append(_joined(folder, *parts))
        elif parts[:1] == [package]:
            bases.append(_joined(folder, *parts[1:]))
    paths = (f"{base}{end}" for base in bases for end in (".py", "/__init__.py") if base or end == "/__init__.py")
    return Lookup(
        clue=clue,
        paths=tuple(dict.fromkeys(path.lstrip("/") for path in paths)),
        name=name,
        of=Reader.SETUPTOOLS,
    )


def _joined(folder: str, *parts: str) -> str:
    return "/".join([*(one for one in folder.split("/") if one not in {"", "."}), *parts])
