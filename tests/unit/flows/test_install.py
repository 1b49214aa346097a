"""The flow over the world in memory: what is asked, in what order, and what is never reached."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from safepip.errors import BadInput, EnvironmentFault, NetworkFault, SafepipError
from safepip.flows.install import Request, install
from safepip.flows.install import World as Ports
from safepip.formats.publisher import parse_publisher
from safepip.formats.statement import PUBLISH, SIGNATURE, SLSA
from safepip.model.artifact import HashPin, InstalledDistribution, Pin, Root, Status
from safepip.model.evidence import Attestations, Evidence, Expected, Kind, Subject, VerifiedAttestation
from safepip.model.ident import ProjectName
from safepip.model.policy import Policy
from safepip.model.publisher import Identity, PublisherPin
from safepip.model.run import Run
from tests.factories import OLD, WHO, policy
from tests.world import MemoryCatalog, World
from tests.world.ports import (
    FixedClock,
    MemoryEnvironment,
    MemoryGatherer,
    MemoryInspector,
    MemoryInstaller,
    MemoryLedger,
    MemoryStore,
    SerialWorkers,
    SilentWatcher,
)
from tests.world.world import NOW


@dataclass(frozen=True)
class Scene:
    catalog: MemoryCatalog
    store: MemoryStore
    gatherer: MemoryGatherer
    installer: MemoryInstaller
    environment: MemoryEnvironment
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    inspector: MemoryInspector = field(default_factory=MemoryInspector)

    @classmethod
    def of(cls, world: World, *installed: str) -> Scene:
        catalog = MemoryCatalog(world)
        there = [one.split("==") for one in installed]
        environment = MemoryEnvironment(
            {
                ProjectName.parse(name): InstalledDistribution(
                    project=ProjectName.parse(name),
                    version=Version(version),
                    location=Path("site") / f"{name}-{version}.dist-info",
                    requires_dist=(),
                )
                for name, version in there
            }
        )
        return cls(catalog, MemoryStore(catalog), MemoryGatherer(catalog), MemoryInstaller(), environment)

    def run(
        self, *asked: str | Root, under: Policy | None = None, dry_run: bool = False, hash_mode: bool = False
    ) -> Run:
        roots = tuple(one if isinstance(one, Root) else root(one) for one in asked)
        request = Request(
            roots=roots,
            constraints=(),
            hash_mode=hash_mode,
            upgrade=False,
            upgrade_strategy="only-if-needed",
            allow_pre=False,
            no_deps=False,
            ignore_installed=False,
            force_reinstall=False,
            ignore_requires_python=False,
            releases={},
            dry_run=dry_run,
        )
        ports = Ports(
            catalog=self.catalog,
            store=self.store,
            gatherer=self.gatherer,
            ledger=self.ledger,
            environment=self.environment,
            inspector=self.inspector,
            installer=self.installer,
            workers=SerialWorkers(),
            watcher=SilentWatcher(),
            clock=FixedClock(),
        )
        return install(request, under or policy(), ports, begun())


def root(text: str, *pins: HashPin) -> Root:
    return Root(requirement=Requirement(text), origin="command line", pins=frozenset(pins))


def begun() -> Run:
    return Run(
        command=("safepip", "install"),
        started=NOW,
        finished=NOW,
        pip_version="26.3",
        interpreter="python",
        environment="environment",
        markers={},
        policy=None,
        outcome="failed",
        distributions=(),
        kept=(),
        plan=None,
        held_back=(),
        refusals=(),
        indexes=(),
        errors=(),
        notes=(),
    )


@pytest.fixture
def world() -> World:
    world = World()
    world.publish("web", "1.0", requires=["base>=1"])
    world.publish("base", "1.0")
    world.publish("base", "1.1")
    return world


def test_the_plan_holds_what_was_approved(world: World) -> None:
    scene = Scene.of(world)
    run = scene.run("web")
    assert run.outcome == "installed"
    [plan] = scene.installer.plans
    assert [(step.pin.project, str(step.pin.version)) for step in plan.installs] == [("base", "1.1"), ("web", "1.0")]
    receipt = json.loads(scene.installer.receipts["base"])
    assert receipt["distribution"]["parents"] == ["web"]
    assert receipt["policy"] == policy().digest


def test_each_file_is_fetched_once_and_only_what_was_chosen(world: World) -> None:
    scene = Scene.of(world)
    scene.run("web")
    assert sorted(scene.store.fetched) == ["base-1.1-py3-none-any.whl", "web-1.0-py3-none-any.whl"]


def test_a_dry_run_judges_and_stops(world: World) -> None:
    scene = Scene.of(world)
    run = scene.run("web", dry_run=True)
    assert (run.outcome, scene.installer.plans) == ("would-install", [])
    assert len(run.distributions) == 2


def test_nothing_is_installed_when_one_file_is_bad(world: World) -> None:
    published = world.main.file("base-1.1-py3-none-any.whl")
    assert published is not None
    world.tamper(published)
    scene = Scene.of(world)
    run = scene.run("web")
    assert run.outcome == "refused"
    assert {refusal.check for refusal in run.refusals} == {"digest"}
    assert scene.installer.plans == []
    assert sorted(scene.store.fetched) == ["base-1.1-py3-none-any.whl", "web-1.0-py3-none-any.whl"]


def test_a_file_that_cannot_be_had_is_could_not_check_and_names_itself(world: World) -> None:
    world.go_dark("files")
    scene = Scene.of(world)
    run = scene.run("web")
    assert run.outcome == "could-not-check"
    assert all(isinstance(error, NetworkFault) for error in run.errors)
    assert len(run.errors) == 2
    assert scene.installer.plans == []


def test_refused_outweighs_could_not_check(world: World) -> None:
    world.publish("signed", "1.0", provenance=b"{}")
    published = world.main.file("base-1.1-py3-none-any.whl")
    assert published is not None
    world.tamper(published)
    run = Scene.of(world).run("web", "signed")
    assert run.outcome == "refused"
    assert {refusal.check for refusal in run.refusals} == {"digest", "provenance-available"}


def test_what_is_there_already_is_kept(world: World) -> None:
    scene = Scene.of(world, "web==1.0", "base==1.0")
    run = scene.run("web")
    assert run.outcome == "installed"
    assert scene.store.fetched == []
    assert scene.installer.plans == []
    assert {keep.pin.project for keep in run.kept} >= {"web"}


def test_what_is_replaced_is_named(world: World) -> None:
    scene = Scene.of(world, "base==0.5")
    scene.run("base>=1")
    [plan] = scene.installer.plans
    [step] = plan.installs
    assert step.replaces is not None
    assert str(step.replaces.version) == "0.5"


def test_the_young_are_held_back_with_their_day(world: World) -> None:
    world.publish("base", "1.2", uploaded=NOW - timedelta(days=1))
    run = Scene.of(world).run("web")
    [held] = run.held_back
    assert (held.check, held.eligible) == ("release-age", NOW + timedelta(days=2))
    assert [str(one.verdict.subject.version) for one in run.distributions if one.verdict.subject.project == "base"] == [
        "1.1"
    ]


def test_in_observe_the_young_are_taken_and_warned_about(world: World) -> None:
    world.publish("base", "1.2", uploaded=NOW - timedelta(days=1))
    run = Scene.of(world).run("web", under=policy('profile = "observe"'))
    assert run.outcome == "installed"
    [base] = [one for one in run.distributions if one.verdict.subject.project == "base"]
    assert str(base.verdict.subject.version) == "1.2"
    assert [judged.finding.check for judged in base.verdict.judged if judged.warns] == ["release-age"]


def test_strict_wants_everything_pinned(world: World) -> None:
    run = Scene.of(world).run("base", under=policy('profile = "strict"'))
    assert run.outcome == "refused"
    assert {refusal.check for refusal in run.refusals} == {"hash-pinned"}


def test_pins_that_hold(world: World) -> None:
    published = world.main.file("base-1.1-py3-none-any.whl")
    assert published is not None
    pin = HashPin("sha256", published.claimed)
    run = Scene.of(world).run(root("base==1.1", pin), under=policy('profile = "strict"'), hash_mode=True)
    assert run.outcome == "installed", run.refusals


def test_pins_of_another_platform_are_not_asked_for(world: World) -> None:
    published = world.main.file("base-1.1-py3-none-any.whl")
    assert published is not None
    here = root("base==1.1; sys_platform == 'linux'", HashPin("sha256", published.claimed))
    elsewhere = root("base==1.0; sys_platform == 'win32'", HashPin("sha256", "0" * 64))
    assert Scene.of(world).run(here, elsewhere, hash_mode=True).outcome == "installed"


def test_a_pinned_file_of_one_index_may_stand_beside_another_index(world: World) -> None:
    """A wheelhouse with a build of one's own: the digest says which file is meant."""
    world.index("own")
    own = world.publish("base", "1.1+own", index="own")
    catalog = MemoryCatalog(world, indexes=("main", "own"))
    scene = Scene(catalog, MemoryStore(catalog), MemoryGatherer(catalog), MemoryInstaller(), MemoryEnvironment())
    refused = scene.run("base==1.1+own")
    assert {refusal.check for refusal in refused.refusals} == {"index-conflict"}
    pinned = root("base==1.1+own", HashPin("sha256", own.claimed))
    assert scene.run(pinned, hash_mode=True).outcome == "installed"


def test_only_the_evidence_that_is_needed_is_gathered(world: World) -> None:
    scene = Scene.of(world)
    scene.run("web")
    assert scene.gatherer.wanted == set(Kind) - {Kind.NEIGHBOURS}  # these are looked for when all the others are there


def test_a_broken_archive_is_told_once(world: World) -> None:
    """And not by each check that would have looked into it."""
    broken = world.publish("broken", "1.0")
    broken.content += b"more"
    broken.claimed, broken.size = hashlib.sha256(broken.content).hexdigest(), len(broken.content)
    run = Scene.of(world).run("broken")
    assert run.outcome == "refused"
    assert {refusal.check for refusal in run.refusals} == {"archive"}
    [distribution] = run.distributions
    unread = {one.finding.check for one in distribution.verdict.denied if one.finding.code == "unreadable"}
    assert unread >= {"record", "metadata-match", "startup-hook", "script-shadow", "direct-url"}


def test_a_quarantined_project_is_refused_in_observe_too(world: World) -> None:
    world.mark("base", Status.QUARANTINED)
    run = Scene.of(world).run("web", under=policy('profile = "observe"'))
    assert run.outcome == "refused"
    assert {refusal.check for refusal in run.refusals} == {"project-status"}


def test_the_index_and_what_it_offers_are_told(world: World) -> None:
    run = Scene.of(world).run("web")
    assert [(seen.url, seen.offers.upload_time) for seen in run.indexes] == [("https://index.example/simple", True)]


# -- what is remembered ----------------------------------------------------------------------------------------------

OBSERVED = 'profile = "observe"\n[rules]\nattestations = "first-use"'


def attested(who: Identity = WHO, predicate: str = PUBLISH) -> VerifiedAttestation:
    return VerifiedAttestation(predicate=predicate, identity=who, logged_at=NOW, trust_root="0" * 64)


@dataclass(frozen=True)
class AttestingGatherer(MemoryGatherer):
    """Everything is attested as `verified` says, and `expected` is what the ledger or the past say of it."""

    verified: tuple[VerifiedAttestation, ...] = ()
    expected: tuple[PublisherPin, ...] = ()

    def _one(self, kind: Kind, subject: Subject, pin: Pin) -> Evidence:
        if kind is Kind.EXPECTATION:
            return Expected(locked=self.expected, locked_place="pylock.toml", recorded=(), previous=None)
        if kind is not Kind.ATTESTATIONS:
            return super()._one(kind, subject, pin)
        return Attestations(
            advertised=bool(self.verified),
            index_offers=True,
            verified=self.verified,
            rejected=(),
            claimed_publishers=(),
        )


def signed(
    world: World, *verified: VerifiedAttestation, expected: str | None = None, ledger: MemoryLedger | None = None
) -> Scene:
    catalog = MemoryCatalog(world)
    gatherer = AttestingGatherer(
        catalog, verified=verified, expected=(parse_publisher(expected),) if expected is not None else ()
    )
    there = MemoryEnvironment()
    return Scene(catalog, MemoryStore(catalog), gatherer, MemoryInstaller(), there, ledger or MemoryLedger())


def test_who_published_what_is_installed_is_remembered(world: World) -> None:
    scene = signed(world, attested())
    assert scene.run("web").outcome == "installed"
    assert [(one.file.text, one.identity, one.uploaded) for one in scene.ledger.seen] == [
        ("base-1.1-py3-none-any.whl", WHO, OLD),
        ("web-1.0-py3-none-any.whl", WHO, OLD),
    ]
    assert {one.index.plain for one in scene.ledger.seen} == {"https://index.example/simple"}


def test_a_signature_tells_who_published_too(world: World) -> None:
    scene = signed(world, attested(predicate=SIGNATURE))
    scene.run("base")
    assert [one.identity for one in scene.ledger.seen] == [WHO]


@pytest.mark.parametrize("verified", [(), (attested(predicate=SLSA),)])
def test_where_nobody_published_nothing_is_remembered(world: World, verified: tuple[VerifiedAttestation, ...]) -> None:
    scene = signed(world, *verified)
    assert scene.run("base").outcome == "installed"
    assert scene.ledger.seen == []


def test_of_two_publishers_that_a_pin_accepts_none_is_made_the_only_one(world: World) -> None:
    subject = WHO.subject.replace("acme/demo", "acme/other")
    other = replace(WHO, repository="acme/other", repository_id="7", subject=subject)
    scene = signed(world, attested(), attested(other))
    pins = '[projects.base]\npublishers = ["github:acme/demo", "github:acme/other"]'
    run = scene.run("base", under=policy(pins))
    assert run.outcome == "installed", run.refusals
    assert scene.ledger.seen == []


def test_what_was_only_warned_of_is_not_made_the_truth(world: World) -> None:
    scene = signed(world, attested(), expected="github:acme/other")
    run = scene.run("base", under=policy(OBSERVED))
    assert run.outcome == "installed"
    assert {one.finding.check for one in run.distributions[0].verdict.judged if one.warns} == {"publisher"}
    assert scene.ledger.seen == []


def test_what_is_waived_is_not_made_the_truth(world: World) -> None:
    waiver = (
        '[[waivers]]\ncheck = "publisher"\nproject = "base"\nversion = "1.1"\n'
        f'reason = "looked at"\nuntil = {NOW + timedelta(days=3):%Y-%m-%d}\n'
    )
    scene = signed(world, attested(), expected="github:acme/other")
    assert scene.run("base").outcome == "refused"
    assert scene.run("base", under=policy(waiver)).outcome == "installed"
    assert scene.ledger.seen == []


@pytest.mark.parametrize(
    ("text", "remembered"),
    [("", 1), (OBSERVED, 1), ('profile = "observe"', 0), ('[rules]\nattestations = "require"', 1)],
)
def test_it_is_remembered_where_the_policy_keeps_publishers(world: World, text: str, remembered: int) -> None:
    scene = signed(world, attested())
    assert scene.run("base", under=policy(text)).outcome == "installed"
    assert len(scene.ledger.seen) == remembered


def test_nothing_is_remembered_of_what_was_not_installed(world: World) -> None:
    scene = signed(world, attested())
    scene.run("base", dry_run=True)
    assert scene.run("base==1.1", "web==9").outcome == "refused"
    assert scene.ledger.seen == []


def test_what_is_kept_was_not_looked_at(world: World) -> None:
    scene = signed(world, attested())
    there = {
        ProjectName.parse("base"): InstalledDistribution(
            project=ProjectName.parse("base"), version=Version("1.1"), location=Path("site"), requires_dist=()
        )
    }
    scene = replace(scene, environment=MemoryEnvironment(there))
    assert scene.run("web").outcome == "installed"
    assert [one.file.project for one in scene.ledger.seen] == ["web"]


def test_what_the_ledger_has_to_tell_is_told(world: World) -> None:
    scene = signed(world, attested(), ledger=MemoryLedger(notes=("one thing",)))
    assert "one thing" in scene.run("base").notes


@pytest.mark.parametrize("fault", [EnvironmentFault("ledger-unwritable", "no"), BadInput("ledger-file", "no")])
def test_an_installation_that_is_done_is_not_failed_by_its_ledger(world: World, fault: SafepipError) -> None:
    scene = signed(world, attested(), ledger=MemoryLedger(fault=fault))
    run = scene.run("base")
    assert (run.outcome, run.errors) == ("installed", ())
    assert "no" in run.notes
