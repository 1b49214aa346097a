"""Who is expected to have published a file: by a lock, by the ledger, by the project's own history on its index."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import TYPE_CHECKING

from safepip.errors import BadInput, SafepipError
from safepip.formats.statement import PUBLISH, About
from safepip.io.memo import Memo
from safepip.io.provenance import VerifierFor, judged
from safepip.model.artifact import Artifact, IndexPage, Listing, Pin
from safepip.model.continuity import after, baseline, speaks_of
from safepip.model.evidence import Expected, Kind, Previous, Unavailable
from safepip.model.ident import ProjectName, Sha256, Url
from safepip.model.ledger import Recorded
from safepip.model.mirrors import sources_of
from safepip.model.policy import Policy
from safepip.ports import Catalog, Ledger

if TYPE_CHECKING:
    from safepip.formats.pylock import LockedPublishers


class Expectations:
    """What is expected by whatever but the policy's pins. Safe to use from any thread.

    served: the provenance document at an address, fetched once a run; raises SafepipError where it cannot be had
    locked: what the lock files of this run say
    """

    def __init__(
        self,
        *,
        policy: Policy,
        ledger: Ledger,
        catalog: Catalog,
        served: Callable[[Url], bytes],
        verifier_for: VerifierFor,
        locked: Collection[LockedPublishers],
    ) -> None:
        self._policy = policy
        self._ledger = ledger
        self._catalog = catalog
        self._served = served
        self._verifier_for = verifier_for
        self._locked = locked
        self._previous: Memo[tuple[str, Sha256 | None, Url], Previous | Unavailable | None] = Memo()

    def expect(self, pins: Collection[Pin]) -> None:
        """Begin to fetch what `of` will compare with, where nothing weightier says who is expected. Never raises."""
        for pin in pins:
            if pin.listing is not None and pin.listing.provenance is not None:
                self._catalog.ahead(partial(self._begin, pin.listing))

    def of(self, artifact: Artifact, listing: Listing | None) -> Expected | Unavailable:
        """`listing` is None for a file that a person named: no index and no ledger knows anything of it.

        Raises BadInput about what the user configured.
        """
        locked = [one for one in self._locked if one.project == artifact.name.project]
        if any(frozenset(one.publishers) != frozenset(locked[0].publishers) for one in locked):
            places = " and ".join(one.place for one in locked)
            return _unavailable("locks-differ", f"{places} do not agree about who publishes {artifact.name.project}")
        recorded = self._recorded(listing) if listing is not None else ()
        decides = listing is not None and self._history_decides(listing)
        previous = self._previous_of(listing) if listing is not None and decides else None
        if isinstance(previous, Unavailable):
            return previous
        return Expected(
            locked=locked[0].publishers if locked else (),
            locked_place=locked[0].place if locked else None,
            recorded=recorded,
            previous=previous,
        )

    def _history_decides(self, listing: Listing) -> bool:
        """Whether the file is attested, and neither pin nor lock nor ledger says by whom it should be.

        A record of a later file does not: what came before it must not be better off for being remembered.
        """
        project = listing.name.project
        return not (
            listing.provenance is None
            or self._policy.rules_for(project).publishers
            or self._names(project)
            or any(one.publisher is not None for one in self._about(listing))
        )

    def _about(self, listing: Listing) -> Iterator[Recorded]:
        return (one for one in self._recorded(listing) if speaks_of(one, listing.uploaded))

    def _recorded(self, listing: Listing) -> tuple[Recorded, ...]:
        """Of every source of this very file: a copy in a folder or on a mirror must not wash off what is remembered."""
        found = (self._ledger.recorded(page.index, listing.name) for page in self._sources(listing))
        return tuple(dict.fromkeys(one for one in found if one is not None))

    def _sources(self, listing: Listing) -> tuple[IndexPage, ...]:
        return sources_of(listing, self._catalog.project(listing.name.project))

    def _names(self, project: ProjectName) -> bool:
        return any(one.project == project for one in self._locked)

    def _begin(self, listing: Listing) -> None:
        with contextlib.suppress(Exception):  # whatever it is, `of` meets it again, and tells it
            before = self._before(listing) if self._history_decides(listing) else None
            if before is not None and before.provenance is not None:
                self._served(before.provenance)

    def _before(self, listing: Listing) -> Listing | None:
        """Of every source, as in `_recorded`. What was accepted as the end of attestations ends the history too."""
        ends = [one for one in self._about(listing) if one.publisher is None]
        listings = (one for page in self._sources(listing) for one in page.listings)
        return baseline([one for one in listings if all(after(end, one) for end in ends)], listing)

    def _previous_of(self, listing: Listing) -> Previous | Unavailable | None:
        before = self._before(listing)
        if before is None or before.provenance is None:
            return None
        key = (before.name.text, before.sha256, before.provenance)
        return self._previous.get(key, partial(self._verified, before, before.provenance))

    def _verified(self, before: Listing, url: Url) -> Previous | Unavailable | None:
        """Who published that file. None where what holds of it does not say: then nothing is known of its publisher."""
        if before.sha256 is None:
            text = f"the index states no sha256 of {before.name}, so nothing can be attested of it"
            return _unavailable("previous-unavailable", text)
        try:
            document = self._served(url)
        except BadInput:
            raise
        except SafepipError as error:
            return _unavailable("previous-unavailable", f"{_who(before)} cannot be told: {error.message}")
        # The bytes are not here. What the index claims of them is what its provenance has to be about.
        about = About(file=before.name, sha256=before.sha256, digests=dict(before.claimed))
        verified, rejected, _ = judged(document, about, self._verifier_for(before.index, before.name.project))
        bad = next((one for one in rejected if one.known), None)
        if bad is not None:
            return _unavailable("previous-unavailable", f"{_who(before)} cannot be told: {bad.message} ({bad.code})")
        identities = dict.fromkeys(one.identity for one in verified if one.predicate == PUBLISH)
        return Previous(file=before.name, index=before.index, identities=tuple(identities)) if identities else None


def _who(before: Listing) -> str:
    return f"who published {before.name}, the attested release before it,"


def _unavailable(code: str, why: str) -> Unavailable:
    return Unavailable(wanted=Kind.EXPECTATION, code=code, why=why)
