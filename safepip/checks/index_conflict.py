"""`index-conflict`: one name belongs to one index.

pip takes the highest version, whichever index has it: whoever registers an internal name on a public index gets
installed (dependency confusion). Honest case: a mirror, or a wheelhouse, lists the very same file.
"""

from __future__ import annotations

from datetime import datetime

from safepip.model.evidence import Dossier, History, Kind, Unavailable
from safepip.model.policy import Policy
from safepip.model.verdict import Finding, Outcome

ID = "index-conflict"
NEEDS: frozenset[Kind] = frozenset({Kind.HISTORY})


def check(dossier: Dossier, policy: Policy, now: datetime) -> tuple[Finding, ...]:  # noqa: ARG001 - one signature
    subject = dossier.subject
    history = dossier.get(History)
    if subject.named:
        finding = Finding(check=ID, code="not-from-index", about=subject.key, outcome=Outcome.PASS, message="named")
    elif subject.artifact is not None and subject.artifact.pins:
        finding = Finding(
            check=ID,
            code="pinned",
            about=subject.key,
            outcome=Outcome.PASS,
            message="settled by a pinned digest",
        )
    elif isinstance(history, Unavailable):
        finding = Finding(check=ID, code=history.code, about=subject.key, outcome=Outcome.UNKNOWN, message=history.why)
    elif history.rivals:
        finding = Finding(
            check=ID,
            code=ID,
            about=subject.key,
            outcome=Outcome.FAIL,
            message=f"{history.index} serves this file, {' and '.join(history.rivals)} the same name without it",
            hint=f'say whose it is, in safepip.toml: [indexes.NAME] url = "..." packages = ["{subject.project}"]; '
            "or pin the file with --hash",
        )
    else:
        finding = Finding(check=ID, code=ID, about=subject.key, outcome=Outcome.PASS, message="one source")
    return (finding,)
