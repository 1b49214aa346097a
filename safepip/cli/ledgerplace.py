"""Where the ledger of publishers lies: with the project where somebody put one there, else in this user's state."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from safepip.cli.layers import why_not_ones_own
from safepip.errors import BadInput
from safepip.io.ledger import LedgerPlace
from safepip.io.statedir import NOWHERE, state_folder

PROJECT_FILE = "safepip-publishers.toml"
STATE_FILE = "publishers.toml"


def ledger_place(folder: Path) -> LedgerPlace:
    """The ledger for a run in that folder. Raises BadInput for a project's that others could have written."""
    found = project_ledger(folder)
    if found is None:
        return state_ledger()
    why = why_not_ones_own(found, inherited=found.parent != folder) if found.exists() else None
    if why is not None:
        raise BadInput(
            "ledger-not-ones-own",
            f"the ledger {str(found)!r} is not believed: {why}",
            hint="mend its owner or mode; or begin one for this folder alone: safepip trust init",
        )
    return LedgerPlace(path=found, shown=_shown(found, folder), project=True)


def project_ledger(folder: Path) -> Path | None:
    """The one of this folder or of its nearest parent that has one. A link that leads nowhere is one too."""
    places = (place / PROJECT_FILE for place in (folder, *folder.parents))
    return next((path for path in places if os.path.lexists(path)), None)


def state_ledger() -> LedgerPlace:
    """The user's own, whether it is there or not."""
    path = state_folder() / STATE_FILE
    return LedgerPlace(path=path, shown=str(path), project=False, barred=_barred(path))


def _barred(path: Path) -> str | None:
    """Why this user's state is not to be used. `sudo` may keep the caller's home, and what lies there is the caller's.

    Raises BadInput for a ledger of one's own that everybody can write.
    """
    if path.parent == NOWHERE or not path.is_absolute():
        return "this user has no home folder"
    try:
        status, folder = path.stat(), path.parent.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"{path} cannot be looked at: {error.strerror or error}"
    if status.st_uid not in {0, os.geteuid()}:
        return f"{path} belongs to another user"
    if status.st_mode & stat.S_IWOTH or folder.st_mode & (stat.S_IWOTH | stat.S_ISVTX) == stat.S_IWOTH:
        words = f"the ledger {str(path)!r} is not believed: everybody can write it or its folder"
        raise BadInput("ledger-not-ones-own", words, hint="mend the mode")
    return None


def _shown(path: Path, folder: Path) -> str:
    return path.name if path.parent == folder else str(path)
