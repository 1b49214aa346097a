"""Where updated trusted roots are kept: one file for each TUF repository, in this user's state folder."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from safepip.errors import BadInput, EnvironmentFault, Malformed
from safepip.io.lock import LOCK_FILE, Busy, hold
from safepip.io.regularfile import read_at_most
from safepip.io.rootstate import RootState, parse_state, unusable_state, verify_state
from safepip.io.shippedroots import PRODUCTION, STAGING, shipped_root
from safepip.io.statedir import make_private, own_folder, usable_folder, write_whole

MOST_STATE = 16 << 20
PATIENCE = 120.0  # seconds to wait for another update: longer than one takes


class RootFolder:
    """`state`/trust. Nothing in it counts unless it is this user's and nobody else can write there."""

    def __init__(self, state: Path) -> None:
        self.path = state / "trust"

    def barred(self) -> str | None:
        """Why root does not look here: `sudo` may keep the caller's home, and what lies there is the caller's word."""
        if not hasattr(os, "geteuid") or os.geteuid() != 0:
            return None
        try:
            owner = self.path.stat().st_uid
        except OSError:
            return None
        return None if owner == 0 else f"the updates in {self.path} are another user's, and not used"

    def place_of(self, url: str) -> Path:
        """`production`, `staging`, or for any other repository the beginning of its address's digest."""
        known = {shipped_root(name).url: name for name in (PRODUCTION, STAGING)}
        return self.path / f"{known.get(url) or hashlib.sha256(url.encode()).hexdigest()[:24]}.json"

    def load(self, url: str, command: str) -> RootState | None:
        """None where there was no update yet. Its signatures are not verified here.

        command: what makes a new one. Raises BadInput (`trust-state-invalid`, `trust-state-not-ones-own`,
        `trust-root-unreadable`).
        """
        place = self.place_of(url)
        raw = self._read(place, command)
        if raw is None:
            return None
        try:
            state = parse_state(raw)
        except Malformed as error:
            raise unusable_state(str(place), str(error), command) from None
        if state.url != url:
            raise unusable_state(str(place), f"it is of {state.url}", command)
        return state

    def _read(self, place: Path, command: str) -> bytes | None:
        try:
            place.lstat()  # unlike `exists`, which on newer Pythons reads "may not look" as "is not there"
            if not own_folder(self.path):
                raise _not_ones_own(self.path)
            raw = read_at_most(place, MOST_STATE)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise BadInput(
                "trust-root-unreadable",
                f"the updated trusted root {str(place)!r} cannot be read: {error.strerror or error}",
                hint="mend its permissions",
            ) from None
        if len(raw) > MOST_STATE:
            raise unusable_state(str(place), f"it is larger than {MOST_STATE >> 20} MiB", command)
        return raw

    def verify(self, state: RootState, bootstrap: bytes, command: str) -> None:
        """Raises BadInput (`trust-state-invalid`)."""
        try:
            verify_state(state, bootstrap)
        except Malformed as error:
            raise unusable_state(str(self.place_of(state.url)), str(error), command) from None

    def save(self, state: RootState) -> Path:
        """Put it in place of the one before. Raises EnvironmentFault (`trust-state-unwritable`)."""
        place = self.place_of(state.url)
        try:
            write_whole(place, state.render(), 0o600)
        except OSError as error:
            raise _unwritable(place, error.strerror or str(error)) from None
        return place

    @contextlib.contextmanager
    def alone(self, url: str, patience: float = PATIENCE) -> Iterator[None]:
        """While one update of that repository runs, another waits: it must not bring back what is older.

        Raises EnvironmentFault (`trust-state-unwritable`, `trust-state-busy`), or BadInput where the folder is open to
        others.
        """
        place = self.place_of(url)
        try:
            if not usable_folder(self.path):
                raise _unwritable(place, f"{self.path} cannot be written by this user")
            make_private(self.path)
            if not own_folder(self.path):
                raise _not_ones_own(self.path)
            descriptor = hold(place.with_suffix(".lock"), LOCK_FILE, patience)
        except Busy:
            raise EnvironmentFault(
                "trust-state-busy",
                f"another update has held {place} for {patience:g} s",
                hint="end that one, or try again",
            ) from None
        except OSError as error:
            raise _unwritable(place, error.strerror or str(error)) from None
        try:
            yield
        finally:
            os.close(descriptor)


def _unwritable(place: Path, why: str) -> EnvironmentFault:
    return EnvironmentFault(
        "trust-state-unwritable",
        f"the updated trusted root cannot be kept in {str(place)!r}: {why}",
        hint="mend the folder's permissions; the root that safepip ships works without",
    )


def _not_ones_own(folder: Path) -> BadInput:
    return BadInput(
        "trust-state-not-ones-own",
        f"the trusted roots in {str(folder)!r} are not believed: others could have put them there",
        hint=f"chmod go-w {folder}, and see to the folders above it and to their owner",
    )
