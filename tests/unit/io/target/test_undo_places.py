"""What an installation leaves its marks on: other places, other kinds of installation, and what lies outside."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from safepip.errors import EnvironmentFault, PipFailed
from safepip.io import transaction
from safepip.io.environment import PythonEnvironment
from safepip.io.footprint import Footprint
from safepip.io.pip import Pip, Streams
from safepip.io.territory import Territory
from safepip.model.difference import Change, Difference
from tests.unit.io.target.conftest import HERE, PLAIN, Rigging, Venv
from tests.unit.io.target.killing import (
    Tree,
    changes,
    interrupted,
    new_wheel,
    old_wheel,
    receipt,
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


class TestElsewhere:
    @pytest.mark.parametrize("upgraded", [False, True])
    def test_a_target_folder(self, rig: Rigging, tmp_path: Path, upgraded: bool) -> None:
        folder = tmp_path / "into"
        rig(placement=replace(HERE, target_dir=folder)).pip.install(plan(install(old_wheel(tmp_path))), receipt)
        (folder / "demo" / "mine.txt").write_text("kept")
        (folder / "bin" / "others").write_text("kept")
        there = tree(folder)
        rigged = rig(placement=replace(HERE, target_dir=folder, upgrade=upgraded))
        with pytest.raises(KeyboardInterrupt):
            rigged.pip.install(plan(install(new_wheel(tmp_path, requires=()))), interrupted)
        assert changes(there, tree(folder)) == []

    def test_a_target_folder_that_was_not_there(self, rig: Rigging, tmp_path: Path) -> None:
        rigged = rig(placement=replace(HERE, target_dir=tmp_path / "new" / "into"))
        with pytest.raises(KeyboardInterrupt):
            rigged.pip.install(plan(install(old_wheel(tmp_path))), interrupted)
        assert not (tmp_path / "new").exists()

    @pytest.mark.parametrize("place", ["prefix", "root"])
    def test_a_prefix_and_a_root(self, venv: Venv, before: Tree, rig: Rigging, tmp_path: Path, place: str) -> None:
        placement = replace(HERE, prefix=tmp_path / "p") if place == "prefix" else replace(HERE, root=tmp_path / "p")
        rigged = rig(placement=placement)
        with pytest.raises(KeyboardInterrupt):
            rigged.pip.install(upgrade(rigged.environment, tmp_path), interrupted)
        assert not (tmp_path / "p").exists()
        assert changes(before, tree(venv.path)) == []

    def test_a_target_that_keeps_what_is_there_is_no_fault(self, rig: Rigging, tmp_path: Path) -> None:
        folder = tmp_path / "into"
        (folder / "bin").mkdir(parents=True)
        rigged = rig(placement=replace(HERE, target_dir=folder))
        rigged.pip.install(plan(install(old_wheel(tmp_path))), receipt)
        assert (folder / "demo" / "__init__.py").is_file()
        assert list((folder / "bin").iterdir()) == []  # as with pip, which says so


def test_the_user_s_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The interpreter's own installation stays out of it: it has what pip needs, and nothing of ours."""
    own = Path(sys.base_prefix) / "bin" / "python3"
    monkeypatch.setenv("PYTHONUSERBASE", str(tmp_path / "base"))
    old = old_wheel(tmp_path)
    with closing(PythonEnvironment(own, replace(HERE, user=True), os.environ)) as environment:
        if environment.interpreter.user_site is None:
            pytest.skip("this interpreter has no user's site")
        installation = make_pip(environment, tmp_path)
        installation.install(plan(install(old)), receipt)
        assert (tmp_path / "base" / "bin" / "tool").is_file()
    there = tree(tmp_path / "base")
    with closing(PythonEnvironment(own, replace(HERE, user=True), os.environ)) as environment:
        a_plan, installer = upgrade(environment, tmp_path), make_pip(environment, tmp_path)
        with pytest.raises(KeyboardInterrupt):
            installer.install(a_plan, interrupted)
    assert changes(there, tree(tmp_path / "base")) == []


def make_pip(environment: PythonEnvironment, folder: Path) -> Pip:
    streams = Streams(out=print, err=print)
    extra = ("--break-system-packages",)
    return Pip(
        environment,
        replace(PLAIN, extra=extra),
        environ=os.environ,
        streams=streams,
        workshop=folder,
        byte_compile=False,
    )


def test_headers_where_nobody_planned_them(
    venv: Venv, before: Tree, rig: Rigging, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As another pip may call their folder, or another wheel."""
    folder = venv.path / "include" / "site" / venv.library.parent.name / "Part"

    def spelled(_: Any, dist_info: Path, *__: Any, **___: Any) -> tuple[Difference, ...]:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "part.h").write_text("")
        with (dist_info / "RECORD").open("a") as record:
            record.write(f"{os.path.relpath(folder, venv.library)}/part.h,,\n")
        return (Difference(path=str(folder), change=Change.ADDED),)

    monkeypatch.setattr(transaction, "compare_installed", spelled)
    rigged = rig()
    with pytest.raises(PipFailed):
        rigged.pip.install(upgrade(rigged.environment, tmp_path), receipt)
    assert not folder.exists()
    folder.parent.rmdir()  # what was made above it may be of use to others
    folder.parent.parent.rmdir()
    assert changes(before, tree(venv.path)) == []


def test_what_lies_beside_many_distributions_is_walked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    walked: list[str] = []
    walk = os.walk

    def counted(folder: str) -> Iterator[tuple[str, list[str], list[str]]]:
        walked.append(folder)
        return walk(folder)

    (tmp_path / "others" / "deep").mkdir(parents=True)
    for name in ("one.py", "two.py"):
        (tmp_path / name).write_text("")
    monkeypatch.setattr(os, "walk", counted)
    footprint = Footprint(Territory([str(tmp_path)]))
    for name in ("one.py", "two.py"):
        footprint.removes([str(tmp_path / name)])
    assert walked == [str(tmp_path / "others")]
    assert str(tmp_path / "others" / "deep") in footprint.folders


class TestOutside:
    def test_a_link_that_leads_out_of_the_environment(
        self, venv: Venv, before: Tree, rig: Rigging, tmp_path: Path
    ) -> None:
        (tmp_path / "out").mkdir()
        (venv.library / "part").symlink_to(tmp_path / "out")
        rigged = rig()
        with pytest.raises(EnvironmentFault) as caught:
            rigged.pip.install(upgrade(rigged.environment, tmp_path), receipt)
        assert caught.value.reference == "cannot-be-undone"
        (venv.library / "part").unlink()
        assert list((tmp_path / "out").iterdir()) == []
        assert changes(before, tree(venv.path)) == []

    def test_a_distribution_that_owns_something_outside(
        self, venv: Venv, before: Tree, rig: Rigging, tmp_path: Path
    ) -> None:
        (tmp_path / "precious").write_text("mine")
        with (venv.library / "demo-1.0.dist-info" / "RECORD").open("a") as record:
            record.write(f"{tmp_path}/precious,,\n")
        rigged = rig()
        with pytest.raises(EnvironmentFault) as caught:
            rigged.pip.install(upgrade(rigged.environment, tmp_path), receipt)
        assert caught.value.reference == "cannot-be-undone"
        assert rigged.out == []
        assert changes(before, tree(venv.path)) == [
            str((venv.library / "demo-1.0.dist-info" / "RECORD").relative_to(venv.path))
        ]

    def test_a_script_that_leaves_its_folder(self, venv: Venv, before: Tree, rig: Rigging, tmp_path: Path) -> None:
        of = wheel(tmp_path, "part", scripts={"../../evil": "part:main"})
        with pytest.raises(EnvironmentFault) as caught:
            rig().pip.install(plan(install(of)), receipt)
        assert caught.value.reference == "cannot-be-undone"
        assert changes(before, tree(venv.path)) == []


class TestLegacy:
    def test_an_egg_info_installation(self, venv: Venv, rig: Rigging, tmp_path: Path) -> None:
        info = venv.library / "part-0.5-py3.12.egg-info"
        info.mkdir()
        (info / "PKG-INFO").write_text("Metadata-Version: 1.0\nName: part\nVersion: 0.5\n")
        (info / "installed-files.txt").write_text("../part/__init__.py\n../part/old.py\nPKG-INFO\n")
        (info / "top_level.txt").write_text("part\n")
        (venv.library / "part").mkdir()
        (venv.library / "part" / "__init__.py").write_text("")
        (venv.library / "part" / "old.py").write_text("old")
        there = tree(venv.path)
        rigged = rig()
        with pytest.raises(KeyboardInterrupt):
            rigged.pip.install(upgrade(rigged.environment, tmp_path), interrupted)
        assert any("Found existing installation: part 0.5" in line for line in rigged.out)
        assert changes(there, tree(venv.path)) == []

    def test_a_development_installation(self, venv: Venv, rig: Rigging, tmp_path: Path) -> None:
        source = tmp_path / "source"
        (source / "part.egg-info").mkdir(parents=True)
        metadata = "Metadata-Version: 1.0\nName: part\nVersion: 0.5\n"
        (source / "part.egg-info" / "PKG-INFO").write_text(metadata)
        (source / "part.egg-info" / "entry_points.txt").write_text("[console_scripts]\nparting = part:main\n")
        (venv.library / "part.egg-link").write_text(f"{source}\n.")
        (venv.library / "easy-install.pth").write_text(f"/elsewhere\n{source}\n")
        (venv.path / "bin" / "parting").write_text("#!python\n")
        there, sources = tree(venv.path), tree(source)
        rigged = rig()
        with pytest.raises(KeyboardInterrupt):
            rigged.pip.install(upgrade(rigged.environment, tmp_path / "wheels"), interrupted)
        assert any("Found existing installation: part 0.5" in line for line in rigged.out)
        assert changes(there, tree(venv.path)) == []
        assert changes(sources, tree(source)) == []
