"""What `safepip verify --environment` found, for people and for machines (docs/commands/verify.md)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from safepip.formats.plain import clean
from safepip.model.difference import Difference
from safepip.model.inspection import Inspected, Inspection, Receipt, Status, is_finding
from safepip.report.machine import stamp
from safepip.report.text import Style

SCHEMA = "safepip-environment/1"
_WORDS = {
    Status.INTACT: "intact",
    Status.CHANGED: "changed",
    Status.FOREIGN: "not installed by safepip",
    Status.ORPHAN: "receipt without a distribution",
}
_LABEL = 12
_MOST = 10  # differences of one distribution, unless more is asked for


def seen(inspections: Iterable[Inspection], verbosity: int) -> Iterator[str]:
    """For stdout: how many there are of each kind, and what needs no doing. With -v, every distribution."""
    for one in inspections:
        yield clean(f"{one.environment}: {_count(one)}")
        yield from _rows(_of_environment(one, verbosity))


def found(inspections: Sequence[Inspection], style: Style, verbosity: int, *, foreign_too: bool) -> Iterator[str]:
    """For stderr: what is not as it should be, how, and what to do."""
    for one in inspections:
        number = one.findings(foreign_too=foreign_too)
        if not number:
            continue
        what = "1 finding" if number == 1 else f"{number} findings"
        yield style.error(f"safepip found {one.environment} changed: {what}")
        for distribution in one.distributions:
            if is_finding(distribution, foreign_too=foreign_too):
                yield from _rows(_of_finding(distribution, verbosity))
        for stray in one.strays:
            if stray.maker is None:
                yield from _rows([("stray", stray.path), ("", stray.why)])


def report(inspections: Iterable[Inspection], *, foreign_too: bool) -> str:
    """The JSON document. Everything that is not ASCII is escaped: names from outside may hold what moves a cursor."""
    environments = [_environment(one, foreign_too=foreign_too) for one in inspections]
    return json.dumps({"schema": SCHEMA, "environments": environments}, indent=2) + "\n"


# --- for people


def _count(one: Inspection) -> str:
    number = len(one.distributions)
    kinds = [(status, sum(1 for each in one.distributions if each.status is status)) for status in Status]
    counted = ", ".join(f"{count} {_WORDS[status]}" for status, count in kinds if count)
    total = "1 distribution" if number == 1 else f"{number} distributions"
    return f"{total}: {counted}" if counted else total


def _of_environment(one: Inspection, verbosity: int) -> Iterator[tuple[str, str]]:
    if verbosity > 0:
        yield from (("library", library) for library in one.libraries)
        for distribution in one.distributions:
            yield distribution.status.value, _told(distribution)
        yield from (("unowned", path) for path in one.unowned)
    else:
        foreign = [_title(each) for each in one.distributions if each.status is Status.FOREIGN]
        if foreign:
            yield "foreign", ", ".join(foreign)
    yield from (("known", f"{stray.path}: by {stray.maker}") for stray in one.strays if stray.maker is not None)
    yield from (("note", note) for note in one.notes)


def _title(one: Inspected) -> str:
    return f"{one.name} {one.version}" if one.version is not None else one.name


def _told(one: Inspected) -> str:
    parts = [f"{_title(one)} ({one.files} files compared"]
    if one.unhashed:
        parts.append(f"{one.unhashed} without a digest")
    if one.loose:
        parts.append(f"{one.loose} of byte code that nobody knows")
    text = f"{', '.join(parts)})"
    if one.receipt is None:
        return text
    return f"{text}, {one.receipt.file} sha256:{one.receipt.sha256}, installed {stamp(one.receipt.installed)}"


def _of_finding(one: Inspected, verbosity: int) -> Iterator[tuple[str, str]]:
    yield one.status.value, f"{_title(one)} ({one.location})"
    yield from (("fact", fault) for fault in one.faults)
    if one.status is Status.ORPHAN:
        yield "fact", "there is a receipt, and no METADATA: what it was written for is gone"
    elif one.status is Status.FOREIGN and not one.differences:
        yield "fact", "safepip did not install it, and the policy's profile is strict"
    shown = one.differences if verbosity > 0 else one.differences[:_MOST]
    yield from ((each.change.value, each.path) for each in shown)
    if len(shown) < len(one.differences):
        yield "", f"and {len(one.differences) - len(shown)} more; -v shows all"
    yield "next", _next(one)


def _next(one: Inspected) -> str:
    if one.status is Status.ORPHAN:
        return "remove the folder"
    if any(each.change.value == "added" for each in one.differences):
        return "look at what was added and remove it; --force-reinstall alone leaves it there"
    version = f"=={one.version}" if one.version is not None else ""
    return f"safepip install --force-reinstall --no-deps {one.name}{version}"


def _rows(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    for label, text in pairs:
        yield clean(f"  {label:{_LABEL}} {text}")


# --- for machines


def _environment(one: Inspection, *, foreign_too: bool) -> dict[str, Any]:
    return {
        "environment": one.environment,
        "libraries": list(one.libraries),
        "findings": one.findings(foreign_too=foreign_too),
        "counts": {status.value: sum(1 for each in one.distributions if each.status is status) for status in Status},
        "distributions": [_distribution(each, foreign_too=foreign_too) for each in one.distributions],
        "strays": [
            {"path": stray.path, "why": stray.why, "maker": stray.maker, "finding": stray.maker is None}
            for stray in one.strays
        ],
        "unowned": list(one.unowned),
        "notes": list(one.notes),
    }


def _distribution(one: Inspected, *, foreign_too: bool) -> dict[str, Any]:
    return {
        "name": one.name,
        "version": one.version,
        "location": one.location,
        "status": one.status.value,
        "finding": is_finding(one, foreign_too=foreign_too),
        "faults": list(one.faults),
        "differences": [_difference(each) for each in one.differences],
        "files": one.files,
        "unhashed": one.unhashed,
        "loose-byte-code": one.loose,
        "receipt": _receipt(one.receipt) if one.receipt is not None else None,
    }


def _difference(one: Difference) -> dict[str, str]:
    return {"path": one.path, "change": one.change.value}


def _receipt(one: Receipt) -> dict[str, str]:
    return {
        "tool": one.tool,
        "installed": stamp(one.installed),
        "policy": one.policy,
        "file": one.file,
        "sha256": one.sha256,
    }
