"""Reading the tables of a TOML document into values, gathering every fault with its place instead of the first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import IntEnum
from typing import Any, TypeVar

from safepip.errors import Malformed
from safepip.formats import toml
from safepip.model.levels import Placed

T = TypeVar("T")
E = TypeVar("E", bound=IntEnum)


class TableReader:
    """Reads one document. `prefix` is the path of the table that counts as the top.

    Each reading function takes the path of the table it reads from, and answers None where it noted a fault.
    """

    def __init__(self, document: toml.Document, prefix: toml.Path) -> None:
        self.document = document
        self.prefix = prefix
        self.faults: list[tuple[str, str]] = []

    def place(self, path: toml.Path) -> str:
        return self.document.place((*self.prefix, *path))

    def fault(self, path: toml.Path, what: str) -> None:
        self.faults.append((self.place(path), what))

    def table(self, data: Any, path: toml.Path) -> Mapping[str, Any]:
        if isinstance(data, Mapping):
            return data
        self.fault(path, f"{'.'.join(map(str, path)) or 'the policy'} is not a table")
        return {}

    def known(
        self, table: Mapping[str, Any], names: set[str], path: toml.Path, later: frozenset[str] = frozenset()
    ) -> None:
        for key in table:
            if key in names:
                continue
            if key in later:
                self.fault((*path, key), f"{key!r} is not enforced by this version of safepip")
            else:
                self.fault(
                    (*path, key), f"{key!r} is not a key of the schema; here may stand {', '.join(sorted(names))}"
                )

    def each(
        self, top: Mapping[str, Any], key: str, read: Callable[[str, Mapping[str, Any], toml.Path], T | None]
    ) -> Iterator[T]:
        for name, entry in self.table(top.get(key, {}), (key,)).items():
            value = read(name, self.table(entry, (key, name)), (key, name))
            if value is not None:
                yield value

    def entries(
        self,
        table: Mapping[str, Any],
        key: str,
        path: toml.Path,
        read: Callable[[Mapping[str, Any], toml.Path], T | None],
    ) -> Iterator[T]:
        """The tables of an array: `[[key]]`."""
        array, here = table.get(key, []), (*path, key)
        if not isinstance(array, list):
            self.fault(here, f"{key} is not an array of tables: write [[{'.'.join(map(str, here))}]]")
            return
        for number, entry in enumerate(array):
            value = read(self.table(entry, (*here, number)), (*here, number))
            if value is not None:
                yield value

    def value(
        self, table: Mapping[str, Any], key: str, path: toml.Path, read: Callable[[Any], T], *, required: bool = False
    ) -> Placed[T] | None:
        if key not in table:
            if required:
                self.fault(path, f"{key} is missing")
            return None
        try:
            return Placed(read(table[key]), self.place((*path, key)))
        except Malformed as error:
            self.fault((*path, key), f"{key}: {error}")
            return None

    def choice(self, table: Mapping[str, Any], key: str, path: toml.Path, values: type[E]) -> Placed[E] | None:
        names = {member.name.lower().replace("_", "-"): member for member in values}

        def read(text: object) -> E:
            if not isinstance(text, str) or text not in names:
                raise Malformed(f"{text!r} is none of {', '.join(names)}")
            return names[text]

        return self.value(table, key, path, read)


def text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise Malformed(f"{value!r} is not a text")
    return value


def texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise Malformed(f"{value!r} is not a list of texts")
    return tuple(text(one) for one in value)


def some(value: object) -> tuple[str, ...]:
    """A list of texts that is not empty."""
    named = texts(value)
    if not named:
        raise Malformed("the list is empty; name at least one, or leave the key out")
    return named


def flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise Malformed(f"{value!r} is not true or false")
    return value


def whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise Malformed(f"{value!r} is not a whole number")
    return value
