"""Limits and strictness of the document as a whole; tests/unit/io/test_attestation.py has those of its parts."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

import pytest

from safepip.formats.attestation import Attestation, render_attestation
from safepip.formats.fields import BadAttestation
from safepip.formats.provenance import MAX_ATTESTATIONS, parse_attestation, parse_provenance
from safepip.formats.publisher import parse_publisher
from tests.sigstore import GitHub, LocalSigstore

SIGSTORE = LocalSigstore.create(now=datetime(2026, 1, 2, tzinfo=timezone.utc))
GOOD = SIGSTORE.attest("demo-1.0-py3-none-any.whl", "0" * 64, GitHub())
PUBLISHER = {"kind": "GitHub", "repository": "acme/demo", "workflow": "release.yml", "environment": None}


def document(**changes: Any) -> bytes:
    bundles = [{"publisher": PUBLISHER, "attestations": [GOOD]}]
    return json.dumps({"version": 1, "attestation_bundles": bundles, **changes}).encode()


def test_what_is_rendered_is_what_was_read() -> None:
    attestation = parse_attestation(json.dumps(GOOD).encode())
    assert json.loads(render_attestation(attestation)) == GOOD
    assert parse_attestation(render_attestation(attestation)) == attestation


def test_timestamps_travel_in_either_form() -> None:
    for served in ("AAEC", {"signedTimestamp": "AAEC"}):
        changed = {**GOOD, "verification_material": {**GOOD["verification_material"], "timestamps": [served]}}
        attestation = parse_attestation(json.dumps(changed).encode())
        assert attestation.timestamps == (b"\x00\x01\x02",)
        assert parse_attestation(render_attestation(attestation)) == attestation


@pytest.mark.parametrize(
    ("publisher", "line", "known"),
    [
        (PUBLISHER, "github:acme/demo/release.yml", True),
        ({**PUBLISHER, "environment": "release"}, "github:acme/demo/release.yml#environment=release", True),
        (
            {"kind": "GitLab", "repository": "a/b/c", "workflow_filepath": ".gitlab-ci.yml"},
            "gitlab:a/b/c/.gitlab-ci.yml",
            True,
        ),
        ({"kind": "Google", "email": "a@b.example"}, "google:a@b.example", True),
        ({"kind": "Forge", "repository": ["\x1b"]}, "forge:?", False),
    ],
)
def test_a_claimed_publisher_is_shown_in_one_line(publisher: dict[str, Any], line: str, known: bool) -> None:
    [bundle] = parse_provenance(SIGSTORE.provenance([GOOD], publisher)).bundles
    assert (bundle.publisher, bundle.known) == (line, known)
    assert bundle.claim == (parse_publisher(line) if known else None)
    assert isinstance(bundle.attestations[0], Attestation)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (document(version=2), "malformed"),
        (document(version=True), "malformed"),
        (document(version=1.0), "malformed"),
        (document(attestation_bundles=None), "malformed"),
        (document(attestation_bundles=[1]), "malformed"),
        (document(attestation_bundles=[{"publisher": PUBLISHER}]), "malformed"),
        (document(attestation_bundles=[{"publisher": "me", "attestations": []}]), "malformed"),
        (document(attestation_bundles=[{"publisher": {}, "attestations": []}]), "malformed"),
        (document(attestation_bundles=[{"publisher": {"kind": "GitHub"}, "attestations": []}]), "malformed"),
        (document(attestation_bundles=[{"publisher": {**PUBLISHER, "workflow": 7}, "attestations": []}]), "malformed"),
        (document(attestation_bundles=[{}] * (MAX_ATTESTATIONS + 1)), "too-large"),
        (
            document(attestation_bundles=[{"publisher": PUBLISHER, "attestations": [0] * 9}] * 2),
            "too-large",
        ),
        (b"[]", "malformed"),
        (b" " * (1 << 20) + b"{}", "too-large"),
    ],
)
def test_a_document_that_breaks_the_rules_is_refused(content: bytes, code: str) -> None:
    with pytest.raises(BadAttestation) as caught:
        parse_provenance(content)
    assert caught.value.code == code


def test_an_empty_list_of_bundles_is_empty() -> None:
    assert parse_provenance(document(attestation_bundles=[])).bundles == ()


def test_what_is_new_beside_what_we_know_is_passed_over() -> None:
    assert len(parse_provenance(document(novelty=1)).bundles) == 1


def test_too_many_timestamps() -> None:
    changed = {**GOOD, "verification_material": {**GOOD["verification_material"], "timestamps": ["AAEC"] * 5}}
    with pytest.raises(BadAttestation) as caught:
        parse_attestation(json.dumps(changed).encode())
    assert caught.value.code == "too-large"


@pytest.mark.parametrize("text", ["", "A", "AB==", "AAA", "AAAA\n", "AA AA", "AA-_", "éAAA", "AAAA====", None, 7])
def test_base64_has_one_spelling(text: object) -> None:
    changed = {**GOOD, "envelope": {**GOOD["envelope"], "signature": text}}
    with pytest.raises(BadAttestation) as caught:
        parse_attestation(json.dumps(changed).encode())
    assert caught.value.code == "malformed"
