"""One run at a time per environment, and nothing begun while an earlier run's work is half done.

The lock is on the library folder itself, so that nothing is left behind, and it ends with the process. What pip and
the compilers hold besides is in the journal's folder: they outlive a run that is killed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

from safepip.errors import EnvironmentFault, Malformed
from safepip.formats.journal import Journal
from safepip.formats.plain import clean
from safepip.io.environment import PythonEnvironment
from safepip.io.journal import JournalFolder
from safepip.io.lock import Busy, hold
from safepip.io.territory import Territory
from safepip.io.undo import undisturbed, undo

PATIENCE = 600.0  # seconds: another run may be at a large installation
_ATTEMPTS = 100
_WAITING = "Waiting for another safepip run in this environment to end ..."
_WAITING_FOR_PIP = "Waiting for the pip of an earlier safepip run, which was killed, to end ..."

Say = Callable[[str], None]


@contextlib.contextmanager
def locked_environment(
    environment: PythonEnvironment, say: Say, *, patience: float = PATIENCE
) -> Iterator[tuple[str, ...]]:
    """Hold the environment, and undo what an earlier run left half done, before anything in it is looked at.

    say: is told, once, what is waited for and what was undone
    Yields the folders that had to be made for it; they are removed again when nothing is in them.
    Raises EnvironmentFault: `environment-busy`, or what `recover` raises.
    """
    library = environment.library_folders()[0]
    made: list[str] = []
    try:
        with contextlib.ExitStack() as held:
            locked = _hold(library, held, made, say, patience)
            made[:0] = recover(library, Territory.of(environment), say, locked=locked, patience=patience)
            yield tuple(made)
    finally:
        for folder in reversed(made):
            with contextlib.suppress(OSError):  # something was installed there
                Path(folder).rmdir()


def _make(library: Path) -> list[str]:
    """The folder must be there to be held. Whatever stands in the way is told by who needs it."""
    missing: list[str] = []
    place = library
    while not os.path.lexists(place):
        missing.append(str(place))
        place = place.parent
    made: list[str] = []
    with contextlib.suppress(OSError):
        for folder in reversed(missing):
            os.mkdir(folder)  # noqa: PTH102
            made.append(folder)
    return made


def _hold(library: Path, held: contextlib.ExitStack, made: list[str], say: Say, patience: float) -> bool:
    """Whether the lock is held: where the file system has none, that is told, and the run goes on."""
    try:
        descriptor = _descriptor(library, made, say, patience)
    except Busy:
        raise EnvironmentFault(
            "environment-busy",
            f"Another safepip run has been at work in this environment for {patience / 60:g} minutes.",
            context=[("folder", str(library))],
            hint="Wait for it, or end it, and run the same command again.",
        ) from None
    except OSError as error:
        if library.is_dir():
            say(
                f"This environment cannot be locked ({error.strerror or error}): "
                "see to it that no other safepip or pip installs into it now."
            )
        return False
    held.callback(os.close, descriptor)
    return True


def _descriptor(library: Path, made: list[str], say: Say, patience: float) -> int:
    """The folder, held, and still the one of that name: another run may have removed the one that it had made."""
    wait = 0.0
    for _ in range(_ATTEMPTS):
        made.extend(_make(library))
        try:
            descriptor = hold(library, os.O_RDONLY, wait)
        except Busy:
            if wait:
                raise
            wait = patience
            say(_WAITING)
            continue
        except FileNotFoundError:  # removed between two steps of ours, or it cannot be made
            continue
        if library.exists() and os.path.samestat(os.fstat(descriptor), library.stat()):
            return descriptor
        os.close(descriptor)
    raise OSError(errno.ENOENT, "there is no such folder, and it cannot be made")


def recover(library: Path, territory: Territory, say: Say, *, locked: bool, patience: float) -> tuple[str, ...]:
    """Undo what a run that is no more left half done in that library folder. Nothing to do is the usual case.

    Returns the folders that that run had made. Raises EnvironmentFault: `journal-not-ones-own`, `journal-unreadable`,
    `environment-busy`, `undo-incomplete`.
    """
    folder = JournalFolder(library)
    if not folder.lies_here():
        return ()
    if not folder.is_own():
        raise EnvironmentFault(
            "journal-not-ones-own",
            "An installation was cut off here, and what it left could have been written by somebody else.",
            context=[("folder", str(folder.path))],
            hint="Have whoever owns that folder run safepip here, or remove it and check the environment.",
        )
    if not folder.under_way():  # nothing had begun, or all was done
        folder.remove()
        return ()
    journal = _read(folder)
    if not locked:
        _require_ended(journal, folder)
    _await_programs(folder, say, patience)
    with undisturbed():
        failed = undo(folder.path, journal, territory)
    if failed:
        raise incomplete(folder.path, journal, failed)
    folder.done()
    folder.remove()
    say(f"An earlier run was cut off while it installed {told(journal)}: that has been undone.")
    return tuple(filter(territory.leads, journal.made))


def _read(folder: JournalFolder) -> Journal:
    try:
        return folder.read()
    except Malformed as error:
        raise EnvironmentFault(
            "journal-unreadable",
            "An installation was cut off here, and its journal cannot be used.",
            context=[("folder", str(folder.path)), ("reason", clean(str(error)))],
            hint="Remove that folder, then mend what `pip check` complains about, or make the environment anew.",
        ) from None


def _require_ended(journal: Journal, folder: JournalFolder) -> None:
    """Without a lock all that can be asked is whether the process is gone, and only on the machine that it ran on."""
    here = journal.host == socket.gethostname()
    if here and not _lives(journal.process):
        return
    raise EnvironmentFault(
        "environment-busy",
        "Another safepip run is or was at work in this environment, whose file system has no locks to tell which.",
        context=[("process", f"{journal.process} on {clean(journal.host)}"), ("folder", str(folder.path))],
        hint="Run safepip on that machine once the process is gone, or remove the folder and check the environment.",
    )


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _await_programs(folder: JournalFolder, say: Say, patience: float) -> None:
    try:
        try:
            folder.await_programs(0)
        except Busy:
            say(_WAITING_FOR_PIP)
            folder.await_programs(patience)
    except Busy:
        raise EnvironmentFault(
            "environment-busy",
            f"The pip of a run that was killed has been at work for {patience / 60:g} minutes.",
            context=[("folder", str(folder.path))],
            hint="End that pip, and run the same command again: what it did is undone then.",
        ) from None


def told(journal: Journal) -> str:
    """What was to be done, in one line."""
    changes = [
        f"{change.project} {change.new}" + (f" in place of {change.old}" if change.old else "")
        for change in journal.changes
    ]
    more = f" and {len(changes) - 5} more" if len(changes) > 5 else ""
    return clean(", ".join(changes[:5]) + more)


def incomplete(folder: Path, journal: Journal, failed: tuple[str, ...]) -> EnvironmentFault:
    return EnvironmentFault(
        "undo-incomplete",
        f"The installation of {told(journal)} was not finished, and not all of it could be undone.",
        context=[("not as it was", not_restored(failed)), ("copies", str(folder))],
        hint=repair(folder, journal),
    )


def not_restored(failed: tuple[str, ...]) -> str:
    lines = [clean(path) for path in failed[:20]]
    return "\n".join([*lines, f"and {len(failed) - 20} more"] if len(failed) > 20 else lines)


def repair(folder: Path, journal: Journal) -> str:
    """The way out. The journal stays, so that the next run tries again."""
    old = [f"{change.project}=={change.old}" for change in journal.changes if change.old]
    again = f", and `safepip install --force-reinstall {' '.join(old)}`" if old else ""
    return clean(f"Mend what stands in the way and run the same command again; or give up: remove {folder}{again}.")
