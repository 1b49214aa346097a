"""Transparency logs in the shape of Rekor v1 and v2: Merkle trees (RFC 6962) with signed promises and checkpoints."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import rfc8785
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.sigstore.authority import key_id


def b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


class Tree:
    """An append-only Merkle tree. Complete subtrees never change, so their hashes are kept."""

    def __init__(self) -> None:
        self._leaves: list[bytes] = []
        self._complete: dict[tuple[int, int], bytes] = {}

    def append(self, content: bytes) -> int:
        self._leaves.append(hashlib.sha256(b"\x00" + content).digest())
        return len(self._leaves) - 1

    @property
    def size(self) -> int:
        return len(self._leaves)

    def root(self) -> bytes:
        return self._hash(0, self.size)

    def proof(self, index: int) -> list[bytes]:
        """The audit path of a leaf (RFC 6962, section 2.1.1), from the leaf upwards."""
        return self._path(index, 0, self.size)

    def _path(self, index: int, low: int, high: int) -> list[bytes]:
        if high - low == 1:
            return []
        middle = low + _split(high - low)
        if index < middle:
            return [*self._path(index, low, middle), self._hash(middle, high)]
        return [*self._path(index, middle, high), self._hash(low, middle)]

    def _hash(self, low: int, high: int) -> bytes:
        if high - low == 1:
            return self._leaves[low]
        known = self._complete.get((low, high))
        if known is not None:
            return known
        middle = low + _split(high - low)
        digest = hashlib.sha256(b"\x01" + self._hash(low, middle) + self._hash(middle, high)).digest()
        if middle - low == high - middle:
            self._complete[low, high] = digest
        return digest


def _split(size: int) -> int:
    return 1 << ((size - 1).bit_length() - 1)


class RekorLog:
    """One log: its key, its tree and its name in checkpoints."""

    def __init__(self, host: str = "rekor.test", tree_id: int = 1234567890) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.host = host
        self.origin = f"{host} - {tree_id}"
        self.tree = Tree()
        for number in range(5):
            self.tree.append(b"an earlier entry %d" % number)

    @property
    def log_id(self) -> bytes:
        return key_id(self.key.public_key())

    def sign(self, content: bytes) -> bytes:
        return self.key.sign(content, ec.ECDSA(hashes.SHA256()))

    def checkpoint(self, *, origin: str | None = None, size: int | None = None) -> str:
        """A signed note (C2SP signed-note) over origin, size and root hash."""
        note = f"{origin or self.origin}\n{size or self.tree.size}\n{b64(self.tree.root())}\n"
        signature = b64(self.log_id[:4] + self.sign(note.encode()))
        return f"{note}\n\u2014 {self.host} {signature}\n"

    def promise(self, body: bytes, integrated: int, index: int) -> bytes:
        """The signed entry timestamp, over RFC 8785 JSON."""
        return self.sign(
            rfc8785.dumps(
                {"body": b64(body), "integratedTime": integrated, "logID": self.log_id.hex(), "logIndex": index}
            )
        )

    def add(self, body: bytes, kind: str, version: str, integrated: int) -> dict[str, Any]:
        """Log a canonical body; the answer is a transparency entry in its protobuf JSON form."""
        index = self.tree.append(body)
        promise = b64(self.promise(body, integrated, index))
        return {
            **self._entry(index, body, kind, version),
            "integratedTime": str(integrated),
            "inclusionPromise": {"signedEntryTimestamp": promise},
        }

    def _entry(self, index: int, body: bytes, kind: str, version: str) -> dict[str, Any]:
        return {
            "logIndex": str(index),
            "logId": {"keyId": b64(self.log_id)},
            "kindVersion": {"kind": kind, "version": version},
            "inclusionProof": {
                "logIndex": str(index),
                "rootHash": b64(self.tree.root()),
                "treeSize": str(self.tree.size),
                "hashes": [b64(one) for one in self.tree.proof(index)],
                "checkpoint": {"envelope": self.checkpoint()},
            },
            "canonicalizedBody": b64(body),
        }


class RekorLogV2(RekorLog):
    """No promise and no time: an entry is answered when it is in the tree, and a time-stamp authority tells when."""

    def __init__(self, host: str = "log2026.rekor.test") -> None:
        self.signing_key = ed25519.Ed25519PrivateKey.generate()
        super().__init__(host)
        self.origin = host

    @property
    def log_id(self) -> bytes:
        """C2SP signed-note: over the name and the key, and not the key alone."""
        raw = self.signing_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return hashlib.sha256(self.host.encode() + b"\n\x01" + raw).digest()

    def sign(self, content: bytes) -> bytes:
        return self.signing_key.sign(content)

    def add(self, body: bytes, kind: str, version: str, integrated: int) -> dict[str, Any]:
        del integrated
        return self._entry(self.tree.append(body), body, kind, version)


def dsse_body(payload: bytes, signature: bytes, certificate_pem: bytes) -> dict[str, Any]:
    """The body of a dsse 0.0.1 entry."""
    envelope = hashlib.sha256(payload + signature).hexdigest()
    return {
        "apiVersion": "0.0.1",
        "kind": "dsse",
        "spec": {
            "envelopeHash": {"algorithm": "sha256", "value": envelope},
            "payloadHash": {"algorithm": "sha256", "value": hashlib.sha256(payload).hexdigest()},
            "signatures": [{"signature": b64(signature), "verifier": b64(certificate_pem)}],
        },
    }


def hashedrekord_body(signed: bytes, signature: bytes, certificate_der: bytes) -> dict[str, Any]:
    """The body of a hashedrekord 0.0.2 entry; `signed` is DSSE's pre-authentication encoding."""
    verifier = {
        "keyDetails": "PKIX_ECDSA_P256_SHA_256",
        "x509Certificate": {"rawBytes": b64(certificate_der)},
    }
    record = {
        "data": {"algorithm": "SHA2_256", "digest": b64(hashlib.sha256(signed).digest())},
        "signature": {"content": b64(signature), "verifier": verifier},
    }
    return {"apiVersion": "0.0.2", "kind": "hashedrekord", "spec": {"hashedRekordV002": record}}
