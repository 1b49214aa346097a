"""The folders of an environment outside of which nothing may be removed, replaced or put back."""

# Strings, since there may be tens of thousands of files.
# ruff: noqa: PTH117, PTH118, PTH120

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from safepip.io.environment import PythonEnvironment
from safepip.model.ident import ProjectName


class Territory:
    """What belongs to an environment. Paths are canonical: absolute, with a folder that goes over no symbolic link."""

    def __init__(self, roots: Iterable[str]) -> None:
        self.roots = frozenset(os.path.realpath(root) for root in roots)
        self._below = tuple(os.path.join(root, "") for root in self.roots)
        self._leading = self.roots | {str(above) for root in self.roots for above in Path(root).parents}
        self.real = functools.cache(_real)

    @classmethod
    def of(cls, environment: PythonEnvironment) -> Territory:
        return cls(_roots(environment))

    def canonical(self, path: str) -> str:
        """The same place, its folder without symbolic links and dots; what lies there may be a link itself."""
        folder, name = os.path.split(path)
        if name in {"", ".", ".."}:
            return str(self.real(path))
        return os.path.join(self.real(folder), name)

    def holds(self, path: str) -> bool:
        """Whether a canonical path lies below one of the folders, and neither is one nor has one inside."""
        return path.startswith(self._below) and not self.leads(path)

    def covers(self, path: str) -> bool:
        """Whether it is one of the folders, or lies below one."""
        return path in self.roots or path.startswith(self._below)

    def leads(self, path: str) -> bool:
        """Whether it is one of the folders, or lies above one."""
        return path in self._leading

    def firm(self, path: str) -> bool:
        """Whether a path that was canonical once still is, and lies inside: to be asked right before it is touched."""
        plain = os.path.isabs(path) and os.path.normpath(path) == path
        return plain and self.covers(path) and os.path.realpath(os.path.dirname(path)) == os.path.dirname(path)

    def within(self, folder: str) -> Iterator[str]:
        """The folder itself and those above it, as far as they belong to the environment."""
        while self.covers(folder):
            yield folder
            above = os.path.dirname(folder)
            if above == folder:
                return
            folder = above


def _roots(environment: PythonEnvironment) -> Iterator[str]:
    """Where pip writes, and where else it removes what it replaces: from the installation, and the user's site."""
    if environment.placement.target_dir is not None:  # all of it, and pip may replace any folder in there
        yield from map(str, environment.library_folders())
        return
    interpreter = environment.interpreter
    schemes = environment.schemes(ProjectName.parse("any"))
    yield from (schemes[name] for name in ("purelib", "platlib", "scripts", "data"))
    yield os.path.dirname(schemes["headers"])
    yield from map(str, environment.library_folders())
    yield from map(str, interpreter.paths.values())
    if interpreter.user_site is not None:
        yield str(interpreter.user_site)
        yield user_base(interpreter.user_site)
    if not interpreter.virtual:
        yield from map(str, interpreter.search)


def _real(path: str) -> str:
    return os.path.realpath(path)


def user_base(user_site: os.PathLike[str]) -> str:
    """The user's scheme: ~/.local where the user's site is ~/.local/lib/pythonX.Y/site-packages."""
    return os.path.realpath(os.path.join(user_site, "..", "..", ".."))
