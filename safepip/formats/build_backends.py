"""What building an sdist would run, by its declarations: `[build-system]`, and what each backend has for code in-tree.

Known backends that read declarations alone are class A; with plugins of others B; everything else C (docs/sdists.md).
A key that leads to code counts even where the backend might not come to use it: this says what could run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from packaging.requirements import Requirement
from packaging.specifiers import Specifier
from packaging.utils import canonicalize_name

from safepip.errors import Malformed
from safepip.formats.build_evidence import (
    PYPROJECT,
    SETUP_PY,
    BuildFiles,
    Lookup,
    Reader,
    Reason,
    clue_at,
    own_code,
    table,
    taking_part,
)
from safepip.formats.build_hooks import read_hatch, read_pdm, read_poetry
from safepip.formats.build_setuptools import read_setuptools, setuptools_lookups
from safepip.formats.plain import clean
from safepip.formats.scm_options import read_versioning, template
from safepip.formats.toml import Path
from safepip.model.ident import parse_version
from safepip.model.sdist import BuildKind, Clue

_SETUPTOOLS = "setuptools.build_meta"
# The first versions that are known to read a version out of a module without running it, wherever we look for it.
_READS_SINCE = {"setuptools": "46.4.0", "flit-core": "3.9", "flit": "3.9"}
_FLIT_VERSIONS = ("version.py", "_version.py", "__version__.py")  # flit_core/common.py
_WRAPPERS = frozenset({"flit_scm:buildapi", "poetry_dynamic_versioning.backend"})
# They ask git what belongs to the project; the plugins that find out a version do so as well.
_ASKS_GIT = frozenset({"poetry.core.masonry.api", "poetry.masonry.api", "pdm.backend", "pdm.pep517.api"})
_COMPILERS = frozenset({"maturin", "mesonpy", "scikit_build_core.build", "scikit_build_core.setuptools.build_meta"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    reasons: tuple[Reason, ...]
    lookups: tuple[Lookup, ...]


def judge(files: BuildFiles, backend: str | None, requires: Iterable[Requirement]) -> Judgement:
    """By everything that can be seen. `backend`, `requires`: of `[build-system]`, None where it names none."""
    requires = tuple(requires)
    reasons = [*_backend(files, backend), *_requirements(files, requires)]
    if files.pyproject is not None:
        reasons += read_versioning(files.pyproject)
    lookups: list[Lookup] = []
    if backend is None or backend.partition(":")[0] == _SETUPTOOLS:
        reasons += read_setuptools(files)
        lookups += setuptools_lookups(files)
    elif (reader := _READERS.get(backend)) is not None:
        reasons += reader(files)
    if backend in {"flit_core.buildapi", "flit.buildapi", "flit_scm:buildapi"}:
        lookups += _flit_lookups(files)
    if files.checkout is not None and (backend in _ASKS_GIT or BuildKind.PLUGINS in dict(reasons)):
        what = "git or Mercurial, asked about this checkout, would run what it is set up to run"
        reasons.append((BuildKind.OWN_CODE, Clue(file=clean(files.checkout), line=None, what=what)))
    if lookups and files.pyproject is not None and (where := template(files.pyproject)) is not None:
        what = "a text of the sdist's choice may be written into the module that a version is read from"
        reasons.append(own_code(files.pyproject, where, what))
    if lookups and (old := next(filter(_is_held_back, requires), None)) is not None:
        what = f"and a version of {old.name[:80]} is asked for that may run the module for it"
        reasons += [(BuildKind.OWN_CODE, replace(one.clue, what=f"{one.clue.what}, {what}")) for one in lookups]
    return Judgement(reasons=tuple(reasons), lookups=tuple(lookups))


def _is_held_back(one: Requirement) -> bool:
    """Whether it keeps the newest versions out, so that an old one is taken, which ran what is only read today."""
    since = _READS_SINCE.get(canonicalize_name(one.name))
    return since is not None and any(_is_below(clause, since) for clause in one.specifier)


def _is_below(clause: Specifier, since: str) -> bool:
    if clause.operator not in {"<", "<=", "==", "~=", "==="} or clause.contains(since):
        return False
    try:
        return parse_version(clause.version.removesuffix(".*")) < parse_version(since)
    except Malformed:  # `===` takes any text
        return True


def _backend(files: BuildFiles, backend: str | None) -> Iterator[Reason]:
    document = files.pyproject
    if document is None or "build-system" not in document.data:
        name = PYPROJECT if document is not None else SETUP_PY
        what = "there is no [build-system], so that setuptools runs setup.py"
        yield BuildKind.NEEDS_SETUP_PY, Clue(file=name, line=None, what=what)
        return
    system = table(document.data, "build-system")
    if "backend-path" in system:
        yield own_code(document, ("build-system", "backend-path"), "the build backend is in the sdist itself")
    where: Path = ("build-system", "build-backend")
    if backend is None or backend == f"{_SETUPTOOLS}:__legacy__":
        yield BuildKind.NEEDS_SETUP_PY, clue_at(document, where, "no build-backend, so that setuptools runs setup.py")
    elif backend == _SETUPTOOLS or backend in _READERS:
        kind = BuildKind.PLUGINS if backend in _WRAPPERS else BuildKind.DECLARATIVE
        yield kind, clue_at(document, where, f"the backend {backend} reads what is declared")
    elif backend in _COMPILERS:
        yield own_code(document, where, f"the backend {backend} runs the compilers and scripts that the sdist names")
    else:
        yield own_code(
            document, where, f"the backend {backend[:80]!r} is not one of those that are known to be declarative"
        )


def _requirements(files: BuildFiles, requires: Iterable[Requirement]) -> Iterator[Reason]:
    if files.pyproject is None:
        return
    for one in requires:
        yield from taking_part(files.pyproject, ("build-system", "requires"), one)


def _flit_lookups(files: BuildFiles) -> Iterator[Lookup]:
    """Flit runs the module where its version is no literal, or where its docstring is wanted and not there."""
    document = files.pyproject
    if document is None:
        return
    project, flit = table(document.data, "project"), table(document.data, "tool", "flit")
    old = table(flit, "metadata")
    dynamic = project.get("dynamic", []) if project else ["version", "description"]
    wanted = {"version", "description"} & set(map(str, dynamic if isinstance(dynamic, list) else []))
    if not wanted or not (project or old):
        return
    stated = str(table(flit, "module").get("name") or old.get("module") or project.get("name") or files.project)
    base = stated.replace("-", "_").replace(".", "/")
    bases = [f"{folder}{base}" for folder in ("", "src/")]
    modules = tuple(f"{one}{end}" for one in bases for end in (".py", "/__init__.py"))
    where: Path = ("project", "dynamic") if project else ("tool", "flit", "metadata")
    for field in sorted(wanted):
        what = f"the {field} is read from the module {stated[:80]}"
        beside = tuple(f"{one}/{file}" for one in bases for file in _FLIT_VERSIONS) if field == "version" else ()
        yield Lookup(
            clue=clue_at(document, where, what),
            paths=(*modules, *beside),
            name="__version__" if field == "version" else None,
            of=Reader.FLIT,
        )


def _nothing(_: BuildFiles) -> Iterator[Reason]:
    yield from ()


_READERS: Mapping[str, Callable[[BuildFiles], Iterator[Reason]]] = {
    "flit_core.buildapi": _nothing,
    "flit.buildapi": _nothing,
    "flit_scm:buildapi": _nothing,
    "hatchling.build": read_hatch,
    "poetry.core.masonry.api": read_poetry,
    "poetry.masonry.api": read_poetry,
    "poetry_dynamic_versioning.backend": read_poetry,
    "pdm.backend": read_pdm,
    "pdm.pep517.api": read_pdm,
    "uv_build": _nothing,
}
