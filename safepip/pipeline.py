"""The only loop: subject -> dossier -> findings -> verdict.

It unites the evidence that the active checks need and has only that gathered, so that a check that is off costs no
traffic. Before any bytes are there, `listing_filter` asks the checks that a listing alone can answer.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import datetime
from functools import cache

from packaging.version import Version

from safepip import checks
from safepip.decide import decide
from safepip.model.artifact import IndexPage, Listing, Pin, Project, ProjectStatus, Status
from safepip.model.collisions import Collisions, Writer
from safepip.model.contents import Contents, Manifest
from safepip.model.continuity import Continuity, Sibling, accepts, after
from safepip.model.evidence import Dossier, Evidence, History, Kind, Subject, Unavailable
from safepip.model.ident import FileKind, FileName, ProjectName, Url
from safepip.model.ledger import Recorded
from safepip.model.mirrors import rivals_of
from safepip.model.policy import Policy
from safepip.model.verdict import Verdict
from safepip.ports import Catalog, Environment, Gatherer, Ledger
from safepip.resolve.request import Objection

# What an index states about a file and cannot take back: these may make the resolver pass over it. A failed
# verification never does, or whoever breaks one attestation moves users to an older release.
LISTING_LEVEL = frozenset({"source-kind", "index-conflict", "release-age", "project-status", "downgrade"})


def gather(subject: Subject, pin: Pin, policy: Policy, gatherer: Gatherer) -> Dossier:
    """Everything that the active checks need to know about one artifact, but for what the whole plan decides."""
    kinds = needed(subject.project, policy) - {Kind.NEIGHBOURS}
    return Dossier(subject=subject, evidence=gatherer.gather(subject, pin, kinds))


def assess(dossier: Dossier, policy: Policy, now: datetime) -> Verdict:
    """Ask all active checks, and have the policy judge."""
    return judge(dossier, policy, _asked(dossier.subject.project, policy), now)


def beside(dossiers: Collection[Dossier], environment: Environment, *, removes: bool = True) -> tuple[Dossier, ...]:
    """The dossiers of a plan, each with what stands in its way: the others, and what is installed.

    dossiers: in the order of installation; removes: whether pip removes the version that is installed before, which
    it does but for --ignore-installed. Raises EnvironmentFault where the environment cannot be looked at.
    """
    writers = {
        dossier.subject.project: _writer(dossier.subject, contents.manifest, environment, removes=removes)
        for dossier in dossiers
        if isinstance(contents := dossier.get(Contents), Contents) and contents.manifest is not None
    }
    collisions = Collisions(tuple(writers.values()), environment.real_folders)
    occupants = environment.occupants(collisions.names, frozenset(writers))
    found = dict(zip(writers, collisions.neighbours(occupants), strict=True))
    unknown = Unavailable(wanted=Kind.NEIGHBOURS, code="unreadable", why="what it would write cannot be read")
    return tuple(
        replace(dossier, evidence=(*dossier.evidence, found.get(dossier.subject.project, unknown)))
        for dossier in dossiers
    )


def _writer(subject: Subject, manifest: Manifest, environment: Environment, *, removes: bool) -> Writer:
    target = environment.target()
    return Writer(
        project=subject.project,
        title=f"{subject.project} {subject.version}",
        manifest=manifest,
        schemes=environment.schemes(subject.project),
        python=".".join(map(str, target.python.release[:2])),
        suffix=".exe" if target.markers.get("os_name") == "nt" else "",
        replaces=removes and subject.project in environment.installed(),
    )


def needed(project: ProjectName, policy: Policy) -> frozenset[Kind]:
    """The kinds of evidence that the active checks look at for this project."""
    return frozenset[Kind]().union(*(one.NEEDS for one in _asked(project, policy)))


def _asked(project: ProjectName, policy: Policy) -> list[checks.Check]:
    return [one for one in checks.ALL if one.ID in policy.active(project)]


def judge(dossier: Dossier, policy: Policy, asked: Collection[checks.Check], now: datetime) -> Verdict:
    """Ask these checks alone, and have the policy judge what they say."""
    findings = [finding for one in asked for finding in one.check(dossier, policy, now)]
    ids = [one.ID for one in asked]
    return decide(dossier.subject, policy, findings, asked=ids, today=now.date())


class Histories:
    """What the pages say of their files. What holds for a whole page is worked out once, not once a file."""

    def __init__(self, catalog: Catalog, ledger: Ledger) -> None:
        self._catalog = catalog
        self._ledger = ledger
        self._chronicles: dict[ProjectName, Chronicle] = {}

    def of(self, listing: Listing) -> History | None:
        """Everything; None where no page lists the file."""
        chronicle = self._chronicle(listing)
        claims = chronicle.claims(listing)
        return replace(claims, siblings=chronicle.siblings(listing)) if claims is not None else None

    def claims(self, listing: Listing) -> History | None:
        """The same without siblings, which no check at listing level asks for."""
        return self._chronicle(listing).claims(listing)

    def _chronicle(self, listing: Listing) -> Chronicle:
        project = self._catalog.project(listing.name.project)
        found = self._chronicles.get(project.name)
        if found is None or found.project is not project:
            found = self._chronicles[project.name] = Chronicle(project, self._ledger)
        return found


class Chronicle:
    """What the pages of one project tell of its past."""

    def __init__(self, project: Project, ledger: Ledger) -> None:
        self.project = project
        self._ledger = ledger
        uploads = [one.first_upload for one in project.pages if one.first_upload is not None]
        self._first_upload = min(uploads, default=None)
        self._accepted: dict[tuple[Url, FileKind], Recorded | None] = {}
        self._continuities: dict[tuple[tuple[Url, ...], Recorded | None], Continuity] = {}
        self._files = [frozenset((one.name.text, one.sha256) for one in page.listings) for page in self._others()]
        self._releases: dict[Url, dict[Version, tuple[Sibling, ...]]] = {}

    def claims(self, listing: Listing) -> History | None:
        page = self.project.page_of(listing)
        if page is None:
            return None
        pages = [page, *self._twins(listing, page)]
        accepted = self._accepted_for(listing, pages)
        return History(
            index=page.index,
            offers=page.offers,
            status=_gravest(self.project),
            uploaded=listing.uploaded,
            first_upload=self._first_upload,
            rivals=tuple(str(rival) for rival in rivals_of(listing, self.project)),
            continuity=self._continuity(pages, accepted) if listing.provenance is None else None,
            attested=listing.provenance is not None,
            accepted=accepted,
        )

    def siblings(self, listing: Listing) -> tuple[Sibling, ...]:
        page = self.project.page_of(listing)
        if page is None:
            return ()
        if page.index not in self._releases:
            self._releases[page.index] = _releases(page)
        return self._releases[page.index].get(listing.name.version, ())

    def _continuity(self, pages: list[IndexPage], accepted: Recorded | None) -> Continuity | None:
        """Of every page that lists this very file: a copy in a folder must not wash off what its index shows."""
        if not any(one.offers.provenance for one in pages):
            return None
        key = (tuple(one.index for one in pages), accepted)
        if key not in self._continuities:
            files = (one for page in pages for one in page.listings)
            counted = files if accepted is None else (one for one in files if after(accepted, one))
            self._continuities[key] = Continuity.of(counted)
        return self._continuities[key]

    def _others(self) -> tuple[IndexPage, ...]:
        """The pages, where there is more than one: only then can a file have a twin."""
        return self.project.pages if len(self.project.pages) > 1 else ()

    def _twins(self, listing: Listing, page: IndexPage) -> list[IndexPage]:
        key = (listing.name.text, listing.sha256)
        if listing.sha256 is None:
            return []
        return [one for one, files in zip(self._others(), self._files, strict=True) if one is not page and key in files]

    def _accepted_for(self, listing: Listing, pages: Iterable[IndexPage]) -> Recorded | None:
        """The ledger's word that this project attests no more, where it covers this file on one of its pages."""
        found = (self._acceptance(page.index, listing.name) for page in pages)
        return next((one for one in found if one is not None and accepts(one, listing)), None)

    def _acceptance(self, index: Url, file: FileName) -> Recorded | None:
        key = (index, file.kind)
        if key not in self._accepted:
            recorded = self._ledger.recorded(index, file)
            self._accepted[key] = recorded if recorded is not None and recorded.publisher is None else None
        return self._accepted[key]


def _releases(page: IndexPage) -> dict[Version, tuple[Sibling, ...]]:
    releases: dict[Version, list[Sibling]] = {}
    for one in page.listings:
        sibling = Sibling(name=one.name, uploaded=one.uploaded, attested=one.provenance is not None)
        releases.setdefault(one.name.version, []).append(sibling)
    return {version: tuple(siblings) for version, siblings in releases.items()}


def _gravest(project: Project) -> ProjectStatus:
    gravity = (Status.ACTIVE, Status.DEPRECATED, Status.ARCHIVED, Status.QUARANTINED)
    return max((one.status for one in project.pages), key=lambda status: gravity.index(status.status))


def listing_filter(
    policy: Policy, now: datetime, catalog: Catalog, pinned: frozenset[str], ledger: Ledger
) -> Callable[[Listing, IndexPage], Objection | None]:
    """A function that says why the policy passes over a listing, or None. A partial judgement: it approves nothing.

    pinned: digests that a person wrote down; which index has such a file is then no question any more
    """
    asked = tuple(one for one in checks.ALL if one.ID in LISTING_LEVEL)
    histories = Histories(catalog, ledger)

    @cache
    def active(project: ProjectName) -> tuple[checks.Check, ...]:
        return tuple(one for one in asked if one.ID in policy.active(project))

    def objection(listing: Listing, _: IndexPage) -> Objection | None:
        name = listing.name
        subject = Subject(project=name.project, version=name.version, file=name, artifact=None, requested=False)
        history = histories.claims(listing)
        if history is not None and listing.sha256 in pinned:
            history = replace(history, rivals=())
        evidence: tuple[Evidence, ...] = (history,) if history is not None else ()
        verdict = judge(Dossier(subject=subject, evidence=evidence), policy, active(name.project), now)
        for judged in verdict.denied:
            finding = judged.finding
            return Objection(
                check=finding.check,
                code=finding.code,
                message=finding.message,
                eligible=finding.eligible,
                rule=judged.rule,
                hint=finding.hint,
            )
        return None

    return objection
