"""One project as the resolver sees it: what is installed, its versions, and what came of those that were looked at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from threading import Lock

from packaging.specifiers import SpecifierSet

from safepip.errors import Malformed, Refused, UnreadableFile
from safepip.model.artifact import HashPin, InstalledDistribution, Listing, Metadata, PassedOver
from safepip.model.ident import FileKind, ProjectName, Url
from safepip.ports import Catalog
from safepip.resolve.request import Objection
from safepip.resolve.terms import NO_EXTRAS, Terms
from safepip.resolve.versions import INSTALLED, File, Fitness, Versions


@dataclass(frozen=True, slots=True)
class Taken:
    """A wheel that can be installed, with the metadata that says so."""

    file: File
    metadata: Metadata


@dataclass(frozen=True, slots=True)
class Look:
    """What looking at one version gave: a wheel or none, and the files that were passed over for it."""

    taken: Taken | None
    passed: tuple[PassedOver, ...]


class Shelf:
    """Lazy in every respect: the page is asked for when a version beyond the installed one matters, a listing is
    judged when it is considered, and its metadata is read when nobody objected. Safe to use from several threads:
    every answer is a pure function of what the index says, so two threads can at worst do the same work twice.
    """

    def __init__(self, project: ProjectName, terms: Terms, fitness: Fitness, catalog: Catalog) -> None:
        self.project = project
        self.installed: InstalledDistribution | None = terms.installed.get(project)
        self.known = True
        self.considered: set[int] = set()
        self.frontier: int | None = None
        self.batch = 5
        self._terms = terms
        self._fitness = fitness
        self._catalog = catalog
        self._versions: Versions | None = None
        self._looks: dict[int, Look] = {}
        self._objections: dict[int, Objection | None] = {}
        self._page_lock = Lock()
        self._objection_lock = Lock()
        self.constraint = terms.constraint(project)

    @property
    def versions(self) -> Versions:
        if self._versions is None:
            with self._page_lock:
                if self._versions is None:
                    self._versions = Versions(list(self._files()), self._fitness, self._pins())
        return self._versions

    def _pins(self) -> frozenset[HashPin] | None:
        nothing = frozenset[HashPin]() if self._terms.request.hash_mode else None
        return self._terms.pins.get(self.project, nothing)

    def _files(self) -> Iterator[File]:
        urls = self._terms.urls.get(self.project)
        if urls is not None:
            yield from (File(self._direct(url), None) for url in urls)
            return
        pages = self._catalog.project(self.project).pages
        self.known = bool(pages)
        # The user's main index last: among equals the last file is taken.
        yield from (File(listing, page) for page in reversed(pages) for listing in page.listings)

    def _direct(self, url: Url) -> Listing:
        listing = self._catalog.direct(url)
        name = listing.name
        if name.project != self.project:
            raise Refused(
                "metadata-match",
                f"{url} is a distribution of {name.project}, not of {self.project}",
                context=[("expected", self.project), ("got", name.text)],
                hint="Name the project that the file belongs to.",
            )
        if name.kind is not FileKind.WHEEL:
            raise Refused(
                "source-kind",
                f"{name.text} is a source distribution, and building one runs its code before it can be judged",
                context=[("file", str(url))],
                hint="Name a wheel of that project instead.",
            )
        if self._fitness.rank(name.tag_text) is None:
            raise Refused(
                "unsupported-wheel",
                f"{name.text} is not a supported wheel on this platform.",
                context=[("file", str(url)), ("tags", name.tag_text)],
            )
        return listing

    def mask(self, specifier: SpecifierSet) -> int:
        """All versions in the specifier, with the bit of the installed one."""
        return self.versions.mask(specifier) | self.installed_mask(specifier)

    def installed_mask(self, specifier: SpecifierSet) -> int:
        """The bit of the installed distribution, where that satisfies; never asks for the page."""
        if self.installed is None or not specifier.contains(self.installed.version, prereleases=True):
            return 0
        return INSTALLED

    def narrow(self, mask: int, *, asks_pre: bool) -> int:
        """What is left of these versions when pre-releases, usable wheels, digests and yanks are considered.

        In pip's order: only usable files count when it is decided whether there is nothing but pre-releases.
        """
        versions = self.versions
        left = mask & versions.usable
        releases = self._terms.request.pre_releases(self.project)
        if releases is False:
            left &= versions.final
        elif releases is None and not asks_pre:
            left = left & versions.final or left
        left &= versions.hashed
        live = left & ~versions.yanked
        return live or (left if self.project in self._terms.exact else 0)

    def objection(self, file: File) -> Objection | None:
        """The policy's word on one listing, asked for once."""
        if file.page is None:
            return None
        key = id(file)  # `versions` keeps the file for as long as this shelf lives
        with self._objection_lock:
            if key not in self._objections:
                self._objections[key] = self._terms.request.admit(file.listing, file.page)
            return self._objections[key]

    def consider(self, index: int) -> bool:
        """The resolver (not somebody asking ahead) has come to that version: can it be taken?"""
        self.considered.add(index)
        return self.look(index).taken is not None

    def look(self, index: int) -> Look:
        known = self._looks.get(index)
        if known is None:
            known = self._looks.setdefault(index, self._look(index))
        return known

    def _look(self, index: int) -> Look:
        passed: list[PassedOver] = []
        for file in self.versions.choices(index):
            objection = self.objection(file)
            if objection is None:
                found = self._read(file)
                if isinstance(found, Taken):
                    return Look(found, tuple(passed))
                objection = found
            passed.append(self.passed(index, file.listing.name.text, objection))
        return Look(None, tuple(passed))

    def _read(self, file: File) -> Taken | Objection:
        listing = file.listing
        try:
            metadata = self._catalog.metadata(listing)
        except Malformed as error:
            return _unreadable(f"its metadata cannot be read: {error}")
        except UnreadableFile as error:
            # The only fault that makes the resolver go on to another candidate: the file itself is what its index
            # means. Whatever an index does wrong (a digest that does not hold, above all) stops the run.
            return Objection(check=error.check, code=error.code, message=error.fact, eligible=None)
        if metadata.project != self.project or metadata.version != listing.name.version:
            return _unreadable(f"its metadata says that it is {metadata.project} {metadata.version}")
        try:
            for requirement in metadata.requires_dist:
                self._terms.applies(requirement.marker, NO_EXTRAS)
        except Malformed as error:
            return _unreadable(f"one of its requirements cannot be evaluated: {error}")
        if not self._fitness.python_fits(metadata.requires_python):
            fact = f"it requires Python {metadata.requires_python}, the target has {self._fitness.python}"
            return Objection(check="requires-python", message=fact, eligible=None)
        return Taken(file, metadata)

    def passed(self, index: int, file: str | None, objection: Objection) -> PassedOver:
        return PassedOver(
            project=self.project,
            version=self.versions.version(index),
            file=file,
            check=objection.check,
            message=objection.message,
            eligible=objection.eligible,
            code=objection.code,
            rule=objection.rule,
            hint=objection.hint,
        )

    def reasons(self, index: int) -> tuple[PassedOver, ...]:
        """Why that version is not taken, as far as the resolver considered it; empty where nothing speaks against it.

        What was only asked ahead does not count, so that the answer never depends on who was faster.
        """
        fault = self.versions.fault(index)
        if fault is not None:
            check, file, fact = fault
            return (self.passed(index, file, Objection(check=check, message=fact, eligible=None)),)
        if index in self.considered:
            look = self.look(index)
            return look.passed if look.taken is None else ()
        if self.versions.yanked >> index & 1 and self.project not in self._terms.exact:
            file_ = self.versions.choices(index)[0].listing
            return (self.passed(index, file_.name.text, _yanked(file_.yanked)),)
        return ()


def _unreadable(message: str) -> Objection:
    return Objection(check="unreadable-metadata", message=message, eligible=None)


def _yanked(reason: str | None) -> Objection:
    said = f"it was yanked: {reason!r}" if reason else "it was yanked, and no reason is given"
    return Objection(check="yanked", message=f"{said}; only an exact == asks for it", eligible=None)
