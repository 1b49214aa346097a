"""The journal of an install that is under way: what pip may create, replace or remove, and where the copies are.

Written whole before pip starts, read to undo what was begun. It is safepip's own format and lives for one run.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from safepip.errors import Malformed

SCHEMA = "safepip-journal/1"
LARGEST_JOURNAL = 512 * 1024 * 1024

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A file or a symbolic link that pip may replace or remove, as it was.

    path:     absolute, its folder without symbolic links
    copy:     the name of the hard link, or of the copy, in the journal's folder; "" for a symbolic link
    link:     what the symbolic link says; None for a file
    mode, owner, group, modified (nanoseconds), size: of the file
    """

    path: str
    copy: str
    link: str | None
    mode: int
    owner: int
    group: int
    modified: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What was to be done to one project. `old`: the version that was there, None where there was none."""

    project: str
    old: str | None
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """Paths are absolute, and their folders are without symbolic links.

    library:  the library folder that the journal lies in
    process, host: who wrote it
    changes:  what was to be done
    made:     folders that were made for the library folder itself, the outermost first
    created:  what was not there and may be created: files, and whole folders
    kept:     what was there and may be replaced or removed
    folders:  folders that may be removed, with their modes
    names:    what lay in the folders where something new may turn up that nobody planned
    dist_infos: the .dist-info folders that were to be written
    """

    library: str
    process: int
    host: str
    changes: tuple[Change, ...]
    made: tuple[str, ...]
    created: tuple[str, ...]
    kept: tuple[Kept, ...]
    folders: Mapping[str, int]
    names: Mapping[str, tuple[str, ...]]
    dist_infos: tuple[str, ...]


def render_journal(journal: Journal) -> bytes:
    """ASCII: the bytes of file names that are not UTF-8 go through as lone surrogates (PEP 383), escaped."""
    return json.dumps({"schema": SCHEMA, **asdict(journal)}, separators=(",", ":")).encode("ascii")


def parse_journal(body: bytes) -> Journal:
    """Raises Malformed. Whether the paths may be touched is not judged here."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        raise Malformed("it is not JSON") from None
    if not isinstance(told, dict) or told.get("schema") != SCHEMA:
        raise Malformed(f"it is not of the form {SCHEMA}")
    if set(told) != {"schema", *Journal.__slots__}:
        raise Malformed("it has other fields than a journal has")
    return Journal(
        library=_text(told["library"]),
        process=_number(told["process"]),
        host=_text(told["host"]),
        changes=_each(told["changes"], _change),
        made=_each(told["made"], _text),
        created=_each(told["created"], _text),
        kept=_each(told["kept"], _kept),
        folders=_mapping(told["folders"], _number),
        names=_mapping(told["names"], lambda names: _each(names, _text)),
        dist_infos=_each(told["dist_infos"], _text),
    )


def _change(told: Any) -> Change:
    fields = _fields(told, Change)
    old = fields["old"]
    return Change(project=_text(fields["project"]), old=old and _text(old), new=_text(fields["new"]))


def _kept(told: Any) -> Kept:
    fields = _fields(told, Kept)
    copy, link = _text(fields["copy"]), fields["link"]
    if bool(copy) is (link is not None) or not (copy == "" or copy.isdecimal()):
        raise Malformed(f"{copy!r} is no name of a copy")
    return Kept(
        path=_text(fields["path"]),
        copy=copy,
        link=None if link is None else _text(link),
        mode=_number(fields["mode"]),
        owner=_number(fields["owner"]),
        group=_number(fields["group"]),
        modified=_number(fields["modified"]),
        size=_number(fields["size"]),
    )


def _fields(told: Any, of: type[Change | Kept]) -> dict[str, Any]:
    if not isinstance(told, dict) or set(told) != set(of.__slots__):
        raise Malformed(f"an entry does not have the fields of a {of.__name__.lower()}")
    return told


def _each(told: Any, read: Callable[[Any], T]) -> tuple[T, ...]:
    if not isinstance(told, list):
        raise Malformed("a list is missing")
    return tuple(map(read, told))


def _mapping(told: Any, read: Callable[[Any], T]) -> dict[str, T]:
    if not isinstance(told, dict):
        raise Malformed("a mapping is missing")
    return {_text(name): read(value) for name, value in told.items()}


def _text(told: Any) -> str:
    if not isinstance(told, str) or "\0" in told:
        raise Malformed("a text is missing")
    return told


def _number(told: Any) -> int:
    if not isinstance(told, int) or isinstance(told, bool) or abs(told) >= 1 << 63:
        raise Malformed("a number is missing")
    return told
