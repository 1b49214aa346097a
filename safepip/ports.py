"""What the core asks of the world. `io` answers these ports, and so does the test world."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import Protocol, TypeVar

from safepip.model.artifact import (
    InstalledDistribution,
    Listing,
    Metadata,
    Pin,
    Project,
    Resolution,
    Root,
    Target,
)
from safepip.model.evidence import Evidence, Kind, Subject
from safepip.model.ident import FileName, ProjectName, Sha256, Url
from safepip.model.inspection import Inspected, Inspection
from safepip.model.ledger import Recorded, Sighting
from safepip.model.neighbours import Occupant
from safepip.model.plan import Install, Plan
from safepip.model.run import Distribution

T = TypeVar("T")
R = TypeVar("R")


class Clock(Protocol):
    def now(self) -> datetime:
        """An aware time in UTC."""
        ...


class Catalog(Protocol):
    """What indexes and folders say. Answers are remembered: asking twice is free, and from any thread.

    Raises IndexFault, NetworkFault or BadInput from `safepip.errors`.
    """

    def project(self, name: ProjectName) -> Project:
        """All pages of the indexes that may speak for this name; `pages` is empty where none knows it."""
        ...

    def metadata(self, listing: Listing) -> Metadata:
        """The core metadata of a wheel, by the cheapest means that the index offers."""
        ...

    def direct(self, url: Url) -> Listing:
        """The listing for a wheel named by path (file: URL) or by URL. Its `index` is that URL itself."""
        ...

    def ahead(self, work: Callable[[], None]) -> None:
        """Run `work` soon on another thread, or not at all. What it raises is raised again when asked for."""
        ...


class Store(Protocol):
    def fetch(self, listing: Listing, algorithms: Collection[str]) -> tuple[Path, Mapping[str, str], int]:
        """The bytes of that file: path, digests by algorithm as WE computed them now, size in bytes."""
        ...


class Gatherer(Protocol):
    def expect(self, pins: Collection[Pin]) -> None:
        """Told what will be asked about, so that slow things can begin in the shadow of the downloads. Never raises."""
        ...

    def gather(self, subject: Subject, pin: Pin, kinds: Collection[Kind]) -> tuple[Evidence, ...]:
        """One piece for each kind, `Unavailable` where it could not be had.

        Raises BadInput about what the user configured, such as a trusted root, and nothing about what was served.
        """
        ...


class Ledger(Protocol):
    """What is remembered of publishers. Raises BadInput for a ledger that cannot be read, before anything is judged."""

    def recorded(self, index: Url, file: FileName) -> Recorded | None:
        """What is recorded for that index, the file's project and its kind."""
        ...

    def record(self, seen: Collection[Sighting]) -> tuple[str, ...]:
        """Write down those that are the first of their key, after a successful install; what to tell is returned.

        Raises EnvironmentFault where it cannot be written: what is installed stays, and nothing is half-written.
        """
        ...


class Inspector(Protocol):
    """Looks at what is installed, and runs nothing of it."""

    def inspect(self, environment: str) -> Inspection:
        """Everything in one environment, by the name that it was found under."""
        ...

    def of(self, installed: InstalledDistribution) -> Inspected:
        """One distribution: whether its listed files and byte code are as its RECORD and receipt say."""
        ...


class Workers(Protocol):
    """Runs one function over many things at once. Answers come in the order of the things."""

    def each(self, work: Callable[[T], R], things: Collection[T]) -> tuple[R, ...]: ...


class Environment(Protocol):
    """The environment that is installed into."""

    def target(self) -> Target: ...

    def installed(self) -> Mapping[ProjectName, InstalledDistribution]: ...

    def schemes(self, project: ProjectName) -> Mapping[str, str]:
        """Where a wheel's files go: the absolute folder for each of `model.contents.SCHEMES`, as pip will choose it."""
        ...

    def real_folders(self, folders: Collection[str]) -> Mapping[str, str]:
        """Where those absolute folders really lie, links resolved: only those that lie elsewhere than their name says.

        They need not exist. Raises EnvironmentFault.
        """
        ...

    def occupants(
        self, names: Mapping[str, Collection[str]], leaving: Collection[ProjectName]
    ) -> Mapping[str, Occupant]:
        """What stands in the way of files, by their absolute paths. `names`: of the files, by their real folders.

        leaving: the projects of the plan; what only they own need not be read. Raises EnvironmentFault.
        """
        ...


class Installer(Protocol):
    """pip, which gets exactly the bytes that were judged."""

    def install(self, plan: Plan, receipt: Callable[[Install, Sha256, Mapping[str, Sha256]], bytes]) -> tuple[str, ...]:
        """Install the plan and leave `receipt(step, sha256 of RECORD, byte code)` beside each distribution.

        What should be told besides is returned. Raises PipFailed, with what is installed now.
        """
        ...


class Watcher(Protocol):
    """Told what is going on, so that long work shows. It must not raise."""

    def resolving(self, roots: Collection[Root]) -> None: ...

    def resolved(self, resolution: Resolution) -> None: ...

    def arrived(self, distribution: Distribution) -> None: ...

    def installing(self, plan: Plan) -> None: ...
