"""A wheel that joined its release long after the others, or without their attestation. docs/checks/late-file.md"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from safepip.formats.age import moment
from safepip.model.evidence import Dossier, History, Kind, Subject, Unavailable
from safepip.model.ident import FileKind
from safepip.model.policy import Policy
from safepip.model.verdict import Finding, Outcome

ID = "late-file"
NEEDS = frozenset({Kind.HISTORY})
# A release is complete when nothing was added to it for so long.
PAUSE = timedelta(days=3)


def check(dossier: Dossier, policy: Policy, now: datetime) -> tuple[Finding, ...]:
    """By what the page says of the files of the same version; `policy` and `now` are not looked at."""
    del policy, now
    subject, history = dossier.subject, dossier.get(History)
    if subject.named:
        return (_finding(subject, "not-from-index", Outcome.PASS, "named by a person, not found on an index"),)
    if isinstance(history, Unavailable):
        return (_finding(subject, history.code, Outcome.UNKNOWN, history.why),)
    if subject.file is not None and subject.file.kind is FileKind.SDIST:
        return (_finding(subject, ID, Outcome.PASS, "not a wheel"),)
    beside = _beside_attested_sdist(subject, history)
    return (_joined(subject, history), *((beside,) if beside is not None else ()))


def _joined(subject: Subject, history: History) -> Finding:
    if history.uploaded is None:
        # `release-age` says of such an index or file what there is to say, and denies where that matters.
        return _finding(subject, "no-upload-time", Outcome.PASS, "no upload time is stated that could be compared")
    complete = complete_at(one.uploaded for one in history.siblings if one.uploaded is not None)
    if complete is None or history.uploaded - complete <= PAUSE:
        return _finding(subject, ID, Outcome.PASS, "uploaded with the other files of its release")
    late = (history.uploaded - complete).days
    text = f"added {moment(history.uploaded)}, {late} days after its release was complete"
    hint = "Ask the project whether it added this wheel; if nobody there knows of it, do not use it and report it."
    return _finding(subject, "added-later", Outcome.FAIL, text, hint)


def _beside_attested_sdist(subject: Subject, history: History) -> Finding | None:
    attested = next((one for one in history.siblings if one.attested and one.name.kind is FileKind.SDIST), None)
    if history.attested or attested is None:
        return None
    text = f"not attested, and {attested.name} of the same release is"
    hint = "Ask the project where its wheels are built."
    return _finding(subject, "sdist-only-attested", Outcome.FAIL, text, hint)


def complete_at(uploads: Iterable[datetime]) -> datetime | None:
    """When the first batch of a release was there: its last upload before a pause of more than `PAUSE`.

    Measured from the first batch and not from the latest file, or a harmless wheel, added late, would excuse the next.
    """
    complete = None
    for upload in sorted(uploads):
        if complete is not None and upload - complete > PAUSE:
            break
        complete = upload
    return complete


def _finding(subject: Subject, code: str, outcome: Outcome, message: str, hint: str | None = None) -> Finding:
    return Finding(check=ID, code=code, about=subject.key, outcome=outcome, message=message, hint=hint)
