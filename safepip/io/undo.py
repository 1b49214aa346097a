"""Bring an environment back to what its journal says it was.

Each step looks at what is there and may be done again: an undo that is cut off is done anew from its beginning. The
copies stay until the end. Nothing is touched that lies outside of the environment, and nothing over a symbolic link.
"""

# Strings, since there may be tens of thousands of files.
# ruff: noqa: PTH101, PTH102, PTH105, PTH106, PTH108, PTH112, PTH114, PTH115, PTH118, PTH119, PTH120, PTH123, PTH208, PTH211

from __future__ import annotations

import contextlib
import filecmp
import os
import shutil
import signal
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from safepip.errors import Malformed
from safepip.formats.journal import Journal, Kept
from safepip.formats.record import parse_record
from safepip.io.installed import metadata_folders
from safepip.io.journal import JOURNAL
from safepip.io.territory import Territory

_LEFT = "left"  # in the journal's folder: what was not planned, and could not be removed


def undo(folder: Path, journal: Journal, territory: Territory) -> tuple[str, ...]:
    """What could not be brought back, empty where all is as it was. `folder`: that of the journal and the copies."""
    return _Undo(folder, journal, territory).run()


class _Undo:
    def __init__(self, folder: Path, journal: Journal, territory: Territory) -> None:
        self._folder = folder
        self._journal = journal
        self._territory = territory
        self._kept = {one.path for one in journal.kept}
        self._created = set(journal.created)
        self._failed: dict[str, None] = {}

    def run(self) -> tuple[str, ...]:
        self._remove_leftovers()
        self._remove_unplanned()
        for path in self._journal.created:
            self._try(self._remove, path)
        for path in sorted(self._journal.folders):  # those above come first
            self._try(self._bring_back_folder, path)
        for one in self._journal.kept:
            self._try(self._bring_back, one.path, one)
        for path, mode in self._journal.folders.items():
            self._try(self._set_mode, path, mode)
        for path in reversed(self._journal.made):
            if self._territory.leads(path):
                with contextlib.suppress(OSError):  # others may have put something there by now
                    os.rmdir(path)
        return tuple(self._failed)

    def _try(self, step: Callable[..., None], path: str, *more: object) -> None:
        if not self._territory.firm(path):
            self._failed[path] = None
            return
        try:
            step(path, *more)
        except OSError:
            self._failed[path] = None

    # -- removing ----------------------------------------------------------------------------------------------------

    def _remove(self, path: str) -> None:
        if not self._territory.holds(path):
            raise PermissionError
        try:
            status = os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return
        if stat.S_ISDIR(status.st_mode):
            shutil.rmtree(path)
        else:
            os.unlink(path)

    def _remove_unplanned(self) -> None:
        """What pip wrote that was not planned, because it did not get what was judged: its RECORD lists it."""
        for path in self._left_before():
            self._remove_listed(path)
        dist_infos = list(self._new_dist_infos())
        for dist_info in dist_infos:
            for path in _listed(dist_info):
                self._remove_listed(self._territory.canonical(path))
        self._keep_left()
        for dist_info in dist_infos:
            if dist_info not in self._created:
                top = self._new_entry(dist_info)
                if top is not None:
                    self._try(self._remove, top)

    def _left_before(self) -> list[str]:
        """What an earlier undo could not remove; the RECORD that told of it is gone since."""
        try:
            with open(os.path.join(self._folder, _LEFT), "rb") as stream:
                return [os.fsdecode(path) for path in stream.read().split(b"\0")[:-1]]
        except OSError:
            return []

    def _keep_left(self) -> None:
        if self._failed:
            temporary = os.path.join(self._folder, f"{_LEFT}~")
            with contextlib.suppress(OSError):  # the disk is full: it is told once
                with open(temporary, "wb") as stream:
                    stream.writelines(os.fsencode(path) + b"\0" for path in self._failed)
                os.replace(temporary, os.path.join(self._folder, _LEFT))

    def _new_dist_infos(self) -> Iterator[str]:
        """Planned ones, and new ones of the same projects: another file may have had another version."""
        projects = {change.project for change in self._journal.changes}
        found = dict.fromkeys(self._journal.dist_infos)
        for library in {os.path.dirname(path) for path in self._journal.dist_infos}:
            for project, path in metadata_folders(Path(library)):
                if str(project) in projects and path.name not in self._journal.names.get(library, ()):
                    found[str(path)] = None
        yield from found

    def _remove_listed(self, path: str) -> None:
        known = path in self._kept or any(f"{path}/".startswith(f"{one}/") for one in self._above(path))
        if known or not self._territory.holds(path) or not os.path.lexists(path):
            return
        top = self._new_entry(path)
        if top is not None:
            self._try(self._remove, top)
        elif os.lstat(path).st_ctime_ns >= self._began():  # it was there, or not: nobody knows; it is not as it was
            self._failed[path] = None

    def _began(self) -> int:
        return os.lstat(os.path.join(self._folder, JOURNAL)).st_ctime_ns

    def _above(self, path: str) -> Iterator[str]:
        """Those of the created entries that hold the path."""
        return (place for place in self._territory.within(path) if place in self._created)

    def _new_entry(self, path: str) -> str | None:
        """The path, or the folder above it, that is new in a folder whose entries are known; None where none is."""
        for place in self._territory.within(path):
            names = self._journal.names.get(os.path.dirname(place))
            if names is not None:
                new = os.path.basename(place) not in names
                return place if new and self._territory.holds(place) else None
        return None

    def _remove_leftovers(self) -> None:
        """What pip renamed to `~ame` to remove it, temporary files, and byte code that was written since."""
        for folder, names in self._journal.names.items():
            ours = folder in self._journal.dist_infos
            for name in _names(folder) - set(names):
                if name.startswith("~") or ours:
                    self._try(self._remove, os.path.join(folder, name))
        sources = (path for path in (*self._journal.created, *self._kept) if path.endswith(".py"))
        for source in sources:
            folder, name = os.path.split(source)
            cache = os.path.join(folder, "__pycache__")
            for one in _names(cache):
                path = os.path.join(cache, one)
                if one.startswith(name[:-2]) and path not in self._kept:
                    self._try(self._remove, path)

    # -- bringing back -----------------------------------------------------------------------------------------------

    def _bring_back_folder(self, path: str) -> None:
        if os.path.lexists(path):
            if stat.S_ISDIR(os.lstat(path).st_mode):
                return
            os.unlink(path)
        os.mkdir(path, 0o700)  # its own mode comes last

    def _set_mode(self, path: str, mode: int) -> None:
        status = os.lstat(path)
        if not stat.S_ISDIR(status.st_mode):
            raise NotADirectoryError
        if stat.S_IMODE(status.st_mode) != mode:
            os.chmod(path, mode)

    def _bring_back(self, path: str, kept: Kept) -> None:
        if self._is_back(kept):
            return
        if not self._territory.holds(path):
            raise PermissionError
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        temporary = self._temporary(path)
        with contextlib.suppress(FileNotFoundError):  # of an undo that was cut off
            os.unlink(temporary)
        try:
            if kept.link is not None:
                os.symlink(kept.link, temporary)
            else:
                self._restore(os.path.join(self._folder, kept.copy), temporary, kept)
            os.replace(temporary, path)
        finally:
            with contextlib.suppress(FileNotFoundError):  # also where both were links to one file
                os.unlink(temporary)
        if not self._is_back(kept):
            raise OSError

    def _temporary(self, path: str) -> str:
        """A place on the same file system, out of sight where that can be."""
        folder = os.path.dirname(path)
        near = os.lstat(folder).st_dev == os.lstat(self._folder).st_dev
        return os.path.join(self._folder if near else folder, "~safepip-undo")

    def _restore(self, copy: str, temporary: str, kept: Kept) -> None:
        try:
            os.link(copy, temporary)
        except OSError:
            shutil.copy2(copy, temporary)
        status = os.lstat(temporary)
        if (status.st_uid, status.st_gid) != (kept.owner, kept.group):
            with contextlib.suppress(PermissionError):  # a copy of another user's file
                os.chown(temporary, kept.owner, kept.group)
        if stat.S_IMODE(os.lstat(temporary).st_mode) != kept.mode:
            os.chmod(temporary, kept.mode)

    def _is_back(self, kept: Kept) -> bool:
        try:
            status = os.lstat(kept.path)
            if kept.link is not None:
                return stat.S_ISLNK(status.st_mode) and os.readlink(kept.path) == kept.link
            copy = os.lstat(os.path.join(self._folder, kept.copy))
        except (FileNotFoundError, NotADirectoryError):
            return False
        if (status.st_size, status.st_mtime_ns, stat.S_IMODE(status.st_mode)) != (kept.size, kept.modified, kept.mode):
            return False
        if (status.st_dev, status.st_ino) == (copy.st_dev, copy.st_ino):
            return True
        if not (stat.S_ISREG(status.st_mode) and stat.S_ISREG(copy.st_mode)):
            return False
        return filecmp.cmp(kept.path, os.path.join(self._folder, kept.copy), shallow=False)


def _listed(dist_info: str) -> Iterator[str]:
    """The files that the RECORD of a .dist-info names, whatever it is worth."""
    try:
        with open(os.path.join(dist_info, "RECORD"), "rb") as stream:
            rows = parse_record(stream.read())
    except (OSError, Malformed):
        return
    library = os.path.dirname(dist_info)
    yield from (os.path.normpath(os.path.join(library, row.path)) for row in rows if "\0" not in row.path)


def _names(folder: str) -> set[str]:
    try:
        return set(os.listdir(folder))
    except OSError:
        return set()


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Not to be interrupted once more while what an interrupt left is put in order; in the main thread alone."""
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before: dict[int, object] = {}
    try:
        with contextlib.suppress(ValueError):  # not the main thread: interrupts do not come here
            for number in numbers:
                before[number] = signal.signal(number, signal.SIG_IGN)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
