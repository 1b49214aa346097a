"""Rules: one file each, one signature, pure.

A check observes: it says PASS, FAIL or UNKNOWN about one dossier. What follows from that is the policy's word
(`safepip.decide`). A check module has

    ID:    its id in docs/policy.md
    NEEDS: the kinds of evidence it looks at
    def check(dossier: Dossier, policy: Policy, now: datetime) -> tuple[Finding, ...]
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from safepip.checks import (
    archive,
    attestation,
    digest,
    direct_url,
    downgrade,
    file_collision,
    hash_pinned,
    index_conflict,
    late_file,
    metadata_match,
    native_in_pure,
    project_status,
    provenance_available,
    publisher,
    record,
    release_age,
    script_shadow,
    source_kind,
    startup_hook,
    world_writable,
)
from safepip.model.evidence import Dossier, Kind
from safepip.model.policy import Policy
from safepip.model.verdict import Finding


class Check(Protocol):
    """What a check module offers."""

    @property
    def ID(self) -> str: ...  # noqa: N802 - a module's constant

    @property
    def NEEDS(self) -> frozenset[Kind]: ...  # noqa: N802

    def check(self, dossier: Dossier, policy: Policy, now: datetime) -> tuple[Finding, ...]: ...


# The order is that of a report: what is tampered with first.
ALL: tuple[Check, ...] = (
    digest,
    archive,
    record,
    metadata_match,
    attestation,
    provenance_available,
    publisher,
    downgrade,
    late_file,
    source_kind,
    hash_pinned,
    index_conflict,
    release_age,
    project_status,
    startup_hook,
    file_collision,
    script_shadow,
    direct_url,
    native_in_pure,
    world_writable,
)
