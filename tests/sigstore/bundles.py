"""Sigstore bundles of every version: an envelope or a signature over the file, with a certificate or a bare key."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import rfc8785
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.sigstore.authority import Authority, Leaf, der
from tests.sigstore.identities import Claims, GitHub
from tests.sigstore.local import PAYLOAD_TYPE, Edit, LocalSigstore, Steps, pae, untouched
from tests.sigstore.log import RekorLog, b64

SPELLINGS = {
    "0.1": "application/vnd.dev.sigstore.bundle+json;version=0.1",
    "0.2": "application/vnd.dev.sigstore.bundle+json;version=0.2",
    "0.3": "application/vnd.dev.sigstore.bundle.v0.3+json",
    "0.3-old": "application/vnd.dev.sigstore.bundle+json;version=0.3",
}
HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
Document = dict[str, Any]
SigningKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


def as_bundle(attestation: Document, version: str = "0.3") -> Document:
    """A PEP 740 attestation object, however broken, as a bundle that is broken in the same way."""
    served, envelope = attestation["verification_material"], attestation["envelope"]
    material: Document = {"tlogEntries": served["transparency_entries"]}
    if "certificate" in served:
        material |= _certificate(served["certificate"], version)
    if "timestamps" in served:
        stamps = [{"signedTimestamp": one} for one in served["timestamps"]]
        material["timestampVerificationData"] = {"rfc3161Timestamps": stamps}
    signed = {
        "payload": envelope["statement"],
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"sig": envelope["signature"], "keyid": ""}],
    }
    return {"mediaType": SPELLINGS[version], "verificationMaterial": material, "dsseEnvelope": signed}


def _certificate(encoded: str, version: str) -> Document:
    one = {"rawBytes": encoded}
    return {"certificate": one} if version.startswith("0.3") else {"x509CertificateChain": {"certificates": [one]}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """The overrides of `sign`. None stands for "as it should be".

    statement:   what is signed in an envelope; None signs the file itself
    algorithm:   of the digest that is signed; digest: of the file, instead of its sha256
    stated:      the digest beside the signature
    key:         a key of one's own, instead of a certificate; logged_key: the one that the log is told
    signing_key: signs instead of the key that is certified or named; signature: stands instead of any
    kind:        of a statement's log entry, `intoto` or `hashedrekord`
    rekor, stamps, at, integrated, log, leaf, authority: see `Steps`
    body, entry, bundle: edit the log body before it is logged, the entry, the finished bundle, in place
    """

    version: str = "0.3"
    statement: bytes | None = None
    payload_type: str = PAYLOAD_TYPE
    algorithm: str = "sha256"
    digest: bytes | None = None
    stated: Document | None = None
    identity: Claims = GitHub()  # noqa: RUF009 - frozen
    key: SigningKey | None = None
    logged_key: bytes | None = None
    signing_key: SigningKey | None = None
    signature: bytes | None = None
    at: datetime | None = None
    integrated: int | None = None
    rekor: int = 1
    kind: str | None = None
    stamps: tuple[datetime, ...] | None = None
    log: RekorLog | None = None
    leaf: Callable[[Leaf], Leaf] = lambda leaf: leaf
    authority: Authority | None = None
    body: Edit = untouched
    entry: Edit = untouched
    bundle: Edit = untouched


def sign(sigstore: LocalSigstore, sha256: str, **overrides: Any) -> Document:
    """A bundle about the file with that digest; `overrides` are the fields of `Signing`."""
    steps = replace(Signing(), **overrides)
    at = steps.at or sigstore.now
    key = steps.key or ec.generate_private_key(ec.SECP256R1())
    digest = steps.digest or bytes.fromhex(sha256)
    signature = steps.signature or _signature(steps, steps.signing_key or key, digest)
    named, material = _named(sigstore, steps, key, at)
    body = _body(steps, digest, signature, steps.logged_key or named)
    steps.body(body)
    integrated = int(at.timestamp()) if steps.integrated is None else steps.integrated
    log = steps.log or (sigstore.log_v2 if steps.rekor == 2 else sigstore.log)
    entry = log.add(rfc8785.dumps(body), body["kind"], body["apiVersion"], integrated)
    steps.entry(entry)
    material["tlogEntries"] = [entry]
    stamps = ((at,) if steps.rekor == 2 else ()) if steps.stamps is None else steps.stamps
    if stamps:
        responses = [{"signedTimestamp": b64(sigstore.tsa.stamp(signature, one))} for one in stamps]
        material["timestampVerificationData"] = {"rfc3161Timestamps": responses}
    bundle = {
        "mediaType": SPELLINGS[steps.version],
        "verificationMaterial": material,
        **_content(steps, digest, signature),
    }
    steps.bundle(bundle)
    return bundle


def statement(name: str, sha256: str, **changes: Any) -> bytes:
    """An in-toto statement about one file; `changes` are the fields of `Steps`."""
    return replace(Steps(), **changes).payload(name, sha256)


def _signature(steps: Signing, key: SigningKey, digest: bytes) -> bytes:
    message = b"" if steps.statement is None else pae(steps.payload_type, steps.statement)
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(message or digest)
    hashed = hashes.Hash(HASHES[steps.algorithm])
    hashed.update(message)
    signed, form = hashed.finalize() if message else digest, Prehashed(HASHES[steps.algorithm])
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(signed, padding.PKCS1v15(), form)
    return key.sign(signed, ec.ECDSA(form))


def _named(sigstore: LocalSigstore, steps: Signing, key: SigningKey, at: datetime) -> tuple[bytes, Document]:
    """What the log is told of the signer, as DER, and what the bundle is."""
    if steps.key is not None:
        public = der(key.public_key())
        return public, {"publicKey": {"hint": b64(hashlib.sha256(public).digest())}}
    leaf = steps.leaf(Leaf.of(steps.identity, key.public_key(), at, sigstore.ct_key))
    issued = (steps.authority or sigstore.authority).issue(leaf).public_bytes(Encoding.DER)
    return issued, _certificate(b64(issued), steps.version)


def _pem(steps: Signing, content: bytes) -> bytes:
    kind = b"PUBLIC KEY" if steps.key is not None else b"CERTIFICATE"
    text = b64(content).encode()
    lines = b"\n".join(text[start : start + 64] for start in range(0, len(text), 64))
    return b"-----BEGIN %s-----\n%s\n-----END %s-----\n" % (kind, lines, kind)


def _body(steps: Signing, digest: bytes, signature: bytes, named: bytes) -> Document:
    """The body of a log entry, of the kind that is asked for or usual."""
    if steps.rekor == 2:
        return _hashedrekord_v2(steps, digest, signature, named)
    verifier = b64(_pem(steps, named))
    if steps.statement is None or steps.kind == "hashedrekord":
        if steps.statement is not None:
            digest = hashlib.new(steps.algorithm, pae(steps.payload_type, steps.statement)).digest()
        hashed = {"algorithm": steps.algorithm, "value": digest.hex()}
        spec: Document = {
            "data": {"hash": hashed},
            "signature": {"content": b64(signature), "publicKey": {"content": verifier}},
        }
        return {"apiVersion": "0.0.1", "kind": "hashedrekord", "spec": spec}
    payload_hash = {"algorithm": "sha256", "value": hashlib.sha256(steps.statement).hexdigest()}
    if steps.kind == "intoto":
        signatures = [{"publicKey": verifier, "sig": b64(b64(signature).encode())}]
        content = {"envelope": {"payloadType": steps.payload_type, "signatures": signatures}, "hash": payload_hash}
        return {"apiVersion": "0.0.2", "kind": "intoto", "spec": {"content": {**content, "payloadHash": payload_hash}}}
    spec = {
        "envelopeHash": payload_hash,
        "payloadHash": payload_hash,
        "signatures": [{"signature": b64(signature), "verifier": verifier}],
    }
    return {"apiVersion": "0.0.1", "kind": "dsse", "spec": spec}


def _hashedrekord_v2(steps: Signing, digest: bytes, signature: bytes, named: bytes) -> Document:
    if steps.statement is not None:
        hashed = hashes.Hash(HASHES[steps.algorithm])
        hashed.update(pae(steps.payload_type, steps.statement))
        digest = hashed.finalize()
    form = "x509Certificate" if steps.key is None else "publicKey"
    verifier: Document = {form: {"rawBytes": b64(named)}}
    if steps.key is None or steps.algorithm == "sha256":
        verifier["keyDetails"] = "PKIX_ECDSA_P256_SHA_256"
    record = {
        "data": {"algorithm": f"SHA2_{steps.algorithm[3:]}", "digest": b64(digest)},
        "signature": {"content": b64(signature), "verifier": verifier},
    }
    return {"apiVersion": "0.0.2", "kind": "hashedrekord", "spec": {"hashedRekordV002": record}}


def _content(steps: Signing, digest: bytes, signature: bytes) -> Document:
    if steps.statement is None:
        stated = {"algorithm": f"SHA2_{steps.algorithm[3:]}", "digest": b64(digest)}
        return {"messageSignature": {"messageDigest": steps.stated or stated, "signature": b64(signature)}}
    return {
        "dsseEnvelope": {
            "payload": b64(steps.statement),
            "payloadType": steps.payload_type,
            "signatures": [{"sig": b64(signature), "keyid": ""}],
        }
    }


def pem(key: SigningKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
