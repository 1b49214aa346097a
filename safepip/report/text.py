"""A run for people: pip's lines on stdout, everything else on stderr, refusals as blocks (docs/messages.md).

Text that came from outside is cleaned of control characters and line ends on its way out, so that no index, file name
or reason can write to the terminal or forge a line. Texts of several lines are split first and indented.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from safepip.errors import NoAnswer, SafepipError
from safepip.formats.age import moment
from safepip.formats.plain import clean
from safepip.formats.publisher import describe
from safepip.model.artifact import Listing, PassedOver, Pin, Resolution
from safepip.model.run import Distribution, Refusal, Run
from safepip.model.verdict import Judged

_LABEL = 10
_AS_PIP = frozenset({"yanked", "requires-python"})
_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Style:
    """How a line begins. Colour only where a person's terminal wants it."""

    color: bool

    def error(self, text: str) -> str:
        return self._paint("31", f"ERROR: {text}")

    def warning(self, text: str) -> str:
        return self._paint("33", f"WARNING: {text}")

    def _paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{clean(text)}\x1b[0m" if self.color else clean(text)


def opening(resolution: Resolution) -> Iterator[str]:
    """What pip says before it downloads: what is there already, and what will be collected."""
    for pin in resolution.pins:
        if pin.installed is not None and pin.requested:
            asked = pin.parents[0].requirement
            yield clean(f"Requirement already satisfied: {asked} in {pin.installed.location.parent} ({pin.version})")
    for pin in reversed(resolution.pins):
        if pin.installed is None:
            yield clean(f"Collecting {pin.parents[0].requirement}{_from(pin)}")


def _from(pin: Pin) -> str:
    parent = pin.parents[0]
    return f" (from {parent.project})" if parent.project is not None else ""


def transfer(verb: str, listing: Listing, size: int | None) -> str:
    """`  Downloading flask-3.1.3-py3-none-any.whl (103 kB)`, as pip writes it."""
    return clean(f"  {verb} {listing.name}{f' ({amount(size)})' if size is not None else ''}")


def provenance(one: Distribution) -> str | None:
    """Who published an attested distribution; None where nothing is attested."""
    if not one.attested:
        return None
    first = one.attested[0]
    when = f", logged {moment(first.logged_at)}" if first.logged_at is not None else ""
    return clean(f"  Verified {one.verdict.subject.file}: published by {describe(first.identity)}{when}")


def closing(run: Run, style: Style, verbosity: int) -> Iterator[str]:
    """What stands on stderr at the end: refusals, errors, warnings, and what was held back."""
    if verbosity > 0:
        yield from _judgements(run.distributions)
    if verbosity > -2:
        yield from (style.warning(text) for text in _warnings(run.distributions))
    for error in run.errors:
        yield from failure(error, style)
    if run.refusals:
        yield from _refusals(run, style)
    if verbosity >= 0 and run.outcome in {"installed", "would-install"}:
        yield from _held_back(run.held_back)


def failure(error: SafepipError, style: Style) -> Iterator[str]:
    """An error of any kind: one sentence, aligned context, the next step."""
    if isinstance(error, NoAnswer):
        yield from (style.error(line) for line in error.lines)
        yield from (clean(line) for line in error.explanation)
        if error.failures:  # told as refusals
            return
    else:
        first, *more = error.message.split("\n")
        yield style.error(first)
        yield from (f"  {clean(line)}" for line in more)
    yield from _aligned([*error.context, *([("next", error.hint)] if error.hint else [])])


def _refusals(run: Run, style: Style) -> Iterator[str]:
    if not run.errors:
        count = len({(refusal.project, refusal.version) for refusal in run.refusals})
        verb = "refused" if run.outcome == "refused" else "could not check"
        yield style.error(f"safepip {verb} {count} distribution{'s' * (count != 1)}; nothing was installed")
    conflicts = [refusal for refusal in run.refusals if refusal.check == "conflict"]  # told above, in sentences
    for refusal in run.refusals:
        if refusal not in conflicts:
            yield from _block(refusal)
    if conflicts and len(conflicts) == len(run.refusals):
        yield from _aligned(pair for pair in conflicts[0].facts if pair[0] == "next")


def _block(refusal: Refusal) -> Iterator[str]:
    file = f"  ({refusal.file})" if refusal.file else ""
    what = f"{refusal.project} {refusal.version or ''}".strip() + file
    head = f"  {'refused' if refusal.outcome == 'fail' else 'unknown':{_LABEL}} {what}"
    yield clean(
        f"{head:{_WIDTH - len(refusal.check)}}{' ' if len(head) >= _WIDTH - len(refusal.check) else ''}{refusal.check}"
    )
    pairs = [("required", "  ->  ".join(refusal.chain))] if refusal.chain else []
    yield from _aligned([*pairs, ("fact", refusal.message), *refusal.facts])


def _aligned(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    listed = list(pairs)
    width = max([_LABEL, *(len(label) for label, _ in listed)])
    for label, text in listed:
        first, *more = text.split("\n")
        yield f"  {clean(label):{width}} {clean(first)}"
        yield from (f"  {'':{width}} {clean(line)}" for line in more)


def _warnings(distributions: Iterable[Distribution]) -> Iterator[str]:
    """One line for each thing to know, however many files it is about."""
    groups: dict[tuple[str, str], list[str]] = {}
    for one in distributions:
        subject = one.verdict.subject
        for judged in one.verdict.judged:
            if judged.warns or judged.waived_by is not None:
                groups.setdefault((judged.finding.check, _words(judged)), []).append(
                    f"{subject.project} {subject.version}"
                )
    for (check, words), names in groups.items():
        listed = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        yield f"{listed}: {words}  [{check}]"


def _words(judged: Judged) -> str:
    waiver = judged.waived_by
    if waiver is None:
        return judged.finding.message
    return f"{judged.finding.message}; waived until {waiver.until} by {waiver.place}: {waiver.reason}"


def _held_back(passed_over: Iterable[PassedOver]) -> Iterator[str]:
    """The newest version of each project, and how many more there are. What pip passes over in silence is not told."""
    by_project: dict[str, list[PassedOver]] = {}
    for one in passed_over:
        if one.check not in _AS_PIP:
            by_project.setdefault(one.project, []).append(one)
    for held in by_project.values():
        one = held[0]
        more = f", and {len(held) - 1} more" if len(held) > 1 else ""
        yield clean(f"Held back {one.project} {one.version}{more}: {one.message}{_eligible(one)}  [{one.check}]")


def _eligible(one: PassedOver) -> str:
    return f"; eligible {moment(one.eligible)}" if one.eligible is not None else ""


def _judgements(distributions: Iterable[Distribution]) -> Iterator[str]:
    for one in distributions:
        subject = one.verdict.subject
        yield clean(f"{subject.project} {subject.version}  {subject.key}")
        yield from _aligned(
            (judged.finding.outcome.value, f"{judged.finding.check}: {judged.finding.message}")
            for judged in one.verdict.judged
        )


def amount(size: int) -> str:
    """Bytes as pip writes them: decimal units, one digit where it helps."""
    if size > 1_000_000:
        return f"{size / 1_000_000:.1f} MB"
    if size > 10_000:
        return f"{size // 1000} kB"
    return f"{size / 1000:.1f} kB" if size > 1000 else f"{size} bytes"
