"""METADATA that asks for a dependency by address, past every index and its rules. docs/checks/direct-url.md"""

from __future__ import annotations

from datetime import datetime

from packaging.requirements import Requirement

from safepip.errors import Malformed
from safepip.formats.metadata import parse_metadata
from safepip.formats.publisher import printable
from safepip.model.evidence import Dossier, Kind, Subject, Unavailable
from safepip.model.ident import redacted
from safepip.model.policy import Policy
from safepip.model.verdict import Finding, Outcome

ID = "direct-url"
NEEDS = frozenset({Kind.CONTENTS})
_MOST_TOLD = 3


def check(dossier: Dossier, policy: Policy, now: datetime) -> tuple[Finding, ...]:
    """By the METADATA in the wheel, whatever extra or marker asks for it; `policy` and `now` are not looked at."""
    del policy, now
    subject, contents = dossier.subject, dossier.inside
    if isinstance(contents, Unavailable):
        return (_finding(subject, contents.code, Outcome.UNKNOWN, contents.why),)
    try:
        metadata = parse_metadata(contents.metadata) if contents.metadata is not None else None
    except Malformed:
        metadata = None
    if metadata is None:
        return (_finding(subject, "no-metadata", Outcome.UNKNOWN, "there is no METADATA that could be read"),)
    addressed = [one for one in metadata.requires_dist if one.url is not None]
    if addressed:
        shown = ", ".join(_shown(one) for one in addressed[:_MOST_TOLD])
        more = f" and {len(addressed) - _MOST_TOLD:,} more" if len(addressed) > _MOST_TOLD else ""
        text = f"it depends on an address, past every index and its rules: {shown}{more}"
        return (_finding(subject, ID, Outcome.FAIL, text),)
    return (_finding(subject, ID, Outcome.PASS, "every dependency is asked of an index"),)


def _shown(requirement: Requirement) -> str:
    return printable(f"{requirement.name} @ {redacted(requirement.url or '')}")


def _finding(subject: Subject, code: str, outcome: Outcome, message: str) -> Finding:
    return Finding(check=ID, code=code, about=subject.key, outcome=outcome, message=message)
