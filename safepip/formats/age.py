"""Times as people write and read them: a minimum age (`3d`, `36h`, `P7D`, `PT36H`, or a date), and a moment."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta, timezone

from safepip.errors import Malformed
from safepip.model.levels import Age

_SHORT = re.compile(r"(\d{1,5})(h|d|w)", re.ASCII)
_ISO = re.compile(r"P(?:(\d{1,5})W)?(?:(\d{1,5})D)?(?:T(?:(\d{1,6})H)?)?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_HOURS = {"h": 1, "d": 24, "w": 168}


def parse_age(value: object) -> Age:
    """From a TOML string, date or date-time, or the text of an option. Raises Malformed."""
    if isinstance(value, datetime):
        return value if value.tzinfo is not None else value.replace(tzinfo=timezone.utc)
    if isinstance(value, date):
        return datetime.combine(value, time(), timezone.utc)
    if isinstance(value, str):
        if match := _SHORT.fullmatch(value):
            return timedelta(hours=int(match[1]) * _HOURS[match[2]])
        if (match := _ISO.fullmatch(value)) and any(match.groups()):
            weeks, days, hours = (int(group or 0) for group in match.groups())
            return timedelta(weeks=weeks, days=days, hours=hours)
        if _DATE.fullmatch(value):
            return _from_date(value)
    raise Malformed(f'{value!r} is not an age such as "3d", "36h", "P7D" or a date such as 2026-11-01')


def _from_date(text: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(text), time(), timezone.utc)
    except ValueError as error:
        raise Malformed(f"{text!r} is not a date: {error}") from None


def render_age(age: Age) -> str:
    """As a policy file writes it; `parse_age(render_age(x)) == x` for whole hours and midnights."""
    if isinstance(age, datetime):
        return age.date().isoformat()
    hours = int(age.total_seconds() // 3600)
    return f"{hours // 24}d" if hours % 24 == 0 else f"{hours}h"


def moment(at: datetime) -> str:
    """A time as people are told it."""
    return f"{at:%Y-%m-%d %H:%M} UTC"
