"""Which interpreter is the target, and which index pip would ask."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from safepip.errors import BadInput, EnvironmentFault
from safepip.io import interpreter
from safepip.io.interpreter import Home, ask_default_index, find_interpreter
from safepip.io.process import clean_environment


def environment(folder: Path, *marks: str) -> Path:
    (folder / "bin").mkdir(parents=True)
    for name in ("python", "python3"):
        (folder / "bin" / name).write_text("#!/bin/sh\n")
        (folder / "bin" / name).chmod(0o755)
    for mark in marks:
        (folder / mark).write_text("{}")
    return folder


def home(folder: Path, *marks: str) -> Home:
    return Home(executable=environment(folder, *marks) / "bin" / "python", prefix=folder)


class TestFind:
    def test_named_as_an_environment_or_an_interpreter(self, tmp_path: Path) -> None:
        named = environment(tmp_path / "named")
        own = home(tmp_path / "own")
        active = {"VIRTUAL_ENV": str(environment(tmp_path / "active"))}
        assert find_interpreter(str(named), active, own) == named / "bin" / "python"
        assert find_interpreter(str(named / "bin" / "python3"), active, own) == named / "bin" / "python3"

    @pytest.mark.parametrize("name", ["missing", "3.12", "empty"])
    def test_named_and_not_there(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "empty").mkdir()
        with pytest.raises(BadInput, match=f"Could not locate Python interpreter '{name}'"):
            find_interpreter(name, {}, home(tmp_path / "own"))

    def test_the_active_environment(self, tmp_path: Path) -> None:
        active = environment(tmp_path / "active")
        assert find_interpreter(None, {"VIRTUAL_ENV": str(active)}, home(tmp_path / "own")) == active / "bin/python"

    def test_the_active_environment_is_ours(self, tmp_path: Path) -> None:
        own = home(tmp_path / "own")
        (tmp_path / "link").symlink_to(own.prefix)
        assert find_interpreter(None, {"VIRTUAL_ENV": str(tmp_path / "link")}, own) == own.executable

    def test_an_active_environment_that_is_gone_is_not_passed_over(self, tmp_path: Path) -> None:
        with pytest.raises(EnvironmentFault) as caught:
            find_interpreter(None, {"VIRTUAL_ENV": str(tmp_path / "gone")}, home(tmp_path / "own"))
        assert caught.value.reference == "stale-virtual-environment"

    @pytest.mark.parametrize("mark", ["pipx_metadata.json", "uv-receipt.toml"])
    def test_a_tool_takes_the_first_other_python_on_the_path(self, tmp_path: Path, mark: str) -> None:
        own = home(tmp_path / "own", mark)
        other = environment(tmp_path / "other")
        path = os.pathsep.join(["", "relative", str(tmp_path / "none"), str(own.prefix / "bin"), str(other / "bin")])
        assert find_interpreter(None, {"PATH": path}, own) == other / "bin" / "python3"
        with pytest.raises(EnvironmentFault) as caught:
            find_interpreter(None, {"PATH": str(own.prefix / "bin")}, own)
        assert caught.value.reference == "no-target"

    def test_else_our_own(self, tmp_path: Path) -> None:
        own = home(tmp_path / "own")
        path = str(environment(tmp_path / "other") / "bin")
        assert find_interpreter(None, {"PATH": path}, own) == own.executable
        assert Home.own().executable == Path(sys.executable)


class TestDefaultIndex:
    def test_both_ways_agree(self) -> None:
        hostile = {**os.environ, "PIP_INDEX_URL": "https://evil.example/simple"}
        told = ask_default_index(hostile).url()
        assert told.scheme == "https"
        assert told.host != "evil.example"
        assert interpreter._from_help(hostile) == str(told)

    def test_words_when_pip_does_not_tell(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        silent = tmp_path / "python"
        silent.write_text("#!/bin/sh\necho http://evil.example\n")
        silent.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(silent))
        with pytest.raises(EnvironmentFault) as caught:
            ask_default_index({}).url()
        assert caught.value.reference == "no-default-index"


def test_what_a_program_does_not_inherit() -> None:
    given = {
        "PATH": "/bin",
        "PIP_INDEX_URL": "x",
        "PIP_CONFIG_FILE": "x",
        "_PIP_RUNNING_IN_SUBPROCESS": "1",
        "PYTHONPATH": "x",
        "PYTHONUSERBASE": "/u",
        "HTTPS_PROXY": "p",
    }
    assert clean_environment(given) == {
        "PATH": "/bin",
        "PYTHONUSERBASE": "/u",
        "HTTPS_PROXY": "p",
        "PIP_CONFIG_FILE": os.devnull,
    }


def test_without_a_home_pip_is_given_one_that_is_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container's arbitrary uid. pip asks for its cache as it starts, and ends where there is no home to be told."""
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    assert clean_environment({})["HOME"] == os.devnull
    assert clean_environment({"HOME": "/h"})["HOME"] == "/h"
