"""Layers -> Policy. Rules merge to the stricter by construction; here grants are held to what outer layers permit."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import date

from safepip.errors import BadInput
from safepip.model.policy import IndexGrant, Layer, Placed, Policy, Profile, TrustRootGrant, Waiver


def combine(layers: Sequence[Layer], today: date) -> Policy:
    """The policy of all layers, outermost first.

    The profile is the strictest that any layer names; `observe` counts only if no layer names another. Raises BadInput
    naming each grant that an outer layer does not permit.
    """
    named = [layer.profile for layer in layers if layer.profile is not None]
    profile = max(named, key=lambda one: one.value, default=Placed(Profile.STANDARD, "by default"))
    faults = tuple(_forbidden_grants(layers, today))
    if faults:
        raise BadInput(
            "policy-grant",
            "the policy grants what an outer policy does not permit",
            context=faults,
            hint="remove the grant, or ask whoever keeps the outer policy to permit that kind",
        )
    text = "\n".join([profile.value.name, *(layer.digest for layer in layers)])
    return Policy(digest=hashlib.sha256(text.encode()).hexdigest(), profile=profile, layers=tuple(layers))


def _forbidden_grants(layers: Sequence[Layer], today: date) -> Iterator[tuple[str, str]]:
    for depth, layer in enumerate(layers):
        for outer in layers[:depth]:
            permitted = outer.permitted_grants
            for kind, grant in _grants(layer):
                if permitted is not None and kind not in permitted.value:
                    yield grant.place, f"grants {kind}, which {permitted.place} does not permit"
            for waiver in layer.waivers:
                longest = outer.max_waiver_days
                if longest is not None and (waiver.until - today).days > longest.value:
                    yield waiver.place, f"waives until {waiver.until}; {longest.place} permits {longest.value} days"


def _grants(layer: Layer) -> Iterator[tuple[str, IndexGrant | TrustRootGrant | Waiver]]:
    for index in layer.indexes:
        yield "indexes", index
    for root in layer.trust_roots:
        yield "trust-roots", root
    for waiver in layer.waivers:
        yield "waivers", waiver
