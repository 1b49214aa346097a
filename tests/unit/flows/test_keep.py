"""What is installed already stays only where it is what it says it is, where that was asked for."""

from __future__ import annotations

import hashlib
from datetime import datetime, timezone

import pytest
from packaging.version import Version

from safepip.model.artifact import HashPin, Root
from safepip.model.difference import Change, Difference
from safepip.model.ident import ProjectName, Sha256
from safepip.model.inspection import Inspected, Receipt, Status
from safepip.model.plan import Install, Keep
from safepip.model.run import Run
from tests.factories import policy
from tests.unit.flows.test_install import Scene, root
from tests.world import World
from tests.world.ports import inspected

BASE = ProjectName.parse("base")
ALTERED = (Difference(path="/env/base.py", change=Change.ALTERED), Difference(path="/env/x", change=Change.MISSING))


@pytest.fixture
def world() -> World:
    world = World()
    world.publish("base", "1.0")
    return world


def published(world: World) -> Sha256:
    found = world.main.file("base-1.0-py3-none-any.whl")
    assert found is not None
    return Sha256(found.claimed)


def pinned(world: World) -> Root:
    return root("base==1.0", HashPin("sha256", published(world)))


def receipt(sha256: Sha256) -> Receipt:
    return Receipt(
        tool="safepip 0",
        installed=datetime(2026, 11, 1, tzinfo=timezone.utc),
        policy="0" * 64,
        record=Sha256("0" * 64),
        byte_code={},
        project=BASE,
        version="1.0",
        file="base-1.0-py3-none-any.whl",
        sha256=sha256,
    )


def of_base(
    status: Status,
    *,
    sha256: Sha256 | None = None,
    differences: tuple[Difference, ...] = (),
    faults: tuple[str, ...] = (),
) -> Inspected:
    known = receipt(sha256) if sha256 is not None else None
    return inspected(BASE, Version("1.0"), status, receipt=known, differences=differences, faults=faults)


def scene(world: World, found: Inspected) -> Scene:
    made = Scene.of(world, "base==1.0")
    made.inspector.found[BASE] = found
    return made


def step(run: Run) -> Install | Keep:
    assert run.outcome == "installed", run.refusals
    assert run.plan is not None
    [step] = run.plan.steps
    return step


def test_an_intact_one_of_the_pinned_file_stays(world: World) -> None:
    of = scene(world, of_base(Status.INTACT, sha256=published(world)))
    run = of.run(pinned(world), hash_mode=True)
    assert isinstance(step(run), Keep)
    assert run.notes == ()


@pytest.mark.parametrize("status", [Status.CHANGED, Status.FOREIGN])
def test_altered_files_are_installed_anew(world: World, status: Status) -> None:
    known = published(world) if status is Status.CHANGED else None
    of = scene(world, of_base(status, sha256=known, differences=ALTERED))
    run = of.run(pinned(world), hash_mode=True)
    done = step(run)
    assert isinstance(done, Install)
    assert done.replaces is not None
    assert run.notes == ("base 1.0 is installed anew: /env/base.py is altered, and 1 more",)


def test_an_altered_receipt_is_installed_anew(world: World) -> None:
    of = scene(world, of_base(Status.CHANGED, faults=("the receipt does not hold: it is not JSON",)))
    run = of.run(pinned(world), hash_mode=True)
    assert isinstance(step(run), Install)
    assert run.notes == ("base 1.0 is installed anew: the receipt does not hold: it is not JSON",)


def test_another_file_than_the_pinned_one_is_replaced(world: World) -> None:
    of = scene(world, of_base(Status.INTACT, sha256=Sha256("1" * 64)))
    run = of.run(pinned(world), hash_mode=True)
    assert isinstance(step(run), Install)
    assert "no --hash names" in run.notes[0]


def test_a_pin_that_no_receipt_can_meet_is_told_as_one(world: World) -> None:
    of = scene(world, of_base(Status.INTACT, sha256=published(world)))
    file = world.main.file("base-1.0-py3-none-any.whl")
    assert file is not None
    pin = HashPin("sha512", hashlib.sha512(file.content).hexdigest())
    run = of.run(root("base==1.0", pin), hash_mode=True)
    assert isinstance(step(run), Install)
    assert run.notes == (
        "base 1.0 is installed anew: none of its --hash is a sha256, and its receipt has no other digest",
    )


def test_what_safepip_did_not_install_stays_with_a_note(world: World) -> None:
    run = scene(world, of_base(Status.FOREIGN)).run(pinned(world), hash_mode=True)
    assert isinstance(step(run), Keep)
    assert run.notes == ("not installed by safepip, and kept unjudged: base 1.0",)


def test_strict_looks_as_well(world: World) -> None:
    of = scene(world, of_base(Status.CHANGED, sha256=published(world), differences=ALTERED))
    run = of.run(pinned(world), under=policy('profile = "strict"'), hash_mode=True)
    assert isinstance(step(run), Install)


def test_strict_without_pins_looks(world: World) -> None:
    of = scene(world, of_base(Status.INTACT, sha256=Sha256("1" * 64)))
    run = of.run("base", under=policy('profile = "strict"'))
    assert isinstance(step(run), Keep)
    assert of.inspector.asked == [BASE]


def test_otherwise_nothing_is_hashed(world: World) -> None:
    of = scene(world, of_base(Status.CHANGED, sha256=published(world), differences=ALTERED))
    assert isinstance(step(of.run("base")), Keep)
    assert of.inspector.asked == []


def test_what_no_index_has_any_more_is_a_refusal_and_not_kept(world: World) -> None:
    of = Scene.of(World(), "base==1.0")
    of.inspector.found[BASE] = of_base(Status.CHANGED, sha256=published(world), differences=ALTERED)
    assert of.run(pinned(world), hash_mode=True).outcome == "refused"
