"""Who published what, and an index that offers no provenance: told once, in text and in JSON."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from safepip.formats.publisher import describe
from safepip.formats.statement import PUBLISH, SIGNATURE, SLSA
from safepip.model.evidence import Build, VerifiedAttestation
from safepip.model.levels import Level
from safepip.model.publisher import Identity
from safepip.model.run import Distribution, Run
from safepip.model.verdict import Outcome
from safepip.report.machine import report
from safepip.report.text import Style, closing, provenance
from tests.factories import NOW, policy
from tests.unit.flows.test_install import Scene
from tests.world import World

PLAIN = Style(color=False)
WORKFLOW = "https://github.com/acme/demo/.github/workflows/release.yml@refs/tags/v1.0"
WHO = Identity(
    kind="github",
    issuer="https://token.actions.githubusercontent.com",
    subject=WORKFLOW,
    repository="acme/demo",
    repository_id="1",
    owner_id="2",
    workflow="release.yml",
    environment="release",
    ref="refs/tags/v1.0",
    trigger="push",
    runner="github-hosted",
    build_signer=WORKFLOW,
)
PUBLISHED = VerifiedAttestation(predicate=PUBLISH, identity=WHO, logged_at=NOW, trust_root="f" * 64)
SIGNED = replace(PUBLISHED, predicate=SIGNATURE, identity=replace(WHO, kind="email", subject="a@b.example"))
BUILT = replace(
    PUBLISHED,
    predicate=SLSA,
    logged_at=None,
    build=Build(builder="https://builder", build_type="https://type/v1", source="https://source/x", revision=None),
)
LINE = "github:acme/demo/release.yml@refs/tags/v1.0#environment=release"


@pytest.fixture
def world() -> World:
    world = World()
    world.publish("web", "1.0", requires=["base>=1"])
    world.publish("base", "1.0")
    world.main.provenance = False
    return world


def attested(*attestations: VerifiedAttestation) -> Distribution:
    world = World()
    world.publish("demo", "1.0")
    [one] = Scene.of(world).run("demo").distributions
    return replace(one, attested=attestations)


def entry(*attestations: VerifiedAttestation) -> dict[str, object]:
    one = attested(*attestations)
    told = report(replace(Scene.of(World()).run(), distributions=(one,)))["distributions"][0]
    assert isinstance(told, dict)
    return told


def test_the_line_about_an_attested_distribution() -> None:
    later = replace(PUBLISHED, logged_at=NOW + timedelta(days=1))
    head = "  Verified demo-1.0-py3-none-any.whl:"
    assert provenance(attested(), {}) is None
    assert provenance(attested(BUILT, later, PUBLISHED), {}) == (
        f"{head} published by {LINE}, logged 2026-11-22 12:00 UTC"
    )
    assert provenance(attested(SIGNED), {}) == (
        f"{head} signed by {describe(SIGNED.identity)}, logged 2026-11-22 12:00 UTC"
    )
    assert provenance(attested(BUILT), {}) == f"{head} build attested by {LINE}"
    other = replace(PUBLISHED, identity=replace(WHO, repository="acme/other"))
    assert "github:acme/demo" in str(provenance(attested(PUBLISHED, other), {}))
    assert "github:acme/other" in str(provenance(attested(PUBLISHED, other), {}))


def test_the_line_is_no_praise_of_what_is_refused() -> None:
    one = attested(PUBLISHED)
    judged = one.verdict.judged[0]
    failed = replace(judged, finding=replace(judged.finding, outcome=Outcome.FAIL), level=Level.DENY)
    assert provenance(replace(one, verdict=replace(one.verdict, judged=(failed,))), {}) is None


def test_a_root_that_a_policy_grants_is_shown_where_it_was_used() -> None:
    granted = {PUBLISHED.trust_root: "corp, safepip.toml:7", "another": "other, safepip.toml:9"}
    assert str(provenance(attested(PUBLISHED), granted)).endswith("  (trusted root corp, safepip.toml:7)")


def test_a_builder_is_no_publisher() -> None:
    assert entry(BUILT)["publisher"] is None
    assert entry(BUILT, SIGNED)["publisher"] == describe(SIGNED.identity)
    assert entry(SIGNED, PUBLISHED)["publisher"] == LINE
    assert entry(BUILT, PUBLISHED)["publisher"] == LINE
    assert entry()["publisher"] is None
    assert entry()["attestations"] == []


def test_each_attestation_is_told_in_full_and_once() -> None:
    told = entry(PUBLISHED, PUBLISHED, BUILT)
    assert told["predicates"] == [PUBLISH, SLSA]
    published = {
        "predicate": PUBLISH,
        "publisher": LINE,
        "issuer": WHO.issuer,
        "repository_id": "1",
        "owner_id": "2",
        "trigger": "push",
        "ref": "refs/tags/v1.0",
        "environment": "release",
        "runner": "github-hosted",
        "logged_at": "2026-11-22T12:00:00Z",
        "trust_root": "f" * 64,
        "build": None,
    }
    build = {
        "builder": "https://builder",
        "build_type": "https://type/v1",
        "source": "https://source/x",
        "revision": None,
    }
    assert told["attestations"] == [
        published,
        {**published, "predicate": SLSA, "logged_at": None, "build": build},
    ]


def told(run: Run, verbosity: int = 0) -> list[str]:
    return list(closing(run, PLAIN, verbosity))


def test_an_index_without_provenance_is_told_once(world: World) -> None:
    run = Scene.of(world).run("web")
    assert run.outcome == "installed"
    [line] = told(run)
    assert line == (
        f"No provenance: {run.indexes[0].url} does not offer any, "
        "so nobody can tell who published 2 distributions from there"
    )
    assert told(run, -1) == []
    world.main.provenance = True
    assert told(Scene.of(world).run("web")) == []


def test_it_is_told_beside_refusals_too(world: World) -> None:
    run = Scene.of(world).run("web", under=policy('[projects.web]\nhashes = "all"'))
    assert run.outcome == "refused"
    assert len([line for line in told(run) if line.startswith("No provenance: ")]) == 1


def test_what_is_attested_from_beside_is_not_counted(world: World) -> None:
    run = Scene.of(world).run("web")
    base, web = run.distributions
    half = replace(run, distributions=(replace(base, attested=(SIGNED,)), web))
    assert "1 distribution from there" in told(half)[0]
    whole = replace(run, distributions=(replace(base, attested=(SIGNED,)), replace(web, attested=(SIGNED,))))
    assert told(whole) == []


def test_refusals_for_want_of_any_provenance_are_one_block(world: World) -> None:
    under = policy('[rules]\nattestations = "require"\n[projects.web]\npublishers = ["github:acme/web"]')
    run = Scene.of(world).run("web", under=under)
    assert [one.code for one in run.refusals if one.check == "attestation"] == ["index-offers-none"] * 2
    lines = told(run)
    assert lines[0] == "ERROR: safepip refused 2 distributions; nothing was installed"
    assert lines[1].split() == ["refused", "2", "distributions", "from", run.indexes[0].url, "attestation"]
    assert sum("does not offer" in line for line in lines) == 1
    assert [line for line in lines if line.startswith("  refused")] == [lines[1]]
    for shown in ("base 1.0  (base-1.0-py3-none-any.whl)", "web 1.0  (web-1.0-py3-none-any.whl)", "layer0.toml"):
        assert any(shown in line for line in lines), shown
    assert len(report(run)["refusals"]) == len(run.refusals) >= 2
    assert not [line for line in lines if "this file has no" in line]


def test_another_refusal_of_such_a_file_keeps_its_own_block(world: World) -> None:
    under = policy('[rules]\nattestations = "require"\nhashes = "all"')
    lines = told(Scene.of(world).run("base", under=under))
    assert [line.split()[-1] for line in lines if line.startswith("  refused")] == ["attestation", "hash-pinned"]


def test_a_finding_of_several_lines_is_one_warning() -> None:
    world = World()
    world.publish("demo", "1.0")
    run = Scene.of(world).run("demo")
    [one] = run.distributions
    [first, *rest] = one.verdict.judged
    changed = replace(first.finding, outcome=Outcome.FAIL, message="expected x  (safepip.toml:3)\ngot      y")
    warned = replace(first, finding=changed, level=Level.WARN)
    verdict = replace(one.verdict, judged=(warned, *rest))
    [line] = told(replace(run, distributions=(replace(one, verdict=verdict),)))
    assert line == f"WARNING: demo 1.0: expected x (safepip.toml:3); got y  [{changed.check}]"
