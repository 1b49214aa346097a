"""`safepip install` as a user runs it: a real index on loopback, a real pip, a real environment."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from safepip.model.artifact import Status
from tests.command import Command, Result
from tests.sigstore import GitHub, LocalSigstore
from tests.world import Fault, World, WorldServer
from tests.world.world import Published


@pytest.fixture
def world() -> World:
    world = World()
    world.publish("web", "1.0", requires=["base>=1", "tool; python_version >= '3'"])
    world.publish("base", "1.0")
    world.publish("base", "1.1")
    world.publish("tool", "2.0")
    return world


@pytest.fixture
def server(world: World) -> Iterator[WorldServer]:
    with WorldServer(world) as running:
        yield running


@pytest.fixture
def safepip(command: Command, server: WorldServer) -> Command:
    index = server.index().reveal()
    return Command(environment=command.environment, folder=command.folder, variables={"PIP_INDEX_URL": index})


def lines(text: str, label: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip().startswith(label)]


def refused(result: Result, check: str) -> dict[str, object]:
    """The one refusal of that check, which text and JSON both tell, with nothing installed."""
    assert result.exit == 1, result
    assert "Traceback" not in result.stderr
    assert result.report is not None
    assert result.report["outcome"] in {"refused", "could-not-check"}
    [refusal] = [one for one in result.report["refusals"] if one["check"] == check]
    assert any(line.rstrip().endswith(check) for line in result.stderr.splitlines()), result.stderr
    assert all(line in result.stderr for line in refusal["message"].split("\n"))
    assert isinstance(refusal, dict)
    return refusal


def test_from_requirement_to_receipt(safepip: Command, world: World) -> None:
    result = safepip("web")
    assert result.exit == 0, result.stderr
    assert "Collecting web" in result.stdout
    assert "Successfully installed base-1.1 tool-2.0 web-1.0" in result.stdout
    assert result.stderr == ""
    assert safepip.installed() == {"web": "1.0", "base": "1.1", "tool": "2.0"}
    assert (safepip.site / "web-1.0.dist-info" / "REQUESTED").exists()
    assert not (safepip.site / "base-1.1.dist-info" / "REQUESTED").exists()
    assert not list(safepip.site.glob("*/direct_url.json"))
    for name, version in safepip.installed().items():
        folder = safepip.site / f"{name}-{version}.dist-info"
        receipt = json.loads((folder / "safepip.json").read_bytes())
        published = world.main.file(f"{name}-{version}-py3-none-any.whl")
        assert published is not None
        assert receipt["distribution"]["sha256"] == published.claimed
        assert receipt["distribution"]["decision"] == "approved"
        assert all(one["outcome"] == "pass" for one in receipt["distribution"]["findings"])
        record = (folder / "RECORD").read_bytes().decode()
        own = [row for row in record.splitlines(keepends=True) if row.startswith(f"{folder.name}/safepip.json,")]
        assert len(own) == 1
        assert hashlib.sha256(record.replace(own[0], "").encode()).hexdigest() == receipt["record"]


def test_something_must_be_asked_for(safepip: Command) -> None:
    result = safepip()
    assert result.exit == 1  # pip's
    assert "You must give at least one requirement to install" in result.stderr


def test_the_report_tells_the_whole_run(safepip: Command, server: WorldServer) -> None:
    report = safepip("web").report
    assert report is not None
    assert report["schema"] == "safepip-report/1"
    assert report["outcome"] == "installed"
    assert {one["name"]: one["requested"] for one in report["distributions"]} == {
        "base": False,
        "tool": False,
        "web": True,
    }
    [base] = [one for one in report["distributions"] if one["name"] == "base"]
    assert base["parents"] == ["web"]
    assert base["index"] == server.index().reveal()
    assert base["uploaded"].endswith("Z")
    assert report["indexes"][0]["offers"] == {
        "upload-time": True,
        "provenance": True,
        "core-metadata": True,
        "status": True,
    }
    assert report["policy"]["profile"] == "standard"


def test_a_second_run_finds_everything_there(safepip: Command, server: WorldServer) -> None:
    safepip("web")
    server.forget()
    result = safepip("web")
    assert result.exit == 0
    assert "Requirement already satisfied: web in" in result.stdout
    assert not [path for path in server.paths() if path.startswith("/files/")]


def test_the_store_serves_a_second_environment(safepip: Command, server: WorldServer, tmp_path: Path) -> None:
    assert safepip("web", "--target", str(tmp_path / "one")).exit == 0
    server.forget()
    result = safepip("web", "--target", str(tmp_path / "two"))
    assert "Using cached web-1.0-py3-none-any.whl" in result.stdout
    assert not [path for path in server.paths() if path.endswith(".whl")]
    assert (tmp_path / "two" / "web-1.0.dist-info" / "safepip.json").exists()


def test_dry_run_installs_nothing(safepip: Command) -> None:
    result = safepip("web", "--dry-run")
    assert result.exit == 0
    assert re.search(r"^Would install .*web-1\.0", result.stdout, re.MULTILINE)
    assert safepip.installed() == {}
    assert result.report is not None
    assert result.report["outcome"] == "would-install"


def test_pips_own_report(safepip: Command) -> None:
    result = safepip("web", "--dry-run", "-q", "--report", "-")
    report = json.loads(result.stdout)
    assert report["version"] == "1"
    [web] = [one for one in report["install"] if one["metadata"]["name"] == "web"]
    assert web["requested"] is True
    assert web["download_info"]["url"].endswith("/files/web-1.0-py3-none-any.whl")


def test_an_sdist_is_refused_with_what_to_do_instead(safepip: Command, world: World) -> None:
    world.publish("old", "1.0", kind="sdist")
    result = safepip("old")
    refusal = refused(result, "source-kind")
    assert refusal["file"] == "old-1.0.tar.gz"
    assert "ERROR: No matching distribution found for old" in result.stderr
    assert lines(result.stderr, "next")


def test_an_older_wheel_stands_in_for_a_newer_sdist_and_it_is_said(safepip: Command, world: World) -> None:
    world.publish("base", "1.2", kind="sdist")
    result = safepip("base")
    assert safepip.installed() == {"base": "1.1"}
    assert "Held back base 1.2" in result.stderr


def test_a_tampered_file_stops_the_run_and_no_older_one_is_taken(safepip: Command, world: World) -> None:
    published = world.main.file("base-1.1-py3-none-any.whl")
    assert published is not None
    world.main.sizes = False
    world.tamper(published)
    result = safepip("web")
    refusal = refused(result, "digest")
    assert refusal["chain"] == ["command line", "web 1.0", "base>=1"]
    assert safepip.installed() == {}


def test_all_refusals_of_a_run_are_told_together(safepip: Command, world: World) -> None:
    world.main.sizes = False
    for name in ("base-1.1-py3-none-any.whl", "tool-2.0-py3-none-any.whl"):
        published = world.main.file(name)
        assert published is not None
        world.tamper(published)
    result = safepip("web")
    assert result.report is not None
    assert sorted(one["name"] for one in result.report["refusals"] if one["check"] == "digest") == ["base", "tool"]


def test_a_young_file_is_held_back_and_a_pinned_one_refused(safepip: Command, world: World) -> None:
    world.publish("base", "1.2", uploaded=datetime.now(timezone.utc) - timedelta(days=1))
    result = safepip("base==1.2")
    refusal = refused(result, "release-age")
    facts = refusal["facts"]
    assert isinstance(facts, dict)
    assert "[[waivers]]" in facts["exception"]
    assert facts["accepted"].startswith("base 1.1")
    result = safepip("base")
    assert safepip.installed() == {"base": "1.1"}
    assert re.search(r"Held back base 1\.2: uploaded .*; eligible .* UTC  \[release-age\]", result.stderr)


def test_a_waiver_lets_exactly_that_version_in_and_is_shown(safepip: Command, world: World) -> None:
    now = datetime.now(timezone.utc)
    world.publish("base", "1.2", uploaded=now - timedelta(days=1))
    (safepip.folder / "safepip.toml").write_text(
        'schema = 1\n[[waivers]]\ncheck = "release-age"\nproject = "base"\nversion = "1.2"\n'
        f'reason = "urgent fix"\nuntil = {(now + timedelta(days=2)).date().isoformat()}\n'
    )
    result = safepip("base")
    assert result.exit == 0, result.stderr
    assert safepip.installed() == {"base": "1.2"}
    assert "urgent fix" in result.stderr


@pytest.mark.parametrize("form", ["json", "html"])
def test_both_forms_of_an_index(safepip: Command, world: World, form: str) -> None:
    world.main.form = form
    result = safepip("web")
    assert result.exit == 0, result.stderr
    assert safepip.installed() == {"web": "1.0", "base": "1.1", "tool": "2.0"}
    if form == "html":
        assert "states no upload times" in result.stderr
        assert len(lines(result.stderr, "WARNING:")) == 1


@pytest.mark.parametrize("ranges", [True, False])
def test_an_index_without_separate_metadata(safepip: Command, world: World, ranges: bool) -> None:
    world.main.core_metadata, world.main.ranges = False, ranges
    assert safepip("web").exit == 0
    assert safepip.installed() == {"web": "1.0", "base": "1.1", "tool": "2.0"}


def test_metadata_that_differs_from_the_wheel_is_refused(safepip: Command, world: World) -> None:
    published = world.main.file("base-1.1-py3-none-any.whl")
    assert published is not None
    honest = published.metadata
    published.metadata += b"Requires-Dist: tool\n"
    refusal = refused(safepip("base"), "metadata-match")
    assert refusal["code"] == "resolved-with"
    published.metadata = honest
    assert safepip("base").exit == 0  # what was remembered of the lie is gone


@pytest.mark.parametrize("status", [Status.QUARANTINED, Status.ARCHIVED])
def test_project_status(safepip: Command, world: World, status: Status) -> None:
    world.mark("base", status, reason="unmaintained")
    result = safepip("base")
    if status is Status.QUARANTINED:
        refused(result, "project-status")
    else:
        assert result.exit == 0
        assert "the project is archived" in result.stderr


def test_two_indexes_with_one_name(safepip: Command, world: World, server: WorldServer) -> None:
    world.index("public")
    world.publish("base", "9.9", index="public")
    extra = server.index("public").reveal()
    refused(safepip("base", "--extra-index-url", extra), "index-conflict")
    (safepip.folder / "safepip.toml").write_text(
        f'schema = 1\n[indexes.own]\nurl = "{server.index().reveal()}"\npackages = ["base"]\n'
    )
    server.forget()
    assert safepip("base", "--extra-index-url", extra).exit == 0
    assert safepip.installed() == {"base": "1.1"}
    assert not [path for path in server.paths() if path.startswith("/public/")]


def test_hash_mode(safepip: Command, world: World) -> None:
    pins = {name: f"--hash=sha256:{digest(world, name)}" for name in ("web-1.0", "base-1.1", "tool-2.0")}
    requirements = safepip.folder / "requirements.txt"
    requirements.write_text(f"web==1.0 {pins['web-1.0']}\n")
    result = safepip("-r", "requirements.txt")
    assert result.exit == 1
    assert safepip.installed() == {}
    requirements.write_text(f"web==1.0 {pins['web-1.0']}\nbase==1.1 {pins['base-1.1']}\ntool==2.0 {pins['tool-2.0']}\n")
    assert safepip("-r", "requirements.txt").exit == 0
    assert safepip.installed() == {"web": "1.0", "base": "1.1", "tool": "2.0"}


def digest(world: World, stem: str) -> str:
    published = world.main.file(f"{stem}-py3-none-any.whl")
    assert published is not None
    return published.claimed


def test_a_wrong_hash_is_refused(safepip: Command) -> None:
    (safepip.folder / "r.txt").write_text(f"base==1.1 --hash=sha256:{'0' * 64}\n")
    result = safepip("-r", "r.txt")
    assert result.exit == 1
    assert safepip.installed() == {}


class TestAttested:
    """A file with a real Sigstore signature, made by the test's own Sigstore."""

    @pytest.fixture
    def sigstore(self, safepip: Command) -> LocalSigstore:
        sigstore = LocalSigstore.create(datetime.now(timezone.utc))
        (safepip.folder / "root.json").write_bytes(sigstore.trusted_root_json())
        return sigstore

    @staticmethod
    def attest(published: Published, sigstore: LocalSigstore, digest: str | None = None) -> None:
        attestation = sigstore.attest(published.text, digest or published.claimed, GitHub())
        publisher = {"kind": "GitHub", "repository": "acme/demo", "workflow": "release.yml"}
        published.provenance = sigstore.provenance([attestation], publisher)

    def test_verified_and_named(self, safepip: Command, world: World, sigstore: LocalSigstore) -> None:
        self.attest(world.publish("signed", "1.0"), sigstore)
        result = safepip("signed", "--sp-trusted-root", "root.json")
        assert result.exit == 0, result.stderr
        assert "published by github:acme/demo/release.yml@refs/tags/v1.0" in result.stdout
        assert result.report is not None
        [signed] = result.report["distributions"]
        assert signed["publisher"] == "github:acme/demo/release.yml@refs/tags/v1.0"

    def test_the_public_root_does_not_know_it(self, safepip: Command, world: World, sigstore: LocalSigstore) -> None:
        self.attest(world.publish("signed", "1.0"), sigstore)
        refused(safepip("signed"), "attestation")

    def test_another_digest(self, safepip: Command, world: World, sigstore: LocalSigstore) -> None:
        self.attest(world.publish("signed", "1.0"), sigstore, digest="0" * 64)
        refusal = refused(safepip("signed", "--sp-trusted-root", "root.json"), "attestation")
        assert refusal["code"] == "subject-digest"

    def test_advertised_and_gone(self, safepip: Command, world: World, sigstore: LocalSigstore) -> None:
        self.attest(world.publish("signed", "1.0"), sigstore)
        world.lose("provenance")
        result = safepip("signed", "--sp-trusted-root", "root.json")
        refused(result, "provenance-available")
        assert result.report is not None
        assert result.report["outcome"] == "could-not-check"

    @pytest.mark.parametrize(
        ("pin", "lets_in"),
        [("github:ACME/demo/release.yml@refs/tags/*", True), ("github:evil/demo/release.yml", False)],
    )
    def test_pins(self, safepip: Command, world: World, sigstore: LocalSigstore, pin: str, lets_in: bool) -> None:
        self.attest(world.publish("signed", "1.0"), sigstore)
        (safepip.folder / "safepip.toml").write_text(f'schema = 1\n[projects.signed]\npublishers = ["{pin}"]\n')
        result = safepip("signed", "--sp-trusted-root", "root.json")
        if lets_in:
            assert result.exit == 0, result.stderr
        else:
            refused(result, "publisher")

    def test_a_pinned_project_must_be_attested(self, safepip: Command) -> None:
        (safepip.folder / "safepip.toml").write_text('schema = 1\n[projects.base]\npublishers = ["github:a/b"]\n')
        result = safepip("base")
        assert result.exit == 1
        assert result.report is not None
        assert {one["check"] for one in result.report["refusals"]} == {"attestation", "publisher"}

    def test_sigstore_is_not_imported_when_nothing_is_attested(self, safepip: Command) -> None:
        result = safepip("web", PYTHONPROFILEIMPORTTIME="1")
        assert result.exit == 0
        imported = {line.rpartition("|")[2].strip() for line in result.stderr.splitlines()}
        assert "safepip.io.gather" in imported
        assert not {name for name in imported if name.partition(".")[0] in {"sigstore", "pydantic", "cryptography"}}


class TestTrouble:
    """Each: one clear error, the right exit code, no traceback, the environment as it was."""

    @staticmethod
    def failed(result: Result, *words: str, exit_code: int = 1) -> None:
        assert result.exit == exit_code, result
        assert "Traceback" not in result.stderr + result.stdout
        assert lines(result.stderr, "ERROR:") or exit_code == 2
        for word in words:
            assert word in result.stderr

    @pytest.mark.parametrize(
        ("fault", "words"),
        [
            (Fault(status=401), "401"),
            (Fault(status=403), "403"),
            (Fault(status=500), "500"),
            (Fault(drop=True), "127.0.0.1"),
            (Fault(truncate=10), "127.0.0.1"),
            (Fault(body=b"<html>login</html>", content_type="application/vnd.pypi.simple.v1+json"), "base"),
            (Fault(redirect="http://packages.example/"), "packages.example"),
        ],
    )
    def test_a_page_that_is_no_answer(self, safepip: Command, server: WorldServer, fault: Fault, words: str) -> None:
        server.fail("/simple/base/", fault)
        result = safepip("base", "--retries", "0")
        self.failed(result, words)
        assert safepip.installed() == {}

    @pytest.mark.parametrize(
        "fault", [Fault(status=404), Fault(status=503), Fault(truncate=100), Fault(excess=b"x" * 99), Fault(drop=True)]
    )
    def test_a_file_that_does_not_come(self, safepip: Command, server: WorldServer, fault: Fault) -> None:
        server.fail("/files/base-1.1-py3-none-any.whl", fault)
        result = safepip("web", "--retries", "0")
        if not fault.excess:
            self.failed(result, "base-1.1-py3-none-any.whl")
            assert safepip.installed() == {}
            assert result.report is not None
            assert result.report["outcome"] == "could-not-check"
        else:  # what comes after the announced end is not of this answer
            assert result.exit in {0, 1}

    def test_a_page_of_another_project(self, safepip: Command, server: WorldServer) -> None:
        body = b'{"meta": {"api-version": "1.0"}, "name": "tool", "files": []}'
        server.fail("/simple/base/", Fault(body=body, content_type="application/vnd.pypi.simple.v1+json"))
        self.failed(safepip("base"), "base")

    def test_nobody_there(self, safepip: Command) -> None:
        self.failed(safepip("base", "-i", "http://127.0.0.1:9/simple", "--retries", "0"), "127.0.0.1:9")

    def test_plain_http(self, safepip: Command) -> None:
        self.failed(safepip("base", "-i", "http://packages.example/simple"), "plain http")

    def test_credentials_are_never_shown(self, safepip: Command, server: WorldServer) -> None:
        index = server.index().reveal().replace("//", "//user:hunter2@")
        server.fail("/simple/base/", Fault(status=403))
        result = safepip("base", "-i", index)
        self.failed(result, "403")
        assert "hunter2" not in result.stderr + result.stdout + json.dumps(result.report)

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("base=>1",), "base=>1"),
            (("-r", "absent.txt"), "absent.txt"),
            (("nothing-of-this-name",), "nothing-of-this-name"),
            (("base==7",), "base==7"),
            (("./nowhere.whl",), "nowhere.whl"),
            (("base", "--sp-policy", "absent.toml"), "absent.toml"),
            (("base", "--sp-trusted-root", "absent.json"), ""),
        ],
    )
    def test_bad_input(self, safepip: Command, arguments: tuple[str, ...], words: str) -> None:
        if words:
            self.failed(safepip(*arguments), words)
            assert safepip.installed() == {}

    def test_a_malformed_requirements_file_names_every_line(self, safepip: Command) -> None:
        (safepip.folder / "r.txt").write_text("base\n===\nbase >> 1\n--frobnicate\n")
        self.failed(safepip("-r", "r.txt"), "r.txt:2", "r.txt:3", "r.txt:4")

    def test_a_malformed_policy_names_every_line(self, safepip: Command) -> None:
        (safepip.folder / "safepip.toml").write_text("schema = 1\n[rules]\nhashes = 'x'\nfoo = 1\n")
        self.failed(safepip("base"), "safepip.toml:3", "safepip.toml:4")

    @pytest.mark.parametrize("line", ["--trusted-host x", "--no-binary :all:", "--only-binary :none:", "-i https://x/"])
    def test_a_line_that_would_loosen(self, safepip: Command, line: str) -> None:
        (safepip.folder / "r.txt").write_text(f"base\n{line}\n")
        self.failed(safepip("-r", "r.txt"), "r.txt:2")

    def test_a_conflict_is_told_in_sentences(self, safepip: Command, world: World) -> None:
        world.publish("left", "1", requires=["base<1.1"])
        world.publish("right", "1", requires=["base>=1.1"])
        result = safepip("left", "right")
        self.failed(result, "The conflict is caused by:", "left 1 depends on base<1.1", "right 1 depends on base>=1.1")

    def test_usage(self, safepip: Command) -> None:
        self.failed(safepip("--frobnicate"), "no such option", exit_code=2)

    def test_no_such_environment(self, command: Command) -> None:
        nowhere = Command(environment=command.folder / "nowhere", folder=command.folder)
        self.failed(nowhere("base"), "nowhere")


def test_a_local_wheel_is_recorded_as_direct(safepip: Command, world: World) -> None:
    published = world.publish("direct", "1.0", requires=["base"])
    (safepip.folder / published.text).write_bytes(published.content)
    result = safepip(f"./{published.text}")
    assert result.exit == 0, result.stderr
    recorded = json.loads((safepip.site / "direct-1.0.dist-info" / "direct_url.json").read_bytes())
    assert recorded["url"] == (safepip.folder / published.text).as_uri()
    assert safepip.installed() == {"direct": "1.0", "base": "1.1"}


def test_upgrades(safepip: Command) -> None:
    assert safepip("base==1.0").exit == 0
    assert safepip("web").exit == 0
    assert safepip.installed()["base"] == "1.0"
    assert safepip("-U", "base").exit == 0
    assert safepip.installed()["base"] == "1.1"


@pytest.mark.parametrize("where", [(), ("--target", "there")])
def test_another_version_beside_the_old_one_counts(safepip: Command, where: tuple[str, ...]) -> None:
    """`-I` and `--target -U` leave the old version's folder lying beside the new one."""
    assert safepip("base==1.0", *where).exit == 0
    again = safepip("-I" if not where else "-U", "base==1.1", *where)
    assert again.exit == 0, again.stderr
    folder = safepip.folder / "there" if where else safepip.site
    assert (folder / "base-1.1.dist-info" / "safepip.json").exists()


def test_a_stopped_run_ends_like_an_interrupt(safepip: Command, server: WorldServer) -> None:
    """A time-out or a stopped container sends SIGTERM."""
    server.fail("/simple/base/", Fault(delay=20))
    process = subprocess.Popen(
        [sys.executable, "-m", "safepip", "--python", str(safepip.environment), "install", "base"],
        env=safepip.environ({}),
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 15
    while not server.requests and time.monotonic() < deadline:
        time.sleep(0.05)
    process.terminate()
    _, told = process.communicate(timeout=15)
    assert process.returncode == 1
    assert told == "ERROR: Operation cancelled by user\n"


def test_find_links_and_no_index(safepip: Command, world: World) -> None:
    folder = safepip.folder / "wheels"
    folder.mkdir()
    for stem in ("web-1.0", "base-1.1", "tool-2.0"):
        published = world.main.file(f"{stem}-py3-none-any.whl")
        assert published is not None
        (folder / published.text).write_bytes(published.content)
    result = safepip("web", "--no-index", "-f", "wheels")
    assert result.exit == 0, result.stderr
    assert len(safepip.installed()) == 3


def test_a_wheelhouse_beside_its_index_is_a_mirror(safepip: Command, world: World) -> None:
    published = world.main.file("base-1.1-py3-none-any.whl")
    assert published is not None
    (safepip.folder / published.text).write_bytes(published.content)
    result = safepip("base", "-f", ".")
    assert result.exit == 0, result.stderr


def test_a_corrupted_store_entry_is_fetched_again(safepip: Command, tmp_path: Path) -> None:
    assert safepip("base", "--target", str(tmp_path / "one")).exit == 0
    entries = [
        path for path in (safepip.folder / "home" / "cache").rglob("*") if path.is_file() and "files" in str(path)
    ]
    assert entries
    for entry in entries:
        entry.chmod(0o600)
        entry.write_bytes(b"poison")
    result = safepip("base", "--target", str(tmp_path / "two"))
    assert result.exit == 0, result.stderr
    assert "Downloading base" in result.stdout
