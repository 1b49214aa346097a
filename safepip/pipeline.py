"""The only loop: subject -> dossier -> findings -> verdict.

It unites the evidence that the active checks need and has only that gathered, so that a check that is off costs no
traffic. Before any bytes are there, `listing_filter` asks the checks that a listing alone can answer.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime

from safepip import checks
from safepip.decide import decide
from safepip.model.artifact import IndexPage, Listing, Pin, Project, Status
from safepip.model.evidence import Dossier, Evidence, History, Kind, Subject
from safepip.model.mirrors import rivals_of
from safepip.model.policy import Policy
from safepip.model.verdict import Verdict
from safepip.ports import Catalog, Gatherer
from safepip.resolve.request import Objection

# What an index states about a file and cannot take back: these may make the resolver pass over it. A failed
# verification never does, or whoever breaks one attestation moves users to an older release.
LISTING_LEVEL = frozenset({"source-kind", "index-conflict", "release-age", "project-status"})


_GRAVITY = (Status.ACTIVE, Status.DEPRECATED, Status.ARCHIVED, Status.QUARANTINED)


def assess(subject: Subject, pin: Pin, policy: Policy, gatherer: Gatherer, now: datetime) -> tuple[Verdict, Dossier]:
    """Gather what the active checks need about one artifact, ask them all, and have the policy judge."""
    asked = [one for one in checks.ALL if one.ID in policy.active(subject.project)]
    needed = frozenset[Kind]().union(*(one.NEEDS for one in asked))
    dossier = Dossier(subject=subject, evidence=gatherer.gather(subject, pin, needed))
    return judge(dossier, policy, asked, now), dossier


def judge(dossier: Dossier, policy: Policy, asked: Collection[checks.Check], now: datetime) -> Verdict:
    findings = [finding for one in asked for finding in one.check(dossier, policy, now)]
    ids = [one.ID for one in asked]
    return decide(dossier.subject, policy, findings, asked=ids, today=now.date())


def history_of(listing: Listing, project: Project) -> History | None:
    """What the listing's page says about the file's age and the project's standing; None where no page has it."""
    page = project.page_of(listing)
    if page is None:
        return None
    uploads = [one.first_upload for one in project.pages if one.first_upload is not None]
    return History(
        index=page.index,
        offers=page.offers,
        status=max((one.status for one in project.pages), key=lambda status: _GRAVITY.index(status.status)),
        uploaded=listing.uploaded,
        first_upload=min(uploads, default=None),
        rivals=tuple(str(rival) for rival in rivals_of(listing, project)),
    )


def listing_filter(
    policy: Policy, now: datetime, catalog: Catalog, pinned: frozenset[str]
) -> Callable[[Listing, IndexPage], Objection | None]:
    """A function that says why the policy passes over a listing, or None. A partial judgement: it approves nothing.

    pinned: digests that a person wrote down; which index has such a file is then no question any more
    """
    asked = tuple(one for one in checks.ALL if one.ID in LISTING_LEVEL)

    def objection(listing: Listing, _: IndexPage) -> Objection | None:
        name = listing.name
        subject = Subject(project=name.project, version=name.version, file=name, artifact=None, requested=False)
        history = history_of(listing, catalog.project(name.project))
        if history is not None and listing.sha256 in pinned:
            history = replace(history, rivals=())
        evidence: tuple[Evidence, ...] = (history,) if history is not None else ()
        active = [one for one in asked if one.ID in policy.active(name.project)]
        verdict = judge(Dossier(subject=subject, evidence=evidence), policy, active, now)
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
