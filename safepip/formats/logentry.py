"""One entry of a transparency log, read strictly and written again: Sigstore's TransparencyLogEntry in protobuf JSON.

Part of step 1 of the verification; PEP 740 attestations and Sigstore bundles carry the same object.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
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
MAX_LOG_ENTRIES = 4


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


def read_entries(served: list[Any]) -> tuple[LogEntry, ...]:
    """Raises BadAttestation."""
    if len(served) > MAX_LOG_ENTRIES:
        raise BadAttestation("too-large", f"it names more than {MAX_LOG_ENTRIES} log entries")
    return tuple(_entry(require_object(one, "a log entry")) for one in served)


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
    # Bundles of version 0.1 may carry the log's promise alone. It says that the log will contain the entry, and nobody
    # ever showed that it does; sigstore refuses them too.
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


def render_entry(entry: LogEntry, *, promise: bool) -> dict[str, Any]:
    """What `read_entries` reads; without promise, and so without its time, where that is not wanted."""
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
