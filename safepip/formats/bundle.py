"""A Sigstore bundle, read strictly: versions 0.1 to 0.3, with a DSSE envelope or a signature over the artifact.

Step 1 of the verification, for bundles. The same strictness as for PEP 740 objects (safepip.formats.provenance), and
what the version of the bundle asks for. A part that nobody here would read is an objection, because somebody else
might: so unknown keys are refused, and only the hint at a key and key ids are passed over, being hints by definition.

Source: sigstore protobuf-specs, `sigstore_bundle.proto`. Nothing here is verified yet.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from safepip.formats.attestation import PAYLOAD_TYPE, Attestation, read_timestamps
from safepip.formats.fields import (
    BadAttestation,
    only,
    read_bytes,
    read_document,
    read_list,
    read_object,
    read_text,
    require_object,
)
from safepip.formats.logentry import LogEntry, read_entries, render_entry

MAX_CERTIFICATES = 10
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_VERSIONS: Mapping[str, int] = {
    "application/vnd.dev.sigstore.bundle+json;version=0.1": 1,
    "application/vnd.dev.sigstore.bundle+json;version=0.2": 2,
    "application/vnd.dev.sigstore.bundle+json;version=0.3": 3,
    BUNDLE: 3,
}
# The key, or a certificate for it, of which a bundle carries one.
_KEYS = ("certificate", "x509CertificateChain", "publicKey")
_ALGORITHMS: Mapping[str, str] = {"SHA2_256": "sha256", "SHA2_384": "sha384", "SHA2_512": "sha512"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A DSSE envelope with one signature."""

    payload_type: str
    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageDigest:
    """What the bundle says was signed: a hint, compared with what we computed. `algorithm` as hashlib calls it."""

    algorithm: str
    digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SigstoreBundle:
    """certificate is DER; None where the bundle names a public key by hint instead (a managed key).

    content: the envelope that is signed; else the artifact is, and perhaps it says with which digest
    more_certificates: what old bundles carry behind the leaf; looked at, and never trusted
    """

    media_type: str
    certificate: bytes | None
    entries: tuple[LogEntry, ...]
    timestamps: tuple[bytes, ...]
    content: Envelope | MessageDigest | None
    signature: bytes
    more_certificates: tuple[bytes, ...] = ()


def parse_bundle(content: bytes) -> SigstoreBundle:
    """Raises BadAttestation and nothing else."""
    document = read_document(content)
    only(document, {"mediaType", "verificationMaterial", "messageSignature", "dsseEnvelope"}, "the bundle")
    media_type = read_text(document, "mediaType")
    if media_type not in _VERSIONS:
        raise BadAttestation("malformed", f"it is a bundle of an unknown version, {media_type[:100]!r}")
    material = read_object(document, "verificationMaterial")
    only(material, {*_KEYS, "tlogEntries", "timestampVerificationData"}, "the verification material")
    certificates = _certificates(material, _VERSIONS[media_type])
    served = read_list(material, "tlogEntries") if material.get("tlogEntries") is not None else []
    entries = read_entries(served)
    # Without it, version 0.1 has no proof of time and no proof of being logged that everybody would look at.
    if _VERSIONS[media_type] == 1 and any(one.promise is None for one in entries):
        raise BadAttestation("set", "it is a bundle of version 0.1, and has no promise of the log")
    body, signature = _content(document)
    return SigstoreBundle(
        media_type=media_type,
        certificate=certificates[0] if certificates else None,
        entries=entries,
        timestamps=_timestamps(material),
        content=body,
        signature=signature,
        more_certificates=certificates[1:],
    )


def bundle_of(attestation: Attestation) -> SigstoreBundle:
    """A PEP 740 attestation in its other form, the bundle of version 0.3."""
    return SigstoreBundle(
        media_type=BUNDLE,
        certificate=attestation.certificate,
        entries=attestation.entries,
        timestamps=attestation.timestamps,
        content=Envelope(payload_type=PAYLOAD_TYPE, payload=attestation.statement),
        signature=attestation.signature,
    )


def pae(envelope: Envelope) -> bytes:
    """DSSE's pre-authentication encoding: what is signed. Source: DSSE, protocol.md."""
    kind = envelope.payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(envelope.payload), envelope.payload)


def _one_of(value: Mapping[str, Any], keys: Sequence[str], what: str) -> str:
    present = [key for key in keys if value.get(key) is not None]
    if len(present) != 1:
        raise BadAttestation("malformed", f"{what} must have exactly one of {', '.join(keys)}")
    return present[0]


def _certificates(material: Mapping[str, Any], version: int) -> tuple[bytes, ...]:
    """Leaf first; empty for a managed key. A chain belongs to the versions before 0.3, a single one to 0.3."""
    form = _one_of(material, _KEYS, "the verification material")
    holder = read_object(material, form)
    if form == "publicKey":
        only(holder, {"hint"}, "the public key")
        return ()
    if (form == "certificate") != (version == 3):
        raise BadAttestation("malformed", f"a bundle of version 0.{version} has no {form!r}")
    if form == "certificate":
        return (_certificate(holder),)
    only(holder, {"certificates"}, "the certificate chain")
    chain = read_list(holder, "certificates")
    if not chain:
        raise BadAttestation("malformed", "its certificate chain is empty")
    if len(chain) > MAX_CERTIFICATES:
        raise BadAttestation("too-large", f"it carries more than {MAX_CERTIFICATES} certificates")
    return tuple(_certificate(require_object(one, "a certificate")) for one in chain)


def _certificate(holder: Mapping[str, Any]) -> bytes:
    only(holder, {"rawBytes"}, "a certificate")
    return read_bytes(holder, "rawBytes")


def _timestamps(material: Mapping[str, Any]) -> tuple[bytes, ...]:
    if material.get("timestampVerificationData") is None:
        return ()
    data = read_object(material, "timestampVerificationData")
    only(data, {"rfc3161Timestamps"}, "the timestamps")
    served = read_list(data, "rfc3161Timestamps") if data.get("rfc3161Timestamps") is not None else []
    each = [require_object(one, "a timestamp") for one in served]
    for one in each:
        only(one, {"signedTimestamp"}, "a timestamp")
    return read_timestamps([one.get("signedTimestamp") for one in each])


def _content(document: Mapping[str, Any]) -> tuple[Envelope | MessageDigest | None, bytes]:
    form = _one_of(document, ("messageSignature", "dsseEnvelope"), "it")
    holder = read_object(document, form)
    if form == "messageSignature":
        only(holder, {"messageDigest", "signature"}, "the signature")
        return _message_digest(holder), read_bytes(holder, "signature")
    only(holder, {"payload", "payloadType", "signatures"}, "the envelope")
    signatures = read_list(holder, "signatures")
    if len(signatures) != 1:
        raise BadAttestation("malformed", f"its envelope has {len(signatures)} signatures and not one")
    signature = require_object(signatures[0], "its signature")
    only(signature, {"sig", "keyid"}, "the signature")
    envelope = Envelope(payload_type=read_text(holder, "payloadType"), payload=read_bytes(holder, "payload"))
    return envelope, read_bytes(signature, "sig")


def _message_digest(holder: Mapping[str, Any]) -> MessageDigest | None:
    if holder.get("messageDigest") is None:
        return None
    stated = read_object(holder, "messageDigest")
    only(stated, {"algorithm", "digest"}, "the message digest")
    algorithm = _ALGORITHMS.get(read_text(stated, "algorithm"))
    if algorithm is None:
        raise BadAttestation(
            "malformed", f"its message digest is of an unknown kind, {str(stated['algorithm'])[:60]!r}"
        )
    return MessageDigest(algorithm=algorithm, digest=read_bytes(stated, "digest"))


def render_bundle(bundle: SigstoreBundle, *, promises: bool, timestamps: Sequence[bytes]) -> bytes:
    """The bundle in version 0.3, whatever it came in, with its leaf certificate and the named sources of time alone.

    promises: whether the log's promises go in; timestamps: the RFC 3161 responses that do
    """
    if bundle.certificate is None:
        raise BadAttestation("untrusted-certificate", "it carries no certificate, and says nobody's name")
    material = {
        "certificate": {"rawBytes": _b64(bundle.certificate)},
        "tlogEntries": [render_entry(one, promise=promises) for one in bundle.entries],
        "timestampVerificationData": {
            "rfc3161Timestamps": [{"signedTimestamp": _b64(one)} for one in timestamps],
        },
    }
    document = {"mediaType": BUNDLE, "verificationMaterial": material, **_render_content(bundle)}
    return json.dumps(document).encode()


def _render_content(bundle: SigstoreBundle) -> dict[str, Any]:
    content, signature = bundle.content, _b64(bundle.signature)
    if isinstance(content, Envelope):
        envelope = {
            "payload": _b64(content.payload),
            "payloadType": content.payload_type,
            "signatures": [{"sig": signature}],
        }
        return {"dsseEnvelope": envelope}
    # What it says of the digest was compared with ours before; sigstore gets ours.
    return {"messageSignature": {"signature": signature}}


def _b64(content: bytes) -> str:
    return base64.b64encode(content).decode()
