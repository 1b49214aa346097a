"""`source-kind`: a wheel. An sdist runs its author's code to become one, so a trusted builder must answer for it."""

from __future__ import annotations

from datetime import datetime

from safepip.model.evidence import Dossier, Kind
from safepip.model.ident import FileKind
from safepip.model.policy import Policy
from safepip.model.verdict import Finding, Outcome

ID = "source-kind"
NEEDS: frozenset[Kind] = frozenset()


def check(dossier: Dossier, policy: Policy, now: datetime) -> tuple[Finding, ...]:  # noqa: ARG001 - one signature
    subject = dossier.subject
    name = subject.artifact.name if subject.artifact is not None else subject.file
    if name is None:
        return (Finding(check=ID, code="no-file", about=subject.key, outcome=Outcome.UNKNOWN, message="no file named"),)
    if name.kind is FileKind.WHEEL:
        return (Finding(check=ID, code=ID, about=subject.key, outcome=Outcome.PASS, message="a wheel"),)
    finding = Finding(
        check=ID,
        code="sdist",
        about=subject.key,
        outcome=Outcome.FAIL,
        message=f"{name} is a source distribution: installing it would run its build code as you",
        hint="choose a version that ships a wheel, or have a wheel built from vetted source and serve that",
    )
    return (finding,)
