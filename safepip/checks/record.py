"""RECORD lists every file of the wheel once, with its digest and size, and nothing else. docs/checks/record.md"""

from __future__ import annotations

from datetime import datetime

from safepip.model.evidence import Dossier, Kind, Subject, Unavailable
from safepip.model.policy import Policy
from safepip.model.verdict import Finding, Outcome

ID = "record"
NEEDS = frozenset({Kind.CONTENTS})
_HINT = (
    "Tell the project that its wheel is not the one that its builder wrote down; nobody can tell which file is right."
)


def check(dossier: Dossier, policy: Policy, now: datetime) -> tuple[Finding, ...]:
    """By the bytes alone; `policy` and `now` are not looked at."""
    del policy, now
    subject, contents = dossier.subject, dossier.inside
    if isinstance(contents, Unavailable):
        return (_finding(subject, contents.code, Outcome.UNKNOWN, contents.why),)
    if contents.record_faults:
        return tuple(_finding(subject, one.code, Outcome.FAIL, one.message, _HINT) for one in contents.record_faults)
    return (_finding(subject, ID, Outcome.PASS, "RECORD lists every file, and every digest and size is right"),)


def _finding(subject: Subject, code: str, outcome: Outcome, message: str, hint: str | None = None) -> Finding:
    return Finding(check=ID, code=code, about=subject.key, outcome=outcome, message=message, hint=hint)
