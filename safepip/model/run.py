"""One run, told in full: the value that every report prints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from safepip.errors import SafepipError
from safepip.model.artifact import Offers, PassedOver
from safepip.model.evidence import VerifiedAttestation
from safepip.model.plan import Keep, Plan
from safepip.model.policy import Policy
from safepip.model.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """One judged distribution of the run.

    locked: a lock file said who has to have published it
    chain: from the root to this one, as printed: ("requirements.txt:12", "web-app 4.0", "acme-tool>=2")
    """

    verdict: Verdict
    attested: tuple[VerifiedAttestation, ...]
    locked: bool
    chain: tuple[str, ...]
    parents: tuple[str, ...]
    requested: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Something that was asked for and not let in, before or after its bytes were seen.

    facts: what a reader needs to know, as (label, text): fact, rule, accepted, exception, ...
    """

    check: str
    code: str
    project: str
    version: str | None
    file: str | None
    requirement: str | None
    origin: str | None
    chain: tuple[str, ...]
    outcome: str
    message: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexSeen:
    url: str
    offers: Offers


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """From start to finish. `notes`: what pip would warn of.

    outcome: installed | would-install | refused | could-not-check | bad-input | failed
    """

    command: tuple[str, ...]
    started: datetime
    finished: datetime
    pip_version: str
    interpreter: str
    environment: str
    markers: Mapping[str, str]
    policy: Policy | None
    outcome: str
    distributions: tuple[Distribution, ...]
    kept: tuple[Keep, ...]
    plan: Plan | None
    held_back: tuple[PassedOver, ...]
    refusals: tuple[Refusal, ...]
    indexes: tuple[IndexSeen, ...]
    errors: tuple[SafepipError, ...]
    notes: tuple[str, ...]
