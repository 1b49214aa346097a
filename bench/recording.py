"""A recorded index: pages, metadata, provenance and wheels in a folder, filled from upstream while recording.

cutoff                  files uploaded later than this are left out of every page, so that all tools choose alike
pages/NAME.json         the whole page, file addresses begin with BASE
pages/NAME.upstream     where the files are upstream: {file name: {"url": ..., "provenance": ...}}
files/NAME              a wheel; with .metadata (PEP 658) or .provenance (PEP 740) what belongs to it
*.absent                upstream said that there is none
sets/NAME.json          a set that every tool has gone through while recording, and what it comes to
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import ssl
import urllib.error
import urllib.request
import zipfile
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

BASE = "http://base.invalid"
JSON_TYPE = "application/vnd.pypi.simple.v1+json"
OLDER_THAN = timedelta(days=4)
SUFFIXES = (".metadata", ".provenance")


class Recording:
    """Reads from the folder; with an upstream, what is missing is fetched and kept. Methods may run on any thread."""

    def __init__(self, folder: Path, upstream: str | None) -> None:
        self.folder = folder
        self._upstream = upstream
        self._context = ssl.create_default_context()
        for name in ("pages", "files", "sets"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        self._cutoff = _cutoff(folder / "cutoff")

    def projects(self) -> list[str]:
        return sorted(path.name.removesuffix(".json") for path in (self.folder / "pages").glob("*.json"))

    def page(self, project: str) -> bytes | None:
        """The page as JSON, None where there is none (or where it was not recorded)."""
        path = self.folder / "pages" / f"{project}.json"
        if not path.exists() and self._may_fetch(path):
            self._record_page(project, path)
        return path.read_bytes() if path.exists() else None

    def file(self, name: str) -> bytes | None:
        path = self.folder / "files" / name
        if not path.exists() and self._may_fetch(path):
            self._record_file(name, path)
        return path.read_bytes() if path.exists() else None

    def known(self, path: str) -> bool:
        """Whether absence of `pages/...` or `files/...` is what upstream said, as opposed to never recorded."""
        return (self.folder / f"{path}.absent").exists()

    def _may_fetch(self, path: Path) -> bool:
        return self._upstream is not None and not Path(f"{path}.absent").exists()

    def _record_page(self, project: str, path: Path) -> None:
        body = self._fetched(f"{self._upstream}/{project}/", accept=JSON_TYPE)
        if body is None:
            Path(f"{path.with_suffix('')}.json.absent").touch()
            return
        document = json.loads(body)
        origins: dict[str, dict[str, str]] = {}
        document["files"] = [_moved(one, origins) for one in document["files"] if self._is_old(one)]
        _write(path.with_suffix(".upstream"), json.dumps(origins).encode())
        _write(path, json.dumps(document, separators=(",", ":")).encode())

    def _is_old(self, entry: dict[str, Any]) -> bool:
        uploaded = entry.get("upload-time")
        return uploaded is None or uploaded[:19] < self._cutoff[:19]

    def _record_file(self, name: str, path: Path) -> None:
        suffix = next((one for one in SUFFIXES if name.endswith(one)), "")
        wheel = name.removesuffix(suffix)
        origin = self._origin(wheel)
        address = origin.get("provenance" if suffix == ".provenance" else "url")
        body: bytes | None
        if suffix == ".metadata" and address is not None:
            body = self._fetched(address + suffix, accept="*/*") or self._inside(address)
        else:
            body = self._fetched(address, accept="*/*") if address is not None else None
        if body is None:
            Path(f"{path}.absent").touch()
            return
        if not suffix and origin.get("sha256") not in {None, hashlib.sha256(body).hexdigest()}:
            raise RuntimeError(f"{name} is not what its page says it is")
        _write(path, body)

    def _inside(self, wheel: str) -> bytes:
        """The METADATA of a wheel, read by ranges: the wheel itself may be large and of no further interest."""
        with zipfile.ZipFile(Remote(wheel, self._context)) as archive:
            [name] = (one for one in archive.namelist() if one.count("/") == 1 and one.endswith(".dist-info/METADATA"))
            return archive.read(name)

    def _origin(self, wheel: str) -> dict[str, str]:
        project = wheel.split("-", maxsplit=1)[0].lower().replace("_", "-").replace(".", "-")
        path = self.folder / "pages" / f"{project}.upstream"
        found = json.loads(path.read_bytes()).get(wheel, {}) if path.exists() else {}
        return dict(found)

    def _fetched(self, url: str, *, accept: str) -> bytes | None:
        request = urllib.request.Request(url, headers={"Accept": accept, "User-Agent": "safepip-bench"})
        try:
            with urllib.request.urlopen(request, timeout=60, context=self._context) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            if error.code in {404, 410}:
                return None
            raise


class Remote(io.RawIOBase):
    """A file on a server, as a file; read in pieces of PIECE bytes, each fetched once."""

    PIECE = 1 << 17

    def __init__(self, url: str, context: ssl.SSLContext) -> None:
        self._url = url
        self._context = context
        self._place = 0
        self._pieces: dict[int, bytes] = {}
        self._size = self._ask("bytes=0-0")[1]

    def _ask(self, wanted: str) -> tuple[bytes, int]:
        headers = {"Range": wanted, "Accept-Encoding": "identity", "User-Agent": "safepip-bench"}
        with urllib.request.urlopen(
            urllib.request.Request(self._url, headers=headers), timeout=60, context=self._context
        ) as answer:
            body = bytes(answer.read())
            if answer.status == 206:
                return body, int(answer.headers["Content-Range"].rpartition("/")[2])
        for number in range(0, len(body), self.PIECE):  # no ranges here: then it is all there now
            self._pieces[number // self.PIECE] = body[number : number + self.PIECE]
        return body, len(body)

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._place = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        return self._place

    def tell(self) -> int:
        return self._place

    def read(self, size: int | None = -1) -> bytes:
        end = self._size if size is None or size < 0 else min(self._size, self._place + size)
        first, found = self._place // self.PIECE, b""
        for number in range(first, (end + self.PIECE - 1) // self.PIECE):
            if number not in self._pieces:
                last = min(self._size, (number + 1) * self.PIECE) - 1
                self._pieces[number] = self._ask(f"bytes={number * self.PIECE}-{last}")[0]
            found += self._pieces[number]
        start = self._place - first * self.PIECE
        answer = found[start : start + end - self._place]
        self._place += len(answer)
        return answer


def _cutoff(path: Path) -> str:
    """One moment for the whole recording, also for pages that are added later."""
    if not path.exists():
        path.write_text((datetime.now(timezone.utc) - OLDER_THAN).isoformat(), encoding="ascii")
    return path.read_text(encoding="ascii")


def _moved(entry: dict[str, Any], origins: dict[str, dict[str, str]]) -> dict[str, Any]:
    name = entry["filename"]
    origins[name] = {"url": entry["url"]}
    if "sha256" in entry["hashes"]:
        origins[name]["sha256"] = entry["hashes"]["sha256"]
    moved = {**entry, "url": f"{BASE}/files/{name}"}
    if entry.get("provenance"):
        origins[name]["provenance"] = entry["provenance"]
        moved["provenance"] = f"{BASE}/files/{name}.provenance"
    return moved


def _write(path: Path, body: bytes) -> None:
    fresh = path.with_name(f"{path.name}.{os.getpid()}.{id(body)}")
    fresh.write_bytes(body)
    fresh.replace(path)
