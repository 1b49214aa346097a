"""A zip archive, read once from its first byte to its last, where every reader of it must see the same.

Readers of zip archives disagree: about archives with something before, between or after their parts, about two entries
of one name, about headers that contradict the directory. What one of them judges, another does not install. So nothing
is forgiven here (docs/checks/archive.md), and whatever has no fault has only one reading.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from safepip.formats.membername import Names, all_plain, name_faults, shown
from safepip.formats.zipend import END_SIZE, End, read_end
from safepip.formats.zipheaders import (
    END,
    LOCAL,
    LOCAL_SIZE,
    MOST_EXTRA,
    STORED,
    Entry,
    Faults,
    read_directory,
)
from safepip.formats.zipmembers import Walk, ZipMember
from safepip.model.contents import Fault
from safepip.model.ident import Sha256

__all__ = ["ZipContents", "ZipMember", "read_zip"]

LARGEST_FILE = 16 * 1024**3
LARGEST_TOTAL = 32 * 1024**3
# Of a thousand real wheels none unpacks to 20 times its size, but members of some MiB that are all zero exist (1,016).
BOMB_TOTAL, BOMB_RATIO = 16 * 1024**2, 100
BOMB_MEMBER, BOMB_MEMBER_RATIO = 256 * 1024**2, 250
_HIDDEN_TYPES = 0x18  # MS-DOS attributes: a volume label, a folder
_SPECIAL = stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX


@dataclass(frozen=True, slots=True, kw_only=True)
class ZipContents:
    """An archive as far as it can be told.

    sha256:  of every byte of the file, from the same pass; None where the structure is broken
    members: in the order in which they lie in the file; empty where the structure is broken
    kept:    the bodies that were asked for, by name
    faults:  all that could be told, up to a limit
    """

    sha256: Sha256 | None
    members: tuple[ZipMember, ...]
    kept: Mapping[str, bytes]
    faults: tuple[Fault, ...]


def read_zip(handle: BinaryIO, keep: Callable[[str], int | None]) -> ZipContents:
    """Judge the archive in `handle` (seekable, at any position) and take the digest of each member and of the file.

    keep: given the name of a file, the most bytes to hand back of it (a larger one is a fault), or None for its digest
    alone. Bad bytes are faults, never exceptions; only the handle's OSError passes. Takes time linear in the size of
    the file and of what is declared to be in it, which is limited, and memory for the directory and one piece.
    """
    faults = Faults()
    walk = _read(handle, keep, faults)
    if walk is None or faults.broken:
        return ZipContents(sha256=None, members=(), kept={}, faults=tuple(faults.found))
    return ZipContents(
        sha256=Sha256(walk.file.hexdigest()),
        members=tuple(walk.members),
        kept=walk.kept,
        faults=tuple(faults.found),
    )


def _read(handle: BinaryIO, keep: Callable[[str], int | None], faults: Faults) -> Walk | None:
    length = handle.seek(0, 2)
    if length > LARGEST_FILE:
        faults.structure("too-large", f"the file has {length:,} bytes; {LARGEST_FILE:,} are allowed")
        return None
    end = read_end(handle, length, faults)
    if end is None:
        return None
    handle.seek(end.start)
    body = handle.read(end.size)
    if len(body) != end.size:
        faults.structure("zip-truncated", "the file became shorter while it was read")
        return None
    entries = read_directory(body, end.count, faults)
    _judge_names(entries, faults)
    if not faults.broken:
        _judge_declared(entries, length, faults)
    if faults.broken:
        return None
    entries.sort(key=lambda entry: entry.start)
    spans = _spans(handle, entries, end, faults)
    if faults.broken:
        return None
    handle.seek(0)
    walk = Walk(handle=handle, keep=keep, faults=faults)
    walk.members_of(entries, spans)
    walk.file.update(body)
    walk.file.update(end.records)
    return walk


def _judge_names(entries: list[Entry], faults: Faults) -> None:
    names = Names()
    plain = []
    for entry in entries:
        is_folder = entry.raw.endswith(b"/")
        plain.append(entry.name[:-1] if is_folder else entry.name)
        names.add(plain[-1], is_folder=is_folder)
        _judge_type(entry, is_folder, faults)
    if not all_plain(plain):
        for name in plain:
            for one in name_faults(name):
                faults.note(one.code, one.message)
    for one in names.faults():
        faults.note(one.code, one.message)


def _judge_type(entry: Entry, is_folder: bool, faults: Faults) -> None:
    """Only regular files and folders, which agree with their names."""
    mode = entry.attributes >> 16
    kind = stat.S_IFMT(mode)
    if is_folder:
        if kind not in {0, stat.S_IFDIR}:
            faults.note("member-type", f"{shown(entry.name)} is named like a folder and is none")
        if entry.size:
            faults.note("member-type", f"{shown(entry.name)} is a folder with content of its own")
    elif kind not in {0, stat.S_IFREG} or entry.attributes & _HIDDEN_TYPES:
        faults.note("member-type", f"{shown(entry.name)} is no regular file ({stat.filemode(mode)})")
    elif mode & _SPECIAL:
        faults.note("setuid", f"{shown(entry.name)} asks for special rights ({stat.filemode(mode)})")


def _judge_declared(entries: list[Entry], length: int, faults: Faults) -> None:
    """By the sizes that are declared, which the reading later holds every member to."""
    total = 0
    for entry in entries:
        total += entry.size
        if entry.size > BOMB_MEMBER and entry.size > BOMB_MEMBER_RATIO * entry.packed:
            message = f"{shown(entry.name)} would grow from {entry.packed:,} to {entry.size:,} bytes"
            faults.structure("bomb", message)
        if entry.method == STORED and entry.packed != entry.size:
            message = f"{shown(entry.name)} is stored, but {entry.packed:,} bytes are to be {entry.size:,}"
            faults.structure("zip-size", message)
    if total > LARGEST_TOTAL:
        faults.structure("too-large", f"it would unpack to {total:,} bytes; {LARGEST_TOTAL:,} are allowed")
    elif total > BOMB_TOTAL and total > BOMB_RATIO * length:
        faults.structure("bomb", f"it would grow from {length:,} to {total:,} bytes")


def _spans(handle: BinaryIO, entries: list[Entry], end: End, faults: Faults) -> list[int]:
    """How many bytes each member has in the file, header and all: they have to fill it up to the directory."""
    begin = entries[0].start if entries else end.start
    if begin:
        faults.structure(*_before(handle, begin))
    spans = []
    following = [entry.start for entry in entries[1:]]
    following.append(end.start)
    for entry, after in zip(entries, following, strict=False):
        span = after - entry.start
        least = LOCAL_SIZE + len(entry.raw) + entry.packed
        if span < least:
            faults.structure("zip-overlap", f"{shown(entry.name)} reaches into what comes after it")
        elif span > least + MOST_EXTRA:
            faults.structure("zip-gap", f"there are {span - least:,} bytes after {shown(entry.name)}")
        spans.append(span)
    return spans


def _before(handle: BinaryIO, begin: int) -> tuple[str, str]:
    """What the `begin` bytes before the first member are."""
    handle.seek(max(0, begin - END_SIZE))
    if handle.read(len(END)) == END:
        return "zip-stacked", "there is another archive before the first member"
    handle.seek(0)
    if handle.read(len(LOCAL)) == LOCAL:
        return "zip-gap", "there is a member that the central directory does not list, before its first one"
    return "zip-prefix", f"there are {begin:,} bytes before the first member"
