"""The user's folders: what may be thrown away (cache) and what should stay (state)."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from datetime import datetime
from pathlib import Path

import platformdirs

MOST_REPORTS = 200
# For a user without a home, such as a container's arbitrary uid: a folder that nobody can make or write.
NOWHERE = Path(os.devnull) / "safepip"


def cache_folder() -> Path:
    """Where downloads are kept unless `--cache-dir` names another place. `NOWHERE` for a user without a home."""
    try:
        return platformdirs.user_cache_path("safepip", appauthor=False)
    except RuntimeError:
        return NOWHERE


def state_folder() -> Path:
    """Where run reports and the ledger are kept. `NOWHERE` for a user without a home."""
    try:
        return platformdirs.user_state_path("safepip", appauthor=False)
    except RuntimeError:
        return NOWHERE


def usable_folder(folder: Path) -> bool:
    """Whether this user may write there, or make it: pip's rule for its cache.

    Root must own the nearest existing folder: `sudo` keeps the caller's home, and root's files there would be in the
    caller's way, and the caller's in root's.
    """
    place = next((path for path in (folder, *folder.parents) if os.path.lexists(path)), None)
    if place is None or not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        return False
    return not (hasattr(os, "geteuid") and os.geteuid() == 0 and place.stat().st_uid != 0)


def own_folder(folder: Path) -> bool:
    """Whether it is this user's, and nobody else may put, swap or remove files there, or it itself. Raises OSError.

    The folders above, as named and with links resolved, may also be root's, or be shared with a group (many users have
    one of their own), or be like /tmp, where everybody writes and the sticky bit keeps entries with their owners.
    Where the system has no such owners (Windows), the folder's place below the user's own has to do.
    """
    if not hasattr(os, "geteuid"):
        return True
    status = folder.stat()
    others = stat.S_IWGRP | stat.S_IWOTH
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & others:
        return False
    named = folder.absolute()
    return all(map(_firm, (*named.parents, *folder.resolve().parents))) and _trusted(named.lstat())


def _firm(above: Path) -> bool:
    """Whether no stranger may put something else in place of what is in there."""
    status = above.stat()
    open_to_all = status.st_mode & stat.S_IWOTH and not status.st_mode & stat.S_ISVTX
    return not open_to_all and _trusted(status) and _trusted(above.lstat())  # in /tmp a link may be a stranger's


def _trusted(status: os.stat_result) -> bool:
    return status.st_uid in {0, os.geteuid()}


def make_private(folder: Path) -> None:
    """Make a folder and what is missing above it, all for this user alone. Raises OSError.

    `mkdir(parents=True)` applies its mode to the last one only.
    """
    for place in (*reversed(folder.parents), folder):
        if not place.exists():
            place.mkdir(mode=0o700, exist_ok=True)


def write_whole(path: Path, body: bytes, mode: int) -> None:
    """Put a file in place by rename: a reader, or a later run, finds the old one or the new one, never a half.

    Not flushed to the disk: beside files that pip does not flush either, that would cost time and save nothing.
    Raises OSError.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}~")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(body)
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def save_report(state: Path, started: datetime, report: bytes) -> Path | None:
    """A run's report in the user's state folder, and the oldest ones removed. None where it cannot be written."""
    runs = state / "runs"
    if not usable_folder(runs):
        return None
    place = runs / f"{started:%Y%m%dT%H%M%S%f}-{os.getpid()}.json"
    try:
        make_private(runs)
        write_whole(place, report, 0o600)
        _prune(runs)
    except OSError:
        return None
    return place


def _prune(runs: Path) -> None:
    for report in sorted(runs.glob("*.json"))[:-MOST_REPORTS]:
        with contextlib.suppress(FileNotFoundError):  # another run prunes too
            report.unlink()
