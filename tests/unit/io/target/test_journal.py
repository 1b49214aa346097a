"""Journals: as they are written, and as nobody should have written them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from safepip.errors import EnvironmentFault
from safepip.formats.journal import parse_journal
from safepip.io.environment import PythonEnvironment
from safepip.io.journal import FOLDER, JOURNAL, JournalFolder
from safepip.io.survey import survey
from safepip.io.territory import Territory
from safepip.io.undo import undo
from tests.unit.io.target.conftest import HERE, Venv
from tests.unit.io.target.killing import (
    Tree,
    changes,
    recover,
    tree,
    upgrade,
)


@pytest.fixture
def venv(lived_in: Venv) -> Venv:
    return lived_in


@pytest.fixture
def before(venv: Venv) -> Tree:
    return tree(venv.path)


@pytest.fixture
def cut_off(venv: Venv, tmp_path: Path) -> Iterator[Path]:
    """A journal whose run is no more."""
    environment = PythonEnvironment(venv.python, HERE, os.environ)
    a_plan = upgrade(environment, tmp_path / "wheels")
    territory = Territory.of(environment)
    folder = JournalFolder(venv.library)
    folder.begin(a_plan, survey(a_plan, environment, territory), ())
    folder.await_programs(0)
    yield folder.path
    environment.close()
    shutil.rmtree(folder.path, ignore_errors=True)


def rewrite(folder: Path, **fields: Any) -> None:
    told = json.loads((folder / JOURNAL).read_bytes())
    (folder / JOURNAL).write_text(json.dumps({**told, **fields}))


class TestHostileJournals:
    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b"\xff" * 99, b"[" * 100_000, b'{"schema": 1}'])
    def test_torn_or_foreign(self, venv: Venv, cut_off: Path, body: bytes) -> None:
        (cut_off / JOURNAL).write_bytes(body)
        with pytest.raises(EnvironmentFault) as caught:
            recover(venv.python)
        assert caught.value.reference == "journal-unreadable"
        assert str(cut_off) in dict(caught.value.context)["folder"]

    def test_another_environment_s(self, venv: Venv, cut_off: Path) -> None:
        rewrite(cut_off, library="/elsewhere")
        with pytest.raises(EnvironmentFault, match="cannot be used"):
            recover(venv.python)

    def test_others_could_write_to_it(self, venv: Venv, cut_off: Path) -> None:
        cut_off.chmod(0o777)
        with pytest.raises(EnvironmentFault) as caught:
            recover(venv.python)
        assert caught.value.reference == "journal-not-ones-own"

    @pytest.mark.parametrize("make", ["file", "link"])
    def test_no_folder_at_all(self, venv: Venv, tmp_path: Path, make: str) -> None:
        (tmp_path / "outside").mkdir()
        place = venv.library / FOLDER
        place.write_text("") if make == "file" else place.symlink_to(tmp_path / "outside")
        with pytest.raises(EnvironmentFault) as caught:
            recover(venv.python)
        place.unlink()
        assert caught.value.reference == "journal-not-ones-own"
        assert (tmp_path / "outside").is_dir()

    def test_nothing_outside_is_removed_or_written(self, venv: Venv, before: Tree, cut_off: Path) -> None:
        outside = venv.path.parent / "outside"
        outside.mkdir(exist_ok=True)
        (outside / "file").write_text("mine")
        (venv.library / "leads").symlink_to(outside)
        paths = [
            *(str(outside), f"{outside}/file", f"{venv.library}/../../../../outside/file", "relative", ""),
            *(f"{venv.library}/leads/file", str(venv.library), str(venv.path), f"{venv.path}/lib", "/"),
        ]
        kept = {"copy": "0", "link": None, "mode": 0o777, "owner": 0, "group": 0, "modified": 0, "size": 1}
        rewrite(
            cut_off,
            created=paths,
            kept=[{**kept, "path": path} for path in paths],
            folders={path: 0o777 for path in paths if "outside" in path or "leads" in path},
            names={str(outside): [], f"{venv.library}/leads": []},
            dist_infos=[str(outside)],
            made=[str(outside)],
        )
        with pytest.raises(EnvironmentFault) as caught:
            recover(venv.python)
        assert caught.value.reference == "undo-incomplete"
        (venv.library / "leads").unlink()
        shutil.rmtree(cut_off)
        assert (outside / "file").read_text() == "mine"
        assert changes(before, tree(venv.path)) == []


def test_a_journal_reads_back_as_it_was_written(cut_off: Path) -> None:
    journal = parse_journal((cut_off / JOURNAL).read_bytes())
    assert {change.project for change in journal.changes} == {"demo", "part"}
    assert cut_off.stat().st_mode & 0o777 == 0o700


def test_an_undo_that_has_nothing_to_undo_changes_nothing(venv: Venv, cut_off: Path) -> None:
    journal = parse_journal((cut_off / JOURNAL).read_bytes())
    with_journal = tree(venv.path)
    environment = PythonEnvironment(venv.python, HERE, os.environ)
    assert undo(cut_off, journal, Territory.of(environment)) == ()
    environment.close()
    assert changes(with_journal, tree(venv.path)) == []
