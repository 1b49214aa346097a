"""The members of a zip archive, one after the other as they lie in the file: unpacked, verified, and hashed."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from safepip.formats.membername import shown
from safepip.formats.zipheaders import STORED, Entry, Faults, local_header

if TYPE_CHECKING:
    from hashlib import _Hash

_BATCH = 1024 * 1024  # packed bytes that are read at once
_WHOLE = 4 * 1024 * 1024  # members up to this size are unpacked at once
_PIECE = 256 * 1024  # and larger ones in such pieces
_RAW = -15  # a bare deflate stream, as zip has it


@dataclass(frozen=True, slots=True, kw_only=True)
class ZipMember:
    """One member whose bytes were read. `size` unpacked, `packed` as in the archive, both in bytes.

    name:   without the "/" that closes a folder's
    mode:   st_mode as an installer takes it, 0 where none is stated
    sha256: 32 bytes, empty for a folder
    """

    name: str
    is_folder: bool
    size: int
    packed: int
    mode: int
    sha256: bytes


class _Unsound(Exception):  # noqa: N818 - a fault of the archive, and told as one
    """The member cannot be unpacked to what the directory says of it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(slots=True, kw_only=True)
class Walk:
    """The one pass over the members. `file` takes in every byte that is read, in order."""

    handle: BinaryIO
    keep: Callable[[str], int | None]
    faults: Faults
    file: _Hash = field(default_factory=hashlib.sha256)
    members: list[ZipMember] = field(default_factory=list)
    kept: dict[str, bytes] = field(default_factory=dict)

    def members_of(self, entries: list[Entry], spans: list[int]) -> None:
        """Read all members. `spans`: their lengths in the file, with their headers. Stops soon after a broken one."""
        for batch in _batches(entries, spans):
            one, span = entries[batch.start], spans[batch.start]
            try:
                if _is_large(one, span):
                    self._large(one, span)
                else:
                    self._small(entries[batch], spans[batch])
            except _Unsound as fault:
                self.faults.structure(fault.code, str(fault))
            if self.faults.broken:
                return

    def _small(self, entries: list[Entry], spans: list[int]) -> None:
        """Some members that were read together, each in memory as a whole. Every broken one of them is told."""
        blob = self._read(sum(spans))
        at = 0
        for entry, span in zip(entries, spans, strict=True):
            data_at = at + span - entry.packed
            same = len(entry.header) == data_at - at and blob.startswith(entry.header, at)
            sound = same or local_header(entry, blob[at:data_at], self.faults)
            at += span
            if not sound:
                continue
            data = blob[data_at:at]
            try:
                body = data if entry.method == STORED else _unpacked(entry, data)
                if zlib.crc32(body) != entry.crc:
                    raise _wrong_crc(entry)
            except _Unsound as fault:
                self.faults.structure(fault.code, str(fault))
                continue
            self._take(entry, hashlib.sha256(body).digest(), body)

    def _large(self, entry: Entry, span: int) -> None:
        """One member, in pieces. Raises _Unsound."""
        header = self._read(span - entry.packed)
        if header != entry.header and not local_header(entry, header, self.faults):
            return
        digest, crc, size = hashlib.sha256(), 0, 0
        limit = self.keep(entry.name)
        kept: list[bytes] | None = [] if limit is not None and entry.size <= limit else None
        for piece in self._pieces(entry):
            size += len(piece)
            if size > entry.size:
                break
            crc = zlib.crc32(piece, crc)
            digest.update(piece)
            if kept is not None:
                kept.append(piece)
        if size != entry.size:
            raise _wrong_size(entry)
        if crc != entry.crc:
            raise _wrong_crc(entry)
        self._take(entry, digest.digest(), b"".join(kept or ()))

    def _pieces(self, entry: Entry) -> Iterator[bytes]:
        """A member's bytes, unpacked, no more than a piece at a time. Raises _Unsound."""
        left = entry.packed
        stream = zlib.decompressobj(_RAW)
        while left:
            packed = self._read(min(left, _PIECE))
            left -= len(packed)
            if entry.method == STORED:
                yield packed
                continue
            while packed:
                yield _inflate(entry, stream, packed)
                packed = stream.unconsumed_tail
                if stream.eof and (stream.unused_data or packed or left):
                    raise _beyond_end(entry)
        while entry.method != STORED and not stream.eof:
            piece = _inflate(entry, stream, b"")
            if not piece:
                raise _cut_off(entry)
            yield piece

    def _take(self, entry: Entry, sha256: bytes, body: bytes) -> None:
        """A member that is sound. `body`: all of it, or nothing where it is not asked for."""
        is_folder = entry.raw.endswith(b"/")
        if not is_folder and (limit := self.keep(entry.name)) is not None:
            if entry.size > limit:
                message = f"{shown(entry.name)} has {entry.size:,} bytes; {limit:,} are allowed"
                self.faults.note("member-too-large", message)
            else:
                self.kept[entry.name] = body
        self.members.append(
            ZipMember(
                name=entry.name[:-1] if is_folder else entry.name,
                is_folder=is_folder,
                size=entry.size,
                packed=entry.packed,
                mode=entry.attributes >> 16,
                sha256=b"" if is_folder else sha256,
            )
        )

    def _read(self, count: int) -> bytes:
        """Exactly so many bytes, which the digest of the file takes in. Raises _Unsound where there are fewer."""
        piece = self.handle.read(count)
        if len(piece) != count:
            raise _Unsound("zip-truncated", "the file became shorter while it was read")
        self.file.update(piece)
        return piece


def _is_large(entry: Entry, span: int) -> bool:
    return span > _BATCH or entry.size > _WHOLE


def _batches(entries: list[Entry], spans: list[int]) -> Iterator[slice]:
    """Neighbours that are read together; a large member alone."""
    first, held = 0, 0
    for index, (entry, span) in enumerate(zip(entries, spans, strict=True)):
        large = _is_large(entry, span)
        if index > first and (large or held + span > _BATCH):
            yield slice(first, index)
            first, held = index, 0
        held += span
        if large:
            yield slice(index, index + 1)
            first, held = index + 1, 0
    if first < len(entries):
        yield slice(first, len(entries))


def _unpacked(entry: Entry, packed: bytes) -> bytes:
    """The whole of a small member. Raises _Unsound."""
    stream = zlib.decompressobj(_RAW)
    try:
        # One byte more than declared: enough to see that there is more, and for the stream to reach its end.
        body = stream.decompress(packed, entry.size + 1)
    except zlib.error as error:
        raise _bad_stream(entry, error) from None
    if len(body) > entry.size:
        raise _wrong_size(entry)
    if not stream.eof:
        raise _cut_off(entry)
    if stream.unused_data or stream.unconsumed_tail:
        raise _beyond_end(entry)
    if len(body) != entry.size:
        raise _wrong_size(entry)
    return body


def _inflate(entry: Entry, stream: zlib._Decompress, packed: bytes) -> bytes:
    try:
        return stream.decompress(packed, _PIECE)
    except zlib.error as error:
        raise _bad_stream(entry, error) from None


def _bad_stream(entry: Entry, error: zlib.error) -> _Unsound:
    return _Unsound("zip-deflate", f"{shown(entry.name)} is not compressed as it should be ({error})")


def _cut_off(entry: Entry) -> _Unsound:
    return _Unsound("zip-deflate", f"{shown(entry.name)} is cut off: its compressed data has no end")


def _beyond_end(entry: Entry) -> _Unsound:
    return _Unsound("zip-deflate", f"{shown(entry.name)} has bytes after the end of its compressed data")


def _wrong_size(entry: Entry) -> _Unsound:
    return _Unsound("zip-size", f"{shown(entry.name)} does not have the {entry.size:,} bytes that are declared")


def _wrong_crc(entry: Entry) -> _Unsound:
    return _Unsound("zip-crc", f"{shown(entry.name)} does not have the CRC that is declared")
