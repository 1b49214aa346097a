"""`hash-pinned`: what the policy (or `--require-hashes`) wants pinned by digest is pinned.

md5 and sha1 are no pins. A pin that does not match is the business of `digest`.
"""

from __future__ import annotations

from datetime import datetime

from safepip.model.evidence import Dossier, Kind
from safepip.model.levels import Hashes
from safepip.model.policy import Policy
from safepip.model.verdict import Finding, Outcome

ID = "hash-pinned"
NEEDS: frozenset[Kind] = frozenset()


def check(dossier: Dossier, policy: Policy, now: datetime) -> tuple[Finding, ...]:  # noqa: ARG001 - one signature
    subject = dossier.subject
    rule = policy.rules_for(subject.project).hashes
    if subject.artifact is None:
        return (_finding(subject.key, Outcome.UNKNOWN, "no-bytes", "there are no bytes to hash yet"),)
    if subject.artifact.pins:
        return (_finding(subject.key, Outcome.PASS, ID, "pinned by digest"),)
    if rule.value is Hashes.OFF or (rule.value is Hashes.ROOTS and not subject.requested):
        return (_finding(subject.key, Outcome.PASS, "not-asked", "no pin is asked for"),)
    finding = Finding(
        check=ID,
        code=ID,
        about=subject.key,
        outcome=Outcome.FAIL,
        message="it is not pinned by a digest, and every distribution of this run must be",
        hint=f"add to the requirements: {subject.project}=={subject.version} --hash=sha256:{subject.artifact.sha256}",
        rule=f'{rule.place}  hashes = "{rule.value.name.lower()}"',
    )
    return (finding,)


def _finding(key: str, outcome: Outcome, code: str, message: str) -> Finding:
    return Finding(check=ID, code=code, about=key, outcome=outcome, message=message)
