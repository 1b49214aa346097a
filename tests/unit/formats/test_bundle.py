"""Reading bundles: what honest ones contain is read, and whatever could be read in two ways is not."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from safepip.formats.attestation import PAYLOAD_TYPE
from safepip.formats.bundle import (
    BUNDLE,
    Envelope,
    MessageDigest,
    bundle_of,
    parse_bundle,
    render_bundle,
)
from safepip.formats.fields import MAX_BYTES, BadAttestation
from safepip.formats.provenance import parse_attestation
from tests.sigstore import GitHub, LocalSigstore
from tests.sigstore.bundles import SPELLINGS, as_bundle, sign, statement

Document = dict[str, Any]
SIGSTORE = LocalSigstore.create(now=datetime(2026, 1, 2, tzinfo=timezone.utc))
SHA256 = "ab" * 32
ATTESTATION = SIGSTORE.attest("demo-1.0.tar.gz", SHA256, GitHub())
KEY = ec.generate_private_key(ec.SECP256R1())
ENVELOPE = sign(SIGSTORE, SHA256, statement=statement("demo-1.0.tar.gz", SHA256), rekor=2)
MESSAGE = sign(SIGSTORE, SHA256)
OLD = sign(SIGSTORE, SHA256, version="0.1")
MANAGED = sign(SIGSTORE, SHA256, key=KEY)


def raw(document: Document) -> bytes:
    return json.dumps(document).encode()


def edited(document: Document, change: Callable[[Document], object]) -> bytes:
    result = copy.deepcopy(document)
    change(result)
    return raw(result)


def code_of(content: bytes) -> str:
    with pytest.raises(BadAttestation) as caught:
        parse_bundle(content)
    return caught.value.code


@pytest.mark.parametrize("version", SPELLINGS)
def test_every_version_in_every_spelling(version: str) -> None:
    bundle = parse_bundle(raw(sign(SIGSTORE, SHA256, version=version)))
    assert bundle.media_type == SPELLINGS[version]
    assert bundle.content == MessageDigest(algorithm="sha256", digest=bytes.fromhex(SHA256))
    assert bundle.certificate is not None
    assert (bundle.more_certificates, bundle.timestamps, len(bundle.entries)) == ((), (), 1)


def test_an_envelope_with_timestamps() -> None:
    bundle = parse_bundle(raw(ENVELOPE))
    assert isinstance(bundle.content, Envelope)
    assert bundle.content.payload_type == PAYLOAD_TYPE
    assert json.loads(bundle.content.payload)["subject"][0]["name"] == "demo-1.0.tar.gz"
    assert len(bundle.timestamps) == 1


def test_a_managed_key_has_no_certificate() -> None:
    assert parse_bundle(raw(MANAGED)).certificate is None


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one["verificationMaterial"].update(timestampVerificationData={}),
        lambda one: one["verificationMaterial"].update(timestampVerificationData={"rfc3161Timestamps": []}),
        lambda one: one["verificationMaterial"].update(timestampVerificationData=None),
        lambda one: one["verificationMaterial"].update(publicKey=None, x509CertificateChain=None),
        lambda one: one["messageSignature"].update(messageDigest=None),
        lambda one: one.update(dsseEnvelope=None),
        lambda one: one["verificationMaterial"]["tlogEntries"][0].update(inclusionPromise=None, integratedTime=None),
    ],
)
def test_what_honest_bundles_leave_empty(change: Callable[[Document], object]) -> None:
    assert parse_bundle(edited(MESSAGE, change)).timestamps == ()


@pytest.mark.parametrize("keyid", ["", "a key of mine"])
def test_the_id_of_a_key_is_a_hint(keyid: str) -> None:
    changed = edited(ENVELOPE, lambda one: one["dsseEnvelope"]["signatures"][0].update(keyid=keyid))
    assert parse_bundle(changed) == parse_bundle(raw(ENVELOPE))


def test_old_bundles_bring_certificates_along() -> None:
    def add(bundle: Document) -> None:
        bundle["verificationMaterial"]["x509CertificateChain"]["certificates"].append({"rawBytes": "AAAA"})

    assert parse_bundle(edited(OLD, add)).more_certificates == (b"\0\0\0",)


def test_written_for_sigstore_and_read_again() -> None:
    for document in (ENVELOPE, MESSAGE, OLD):
        bundle = parse_bundle(raw(document))
        again = parse_bundle(render_bundle(bundle, promises=True, timestamps=bundle.timestamps))
        assert again.media_type == BUNDLE
        assert (again.certificate, again.entries, again.timestamps, again.signature) == (
            bundle.certificate,
            bundle.entries,
            bundle.timestamps,
            bundle.signature,
        )


def test_only_the_named_sources_of_time_are_written() -> None:
    bundle = parse_bundle(raw(sign(SIGSTORE, SHA256, stamps=(SIGSTORE.now,))))
    again = parse_bundle(render_bundle(bundle, promises=False, timestamps=()))
    assert (again.timestamps, again.entries[0].promise, again.entries[0].integrated) == ((), None, None)


def test_a_bundle_without_a_certificate_is_not_for_sigstore() -> None:
    with pytest.raises(BadAttestation):
        render_bundle(parse_bundle(raw(MANAGED)), promises=True, timestamps=())


def test_an_attestation_in_its_other_form() -> None:
    assert bundle_of(parse_attestation(raw(ATTESTATION))) == parse_bundle(raw(as_bundle(ATTESTATION)))


def material(**changes: Any) -> Callable[[Document], object]:
    return lambda one: one["verificationMaterial"].update(changes)


def entry(**changes: Any) -> Callable[[Document], object]:
    return lambda one: one["verificationMaterial"]["tlogEntries"][0].update(changes)


def envelope(**changes: Any) -> Callable[[Document], object]:
    return lambda one: one["dsseEnvelope"].update(changes)


def chain(certificates: Any) -> Callable[[Document], object]:
    return material(x509CertificateChain={"certificates": certificates})


CERTIFICATE = MESSAGE["verificationMaterial"]["certificate"]
BROKEN: dict[str, tuple[str, Document, Callable[[Document], object]]] = {
    "no media type": ("malformed", MESSAGE, lambda one: one.pop("mediaType")),
    "a media type of the future": (
        "malformed",
        MESSAGE,
        lambda one: one.update(mediaType="application/vnd.dev.sigstore.bundle.v0.4+json"),
    ),
    "a version that never was": (
        "malformed",
        MESSAGE,
        lambda one: one.update(mediaType="application/vnd.dev.sigstore.bundle+json;version=99.9"),
    ),
    "an unknown key": ("malformed", MESSAGE, lambda one: one.update(surprise=1)),
    "an unknown key in the material": ("malformed", MESSAGE, material(surprise=1)),
    "an unknown key in the entry": ("malformed", MESSAGE, entry(surprise=1)),
    "an unknown key in the signature": ("malformed", MESSAGE, lambda one: one["messageSignature"].update(surprise=1)),
    "an unknown key in the envelope": ("malformed", ENVELOPE, envelope(surprise=1)),
    "an unknown key beside a certificate": ("malformed", MESSAGE, material(certificate={**CERTIFICATE, "x": 1})),
    "an unknown key beside the hint": ("malformed", MANAGED, material(publicKey={"hint": "", "rawBytes": "AAAA"})),
    "no material": ("malformed", MESSAGE, lambda one: one.pop("verificationMaterial")),
    "no certificate": ("malformed", MESSAGE, lambda one: one["verificationMaterial"].pop("certificate")),
    "a certificate and a key": ("malformed", MESSAGE, material(publicKey={"hint": "x"})),
    "a certificate and a chain": ("malformed", MESSAGE, chain([CERTIFICATE])),
    "a chain in 0.3": (
        "malformed",
        OLD,
        lambda one: one.update(mediaType=SPELLINGS["0.3"]),
    ),
    "a single certificate in 0.2": ("malformed", MESSAGE, lambda one: one.update(mediaType=SPELLINGS["0.2"])),
    "an empty chain": ("malformed", OLD, chain([])),
    "a chain that is none": ("malformed", OLD, chain("none")),
    "a chain without end": ("too-large", OLD, chain([{"rawBytes": "AAAA"}] * 11)),
    "a certificate of junk": ("malformed", MESSAGE, material(certificate={"rawBytes": "AAAA\n"})),
    "entries that are no list": ("malformed", MESSAGE, material(tlogEntries={})),
    "too many entries": ("too-large", MESSAGE, material(tlogEntries=[{}] * 5)),
    "no promise in 0.1": ("set", OLD, entry(inclusionPromise=None)),
    "no proof in 0.1": ("log-inclusion", OLD, entry(inclusionProof=None)),
    "a number that is no text": ("malformed", MESSAGE, entry(logIndex=5)),
    "a negative number": ("malformed", MESSAGE, entry(logIndex="-5")),
    "a number with a sign": ("malformed", MESSAGE, entry(integratedTime="+5")),
    "a number of 400 digits": ("malformed", MESSAGE, entry(integratedTime="1" * 400)),
    "too many timestamps": (
        "too-large",
        MESSAGE,
        material(timestampVerificationData={"rfc3161Timestamps": [{"signedTimestamp": "AAAA"}] * 5}),
    ),
    "a timestamp in another form": (
        "malformed",
        MESSAGE,
        material(timestampVerificationData={"rfc3161Timestamps": ["AAAA"]}),
    ),
    "neither envelope nor signature": ("malformed", MESSAGE, lambda one: one.pop("messageSignature")),
    "both": ("malformed", MESSAGE, lambda one: one.update(dsseEnvelope=ENVELOPE["dsseEnvelope"])),
    "a signature that is empty": ("malformed", MESSAGE, lambda one: one["messageSignature"].update(signature="")),
    "a signature that is no base64": ("malformed", MESSAGE, lambda one: one["messageSignature"].update(signature="!")),
    "a digest of an unknown kind": (
        "malformed",
        MESSAGE,
        lambda one: one["messageSignature"]["messageDigest"].update(algorithm="MD5"),
    ),
    "a digest without content": ("malformed", MESSAGE, lambda one: one["messageSignature"].update(messageDigest={})),
    "no signatures": ("malformed", ENVELOPE, envelope(signatures=[])),
    "two signatures": ("malformed", ENVELOPE, envelope(signatures=[{"sig": "AAAA"}, {"sig": "AAAA"}])),
    "no payload": ("malformed", ENVELOPE, envelope(payload="")),
    "no payload type": ("malformed", ENVELOPE, envelope(payloadType=None)),
}


@pytest.mark.parametrize("name", BROKEN)
def test_one_thing_wrong(name: str) -> None:
    code, document, change = BROKEN[name]
    assert code_of(edited(document, change)) == code


@pytest.mark.parametrize(
    ("code", "content"),
    [
        ("malformed", b""),
        ("malformed", b"[]"),
        ("malformed", b"<html>"),
        ("malformed", b"\xff"),
        ("malformed", b"[" * 100_000),
        ("malformed", b'{"mediaType": NaN}'),
        ("malformed", b'{"mediaType": "a", "mediaType": "b"}'),
        ("too-large", b" " * (MAX_BYTES + 1)),
    ],
)
def test_what_is_no_bundle(code: str, content: bytes) -> None:
    assert code_of(content) == code
