"""The user's folders."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from safepip.io import statedir
from safepip.io.statedir import make_private, own_folder, save_report, state_folder, usable_folder, write_whole

NOW = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)


def test_reports_are_kept_privately_and_not_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statedir, "MOST_REPORTS", 3)
    places = [save_report(tmp_path / "state", NOW + timedelta(days=day), f"{day}".encode()) for day in range(5)]
    left = sorted((tmp_path / "state" / "runs").iterdir())
    assert left == places[2:]
    assert left[0].read_bytes() == b"2"
    assert left[0].stat().st_mode & 0o777 == 0o600
    assert left[0].parent.stat().st_mode & 0o777 == 0o700


def test_a_report_that_cannot_be_kept_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert save_report(tmp_path / "file" / "state", NOW, b"{}") is None


def test_folders_follow_the_xdg_rules(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert state_folder() == tmp_path / "state" / "safepip"
    assert statedir.cache_folder() == tmp_path / "cache" / "safepip"


def test_every_new_folder_is_private(tmp_path: Path) -> None:
    make_private(tmp_path / "one" / "two")
    assert (tmp_path / "one").stat().st_mode & 0o777 == 0o700
    assert usable_folder(tmp_path / "one" / "two" / "three")


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "file"
    write_whole(place, b"old", 0o600)

    def fail(*_: object) -> None:
        raise OSError("no")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="no"):
        write_whole(place, b"new", 0o600)
    assert list(tmp_path.iterdir()) == [place]
    assert place.read_bytes() == b"old"


@pytest.mark.parametrize(
    ("mode", "own"), [(0o700, True), (0o755, True), (0o775, False), (0o1777, False), (0o702, False)]
)
def test_who_may_write_to_an_own_folder(tmp_path: Path, mode: int, own: bool) -> None:
    tmp_path.chmod(mode)
    assert own_folder(tmp_path) is own


def test_a_folder_of_another_user_is_not_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path.stat().st_uid + 1
    monkeypatch.setattr("os.geteuid", lambda: other)
    assert not own_folder(tmp_path)


@pytest.mark.parametrize(
    ("mode", "own"), [(0o777, False), (0o702, False), (0o1777, True), (0o775, True), (0o755, True)]
)
def test_who_may_write_above_an_own_folder(tmp_path: Path, mode: int, own: bool) -> None:
    make_private(tmp_path / "above" / "between" / "cache")
    (tmp_path / "above").chmod(mode)
    assert own_folder(tmp_path / "above" / "between" / "cache") is own


@pytest.mark.parametrize("place", ["real", "named"])
def test_links_hide_no_folder_above(tmp_path: Path, place: str) -> None:
    make_private(tmp_path / "real" / "cache")
    make_private(tmp_path / "named")
    link = tmp_path / "named" / "link"
    link.symlink_to(tmp_path / "real" / "cache")
    assert own_folder(link)
    (tmp_path / place).chmod(0o777)
    assert not own_folder(link)


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a folder away needs root")
@pytest.mark.parametrize("strangers", ["above", "link"])
def test_what_a_stranger_may_move_is_not_own(tmp_path: Path, strangers: str) -> None:
    make_private(tmp_path / "above" / "cache")
    (tmp_path / "link").symlink_to(tmp_path / "above")
    assert own_folder(tmp_path / "link" / "cache")
    os.chown(tmp_path / strangers, 12345, 12345, follow_symlinks=False)
    assert not own_folder(tmp_path / "link" / "cache")


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert not own_folder(tmp_path / "file")


def test_where_there_are_no_such_owners(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("os.geteuid")
    tmp_path.chmod(0o777)
    assert own_folder(tmp_path)
