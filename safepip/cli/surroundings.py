"""When and in which folder a command runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timezone
from pathlib import Path

from safepip.errors import EnvironmentFault


@dataclass(frozen=True, slots=True)
class SystemClock:
    def now(self) -> datetime:
        return datetime.now(timezone.utc)


def day_of(moment: datetime) -> date:
    """The day of the calendar on this machine's wall, by which waivers end."""
    return moment.astimezone().date()


def working_folder() -> Path:
    """Raises EnvironmentFault where it is gone."""
    try:
        return Path.cwd()
    except OSError:
        raise EnvironmentFault(
            "no-working-directory", "the working directory is gone", hint="cd to a folder that exists"
        ) from None
