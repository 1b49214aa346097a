"""The resolver's nodes: what is needed, and what could be taken. Compared by identity; each exists once."""

from __future__ import annotations

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from safepip.model.artifact import Root
from safepip.model.ident import ProjectName, Url
from safepip.resolve.shelf import Shelf, Taken
from safepip.resolve.terms import NO_EXTRAS, identifier, shape
from safepip.resolve.versions import INSTALLED


class Candidate:
    """One version of a project, with or without extras. `index` 0 is the installed distribution.

    needs: filled in when asked for first, since resolvelib asks several times
    """

    __slots__ = ("bit", "extras", "identifier", "index", "needs", "project", "shelf")

    def __init__(self, shelf: Shelf, index: int, extras: frozenset[str]) -> None:
        self.shelf = shelf
        self.index = index
        self.bit = 1 << index
        self.extras = extras
        self.project: ProjectName = shelf.project
        self.identifier = identifier(shelf.project, extras)
        self.needs: tuple[Need, ...] | None = None

    @property
    def version(self) -> Version:
        installed = self.shelf.installed
        if self.bit == INSTALLED and installed is not None:
            return installed.version
        return self.shelf.versions.version(self.index)

    @property
    def taken(self) -> Taken | None:
        """None for the installed distribution."""
        return None if self.bit == INSTALLED else self.shelf.look(self.index).taken

    def __repr__(self) -> str:
        return f"{self.identifier} {self.version}"


class Need:
    """A requirement on one identifier, by a root or by a candidate.

    requirement: as written; for `exactly`, the requirement that `name[extra]` has on `name` itself
    mask:        the versions that satisfy, filled in when the page has been asked for
    """

    __slots__ = (
        "bounded",
        "direct",
        "exactly",
        "extras",
        "free",
        "identifier",
        "mask",
        "parent",
        "pinned",
        "project",
        "requirement",
        "root",
        "specifier",
    )

    def __init__(
        self,
        project: ProjectName,
        extras: frozenset[str],
        requirement: Requirement,
        *,
        root: Root | None,
        parent: Candidate | None,
        exactly: Candidate | None = None,
    ) -> None:
        self.project = project
        self.extras = extras
        self.identifier = identifier(project, extras)
        self.requirement = requirement
        self.root = root
        self.parent = parent
        self.exactly = exactly
        self.direct = exactly is not None or requirement.url is not None
        self.specifier = SpecifierSet() if self.direct else requirement.specifier
        self.pinned, self.bounded, any_operator = shape(self.specifier)
        self.free = not any_operator
        self.mask: int | None = exactly.bit if exactly is not None else None

    @property
    def text(self) -> str:
        """As pip writes it: without marker; an address without credentials."""
        if self.exactly is not None:
            return f"{self.project}=={self.exactly.version}"
        return requirement_text(self.requirement, self.extras)


def requirement_text(requirement: Requirement, extras: frozenset[str] = NO_EXTRAS) -> str:
    """`name[extras]specifier` or `name[extras] @ url`, in the spelling of the writer, without credentials."""
    shown = f"{requirement.name}[{','.join(sorted(extras))}]" if extras else requirement.name
    if requirement.url is not None:
        return f"{shown} @ {Url(requirement.url)}"
    return f"{shown}{requirement.specifier}"
