"""Which interpreter is installed into, and which index the user's pip would ask: answers about the machine."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from safepip.errors import BadInput, EnvironmentFault
from safepip.io.process import Question
from safepip.model.ident import Url

_TOOL_MARKS = ("pipx_metadata.json", "uv-receipt.toml")
_PROGRAMS = ("bin/python", "Scripts/python.exe")


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """Where safepip itself lives: its interpreter and that interpreter's environment."""

    executable: Path
    prefix: Path

    @classmethod
    def own(cls) -> Home:
        return cls(executable=Path(sys.executable), prefix=Path(sys.prefix))

    @property
    def is_tool(self) -> bool:
        """Whether the environment was made for safepip alone, by pipx or `uv tool`."""
        return any((self.prefix / mark).is_file() for mark in _TOOL_MARKS)

    def holds(self, environment: Path) -> bool:
        return os.path.realpath(environment) == os.path.realpath(self.prefix)


def find_interpreter(python: str | None, environ: Mapping[str, str], home: Home) -> Path:
    """The target's interpreter, by the first rule that speaks:

    1. `--python X`: an environment folder or an interpreter, as pip reads it;
    2. the active virtual environment, unless safepip lives in it;
    3. where safepip lives in a tool's own environment: the first other `python3` on PATH;
    4. safepip's own interpreter.

    Raises BadInput or EnvironmentFault. The path is absolute and its links are kept, because they make the environment.
    """
    if python is not None:
        return _named(python)
    active = environ.get("VIRTUAL_ENV")
    if active and not home.holds(Path(active)):
        return _active(Path(active))
    if home.is_tool:
        return _other_on_path(environ, home)
    return home.executable


def _within(environment: Path) -> Path | None:
    found = (environment / program for program in _PROGRAMS)
    return next((path.absolute() for path in found if path.exists()), None)


def _named(python: str) -> Path:
    path = Path(python)
    found = _within(path) if path.is_dir() else (path.absolute() if path.exists() else None)
    if found is None:
        raise BadInput(
            "python-not-found",
            f"Could not locate Python interpreter {python!r}.",
            hint="--python takes the folder of a virtual environment, or the path of an interpreter.",
        )
    return found


def _active(environment: Path) -> Path:
    found = _within(environment)
    if found is None:
        raise EnvironmentFault(
            "stale-virtual-environment",
            "The active virtual environment has no interpreter.",
            context=[("VIRTUAL_ENV", repr(str(environment)))],
            hint="Run `deactivate`, or name the target with --python.",
        )
    return found


def _other_on_path(environ: Mapping[str, str], home: Home) -> Path:
    for folder in _search_path(environ):
        for name in ("python3", "python"):
            found = folder / name
            if os.access(found, os.X_OK) and found.is_file() and not home.holds(folder.parent):
                return found
    raise EnvironmentFault(
        "no-target",
        "safepip lives in an environment of its own, and PATH names no other Python to install into.",
        hint="Activate a virtual environment, or name the target with --python.",
    )


def _search_path(environ: Mapping[str, str]) -> Iterator[Path]:
    # A relative or empty entry is skipped: the folder one stands in is not to choose the interpreter.
    return (Path(entry) for entry in environ.get("PATH", "").split(os.pathsep) if entry.startswith(os.sep))


class DefaultIndex:
    """The index that safepip's own pip asks when nobody says otherwise, asked from that pip in the background."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        program = "from pip._internal.models.index import PyPI; print(PyPI.simple_url)"
        self._first = Question([sys.executable, "-I", "-c", program], environ, about="pip's default index")

    def url(self) -> Url:
        """Raises EnvironmentFault when pip does not tell."""
        try:
            told = self._first.answer().strip()
        except EnvironmentFault:
            told = _from_help(self._environ)
        if not told.startswith("https://") or told != "".join(told.split()):
            raise EnvironmentFault(
                "no-default-index",
                "safepip's own pip does not tell its default index.",
                context=[("it said", repr(told[:200]))],
                hint="Name an index with --index-url.",
            )
        return Url(told)

    def close(self) -> None:
        self._first.close()


def ask_default_index(environ: Mapping[str, str]) -> DefaultIndex:
    """Start asking now; `url()` waits."""
    return DefaultIndex(environ)


def _from_help(environ: Mapping[str, str]) -> str:
    """The help text states it too: "--index-url ... Base URL of the Python Package Index (default https://...)"."""
    quiet = {**environ, "COLUMNS": "500", "NO_COLOR": "1"}
    command = [sys.executable, "-I", "-m", "pip", "--isolated", "install", "--help"]
    with contextlib.closing(Question(command, quiet, about="pip's help text")) as question:
        text = " ".join(question.answer().split())
    match = re.search(r"--index-url.*?\(default (https://[^\s)]+)\)", text)
    return match[1] if match is not None else ""
