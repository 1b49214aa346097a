"""The ledger of publishers on disk. `safepip.ports.Ledger`.

Read once, at the start of a run. Written under a lock and by rename, and what others wrote meanwhile is read again
before: a reader, another run or `kill -9` at any moment finds the old text or the new one, and no record is lost.
"""

from __future__ import annotations

import contextlib
import glob
import os
import stat
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from safepip.errors import BadInput, EnvironmentFault, Malformed
from safepip.formats.ledger import MAX_BYTES, parse_ledger, render_ledger
from safepip.formats.publisher import as_pin, describe, parse_publisher, render_publisher
from safepip.io.lock import PATIENCE, locked_file, locked_folder
from safepip.io.regularfile import read_at_most
from safepip.io.statedir import make_private, usable_folder, write_whole
from safepip.model.ident import FileName, Url
from safepip.model.ledger import Key, Recorded, Sighting, index_name
from safepip.model.publisher import PublisherPin

_KEEP = "`safepip trust init` keeps publishers with the project instead"

Records = Mapping[Key, Recorded]


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerPlace:
    """Where the ledger of a run lies.

    path:    the file, whether it is there or not
    shown:   as messages call it
    project: it belongs to a project, where people review it; else to this user's state
    barred:  why it is neither read nor written (no home folder, another user's); None where it can be used
    """

    path: Path
    shown: str
    project: bool
    barred: str | None = None


class LedgerFile:
    """Safe to use from several threads."""

    def __init__(self, place: LedgerPlace, now: Callable[[], datetime], *, patience: float = PATIENCE) -> None:
        """`patience`: how long to wait for another run that writes, in seconds."""
        self.place = place
        self._now = now
        self._patience = patience
        self._lock = threading.Lock()
        self._known: Records | None = None

    # -- reading -----------------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Read it. Raises BadInput (`ledger-file`, `ledger-unreadable`): nothing may be judged without it."""
        self.records()

    def records(self) -> Records:
        """As they were when this run began."""
        with self._lock:
            if self._known is None:
                self._known = self._read() or {}
            return self._known

    def recorded(self, index: Url, file: FileName) -> Recorded | None:
        return self.records().get((index_name(index), file.project, file.kind))

    def _read(self) -> Records | None:
        """None where there is no file."""
        if self.place.barred is not None:
            return None
        raw = _bytes(self.place)
        return {one.key: one for one in parse_ledger(raw, self.place.shown)} if raw is not None else None

    # -- writing -----------------------------------------------------------------------------------------------------

    def record(self, seen: Collection[Sighting]) -> tuple[str, ...]:
        known = self.records()
        seen = [one for one in seen if self.place.project or not one.only_here]
        first = {one.key: one for one in seen if one.key not in known}
        new, notes = self._recordable(first.values())
        if not new:
            return notes
        try:
            added, created, told = self._add(new)
        except EnvironmentFault as error:
            raise EnvironmentFault(error.reference, self._in_vain(new, error.message), hint=error.hint) from None
        return (*notes, *told, *(self._tell(added, created=created) if added else ()))

    def change(self, edit: Callable[[Records], Records]) -> None:
        """Replace what is there by what `edit` makes of it, under the lock.

        Raises EnvironmentFault where it cannot be written, BadInput where it cannot be read, and what `edit` raises.
        """
        with self._locked() as path:
            old = self._read()
            new = edit(old or {})
            if new != (old or {}):
                self._write(path, new, created=old is None)

    def _add(self, new: Records) -> tuple[Records, bool, tuple[str, ...]]:
        """What was added, whether the file is new, and what another run has recorded otherwise meanwhile."""
        with self._locked() as path:
            found = self._read()
            created, old = found is None, found or {}
            told = [_contradiction(old[key], one) for key, one in new.items() if _contradicts(old.get(key), one)]
            added = {key: one for key, one in new.items() if key not in old}
            if added:
                self._write(path, {**old, **added}, created=created)
        return added, created, tuple(told)

    def record_of(self, seen: Sighting) -> Recorded | None:
        """How that is written down; None for a publisher of a kind that has no line."""
        pin = _written(seen)
        if pin is None:
            return None
        return Recorded(
            index=Url(index_name(seen.index)),
            project=seen.file.project,
            kind=seen.file.kind,
            publisher=pin,
            file=seen.file,
            uploaded=seen.uploaded,
            recorded_at=self._now().replace(microsecond=0),
            place=self.place.shown,
        )

    def _recordable(self, seen: Collection[Sighting]) -> tuple[Records, tuple[str, ...]]:
        pairs = [(one, self.record_of(one)) for one in seen]
        lost = (one for one, record in pairs if record is None)
        notes = tuple(f"who published {one.file} cannot be remembered: {describe(one.identity)}" for one in lost)
        return {record.key: record for _, record in pairs if record is not None}, notes

    def _tell(self, new: Records, *, created: bool) -> tuple[str, ...]:
        many = _publishers(len(new))
        if self.place.project:
            names = ", ".join(sorted({one.project for one in new.values()}))
            return (f"{self.place.shown} has {many} more ({names}): review and commit it",)
        if created:
            where = f"now remembered in {self.place.shown}: as long as that file stays, another one is refused"
            return (f"{many} of first use, {where}; {_KEEP}",)
        return ()

    def _in_vain(self, new: Records, why: str) -> str:
        if not self.place.project:
            return f"{_publishers(len(new))} of first use cannot be remembered, which protects nothing: {why}; {_KEEP}"
        listed = "; ".join(f"{one.project} ({one.kind.value}) {_line(one.publisher)}" for one in new.values())
        return f"{self.place.shown} does not remember these publishers: {listed}: {why}"

    def _write(self, path: Path, records: Records, *, created: bool) -> None:
        """The caller holds the lock, so what an ended run left behind is nobody's."""
        if created and self.place.project:
            raise EnvironmentFault("ledger-unwritable", f"{self.place.shown} has gone meanwhile")
        body = render_ledger(records.values())
        again = {one.key: one.publisher for one in parse_ledger(body, self.place.shown)}
        if again != {key: one.publisher for key, one in records.items()}:  # and it would have to be mended by hand
            raise EnvironmentFault("ledger-unwritable", "its text would not say what was seen")
        with _faults(self.place):
            mode = 0o600 if created else stat.S_IMODE(path.stat().st_mode)
            owner = None if created else path.stat()
            for leftover in path.parent.glob(f".{glob.escape(path.name)}.{'[0-9a-f]' * 12}~"):  # of `write_whole`
                leftover.unlink(missing_ok=True)
            write_whole(path, body, mode)
            if owner is not None:
                _keep_owner(path, owner)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[Path]:
        """The file to write, links followed, while no other run writes it. Raises EnvironmentFault."""
        if self.place.barred is not None:
            raise EnvironmentFault("ledger-unwritable", self.place.barred, hint=_KEEP)
        with _faults(self.place):
            path = self.place.path.resolve()
            self._require_writable(path)
        with self._lock_for(path):
            yield path

    def _lock_for(self, path: Path) -> AbstractContextManager[None]:
        if self.place.project:
            return locked_folder(path.parent, self.place.shown, self._patience)
        return locked_file(path.with_name(f"{path.name}.lock"), self.place.shown, self._patience)

    def _require_writable(self, path: Path) -> None:
        usable = os.access(path.parent, os.W_OK | os.X_OK)
        if not self.place.project and (usable := usable_folder(path.parent)):
            make_private(path.parent)
        if not usable or (path.exists() and not os.access(path, os.W_OK)):
            words = f"{self.place.shown} cannot be written by this user"
            raise EnvironmentFault("ledger-unwritable", words, hint=None if self.place.project else _KEEP)


def begin(path: Path) -> None:
    """Make an empty ledger. Raises FileExistsError, and OSError where it cannot be made."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(render_ledger(()))


def _bytes(place: LedgerPlace) -> bytes | None:
    try:
        return read_at_most(place.path, MAX_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        if place.path.is_symlink():
            raise _unreadable(place, "the link leads nowhere") from None
        return None
    except OSError as error:
        raise _unreadable(place, error.strerror or str(error)) from None


def _unreadable(place: LedgerPlace, why: str) -> BadInput:
    return BadInput(
        "ledger-unreadable",
        f"the ledger {place.shown} cannot be read: {why}",
        hint="mend its permissions: without it nobody would notice another publisher",
    )


@contextlib.contextmanager
def _faults(place: LedgerPlace) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        words = f"{place.shown} cannot be written: {error.strerror or error}"
        raise EnvironmentFault("ledger-unwritable", words) from None


def _keep_owner(path: Path, before: os.stat_result) -> None:
    """The new file stays who the old one was: root, in a container, must not take a file from its project."""
    now = path.stat()
    if os.geteuid() == 0 and (now.st_uid, now.st_gid) != (before.st_uid, before.st_gid):
        os.chown(path, before.st_uid, before.st_gid)
    if stat.S_IMODE(now.st_mode) != stat.S_IMODE(before.st_mode):
        path.chmod(stat.S_IMODE(before.st_mode))


def _written(seen: Sighting) -> PublisherPin | None:
    """The publisher as a ledger holds it; None where its one line would not read back as the same."""
    pin = as_pin(seen.identity)
    try:
        return pin if pin is not None and parse_publisher(render_publisher(pin)) == pin else None
    except Malformed:
        return None


def same_publisher(one: PublisherPin | None, other: PublisherPin | None) -> bool:
    """Whether they are the same as far as nothing changes from release to release. None: nobody attests it."""
    return _stable(one) == _stable(other)


def _contradicts(there: Recorded | None, mine: Recorded) -> bool:
    return there is not None and not same_publisher(there.publisher, mine.publisher)


def _contradiction(there: Recorded, mine: Recorded) -> str:
    return (
        f"another run has recorded {_line(there.publisher)} for {mine.project} ({mine.kind.value}) meanwhile, "
        f"and this one saw {_line(mine.publisher)}: the first stays; see `safepip trust list`"
    )


def _stable(pin: PublisherPin | None) -> tuple[str | None, ...] | None:
    if pin is None:
        return None
    name = pin.repository.lower() if pin.kind == "github" else pin.repository
    return (pin.kind, pin.repository_id or name, pin.owner_id, pin.workflow, pin.issuer)


def _line(pin: PublisherPin | None) -> str:
    return render_publisher(pin) if pin is not None else "that it attests no more"


def _publishers(count: int) -> str:
    return f"{count} publisher{'s' * (count != 1)}"
