from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from safepip.checks import attestation, publisher
from safepip.formats.publisher import as_pin, parse_publisher
from safepip.formats.statement import PUBLISH, SIGNATURE, SLSA
from safepip.model.artifact import Artifact
from safepip.model.evidence import (
    Attestations,
    Build,
    Evidence,
    Expected,
    Kind,
    Previous,
    RejectedAttestation,
    Unavailable,
)
from safepip.model.ident import FileKind, FileName
from safepip.model.ledger import Recorded
from safepip.model.levels import Level
from safepip.model.policy import Policy
from safepip.model.publisher import Identity, PublisherPin
from safepip.model.verdict import Finding, Outcome
from tests.factories import INDEX, NOW, OLD, artifact, dossier, listing, policy, subject
from tests.unit.checks.test_attestation_check import NONE, NOT_OFFERED, UNAVAILABLE, WHO, served, verified

NOBODY = Expected(locked=(), locked_place=None, recorded=(), previous=None)
PREVIOUS_FILE = FileName.parse("demo-0.9-py3-none-any.whl")
FOREIGN = "https://github.com/acme/shared/.github/workflows/build.yml@refs/heads/main"


def pins(*lines: str) -> str:
    return f"[projects.demo]\npublishers = {[*lines]!r}"


def ask(
    evidence: Evidence,
    *texts: str,
    local: bool = False,
    expected: Evidence = NOBODY,
    of: Artifact | None = None,
    rules: Policy | None = None,
) -> tuple[Finding, ...]:
    about = dossier(subject(of if of is not None else artifact(local=local)), evidence, expected)
    return publisher.check(about, rules if rules is not None else policy(*texts), NOW)


def who(**changes: Any) -> Identity:
    return replace(WHO, **changes)


def by(predicate: str = PUBLISH, **changes: Any) -> Attestations:
    return served(replace(verified(predicate), identity=who(**changes)))


def outcomes(found: tuple[Finding, ...]) -> list[tuple[Outcome, str]]:
    return [(one.outcome, one.code) for one in found]


def pin_of(identity: Identity = WHO) -> PublisherPin:
    pin = as_pin(identity)
    assert pin is not None
    return pin


GITLAB = {
    "kind": "gitlab",
    "subject": "https://gitlab.com/acme/tools/demo//.gitlab-ci.yml@refs/heads/main",
    "repository": "acme/tools/demo",
    "workflow": ".gitlab-ci.yml",
    "ref": "refs/heads/main",
}
GOOGLE = {
    "kind": "google",
    "issuer": "https://accounts.google.com",
    "subject": "a@b.example",
    "repository": None,
    "workflow": None,
    "ref": None,
}
EMAIL = {**GOOGLE, "kind": "email", "issuer": "https://github.com/login/oauth"}


# --- pins


@pytest.mark.parametrize(
    ("line", "changes"),
    [
        ("github:acme/demo", {}),
        ("github:ACME/Demo", {}),
        ("github:acme/demo/release.yml", {}),
        ("github:acme/demo@refs/tags/*", {}),
        ("github:acme/demo@refs/tags/v1.?", {}),
        ("github:acme/demo/release.yml@refs/tags/*#environment=release", {"environment": "release"}),
        ("github:acme/demo#environment=release", {"environment": "Release"}),
        ("github:acme/demo#repository-id=1&owner-id=2", {}),
        ("github:acme/demo#trigger=release|push&runner=github-hosted", {}),
        ("github:acme/demo#trigger=workflow_run", {"trigger": "workflow_run"}),
        ("github:acme/demo#builder=https://github.com/acme/shared/*", {"build_signer": FOREIGN}),
        ("gitlab:acme/tools/demo/.gitlab-ci.yml@refs/heads/main", GITLAB),
        ("gitlab:acme/tools/demo", {**GITLAB, "trigger": "workflow_run"}),
        ("google:a@b.example", GOOGLE),
        ("email:a@b.example#issuer=https://accounts.google.com", GOOGLE),
        ("email:a@b.example#issuer=https://github.com/login/oauth", EMAIL),
    ],
)
def test_the_expected_publisher_is_let_through(line: str, changes: dict[str, Any]) -> None:
    [finding] = ask(by(**changes), pins(line))
    assert (finding.outcome, finding.code) == (Outcome.PASS, "publisher")
    assert "layer0.toml" in finding.message


@pytest.mark.parametrize(
    ("line", "changes", "code"),
    [
        ("github:acme/demo", {"repository": "acme/demo2"}, "identity-mismatch"),
        ("github:acme/demo", {"repository": "acme/dem"}, "identity-mismatch"),
        ("github:acme/demo", {"repository": "evil/demo"}, "identity-mismatch"),
        ("github:acme/demo", {"repository": "acme/demo/x"}, "identity-mismatch"),
        ("github:akme/demo", {"repository": "a\u212ame/demo"}, "identity-mismatch"),
        ("github:acme/demo", {"repository": None}, "identity-mismatch"),
        ("github:acme/demo", {"kind": "unknown"}, "identity-mismatch"),
        ("github:acme/demo", {"kind": "gitlab"}, "identity-mismatch"),
        ("github:acme/demo/release.yml", {"workflow": "ci.yml"}, "identity-mismatch"),
        ("github:acme/demo/release.yml", {"workflow": "Release.yml"}, "identity-mismatch"),
        ("github:acme/demo/release.yml", {"workflow": None}, "identity-mismatch"),
        ("github:acme/demo@refs/tags/*", {"ref": "refs/heads/main"}, "ref"),
        ("github:acme/demo@refs/tags/*", {"ref": "refs/heads/refs/tags/v1"}, "ref"),
        ("github:acme/demo@refs/tags/*", {"ref": None}, "ref"),
        ("github:acme/demo@*", {"ref": None}, "ref"),
        ("github:acme/demo#environment=release", {"environment": None}, "environment"),
        ("github:acme/demo#environment=release", {"environment": "releases"}, "environment"),
        ("gitlab:acme/tools/demo#environment=release", {**GITLAB, "environment": "Release"}, "environment"),
        ("github:acme/demo#repository-id=1", {"repository_id": "11"}, "repository-id"),
        ("github:acme/demo#repository-id=1", {"repository_id": None}, "repository-id"),
        ("github:acme/demo#owner-id=2", {"owner_id": "3"}, "repository-id"),
        ("github:acme/demo#runner=github-hosted", {"runner": "self-hosted"}, "runner"),
        ("github:acme/demo#trigger=push", {"trigger": "workflow_dispatch"}, "trigger"),
        ("github:acme/demo#trigger=push", {"trigger": None}, "trigger"),
        ("github:acme/demo", {"trigger": "pull_request_target"}, "trigger"),
        ("github:acme/demo", {"trigger": "issue_comment"}, "trigger"),
        ("github:acme/demo", {"trigger": "workflow_run"}, "trigger"),
        ("github:acme/demo", {"build_signer": FOREIGN}, "builder"),
        ("github:acme/demo", {"subject": FOREIGN}, "builder"),
        ("github:acme/demo", {"build_signer": "https://github.com/acme/demo2/.github/workflows/x.yml@v1"}, "builder"),
        ("github:acme/demo#builder=https://github.com/acme/shared/*", {}, "builder"),
        ("gitlab:acme/tools/demo", {**GITLAB, "repository": "Acme/tools/demo"}, "identity-mismatch"),
        ("gitlab:acme/tools/demo//ci/x.yml", GITLAB, "identity-mismatch"),
        ("gitlab:acme/tools/demo", {**GITLAB, "build_signer": "https://gitlab.com/acme/ci//x.yml@v1"}, "builder"),
        ("google:a@b.example", {**GOOGLE, "subject": "b@b.example"}, "identity-mismatch"),
        ("google:a@b.example", EMAIL, "identity-mismatch"),
        ("email:a@b.example#issuer=https://github.com/login/oauth", GOOGLE, "identity-mismatch"),
        ("email:a@b.example#issuer=https://accounts.google.com", EMAIL, "identity-mismatch"),
        ("email:b@b.example#issuer=https://github.com/login/oauth", EMAIL, "identity-mismatch"),
    ],
)
def test_another_publisher_is_not(line: str, changes: dict[str, Any], code: str) -> None:
    [finding] = ask(by(**changes), pins(line))
    assert (finding.outcome, finding.code) == (Outcome.FAIL, code)
    expected, got = finding.message.split("\n")
    assert expected.startswith(f"expected {line}")
    assert expected.endswith("(layer0.toml:3)")
    assert got.startswith("got      ")
    assert finding.hint is not None


def test_what_the_line_does_not_show_is_said_besides() -> None:
    [finding] = ask(by(repository_id="666", trigger="x\x1b[2J"), pins("github:acme/demo#repository-id=1"))
    assert finding.message.split("\n")[1].endswith("repository id 666")
    [finding] = ask(by(trigger="workflow_run\x1b[2J"), pins("github:acme/demo#trigger=push"))
    assert "\x1b" not in finding.message


def test_one_of_several_pins_is_enough_and_each_layer_has_its_say() -> None:
    one, other = pins("github:acme/demo", "github:acme/old"), pins("github:acme/demo@refs/heads/*")
    assert [finding.outcome for finding in ask(by(), one)] == [Outcome.PASS]
    [finding] = ask(by(), one, other)
    assert finding.code == "ref"
    assert "layer1.toml" in finding.message


def test_of_several_pins_the_closest_gives_the_code() -> None:
    [finding] = ask(by(), pins("github:evil/x", "github:acme/demo@refs/heads/*", "gitlab:a/b"))
    assert finding.code == "ref"


def test_every_publish_attestation_must_match() -> None:
    stranger = replace(verified(), identity=who(repository="evil/demo"))
    [finding] = ask(served(verified(), stranger), pins("github:acme/demo"))
    assert finding.outcome is Outcome.FAIL
    assert "got      github:evil/demo" in finding.message


def test_a_signature_over_the_file_itself_says_who_published_it() -> None:
    assert outcomes(ask(by(SIGNATURE), pins("github:acme/demo"))) == [(Outcome.PASS, "publisher")]
    assert outcomes(ask(by(SIGNATURE, **EMAIL), pins("github:acme/demo"))) == [(Outcome.FAIL, "identity-mismatch")]


@pytest.mark.parametrize(
    ("evidence", "local", "code"),
    [
        (NONE, False, "required"),
        (NONE, True, "required"),
        (served(), False, "required"),
        (NOT_OFFERED, False, "index-offers-none"),
        (NOT_OFFERED, True, "required"),
    ],
)
def test_nobody_is_not_the_pinned_publisher(evidence: Evidence, local: bool, code: str) -> None:
    [finding] = ask(evidence, pins("github:acme/demo"), local=local)
    assert (finding.outcome, finding.code) == (Outcome.FAIL, code)
    assert finding.hint is not None


def test_what_was_rejected_is_nobody() -> None:
    bad = RejectedAttestation(code="signature", message="no", known=True)
    assert ask(served(bad=(bad,)), pins("github:acme/demo"))[0].code == "required"


def test_a_pin_decides_alone() -> None:
    other = pin_of(who(repository="acme/other", repository_id="77"))
    weighed = Expected(locked=(other,), locked_place="pylock.toml:3", recorded=(record(other),), previous=None)
    assert outcomes(ask(by(), pins("github:acme/demo"), expected=weighed)) == [(Outcome.PASS, "publisher")]
    missing = Unavailable(wanted=Kind.EXPECTATION, code="previous-unavailable", why="404")
    assert outcomes(ask(by(), pins("github:acme/demo"), expected=missing)) == [(Outcome.PASS, "publisher")]


# --- first use


def test_without_pins_it_tells_who_it_was() -> None:
    [seen], [nobody] = ask(by()), ask(NONE)
    assert (seen.outcome, seen.code) == (Outcome.PASS, "first-use")
    assert "github:acme/demo/release.yml@refs/tags/v1.0" in seen.message
    assert (nobody.outcome, nobody.code) == (Outcome.PASS, "unattested")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"trigger": "pull_request_target"}, "trigger"),
        ({"build_signer": FOREIGN}, "builder"),
        ({**GITLAB, "build_signer": "https://gitlab.com/other/x//ci.yml@refs/heads/main"}, "builder"),
    ],
)
def test_first_use_is_not_for_every_way_of_publishing(changes: dict[str, Any], code: str) -> None:
    [finding] = ask(by(**changes))
    assert (finding.outcome, finding.code) == (Outcome.FAIL, code)
    assert finding.hint is not None
    line = finding.hint.partition('["')[2].removesuffix('"]')
    assert outcomes(ask(by(**changes), pins(line))) == [(Outcome.PASS, "publisher")]
    later = {"ref": "refs/tags/v2.0", "subject": WHO.subject.replace("v1.0", "v2.0"), **changes}
    later |= {name: value.replace("/main", "/next") for name, value in changes.items() if name != "trigger"}
    assert outcomes(ask(by(**later), pins(line))) == [(Outcome.PASS, "publisher")]


def test_a_kind_that_cannot_be_pinned_is_reported() -> None:
    strange = by(kind="unknown", issuer="https://ci.example", subject="https://ci.example/acme/demo@v1")
    [finding] = ask(strange)
    assert (finding.outcome, finding.code) == (Outcome.PASS, "first-use")
    assert "https://ci.example/acme/demo@v1 (issuer https://ci.example)" in finding.message


# --- what could not be had


@pytest.mark.parametrize(("text", "outcome"), [("", Outcome.PASS), (pins("github:acme/demo"), Outcome.UNKNOWN)])
def test_what_could_not_be_had_is_unknown_where_somebody_is_expected(text: str, outcome: Outcome) -> None:
    [finding] = ask(UNAVAILABLE, text)
    assert (finding.outcome, finding.code) == (outcome, "provenance-unavailable")


def test_an_expectation_that_could_not_be_had_is_unknown() -> None:
    missing = Unavailable(wanted=Kind.EXPECTATION, code="previous-unavailable", why="the index answers 404")
    assert outcomes(ask(by(), expected=missing)) == [(Outcome.UNKNOWN, "previous-unavailable")]
    assert "safepip trust accept demo==1.0 --index" in (ask(by(), expected=missing)[0].hint or "")
    assert outcomes(ask(UNAVAILABLE, expected=remembered())) == [(Outcome.UNKNOWN, "provenance-unavailable")]


# --- the lock


def locked(*lines: str) -> Expected:
    return Expected(
        locked=tuple(parse_publisher(line) for line in lines),
        locked_place="pylock.toml:12",
        recorded=(record(pin_of(who(repository="acme/other", repository_id="77"))),),
        previous=None,
    )


@pytest.mark.parametrize(
    ("evidence", "line", "found"),
    [
        (by(), "github:acme/demo/release.yml", (Outcome.PASS, "publisher")),
        (by(), "github:acme/demo/release.yml#environment=pypi", (Outcome.PASS, "publisher")),
        (by(environment="PyPI"), "github:acme/demo#environment=pypi", (Outcome.PASS, "publisher")),
        (by(environment="test"), "github:acme/demo#environment=pypi", (Outcome.FAIL, "environment")),
        (by(), "github:acme/demo/ci.yml", (Outcome.FAIL, "identity-mismatch")),
        (NONE, "github:acme/demo", (Outcome.FAIL, "locked-missing")),
        (NOT_OFFERED, "github:acme/demo", (Outcome.FAIL, "index-offers-none")),
        (UNAVAILABLE, "github:acme/demo", (Outcome.UNKNOWN, "provenance-unavailable")),
    ],
)
def test_a_lock_outweighs_the_ledger(evidence: Evidence, line: str, found: tuple[Outcome, str]) -> None:
    [finding] = ask(evidence, expected=locked(line))
    assert (finding.outcome, finding.code) == found
    assert finding.outcome is not Outcome.FAIL or "(pylock.toml:12)" in finding.message


# --- the ledger


def record(pin: PublisherPin | None, file: str = "demo-1.0-py3-none-any.whl", uploaded: Any = OLD) -> Recorded:
    return Recorded(
        index=INDEX,
        project=subject().project,
        kind=FileKind.WHEEL,
        publisher=pin,
        file=FileName.parse(file),
        uploaded=uploaded,
        recorded_at=OLD,
        place="safepip-publishers.toml:12",
    )


def remembered(identity: Identity | None = WHO, **about: Any) -> Expected:
    pin = pin_of(identity) if identity is not None else None
    return replace(NOBODY, recorded=(record(pin, **about),))


def test_the_publisher_of_before_is_let_through() -> None:
    newer = by(ref="refs/tags/v2.0", subject=WHO.subject.replace("v1.0", "v2.0"))
    assert outcomes(ask(newer, expected=remembered())) == [(Outcome.PASS, "publisher")]


STABLE = [
    ({"repository": "evil/demo", "repository_id": "9", "owner_id": "8"}, "identity-mismatch"),
    ({"repository_id": "9"}, "repository-id"),
    ({"repository_id": None}, "repository-id"),
    ({"owner_id": "9"}, "repository-id"),
    ({"workflow": "ci.yml"}, "identity-mismatch"),
    (GITLAB, "identity-mismatch"),
    (EMAIL, "identity-mismatch"),
]
RISKS = [({"trigger": "pull_request_target"}, "trigger"), ({"build_signer": FOREIGN}, "builder")]


@pytest.mark.parametrize(("changes", "code"), [*STABLE, *RISKS])
def test_another_publisher_than_the_recorded_one(changes: dict[str, Any], code: str) -> None:
    [finding] = ask(by(**changes), expected=remembered())
    assert (finding.outcome, finding.code) == (Outcome.FAIL, code)
    assert "(safepip-publishers.toml:12)" in finding.message
    assert finding.hint is not None
    assert "safepip trust accept demo==1.0" in finding.hint


RENAMED = {"repository": "acme/new", "subject": WHO.subject.replace("acme/demo", "acme/new")}


@pytest.mark.parametrize(
    "changes",
    [
        RENAMED,
        {"ref": "refs/heads/main"},
        {"ref": None},
        {"trigger": "workflow_dispatch"},
        {"runner": "self-hosted"},
        {"build_signer": "https://github.com/acme/demo/.github/workflows/other.yml@refs/tags/v1.0"},
    ],
)
def test_what_may_change_is_worth_a_look(changes: dict[str, Any]) -> None:
    for expected in (remembered(), before()):
        [finding] = ask(by(**changes), expected=expected)
        assert (finding.outcome, finding.code) == (Outcome.FAIL, "claims-changed")
        assert ("renamed" in finding.message) is (changes is RENAMED)
    assert policy().level("publisher", "claims-changed", subject().project).value is Level.WARN


def test_an_environment_may_be_gained_and_not_lost() -> None:
    protected = remembered(who(environment="pypi"))
    assert ask(by(environment="PyPI"), expected=protected)[0].outcome is Outcome.PASS
    assert ask(by(environment="pypi"), expected=remembered())[0].outcome is Outcome.PASS
    assert ask(by(), expected=protected)[0].code == "claims-changed"


def test_what_was_recorded_may_go_on() -> None:
    """Somebody let it in, knowing how it is published."""
    for changes in ({"trigger": "workflow_run"}, {"build_signer": FOREIGN}):
        expected = remembered(who(**changes))
        assert outcomes(ask(by(**changes), expected=expected)) == [(Outcome.PASS, "publisher")]


@pytest.mark.parametrize(
    ("version", "uploaded", "about", "found"),
    [
        ("1.1", NOW, {}, (Outcome.FAIL, "recorded-missing")),
        ("1.0.1", NOW, {"file": "demo-1.0.2-py3-none-any.whl"}, (Outcome.FAIL, "recorded-missing")),
        ("0.9", NOW, {"file": "demo-2.0-py3-none-any.whl"}, (Outcome.PASS, "unattested")),  # a backport
        ("2.0", OLD - timedelta(days=1), {}, (Outcome.PASS, "unattested")),  # from before the record
        ("0.9", None, {"file": "demo-2.0-py3-none-any.whl"}, (Outcome.FAIL, "recorded-missing")),
        ("0.9", NOW, {"file": "demo-2.0-py3-none-any.whl", "uploaded": None}, (Outcome.FAIL, "recorded-missing")),
    ],
)
def test_a_record_binds_what_goes_on_from_it(version: str, uploaded: Any, about: Any, found: Any) -> None:
    of = artifact(listing(f"demo-{version}-py3-none-any.whl", uploaded=uploaded))
    [finding] = ask(NONE, of=of, expected=remembered(**about))
    assert (finding.outcome, finding.code) == found


def test_a_backport_that_is_attested_is_so_by_the_same_publisher() -> None:
    backport = artifact(listing("demo-0.9-py3-none-any.whl", uploaded=NOW))
    older = artifact(listing("demo-0.9-py3-none-any.whl", uploaded=OLD - timedelta(days=1)))
    expected = remembered(file="demo-2.0-py3-none-any.whl")
    moved = by(repository="acme/old", repository_id="7", subject=WHO.subject.replace("acme/demo", "acme/old"))
    assert ask(moved, of=backport, expected=expected)[0].code == "identity-mismatch"
    assert ask(moved, of=older, expected=expected)[0].code == "first-use"


def test_an_index_without_provenance_cannot_satisfy_a_record() -> None:
    [finding] = ask(NOT_OFFERED, expected=remembered())
    assert (finding.outcome, finding.code) == (Outcome.FAIL, "index-offers-none")
    assert "accept demo==1.0" in (finding.hint or "")


def test_a_project_that_attests_no_more_starts_afresh() -> None:
    accepted = remembered(None)
    assert outcomes(ask(NONE, expected=accepted)) == [(Outcome.PASS, "unattested")]
    assert outcomes(ask(by(repository="acme/new"), expected=accepted))[0][1] == "builder"
    assert outcomes(ask(by(), expected=accepted)) == [(Outcome.PASS, "first-use")]


def test_every_index_that_lists_the_file_is_heard() -> None:
    """A second source must not bring a memory of its own that outweighs the other's."""
    both = remembered().recorded + remembered(who(repository="evil/demo", repository_id="9")).recorded
    evil = by(repository="evil/demo", repository_id="9", subject=WHO.subject.replace("acme", "evil"))
    assert (Outcome.FAIL, "identity-mismatch") in outcomes(ask(evil, expected=replace(NOBODY, recorded=both)))


# --- the release before


def test_what_came_before_the_recorded_file_is_judged_by_the_history() -> None:
    """Or a thief's old release would be let in by whoever remembers a younger one of the project's own."""
    later = remembered(uploaded=OLD + timedelta(days=30)).recorded
    evil = by(repository="evil/demo", repository_id="9", owner_id="8")
    assert outcomes(ask(evil, expected=replace(before(), recorded=later))) == [(Outcome.FAIL, "publisher-changed")]
    assert outcomes(ask(by(), expected=replace(before(), recorded=later))) == [(Outcome.PASS, "publisher")]


def before(*identities: Identity) -> Expected:
    return replace(NOBODY, previous=Previous(file=PREVIOUS_FILE, index=INDEX, identities=identities or (WHO,)))


@pytest.mark.parametrize("changes", [changes for changes, _ in STABLE])
def test_another_publisher_than_the_release_before(changes: dict[str, Any]) -> None:
    [finding] = ask(by(**changes), expected=before())
    assert (finding.outcome, finding.code) == (Outcome.FAIL, "publisher-changed")
    assert f"(the release before, {PREVIOUS_FILE})" in finding.message
    assert "safepip trust accept demo==1.0" in (finding.hint or "")


@pytest.mark.parametrize(("changes", "code"), RISKS)
def test_that_it_always_published_so_is_no_consent(changes: dict[str, Any], code: str) -> None:
    for past in (WHO, who(**changes)):
        assert outcomes(ask(by(**changes), expected=before(past))) == [(Outcome.FAIL, code)]


def test_the_release_before_may_have_had_several_publishers_or_a_strange_one() -> None:
    other = who(repository="acme/other", repository_id="7")
    assert ask(by(), expected=before(other, WHO))[0].code == "publisher"
    strange = who(kind="unknown", issuer="https://ci.example", subject="https://ci.example/acme@v1")
    same = by(kind="unknown", issuer="https://ci.example", subject="https://ci.example/acme@v2")
    assert ask(same, expected=before(strange))[0].code == "publisher"
    assert ask(by(), expected=before(strange))[0].code == "publisher-changed"
    assert ask(same, expected=before())[0].code == "publisher-changed"


def test_what_is_not_attested_is_left_to_downgrade() -> None:
    assert outcomes(ask(NONE, expected=before())) == [(Outcome.PASS, "unattested")]


# --- who built it


BUILDER = replace(verified(SLSA), identity=who(repository="slsa/builder", repository_id="5"))


def test_who_built_it_is_one_who_publishes() -> None:
    both = served(verified(), replace(verified(SLSA), identity=who(build_signer=FOREIGN)))
    assert outcomes(ask(both, pins("github:acme/demo"))) == [(Outcome.PASS, "publisher")]
    assert outcomes(ask(both)) == [(Outcome.PASS, "first-use")]
    for text, expected in ((pins("github:acme/demo"), NOBODY), ("", NOBODY), ("", remembered()), ("", before())):
        [finding] = ask(served(verified(), BUILDER), text, expected=expected)
        assert (finding.outcome, finding.code) == (Outcome.FAIL, "slsa-signer")


@pytest.mark.parametrize(
    "text",
    ['slsa = { signers = ["github:slsa/builder#builder=*"] }', 'slsa = { builder = "*" }', 'predicates = ["slsa"]'],
)
def test_where_the_policy_asks_for_a_provenance_its_signer_is_judged_by_attestation_alone(text: str) -> None:
    one = policy(f"[projects.demo]\n{text}")
    build = Build(builder="x", build_type="y", source="https://github.com/slsa/builder", revision=None)
    both = served(verified(), replace(BUILDER, build=build))
    assert outcomes(ask(both, rules=one)) == [(Outcome.PASS, "first-use")]
    judged = [finding.code for finding in attestation.check(dossier(subject(), both), one, NOW)]
    assert judged == ["attestation" if "signers" in text else "slsa-signer"]


def test_a_provenance_that_its_own_certificate_contradicts_is_refused_once() -> None:
    build = Build(builder="x", build_type="y", source="https://github.com/acme/demo", revision=None)
    both = served(verified(), replace(BUILDER, build=build))
    assert outcomes(ask(both)) == [(Outcome.PASS, "first-use")]
    assert [one.code for one in attestation.check(dossier(subject(), both), policy(), NOW)] == ["slsa-source"]


def test_who_built_it_is_not_who_published_it() -> None:
    assert ask(served(verified(SLSA)), pins("github:acme/demo"))[0].code == "required"
    assert ask(served(verified(SLSA)), expected=remembered())[0].code == "recorded-missing"
    found = ask(served(BUILDER), pins("github:acme/demo"))
    assert [one.code for one in found] == ["required", "slsa-signer"]


def test_a_builder_alone_is_first_use() -> None:
    [finding] = ask(served(verified(SLSA)))
    assert (finding.outcome, finding.code) == (Outcome.PASS, "first-use")
    assert ask(by(SLSA, trigger="workflow_run"))[0].code == "trigger"
    assert ask(served(BUILDER), expected=before())[0].code == "slsa-signer"
