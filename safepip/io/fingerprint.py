"""The digests of files as they lie there: regular files alone, links not followed, and never a wait.

`lstat` comes before `open`: to open a device can already do something. What was opened is looked at again, and the
digest, size and mode are all of that one open file.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from safepip.io.parallel import Parallel
from safepip.io.regularfile import READ_ONLY

LARGEST = 16 * 1024**3  # of a single file; beyond it nothing is read
_CHUNK = 1024 * 1024
_FEW = 200  # files that are sooner read than threads are started
_SHARE = 100  # files that a thread takes at a time
_FLAGS = READ_ONLY | getattr(os, "O_NOFOLLOW", 0)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A regular file that was read whole. `mode`: as stat has it; `changed`: its ctime in nanoseconds."""

    sha256: bytes
    size: int
    mode: int
    changed: int


@dataclass(frozen=True, slots=True)
class Unread:
    """Something that is there and has no fingerprint. `why`: in words; `regular`: it is a file all the same."""

    why: str
    regular: bool = False
    link: bool = False


Look = Fingerprint | Unread | None  # None: nothing is there


def look(path: str, sizes: frozenset[int] | None = None) -> Look:
    """What lies at a path. `sizes`: where a file has none of these sizes, it is not read."""
    try:
        status = os.lstat(path)
        if not stat.S_ISREG(status.st_mode):
            return Unread("it is no regular file", link=stat.S_ISLNK(status.st_mode))
        if status.st_size > LARGEST:
            return Unread(f"it has {status.st_size} bytes, and more than {LARGEST} are not read", regular=True)
        if sizes is not None and status.st_size not in sizes:
            return Unread(f"it has {status.st_size} bytes", regular=True)
        return _read(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return Unread(f"it cannot be read: {error.strerror or error}")
    except ValueError as error:  # a null byte, or half of a surrogate pair, in the name
        return Unread(f"it cannot be read: {error}")


def _read(path: str) -> Fingerprint | Unread:
    descriptor = os.open(path, _FLAGS)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return Unread("it is no regular file")
        hashing, size = hashlib.sha256(), 0
        # Not beyond what it had when it was opened: somebody may be writing to it for ever.
        while size <= status.st_size and (chunk := os.read(descriptor, min(_CHUNK, status.st_size - size + 1))):
            hashing.update(chunk)
            size += len(chunk)
        return Fingerprint(hashing.digest(), size, status.st_mode, status.st_ctime_ns)
    finally:
        os.close(descriptor)


def look_all(paths: Mapping[str, frozenset[int] | None]) -> dict[str, Look]:
    """`look` for each path with its sizes, on all processors where there are many."""
    if len(paths) < _FEW:
        return {path: look(path, sizes) for path, sizes in paths.items()}
    things = list(paths.items())
    shares = [things[start : start + _SHARE] for start in range(0, len(things), _SHARE)]
    workers = Parallel(min(8, os.cpu_count() or 1))
    try:
        return {path: seen for share in workers.each(_look_share, shares) for path, seen in share}
    finally:
        workers.close()


def _look_share(share: Iterable[tuple[str, frozenset[int] | None]]) -> list[tuple[str, Look]]:
    return [(path, look(path, sizes)) for path, sizes in share]


def changed(path: str) -> int:
    """When whatever lies there was put there or changed, in nanoseconds; -1 where nothing does."""
    try:
        return os.lstat(path).st_ctime_ns
    except (OSError, ValueError):
        return -1


def read_whole(path: str, most: int) -> bytes | None:
    """The bytes of a regular file, None where it is none, cannot be read, or has more than `most`."""
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return None
        descriptor = os.open(path, _FLAGS)
        with os.fdopen(descriptor, "rb") as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                return None
            body = stream.read(most + 1)
    except (OSError, ValueError):
        return None
    return body if len(body) <= most else None


def digest_of(path: str, algorithm: str) -> bytes | None:
    """The digest of a regular file by another algorithm; None where it cannot be had."""
    body = read_whole(path, 1024**3)
    return None if body is None else hashlib.new(algorithm, body).digest()
