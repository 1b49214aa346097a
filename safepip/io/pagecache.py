"""Pages of an index over HTTP, remembered with their validators (RFC 9111).

Only what an index lets be kept is kept: with an ETag or Last-Modified it is asked again cheaply, with max-age it is
not asked again for at most ten minutes. What was asked for with credentials is never written to disk.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from safepip.errors import IndexFault, Malformed
from safepip.io.cachefile import CacheFolder
from safepip.io.http import Http, Response
from safepip.model.ident import Url

PAGE_LIMIT = 100 * 1024 * 1024
FRESH_AT_MOST = 600
ABSENT = frozenset({404, 410})
_MAX_AGE = re.compile(r"(?:^|[,\s])max-age\s*=\s*\"?(\d{1,9})", re.ASCII)
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A page as received. address: where it was in the end, for relative links; stored: seconds since the epoch."""

    content_type: str
    address: Url
    body: bytes
    etag: str | None
    modified: str | None
    stored: float
    max_age: int

    def is_fresh(self, now: float) -> bool:
        """Younger than max-age, and not from the future, which would be for ever."""
        return 0 <= now - self.stored < self.max_age

    @property
    def validators(self) -> Mapping[str, str]:
        pairs = (("If-None-Match", self.etag), ("If-Modified-Since", self.modified))
        return {name: value for name, value in pairs if value is not None}


class PageReader:
    def __init__(self, http: Http, cache: CacheFolder, *, clock: Callable[[], float] = time.time) -> None:
        self._http = http
        self._cache = cache
        self._clock = clock

    def read(self, url: Url, accept: str, parse: Callable[[Fetched], T]) -> T | None:
        """What `parse` makes of the page at `url`; None where the answer is 404 or 410, and only there.

        Raises IndexFault, also where `parse` raises Malformed, and NetworkFault.
        """
        cached = self._cache.enabled and not self._http.sends_credentials(url)
        stored = self._stored(url) if cached else None
        if stored is not None:
            try:
                known = parse(stored)
            except Malformed:
                stored = None  # what does not parse is asked for again, in full
            else:
                if stored.is_fresh(self._clock()):
                    return known
        headers = stored.validators if stored is not None else {}
        response = self._http.get(url, accept=accept, headers=headers, limit=PAGE_LIMIT)
        if response.status == 304 and stored is not None:
            self._keep(url, _renewed(stored, response, self._clock()))
            return known
        if response.status in ABSENT:
            return None
        if response.status != 200:
            raise _odd_status(url, response.status)
        fetched = _fetched(response, self._clock())
        try:
            result = parse(fetched)
        except Malformed as fault:
            raise bad_page(url, fault) from None
        if cached and _may_keep(response, fetched):
            self._keep(url, fetched)
        return result

    def _stored(self, url: Url) -> Fetched | None:
        content = self._cache.read("pages", _key(url))
        return None if content is None else _decode(url, content)

    def _keep(self, url: Url, fetched: Fetched) -> None:
        self._cache.write("pages", _key(url), _encode(url, fetched))


def bad_page(url: Url, fault: Malformed) -> IndexFault:
    return IndexFault(
        "bad-index-page",
        f"The page {url} cannot be read: {fault}.",
        hint="Check that this is the address of a simple repository (it often ends in /simple/), not of a web page.",
    )


def _odd_status(url: Url, status: int) -> IndexFault:
    return IndexFault(
        "index-status",
        f"The index at {url.host} answered with status {status}, which says neither yes nor no.",
        context=(("address", str(url)),),
    )


def _fetched(response: Response, now: float) -> Fetched:
    get = response.headers.get
    return Fetched(
        content_type=get("content-type", ""),
        address=response.final_url,
        body=response.body,
        etag=get("etag"),
        modified=get("last-modified"),
        stored=now,
        max_age=_max_age(get("cache-control", "")),
    )


def _renewed(stored: Fetched, response: Response, now: float) -> Fetched:
    control = response.headers.get("cache-control")
    return Fetched(
        content_type=stored.content_type,
        address=stored.address,
        body=stored.body,
        etag=stored.etag,
        modified=stored.modified,
        stored=now,
        max_age=stored.max_age if control is None else _max_age(control),
    )


def _max_age(control: str) -> int:
    control = control.lower()
    match = _MAX_AGE.search(control)
    if match is None or "no-cache" in control or "no-store" in control:
        return 0
    return min(int(match[1]), FRESH_AT_MOST)


def _may_keep(response: Response, fetched: Fetched) -> bool:
    forbidden = "no-store" in response.headers.get("cache-control", "").lower()
    return not forbidden and bool(fetched.validators or fetched.max_age)


def _key(url: Url) -> str:
    return hashlib.sha256(url.reveal().encode("utf-8", "surrogatepass")).hexdigest()


def _encode(url: Url, fetched: Fetched) -> bytes:
    head = {
        "url": str(url),
        "content_type": fetched.content_type,
        "address": fetched.address.reveal(),
        "etag": fetched.etag,
        "modified": fetched.modified,
        "stored": fetched.stored,
        "max_age": fetched.max_age,
    }
    return json.dumps(head).encode() + b"\n" + fetched.body


def _decode(url: Url, content: bytes) -> Fetched | None:
    """None for an entry of another address or of another version of this program."""
    line, _, body = content.partition(b"\n")
    try:
        head = json.loads(line)
        if head.pop("url") != str(url):
            return None
        return Fetched(body=body, address=Url(head.pop("address")), **head)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
