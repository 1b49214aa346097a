"""The only judge: findings + policy -> Verdict.

Checks observe; here silence, UNKNOWN, and findings about other bytes become denial wherever the policy asks for that
check. The laws, tested as properties: *allowed implies that every asked denying check passed*, and *more objections
never turn a denial into an approval*.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from safepip.model.evidence import Subject
from safepip.model.grants import Waiver
from safepip.model.levels import Level, may_be_waived
from safepip.model.policy import Policy
from safepip.model.verdict import Finding, Judged, Outcome, Verdict


def decide(
    subject: Subject, policy: Policy, findings: Collection[Finding], *, asked: Collection[str], today: date
) -> Verdict:
    """Judge one subject.

    asked: the ids of the checks that were run. A denying check that the policy wants and that is not among them
    leaves the verdict open (`unasked`); one that was run and said nothing about these bytes denies.
    """
    active = policy.active(subject.project)
    judged: list[Judged] = []
    for check in active:
        if check not in asked:
            continue
        about = [finding for finding in findings if finding.check == check and finding.about == subject.key]
        judged.extend(_judge(finding, subject, policy, today) for finding in about or [_silence(check, subject)])
    unasked = tuple(
        check
        for check in active
        if check not in asked and policy.level(check, check, subject.project).value is Level.DENY
    )
    return Verdict(subject=subject, policy=policy.digest, judged=tuple(judged), unasked=unasked)


def _silence(check: str, subject: Subject) -> Finding:
    message = f"the check {check} said nothing about these bytes"
    return Finding(check=check, code="silent", about=subject.key, outcome=Outcome.UNKNOWN, message=message)


def _judge(finding: Finding, subject: Subject, policy: Policy, today: date) -> Judged:
    level = policy.level(finding.check, finding.code, subject.project)
    waiver = None
    if finding.outcome is not Outcome.PASS and may_be_waived(finding.check, finding.code):
        waiver = _waiver(finding, subject, policy, today)
    return Judged(finding=finding, level=level.value, place=level.place, waived_by=waiver)


def _waiver(finding: Finding, subject: Subject, policy: Policy, today: date) -> Waiver | None:
    """The waiver for exactly this check, project and version (or digest) that has not run out."""
    digest = subject.artifact.sha256 if subject.artifact is not None else None
    for waiver in policy.waivers:
        if waiver.check != finding.check or waiver.project != subject.project or waiver.until < today:
            continue
        if waiver.version is not None and waiver.version == subject.version:
            return waiver
        if waiver.sha256 is not None and waiver.sha256 == digest:
            return waiver
    return None
