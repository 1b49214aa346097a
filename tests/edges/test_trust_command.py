"""`safepip trust show` and `update` as a user meets them: real processes, a TUF repository on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.command import Command, Result
from tests.sigstore import GitHub, LocalSigstore
from tests.tuf.repository import LocalRepository
from tests.tuf.server import TufServer
from tests.world import World, WorldServer
from tests.world.server import Fault
from tests.world.world import NOW

SIGSTORE = LocalSigstore.create(NOW - timedelta(days=100))
ROOT = SIGSTORE.trusted_root_json()
LATER = LocalSigstore.create(NOW - timedelta(days=100)).trusted_root_json()


@pytest.fixture
def server() -> Iterator[TufServer]:
    with TufServer(LocalRepository(ROOT)) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path, server: TufServer) -> Path:
    (tmp_path / "root.json").write_bytes(server.repository.bootstrap)
    (tmp_path / "trusted.json").write_bytes(ROOT)
    return tmp_path


def trust(folder: Path, *words: str) -> Result:
    done = subprocess.run(
        [sys.executable, "-m", "safepip", "--retries", "0", "trust", *words],
        env=Command(environment=folder, folder=folder).environ({}),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return Result(exit=done.returncode, stdout=done.stdout, stderr=done.stderr, report=None)


def update(folder: Path, server: TufServer, *words: str) -> Result:
    return trust(folder, "update", "--url", server.url, *words)


def kept(folder: Path) -> Path:
    [place] = (folder / "home" / "state" / "safepip" / "trust").glob("*.json")
    return place


def test_without_a_word_it_tells_what_there_is(folder: Path) -> None:
    told = trust(folder)
    assert told.exit == 0
    assert [line.split()[0] for line in told.stdout.splitlines()[1:-1]] == [
        "show", "update", "list", "init", "pin", "accept", "forget"
    ]  # fmt: skip


def test_the_documented_options_are_those_of_help(folder: Path) -> None:
    page = Path(__file__).resolve().parent.parent.parent / "docs" / "commands" / "trust.md"
    assert trust(folder, "--help").stdout.strip() in page.read_text()


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense",),
        ("show", "more"),
        ("show", "--url", "https://tuf.example"),
        ("show", "--staging", "--sp-trusted-root", "trusted.json"),
        ("update", "--root", "root.json"),
        ("update", "--url", "tuf.example"),
        ("update", "--url", "https://tuf.example/?token=1", "--root", "root.json"),
        ("update", "--url", "https://tuf.example"),
        ("update", "--url", "https://tuf.example", "--staging"),
        ("update", "--sp-trusted-root", "trusted.json"),
    ],
)
def test_a_wrong_word_is_a_usage_error(folder: Path, words: tuple[str, ...]) -> None:
    told = trust(folder, *words)
    assert told.exit == 2
    assert told.stdout == ""
    assert "Usage" in told.stderr


def test_show_tells_what_is_in_force(folder: Path) -> None:
    told = trust(folder, "show")
    assert told.exit == 0
    for words in ("safepip ships it", "rekor.sigstore.dev", "retired", "in service", "safepip trust update"):
        assert words in told.stdout
    staging = trust(folder, "show", "--staging")
    assert "rekor.sigstage.dev" in staging.stdout
    assert "safepip trust update --staging" in staging.stdout


def test_show_as_json(folder: Path) -> None:
    (folder / "safepip.toml").write_text(
        'schema = 1\n[indexes.corp]\nurl = "https://corp.example/simple"\n'
        '[trust-roots.ours]\nfile = "trusted.json"\nindexes = ["corp", "local"]\nprojects = ["acme-*"]\n'
    )
    told = trust(folder, "show", "--format", "json")
    document = json.loads(told.stdout)
    assert document["schema"] == "safepip-trust-roots/1"
    general, ours = document["roots"]
    assert general["kind"] == "shipped"
    assert general["speaks-for"] == []
    assert ours["speaks-for"] == [{"name": "ours", "indexes": ["corp", "local"], "projects": ["acme-*"]}]
    assert ours["since"] is None
    parts = {(one["part"], one["key"]) for one in ours["services"]}
    assert parts >= {("log", "ECDSA P-256"), ("log", "Ed25519"), ("certificate authority", "ECDSA P-384")}
    assert {one["standing"] for one in ours["services"]} == {"in service"}
    assert all(len(one["key-id"]) == 64 for one in general["services"])


@pytest.mark.parametrize("content", [None, b"", b"{}", b"\xff", b"[" * 5000, ROOT.replace(b"rawBytes", b"rawBites")])
def test_show_of_a_root_that_cannot_be_used(folder: Path, content: bytes | None) -> None:
    (folder / "trusted.json").unlink()
    if content is not None:
        (folder / "trusted.json").write_bytes(content)
    told = trust(folder, "show", "--sp-trusted-root", "trusted.json")
    assert told.exit == 1
    assert told.stdout == ""
    assert told.stderr.startswith("ERROR:")
    assert "next" in told.stderr


@pytest.mark.parametrize("address", [None, "", "https://[broken"])
def test_show_of_a_root_whose_authority_has_no_address(folder: Path, address: str | None) -> None:
    """sigstore asks for none, and an installation verifies with it."""
    document = SIGSTORE.trusted_root()
    for one in document["certificateAuthorities"]:
        del one["uri"]
        if address is not None:
            one["uri"] = address
    (folder / "trusted.json").write_text(json.dumps(document))
    told = trust(folder, "show", "--sp-trusted-root", "trusted.json")
    assert told.exit == 0, told.stderr
    assert f"certificate authority: {address or 'no address'}, ECDSA P-384" in told.stdout


def test_an_update_tells_what_came_and_went(folder: Path, server: TufServer) -> None:
    assert "gone" not in update(folder, server, "--root", "root.json").stdout
    document = SIGSTORE.trusted_root()
    lost = document["tlogs"].pop()
    server.repository.publish(json.dumps(document).encode())
    told = update(folder, server).stdout
    assert f"gone      log: {lost['baseUrl'].removeprefix('https://')}, key" in told
    assert "new " not in told
    server.repository.publish(ROOT)
    assert f"new       log: {lost['baseUrl'].removeprefix('https://')}, key" in update(folder, server).stdout


def test_a_newer_root_to_begin_with_is_no_fault_of_what_was_kept(folder: Path, server: TufServer) -> None:
    update(folder, server, "--root", "root.json")
    server.repository.rotate(server.repository.keys)
    server.repository.publish(LATER)
    (folder / "root.json").write_bytes(server.repository.files["2.root.json"])
    told = update(folder, server, "--root", "root.json")
    assert (told.exit, told.stderr) == (0, "")
    assert "is updated" in told.stdout
    assert update(folder, server).exit == 0


def test_an_update_is_kept_and_shown(folder: Path, server: TufServer) -> None:
    first = update(folder, server, "--root", "root.json")
    assert first.exit == 0, first.stderr
    assert "is updated" in first.stdout
    assert str(kept(folder)) in first.stdout
    again = update(folder, server)
    assert "is as before" in again.stdout
    server.repository.publish(LATER)
    assert "is updated" in update(folder, server).stdout
    shown = trust(folder, "show", "--sp-trusted-root", str(kept(folder)))
    assert f"safepip trust update --url {server.url}" in shown.stdout
    assert "0 days ago" in shown.stdout


def test_the_password_of_a_repository_is_used_and_not_kept(folder: Path, server: TufServer) -> None:
    address = server.url.replace("//", "//user:secret@")
    told = trust(folder, "update", "--url", address, "--root", "root.json")
    assert told.exit == 0, told.stderr
    assert "secret" not in told.stdout + told.stderr + kept(folder).read_text()
    assert update(folder, server).exit == 0  # and the address without it is the same repository


def test_an_update_that_fails_says_why_and_leaves_everything(folder: Path, server: TufServer) -> None:
    update(folder, server, "--root", "root.json")
    before = kept(folder).read_bytes()
    server.repository.publish(LATER)
    server.repository.files[server.repository.target_path] = ROOT
    told = update(folder, server)
    assert told.exit == 1
    assert "not a trusted root that can be believed" in told.stderr
    server.faults["timestamp.json"] = Fault(truncate=10)
    assert update(folder, server).exit == 1
    assert kept(folder).read_bytes() == before


def test_a_wrong_root_to_begin_with(folder: Path, server: TufServer) -> None:
    (folder / "root.json").write_bytes(LocalRepository(ROOT).bootstrap)
    assert update(folder, server, "--root", "root.json").exit == 1
    (folder / "root.json").write_bytes(b"{}")
    assert update(folder, server, "--root", "root.json").exit == 1
    assert "cannot be read" in update(folder, server, "--root", "missing.json").stderr
    assert not list((folder / "home" / "state" / "safepip" / "trust").glob("*.json"))


def test_a_state_that_was_changed_is_refused_and_can_be_made_anew(folder: Path, server: TufServer) -> None:
    update(folder, server, "--root", "root.json")
    place = kept(folder)
    place.write_text(json.dumps({**json.loads(place.read_text()), "trusted_root": LATER.decode()}))
    shown = trust(folder, "show", "--sp-trusted-root", str(place))
    assert shown.exit == 1
    assert "does not verify" in shown.stderr
    assert update(folder, server).exit == 1  # nothing good is left to begin with
    anew = update(folder, server, "--root", "root.json")
    assert anew.exit == 0
    assert "WARNING" in anew.stderr
    assert trust(folder, "show", "--sp-trusted-root", str(place)).exit == 0


def test_a_folder_that_cannot_be_written(folder: Path, server: TufServer) -> None:
    state = folder / "home" / "state" / "safepip"
    state.mkdir(parents=True)
    (state / "trust").write_text("no folder")
    told = update(folder, server, "--root", "root.json")
    assert told.exit == 1
    assert "cannot be kept" in told.stderr
    (state / "trust").unlink()
    (state / "trust").mkdir(mode=0o700)
    (state / "trust").chmod(0o777)
    assert "others could have put them there" in update(folder, server, "--root", "root.json").stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_state_folder(folder: Path, server: TufServer) -> None:
    state = folder / "home" / "state" / "safepip"
    state.mkdir(parents=True, mode=0o500)
    told = update(folder, server, "--root", "root.json")
    assert told.exit == 1
    assert "cannot be kept" in told.stderr


def test_two_updates_at_once(folder: Path, server: TufServer) -> None:
    update(folder, server, "--root", "root.json")
    server.repository.publish(LATER)
    command = [sys.executable, "-m", "safepip", "trust", "update", "--url", server.url]
    environ = Command(environment=folder, folder=folder).environ({})
    both = [subprocess.Popen(command, env=environ, cwd=folder, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    told = [one.communicate(timeout=60)[0] for one in both]
    assert [one.returncode for one in both] == [0, 0]
    assert sorted("is updated" in one for one in told) == [False, True]


def test_an_updated_root_lets_its_attestations_in(command: Command, folder: Path, server: TufServer) -> None:
    """A private Sigstore from its first root to an installation, and refused once its state was changed."""
    update(folder, server, "--root", "root.json")
    world = World()
    file = world.publish("demo", "1.0", uploaded=NOW - timedelta(days=100))
    attestation = SIGSTORE.attest(file.text, file.claimed, GitHub())
    file.provenance = SIGSTORE.provenance(
        [attestation], {"kind": "GitHub", "repository": "acme/demo", "workflow": "release.yml"}
    )
    with WorldServer(world) as index:
        words = ("-i", index.index().reveal(), "--no-cache-dir", "demo")
        refused = command(*words)
        assert refused.exit == 1
        installed = command("--sp-trusted-root", str(kept(folder)), *words)
        assert installed.exit == 0, installed.stderr
        place = kept(folder)
        text = json.loads(place.read_text())
        text["updated"] = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        place.write_text(json.dumps({**text, "trusted_root": text["trusted_root"] + " "}))
        told = command("--sp-trusted-root", str(place), "--force-reinstall", *words)
        assert told.exit == 1
        assert "does not verify" in told.stderr


def test_an_old_root_says_that_it_is_old(command: Command) -> None:
    """The shipped root does not know a Sigstore of our own: and it is older than thirty days."""
    world = World()
    file = world.publish("demo", "1.0", uploaded=NOW - timedelta(days=100))
    attestation = SIGSTORE.attest(file.text, file.claimed, GitHub())
    file.provenance = SIGSTORE.provenance(
        [attestation], {"kind": "GitHub", "repository": "acme/demo", "workflow": "release.yml"}
    )
    with WorldServer(world) as index:
        told = command("-i", index.index().reveal(), "demo")
    assert told.exit == 1
    assert "trust-root-stale" in json.dumps(told.report)
    assert "safepip trust update" in told.stderr
