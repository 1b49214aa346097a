"""Files that belong to no distribution and that Python runs by itself, or takes in place of another.

`site` runs the import lines of every .pth (and, since PEP 829, what a .start names) at each start, and imports
sitecustomize and usercustomize. An import takes a package before an extension module before a .py of the same name,
so that a file beside an owned one can stand in for it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator

from safepip.io.fingerprint import read_whole
from safepip.model.inspection import Stray
from safepip.model.modules import module_of

_CUSTOMIZE = frozenset({"sitecustomize", "usercustomize"})
_LARGEST = 1024 * 1024
_SHOWN = 100
_VIRTUALENV = "virtualenv or uv"
_SETUPTOOLS = "setuptools (develop)"
# `_virtualenv.py` as the releases of virtualenv since 20.0 have it, and uv's of its own (sha256).
_KNOWN = frozenset(
    {
        "07584d2a5d13e0811eb567d78ed2aca0fb60e7defff59a01ca7a48d907bdea51",
        "0aeb86546345c1d0fada097536e35525714d5cdbcc2d8eb3f9912a955044fcff",
        "0f20351ea7e90039c46d3fabdef991f28b1e3ff33eb13ee6f0d5cd21ea0e8b14",
        "6cf30c56faf2a55228914dbbd17f8088ed371ebb08f5e7fa6fd931f913fcaf1d",
        "684b8c07932ba4a84ac2e5ae9afe49ef04e92bac3d8d4191d455cf09d093e5fc",
        "c9199315871b11b12df226f890a38e66e63191e1adbfb11a66e6861151b33fca",
        "ce57d5e0d9b5d7356cb42da7450ba8f9359bdf693e335f4c921626943c77e64d",
        "e3db5fe06ab41ca9b95dd6463b83836787028a1b55562cc383803bb83001a45c",
        "ee52b2e2e720a40885a6b4b90c40e28e5c70e550af74d5efd169eaa5db2a6f6f",
    }
)


def in_library(folder: str, names: Iterable[tuple[str, bool]], owned: Collection[str]) -> Iterator[Stray]:
    """Of the entries of a library folder that nobody owns, those that Python runs or takes by itself.

    names: (name, whether it is a folder) of each; owned: the modules of the entries that somebody owns
    """
    unowned = dict(names)
    known = {*owned, *(["_virtualenv"] if "_virtualenv.py" in unowned else ())}  # nobody's, and run at each start
    for name, is_folder in sorted(unowned.items()):
        stray = None if is_folder else _read_at_start(f"{folder}/{name}", name, unowned)
        yield from [stray] if stray is not None else in_package(folder, [(name, is_folder)], known)


def in_package(folder: str, names: Iterable[tuple[str, bool]], owned: Collection[str]) -> Iterator[Stray]:
    """The same for a folder that several distributions share: there, only what stands in for another matters."""
    for name, is_folder in names:
        module, path = module_of(name, folder=is_folder), f"{folder}/{name}"
        if module in _CUSTOMIZE:
            yield Stray(path=path, why=f"Python imports {module} whenever it starts", maker=None)
        elif module is not None and module in owned:
            yield Stray(path=path, why=f"Python may import it in place of the installed {module}", maker=None)
        elif module == "__init__":
            yield Stray(path=path, why="Python runs it when anything of this folder is imported", maker=None)


def _read_at_start(path: str, name: str, unowned: Collection[str]) -> Stray | None:
    if name == "_virtualenv.py":
        known = _is_virtualenvs(path)
        why = "_virtualenv.pth has Python run it whenever it starts"
        other = "" if known else f"; it is none that {_VIRTUALENV} is known to write"
        return Stray(path=path, why=why + other, maker=_VIRTUALENV if known else None)
    if name.endswith(".start"):
        return Stray(path=path, why=f"Python runs what it names whenever it starts{_quoted(_lines(path))}", maker=None)
    if not name.endswith(".pth"):
        return None
    lines = _lines(path)
    if lines is None:
        return Stray(path=path, why="Python reads it whenever it starts, and it cannot be read here", maker=None)
    code = [line for line in lines if line.startswith(("import ", "import\t"))]
    if name == "_virtualenv.pth" and lines == ["import _virtualenv"] and "_virtualenv.py" in unowned:
        return Stray(path=path, why="it has Python import _virtualenv whenever it starts", maker=_VIRTUALENV)
    # What old releases wrote around their paths moves these to the front, before the standard library.
    if name == "easy-install.pth" and not code:
        return Stray(path=path, why=f"it adds to the search path{_quoted(lines)}", maker=_SETUPTOOLS)
    if code:
        return Stray(path=path, why=f"Python runs its lines whenever it starts{_quoted(code)}", maker=None)
    return Stray(path=path, why=f"it adds to the search path{_quoted(lines)}", maker=None)


def _is_virtualenvs(path: str) -> bool:
    body = read_whole(path, _LARGEST)
    return body is not None and hashlib.sha256(body.replace(b"\r\n", b"\n")).hexdigest() in _KNOWN


def _lines(path: str) -> list[str] | None:
    """The lines that count, as `site` reads them; None where they cannot be read."""
    body = read_whole(path, _LARGEST)
    if body is None:
        return None
    lines = re.split(r"\r\n|\r|\n", body.decode("utf-8-sig", "replace"))
    return [line.rstrip() for line in lines if line.strip() and not line.startswith("#")]


def _quoted(lines: list[str] | None) -> str:
    if not lines:
        return ""
    first = lines[0] if len(lines[0]) <= _SHOWN else f"{lines[0][:_SHOWN]}..."
    return f": {first}" + (f" (and {len(lines) - 1} more)" if len(lines) > 1 else "")
