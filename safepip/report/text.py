"""A run for people: pip's lines on stdout, everything else on stderr, refusals as blocks (docs/messages.md).

Text that came from outside is cleaned of control characters and line ends on its way out, so that no index, file name
or reason can write to the terminal or forge a line. Texts of several lines are split first and indented.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from safepip.errors import NoAnswer, SafepipError
from safepip.formats.age import moment
from safepip.formats.plain import clean
from safepip.model.artifact import Listing, PassedOver, Pin, Resolution
from safepip.model.levels import CHECKS
from safepip.model.run import Distribution, Refusal, Run
from safepip.model.verdict import Judged
from safepip.report.provenance import Unoffered, index_notes, line_of, unoffered

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


def provenance(one: Distribution, granted: Mapping[str, str]) -> str | None:
    """Who published an attested distribution; None where nothing is attested. `granted`: see `line_of`."""
    line = line_of(one, granted)
    return clean(line) if line is not None else None


def closing(run: Run, style: Style, verbosity: int) -> Iterator[str]:
    """What stands on stderr at the end: refusals, errors, warnings, and what was held back."""
    if verbosity > 0:
        yield from _judgements(run.distributions)
    if verbosity > -2:
        yield from (style.warning(text) for text in _warnings(run.distributions, notes=verbosity > 0))
    for error in run.errors:
        yield from failure(error, style)
    if run.refusals:
        yield from _refusals(run, style)
    if verbosity >= 0:
        yield from (clean(line) for line in index_notes(run))
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
    folded = unoffered(run)
    for index in folded:
        yield from _unoffered(index)
    told = {id(refusal) for index in folded for refusal in index.refusals}
    for refusal in run.refusals:
        if refusal not in conflicts and id(refusal) not in told:
            yield from _block(refusal)
    if conflicts and len(conflicts) == len(run.refusals):
        yield from _aligned(pair for pair in conflicts[0].facts if pair[0] == "next")


def _unoffered(index: Unoffered) -> Iterator[str]:
    """All that one index's lack of provenance refused, as one block: the lack is the index's and not the files'."""
    count = len(index.projects)
    yield _head("refused", f"{count} distribution{'s' * (count != 1)} from {index.index}", "attestation")
    fact = "this index does not offer provenance, so nobody can tell who published what it serves"
    pinned = {f"{one.project}: {_flat(one.message)}" for one in index.refusals if one.check == "publisher"}
    required = [f"{_what(one)}  {'  ->  '.join(one.chain)}" for one in index.projects]
    facts = dict.fromkeys(
        pair
        for one in index.refusals
        if one.check == "attestation"
        for pair in one.facts
        if pair[0] in {"rule", "next"}
    )
    yield from _aligned([
        ("required", "\n".join(required)),
        ("fact", "\n".join([fact, *sorted(pinned)])),
        *sorted(facts, key=lambda pair: pair[0] != "rule"),
    ])  # fmt: skip


def _block(refusal: Refusal) -> Iterator[str]:
    yield _head("refused" if refusal.outcome == "fail" else "unknown", _what(refusal), refusal.check)
    pairs = [("required", "  ->  ".join(refusal.chain))] if refusal.chain else []
    yield from _aligned([*pairs, ("fact", refusal.message), *refusal.facts])


def _what(refusal: Refusal) -> str:
    file = f"  ({refusal.file})" if refusal.file else ""
    return f"{refusal.project} {refusal.version or ''}".strip() + file


def _head(word: str, what: str, check: str) -> str:
    head = f"  {word:{_LABEL}} {what}"
    return clean(f"{head:{_WIDTH - len(check)}}{' ' if len(head) >= _WIDTH - len(check) else ''}{check}")


def _aligned(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    listed = list(pairs)
    width = max([_LABEL, *(len(label) for label, _ in listed)])
    for label, text in listed:
        first, *more = text.split("\n")
        yield f"  {clean(label):{width}} {clean(first)}"
        yield from (f"  {'':{width}} {clean(line)}" for line in more)


def _warnings(distributions: Iterable[Distribution], *, notes: bool) -> Iterator[str]:
    """One line for each thing to know, however many files it is about.

    notes: also what is a note in every profile; many popular wheels have such, and a run is to be as quiet as pip
    """
    groups: dict[tuple[str, str], list[str]] = {}
    for one in distributions:
        subject = one.verdict.subject
        for judged in one.verdict.told:
            noted = notes or not CHECKS[judged.finding.check].is_note
            if (judged.warns and noted) or judged.waived_by is not None or judged.finding.code == "allowed":
                groups.setdefault((judged.finding.check, _words(judged)), []).append(
                    f"{subject.project} {subject.version}"
                )
    for (check, words), names in groups.items():
        listed = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        yield f"{listed}: {words}  [{check}]"


def _words(judged: Judged) -> str:
    waiver, message = judged.waived_by, _flat(judged.finding.message)
    if waiver is None:
        return message
    return f"{message}; waived until {waiver.until} by {waiver.place}: {waiver.reason}"


def _flat(message: str) -> str:
    """A message of several aligned lines as one."""
    return "; ".join(" ".join(line.split()) for line in message.split("\n")) if "\n" in message else message


def _held_back(passed_over: Iterable[PassedOver]) -> Iterator[str]:
    """The newest version of each project, and how many more there are. What pip passes over in silence is not told."""
    by_project: dict[str, list[PassedOver]] = {}
    for one in passed_over:
        if one.check not in _AS_PIP:
            by_project.setdefault(one.project, []).append(one)
    for held in by_project.values():
        one = held[0]
        more = f", and {len(held) - 1} more" if len(held) > 1 else ""
        yield clean(f"Held back {one.project} {one.version}{more}: {_flat(one.message)}{_eligible(one)}  [{one.check}]")


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
