"""Where the distributions of an environment lie, found without running anything of it where that can be.

A virtual environment tells by its layout (PEP 405): its interpreter is not started, since that would run its .pth
files, and `bin/python` may be anything. Only an interpreter of its own (no virtual environment) is asked, with `-I -S`:
it reads no site folder then, and runs nothing but itself and its standard library.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

from safepip.errors import BadInput, EnvironmentFault
from safepip.io.fingerprint import read_whole
from safepip.io.inspection import Place
from safepip.io.process import Question

_PATTERNS = ("lib/*/site-packages", "lib64/*/site-packages", "lib/*/dist-packages", "Lib/site-packages")
_MARKS = ("*.dist-info", "*.egg-info")
_PROGRAM = (
    "import json, site, sysconfig; "
    "paths = [sysconfig.get_path(name) for name in ('purelib', 'platlib')] + site.getsitepackages(); "
    "print(json.dumps([*paths, site.getusersitepackages()]))"
)
_HINT = "Name the folder of an environment, its interpreter, or a folder that was installed into with --target."


def place_of(path: Path, environ: Mapping[str, str]) -> Place:
    """The environment of that name: its folder, its interpreter, or a library folder.

    Raises BadInput for what is none, and EnvironmentFault where an interpreter cannot be asked.
    """
    shown = str(path)
    if path.is_dir():
        libraries = tuple(_below(path))
        if libraries or (path / "pyvenv.cfg").is_file():
            return Place(environment=shown, libraries=libraries, notes=tuple(_notes(path)))
        if path.name in {"site-packages", "dist-packages"} or any(any(path.glob(mark)) for mark in _MARKS):
            return Place(environment=shown, libraries=(str(path.absolute()),), notes=())
        raise BadInput("not-an-environment", f"There is no Python environment in {shown!r}.", hint=_HINT)
    if not path.is_file():
        raise BadInput("not-an-environment", f"There is no environment and no interpreter at {shown!r}.", hint=_HINT)
    environment = path.absolute().parent.parent
    if (environment / "pyvenv.cfg").is_file():
        return Place(environment=shown, libraries=tuple(_below(environment)), notes=tuple(_notes(environment)))
    return Place(environment=shown, libraries=_asked(path.absolute(), environ), notes=())


def _below(environment: Path) -> Iterator[str]:
    """Each library folder once: lib64 of a virtual environment is a link to lib."""
    found = (str(folder) for pattern in _PATTERNS for folder in sorted(environment.glob(pattern)) if folder.is_dir())
    yield from {os.path.realpath(folder): folder for folder in found}.values()


def _notes(environment: Path) -> Iterator[str]:
    text = (read_whole(str(environment / "pyvenv.cfg"), 64 * 1024) or b"").decode("utf-8", "replace")
    settings = dict(line.partition("=")[::2] for line in text.splitlines())
    if any(
        key.strip() == "include-system-site-packages" and value.strip() == "true" for key, value in settings.items()
    ):
        yield "packages of the system's Python can be imported here as well; they were not looked at"


def _asked(interpreter: Path, environ: Mapping[str, str]) -> tuple[str, ...]:
    command = [str(interpreter), "-I", "-S", "-B", "-c", _PROGRAM]
    with closing(Question(command, environ, about=f"the interpreter {str(interpreter)!r}")) as question:
        try:
            told = json.loads(question.answer())
        except ValueError:
            told = None
    if not isinstance(told, list) or not all(isinstance(one, str) for one in told):
        raise EnvironmentFault(
            "cannot-run",
            "The interpreter does not tell where its packages lie.",
            context=[("interpreter", str(interpreter))],
            hint="Name the folder that holds the packages instead.",
        )
    return tuple(dict.fromkeys(one for one in told if Path(one).is_dir()))
