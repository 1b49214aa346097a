"""Members that anybody on the machine could write to once installed. docs/checks/world-writable.md"""

from __future__ import annotations

from datetime import datetime

from safepip.formats.membername import shown
from safepip.model.evidence import Dossier, Kind, Subject, Unavailable
from safepip.model.policy import Policy
from safepip.model.verdict import Finding, Outcome

ID = "world-writable"
NEEDS = frozenset({Kind.CONTENTS})


def check(dossier: Dossier, policy: Policy, now: datetime) -> tuple[Finding, ...]:
    """By the modes in the archive; `policy` and `now` are not looked at."""
    del policy, now
    subject, contents = dossier.subject, dossier.inside
    if isinstance(contents, Unavailable):
        return (_finding(subject, contents.code, Outcome.UNKNOWN, contents.why),)
    if contents.world_writable:
        text = f"writable by anybody: {shown(contents.world_writable[0])}"
        more = f" and {len(contents.world_writable) - 1:,} more" if len(contents.world_writable) > 1 else ""
        return (_finding(subject, ID, Outcome.FAIL, text + more),)
    return (_finding(subject, ID, Outcome.PASS, "nothing is writable by anybody"),)


def _finding(subject: Subject, code: str, outcome: Outcome, message: str) -> Finding:
    return Finding(check=ID, code=code, about=subject.key, outcome=outcome, message=message)
