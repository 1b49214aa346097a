"""One virtual environment for the session, emptied before each test; a real pip at the edges."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from safepip.formats.pipfiles import Forwarded, Placement
from safepip.io.environment import PythonEnvironment
from safepip.io.pip import Pip, Streams
from safepip.io.process import clean_environment
from tests.unit.io.target.killing import HOOK, changes, furnish, old_wheel, tree
from tests.unit.io.target.wheels import Wheel

HERE = Placement(target_dir=None, prefix=None, root=None, upgrade=False, user=None, break_system_packages=False)
PLAIN = Forwarded(no_deps=False, force_reinstall=False, ignore_installed=False, extra=())


@dataclass(frozen=True)
class Venv:
    path: Path

    @property
    def python(self) -> Path:
        return self.path / "bin" / "python"

    @property
    def library(self) -> Path:
        return next((self.path / "lib").glob("python3*")) / "site-packages"

    def clear(self) -> None:
        _empty(self.library)
        _empty(self.path, but=("bin", "include", "lib", "lib64", "pyvenv.cfg", ".gitignore"))
        _empty(self.path / "bin", but=tuple(path.name for path in (self.path / "bin").iterdir() if _given(path.name)))

    def put(self, *wheels: Wheel) -> None:
        """Have them installed, without the time that pip takes."""
        for one in wheels:
            with zipfile.ZipFile(one.path) as archive:
                archive.extractall(self.library)


def _given(name: str) -> bool:
    return name.lower().startswith(("python", "activate")) or name == "\N{MATHEMATICAL ITALIC SMALL PI}thon"


def _empty(folder: Path, but: tuple[str, ...] = ()) -> None:
    for entry in folder.iterdir():
        if entry.name not in but:
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def make_venv(path: Path) -> Venv:
    subprocess.run([sys.executable, "-I", "-m", "venv", "--without-pip", str(path)], check=True, capture_output=True)
    return Venv(path)


def plain_pip(venv: Venv, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What a user without safepip would have run."""
    command = [sys.executable, "-I", "-m", "pip", "--python", str(venv.python), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=clean_environment(os.environ))


@pytest.fixture(scope="session")
def session_venv(tmp_path_factory: pytest.TempPathFactory) -> Venv:
    return make_venv(tmp_path_factory.mktemp("target") / "venv")


@pytest.fixture
def venv(session_venv: Venv) -> Venv:
    session_venv.clear()
    return session_venv


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Venv:
    """An environment with a distribution that pip has installed, and with what users leave there."""
    folder = tmp_path_factory.mktemp("undo")
    venv = make_venv(folder / "venv")
    plain_pip(venv, "install", "--no-cache-dir", "--no-index", str(old_wheel(folder / "wheels").path))
    furnish(venv.library)
    (venv.library / "killhook.py").write_text(f"{HOOK}\nif _who: sys.addaudithook(_hook)\n")
    (venv.library / "killhook.pth").write_text("import killhook\n")
    subprocess.run([str(venv.python), "-I", "-c", ""], check=True)  # its byte code is there
    shutil.copytree(venv.path, folder / "saved", symlinks=True)
    return venv


@pytest.fixture
def lived_in(furnished: Venv) -> Venv:
    """The same, put back to what it was before each test."""
    saved = furnished.path.parent / "saved"
    if changes(tree(saved), tree(furnished.path)):
        shutil.rmtree(furnished.path)
        shutil.copytree(saved, furnished.path, symlinks=True)
    return furnished


@dataclass(frozen=True)
class Rig:
    """A `Pip` on an environment, with what it said."""

    environment: PythonEnvironment
    pip: Pip
    out: list[str]
    err: list[str]


Rigging = Callable[..., Rig]


@pytest.fixture
def rig(venv: Venv, tmp_path: Path) -> Iterator[Rigging]:
    made: list[Rig] = []

    def make(*, placement: Placement = HERE, forwarded: Forwarded = PLAIN, byte_compile: bool = True) -> Rig:
        environment = PythonEnvironment(venv.python, placement, os.environ)
        out: list[str] = []
        err: list[str] = []
        workshop = tmp_path / "workshop"
        workshop.mkdir(exist_ok=True)
        pip = Pip(
            environment,
            forwarded,
            environ=os.environ,
            streams=Streams(out=out.append, err=err.append),
            workshop=workshop,
            byte_compile=byte_compile,
        )
        made.append(Rig(environment, pip, out, err))
        return made[-1]

    yield make
    for one in made:
        one.environment.close()
