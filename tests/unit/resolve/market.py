"""A small index in memory, with the awkward habits of real ones, and the request that goes with it."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.tags import Tag
from packaging.version import Version

from safepip.errors import NetworkFault, SafepipError, UnreadableFile
from safepip.model.artifact import (
    HashPin,
    IndexPage,
    InstalledDistribution,
    Listing,
    Metadata,
    Offers,
    Project,
    ProjectStatus,
    Resolution,
    Root,
    Status,
    Target,
)
from safepip.model.ident import FileName, ProjectName, Url
from safepip.resolve.request import Objection, ResolveRequest
from safepip.resolve.select import resolve

INDEX = Url("https://index.example/simple/")
MARKERS = {
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
}
TARGET = Target(
    python=Version("3.12.1"),
    tags=(
        Tag("cp312", "cp312", "manylinux_2_17_x86_64"),
        Tag("cp312", "abi3", "manylinux_2_17_x86_64"),
        Tag("py3", "none", "any"),
    ),
    markers=MARKERS,
)
DIGEST = {letter: letter * 64 for letter in "abcdef"}


@dataclass
class Market:
    """A catalog. `latency` shuffles the order in which answers arrive; `threads` really runs what is asked ahead."""

    index: Url = INDEX
    threads: bool = False
    latency: random.Random | None = None
    listings: dict[ProjectName, list[Listing]] = field(default_factory=dict)
    contents: dict[str, Metadata | SafepipError] = field(default_factory=dict)
    files: dict[Url, Listing] = field(default_factory=dict)
    unreachable: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    pages: int = 1
    _running: list[threading.Thread] = field(default_factory=list)

    def add(
        self,
        name: str,
        version: str,
        *requires: str,
        extras: Sequence[str] = (),
        tags: str = "py3-none-any",
        build: str = "",
        python: str | None = None,
        listed_python: str | None = None,
        yanked: str | None = None,
        digest: str | None = None,
        broken: bool = False,
        sdist: bool = False,
        says: str | None = None,
    ) -> Listing:
        """Publish a file. `python` is in the metadata and on the page, `listed_python` on the page alone."""
        stem = f"{name.replace('-', '_')}-{version}"
        file = f"{stem}.tar.gz" if sdist else f"{stem}{f'-{build}' if build else ''}-{tags}.whl"
        listing = Listing(
            name=FileName.parse(file),
            url=self.index.join(f"../files/{file}"),
            index=self.index,
            claimed={"sha256": digest} if digest else {},
            size=1,
            uploaded=datetime(2026, 1, 1, tzinfo=timezone.utc),
            requires_python=listed_python or python,
            yanked=yanked,
            metadata={},
            provenance=None,
        )
        self.listings.setdefault(ProjectName.parse(name), []).append(listing)
        self.contents[file] = (
            UnreadableFile(
                f"The metadata of {file} cannot be read.",
                check="unreadable-metadata",
                code="unreadable-metadata",
                fact="it is empty",
            )
            if broken
            else Metadata(
                project=ProjectName.parse(says or name),
                version=Version(version),
                requires_dist=tuple(Requirement(one) for one in requires),
                requires_python=python,
                provides_extra=frozenset(extras),
                raw=b"",
            )
        )
        return listing

    def file(self, address: str, name: str, version: str, *requires: str, **more: Any) -> Url:
        """A wheel that is named by path or URL and that no index knows."""
        url = Url(address)
        listing = self.add(name, version, *requires, **more)
        self.listings[ProjectName.parse(name)].remove(listing)
        self.files[url] = replace(listing, url=url, index=url)
        return url

    def _answer(self, what: str) -> None:
        if self.latency is not None:
            time.sleep(self.latency.random() * 0.002)
        self.asked.append(what)
        if what in self.unreachable:
            raise NetworkFault("unreachable", f"{what} cannot be reached.")

    def project(self, name: ProjectName) -> Project:
        self._answer(name)
        listings = self.listings.get(name)
        if listings is None:
            return Project(name=name, pages=())
        addresses = [self.index, Url("https://mirror.example/simple/")][: self.pages]
        return Project(name=name, pages=tuple(self._page(name, listings, address) for address in addresses))

    @staticmethod
    def _page(name: ProjectName, listings: Sequence[Listing], index: Url) -> IndexPage:
        return IndexPage(
            index=index,
            project=name,
            listings=tuple(replace(one, index=index) for one in listings),
            status=ProjectStatus(status=Status.ACTIVE, reason=None),
            offers=Offers(upload_time=True, provenance=False, core_metadata=True, status=False),
            skipped=(),
        )

    def seen(self) -> tuple[IndexPage, ...]:
        return tuple(self._page(name, listings, self.index) for name, listings in self.listings.items())

    def metadata(self, listing: Listing) -> Metadata:
        self._answer(listing.name.text)
        found = self.contents[listing.name.text]
        if isinstance(found, SafepipError):
            raise found
        return found

    def direct(self, url: Url) -> Listing:
        self._answer(str(url))
        return self.files[url]

    def ahead(self, work: Callable[[], None]) -> None:
        if self.threads:
            thread = threading.Thread(target=work)
            self._running.append(thread)
            thread.start()

    def settle(self) -> None:
        """Wait for everything that was asked ahead."""
        for thread in self._running:
            thread.join()


def root(text: str, origin: str = "command line", *digests: str) -> Root:
    pins = frozenset(HashPin.parse(f"sha256:{digest}") for digest in digests)
    return Root(requirement=Requirement(text), origin=origin, pins=pins)


def installed(name: str, version: str, *requires: str) -> InstalledDistribution:
    return InstalledDistribution(
        project=ProjectName.parse(name),
        version=Version(version),
        location=Path(f"/site-packages/{name}-{version}.dist-info"),
        requires_dist=tuple(Requirement(one) for one in requires),
    )


def welcome(listing: Listing, page: IndexPage) -> Objection | None:
    """A policy without objections."""
    assert listing in page.listings
    return None


def request(*roots: Root | str, there: Sequence[InstalledDistribution] = (), **changes: Any) -> ResolveRequest:
    standard = ResolveRequest(
        roots=tuple(root(one) if isinstance(one, str) else one for one in roots),
        constraints=(),
        target=TARGET,
        installed={one.project: one for one in there},
        admit=welcome,
        hash_mode=False,
        upgrade=False,
        upgrade_strategy="only-if-needed",
        allow_pre=False,
        no_deps=False,
        ignore_installed=False,
        force_reinstall=False,
        ignore_requires_python=False,
    )
    return replace(standard, **changes)


def answer(market: Market, *roots: Root | str, **changes: Any) -> Resolution:
    return resolve(request(*roots, **changes), market)


def picks(resolution: Resolution) -> dict[str, str]:
    return {str(pin.project): str(pin.version) for pin in resolution.pins}


def chosen(market: Market, *roots: Root | str, **changes: Any) -> dict[str, str]:
    return picks(answer(market, *roots, **changes))


def objecting(objections: Mapping[str, Objection]) -> Callable[[Listing, IndexPage], Objection | None]:
    """A policy that objects to these files."""

    def admit(listing: Listing, page: IndexPage) -> Objection | None:
        assert page.index == listing.index
        return objections.get(listing.name.text)

    return admit


def young(day: int) -> Objection:
    return Objection(
        check="release-age",
        message=f"uploaded 2026-11-{day}, the policy asks for 3 days",
        eligible=datetime(2026, 11, day + 3, tzinfo=timezone.utc),
    )
