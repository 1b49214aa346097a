"""A file without attestation, uploaded after attested ones of its project. docs/checks/downgrade.md"""

from __future__ import annotations

from datetime import datetime

from safepip.formats.age import moment
from safepip.formats.ledger import accept_command
from safepip.model.artifact import Listing
from safepip.model.evidence import Dossier, History, Kind, Subject, Unavailable
from safepip.model.ident import FileName
from safepip.model.policy import Policy
from safepip.model.verdict import Finding, Outcome

ID = "downgrade"
NEEDS = frozenset({Kind.HISTORY})


def check(dossier: Dossier, policy: Policy, now: datetime) -> tuple[Finding, ...]:
    """By what the index's own page lists, and what a person accepted; `policy` and `now` are not looked at."""
    del policy, now
    subject, history = dossier.subject, dossier.get(History)
    if subject.named:
        return (_finding(subject, "not-from-index", Outcome.PASS, "named by a person, not found on an index"),)
    if isinstance(history, Unavailable):
        return (_finding(subject, history.code, Outcome.UNKNOWN, history.why),)
    if history.attested:
        return (_finding(subject, "attested", Outcome.PASS, "the index advertises an attestation of this file"),)
    if subject.file is None:
        return (_finding(subject, "no-file", Outcome.UNKNOWN, "no file was chosen, so no upload can be compared"),)
    return (_judged(subject, subject.file, history),)


def _judged(subject: Subject, file: FileName, history: History) -> Finding:
    if history.continuity is None:
        text = f"{history.index} offers no provenance, so it shows nothing of an attested past"
        return _finding(subject, "not-offered", Outcome.PASS, text)
    earlier = history.continuity.attested_before(file, history.uploaded) if history.uploaded is not None else None
    if earlier is not None and earlier.uploaded is not None:
        text = f"not attested, and {earlier.name}, uploaded before it on {moment(earlier.uploaded)}, was"
        return _finding(subject, ID, Outcome.FAIL, text, _way_on(subject, earlier))
    other = history.continuity.unordered(file, history.uploaded)
    if other is not None:
        text = f"not attested, {other.name} is, and the index does not say which was uploaded first"
        return _finding(subject, "no-upload-times", Outcome.UNKNOWN, text, _way_on(subject, other))
    if history.accepted is not None:
        text = f"{history.accepted.place}: accepted, since {history.accepted.file}, that it is not attested"
        return _finding(subject, "accepted", Outcome.PASS, text)
    return _finding(subject, ID, Outcome.PASS, "no attested file came before this one")


def _way_on(subject: Subject, attested: Listing) -> str:
    """The ledger cannot accept a release that is attested in part: who published it is then who attested that part."""
    accept = accept_command(subject.project, subject.version, attested.index)
    if attested.name.version == subject.version:
        accept = "a waiver"
    return (
        "Ask the project whether it published this file without attestation. "
        f"If nobody there knows of it, do not use this file and report it. If it did: {accept}"
    )


def _finding(subject: Subject, code: str, outcome: Outcome, message: str, hint: str | None = None) -> Finding:
    return Finding(check=ID, code=code, about=subject.key, outcome=outcome, message=message, hint=hint)
