"""`project-status`: what the index says of the project as a whole (PEP 792)."""

from __future__ import annotations

from datetime import datetime

from safepip.model.artifact import Status
from safepip.model.evidence import Dossier, History, Kind, Unavailable
from safepip.model.policy import Policy
from safepip.model.verdict import Finding, Outcome

ID = "project-status"
NEEDS: frozenset[Kind] = frozenset({Kind.HISTORY})

_WORDS = {
    Status.ARCHIVED: "the project is archived: it gets no fixes any more",
    Status.DEPRECATED: "the project is deprecated by its maintainers",
    Status.QUARANTINED: "the index has quarantined the project as unsafe",
}


def check(dossier: Dossier, policy: Policy, now: datetime) -> tuple[Finding, ...]:  # noqa: ARG001 - one signature
    subject = dossier.subject
    history = dossier.get(History)

    def finding(outcome: Outcome, code: str, message: str) -> tuple[Finding, ...]:
        return (Finding(check=ID, code=code, about=subject.key, outcome=outcome, message=message),)

    if subject.named:
        return finding(Outcome.PASS, "not-from-index", "named by a person, not found on an index")
    if isinstance(history, Unavailable):
        return finding(Outcome.UNKNOWN, history.code, history.why)
    status = history.status.status
    if status is Status.ACTIVE:
        said = "active" if history.offers.status else "the index states no project status"
        return finding(Outcome.PASS, ID, said)
    reason = f" ({history.status.reason!r})" if history.status.reason else ""
    return finding(Outcome.FAIL, status.value, _WORDS[status] + reason)
