"""A local Sigstore: what tests, the demo and the benchmarks sign with."""

from __future__ import annotations

from tests.sigstore.identities import Claims, GitHub, GitLab, Google
from tests.sigstore.local import LocalSigstore, Steps

__all__ = ["Claims", "GitHub", "GitLab", "Google", "LocalSigstore", "Steps"]
