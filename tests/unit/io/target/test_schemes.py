"""Where files of all five schemes go: what we say beforehand, and where a real pip puts them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from safepip.formats.pipfiles import Placement
from safepip.io.environment import PythonEnvironment
from safepip.io.process import clean_environment
from safepip.model.contents import SCHEMES
from safepip.model.ident import ProjectName
from tests.unit.io.target.conftest import HERE, Venv, make_venv
from tests.unit.io.target.wheels import Wheel, wheel

PROJECT = ProjectName.parse("all-five")
FILES = {f"all_five-1.0.data/{scheme}/all_five_{scheme}.txt": scheme.encode() for scheme in SCHEMES}


@pytest.fixture(scope="module")
def five(tmp_path_factory: pytest.TempPathFactory) -> Wheel:
    """A wheel with one file for each scheme."""
    return wheel(tmp_path_factory.mktemp("wheels"), "all_five", files=FILES)


@pytest.fixture(autouse=True)
def no_headers(venv: Venv) -> None:
    """The environment of the session is emptied before each test, but for these."""
    shutil.rmtree(venv.path / "include" / "site", ignore_errors=True)


@pytest.fixture(scope="module")
def seeing_all(tmp_path_factory: pytest.TempPathFactory) -> Venv:
    """A virtual environment in which the user's site is visible."""
    venv = make_venv(tmp_path_factory.mktemp("seeing") / "venv")
    config = venv.path / "pyvenv.cfg"
    lines = config.read_text().replace("include-system-site-packages = false", "include-system-site-packages = true")
    config.write_text(lines)
    return venv


def environ(home: Path) -> Mapping[str, str]:
    return {**clean_environment(os.environ), "HOME": str(home), "PYTHONUSERBASE": str(home / "base")}


def said(python: Path, placement: Placement, home: Path, project: ProjectName = PROJECT) -> set[Path]:
    environment = PythonEnvironment(python, placement, environ(home))
    try:
        schemes = environment.schemes(project)
    finally:
        environment.close()
    assert set(schemes) == set(SCHEMES)
    return {Path(folder) / f"all_five_{scheme}.txt" for scheme, folder in schemes.items()}


def landed(python: Path, arguments: list[str], below: list[Path], home: Path, of: Wheel) -> set[Path]:
    command = [sys.executable, "-I", "-m", "pip", "--python", str(python), "install", "--no-deps", "--no-compile"]
    requirement = home / "roots.txt"
    requirement.write_text(f"{PROJECT}==1.0 --hash=sha256:{of.sha256}\n")
    found = ["--no-index", "--find-links", str(of.path.parent), "-r", str(requirement)]
    subprocess.run([*command, *arguments, *found], check=True, capture_output=True, env=environ(home), timeout=60)
    return {path for folder in below for path in folder.rglob("all_five_*.txt")}


def elsewhere(**changes: object) -> Placement:
    return replace(HERE, **changes)  # type: ignore[arg-type] # the tests below say what they are


class TestAsPip:
    def test_a_virtual_environment(self, venv: Venv, five: Wheel, tmp_path: Path) -> None:
        assert landed(venv.python, ["--no-user"], [venv.path], tmp_path, five) == said(venv.python, HERE, tmp_path)

    @pytest.mark.parametrize("option", ["prefix", "root", "target"])
    def test_elsewhere(self, venv: Venv, five: Wheel, tmp_path: Path, option: str) -> None:
        place = tmp_path / "place"
        placement = elsewhere(**{"target_dir" if option == "target" else option: place})
        found = landed(venv.python, [f"--{option}", str(place)], [place, venv.path], tmp_path, five)
        assert found == said(venv.python, placement, tmp_path)

    def test_a_prefix_below_a_root(self, venv: Venv, five: Wheel, tmp_path: Path) -> None:
        root, prefix = tmp_path / "root", tmp_path / "prefix"
        found = landed(venv.python, ["--root", str(root), "--prefix", str(prefix)], [tmp_path], tmp_path, five)
        assert found == said(venv.python, elsewhere(root=root, prefix=prefix), tmp_path)

    def test_a_target_that_is_there(self, venv: Venv, five: Wheel, tmp_path: Path) -> None:
        target = tmp_path / "target"
        for _ in range(2):
            found = landed(venv.python, ["--target", str(target), "--upgrade"], [target], tmp_path, five)
            assert found == said(venv.python, elsewhere(target_dir=target, upgrade=True), tmp_path)

    @pytest.mark.parametrize("rooted", [False, True])
    def test_the_users_folders(self, seeing_all: Venv, five: Wheel, tmp_path: Path, rooted: bool) -> None:
        root = tmp_path / "root"
        arguments = ["--user", *(["--root", str(root)] if rooted else [])]
        placement = elsewhere(user=True, root=root if rooted else None)
        found = landed(seeing_all.python, arguments, [tmp_path, seeing_all.path], tmp_path, five)
        assert found == said(seeing_all.python, placement, tmp_path)


@pytest.fixture(scope="module")
def plain() -> Path:
    """An interpreter that is no virtual environment; with `--root`, nothing of it is touched."""
    return Path(sys.base_prefix) / "bin" / "python{}.{}".format(*sys.version_info)


class TestNoVirtualEnvironment:
    @pytest.mark.parametrize("prefix", [False, True])
    @pytest.mark.parametrize("user", [False, True])
    def test_below_a_root(self, plain: Path, five: Wheel, tmp_path: Path, user: bool, prefix: bool) -> None:
        if user and prefix:
            pytest.skip("pip permits no such thing")
        root, moved = tmp_path / "root", tmp_path / "moved"
        arguments = ["--root", str(root), "--break-system-packages", "--user" if user else "--no-user"]
        arguments += ["--prefix", str(moved)] if prefix else []
        placement = elsewhere(root=root, user=user, prefix=moved if prefix else None, break_system_packages=True)
        found = landed(plain, arguments, [tmp_path], tmp_path, five)
        assert found == said(plain, placement, tmp_path)

    def test_a_target(self, plain: Path, five: Wheel, tmp_path: Path) -> None:
        target = tmp_path / "target"
        found = landed(plain, ["--target", str(target)], [tmp_path], tmp_path, five)
        assert found == said(plain, elsewhere(target_dir=target), tmp_path)


def test_data_for_lib_python_of_a_target_lies_among_the_modules(venv: Venv, tmp_path: Path) -> None:
    """pip's temporary home has its library there, and moves what is in it."""
    of = wheel(tmp_path / "wheels", "all_five", files={"all_five-1.0.data/data/lib/python/deep/all_five_x.txt": b"x"})
    target = tmp_path / "target"
    found = landed(venv.python, ["--target", str(target)], [target], tmp_path, of)
    environment = PythonEnvironment(venv.python, elsewhere(target_dir=target), environ(tmp_path))
    try:
        folder = f"{environment.schemes(PROJECT)['data']}/lib/python/deep"
        assert found == {Path(environment.real_folders([folder])[folder]) / "all_five_x.txt"}
    finally:
        environment.close()
