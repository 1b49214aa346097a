"""The outcome of an update through TUF, as one file: all signed metadata, and the trusted root that it vouches for.

One file, so that it is replaced as a whole: an update that is interrupted leaves the old one, and two at once cannot
mix. It is not believed because of where it lies: `verify_state` goes through every signature again, beginning with a
root that came with safepip (or that the user named), whenever the trusted root in it is to be used.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, TypeVar

from safepip.errors import BadInput, Malformed
from safepip.formats.strictjson import parse_json

if TYPE_CHECKING:
    from tuf.api.metadata import Metadata, Root, Snapshot, Targets, Timestamp

    S = TypeVar("S", Root, Timestamp, Snapshot, Targets)

FORMAT = "safepip-trust-1"
TARGET = "trusted_root.json"
_KEYS = ("format", "url", "updated", "roots", "timestamp", "snapshot", "targets", "trusted_root")


@dataclass(frozen=True, slots=True, kw_only=True)
class RootState:
    """What one TUF repository last served, in its own bytes.

    url:     the repository's address, without credentials
    updated: when it was asked; nobody signed that, see `at_most`
    roots:   its root metadata, in the order of their versions; the first is the one that the update began with
    """

    url: str
    updated: datetime
    roots: tuple[bytes, ...]
    timestamp: bytes
    snapshot: bytes
    targets: bytes
    trusted_root: bytes

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.trusted_root).hexdigest()

    def render(self) -> bytes:
        document = {
            "format": FORMAT,
            "url": self.url,
            "updated": self.updated.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "roots": [one.decode() for one in self.roots],
            "timestamp": self.timestamp.decode(),
            "snapshot": self.snapshot.decode(),
            "targets": self.targets.decode(),
            "trusted_root": self.trusted_root.decode(),
        }
        return json.dumps(document, indent=1).encode()

    def root_version(self) -> int:
        """Of the newest root metadata, not verified. Raises Malformed."""
        return version_of(self.roots[-1])

    def at_most(self) -> datetime:
        """The latest moment at which this can have been served: when it says, and not after its time-stamp ran out.

        The second is signed, so a state from long ago cannot be made to look fresh. Raises Malformed.
        """
        return min(self.updated, moment(_signed(self.timestamp).get("expires")))


def is_state(raw: bytes) -> bool:
    """Whether a file is such a state, and not a plain trusted root."""
    return FORMAT.encode() in raw[:100]


def parse_state(raw: bytes) -> RootState:
    """Raises Malformed."""
    document = parse_json(raw)
    if not isinstance(document, dict) or sorted(document) != sorted(_KEYS) or document["format"] != FORMAT:
        raise Malformed("it does not hold what an update writes")
    roots, texts = document["roots"], [document[key] for key in _KEYS if key not in {"roots", "updated"}]
    if not isinstance(roots, list) or not roots or not all(isinstance(one, str) for one in (*roots, *texts)):
        raise Malformed("it does not hold what an update writes")
    return RootState(
        url=document["url"],
        updated=moment(document["updated"]),
        roots=tuple(one.encode() for one in roots),
        timestamp=document["timestamp"].encode(),
        snapshot=document["snapshot"].encode(),
        targets=document["targets"].encode(),
        trusted_root=document["trusted_root"].encode(),
    )


def moment(text: object) -> datetime:
    """A time as TUF writes it. Raises Malformed."""
    try:
        return datetime.strptime(str(text), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        raise Malformed(f"{str(text)[:40]!r} is not a time such as 2026-01-31T12:00:00Z") from None


def version_of(metadata: bytes) -> int:
    """The version that root metadata states, not verified. Raises Malformed."""
    version = _signed(metadata).get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise Malformed("its metadata has no version")
    return version


def _signed(metadata: bytes) -> dict[str, Any]:
    document = parse_json(metadata)
    signed = document.get("signed") if isinstance(document, dict) else None
    if not isinstance(signed, dict):
        raise Malformed("it is not TUF metadata")
    return signed


def verify_state(state: RootState, bootstrap: bytes) -> None:
    """The whole chain: bootstrap, each newer root, time-stamp, snapshot, targets, and the trusted root itself.

    Not whether any of it has expired: that tells whether it may still be *served*, and the verdict on an attestation
    must not depend on the day on which it is asked. How old the root is, is another question (`trust-root-stale`).
    Raises Malformed. Imports tuf, in about 0.1 s.
    """
    from securesystemslib.exceptions import Error as SignatureError
    from tuf.api.exceptions import RepositoryError

    try:
        _verify(state, bootstrap)
    except Malformed:
        raise
    except (RepositoryError, SignatureError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Malformed(str(error)[:300] or type(error).__name__) from None


def _verify(state: RootState, bootstrap: bytes) -> None:
    from tuf.api.metadata import Snapshot, Targets, Timestamp

    root = _newest_root(state.roots, bootstrap)
    timestamp, snapshot = _read(Timestamp, state.timestamp), _read(Snapshot, state.snapshot)
    targets = _read(Targets, state.targets)
    for role, metadata in (("timestamp", timestamp), ("snapshot", snapshot), ("targets", targets)):
        root.verify_delegate(role, metadata.signed_bytes, metadata.signatures)
    pairs = ((timestamp.signed.snapshot_meta, snapshot.signed, state.snapshot),
             (snapshot.signed.meta["targets.json"], targets.signed, state.targets))  # fmt: skip
    for stated, signed, raw in pairs:
        stated.verify_length_and_hashes(raw)
        if stated.version != signed.version:
            raise Malformed(f"{signed.type} is of version {signed.version}, and version {stated.version} is announced")
    if TARGET not in targets.signed.targets:
        raise Malformed(f"its targets do not name {TARGET}")
    targets.signed.targets[TARGET].verify_length_and_hashes(state.trusted_root)


def _newest_root(roots: Sequence[bytes], bootstrap: bytes) -> Root:
    """Each root is signed by its own keys and by those of the one before it."""
    from tuf.api.metadata import Root

    first = _read(Root, bootstrap)
    root = first.signed
    root.verify_delegate(Root.type, first.signed_bytes, first.signatures)
    newest = version_of(roots[-1])
    if newest < root.version:
        raise Malformed(f"its root is of version {newest}, older than version {root.version} that it has to begin with")
    for raw in roots:
        if version_of(raw) <= first.signed.version:
            continue
        following = _read(Root, raw)
        root.verify_delegate(Root.type, following.signed_bytes, following.signatures)
        following.signed.verify_delegate(Root.type, following.signed_bytes, following.signatures)
        if following.signed.version != root.version + 1:
            raise Malformed(f"root {following.signed.version} follows root {root.version}")
        root = following.signed
    return root


def _read(kind: type[S], raw: bytes) -> Metadata[S]:
    from tuf.api.metadata import Metadata

    metadata: Metadata[S] = Metadata.from_bytes(raw)
    if not isinstance(metadata.signed, kind):
        raise Malformed(f"{metadata.signed.type} metadata stands where {kind.type} belongs")
    return metadata


def unusable_state(place: str, why: str, command: str) -> BadInput:
    return BadInput(
        "trust-state-invalid",
        f"The updated trusted root in {place} does not verify.",
        context=[("because", why)],
        hint=f"Somebody or something changed it; nothing is verified with it. To get it anew: {command}",
    )
