"""`safepip install -r pylock.toml`: exact versions and digests, and who has to have published them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest

from tests.command import Command
from tests.sigstore import GitHub, LocalSigstore
from tests.world import World, WorldServer
from tests.world.world import Published

SIGSTORE = LocalSigstore.create(datetime(2026, 1, 2, tzinfo=timezone.utc))
CLAIM = {"kind": "GitHub", "repository": "acme/demo", "workflow": "release.yml"}
OURS = 'attestation-identities = [{ kind = "GitHub", repository = "acme/demo", workflow = "release.yml" }]'
THEIRS = OURS.replace("acme", "evil")


@pytest.fixture
def world() -> World:
    world = World()
    signed = world.publish("signed", "1.0", requires=["base"])
    signed.provenance = SIGSTORE.provenance([SIGSTORE.attest(signed.text, signed.claimed, GitHub())], CLAIM)
    world.publish("base", "1.0")
    world.publish("base", "2.0")
    return world


@pytest.fixture
def safepip(command: Command, world: World) -> Iterator[Command]:
    (command.folder / "root.json").write_bytes(SIGSTORE.trusted_root_json())
    with WorldServer(world) as server:
        variables = {"PIP_INDEX_URL": server.index().reveal()}
        yield Command(environment=command.environment, folder=command.folder, variables=variables)


def lock(folder: Path, *packages: str) -> tuple[str, ...]:
    head = 'lock-version = "1.0"\ncreated-by = "tests"\n'
    (folder / "pylock.toml").write_text(head + "".join(packages))
    return ("-r", "pylock.toml", "--sp-trusted-root", "root.json")


def package(world: World, file: str, *more: str) -> str:
    published = world.main.file(file)
    assert isinstance(published, Published)
    name, version = published.name.project, published.name.version
    wheel = f'{{ url = "https://files.example/{file}", hashes = {{ sha256 = "{published.claimed}" }} }}'
    head = f'[[packages]]\nname = "{name}"\nversion = "{version}"\nwheels = [{wheel}]\n'
    return head + "".join(f"{line}\n" for line in more)


SIGNED, BASE = "signed-1.0-py3-none-any.whl", "base-1.0-py3-none-any.whl"


def test_a_lock_is_installed_as_it_stands(safepip: Command, world: World) -> None:
    result = safepip(*lock(safepip.folder, package(world, SIGNED, OURS), package(world, BASE)))
    assert result.exit == 0, result.stderr
    assert safepip.installed() == {"signed": "1.0", "base": "1.0"}


def test_another_publisher_than_the_lock_says(safepip: Command, world: World) -> None:
    result = safepip(*lock(safepip.folder, package(world, SIGNED, THEIRS), package(world, BASE)))
    assert result.exit == 1
    assert "pylock.toml:3" in result.stderr
    assert "github:evil/demo/release.yml" in result.stderr
    assert safepip.installed() == {}


def test_a_publisher_is_expected_and_nothing_is_attested(safepip: Command, world: World) -> None:
    result = safepip(*lock(safepip.folder, package(world, SIGNED), package(world, BASE, OURS)))
    assert result.exit == 1
    assert result.report is not None
    assert {one["check"] for one in result.report["refusals"]} == {"publisher"}
    assert safepip.installed() == {}


def test_what_the_lock_leaves_out_is_not_let_in(safepip: Command, world: World) -> None:
    result = safepip(*lock(safepip.folder, package(world, SIGNED)))
    assert result.exit == 1
    assert result.report is not None
    assert {one["check"] for one in result.report["refusals"]} == {"hash-pinned"}
    assert safepip.installed() == {}


def test_other_bytes_than_the_lock_says(safepip: Command, world: World) -> None:
    told = lock(safepip.folder, package(world, SIGNED), package(world, BASE))
    base = world.main.file(BASE)
    assert base is not None
    world.tamper(base)
    result = safepip(*told)
    assert result.exit == 1
    assert safepip.installed() == {}
