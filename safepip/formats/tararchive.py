"""A `.tar.gz` that every reader unpacks alike, read once from its first byte to its last and never extracted.

What is broken ends the reading (`BadArchive` becomes a fault); what is merely forbidden is told, member by member.
The rules are those of PEP 706 (the data filter of `tarfile`), and more: see docs/sdists.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from safepip.formats.gzipmember import LARGEST_UNPACKED, BadArchive, GzipMember
from safepip.formats.membername import LONGEST_NAME, Names, name_faults, shown
from safepip.formats.tarheader import BLOCK, Header, is_cut, parse_header, parse_long_name, parse_pax
from safepip.formats.tarlinks import Member, MemberKind, link_faults
from safepip.model.contents import Fault
from safepip.model.ident import Sha256

MOST_MEMBERS = 200_000
LARGEST_EXTENSION = 1024**2
LONGEST_LONG_NAME = 64 * 1024
LONGEST_TARGET = 4096
MOST_NAMES = 64 * 1024**2  # bytes of all names and targets together, since they are kept
MOST_FAULTS = 50
_ZEROS = bytes(BLOCK)
_SETUID, _SETGID = 0o4000, 0o2000

# Which largest size, in bytes, is kept of a member by that name; None for most of them.
Wanted = Callable[[str], int | None]


_KINDS = {b"0": MemberKind.FILE, b"\0": MemberKind.FILE, b"5": MemberKind.FOLDER}
_LINKS = {b"1": MemberKind.HARD_LINK, b"2": MemberKind.SYMLINK}


@dataclass(frozen=True, slots=True, kw_only=True)
class TarContents:
    """sha256: of the whole file, None where reading had to stop; kept: the bytes of the wanted files, by name."""

    sha256: Sha256 | None
    faults: tuple[Fault, ...]
    members: tuple[Member, ...]
    kept: Mapping[str, bytes]


def read_tar(handle: BinaryIO, wanted: Wanted) -> TarContents:
    """Never raises for what it reads; OSError of the handle passes. Memory: the names, and what is wanted."""
    walk = _Walk(wanted)
    digest = None
    try:
        stream = GzipMember(handle)
        walk.run(stream)
        digest = stream.finish()
    except BadArchive as bad:
        walk.faults.append(Fault(code=bad.code, message=bad.message))
    faults = [*walk.faults, *_together(walk.members)] if digest is not None else walk.faults
    return TarContents(
        sha256=digest, faults=tuple(faults[:MOST_FAULTS]), members=tuple(walk.members), kept=dict(walk.kept)
    )


class _Extensions:
    """What the headers before a member say about it: at most one of each kind."""

    def __init__(self) -> None:
        self.name: bytes | None = None
        self.target: bytes | None = None
        self.pax: Mapping[str, str] | None = None

    def __bool__(self) -> bool:
        return not (self.name is None and self.target is None and self.pax is None)

    def add(self, kind: bytes, raw: bytes) -> None:
        if kind == b"x" and not self:
            self.pax = parse_pax(raw, common=False)
        elif kind == b"L" and self.name is None and self.pax is None:
            self.name = parse_long_name(raw)
        elif kind == b"K" and self.target is None and self.pax is None:
            self.target = parse_long_name(raw)
        elif kind == b"g" and not self:
            parse_pax(raw, common=True)
        else:
            raise BadArchive("tar-override", "the extended headers of a member contradict one another")

    def applied(self, header: Header) -> Header:
        """Raises BadArchive where what they say is not the same as in the header, but for its want of room."""
        pax = self.pax or {}
        size = pax.get("size")
        if size is not None and int(size) != header.size:
            raise BadArchive("tar-override", f"{_named(header.name)} has two sizes: {header.size} and {size}")
        name = _override(header.name, self.name, pax.get("path"))
        if header.kind == b"\0" and header.name.endswith(b"/") != name.endswith(b"/"):
            # `tarfile` goes by the header, others by the whole name; one takes it for a folder, which has no content.
            raise BadArchive("tar-override", f"{_named(name)} is a file or a folder, as one reads it")
        return Header(
            name=name,
            target=_override(header.target, self.target, pax.get("linkpath")),
            kind=header.kind,
            mode=header.mode,
            size=header.size,
        )


def _override(short: bytes, gnu: bytes | None, pax: str | None) -> bytes:
    full = gnu if gnu is not None else pax.encode("utf-8", "surrogatepass") if pax is not None else None
    if full is None:
        return short
    if not is_cut(short, full):
        raise BadArchive("tar-override", f"a member has two names: {_named(short)} and {_named(full)}")
    return full


def _named(raw: bytes) -> str:
    return shown(raw.decode("utf-8", "replace"))


class _Walk:
    def __init__(self, wanted: Wanted) -> None:
        self.faults: list[Fault] = []
        self.members: list[Member] = []
        self.kept: dict[str, bytes] = {}
        self._wanted = wanted
        self._names = 0

    def run(self, stream: GzipMember) -> None:
        """To the very end of the unpacked bytes. Raises BadArchive."""
        extensions = _Extensions()
        while (block := _block(stream)) != _ZEROS:
            header = parse_header(block)
            if header.kind in b"xgLK":
                extensions.add(header.kind, _extension(stream, header))
                continue
            member = self._member(extensions.applied(header))
            self._content(stream, member)
            extensions = _Extensions()
        if extensions:
            raise BadArchive("tar-header", "the archive ends after an extended header, without the member it is for")
        _end(stream)

    def _member(self, header: Header) -> Member:
        self._count(header)
        kind = _kind(header)
        raw = header.name.removesuffix(b"/") if kind is MemberKind.FOLDER else header.name
        member = Member(
            name=self._decoded(raw),
            kind=kind,
            size=header.size,
            target=self._decoded(header.target) if kind in _LINKS.values() else None,
        )
        if header.size and kind is not MemberKind.FILE:
            raise BadArchive("tar-header", f"{shown(member.name)} is {kind.value}, and yet it has a size")
        if header.size > LARGEST_UNPACKED:
            raise BadArchive("too-large", f"{shown(member.name)} has {header.size:,} bytes")
        self.members.append(member)
        self._judge(member, header.mode)
        return member

    def _count(self, header: Header) -> None:
        if len(header.name) > LONGEST_NAME + 1 or len(header.target) > LONGEST_TARGET:
            raise BadArchive("name-length", f"{_named(header.name)} is longer than a name, or a target, may be")
        self._names += len(header.name) + len(header.target)
        if len(self.members) >= MOST_MEMBERS or self._names > MOST_NAMES:
            raise BadArchive("too-many-members", f"it has more than {MOST_MEMBERS:,} members, or too many long names")

    def _judge(self, member: Member, mode: int) -> None:
        if len(self.faults) >= MOST_FAULTS:
            return
        self.faults.extend(name_faults(member.name))
        # A folder takes the group bit from the folder above it on some machines, and nothing runs by it.
        if mode & (_SETUID if member.kind is MemberKind.FOLDER else _SETUID | _SETGID):
            message = f"{shown(member.name)} would run with the rights of its owner (mode {mode & 0o7777:04o})"
            self.faults.append(Fault(code="setuid", message=message))

    def _decoded(self, raw: bytes) -> str:
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            if len(self.faults) < MOST_FAULTS:
                self.faults.append(Fault(code="name-encoding", message=f"{_named(raw)} is not UTF-8"))
            return raw.decode("utf-8", "replace")

    def _content(self, stream: GzipMember, member: Member) -> None:
        largest = self._wanted(member.name) if member.kind is MemberKind.FILE else None
        if largest is not None and member.size > largest:
            message = f"{shown(member.name)} has {member.size:,} bytes, and {largest:,} are the most it may have"
            self.faults.append(Fault(code="too-large", message=message))
            largest = None
        if largest is not None:
            self.kept[member.name] = _exactly(stream, member.size)
        else:
            _skip(stream, member.size)
        _skip(stream, -member.size % BLOCK)


def _kind(header: Header) -> MemberKind:
    if header.kind == b"\0" and header.name.endswith(b"/"):  # how a folder was written before POSIX
        return MemberKind.FOLDER
    kind = _KINDS.get(header.kind) or _LINKS.get(header.kind)
    if kind is not None:
        return kind
    if header.kind == b"S":
        raise BadArchive("tar-sparse", f"{_named(header.name)} is sparse, which readers unpack in different ways")
    words = {b"3": "a device", b"4": "a device", b"6": "a pipe", b"7": "a contiguous file"}
    what = words.get(header.kind, f"of an unknown type, {header.kind!r}")
    raise BadArchive("tar-type", f"{_named(header.name)} is {what}")


def _extension(stream: GzipMember, header: Header) -> bytes:
    largest = LONGEST_LONG_NAME if header.kind in b"LK" else LARGEST_EXTENSION
    if header.size > largest:
        raise BadArchive("too-large", f"an extended header has {header.size:,} bytes, more than {largest:,}")
    content = _exactly(stream, header.size)
    _skip(stream, -header.size % BLOCK)
    return content


def _block(stream: GzipMember) -> bytes:
    return _exactly(stream, BLOCK)


def _exactly(stream: GzipMember, count: int) -> bytes:
    content = stream.read(count)
    if len(content) < count:
        raise BadArchive("tar-truncated", "the archive ends in the middle")
    return content


def _skip(stream: GzipMember, count: int) -> None:
    while count:
        piece = stream.some(count)
        if not piece:
            raise BadArchive("tar-truncated", "the archive ends in the middle")
        count -= len(piece)


def _end(stream: GzipMember) -> None:
    """After the first block of zeros: a second one, then zeros in whole blocks, and nothing else."""
    block = stream.read(BLOCK)
    if len(block) < BLOCK:
        raise BadArchive("tar-truncated", "the archive does not end with two blocks of zeros")
    while block:
        if block.strip(b"\0"):
            raise _trailing(block)
        if len(block) < BLOCK:
            raise BadArchive("tar-trailing", "the archive does not end with a whole block")
        block = stream.read(BLOCK)


def _trailing(block: bytes) -> BadArchive:
    try:
        parse_header(block.ljust(BLOCK, b"\0"))
    except BadArchive:
        return BadArchive("tar-trailing", "bytes follow the end of the archive")
    return BadArchive("tar-stacked", "a second archive follows the end of the first")


def _together(members: Sequence[Member]) -> Iterator[Fault]:
    """What can be said only when all members are known."""
    names = Names()
    for member in members:
        names.add(member.name, is_folder=member.kind is MemberKind.FOLDER)
    yield from names.faults()
    yield from link_faults(members)
