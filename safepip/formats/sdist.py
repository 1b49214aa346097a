"""An sdist, judged without running anything: is it one archive with one identity, and what would building it run?

PEP 517, 518 and 621 (pyproject.toml), PEP 625 (its name and form), PEP 643 (what PKG-INFO states for good).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from packaging.requirements import InvalidRequirement, Requirement

from safepip.errors import Malformed
from safepip.formats.build_backends import judge
from safepip.formats.build_evidence import (
    HATCH,
    PYPROJECT,
    SETUP_CFG,
    SETUP_PY,
    BuildFiles,
    table,
)
from safepip.formats.build_lookups import looked_up
from safepip.formats.membername import shown
from safepip.formats.metadata import parse_identity, parse_metadata, parse_promise
from safepip.formats.plain import clean
from safepip.formats.scm_options import checkout
from safepip.formats.tararchive import TarContents, read_tar
from safepip.formats.tarlinks import MemberKind, folded
from safepip.formats.toml import Document, load
from safepip.model.artifact import Metadata
from safepip.model.contents import Fault
from safepip.model.ident import FileKind, FileName, ProjectName, Sha256, parse_version
from safepip.model.sdist import BuildKind, SdistContents

PKG_INFO = "PKG-INFO"
# Bytes. Those that are kept: what says who it is, and how it is built.
_LARGEST: Mapping[str, int] = {
    PKG_INFO: 16 * 1024**2,
    PYPROJECT: 512 * 1024,
    SETUP_PY: 512 * 1024,
    SETUP_CFG: 128 * 1024,
    HATCH: 512 * 1024,
}
_SPELLINGS = {folded(name): name for name in _LARGEST}
_WEIGHTS = (BuildKind.DECLARATIVE, BuildKind.PLUGINS, BuildKind.NEEDS_SETUP_PY, BuildKind.OWN_CODE)
MOST_CLUES = 20
# Of such keys the standard parser takes quadratic time: a line of them would keep it busy for an hour.
_ENDLESS_KEY = re.compile(rb"""(?<![\w-])(?:(?:[\w-]{1,64}|"[^"\n]{0,64}"|'[^'\n]{0,64}')[ \t]{0,8}\.[ \t]{0,8}){60}""")
_VERSION = re.compile(r"([0-9]{1,3})\.([0-9]{1,3})", re.ASCII)
_MUST_BE_STATIC = {
    "requires-dist": "Requires-Dist",
    "requires-python": "Requires-Python",
    "provides-extra": "Provides-Extra",
}
_NEVER_DYNAMIC = frozenset({"metadata-version", "name", "version"})
UNKNOWABLE = "cannot be known without running it"


def read_sdist(handle: BinaryIO, name: FileName) -> SdistContents:
    """Never raises for what it reads; OSError of the handle passes. `handle`: seekable, read from its beginning.

    A second pass is made only where a version is said to stand in a module, which may come before pyproject.toml does.
    """
    if name.kind is not FileKind.SDIST or not name.text.endswith(".tar.gz"):
        message = f"{shown(name.text)} is not a .tar.gz, which an sdist is (PEP 625)"
        return _malformed((Fault(code="sdist-format", message=message),), 0, None)
    tar = read_tar(handle, _Wanted())
    if tar.sha256 is None:
        return _malformed(tar.faults, len(tar.members), None)
    reading = _Reading(tar, name)
    faults = (*tar.faults, *reading.faults())
    if faults:
        return _malformed(faults, len(tar.members), tar.sha256)
    return reading.contents(handle)


def _malformed(faults: tuple[Fault, ...], members: int, sha256: Sha256 | None) -> SdistContents:
    return SdistContents(
        sha256=sha256,
        faults=faults,
        members=members,
        kind=BuildKind.UNKNOWN,
        clues=(),
        backend=None,
        requires=(),
        static=None,
        not_static="the sdist is malformed",
    )


class _Wanted:
    """The files to keep, of the first top folder alone: a second one is refused, and a thousand would fill the memory.

    By the spelling that is read; another spelling of it is refused anyway.
    """

    def __init__(self) -> None:
        self._top: str | None = None

    def __call__(self, path: str) -> int | None:
        folder, _, name = path.partition("/")
        if self._top is None:
            self._top = folder
        return _LARGEST.get(name) if folder == self._top else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _System:
    """`[build-system]` (PEP 517 and 518)."""

    backend: str | None
    requires: tuple[Requirement, ...]


class _Reading:
    """The files at the top of a sound archive, and what they say. `faults` first; `contents` where there are none."""

    def __init__(self, tar: TarContents, name: FileName) -> None:
        self._tar = tar
        self._name = name
        self._tops = sorted({member.name.partition("/")[0] for member in tar.members})
        self._top = self._tops[0] if self._tops else ""
        self._members = {
            member.name.removeprefix(f"{self._top}/"): member for member in tar.members if member.name.count("/") == 1
        }
        self._pyproject: Document | None = None
        self._hatch: Document | None = None
        self._system = _System(backend=None, requires=())

    def faults(self) -> tuple[Fault, ...]:
        if message := self._wrong_top():
            return (Fault(code="sdist-top", message=message),)
        found = [*self._spellings()]
        for code, read in (("sdist-metadata", self._read_identity), ("sdist-pyproject", self._read_pyproject)):
            try:
                read()
            except Malformed as fault:
                found.append(Fault(code=code, message=clean(str(fault))))
        return tuple(found)

    def _wrong_top(self) -> str | None:
        if len(self._tops) != 1:
            names = ", ".join(map(shown, self._tops[:3])) or "none"
            return f"an sdist has one top folder, and this has {len(self._tops)}: {names}"
        if any(one.name == self._top and one.kind is not MemberKind.FOLDER for one in self._tar.members):
            return f"{shown(self._top)} is not a folder"
        try:
            stated = FileName.parse(f"{self._top}.tar.gz")
        except Malformed:
            return f"the top folder {shown(self._top)} is not NAME-VERSION"
        if (stated.project, stated.version) != (self._name.project, self._name.version):
            return f"the top folder {shown(self._top)} is that of another distribution than {shown(self._name.text)}"
        return None

    def _spellings(self) -> Iterator[Fault]:
        """Where case does not count, another spelling of `setup.py` is `setup.py`."""
        for name in self._members:
            meant = _SPELLINGS.get(folded(name), name)
            if meant != name:
                message = f"{shown(name)} would be taken for {meant} on some systems, and not on others"
                yield Fault(code="sdist-spelling", message=message)

    def _file(self, name: str) -> bytes | None:
        """The content; None where there is no such file. Raises Malformed where something else has its name."""
        member = self._members.get(name)
        if member is not None and member.kind is not MemberKind.FILE:
            raise Malformed(f"{name} is {member.kind.value}, not a file")
        return self._tar.kept.get(f"{self._top}/{name}")

    def _read_identity(self) -> None:
        raw = self._file(PKG_INFO)
        if raw is None:
            raise Malformed(f"it has no {PKG_INFO}")
        try:
            project, version = parse_identity(raw)
            stated, dynamic = parse_promise(raw)
        except Malformed as fault:
            raise Malformed(f"{PKG_INFO}: {fault}") from None
        if (project, version) != (self._name.project, self._name.version):
            raise Malformed(f"{PKG_INFO} is that of {project} {version}, and the file that of {self._name.text}")
        if not _VERSION.fullmatch(stated):
            raise Malformed(f"{PKG_INFO} has a Metadata-Version that is none: {stated[:40]!r}")
        if forbidden := sorted(dynamic & _NEVER_DYNAMIC):
            raise Malformed(f"{PKG_INFO} calls {forbidden[0]} dynamic, which it can never be")
        if _unknowable(stated, dynamic) is None:
            _parse(raw)

    def _read_pyproject(self) -> None:
        raw = self._file(PYPROJECT)
        if raw is None:
            return
        self._pyproject = _loaded(raw, PYPROJECT)
        self._system = _read_system(self._pyproject)
        beside = self._tar.kept.get(f"{self._top}/{HATCH}")
        if beside is not None and (self._system.backend or "").startswith("hatchling."):
            self._hatch = _loaded(beside, HATCH)
        project = self._pyproject.data.get("project", {})
        if not isinstance(project, Mapping):
            raise Malformed(f"{self._pyproject.place(('project',))}: [project] is not a table")
        self._compare("name", project.get("name"), self._name.project, ProjectName.parse)
        self._compare("version", project.get("version"), self._name.version, parse_version)

    def _compare(self, key: str, stated: Any, expected: object, parse: Any) -> None:
        if stated is None:
            return
        place = self._pyproject.place(("project", key)) if self._pyproject is not None else PYPROJECT
        if not isinstance(stated, str):
            raise Malformed(f"{place}: {key} is not a text")
        if parse(stated) != expected:
            raise Malformed(f"{place}: {key} is {stated[:80]!r}, and the file that of {expected}")

    def contents(self, handle: BinaryIO) -> SdistContents:
        files = BuildFiles(
            pyproject=self._pyproject,
            hatch=self._hatch,
            setup_py=self._tar.kept.get(f"{self._top}/{SETUP_PY}"),
            setup_cfg=self._tar.kept.get(f"{self._top}/{SETUP_CFG}"),
            names=frozenset(self._members),
            links=frozenset(name for name, one in self._members.items() if one.target is not None),
            project=self._name.project,
            checkout=checkout(member.name.partition("/")[2] for member in self._tar.members),
        )
        judgement = judge(files, self._system.backend, self._system.requires)
        reasons = [*judgement.reasons, *looked_up(handle, self._tar.members, self._top, judgement.lookups)]
        reasons.sort(key=lambda one: -_WEIGHTS.index(one[0]))
        if _WEIGHTS.index(reasons[0][0]) > _WEIGHTS.index(BuildKind.PLUGINS):  # what is harmless shows nothing there
            reasons = [one for one in reasons if one[0] is not BuildKind.DECLARATIVE]
        static, not_static = self._static()
        return SdistContents(
            sha256=self._tar.sha256,
            faults=(),
            members=len(self._tar.members),
            kind=reasons[0][0],
            clues=tuple(dict.fromkeys(clue for _, clue in reasons))[:MOST_CLUES],
            backend=self._system.backend,
            requires=tuple(map(str, self._system.requires)),
            static=static,
            not_static=not_static,
        )

    def _static(self) -> tuple[Metadata | None, str | None]:
        raw = self._tar.kept[f"{self._top}/{PKG_INFO}"]
        reason = _unknowable(*parse_promise(raw))
        return (_parse(raw), None) if reason is None else (None, f"{UNKNOWABLE}: {reason}")


def _loaded(raw: bytes, name: str) -> Document:
    if _ENDLESS_KEY.search(raw):
        raise Malformed(f"{name} has a key of more than 60 parts")
    return load(raw, name)


def _parse(raw: bytes) -> Metadata:
    try:
        return parse_metadata(raw)
    except Malformed as fault:
        raise Malformed(f"{PKG_INFO}: {fault}") from None


def _unknowable(stated: str, dynamic: frozenset[str]) -> str | None:
    """Why PKG-INFO does not say for good what is required; None where it does (PEP 643)."""
    match = _VERSION.fullmatch(stated)
    version = (int(match[1]), int(match[2])) if match else (0, 0)
    if version < (2, 2):
        return f"{PKG_INFO} has Metadata-Version {stated}, and only from 2.2 on does it say what is final"
    if version >= (3, 0):
        return f"{PKG_INFO} has Metadata-Version {stated}, whose rules are not known"
    if named := [text for key, text in _MUST_BE_STATIC.items() if key in dynamic]:
        return f"Dynamic: {', '.join(named)}"
    return None


def _read_system(document: Document) -> _System:
    """Raises Malformed. Without the table, setuptools is meant; without `requires`, nothing is (PEP 518)."""
    if "build-system" not in document.data:
        return _System(backend=None, requires=())
    place = document.place(("build-system",))
    if not isinstance(document.data["build-system"], Mapping):
        raise Malformed(f"{place}: [build-system] is not a table")
    system = table(document.data, "build-system")
    requires, backend = system.get("requires"), system.get("build-backend")
    inside = system.get("backend-path", [])
    if "requires" not in system:
        raise Malformed(f"{place}: [build-system] has no requires")
    if not isinstance(requires, list) or not all(isinstance(one, str) for one in requires):
        raise Malformed(f"{place}: requires is not a list of texts")
    if backend is not None and not isinstance(backend, str):
        raise Malformed(f"{place}: build-backend is not a text")
    if not isinstance(inside, list) or not all(isinstance(one, str) for one in inside):
        raise Malformed(f"{place}: backend-path is not a list of texts")
    return _System(backend=backend, requires=tuple(_requirement(one, place) for one in requires))


def _requirement(text: str, place: str) -> Requirement:
    try:
        return Requirement(text)
    except (InvalidRequirement, ValueError, RecursionError):
        raise Malformed(f"{place}: {text[:120]!r} is not a valid requirement") from None
