"""The catalog over indexes, folders and link pages: who is asked about a name, and what counts as an answer.

One name, one place: where a policy gives a name to an index, only that index is asked. Only 404 and 410 mean
"not here"; whatever else goes wrong is an error, never a reason to ask the next index.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from safepip.errors import BadInput
from safepip.formats.simple import ACCEPT, parse_page
from safepip.formats.simple_html import LinkPage
from safepip.io.cachefile import CacheFolder
from safepip.io.http import Http
from safepip.io.links import direct_listing, page_of_links, read_file_index, read_find_links
from safepip.io.memo import Memo, Workers
from safepip.io.metadata import FetchWhole, Keep, MetadataReader
from safepip.io.pagecache import Fetched, PageReader
from safepip.model.artifact import IndexPage, Listing, Metadata, Project
from safepip.model.grants import IndexGrant, exclusive_index
from safepip.model.ident import ProjectName, Url
from safepip.model.mirrors import reconciled

WORKERS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where distributions may come from.

    indexes, find_links: in the order of the command line
    no_index: ask no index at all
    grants: the policy's indexes; those with `packages` answer for these names alone
    local_only: folders and `file:` indexes that a requirements file named: their pages may not lead to the net
    """

    indexes: tuple[Url, ...]
    find_links: tuple[Url, ...]
    no_index: bool
    grants: tuple[IndexGrant, ...]
    local_only: frozenset[Url]

    def exclusive(self, name: ProjectName) -> IndexGrant | None:
        return exclusive_index(self.grants, name)

    def indexes_for(self, name: ProjectName) -> tuple[Url, ...]:
        """The indexes to ask, as `index_key`s. Raises BadInput where the only permitted one may not be asked."""
        grant = self.exclusive(name)
        if grant is not None and self.no_index:
            raise BadInput(
                "index-excluded",
                f"{name} comes from the index {grant.name} alone, and --no-index forbids to ask it.",
                context=(("index", str(grant.url)), ("policy", grant.place)),
            )
        if self.no_index:
            return ()
        urls = self.indexes if grant is None else (grant.url,)
        return tuple(dict.fromkeys(index_key(url) for url in urls))


def index_key(url: Url) -> Url:
    """The one form of an index's address that listings carry: without credentials, fragment and closing slash."""
    return Url(url.plain)


class IndexCatalog:
    """`safepip.ports.Catalog`. Answers, and failures, are remembered as long as the object lives.

    fetch_whole, keep: see `MetadataReader`; cache_dir: None remembers nothing on disk
    """

    def __init__(
        self,
        *,
        http: Http,
        sources: Sources,
        cache_dir: Path | None,
        fetch_whole: FetchWhole,
        keep: Keep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        cache = CacheFolder(cache_dir)
        self._http = http
        self._sources = sources
        self._pages = PageReader(http, cache, clock=clock)
        self._metadata = MetadataReader(http, cache, fetch_whole=fetch_whole, keep=keep)
        self._workers = Workers(WORKERS)
        self._page_memo: Memo[tuple[Url, ProjectName], IndexPage | None] = Memo()
        self._link_memo: Memo[Url, LinkPage] = Memo()
        self._project_memo: Memo[ProjectName, Project] = Memo()
        self._metadata_memo: Memo[tuple[Url, str | None], Metadata] = Memo()

    def project(self, name: ProjectName) -> Project:
        return self._project_memo.get(name, lambda: self._project(name))

    def metadata(self, listing: Listing) -> Metadata:
        key = (listing.url, listing.sha256)
        return self._metadata_memo.get(key, lambda: self._metadata.read(listing))

    def forget_metadata(self, listing: Listing) -> None:
        """An index that lied once must not spoil later runs."""
        self._metadata.forget(listing)

    def direct(self, url: Url) -> Listing:
        return replace(direct_listing(url), direct=True)

    def ahead(self, work: Callable[[], None]) -> None:
        self._workers.submit(work)

    def close(self) -> None:
        """Give up what is under way or waiting. The `Http` is closed too."""
        self._workers.close()
        self._http.close()

    def _project(self, name: ProjectName) -> Project:
        indexes = self._sources.indexes_for(name)
        for index in indexes[1:]:  # all indexes are asked at the same time
            self.ahead(partial(self._note_page, index, name))
        pages = [self._page_or_none(index, name) for index in indexes]
        linked = [] if self._sources.exclusive(name) is not None else self._linked(name)
        return Project(name=name, pages=reconciled(tuple(page for page in (*linked, *pages) if page is not None)))

    def _note_page(self, index: Url, name: ProjectName) -> None:
        self._page_or_none(index, name)

    def _page_or_none(self, index: Url, name: ProjectName) -> IndexPage | None:
        return self._page_memo.get((index, name), lambda: self._page(index, name))

    def _page(self, index: Url, name: ProjectName) -> IndexPage | None:
        if index.scheme == "file":
            return self._held_local(index, read_file_index(index, name))

        def parse(fetched: Fetched) -> IndexPage:
            return parse_page(
                fetched.body, content_type=fetched.content_type, index=index, base=fetched.address, project=name
            )

        return self._pages.read(Url(f"{index.reveal()}/{name}/"), ACCEPT, parse)

    def _linked(self, name: ProjectName) -> list[IndexPage | None]:
        """Folders and link pages come first, as pip lets them win among equals."""
        found = []
        for url in dict.fromkeys(self._sources.find_links):
            links = self._link_memo.get(url, partial(read_find_links, url, self._pages))
            found.append(self._held_local(url, page_of_links(links, url.without_credentials(), name)))
        return found

    def _held_local(self, source: Url, page: IndexPage | None) -> IndexPage | None:
        """Without what leads elsewhere, where a requirements file named the source: it may not bring in an index."""
        if page is None or source.plain not in {url.plain for url in self._sources.local_only}:
            return page
        near = tuple(one for one in page.listings if one.url.scheme == "file")
        far = tuple((one.name.text, "it lies elsewhere") for one in page.listings if one.url.scheme != "file")
        return replace(page, listings=near, skipped=(*page.skipped, *far))
