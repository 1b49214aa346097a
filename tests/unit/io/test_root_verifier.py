"""Step 9: what fails because the root is old is told so, and stays refused. And several roots that speak together."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from safepip.errors import BadInput
from safepip.formats.statement import About
from safepip.io.provenance import judged
from safepip.io.rootfiles import TrustedRoot
from safepip.io.rootverifier import RootVerifier
from safepip.io.severalroots import SeveralRoots, Spoken
from safepip.io.verifier import Verifier
from safepip.model.evidence import RejectedAttestation
from safepip.model.ident import FileName, Sha256
from tests.sigstore import GitHub, LocalSigstore

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
FILE = FileName.parse("demo-1.0-py3-none-any.whl")
SHA256 = Sha256("ab" * 32)
ABOUT = About(file=FILE, sha256=SHA256, digests={"sha256": SHA256})
PUBLISHER = {"kind": "GitHub", "repository": "acme/demo", "workflow": "release.yml"}
SIGSTORE = LocalSigstore.create(now=NOW)
OTHER = LocalSigstore.create(now=NOW)
OLD, FRESH = NOW - timedelta(days=31), NOW - timedelta(days=29)
Change = Callable[[dict[str, Any]], object]


def root(
    document: dict[str, Any] | None = None, *, since: datetime | None = OLD, prove: Callable[[], None] = lambda: None
) -> TrustedRoot:
    raw = json.dumps(document or SIGSTORE.trusted_root()).encode()
    return TrustedRoot(
        raw=raw,
        digest=hashlib.sha256(raw).hexdigest(),
        kind="shipped",
        origin="a test",
        since=since,
        refresh="safepip trust update",
        prove=prove,
    )


def before(change: Change, sigstore: LocalSigstore = SIGSTORE) -> dict[str, Any]:
    """The root as it was before something came into service."""
    document = copy.deepcopy(sigstore.trusted_root())
    change(document)
    return document


def without_log(document: dict[str, Any]) -> None:
    document["tlogs"] = OTHER.trusted_root()["tlogs"]


def without_certificate_log(document: dict[str, Any]) -> None:
    document["ctlogs"] = OTHER.trusted_root()["ctlogs"]


def without_authority(document: dict[str, Any]) -> None:
    document["certificateAuthorities"] = OTHER.trusted_root()["certificateAuthorities"]


def rejected_by(verifier: Verifier, sigstore: LocalSigstore = SIGSTORE, **overrides: Any) -> RejectedAttestation:
    document = sigstore.provenance([sigstore.attest(str(FILE), SHA256, GitHub(), **overrides)], PUBLISHER)
    verified, rejected, _ = judged(document, ABOUT, verifier)
    assert verified == ()
    [one] = rejected
    return one


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (without_log, "log-mismatch"),
        (without_certificate_log, "sct"),
        (without_authority, "untrusted-certificate"),
    ],
)
def test_what_an_old_root_does_not_know_is_stale(change: Change, code: str) -> None:
    told = rejected_by(RootVerifier(root(before(change)), NOW))
    assert told.code == "trust-root-stale"
    assert "safepip trust update" in told.message
    assert "2025-12-02" in told.message
    assert rejected_by(RootVerifier(root(before(change), since=FRESH), NOW)).code == code
    assert rejected_by(RootVerifier(root(before(change), since=None), NOW)).code == code


def test_what_is_wrong_for_another_reason_is_not_the_root_s_fault() -> None:
    """Of the three codes that a missing part can cause, with every part known."""
    verifier = RootVerifier(root(), NOW)

    def another_signature(body: dict[str, Any]) -> None:
        body["spec"]["signatures"].clear()

    assert rejected_by(verifier, body=another_signature).code == "log-mismatch"
    assert rejected_by(verifier, leaf=lambda leaf: replace(leaf, sct_issuer=b"\0" * 32)).code == "sct"
    assert rejected_by(verifier, leaf=lambda leaf: replace(leaf, sct_key=None)).code == "sct"


def test_an_old_root_verifies_what_it_knows() -> None:
    document = SIGSTORE.provenance([SIGSTORE.attest(str(FILE), SHA256, GitHub())], PUBLISHER)
    verified, rejected, _ = judged(document, ABOUT, RootVerifier(root(since=NOW - timedelta(days=4000)), NOW))
    assert rejected == ()
    assert verified[0].trust_root == root().digest


def test_a_root_is_proven_before_its_first_use_and_once() -> None:
    proofs: list[str] = []
    verifier = RootVerifier(root(prove=lambda: proofs.append("proven")), NOW)
    assert verifier.trust_digest == root().digest
    assert proofs == []
    verifier.prepare((), ABOUT)
    rejected_by(verifier, statement=b"{}")
    assert proofs == ["proven"]


def test_a_root_that_is_not_proven_verifies_nothing_ever() -> None:
    def fail() -> None:
        raise BadInput("trust-state-invalid", "it does not verify")

    verifier = RootVerifier(root(prove=fail), NOW)
    good = SIGSTORE.provenance([SIGSTORE.attest(str(FILE), SHA256, GitHub())], PUBLISHER)
    for _ in range(2):
        with pytest.raises(BadInput):
            judged(good, ABOUT, verifier)
        with pytest.raises(BadInput):
            verifier.prepare((), ABOUT)


# --- several


def several(*documents: dict[str, Any]) -> SeveralRoots:
    verifiers = [RootVerifier(root(one, since=None), NOW) for one in documents]
    return SeveralRoots([Spoken(root=one, asked=one) for one in verifiers])


@pytest.mark.parametrize("order", [1, -1])
def test_what_any_root_verifies_is_verified(order: int) -> None:
    verifier = several(*[SIGSTORE.trusted_root(), OTHER.trusted_root()][::order])
    verifier.prepare((), ABOUT)
    for sigstore in (SIGSTORE, OTHER):
        document = sigstore.provenance([sigstore.attest(str(FILE), SHA256, GitHub())], PUBLISHER)
        [one], rejected, _ = judged(document, ABOUT, verifier)
        assert rejected == ()
        assert one.trust_root == hashlib.sha256(json.dumps(sigstore.trusted_root()).encode()).hexdigest()


@pytest.mark.parametrize("order", [1, -1])
def test_the_refusal_of_the_root_that_came_furthest_is_told(order: int) -> None:
    def by(*documents: dict[str, Any], **overrides: Any) -> str:
        return rejected_by(several(*documents[::order]), **overrides).code

    mine, other = SIGSTORE.trusted_root(), OTHER.trusted_root()
    flipped: dict[str, Any] = {"signature": b"0" * 70}
    alone = rejected_by(several(mine), **flipped).code
    assert alone != rejected_by(several(other), **flipped).code
    assert by(mine, other, **flipped) == alone
    assert by(before(without_certificate_log), other) == "sct"
    assert by(before(without_authority), other) == "untrusted-certificate"
    assert by(before(without_authority), before(without_certificate_log)) == "sct"


def test_one_digest_for_the_same_roots_in_any_order() -> None:
    mine, other = SIGSTORE.trusted_root(), OTHER.trusted_root()
    assert several(mine, other).trust_digest == several(other, mine).trust_digest != several(mine).trust_digest
    assert several(mine).trust_digest == root(mine).digest
