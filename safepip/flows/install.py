"""`safepip install`: Roots -> Resolution -> Artifacts -> Dossiers -> Verdicts -> Plan -> pip -> Receipts -> Run.

One resolution, one download, and pip gets exactly the bytes that were judged. Everything that is wrong with a run is
gathered and told together; the environment is touched only when nothing is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from safepip.errors import NoAnswer, SafepipError
from safepip.formats.ledger import publisher_of
from safepip.model.artifact import Artifact, HashPin, Indexed, Local, Pin, Resolution
from safepip.model.contents import Contents, Manifest
from safepip.model.evidence import Attestations, Dossier, Expected, Kind, Subject
from safepip.model.ident import ProjectName, Sha256
from safepip.model.ledger import Sighting
from safepip.model.levels import AttestationRule, Profile
from safepip.model.mirrors import attesting
from safepip.model.plan import Install, Keep, Plan, Step
from safepip.model.policy import Policy
from safepip.model.run import Distribution, IndexSeen, Refusal, Run
from safepip.model.verdict import Approved, Outcome, Verdict
from safepip.pipeline import assess, beside, gather, listing_filter, needed
from safepip.ports import Catalog, Clock, Environment, Gatherer, Inspector, Installer, Ledger, Store, Watcher, Workers
from safepip.report.machine import receipt
from safepip.report.refusals import chain_of, from_no_answer, from_verdict
from safepip.resolve.kept import Settled, pins_of, resolve_soundly
from safepip.resolve.request import ResolveRequest, Wishes
from safepip.resolve.select import notes, resolve


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(Wishes):
    """What was asked for, and whether to do it."""

    dry_run: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The ports, and who made them is no concern of this flow."""

    catalog: Catalog
    store: Store
    gatherer: Gatherer
    ledger: Ledger
    environment: Environment
    inspector: Inspector
    installer: Installer
    workers: Workers
    watcher: Watcher
    clock: Clock


def install(request: Request, policy: Policy, world: World, begun: Run) -> Run:
    """Carry the run through. `begun` holds what is known already (command, start, interpreter, policy).

    Raises SafepipError where the run cannot go on at all; refusals and files that could not be had are in the Run.
    """
    now = world.clock.now()
    world.watcher.resolving(request.roots)
    try:
        settled = _settled(_resolve_request(request, policy, world, now), policy, world)
    except NoAnswer as error:
        refusals = from_no_answer(error)
        return _finish(begun, world, outcome="refused", refusals=refusals, errors=(error,))
    resolution = settled.resolution
    world.watcher.resolved(resolution)
    world.gatherer.expect([pin for pin in resolution.pins if Kind.ATTESTATIONS in needed(pin.project, policy)])
    run = replace(begun, markers=resolution.target.markers, held_back=resolution.passed_over)
    run = replace(run, notes=(*notes(resolution), *settled.notes), indexes=_indexes(resolution, world.catalog))
    cases, failures = _collect(resolution, request, policy, world)
    distributions = _judge_all(cases, resolution, request, policy, world, now)
    run = replace(run, distributions=distributions)
    refusals = _refusals(distributions, resolution)
    if refusals or failures:
        return _finish(run, world, outcome=_outcome(refusals), refusals=refusals, errors=failures)
    plan = _plan(resolution, distributions, _manifests(cases), policy, world)
    run = replace(run, plan=plan, kept=plan.keeps)
    if request.dry_run:
        return _finish(run, world, outcome="would-install")
    if plan.installs:
        world.watcher.installing(plan)
        warnings = world.installer.install(plan, _receipts(distributions, policy, world.clock))
        run = replace(run, notes=(*run.notes, *warnings, *_remember(distributions, policy, world)))
    return _finish(run, world, outcome="installed")


def _settled(asked: ResolveRequest, policy: Policy, world: World) -> Settled:
    """What is installed and would stay is looked at where that matters: hashing it takes its time."""
    if asked.hash_mode or policy.profile.value >= Profile.STRICT:
        return resolve_soundly(asked, world.catalog, world.inspector)
    return Settled(resolution=resolve(asked, world.catalog), notes=())


def _resolve_request(request: Request, policy: Policy, world: World, now: datetime) -> ResolveRequest:
    return ResolveRequest.of(
        request,
        target=world.environment.target(),
        installed=world.environment.installed(),
        admit=listing_filter(policy, now, world.catalog, _pinned(request), world.ledger),
    )


def _pinned(request: Request) -> frozenset[str]:
    return frozenset(pin.digest for root in (*request.roots, *request.constraints) for pin in root.pins)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One file that was fetched, and what is known about it."""

    pin: Pin
    dossier: Dossier


def _collect(
    resolution: Resolution, request: Request, policy: Policy, world: World
) -> tuple[tuple[_Case, ...], tuple[SafepipError, ...]]:
    """Fetch every chosen file and gather its evidence, many at once. What cannot be had is an error beside them."""
    wanted = [pin for pin in resolution.pins if pin.listing is not None]

    def work(pin: Pin) -> _Case | SafepipError:
        try:
            return _fetched(pin, resolution, request, policy, world)
        except SafepipError as error:
            return error

    answers = world.workers.each(work, wanted)
    cases = tuple(one for one in answers if isinstance(one, _Case))
    return cases, tuple(one for one in answers if isinstance(one, SafepipError))


def _fetched(pin: Pin, resolution: Resolution, request: Request, policy: Policy, world: World) -> _Case:
    artifact = _artifact(pin, pins_of(pin.project, request, resolution.target.markers), world)
    subject = Subject(
        project=pin.project, version=pin.version, file=artifact.name, artifact=artifact, requested=pin.requested
    )
    return _Case(pin=pin, dossier=gather(subject, pin, policy, world.gatherer))


def _judge_all(
    cases: tuple[_Case, ...],
    resolution: Resolution,
    request: Request,
    policy: Policy,
    world: World,
    now: datetime,
) -> tuple[Distribution, ...]:
    """Judge every file, each beside all the others and what is installed."""
    dossiers = beside([case.dossier for case in cases], world.environment, removes=not request.ignore_installed)
    judged = tuple(
        _judge(case.pin, dossier, resolution, assess(dossier, policy, now))
        for case, dossier in zip(cases, dossiers, strict=True)
    )
    for one in judged:
        world.watcher.arrived(one)
    return judged


def _judge(pin: Pin, dossier: Dossier, resolution: Resolution, verdict: Verdict) -> Distribution:
    attestations, expected = dossier.get(Attestations), dossier.get(Expected)
    return Distribution(
        verdict=verdict,
        attested=attestations.verified if isinstance(attestations, Attestations) else (),
        locked=isinstance(expected, Expected) and bool(expected.locked),
        chain=chain_of(pin, resolution),
        parents=tuple(sorted({parent.project for parent in pin.parents if parent.project is not None})),
        requested=pin.requested,
    )


def _artifact(pin: Pin, pins: tuple[frozenset[HashPin], ...], world: World) -> Artifact:
    listing = pin.listing
    assert listing is not None  # noqa: S101 - only pins with a listing come here
    path, digests, size = world.store.fetch(
        listing, {one.algorithm for accepted in pins for one in accepted} | {"sha256"}
    )
    page = None if listing.direct else world.catalog.project(pin.project).page_of(listing)
    return Artifact(
        name=listing.name,
        sha256=Sha256.parse(digests["sha256"]),
        digests=digests,
        size=size,
        path=path,
        origin=Indexed(listing=listing, page=page) if page is not None else Local(url=listing.url),
        pins=pins,
    )


def _refusals(distributions: tuple[Distribution, ...], resolution: Resolution) -> tuple[Refusal, ...]:
    return tuple(
        from_verdict(one, judged, resolution) for one in distributions for judged in one.verdict.told if judged.denies
    )


def _outcome(refusals: tuple[Refusal, ...]) -> str:
    """Refused by policy, or could not be checked: two different answers."""
    return "refused" if any(one.outcome == Outcome.FAIL.value for one in refusals) else "could-not-check"


def _manifests(cases: tuple[_Case, ...]) -> Mapping[ProjectName, Manifest]:
    seen = ((case.pin.project, case.dossier.get(Contents)) for case in cases)
    return {
        project: contents.manifest
        for project, contents in seen
        if isinstance(contents, Contents) and contents.manifest is not None
    }


def _plan(
    resolution: Resolution,
    distributions: tuple[Distribution, ...],
    manifests: Mapping[ProjectName, Manifest],
    policy: Policy,
    world: World,
) -> Plan:
    """What will be done. `Approved` refuses to be built where anything is left open."""
    approved = {one.verdict.subject.project: Approved(one.verdict) for one in distributions}
    present = world.environment.installed()
    steps: list[Step] = []
    for pin in resolution.pins:
        if pin.installed is not None:
            steps.append(Keep(pin=pin, installed=pin.installed))
        else:
            manifest, replaced = manifests[pin.project], present.get(pin.project)
            steps.append(Install(approved=approved[pin.project], pin=pin, manifest=manifest, replaces=replaced))
    return Plan(steps=tuple(steps), target=resolution.target, policy=policy.digest)


def _receipts(
    distributions: tuple[Distribution, ...], policy: Policy, clock: Clock
) -> Callable[[Install, Sha256, Mapping[str, Sha256]], bytes]:
    told: Mapping[ProjectName, Distribution] = {one.verdict.subject.project: one for one in distributions}

    def content(step: Install, record: Sha256, byte_code: Mapping[str, Sha256]) -> bytes:
        one = told[step.pin.project]
        return receipt(one, policy=policy.digest, record=record, byte_code=byte_code, at=clock.now())

    return content


def _remember(distributions: tuple[Distribution, ...], policy: Policy, world: World) -> tuple[str, ...]:
    """Have the ledger keep who published what is installed now. The installation stands, whatever comes of that."""
    seen = [sighting for one in distributions for sighting in _sightings(one, policy, world.catalog)]
    if not seen:
        return ()
    try:
        return world.ledger.record(seen)
    except SafepipError as error:
        return (error.message,)


def _sightings(one: Distribution, policy: Policy, catalog: Catalog) -> tuple[Sighting, ...]:
    """Who published it, where that is beyond doubt: the check passed by itself, and all who signed are the same.

    One for each index that states the provenance: not for a folder or a mirror beside it, which could never again show
    what is asked of them then, and not for one that another would speak for.
    """
    artifact = one.verdict.subject.artifact
    listing = artifact.listing if artifact is not None else None
    judged = [judged.finding.outcome for judged in one.verdict.judged if judged.finding.check == "publisher"]
    rule = policy.rules_for(one.verdict.subject.project).attestations.value
    who = publisher_of(one.attested)
    if listing is None or who is None or rule < AttestationRule.FIRST_USE or set(judged) != {Outcome.PASS}:
        return ()
    indexes = attesting(listing, catalog.project(listing.name.project)) or (listing.index,)
    here = one.locked or policy.speaks_for_itself(listing.name.project)
    return tuple(
        Sighting(index=index, file=listing.name, uploaded=listing.uploaded, identity=who, only_here=here)
        for index in indexes
    )


def _finish(
    run: Run,
    world: World,
    *,
    outcome: str,
    refusals: tuple[Refusal, ...] = (),
    errors: tuple[SafepipError, ...] = (),
) -> Run:
    return replace(run, outcome=outcome, refusals=refusals, errors=errors, finished=world.clock.now())


def _indexes(resolution: Resolution, catalog: Catalog) -> tuple[IndexSeen, ...]:
    """The indexes that the chosen files came from, and what each states at all."""
    listings = [pin.listing for pin in resolution.pins if pin.listing is not None and not pin.listing.direct]
    pages = [catalog.project(listing.name.project).page_of(listing) for listing in listings]
    offers = {str(page.index): page.offers for page in pages if page is not None}
    return tuple(IndexSeen(url=url, offers=offers[url]) for url in sorted(offers))
