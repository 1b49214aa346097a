"""`safepip verify --environment`: what is installed, compared with what was written down when it was."""

from __future__ import annotations

from collections.abc import Iterable

from safepip.model.inspection import Inspection
from safepip.model.levels import Profile
from safepip.model.policy import Policy
from safepip.ports import Inspector


def inspect(environments: Iterable[str], inspector: Inspector) -> tuple[Inspection, ...]:
    """Look at each environment, in their order."""
    return tuple(map(inspector.inspect, environments))


def sound(inspections: Iterable[Inspection], policy: Policy) -> bool:
    """Whether everything is as it should be."""
    return not any(one.findings(foreign_too=foreign_counts(policy)) for one in inspections)


def foreign_counts(policy: Policy) -> bool:
    """Whether what safepip did not install is a finding by itself: where nothing is to come in unjudged."""
    return policy.profile.value >= Profile.STRICT
