"""A wheel (PEP 427), read once: what is wrong with it, what it says about itself, and what installing it will write."""

from __future__ import annotations

import errno
import hashlib
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from safepip.errors import Malformed
from safepip.formats.entrypoints import parse_entry_points, script_faults
from safepip.formats.faults import shortened
from safepip.formats.membername import shown
from safepip.formats.placement import Placed, place
from safepip.formats.startuphooks import LARGEST_HOOK_FILE, MOST_HOOK_FILES, has_hook_name, is_hook_file, startup_hooks
from safepip.formats.wheelfields import parse_wheel_fields
from safepip.formats.wheellayout import bytecode_faults, data_faults, place_faults, program_faults
from safepip.formats.wheelrecord import LARGEST_RECORD, record_faults
from safepip.formats.ziparchive import ZipContents, ZipMember, read_zip
from safepip.model.contents import Contents, EntryPoint, Fault, Manifest, PackedFile

LARGEST_METADATA = 8 * 1024 * 1024
LARGEST_WHEEL_FILE = 64 * 1024
LARGEST_ENTRY_POINTS = 1024 * 1024
_KEPT = {
    "METADATA": LARGEST_METADATA,
    "WHEEL": LARGEST_WHEEL_FILE,
    "RECORD": LARGEST_RECORD,
    "entry_points.txt": LARGEST_ENTRY_POINTS,
}
_DIST_INFO = ".dist-info"
# By their names alone: programs without an ending come with libraries that have one.
_NATIVE = re.compile(r".*\.(?:so(?:\.\d+)*|pyd|dll|dylib|exe)", re.IGNORECASE | re.DOTALL)
_WRITABLE_BY_ALL = 0o002
# What setuptools put beside the programs that an installer generates now; pip leaves them out.
_WRAPPERS = (".exe", "-script.py", ".pya")
_PIECE = 64 * 1024
# What `zipfile` raises on an archive that was sound a moment ago and is not any more.
_CHANGED = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, KeyError, RuntimeError, ValueError)


def read_contents(handle: BinaryIO, resolved_with: bytes | None) -> Contents:
    """Judge the wheel in `handle` (seekable). `resolved_with`: the METADATA bytes that resolution relied on.

    Whatever is wrong with the bytes is a fault in the answer; only an OSError of the handle passes. One pass, but for
    byte code, and for members whose digest RECORD states by another algorithm than sha256: these are read again.
    """
    archive = read_zip(handle, _Wanted().most)
    if archive.sha256 is None:
        return _unreadable(archive, resolved_with)
    wheel = _Wheel.of(archive)
    again = _Again(handle, sound=not archive.faults)
    faults = (*archive.faults, *shortened(wheel.faults(again)))
    return Contents(
        sha256=archive.sha256,
        faults=faults,
        record_faults=shortened(wheel.record_faults(again)),
        manifest=Manifest(dist_info=wheel.dist_info or "", files=wheel.files(), entry_points=wheel.points),
        dist_info=wheel.folders,
        metadata=wheel.own("METADATA"),
        wheel=wheel.own("WHEEL"),
        resolved_with=resolved_with,
        hooks=startup_hooks(wheel.installed, archive.kept),
        native=tuple(one.name for one in wheel.members.values() if _NATIVE.fullmatch(one.name)),
        world_writable=tuple(one.name for one in wheel.members.values() if one.mode & _WRITABLE_BY_ALL),
    )


class _Wanted:
    """What is needed of an archive besides digests, within bounds: the papers of one .dist-info folder, whichever comes
    first, since of a wheel with two none is believed; and some of the files that Python reads when it starts.
    """

    def __init__(self) -> None:
        self._folder: str | None = None
        self._hooks: set[str] = set()

    def most(self, name: str) -> int | None:
        """How many bytes to keep of the member; None where its digest is enough. Asked twice, it says the same."""
        folder, _, last = name.partition("/")
        if last in _KEPT and folder.lower().endswith(_DIST_INFO):
            self._folder = self._folder or folder
            return _KEPT[last] if folder == self._folder else None
        if not has_hook_name(name):
            return None
        placed = place(name, "purelib")
        if placed is None or not is_hook_file(placed):
            return None
        if len(self._hooks) < MOST_HOOK_FILES:
            self._hooks.add(name)
        return LARGEST_HOOK_FILE if name in self._hooks else None


def _unreadable(archive: ZipContents, resolved_with: bytes | None) -> Contents:
    """The structure is broken: no byte of it can be trusted to be what another reader would find."""
    return Contents(
        sha256=None,
        faults=archive.faults,
        record_faults=(),
        manifest=None,
        dist_info=(),
        metadata=None,
        wheel=None,
        resolved_with=resolved_with,
        hooks=(),
        native=(),
        world_writable=(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wheel:
    """The members of an archive, as those of a wheel.

    members: the files, by name; kept: the bodies of some of them
    folders: all top-level *.dist-info; dist_info: the one, None where there are several or none
    points:  the entry points; unread: why they cannot be read, None where they can
    installed: where the files go, without those that pip leaves out and those that have no place
    """

    members: Mapping[str, ZipMember]
    kept: Mapping[str, bytes]
    folders: tuple[str, ...]
    dist_info: str | None
    points: tuple[EntryPoint, ...]
    unread: str | None
    installed: tuple[Placed, ...]

    @classmethod
    def of(cls, archive: ZipContents) -> _Wheel:
        tops = {one.name.partition("/")[0] for one in archive.members if "/" in one.name or one.is_folder}
        folders = tuple(sorted(top for top in tops if top.lower().endswith(_DIST_INFO)))
        dist_info = folders[0] if len(folders) == 1 else None
        members = {one.name: one for one in archive.members if not one.is_folder}
        points, unread = _points(archive.kept.get(f"{dist_info}/entry_points.txt"))
        root = "purelib" if _is_pure(archive.kept.get(f"{dist_info}/WHEEL")) else "platlib"
        placed = (place(name, root) for name in members)
        scripts = frozenset(one.name for one in points if one.is_script)
        return cls(
            members=members,
            kept=archive.kept,
            folders=folders,
            dist_info=dist_info,
            points=points,
            unread=unread,
            installed=tuple(one for one in placed if one is not None and not _left_out(one, scripts)),
        )

    def own(self, name: str) -> bytes | None:
        """The body of a file of the .dist-info folder, None where there is none or it is too large."""
        return self.kept.get(f"{self.dist_info}/{name}")

    def faults(self, again: _Again) -> Iterator[Fault]:
        yield from data_faults(self.members, self.folders)
        yield from place_faults(self.installed, self.folders)
        if self.unread is not None:
            yield Fault(code="entry-points", message=f"entry_points.txt cannot be read: {self.unread}")
        yield from script_faults(self.points)
        yield from program_faults(dict.fromkeys(one.name for one in self.points if one.is_script))
        yield from bytecode_faults(self.installed, again.head)

    def record_faults(self, again: _Again) -> Iterator[Fault]:
        if self.dist_info is None:
            found = ", ".join(map(shown, self.folders[:5])) or "none"
            yield Fault(code="missing", message=f"there is no RECORD of one .dist-info folder, but {found}")
            return
        body = self.own("RECORD")
        if body is not None:
            yield from record_faults(body, self.dist_info, self.members, again.digest)
        elif f"{self.dist_info}/RECORD" in self.members:
            yield Fault(code="malformed", message=f"RECORD is larger than {LARGEST_RECORD:,} bytes")
        else:
            yield Fault(code="missing", message=f"there is no RECORD in {shown(self.dist_info)}")

    def files(self) -> tuple[PackedFile, ...]:
        return tuple(
            PackedFile(
                path=one.path,
                scheme=one.scheme,
                place=one.place,
                sha256=self.members[one.path].sha256,
                size=self.members[one.path].size,
            )
            for one in self.installed
        )


def _points(body: bytes | None) -> tuple[tuple[EntryPoint, ...], str | None]:
    if body is None:
        return (), None
    try:
        return parse_entry_points(body), None
    except Malformed as error:
        return (), str(error)


def _is_pure(body: bytes | None) -> bool:
    """As pip has it: whatever is not said to be pure goes to the folder of the platform."""
    try:
        return body is not None and parse_wheel_fields(body).pure
    except Malformed:
        return False  # refused by metadata-match


def _left_out(one: Placed, scripts: frozenset[str]) -> bool:
    """Whether pip leaves it out for the program that it generates."""
    if one.scheme != "scripts":
        return False
    name = one.path.rpartition("/")[2]
    ending = next((end for end in _WRAPPERS if name.lower().endswith(end)), "")
    return name[: len(name) - len(ending)] in scripts


class _Again:
    """Members, read a second time. Only of an archive that has no fault, so that every reader reads it alike."""

    def __init__(self, handle: BinaryIO, *, sound: bool) -> None:
        self._handle = handle
        self._sound = sound
        self._archive: zipfile.ZipFile | None = None

    def digest(self, name: str, algorithm: str) -> bytes:
        """The digest by that algorithm."""
        digest = hashlib.new(algorithm)
        for piece in self._pieces(name):
            digest.update(piece)
        return digest.digest()

    def head(self, name: str) -> bytes:
        """The first bytes."""
        return next(self._pieces(name), b"")

    def _pieces(self, name: str) -> Iterator[bytes]:
        """Nothing where the archive is not sound: it is refused anyway."""
        if not self._sound:
            return
        try:
            if self._archive is None:
                self._archive = zipfile.ZipFile(self._handle)
            with self._archive.open(name) as stream:
                while piece := stream.read(_PIECE):
                    yield piece
        except _CHANGED as error:
            raise OSError(errno.EIO, f"the file changed while it was read: {error}") from None
