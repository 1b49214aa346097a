"""What `safepip scan` looked at, and what it makes of that."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from safepip.errors import SafepipError
from safepip.model.artifact import Artifact
from safepip.model.contents import Contents
from safepip.model.evidence import Unavailable
from safepip.model.levels import Level
from safepip.model.sdist import SdistContents
from safepip.model.verdict import Judged, Outcome


class Answer(enum.Enum):
    """PASSED: nothing that the policy denies was found. REFUSED: something was. UNKNOWN: nobody could say."""

    PASSED = "passed"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """One file, opened once and read to its end.

    contents: what is inside, by the kind that its name says; `Unavailable` where that could not be read at all
    begins:   the kind of archive that its first bytes are of, "zip" or "gzip"; None for anything else
    """

    artifact: Artifact
    contents: Contents | SdistContents | Unavailable
    begins: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """One file, judged by what is inside.

    target: as it was typed
    looked: None exactly where `error` says why the file could not be looked at
    judged: every finding with the level of the policy; a waiver is kept to be told, and lifts nothing here
    notes:  what is worth telling and no objection
    """

    target: str
    looked: Looked | None
    error: SafepipError | None
    judged: tuple[Judged, ...]
    notes: tuple[str, ...]

    @property
    def answer(self) -> Answer:
        """Refused wins over unknown: what is known to be wrong stays wrong whatever else could not be looked at."""
        if any(denies(one) for one in self.judged):
            return Answer.REFUSED
        if not self.judged or any(one.finding.outcome is Outcome.UNKNOWN for one in self.judged):
            return Answer.UNKNOWN
        return Answer.PASSED

    @property
    def warned(self) -> bool:
        return any(warns(one) for one in self.judged)


def denies(one: Judged) -> bool:
    """Whether the policy denies what was found, waived or not."""
    return one.finding.outcome is Outcome.FAIL and one.level is Level.DENY


def warns(one: Judged) -> bool:
    """Whether the policy warns of what was found."""
    return one.finding.outcome is Outcome.FAIL and one.level is Level.WARN
