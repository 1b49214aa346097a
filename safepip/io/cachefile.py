"""Small remembered answers on disk: sealed, atomic, private, and never relied upon."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
from pathlib import Path


class CacheFolder:
    """One file for each key, with a seal over kind, key and body, so that a torn or swapped entry reads as none.

    root: None turns it off, and so does a folder that is not ours alone to write: whoever can write there could
    tell us what an index says.
    """

    def __init__(self, root: Path | None) -> None:
        self._root = root if root is not None and _is_private(root) else None

    @property
    def enabled(self) -> bool:
        return self._root is not None

    def read(self, kind: str, key: str) -> bytes | None:
        """The body, or None where there is none that can be trusted. `key` is hexadecimal."""
        if self._root is None:
            return None
        try:
            content = self._path(self._root, kind, key).read_bytes()
        except OSError:
            return None
        seal, _, body = content.partition(b"\n")
        return body if seal == _seal(kind, key, body) else None

    def write(self, kind: str, key: str, body: bytes) -> None:
        """Keep it, if the disk lets us: a cache that cannot be written costs time and nothing else."""
        if self._root is None:
            return
        path = self._path(self._root, kind, key)
        with contextlib.suppress(OSError):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(_seal(kind, key, body) + b"\n" + body)
                os.replace(name, path)  # noqa: PTH105 - `name` is text, and Path adds nothing here
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(name)  # noqa: PTH108
                raise

    def forget(self, kind: str, key: str) -> None:
        if self._root is not None:
            with contextlib.suppress(OSError):
                self._path(self._root, kind, key).unlink()

    @staticmethod
    def _path(root: Path, kind: str, key: str) -> Path:
        return root / kind / key[:2] / key


def _seal(kind: str, key: str, body: bytes) -> bytes:
    return hashlib.sha256(f"{kind}\0{key}\0".encode() + body).hexdigest().encode()


def _is_private(root: Path) -> bool:
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = root.stat()
    except OSError:
        return False
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
