"""TOML with places: the line that a key was written on, so that every fault can be told with file and line."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from safepip.errors import Malformed

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Path = tuple[str | int, ...]
_HEADER = re.compile(r"\s*(\[\[?)\s*([^\]#\s](?:[^\]#]*[^\]#\s])?)\s*\]\]?\s*(?:#.*)?")
_KEY = re.compile(r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=""")
_DEEPEST = 50  # a key of a hundred thousand parts is no reason to remember the place of each
_HUGE = re.compile(r"[0-9A-Fa-f_]{19}")
# As in `formats.plain`: what a reviewer would not see, or would see in another order.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_PART = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A parsed document. `lines` maps the path of a table or key to its line, counted from 1."""

    name: str
    data: Mapping[str, Any]
    lines: Mapping[Path, int]

    def place(self, path: Path) -> str:
        """`safepip.toml:7`, by the nearest enclosing key that has a line of its own."""
        while path and path not in self.lines:
            path = path[:-1]
        return f"{self.name}:{self.lines[path]}" if path in self.lines else self.name


def load(raw: bytes, name: str) -> Document:
    """Parse UTF-8 TOML. Raises Malformed with file and line."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed(f"{name} is not UTF-8 (byte {error.start})") from None
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # TOMLDecodeError is one; so is a number too long for int()
        raise Malformed(f"{name} is not valid TOML: {str(error) or 'nested too deeply'}") from None
    if _HUGE.search(text) and not _fits(data):
        raise Malformed(
            f"{name} holds a number that is no 64-bit integer"
        )  # as TOML has them; a message could not show it
    return Document(name=name, data=data, lines=_locate(text))


def _fits(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(map(_fits, value.values()))
    if isinstance(value, list):
        return all(map(_fits, value))
    return not isinstance(value, int) or -(2**63) <= value < 2**63


def _locate(text: str) -> Mapping[Path, int]:
    """Where tables and keys begin. Serves messages only: a key inside a multi-line string may be found as well."""
    lines: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.fullmatch(line):
            table = _parts(header[2])
            if header[1] == "[[":
                counts[table] = counts.get(table, -1) + 1
                table = (*table, counts[table])
            found = table
        elif key := _KEY.match(line):
            found = (*table, *_parts(key[1]))
        else:
            continue
        for depth in range(1, min(len(found), _DEEPEST) + 1):
            lines.setdefault(found[:depth], number)
    return lines


def _parts(dotted: str) -> Path:
    return tuple(part.strip("\"'") for part in _PART.findall(dotted))


def quoted(words: str) -> str:
    """A TOML basic string, in which nothing hides from whoever reads it."""
    return f'"{"".join(map(_sign, words))}"'


def _sign(sign: str) -> str:
    if sign in {'"', "\\"}:
        return f"\\{sign}"
    if unicodedata.category(sign) in _HIDDEN:
        return f"\\u{ord(sign):04x}" if ord(sign) <= 0xFFFF else f"\\U{ord(sign):08x}"
    return sign
