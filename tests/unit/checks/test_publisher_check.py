from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from safepip.checks import publisher
from safepip.formats.publisher import parse_publisher
from safepip.formats.statement import SLSA
from safepip.model.evidence import Evidence, RejectedAttestation
from safepip.model.verdict import Finding, Outcome
from tests.factories import NOW, artifact, dossier, policy, subject
from tests.unit.checks.test_attestation_check import NONE, NOT_OFFERED, UNAVAILABLE, WHO, served, verified


def pins(*lines: str) -> str:
    return f"[projects.demo]\npublishers = {[*lines]!r}"


def ask(evidence: Evidence, *texts: str, local: bool = False) -> tuple[Finding, ...]:
    return publisher.check(dossier(subject(artifact(local=local)), evidence), policy(*texts), NOW)


def by(**changes: Any) -> Evidence:
    return served(replace(verified(), identity=replace(WHO, **changes)))


GITLAB = {"kind": "gitlab", "repository": "acme/tools/demo", "workflow": ".gitlab-ci.yml", "ref": "refs/heads/main"}
GOOGLE = {"kind": "google", "subject": "a@b.example", "repository": None, "workflow": None, "ref": None}


@pytest.mark.parametrize(
    ("line", "changes"),
    [
        ("github:acme/demo", {}),
        ("github:ACME/Demo", {}),
        ("github:acme/demo/release.yml", {}),
        ("github:acme/demo@refs/tags/*", {}),
        ("github:acme/demo@refs/tags/v1.?", {}),
        ("github:acme/demo/release.yml@refs/tags/*#environment=release", {"environment": "release"}),
        ("gitlab:acme/tools/demo/.gitlab-ci.yml@refs/heads/main", GITLAB),
        ("google:a@b.example", GOOGLE),
    ],
)
def test_the_expected_publisher_is_let_through(line: str, changes: dict[str, Any]) -> None:
    [finding] = ask(by(**changes), pins(line))
    assert (finding.outcome, finding.code) == (Outcome.PASS, "publisher")


@pytest.mark.parametrize(
    ("line", "changes"),
    [
        ("github:acme/demo", {"repository": "acme/demo2"}),
        ("github:acme/demo", {"repository": "acme/dem"}),
        ("github:acme/demo", {"repository": "evil/demo"}),
        ("github:acme/demo", {"repository": "acme/demo/x"}),
        ("github:akme/demo", {"repository": "a\u212ame/demo"}),
        ("github:acme/demo", {"repository": None}),
        ("github:acme/demo", {"kind": "unknown"}),
        ("github:acme/demo", {"kind": "gitlab"}),
        ("github:acme/demo/release.yml", {"workflow": "ci.yml"}),
        ("github:acme/demo/release.yml", {"workflow": "Release.yml"}),
        ("github:acme/demo/release.yml", {"workflow": None}),
        ("github:acme/demo@refs/tags/*", {"ref": "refs/heads/main"}),
        ("github:acme/demo@refs/tags/*", {"ref": "refs/heads/refs/tags/v1"}),
        ("github:acme/demo@refs/tags/*", {"ref": None}),
        ("github:acme/demo@*", {"ref": None}),
        ("github:acme/demo#environment=release", {"environment": None}),
        ("github:acme/demo#environment=release", {"environment": "Release"}),
        ("gitlab:acme/tools/demo", {**GITLAB, "repository": "Acme/tools/demo"}),
        ("gitlab:acme/tools/demo//ci/x.yml", GITLAB),
        ("google:a@b.example", {**GOOGLE, "subject": "b@b.example"}),
        ("google:a@b.example", {**GOOGLE, "kind": "email"}),
    ],
)
def test_another_publisher_is_not(line: str, changes: dict[str, Any]) -> None:
    [finding] = ask(by(**changes), pins(line))
    assert (finding.outcome, finding.code) == (Outcome.FAIL, "identity-mismatch")
    assert f"expected {line} (layer0.toml" in finding.message
    assert finding.hint is not None


def test_one_of_several_pins_is_enough_and_each_layer_has_its_say() -> None:
    one, other = pins("github:acme/demo", "github:acme/old"), pins("github:acme/demo@refs/heads/*")
    assert [finding.outcome for finding in ask(by(), one)] == [Outcome.PASS]
    [finding] = ask(by(), one, other)
    assert finding.outcome is Outcome.FAIL
    assert "layer1.toml" in finding.message


def test_every_publish_attestation_must_match() -> None:
    stranger = replace(verified(), identity=replace(WHO, repository="evil/demo"))
    [finding] = ask(served(verified(), stranger), pins("github:acme/demo"))
    assert finding.outcome is Outcome.FAIL
    assert "got github:evil/demo" in finding.message


def test_who_built_it_is_not_who_published_it() -> None:
    builder = replace(verified(SLSA), identity=replace(WHO, repository="slsa/builder"))
    assert ask(served(verified(), builder), pins("github:acme/demo"))[0].outcome is Outcome.PASS
    assert ask(served(verified(SLSA)), pins("github:acme/demo"))[0].code == "required"


@pytest.mark.parametrize("evidence", [NONE, NOT_OFFERED, served()])
@pytest.mark.parametrize("local", [False, True])
def test_nobody_is_not_the_pinned_publisher(evidence: Evidence, local: bool) -> None:
    [finding] = ask(evidence, pins("github:acme/demo"), local=local)
    assert (finding.outcome, finding.code) == (Outcome.FAIL, "required")


def test_what_was_rejected_is_nobody() -> None:
    bad = RejectedAttestation(code="signature", message="no", known=True)
    assert ask(served(bad=(bad,)), pins("github:acme/demo"))[0].code == "required"


def test_without_pins_it_tells_who_it_was() -> None:
    [seen], [nobody] = ask(by()), ask(NONE)
    assert (seen.outcome, seen.code) == (Outcome.PASS, "first-use")
    assert "github:acme/demo/release.yml@refs/tags/v1.0" in seen.message
    assert (nobody.outcome, nobody.code) == (Outcome.PASS, "unattested")


@pytest.mark.parametrize(("text", "outcome"), [("", Outcome.PASS), (pins("github:acme/demo"), Outcome.UNKNOWN)])
def test_what_could_not_be_had_is_unknown_where_somebody_is_expected(text: str, outcome: Outcome) -> None:
    [finding] = ask(UNAVAILABLE, text)
    assert (finding.outcome, finding.code) == (outcome, "provenance-unavailable")


def test_kelvin_is_no_k() -> None:
    """Case folding of all of Unicode would make two names one."""
    assert not publisher.matches(parse_publisher("github:akme/demo"), replace(WHO, repository="a\u212ame/demo"))
    assert publisher.matches(parse_publisher("github:akme/demo"), replace(WHO, repository="AKME/demo"))
