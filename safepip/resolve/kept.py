"""Whether what is installed may stay: an answer in which nothing is kept that is not what it says it is.

Under hash mode and profile strict, an installed distribution whose files were changed is not "already satisfied", and
neither is one that was installed from a file that none of the pins names. It is installed anew, at whatever version
the answer then has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from safepip.model.artifact import HashPin, Pin, Resolution
from safepip.model.ident import ProjectName
from safepip.model.inspection import Inspected, Status
from safepip.ports import Catalog, Inspector
from safepip.resolve.request import ResolveRequest, Wishes
from safepip.resolve.select import resolve


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """An answer, and what should be told of what it keeps or has installed anew."""

    resolution: Resolution
    notes: tuple[str, ...]


def pins_of(project: ProjectName, wishes: Wishes, markers: Mapping[str, str]) -> tuple[frozenset[HashPin], ...]:
    """One set of digests for each requirement or constraint on this project that carries any and applies here."""
    return tuple(
        root.pins
        for root in (*wishes.roots, *wishes.constraints)
        if root.project == project
        and root.pins
        and (root.requirement.marker is None or root.requirement.marker.evaluate(dict(markers)))
    )


def resolve_soundly(request: ResolveRequest, catalog: Catalog, inspector: Inspector) -> Settled:
    """Resolve, and again without what may not stay, until all that stays may. Raises what `resolve` does."""
    seen: dict[ProjectName, Inspected] = {}
    told: list[str] = []
    while True:
        resolution = resolve(request, catalog)
        doubted: dict[ProjectName, str] = {}
        for pin in resolution.pins:
            if pin.installed is None:
                continue
            if pin.project not in seen:
                seen[pin.project] = inspector.of(pin.installed)
            reason = _doubt(pin, seen[pin.project], request)
            if reason is not None:
                doubted[pin.project] = f"{pin.project} {pin.version} is installed anew: {reason}"
        if not doubted:
            return Settled(resolution=resolution, notes=(*told, *_unjudged(resolution, seen)))
        told += doubted.values()
        staying = {name: one for name, one in request.installed.items() if name not in doubted}
        request = replace(request, installed=staying)


def _doubt(pin: Pin, found: Inspected, request: ResolveRequest) -> str | None:
    """Why what is installed is not what it says it is; None where nothing speaks against it."""
    if found.differences:
        first = found.differences[0]
        more = len(found.differences) - 1
        return f"{first.path} is {first.change.value}" + (f", and {more} more" if more else "")
    if found.status is Status.FOREIGN:
        return None
    if found.faults or found.receipt is None:
        return next(iter(found.faults), "its receipt cannot be read")
    pins = pins_of(pin.project, request, request.target.markers)
    if any(all(one.algorithm != "sha256" for one in accepted) for accepted in pins):
        return "none of its --hash is a sha256, and its receipt has no other digest"
    if any(HashPin(algorithm="sha256", digest=found.receipt.sha256) not in accepted for accepted in pins):
        return f"it was installed from a file that no --hash names, sha256:{found.receipt.sha256}"
    return None


def _unjudged(resolution: Resolution, seen: Mapping[ProjectName, Inspected]) -> Iterator[str]:
    kept = [pin for pin in resolution.pins if pin.installed is not None]
    foreign = [f"{pin.project} {pin.version}" for pin in kept if seen[pin.project].status is Status.FOREIGN]
    if foreign:
        yield f"not installed by safepip, and kept unjudged: {', '.join(foreign)}"
