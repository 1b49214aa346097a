"""The world behind the `Catalog` port, without a network."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import replace

from safepip.errors import IndexFault, Malformed, NetworkFault, UnreadableFile
from safepip.formats.metadata import parse_metadata
from safepip.io.links import direct_listing
from safepip.model.artifact import Listing, Metadata, Project
from safepip.model.ident import ProjectName, Url
from safepip.model.mirrors import reconciled
from tests.world.world import MAIN, Published, Shelf, World

BASE = "https://index.example"


class MemoryCatalog:
    """`safepip.ports.Catalog` over some indexes of a world, in that order.

    asked: every question that was put, as ("project", name) or ("metadata", file name); remembered answers too
    ahead: runs at once when `eager`, else never, as the port permits
    """

    def __init__(self, world: World, *, indexes: Iterable[str] = (MAIN,), eager: bool = False) -> None:
        self.world = world
        self.indexes = tuple(indexes)
        self.eager = eager
        self.asked: list[tuple[str, str]] = []

    def project(self, name: ProjectName) -> Project:
        self.asked.append(("project", name))
        shelves = [self.world.shelves[index] for index in self.indexes]
        for shelf in shelves:
            _require_light(shelf, "index")
        pages = (shelf.page(BASE, name) for shelf in shelves)
        return Project(name=name, pages=reconciled(tuple(page for page in pages if page is not None)))

    def metadata(self, listing: Listing) -> Metadata:
        self.asked.append(("metadata", listing.name.text))
        shelf, one = self._published(listing)
        _require_light(shelf, "metadata" if listing.metadata is not None else "files")
        if listing.metadata and hashlib.sha256(one.metadata).hexdigest() != listing.metadata.get("sha256"):
            raise IndexFault("digest-mismatch", f"The metadata of {one.text} is not what its index page says.")
        try:
            return parse_metadata(one.metadata)
        except Malformed as fault:
            check = "unreadable-metadata"
            raise UnreadableFile(
                f"The metadata of {one.text} cannot be read.", check=check, code=check, fact=str(fault)
            ) from None

    def direct(self, url: Url) -> Listing:
        return replace(direct_listing(url), direct=True)

    def ahead(self, work: Callable[[], None]) -> None:
        if self.eager:
            work()

    def content(self, listing: Listing) -> bytes:
        """What would be downloaded."""
        shelf, one = self._published(listing)
        _require_light(shelf, "files")
        return one.content

    def _published(self, listing: Listing) -> tuple[Shelf, Published]:
        for shelf in self.world.shelves.values():
            one = shelf.file(listing.name.text) if shelf.url(BASE) == listing.index else None
            if one is not None:
                return shelf, one
        raise IndexFault("file-missing", f"{listing.name.text} is not there.")


def _require_light(shelf: Shelf, service: str) -> None:
    if service in shelf.dark:
        raise NetworkFault("unreachable", f"The {service} of {shelf.name} cannot be reached.")
