"""A whole Sigstore in memory, whose attestations the unmodified sigstore verifier accepts.

Every step of `attest` can be replaced on its own, so that a test breaks exactly one thing.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import rfc8785
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding

from safepip.formats.statement import PUBLISH
from tests.sigstore.authority import Authority, Leaf, der, key_id
from tests.sigstore.identities import Claims
from tests.sigstore.log import RekorLog, RekorLogV2, b64, dsse_body, hashedrekord_body
from tests.sigstore.timestamp import TimestampAuthority

PAYLOAD_TYPE = "application/vnd.in-toto+json"
Edit = Callable[[dict[str, Any]], object]


def untouched(_: dict[str, Any]) -> None:
    """The edit that changes nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """The overrides of `attest`. None stands for "as it should be".

    statement:    the signed bytes, instead of the ones made of the three fields below
    signing_key:  signs instead of the key in the certificate; signature: stands instead of any
    leaf_key:     the public key that is certified
    at:           when it is signed; integrated: unix seconds that the log states
    leaf:         the whole request for the certificate, edited
    authority, log: another issuer, another log
    rekor:        1 or 2, the version of the log
    stamps:       the times that the time-stamp authority states; with version 2 one, else none
    body, entry, attestation: edit the log body before it is logged, the entry, the finished object, in place
    """

    statement: bytes | None = None
    statement_type: str = "https://in-toto.io/Statement/v1"
    subjects: list[Any] | None = None
    predicate_type: str = PUBLISH
    predicate: Any = None
    payload_type: str = PAYLOAD_TYPE
    signing_key: ec.EllipticCurvePrivateKey | None = None
    signature: bytes | None = None
    leaf_key: CertificatePublicKeyTypes | None = None
    at: datetime | None = None
    integrated: int | None = None
    leaf: Callable[[Leaf], Leaf] = lambda leaf: leaf
    authority: Authority | None = None
    log: RekorLog | None = None
    rekor: int = 1
    kind: tuple[str, str] | None = None
    stamps: tuple[datetime, ...] | None = None
    tsa: TimestampAuthority | None = None
    body: Edit = untouched
    entry: Edit = untouched
    attestation: Edit = untouched

    def payload(self, file_name: str, sha256: str) -> bytes:
        if self.statement is not None:
            return self.statement
        subjects = [{"name": file_name, "digest": {"sha256": sha256}}] if self.subjects is None else self.subjects
        return json.dumps(
            {
                "_type": self.statement_type,
                "subject": subjects,
                "predicateType": self.predicate_type,
                "predicate": self.predicate,
            }
        ).encode()


def pae(payload_type: str, payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding: what is signed."""
    return b"DSSEv1 %d %s %d %s" % (len(payload_type), payload_type.encode(), len(payload), payload)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalSigstore:
    """`now` is the time of every signature; everything else has been in service for a year by then."""

    now: datetime
    authority: Authority
    ct_key: ec.EllipticCurvePrivateKey
    log: RekorLog
    log_v2: RekorLogV2
    tsa: TimestampAuthority

    @classmethod
    def create(cls, now: datetime) -> LocalSigstore:
        start = now - timedelta(days=365)
        return cls(
            now=now,
            authority=Authority.create(start),
            ct_key=ec.generate_private_key(ec.SECP256R1()),
            log=RekorLog(),
            log_v2=RekorLogV2(),
            tsa=TimestampAuthority.create(start),
        )

    def trusted_root(self) -> dict[str, Any]:
        """The trusted root as a document, to be edited by tests."""
        valid = {"start": _stamp(self.now - timedelta(days=365))}
        authority, ct = self.authority, self.ct_key.public_key()
        return {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [
                _instance(f"https://{self.log.host}", self.log.key.public_key(), self.log.log_id, valid),
                _instance(
                    f"https://{self.log_v2.host}", self.log_v2.signing_key.public_key(), self.log_v2.log_id, valid
                ),
            ],
            "certificateAuthorities": [_authority((authority.intermediate, authority.root), valid)],
            "ctlogs": [_instance("https://ct.test", ct, key_id(ct), valid)],
            "timestampAuthorities": [_authority(self.tsa.chain, valid)],
        }

    def trusted_root_json(self) -> bytes:
        return json.dumps(self.trusted_root()).encode()

    def attest(self, file_name: str, sha256: str, identity: Claims, **overrides: Any) -> dict[str, Any]:
        """One PEP 740 attestation object; `overrides` are the fields of `Steps`."""
        steps = replace(Steps(), **overrides)
        at = steps.at or self.now
        key = ec.generate_private_key(ec.SECP256R1())
        payload = steps.payload(file_name, sha256)
        signer = steps.signing_key or key
        signature = steps.signature or signer.sign(pae(steps.payload_type, payload), ec.ECDSA(hashes.SHA256()))
        leaf = steps.leaf(Leaf.of(identity, steps.leaf_key or key.public_key(), at, self.ct_key))
        certificate = (steps.authority or self.authority).issue(leaf)
        material: dict[str, Any] = {
            "certificate": b64(certificate.public_bytes(Encoding.DER)),
            "transparency_entries": [self._log(steps, payload, signature, certificate, at)],
        }
        stamps = ((at,) if steps.rekor == 2 else ()) if steps.stamps is None else steps.stamps
        if stamps:
            material["timestamps"] = [b64((steps.tsa or self.tsa).stamp(signature, one)) for one in stamps]
        attestation = {
            "version": 1,
            "verification_material": material,
            "envelope": {"statement": b64(payload), "signature": b64(signature)},
        }
        steps.attestation(attestation)
        return attestation

    def _log(
        self, steps: Steps, payload: bytes, signature: bytes, certificate: x509.Certificate, at: datetime
    ) -> dict[str, Any]:
        if steps.rekor == 2:
            signed = pae(steps.payload_type, payload)
            body = hashedrekord_body(signed, signature, certificate.public_bytes(Encoding.DER))
        else:
            body = dsse_body(payload, signature, certificate.public_bytes(Encoding.PEM))
        kind = steps.kind or (body["kind"], body["apiVersion"])
        steps.body(body)
        integrated = int(at.timestamp()) if steps.integrated is None else steps.integrated
        log = steps.log or (self.log_v2 if steps.rekor == 2 else self.log)
        entry = log.add(rfc8785.dumps(body), kind[0], kind[1], integrated)
        steps.entry(entry)
        return entry

    @staticmethod
    def provenance(attestations: list[dict[str, Any]], publisher: dict[str, Any]) -> bytes:
        """A PEP 740 provenance object with one bundle."""
        bundles = [{"publisher": publisher, "attestations": attestations}]
        return json.dumps({"version": 1, "attestation_bundles": bundles}).encode()


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _instance(url: str, key: CertificatePublicKeyTypes, log_id: bytes, valid: dict[str, str]) -> dict[str, Any]:
    details = "PKIX_ECDSA_P256_SHA_256" if isinstance(key, ec.EllipticCurvePublicKey) else "PKIX_ED25519"
    return {
        "baseUrl": url,
        "hashAlgorithm": "SHA2_256",
        "publicKey": {"rawBytes": b64(der(key)), "keyDetails": details, "validFor": valid},
        "logId": {"keyId": b64(log_id)},
    }


def _authority(chain: tuple[x509.Certificate, ...], valid: dict[str, str]) -> dict[str, Any]:
    """The chain is leaf to root."""
    return {
        "subject": {"organization": "sigstore.test", "commonName": "sigstore.test root"},
        "uri": "https://authority.test",
        "certChain": {"certificates": [{"rawBytes": b64(one.public_bytes(Encoding.DER))} for one in chain]},
        "validFor": valid,
    }
