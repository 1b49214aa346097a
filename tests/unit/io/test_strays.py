"""Files that nobody owns and that Python runs by itself, or takes in place of another."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from safepip.io import strays
from safepip.io.strays import in_library, in_package
from safepip.model.inspection import Stray


def found(folder: Path, *owned: str) -> dict[str, Stray]:
    names = [(path.name, path.is_dir()) for path in folder.iterdir()]
    return {Path(one.path).name: one for one in in_library(str(folder), names, owned)}


@pytest.mark.parametrize(
    ("name", "body", "word"),
    [
        ("a.pth", b"import os; os.system('x')\n", "runs its lines whenever it starts: import os"),
        ("a.pth", b"\xef\xbb\xbfimport\tos\r", "runs its lines"),
        ("a.pth", b"# import os\n/somewhere\n", "adds to the search path: /somewhere"),
        ("a.pth", b"\xff\xfe\n", "adds to the search path"),
        ("a.start", b"os:getcwd\n", "runs what it names"),
        ("sitecustomize.py", b"", "imports sitecustomize"),
        ("usercustomize.cpython-312-x86_64-linux-gnu.so", b"", "imports usercustomize"),
        ("easy-install.pth", b"import evil\n/somewhere\n", "runs its lines"),
        ("easy-install.pth", b"import sys; sys.__plen = len(sys.path)\n/somewhere\n", "runs its lines"),
        ("_virtualenv.py", b"import evil\n", "it is none that virtualenv or uv is known to write"),
        ("_virtualenv.pth", b"import _virtualenv", "runs its lines"),
    ],
)
def test_a_finding(tmp_path: Path, name: str, body: bytes, word: str) -> None:
    (tmp_path / name).write_bytes(body)
    [(told, one)] = found(tmp_path).items()
    assert (told, one.maker) == (name, None)
    assert word in one.why


def test_what_others_are_known_to_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strays, "_KNOWN", frozenset({hashlib.sha256(b"patch()\n").hexdigest()}))
    (tmp_path / "_virtualenv.pth").write_bytes(b"import _virtualenv")
    (tmp_path / "_virtualenv.py").write_bytes(b"patch()\r\n")
    (tmp_path / "easy-install.pth").write_bytes(b"/home/somebody/source\n")
    assert {name: one.maker for name, one in found(tmp_path).items()} == {
        "_virtualenv.pth": "virtualenv or uv",
        "_virtualenv.py": "virtualenv or uv",
        "easy-install.pth": "setuptools (develop)",
    }


def test_what_stands_in_for_virtualenvs_module(tmp_path: Path) -> None:
    """It belongs to nobody, and is run at each start."""
    (tmp_path / "_virtualenv").mkdir()
    assert not found(tmp_path)
    (tmp_path / "_virtualenv.py").write_bytes(b"")
    assert set(found(tmp_path)) == {"_virtualenv", "_virtualenv.py"}


def test_what_stands_in_for_an_owned_module(tmp_path: Path) -> None:
    (tmp_path / "six").mkdir()
    (tmp_path / "yaml.so").write_bytes(b"")
    (tmp_path / "notes.txt").write_bytes(b"")
    (tmp_path / "other.py").write_bytes(b"")
    assert set(found(tmp_path, "six", "yaml", "notes")) == {"six", "yaml.so"}


def test_in_a_shared_folder(tmp_path: Path) -> None:
    names = [("__init__.py", False), ("cloud.so", False), ("more.py", False), ("evil.pth", False)]
    told = {Path(one.path).name for one in in_package(str(tmp_path), names, {"cloud"})}
    assert told == {"__init__.py", "cloud.so"}
