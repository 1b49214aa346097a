"""The headers of the members of a zip archive (PKWARE APPNOTE 6.3.10): in its central directory and before their data.

A zip archive can be read from its end, by the central directory, or from its beginning, by the headers of the members.
Here it is sound only where both ways lead to the same members and every byte has exactly one meaning.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from safepip.formats.membername import shown
from safepip.model.contents import Fault

STORED, DEFLATED = 0, 8
MOST_FAULTS = 20

LOCAL, CENTRAL, END, END64 = (b"PK\3\4", b"PK\1\2", b"PK\5\6", b"PK\6\6")
LOCAL_SIZE = 30
MOST_EXTRA = 0xFFFF
_CENTRAL_SIZE = 46
_CENTRAL_FORM = struct.Struct("<4s6H3I5H2I")
_LOCAL_FORM = struct.Struct("<4s5H3I2H")
NONE32 = 0xFFFFFFFF  # "look in the zip64 field"

_ENCRYPTED, _DESCRIPTOR, _UTF8 = 0x2041, 0x0008, 0x0800  # 0x2041: encrypted, strongly so, with its headers masked
_LEVEL = 0x0006  # how hard the compressor tried; some writers set it on stored members as well
_ALLOWED_FLAGS = _UTF8 | _LEVEL
_NEWEST = 63  # APPNOTE 4.4.3.2; in the low byte
_ZIP64 = 0x0001
# Times and the numeric owner, as Info-ZIP's `zip` writes them: real wheels have them, and no reader of wheels looks.
# With the most bytes that each can need: three times of 4 bytes, two numbers of 8; in more, anything could hide.
_HARMLESS = {0x5455: 1 + 3 * 4, 0x7875: 1 + 2 * (1 + 8)}


class Faults:
    """What was found so far, the first `MOST_FAULTS` of it. `broken`: so that nothing inside can be told for sure."""

    def __init__(self) -> None:
        self.found: list[Fault] = []
        self.broken = False

    def note(self, code: str, message: str) -> None:
        if len(self.found) < MOST_FAULTS:
            self.found.append(Fault(code=code, message=message))

    def structure(self, code: str, message: str) -> None:
        self.broken = True
        self.note(code, message)


class Entry(NamedTuple):
    """A member, by its entry in the central directory. Sizes and `start` in bytes, zip64 resolved.

    header: the very bytes of a local header that repeats the entry and has no extra field; empty with zip64
    """

    start: int
    name: str
    raw: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    attributes: int
    header: bytes


def read_directory(body: bytes, count: int, faults: Faults) -> list[Entry]:
    """The entries of the central directory `body`, of which there have to be `count`. Stops at what is no entry."""
    entries: list[Entry] = []
    position, end = 0, len(body)
    unpack = _CENTRAL_FORM.unpack_from
    while position < end and len(entries) <= count:
        if end - position < _CENTRAL_SIZE or not body.startswith(CENTRAL, position):
            faults.structure(*_no_entry(body, position))
            return entries
        (_, _, version, flags, method, _, _, crc, packed, size, name_length, extra_length, comment, disk, _, attributes,
         start) = unpack(body, position)  # fmt: skip
        name_at = position + _CENTRAL_SIZE
        extra_at = name_at + name_length
        raw = body[name_at:extra_at]
        header = b"%s%s\0\0%s" % (LOCAL, body[position + 6 : position + 30], raw)
        position = extra_at + extra_length + comment
        if position > end:
            faults.structure("zip-directory", "the central directory ends within an entry")
            return entries
        name = raw.decode("ascii") if raw.isascii() else _unicode(raw, flags, faults)
        if flags & ~_ALLOWED_FLAGS or method not in {STORED, DEFLATED} or version & 0xFF > _NEWEST or comment or disk:
            _judge(name, version, flags, method, comment, disk, faults)
        if extra_length or NONE32 in {packed, size, start}:
            extra = body[extra_at : extra_at + extra_length]
            if NONE32 in {packed, size, start}:
                header = b""
            size, packed, start = _central_sizes(name, (size, packed, start), extra, faults)
        entries.append(Entry(start, name, raw, flags, method, crc, packed, size, attributes, header))
    if len(entries) != count or position != end:
        more = "more" if position != end else f"{len(entries):,}"
        faults.structure("zip-count", f"the end record counts {count:,} members, the central directory has {more}")
    return entries


def _no_entry(body: bytes, position: int) -> tuple[str, str]:
    if body.startswith((END, END64), position):
        return "zip-stacked", "there is another end record within the central directory"
    return "zip-directory", f"the central directory holds something that is no entry, at its byte {position:,}"


def _unicode(raw: bytes, flags: int, faults: Faults) -> str:
    """A name that is not plain ASCII: UTF-8, and declared as such, or readers take it for different ones."""
    try:
        name = raw.decode("utf-8")
    except UnicodeDecodeError:
        name = raw.decode("utf-8", "replace")
        faults.structure("name-encoding", f"the name {shown(name)} is not UTF-8")
        return name
    if not flags & _UTF8:
        faults.structure("name-encoding", f"the name {shown(name)} is not ASCII, and not declared to be UTF-8")
    return name


def _judge(name: str, version: int, flags: int, method: int, comment: int, disk: int, faults: Faults) -> None:
    if flags & _ENCRYPTED:
        faults.structure("zip-encrypted", f"{shown(name)} is encrypted")
    if flags & _DESCRIPTOR:
        message = f"{shown(name)} has a data descriptor: where it ends depends on the reader"
        faults.structure("zip-data-descriptor", message)
    if unknown := flags & ~_ALLOWED_FLAGS & ~_ENCRYPTED & ~_DESCRIPTOR:
        faults.structure("zip-flags", f"{shown(name)} has flags that wheels do not use (0x{unknown:04x})")
    if method not in {STORED, DEFLATED}:
        faults.structure("zip-method", f"{shown(name)} is compressed by method {method}; wheels use 0 and 8")
    if version & 0xFF > _NEWEST:
        message = f"{shown(name)} asks for version {version & 0xFF} of the format; {_NEWEST} is the newest that exists"
        faults.structure("zip-version", message)
    if comment:
        faults.structure("zip-comment", f"{shown(name)} has a comment of {comment} bytes")
    if disk:
        faults.structure("zip-end-record", f"{shown(name)} claims to be on disk {disk}")


def _central_sizes(name: str, stated: tuple[int, int, int], extra: bytes, faults: Faults) -> tuple[int, int, int]:
    """(size, packed size, start) of a member: zip64's for those that the entry leaves to it, and for no other."""
    zip64 = extra_fields(name, extra, faults)
    wanted = stated.count(NONE32)
    if zip64 is None and not wanted:
        return stated
    if zip64 is None or not wanted or len(zip64) != 8 * wanted:
        faults.structure("zip64", f"{shown(name)} has a zip64 field that does not fit its entry")
        return stated
    values = iter(struct.unpack(f"<{wanted}Q", zip64))
    size, packed, start = (next(values) if one == NONE32 else one for one in stated)
    return size, packed, start


def extra_fields(name: str, extra: bytes, faults: Faults) -> bytes | None:
    """The zip64 field, None where there is none. Other fields are refused, but for a few that are known as harmless."""
    zip64: bytes | None = None
    position = 0
    while position < len(extra):
        kind, size = struct.unpack_from("<2H", extra.ljust(position + 4, b"\xff"), position)
        body = extra[position + 4 : position + 4 + size]
        position += 4 + size
        if position > len(extra):
            faults.structure("zip-extra-field", f"{shown(name)} has extra fields that do not add up")
        elif kind == _ZIP64 and zip64 is None:
            zip64 = body
        elif kind == _ZIP64 or kind not in _HARMLESS:
            text = f"{shown(name)} has an extra field that wheels do not use (0x{kind:04x})"
            faults.structure("zip-extra-field", text)
        elif size > _HARMLESS[kind]:
            text = f"{shown(name)} has an extra field of {size:,} bytes, which needs {_HARMLESS[kind]} (0x{kind:04x})"
            faults.structure("zip-extra-field", text)
    return zip64


def local_header(entry: Entry, header: bytes, faults: Faults) -> bool:
    """Whether a local header that is not simply `entry.header` agrees with the entry all the same.

    `header`: everything from the header's first byte to the member's data, by the directory.
    """
    member = shown(entry.name)
    if len(header) < LOCAL_SIZE or not header.startswith(LOCAL):
        faults.structure("zip-header-mismatch", f"{member} has no header of its own where the directory places it")
        return False
    fields: tuple[int, ...] = _LOCAL_FORM.unpack_from(header)[1:]
    _, flags, method, _, _, crc, packed, size, name_length, extra_length = fields
    length = LOCAL_SIZE + name_length + extra_length
    differing = [
        what
        for what, here, there in (
            ("name", header[LOCAL_SIZE : LOCAL_SIZE + name_length], entry.raw),
            ("flags", flags, entry.flags),
            ("method", method, entry.method),
            ("CRC", crc, entry.crc),
        )
        if here != there
    ]
    if not differing and length != len(header):
        code, what = (
            ("zip-overlap", "overlaps") if length > len(header) else ("zip-gap", "leaves bytes between itself and")
        )
        faults.structure(code, f"{member} {what} what comes after it")
        return False
    if not differing:
        zip64 = extra_fields(entry.name, header[LOCAL_SIZE + name_length :], faults)
        differing = _local_sizes(entry, size, packed, zip64)
    if differing:
        message = f"the header of {member} and the central directory differ in {', '.join(differing)}"
        faults.structure("zip-header-mismatch", message)
    return not differing


def _local_sizes(entry: Entry, size: int, packed: int, zip64: bytes | None) -> list[str]:
    """Which sizes differ. A local zip64 field has both (4.5.3), also where it turned out not to be needed."""
    if zip64 is None:
        large, large_packed = size, packed
    elif len(zip64) == 16:
        large, large_packed = struct.unpack("<2Q", zip64)
    else:
        return ["the zip64 field"]
    sizes = size in {large, NONE32} and large == entry.size
    packed_sizes = packed in {large_packed, NONE32} and large_packed == entry.packed
    return [what for what, same in (("size", sizes), ("packed size", packed_sizes)) if not same]
