"""One 512-byte header of a tar archive, and the extended headers before it (POSIX.1-2017, pax; GNU tar manual).

Strict, because `tarfile` is not: a number that it cannot read makes it take the header for the end of the archive,
and it joins two halves of a name where other readers see but one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from safepip.formats.gzipmember import BadArchive
from safepip.formats.membername import shown

BLOCK = 512
_POSIX = b"ustar\x0000"
_GNU = b"ustar  \x00"
_OLD = bytes(8)
_NUMBER = re.compile(rb" *([0-7]*)[ \0]*")
# mode, uid, gid, mtime and the device numbers: (first byte, end, whether it may be negative, as times are)
_OTHERS = ((108, 116, False), (116, 124, False), (136, 148, True), (329, 337, False), (337, 345, False))
_DECIMAL = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{0,20})?")
_WHOLE = re.compile(r"[0-9]{1,20}")
_LENGTH = re.compile(rb"([1-9][0-9]{0,7}) ")
_GIT = re.compile(rb"(?:see )?[0-9a-f]{40}(?:[0-9a-f]{24})?\.(?:data|paxheader)")
# `tarfile` and GNU tar cut at 100 bytes; one that cuts between characters may stop a little earlier.
_SHORTEST_CUT = 96

_TIMES = frozenset({"mtime", "atime", "ctime", "LIBARCHIVE.creationtime"})
_NUMBERS = frozenset({"uid", "gid", "size"})
_TEXTS = frozenset({"path", "linkpath", "uname", "gname", "comment"})
_ATTRIBUTES = ("SCHILY.xattr.", "LIBARCHIVE.xattr.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a header says: `name` and `target` as bytes, `kind` its type flag, `size` of what follows, in bytes."""

    name: bytes
    target: bytes
    kind: bytes
    mode: int
    size: int


def parse_header(block: bytes) -> Header:
    """`block`: 512 bytes that are not all zero. Raises BadArchive."""
    stated = _number(block[148:156], "checksum", required=True)
    if stated != sum(block) - sum(block[148:156]) + 8 * ord(" "):
        raise BadArchive("tar-header", "a header does not have the checksum that it states")
    for start, end, may_be_negative in _OTHERS:
        _number(block[start:end], "field", may_be_negative=may_be_negative)
    return Header(
        name=_name(block),
        target=_text(block[157:257]),
        kind=block[156:157],
        mode=_number(block[100:108], "mode"),
        size=_number(block[124:136], "size", required=True),
    )


def _name(block: bytes) -> bytes:
    magic, prefix = block[257:265], _text(block[345:500])
    if magic not in {_POSIX, _GNU, _OLD}:
        raise BadArchive("tar-header", "a header is of no format that tar archives have")
    if magic == _POSIX and block[508:512] == b"tar\0":
        raise BadArchive("tar-header", "a header is of a format (xstar) that readers disagree about")
    if magic != _POSIX and prefix:
        raise BadArchive("tar-header", "a header has a second half of a name, which its format does not know")
    name = _text(block[:100])
    return prefix + b"/" + name if prefix else name


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _number(field: bytes, what: str, *, required: bool = False, may_be_negative: bool = False) -> int:
    """Octal digits between spaces and NULs, or GNU's base 256, which the first byte announces."""
    if field[0] == 0x80 or (field[0] == 0xFF and may_be_negative):
        return int.from_bytes(field[1:], "big", signed=field[0] == 0xFF)
    match = _NUMBER.fullmatch(field)
    if match is None or (required and not match[1]):
        raise BadArchive("tar-header", f"a header has a {what} that is no number: {field[:24]!r}")
    return int(match[1] or b"0", 8)


def parse_long_name(raw: bytes) -> bytes:
    """The content of a GNU header L or K: one text, closed by one NUL. Raises BadArchive."""
    if raw.find(b"\0") != len(raw) - 1 or len(raw) < 2:
        raise BadArchive("tar-override", "a long name is not one text that a NUL closes")
    return raw[:-1]


def parse_pax(raw: bytes, *, common: bool) -> Mapping[str, str]:
    """The records of a pax header. `common`: of the global kind, where a comment alone is honest. Raises BadArchive."""
    records: dict[str, str] = {}
    position = 0
    while position < len(raw):
        key, value, position = _record(raw, position)
        if key in records:
            raise BadArchive("tar-override", f"a pax header has {shown(key)} twice")
        _check_record(key, value, common=common)
        records[key] = value
    return records


def _record(raw: bytes, start: int) -> tuple[str, str, int]:
    """(key, value, where the next one starts). The length at the beginning counts the whole record."""
    length = _LENGTH.match(raw, start)
    end = start + int(length[1]) if length else 0
    if length is None or not length.end() < end <= len(raw) or raw[end - 1 : end] != b"\n":
        raise BadArchive("tar-override", "a pax header has a record whose length is wrong")
    key, equals, value = raw[length.end() : end - 1].partition(b"=")
    if not equals or not key:
        raise BadArchive("tar-override", "a pax header has a record without a key")
    try:
        name = key.decode("utf-8")
        binary = name.startswith(_ATTRIBUTES)  # an attribute of a file: any bytes, and nobody installs it
        return name, "" if binary else value.decode("utf-8"), end
    except UnicodeDecodeError:
        raise BadArchive("tar-override", "a pax header has a record that is not UTF-8") from None


def _check_record(key: str, value: str, *, common: bool) -> None:
    if key.startswith("GNU.sparse.") or key == "SCHILY.realsize":
        raise BadArchive("tar-sparse", "a member is sparse, which readers unpack in different ways")
    if common and key != "comment":
        raise BadArchive("tar-override", f"a pax header for all members sets {shown(key)}")
    if key in _TEXTS and "\0" not in value:
        return
    if (key in _TIMES and _DECIMAL.fullmatch(value)) or (key in _NUMBERS and _WHOLE.fullmatch(value)):
        return
    if key.startswith(_ATTRIBUTES):
        return
    raise BadArchive("tar-override", f"a pax header sets {shown(key)}, or to a value that it cannot have")


def is_cut(short: bytes, full: bytes) -> bool:
    """Whether `short` is what an honest writer puts into a header that has no room, or no letters, for `full`."""
    if short == full or _GIT.fullmatch(short):
        return True
    text = full.decode("utf-8", "replace")
    written = (full, text.encode("ascii", "replace"), text.encode("ascii", "ignore"))
    return any(one == short or (len(short) >= _SHORTEST_CUT and one.startswith(short)) for one in written)
