"""How installed files differ from what was judged and written down."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Change(enum.Enum):
    """ALTERED: other bytes, or no regular file any more. MISSING: not there. ADDED: there, and nobody's."""

    ALTERED = "altered"
    MISSING = "missing"
    ADDED = "added"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One file. `path`: absolute; what is printed is cleaned."""

    path: str
    change: Change
