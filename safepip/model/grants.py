"""Grants of a policy: what one layer permits, as far as the layers above it let it (docs/policy.md)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase

from packaging.version import Version

from safepip.model.ident import ProjectName, Url
from safepip.model.levels import Age, Placed

# In place of an index's name: the files of this machine.
LOCAL = "local"
_BLANKS = re.compile(r"[ \t\r\n]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """An exception with a reason and a last day. Names one exact version, or one digest."""

    check: str
    project: ProjectName
    version: Version | None
    sha256: str | None
    reason: str
    owner: str | None
    until: date
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexGrant:
    """`[indexes.NAME]`: what the policy knows about one index.

    packages: globs over project names that are asked here and nowhere else
    upload_times_absent: this index is known to state no upload times
    minimum_age: replaces the profile's ages, and those of its own and inner layers, for files of this index
    depth: the layer that grants it, counted from the outermost
    sidecars: ask it for FILE.sigstore.json and the like, beside files that carry no provenance
    """

    name: str
    url: Url
    packages: tuple[str, ...]
    private: bool
    upload_times_absent: bool
    minimum_age: Placed[Age] | None
    place: str
    depth: int = 0
    sidecars: bool = False

    def covers(self, project: ProjectName) -> int | None:
        """How exactly `packages` names the project: literal characters of the best glob; None where it does not."""
        fitting = [len(glob.replace("*", "").replace("?", "")) for glob in self.packages if fnmatchcase(project, glob)]
        return max(fitting, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustRootGrant:
    """`[trust-roots.NAME]`: a Sigstore trusted root, and the indexes and projects that it may vouch for.

    file: as written, beside the policy; in a policy that was read from a file, with the path of its folder
    indexes: names of `[indexes]`, of this layer or an outer one; `LOCAL` stands for files of this machine
    projects: globs over the names of the projects there that it may vouch for
    Neither is ever empty: a root that may vouch for nothing would be read as one that may vouch for anything.
    """

    name: str
    file: str
    indexes: tuple[str, ...]
    place: str
    projects: tuple[str, ...] = ("*",)


@dataclass(frozen=True, slots=True, kw_only=True)
class HookGrant:
    """`[[allow.startup-hooks]]`: what one project may have Python do at every start, with white space folded.

    shipped: safepip knows the line (`model.shippedhooks`); no policy decided it, and nobody need hear of it
    """

    project: ProjectName
    line: str
    place: str
    shipped: bool = False


def folded(line: str) -> str:
    """A line with each run of spaces, tabs and line ends as one space: how lines of start-up hooks are compared.

    No other white space: what Python takes for a line end, or for no space at all, must not look like one.
    """
    return _BLANKS.sub(" ", line).strip(" ")


def exclusive_index(grants: Iterable[IndexGrant], project: ProjectName) -> IndexGrant | None:
    """The index that this name belongs to: the outermost layer that says so, in it the most exact glob."""
    fitting = [(-grant.depth, exact, grant) for grant in grants if (exact := grant.covers(project)) is not None]
    return max(fitting, key=lambda one: one[:2])[2] if fitting else None
