"""What setuptools runs of an sdist's own: setup.py, and the settings that lead to code, in three files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

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
from safepip.formats.setup_py import (
    BUILDING,
    WRITING,
    Attribute,
    Setup,
    Sign,
    leads_out,
    read_setup_cfg,
    read_setup_py,
)
from safepip.formats.toml import Path
from safepip.model.sdist import BuildKind, Clue

_DYNAMIC_VERSION = ("tool", "setuptools", "dynamic", "version")


def read_setuptools(files: BuildFiles) -> Iterator[Reason]:
    for name in sorted(files.links & {SETUP_PY, SETUP_CFG}):
        yield BuildKind.NEEDS_SETUP_PY, Clue(file=name, line=None, what="is a link, so that it is not read here")
    setup = _setup(files)
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
    for command in table(tool, "distutils"):
        for key, value in table(tool, "distutils", command).items():
            name, where = key.replace("-", "_"), ("tool", "distutils", command, key)
            if name == "command_packages" or (command == "aliases" and name in BUILDING):
                yield own_code(document, where, f"{name} leads to code")
            elif command.replace("-", "_") in WRITING and leads_out(value):
                yield own_code(document, where, f"{name} leads out of the sdist")
    if "setuptools-rust" in tool:
        yield own_code(document, ("tool", "setuptools-rust"), "setuptools-rust compiles what the sdist brings")


def _signs(kind: BuildKind, file: str, signs: Iterable[Sign]) -> Iterator[Reason]:
    for sign in signs:
        yield kind, Clue(file=file, line=sign.line, what=clean(sign.what))


def _setup(files: BuildFiles) -> Setup:
    none = Setup(code=(), plugins=())
    return read_setup_py(files.setup_py, unsafe_scm) if files.setup_py is not None else none


def _cfg(files: BuildFiles) -> Setup:
    return read_setup_cfg(files.setup_cfg) if files.setup_cfg is not None else Setup(code=(), plugins=())


def setuptools_lookups(files: BuildFiles) -> Iterator[Lookup]:
    # Whichever file names the attribute: setuptools has put the folders of all three together by then.
    folders = [*_setup(files).package_dir, *_cfg(files).package_dir, *_folders(files)]
    for found in _cfg(files).attributes:
        what = f"the version is read from the module attribute {found.path[:80]}"
        yield _lookup(Clue(file=SETUP_CFG, line=found.line, what=clean(what)), found, folders)
    document = files.pyproject
    attribute = table(document.data, *_DYNAMIC_VERSION).get("attr") if document is not None else None
    if document is not None and isinstance(attribute, str):
        where: Path = (*_DYNAMIC_VERSION, "attr")
        found = Attribute(line=line_of(document, where), path=attribute.strip())
        clue = clue_at(document, where, f"the version is read from the module attribute {attribute[:80]}")
        yield _lookup(clue, found, folders)


def _folders(files: BuildFiles) -> Iterator[tuple[str, str]]:
    """Of the packages, by pyproject.toml. Where they are to be found counts for their folder (config/expand.py)."""
    settings = table(files.pyproject.data, "tool", "setuptools") if files.pyproject is not None else {}
    for key in ("package-dir", "package_dir"):
        yield from ((package, str(folder)) for package, folder in table(settings, key).items())
    places = table(settings, "packages", "find").get("where", [])
    yield from (("", str(place)) for place in (places if isinstance(places, list) else [places]))


def _lookup(clue: Clue, found: Attribute, folders: Iterable[tuple[str, str]]) -> Lookup:
    """Where setuptools looks for a module: at the top, in `src`, and where package_dir says (config/expand.py)."""
    module, _, name = found.path.rpartition(".")
    parts = module.split(".") if module else []
    bases = [_joined("", *parts), _joined("src", *parts)]
    astray = any("/" in part or "\\" in part for part in parts)
    for package, folder in folders:
        above = package.split(".") if package else []
        if parts[: len(above)] == above:
            bases.append(_joined(folder, *parts[len(above) :]))
            # By the text alone nobody can say where such a folder is.
            astray |= folder.startswith("/") or not {"..", "\\", ":"}.isdisjoint({*folder.split("/"), *folder})
    if astray:
        return Lookup(clue=clue, paths=(), name=name, of=Reader.SETUPTOOLS)
    paths = (f"{base}{end}" for base in bases for end in (".py", "/__init__.py") if base or end == "/__init__.py")
    return Lookup(
        clue=clue,
        paths=tuple(dict.fromkeys(path.lstrip("/") for path in paths)),
        name=name,
        of=Reader.SETUPTOOLS,
    )


def _joined(folder: str, *parts: str) -> str:
    return "/".join([*(one for one in folder.split("/") if one not in {"", "."}), *parts])
