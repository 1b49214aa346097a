"""The ledger of publishers (docs/ledger.md, schema 1) as text that people commit, merge and review in a diff.

One table for each index, project and kind of file, always in the same order and the same form, so that a diff shows
what was added or replaced and nothing else. All faults of a file are reported at once, with their lines.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from typing import Any

from packaging.version import Version

from safepip.errors import BadInput, Malformed
from safepip.formats import toml
from safepip.formats.publisher import parse_publisher, render_publisher
from safepip.formats.statement import PUBLISH, SIGNATURE
from safepip.formats.tables import TableReader, flag, text
from safepip.model.evidence import VerifiedAttestation
from safepip.model.ident import FileKind, FileName, ProjectName, Url
from safepip.model.ledger import Key, Recorded, index_name
from safepip.model.levels import Placed
from safepip.model.publisher import Identity

SCHEMA = 1
MAX_BYTES = 8 * 1024 * 1024
_MOST_FAULTS = 50
_KEYS = {"index", "project", "kind", "publisher", "accepted-unattested", "file", "uploaded", "recorded"}
_HEAD = """\
# Who published what is installed here, as safepip saw it first (docs/ledger.md). safepip adds to this file and never
# changes what it says: `safepip trust accept` and `safepip trust forget` do. Review changes as you would review code.
schema = 1
"""
_MERGE = re.compile(rb"^(?:<{7}|\|{7}|={7}|>{7})(?=[ \r\n]|$)", re.MULTILINE)


def parse_ledger(raw: bytes, name: str) -> tuple[Recorded, ...]:
    """The records of that file, in its order. Raises BadInput with one (place, what) for each fault."""
    if len(raw) > MAX_BYTES:
        raise _faulty(f"the ledger {name} is larger than {MAX_BYTES // 1024**2} MiB")
    marks = [raw.count(b"\n", 0, mark.start()) + 1 for mark in _MERGE.finditer(raw)]
    if marks:
        places = [(f"{name}:{line}", "a mark of a merge") for line in marks[:_MOST_FAULTS]]
        raise _faulty(f"the ledger {name} holds a merge that nobody finished", places)
    try:
        document = toml.load(raw, name)
    except Malformed as error:
        raise _faulty(str(error)) from None
    reader = _Reader(document, ())
    records = tuple(reader.records())
    if reader.faults:
        many = "faults" if len(reader.faults) > 1 else "a fault"
        raise _faulty(f"the ledger {name} has {many}", reader.faults)
    return records


def _faulty(message: str, faults: list[tuple[str, str]] | None = None) -> BadInput:
    faults = faults or []
    more = [("and", f"{len(faults) - _MOST_FAULTS} more")] if len(faults) > _MOST_FAULTS else []
    return BadInput(
        "ledger-file",
        message,
        context=[*faults[:_MOST_FAULTS], *more],
        hint="mend it, or take it back from version control: without it nobody would notice another publisher",
    )


class _Reader(TableReader):
    """The schema. One method a table."""

    def records(self) -> Iterator[Recorded]:
        top = self.document.data
        self.known(top, {"schema", "publishers"}, ())
        if "schema" not in top:
            self.fault((), f"schema is missing; write: schema = {SCHEMA}")
        elif top["schema"] != SCHEMA or not isinstance(top["schema"], int) or isinstance(top["schema"], bool):
            self.fault(("schema",), f"schema is {top['schema']!r}; this safepip knows schema {SCHEMA}")
        tables = top.get("publishers", [])
        if not isinstance(tables, list):
            self.fault(("publishers",), "publishers is not an array of tables: write [[publishers]]")
            return
        seen: dict[Key, str] = {}
        for number, data in enumerate(tables):
            record = self.record(data, ("publishers", number))
            if record is None:
                continue
            if record.key in seen:
                words = f"{record.project} has a table for this index and kind already, at {seen[record.key]}"
                self.fault(("publishers", number), words)
            seen.setdefault(record.key, record.place)
            yield record

    def record(self, data: Any, path: toml.Path) -> Recorded | None:
        table = self.table(data, path)
        self.known(table, _KEYS, path)
        index = self.value(table, "index", path, _index, required=True)
        project = self.value(table, "project", path, lambda value: ProjectName.parse(text(value)), required=True)
        kind = self.value(table, "kind", path, _kind, required=True)
        file = self.value(table, "file", path, lambda value: FileName.parse(text(value)), required=True)
        uploaded = self.value(table, "uploaded", path, _moment)
        recorded = self.value(table, "recorded", path, _moment, required=True)
        publisher = self.value(table, "publisher", path, parse_publisher)
        accepted = self.value(table, "accepted-unattested", path, _accepted)
        if len({"publisher", "accepted-unattested"} & set(table)) != 1:
            self.fault(path, "either publisher or accepted-unattested = true must be here, and not both")
        if index is None or project is None or kind is None or file is None or recorded is None:
            return None
        if (file.value.project, file.value.kind) != (project.value, kind.value):
            self.fault((*path, "file"), f"{file.value} is no {kind.value.value} of {project.value}")
        if (publisher is None) == (accepted is None):
            return None
        return Recorded(
            index=index.value,
            project=project.value,
            kind=kind.value,
            publisher=_or_none(publisher),
            file=file.value,
            uploaded=_or_none(uploaded),
            recorded_at=recorded.value,
            place=self.place(path),
        )


def _or_none(placed: Placed[Any] | None) -> Any:
    return placed.value if placed is not None else None


def _index(value: object) -> Url:
    url = Url(text(value))
    if not url.scheme or index_name(url) != url.reveal():
        raise Malformed(
            "it is no address as a ledger has it: without password, query, default port and closing slash, "
            "scheme and host in lower case"
        )
    return url


def _kind(value: object) -> FileKind:
    try:
        return FileKind(text(value))
    except ValueError:
        raise Malformed(f"{value!r} is none of {', '.join(kind.value for kind in FileKind)}") from None


def _accepted(value: object) -> bool:
    if not flag(value):
        raise Malformed("the only value is true; leave the key out where it is not so")
    return True


def _moment(value: object) -> datetime:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise Malformed(f"{value} is not a time such as 2026-11-22T12:00:00Z (without quotes)")
    try:
        return value.astimezone(timezone.utc)
    except OverflowError:
        raise Malformed(f"{value} is not a time that can be told in UTC") from None


def publisher_of(attested: Iterable[VerifiedAttestation]) -> Identity | None:
    """Who published a file: the publish attestation says so, and a plain signature where there is none.

    None where nobody does, or several differ: then there is no one to remember.
    """
    attested = tuple(attested)
    for predicate in (PUBLISH, SIGNATURE):
        who = {one.identity for one in attested if one.predicate == predicate}
        if who:
            return who.pop() if len(who) == 1 else None
    return None


def accept_command(project: ProjectName, version: Version, index: Url) -> str:
    """What a person types to have that release remembered. It names the index: another run may be configured otherwise.

    Quoted for a shell, since a requirements file of somebody else's may have named that index.
    """
    return f"safepip trust accept {project}=={version} --index {shlex.quote(index_name(index))}"


def render_ledger(records: Iterable[Recorded]) -> bytes:
    """The one text for these records. `parse_ledger` reads it back, whatever the names hold."""
    return "\n".join([_HEAD, *(_table(record) for record in sorted(records, key=_order))]).encode()


def _order(record: Recorded) -> tuple[str, str, str]:
    index, project, kind = record.key
    return (project, index, kind.value)


def _table(record: Recorded) -> str:
    who = "accepted-unattested = true"
    if record.publisher is not None:
        who = f"publisher = {toml.quoted(render_publisher(record.publisher))}"
    lines = [
        "[[publishers]]",
        f"project = {toml.quoted(record.project)}",
        f"index = {toml.quoted(index_name(record.index))}",
        f'kind = "{record.kind.value}"',
        who,
        f"file = {toml.quoted(record.file.text)}",
        *([f"uploaded = {_stamp(record.uploaded)}"] if record.uploaded is not None else []),
        f"recorded = {_stamp(record.recorded_at)}",
    ]
    return "".join(f"{line}\n" for line in lines)


def _stamp(moment: datetime) -> str:
    return moment.astimezone(timezone.utc).replace(tzinfo=None).isoformat() + "Z"
