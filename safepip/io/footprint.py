"""What an installation will leave its marks on: what pip may create, replace or remove.

Rather too much than too little, as far as it belongs to the environment: to note what pip then leaves alone costs a
hard link, and to miss what it removes would cost the user a file.
"""

# Strings, since there may be tens of thousands of files.
# ruff: noqa: PTH110, PTH112, PTH113, PTH114, PTH118, PTH120, PTH208

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping

from safepip.errors import EnvironmentFault
from safepip.io.territory import Territory

_GENERATED = ("INSTALLER", "REQUESTED", "RECORD", "direct_url.json", "safepip.json")


class Footprint:
    """Gathered path by path; the fields are those of `formats.journal.Journal`.

    created: what was not there; made: likewise, folders that belong to the scheme, to be removed only when empty
    replaced: files and links; in_place: those of them that pip writes into instead of replacing them
    """

    def __init__(self, territory: Territory) -> None:
        self.created: dict[str, None] = {}
        self.made: dict[str, None] = {}
        self.replaced: dict[str, None] = {}
        self.in_place: set[str] = set()
        self.folders: dict[str, int] = {}
        self.names: dict[str, tuple[str, ...]] = {}
        self.dist_infos: dict[str, None] = {}
        self._territory = territory
        self._missing: dict[str, bool] = {}
        self._listed: dict[str, frozenset[str]] = {}
        self._walked: set[str] = set()

    def may_change(self, path: os.PathLike[str]) -> bool:
        """Whether that belongs to the environment and pip could remove it at all."""
        place = self._territory.canonical(os.fspath(path))
        return self._territory.holds(place) and os.access(os.path.dirname(place), os.W_OK | os.X_OK)

    def writes(self, path: str) -> None:
        """A file that pip, or safepip after it, may write."""
        folder, name = os.path.split(path)
        folder = self._territory.real(folder)
        path = os.path.join(folder, name)
        if self._is_missing(folder) and folder not in self.made:
            return  # all of the folder is new
        if folder not in self.made and name in self._names(folder):
            if not os.path.exists(path):  # a link that leads nowhere: what is written to it turns up there
                raise _outside(path)
            self.loses(path)
        else:
            self.created[self._inside(path)] = None
        if name.endswith(".py"):
            self._byte_code(folder, name)

    def makes_dist_info(self, dist_info: str) -> None:
        """A .dist-info folder that will be written; what turns up in it besides belongs to it."""
        dist_info = self._territory.canonical(dist_info)
        self.dist_infos[dist_info] = None
        for name in _GENERATED:
            self.writes(os.path.join(dist_info, name))
        self.rewrites(os.path.join(dist_info, "REQUESTED"))
        if os.path.isdir(dist_info) and not os.path.islink(dist_info):
            self.watches(dist_info)
            self.tree(dist_info)

    def removes(self, paths: Iterable[str]) -> None:
        """Files that pip may uninstall, and what else it takes away with them: byte code, and empty folders."""
        emptied: dict[str, None] = {}
        for path in paths:
            if not os.path.lexists(path):
                continue
            path = self._territory.canonical(path)  # noqa: PLW2901 - the same place
            emptied[os.path.dirname(path)] = None
            self.loses(path)
            if path.endswith(".py"):
                emptied.update(dict.fromkeys(self._byte_code(*os.path.split(path))))
        for folder in emptied:
            self._emptied(folder, emptied)

    def loses(self, path: str) -> None:
        """A file, a link, or a folder with all that is in it."""
        path = self._inside(path)
        status = os.lstat(path)
        if stat.S_ISDIR(status.st_mode):
            self.tree(path)
        else:
            self.replaced[path] = None

    def rewrites(self, path: str) -> None:
        """A file that pip may write into."""
        if os.path.isfile(path):
            path = self._inside(self._territory.canonical(path))
            self.replaced[path] = None
            self.in_place.add(path)

    def tree(self, folder: str) -> None:
        """Everything in a folder. Its own leftovers (pip renames it to a neighbour first) turn up beside it."""
        self._inside(folder)
        self.watches(os.path.dirname(folder))
        for place, folders, files in os.walk(folder):
            self._keeps_folder(place)
            for name in folders:
                if os.path.islink(os.path.join(place, name)):
                    self.replaced[os.path.join(place, name)] = None
            self.replaced.update(dict.fromkeys(os.path.join(place, name) for name in files))

    def watches(self, folder: str) -> None:
        """Something may turn up in that folder that nobody planned."""
        if folder not in self.names and self._territory.covers(folder):
            self.names[folder] = tuple(sorted(self._names(folder))) if os.path.isdir(folder) else ()

    def _inside(self, path: str) -> str:
        if not self._territory.holds(path):
            raise _outside(path)
        return path

    def _is_missing(self, folder: str) -> bool:
        """Whether a folder is not there; what is then made first on the way to it is noted."""
        if folder not in self._missing:
            try:
                there = stat.S_ISDIR(os.lstat(folder).st_mode)
            except OSError:
                there = False
            self._missing[folder] = not there
            above = os.path.dirname(folder)
            if not there and above != folder and not self._created_above(above):
                if self._territory.leads(folder):  # a folder of the scheme itself, or one above it
                    self.made[folder] = None
                else:
                    self.created[self._inside(folder)] = None
        return self._missing[folder]

    def _created_above(self, folder: str) -> bool:
        """Whether the whole of a folder is new; folders of the scheme are not, since others may use them at once."""
        return self._is_missing(folder) and folder not in self.made

    def _names(self, folder: str) -> frozenset[str]:
        if folder not in self._listed:
            self._listed[folder] = frozenset(os.listdir(folder))
        return self._listed[folder]

    def _byte_code(self, folder: str, name: str) -> Iterator[str]:
        """What there is of a source's byte code is lost; where there is no folder for it, it will be made."""
        cache = os.path.join(folder, "__pycache__")
        if self._is_missing(self._territory.real(cache)):
            return iter(())
        stem = name[:-2]
        for one in self._names(cache):
            if one.startswith(stem):
                self.loses(os.path.join(cache, one))
        for beside in (f"{name}c", f"{name}o"):
            if beside in self._names(folder):
                self.loses(os.path.join(folder, beside))
        return iter((cache,))

    def _emptied(self, folder: str, emptied: Mapping[str, None]) -> None:
        """A folder that may be left without files: it is removed, with those above it and the empty ones in it."""
        for place in self._territory.within(folder):
            self._keeps_folder(place)
        self.watches(os.path.dirname(folder))
        for name in self._names(folder):
            below = os.path.join(folder, name)
            if below in emptied or below in self._walked:
                continue
            if self._territory.holds(below) and not _is_file_or_link(below):
                self._walked.add(below)  # the library folder comes up with every distribution
                for place, _, _ in os.walk(below):
                    self._keeps_folder(place)

    def _keeps_folder(self, folder: str) -> None:
        if folder not in self.folders:
            self.folders[folder] = stat.S_IMODE(os.lstat(folder).st_mode)


def _outside(path: str) -> EnvironmentFault:
    return EnvironmentFault(
        "cannot-be-undone",
        "This installation would change something outside of the environment, which could not be undone.",
        context=[("path", repr(path)), ("changed", "nothing")],
        hint="Uninstall the distribution that it belongs to, or mend the link, yourself.",
    )


def _is_file_or_link(path: str) -> bool:
    return os.path.islink(path) or not os.path.isdir(path)
