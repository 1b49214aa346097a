"""What a Sigstore trusted root names, as values for people: its logs and authorities with key and window.

Source: sigstore/protobuf-specs, `TrustedRoot` (version 0.1). Nothing is decided by these values; what verifies an
attestation is read elsewhere, from the same bytes.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime


class Part(enum.Enum):
    LOG = "log"
    CERTIFICATE_LOG = "certificate log"
    AUTHORITY = "certificate authority"
    TIMESTAMP_AUTHORITY = "time-stamp authority"


class Standing(enum.Enum):
    NOT_YET = "not yet in service"
    IN_SERVICE = "in service"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One log or authority.

    host:   of its address, empty where it has none
    key_id: of a log its log id, of an authority sha256 of its issuing certificate; hexadecimal
    key:    kind of key, such as `ECDSA P-256`
    start, end: the window in which what it signs counts; None where it is open
    """

    part: Part
    host: str
    key_id: str
    key: str
    start: datetime | None
    end: datetime | None

    def standing(self, now: datetime) -> Standing:
        if self.start is not None and now < self.start:
            return Standing.NOT_YET
        return Standing.RETIRED if self.end is not None and now > self.end else Standing.IN_SERVICE


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """What one root may speak for: indexes (names, or addresses) and globs over projects."""

    name: str
    indexes: tuple[str, ...]
    projects: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RootInForce:
    """One trusted root of this run.

    kind:    shipped, updated or file; origin: where it comes from, in words
    since:   when it was taken or last updated; None where nobody knows
    refresh: the command that makes it newer, None where there is none
    spoken:  what the policy ties it to; empty for the one that speaks wherever no other does
    """

    kind: str
    origin: str
    sha256: str
    since: datetime | None
    refresh: str | None
    note: str | None
    spoken: tuple[Spoken, ...]
    services: tuple[Service, ...]
