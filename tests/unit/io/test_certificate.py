"""Who a signing certificate is for, and what follows for those who expect somebody.

The rest of the profile is tested in test_attestation.py.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import TypeAdapter
from pypi_attestations import Publisher
from sigstore.errors import VerificationError

from safepip.formats.fields import BadAttestation
from safepip.formats.publisher import as_pin, describe, from_claim, parse_publisher
from safepip.formats.statement import About
from safepip.io.attestation import AttestationVerifier
from safepip.io.certificate import identity_of
from safepip.io.provenance import judged
from safepip.model.ident import FileName, Sha256
from safepip.model.publisher import Identity, contradiction, differences, matches
from tests.sigstore import GitHub, GitLab, Google, LocalSigstore
from tests.sigstore.authority import Leaf, der_string
from tests.sigstore.identities import ActiveState, CircleCI, Claims, Email

NOW = datetime(2026, 1, 2, tzinfo=timezone.utc)
SIGSTORE = LocalSigstore.create(now=NOW)
VERIFIER = AttestationVerifier(SIGSTORE.trusted_root_json())
KEY = ec.generate_private_key(ec.SECP256R1())
FILE, SHA256 = FileName.parse("demo-1.0-py3-none-any.whl"), Sha256("ab" * 32)
ABOUT = About(file=FILE, sha256=SHA256, digests={})


def issued(claims: Claims, **changes: Any) -> Identity:
    """`changes`: those of the leaf; `claim` replaces single extensions, None drops one."""
    leaf = Leaf.of(claims, KEY.public_key(), NOW, SIGSTORE.ct_key)
    single = changes.pop("claim", {})
    extensions = {number: text for number, text in {**leaf.claims, **single}.items() if text is not None}
    return identity_of(SIGSTORE.authority.issue(replace(leaf, claims=extensions, **changes)))


PROJECT, PIPELINE = CircleCI().project, CircleCI().pipeline


@pytest.mark.parametrize(
    ("claims", "kind", "line"),
    [
        (GitHub(), "github", "github:acme/demo/release.yml@refs/tags/v1.0"),
        (
            GitHub(environment="pypi", ref="refs/heads/fix#1"),
            "github",
            "github:acme/demo/release.yml@refs/heads/fix%231#environment=pypi",
        ),
        (GitLab(), "gitlab", "gitlab:acme/tools/demo/.gitlab-ci.yml@refs/heads/main"),
        (Google(), "google", "google:publisher@demo.iam.gserviceaccount.com"),
        (Google(email="sam@gmail.example"), "google", "google:sam@gmail.example"),
        (Email(), "email", "email:sam@example.org#issuer=https://github.com/login/oauth"),
        (
            Email(issuer="https://login.microsoftonline.com"),
            "email",
            "email:sam@example.org#issuer=https://login.microsoftonline.com",
        ),
        (
            CircleCI(),
            "circleci",
            f"circleci:{PROJECT}/{PIPELINE}@refs/heads/main#source=github.com/acme/demo",
        ),
        (ActiveState(), "activestate", "activestate:acme/demo"),
    ],
)
def test_who_signed(claims: Claims, kind: str, line: str) -> None:
    who = issued(claims)
    assert (who.kind, describe(who)) == (kind, line)
    pin = as_pin(who)
    assert pin is not None
    assert matches(pin, who)
    assert matches(parse_publisher(line), who)


@pytest.mark.parametrize(
    ("claims", "changes"),
    [
        (GitHub(issuer="https://token.actions.githubusercontent.com/acme"), {}),
        (CircleCI(issuer="https://oidc.circleci.com/org/1234"), {}),
        (GitHub(issuer="https://accounts.google.com"), {}),
        (Email(issuer="https://token.actions.githubusercontent.com"), {}),
        (Email(issuer="https://gitlab.com"), {}),
        (GitHub(issuer="https://agent.buildkite.com"), {}),
    ],
)
def test_who_cannot_be_told_apart_is_of_an_unknown_kind(claims: Claims, changes: dict[str, Any]) -> None:
    """A mailbox at a forge, a workflow at a mail provider, an organisation's own issuer: reported, and never pinned."""
    who = issued(claims, **changes)
    assert (who.kind, as_pin(who)) == ("unknown", None)
    assert describe(who) == f"unknown:{claims.subject()} (issuer {claims.extensions()[8]})"
    for line in ("github:acme/demo", "google:sam@example.org", "email:sam@example.org#issuer=https://gitlab.com"):
        assert not matches(parse_publisher(line), who)


def test_circleci_is_read_from_its_subject() -> None:
    who = issued(CircleCI())
    assert (who.repository_id, who.workflow) == (PROJECT, PIPELINE)
    assert (who.repository, who.ref, who.runner) == ("github.com/acme/demo", "refs/heads/main", '""')
    assert (who.trigger, who.environment, who.owner_id) == (None, None, None)
    # An id that the source repository claims besides is not that of the project.
    assert issued(CircleCI(), claim={15: "77"}).repository_id == PROJECT


@pytest.mark.parametrize("tail", ["/", "/x", "?x", "\n"])
def test_circleci_with_anything_else_is_nobody_to_pin(tail: str) -> None:
    subject = CircleCI().subject() + tail
    who = issued(CircleCI(), subject=subject, claim={9: subject, 15: "77"})
    assert (who.kind, who.repository_id, as_pin(who)) == ("circleci", None, None)


def test_activestate_without_a_repository_is_its_subject() -> None:
    assert issued(ActiveState(), claim={12: None}).repository == "acme/demo"
    assert issued(ActiveState(), claim={12: "https://github.com/acme/demo"}).repository is None


def test_a_user_name_is_a_subject_of_an_unknown_kind() -> None:
    other = x509.OtherName(x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.7"), der_string(12, b"sam!example.org"))
    certificate = _with_subject(Email(issuer="https://example.org"), other)
    assert describe(identity_of(certificate)) == "unknown:sam!example.org (issuer https://example.org)"
    for wrong in (
        x509.OtherName(x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.7"), der_string(19, b"sam!example.org")),
        x509.OtherName(x509.ObjectIdentifier("1.2.3.4"), der_string(12, b"sam!example.org")),
        x509.DNSName("example.org"),
    ):
        with pytest.raises(BadAttestation) as caught:
            identity_of(_with_subject(Email(), wrong))
        assert caught.value.code == "profile"


def _with_subject(claims: Claims, subject: x509.GeneralName) -> x509.Certificate:
    issuer = x509.UnrecognizedExtension(
        x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.8"), der_string(12, claims.extensions()[8].encode())
    )
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(x509.Name([]))
        .public_key(KEY.public_key())
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW)
        .add_extension(x509.SubjectAlternativeName([subject]), critical=True)
        .add_extension(issuer, critical=False)
        .sign(KEY, hashes.SHA256())
    )


# --- the whole way: a signed, logged attestation against a pin


PIN = parse_publisher(
    "github:acme/demo/release.yml@refs/tags/*#environment=pypi&repository-id=1001&owner-id=2002&trigger=push"
    "&runner=github-hosted"
)
GOOD = GitHub(environment="pypi")


def verified(claims: Claims, publisher: dict[str, Any] | None = None) -> Identity | str:
    """The identity, or the code of the refusal."""
    attestation = SIGSTORE.attest(str(FILE), SHA256, claims)
    document = SIGSTORE.provenance([attestation], publisher if publisher is not None else {"kind": "Forge"})
    good, bad, _ = judged(document, ABOUT, VERIFIER)
    assert len(good) + len(bad) == 1
    return good[0].identity if good else bad[0].code


@pytest.mark.parametrize(
    ("claims", "codes"),
    [
        (GOOD, []),
        (replace(GOOD, repository="Acme/Demo"), []),
        (replace(GOOD, repository="acme/other"), ["identity-mismatch"]),
        (replace(GOOD, repository="evil/demo"), ["identity-mismatch"]),
        (replace(GOOD, repository="acme/dem"), ["identity-mismatch"]),
        (replace(GOOD, repository="acme/demo2"), ["identity-mismatch"]),
        (replace(GOOD, workflow="ci.yml"), ["identity-mismatch"]),
        (replace(GOOD, workflow="release.yml.yml"), ["identity-mismatch"]),
        (replace(GOOD, ref="refs/heads/main"), ["ref"]),
        (replace(GOOD, trigger="pull_request_target"), ["trigger"]),
        (replace(GOOD, environment=None), ["environment"]),
        (replace(GOOD, environment="test"), ["environment"]),
        (replace(GOOD, repository_id="666"), ["repository-id"]),
        (replace(GOOD, owner_id="666"), ["repository-id"]),
        (replace(GOOD, runner="self-hosted"), ["runner"]),
        (replace(GOOD, issuer="https://token.actions.githubusercontent.com/acme"), ["identity-mismatch"]),
        (replace(GOOD, issuer="https://gitlab.com"), ["identity-mismatch"]),
        (replace(GOOD, build_signer="https://github.com/evil/x/.github/workflows/y.yml@main"), ["builder"]),
        (GitLab(repository="acme/demo"), ["identity-mismatch"]),
        (replace(GitLab(repository="acme/demo"), issuer=GOOD.issuer), ["identity-mismatch"]),
        (Email(), ["identity-mismatch"]),
        (Email(issuer=GOOD.issuer), ["identity-mismatch"]),
    ],
)
def test_a_pin_on_the_whole_way(claims: Claims, codes: list[str]) -> None:
    who = verified(claims)
    assert isinstance(who, Identity)
    assert [one.code for one in differences(PIN, who)][:1] == codes


def test_a_certificate_with_the_old_claims_alone_says_nothing() -> None:
    old = {1: GOOD.issuer, 2: "push", 5: "acme/demo", 6: "refs/tags/v1.0"}
    with pytest.raises(BadAttestation) as caught:
        identity_of(_only(GOOD, old))
    assert caught.value.code == "profile"


@pytest.mark.parametrize(
    "claim", [b"", b"\x0c", b"\x0c\x05abc", b"\x13\x01a", b"\x0c\x01a\x00", b"\x0c\x81\x01a", b"\x0c\x02\xff\xff"]
)
def test_garbage_in_a_claim(claim: bytes) -> None:
    with pytest.raises(BadAttestation) as caught:
        issued(GOOD, claim={12: claim})
    assert caught.value.code == "profile"


def _only(claims: Claims, extensions: dict[int, str]) -> x509.Certificate:
    leaf = Leaf.of(claims, KEY.public_key(), NOW, SIGSTORE.ct_key)
    return SIGSTORE.authority.issue(replace(leaf, claims=extensions))


def test_a_subject_of_another_repository() -> None:
    other = "https://github.com/evil/demo/.github/workflows/release.yml@refs/tags/v1.0"
    with pytest.raises(BadAttestation) as caught:
        issued(GOOD, subject=other)
    assert caught.value.code == "profile"
    who = issued(GOOD, subject=other, claim={9: None})
    assert [one.code for one in differences(PIN, who)] == ["builder"]


# --- what the index claims beside it


CLAIM = {"kind": "GitHub", "repository": "acme/demo", "workflow": "release.yml"}


@pytest.mark.parametrize(
    ("claims", "publisher"),
    [
        (GOOD, CLAIM),
        (GOOD, {**CLAIM, "environment": ""}),
        (GOOD, {**CLAIM, "environment": "PyPI"}),
        (GitHub(), {**CLAIM, "environment": "pypi"}),
        (GitLab(), {"kind": "GitLab", "repository": "acme/tools/demo", "workflow_filepath": ".gitlab-ci.yml"}),
        (Google(), {"kind": "Google", "email": Google().email}),
        (CircleCI(), {"kind": "CircleCI", "project_id": PROJECT, "pipeline_definition_id": PIPELINE}),
        (ActiveState(), {"kind": "ActiveState", "organization": "acme", "project": "demo"}),
        (ActiveState(), {"kind": "ActiveState"}),
        (Email(), {"kind": "Forge"}),
    ],
)
def test_a_claim_that_fits(claims: Claims, publisher: dict[str, Any]) -> None:
    assert isinstance(verified(claims, publisher), Identity)


@pytest.mark.parametrize(
    ("claims", "publisher", "code"),
    [
        (GOOD, {**CLAIM, "repository": "evil/demo"}, "identity-mismatch"),
        (GOOD, {**CLAIM, "repository": "Acme/Demo"}, "identity-mismatch"),
        (GOOD, {**CLAIM, "workflow": "ci.yml"}, "identity-mismatch"),
        (GOOD, {**CLAIM, "environment": "test"}, "identity-mismatch"),
        (GOOD, {"kind": "Google", "email": Google().email}, "identity-mismatch"),
        (Email(), {"kind": "Google", "email": Email().email}, "identity-mismatch"),
        (Google(), {"kind": "Google", "email": "other@b.example"}, "identity-mismatch"),
        (
            CircleCI(),
            {"kind": "CircleCI", "project_id": PIPELINE, "pipeline_definition_id": PIPELINE},
            "identity-mismatch",
        ),
        (ActiveState(), {"kind": "ActiveState", "organization": "acme", "project": "x"}, "identity-mismatch"),
        (GOOD, {"kind": "GitHub", "repository": "acme/demo"}, "malformed"),
        (GOOD, {**CLAIM, "environment": 7}, "malformed"),
    ],
)
def test_a_claim_that_the_certificate_contradicts(claims: Claims, publisher: dict[str, Any], code: str) -> None:
    assert verified(claims, publisher) == code


SIGNED: tuple[Claims, ...] = (
    GOOD,
    GitHub(),
    GitHub(repository="Acme/Demo"),
    GitHub(repository="evil/demo"),
    GitHub(workflow="ci.yml"),
    GitHub(environment="PyPI"),
    GitHub(build_signer="https://github.com/evil/x/.github/workflows/y.yml@main"),
    GitHub(issuer="https://gitlab.com"),
    GitLab(),
    GitLab(repository="acme/demo"),
    GitLab(workflow="ci/x.yml"),
    Google(),
    Google(email="sam@example.org"),
    Email(),
    Email(email=Google().email),
    CircleCI(),
    CircleCI(project=PIPELINE),
    CircleCI(source="github.com/evil/demo"),
    CircleCI(ref="refs/tags/v1"),
    CircleCI(issuer="https://oidc.circleci.com/org/1"),
)
CIRCLE = {"kind": "CircleCI", "project_id": PROJECT, "pipeline_definition_id": PIPELINE}
PUBLISHERS: tuple[dict[str, Any], ...] = (
    CLAIM,
    {**CLAIM, "environment": "pypi"},
    {**CLAIM, "repository": "Acme/Demo"},
    {**CLAIM, "repository": "evil/demo"},
    {**CLAIM, "workflow": "ci.yml"},
    {"kind": "GitLab", "repository": "acme/tools/demo", "workflow_filepath": ".gitlab-ci.yml"},
    {"kind": "GitLab", "repository": "acme/demo", "workflow_filepath": ".gitlab-ci.yml", "environment": "x"},
    {"kind": "Google", "email": Google().email},
    {"kind": "Google", "email": "sam@example.org"},
    CIRCLE,
    {**CIRCLE, "vcs_origin": "github.com/acme/demo"},
    {**CIRCLE, "vcs_ref": "refs/heads/main"},
)


@pytest.mark.parametrize("publisher", PUBLISHERS, ids=str)
def test_where_the_reference_implementation_refuses_a_claim_so_do_we(publisher: dict[str, Any]) -> None:
    """And where it accepts, we do, but for an environment, which it does not compare."""
    claim = from_claim(publisher)
    assert claim is not None
    policy = TypeAdapter(Publisher).validate_python(publisher)._as_policy()
    accepted = 0
    for claims in SIGNED:
        certificate = SIGSTORE.authority.issue(Leaf.of(claims, KEY.public_key(), NOW, SIGSTORE.ct_key))
        found = contradiction(claim, identity_of(certificate))
        try:
            policy.verify(certificate)
        except (VerificationError, x509.ExtensionNotFound):
            assert found is not None, claims
        else:
            accepted += 1
            assert found is None or found.what == "environment", claims
    assert accepted or publisher.get("environment") == "x"
