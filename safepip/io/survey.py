"""What a plan will do to an environment, as pip's own code does it: the footprint of an installation, worked out ahead.

After pip 26: `operations/install/wheel.py` (writing), `req/req_uninstall.py` (removing), and `commands/install.py`
(`--target`, where whole entries are moved, and with `--upgrade` whole entries removed).
"""

# Strings, since there may be tens of thousands of files.
# ruff: noqa: PTH114, PTH118, PTH120, PTH206, PTH208

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution
from pathlib import Path

from safepip.errors import EnvironmentFault, Malformed
from safepip.io.environment import PythonEnvironment
from safepip.io.footprint import Footprint
from safepip.io.owners import rows_of
from safepip.io.territory import Territory, user_base
from safepip.model.ident import ProjectName
from safepip.model.plan import Install, Plan

_SCRIPT_GROUPS = frozenset({"console_scripts", "gui_scripts"})


def survey(plan: Plan, environment: PythonEnvironment, territory: Territory) -> Footprint:
    """Raises EnvironmentFault (`cannot-be-undone`) where it would reach out of the environment."""
    footprint = Footprint(territory)
    for folder in map(str, environment.library_folders()):
        footprint.watches(territory.real(folder))
    for step in plan.installs:
        _written(step, environment, footprint)
    target = environment.placement.target_dir
    if target is None:
        _replaced({step.pin.project for step in plan.installs}, environment, footprint)
    elif environment.placement.upgrade:
        _whole_entries(territory.real(str(target.absolute())), footprint)
    return footprint


def _written(step: Install, environment: PythonEnvironment, footprint: Footprint) -> None:
    schemes = environment.schemes(step.pin.project)
    target = environment.placement.target_dir
    home = os.path.join(target.absolute(), "lib", "python", "") if target is not None else None
    for path, _ in step.manifest.placed(schemes):
        if home is not None and path.startswith(home):  # data there: pip moves it with the libraries
            footprint.writes(os.path.join(schemes["purelib"], path[len(home) :]))
        footprint.writes(path)
    footprint.makes_dist_info(os.path.join(schemes["purelib"], step.manifest.dist_info))
    if schemes["platlib"] != schemes["purelib"]:
        footprint.makes_dist_info(os.path.join(schemes["platlib"], step.manifest.dist_info))
    for folder in (schemes["scripts"], os.path.dirname(schemes["headers"])):
        footprint.watches(os.path.realpath(folder))
    for name in (*step.manifest.scripts, *_versioned(step.manifest.scripts, environment)):
        footprint.writes(os.path.normpath(os.path.join(schemes["scripts"], name)))


def _versioned(names: Iterable[str], environment: PythonEnvironment) -> Iterator[str]:
    """The names with the Python version, under which pip writes its own script and that of easy_install too."""
    major, minor = environment.interpreter.target.python.release[:2]
    for name in names:
        if re.match(r"pip(\d+(\.\d+)?)?$", name):
            yield from ("pip", f"pip{major}", f"pip{major}.{minor}")
        elif re.match(r"easy_install(-\d+\.\d+)?$", name):
            yield from ("easy_install", f"easy_install-{major}.{minor}")


def _whole_entries(target: str, footprint: Footprint) -> None:
    """`--target --upgrade`: an entry that is written to is removed first, with all that others have in it."""
    entries = {path[len(target) + 1 :].split(os.sep)[0] for path in (*footprint.created, *footprint.replaced)}
    for name in sorted(entries):
        entry = os.path.join(target, name)
        if os.path.lexists(entry) and not os.path.islink(entry):
            footprint.loses(entry)


def _replaced(projects: set[ProjectName], environment: PythonEnvironment, footprint: Footprint) -> None:
    interpreter = environment.interpreter
    user_site = [interpreter.user_site] if interpreter.user_site is not None else []
    folders = dict.fromkeys((*environment.library_folders(), *user_site, *interpreter.search))
    scripts = dict.fromkeys(
        (str(interpreter.paths["scripts"]), *(os.path.join(user_base(site), "bin") for site in user_site))
    )
    for folder in folders:
        for entry in _entries_of(projects, folder):
            if footprint.may_change(entry):
                footprint.removes(_uninstalled(entry, tuple(scripts)))
                _linked(entry, footprint)


def _entries_of(projects: set[ProjectName], folder: Path) -> Iterator[Path]:
    """The metadata folders, egg-links and eggs of those projects in a library folder."""
    try:
        names = os.listdir(folder)
    except OSError:  # folders of the search path need not exist, nor be folders
        return
    for name in names:
        stem, dot, kind = name.rpartition(".")
        if dot and kind in {"dist-info", "egg-info", "egg-link", "egg"}:
            project = stem.rpartition("-")[0] if kind == "dist-info" else stem.partition("-")[0]
            if {_project(project), _project(stem)} & projects:
                yield folder / name


def _project(name: str) -> ProjectName | None:
    try:
        return ProjectName.parse(name)
    except Malformed:
        return None


def _uninstalled(entry: Path, scripts: tuple[str, ...]) -> Iterator[str]:
    """The files of one installed distribution, and its scripts, listed or not."""
    yield str(entry)
    if entry.suffix == ".dist-info":
        yield from _recorded(entry)
    elif entry.suffix == ".egg-info":
        yield from _listed_by_setuptools(entry)
    for metadata in _metadata(entry):
        for name in _script_names(metadata):
            yield from (os.path.normpath(os.path.join(folder, name)) for folder in scripts)


def _recorded(dist_info: Path) -> Iterator[str]:
    if not os.path.lexists(dist_info / "RECORD"):
        return  # pip uninstalls nothing that has none
    try:
        rows = rows_of(str(dist_info))
    except Malformed as error:
        raise EnvironmentFault(
            "cannot-be-undone",
            f"What belongs to {dist_info.name} cannot be read, so its replacement could not be undone.",
            context=[("folder", repr(str(dist_info))), ("reason", str(error)), ("changed", "nothing")],
            hint=f"Remove that folder and the files of {dist_info.name.partition('-')[0]} yourself.",
        ) from None
    yield from (os.path.join(dist_info.parent, row.path) for row in rows if "\0" not in row.path)


def _listed_by_setuptools(egg_info: Path) -> Iterator[str]:
    """installed-files.txt, whose paths start at the metadata folder, or else the packages of top_level.txt."""
    listed = _lines(egg_info / "installed-files.txt")
    yield from (os.path.normpath(os.path.join(egg_info, line)) for line in listed)
    for name in _lines(egg_info / "top_level.txt"):
        top = os.path.normpath(os.path.join(egg_info.parent, name))
        yield from (top, f"{top}.py", f"{top}.pyc", f"{top}.pyo")


def _linked(entry: Path, footprint: Footprint) -> None:
    """Eggs and development installs have a line in a file that pip rewrites where it lies."""
    if entry.suffix in {".egg", ".egg-link"}:
        footprint.rewrites(str(entry.parent / "easy-install.pth"))


def _metadata(entry: Path) -> Iterator[Path]:
    if entry.suffix == ".egg":
        yield entry / "EGG-INFO"
    elif entry.suffix == ".egg-link":
        for line in _lines(entry)[:1]:
            yield from Path(entry.parent, line).glob("*.egg-info")
    else:
        yield entry


def _script_names(metadata: Path) -> Iterator[str]:
    try:
        points = [point.name for point in Distribution.at(metadata).entry_points if point.group in _SCRIPT_GROUPS]
    except (OSError, ValueError, KeyError, AttributeError):  # pip reads it as we do: it fails, and removes nothing
        points = []
    yield from points
    if (metadata / "scripts").is_dir():
        yield from os.listdir(metadata / "scripts")


def _lines(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return []
    return [line.strip() for line in lines if line.strip() and "\0" not in line]
