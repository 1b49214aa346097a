"""Findings, and what is made of them. `Approved` cannot be born from a verdict with an open question."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime

from safepip.errors import Malformed
from safepip.model.evidence import Subject
from safepip.model.grants import Waiver
from safepip.model.levels import Level


class Outcome(enum.Enum):
    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check observed about one subject. A check never says "deny": that is the policy's word.

    check: its id; about: `Subject.key`; code: a finer stable code, or the check's id
    message: one sentence, the evidence in it; hint: the narrowest way on
    rule:  the rule that asked, as written and where: `safepip.toml:7  minimum-age = "3d"`
    eligible: when the same question will be answered otherwise, where time alone decides
    """

    check: str
    code: str
    about: str
    outcome: Outcome
    message: str
    hint: str | None = None
    rule: str | None = None
    eligible: datetime | None = None

    @property
    def is_blind(self) -> bool:
        """Whether the check could not look, for a reason that `archive` tells."""
        return self.outcome is Outcome.UNKNOWN and self.code == "unreadable" and self.check != "archive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A finding with the level that the policy gives it and the waiver that lifts it, if any.

    place: where the policy says so, such as `safepip.toml:7`, or the profile's name
    """

    finding: Finding
    level: Level
    place: str
    waived_by: Waiver | None

    @property
    def rule(self) -> str:
        """The rule that asked, as written, else the level of the check and who set it."""
        return self.finding.rule or f'{self.place}  {self.finding.check} = "{self.level.name.lower()}"'

    @property
    def denies(self) -> bool:
        return self.level is Level.DENY and self.finding.outcome is not Outcome.PASS and self.waived_by is None

    @property
    def warns(self) -> bool:
        return self.finding.outcome is not Outcome.PASS and not self.denies and self.level is not Level.OFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the policy makes of all findings about one subject.

    unasked: denying checks that were not asked at all; a verdict with any is a partial judgement
    """

    subject: Subject
    policy: str
    judged: tuple[Judged, ...]
    unasked: tuple[str, ...]

    @property
    def denied(self) -> tuple[Judged, ...]:
        return tuple(one for one in self.judged if one.denies)

    @property
    def told(self) -> tuple[Judged, ...]:
        """What is worth telling: an archive that cannot be read once, and not by each check that would look into it."""
        broken = any(one.finding.check == "archive" and one.finding.outcome is Outcome.FAIL for one in self.judged)
        return tuple(one for one in self.judged if not (broken and one.finding.is_blind))

    @property
    def waived(self) -> tuple[Judged, ...]:
        return tuple(one for one in self.judged if one.waived_by is not None)


@dataclass(frozen=True, slots=True)
class Approved:
    """A verdict in favour. The only thing that a plan can hold."""

    verdict: Verdict

    def __post_init__(self) -> None:
        verdict = self.verdict
        if verdict.denied or verdict.unasked or verdict.subject.artifact is None or not verdict.judged:
            raise Malformed(f"{verdict.subject.key} cannot be approved: it has objections or open questions")
