"""Reading trusted roots: the shipped ones, their updates, and files that the user names."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from safepip.errors import BadInput, Malformed
from safepip.io.regularfile import read_at_most
from safepip.io.rootfolder import MOST_STATE, RootFolder
from safepip.io.rootstate import RootState, is_state, parse_state, unusable_state, verify_state
from safepip.io.shippedroots import PRODUCTION, ShippedRoot, shipped_root
from safepip.io.trust import MOST_ROOT, unusable


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedRoot:
    """One trusted root, read once, so that what is verified with is what was looked at.

    origin:  where it comes from, in words; `kind`: shipped, updated or file
    since:   when it was taken or updated; None where nobody knows
    refresh: the command that makes it newer, where safepip has one
    prove:   verifies whatever vouches for it; to be called before its first use. Raises BadInput.
    note:    what a person should know besides
    """

    raw: bytes
    digest: str
    kind: str
    origin: str
    since: datetime | None
    refresh: str | None
    prove: Callable[[], None] = field(default=lambda: None, compare=False)
    note: str | None = None


def refresh_command(url: str) -> str:
    """The command that updates the root of that repository."""
    if url == shipped_root(PRODUCTION).url:
        return "safepip trust update"
    known = "--staging" if url == shipped_root("staging").url else f"--url {url}"
    return f"safepip trust update {known}"


def default_root(name: str, folder: RootFolder | None) -> TrustedRoot:
    """The update of a shipped root where there is one, and it is not older; else the shipped one.

    folder: None where this user has no state. Raises BadInput for an update that cannot be believed: which is not
    passed over in silence, because somebody relies on it.
    """
    shipped = shipped_root(name)
    command = refresh_command(shipped.url)
    barred = folder.barred() if folder is not None else None
    state = folder.load(shipped.url, command) if folder is not None and barred is None else None
    if state is None or folder is None:
        return _shipped(shipped, barred)
    place = folder.place_of(shipped.url)
    try:
        older = is_older(state, shipped)
    except Malformed as error:
        raise unusable_state(str(place), str(error), command) from None
    if older:
        return _shipped(shipped, f"the update of {state.updated:%Y-%m-%d} in {place} is older, and not used")
    return _updated(state, shipped.bootstrap, place, command)


def is_older(state: RootState, shipped: ShippedRoot) -> bool:
    """Whether an update is of a time before safepip's own root was taken, as it is after an upgrade of safepip.

    It may still verify. To use it would let whoever can write an old state bring back what has been retired since.
    Raises Malformed.
    """
    from safepip.io.rootstate import version_of

    return state.root_version() < version_of(shipped.bootstrap) or state.at_most() < shipped.taken


def named_root(path: Path, place: str) -> TrustedRoot:
    """A file that the user names: a trusted root, or what `safepip trust update --url` wrote.

    place: where it is named. Raises BadInput (`trust-root-unreadable`, `trust-root-invalid`, `trust-state-invalid`).
    """
    try:
        raw = read_at_most(path, MOST_STATE)
    except OSError as error:
        raise BadInput(
            "trust-root-unreadable",
            f"the trusted root {str(path)!r} cannot be read: {error.strerror or error}",
            hint=f"check {place}",
        ) from None
    if is_state(raw):
        return _named_state(raw, path)
    if len(raw) > MOST_ROOT:
        raise unusable(f"{path} is larger than {MOST_ROOT >> 20} MiB")
    return TrustedRoot(
        raw=raw, digest=hashlib.sha256(raw).hexdigest(), kind="file", origin=str(path), since=None, refresh=None
    )


def _named_state(raw: bytes, path: Path) -> TrustedRoot:
    """Whoever names it trusts the TUF root that it began with; a public Sigstore's begins with the shipped one."""
    try:
        state = parse_state(raw)
        state.root_version(), state.at_most()
    except Malformed as error:
        raise unusable_state(str(path), str(error), "safepip trust update --url URL --root FILE") from None
    shipped = next((one for name in ("production", "staging") if (one := shipped_root(name)).url == state.url), None)
    bootstrap = shipped.bootstrap if shipped is not None else state.roots[0]
    return _updated(state, bootstrap, path, refresh_command(state.url))


def _shipped(shipped: ShippedRoot, note: str | None) -> TrustedRoot:
    return TrustedRoot(
        raw=shipped.trusted_root,
        digest=hashlib.sha256(shipped.trusted_root).hexdigest(),
        kind="shipped",
        origin=f"safepip ships it: the {shipped.name} Sigstore",
        since=shipped.taken,
        refresh=refresh_command(shipped.url),
        note=note,
    )


def _updated(state: RootState, bootstrap: bytes, place: Path, command: str) -> TrustedRoot:
    def prove() -> None:
        try:
            verify_state(state, bootstrap)
        except Malformed as error:
            raise unusable_state(str(place), str(error), command) from None

    return TrustedRoot(
        raw=state.trusted_root,
        digest=state.digest,
        kind="updated",
        origin=f"updated from {state.url}, in {place}",
        since=state.at_most(),
        refresh=command,
        prove=prove,
    )
