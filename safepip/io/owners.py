"""Whose an installed file is, by the RECORD files of a library folder."""

from __future__ import annotations

import functools
import os
from collections.abc import Collection, Iterable, Iterator

from safepip.errors import Malformed
from safepip.formats.record import RecordRow, parse_record
from safepip.io.fingerprint import read_whole

LARGEST_RECORD = 256 * 1024 * 1024


class Places:
    """Names for files by which two ways to the same file are one: the links of its folder resolved, its own kept.

    The last part is not resolved, since a link in a file's place is not that file.
    """

    def __init__(self, library: str) -> None:
        """`library`: the folder that the rows of RECORD start from."""
        self._library = os.path.realpath(library)
        self._folders: dict[str, str] = {}

    def key(self, path: str) -> str:
        folder, name = os.path.split(os.path.normpath(path))
        if folder not in self._folders:
            try:
                self._folders[folder] = os.path.realpath(folder)
            except (OSError, ValueError):  # a null byte, or links in a circle
                self._folders[folder] = folder
        return os.path.join(self._folders[folder], name)  # noqa: PTH118 - there may be tens of thousands

    def of_row(self, path: str) -> str:
        """The file that a row of RECORD names."""
        return self.key(os.path.join(self._library, path))  # noqa: PTH118


def rows_of(dist_info: str) -> tuple[RecordRow, ...]:
    """The rows of a RECORD. Raises Malformed, also where there is none."""
    body = read_whole(os.path.join(dist_info, "RECORD"), LARGEST_RECORD)  # noqa: PTH118
    if body is None:
        raise Malformed("RECORD cannot be read")
    return parse_record(body)


def owned_by_others(dist_info: str, libraries: Iterable[str], keys: Collection[str]) -> set[str]:
    """Those of the files that another distribution of these folders lists. `keys`: as `Places.key` has them."""
    wanted = set(keys)
    found: set[str] = set()
    for other in _dist_infos(libraries):
        if os.path.realpath(other) != os.path.realpath(dist_info):
            found |= wanted & _listed(other, _state(other))
    return found


def _dist_infos(libraries: Iterable[str]) -> Iterator[str]:
    for library in dict.fromkeys(libraries):
        try:
            names = os.listdir(library)  # noqa: PTH208
        except OSError:
            continue
        yield from (os.path.join(library, name) for name in names if name.endswith(".dist-info"))  # noqa: PTH118


def _state(dist_info: str) -> tuple[int, int, int]:
    try:
        status = os.lstat(os.path.join(dist_info, "RECORD"))  # noqa: PTH118
    except OSError:
        return (0, 0, 0)
    return (status.st_ino, status.st_size, status.st_mtime_ns)


@functools.lru_cache(maxsize=1024)
def _listed(dist_info: str, state: tuple[int, int, int]) -> frozenset[str]:
    """What a RECORD lists. `state` makes a RECORD that was changed another one."""
    del state
    places = Places(os.path.dirname(dist_info))  # noqa: PTH120
    try:
        return frozenset(places.of_row(row.path) for row in rows_of(dist_info))
    except Malformed:
        return frozenset()
