"""The attestations of one file, fetched from where they are served and verified (PEP 740; sidecar files)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial

from safepip.errors import CouldNotCheck, SafepipError
from safepip.formats.attestation import Attestation
from safepip.formats.fields import MAX_BYTES, BadAttestation
from safepip.formats.provenance import Bundle, parse_provenance, require_claim
from safepip.formats.publisher import printable
from safepip.formats.statement import About
from safepip.io.digests import Digests
from safepip.io.http import Http
from safepip.io.memo import Memo, Workers
from safepip.io.sidecars import Sidecars
from safepip.io.verifier import Verifier
from safepip.model.artifact import Artifact, Listing, Pin
from safepip.model.evidence import Attestations, Kind, RejectedAttestation, Unavailable, VerifiedAttestation
from safepip.model.ident import ProjectName, Url
from safepip.model.policy import Policy

PROVENANCE = "application/vnd.pypi.integrity.v1+json, application/json;q=0.5"
Outcome = tuple[tuple[VerifiedAttestation, ...], tuple[RejectedAttestation, ...], tuple[str, ...]]
# The verifier whose trusted roots may speak for files of that index and project; None: a file of this machine.
VerifierFor = Callable[[Url | None, ProjectName], Verifier]
FETCHES = 8
_NOTHING = Attestations(advertised=False, index_offers=False, verified=(), rejected=(), claimed_publishers=())


class ServedAttestations:
    """What attests a file, wherever it is served. Safe to use from any thread.

    Documents are asked for in every run, whatever was verified before: one that is gone or exchanged must be noticed.
    """

    def __init__(self, http: Http, verifier_for: VerifierFor, policy: Policy) -> None:
        """`policy` says which indexes are asked for sidecars."""
        self._http = http
        self._verifier_for = verifier_for
        self._sidecars = Sidecars(http, partial(_asked_for_sidecars, policy))
        self._documents: Memo[Url, bytes] = Memo()
        self._fetching = Workers(FETCHES)
        self._preparing = Workers(1)  # the import of sigstore holds up everything that waits for it, so: one thread

    def expect(self, pins: Collection[Pin]) -> None:
        """Begin to fetch what `of` will be asked about, and to import sigstore if any of it was never verified here."""
        for pin in pins:
            if pin.listing is not None and pin.listing.provenance is not None:
                self._fetching.submit(partial(self._begin, pin.listing, pin.listing.provenance))

    def of(self, artifact: Artifact, listing: Listing | None, *, index_offers: bool) -> Attestations | Unavailable:
        """`listing` is None for a file that a person named. Raises BadInput about what the user configured."""
        verifier = self._verifier_for(listing.index if listing is not None else None, artifact.name.project)
        if listing is None or listing.provenance is None:
            found = self._sidecars.of(artifact, listing, verifier) or _NOTHING
            return replace(found, index_offers=index_offers) if isinstance(found, Attestations) else found
        try:
            document = self.served(listing.provenance)
        except SafepipError as error:
            return Unavailable(wanted=Kind.ATTESTATIONS, code="provenance-unavailable", why=error.message)
        about = About(file=artifact.name, sha256=artifact.sha256, digests=Digests(artifact))
        verified, rejected, claimed = judged(document, about, verifier)
        return Attestations(
            advertised=True, index_offers=index_offers, verified=verified, rejected=rejected, claimed_publishers=claimed
        )

    def served(self, url: Url) -> bytes:
        """The provenance document, fetched once a run. Anything but 200 is "could not be had": it was advertised."""
        return self._documents.get(url, lambda: self._fetched(url))

    def close(self) -> None:
        """Forget what has not begun. What is under way ends with the `Http`."""
        self._fetching.close()
        self._preparing.close()

    def _fetched(self, url: Url) -> bytes:
        response = self._http.get(url, accept=PROVENANCE, headers={}, limit=MAX_BYTES + 1)
        if response.status != 200:
            raise CouldNotCheck(
                "provenance-unavailable", f"the index advertises a provenance, and {url} answers {response.status}"
            )
        return response.body

    def _begin(self, listing: Listing, url: Url) -> None:
        with contextlib.suppress(Exception):  # whatever it is, `of` meets it again, and tells it
            document = self.served(url)
            self._preparing.submit(partial(self._prepare, listing, document))

    def _prepare(self, listing: Listing, document: bytes) -> None:
        """The file is still on its way: what the index claims that it is tells whether it was verified before."""
        if listing.sha256 is None:
            return
        with contextlib.suppress(Exception):  # as above
            bundles = parse_provenance(document).bundles
            served = [one for bundle in bundles for one in bundle.attestations if isinstance(one, Attestation)]
            verifier = self._verifier_for(listing.index, listing.name.project)
            verifier.prepare(served, About(file=listing.name, sha256=listing.sha256, digests={}))


def _asked_for_sidecars(policy: Policy, index: Url) -> bool:
    grant = policy.index_named(index)
    return grant is not None and grant.sidecars


def judged(document: bytes, about: About, verifier: Verifier) -> Outcome:
    """Judge every attestation in a provenance object (PEP 740): verified, rejected, publishers as the index says.

    Raises BadInput about the trusted root, and nothing about the document: whatever is wrong with that is a
    RejectedAttestation with a code.
    """
    try:
        provenance = parse_provenance(document)  # 1
    except BadAttestation as error:
        return (), (rejection(error, known=True),), ()
    verified, rejected = [], []
    for bundle in provenance.bundles:
        for served in bundle.attestations:
            outcome = _judge(served, bundle, about, verifier)
            if isinstance(outcome, BadAttestation):
                rejected.append(rejection(outcome, known=bundle.known))
            else:
                verified.append(outcome)
    return tuple(verified), tuple(rejected), tuple(bundle.publisher for bundle in provenance.bundles)


def _judge(
    served: Attestation | BadAttestation, bundle: Bundle, about: About, verifier: Verifier
) -> VerifiedAttestation | BadAttestation:
    if isinstance(served, BadAttestation):
        return served
    try:
        verified = verifier.attestation(served, about)
        require_claim(bundle, verified.identity)
    except BadAttestation as error:
        return error
    return verified


def rejection(error: BadAttestation, *, known: bool) -> RejectedAttestation:
    return RejectedAttestation(code=error.code, message=printable(error.message), known=known and error.known)
