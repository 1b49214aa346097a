"""What an environment holds, compared with what safepip wrote down when it installed it."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from safepip.model.difference import Change, Difference
from safepip.model.ident import ProjectName, Sha256


class Status(enum.Enum):
    """INTACT: installed by safepip, and as it was. CHANGED: not as it was. FOREIGN: not installed by safepip.

    ORPHAN: a receipt without a distribution.
    """

    INTACT = "intact"
    CHANGED = "changed"
    FOREIGN = "foreign"
    ORPHAN = "orphan"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What safepip wrote down when it installed a distribution (docs/receipts.md).

    sha256:    of the file that was installed
    record:    sha256 of RECORD as installed, without the receipt's own row
    byte_code: what safepip compiled, path in RECORD -> sha256
    """

    tool: str
    installed: datetime
    policy: str
    record: Sha256
    byte_code: Mapping[str, Sha256]
    project: ProjectName
    version: str
    file: str
    sha256: Sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """One distribution, or what is left of one.

    name, version: as its folder says; location: that folder
    receipt:     None where there is none, or where it cannot be read (`faults` says so)
    faults:      what is wrong with the receipt, RECORD or the folder itself, each in a sentence
    differences: files that are not as RECORD and the receipt have them
    files:       how many files were compared; unhashed: how many RECORD states no usable digest of
    loose:       byte code that no digest is known of: Python's own, as a rule, and compared with nothing
    """

    name: str
    version: str | None
    location: str
    status: Status
    receipt: Receipt | None
    faults: tuple[str, ...]
    differences: tuple[Difference, ...]
    files: int
    unhashed: int
    loose: int

    @property
    def damaged(self) -> bool:
        """Whether files that are listed are not as listed, whoever installed them."""
        return any(one.change is not Change.ADDED for one in self.differences)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stray:
    """A file that belongs to no distribution and that Python runs by itself, or takes in place of another.

    Or one that belongs to another distribution than the module that it is taken in place of.

    why:   in one sentence
    maker: who is known to write exactly this, None where nobody is: then it is a finding
    """

    path: str
    why: str
    maker: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """One environment.

    libraries: the folders that were looked through
    unowned:   other entries of these folders that belong to no distribution; not imported unless somebody asks
    notes:     what else should be told
    """

    environment: str
    libraries: tuple[str, ...]
    distributions: tuple[Inspected, ...]
    strays: tuple[Stray, ...]
    unowned: tuple[str, ...]
    notes: tuple[str, ...]

    def findings(self, *, foreign_too: bool) -> int:
        """How much of it is not as it should be. `foreign_too`: what safepip did not install is not, either."""
        wrong = sum(1 for one in self.distributions if is_finding(one, foreign_too=foreign_too))
        return wrong + sum(1 for one in self.strays if one.maker is None)


def is_finding(one: Inspected, *, foreign_too: bool) -> bool:
    """Whether a distribution is not as it should be.

    What safepip did not install was never judged; only where files differ from its own RECORD is something wrong.
    """
    if one.status is Status.FOREIGN:
        return foreign_too or one.damaged
    return one.status is not Status.INTACT
