"""HTTP for index pages, metadata and files: strict about where it goes, how long it waits and how much it takes.

* Redirects are followed by us: at most ten, never from https to http, and credentials never leave the origin that
  they belong to.
* Every answer has a limit in bytes and in time; a body that is shorter than announced is a fault, never a result.
* Connection errors, 429 and 5xx are tried again, with growing and jittered pauses.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from safepip.errors import SafepipError
from safepip.io.credentials import Credentials, Pair, basic
from safepip.io.netfaults import (
    RETRY_STATUS,
    Again,
    cancelled,
    failing_status,
    redirected_badly,
    redirected_without_end,
    refused_status,
    too_large,
    too_slow,
    translate,
)
from safepip.io.pools import Pools, Proxies, require_secure
from safepip.model.ident import Url

if TYPE_CHECKING:
    from urllib3.response import BaseHTTPResponse

REDIRECTS = 10
REDIRECT_STATUS = frozenset({301, 302, 303, 307, 308})
SLOWEST = 1024  # bytes a second that an answer must bring on average, beyond the patience for its start
_CHUNK = 1 << 16
_LONGEST_PAUSE = 8.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """timeout: seconds for a connection and between two pieces of an answer; patience: seconds for a small answer
    as a whole; backoff: seconds before the first retry, doubled each time; authorities: see `Credentials`.
    """

    timeout: float
    patience: float
    retries: int
    backoff: float
    certificates: Path | None
    client_certificate: Path | None
    proxies: Proxies
    authorities: tuple[Url, ...]
    use_netrc: bool
    user_agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """headers: names in lower case. final_url: after redirects, without credentials."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    final_url: Url


@dataclass(frozen=True, slots=True, kw_only=True)
class Streamed:
    """An answer whose body is still to come. `chunks` can be read once and raises like `Http.get`."""

    status: int
    headers: Mapping[str, str]
    final_url: Url
    chunks: Iterator[bytes]


class Http:
    """Safe to use from any thread."""

    def __init__(self, settings: HttpSettings) -> None:
        self._settings = settings
        self._credentials = Credentials(settings.authorities, use_netrc=settings.use_netrc)
        self._pools = Pools(
            proxies=settings.proxies,
            certificates=settings.certificates,
            client_certificate=settings.client_certificate,
        )
        self._closing = threading.Event()
        self._live: set[BaseHTTPResponse] = set()
        self._lock = threading.Lock()

    def get(self, url: Url, *, accept: str, headers: Mapping[str, str], limit: int) -> Response:
        """The whole answer, `limit` bytes of body at most, decompressed.

        The status is one that a caller can act on: 2xx, 304, 404, 410, 416 and the rest of 4xx; 401, 403, 407, 429
        and 5xx raise IndexFault, and everything that keeps an answer from coming whole raises NetworkFault.
        """
        sent = {"Accept-Encoding": "gzip", **headers, "Accept": accept}

        def once() -> Response:
            with self._opened(url, sent) as (raw, final):
                body = b"".join(self._chunks(raw, final, limit, decode=True))
                return Response(status=raw.status, headers=_lower(raw), body=body, final_url=final)

        return self._persistently(url, once)

    @contextlib.contextmanager
    def stream(self, url: Url, *, headers: Mapping[str, str], limit: int) -> Iterator[Streamed]:
        """A download: bytes as stored on the server, never decompressed. Only its beginning is tried again."""
        sent = {"Accept": "*/*", **headers, "Accept-Encoding": "identity"}
        with contextlib.ExitStack() as stack:

            def once() -> tuple[BaseHTTPResponse, Url]:
                with contextlib.ExitStack() as attempt:
                    opened = attempt.enter_context(self._opened(url, sent))
                    stack.push(attempt.pop_all())
                    return opened

            raw, final = self._persistently(url, once)
            chunks = self._plainly(self._chunks(raw, final, limit, decode=False))
            yield Streamed(status=raw.status, headers=_lower(raw), final_url=final, chunks=chunks)

    def sends_credentials(self, url: Url) -> bool:
        """Whether a request for `url` carries credentials: then the answer is for this user's eyes."""
        require_secure(url)
        return self._credentials.of(url) is not None

    def close(self) -> None:
        """Give up what is under way, from any thread: soon every request raises NetworkFault `cancelled`."""
        self._closing.set()
        with self._lock:
            live = tuple(self._live)
        for raw in live:
            # The answer may end while we ask: then it ends itself.
            with contextlib.suppress(ValueError, RuntimeError, OSError, AttributeError, NotImplementedError):
                raw.shutdown()
        self._pools.clear()

    def _persistently(self, url: Url, once: Callable[[], T]) -> T:
        attempt = 0
        while True:
            try:
                return once()
            except Again as again:
                if self._closing.is_set():
                    raise cancelled(url) from None
                if attempt >= self._settings.retries:
                    raise again.fault from None
                self._pause(attempt, again.after)
                attempt += 1

    def _pause(self, attempt: int, asked: float | None) -> None:
        grown = min(self._settings.backoff * 2.0**attempt, _LONGEST_PAUSE)
        jittered = grown * (0.5 + random.random() / 2)  # noqa: S311 - to spread the load, nothing secret
        self._closing.wait(jittered if asked is None else max(asked, jittered))

    @staticmethod
    def _plainly(chunks: Iterator[bytes]) -> Iterator[bytes]:
        try:
            yield from chunks
        except Again as again:
            raise again.fault from None

    @contextlib.contextmanager
    def _opened(self, url: Url, headers: Mapping[str, str]) -> Iterator[tuple[BaseHTTPResponse, Url]]:
        """The answer after redirects. Its connection goes back to the pool if the body was read to its end."""
        raw, final, pair = self._follow(url, headers)
        try:
            fault = refused_status(
                final, raw.status, netrc_problem=self._credentials.problem, sent_credentials=pair is not None
            )
            if fault is not None:
                raise fault
            if raw.status in RETRY_STATUS or raw.status >= 500:
                raise failing_status(final, raw.status, raw.headers.get("Retry-After"))
            yield raw, final
        finally:
            self._forget(raw)

    def _follow(self, url: Url, headers: Mapping[str, str]) -> tuple[BaseHTTPResponse, Url, Pair | None]:
        require_secure(url)
        pair = self._credentials.of(url)
        current = url.without_credentials().without_fragment()
        for _ in range(REDIRECTS + 1):
            raw = self._send(current, headers, pair)
            if raw.status not in REDIRECT_STATUS:
                return raw, current, pair
            try:
                target = _target(current, raw.headers.get("Location"))
                self._drain(raw, current)
            finally:
                self._forget(raw)
            if target.origin != current.origin:
                pair = None  # and it stays so, even if a later redirect leads back
            current = target
        raise redirected_without_end(url, REDIRECTS)

    def _send(self, url: Url, headers: Mapping[str, str], pair: Pair | None) -> BaseHTTPResponse:
        require_secure(url)
        if self._closing.is_set():
            raise cancelled(url)
        sent = {**headers, "User-Agent": self._settings.user_agent}
        if pair is not None:
            sent["Authorization"] = basic(pair)
        manager = self._pools.manager(url)
        try:
            raw = manager.request(
                "GET",
                url.reveal(),
                headers=sent,
                timeout=self._settings.timeout,
                redirect=False,
                retries=False,
                preload_content=False,
                enforce_content_length=True,
            )
        except Exception as error:  # noqa: BLE001 - urllib3 lets out much more than its own
            raise self._told(error, url, None) from None
        with self._lock:
            self._live.add(raw)
        return raw

    def _chunks(self, raw: BaseHTTPResponse, url: Url, limit: int, *, decode: bool) -> Iterator[bytes]:
        """The body piece by piece, as it arrives, so that a slow drip is noticed."""
        begun, received = time.monotonic(), 0
        announced = raw.headers.get("Content-Length", "")
        if announced.isascii() and announced.isdigit() and int(announced[:18]) > limit:
            raise too_large(url, limit)
        while True:
            try:
                chunk = raw.read1(_CHUNK, decode_content=decode)
            except Exception as error:  # noqa: BLE001 - see above
                raise self._told(error, url, received) from None
            if not chunk:
                break
            received += len(chunk)
            if received > limit:
                raise too_large(url, limit)
            self._keep_pace(url, received, time.monotonic() - begun)
            yield chunk
        if self._closing.is_set():
            raise cancelled(url)

    def _keep_pace(self, url: Url, received: int, seconds: float) -> None:
        if self._closing.is_set():
            raise cancelled(url)
        if seconds > self._settings.patience + received / SLOWEST:
            raise too_slow(url, received, seconds)

    def _drain(self, raw: BaseHTTPResponse, url: Url) -> None:
        """Read the few words of a redirect, so that its connection can be used again."""
        with contextlib.suppress(SafepipError, Again):
            for _ in self._chunks(raw, url, _CHUNK, decode=False):
                continue

    def _told(self, error: Exception, url: Url, received: int | None) -> SafepipError | Again:
        if self._closing.is_set():
            return cancelled(url)
        return translate(error, url, received=received)

    def _forget(self, raw: BaseHTTPResponse) -> None:
        with self._lock:
            self._live.discard(raw)
        raw.close()


def _target(current: Url, location: str | None) -> Url:
    if location is None or not location.isprintable() or "\\" in location:
        raise redirected_badly(current, location or "", "is missing or not legible")
    try:
        target = current.join(location).without_credentials().without_fragment()
        scheme = target.origin[0]
    except ValueError:
        raise redirected_badly(current, location, "is not an address") from None
    if scheme not in {"http", "https"}:
        raise redirected_badly(current, location, "is not on the web")
    if current.scheme == "https" and scheme != "https":
        raise redirected_badly(current, location, "is no longer encrypted")
    return target


def _lower(raw: BaseHTTPResponse) -> Mapping[str, str]:
    return {name.lower(): value for name, value in raw.headers.items()}
