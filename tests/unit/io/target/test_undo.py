"""An installation that fails, is interrupted or is killed leaves the environment as it was."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from safepip.errors import EnvironmentFault, PipFailed
from safepip.io import transaction
from safepip.io.journal import FOLDER
from safepip.model.difference import Change, Difference
from tests.unit.io.target import killing
from tests.unit.io.target.conftest import HERE, Rigging, Venv
from tests.unit.io.target.killing import (
    Tree,
    changes,
    interrupted,
    old_wheel,
    receipt,
    recover,
    tree,
    upgrade,
)
from tests.unit.io.target.wheels import install, plan, wheel


@pytest.fixture
def venv(lived_in: Venv) -> Venv:
    return lived_in


@pytest.fixture
def before(venv: Venv) -> Tree:
    return tree(venv.path)


class TestAtOnce:
    def test_without_a_fault_all_is_installed_and_nothing_left_behind(
        self, venv: Venv, rig: Rigging, tmp_path: Path
    ) -> None:
        rigged = rig()
        rigged.pip.install(upgrade(rigged.environment, tmp_path), receipt)
        assert rigged.environment.refresh().versions() == {"demo": "2.0", "part": "1.0"}
        assert (venv.library / "demo-2.0.dist-info" / "safepip.json").is_file()
        assert not (venv.library / FOLDER).exists()
        assert (venv.library / "demo" / "mine.txt").read_text() == "kept"

    @pytest.mark.parametrize(("who", "count"), [("pip", 30), ("pip", 75), ("full", 60), ("full", 87)])
    def test_pip_fails(self, venv: Venv, before: Tree, tmp_path: Path, who: str, count: int) -> None:
        done = killing.run(venv.path, tmp_path / "wheels", who, count)
        assert done.returncode == 1
        assert "pip could not install the judged files" in done.stderr
        assert changes(before, tree(venv.path)) == []

    def test_what_lies_there_is_not_what_was_judged(
        self, venv: Venv, before: Tree, rig: Rigging, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        found = Difference(path=f"{venv.library}/demo/\x1b[2Jnew.py", change=Change.ALTERED)
        monkeypatch.setattr(transaction, "compare_installed", lambda *_, **__: (found,))
        rigged = rig()
        with pytest.raises(PipFailed) as caught:
            rigged.pip.install(upgrade(rigged.environment, tmp_path), receipt)
        assert caught.value.reference == "installed-differs"
        told = dict(caught.value.context)
        assert "altered: " in told["demo 2.0"]
        assert "\x1b" not in told["demo 2.0"]
        assert told["changed"] == "nothing: the environment is as it was"
        assert changes(before, tree(venv.path)) == []

    def test_a_receipt_cannot_be_written(
        self, venv: Venv, before: Tree, rig: Rigging, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: Any) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr("safepip.io.receipts.write_whole", full)
        rigged = rig()
        with pytest.raises(EnvironmentFault) as caught:
            rigged.pip.install(upgrade(rigged.environment, tmp_path), receipt)
        assert caught.value.reference == "receipt-unwritable"
        assert caught.value.hint is None  # "install it again" would be about what is no longer there
        assert ("changed", "nothing: the environment is as it was") in caught.value.context
        assert changes(before, tree(venv.path)) == []

    def test_no_room_for_the_journal(
        self, venv: Venv, before: Tree, rig: Rigging, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: Any, **__: Any) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        rigged = rig()
        a_plan = upgrade(rigged.environment, tmp_path)
        monkeypatch.setattr(os, "link", full)
        with pytest.raises(EnvironmentFault) as caught:
            rigged.pip.install(a_plan, receipt)
        assert caught.value.reference == "disk-full"
        assert rigged.out == []  # pip was not started
        assert changes(before, tree(venv.path)) == []

    def test_a_file_system_without_links(
        self, venv: Venv, before: Tree, rig: Rigging, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def none(*_: Any, **__: Any) -> None:
            raise OSError(errno.EPERM, "Operation not permitted")

        monkeypatch.setattr(os, "link", none)
        rigged = rig()
        with pytest.raises(KeyboardInterrupt):
            rigged.pip.install(upgrade(rigged.environment, tmp_path), interrupted)
        assert changes(before, tree(venv.path)) == []

    def test_what_cannot_be_brought_back_is_told_and_tried_again(
        self, venv: Venv, before: Tree, rig: Rigging, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        replace_, lost = os.replace, str(venv.library / "demo" / "gone.py")

        def stubborn(source: Any, target: Any) -> None:
            if target == lost:
                raise PermissionError(errno.EPERM, "Operation not permitted")
            replace_(source, target)

        rigged = rig()
        a_plan = upgrade(rigged.environment, tmp_path)
        monkeypatch.setattr(os, "replace", stubborn)
        with pytest.raises(EnvironmentFault) as caught:
            rigged.pip.install(a_plan, interrupted)
        monkeypatch.undo()
        assert caught.value.reference == "undo-incomplete"
        assert dict(caught.value.context)["not as it was"] == lost
        assert "safepip install --force-reinstall demo==1.0" in (caught.value.hint or "")
        said = recover(venv.python)
        assert said == [
            "An earlier run was cut off while it installed part 1.0, demo 2.0 in place of 1.0: that has been undone."
        ]
        assert changes(before, tree(venv.path)) == []

    def test_what_nobody_planned_and_what_may_have_been_there_is_not_forgotten(
        self, venv: Venv, before: Tree, rig: Rigging, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The RECORD that names it is removed by the first undo."""
        stranger = venv.path / "share" / "demo" / "stranger.txt"

        def swapped(_: Any, dist_info: Path, *__: Any, **___: Any) -> tuple[Difference, ...]:
            stranger.write_text("new, or written over")
            with (dist_info / "RECORD").open("a") as record:
                record.write("../../../share/demo/stranger.txt,,\n")
            return (Difference(path=str(dist_info / "RECORD"), change=Change.ALTERED),)

        monkeypatch.setattr(transaction, "compare_installed", swapped)
        rigged = rig()
        with pytest.raises(PipFailed) as caught:
            rigged.pip.install(upgrade(rigged.environment, tmp_path), receipt)
        assert dict(caught.value.context)["not as it was"] == str(stranger)
        for _ in range(2):
            with pytest.raises(EnvironmentFault) as again:
                recover(venv.python)
            assert dict(again.value.context)["not as it was"] == str(stranger)
        stranger.unlink()
        assert "that has been undone" in recover(venv.python)[0]
        assert changes(before, tree(venv.path)) == []

    @pytest.mark.parametrize("name", ["evil.pth", "sitecustomize.py", "killhook.pth"])
    def test_what_python_runs_at_its_start_was_put_beside(
        self, venv: Venv, rig: Rigging, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        there = (venv.library / name).exists()

        def written(*_: Any, **__: Any) -> tuple[Difference, ...]:
            (venv.library / name).write_text("")
            (venv.library / "harmless.txt").write_text("")
            return ()

        monkeypatch.setattr(transaction, "compare_installed", written)
        rigged = rig()
        with pytest.raises(PipFailed, match="Somebody else has put something there") as caught:
            rigged.pip.install(upgrade(rigged.environment, tmp_path), receipt)
        told = dict(caught.value.context)["put there by others, and left"]
        assert told == f"{'altered' if there else 'added'}: {venv.library / name}"


class TestKilled:
    @pytest.mark.parametrize(
        ("who", "count"),
        [
            ("safepip", 10),
            ("safepip", 28),
            ("safepip", 29),
            ("safepip", 37),
            ("all", 40),
            ("all", 90),
            ("orphan", 60),
            ("compiling", 0),
        ],
    )
    def test_the_next_run_undoes_it(self, venv: Venv, before: Tree, tmp_path: Path, who: str, count: int) -> None:
        done = killing.run(venv.path, tmp_path / "wheels", who, count)
        assert done.returncode == killing.KILLED
        said = recover(venv.python)
        assert changes(before, tree(venv.path)) == []
        assert len([line for line in said if "that has been undone" in line]) == (who != "safepip" or count > 28)

    def test_after_the_last_receipt_all_is_done_or_undone(self, venv: Venv, before: Tree, tmp_path: Path) -> None:
        done = killing.run(venv.path, tmp_path / "wheels", "safepip", 42)
        assert done.returncode == killing.KILLED
        assert recover(venv.python) == []
        assert (venv.library / "demo-2.0.dist-info" / "safepip.json").is_file()
        assert not (venv.library / FOLDER).exists()
        assert changes(before, tree(venv.path)) != []

    @pytest.mark.parametrize("step", ["31", "45", "60"])
    def test_an_undo_that_is_killed_is_done_again(self, venv: Venv, before: Tree, tmp_path: Path, step: str) -> None:
        done = killing.run(venv.path, tmp_path / "wheels", "pip", 85, KILL_UNDO=step)
        assert done.returncode == killing.KILLED
        assert changes(before, tree(venv.path)) != []
        recover(venv.python)
        assert changes(before, tree(venv.path)) == []


@pytest.mark.parametrize("what", ["RECORD", "gone", "version"])
def test_what_the_plan_rests_on_has_changed(venv: Venv, rig: Rigging, tmp_path: Path, what: str) -> None:
    rigged = rig()
    a_plan = upgrade(rigged.environment, tmp_path)
    info = venv.library / "demo-1.0.dist-info"
    if what == "RECORD":
        (info / "RECORD").write_text("")
    elif what == "gone":
        shutil.rmtree(info)
    else:
        info.rename(venv.library / "demo-1.1.dist-info")
    there = tree(venv.path)
    with pytest.raises(EnvironmentFault) as caught:
        rigged.pip.install(a_plan, receipt)
    assert caught.value.reference == "environment-changed"
    assert dict(caught.value.context)["changed by others"] == "demo"
    assert changes(there, tree(venv.path)) == []


def test_a_real_full_disk(tmp_path: Path, rig: Rigging) -> None:
    """A file system of 2 MiB, where this user may mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = shutil.which("mount") is not None and os.geteuid() == 0
    if (
        not mounted
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], check=False).returncode
    ):
        pytest.skip("this user cannot mount a file system")
    try:
        placement = replace(HERE, target_dir=folder / "into", upgrade=True)
        rig(placement=placement).pip.install(plan(install(old_wheel(tmp_path))), receipt)
        there = tree(folder)
        large = wheel(tmp_path, "demo", "3.0", files={"demo/large.bin": bytes(4_000_000)})
        with pytest.raises(PipFailed) as caught:
            rig(placement=placement).pip.install(plan(install(large)), receipt)
        assert "No space left on device" in dict(caught.value.context)["pip said"]
        assert changes(there, tree(folder)) == []
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_the_main_thread_alone_holds_off_interrupts(venv: Venv, before: Tree, rig: Rigging, tmp_path: Path) -> None:
    """Elsewhere no handler can be set, and none is needed."""
    rigged = rig()
    caught: list[BaseException] = []

    def work() -> None:
        try:
            rigged.pip.install(upgrade(rigged.environment, tmp_path), interrupted)
        except KeyboardInterrupt as error:
            caught.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(60)
    assert len(caught) == 1
    assert changes(before, tree(venv.path)) == []
