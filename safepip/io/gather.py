"""Evidence about one file: what its page says, what is inside, and what attests it. `safepip.ports.Gatherer`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

from safepip.errors import CouldNotCheck, Malformed, SafepipError
from safepip.formats.provenance import MAX_BYTES
from safepip.formats.wheel import read_contents
from safepip.io.attestation import AttestationVerifier
from safepip.io.digests import digests_of
from safepip.io.http import Http
from safepip.model.artifact import HASH_ALGORITHMS, Artifact, Indexed, Listing, Pin
from safepip.model.evidence import Attestations, Contents, Evidence, History, Kind, Subject, Unavailable
from safepip.model.ident import Url
from safepip.pipeline import history_of
from safepip.ports import Catalog

PROVENANCE = "application/vnd.pypi.integrity.v1+json, application/json;q=0.5"
VerifierFor = Callable[[Url], AttestationVerifier]


class EvidenceGatherer:
    """Gathers what is asked for. Whatever goes wrong is `Unavailable`, with the reason: a value, never silence.

    verifier_for: the verifier whose trusted root may speak for files of that index
    contradicted: told of a listing whose metadata turned out not to be the wheel's own
    """

    def __init__(
        self, catalog: Catalog, http: Http, verifier_for: VerifierFor, contradicted: Callable[[Listing], None]
    ) -> None:
        self._catalog = catalog
        self._http = http
        self._verifier_for = verifier_for
        self._contradicted = contradicted

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
        if not isinstance(artifact.origin, Indexed):
            return _of_local(kind)
        return self._history(artifact.origin) if kind is Kind.HISTORY else self._attestations(artifact, artifact.origin)

    def _history(self, origin: Indexed) -> History | Unavailable:
        history = history_of(origin.listing, self._catalog.project(origin.listing.name.project))
        if history is None:
            return Unavailable(
                wanted=Kind.HISTORY, code="no-page", why=f"no page of {origin.page.index} lists the file"
            )
        return history

    def _attestations(self, artifact: Artifact, origin: Indexed) -> Attestations | Unavailable:
        listing, offers = origin.listing, origin.page.offers.provenance
        if listing.provenance is None:
            return Attestations(advertised=False, index_offers=offers, verified=(), rejected=(), claimed_publishers=())
        try:
            document = self._served(listing.provenance)
        except SafepipError as error:
            return Unavailable(wanted=Kind.ATTESTATIONS, code="provenance-unavailable", why=error.message)
        verifier = self._verifier_for(listing.index)
        verified, rejected, claimed = verifier.verify(document, artifact.name, artifact.sha256, Digests(artifact))
        return Attestations(
            advertised=True, index_offers=offers, verified=verified, rejected=rejected, claimed_publishers=claimed
        )

    def _served(self, url: Url) -> bytes:
        """The provenance document. Anything but 200 is "could not be had": it was advertised."""
        response = self._http.get(url, accept=PROVENANCE, headers={}, limit=MAX_BYTES + 1)
        if response.status != 200:
            raise CouldNotCheck(
                "provenance-unavailable", f"the index advertises a provenance, and {url} answers {response.status}"
            )
        return response.body


class Digests(Mapping[str, str]):
    """All digests of a file that we can compute, each when somebody asks: a statement seldom names more than sha256."""

    def __init__(self, artifact: Artifact) -> None:
        self._path = artifact.path
        self._known = dict(artifact.digests)

    def __getitem__(self, algorithm: str) -> str:
        if algorithm not in self._known and algorithm in HASH_ALGORITHMS:
            with self._path.open("rb") as stream:
                self._known.update(digests_of(stream, {algorithm})[0])
        return self._known[algorithm]

    def __iter__(self) -> Iterator[str]:
        return iter(HASH_ALGORITHMS)

    def __len__(self) -> int:
        return len(HASH_ALGORITHMS)


def _contents(artifact: Artifact, pin: Pin) -> Contents | Unavailable:
    resolved_with = pin.metadata.raw if pin.metadata is not None else None
    try:
        with Path(artifact.path).open("rb") as handle:
            return read_contents(handle, resolved_with)
    except Malformed as error:
        return Unavailable(wanted=Kind.CONTENTS, code="malformed", why=str(error))
    except OSError as error:
        return Unavailable(wanted=Kind.CONTENTS, code="unreadable", why=f"it cannot be read: {error.strerror}")


def _of_local(kind: Kind) -> Evidence:
    """A file that a person named: no index says anything about it."""
    if kind is Kind.ATTESTATIONS:
        return Attestations(advertised=False, index_offers=False, verified=(), rejected=(), claimed_publishers=())
    return Unavailable(wanted=kind, code="not-from-index", why="a person named the file; no index lists it")
