from __future__ import annotations

from dataclasses import replace

import pytest

from safepip.checks import attestation
from safepip.formats.statement import PUBLISH, SLSA
from safepip.model.evidence import (
    Attestations,
    Build,
    Dossier,
    Evidence,
    Kind,
    RejectedAttestation,
    Unavailable,
    VerifiedAttestation,
)
from safepip.model.verdict import Finding, Outcome
from tests.factories import NOW, artifact, dossier, policy, subject
from tests.factories import WHO as SIGNER

WHO = replace(SIGNER, repository_id="1", owner_id="2")
REQUIRE = '[rules]\nattestations = "require"'
PREDICATES = '[projects.demo]\npredicates = ["publish", "slsa"]'
BROKEN = RejectedAttestation(code="log-inclusion", message="not in the log", known=True)
STRANGE = RejectedAttestation(code="unknown-predicate", message="of another kind", known=False)


def verified(predicate: str = PUBLISH) -> VerifiedAttestation:
    return VerifiedAttestation(predicate=predicate, identity=WHO, logged_at=NOW, trust_root="0" * 64)


BUILT = replace(verified(SLSA), build=Build(builder="x", build_type="y", source=None, revision=None))


def served(
    *good: VerifiedAttestation,
    bad: tuple[RejectedAttestation, ...] = (),
    advertised: bool = True,
    index_offers: bool = True,
) -> Attestations:
    return Attestations(
        advertised=advertised, index_offers=index_offers, verified=good, rejected=bad, claimed_publishers=()
    )


def ask(evidence: Evidence | None, *texts: str, local: bool = False) -> tuple[Finding, ...]:
    about: Dossier = dossier(subject(artifact(local=local)), *([evidence] if evidence is not None else []))
    return attestation.check(about, policy(*texts), NOW)


NONE = served(advertised=False)
NOT_OFFERED = served(advertised=False, index_offers=False)
UNAVAILABLE = Unavailable(wanted=Kind.ATTESTATIONS, code="provenance-unavailable", why="the index answers 404")
UNREADABLE = Unavailable(wanted=Kind.ATTESTATIONS, code="broken-store", why="for another reason")


@pytest.mark.parametrize(
    ("evidence", "text", "outcome", "code"),
    [
        (served(verified()), "", Outcome.PASS, "attestation"),
        (served(verified()), REQUIRE, Outcome.PASS, "attestation"),
        (served(verified(), bad=(STRANGE,)), REQUIRE, Outcome.PASS, "attestation"),
        (served(verified(), BUILT), PREDICATES, Outcome.PASS, "attestation"),
        (served(verified()), PREDICATES, Outcome.FAIL, "predicate"),
        (NONE, "", Outcome.PASS, "unattested"),
        (NOT_OFFERED, "", Outcome.PASS, "unattested"),
        (NONE, REQUIRE, Outcome.FAIL, "required"),
        (NONE, PREDICATES, Outcome.FAIL, "required"),
        (NOT_OFFERED, REQUIRE, Outcome.FAIL, "index-offers-none"),
        (served(), "", Outcome.FAIL, "empty"),
        (served(bad=(BROKEN,)), "", Outcome.FAIL, "log-inclusion"),
        (served(verified(), bad=(BROKEN,)), "", Outcome.FAIL, "log-inclusion"),
        (served(bad=(STRANGE,)), "", Outcome.FAIL, "unknown-predicate"),
        (UNAVAILABLE, "", Outcome.PASS, "provenance-unavailable"),
        (UNAVAILABLE, REQUIRE, Outcome.FAIL, "required"),
        (UNREADABLE, "", Outcome.UNKNOWN, "broken-store"),
        (UNREADABLE, REQUIRE, Outcome.UNKNOWN, "broken-store"),
        (None, "", Outcome.UNKNOWN, "not-gathered"),
    ],
)
def test_each_case(evidence: Evidence | None, text: str, outcome: Outcome, code: str) -> None:
    [finding] = ask(evidence, text)
    assert (finding.outcome, finding.code, finding.check) == (outcome, code, "attestation")
    assert finding.about == artifact().sha256
    assert finding.outcome is not Outcome.FAIL or finding.hint is not None


def test_every_broken_attestation_is_told() -> None:
    other = RejectedAttestation(code="sct", message="no SCT", known=True)
    assert [one.code for one in ask(served(bad=(BROKEN, STRANGE, other)))] == ["log-inclusion", "sct"]


def test_the_message_says_whether_the_index_offers_any() -> None:
    assert "its index serves them for others" in ask(NONE)[0].message
    assert "does not offer provenance" in ask(NOT_OFFERED)[0].message


def test_a_file_that_was_named_is_unattested_and_no_index_is_blamed() -> None:
    [allowed], [refused] = ask(NOT_OFFERED, local=True), ask(NOT_OFFERED, REQUIRE, local=True)
    assert (allowed.code, refused.code) == ("unattested", "required")
    assert "index" not in refused.message


def test_a_pin_implies_that_one_is_required() -> None:
    [finding] = ask(NONE, '[projects.demo]\npublishers = ["github:acme/demo"]')
    assert (finding.outcome, finding.code) == (Outcome.FAIL, "required")
    assert "layer0.toml" in (finding.hint or "")


def test_a_pass_names_who_attested() -> None:
    assert "github:acme/demo/release.yml@refs/tags/v1.0" in ask(served(verified()))[0].message


def test_whenever_it_leaves_a_case_to_provenance_available_that_check_is_asked_too() -> None:
    for level in ("warn", "first-use", "require"):
        active = policy(f'[rules]\nattestations = "{level}"').active(subject().project)
        assert {"attestation", "provenance-available"} <= set(active)
