"""What the readers of build declarations share: the files they look at, the reasons they give, and small steps."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from safepip.formats.plain import clean
from safepip.formats.toml import Document, Path
from safepip.model.sdist import BuildKind, Clue

PYPROJECT, SETUP_PY, SETUP_CFG, HATCH = "pyproject.toml", "setup.py", "setup.cfg", "hatch.toml"
Reason = tuple[BuildKind, Clue]


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildFiles:
    """The files at the top of an sdist that say how to build it, None where there is no such file.

    names: of everything at the top; links: of the links among them; project: the normalised name of the project
    """

    pyproject: Document | None
    hatch: Document | None
    setup_py: bytes | None
    setup_cfg: bytes | None
    names: frozenset[str]
    links: frozenset[str]
    project: str


class Reader(enum.Enum):
    """SETUPTOOLS takes any literal, of the one module that is named (config/expand.py). FLIT takes a string alone,
    of the package or of one of a few modules in it (flit_core/common.py).
    """

    SETUPTOOLS = "setuptools"
    FLIT = "flit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """A value that the backend takes from a module, and runs the module for it where it is no literal.

    paths: where the module may lie, below the top folder; name: what must be a literal, or None for its docstring;
    of: whose rules hold
    """

    clue: Clue
    paths: tuple[str, ...]
    name: str | None
    of: Reader


def table(data: Any, *path: str) -> Mapping[str, Any]:
    """The table at that path, empty where there is none."""
    for key in path:
        data = data.get(key) if isinstance(data, Mapping) else None
    return data if isinstance(data, Mapping) else {}


def line_of(document: Document, path: Path) -> int | None:
    """Of the nearest enclosing key that has a line of its own."""
    while path and path not in document.lines:
        path = path[:-1]
    return document.lines.get(path)


def clue_at(document: Document, path: Path, what: str) -> Clue:
    return Clue(file=document.name, line=line_of(document, path), what=clean(what))


def own_code(document: Document, path: Path, what: str) -> Reason:
    return BuildKind.OWN_CODE, clue_at(document, path, what)
