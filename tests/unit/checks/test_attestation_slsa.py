"""What a SLSA provenance must say, and who may say it; sidecars; which kinds of attestation are asked for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from safepip.checks import attestation
from safepip.formats.statement import PUBLISH, SIGNATURE, SLSA
from safepip.model.evidence import (
    Attestations,
    Build,
    Kind,
    RejectedAttestation,
    Unavailable,
    VerifiedAttestation,
)
from safepip.model.ident import Url
from safepip.model.levels import Placed
from safepip.model.publisher import Identity, PublisherPin
from safepip.model.rules import RuleSet, SlsaRule
from safepip.model.verdict import Finding, Outcome
from tests.factories import INDEX, NOW, artifact, dossier, listing, policy, subject

DEMO = "https://github.com/acme/demo"
WORKFLOW = f"{DEMO}/.github/workflows/release.yml@refs/tags/v1.0"
WHO = Identity(
    kind="github",
    issuer="https://token.actions.githubusercontent.com",
    subject=WORKFLOW,
    repository="acme/demo",
    repository_id="1",
    owner_id="2",
    workflow="release.yml",
    environment=None,
    ref="refs/tags/v1.0",
    trigger="push",
    runner="github-hosted",
    build_signer=WORKFLOW,
)
EVIL = replace(
    WHO,
    subject=WORKFLOW.replace("acme/", "evil/"),
    build_signer=WORKFLOW.replace("acme/", "evil/"),
    repository="evil/demo",
    repository_id="666",
    owner_id="667",
)
MAIL = replace(
    WHO,
    kind="email",
    issuer="https://accounts.google.com",
    subject="stranger@mail.example",
    repository=None,
    repository_id=None,
    owner_id=None,
    workflow=None,
    ref=None,
    trigger=None,
    runner=None,
    build_signer=None,
)
BUILD = Build(
    builder=WORKFLOW,
    build_type="https://actions.github.io/buildtypes/workflow/v1",
    source=DEMO,
    revision="08802efe1f8e5fec4ad842d6b8ce97656092ee72",
)
HOSTED = replace(BUILD, builder="https://github.com/actions/runner/github-hosted")


def publish(who: Identity = WHO) -> VerifiedAttestation:
    return VerifiedAttestation(predicate=PUBLISH, identity=who, logged_at=NOW, trust_root="0" * 64)


def slsa(build: Build | None = BUILD, who: Identity = WHO) -> VerifiedAttestation:
    return VerifiedAttestation(predicate=SLSA, identity=who, logged_at=NOW, trust_root="0" * 64, build=build)


SIGNED = VerifiedAttestation(predicate=SIGNATURE, identity=WHO, logged_at=NOW, trust_root="0" * 64)


def ask(
    *verified: VerifiedAttestation,
    rules: tuple[str, ...] = (),
    rejected: tuple[RejectedAttestation, ...] = (),
    sidecars: tuple[str, ...] = (),
    index_offers: bool = True,
    local: bool = False,
) -> tuple[Finding, ...]:
    evidence = Attestations(
        advertised=not sidecars and bool(verified),
        index_offers=index_offers,
        verified=verified,
        rejected=rejected,
        claimed_publishers=(),
        sidecars=sidecars,
    )
    return attestation.check(dossier(subject(artifact(local=local)), evidence), policy(*rules), NOW)


def codes(findings: tuple[Finding, ...]) -> list[str]:
    assert all(one.outcome is Outcome.FAIL and one.hint for one in findings) or len(findings) == 1
    return [one.code for one in findings]


def rule(**keys: str) -> str:
    inside = ", ".join(f'{key.replace("_", "-")} = "{value}"' for key, value in keys.items())
    return f"[projects.demo]\nslsa = {{ {inside} }}"


SOURCE = rule(source=f"{DEMO}")
BUILDER = rule(builder=f"{DEMO}/.github/workflows/*")


@pytest.mark.parametrize(
    "text",
    [
        SOURCE,
        BUILDER,
        rule(source="https://github.com/Acme/*"),
        rule(build_type=BUILD.build_type),
        rule(revision="08802efe*"),
        rule(builder=f"{DEMO}/*", build_type=BUILD.build_type, source=DEMO, revision=str(BUILD.revision)),
        '[projects.demo]\nslsa = { source = "*", signers = ["github:acme/demo/release.yml"] }',
        '[projects.demo]\npublishers = ["github:acme/demo"]\nslsa = { source = "*" }',
        '[projects.demo]\npredicates = ["publish", "slsa"]',
    ],
)
def test_a_file_that_was_built_as_the_rule_asks(text: str) -> None:
    [finding] = ask(publish(), slsa(), rules=(text,))
    assert (finding.outcome, finding.code) == (Outcome.PASS, "attestation")


@pytest.mark.parametrize(
    ("text", "build", "code"),
    [
        (rule(builder="https://github.com/slsa-framework/*"), BUILD, "slsa-builder"),
        (BUILDER, None, "slsa-builder"),
        (rule(build_type="https://actions.github.io/buildtypes/workflow/v2"), BUILD, "slsa-build-type"),
        (rule(build_type="*"), BUILD, "slsa-build-type"),
        (rule(source="https://github.com/acme/other"), BUILD, "slsa-source"),
        (rule(source="https://github.com/acme"), BUILD, "slsa-source"),
        (rule(source="*"), replace(BUILD, source=None), "slsa-source"),
        (rule(revision="0" * 40), BUILD, "slsa-revision"),
        (rule(revision="*"), replace(BUILD, revision=None), "slsa-revision"),
        ('[projects.demo]\nslsa = { source = "*", signers = ["github:acme/builder"] }', BUILD, "slsa-signer"),
        ('[projects.demo]\npublishers = ["github:acme/other"]\nslsa = { source = "*" }', BUILD, "slsa-signer"),
    ],
)
def test_each_way_in_which_it_was_not(text: str, build: Build | None, code: str) -> None:
    found = ask(publish(), slsa(build), rules=(text,))
    assert codes(found) == [code]
    assert "layer0.toml" in (found[0].rule or "")


def test_words_of_the_predicate_are_no_proof_of_the_signer() -> None:
    """The attack: a stolen upload token, and a provenance of the right contents signed by somebody else."""
    forged = slsa(HOSTED, MAIL)
    assert codes(ask(forged, rules=(SOURCE,))) == ["slsa-signer"]
    assert codes(ask(publish(), forged, rules=(SOURCE,))) == ["slsa-signer"]
    assert codes(ask(slsa(BUILD, MAIL), rules=(BUILDER,))) == ["slsa-builder"]
    # With a certificate of another repository the words contradict it, whatever the policy asks for.
    assert codes(ask(publish(), slsa(BUILD, EVIL))) == ["slsa-source"]
    own = replace(BUILD, source="https://github.com/evil/demo", builder=EVIL.subject)
    assert codes(ask(publish(), slsa(own, EVIL), rules=(SOURCE,))) == ["slsa-source"]
    hosted = replace(own, builder=HOSTED.builder)
    anything = rule(builder=HOSTED.builder)
    assert codes(ask(slsa(hosted, EVIL), rules=(anything,))) == ["slsa-signer"]
    assert codes(ask(publish(), slsa(hosted, EVIL), rules=(anything,))) == ["slsa-signer"]


ASKED = '[projects.demo]\npredicates = ["slsa"]'


def test_a_provenance_by_just_anybody_is_not_the_one_that_is_asked_for() -> None:
    """The attack: nothing but a provenance that somebody forged, and a waiver of `publisher` for that version."""
    own = replace(HOSTED, source="https://github.com/evil/demo")
    assert codes(ask(slsa(own, EVIL), rules=(ASKED,))) == ["slsa-signer"]
    assert codes(ask(publish(), slsa(own, EVIL), rules=(ASKED,))) == ["slsa-signer"]
    assert codes(ask(slsa(HOSTED, MAIL), rules=(ASKED,))) == ["slsa-signer"]
    assert codes(ask(publish(), slsa(HOSTED), rules=(ASKED,))) == ["attestation"]
    assert codes(ask(slsa(own, EVIL), rules=(rule(source=DEMO), ASKED))) == ["slsa-source", "slsa-signer"]


def test_a_good_provenance_covers_no_other_signer() -> None:
    own = replace(HOSTED, source="https://github.com/evil/demo")
    for text in (ASKED, SOURCE, '[projects.demo]\nslsa = { source = "*", signers = ["github:acme/demo"] }'):
        assert codes(ask(publish(), slsa(), rules=(text,))) == ["attestation"]
        assert codes(ask(publish(), slsa(), slsa(own, EVIL), rules=(text,))) == ["slsa-signer"]


def test_each_layers_signers_must_name_every_signer() -> None:
    mine, theirs = (
        f'[projects.demo]\nslsa = {{ source = "*", signers = ["{who}"] }}'
        for who in ("github:acme/demo", "github:evil/demo")
    )
    assert codes(ask(publish(), slsa(), rules=(mine, theirs))) == ["slsa-signer"]
    assert codes(ask(publish(), slsa(), rules=(ASKED, theirs))) == ["slsa-signer"]


def test_a_workflow_named_as_builder_must_have_signed_itself() -> None:
    generator = "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/"
    claimed = slsa(replace(BUILD, builder=f"{generator}builder_nodejs_slsa3.yml@refs/tags/v2.0.0"))
    delegator = f"{generator}delegator_generic_slsa3.yml@refs/tags/v2.0.0"
    honest = replace(claimed, identity=replace(WHO, subject=delegator, build_signer=delegator))
    asked = RuleSet(slsa=Placed(slsa_rule(builder=f"{generator}*", build_signer=f"{generator}*"), "layer0.toml:2"))
    parsed = policy("")
    under = replace(parsed, layers=(replace(parsed.layers[0], rules=asked),))
    for one, code in ((honest, "attestation"), (claimed, "slsa-builder")):
        evidence = Attestations(
            advertised=True, index_offers=True, verified=(publish(), one), rejected=(), claimed_publishers=()
        )
        assert codes(attestation.check(dossier(subject(), evidence), under, NOW)) == [code]


def slsa_rule(*, builder: str, build_signer: str) -> SlsaRule:
    signer = PublisherPin(
        kind="github", repository="acme/demo", workflow=None, ref=None, environment=None, build_signer=build_signer
    )
    return SlsaRule(builder=builder, build_type=None, source=None, revision=None, signers=(signer,))


def test_without_signers_the_source_repository_itself_may_sign() -> None:
    assert codes(ask(slsa(HOSTED), rules=(SOURCE,))) == ["attestation"]
    assert codes(ask(slsa(HOSTED), rules=(rule(builder=HOSTED.builder),))) == ["slsa-signer"]
    assert codes(ask(publish(), slsa(HOSTED), rules=(rule(builder=HOSTED.builder),))) == ["attestation"]


def test_a_repository_that_another_issuer_names_proves_nothing() -> None:
    elsewhere = replace(
        WHO, kind="unknown", issuer="https://ci.example", subject="https://ci.example/1", repository=DEMO
    )
    assert codes(ask(slsa(HOSTED, elsewhere), rules=(SOURCE,))) == ["slsa-signer"]
    assert codes(ask(slsa(HOSTED, replace(elsewhere, repository="https://github.com/evil/x")))) == ["slsa-source"]


def test_every_layers_rule_must_hold_and_one_provenance_must_meet_it_in_full() -> None:
    other = rule(builder="https://cloudbuild.googleapis.com/GoogleHostedWorker")
    assert codes(ask(publish(), slsa(), rules=(SOURCE, other))) == ["slsa-builder"]
    google = slsa(replace(BUILD, builder="https://cloudbuild.googleapis.com/GoogleHostedWorker", revision=None))
    assert codes(ask(publish(), slsa(), google, rules=(SOURCE, other))) == ["attestation"]
    both = rule(builder="https://cloudbuild.googleapis.com/GoogleHostedWorker", revision="08802*")
    assert sorted(codes(ask(publish(), slsa(), google, rules=(both,)))) == ["slsa-builder", "slsa-revision"]


def test_the_same_one_twice_is_one() -> None:
    assert codes(ask(publish(), publish(), slsa(), slsa(), rules=(SOURCE,))) == ["attestation"]
    wrong = rule(source="https://github.com/acme/other")
    assert codes(ask(publish(), slsa(), slsa(), rules=(wrong,))) == ["slsa-source"]


def test_a_provenance_does_not_say_who_published() -> None:
    [finding] = ask(slsa(), rules=('[projects.demo]\npredicates = ["publish"]',))
    assert (finding.outcome, finding.code) == (Outcome.FAIL, "predicate")
    assert "missing: publish" in finding.message


def test_a_slsa_rule_asks_for_a_provenance() -> None:
    [finding] = ask(publish(), rules=(SOURCE,))
    assert (finding.outcome, finding.code) == (Outcome.FAIL, "predicate")
    assert codes(ask(rules=(SOURCE,))) == ["required"]


def test_strangers_in_a_message_are_made_safe_to_print() -> None:
    build = replace(BUILD, builder="x\x1b[2J\ny")
    [finding] = ask(publish(), slsa(build), rules=(BUILDER,))
    assert finding.message.isprintable()


# -- sidecars ----------------------------------------------------------------------------------------------------------

BESIDE = ("demo-1.0-py3-none-any.whl.sigstore.json",)
BROKEN = RejectedAttestation(code="signature", message=f"{BESIDE[0]}: the signature is wrong", known=True)
STRANGE = RejectedAttestation(code="unknown-predicate", message="of another kind", known=False)
SIGNATURE_RULE = '[projects.demo]\npredicates = ["signature"]'


def test_a_signature_beside_the_file() -> None:
    [finding] = ask(SIGNED, sidecars=BESIDE, rules=(SIGNATURE_RULE,), index_offers=False)
    assert finding.outcome is Outcome.PASS
    assert finding.message.endswith(f"in {BESIDE[0]} beside it")
    assert codes(ask(SIGNED, sidecars=BESIDE, rules=('[projects.demo]\npredicates = ["publish"]',))) == ["predicate"]
    assert codes(ask(publish(), rules=(SIGNATURE_RULE,))) == ["predicate"]


@pytest.mark.parametrize(
    ("rejected", "code"), [((BROKEN,), "signature"), ((STRANGE,), "unknown-predicate"), ((), "empty")]
)
def test_what_lies_beside_and_does_not_hold(rejected: tuple[RejectedAttestation, ...], code: str) -> None:
    [finding] = ask(rejected=rejected, sidecars=BESIDE, local=True)
    assert (finding.outcome, finding.code) == (Outcome.FAIL, code)
    assert BESIDE[0] in finding.message
    assert "index" not in finding.message


def test_an_index_that_was_asked_for_sidecars_and_has_none() -> None:
    grant = f'[rules]\nattestations = "require"\n[indexes.corp]\nurl = "{INDEX.reveal()}"\nsidecars = true'
    [finding] = ask(index_offers=False, rules=(grant,))
    assert (finding.outcome, finding.code) == (Outcome.FAIL, "required")
    assert "nothing lies beside" in finding.message
    [finding] = ask(index_offers=False, rules=(grant.replace("true", "false"),))
    assert finding.code == "index-offers-none"


def test_a_folder_of_this_machine_without_sidecars() -> None:
    found = replace(listing(), url=Url("file:///srv/wheels/demo-1.0-py3-none-any.whl"))
    none = Attestations(advertised=False, index_offers=False, verified=(), rejected=(), claimed_publishers=())
    papers = dossier(subject(artifact(found)), none)
    [finding] = attestation.check(papers, policy('[rules]\nattestations = "require"'), NOW)
    assert (finding.outcome, finding.code) == (Outcome.FAIL, "required")
    assert "nothing lies beside" in finding.message
    [finding] = attestation.check(papers, policy(), NOW)
    assert (finding.outcome, finding.code) == (Outcome.PASS, "unattested")


@pytest.mark.parametrize("code", ["provenance-unavailable", "sidecar-unavailable"])
def test_what_could_not_be_had_is_never_unattested(code: str) -> None:
    missing = Unavailable(wanted=Kind.ATTESTATIONS, code=code, why="the answer is 403")
    [left] = attestation.check(dossier(subject(), missing), policy(), NOW)
    assert (left.outcome, left.code) == (Outcome.PASS, code)
    [finding] = attestation.check(dossier(subject(), missing), policy('[rules]\nattestations = "require"'), NOW)
    assert (finding.outcome, finding.code) == (Outcome.FAIL, "required")
    assert "403" in finding.message
