"""One run at a time per environment."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from safepip.errors import EnvironmentFault
from safepip.io import environmentlock
from safepip.io.environment import PythonEnvironment
from safepip.io.environmentlock import locked_environment
from safepip.io.journal import FOLDER, JournalFolder
from safepip.io.survey import survey
from safepip.io.territory import Territory
from tests.unit.io.target.conftest import HERE, Rigging, Venv
from tests.unit.io.target.killing import receipt, recover
from tests.unit.io.target.wheels import install, plan, wheel


@pytest.fixture
def environment(venv: Venv) -> Iterator[PythonEnvironment]:
    with contextlib.closing(PythonEnvironment(venv.python, HERE, os.environ)) as made:
        yield made


@contextlib.contextmanager
def held(folder: Path) -> Iterator[int]:
    """As another process would hold it: an open file of its own."""
    descriptor = os.open(folder, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def test_the_second_waits_says_so_once_and_goes_on(venv: Venv, environment: PythonEnvironment) -> None:
    said: list[str] = []
    waiting = threading.Event()

    def say(line: str) -> None:
        said.append(line)
        waiting.set()

    def second() -> None:
        with locked_environment(environment, say, patience=20):
            said.append("goes on")

    thread = threading.Thread(target=second)
    with held(venv.library):
        thread.start()
        assert waiting.wait(20)
        assert said == ["Waiting for another safepip run in this environment to end ..."]
    thread.join(20)
    assert said[1:] == ["goes on"]


def test_patience_ends(venv: Venv, environment: PythonEnvironment) -> None:
    with held(venv.library), pytest.raises(EnvironmentFault) as caught:  # noqa: SIM117
        with locked_environment(environment, print, patience=0.1):
            raise AssertionError
    assert caught.value.reference == "environment-busy"
    assert str(venv.library) in dict(caught.value.context)["folder"]


def test_the_lock_ends_with_the_run(environment: PythonEnvironment) -> None:
    for _ in range(2):
        with locked_environment(environment, pytest.fail, patience=0):
            pass


def test_a_folder_is_made_for_the_lock_and_goes_again(venv: Venv, tmp_path: Path) -> None:
    placement = replace(HERE, target_dir=tmp_path / "a" / "b")
    with contextlib.closing(PythonEnvironment(venv.python, placement, os.environ)) as environment:
        with locked_environment(environment, pytest.fail) as made:
            assert made == (str(tmp_path / "a"), str(tmp_path / "a" / "b"))
        assert not (tmp_path / "a").exists()
        with locked_environment(environment, pytest.fail):
            (tmp_path / "a" / "b" / "installed").touch()
        assert (tmp_path / "a" / "b" / "installed").exists()


def test_a_folder_that_was_removed_while_it_was_waited_for(venv: Venv, tmp_path: Path) -> None:
    folder = tmp_path / "into"
    folder.mkdir()
    environment = PythonEnvironment(venv.python, replace(HERE, target_dir=folder), os.environ)
    waiting, inside = threading.Event(), []

    def second() -> None:
        with locked_environment(environment, lambda _: waiting.set(), patience=20):
            with pytest.raises(BlockingIOError):
                os.close(_try(folder))
            inside.append("held")

    thread = threading.Thread(target=second)
    with held(folder):
        thread.start()
        assert waiting.wait(20)
        folder.rmdir()
    thread.join(20)
    environment.close()
    assert inside == ["held"]


def _try(folder: Path) -> int:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise
    return descriptor


def test_a_folder_that_cannot_be_made_is_no_matter_of_the_lock(venv: Venv, tmp_path: Path) -> None:
    (tmp_path / "into").symlink_to("nowhere")
    placement = replace(HERE, target_dir=tmp_path / "into")
    with (
        contextlib.closing(PythonEnvironment(venv.python, placement, os.environ)) as environment,
        locked_environment(environment, pytest.fail) as made,
    ):
        assert made == ()


def test_a_read_only_environment_can_be_held(venv: Venv, environment: PythonEnvironment) -> None:
    venv.library.chmod(0o555)
    try:
        with locked_environment(environment, pytest.fail):
            pass
    finally:
        venv.library.chmod(0o755)


class TestWithoutLocks:
    @pytest.fixture(autouse=True)
    def _no_locks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def none(*_: Any) -> int:
            raise OSError(errno.ENOLCK, "No locks available")

        monkeypatch.setattr(environmentlock, "hold", none)

    def test_it_is_told_and_the_run_goes_on(self, environment: PythonEnvironment) -> None:
        said: list[str] = []
        with locked_environment(environment, said.append):
            pass
        [line] = said
        assert line.startswith("This environment cannot be locked (No locks available): see to it that no other")

    @pytest.mark.parametrize("host", ["", "another"])
    def test_a_journal_is_not_undone_while_its_run_may_live(
        self, venv: Venv, environment: PythonEnvironment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str
    ) -> None:
        if host:
            monkeypatch.setattr(socket, "gethostname", lambda: host)
        begin(environment, tmp_path)
        monkeypatch.undo()
        monkeypatch.setattr(environmentlock, "hold", _raise)
        with pytest.raises(EnvironmentFault) as caught:
            recover(venv.python)
        assert caught.value.reference == "environment-busy"
        assert (venv.library / FOLDER).is_dir()


def _raise(*_: Any) -> int:
    raise OSError(errno.ENOLCK, "No locks available")


def begin(environment: PythonEnvironment, folder: Path) -> JournalFolder:
    a_plan = plan(install(wheel(folder / "wheels")))
    journal = JournalFolder(environment.library_folders()[0])
    journal.begin(a_plan, survey(a_plan, environment, Territory.of(environment)), ())
    return journal


def test_a_pip_that_outlived_its_run_is_waited_for(venv: Venv, environment: PythonEnvironment, tmp_path: Path) -> None:
    journal = begin(environment, tmp_path)
    assert journal.at_work is not None
    (venv.library / "demo").mkdir()
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        if "Waiting" in line:
            assert (venv.library / "demo").is_dir()  # nothing is undone while it works
            journal._release()

    with locked_environment(environment, say, patience=20):
        assert not (venv.library / "demo").exists()
    assert [line.split()[0] for line in said] == ["Waiting", "An"]


def test_a_pip_that_does_not_end(venv: Venv, environment: PythonEnvironment, tmp_path: Path) -> None:
    journal = begin(environment, tmp_path)
    with pytest.raises(EnvironmentFault) as caught:
        recover(venv.python, patience=0.1)
    assert caught.value.reference == "environment-busy"
    journal.remove()


def test_an_installer_beside_an_unfinished_one_touches_nothing(
    environment: PythonEnvironment, rig: Rigging, tmp_path: Path
) -> None:
    """As on a file system without locks: the journal of another run is there, and stays."""
    journal = begin(environment, tmp_path)
    with pytest.raises(EnvironmentFault) as caught:
        rig().pip.install(plan(install(wheel(tmp_path / "wheels"))), receipt)
    assert caught.value.reference == "undo-unprepared"
    assert journal.under_way()
    journal.remove()
