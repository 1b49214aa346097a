"""The folder with the journal and the copies, from before pip starts until all is done.

It lies in the library folder: on the file system of what it keeps, where a hard link is copy enough, since pip writes
new files and never into old ones. While the folder has a journal, an installation is under way, or was cut off; when
it has none, nothing had begun or all was done. So writing the journal is the beginning, and renaming it the end.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import socket
import stat
from collections.abc import Sequence
from pathlib import Path

from safepip.errors import EnvironmentFault, Malformed
from safepip.formats.journal import LARGEST_JOURNAL, Change, Journal, Kept, parse_journal, render_journal
from safepip.io.footprint import Footprint
from safepip.io.lock import LOCK_FILE, Busy, hold
from safepip.model.plan import Install, Plan

FOLDER = ".safepip-undo"  # no module can be called so, and pip looks at *.dist-info and *.egg-info alone
JOURNAL = "journal.json"
_DONE, _AT_WORK = "done", "at-work"
_FULL = (errno.ENOSPC, errno.EDQUOT)
_PRIVATE = 0o700


class JournalFolder:
    """The private folder in one library folder."""

    def __init__(self, library: Path) -> None:
        self.library = Path(os.path.realpath(library))
        self.path = self.library / FOLDER
        self._at_work: int | None = None

    # -- writing -----------------------------------------------------------------------------------------------------

    def begin(self, plan: Plan, footprint: Footprint, made: Sequence[str]) -> Journal:
        """Make the copies, then write the journal. Raises EnvironmentFault, and has then left nothing behind."""
        try:
            self.library.mkdir(parents=True, exist_ok=True)
            self.path.mkdir(mode=_PRIVATE)
        except OSError as error:
            raise _unprepared(self.path, error) from None
        try:
            with contextlib.suppress(Busy, OSError):  # a file system without locks: the lock of the run says so
                self._at_work = hold(self.path / _AT_WORK, LOCK_FILE, 0)
            journal = Journal(
                library=str(self.library),
                process=os.getpid(),
                host=socket.gethostname(),
                changes=tuple(map(_change, plan.installs)),
                made=tuple(dict.fromkeys((*made, *footprint.made))),
                created=tuple(footprint.created),
                kept=self._keep(footprint),
                folders=footprint.folders,
                names=footprint.names,
                dist_infos=tuple(footprint.dist_infos),
            )
            self._write(render_journal(journal))
        except OSError as error:
            self.remove()
            raise _unprepared(self.path, error) from None
        except BaseException:
            self.remove()
            raise
        return journal

    def _keep(self, footprint: Footprint) -> tuple[Kept, ...]:
        return tuple(
            self._kept(path, number, in_place=path in footprint.in_place)
            for number, path in enumerate(footprint.replaced)
        )

    def _kept(self, path: str, number: int, *, in_place: bool) -> Kept:
        status = os.lstat(path)
        if stat.S_ISLNK(status.st_mode):
            copy, link = "", os.readlink(path)  # noqa: PTH115 - a text, not a path
        else:
            copy, link = str(number), None
            self._copy(path, self.path / copy, in_place=in_place)
        return Kept(
            path=path,
            copy=copy,
            link=link,
            mode=stat.S_IMODE(status.st_mode),
            owner=status.st_uid,
            group=status.st_gid,
            modified=status.st_mtime_ns,
            size=status.st_size,
        )

    @staticmethod
    def _copy(path: str, copy: Path, *, in_place: bool) -> None:
        if not in_place:
            try:
                os.link(path, copy)
            except OSError as error:
                if error.errno in _FULL:
                    raise
            else:
                return
        shutil.copy2(path, copy)  # another file system, one without links, or another user's file

    def _write(self, body: bytes) -> None:
        """On the disk before pip starts, and whole or not at all."""
        temporary = self.path / f"{JOURNAL}~"
        with temporary.open("xb") as stream:
            stream.write(body)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.rename(self.path / JOURNAL)
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def began(self) -> int:
        """When the journal was written, by the clock of this file system, in nanoseconds. Raises OSError."""
        return (self.path / JOURNAL).lstat().st_ctime_ns

    # -- while pip works ---------------------------------------------------------------------------------------------

    @property
    def at_work(self) -> int | None:
        """A descriptor that programs are to inherit: as long as one of them lives, the journal's folder is held."""
        return self._at_work

    def await_programs(self, patience: float) -> None:
        """Wait until pip and the compilers have ended, whoever started them. Raises Busy."""
        self._release()
        try:
            os.close(hold(self.path / _AT_WORK, LOCK_FILE, patience))
        except OSError:  # no locks here: what was started was waited for
            return

    def _release(self) -> None:
        if self._at_work is not None:
            os.close(self._at_work)
            self._at_work = None

    # -- the end -----------------------------------------------------------------------------------------------------

    def done(self) -> None:
        """All is as it should be: from this rename on nothing is undone any more. Raises OSError."""
        (self.path / JOURNAL).rename(self.path / _DONE)

    def remove(self) -> None:
        """What cannot be removed now is removed by the next run: without a journal it means nothing."""
        self._release()
        shutil.rmtree(self.path, ignore_errors=True)

    # -- reading -----------------------------------------------------------------------------------------------------

    def lies_here(self) -> bool:
        return os.path.lexists(self.path)

    def under_way(self) -> bool:
        return os.path.lexists(self.path / JOURNAL)

    def is_own(self) -> bool:
        """Whether it is a folder of this user's that nobody else could have written to."""
        status = self.path.lstat()
        others = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not others

    def read(self) -> Journal:
        """Raises Malformed."""
        descriptor = -1
        try:
            descriptor = os.open(self.path / JOURNAL, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            if not stat.S_ISREG(os.fstat(descriptor).st_mode) or os.fstat(descriptor).st_size > LARGEST_JOURNAL:
                raise Malformed("it is no file that safepip wrote")
            with os.fdopen(os.dup(descriptor), "rb") as stream:
                journal = parse_journal(stream.read())
        except OSError as error:
            raise Malformed(f"it cannot be read: {error.strerror or error}") from None
        finally:
            if descriptor >= 0:
                os.close(descriptor)
        if journal.library != str(self.library):
            raise Malformed(f"it speaks of another folder, {journal.library!r}")
        return journal


def _change(step: Install) -> Change:
    old = step.replaces
    return Change(project=str(step.pin.project), old=str(old.version) if old else None, new=str(step.pin.version))


def _unprepared(folder: Path, error: OSError) -> EnvironmentFault:
    full = error.errno in _FULL
    return EnvironmentFault(
        "disk-full" if full else "undo-unprepared",
        "Nothing was installed: what is needed to undo an installation could not be put away.",
        context=[("folder", str(folder)), ("reason", error.strerror or str(error)), ("changed", "nothing")],
        hint="Make room." if full else "Check the permissions of the folder.",
    )
