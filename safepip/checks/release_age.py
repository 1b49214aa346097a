"""`release-age`: the file is old enough that somebody would have noticed.

Judged by the upload time of the FILE (an old release can gain a poisoned wheel), and, for a young project, by its
first upload. Three answers for a missing time: the index states none at all (UNKNOWN), the index states them for
other files (FAIL), the policy knows that this index states none (PASS, by grant).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

from safepip.formats.age import moment, render_age
from safepip.model.evidence import Dossier, History, Kind, Unavailable
from safepip.model.levels import Age, Placed
from safepip.model.policy import Policy
from safepip.model.verdict import Finding, Outcome

ID = "release-age"
NEEDS: frozenset[Kind] = frozenset({Kind.HISTORY})


_NEVER = datetime.max.replace(tzinfo=timezone.utc)


def check(dossier: Dossier, policy: Policy, now: datetime) -> tuple[Finding, ...]:
    subject = dossier.subject
    history = dossier.get(History)
    if subject.named:
        return (_finding(subject.key, Outcome.PASS, "not-from-index", "named by a person, not found on an index"),)
    if isinstance(history, Unavailable):
        return (_finding(subject.key, Outcome.UNKNOWN, history.code, history.why),)
    grant = policy.index_named(history.index)
    if history.uploaded is None:
        granted = grant if policy.may_lack_upload_times(subject.project, grant) else None
        return (_without_time(subject.key, history, granted.place if granted is not None else None),)
    ages = policy.ages_for(subject.project, grant)
    first_ages = policy.first_release_ages_for(subject.project, grant)
    appeared = history.first_upload or history.uploaded
    faults = (
        *_too_young(subject.key, "too-young", "uploaded", history.uploaded, "minimum-age", ages, now),
        *_too_young(
            subject.key, "first-release", "the project first appeared", appeared, "first-release-age", first_ages, now
        ),
    )
    if faults:
        return (max(faults, key=lambda fault: fault.eligible or _NEVER),)
    return (_finding(subject.key, Outcome.PASS, ID, f"uploaded {moment(history.uploaded)}"),)


def _without_time(key: str, history: History, granted_by: str | None) -> Finding:
    if granted_by is not None:
        return _finding(key, Outcome.PASS, "granted", f"{granted_by} knows that this index states no upload times")
    if history.offers.upload_time:
        message = f"{history.index} states no upload time for this file, but does for its siblings"
        return _finding(key, Outcome.FAIL, "no-upload-time", message)
    message = f"{history.index} states no upload times, so no age can be checked"
    return _finding(key, Outcome.UNKNOWN, "no-upload-times", message)


def _too_young(
    key: str, code: str, verb: str, since: datetime, rule: str, ages: tuple[Placed[Age], ...], now: datetime
) -> Iterator[Finding]:
    for age in ages:
        eligible = since + age.value if isinstance(age.value, timedelta) else None
        if eligible <= now if eligible is not None else since < age.value:  # type: ignore[operator]
            continue
        yield Finding(
            check=ID,
            code=code,
            about=key,
            outcome=Outcome.FAIL,
            message=f"{verb} {moment(since)}, {ago(now - since)}; the policy asks for {asked(age.value)}",
            hint=f"eligible {moment(eligible)}" if eligible is not None else None,
            rule=f'{age.place}  {rule} = "{render_age(age.value)}"',
            eligible=eligible,
        )


def _finding(key: str, outcome: Outcome, code: str, message: str) -> Finding:
    return Finding(check=ID, code=code, about=key, outcome=outcome, message=message)


def ago(span: timedelta) -> str:
    if span < timedelta(0):
        return "in the future"
    days, hours = span.days, span.seconds // 3600
    if days:
        return f"{days} day{'s' * (days != 1)} ago"
    return f"{hours} hour{'s' * (hours != 1)} ago" if hours else "within the last hour"


def asked(age: Age) -> str:
    if isinstance(age, datetime):
        return f"before {moment(age)}"
    if age.seconds or age.days == 0:
        return f"{int(age.total_seconds() // 3600)} hours"
    return f"{age.days} day{'s' * (age.days != 1)}"
