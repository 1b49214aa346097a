"""`digest`: the bytes equal every pin, and everything that the index states about them.

Honest case: an index that states no digest (a plain folder) lets the file through on the digest that we computed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from safepip.model.artifact import HASH_ALGORITHMS, Artifact
from safepip.model.evidence import Dossier, Kind
from safepip.model.policy import Policy
from safepip.model.verdict import Finding, Outcome

ID = "digest"
NEEDS: frozenset[Kind] = frozenset()


def check(dossier: Dossier, policy: Policy, now: datetime) -> tuple[Finding, ...]:  # noqa: ARG001 - one signature
    key, artifact = dossier.subject.key, dossier.subject.artifact
    if artifact is None:
        return (_finding(key, Outcome.UNKNOWN, "no-bytes", "there are no bytes to hash yet"),)
    faults = tuple(
        _finding(key, Outcome.FAIL, code, message)
        for code, message in (*_against_pins(artifact), *_against_claims(artifact))
    )
    return faults or (_finding(key, Outcome.PASS, ID, f"sha256 {artifact.sha256}"),)


def _against_pins(artifact: Artifact) -> Iterator[tuple[str, str]]:
    for accepted in artifact.pins:
        if not any(artifact.digests.get(pin.algorithm) == pin.digest for pin in accepted):
            wanted = " or ".join(str(pin) for pin in sorted(accepted)) or "none, since the pins exclude each other"
            yield "pin", f"expected {wanted}, got sha256:{artifact.sha256}"


def _against_claims(artifact: Artifact) -> Iterator[tuple[str, str]]:
    listing = artifact.listing
    if listing is None:
        return
    for algorithm in HASH_ALGORITHMS:
        stated, computed = listing.claimed.get(algorithm), artifact.digests.get(algorithm)
        if stated is not None and computed is not None and stated != computed:
            yield "index", f"the index states {algorithm}:{stated}, got {algorithm}:{computed}"
    if listing.size is not None and listing.size != artifact.size:
        yield "size", f"the index states {listing.size} bytes, got {artifact.size}"


def _finding(key: str, outcome: Outcome, code: str, message: str) -> Finding:
    hint = None
    if outcome is Outcome.FAIL:
        hint = "do not install this file by other means; compare it with the project's own release page"
    return Finding(check=ID, code=code, about=key, outcome=outcome, message=message, hint=hint)
