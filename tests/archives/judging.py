"""A wheel as the gate sees it: read once, and every check that looks at nothing but its bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from safepip.checks import Check, archive, direct_url, metadata_match, record, script_shadow, startup_hook
from safepip.formats.wheel import read_contents
from safepip.model.artifact import Artifact, Local
from safepip.model.contents import Contents
from safepip.model.evidence import Dossier, Evidence, Subject
from safepip.model.ident import FileName, Sha256, Url
from safepip.model.policy import Policy
from safepip.model.verdict import Finding, Outcome
from tests.factories import NOW, policy

STRUCTURE: tuple[Check, ...] = (archive, record, metadata_match)
GATE: tuple[Check, ...] = (*STRUCTURE, startup_hook, script_shadow, direct_url)
STANDARD = policy("")


def subject_of(path: Path) -> Subject:
    """The file as one that a person named; its digest is computed as a fetch would have done it."""
    name = FileName.parse(path.name)
    with path.open("rb") as handle:
        digest = hashlib.sha256()
        while block := handle.read(1 << 20):
            digest.update(block)
    artifact = Artifact(
        name=name,
        sha256=Sha256.parse(digest.hexdigest()),
        digests={"sha256": digest.hexdigest()},
        size=path.stat().st_size,
        path=path,
        origin=Local(url=Url(path.absolute().as_uri())),
        pins=(),
    )
    return Subject(project=name.project, version=name.version, file=name, artifact=artifact, requested=True)


def findings(
    subject: Subject, contents: Evidence, checks: Sequence[Check] = GATE, under: Policy = STANDARD
) -> tuple[Finding, ...]:
    dossier = Dossier(subject=subject, evidence=(contents,))
    return tuple(finding for check in checks for finding in check.check(dossier, under, NOW))


def read(path: Path) -> Contents:
    """As the gatherer does, where resolution relied on the wheel's own METADATA."""
    with path.open("rb") as handle:
        return read_contents(handle, None)


def refusals(path: Path, checks: Sequence[Check] = GATE, under: Policy = STANDARD) -> tuple[Finding, ...]:
    """Everything that is not a clear pass."""
    told = findings(subject_of(path), read(path), checks, under)
    return tuple(finding for finding in told if finding.outcome is not Outcome.PASS)
