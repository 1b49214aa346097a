"""Who else writes, or already holds, the paths that a wheel writes."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from safepip.model.contents import EntryPoint
from safepip.model.ident import ProjectName


class Holder(enum.Enum):
    """Whose a path is; the values are codes of docs/checks/file-collision.md.

    PLANNED:  another distribution of the same plan writes it too; ITSELF: the same wheel does, a second time
    REPLACED: a distribution that this plan replaces, and whose old files pip removes after this one was written
    UNOWNED:  something lies there that no installed distribution names
    MODULE:   another distribution, of the plan or installed, has the same module by another path: `six/` and `six.py`
    """

    PLANNED = "planned"
    ITSELF = "itself"
    INSTALLED = "installed"
    REPLACED = "replaced"
    INTERPRETER = "interpreter"
    STANDARD_LIBRARY = "standard-library"
    UNOWNED = "unowned"
    MODULE = "same-module"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """An installed distribution whose RECORD lists a path.

    version: as its folder names it, "" where that names none
    script:  the entry point that its installer made the file from, None where it is any other file
    """

    project: ProjectName
    version: str
    script: EntryPoint | None

    @property
    def title(self) -> str:
        """As messages call it: "requests 2.32.3"."""
        return f"{self.project} {self.version}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Occupant:
    """What stands in the way of a file now: what lies at its path, or a file where one of its folders has to be.

    Or, at a path that nobody of the plan writes, an entry that an import may find in place of a module of the plan.

    A path of the interpreter or of the standard library is theirs whether anything lies there or not.

    holder: INSTALLED, INTERPRETER, STANDARD_LIBRARY or UNOWNED
    owners: the distributions that list it; for a folder, that list anything below it
    sha256: of what lies there; None where it is no regular file, and where it was not read since nobody who stays
            owns it
    """

    holder: Holder
    owners: tuple[Owner, ...]
    sha256: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Clash:
    """A path of a wheel that is somebody else's as well.

    path:  as installed, from the folder of its scheme, with that folder's name for scripts and headers: "bin/tool"
    member: what writes it, a member or an entry point
    other: who, in words: "requests 2.32.3", "the interpreter", ...
    same:  both have the same bytes, so that neither loses anything
    """

    path: str
    member: str
    holder: Holder
    other: str
    same: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """Everything that stands in the way of one wheel of a plan; empty where nothing does, which was looked for."""

    clashes: tuple[Clash, ...]
