"""The wheel is one plain zip archive that every reader reads alike, and its members are what a wheel may hold.

The reading itself is `safepip.formats.wheel`; every fault that it found is told here. docs/checks/archive.md
"""

from __future__ import annotations

from datetime import datetime

from safepip.model.contents import Contents, Fault
from safepip.model.evidence import Dossier, Kind, Subject, Unavailable
from safepip.model.policy import Policy
from safepip.model.verdict import Finding, Outcome

ID = "archive"
NEEDS = frozenset({Kind.CONTENTS})
_HINT = "Do not install it by other means: tell the project, and the index, that this file is not a sound wheel."


def check(dossier: Dossier, policy: Policy, now: datetime) -> tuple[Finding, ...]:
    """By the bytes alone; `policy` and `now` are not looked at."""
    del policy, now
    subject, contents = dossier.subject, dossier.get(Contents)
    if isinstance(contents, Unavailable):
        return (_finding(subject, contents.code, Outcome.UNKNOWN, contents.why),)
    objections = [_objection(subject, one) for one in contents.faults]
    if contents.readable and (subject.artifact is None or contents.sha256 != subject.artifact.sha256):
        # Somebody wrote to the file between its digest and this reading.
        text = "the file changed while it was being judged"
        objections.append(_finding(subject, "changed", Outcome.FAIL, text))
    if not contents.readable and not objections:
        objections.append(_finding(subject, "unreadable", Outcome.UNKNOWN, "the archive cannot be read"))
    if objections:
        return tuple(objections)
    return (_finding(subject, ID, Outcome.PASS, "one sound archive, from its first byte to its last"),)


def _objection(subject: Subject, fault: Fault) -> Finding:
    return _finding(subject, fault.code, Outcome.FAIL, fault.message, _HINT)


def _finding(subject: Subject, code: str, outcome: Outcome, message: str, hint: str | None = None) -> Finding:
    return Finding(check=ID, code=code, about=subject.key, outcome=outcome, message=message, hint=hint)
