"""What is remembered between runs, as a user meets it: real processes, a real index, a Sigstore of one's own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from safepip.model.ident import ProjectName
from tests.command import Command, Result
from tests.sigstore import GitHub, LocalSigstore
from tests.world import World, WorldServer
from tests.world.world import NOW, Published

PROJECT = "safepip-publishers.toml"
MOVED = GitHub(repository="evil/demo", repository_id="9009", owner_id="9010")


@pytest.fixture(scope="module")
def sigstore() -> LocalSigstore:
    return LocalSigstore.create(NOW - timedelta(days=100))


def publisher(who: GitHub) -> dict[str, str | None]:
    """What the index says of it."""
    return {"kind": "GitHub", "repository": who.repository, "workflow": who.workflow, "environment": who.environment}


class Scene:
    """A world whose files are attested, and `safepip` over it."""

    def __init__(self, world: World, server: WorldServer, sigstore: LocalSigstore, command: Command) -> None:
        self.world, self.sigstore, self.folder = world, sigstore, command.folder
        (self.folder / "root.json").write_bytes(sigstore.trusted_root_json())
        self.index = server.index().reveal()
        self.safepip = Command(
            environment=command.environment, folder=command.folder, variables={"PIP_INDEX_URL": self.index}
        )

    def publish(self, name: str, version: str, who: GitHub | None = None, *, days: int = 100) -> Published:
        file = self.world.publish(name, version, uploaded=NOW - timedelta(days=days))
        if who is not None:
            attestation = self.sigstore.attest(file.text, file.claimed, who)
            file.provenance = self.sigstore.provenance([attestation], publisher(who))
        return file

    def install(self, *words: str, **variables: str) -> Result:
        return self.safepip("--sp-trusted-root", "root.json", *words, **variables)

    def trust(self, *words: str, **variables: str) -> Result:
        done = subprocess.run(
            [sys.executable, "-m", "safepip", "trust", *words],
            env=self.safepip.environ(variables),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert "Traceback" not in done.stderr
        return Result(exit=done.returncode, stdout=done.stdout, stderr=done.stderr, report=None)

    def accept(self, *words: str) -> Result:
        return self.trust("accept", "--sp-trusted-root", "root.json", *words)

    @property
    def state(self) -> Path:
        return self.folder / "home" / "state" / "safepip" / "publishers.toml"

    @property
    def project(self) -> Path:
        return self.folder / PROJECT


@pytest.fixture
def scene(sigstore: LocalSigstore, command: Command) -> Iterator[Scene]:
    world = World()
    with WorldServer(world) as server:
        made = Scene(world, server, sigstore, command)
        made.publish("signed", "1.0", GitHub())
        yield made


def refusals(result: Result) -> set[tuple[str, str]]:
    assert result.exit == 1, result
    assert result.report is not None
    return {(one["check"], one["code"]) for one in result.report["refusals"]}


# -- first use, and after --------------------------------------------------------------------------------------------


def test_the_first_use_is_recorded_and_told_once(scene: Scene) -> None:
    first = scene.install("signed")
    assert first.exit == 0, first
    [line] = [line for line in first.stderr.splitlines() if "first use" in line]
    assert "1 publisher of first use" in line
    assert 'publisher = "github:acme/demo/release.yml@refs/tags/v1.0' in scene.state.read_text()
    scene.publish("other", "1.0", GitHub(repository="acme/other"))
    second = scene.install("other")
    assert (second.exit, second.stderr) == (0, "")
    assert "acme/other" in scene.state.read_text()


def test_the_same_publisher_passes(scene: Scene) -> None:
    scene.install("signed==1.0")
    scene.publish("signed", "1.1", GitHub(ref="refs/tags/v1.1"), days=50)
    before = scene.state.read_bytes()
    result = scene.install("signed==1.1")
    assert (result.exit, result.stderr) == (0, ""), result
    assert scene.state.read_bytes() == before


def test_another_publisher_is_refused_until_a_person_accepts_it(scene: Scene) -> None:
    scene.install("signed==1.0")
    scene.publish("signed", "1.1", MOVED, days=50)
    before = scene.state.read_bytes()
    refused = scene.install("signed==1.1")
    assert {check for check, _ in refusals(refused)} == {"publisher"}
    assert scene.state.read_bytes() == before
    accepted = scene.accept("signed==1.1")
    assert accepted.exit == 0, accepted
    was, now = accepted.stdout.splitlines()[-2:]
    assert was.split()[0] == "was"
    assert "github:acme/demo/" in was
    assert now.split()[0] == "is"
    assert "github:evil/demo/" in now
    assert scene.install("signed==1.1").exit == 0


def test_in_observe_what_was_warned_of_is_not_made_the_truth(scene: Scene) -> None:
    scene.install("signed==1.0")
    scene.publish("signed", "1.1", MOVED, days=50)
    (scene.folder / "policy.toml").write_text('schema = 1\nprofile = "observe"\n[rules]\nattestations = "first-use"\n')
    before = scene.state.read_bytes()
    result = scene.install("signed==1.1", "--sp-policy", "policy.toml")
    assert result.exit == 0, result
    assert scene.state.read_bytes() == before


def test_what_is_waived_is_not_made_the_truth(scene: Scene) -> None:
    scene.install("signed==1.0")
    scene.publish("signed", "1.1", MOVED, days=50)
    (scene.folder / "safepip.toml").write_text(
        'schema = 1\n[[waivers]]\ncheck = "publisher"\nproject = "signed"\nversion = "1.1"\n'
        f'reason = "looked at"\nuntil = {NOW + timedelta(days=9999):%Y-%m-%d}\n'
    )
    before = scene.state.read_bytes()
    assert scene.install("signed==1.1").exit == 0
    assert scene.state.read_bytes() == before


def test_forgotten_is_first_use_again(scene: Scene) -> None:
    scene.install("signed==1.0")
    gone = scene.trust("forget", "signed")
    assert gone.exit == 0, gone
    assert "was        github:acme/demo/" in gone.stdout
    assert "is         not remembered" in gone.stdout
    assert "acme/demo" not in scene.state.read_text()
    again = scene.trust("forget", "signed")
    assert again.exit == 1
    assert "nothing is remembered of signed" in again.stderr


def test_nothing_is_written_where_nothing_was_installed(scene: Scene) -> None:
    assert scene.install("signed", "--dry-run").exit == 0
    scene.world.publish("broken", "1.0", kind="sdist")
    assert scene.install("signed", "broken").exit == 1
    assert not scene.state.exists()
    assert scene.install("signed").exit == 0
    assert scene.state.exists()


def test_what_is_not_attested_is_not_remembered(scene: Scene) -> None:
    scene.publish("plain", "1.0")
    assert scene.install("plain").stderr == ""
    assert not scene.state.exists()


def test_where_publishers_are_not_kept_nothing_is_remembered(scene: Scene) -> None:
    """In observe, attestations are looked at and no more."""
    (scene.folder / "policy.toml").write_text('schema = 1\nprofile = "observe"\n')
    assert scene.install("signed", "--sp-policy", "policy.toml").exit == 0
    assert not scene.state.exists()


def test_what_a_checkout_pins_is_not_made_the_truth_elsewhere(scene: Scene) -> None:
    scene.publish("signed", "1.1", MOVED, days=50)
    policy = scene.folder / "safepip.toml"
    policy.write_text('schema = 1\n[projects.signed]\npublishers = ["github:evil/demo"]\n')
    assert scene.install("signed==1.1").exit == 0
    assert not scene.state.exists()
    policy.unlink()
    assert {check for check, _ in refusals(scene.install("--force-reinstall", "signed==1.1"))} == {"publisher"}


def test_a_copy_in_a_folder_does_not_wash_off_what_is_remembered(scene: Scene) -> None:
    scene.install("signed==1.0")
    evil = scene.publish("signed", "1.1", MOVED, days=50)
    (scene.folder / "wheels").mkdir()
    (scene.folder / "wheels" / evil.text).write_bytes(evil.content)
    before = scene.state.read_bytes()
    refused = scene.install("signed==1.1", "--find-links", "wheels")
    assert {check for check, _ in refusals(refused)} == {"publisher"}
    assert scene.state.read_bytes() == before


def test_a_second_index_is_not_remembered_for_what_the_first_attests(scene: Scene) -> None:
    """Alone, it could never show what would be asked of it then."""
    mirror = scene.world.index("mirror", provenance=False)
    [file] = scene.world.main.projects[ProjectName("signed")]
    mirror.projects[ProjectName("signed")] = [replace(file, provenance=None)]
    alone = scene.index.replace("/simple", "/mirror/simple")
    assert scene.install("signed", "--index-url", alone, "--extra-index-url", scene.index).exit == 0
    assert "/mirror/" not in scene.state.read_text()
    assert scene.install("signed", "--force-reinstall", "--index-url", alone).exit == 0


def test_the_command_of_a_refusal_works_as_it_stands(scene: Scene) -> None:
    """Also where the index was typed, and its password configured elsewhere."""
    scene.world.index("corp", password=("user", "geheim"))
    address = scene.index.replace("/simple", "/corp/simple")
    secret = address.replace("//", "//user:geheim@")
    for version, who, days in (("1.0", GitHub(), 100), ("1.1", MOVED, 50)):
        file = scene.world.publish("ours", version, index="corp", uploaded=NOW - timedelta(days=days))
        attestation = scene.sigstore.attest(file.text, file.claimed, who)
        file.provenance = scene.sigstore.provenance([attestation], publisher(who))
    assert scene.install("ours==1.0", PIP_INDEX_URL=secret).exit == 0
    refused = scene.install("ours==1.1", PIP_INDEX_URL=secret)
    assert refused.exit == 1
    command = refused.stderr.partition("If it has moved: ")[2].splitlines()[0].split()
    assert command == ["safepip", "trust", "accept", "ours==1.1", "--index", address.rstrip("/")]
    accepted = scene.trust(*command[2:], "--sp-trusted-root", "root.json", PIP_INDEX_URL=secret)
    assert accepted.exit == 0, accepted
    assert scene.install("ours==1.1", PIP_INDEX_URL=secret).exit == 0


# -- where it lies ---------------------------------------------------------------------------------------------------


def test_a_projects_file_is_used_instead_of_the_state(scene: Scene) -> None:
    made = scene.trust("init")
    assert made.exit == 0, made
    assert "instead of" not in made.stdout
    result = scene.install("signed")
    assert f"{PROJECT} has 1 publisher more (signed): review and commit it" in result.stderr
    assert "github:acme/demo/" in scene.project.read_text()
    assert not scene.state.exists()
    again = scene.trust("init")
    assert (again.exit, "there is a safepip-publishers.toml here" in again.stderr) == (1, True)


def test_what_a_projects_file_takes_the_place_of_is_told(scene: Scene) -> None:
    assert scene.install("signed").exit == 0
    made = scene.trust("init")
    assert f"instead of {scene.state}, whose publishers are of first use again" in made.stdout


def test_the_projects_file_is_found_from_below(scene: Scene) -> None:
    scene.trust("init")
    (scene.folder / "src" / "deep").mkdir(parents=True)
    below = Command(
        environment=scene.safepip.environment,
        folder=scene.folder / "src" / "deep",
        variables={"PIP_INDEX_URL": scene.index},
    )
    assert below("--sp-trusted-root", str(scene.folder / "root.json"), "signed").exit == 0
    assert "acme/demo" in scene.project.read_text()


def test_a_committed_ledger_protects_a_throw_away_environment(scene: Scene) -> None:
    """What continuous integration sees: no state, and a checkout."""
    scene.trust("init")
    scene.install("signed==1.0")
    scene.publish("signed", "1.1", MOVED, days=50)
    shutil.rmtree(scene.folder / "home", ignore_errors=True)
    assert {check for check, _ in refusals(scene.install("signed==1.1"))} == {"publisher"}


@pytest.mark.parametrize("where", ["state", "project"])
def test_a_broken_ledger_stops_the_run_before_anything_is_fetched(scene: Scene, where: str) -> None:
    path = scene.state if where == "state" else scene.project
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("schema = 1\n<<<<<<< HEAD\n")
    result = scene.install("signed")
    assert result.exit == 1
    assert "holds a merge that nobody finished" in result.stderr
    assert scene.safepip.installed() == {}
    assert path.read_text() == "schema = 1\n<<<<<<< HEAD\n"


def test_a_ledger_that_everybody_can_write_is_not_believed(scene: Scene) -> None:
    scene.trust("init")
    scene.project.chmod(0o666)
    result = scene.install("signed")
    assert result.exit == 1
    assert "everybody can write it" in result.stderr


def test_without_a_home_the_first_use_works_and_says_what_it_is_worth(scene: Scene) -> None:
    blocked = scene.folder / "blocked"
    blocked.write_text("a file where a folder would have to be")
    result = scene.install("signed", XDG_STATE_HOME=str(blocked))
    assert result.exit == 0, result
    [line] = [line for line in result.stderr.splitlines() if "first use" in line]
    assert "1 publisher of first use cannot be remembered" in line
    assert "safepip trust init" in line


def test_an_arbitrary_user_without_a_home(scene: Scene) -> None:
    """As a container platform starts it: a uid that no database knows, and no HOME."""
    odd = scene.folder / "odd"
    odd.mkdir()
    unknown = "import pwd\ndef unknown(uid):\n    raise KeyError(uid)\npwd.getpwuid = unknown\n"
    (odd / "sitecustomize.py").write_text(unknown)
    environ = scene.safepip.environ({})
    kept = {name: value for name, value in environ.items() if name != "HOME" and not name.startswith("XDG_")}
    where = ["--python", str(scene.safepip.environment)]
    done = subprocess.run(
        [sys.executable, "-m", "safepip", *where, "install", "--sp-trusted-root", "root.json", "signed"],
        env={**kept, "PYTHONPATH": f"{odd}{os.pathsep}{environ['PYTHONPATH']}"},
        cwd=scene.folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done
    [line] = [line for line in done.stderr.splitlines() if "first use" in line]
    assert "1 publisher of first use cannot be remembered" in line
    assert "no home folder" in line
    assert scene.safepip.installed() == {"signed": "1.0"}


def test_two_installations_at_once_lose_nothing(scene: Scene, bare_environment: Path, tmp_path: Path) -> None:
    scene.trust("init")
    names = [f"many{number}" for number in range(4)]
    for name in names:
        scene.publish(name, "1.0", GitHub(repository=f"acme/{name}"))

    def run(name: str) -> Result:
        place = tmp_path / f"environment-{name}"
        shutil.copytree(bare_environment, place, symlinks=True)
        (tmp_path / name).mkdir()
        one = Command(environment=place, folder=tmp_path / name, variables=scene.safepip.variables)
        return one("--sp-trusted-root", str(scene.folder / "root.json"), name)

    with ThreadPoolExecutor(len(names)) as pool:
        results = list(pool.map(run, names))
    assert [one.exit for one in results] == [0] * len(names), results
    assert all(f"acme/{name}/" in scene.project.read_text() for name in names)


# -- trust list, pin, accept -----------------------------------------------------------------------------------------


def test_list_shows_what_is_remembered(scene: Scene) -> None:
    assert "No publisher is remembered" in scene.trust("list").stdout
    scene.install("signed")
    shown = scene.trust("list")
    assert shown.exit == 0
    assert "signed  wheel  github:acme/demo/release.yml@refs/tags/v1.0" in shown.stdout
    told = json.loads(scene.trust("list", "--format", "json").stdout)
    assert told["schema"] == "safepip-publishers/1"
    [one] = told["publishers"]
    assert (one["project"], one["kind"], one["accepted-unattested"]) == ("signed", "wheel", False)
    assert one["index"] == scene.index.rstrip("/")
    assert one["file"] == "signed-1.0-py3-none-any.whl"
    assert scene.trust("list", "signed").exit == 0
    assert scene.trust("list", "nobody").exit == 1


def test_a_pin_is_added_to_the_policy_and_counts(scene: Scene) -> None:
    policy = scene.folder / "safepip.toml"
    policy.write_text("# ours\nschema = 1  # keep\n\n[rules]\nminimum-age = '3d'")
    pinned = scene.trust("pin", "Signed", "github:acme/demo/release.yml@refs/tags/*")
    assert pinned.exit == 0, pinned
    text = policy.read_text()
    assert text.startswith("# ours\nschema = 1  # keep\n\n[rules]\nminimum-age = '3d'\n\n[projects.signed]\n")
    assert scene.install("signed==1.0").exit == 0
    scene.publish("signed", "1.1", MOVED, days=50)
    assert ("publisher", "identity-mismatch") in refusals(scene.install("signed==1.1"))
    again = scene.trust("pin", "signed", "github:evil/demo")
    assert again.exit == 1
    assert 'publishers = ["github:evil/demo"]' in again.stderr
    assert policy.read_text() == text


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('schema = 1\n[projects]\nsigned = { attestations = "require" }\n', "safepip.toml"),
        ("schema = 1\nprojects = {}\n", "safepip.toml"),
        ("[tool.safepip]\nschema = 1\n", "pyproject.toml"),
        ("schema = 1\nnonsense = 1\n", "safepip.toml"),
    ],
)
def test_where_a_table_cannot_be_added_the_lines_are_told(scene: Scene, text: str, name: str) -> None:
    (scene.folder / name).write_text(text)
    result = scene.trust("pin", "signed", "github:acme/demo")
    assert result.exit == 1
    assert (scene.folder / name).read_text() == text
    if "nonsense" not in text:
        assert 'publishers = ["github:acme/demo"]' in result.stderr


def test_a_pin_without_a_policy_begins_one(scene: Scene) -> None:
    assert scene.trust("pin", "signed", "github:evil/demo").exit == 0
    assert ("publisher", "identity-mismatch") in refusals(scene.install("signed==1.0"))


def test_a_release_without_attestation_can_be_accepted_in_words(scene: Scene) -> None:
    scene.install("signed==1.0")
    scene.publish("signed", "1.1", days=50)
    assert "downgrade" in {check for check, _ in refusals(scene.install("signed==1.1"))}
    accepted = scene.accept("signed==1.1")
    assert accepted.exit == 0, accepted
    assert "is         accepted without attestation" in accepted.stdout
    assert "accepted-unattested = true" in scene.state.read_text()
    result = scene.install("signed==1.1")
    assert result.exit == 0, result.stderr


def test_what_does_not_hold_is_not_accepted(scene: Scene) -> None:
    file = scene.publish("signed", "1.1", days=50)
    attestation = scene.sigstore.attest(file.text, "0" * 64, MOVED)
    file.provenance = scene.sigstore.provenance([attestation], publisher(MOVED))
    scene.install("signed==1.0")
    before = scene.state.read_bytes()
    result = scene.accept("signed==1.1")
    assert result.exit == 1
    assert "does not hold" in result.stderr
    assert scene.state.read_bytes() == before


def test_an_empty_provenance_is_not_accepted_and_called_so(scene: Scene) -> None:
    scene.publish("signed", "1.1", days=50).provenance = b'{"version": 1, "attestation_bundles": []}'
    result = scene.accept("signed==1.1")
    assert result.exit == 1
    assert "holds no attestation" in result.stderr
    assert not scene.state.exists()


def test_a_provenance_that_cannot_be_had_is_not_taken_for_none(scene: Scene) -> None:
    scene.publish("signed", "1.1", MOVED, days=50)
    scene.world.lose("provenance")
    result = scene.accept("signed==1.1")
    assert result.exit == 1
    assert not scene.state.exists()


def test_an_index_that_offers_no_provenance_cannot_say_that_there_is_none(scene: Scene) -> None:
    scene.world.main.provenance = False
    result = scene.accept("signed==1.0")
    assert result.exit == 1
    assert "offers no provenance" in result.stderr
    assert not scene.state.exists()


@pytest.mark.parametrize(
    "words",
    [
        ("accept", "signed==9"),
        ("accept", "nobody==1"),
        ("accept", "signed"),
        ("accept",),
        ("accept", "signed==x.y"),
        ("accept", "sig ned==1"),
        ("forget", "nobody"),
        ("forget",),
        ("pin", "signed"),
        ("pin", "signed", "acme/demo"),
        ("init", "there"),
    ],
)
def test_what_cannot_be_meant_is_an_error_in_words(scene: Scene, words: tuple[str, ...]) -> None:
    result = scene.trust(*words)
    assert result.exit in {1, 2}
    assert result.stderr.strip()
    assert not scene.state.exists()
    assert not scene.project.exists()


def test_accepting_twice_changes_nothing(scene: Scene) -> None:
    assert scene.accept("signed==1.0").exit == 0
    before = scene.state.read_bytes()
    again = scene.accept("signed==1.0")
    assert "as before" in again.stdout
    assert scene.state.read_bytes() == before
