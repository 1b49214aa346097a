"""Small remembered answers on disk: sealed, atomic, private, and never relied upon."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
from pathlib import Path

from safepip.io.statedir import make_private, own_folder

LARGEST = 128 * 1024 * 1024
# Neither through a link, nor waiting for whoever may write into a pipe that lies there.
_PLAINLY = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_OTHERS = stat.S_IWGRP | stat.S_IWOTH


class CacheFolder:
    """One file for each key, with a seal over kind, key and body, so that a torn or swapped entry reads as none.

    root: None turns it off, and so does a folder that is not ours alone to write: whoever can write there could
    tell us what an index says. The seal is no secret: it is against accidents, and the folder's owner and mode are
    against people.
    """

    def __init__(self, root: Path | None) -> None:
        self._root = root if root is not None and _is_private(root) else None

    @property
    def enabled(self) -> bool:
        return self._root is not None

    def read(self, kind: str, key: str, *, most: int = LARGEST) -> bytes | None:
        """The body, or None where there is none that can be trusted. `key` is hexadecimal, `most` is in bytes."""
        if self._root is None:
            return None
        try:
            content = _private_file(self._path(self._root, kind, key), most)
        except OSError:
            return None
        seal, _, body = (content or b"").partition(b"\n")
        return body if seal == _seal(kind, key, body) else None

    def write(self, kind: str, key: str, body: bytes) -> None:
        """Keep it, if the disk lets us: a cache that cannot be written costs time and nothing else."""
        if self._root is None:
            return
        path = self._path(self._root, kind, key)
        with contextlib.suppress(OSError):
            if not path.parent.is_dir():
                make_private(path.parent)
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")  # mode 0600, whatever the umask
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


def _private_file(path: Path, most: int) -> bytes | None:
    """What a regular file of this user holds, where it and the two folders around it are nobody else's to write.

    None for anything else, and for more than `most` bytes. Raises OSError.
    """
    if not all(stat.S_ISDIR(one.st_mode) and _ours(one) for one in (path.parent.parent.lstat(), path.parent.lstat())):
        return None
    descriptor = os.open(path, _PLAINLY)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or not _ours(status) or status.st_size > most:
            return None
        with os.fdopen(descriptor, "rb", closefd=False) as stream:
            content = stream.read(most + 1)
    finally:
        os.close(descriptor)
    return content if len(content) <= most else None


def _ours(status: os.stat_result) -> bool:
    return not hasattr(os, "geteuid") or (status.st_uid == os.geteuid() and not status.st_mode & _OTHERS)


def _is_private(root: Path) -> bool:
    try:
        make_private(root)
        return own_folder(root)
    except OSError:
        return False
