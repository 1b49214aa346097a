"""Looks through an environment: `safepip.ports.Inspector` for what really lies there.

All RECORD files are read first, so that it is known whose each file is; then every listed file is looked at once, on
all processors; then the folders are walked for what nobody lists. Links are not followed, and no code is run.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from safepip.io.distribution import Loaded, inspected, load, sizes
from safepip.io.fingerprint import look_all
from safepip.io.journal import JournalFolder
from safepip.io.strays import in_library, in_package
from safepip.model.artifact import InstalledDistribution
from safepip.model.inspection import Inspected, Inspection, Stray
from safepip.model.modules import module_of, precedence, side_by_side

_EGGS = (".egg-info", ".egg", ".egg-link")
_MOST_ADDED = 1000  # of one distribution
_SEVERAL = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An environment as named, and its library folders."""

    environment: str
    libraries: tuple[str, ...]
    notes: tuple[str, ...]


class DiskInspector:
    """Reads what lies there, each time anew."""

    def __init__(self, places: Mapping[str, Place]) -> None:
        """`places`: by the names that `inspect` is asked with."""
        self._places = places

    def inspect(self, environment: str) -> Inspection:
        """Everything in one environment."""
        place = self._places[environment]
        libraries = tuple(dict.fromkeys(os.path.realpath(library) for library in place.libraries))
        loaded = [load(path, bounds_of(library)) for library in libraries for path in _distributions(library)]
        seen = look_all(_wanted(loaded))
        survey = _Survey(loaded, libraries)
        survey.walk()
        distributions = tuple(
            inspected(one, seen, tuple(survey.added[number]), survey.loose[number]) for number, one in enumerate(loaded)
        )
        return Inspection(
            environment=place.environment,
            libraries=libraries,
            distributions=tuple(sorted(distributions, key=lambda one: (one.name, one.location))),
            strays=tuple(sorted(survey.strays, key=lambda one: one.path)),
            unowned=tuple(sorted(survey.unowned)),
            notes=(*place.notes, *_unfinished(libraries), *_twins(distributions)),
        )

    def of(self, installed: InstalledDistribution) -> Inspected:
        """One distribution by itself: its listed files alone, and not what was added beside them."""
        path = os.path.join(os.path.realpath(installed.location.parent), installed.location.name)  # noqa: PTH118
        loaded = load(path, bounds_of(os.path.dirname(path)))  # noqa: PTH120
        return inspected(loaded, look_all(_wanted([loaded])))


def bounds_of(library: str) -> str:
    """The environment that a library folder belongs to: X of X/lib/python3.12/site-packages, else the folder itself."""
    path = Path(library)
    if path.name in {"site-packages", "dist-packages"}:
        for folder in list(path.parents)[:2]:  # Lib/site-packages, lib/python3.12/site-packages
            if folder.name.lower() in {"lib", "lib64"}:
                return str(folder.parent)
    return library


def _wanted(loaded: Iterable[Loaded]) -> dict[str, frozenset[int] | None]:
    """Each file once, with the sizes that anybody gives it."""
    wanted: dict[str, frozenset[int] | None] = {}
    for one in loaded:
        for key, size in sizes(one):
            before = wanted.get(key, size)
            wanted[key] = None if before is None or size is None else before | size
    return wanted


def _distributions(library: str) -> Iterator[str]:
    for name, is_folder in _entries(library):
        path = f"{library}/{name}"
        # Of a folder that is a link, every file leads out of the environment, and that is told.
        if name.endswith(_EGGS) or (name.endswith(".dist-info") and (is_folder or os.path.isdir(path))):  # noqa: PTH112
            yield path


def _entries(folder: str) -> list[tuple[str, bool]]:
    try:
        with os.scandir(folder) as found:
            return sorted((one.name, one.is_dir(follow_symlinks=False)) for one in found)
    except OSError:
        return []


def _unfinished(libraries: Iterable[str]) -> Iterator[str]:
    for library in libraries:
        if JournalFolder(Path(library)).under_way():
            yield f"an installation into {library} is under way, or was cut off: the next one there undoes it"


def _twins(distributions: Iterable[Inspected]) -> Iterator[str]:
    seen: dict[tuple[str, str], str] = {}
    for one in distributions:
        key = (os.path.dirname(one.location), one.name)  # noqa: PTH120
        if key in seen:
            yield f"{one.name} is installed twice: {seen[key]} and {os.path.basename(one.location)}"  # noqa: PTH119
        seen[key] = os.path.basename(one.location)  # noqa: PTH119


@dataclass
class _Survey:
    """Whose the folders are, and what lies in them that nobody lists."""

    loaded: list[Loaded]
    libraries: tuple[str, ...]
    added: list[list[str]] = field(init=False)
    loose: list[int] = field(init=False)
    strays: list[Stray] = field(default_factory=list)
    unowned: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.added = [[] for _ in self.loaded]
        self.loose = [0 for _ in self.loaded]
        # An egg, and a .dist-info without a RECORD, say nothing of what is in them.
        self._closed = {one.path for one in self.loaded if not one.rows}
        self._owner: dict[str, int] = {}
        self._children: dict[str, set[str]] = {library: set() for library in self.libraries}
        for number, one in enumerate(self.loaded):
            self._claim(number, one.path, folder=True)
            for key in (*one.rows, *one.byte_code):
                self._claim(number, key, folder=False)

    def _claim(self, number: int, key: str, *, folder: bool) -> None:
        """Note whose a file is, and all folders above it up to the library."""
        if folder:
            self._owner[key] = number
        place, _, name = key.rpartition("/")
        while place:
            names = self._children.setdefault(place, set())
            if name in names and self._owner.get(place, number) in {number, _SEVERAL}:
                return
            names.add(name)
            if place in self.libraries:
                return
            before = self._owner.setdefault(place, number)
            if before not in {number, _SEVERAL}:
                self._owner[place] = _SEVERAL
            place, _, name = place.rpartition("/")

    def walk(self) -> None:
        """Without recursion: `waiting` holds folders, each with whose it is; a library is nobody's."""
        waiting: list[tuple[str, int | None]] = [(library, None) for library in self.libraries]
        while waiting:
            folder, whose = waiting.pop()
            unowned = []
            for name, is_folder in _entries(folder):
                path = f"{folder}/{name}"
                if path in self._closed or path in self.libraries:
                    continue
                if is_folder and path in self._owner:
                    waiting.append((path, self._owner[path]))
                elif is_folder or name not in self._children.get(folder, ()):  # a row for a folder lists no file
                    if whose is not None and whose != _SEVERAL and is_folder:
                        waiting.append((path, whose))
                    else:
                        unowned.append((name, is_folder))
            self._tell(folder, whose, unowned)

    def _tell(self, folder: str, whose: int | None, unowned: list[tuple[str, bool]]) -> None:
        cache = folder.endswith("/__pycache__")
        if whose is not None and whose != _SEVERAL:
            self.loose[whose] += sum(1 for name, _ in unowned if cache and name.endswith(".pyc"))
            left = _MOST_ADDED - len(self.added[whose])
            # Of a cache, Python reads nothing but byte code.
            self.added[whose] += [f"{folder}/{name}" for name, _ in unowned if not cache][: max(0, left)]
            return
        if cache:
            return
        # An import follows a link to a folder, which is not walked through here.
        named = [
            (name, is_folder or os.path.isdir(f"{folder}/{name}"))  # noqa: PTH112
            for name, is_folder in unowned
            if name != "__pycache__" and not name.endswith(_EGGS)
        ]
        modules = self._modules(folder)
        judge = in_library if whose is None else in_package
        found = list(judge(folder, named, modules))
        self.strays += (*found, *self._rivals(modules))
        told = {one.path for one in found}
        self.unowned += [path for name, _ in named if (path := f"{folder}/{name}") not in told]

    def _modules(self, folder: str) -> dict[str, list[str]]:
        """What can be imported of what is listed there: module -> its files, or its folder."""
        modules: dict[str, list[str]] = {}
        for name in self._children.get(folder, ()):
            path = f"{folder}/{name}"
            linked = "." not in name and os.path.isdir(path)  # noqa: PTH112
            module = module_of(name, folder=linked or path in self._owner)
            if module is not None:
                modules.setdefault(module, []).append(path)
        return modules

    def _rivals(self, modules: Mapping[str, list[str]]) -> Iterator[Stray]:
        """Files of one distribution that an import takes in place of another's."""
        for module, paths in modules.items():
            first, *others = sorted(paths, key=precedence)
            if others and self._strangers(module, self._listing(first), self._listing(others[0])):
                why = f"Python may import it in place of the {module} that another distribution has"
                yield Stray(path=first, why=why, maker=None)

    def _strangers(self, module: str, some: set[int], others: set[int]) -> bool:
        names = {self.loaded[number].name for number in some | others if number != _SEVERAL}
        return not some & others and not side_by_side(module, names)

    def _listing(self, path: str) -> set[int]:
        """The distributions that have it. A folder that several have is nobody's own."""
        owner = self._owner.get(path)
        return {owner} if owner is not None else {n for n, one in enumerate(self.loaded) if path in one.rows}
