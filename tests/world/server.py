"""The world behind a real HTTP/1.1 server with keep-alive on loopback, with faults on demand."""

from __future__ import annotations

import base64
import contextlib
import gzip
import hashlib
import http.server
import re
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from safepip.errors import Malformed
from safepip.model.ident import ProjectName, Url
from tests.world.tls import Tls
from tests.world.world import MAIN, Shelf, World, rendered

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


@dataclass(kw_only=True)
class Fault:
    """What goes wrong at one path. Only what is set differs from the honest answer.

    times:    how often, then the path is healthy again; None for ever
    truncate: announce the full length and close after so many bytes
    excess:   send these bytes beyond the announced length
    drip:     seconds between single bytes
    delay:    seconds before the answer
    drop:     close the connection without an answer
    """

    status: int | None = None
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str | None = None
    redirect: str | None = None
    truncate: int | None = None
    excess: bytes = b""
    drip: float = 0.0
    delay: float = 0.0
    drop: bool = False
    times: int | None = None


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a client asked, header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]


@dataclass(kw_only=True)
class Answer:
    status: int = 200
    content_type: str = "application/octet-stream"
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class WorldServer:
    """A context manager. Several may serve one world, each with its own address: another origin."""

    def __init__(self, world: World, *, tls: Tls | None = None) -> None:
        self.world = world
        self.requests: list[Request] = []
        self.connections = 0
        self.faults: dict[str, Fault] = {}
        self.lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.site = self
        self._server.tls = tls.context if tls is not None else None
        self.base = f"{'https' if tls else 'http'}://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> WorldServer:  # noqa: PYI034 - Self is not in 3.10
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def index(self, name: str = MAIN) -> Url:
        return self.world.shelves[name].url(self.base)

    def address(self, path: str) -> Url:
        return Url(self.base + path)

    def fail(self, path: str, fault: Fault) -> None:
        self.faults[path] = fault

    def paths(self) -> list[str]:
        return [request.path for request in self.requests]

    def forget(self) -> None:
        self.requests.clear()

    def fault_at(self, path: str) -> Fault | None:
        with self.lock:
            fault = self.faults.get(path)
            if fault is None or fault.times is None:
                return fault
            if fault.times <= 0:
                return None
            fault.times -= 1
            return fault


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    site: WorldServer
    tls: ssl.SSLContext | None

    def finish_request(self, request: Any, client_address: Any) -> None:
        # A handshake that fails, or a client that leaves, is the client's test.
        with contextlib.suppress(OSError):
            if self.tls is None:
                super().finish_request(request, client_address)
                return
            with self.tls.wrap_socket(request, server_side=True) as secured:
                super().finish_request(secured, client_address)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server  # type: ignore[mutable-override] # the server that makes it is no other

    def setup(self) -> None:
        super().setup()
        with self.server.site.lock:
            self.server.site.connections += 1

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        """The log is `WorldServer.requests`."""

    def do_GET(self) -> None:
        site = self.server.site
        path = self.path.partition("?")[0]
        headers = {name.lower(): value for name, value in self.headers.items()}
        with site.lock:
            site.requests.append(Request(method=self.command, path=self.path, headers=headers))
        fault = site.fault_at(path) or Fault()
        time.sleep(fault.delay)
        answer = None if fault.drop else answer_to(site, path, headers)
        if answer is None:
            self.close_connection = True
            return
        self._send(_spoiled(answer, fault), fault)

    def _send(self, answer: Answer, fault: Fault) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        body = answer.body if fault.truncate is None else answer.body[: fault.truncate]
        for piece in _pieces(body + fault.excess, fault.drip):
            self.wfile.write(piece)
            if fault.drip:
                self.wfile.flush()
        self.wfile.flush()
        self.close_connection = self.close_connection or fault.truncate is not None


def _pieces(body: bytes, drip: float) -> Iterator[bytes]:
    if not drip:
        yield body
        return
    for number in range(len(body)):
        time.sleep(drip)
        yield body[number : number + 1]


def _spoiled(answer: Answer, fault: Fault) -> Answer:
    if fault.redirect is not None:
        return Answer(status=fault.status or 302, headers={"Location": fault.redirect, **fault.headers}, body=b"moved")
    if fault.body is not None:
        answer.headers.pop("Content-Encoding", None)
    return Answer(
        status=fault.status or answer.status,
        content_type=fault.content_type or answer.content_type,
        body=answer.body if fault.body is None else fault.body,
        headers={**answer.headers, **fault.headers},
    )


def answer_to(site: WorldServer, path: str, headers: Mapping[str, str]) -> Answer | None:
    """The honest answer, None where the connection just ends."""
    shelf, rest = _shelf_of(site.world, path)
    time.sleep(shelf.latency)
    if shelf.password is not None and headers.get("authorization") != _basic(shelf.password):
        return Answer(status=401, headers={"WWW-Authenticate": 'Basic realm="index"'})
    if rest.startswith("/simple/"):
        return None if "index" in shelf.dark else _page(site, shelf, rest, headers)
    if rest.startswith("/files/"):
        return _file(shelf, rest.removeprefix("/files/"), headers)
    return Answer(status=404)


def _shelf_of(world: World, path: str) -> tuple[Shelf, str]:
    for shelf in world.shelves.values():
        if shelf.prefix and path.startswith(shelf.prefix + "/"):
            return shelf, path.removeprefix(shelf.prefix)
    return world.main, path


def _basic(pair: tuple[str, str]) -> str:
    return "Basic " + base64.b64encode(":".join(pair).encode()).decode()


def _page(site: WorldServer, shelf: Shelf, rest: str, headers: Mapping[str, str]) -> Answer:
    try:
        name = ProjectName.parse(rest.removeprefix("/simple/").removesuffix("/"))
    except Malformed:
        return Answer(status=404)
    page = shelf.page(site.base, name)
    if page is None:
        return Answer(status=404)
    content_type, body = rendered(shelf, page)
    answer = Answer(content_type=content_type, body=body)
    if shelf.max_age is not None:
        answer.headers["Cache-Control"] = f"max-age={shelf.max_age}"
    if shelf.validators is not None:
        tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        answer.headers["ETag"] = tag
        if headers.get("if-none-match") == tag:
            return Answer(status=304, headers=answer.headers)
    if shelf.compression and "gzip" in headers.get("accept-encoding", ""):
        answer.body = gzip.compress(body, 1, mtime=0)
        answer.headers["Content-Encoding"] = "gzip"
    return answer


def _file(shelf: Shelf, text: str, headers: Mapping[str, str]) -> Answer | None:
    for suffix, service in ((".metadata", "metadata"), (".provenance", "provenance"), ("", "files")):
        if not text.endswith(suffix):
            continue
        one = shelf.file(text.removesuffix(suffix))
        if service in shelf.dark:
            return None
        if one is None or service in shelf.lost:
            return Answer(status=404)
        if service == "files":
            return _ranged(one.content, headers.get("range") if shelf.ranges else None, shelf)
        body = one.metadata if service == "metadata" else one.provenance
        offered = shelf.core_metadata if service == "metadata" else shelf.provenance
        return Answer(body=body) if body is not None and offered else Answer(status=404)
    return Answer(status=404)


def _ranged(content: bytes, wanted: str | None, shelf: Shelf) -> Answer:
    match = _RANGE.fullmatch(wanted or "")
    headers = {"Accept-Ranges": "bytes"} if shelf.ranges else {}
    if match is None or not (match[1] or match[2]):
        return Answer(body=content, headers=headers)
    total = len(content)
    first = int(match[1]) if match[1] else max(0, total - int(match[2]))
    last = min(int(match[2]), total - 1) if match[1] and match[2] else total - 1
    if first > last:
        return Answer(status=416, headers={"Content-Range": f"bytes */{total}"})
    headers["Content-Range"] = f"bytes {first}-{last}/{total}"
    return Answer(status=206, body=content[first : last + 1], headers=headers)
