"""RECORD of a wheel against its members (binary distribution format, "Signed wheel files"; docs/checks/record.md)."""

from __future__ import annotations

import re
import unicodedata
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from safepip.errors import Malformed
from safepip.formats.membername import shown
from safepip.formats.record import RecordRow, parse_record
from safepip.formats.ziparchive import ZipMember
from safepip.model.contents import Fault

LARGEST_RECORD = 64 * 1024 * 1024
# A digest of the member of that name, by that algorithm; asked for only where RECORD states another than sha256.
Digest = Callable[[str, str], bytes]
# The specification wants unpadded base64. A real project writes hexadecimal digits, which nobody can take for it.
_HASH = re.compile(r"(sha256|sha384|sha512)=([A-Za-z0-9_-]+)")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_DRIVE = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wheel:
    """own: the path of RECORD; unhashed: what may stand in it without a digest, and signatures not at all."""

    own: str
    unhashed: frozenset[str]
    members: Mapping[str, ZipMember]
    digest: Digest


def record_faults(body: bytes, dist_info: str, members: Mapping[str, ZipMember], digest: Digest) -> Iterator[Fault]:
    """Every disagreement. `members`: the files of the wheel by name; `dist_info`: the folder that RECORD lies in."""
    own = f"{dist_info}/RECORD"
    unhashed = frozenset({own, f"{own}.jws", f"{own}.p7s"})
    try:
        rows = parse_record(body)
    except Malformed as error:
        yield Fault(code="malformed", message=str(error))
        return
    wheel = _Wheel(own=own, unhashed=unhashed, members=members, digest=digest)
    yield from _rows(rows, wheel)
    listed = {row.path for row in rows}
    for name in members:
        if name not in listed and (name == own or name not in unhashed):
            yield Fault(code="unlisted", message=f"{shown(name)} is in the wheel and not in RECORD")


def _rows(rows: tuple[RecordRow, ...], wheel: _Wheel) -> Iterator[Fault]:
    seen: set[str] = set()
    known: frozenset[str] | None = None
    for row in rows:
        if row.path in seen:
            yield Fault(code="duplicate", message=f"RECORD lists {shown(row.path)} more than once")
            continue  # a second digest, by another algorithm, would have the member read once more for each row
        seen.add(row.path)
        member = wheel.members.get(row.path)
        if member is not None:
            yield from _differences(row, member, wheel)
            continue
        if known is None:
            known = frozenset(map(_key, wheel.members))
        yield _no_member(row.path, known)


def _differences(row: RecordRow, member: ZipMember, wheel: _Wheel) -> Iterator[Fault]:
    if row.hash == f"sha256={_base64(member.sha256)}" and row.size == str(member.size) and row.path != wheel.own:
        return
    name = shown(row.path)
    if row.path in wheel.unhashed and not row.hash and not row.size:
        return
    if row.path == wheel.own:
        yield Fault(code="hash", message=f"RECORD states a digest or a size of itself, {name}, which nobody can know")
        return
    if not row.hash:
        yield Fault(code="unhashed", message=f"RECORD states no digest of {name}")
        return
    stated = _HASH.fullmatch(row.hash)
    if stated is None:
        text = f"RECORD states {shown(row.hash)} of {name}, which is no digest by sha256, sha384 or sha512"
        yield Fault(code="weak-hash", message=text)
        return
    actual = member.sha256 if stated[1] == "sha256" else wheel.digest(row.path, stated[1])
    if stated[2] not in {_base64(actual), actual.hex()}:
        yield Fault(code="hash", message=f"{name} does not have the {stated[1]} digest that RECORD states")
    elif not _SIZE.fullmatch(row.size) or int(row.size) != member.size:
        text = f"RECORD states the size {shown(row.size)} of {name}, which has {member.size:,} bytes"
        yield Fault(code="size", message=text)


def _base64(digest: bytes) -> str:
    return urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def _no_member(path: str, known: frozenset[str]) -> Fault:
    """`known`: the members' names as `_key` has them."""
    if path.startswith("/") or "\\" in path or _DRIVE.match(path) or not {"", ".", ".."}.isdisjoint(path.split("/")):
        return Fault(code="path", message=f"RECORD lists {shown(path)}, which is no plain path below the wheel's top")
    if _key(path) in known:
        return Fault(code="path", message=f"RECORD lists {shown(path)}, which the archive spells otherwise")
    return Fault(code="absent", message=f"RECORD lists {shown(path)}, which is not in the wheel")


def _key(path: str) -> str:
    return unicodedata.normalize("NFKC", path).casefold().strip()
