"""`safepip trust list|init|pin|accept|forget`: what is remembered of publishers, and what a person changes in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from safepip.cli.args import Typed
from safepip.cli.console import Console
from safepip.cli.ledgerplace import PROJECT_FILE, ledger_place, project_ledger, state_ledger
from safepip.cli.network import address
from safepip.cli.surroundings import SystemClock, day_of, working_folder
from safepip.cli.trustpin import pin
from safepip.errors import BadInput, EnvironmentFault, Malformed, UsageError
from safepip.flows.ledger import Release, accept, forget, not_recorded
from safepip.formats.plain import clean
from safepip.formats.publisher import parse_publisher, render_publisher
from safepip.io.ledger import LedgerFile, begin
from safepip.model.ident import ProjectName, Url, parse_version
from safepip.model.ledger import Change, Recorded, index_name
from safepip.model.levels import Placed

SCHEMA = "safepip-publishers/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """One command, and where it was given."""

    arguments: tuple[str, ...]
    typed: Typed
    environ: Mapping[str, str]
    console: Console
    folder: Path

    @property
    def index(self) -> Url | None:
        named = self.typed.given.get("index")
        return address(Placed(str(named), "--index")) if named is not None else None

    def ledger(self) -> LedgerFile:
        return LedgerFile(ledger_place(self.folder), _now)


def ledger_command(
    word: str, arguments: Sequence[str], typed: Typed, environ: Mapping[str, str], console: Console
) -> int:
    """The exit code. `word` is one of `WORDS`, `arguments` what follows it. Raises SafepipError."""
    folder = working_folder()
    WORDS[word](_Asked(arguments=tuple(arguments), typed=typed, environ=environ, console=console, folder=folder))
    return 0


def _now() -> datetime:
    return SystemClock().now().replace(microsecond=0)


# -- list -----------------------------------------------------------------------------------------------------------


def _list(asked: _Asked) -> None:
    ledger = asked.ledger()
    records = sorted(ledger.records().values(), key=lambda one: (index_name(one.index), one.project, one.kind.value))
    names = [_project(name) for name in asked.arguments]
    for name in names:
        if not any(one.project == name for one in records):
            raise not_recorded(name, ledger)
    chosen = [one for one in records if not names or one.project in names]
    if asked.typed.given.get("format") == "json":
        document = {"schema": SCHEMA, "ledger": ledger.place.shown, "publishers": [_as_json(one) for one in chosen]}
        print(json.dumps(document, indent=2))
        return
    if ledger.place.barred is not None:
        asked.console.warn(f"nothing can be remembered: {ledger.place.barred}")
    for line in _table(chosen, ledger.place.shown):
        asked.console.out(clean(line))


def _table(records: Sequence[Recorded], shown: str) -> Iterator[str]:
    if not records:
        yield f"No publisher is remembered in {shown}"
        return
    yield f"Remembered in {shown}"
    widths = [max(len(one.project) for one in records), 5, max(len(_who(one)) for one in records)]
    index = None
    for one in records:
        if index != index_name(one.index):
            index = index_name(one.index)
            yield f"  {index}"
        cells = (one.project, one.kind.value, _who(one))
        padded = "  ".join(f"{cell:{width}}" for cell, width in zip(cells, widths, strict=True))
        yield f"    {padded}  since {one.recorded_at:%Y-%m-%d}, {one.file}"


def _as_json(one: Recorded) -> dict[str, Any]:
    return {
        "project": one.project,
        "index": index_name(one.index),
        "kind": one.kind.value,
        "publisher": render_publisher(one.publisher) if one.publisher is not None else None,
        "accepted-unattested": one.publisher is None,
        "file": one.file.text,
        "uploaded": _stamp(one.uploaded),
        "recorded": _stamp(one.recorded_at),
    }


def _stamp(moment: datetime | None) -> str | None:
    return f"{moment.astimezone(timezone.utc).replace(tzinfo=None).isoformat()}Z" if moment is not None else None


# -- init and pin ---------------------------------------------------------------------------------------------------


def _init(asked: _Asked) -> None:
    if asked.arguments:
        raise UsageError("usage", "safepip trust init takes no argument")
    above = project_ledger(asked.folder) or state_ledger().path
    path = asked.folder / PROJECT_FILE
    try:
        begin(path)
    except FileExistsError:
        raise BadInput("ledger-exists", f"there is a {PROJECT_FILE} here", hint="safepip trust list") from None
    except OSError as error:
        raise EnvironmentFault(
            "ledger-unwritable", f"{PROJECT_FILE} cannot be made here: {error.strerror or error}"
        ) from None
    asked.console.out(f"Made {PROJECT_FILE}: installations from here record publishers of first use in it; commit it")
    if above.exists():
        asked.console.out(clean(f"It counts here instead of {above}, whose publishers are of first use again"))


def _pin(asked: _Asked) -> None:
    if len(asked.arguments) < 2:
        raise UsageError("usage", "safepip trust pin takes a project and who may publish it: pin NAME SPEC [SPEC ...]")
    name, *specs = asked.arguments
    try:
        publishers = tuple(parse_publisher(spec) for spec in specs)
    except Malformed as error:
        raise BadInput("bad-publisher", str(error), hint="docs/policy.md has the forms") from None
    path, lines = pin(_project(name), publishers, asked.folder, day_of(_now()))
    asked.console.out(clean(f"Added to {path}:"))
    for line in lines.split("\n"):
        asked.console.out(clean(f"  {line}"))


# -- accept and forget ----------------------------------------------------------------------------------------------


def _accept(asked: _Asked) -> None:
    from safepip.cli.lookup import looking_up

    if len(asked.arguments) != 1:
        raise UsageError("usage", "safepip trust accept takes one release: accept NAME==VERSION")
    release = _release(asked.arguments[0], asked.index)
    ledger = asked.ledger()
    ledger.check()
    with looking_up(asked.typed, asked.index, asked.environ, asked.console) as sources:
        changes = accept(release, sources, ledger, _now())
    _tell(changes, ledger, asked.console)


def _forget(asked: _Asked) -> None:
    if len(asked.arguments) != 1:
        raise UsageError("usage", "safepip trust forget takes one project: forget NAME")
    ledger = asked.ledger()
    _tell(forget(_project(asked.arguments[0]), asked.index, ledger), ledger, asked.console)


def _tell(changes: Iterable[Change], ledger: LedgerFile, console: Console) -> None:
    console.out(clean(f"In {ledger.place.shown}:"))
    for change in changes:
        for line in _change(change):
            console.out(clean(line))


def _change(change: Change) -> Iterator[str]:
    one = change.after or change.before
    assert one is not None  # noqa: S101 - a change of nothing is none
    yield f"  {one.project} ({one.kind.value}) on {index_name(one.index)}"
    if change.before is not None and change.after is not None and _who(change.before) == _who(change.after):
        yield f"    as before  {_who(change.after)}"
        return
    yield f"    was        {_who(change.before)}"
    yield f"    is         {_who(change.after)}"


def _who(record: Recorded | None) -> str:
    if record is None:
        return "not remembered"
    return render_publisher(record.publisher) if record.publisher is not None else "accepted without attestation"


def _release(text: str, index: Url | None) -> Release:
    name, equal, version = text.partition("==")
    if not equal:
        raise UsageError("usage", f"{text!r} is not NAME==VERSION")
    try:
        return Release(project=_project(name.strip()), version=parse_version(version.strip()), index=index)
    except Malformed as error:
        raise BadInput("invalid-requirement", str(error)) from None


def _project(name: str) -> ProjectName:
    try:
        return ProjectName.parse(name)
    except Malformed as error:
        raise BadInput("invalid-requirement", str(error)) from None


WORDS: Mapping[str, Callable[[_Asked], None]] = {
    "list": _list,
    "init": _init,
    "pin": _pin,
    "accept": _accept,
    "forget": _forget,
}
