"""What was denied, as the value that text and JSON print: who asked, the fact, the rule, and the narrowest way on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from safepip.errors import NoAnswer
from safepip.formats.age import moment
from safepip.model.artifact import Parent, PassedOver, Pin, Resolution
from safepip.model.ident import ProjectName
from safepip.model.levels import CHECKS, may_be_waived
from safepip.model.run import Distribution, Refusal
from safepip.model.verdict import Judged, Outcome
from safepip.resolve.explain import Unsatisfied

# A code that a waiver lifts, and that nobody should be led to lift.
_UNSPOKEN = "quarantined"


def from_verdict(one: Distribution, judged: Judged, resolution: Resolution) -> Refusal:
    """One denied finding about one distribution."""
    subject, finding = one.verdict.subject, judged.finding
    pin = next(pin for pin in resolution.pins if pin.project == subject.project)
    root = pin.parents[0]
    facts = [("rule", judged.rule)]
    if finding.hint is not None:
        facts.append(("next", finding.hint))
    facts.extend(exception(finding.check, finding.code, subject.project, str(subject.version), finding.eligible))
    return Refusal(
        check=finding.check,
        code=finding.code,
        project=subject.project,
        version=str(subject.version),
        file=str(subject.file) if subject.file is not None else None,
        requirement=root.requirement,
        origin=root.origin,
        chain=one.chain,
        outcome=finding.outcome.value,
        message=finding.message,
        facts=tuple(facts),
    )


def from_no_answer(error: NoAnswer) -> tuple[Refusal, ...]:
    """One refusal for each requirement that could not be met."""
    return tuple(_unsatisfied(failure) for failure in error.failures)


def _unsatisfied(failure: Unsatisfied) -> Refusal:
    """The newest version that was out for the reason that decided stands for all of them."""
    spoken = {failure.check, "no-wheel"} if failure.check == "source-kind" else {failure.check}
    first = next((one for one in failure.passed_over if one.check in spoken), None)
    return Refusal(
        check=failure.check,
        code=(first.code if first is not None else None) or failure.check,
        project=failure.project,
        version=str(first.version) if first is not None else None,
        file=first.file if first is not None else None,
        requirement=failure.requirement,
        origin=failure.origin,
        chain=failure.chain,
        outcome=Outcome.FAIL.value,
        message=first.message if first is not None else failure.message,
        facts=tuple(_facts(failure, first)),
    )


def _facts(failure: Unsatisfied, first: PassedOver | None) -> Iterator[tuple[str, str]]:
    if first is not None and first.rule is not None:
        yield "rule", first.rule
    if failure.accepted is not None:
        yield "accepted", f"{failure.project} {failure.accepted}  ({failure.accepted_file})"
    if first is not None and first.eligible is not None:
        yield "eligible", f"{first.version} from {moment(first.eligible)}"
    hint = (first.hint if first is not None and first.eligible is None else None) or failure.hint
    if hint is not None:
        yield "next", hint
    if first is not None:
        yield from exception(first.check, first.code, failure.project, str(first.version), first.eligible)


def exception(
    check: str, code: str | None, project: str, version: str, eligible: datetime | None
) -> Iterator[tuple[str, str]]:
    """The narrowest waiver that would let this one version in, where one can and a person should be told."""
    if check not in CHECKS or not may_be_waived(check, code or check) or code == _UNSPOKEN:
        return
    until = f"{eligible:%Y-%m-%d}" if eligible is not None else "YYYY-MM-DD"
    lines = (
        f'check = "{check}"',
        f'project = "{project}"',
        f'version = "{version}"',
        'reason = "..."',
        f"until = {until}",
    )
    yield "exception", "\n".join(["in safepip.toml:", "[[waivers]]", *lines])


def chain_of(pin: Pin, resolution: Resolution) -> tuple[str, ...]:
    """From the root to this distribution: ("requirements.txt:12", "web-app 4.0", "acme-tool>=2")."""
    by_name = {one.project: one for one in resolution.pins}
    links: list[str] = []
    parent, seen = pin.parents[0], {pin.project}
    links.append(parent.requirement)
    while parent.project is not None and parent.project not in seen and parent.project in by_name:
        seen.add(parent.project)
        links.append(f"{parent.project} {parent.version}")
        parent = _first(by_name[parent.project], seen)
    return (parent.origin, *reversed(links))


def _first(pin: Pin, seen: set[ProjectName]) -> Parent:
    """The first parent that leads on: roots stand first."""
    return next((parent for parent in pin.parents if parent.project not in seen), pin.parents[0])
