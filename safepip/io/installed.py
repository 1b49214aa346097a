"""The distributions that are installed in some folders, read as late as possible."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import Distribution
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import Version

from safepip.errors import Malformed
from safepip.model.artifact import InstalledDistribution
from safepip.model.ident import ProjectName, parse_version


class Installed(Mapping[ProjectName, InstalledDistribution]):
    """Project -> installed distribution. The folder names tell the projects; metadata are read when asked for.

    Where several folders hold the same project the first one counts, as it does for `import`. What cannot be read
    is left out, and `warnings` says so.
    """

    def __init__(self, folders: Iterable[Path]) -> None:
        self.warnings: list[str] = []
        self._read: dict[ProjectName, InstalledDistribution | None] = {}
        self._twins: list[tuple[ProjectName, Path]] = []
        self._found = self._scan(folders)

    def _scan(self, folders: Iterable[Path]) -> dict[ProjectName, Path]:
        found: dict[ProjectName, Path] = {}
        for folder in dict.fromkeys(folders):
            for entry in _entries(folder):
                project = _project_of(entry)
                if project is None:
                    self.warnings.append(f"Ignoring invalid distribution {entry!r} ({folder})")
                elif project not in found:
                    found[project] = folder / entry
                else:
                    self._twins.append((project, folder / entry))
                    if found[project].parent == folder:
                        self.warnings.append(f"{project} is installed twice in {folder}; {found[project].name} counts")
        return found

    def location(self, project: ProjectName) -> Path | None:
        """The .dist-info folder (or .egg-info), whether its metadata can be read or not."""
        return self._found.get(project)

    def at(self, project: ProjectName, version: Version) -> InstalledDistribution | None:
        """That very version, even where another one lies before it (`-I` leaves the old one's folder); else any."""
        any_ = self.get(project)
        if any_ is not None and any_.version == version:
            return any_  # else it may be the remains of one that was uninstalled
        twins = (self._load(project, path) for name, path in self._twins if name == project)
        return next((twin for twin in twins if twin is not None and twin.version == version), any_)

    def __getitem__(self, project: ProjectName) -> InstalledDistribution:
        if project not in self._read:
            self._read[project] = self._first_readable(project)
        distribution = self._read[project]
        if distribution is None:
            raise KeyError(project)
        return distribution

    def _first_readable(self, project: ProjectName) -> InstalledDistribution | None:
        """Of twins one may be the remains of an older version, whose folder had more in it than was uninstalled."""
        location = self._found.get(project)
        places = [] if location is None else [location, *(path for name, path in self._twins if name == project)]
        found = (self._load(project, place) for place in places)
        return next((one for one in found if one is not None), None)

    def _load(self, project: ProjectName, location: Path) -> InstalledDistribution | None:
        try:
            return _read(project, location)
        except (Malformed, InvalidRequirement, OSError, UnicodeDecodeError) as error:
            self.warnings.append(f"Ignoring invalid distribution {location.name!r} ({location.parent}): {error}")
            return None

    def __iter__(self) -> Iterator[ProjectName]:
        return (project for project in self._found if project in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def versions(self) -> dict[ProjectName, str]:
        """Project -> version, for telling what a run has changed."""
        return {project: str(one.version) for project, one in self.items()}


def metadata_folders(folder: Path) -> Iterator[tuple[ProjectName, Path]]:
    """Every .dist-info and .egg-info of a library folder, twins and unreadable ones too, by the name of the folder."""
    for entry in _entries(folder):
        project = _project_of(entry)
        if project is not None:
            yield project, folder / entry


def _entries(folder: Path) -> list[str]:
    try:
        names = os.listdir(folder)  # noqa: PTH208 - names alone, and no Path object for each of thousands
    except OSError:
        return []  # folders of the search path need not exist, nor be folders
    return sorted(name for name in names if name.endswith((".dist-info", ".egg-info")))


def _project_of(entry: str) -> ProjectName | None:
    """`Foo_Bar-1.0.dist-info`, `foo-1.0-py3.8.egg-info`, `foo.egg-info`; None for leftovers such as `~oo-1.0`."""
    stem = entry.rpartition(".")[0]
    name = stem.rpartition("-")[0] if entry.endswith(".dist-info") else stem.partition("-")[0]
    try:
        return ProjectName.parse(name)
    except Malformed:
        return None


def _read(project: ProjectName, location: Path) -> InstalledDistribution:
    distribution = Distribution.at(location)
    if "Version" not in distribution.metadata:
        raise Malformed("its metadata state no version")
    return InstalledDistribution(
        project=project,
        version=parse_version(distribution.metadata["Version"]),
        location=location,
        requires_dist=tuple(Requirement(text) for text in distribution.requires or ()),
    )
