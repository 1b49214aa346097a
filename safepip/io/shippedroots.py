"""The trusted roots that safepip ships, and when each was taken (`safepip/data/roots.json`)."""

from __future__ import annotations

import functools
import importlib.resources
import json
from dataclasses import dataclass
from datetime import datetime, timezone

PRODUCTION = "production"
STAGING = "staging"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippedRoot:
    """The trusted root of one public Sigstore.

    url: its TUF repository; bootstrap: the TUF root metadata that every update begins with
    taken: the day on which both were what that repository served, at midnight in UTC
    """

    name: str
    url: str
    taken: datetime
    trusted_root: bytes
    bootstrap: bytes


@functools.cache
def shipped_root(name: str) -> ShippedRoot:
    """`production` or `staging`."""
    data = importlib.resources.files("safepip.data")
    stated = json.loads((data / "roots.json").read_bytes())[name]
    return ShippedRoot(
        name=name,
        url=stated["url"],
        taken=datetime.strptime(stated["taken"], "%Y-%m-%d").replace(tzinfo=timezone.utc),
        trusted_root=(data / name / "trusted_root.json").read_bytes(),
        bootstrap=(data / name / "root.json").read_bytes(),
    )
