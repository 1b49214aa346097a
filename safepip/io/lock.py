"""One process at a time: an advisory lock that ends with the process, however that ends."""

from __future__ import annotations

import contextlib
import errno
import importlib.util
import os
import time
from collections.abc import Iterator
from pathlib import Path

from safepip.errors import EnvironmentFault

PATIENCE = 10.0
LOCK_FILE = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
_RETRY = 0.02


@contextlib.contextmanager
def locked_folder(folder: Path, what: str, patience: float = PATIENCE) -> Iterator[None]:
    """Hold the folder itself: a lock file in a project would be one more thing to ignore or to commit.

    what: what is to be written there, as messages call it; patience: how long to wait for another process, in seconds
    Raises EnvironmentFault (`ledger-busy`, `ledger-unwritable`).
    """
    with _held(folder, os.O_RDONLY, what, patience):
        yield


@contextlib.contextmanager
def locked_file(path: Path, what: str, patience: float = PATIENCE) -> Iterator[None]:
    """Hold a lock file, which is made and stays. For one's own folders: on NFS a folder cannot be held."""
    with _held(path, LOCK_FILE, what, patience):
        yield


@contextlib.contextmanager
def _held(path: Path, flags: int, what: str, patience: float) -> Iterator[None]:
    try:
        descriptor = hold(path, flags, patience)
    except Busy:
        words = f"another run has held {what} for {patience:g} s"
        raise EnvironmentFault("ledger-busy", words, hint="end that run, or try again") from None
    except OSError as error:
        raise EnvironmentFault("ledger-unwritable", f"{what} cannot be locked: {error.strerror or error}") from None
    try:
        yield
    finally:
        os.close(descriptor)


class Busy(Exception):  # noqa: N818 - no fault: another process had it first
    """Another process held it for as long as we waited."""


def hold(path: Path, flags: int, patience: float) -> int:
    """A descriptor that holds the lock until it is closed. Raises Busy, and OSError where it cannot be locked."""
    if importlib.util.find_spec("fcntl") is None:
        raise OSError(errno.ENOLCK, "this system has no locks that safepip can use")
    descriptor = os.open(path, flags | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        _wait(descriptor, patience)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _wait(descriptor: int, patience: float) -> None:
    import fcntl

    end = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                raise Busy from None
            time.sleep(_RETRY)
        else:
            return
