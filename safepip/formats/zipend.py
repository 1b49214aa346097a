"""The end of a zip archive (PKWARE APPNOTE 6.3.10, 4.3.14 to 4.3.16): where every reader begins.

There may be one only, at the very end, and it has to account for every byte between the directory and itself.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

from safepip.formats.zipheaders import CENTRAL, END, END64, LOCAL, NONE32, Faults

MOST_MEMBERS = 100_000
LARGEST_DIRECTORY = 32 * 1024 * 1024

_LOCATOR64 = b"PK\6\7"
END_SIZE = 22  # without its comment
_END64_SIZE, _LOCATOR_SIZE = 56, 20
_END_FORM = struct.Struct("<4H2IH")
_END64_FORM = struct.Struct("<4sQ2H2I4Q")
_LOCATOR_FORM = struct.Struct("<4sIQI")
_LONGEST_COMMENT = 0xFFFF
_NONE16 = 0xFFFF  # "look in the zip64 record", as NONE32


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """Where the central directory lies. `records`: the bytes after it, up to the end of the file."""

    start: int
    size: int
    count: int
    records: bytes


class _Sizes(NamedTuple):
    disk: int
    directory_disk: int
    here: int
    members: int
    size: int
    offset: int


def read_end(handle: BinaryIO, length: int, faults: Faults) -> End | None:
    """The end records of a file of `length` bytes, None where they are not sound (and the faults say why)."""
    handle.seek(max(0, length - END_SIZE - _LOCATOR_SIZE - _END64_SIZE))
    tail = handle.read(END_SIZE + _LOCATOR_SIZE + _END64_SIZE)
    if not (tail[-END_SIZE:].startswith(END) and tail.endswith(b"\0\0") and len(tail) >= END_SIZE):
        faults.structure(*_no_end(handle, length))
        return None
    if tail.rfind(END) != len(tail) - END_SIZE:
        faults.structure("zip-end-record", "a second end record could be read inside the end record")
        return None
    sizes = _Sizes(*_END_FORM.unpack_from(tail, len(tail) - END_SIZE + 4)[:6])
    records = tail[-END_SIZE:]
    if tail[:-END_SIZE][-_LOCATOR_SIZE:].startswith(_LOCATOR64):
        found = _zip64(tail, length, sizes)
        if isinstance(found, str):
            faults.structure("zip64", found)
            return None
        sizes, records = found, tail
    elif NONE32 in {sizes.size, sizes.offset}:
        faults.structure("zip64", "the end record refers to a zip64 record that is not there")
        return None
    if not _one_disk(sizes, faults) or not _in_place(handle, length, sizes, records, faults):
        return None
    return End(start=sizes.offset, size=sizes.size, count=sizes.members, records=records)


def _zip64(tail: bytes, length: int, plain: _Sizes) -> _Sizes | str:
    """What the zip64 records say, or why they cannot be relied on."""
    if len(tail) < _END64_SIZE + _LOCATOR_SIZE + END_SIZE or not tail.startswith(END64):
        return "the zip64 end record is not right before its locator"
    _, size, _, _, *rest = _END64_FORM.unpack_from(tail)
    _, disk, offset, disks = _LOCATOR_FORM.unpack_from(tail, _END64_SIZE)
    if size != _END64_SIZE - 12:
        return "the zip64 end record has a length of its own"
    if offset != length - len(tail) or disk != 0 or disks != 1:
        return "the zip64 locator points elsewhere"
    sizes = _Sizes(*rest)
    limits = (_NONE16, _NONE16, _NONE16, _NONE16, NONE32, NONE32)
    if any(one not in {other, limit} for one, other, limit in zip(plain, sizes, limits, strict=True)):
        return "the end record and the zip64 end record say different things"
    return sizes


def _one_disk(sizes: _Sizes, faults: Faults) -> bool:
    if sizes.disk or sizes.directory_disk:
        faults.structure("zip-end-record", "the archive claims to be one of several disks")
    if sizes.here != sizes.members:
        faults.structure("zip-count", f"the end record counts {sizes.here} members, and {sizes.members}")
    if max(sizes.here, sizes.members) > MOST_MEMBERS or sizes.size > LARGEST_DIRECTORY:
        faults.structure("too-many-members", f"there are {sizes.members:,} members; {MOST_MEMBERS:,} are allowed")
    return not faults.broken


def _no_end(handle: BinaryIO, length: int) -> tuple[str, str]:
    """Why there is no end record at the very end."""
    reach = min(length, _LONGEST_COMMENT + 2 * END_SIZE)
    handle.seek(length - reach)
    tail = handle.read(reach)
    at = tail.rfind(END, 0, max(0, len(tail) - END_SIZE + len(END)))
    if at >= 0:
        comment = int.from_bytes(tail[at + 20 : at + 22], "little")
        after = len(tail) - at - END_SIZE
        if comment and comment == after:
            return "zip-comment", f"the archive has a comment of {comment} bytes, in which anything could hide"
        if comment < after:
            return "zip-trailer", f"there are {after - comment} bytes after the end of the archive"
        return "zip-truncated", "the archive is cut off within its comment"
    handle.seek(0)
    if handle.read(4) == LOCAL:
        return "zip-truncated", "the archive has no end record: it is cut off, or more than a comment follows it"
    return "zip-end-record", "this is no zip archive: it has no end record"


def _in_place(handle: BinaryIO, length: int, sizes: _Sizes, records: bytes, faults: Faults) -> bool:
    """Whether the directory ends where the end records begin; says what is between them where it does not."""
    over = length - len(records) - sizes.size - sizes.offset
    if over == 0:
        return True
    if over < 0:
        faults.structure("zip-end-record", "the end record places the central directory beyond itself")
        return False
    handle.seek(sizes.offset)
    stated = handle.read(4)
    handle.seek(sizes.offset + sizes.size)
    gap = handle.read(len(END))
    handle.seek(0)
    first = handle.read(4)
    if _in_comment(handle, length):
        faults.structure("zip-comment", "the last end record lies within the comment of another")
    elif gap == END:
        faults.structure("zip-stacked", "there is an end record before the last one")
    elif stated == CENTRAL:
        faults.structure("zip-gap", f"there are {over} bytes between the central directory and the end record")
    elif first == LOCAL:
        faults.structure("zip-stacked", "there is another archive before this one")
    else:
        faults.structure("zip-prefix", f"there are {over} bytes before the archive")
    return False


def _in_comment(handle: BinaryIO, length: int) -> bool:
    """Whether an end record before the last one says that its comment goes on to the end of the file."""
    reach = min(length, _LONGEST_COMMENT + END_SIZE)
    handle.seek(length - reach)
    tail = handle.read(reach)
    at = tail.find(END)
    while 0 <= at < len(tail) - END_SIZE:
        if int.from_bytes(tail[at + 20 : at + 22], "little") == len(tail) - at - END_SIZE:
            return True
        at = tail.find(END, at + 1)
    return False
