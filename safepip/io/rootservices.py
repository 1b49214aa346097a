"""The logs and authorities of a trusted root, read for people (`safepip trust show`)."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from safepip.formats.trustedroot import Part, Service
from safepip.io.trust import read_window, unusable

# `keyDetails` -> words (sigstore/protobuf-specs, `PublicKeyDetails`); what is not here is shown as it stands.
_KEYS = {
    "PKIX_ECDSA_P256_SHA_256": "ECDSA P-256",
    "PKIX_ECDSA_P384_SHA_384": "ECDSA P-384",
    "PKIX_ECDSA_P521_SHA_512": "ECDSA P-521",
    "PKIX_ED25519": "Ed25519",
    "PKCS1_RSA_PKCS1V5": "RSA",
}
_LOGS = (("tlogs", Part.LOG), ("ctlogs", Part.CERTIFICATE_LOG))
_AUTHORITIES = (
    ("certificateAuthorities", Part.AUTHORITY),
    ("timestampAuthorities", Part.TIMESTAMP_AUTHORITY),
)


def services_of(raw: bytes) -> tuple[Service, ...]:
    """Of a trusted root that was read before. Raises BadInput (`trust-root-invalid`)."""
    document = json.loads(raw)
    try:
        return (*_logs(document), *_authorities(document))
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise unusable(str(error) or type(error).__name__) from None


def _logs(document: Any) -> Iterator[Service]:
    for name, part in _LOGS:
        for log in document[name]:
            window, details = read_window(log), str(log["publicKey"].get("keyDetails", "unknown"))
            yield Service(
                part=part,
                host=_host(log["baseUrl"]),
                key_id=base64.b64decode(log["logId"]["keyId"]).hex(),
                key=_KEYS.get(details, details),
                start=window.start,
                end=window.end,
            )


def _authorities(document: Any) -> Iterator[Service]:
    for name, part in _AUTHORITIES:
        for authority in document.get(name, []):
            window = read_window(authority)
            issuing = base64.b64decode(authority["certChain"]["certificates"][0]["rawBytes"])
            yield Service(
                part=part,
                host=_host(authority.get("uri", "")),
                key_id=hashlib.sha256(issuing).hexdigest(),
                key=_key_of(issuing),
                start=window.start,
                end=window.end,
            )


def _key_of(certificate: bytes) -> str:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.x509 import load_der_x509_certificate

    key = load_der_x509_certificate(certificate).public_key()
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"ECDSA {key.curve.name.replace('secp256r1', 'P-256').replace('secp384r1', 'P-384')}"
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}"
    return "Ed25519" if isinstance(key, ed25519.Ed25519PublicKey) else type(key).__name__


def _host(address: Any) -> str:
    """Nothing is verified by it, and sigstore asks for none: so where it is missing or broken, the root is as good."""
    try:
        return urlsplit(str(address)).netloc
    except ValueError:
        return str(address)
