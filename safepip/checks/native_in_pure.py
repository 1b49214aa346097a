"""A wheel that says it runs anywhere, and holds machine code. docs/checks/native-in-pure.md"""

from __future__ import annotations

from datetime import datetime

from safepip.formats.membername import shown
from safepip.model.evidence import Dossier, Kind, Subject, Unavailable
from safepip.model.policy import Policy
from safepip.model.verdict import Finding, Outcome

ID = "native-in-pure"
NEEDS = frozenset({Kind.CONTENTS})


def check(dossier: Dossier, policy: Policy, now: datetime) -> tuple[Finding, ...]:
    """By the tags in the file name, which `metadata-match` holds to be those of WHEEL."""
    del policy, now
    subject, contents = dossier.subject, dossier.inside
    if isinstance(contents, Unavailable):
        return (_finding(subject, contents.code, Outcome.UNKNOWN, contents.why),)
    anywhere = subject.file is not None and any(tag.platform == "any" for tag in subject.file.tags)
    if anywhere and contents.native:
        text = f"tagged for any platform, and holds machine code: {shown(contents.native[0])}"
        more = f" and {len(contents.native) - 1:,} more" if len(contents.native) > 1 else ""
        return (_finding(subject, ID, Outcome.FAIL, text + more),)
    return (_finding(subject, ID, Outcome.PASS, "no machine code, or tagged for its platform"),)


def _finding(subject: Subject, code: str, outcome: Outcome, message: str) -> Finding:
    return Finding(check=ID, code=code, about=subject.key, outcome=outcome, message=message)
