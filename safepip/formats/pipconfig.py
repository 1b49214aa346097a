"""pip's configuration: ini files and PIP_* variables -> entries with their places, and the value that wins.

Files merge by (section, key), later files winning; then `[global]` < `[install]` < environment. `_` equals `-`, and
empty values are ignored (pip's user guide, "Configuration").
"""

from __future__ import annotations

import configparser
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from safepip.errors import Malformed

_TRUE = frozenset({"y", "yes", "t", "true", "on", "1"})
_FALSE = frozenset({"n", "no", "f", "false", "off", "0"})
_NOT_OPTIONS = frozenset({"config-file", "version", "help"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One setting. `section` is `global`, a command, or `:env:`; `key` is an option's long name without dashes."""

    section: str
    key: str
    value: str
    place: str


def parse_file(raw: bytes, name: str) -> tuple[Entry, ...]:
    """The entries of one pip.conf. Raises Malformed with the file's name and, where known, the line."""
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(raw.decode("utf-8"), source=name)
    except UnicodeDecodeError as error:
        raise Malformed(f"{name} is not UTF-8 (byte {error.start})") from None
    except configparser.Error as error:
        raise Malformed(f"{name} is not a configuration file: {' '.join(str(error).split())}") from None
    return tuple(
        Entry(section=section, key=_key(key), value=value or "", place=f"{name} [{section}] {_key(key)}")
        for section in parser.sections()
        for key, value in parser.items(section)
    )


def from_environment(environ: Mapping[str, str]) -> tuple[Entry, ...]:
    """The PIP_* variables, other than those that are no options."""
    return tuple(
        Entry(section=":env:", key=_key(name[4:]), value=value, place=name)
        for name, value in sorted(environ.items())
        if name.startswith("PIP_") and _key(name[4:]) not in _NOT_OPTIONS
    )


def effective(entries: Iterable[Entry], command: str) -> Mapping[str, Entry]:
    """The winning entry for each option of that command; `entries` in file order, the environment's last."""
    by_place: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        by_place[entry.section, entry.key] = entry
    winning: dict[str, Entry] = {}
    for section in ("global", command, ":env:"):
        for (where, key), entry in by_place.items():
            if where == section and entry.value.strip():
                winning[key] = entry
    return winning


def boolean(text: str) -> bool:
    """As pip reads it. Raises Malformed."""
    word = text.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise Malformed(f"{text!r} is not a valid value: please specify a boolean such as yes or no")


def _key(name: str) -> str:
    return name.lower().replace("_", "-").removeprefix("--")
