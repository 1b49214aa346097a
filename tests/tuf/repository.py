"""A TUF repository made with python-tuf, whose every file a test may replace."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp

ROLES = ("root", "timestamp", "snapshot", "targets")


def in_a_day() -> datetime:
    """Expiry is judged by python-tuf against the clock of this machine."""
    return datetime.now(timezone.utc).replace(microsecond=0) + timedelta(days=1)


@dataclass
class LocalRepository:
    """files: path below the repository's address -> what is served there

    expires: by role, instead of in a day
    hashed: whether metadata announces the digests of what stands below it, which TUF leaves open
    """

    trusted_root: bytes
    target: str = "trusted_root.json"
    expires: dict[str, datetime] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    keys: dict[str, CryptoSigner] = field(
        default_factory=lambda: {role: CryptoSigner.generate_ed25519() for role in ROLES}
    )
    hashed: bool = True
    version: int = 0
    root: Root = field(init=False)
    root_version: int = 0

    def __post_init__(self) -> None:
        self.rotate(self.keys)
        self.publish(self.trusted_root)

    @property
    def bootstrap(self) -> bytes:
        """The first root metadata."""
        return self.files["1.root.json"]

    def rotate(self, keys: dict[str, CryptoSigner], *, signers: tuple[CryptoSigner, ...] | None = None) -> None:
        """A new root, signed with the root keys of before and of now, or with `signers`."""
        before, self.keys = self.keys, keys
        self.root_version += 1
        expires = self.expires.get("root", in_a_day())
        self.root = Root(version=self.root_version, expires=expires, consistent_snapshot=True)
        for role in ROLES:
            self.root.add_key(keys[role].public_key, role)
        signing = signers if signers is not None else (before["root"], keys["root"])
        self.files[f"{self.root_version}.root.json"] = _signed(self.root, *signing)

    def publish(self, trusted_root: bytes) -> None:
        """The next version of everything below the root."""
        self.version += 1
        version, keys, when = self.version, self.keys, self.expires
        self.trusted_root = trusted_root
        targets = Targets(version=version, expires=when.get("targets", in_a_day()))
        targets.targets[self.target] = TargetFile.from_data(self.target, trusted_root, ["sha256"])
        raw_targets = _signed(targets, keys["targets"])
        snapshot = Snapshot(version=version, expires=when.get("snapshot", in_a_day()))
        snapshot.meta["targets.json"] = self._announced(version, raw_targets)
        raw_snapshot = _signed(snapshot, keys["snapshot"])
        timestamp = Timestamp(version=version, expires=when.get("timestamp", in_a_day()))
        timestamp.snapshot_meta = self._announced(version, raw_snapshot)
        self.files |= {
            f"{version}.targets.json": raw_targets,
            f"{version}.snapshot.json": raw_snapshot,
            "timestamp.json": _signed(timestamp, keys["timestamp"]),
            self.target_path: trusted_root,
        }

    def _announced(self, version: int, raw: bytes) -> MetaFile:
        return MetaFile.from_data(version, raw, ["sha256"]) if self.hashed else MetaFile(version)

    @property
    def target_path(self) -> str:
        return f"targets/{hashlib.sha256(self.trusted_root).hexdigest()}.{self.target}"


def _signed(content: Root | Targets | Snapshot | Timestamp, *signers: CryptoSigner) -> bytes:
    metadata: Metadata[Any] = Metadata(content)
    for signer in {one.public_key.keyid: one for one in signers}.values():
        metadata.sign(signer, append=True)
    return metadata.to_bytes()
