"""The trusted roots in force, for people and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from safepip.formats.plain import clean
from safepip.formats.trustedroot import RootInForce, Service, Spoken

SCHEMA = "safepip-trust-roots/1"
_LABEL = 12
_EVERYTHING = "everything that no root of the policy speaks for"


def text(roots: Sequence[RootInForce], now: datetime) -> Iterator[str]:
    """Lines for stdout."""
    for number, root in enumerate(roots):
        if number:
            yield ""
        yield clean(_title(root))
        for label, value in _rows(root, now):
            yield clean(f"  {label:<{_LABEL}}{value}")
        for one in root.services:
            yield from _service(one, now)


def report(roots: Iterable[RootInForce], now: datetime) -> str:
    """The JSON document, ASCII alone: names from outside may hold what moves a cursor."""
    document = {"schema": SCHEMA, "now": _stamp(now), "roots": [_root(one, now) for one in roots]}
    return json.dumps(document, indent=2) + "\n"


# --- for people


def _title(root: RootInForce) -> str:
    if not root.spoken:
        return "Trusted root in general"
    return f"Trusted root {', '.join(one.name for one in root.spoken)} of the policy"


def _rows(root: RootInForce, now: datetime) -> Iterator[tuple[str, str]]:
    yield "from", root.origin
    yield "sha256", root.sha256
    yield _dated(root.kind), _age(root.since, now)
    for one in root.spoken:
        yield "speaks for", _words(one)
    if not root.spoken:
        yield "speaks for", _EVERYTHING
    if root.note is not None:
        yield "note", root.note
    if root.refresh is not None:
        yield "update", root.refresh


def _dated(kind: str) -> str:
    return {"shipped": "taken", "updated": "updated"}.get(kind, "age")


def _age(since: datetime | None, now: datetime) -> str:
    if since is None:
        return "not known: the file does not say"
    days = _days(since, now)
    return f"{since:%Y-%m-%d}, {days} day{'s' * (days != 1)} ago"


def _days(since: datetime, now: datetime) -> int:
    """A clock that was set back makes nothing younger than new."""
    return max(0, (now - since).days)


def _words(one: Spoken) -> str:
    return f"projects {', '.join(one.projects)} on {', '.join(one.indexes)}"


def _service(one: Service, now: datetime) -> Iterator[str]:
    window = f"{_day(one.start) or 'ever'} to {_day(one.end) or 'now on'}"
    yield clean(f"  {one.part.value}: {one.host or 'no address'}, {one.key}, {one.standing(now).value} ({window})")
    yield clean(f"    key {one.key_id}")


def _day(at: datetime | None) -> str | None:
    return f"{at:%Y-%m-%d}" if at is not None else None


# --- for programs


def _root(root: RootInForce, now: datetime) -> dict[str, Any]:
    return {
        "kind": root.kind,
        "origin": root.origin,
        "sha256": root.sha256,
        "since": _stamp(root.since),
        "age-days": _days(root.since, now) if root.since is not None else None,
        "update": root.refresh,
        "note": root.note,
        "speaks-for": [
            {"name": one.name, "indexes": list(one.indexes), "projects": list(one.projects)} for one in root.spoken
        ],
        "services": [
            {
                "part": one.part.value,
                "host": one.host,
                "key-id": one.key_id,
                "key": one.key,
                "standing": one.standing(now).value,
                "start": _stamp(one.start),
                "end": _stamp(one.end),
            }
            for one in root.services
        ],
    }


def _stamp(at: datetime | None) -> str | None:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at is not None else None
