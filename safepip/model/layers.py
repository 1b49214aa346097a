"""Layers -> Policy. Rules merge to the stricter by construction; here grants are held to what outer layers permit."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date

from safepip.errors import BadInput
from safepip.model.grants import LOCAL, HookGrant, IndexGrant, TrustRootGrant, Waiver
from safepip.model.levels import Placed, Profile
from safepip.model.policy import Layer, Policy


def combine(layers: Sequence[Layer], today: date) -> Policy:
    """The policy of all layers, outermost first.

    The profile is the strictest that any layer names; `observe` counts only if no layer names another, and may be named
    only where it is one's own choice: a checkout or a variable cannot ask for it (docs/adr/0001).
    Raises BadInput naming each grant, or `observe`, that is not permitted.
    """
    named = [layer.profile for layer in layers if layer.profile is not None]
    profile = max(named, key=lambda one: one.value, default=Placed(Profile.STANDARD, "by default"))
    faults = (*_forbidden_profiles(layers), *_forbidden_grants(layers, today), *_loose_roots(layers))
    if faults:
        raise BadInput(
            "policy-grant",
            "the policy permits what it may not permit",
            context=faults,
            hint="mend or remove it, or ask whoever keeps the outer policy to permit it",
        )
    text = "\n".join([profile.value.name, *(layer.digest for layer in layers)])
    return Policy(digest=hashlib.sha256(text.encode()).hexdigest(), profile=profile, layers=_numbered(layers))


def _numbered(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    return tuple(
        replace(layer, indexes=tuple(replace(grant, depth=depth) for grant in layer.indexes))
        for depth, layer in enumerate(layers)
    )


def _forbidden_profiles(layers: Sequence[Layer]) -> Iterator[tuple[str, str]]:
    for layer in layers:
        if layer.profile is not None and layer.profile.value is Profile.OBSERVE and not layer.kind.may_observe:
            yield layer.profile.place, "observe can be named by the system's or user's policy, or by --sp-policy FILE"


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


def _loose_roots(layers: Sequence[Layer]) -> Iterator[tuple[str, str]]:
    """A trusted root is tied to addresses that its own layer, or one further out, has written down.

    Otherwise an inner layer could say what the name stands for, and have the root vouch for another index.
    """
    for depth, layer in enumerate(layers):
        known = {grant.name: grant for outer in layers[: depth + 1] for grant in outer.indexes}
        for root in layer.trust_roots:
            for name in (name for name in root.indexes if name != LOCAL):
                if name in known:
                    yield from _namesakes(known[name], layers, root)
                else:
                    text = f"names the index {name!r}, which neither this policy nor one further out defines"
                    yield root.place, text


def _namesakes(index: IndexGrant, layers: Sequence[Layer], root: TrustRootGrant) -> Iterator[tuple[str, str]]:
    for other in (grant for layer in layers for grant in layer.indexes if grant.name == index.name):
        if other.url.plain != index.url.plain:
            text = f"gives another address to {index.name!r} of {index.place}, which {root.place} trusts by that name"
            yield other.place, text


def _grants(layer: Layer) -> Iterator[tuple[str, IndexGrant | TrustRootGrant | HookGrant | Waiver]]:
    for index in layer.indexes:
        yield "indexes", index
    for root in layer.trust_roots:
        yield "trust-roots", root
    for hook in layer.hooks:
        yield "startup-hooks", hook
    for waiver in layer.waivers:
        yield "waivers", waiver
