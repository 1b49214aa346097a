"""The loopback index: `python -m bench.index FOLDER LATENCY [UPSTREAM]` prints its address and serves until killed.

One thread and one event loop, in a process of its own: a waiting request costs nothing, so the index takes as little
as possible of the processors that the tools under measurement share with it. Every request waits LATENCY seconds.

    /full/simple/NAME/     the recorded page, with separate metadata (PEP 658) for every wheel
    /plain/simple/NAME/    the same without any, as many mirrors serve it
    /files/...             wheels (with ranges), .metadata, .provenance
    /-/counts              what was asked since the last time, as JSON; it has no latency and does not count
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import hashlib
import json
import re
import sys
from collections import Counter
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path

from bench.recording import BASE, JSON_TYPE, Recording

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_REASONS = {200: "OK", 206: "Partial Content", 304: "Not Modified", 404: "Not Found", 416: "Range Not Satisfiable"}
_FOR_EVER = "max-age=365000000, immutable, public"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    plain: bytes
    packed: bytes
    tag: str


@dataclass(slots=True)
class Site:
    """What is served, prepared before anything is measured."""

    recording: Recording
    latency: float
    base: str = ""
    pages: dict[tuple[str, str], Page] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def prepare(self) -> None:
        for project in self.recording.projects():
            self.page("full", project)
            self.page("plain", project)

    def page(self, variant: str, project: str) -> Page | None:
        key = (variant, project)
        if key not in self.pages:
            body = self.recording.page(project)
            if body is None:
                return None
            body = _variant(body, metadata=variant == "full").replace(BASE.encode(), self.base.encode())
            tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
            self.pages[key] = Page(plain=body, packed=gzip.compress(body, 6, mtime=0), tag=tag)
        return self.pages[key]

    def answer(self, path: str, headers: dict[str, str]) -> Answer:
        """May block while recording, and then runs on another thread."""
        parts = path.strip("/").split("/")
        if len(parts) == 3 and parts[0] in {"full", "plain"} and parts[1] == "simple":
            return self._page(parts[0], parts[2], headers)
        if len(parts) == 2 and parts[0] == "files":
            return self._file(parts[1], headers.get("range"))
        return self._missing(path)

    def _page(self, variant: str, project: str, headers: dict[str, str]) -> Answer:
        page = self.page(variant, project)
        if page is None:
            return self._missing(f"pages/{project}.json")
        self.counts["pages"] += 1
        common = (("ETag", page.tag), ("Cache-Control", "max-age=600, public"), ("Vary", "Accept, Accept-Encoding"))
        if headers.get("if-none-match") == page.tag:
            return Answer(status=304, headers=common)
        if "gzip" not in headers.get("accept-encoding", ""):
            return Answer(headers=(*common, ("Content-Type", JSON_TYPE)), body=page.plain)
        return Answer(headers=(*common, ("Content-Type", JSON_TYPE), ("Content-Encoding", "gzip")), body=page.packed)

    def _file(self, name: str, wanted: str | None) -> Answer:
        body = self.recording.file(name)
        if body is None:
            return self._missing(f"files/{name}")
        common = (("Content-Type", "application/octet-stream"), ("Cache-Control", _FOR_EVER))
        for kind in ("metadata", "provenance"):
            if name.endswith(f".{kind}"):
                self.counts[kind] += 1
                return Answer(headers=common, body=body)
        match = _RANGE.fullmatch(wanted or "")
        self.counts["wheels" if match is None else "ranges"] += 1
        tag = ("ETag", f'"{hashlib.sha256(name.encode()).hexdigest()[:16]}"')
        return _ranged(body, match, (*common, tag, ("Accept-Ranges", "bytes")))

    def _missing(self, path: str) -> Answer:
        self.counts["absent" if self.recording.known(path) else "unrecorded"] += 1
        return Answer(status=404)


def _variant(body: bytes, *, metadata: bool) -> bytes:
    """Upstream may be a mirror that serves no separate metadata: then it is read from the wheels, and has no digest."""
    document = json.loads(body)
    for entry in document["files"]:
        stated = entry.pop("core-metadata", None) or entry.pop("dist-info-metadata", None)
        entry.pop("dist-info-metadata", None)
        if metadata and entry["filename"].endswith(".whl"):
            entry["core-metadata"] = stated or True
    return json.dumps(document, separators=(",", ":")).encode()


def _ranged(body: bytes, match: re.Match[str] | None, headers: tuple[tuple[str, str], ...]) -> Answer:
    if match is None or not (match[1] or match[2]):
        return Answer(headers=headers, body=body)
    total = len(body)
    first = int(match[1]) if match[1] else max(0, total - int(match[2]))
    last = min(int(match[2]), total - 1) if match[1] and match[2] else total - 1
    if first > last:
        return Answer(status=416, headers=(*headers, ("Content-Range", f"bytes */{total}")))
    headers = (*headers, ("Content-Range", f"bytes {first}-{last}/{total}"))
    return Answer(status=206, headers=headers, body=body[first : last + 1])


class Connection(asyncio.Protocol):
    """HTTP/1.1 with keep-alive, one request after another; requests have no bodies."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._received = b""
        self._used = False
        self._transport: asyncio.Transport | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, rest = self._received.partition(b"\r\n\r\n")
        if end:
            self._received = rest
            task = asyncio.get_running_loop().create_task(self._serve(head.decode("latin-1")))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _serve(self, head: str) -> None:
        request, *lines = head.split("\r\n")
        method, target, _ = request.split(" ", 2)
        path = target.partition("?")[0]
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if path == "/-/counts":
            self._send(method, Answer(body=json.dumps(self._site.counts).encode()))
            self._site.counts.clear()
            return
        loop = asyncio.get_running_loop()
        due = loop.time() + self._site.latency
        answer = await loop.run_in_executor(None, self._site.answer, path, headers)
        await asyncio.sleep(max(0.0, due - loop.time()))
        self._site.counts["connections"] += not self._used
        self._used = True
        self._site.counts["requests"] += 1
        self._site.counts["bytes"] += len(answer.body)
        self._send(method, answer)

    def _send(self, method: str, answer: Answer) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        lines = [f"HTTP/1.1 {answer.status} {_REASONS[answer.status]}", f"Content-Length: {len(answer.body)}"]
        lines.append(f"Date: {formatdate(usegmt=True)}")  # without it pip keeps nothing in its cache
        lines += [f"{name}: {value}" for name, value in answer.headers]
        self._transport.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
        if method != "HEAD":
            self._transport.write(answer.body)


async def serve(folder: Path, latency: float, upstream: str | None) -> None:
    site = Site(Recording(folder, upstream), latency)
    server = await asyncio.get_running_loop().create_server(lambda: Connection(site), "127.0.0.1", 0, backlog=256)
    site.base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    site.prepare()
    print(site.base, flush=True)
    async with server:
        await server.serve_forever()


def main(argv: list[str]) -> int:
    folder, latency, *upstream = argv
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(Path(folder), float(latency), upstream[0].rstrip("/") if upstream else None))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
