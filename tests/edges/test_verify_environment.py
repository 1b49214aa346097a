"""`safepip verify --environment` as a user runs it, over what a real pip installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.command import Command, clean_environ
from tests.world import World, WorldServer

SOURCE = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Verify:
    environment: Path
    folder: Path

    @property
    def site(self) -> Path:
        [found] = self.environment.glob("lib/python*/site-packages")
        return found

    def __call__(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "safepip", "verify", "--environment", *arguments],
            cwd=self.folder,
            env=clean_environ(self.folder / "home", {"PYTHONPATH": str(SOURCE), **variables}),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert "Traceback" not in done.stderr
        return done

    def read(self) -> tuple[int, dict[str, Any]]:
        done = self(str(self.environment), "--format", "json")
        document = json.loads(done.stdout)
        assert document["schema"] == "safepip-environment/1"
        [environment] = document["environments"]
        return done.returncode, environment

    def of(self, name: str) -> dict[str, Any]:
        _, environment = self.read()
        [found] = [one for one in environment["distributions"] if one["name"] == name]
        assert isinstance(found, dict)
        return found

    def changes(self, name: str) -> dict[str, str]:
        return {Path(one["path"]).name: one["change"] for one in self.of(name)["differences"]}


def _world() -> World:
    world = World()
    world.publish("web", "1.0", requires=["base"], entry_points="[console_scripts]\nweb = web:main\n")
    world.publish("base", "1.0", files={"base/__init__.py": b"x = 1\n", "base/deep/__init__.py": b"y = 2\n"})
    for name in ("one", "two"):
        world.publish(f"shared-{name}", "1.0", files={f"shared/{name}.py": b"z = 3\n"})
    return world


@pytest.fixture(scope="module")
def installed(bare_environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Installed once by safepip, to be copied."""
    folder = tmp_path_factory.mktemp("installed")
    environment = folder / "environment"
    shutil.copytree(bare_environment, environment, symlinks=True)
    with WorldServer(_world()) as server:
        index = {"PIP_INDEX_URL": server.index().reveal()}
        done = Command(environment=environment, folder=folder, variables=index)("web", "shared-one", "shared-two")
    assert done.exit == 0, done.stderr
    return environment


@pytest.fixture
def verify(installed: Path, tmp_path: Path) -> Verify:
    environment = tmp_path / "environment"
    shutil.copytree(installed, environment, symlinks=True)
    return Verify(environment, tmp_path)


def byte_code(verify: Verify) -> Path:
    [found] = verify.site.glob("base/__pycache__/__init__.*.pyc")
    return found


def test_intact(verify: Verify) -> None:
    done = verify(str(verify.environment))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{verify.environment}: 4 distributions: 4 intact\n"
    done = verify(str(verify.environment), "-v")
    assert "base-1.0-py3-none-any.whl sha256:" in done.stdout
    assert done.stdout.count("  intact  ") == 4
    code, environment = verify.read()
    assert (code, environment["findings"]) == (0, 0)
    assert environment["counts"] == {"intact": 4, "changed": 0, "foreign": 0, "orphan": 0}


def test_an_installation_that_was_cut_off_is_noted(verify: Verify) -> None:
    (verify.site / ".safepip-undo").mkdir()
    (verify.site / ".safepip-undo" / "journal.json").write_text("{}")
    code, environment = verify.read()
    assert code == 0
    assert [note for note in environment["notes"] if "was cut off: the next one there undoes it" in note]


def test_the_interpreter_the_library_and_the_default_name_the_same(verify: Verify) -> None:
    for name in (verify.environment / "bin" / "python", verify.site):
        done = verify(str(name))
        assert (done.returncode, done.stdout) == (0, f"{name}: 4 distributions: 4 intact\n")
    done = verify(VIRTUAL_ENV=str(verify.environment))
    assert done.returncode == 0
    assert "4 intact" in done.stdout


def test_python_writing_byte_code_is_no_change(verify: Verify) -> None:
    """What Python writes for itself is counted, and what it writes anew where safepip's is gone, too."""
    for source in verify.site.rglob("*.py"):
        subprocess.run([verify.environment / "bin" / "python", "-O", "-m", "py_compile", source], check=True)
    for cache in (verify.site / "base").rglob("__pycache__"):
        shutil.rmtree(cache)
    code, environment = verify.read()
    assert (code, environment["counts"]["intact"]) == (0, 4)
    assert any(one["loose-byte-code"] for one in environment["distributions"])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda verify: (verify.site / "base/__init__.py").write_text("evil()"), {"__init__.py": "altered"}),
        (lambda verify: (verify.site / "base/__init__.py").unlink(), {"__init__.py": "missing"}),
        (lambda verify: (verify.site / "base/evil.py").write_text("evil()"), {"evil.py": "added"}),
        (lambda verify: (verify.site / "base/evil.pyc").write_bytes(b"evil"), {"evil.pyc": "added"}),
        (
            lambda verify: ((verify.site / "base/new").mkdir(), (verify.site / "base/new/e.py").write_text("")),
            {"e.py": "added"},
        ),
        (lambda verify: byte_code(verify).write_bytes(b"evil"), {"__init__": "altered"}),
    ],
)
def test_changed(verify: Verify, change: Callable[[Verify], object], told: dict[str, str]) -> None:
    change(verify)
    assert {name.partition(".cpython")[0]: change for name, change in verify.changes("base").items()} == told
    done = verify(str(verify.environment))
    assert done.returncode == 1
    assert "3 intact, 1 changed" in done.stdout
    assert "  changed      base 1.0 (" in done.stderr


def test_a_script_and_a_distribution_of_one_module(verify: Verify) -> None:
    (verify.environment / "bin" / "web").write_text("#!/bin/sh\n")
    (verify.site / "web.py").unlink()
    assert verify.changes("web") == {"web": "altered", "web.py": "missing"}


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda info: (info / "safepip.json").unlink(), "RECORD lists a receipt, and there is none"),
        (lambda info: (info / "safepip.json").write_text("{}"), "the receipt does not hold"),
        (lambda info: (info / "safepip.json").write_text("[" * 100_000), "the receipt does not hold"),
        (lambda info: (info / "RECORD").unlink(), "RECORD cannot be read"),
        (lambda info: (info / "RECORD").write_bytes(b"\xff"), "RECORD is not CSV"),
        (
            lambda info: (info / "RECORD").write_text((info / "RECORD").read_text() + "base/evil.py,,\n"),
            "RECORD is not as it was",
        ),
        (
            lambda info: shutil.copy(info.parent / "web-1.0.dist-info" / "safepip.json", info),
            "the receipt is of web 1.0",
        ),
    ],
)
def test_an_altered_receipt_or_record(verify: Verify, change: Callable[[Path], object], fault: str) -> None:
    change(verify.site / "base-1.0.dist-info")
    found = verify.of("base")
    assert found["status"] == "changed"
    assert any(fault in one for one in found["faults"]), found["faults"]


def test_a_receipt_without_a_distribution(verify: Verify) -> None:
    (verify.site / "base-1.0.dist-info" / "METADATA").unlink()
    (verify.site / "base-1.0.dist-info" / "RECORD").unlink()
    assert verify.of("base")["status"] == "orphan"
    done = verify(str(verify.environment))
    assert done.returncode == 1
    assert "1 receipt without a distribution" in done.stdout


def foreign(verify: Verify) -> Path:
    """As another installer left it."""
    info = verify.site / "base-1.0.dist-info"
    rows = [row for row in (info / "RECORD").read_text().splitlines(keepends=True) if "safepip.json" not in row]
    (info / "RECORD").write_text("".join(rows))
    (info / "safepip.json").unlink()
    return info


def test_what_safepip_did_not_install(verify: Verify) -> None:
    foreign(verify)
    done = verify(str(verify.environment))
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 not installed by safepip" in done.stdout
    assert "  foreign      base 1.0\n" in done.stdout
    (verify.folder / "strict.toml").write_text('schema = 1\nprofile = "strict"\n')
    done = verify(str(verify.environment), "--sp-policy", "strict.toml")
    assert done.returncode == 1
    assert "safepip did not install it, and the policy's profile is strict" in done.stderr


def test_what_safepip_did_not_install_and_was_altered(verify: Verify) -> None:
    foreign(verify)
    (verify.site / "base" / "__init__.py").write_text("evil()")
    assert verify.changes("base") == {"__init__.py": "altered"}
    assert verify(str(verify.environment)).returncode == 1


def test_start_up_code_that_nobody_owns(verify: Verify) -> None:
    """And it is not run by the look at it."""
    ran = verify.folder / "ran"
    line = f"import pathlib; pathlib.Path({str(ran)!r}).touch()\n"
    (verify.site / "evil.pth").write_text(line)
    (verify.site / "sitecustomize.py").write_text(line)
    (verify.site / "evil.start").write_text("os:getcwd\n")
    (verify.site / "base.so").write_bytes(b"\x7fELF")
    (verify.site / "shared" / "__init__.py").write_text("")
    (verify.site / "harmless.txt").write_text("")
    done = verify(str(verify.environment / "bin" / "python"))
    assert done.returncode == 1
    assert not ran.exists()
    for word in ("evil.pth", "sitecustomize.py", "evil.start", "base.so", "shared/__init__.py", "import pathlib"):
        assert word in done.stderr, word
    assert "harmless" not in done.stderr
    assert verify.read()[1]["unowned"] == [str(verify.site / "harmless.txt")]


def test_what_stands_in_for_a_module_by_a_link_or_in_the_name_of_another_distribution(verify: Verify) -> None:
    """An import follows a link to a folder; and whoever adds a file can add a .dist-info that lists it."""
    (verify.folder / "elsewhere").mkdir()
    (verify.site / "web").symlink_to(verify.folder / "elsewhere")
    (verify.site / "base" / "__init__.so").write_bytes(b"\x7fELF")
    (verify.site / "base" / "more.py").write_bytes(b"")
    info = verify.site / "evil-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: evil\n")
    (info / "RECORD").write_text("base/__init__.so,,\nbase/more.py,,\nevil-1.0.dist-info/RECORD,,\n")
    code, environment = verify.read()
    assert {Path(one["path"]).name for one in environment["strays"]} == {"web", "__init__.so"}
    assert code == 1


def test_a_row_for_a_folder_hides_nothing_in_it(verify: Verify) -> None:
    (verify.site / "web").mkdir()
    (verify.site / "web" / "__init__.py").write_text("")
    (verify.folder / "elsewhere").mkdir()
    (verify.site / "shared" / "one").symlink_to(verify.folder / "elsewhere")
    info = verify.site / "evil-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: evil\n")
    (info / "RECORD").write_text("web,,\nshared/one,,\nevil-1.0.dist-info/RECORD,,\n")
    _, environment = verify.read()
    assert {Path(one["path"]).name for one in environment["strays"]} == {"web", "one"}


def test_rows_for_folders_of_byte_code_that_are_not_there(verify: Verify) -> None:
    """As virtualenv lists them for the pip that it puts there."""
    info = foreign(verify)
    with (info / "RECORD").open("a") as record:
        record.write("base-1.0.dist-info/__pycache__/,,\nbase/__pycache__/,,\n")
    assert verify.of("base")["differences"] == []


def test_a_folder_of_metadata_that_is_a_link(verify: Verify) -> None:
    info = verify.site / "base-1.0.dist-info"
    info.rename(verify.folder / "elsewhere")
    info.symlink_to(verify.folder / "elsewhere")
    assert "RECORD names a file outside of the environment" in str(verify.of("base")["faults"])


def test_hostile_things_are_told_in_words(verify: Verify) -> None:
    """A pipe in the place of a file, links in a circle, rows that climb, a name that is no text: never a wait."""
    os.mkfifo(verify.site / "base" / "pipe.py")
    (verify.site / "web.py").unlink()
    os.mkfifo(verify.site / "web.py")
    (verify.site / "base" / "round").symlink_to(verify.site / "base")
    Path(os.fsdecode(os.fsencode(verify.site) + b"/base/\xff.py")).write_text("")
    twin = verify.site / "Base-2.0.dist-info"
    twin.mkdir()
    (twin / "METADATA").write_text("Name: base\nVersion: 2.0\n")
    (twin / "RECORD").write_text("../../../../../../../../../../etc/passwd,sha256=AAAA,1\n/dev/zero,sha256=AAAA,\n")
    null = verify.site / "null-1.0.dist-info"
    null.mkdir()
    (null / "METADATA").write_text("Name: null\nVersion: 1.0\n")
    (null / "RECORD").write_text("a\0b,,\n")
    os.mkfifo(verify.site / "odd-1.0.egg-info")
    (verify.site / "evil-1.0.dist-info").mkdir()
    os.mkfifo(verify.site / "evil-1.0.dist-info" / "safepip.json")
    (verify.site / "loop-1.0.dist-info").symlink_to(verify.site / "loop-1.0.dist-info")
    os.mkfifo(verify.site / "pipe.pth")
    code, environment = verify.read()
    assert code == 1
    assert any("base is installed twice" in note for note in environment["notes"])
    told = {(one["name"], one["version"]): one for one in environment["distributions"]}
    assert "outside of the environment" in told["base", "2.0"]["faults"][0]
    assert told["null", "1.0"]["faults"]
    assert told["evil", "1.0"]["status"] == "orphan"
    assert {one["change"] for one in told["web", "1.0"]["differences"]} == {"altered"}
    assert verify(str(verify.environment)).returncode == 1


@pytest.mark.parametrize(
    "words",
    [
        ("--provenance", "x"),
        ("--publisher", "github:a/b"),
        ("--index-url", "https://index.example/simple/"),
        ("--staging",),
        ("",),
    ],
)
def test_options_that_make_no_sense_together(verify: Verify, words: tuple[str, ...]) -> None:
    done = verify(*words)
    assert done.returncode == 2
    assert "Usage:" in done.stderr


def test_what_is_no_environment(verify: Verify) -> None:
    for name in ("nowhere", str(verify.folder / "home"), os.devnull):
        (verify.folder / "home").mkdir(exist_ok=True)
        done = verify(name)
        assert done.returncode == 1
        assert "Name the folder of an environment" in done.stderr


def test_an_interpreter_of_its_own_reads_no_site_folder_when_it_is_asked(verify: Verify) -> None:
    """`bin/python` of a virtual environment without its pyvenv.cfg is one that is asked."""
    asked = verify.folder / "asked"
    program = verify.environment / "bin" / "alone"
    program.write_text(f'#!/bin/sh\necho "$@" > {asked}\necho \'["{verify.site}"]\'\n')
    program.chmod(0o755)
    (verify.environment / "pyvenv.cfg").unlink()
    done = verify(str(program))
    assert "4 intact" in done.stdout
    assert asked.read_text().startswith("-I -S -B -c ")


class TestKeep:
    def test_altered_files_are_installed_anew_under_hash_mode(self, command: Command) -> None:
        world = World()
        published = world.publish("base", "1.0")
        (command.folder / "pinned.txt").write_text(f"base==1.0 --hash=sha256:{published.claimed}\n")
        with WorldServer(world) as server:
            index = {"PIP_INDEX_URL": server.index().reveal()}
            safepip = Command(environment=command.environment, folder=command.folder, variables=index)
            assert safepip("-r", "pinned.txt", "--require-hashes").exit == 0
            again = safepip("-r", "pinned.txt", "--require-hashes")
            assert (again.exit, again.stderr) == (0, "")
            assert "Requirement already satisfied" in again.stdout
            (safepip.site / "base.py").write_text("evil()")
            unasked = safepip("base")
            assert (unasked.exit, (safepip.site / "base.py").read_text()) == (0, "evil()")
            anew = safepip("-r", "pinned.txt", "--require-hashes")
            assert anew.exit == 0, anew.stderr
            assert "base 1.0 is installed anew" in anew.stderr
            assert "evil" not in (safepip.site / "base.py").read_text()
            assert Verify(command.environment, command.folder)(str(command.environment)).returncode == 0
