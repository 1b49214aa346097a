"""METADATA out of a wheel, whole or in pieces.

This reads leniently, as zipfile does, because its answer is only provisional: the strict gate judges the archive
later, and METADATA is compared with what was relied on here.
"""

from __future__ import annotations

import errno
import io
import zipfile
import zlib
from pathlib import Path
from typing import IO, cast

from safepip.errors import Malformed
from safepip.model.ident import FileName, ProjectName, parse_version

LARGEST_METADATA = 8 * 1024 * 1024
_LOCAL_HEADER = 30
# How `seek` refuses a place before the beginning, to which a directory may lead.
_NOT_OF_A_DISK = frozenset({None, errno.EINVAL})
_SLACK = 1024  # the extra field of the local header may be longer than that of the central directory


class Missing(Exception):  # noqa: N818 - not a fault: it says which bytes are needed next
    """The bytes from `start` to `end` (exclusive) are not here yet."""

    def __init__(self, start: int, end: int) -> None:
        super().__init__(f"bytes {start} to {end}")
        self.start = start
        self.end = end


class Sparse(io.RawIOBase):
    """A file of which only some pieces are known. Reading beyond them raises `Missing`."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self._pieces: list[tuple[int, bytes]] = []
        self._position = 0

    def add(self, start: int, piece: bytes) -> None:
        """Pieces that touch become one."""
        pieces = sorted([*self._pieces, (start, piece)], key=lambda one: one[0])
        joined: list[tuple[int, bytes]] = []
        for begin, content in pieces:
            if joined and begin <= joined[-1][0] + len(joined[-1][1]):
                before, known = joined[-1]
                joined[-1] = (before, known + content[max(0, before + len(known) - begin) :])
            else:
                joined.append((begin, content))
        self._pieces = joined

    def require(self, start: int, end: int) -> None:
        """Raises Missing, with the part that is really missing, unless all these bytes are here."""
        end = min(end, self.size)
        for begin, content in self._pieces:
            if begin <= start < begin + len(content):
                start = min(end, begin + len(content))
            elif start < begin < end:
                break
        if start < end:
            later = [begin for begin, _ in self._pieces if start < begin < end]
            raise Missing(start, min([end, *later]))

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        if base + offset < 0:
            raise OSError("negative seek position")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type] # the stub of RawIOBase names no buffer type
        end = min(self._position + len(view), self.size)
        count = max(0, end - self._position)
        if count:
            self.require(self._position, end)
            begin, content = next(one for one in self._pieces if one[0] <= self._position < one[0] + len(one[1]))
            offset = self._position - begin
            view[:count] = content[offset : offset + count]
            self._position = end
        return count


def read_metadata(file: Path | Sparse, name: FileName) -> bytes:
    """The bytes of METADATA. Raises Malformed for a broken archive, Missing for a `Sparse`, OSError for a disk."""
    try:
        with zipfile.ZipFile(cast("Path | IO[bytes]", file)) as archive:
            member = _member(archive, name)
            if isinstance(file, Sparse):
                begin = member.header_offset
                file.require(begin, begin + _LOCAL_HEADER + len(member.filename) * 4 + _SLACK + member.compress_size)
            with archive.open(member) as stream:
                raw = stream.read(LARGEST_METADATA + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as fault:
        if isinstance(fault, Malformed):
            raise
        raise _unreadable(name, fault) from None
    except OSError as fault:
        if fault.errno not in _NOT_OF_A_DISK:
            raise
        raise _unreadable(name, fault) from None
    if len(raw) > LARGEST_METADATA:
        raise _too_large(name)
    return raw


def _member(archive: zipfile.ZipFile, name: FileName) -> zipfile.ZipInfo:
    """The METADATA of the one .dist-info folder that belongs to this file name."""
    found = [one for one in archive.infolist() if one.filename.endswith(".dist-info/METADATA")]
    mine = [one for one in found if _belongs(one.filename, name)]
    if len(mine) != 1:
        raise Malformed(f"{name.text!r} has {len(mine)} METADATA files of its own instead of one")
    if mine[0].file_size > LARGEST_METADATA:
        raise _too_large(name)
    if mine[0].compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise Malformed(f"{name.text!r} has METADATA that is compressed by method {mine[0].compress_type}")
    return mine[0]


def _unreadable(name: FileName, fault: Exception) -> Malformed:
    return Malformed(f"{name.text!r} is not a readable wheel ({str(fault)[:120]!r})")


def _too_large(name: FileName) -> Malformed:
    return Malformed(f"{name.text!r} has more than {LARGEST_METADATA:,} bytes of METADATA")


def _belongs(path: str, name: FileName) -> bool:
    folder = path.removesuffix("/METADATA").removesuffix(".dist-info")
    project, dash, version = folder.partition("-")
    try:
        return bool(dash) and ProjectName.parse(project) == name.project and parse_version(version) == name.version
    except ValueError:
        return False
