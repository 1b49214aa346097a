"""The files of a LocalRepository over HTTP on loopback, with faults on demand."""

from __future__ import annotations

import contextlib
import http.server
import threading
import time
from types import TracebackType
from typing import Any

from tests.tuf.repository import LocalRepository
from tests.world.server import Fault

_PIECE = b"[" * 65536


class TufServer:
    """A context manager. `url`: of the repository; `paths`: what was asked for.

    faults: by path below that address; endless: paths that never end
    """

    def __init__(self, repository: LocalRepository) -> None:
        self.repository = repository
        self.paths: list[str] = []
        self.faults: dict[str, Fault] = {}
        self.endless: set[str] = set()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.site = self
        self.url = f"http://127.0.0.1:{self._server.server_port}/tuf"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> TufServer:  # noqa: PYI034 - Self is not in 3.10
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    site: TufServer

    def finish_request(self, request: Any, client_address: Any) -> None:
        with contextlib.suppress(OSError):  # a client that leaves is the client's test
            super().finish_request(request, client_address)


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server  # type: ignore[mutable-override] # the server that makes it is no other

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        """The log is `TufServer.paths`."""

    def do_GET(self) -> None:
        site, path = self.server.site, self.path.removeprefix("/tuf/")
        site.paths.append(path)
        body, fault = site.repository.files.get(path), site.faults.get(path, Fault())
        if fault.drop:
            return
        body = fault.body if fault.body is not None else body
        self.send_response(fault.status or (200 if body is not None else 404))
        if path in site.endless:
            self.end_headers()
            while True:
                self.wfile.write(_PIECE)
        body = body or b""
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        for piece in _pieces(body[: fault.truncate], fault.drip):
            self.wfile.write(piece)


def _pieces(body: bytes, drip: float) -> list[bytes] | Any:
    return (_late(body[at : at + 1], drip) for at in range(len(body))) if drip else [body]


def _late(piece: bytes, drip: float) -> bytes:
    time.sleep(drip)
    return piece
