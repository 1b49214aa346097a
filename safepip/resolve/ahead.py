"""Asking ahead of the resolver: the pages and metadata that it will most likely want, on other threads.

Nothing that happens here changes an answer, and no error surfaces here: what fails is asked for again by the
resolver, if it comes to that, and is raised there.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from threading import Lock

from packaging.requirements import Requirement

from safepip.errors import Malformed, SafepipError
from safepip.model.ident import ProjectName
from safepip.ports import Catalog
from safepip.resolve.shelf import Shelf
from safepip.resolve.terms import Terms, extras_of, identifier
from safepip.resolve.versions import INSTALLED, bits

LARGEST_BATCH = 40
TRIES_BEFORE_BATCHES = 3


class Ahead:
    """The speculative closure over the best candidates, from the user's own requirements on."""

    def __init__(self, catalog: Catalog, terms: Terms, shelf: Callable[[ProjectName], Shelf]) -> None:
        self._catalog = catalog
        self._terms = terms
        self._shelf = shelf
        self._lock = Lock()
        self._seen: set[tuple[str, str]] = set()
        self._open: dict[ProjectName, int] = {}
        self._done: set[tuple[str, int]] = set()

    def start(self) -> None:
        for root in self._terms.roots:
            self._want(root.requirement)

    def _want(self, requirement: Requirement) -> None:
        key = (requirement.name, str(requirement))
        with self._lock:
            if key in self._seen:
                return
            self._seen.add(key)
        self._catalog.ahead(partial(self._follow, requirement))

    def _follow(self, requirement: Requirement) -> None:
        with suppress(SafepipError, Malformed):
            self._expand(requirement)

    def _expand(self, requirement: Requirement) -> None:
        project = ProjectName.parse(requirement.name)
        if requirement.url is not None and project not in self._terms.urls:
            return
        extras = extras_of(requirement)
        shelf = self._shelf(project)
        index = self._best(shelf, requirement, identifier(project, extras))
        if index is None or self._repeated(identifier(project, extras), index):
            return
        if index == 0 and shelf.installed is not None:
            requires = shelf.installed.requires_dist
        elif (taken := shelf.look(index).taken) is not None:
            requires = taken.metadata.requires_dist
            extras &= taken.metadata.provides_extra
        else:
            return
        if self._terms.request.no_deps:
            return
        for one in requires:
            if self._terms.applies(one.marker, extras):
                self._want(one)

    def _repeated(self, name: str, index: int) -> bool:
        with self._lock:
            known = (name, index) in self._done
            self._done.add((name, index))
        return known

    def _best(self, shelf: Shelf, requirement: Requirement, name: str) -> int | None:
        """The candidate that the resolver would try first, going by the requirements seen so far."""
        specifier = requirement.specifier
        if shelf.installed_mask(specifier) and self._terms.prefers_installed(name, shelf.project):
            return 0
        mask = shelf.versions.mask(specifier)
        if shelf.constraint is not None:
            mask &= shelf.versions.mask(shelf.constraint)
        with self._lock:
            together = mask & self._open.get(shelf.project, mask)
            self._open[shelf.project] = mask = together or mask
        for index in bits(shelf.narrow(mask & ~INSTALLED, asks_pre=bool(specifier.prereleases))):
            if shelf.look(index).taken is not None:
                return index
        return None

    def more(self, shelf: Shelf, index: int, rest: int) -> None:
        """The resolver tries that version after others of the project: fetch the next ones together."""
        if len(shelf.considered) < TRIES_BEFORE_BATCHES or (shelf.frontier is not None and index > shelf.frontier):
            return
        for _, following in zip(range(shelf.batch), bits(rest), strict=False):
            shelf.frontier = following
            self._catalog.ahead(partial(self._glance, shelf, following))
        shelf.batch = min(LARGEST_BATCH, 2 * shelf.batch)

    @staticmethod
    def _glance(shelf: Shelf, index: int) -> None:
        with suppress(SafepipError, Malformed):
            shelf.look(index)
