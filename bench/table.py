"""Samples -> ratios of medians, as a table for people and as JSON."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bench.runner import Sample

TARGETS = {"--version": 1.5, "resolve cold": 0.5, "install cold": 0.9}
# pip has one dry run for both: it resolves, and fetches wheels only where the index serves no metadata.
_COMPARED_WITH = {"dry run cold": "resolve cold", "dry run warm": "resolve warm"}
_HEAD = (
    "job",
    "pip s",
    "safepip/pip",
    "target",
    "uv/pip",
    "cpu safepip/pip",
    "cpu uv/pip",
    "MB pip",
    "MB safepip",
    "MB uv",
    "requests pip",
    "safepip",
    "uv",
    "n",
    "same set",
)


@dataclass(frozen=True, slots=True)
class Group:
    """The samples of one job of one subject, those with a fault left out."""

    samples: Sequence[Sample]

    def median(self, tool: str, what: Callable[[Sample], float]) -> float | None:
        values = [what(one) for one in self.samples if one.tool == tool and one.fault is None]
        return statistics.median(values) if values else None

    def ratio(self, tool: str, what: Callable[[Sample], float], base: Group) -> float | None:
        mine, pip = self.median(tool, what), base.median("pip", what)
        return mine / pip if mine is not None and pip else None


def _seconds(sample: Sample) -> float:
    return sample.ran.seconds


def _cpu(sample: Sample) -> float:
    return sample.ran.cpu


def _peak(sample: Sample) -> float:
    return sample.ran.peak / 1e6


def _requests(sample: Sample) -> float:
    return sample.requests.get("requests", 0)


def groups(samples: Iterable[Sample]) -> dict[tuple[str, str], Group]:
    found: dict[tuple[str, str], list[Sample]] = {}
    for sample in samples:
        found.setdefault((sample.subject, sample.job), []).append(sample)
    return {key: Group(value) for key, value in found.items()}


def _same_set(group: Group, base: Group) -> str:
    """Whether every tool chose in every round what pip chose in its own."""
    theirs = [one.picks for one in base.samples if one.tool == "pip" and one.fault is None]
    faults = sorted({one.tool for one in group.samples if one.fault is not None})
    others = {one.tool for one in group.samples if one.fault is None and theirs and one.picks != theirs[0]}
    told = [f"{name} FAILED" for name in faults] + [f"{name} DIFFERS" for name in sorted(others)]
    return ", ".join(told) or ("yes" if theirs else "pip did not answer")


def rows(samples: Sequence[Sample]) -> list[tuple[str, dict[str, Any]]]:
    """(subject, row) in the order of measurement; None where a tool has no figure."""
    every = groups(samples)
    found = []
    for (subject, job), group in every.items():
        base = every.get((subject, _COMPARED_WITH.get(job, job)), group)
        row: dict[str, Any] = {
            "job": job,
            "pip s": base.median("pip", _seconds),
            "safepip/pip": group.ratio("safepip", _seconds, base),
            "target": TARGETS.get(job),
            "uv/pip": group.ratio("uv", _seconds, base),
            "cpu safepip/pip": group.ratio("safepip", _cpu, base),
            "cpu uv/pip": group.ratio("uv", _cpu, base),
            "MB pip": base.median("pip", _peak),
            "MB safepip": group.median("safepip", _peak),
            "MB uv": group.median("uv", _peak),
            "requests pip": base.median("pip", _requests),
            "safepip": group.median("safepip", _requests),
            "uv": group.median("uv", _requests),
            "n": max(sum(one.tool == tool for one in group.samples) for tool in ("pip", "safepip")),
            "same set": _same_set(group, base),
        }
        found.append((subject, row))
    return found


def render(samples: Sequence[Sample]) -> str:
    lines: list[str] = []
    told = rows(samples)
    for subject in dict.fromkeys(name for name, _ in told):
        table = [_HEAD, *(tuple(_cell(row[key], key) for key in _HEAD) for name, row in told if name == subject)]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines += ["", f"== {subject}{_size(samples, subject)}"]
        lines += [
            "  ".join(_padded(cell, width, at) for at, (cell, width) in enumerate(zip(line, widths, strict=True)))
            for line in table
        ]
    faults = dict.fromkeys(f"! {one.subject}, {one.job}: {one.fault}" for one in samples if one.fault is not None)
    return "\n".join([*lines, *differences(samples), *faults])


def differences(samples: Sequence[Sample]) -> list[str]:
    """In words: what a tool chose that pip did not, and the other way round."""
    told: dict[str, None] = {}
    for group in groups(samples).values():
        theirs = next((one.picks for one in group.samples if one.tool == "pip" and one.fault is None), None)
        for one in group.samples:
            if theirs is None or one.fault is not None or one.picks == theirs:
                continue
            more, less = sorted(one.picks - theirs), sorted(theirs - one.picks)
            told[
                f"! {one.subject}, {one.job}: {one.tool} has {more or 'nothing else'}, pip {less or 'nothing else'}"
            ] = None
    return list(told)


def _size(samples: Sequence[Sample], subject: str) -> str:
    sizes = {len(one.picks) for one in samples if one.subject == subject and one.tool == "pip" and one.picks}
    return f" ({'/'.join(map(str, sorted(sizes)))} distributions)" if sizes else ""


def _cell(value: Any, key: str) -> str:
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    if key == "target":
        return f"<= {value:.1f}"
    return f"{value:.2f}" if "/" in key or key == "pip s" else f"{value:.0f}"


def _padded(cell: str, width: int, at: int) -> str:
    return cell.ljust(width) if at in {0, len(_HEAD) - 1} else cell.rjust(width)


def document(samples: Sequence[Sample], about: dict[str, Any]) -> dict[str, Any]:
    return {
        **about,
        "ratios": [{"subject": subject, **row} for subject, row in rows(samples)],
        "samples": [
            {
                "subject": one.subject,
                "job": one.job,
                "tool": one.tool,
                "seconds": round(one.ran.seconds, 4),
                "cpu": round(one.ran.cpu, 4),
                "peak": one.ran.peak,
                "requests": one.requests,
                "fault": one.fault,
            }
            for one in samples
        ],
    }
