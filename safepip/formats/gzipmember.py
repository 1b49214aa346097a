"""The one gzip member that an sdist is (RFC 1952): header, deflate stream and trailer checked, and nothing after it.

`gzip` of the standard library reads on into a second member, and passes over zeros after the last one. Here a file
is one member from its first byte to its last, so that every reader sees the same.
"""

from __future__ import annotations

import hashlib
import zlib
from typing import BinaryIO

from safepip.errors import Malformed
from safepip.model.ident import Sha256

LARGEST_UNPACKED = 4 * 1024**3
# Deflate reaches about 1,030; honest sdists stay below 100, but small ones may well hold a file of zeros.
HIGHEST_RATIO = 250
ALWAYS_ALLOWED = 64 * 1024**2
_CHUNK = 64 * 1024
_LONGEST_TEXT = 4096
_MAGIC = b"\x1f\x8b"
_HEADER_CHECK, _EXTRA, _NAME, _COMMENT, _RESERVED = 0x02, 0x04, 0x08, 0x10, 0xE0


class BadArchive(Malformed):
    """An archive that cannot be read on. `code` is one of docs/sdists.md."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class GzipMember:
    """The unpacked bytes, in order and once. Memory: a few pieces of 64 KiB.

    Raises BadArchive (tar-gzip, tar-truncated, tar-trailing, tar-stacked, bomb, too-large); OSError passes.
    """

    def __init__(self, handle: BinaryIO) -> None:
        handle.seek(0)
        self._handle = handle
        self._digest = hashlib.sha256()
        self._packed = 0
        self._raw = b""
        self._header()
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        self._checksum = 0
        self._unpacked = 0
        self._ready = memoryview(b"")

    def read(self, count: int) -> bytes:
        """`count` bytes, or fewer at the end."""
        parts = []
        while count:
            piece = self.some(count)
            if not piece:
                break
            parts.append(piece)
            count -= len(piece)
        return b"".join(parts)

    def some(self, most: int) -> bytes:
        """Between 1 and `most` bytes, as they come; b"" at the end alone."""
        if not self._ready:
            self._ready = memoryview(self._inflated())
        piece, self._ready = self._ready[:most], self._ready[most:]
        return bytes(piece)

    def finish(self) -> Sha256:
        """The digest of the whole file, once everything was read: the trailer agrees, and nothing follows it."""
        self._raw = self._inflater.unused_data
        trailer = self._take(8)
        if int.from_bytes(trailer[:4], "little") != self._checksum:
            raise BadArchive("tar-gzip", "the checksum at the end of the gzip stream is not that of its content")
        if int.from_bytes(trailer[4:], "little") != self._unpacked % 2**32:
            raise BadArchive("tar-gzip", "the size at the end of the gzip stream is not that of its content")
        after = self._raw or self._more()
        if after.startswith(_MAGIC):
            raise BadArchive("tar-stacked", "a second gzip member follows the first")
        if after:
            raise BadArchive("tar-trailing", "bytes follow the end of the gzip stream")
        return Sha256(self._digest.hexdigest())

    def _inflated(self) -> bytes:
        """The next piece; b"" at the end of the deflate stream."""
        while not self._inflater.eof:
            packed = self._inflater.unconsumed_tail or self._raw or self._more()
            self._raw = b""
            if not packed:
                raise BadArchive("tar-truncated", "the gzip stream ends in the middle")
            try:
                piece = self._inflater.decompress(packed, _CHUNK)
            except zlib.error as error:
                raise BadArchive("tar-gzip", f"the gzip stream cannot be unpacked: {error}") from None
            if piece:
                self._count(piece)
                return piece
        return b""

    def _count(self, piece: bytes) -> None:
        self._checksum = zlib.crc32(piece, self._checksum)
        self._unpacked += len(piece)
        if self._unpacked > max(ALWAYS_ALLOWED, HIGHEST_RATIO * self._packed):
            raise BadArchive("bomb", f"it unpacks to more than {HIGHEST_RATIO} times its size")
        if self._unpacked > LARGEST_UNPACKED:
            raise BadArchive("too-large", f"it unpacks to more than {LARGEST_UNPACKED:,} bytes")

    def _more(self) -> bytes:
        chunk = self._handle.read(_CHUNK)
        self._digest.update(chunk)
        self._packed += len(chunk)
        return chunk

    def _take(self, count: int) -> bytes:
        while len(self._raw) < count:
            chunk = self._more()
            if not chunk:
                raise BadArchive("tar-truncated", "the gzip stream ends in the middle")
            self._raw += chunk
        taken, self._raw = self._raw[:count], self._raw[count:]
        return taken

    def _header(self) -> None:
        self._raw = self._more()
        if not self._raw.startswith(_MAGIC):
            raise BadArchive("tar-gzip", "it is not gzip, which a .tar.gz is")
        fixed = self._take(10)
        method, flags = fixed[2], fixed[3]
        if method != 8 or flags & _RESERVED:
            raise BadArchive("tar-gzip", "its gzip header has a method or flags that do not exist")
        before = fixed
        if flags & _EXTRA:
            length = self._take(2)
            before += length + self._take(int.from_bytes(length, "little"))
        for flag in (_NAME, _COMMENT):
            if flags & flag:
                before += self._text()
        if flags & _HEADER_CHECK and int.from_bytes(self._take(2), "little") != zlib.crc32(before) & 0xFFFF:
            raise BadArchive("tar-gzip", "the checksum of its gzip header is wrong")

    def _text(self) -> bytes:
        """A zero-terminated text of the header."""
        while b"\0" not in self._raw and len(self._raw) <= _LONGEST_TEXT:
            chunk = self._more()
            if not chunk:
                raise BadArchive("tar-truncated", "the gzip header ends in the middle")
            self._raw += chunk
        end = self._raw.find(b"\0") + 1
        if not 0 < end <= _LONGEST_TEXT:
            raise BadArchive("tar-gzip", f"its gzip header holds a text of more than {_LONGEST_TEXT} bytes")
        return self._take(end)
