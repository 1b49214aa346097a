"""Which ledger a run believes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from safepip.cli.ledgerplace import ledger_place, project_ledger
from safepip.errors import BadInput
from safepip.io.statedir import NOWHERE


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This user's ledger, in place."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    path = tmp_path / "state" / "safepip" / "publishers.toml"
    path.parent.mkdir(parents=True, mode=0o700)
    path.touch(mode=0o600)
    return path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "src").mkdir(parents=True)
    return folder


def test_without_a_project_it_is_the_users(state: Path, project: Path) -> None:
    place = ledger_place(project)
    assert (place.path, place.project, place.barred) == (state, False, None)


def test_the_nearest_project_counts(state: Path, project: Path) -> None:
    (project / "safepip-publishers.toml").touch()
    (project.parent / "safepip-publishers.toml").touch()
    here, below = ledger_place(project), ledger_place(project / "src")
    assert (here.path, here.shown, here.project) == (
        project / "safepip-publishers.toml",
        "safepip-publishers.toml",
        True,
    )
    assert (below.path, below.shown) == (here.path, str(here.path))
    assert state.exists()


def test_a_link_that_leads_nowhere_is_a_projects_ledger_all_the_same(project: Path) -> None:
    """Passed over, it would be first use again."""
    (project / "safepip-publishers.toml").symlink_to("nowhere")
    assert project_ledger(project) == project / "safepip-publishers.toml"
    assert ledger_place(project).project


def test_a_projects_ledger_that_everybody_can_write_is_not_believed(project: Path) -> None:
    path = project / "safepip-publishers.toml"
    path.touch()
    path.chmod(0o666)
    with pytest.raises(BadInput, match="everybody can write it") as caught:
        ledger_place(project)
    assert caught.value.reference == "ledger-not-ones-own"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_strangers_ledger_in_a_parent_folder_is_not_believed(project: Path) -> None:
    path = project / "safepip-publishers.toml"
    path.touch()
    os.chown(path, 54321, 54321)
    assert ledger_place(project).project  # a checkout of somebody else, where one works on purpose
    with pytest.raises(BadInput, match="belongs to another user"):
        ledger_place(project / "src")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_the_state_of_somebody_else_is_left_alone(state: Path, project: Path) -> None:
    """`sudo` may keep the caller's home."""
    os.chown(state, 54321, 54321)
    place = ledger_place(project)
    assert place.barred is not None
    assert "belongs to another user" in place.barred


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_state_that_everybody_can_write_is_not_believed(state: Path, project: Path, what: str) -> None:
    (state if what == "file" else state.parent).chmod(0o777)
    with pytest.raises(BadInput, match="everybody can write it"):
        ledger_place(project)


def test_without_a_home_nothing_is_remembered(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("safepip.cli.ledgerplace.state_folder", lambda: NOWHERE)
    assert ledger_place(project).barred == "this user has no home folder"


def test_a_state_folder_that_is_a_file_bars_it(tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    barred = ledger_place(project).barred
    assert barred is not None
    assert "Not a directory" in barred


def test_a_state_that_is_not_there_yet_is_fine(tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "new"))
    assert ledger_place(project).barred is None
