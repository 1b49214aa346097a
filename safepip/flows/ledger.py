"""`safepip trust accept|forget`: a person changes what is remembered of a project's publishers.

Nothing is asked: each change is done under the ledger's lock and told with what it replaces.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime, timezone

from packaging.version import Version

from safepip.errors import BadInput, CouldNotCheck, Refused, SafepipError
from safepip.formats.ledger import publisher_of
from safepip.formats.publisher import describe, printable
from safepip.io.ledger import LedgerFile, Records, same_publisher
from safepip.model.artifact import IndexPage, Listing
from safepip.model.evidence import Attestations, Unavailable
from safepip.model.ident import FileKind, ProjectName, Url
from safepip.model.ledger import Change, Key, Recorded, Sighting, index_name
from safepip.ports import Catalog, Workers

_LATEST = datetime.max.replace(tzinfo=timezone.utc)


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What is to be accepted. `index`: None means the only one that has it."""

    project: ProjectName
    version: Version
    index: Url | None

    def __str__(self) -> str:
        return f"{self.project}=={self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where a release is looked up. `attestations` judges those of one listed file, by the digest that is listed."""

    catalog: Catalog
    workers: Workers
    attestations: Callable[[Listing], Attestations | Unavailable]


def accept(release: Release, sources: Sources, ledger: LedgerFile, now: datetime) -> tuple[Change, ...]:
    """Make the publisher of that release the one that is remembered, for each kind of file that it has.

    A kind without any attestation is recorded as one that attests no more. Raises Refused, CouldNotCheck or BadInput
    where nobody can say who published it, and then nothing is changed.
    """
    page = _page(release, sources.catalog)
    listings = [one for one in page.listings if one.name.version == release.version]
    if not page.offers.provenance:
        raise CouldNotCheck(
            "no-provenance-offered",
            f"{page.index} offers no provenance, so it cannot tell who published {release}",
            hint="name an index that does with --index, or pin the publisher: safepip trust pin NAME SPEC",
        )
    by_kind = {kind: [one for one in listings if one.name.kind is kind] for kind in FileKind}
    new = [_record(files, sources, ledger, now) for files in by_kind.values() if files]
    return _replace({one.key: one for one in new}, ledger)


def forget(project: ProjectName, index: Url | None, ledger: LedgerFile) -> tuple[Change, ...]:
    """Remove what is remembered of a project. Raises BadInput where that is nothing."""
    gone: list[Recorded] = []

    def edit(old: Records) -> Records:
        gone.extend(one for one in old.values() if one.project == project and _of(index, one.index))
        if not gone:
            raise not_recorded(project, ledger)
        return {key: one for key, one in old.items() if one not in gone}

    ledger.change(edit)
    return tuple(Change(before=one, after=None) for one in gone)


def not_recorded(project: ProjectName, ledger: LedgerFile) -> BadInput:
    return BadInput(
        "not-recorded",
        f"nothing is remembered of {project}",
        context=[("ledger", ledger.place.shown)],
        hint="safepip trust list",
    )


def _page(release: Release, catalog: Catalog) -> IndexPage:
    """The one page that lists it."""
    pages = [one for one in catalog.project(release.project).pages if _of(release.index, one.index)]
    having = [one for one in pages if any(it.name.version == release.version for it in one.listings)]
    if not having:
        asked = [("asked", str(one.index)) for one in pages]
        raise BadInput(
            "no-such-release",
            f"no file of {release} is listed" if pages else f"nobody asked knows a project {release.project}",
            context=asked,
            hint="check the name and the version, or name the index with --index",
        )
    if len(having) > 1:
        raise BadInput(
            "several-indexes",
            f"{release} is on several indexes, and each is remembered by itself",
            context=[("index", str(one.index)) for one in having],
            hint="name one with --index",
        )
    return having[0]


def _of(index: Url | None, other: Url) -> bool:
    return index is None or index_name(index) == index_name(other)


def _record(files: Collection[Listing], sources: Sources, ledger: LedgerFile, now: datetime) -> Recorded:
    """What to remember of files of one kind and version."""
    ordered = sorted(files, key=lambda one: (one.uploaded or _LATEST, one.name.text))

    def look(listing: Listing) -> Sighting | SafepipError | None:
        try:
            return _sighting(listing, sources.attestations(listing))
        except SafepipError as error:
            return error

    seen: list[Sighting] = []
    for answer in sources.workers.each(look, ordered):
        if isinstance(answer, SafepipError):
            raise answer
        if answer is not None:
            seen.append(answer)
    if not seen:
        return _unattested(ordered[0], ledger, now)
    records = [ledger.record_of(one) for one in seen]
    first = records[0]
    if first is None:
        who = describe(seen[0].identity)
        raise Refused("publisher-not-recordable", f"who published {seen[0].file} cannot be remembered: {who}")
    different = {describe(one.identity) for one in seen}
    if any(one is None or not same_publisher(one.publisher, first.publisher) for one in records):
        raise _several(str(first.file), different)
    return first


def _sighting(listing: Listing, found: Attestations | Unavailable) -> Sighting | None:
    """None where nobody attests it."""
    if isinstance(found, Unavailable):
        raise CouldNotCheck(found.code, f"{listing.name}: {found.why}")
    for rejected in found.rejected:
        if rejected.known:
            raise Refused(
                "attestation", f"an attestation of {listing.name} does not hold: {printable(rejected.message)}"
            )
    if not found.advertised:
        return None
    if not found.verified:
        raise Refused("attestation", f"the provenance of {listing.name} holds no attestation that could be verified")
    who = publisher_of(found.verified)
    if who is None:
        raise _several(str(listing.name), {describe(one.identity) for one in found.verified})
    return Sighting(index=listing.index, file=listing.name, uploaded=listing.uploaded, identity=who, only_here=False)


def _several(file: str, who: Collection[str]) -> Refused:
    return Refused(
        "no-single-publisher",
        f"no single publisher attests {file} and the files beside it",
        context=[("attested by", one) for one in sorted(who)],
        hint="pin those who may publish it: safepip trust pin NAME SPEC SPEC",
    )


def _unattested(listing: Listing, ledger: LedgerFile, now: datetime) -> Recorded:
    return Recorded(
        index=Url(index_name(listing.index)),
        project=listing.name.project,
        kind=listing.name.kind,
        publisher=None,
        file=listing.name,
        uploaded=listing.uploaded,
        recorded_at=now,
        place=ledger.place.shown,
    )


def _replace(new: dict[Key, Recorded], ledger: LedgerFile) -> tuple[Change, ...]:
    changes: list[Change] = []

    def edit(old: Records) -> Records:
        changes.extend(Change(before=old.get(key), after=one) for key, one in new.items())
        return {**old, **{key: _kept(old.get(key), one) for key, one in new.items()}}

    ledger.change(edit)
    return tuple(changes)


def _kept(old: Recorded | None, new: Recorded) -> Recorded:
    """What says the same already keeps its day, so that accepting twice changes nothing."""
    same = old is not None and replace(old, place=new.place, recorded_at=new.recorded_at) == new
    return old if old is not None and same else new
