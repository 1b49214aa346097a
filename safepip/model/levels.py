"""The vocabulary of policies: levels, profiles, kinds of layers, and the table of checks (docs/policy.md)."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar


class Level(enum.IntEnum):
    OFF = 0
    WARN = 1
    DENY = 2


class Profile(enum.IntEnum):
    OBSERVE = 0
    STANDARD = 1
    STRICT = 2


class LayerKind(enum.Enum):
    """Where a layer comes from. A PROJECT's came with a checkout; the others are of whoever runs or administers."""

    SYSTEM = "system"
    USER = "user"
    PROJECT = "project"
    NAMED = "--sp-policy"
    ENVIRONMENT = "environment"
    COMMAND_LINE = "command line"

    @property
    def may_limit(self) -> bool:
        return self in {LayerKind.SYSTEM, LayerKind.USER}

    @property
    def may_observe(self) -> bool:
        return self in {LayerKind.SYSTEM, LayerKind.USER, LayerKind.NAMED}

    @property
    def typed(self) -> bool:
        """Said for this very run: no file's grant lifts it."""
        return self in {LayerKind.ENVIRONMENT, LayerKind.COMMAND_LINE}


class Hashes(enum.IntEnum):
    """Which distributions must be pinned by digest."""

    OFF = 0
    ROOTS = 1
    ALL = 2


class AttestationRule(enum.IntEnum):
    """OFF: not looked at. WARN: what is there must verify. FIRST_USE: and keep its publisher. REQUIRE: must exist."""

    OFF = 0
    WARN = 1
    FIRST_USE = 2
    REQUIRE = 3


Age = timedelta | datetime


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Placed(Generic[T]):
    """A value and where it was written: `safepip.toml:7`, `command line`, or `profile standard`."""

    value: T
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSpec:
    """A line of the table of checks in docs/policy.md: levels per profile, and whether a waiver can lift it."""

    levels: tuple[Level, Level, Level]
    waivable: bool

    @property
    def is_note(self) -> bool:
        """Worth writing down and never more by itself, whatever the profile."""
        return set(self.levels) == {Level.WARN}


_OFF, _WARN, _DENY = Level.OFF, Level.WARN, Level.DENY


CHECKS: Mapping[str, CheckSpec] = {
    "digest": CheckSpec(levels=(_DENY, _DENY, _DENY), waivable=False),
    "hash-pinned": CheckSpec(levels=(_DENY, _DENY, _DENY), waivable=False),
    "source-kind": CheckSpec(levels=(_DENY, _DENY, _DENY), waivable=False),
    "archive": CheckSpec(levels=(_DENY, _DENY, _DENY), waivable=False),
    "record": CheckSpec(levels=(_DENY, _DENY, _DENY), waivable=False),
    "metadata-match": CheckSpec(levels=(_DENY, _DENY, _DENY), waivable=False),
    "attestation": CheckSpec(levels=(_DENY, _DENY, _DENY), waivable=False),
    "provenance-available": CheckSpec(levels=(_WARN, _DENY, _DENY), waivable=True),
    "publisher": CheckSpec(levels=(_WARN, _DENY, _DENY), waivable=True),
    "index-conflict": CheckSpec(levels=(_WARN, _DENY, _DENY), waivable=False),
    "downgrade": CheckSpec(levels=(_WARN, _DENY, _DENY), waivable=True),
    "late-file": CheckSpec(levels=(_WARN, _WARN, _DENY), waivable=True),
    "release-age": CheckSpec(levels=(_WARN, _DENY, _DENY), waivable=True),
    "project-status": CheckSpec(levels=(_WARN, _WARN, _DENY), waivable=True),
    "startup-hook": CheckSpec(levels=(_WARN, _DENY, _DENY), waivable=False),
    "file-collision": CheckSpec(levels=(_WARN, _DENY, _DENY), waivable=True),
    "script-shadow": CheckSpec(levels=(_WARN, _DENY, _DENY), waivable=True),
    "direct-url": CheckSpec(levels=(_DENY, _DENY, _DENY), waivable=True),
    "native-in-pure": CheckSpec(levels=(_WARN, _WARN, _WARN), waivable=True),
    "world-writable": CheckSpec(levels=(_WARN, _WARN, _WARN), waivable=True),
}


# Codes whose level differs from that of their check.
CODES: Mapping[tuple[str, str], tuple[Level, Level, Level]] = {
    ("project-status", "quarantined"): (_DENY, _DENY, _DENY),
    ("release-age", "no-upload-times"): (_WARN, _WARN, _DENY),
    ("downgrade", "no-upload-times"): (_WARN, _WARN, _DENY),
    ("publisher", "claims-changed"): (_WARN, _WARN, _DENY),
    ("file-collision", "interpreter"): (_DENY, _DENY, _DENY),
    ("file-collision", "standard-library"): (_DENY, _DENY, _DENY),
    ("file-collision", "unowned"): (_WARN, _WARN, _DENY),
}

# What no waiver lifts although the check has some: the environment itself would be another one.
_NEVER_WAIVED = frozenset({("file-collision", "interpreter"), ("file-collision", "standard-library")})


def may_be_waived(check: str, code: str) -> bool:
    """Whether a waiver can lift a finding of that code."""
    return CHECKS[check].waivable and (check, code) not in _NEVER_WAIVED
