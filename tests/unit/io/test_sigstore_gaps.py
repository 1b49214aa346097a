"""What sigstore's own verifier accepts and we refuse: one test for each thing that our steps add to it.

Each shows the unmodified library at work on the same attestation. Where a test fails because the library refuses too,
the gap is closed, and the step of ours may go.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from sigstore.errors import VerificationError
from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier
from sigstore.verify.policy import UnsafeNoOp

from safepip.errors import BadInput
from safepip.formats.fields import BadAttestation
from safepip.formats.provenance import parse_attestation
from safepip.formats.statement import About
from safepip.io.attestation import AttestationVerifier
from safepip.model.ident import FileName, Sha256
from tests.sigstore import GitHub, LocalSigstore

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
FILE, SHA256 = FileName.parse("demo-1.0-py3-none-any.whl"), Sha256("ab" * 32)
ABOUT = About(file=FILE, sha256=SHA256, digests={})
SIGSTORE = LocalSigstore.create(now=NOW)
PAST = {"start": "2020-01-01T00:00:00Z", "end": "2025-01-01T00:00:00Z"}
Attested = dict[str, Any]


def attest(**overrides: Any) -> Attested:
    return SIGSTORE.attest(str(FILE), SHA256, GitHub(), **overrides)


def root_with(change: Callable[[Attested], object]) -> Attested:
    root = SIGSTORE.trusted_root()
    change(root)
    return root


def bundle_of(attestation: Attested) -> str:
    """The same as a Sigstore bundle, with nothing of ours in between."""
    material, envelope = attestation["verification_material"], attestation["envelope"]
    stamps = [{"signedTimestamp": one} for one in material.get("timestamps", [])]
    return json.dumps(
        {
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "certificate": {"rawBytes": material["certificate"]},
                "tlogEntries": material["transparency_entries"],
                "timestampVerificationData": {"rfc3161Timestamps": stamps},
            },
            "dsseEnvelope": {
                "payload": envelope["statement"],
                "payloadType": "application/vnd.in-toto+json",
                "signatures": [{"sig": envelope["signature"]}],
            },
        }
    )


def library_accepts(attestation: Attested, root: Attested, folder: Path) -> bool:
    """Sigstore takes trusted roots from files only."""
    place = folder / "root.json"
    place.write_text(json.dumps(root))
    verifier = Verifier(trusted_root=TrustedRoot.from_file(str(place)))
    try:
        _, payload = verifier.verify_dsse(Bundle.from_json(bundle_of(attestation)), UnsafeNoOp())
    except VerificationError:
        return False
    return payload == base64.b64decode(attestation["envelope"]["statement"])


def our_code(attestation: Attested, root: Attested) -> str | None:
    """None where we accept."""
    try:
        verifier = AttestationVerifier(json.dumps(root).encode())
        verifier.attestation(parse_attestation(json.dumps(attestation).encode()), ABOUT)
    except BadAttestation as error:
        return error.code
    except BadInput as error:
        return error.reference
    return None


def on_curve(curve: ec.EllipticCurve) -> Attested:
    key = ec.generate_private_key(curve)
    return attest(signing_key=key, leaf_key=key.public_key())


def signed_by(claim: str) -> Attested:
    return attest(leaf=lambda leaf: replace(leaf, claims={**leaf.claims, 9: claim}))


def checkpoint(**changes: Any) -> Attested:
    """A checkpoint that the log did sign, over the right root hash, and that says something else besides."""

    def change(entry: Attested) -> None:
        entry["inclusionProof"]["checkpoint"]["envelope"] = SIGSTORE.log.checkpoint(**changes)

    return attest(entry=change)


def retired(what: str) -> Attested:
    def retire(root: Attested) -> None:
        root[what][0].get("publicKey", root[what][0])["validFor"] = PAST

    return root_with(retire)


def renamed_log(root: Attested) -> None:
    """The entry names its log so too, and the promise is made under that name."""
    root["tlogs"][0]["logId"]["keyId"] = base64.b64encode(b"\x07" * 32).decode()


def under_another_id() -> Attested:
    """Signed by the log's own key, and everything in it calls the log by an id that is not that key's."""
    from tests.sigstore.log import RekorLog

    class Renamed(RekorLog):
        @property
        def log_id(self) -> bytes:
            return b"\x07" * 32

    log = Renamed(SIGSTORE.log.host)
    log.key = SIGSTORE.log.key
    return attest(log=log)


ORDINARY = SIGSTORE.trusted_root()
GAPS: dict[str, tuple[str, Callable[[], tuple[Attested, Attested]]]] = {
    "a key on P-384": ("profile", lambda: (on_curve(ec.SECP384R1()), ORDINARY)),
    "a key on secp256k1": ("profile", lambda: (on_curve(ec.SECP256K1()), ORDINARY)),
    "a certificate for nine years": (
        "profile",
        lambda: (attest(leaf=lambda leaf: replace(leaf, lifetime=timedelta(days=3280))), ORDINARY),
    ),
    "a log key that is retired": ("trust-window", lambda: (attest(), retired("tlogs"))),
    "a certificate log key that is retired": ("trust-window", lambda: (attest(), retired("ctlogs"))),
    "a certificate authority that is retired": ("trust-window", lambda: (attest(), retired("certificateAuthorities"))),
    "a checkpoint of another size": ("checkpoint", lambda: (checkpoint(size=7777), ORDINARY)),
    "a checkpoint of another log": ("checkpoint", lambda: (checkpoint(origin="other.test - 1"), ORDINARY)),
    "a log under an id that is not its key's": (
        "trust-root-invalid",
        lambda: (under_another_id(), root_with(renamed_log)),
    ),
    "a build signer that is not the subject": (
        "profile",
        lambda: (signed_by("https://github.com/evil/demo/.github/workflows/x.yml@refs/heads/main"), ORDINARY),
    ),
}


@pytest.mark.parametrize("name", GAPS)
def test_the_library_accepts_what_we_refuse(name: str, tmp_path: Path) -> None:
    code, make = GAPS[name]
    attestation, root = make()
    assert library_accepts(attestation, root, tmp_path)
    assert our_code(attestation, root) == code


def test_both_accept_what_is_in_order_and_refuse_what_is_not(tmp_path: Path) -> None:
    """So that none of the above is accepted or refused for another reason."""
    assert library_accepts(attest(), ORDINARY, tmp_path)
    assert our_code(attest(), ORDINARY) is None
    assert not library_accepts(attest(signature=b"none"), ORDINARY, tmp_path)
    assert our_code(attest(signature=b"none"), ORDINARY) == "signature"


def test_the_end_of_a_time_stamp_authority_is_within_its_time(tmp_path: Path) -> None:
    """The other way round: `validFor` is a closed interval (protobuf-specs, TimeRange), and the library's is open."""
    ending = root_with(lambda root: root["timestampAuthorities"][0].update(validFor={**PAST, "end": _text(NOW)}))
    stamped = attest(rekor=2)
    assert not library_accepts(stamped, ending, tmp_path)
    assert our_code(stamped, ending) is None
    later = attest(rekor=2, stamps=(NOW + timedelta(seconds=1),))
    assert not library_accepts(later, ending, tmp_path)
    assert our_code(later, ending) == "trust-window"


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_retired_time_stamp_authority_does_not_borrow_the_time_of_another() -> None:
    other = LocalSigstore.create(now=NOW)

    def add(root: Attested) -> None:
        root["timestampAuthorities"][0]["validFor"] = PAST
        root["timestampAuthorities"].append(other.trusted_root()["timestampAuthorities"][0])

    assert our_code(attest(rekor=2), root_with(add)) == "trust-window"
    assert our_code(attest(rekor=2, tsa=other.tsa), root_with(add)) is None


def test_a_second_time_that_does_not_hold_is_passed_over_by_the_library(tmp_path: Path) -> None:
    """It asks for one source of time; we ask that every one that is served holds."""
    other = LocalSigstore.create(now=NOW)
    two = attest(stamps=(NOW,), tsa=other.tsa)
    assert library_accepts(two, ORDINARY, tmp_path)
    assert our_code(two, ORDINARY) == "time"
