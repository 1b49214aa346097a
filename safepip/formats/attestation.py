"""A PEP 740 attestation object, read strictly, and its other form: the Sigstore bundle of version 0.3.

Step 1 of the verification. What comes out has canonical base64, canonical numbers and bounded sizes, so that no later
step meets two spellings of one thing. Nothing here is verified yet.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from safepip.formats.fields import (
    BadAttestation,
    only,
    read_base64,
    read_bytes,
    read_decimal,
    read_list,
    read_object,
    read_text,
    require_object,
)

MAX_PROOF_HASHES = 64
MAX_TIMESTAMPS = 4
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
_MAX_LOG_ENTRIES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One entry of a transparency log, with the proof that it is in there (sigstore's TransparencyLogEntry).

    integrated: unix seconds as the log states them; worth something only with `promise`, which signs them
    promise:    the signed entry timestamp
    """

    log_index: int
    log_id: bytes
    kind: str
    version: str
    integrated: int | None
    promise: bytes | None
    proof_index: int
    root_hash: bytes
    tree_size: int
    hashes: tuple[bytes, ...]
    checkpoint: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Attestation:
    """A PEP 740 attestation object. `certificate` is DER; `timestamps` are RFC 3161 responses (draft field)."""

    certificate: bytes
    entries: tuple[LogEntry, ...]
    timestamps: tuple[bytes, ...]
    statement: bytes
    signature: bytes


def read_attestation(document: Mapping[str, Any]) -> Attestation:
    """The attestation in an object whose version has been checked. Raises BadAttestation."""
    material, envelope = read_object(document, "verification_material"), read_object(document, "envelope")
    entries = read_list(material, "transparency_entries")
    if len(entries) > _MAX_LOG_ENTRIES:
        raise BadAttestation("too-large", f"it names more than {_MAX_LOG_ENTRIES} log entries")
    timestamps = _timestamps(material)
    if len(timestamps) > MAX_TIMESTAMPS:
        raise BadAttestation("too-large", f"it carries more than {MAX_TIMESTAMPS} timestamps")
    return Attestation(
        certificate=read_bytes(material, "certificate"),
        entries=tuple(_entry(require_object(one, "a log entry")) for one in entries),
        timestamps=tuple(read_base64(one, "a timestamp") for one in timestamps),
        statement=read_bytes(envelope, "statement"),
        signature=read_bytes(envelope, "signature"),
    )


def _timestamps(material: Mapping[str, Any]) -> list[Any]:
    """The draft field is a list of base64 texts, or of `{"signedTimestamp": ...}` as Sigstore bundles have it."""
    if material.get("timestamps") is None:
        return []
    served = read_list(material, "timestamps")
    return [one.get("signedTimestamp", one) if isinstance(one, dict) else one for one in served]


_ENTRY_KEYS = {
    "logIndex",
    "logId",
    "kindVersion",
    "integratedTime",
    "inclusionPromise",
    "inclusionProof",
    "canonicalizedBody",
}


def _entry(entry: Mapping[str, Any]) -> LogEntry:
    only(entry, _ENTRY_KEYS)
    kind = read_object(entry, "kindVersion")
    if entry.get("inclusionProof") is None:
        raise BadAttestation("log-inclusion", "it has no proof that the log contains it")
    proof = read_object(entry, "inclusionProof")
    only(proof, {"logIndex", "rootHash", "treeSize", "hashes", "checkpoint"})
    if proof.get("checkpoint") is None:
        raise BadAttestation("checkpoint", "its inclusion proof has no checkpoint signed by the log")
    hashes = read_list(proof, "hashes") if proof.get("hashes") is not None else []
    if len(hashes) > MAX_PROOF_HASHES:
        raise BadAttestation("too-large", f"its inclusion proof holds more than {MAX_PROOF_HASHES} hashes")
    promise = entry.get("inclusionPromise")
    return LogEntry(
        log_index=read_decimal(entry, "logIndex"),
        log_id=read_bytes(read_object(entry, "logId"), "keyId"),
        kind=read_text(kind, "kind"),
        version=read_text(kind, "version"),
        integrated=None if entry.get("integratedTime") is None else read_decimal(entry, "integratedTime"),
        promise=None if promise is None else read_bytes(read_object(entry, "inclusionPromise"), "signedEntryTimestamp"),
        proof_index=read_decimal(proof, "logIndex"),
        root_hash=_digest(proof.get("rootHash"), "'rootHash'"),
        tree_size=read_decimal(proof, "treeSize"),
        hashes=tuple(_digest(one, "a hash of its proof") for one in hashes),
        checkpoint=read_text(read_object(proof, "checkpoint"), "envelope"),
        body=read_bytes(entry, "canonicalizedBody"),
    )


def _digest(text: Any, what: str) -> bytes:
    """A node of the Merkle tree: with other lengths one preimage could be cut in two ways."""
    content = read_base64(text, what)
    if len(content) != 32:
        raise BadAttestation("malformed", f"{what} is not a sha256 digest")
    return content


def render_bundle(attestation: Attestation, *, promises: bool, timestamps: Sequence[bytes]) -> bytes:
    """The attestation as a Sigstore bundle of version 0.3, with the sources of time that are named.

    promises: whether the log's promises go in; timestamps: the RFC 3161 responses that do
    """
    material = {
        "certificate": {"rawBytes": _b64(attestation.certificate)},
        "tlogEntries": [_render_entry(one, promise=promises) for one in attestation.entries],
        "timestampVerificationData": {
            "rfc3161Timestamps": [{"signedTimestamp": _b64(one)} for one in timestamps],
        },
    }
    envelope = {
        "payload": _b64(attestation.statement),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"sig": _b64(attestation.signature)}],
    }
    bundle = {"mediaType": BUNDLE, "verificationMaterial": material, "dsseEnvelope": envelope}
    return json.dumps(bundle).encode()


def render_attestation(attestation: Attestation) -> bytes:
    """The attestation object of PEP 740: what `parse_attestation` reads."""
    material: dict[str, Any] = {
        "certificate": _b64(attestation.certificate),
        "transparency_entries": [_render_entry(one, promise=True) for one in attestation.entries],
    }
    if attestation.timestamps:
        material["timestamps"] = [_b64(one) for one in attestation.timestamps]
    envelope = {"statement": _b64(attestation.statement), "signature": _b64(attestation.signature)}
    return json.dumps({"version": 1, "verification_material": material, "envelope": envelope}).encode()


def _render_entry(entry: LogEntry, *, promise: bool) -> dict[str, Any]:
    result: dict[str, Any] = {
        "logIndex": str(entry.log_index),
        "logId": {"keyId": _b64(entry.log_id)},
        "kindVersion": {"kind": entry.kind, "version": entry.version},
        "inclusionProof": {
            "logIndex": str(entry.proof_index),
            "rootHash": _b64(entry.root_hash),
            "treeSize": str(entry.tree_size),
            "hashes": [_b64(one) for one in entry.hashes],
            "checkpoint": {"envelope": entry.checkpoint},
        },
        "canonicalizedBody": _b64(entry.body),
    }
    if promise and entry.integrated is not None:
        result["integratedTime"] = str(entry.integrated)
    if promise and entry.promise is not None:
        result["inclusionPromise"] = {"signedEntryTimestamp": _b64(entry.promise)}
    return result


def _b64(content: bytes) -> str:
    return base64.b64encode(content).decode()
