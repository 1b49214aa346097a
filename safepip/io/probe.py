"""What an interpreter tells about itself, asked in the background with one subprocess."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.specifiers import SpecifierSet
from packaging.tags import Tag
from packaging.version import InvalidVersion, Version

from safepip.errors import Defect, EnvironmentFault
from safepip.io.process import Question
from safepip.model.artifact import Target

PROGRAMS = Path(__file__).parent / "inside"


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """One Python installation, as it describes itself.

    search:    where it looks for distributions, in order, without the user's site folder
    user_site: the user's site folder, None where this interpreter does not look there
    paths:     purelib, platlib, scripts, data of the default installation scheme
    schemes:   those and headers, without the project's name, as pip chooses them: "default", "user", and, below `moved`
               instead of the folder that will be named, "prefix" (`--prefix`) and "home" (behind `--target`)
    marker:    its EXTERNALLY-MANAGED file (PEP 668), None where there is none
    compiler:  the interpreter that it was made from, outside of the environment; itself where there is none
    byte_code: cache tag and magic number (hexadecimal) of the byte code that it runs
    standard_library: the folders of its own modules
    """

    path: Path
    target: Target
    prefix: Path
    base_prefix: Path
    paths: Mapping[str, Path]
    schemes: Mapping[str, Mapping[str, Path]]
    moved: Path
    search: tuple[Path, ...]
    user_site: Path | None
    marker: Path | None
    compiler: Path
    byte_code: tuple[str, str]
    standard_library: tuple[Path, ...]

    @property
    def virtual(self) -> bool:
        return self.prefix != self.base_prefix


class Probe:
    """A running probe of one interpreter. It is started when made, and awaited by `result()`."""

    def __init__(self, interpreter: Path, environ: Mapping[str, str]) -> None:
        """Raises EnvironmentFault when the interpreter cannot be started at all."""
        self._path = interpreter
        command = [str(interpreter), "-I", "-B", str(PROGRAMS / "probe_interpreter.py"), *_arguments()]
        self._question = Question(command, environ, about=f"the interpreter {str(interpreter)!r}")
        self._result: Interpreter | None = None

    def result(self) -> Interpreter:
        """Raises EnvironmentFault when it does not answer, or is too old for the pip that we delegate to."""
        if self._result is None:
            self._result = _parse(self._path, self._question.answer())
        return self._result

    def close(self) -> None:
        self._question.close()


def _arguments() -> tuple[str, str]:
    spec = importlib.util.find_spec("packaging")
    if spec is None or spec.origin is None:
        raise Defect("packaging-missing", "safepip's own copy of the library packaging cannot be found.")
    return (str(Path(spec.origin).parent), oldest_python())


def oldest_python() -> str:
    """The oldest Python, such as "3.10", that safepip's own pip installs into, from that pip's metadata."""
    stated = importlib.metadata.metadata("pip")["Requires-Python"]
    floors = [Version(one.version) for one in SpecifierSet(stated) if one.operator in {">=", "~=", "=="}]
    floor = max(floors, default=Version("3.10"))
    return f"{floor.major}.{floor.minor}"


def _parse(path: Path, answer: str) -> Interpreter:
    try:
        told = json.loads(answer)
        version = Version(told["python"].rstrip("+"))
    except (ValueError, KeyError, TypeError, AttributeError, InvalidVersion):
        raise _nonsense(path, answer) from None
    if version.release[:2] < Version(oldest_python()).release[:2]:
        raise EnvironmentFault(
            "target-python-too-old",
            f"The target runs Python {version}, and safepip installs with a pip that needs {oldest_python()} or newer.",
            context=[("interpreter", str(path))],
            hint="Name a newer interpreter or environment with --python.",
        )
    try:
        return _interpreter(path, version, told)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise _nonsense(path, answer) from None


def _nonsense(path: Path, answer: str) -> EnvironmentFault:
    return EnvironmentFault(
        "cannot-run",
        "The target interpreter did not describe itself.",
        context=[("interpreter", str(path)), ("it said", repr(answer[:200]))],
        hint="Name a working Python interpreter or environment with --python.",
    )


def _interpreter(path: Path, version: Version, told: Mapping[str, Any]) -> Interpreter:
    user_site, marker = told["user_site"], told["externally_managed"]
    return Interpreter(
        path=path,
        target=Target(python=version, tags=tuple(map(_tag, told["tags"])), markers=dict(told["markers"])),
        prefix=Path(told["prefix"]),
        base_prefix=Path(told["base_prefix"]),
        paths=_folders(told["paths"]),
        schemes={scheme: _folders(folders) for scheme, folders in told["schemes"].items()},
        moved=Path(told["moved"]),
        search=tuple(Path(folder) for folder in told["search"] if folder),
        user_site=Path(user_site) if user_site is not None else None,
        marker=Path(marker) if marker is not None else None,
        compiler=Path(told["compiler"]),
        byte_code=(str(told["byte_code"][0]), str(told["byte_code"][1])),
        standard_library=tuple(map(Path, told["standard_library"])),
    )


def _folders(told: Mapping[str, str]) -> Mapping[str, Path]:
    return {name: Path(folder) for name, folder in told.items()}


def _tag(text: str) -> Tag:
    interpreter, abi, platform = text.split("-", 2)
    return Tag(interpreter, abi, platform)
