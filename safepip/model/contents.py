"""What is inside an archive, as the strict reader found it, and where a wheel's files will go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from safepip.model.ident import Sha256

# The folders of an installation scheme, by sysconfig's names; `X.data/` of a wheel has one of each (PEP 427).
SCHEMES = ("purelib", "platlib", "scripts", "headers", "data")
# `sbin` comes before `bin` on the search path where the prefix is the system's.
_PROGRAMS = frozenset({"bin", "sbin", "scripts"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that is wrong with an archive.

    code:    stable, from the page of the check that tells it (docs/checks/archive.md, record.md)
    message: one sentence that names the member where it is about one, safe to print
    """

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedFile:
    """One file of a wheel whose bytes were read and hashed.

    path:   as the archive names it
    scheme: which folder of the installation scheme it goes to; place: its path below that
    sha256: the digest of its bytes (32 bytes, since there may be tens of thousands); size: their number
    """

    path: str
    scheme: str
    place: str
    sha256: bytes
    size: int

    @property
    def program(self) -> str | None:
        """Its path below the folder of programs, None where it does not go there."""
        return program_of(self.scheme, self.place)


def program_of(scheme: str, place: str) -> str | None:
    """The path below a folder of programs, which the folder of all data holds as well; None for any other file."""
    if scheme == "scripts":
        return place
    folder, _, rest = place.partition("/")
    return rest if scheme == "data" and rest and folder.lower() in _PROGRAMS else None


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPoint:
    """A line of entry_points.txt: `group`, `name`, and the object that it leads to."""

    group: str
    name: str
    value: str

    @property
    def is_script(self) -> bool:
        """Whether an installer writes a program of that name into the scripts folder."""
        return self.group in {"console_scripts", "gui_scripts"}


@dataclass(frozen=True, slots=True, kw_only=True)
class StartupHook:
    """Something that Python would do by itself whenever it starts in the environment.

    path: the member; line: the very line, as written, or "" for a module (sitecustomize) that runs as a whole
    """

    path: str
    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What installing this wheel will write: judged bytes, by their digests. `dist_info`: the folder's name."""

    dist_info: str
    files: tuple[PackedFile, ...]
    entry_points: tuple[EntryPoint, ...]

    @property
    def scripts(self) -> tuple[str, ...]:
        """The programs that an installer makes from entry points, by name."""
        return tuple(dict.fromkeys(one.name for one in self.entry_points if one.is_script))

    @property
    def programs(self) -> tuple[str, ...]:
        """What will be in the folder of programs: made from entry points, or brought along; paths below it."""
        brought = (one.program for one in self.files)
        return tuple(dict.fromkeys((*self.scripts, *(path for path in brought if path is not None))))

    def placed(self, schemes: Mapping[str, str]) -> Iterator[tuple[str, PackedFile]]:
        """(absolute path, file) for each file. `schemes`: the folders, by the names of `SCHEMES`."""
        for file in self.files:
            yield f"{schemes[file.scheme]}/{file.place}", file


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """A wheel, read once from its first byte to its last.

    sha256:    the digest of the bytes that were read, computed in the same pass; None where the structure is broken
    faults:    what the strict gate objects to; record_faults: where RECORD and the members disagree
    manifest:  None where the structure is so broken that the members could not be read: nothing else is known then
    dist_info: the names of all top-level *.dist-info folders
    metadata, wheel: the bytes of METADATA and WHEEL, None where there is none
    resolved_with: the METADATA bytes that resolution relied on, None where the wheel's own were used
    hooks:     what Python would do by itself whenever it starts
    native:    members that hold machine code; world_writable: members that anybody could write once installed
    """

    sha256: Sha256 | None
    faults: tuple[Fault, ...]
    record_faults: tuple[Fault, ...]
    manifest: Manifest | None
    dist_info: tuple[str, ...]
    metadata: bytes | None
    wheel: bytes | None
    resolved_with: bytes | None
    hooks: tuple[StartupHook, ...]
    native: tuple[str, ...]
    world_writable: tuple[str, ...]

    @property
    def readable(self) -> bool:
        """Whether anything can be said of the members."""
        return self.manifest is not None
