"""`safepip install` that is killed, interrupted, or run twice at once, with a real pip and a real environment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.command import Command
from tests.unit.io.target.killing import changes, tree
from tests.world import World, WorldServer

MANY = {f"web/m{number}.py": b"x = 1\n" for number in range(2500)}


@pytest.fixture
def safepip(command: Command) -> Iterator[Command]:
    world = World()
    world.publish("base", "1.0", files={"base/__init__.py": b"old\n"})
    world.publish("base", "2.0", files={"base/__init__.py": b"new\n"})
    world.publish("web", "1.0", requires=["base>=2"], files=MANY)
    with WorldServer(world) as server:
        variables = {"PIP_INDEX_URL": server.index().reveal()}
        yield Command(environment=command.environment, folder=command.folder, variables=variables)


def start(safepip: Command, *arguments: str) -> subprocess.Popen[str]:
    where = ["--python", str(safepip.environment)]
    return subprocess.Popen(
        [sys.executable, "-m", "safepip", *where, "install", *arguments],
        env=safepip.environ({}),
        cwd=safepip.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.005)


def half_way(safepip: Command) -> bool:
    return (safepip.site / "web" / "m100.py").exists()


def test_killed_while_pip_works_and_undone_by_the_next_run(safepip: Command) -> None:
    assert safepip("base==1.0").exit == 0
    before = tree(safepip.environment)
    first = start(safepip, "web")
    until(lambda: half_way(safepip))
    first.kill()
    first.communicate()
    assert changes(before, tree_of_rest(safepip)) != []
    undone = safepip("base")  # satisfied; so all that is done is the undo
    assert undone.exit == 0, undone.stderr
    assert "An earlier run was cut off while it installed base 2.0 in place of 1.0, web 1.0" in undone.stderr
    assert changes(before, tree(safepip.environment)) == []
    assert safepip("web").exit == 0
    assert safepip.installed() == {"base": "2.0", "web": "1.0"}


def tree_of_rest(safepip: Command) -> dict[str, tuple[int, bytes | str]]:
    """The environment while pip, which was not killed, may still write into it."""
    for _ in range(100):
        try:
            return tree(safepip.environment)
        except FileNotFoundError:
            continue
    raise AssertionError


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_while_pip_works(safepip: Command, number: signal.Signals) -> None:
    assert safepip("base==1.0").exit == 0
    before = tree(safepip.environment)
    first = start(safepip, "web")
    until(lambda: half_way(safepip))
    first.send_signal(number)
    _, stderr = first.communicate(timeout=60)
    assert first.returncode == 1
    assert "What had been begun is undone: the environment is as it was." in stderr
    assert "Operation cancelled by user" in stderr
    assert "Traceback" not in stderr
    assert changes(before, tree(safepip.environment)) == []


def test_an_impatient_user_interrupts_again_and_again(safepip: Command) -> None:
    before = tree(safepip.environment)
    first = start(safepip, "web")
    until(lambda: half_way(safepip))
    for _ in range(30):
        first.send_signal(signal.SIGINT)
        time.sleep(0.01)
    _, stderr = first.communicate(timeout=60)
    assert first.returncode != 0
    assert "Traceback" not in stderr
    safepip("base")  # whatever was left is undone
    assert "web" not in safepip.installed()
    assert [name for name in changes(before, tree(safepip.environment)) if "base" not in name] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_after_the_end_shows_no_traceback(number: signal.Signals) -> None:
    """The run is over, and Python is still putting things away: there is nothing left to be undone."""
    code = (
        f"import atexit, os, sys; atexit.register(os.kill, os.getpid(), {int(number)})\n"
        "from safepip.__main__ import main; sys.argv = ['safepip', 'scan', 'nowhere-1.0-py3-none-any.whl']\n"
        "sys.exit(main())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == -number
    assert "Traceback" not in done.stderr
    assert "nowhere" in done.stderr


def test_two_runs_at_once(safepip: Command) -> None:
    first = start(safepip, "web")
    until((safepip.site / ".safepip-undo").exists)
    second = safepip("web")
    stdout, stderr = first.communicate(timeout=60)
    assert first.returncode == 0, stderr
    assert "Successfully installed" in stdout
    assert second.exit == 0, second.stderr
    assert second.stderr.count("Waiting for another safepip run in this environment to end ...") == 1
    assert "Requirement already satisfied: web" in second.stdout
    assert safepip.installed() == {"base": "2.0", "web": "1.0"}
    assert not (safepip.site / ".safepip-undo").exists()


def test_a_dry_run_neither_waits_nor_undoes(safepip: Command) -> None:
    (safepip.site / ".safepip-undo").mkdir(mode=0o700)
    result = safepip("--dry-run", "base")
    assert result.exit == 0, result.stderr
    assert (safepip.site / ".safepip-undo").is_dir()


def test_pip_check_after_an_undo(safepip: Command) -> None:
    assert safepip("base==1.0").exit == 0
    first = start(safepip, "web")
    until(lambda: half_way(safepip))
    first.send_signal(signal.SIGINT)
    first.communicate(timeout=60)
    python = str(safepip.environment / "bin" / "python")
    environ = {**os.environ, "PIP_CONFIG_FILE": os.devnull}
    command = [sys.executable, "-m", "pip", "--python", python, "check"]
    checked = subprocess.run(command, capture_output=True, text=True, check=False, env=environ)
    assert checked.stdout.strip() == "No broken requirements found."
    imported = subprocess.run([python, "-I", "-c", "import base"], capture_output=True, text=True, check=False)
    assert "NameError: name 'old'" in imported.stderr  # the old one, which says so


def test_a_library_folder_that_is_made_and_left_again(safepip: Command, tmp_path: Path) -> None:
    result = safepip("--target", str(tmp_path / "new" / "into"), "no-such-project")
    assert result.exit == 1
    assert not (tmp_path / "new").exists()
