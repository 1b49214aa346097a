"""Evidence about one file: what its page says, what is inside, and what attests it. `safepip.ports.Gatherer`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from safepip.formats.wheel import read_contents
from safepip.io.expectation import Expectations
from safepip.io.provenance import ServedAttestations
from safepip.model.artifact import Artifact, Indexed, Listing, Pin
from safepip.model.contents import Contents
from safepip.model.evidence import Evidence, History, Kind, Subject, Unavailable
from safepip.pipeline import Histories


class EvidenceGatherer:
    """Gathers what is asked for. Whatever goes wrong is `Unavailable`, with the reason: a value, never silence.

    contradicted: told of a listing whose metadata turned out not to be the wheel's own
    """

    def __init__(
        self,
        histories: Histories,
        attestations: ServedAttestations,
        expectations: Expectations,
        contradicted: Callable[[Listing], None],
    ) -> None:
        self._histories = histories
        self._attestations = attestations
        self._expectations = expectations
        self._contradicted = contradicted

    def expect(self, pins: Collection[Pin]) -> None:
        self._attestations.expect(pins)
        self._expectations.expect(pins)

    def gather(self, subject: Subject, pin: Pin, kinds: Collection[Kind]) -> tuple[Evidence, ...]:
        artifact = subject.artifact
        if artifact is None:
            return tuple(Unavailable(wanted=kind, code="no-bytes", why="there are no bytes yet") for kind in kinds)
        return tuple(self._one(kind, artifact, pin) for kind in sorted(kinds, key=lambda kind: kind.value))

    def _one(self, kind: Kind, artifact: Artifact, pin: Pin) -> Evidence:
        if kind is Kind.CONTENTS:
            contents = _contents(artifact, pin)
            if isinstance(contents, Contents) and contents.metadata != contents.resolved_with and pin.listing:
                self._contradicted(pin.listing)
            return contents
        origin = artifact.origin if isinstance(artifact.origin, Indexed) else None
        listing = origin.listing if origin is not None else None
        if kind is Kind.ATTESTATIONS:
            offers = origin is not None and origin.page.offers.provenance
            return self._attestations.of(artifact, listing, index_offers=offers)
        if kind is Kind.EXPECTATION:
            return self._expectations.of(artifact, listing)
        return self._history(origin) if origin is not None else _of_local(kind)

    def _history(self, origin: Indexed) -> History | Unavailable:
        history = self._histories.of(origin.listing)
        if history is None:
            return Unavailable(
                wanted=Kind.HISTORY, code="no-page", why=f"no page of {origin.page.index} lists the file"
            )
        return history


def _contents(artifact: Artifact, pin: Pin) -> Contents | Unavailable:
    resolved_with = pin.metadata.raw if pin.metadata is not None else None
    try:
        with Path(artifact.path).open("rb") as handle:
            return read_contents(handle, resolved_with)
    except OSError as error:
        return Unavailable(wanted=Kind.CONTENTS, code="unreadable", why=f"it cannot be read: {error.strerror}")


def _of_local(kind: Kind) -> Evidence:
    """A file that a person named: no index says anything about it."""
    return Unavailable(wanted=kind, code="not-from-index", why="a person named the file; no index lists it")
