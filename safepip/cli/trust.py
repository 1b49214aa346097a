"""Which trusted root may speak for which index."""

from __future__ import annotations

import importlib.resources
import threading
from pathlib import Path

from safepip.errors import BadInput
from safepip.io.attestation import AttestationVerifier
from safepip.model.ident import Url
from safepip.model.policy import Policy, TrustRootGrant


class Verifiers:
    """The public Sigstore's root that safepip ships, `--sp-trusted-root` in its place, and the policy's own roots.

    A root of the policy speaks for the indexes that it names and for no other: a private Sigstore must not be able to
    vouch for public projects.
    """

    def __init__(self, trusted_root: str | None, policy: Policy) -> None:
        self._named = trusted_root
        self._policy = policy
        self._made: dict[Path | None, AttestationVerifier] = {}
        self._lock = threading.Lock()

    def check(self) -> None:
        """Read every root that this run names. Raises BadInput, before anything is fetched, for one that is none."""
        named = [Path(self._named)] if self._named is not None else []
        for path in (*named, *(_beside(root) for root in self._policy.trust_roots)):
            self._verifier(path)

    def speaking_for(self, index: Url) -> AttestationVerifier:
        """Raises BadInput where the root cannot be read or is not one."""
        return self._verifier(self._root_of(index))

    def _verifier(self, path: Path | None) -> AttestationVerifier:
        """Each root is read once, so what is verified with is what was looked at."""
        with self._lock:
            if path not in self._made:
                self._made[path] = AttestationVerifier(_read(path))
            return self._made[path]

    def _root_of(self, index: Url) -> Path | None:
        grant = self._policy.index_named(index)
        for root in self._policy.trust_roots:
            if grant is not None and grant.name in root.indexes:
                return _beside(root)
        return Path(self._named) if self._named is not None else None


def _beside(root: TrustRootGrant) -> Path:
    """A root's file lies beside the policy that names it."""
    return Path(root.place.rpartition(":")[0]).parent / root.file


def _read(path: Path | None) -> bytes:
    if path is None:
        return (importlib.resources.files("safepip.data") / "trusted_root.json").read_bytes()
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(
            "trust-root-unreadable",
            f"the trusted root {str(path)!r} cannot be read: {error.strerror or error}",
            hint="check --sp-trusted-root, or [trust-roots] of the policy",
        ) from None
