"""The edges that every command which asks an index makes alike: addresses, HTTP, the cache and the catalog."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from safepip import __version__
from safepip.cli.settings import Settings
from safepip.errors import BadInput
from safepip.io.http import Http, HttpSettings
from safepip.io.index import IndexCatalog, Sources
from safepip.io.interpreter import ask_default_index
from safepip.io.pools import Proxies
from safepip.io.statedir import cache_folder
from safepip.io.store import Store
from safepip.model.grants import IndexGrant
from safepip.model.ident import Url
from safepip.model.levels import Placed

DOWNLOADS = 8
# A slip in an address that would make it a path: `https:/user:password@host`, `user:password@host/simple`.
_SLIP = re.compile(r"https?:|[^@]*:.*@", re.IGNORECASE | re.DOTALL)


def address(source: Placed[str]) -> Url:
    """A URL as it stands; anything else is a path, as in pip.

    Raises BadInput, without showing it, for what is neither and may hold a password.
    """
    text = source.value
    is_url = "://" in text or text.lower().startswith("file:")
    slip = "@" in text.partition("#")[2] if is_url else _SLIP.match(text) is not None
    if slip:
        raise BadInput(
            "bad-index-address",
            f"the address of an index ({source.place}) is malformed; it is not shown, since it may hold a password",
            hint="write https://host/path; in a password, %23 stands for #, %2F for / and %40 for @",
        )
    return Url(text) if is_url else Url(Path(text).absolute().as_uri())


def cache_of(settings: Settings) -> Path | None:
    """None where nothing may be kept."""
    return (settings.cache_dir or cache_folder()) if settings.cache else None


def http_settings(settings: Settings, sources: Sources) -> HttpSettings:
    return HttpSettings(
        timeout=settings.timeout,
        patience=max(60.0, 4 * settings.timeout),
        retries=settings.retries,
        backoff=0.25,
        certificates=Path(settings.cert) if settings.cert else None,
        client_certificate=None,
        proxies=Proxies(explicit=Url(settings.proxy) if settings.proxy else None, from_environment=True),
        authorities=(*sources.indexes, *sources.find_links, *(grant.url for grant in sources.grants)),
        use_netrc=True,
        user_agent=f"safepip/{__version__} Python/{sys.version_info.major}.{sys.version_info.minor}",
    )


def catalog_over(http: Http, sources: Sources, cache: Path | None, store: Store) -> IndexCatalog:
    """What the indexes list. Files that are only to be had whole go through the store, and stay there."""
    return IndexCatalog(
        http=http,
        sources=sources,
        cache_dir=cache,
        fetch_whole=lambda listing: store.fetch(listing, {"sha256"})[0],
        keep=store.keep,
    )


def indexes_alone(indexes: Sequence[Url], grants: Sequence[IndexGrant]) -> Sources:
    """No folders and no requirements files: what is looked up without anything to install."""
    return Sources(indexes=tuple(indexes), find_links=(), no_index=False, grants=tuple(grants), local_only=frozenset())


def configured_indexes(
    settings: Settings, environ: Mapping[str, str], closing: ExitStack, *, default: bool = True
) -> tuple[Url, ...]:
    """The configured indexes; where none is named, pip's default first.

    default: whether to ask pip for that, which takes a process
    """
    more = tuple(address(one) for one in settings.extra_index_urls)
    if settings.index_url is not None:
        return (address(settings.index_url), *more)
    if not default:
        return more
    asked = ask_default_index(environ)
    closing.callback(asked.close)
    return (asked.url(), *more)
