"""The members of a tar archive, and its links: they stay in the top folder, and nothing is written through one."""

from __future__ import annotations

import enum
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from safepip.formats.membername import shown
from safepip.model.contents import Fault

_LONGEST_CHAIN = 40  # of links to links: Linux gives up there as well


class MemberKind(enum.Enum):
    FILE = "a file"
    FOLDER = "a folder"
    SYMLINK = "a symbolic link"
    HARD_LINK = "a hard link"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """`name` without the "/" that closes a folder's; `target` of a link, else None; `size` in bytes."""

    name: str
    kind: MemberKind
    size: int
    target: str | None


def link_faults(members: Sequence[Member]) -> Iterator[Fault]:
    """What is wrong with the links, and with what would be written through them. `members`: all, in their order."""
    links = {folded(one.name): one.target or "" for one in members if one.kind is MemberKind.SYMLINK}
    yield from _through_links(members, links)
    earlier: set[str] = set()
    for member in members:
        if member.kind is MemberKind.FILE:
            earlier.add(member.name)
        elif member.kind is MemberKind.HARD_LINK and member.target not in earlier:
            message = f"{shown(member.name)} is a hard link to {shown(member.target or '')}, which is no file before it"
            yield Fault(code="tar-link", message=message)
        elif member.kind is MemberKind.SYMLINK and (why := _leads_out(member, links)):
            message = f"{shown(member.name)} is a link to {shown(member.target or '')}, which {why}"
            yield Fault(code="tar-link", message=message)


def _through_links(members: Sequence[Member], links: Mapping[str, str]) -> Iterator[Fault]:
    if not links:
        return
    for member in members:
        path = folded(member.name)
        while path := path.rpartition("/")[0]:
            if path in links:
                message = f"{shown(member.name)} would be written through a link"
                yield Fault(code="tar-through-link", message=message)
                break


def _leads_out(member: Member, links: Mapping[str, str]) -> str | None:
    """Why a symbolic link is not one to something in the same top folder; None where it is."""
    place, target = member.name, member.target or ""
    for _ in range(_LONGEST_CHAIN):
        reached = _followed(place, target, links)
        if reached is None:
            return "leads out of the top folder, or through another link"
        if folded(reached) not in links:
            return None
        place, target = reached, links[folded(reached)]
    return "leads in a circle, or through too many others"


def _followed(place: str, target: str, links: Mapping[str, str]) -> str | None:
    """Where a link at `place` leads, None where that is outside.

    The text alone can be trusted only where no folder on the way is a link: `..` would then lead somewhere else.
    """
    if not target or target.startswith("/") or "\\" in target or ":" in target or not target.isprintable():
        return None
    parts = place.split("/")[:-1]
    for part in target.split("/"):
        if not parts or folded("/".join(parts)) in links:
            return None
        if part == "..":
            parts.pop()
        elif part not in {"", "."}:
            parts.append(part)
    return "/".join(parts) or None


def folded(name: str) -> str:
    """Some file systems take names for one that differ in case or normal form; `Names` refuses two such members."""
    return name.lower() if name.isascii() else unicodedata.normalize("NFKC", name).casefold()
