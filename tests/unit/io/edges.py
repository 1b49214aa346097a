"""Edges for tests: quick to give up, and closed when the test is over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from safepip.io.http import Http, HttpSettings
from safepip.io.index import IndexCatalog, Sources
from safepip.io.pools import Proxies
from safepip.model.artifact import Listing
from safepip.model.ident import ProjectName, Url

QUICK = HttpSettings(
    timeout=5.0,
    patience=5.0,
    retries=0,
    backoff=0.001,
    certificates=None,
    client_certificate=None,
    proxies=Proxies(explicit=None, from_environment=False),
    authorities=(),
    use_netrc=False,
    user_agent="safepip-tests",
)
NOWHERE = Url("http://127.0.0.1:9/simple")


@contextmanager
def an_http(**changes: Any) -> Iterator[Http]:
    http = Http(replace(QUICK, **changes))
    try:
        yield http
    finally:
        http.close()


def project(name: str) -> ProjectName:
    return ProjectName.parse(name)


def never_whole(listing: Listing) -> Path:
    raise AssertionError(f"{listing.name} was fetched whole")


def sources(
    *indexes: Url,
    find_links: tuple[Url, ...] = (),
    no_index: bool = False,
    grants: Any = (),
    local_only: frozenset[Url] = frozenset(),
) -> Sources:
    return Sources(
        indexes=indexes, find_links=find_links, no_index=no_index, grants=tuple(grants), local_only=local_only
    )


@contextmanager
def a_catalog(
    chosen: Sources,
    *,
    cache_dir: Path | None = None,
    fetch_whole: Callable[[Listing], Path] = never_whole,
    kept: list[tuple[Listing, bytes]] | None = None,
    clock: Callable[[], float] | None = None,
    **changes: Any,
) -> Iterator[IndexCatalog]:
    keep = kept if kept is not None else []
    more = {"clock": clock} if clock is not None else {}
    changes.setdefault("authorities", (*chosen.indexes, *chosen.find_links))
    catalog = IndexCatalog(
        http=Http(replace(QUICK, **changes)),
        sources=chosen,
        cache_dir=cache_dir,
        fetch_whole=fetch_whole,
        keep=lambda listing, body: keep.append((listing, body)),
        **more,
    )
    try:
        yield catalog
    finally:
        catalog.close()
