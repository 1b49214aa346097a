"""Every port of the core over the world in memory: no file, no process, no socket."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from packaging.tags import Tag
from packaging.version import Version

from safepip.formats.wheel import read_contents
from safepip.model.artifact import (
    Indexed,
    InstalledDistribution,
    Listing,
    Pin,
    Resolution,
    Root,
    Target,
)
from safepip.model.difference import Difference
from safepip.model.evidence import Attestations, Evidence, Expected, Kind, Subject, Unavailable
from safepip.model.ident import FileName, ProjectName, Sha256, Url
from safepip.model.inspection import Inspected, Inspection, Receipt, Status
from safepip.model.ledger import Key, Recorded, Sighting, index_name
from safepip.model.neighbours import Occupant
from safepip.model.plan import Install, Plan
from safepip.model.run import Distribution
from safepip.pipeline import Histories
from tests.world.memory import MemoryCatalog
from tests.world.world import NOW

T = TypeVar("T")
R = TypeVar("R")

TARGET = Target(
    python=Version("3.12.1"),
    tags=(Tag("cp312", "cp312", "manylinux_2_17_x86_64"), Tag("py3", "none", "any")),
    markers={
        "implementation_name": "cpython",
        "implementation_version": "3.12.1",
        "os_name": "posix",
        "platform_machine": "x86_64",
        "platform_python_implementation": "CPython",
        "platform_release": "6.0",
        "platform_system": "Linux",
        "platform_version": "1",
        "python_full_version": "3.12.1",
        "python_version": "3.12",
        "sys_platform": "linux",
    },
)


@dataclass(frozen=True)
class MemoryStore:
    """`fetched` names every file that was asked for."""

    catalog: MemoryCatalog
    fetched: list[str] = field(default_factory=list)

    def fetch(self, listing: Listing, algorithms: Collection[str]) -> tuple[Path, Mapping[str, str], int]:
        content = self.catalog.content(listing)
        self.fetched.append(listing.name.text)
        digests = {name: hashlib.new(name, content).hexdigest() for name in {"sha256", *algorithms}}
        return Path(listing.name.text), digests, len(content)


@dataclass(frozen=True)
class MemoryGatherer:
    """`wanted` names every kind of evidence that was asked for."""

    catalog: MemoryCatalog
    wanted: set[Kind] = field(default_factory=set)

    def expect(self, pins: Collection[Pin]) -> None: ...

    def gather(self, subject: Subject, pin: Pin, kinds: Collection[Kind]) -> tuple[Evidence, ...]:
        self.wanted.update(kinds)
        return tuple(self._one(kind, subject, pin) for kind in kinds)

    def _one(self, kind: Kind, subject: Subject, pin: Pin) -> Evidence:
        artifact = subject.artifact
        assert artifact is not None
        assert isinstance(artifact.origin, Indexed)
        listing = artifact.origin.listing
        if kind is Kind.CONTENTS:
            handle = io.BytesIO(self.catalog.content(listing))
            return read_contents(handle, pin.metadata.raw if pin.metadata is not None else None)
        if kind is Kind.HISTORY:
            history = Histories(self.catalog, MemoryLedger()).of(listing)
            return history or Unavailable(wanted=kind, code="no-page", why="no page")
        if kind is Kind.EXPECTATION:
            return Expected(locked=(), locked_place=None, recorded=(), previous=None)
        if listing.provenance is not None:
            return Unavailable(wanted=kind, code="provenance-unavailable", why="nothing is served in memory")
        offers = artifact.origin.page.offers.provenance
        return Attestations(advertised=False, index_offers=offers, verified=(), rejected=(), claimed_publishers=())


@dataclass(frozen=True)
class MemoryLedger:
    """`seen` is what would have been written down. `fault`: raised instead; `notes`: what would be told."""

    known: Mapping[Key, Recorded] = field(default_factory=dict)
    seen: list[Sighting] = field(default_factory=list)
    fault: Exception | None = None
    notes: tuple[str, ...] = ()

    def recorded(self, index: Url, file: FileName) -> Recorded | None:
        return self.known.get((index_name(index), file.project, file.kind))

    def record(self, seen: Collection[Sighting]) -> tuple[str, ...]:
        if self.fault is not None:
            raise self.fault
        self.seen.extend(seen)
        return self.notes


@dataclass(frozen=True)
class MemoryEnvironment:
    """`held`: what lies at which path; `links`: where folders really lie."""

    there: Mapping[ProjectName, InstalledDistribution] = field(default_factory=dict)
    held: Mapping[str, Occupant] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)

    def target(self) -> Target:
        return TARGET

    def installed(self) -> Mapping[ProjectName, InstalledDistribution]:
        return self.there

    def schemes(self, project: ProjectName) -> Mapping[str, str]:
        return {
            "purelib": "/env/lib/python3.12/site-packages",
            "platlib": "/env/lib/python3.12/site-packages",
            "scripts": "/env/bin",
            "headers": f"/env/include/site/python3.12/{project}",
            "data": "/env",
        }

    def real_folders(self, folders: Collection[str]) -> Mapping[str, str]:
        return {folder: self.links[folder] for folder in folders if folder in self.links}

    def occupants(
        self, names: Mapping[str, Collection[str]], leaving: Collection[ProjectName]
    ) -> Mapping[str, Occupant]:
        del leaving
        paths = [f"{folder}/{name}" for folder, inside in names.items() for name in inside]
        return {path: self.held[path] for path in paths if path in self.held}


@dataclass(frozen=True)
class MemoryInspector:
    """`found`: what is known of installed distributions; the others were not installed by safepip. `asked`: of whom."""

    found: dict[ProjectName, Inspected] = field(default_factory=dict)
    asked: list[ProjectName] = field(default_factory=list)

    def inspect(self, environment: str) -> Inspection:
        distributions = tuple(self.found.values())
        return Inspection(
            environment=environment, libraries=(), distributions=distributions, strays=(), unowned=(), notes=()
        )

    def of(self, installed: InstalledDistribution) -> Inspected:
        self.asked.append(installed.project)
        return self.found.get(installed.project) or inspected(installed.project, installed.version, Status.FOREIGN)


def inspected(
    project: ProjectName,
    version: Version,
    status: Status,
    *,
    receipt: Receipt | None = None,
    differences: tuple[Difference, ...] = (),
    faults: tuple[str, ...] = (),
) -> Inspected:
    return Inspected(
        name=project,
        version=str(version),
        location=f"/env/lib/{project}-{version}.dist-info",
        status=status,
        receipt=receipt,
        faults=faults,
        differences=differences,
        files=1,
        unhashed=0,
        loose=0,
    )


@dataclass(frozen=True)
class MemoryInstaller:
    """`plans` is what pip would have been given, `receipts` what would lie beside each distribution."""

    plans: list[Plan] = field(default_factory=list)
    receipts: dict[str, bytes] = field(default_factory=dict)

    def install(self, plan: Plan, receipt: Callable[[Install, Sha256, Mapping[str, Sha256]], bytes]) -> tuple[str, ...]:
        self.plans.append(plan)
        record = Sha256.parse(hashlib.sha256(b"RECORD").hexdigest())
        self.receipts.update({step.pin.project: receipt(step, record, {}) for step in plan.installs})
        return ()


class SerialWorkers:
    def each(self, work: Callable[[T], R], things: Collection[T]) -> tuple[R, ...]:
        return tuple(work(thing) for thing in things)


class SilentWatcher:
    def resolving(self, roots: Collection[Root]) -> None: ...

    def resolved(self, resolution: Resolution) -> None: ...

    def arrived(self, distribution: Distribution) -> None: ...

    def installing(self, plan: Plan) -> None: ...


class FixedClock:
    def now(self) -> datetime:
        return NOW
