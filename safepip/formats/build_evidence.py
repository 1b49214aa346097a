"""What the readers of build declarations share: the files they look at, the reasons they give, and small steps."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from safepip.formats.plain import clean
from safepip.formats.toml import Document, Path
from safepip.model.sdist import BuildKind, Clue

PYPROJECT, SETUP_PY, SETUP_CFG, HATCH = "pyproject.toml", "setup.py", "setup.cfg", "hatch.toml"
Reason = tuple[BuildKind, Clue]
# Of the build, but no plugins: the declarative backends, and what they and setup.py files commonly stand on.
_PLAIN = frozenset(
    re.findall(
        r"[\w-]+",
        """setuptools wheel flit-core hatchling poetry-core pdm-backend pdm-pep517 uv-build
        packaging pathspec pip pluggy tomli toml trove-classifiers typing-extensions""",
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildFiles:
    """The files at the top of an sdist that say how to build it, None where there is no such file.

    names: of everything at the top; links: of the links among them; project: the normalised name of the project
    checkout: the member that makes git or Mercurial take the sdist for a checkout, None where there is none
    """

    pyproject: Document | None
    hatch: Document | None
    setup_py: bytes | None
    setup_cfg: bytes | None
    names: frozenset[str]
    links: frozenset[str]
    project: str
    checkout: str | None


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


def taking_part(document: Document, path: Path, requirement: Requirement) -> Iterator[Reason]:
    """What something that is installed for the build means. `path`: of what asks for it."""
    name = requirement.name[:80]
    if requirement.url is not None:
        yield own_code(document, path, f"{name} of the build comes from an address of the sdist's choice")
    elif canonicalize_name(requirement.name) not in _PLAIN:
        yield BuildKind.PLUGINS, clue_at(document, path, f"{name} takes part in the build")


def taking_part_by_text(document: Document, path: Path, text: object) -> Iterator[Reason]:
    """The same of a requirement that nobody has parsed yet."""
    try:
        requirement = Requirement(str(text))
    except (InvalidRequirement, ValueError, RecursionError):
        yield own_code(document, path, f"the build asks for {text!s:.80}, which is no valid requirement")
        return
    yield from taking_part(document, path, requirement)
