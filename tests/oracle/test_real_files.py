"""Attestations that real projects published: the verdict that is known of each, against the roots that safepip ships.

The files are not part of the project. Where the folder is, beside the checkout or where SAFEPIP_REAL_ATTESTATIONS
says, each is judged; what is copied here are facts about them, and what we say otherwise than the libraries.
"""

from __future__ import annotations

import functools
import json
import os
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from safepip.formats.bundle import parse_bundle
from safepip.formats.fields import BadAttestation
from safepip.formats.provenance import parse_attestation
from safepip.formats.statement import PUBLISH, SLSA, About
from safepip.io.attestation import AttestationVerifier
from safepip.io.provenance import judged
from safepip.io.shippedroots import shipped_root
from safepip.model.evidence import VerifiedAttestation
from safepip.model.ident import FileName, Sha256
from safepip.model.publisher import Identity
from tests.sigstore import GitHub, LocalSigstore

FOLDER = Path(
    os.environ.get("SAFEPIP_REAL_ATTESTATIONS")
    or Path(__file__).resolve().parents[3] / "shared" / "attestations" / "real"
)
MANIFEST = FOLDER / "manifest.json"
FILES: list[dict[str, Any]] = json.loads(MANIFEST.read_text())["files"] if MANIFEST.exists() else []
PREDICATES = {"publish/v1": PUBLISH, "slsa-provenance/v1": SLSA}
# A layout of before PEP 740; and npm packages, whose statements list a sha512 only.
NOT_FOR_US = {
    "rfc8785-0.1.2.hist-883ce1.attestation": "malformed",
    "tests_bundles_bundleV01-dsse-with-proof.sigstore": "subject-digest",
    "tests_bundles_bundleV02-dsse.sigstore": "subject-digest",
    "tests_bundles_bundleV03-dsse.sigstore": "subject-digest",
}


@functools.cache
def verifier(root: str) -> AttestationVerifier:
    return AttestationVerifier(shipped_root(root).trusted_root)


def verdict(one: dict[str, Any], root: str) -> VerifiedAttestation:
    """Raises BadAttestation."""
    document = (FOLDER / one["file"]).read_bytes()
    file = FileName.parse(one["artifact"]) if one.get("artifact") else None
    stated = one.get("artifact_sha256") or next((each["sha256"] for each in one.get("subjects", ())), None)
    sha256 = Sha256(stated or "0" * 64)
    about = About(file=file, sha256=sha256, digests={"sha256": sha256})
    if one["format"] == "provenance":
        verified, rejected, _ = judged(document, about, verifier(root))
        if rejected:
            raise BadAttestation(rejected[0].code, rejected[0].message)
        return verified[0]
    if one["format"].startswith("sigstore-bundle"):
        return verifier(root).bundle(parse_bundle(document), about)
    return verifier(root).attestation(parse_attestation(document), about)


@pytest.mark.parametrize("one", FILES, ids=lambda one: one["file"])
def test_the_verdict_of_the_manifest(one: dict[str, Any]) -> None:
    root = one.get("verifies_with", "production")
    if one["file"] in NOT_FOR_US:
        with pytest.raises(BadAttestation) as caught:
            verdict(one, root)
        assert caught.value.code == NOT_FOR_US[one["file"]]
        return
    found, claims = verdict(one, root), one.get("identity")
    assert found.predicate == PREDICATES.get(str(one.get("predicate")), found.predicate)
    assert found.logged_at is not None
    issued = datetime.fromisoformat(one["signed_at"])
    assert issued <= found.logged_at <= issued + timedelta(minutes=10)
    if claims is not None:
        require_claims(found.identity, claims)


def require_claims(who: Identity, claims: dict[str, Any]) -> None:
    """What the manifest leaves out, or the certificate has none of, is None there."""
    assert (who.issuer, [who.subject]) == (claims["issuer"], claims["san"])
    for name, got in (
        ("ref", who.ref),
        ("trigger", who.trigger),
        ("environment", who.environment),
        ("runner", who.runner),
        ("repo_id", who.repository_id),
        ("owner_id", who.owner_id),
    ):
        assert claims.get(name) in {None, got}


@pytest.mark.parametrize("one", [one for one in FILES if "verifies_with" in one], ids=lambda one: one["file"])
def test_no_file_verifies_with_the_other_root(one: dict[str, Any]) -> None:
    other = {"production": "staging", "staging": "production"}[one["verifies_with"]]
    with pytest.raises(BadAttestation):
        verdict(one, other)


@pytest.mark.parametrize("one", [one for one in FILES if "artifact" in one], ids=lambda one: one["file"])
def test_no_file_speaks_for_other_bytes(one: dict[str, Any]) -> None:
    with pytest.raises(BadAttestation):
        verdict({**one, "artifact_sha256": "0" * 64}, one["verifies_with"])


@pytest.mark.skipif(not FILES, reason="the real files are not here")
def test_they_are_all_there() -> None:
    assert len(FILES) >= 23
    assert set(NOT_FOR_US) <= {one["file"] for one in FILES}


# --- the same claims, where the files are not: copied from the certificates, minted by a Sigstore of our own


_PROJECT, _DEFINITION = "fdd9283f-e619-46af-8f9c-851f7d3e8b2b", "8e4f8ab2-8d7c-4827-9f15-de076d6d647f"
FACTS: dict[str, tuple[str, str, dict[int, str], dict[str, str | None]]] = {
    "github": (
        "https://token.actions.githubusercontent.com",
        "https://github.com/pypa/sampleproject/.github/workflows/release.yml@refs/heads/main",
        {
            11: "github-hosted",
            12: "https://github.com/pypa/sampleproject",
            14: "refs/heads/main",
            15: "14899596",
            17: "647025",
            18: "https://github.com/pypa/sampleproject/.github/workflows/release.yml@refs/heads/main",
            20: "push",
        },
        {"repository": "pypa/sampleproject", "workflow": "release.yml", "repository_id": "14899596"},
    ),
    "gitlab": (
        "https://gitlab.com",
        "https://gitlab.com/facutuesca/gitlab-oidc-project//.gitlab-ci.yml@refs/heads/main",
        {
            11: "gitlab-hosted",
            12: "https://gitlab.com/facutuesca/gitlab-oidc-project",
            14: "refs/heads/main",
            15: "55235664",
            17: "12885801",
            18: "https://gitlab.com/facutuesca/gitlab-oidc-project//.gitlab-ci.yml@refs/heads/main",
            20: "push",
        },
        {"repository": "facutuesca/gitlab-oidc-project", "workflow": ".gitlab-ci.yml", "repository_id": "55235664"},
    ),
    "circleci": (
        "https://oidc.circleci.com",
        f"https://circleci.com/api/v2/projects/{_PROJECT}/pipeline-definitions/{_DEFINITION}",
        {
            11: '""',
            12: "github.com/CircleCI-Public/sign-and-publish-examples",
            14: "refs/heads/pypi",
            18: "https://circleci.com/api/v2/pipeline/f3f6eb86-f260-445b-b9c9-32a2cb5a3a61/config",
        },
        {"workflow": _DEFINITION, "repository_id": _PROJECT, "ref": "refs/heads/pypi"},
    ),
    "google": (
        "https://accounts.google.com",
        "919436158236-compute@developer.gserviceaccount.com",
        {},
        {"repository": None, "workflow": None, "build_signer": None},
    ),
}


@pytest.mark.parametrize("kind", FACTS)
def test_claims_as_real_certificates_have_them(kind: str) -> None:
    issuer, subject, claims, expected = FACTS[kind]
    signer = {9: subject} if "://" in subject else {}
    sigstore = LocalSigstore.create(datetime(2026, 1, 2, tzinfo=timezone.utc))
    name, sha256 = "demo-1.0-py3-none-any.whl", Sha256("ab" * 32)
    attestation = sigstore.attest(
        name,
        sha256,
        GitHub(),
        leaf=lambda leaf: replace(leaf, subject=subject, claims={8: issuer, **signer, **claims}),
    )
    about = About(file=FileName.parse(name), sha256=sha256, digests={})
    read = parse_attestation(json.dumps(attestation).encode())
    who = AttestationVerifier(sigstore.trusted_root_json()).attestation(read, about).identity
    assert (who.kind, who.issuer, who.subject) == (kind, issuer, subject)
    assert {one: getattr(who, one) for one in expected} == expected
