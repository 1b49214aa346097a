"""One process at a time: an advisory lock that ends with the process, however that ends."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import time
from collections.abc import Iterator
from pathlib import Path

from safepip.errors import EnvironmentFault

PATIENCE = 10.0
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
    with _held(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, what, patience):
        yield


@contextlib.contextmanager
def _held(path: Path, flags: int, what: str, patience: float) -> Iterator[None]:
    if importlib.util.find_spec("fcntl") is None:
        raise EnvironmentFault("ledger-unwritable", f"{what} cannot be locked on this system")
    try:
        descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unlockable(what, error) from None
    try:
        _wait(descriptor, what, patience)
        yield
    finally:
        os.close(descriptor)


def _wait(descriptor: int, what: str, patience: float) -> None:
    import fcntl

    end = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                words = f"another run has held {what} for {patience:g} s"
                raise EnvironmentFault("ledger-busy", words, hint="end that run, or try again") from None
            time.sleep(_RETRY)
        except OSError as error:
            raise _unlockable(what, error) from None
        else:
            return


def _unlockable(what: str, error: OSError) -> EnvironmentFault:
    return EnvironmentFault("ledger-unwritable", f"{what} cannot be locked: {error.strerror or error}")
