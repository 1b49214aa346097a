"""What lies in an environment where files are about to be written, and whose it is.

Costs nothing where nothing is: below a folder that does not exist no file is looked for, and RECORDs are read only
when some path is taken. Names are compared as they are: on a file system that does not tell `A` from `a`, a file that
differs in case alone is not found.
"""
# Strings, and one look per folder: there may be hundreds of thousands of files.
# ruff: noqa: PTH112, PTH117, PTH118, PTH119, PTH120, PTH206, PTH208

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from safepip.errors import EnvironmentFault, Malformed
from safepip.formats.entrypoints import parse_entry_points
from safepip.io.installed import metadata_folders
from safepip.io.owners import rows_of
from safepip.io.probe import Interpreter
from safepip.io.regularfile import open_regular
from safepip.model.contents import EntryPoint
from safepip.model.ident import ProjectName
from safepip.model.modules import module_of, modules_in
from safepip.model.neighbours import Holder, Occupant, Owner

# What an interpreter reads to find itself and its modules: its own even where nothing of that name lies there yet.
_LANDMARKS = re.compile(r"(?:pyvenv\.cfg|pybuilddir\.txt|.*\._pth)\Z", re.IGNORECASE)
_SKELETON = frozenset({"pyvenv.cfg", "bin", "include", "lib", "lib64", "Scripts", "Include", "Lib"})
_PROGRAMS = re.compile(
    r"(?:(?:python|pypy|pydoc|idle|2to3)w?[-0-9.]*(?:-config)?|\U0001d70bthon"
    r"|(?:de)?activate(?:_this)?(?:\.\w+)?)(?:\.(?:exe|bat|py))?\Z",
    re.IGNORECASE,
)
_PARTS = re.compile(r"(?:lib)?python[0-9.]*\b", re.IGNORECASE)  # libpython3.12.so, python-3.12.pc, python3.1
_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.EINVAL})


class Ground:
    """Which folders exist, and where they really are. Each is looked at once."""

    def __init__(self) -> None:
        self._real: dict[str, str] = {os.sep: os.sep}  # by any name
        self._seen: dict[str, str] = {}  # by a name below a real folder
        self._is_folder: dict[str, bool] = {os.sep: True}
        self._blocked: dict[str, str] = {}

    def real(self, folder: str) -> str:
        """The folder with all links resolved. It need not exist. Raises EnvironmentFault."""
        if os.pardir in folder:
            folder = os.path.realpath(folder)
        known = self._real.get(folder)
        if known is None:
            above, name = os.path.split(folder)
            above = self._real.get(above) or self._from_the_top(above)
            known = self._real[folder] = self._below(above, name)
        return known

    def _from_the_top(self, folder: str) -> str:
        """What is below a folder that does not exist is not walked through: it may be deep, and there may be many."""
        drive, rest = os.path.splitdrive(folder)
        place = drive + os.sep if os.path.isabs(folder) else drive
        self._is_folder.setdefault(place, True)
        names = [name for name in rest.split(os.sep) if name]
        for number, name in enumerate(names):
            if not self._is_folder[place]:
                return self._below(place, os.path.join(*names[number:]))
            place = self._below(place, name)
        return place

    def blocked_by(self, real: str) -> str | None:
        """The file that lies where that folder, or one above it, would have to be."""
        return self._blocked.get(real)

    def names(self, real: str) -> frozenset[str]:
        """What is in a folder, empty where there is none. Raises EnvironmentFault."""
        self.real(real)
        if not self._is_folder.get(real, False):
            return frozenset()
        try:
            return frozenset(os.listdir(real))
        except OSError as error:
            raise _unreadable(real, error) from None

    def _below(self, parent: str, name: str) -> str:
        path = os.path.join(parent, name)
        if path not in self._seen:
            self._seen[path] = self._looked_at(parent, path)
        return self._seen[path]

    def _looked_at(self, parent: str, path: str) -> str:
        if not self._is_folder[parent]:
            self._is_folder[path] = False
            if parent in self._blocked:
                self._blocked[path] = self._blocked[parent]
            return path
        status = _status(path)
        if status is not None and stat.S_ISLNK(status.st_mode):
            path = os.path.realpath(path)
            status = _status(path)
        self._is_folder[path] = status is not None and stat.S_ISDIR(status.st_mode)
        if status is not None and not self._is_folder[path]:
            self._blocked[path] = path
        return path


class Occupancy:
    """What lies in one environment.

    libraries: the folders that hold its distributions; home: the folder of `--target`, None where there is none
    """

    def __init__(self, interpreter: Interpreter, libraries: Collection[Path], home: Path | None) -> None:
        self._ground = Ground()
        self._libraries = libraries
        self._home = Path(self._ground.real(str(home.absolute()))) if home is not None else None
        self._own = _Own(interpreter, libraries, self._ground)

    def occupants(
        self, names: Mapping[str, Collection[str]], leaving: Collection[ProjectName]
    ) -> Mapping[str, Occupant]:
        """By the paths of the files. `names`, `leaving`: as `safepip.ports.Environment` has them."""
        places: dict[str, str] = {}  # a path that will be written -> what stands in its way
        theirs: dict[str, Holder] = {}
        for folder, inside in names.items():
            blocked = self._ground.blocked_by(self._ground.real(folder))
            there = self._ground.names(folder)
            for name in inside:
                path = os.path.join(folder, name)
                holder = self._own.holder(folder, name)
                if holder is not None:
                    theirs[path] = holder
                if name in there or blocked is not None or holder is not None:
                    places[path] = path if blocked is None else blocked
        rivals = frozenset(self._rivals(names))
        owners = self._owners(rivals.union(places.values())) if places or rivals else {}
        return {
            path: self._occupant(place, owners.get(place, ()), theirs.get(path), leaving)
            for path, place in (*places.items(), *((rival, rival) for rival in rivals if rival in owners))
        }

    def _rivals(self, names: Mapping[str, Collection[str]]) -> Iterator[str]:
        """What has the name of a module that will be written, and another path."""
        roots = {self._ground.real(str(library)) for library in self._libraries}
        for folder, modules in modules_in(names, roots).items():
            self._ground.real(folder)
            for name in self._ground.names(folder):
                module = module_of(name, folder="." not in name)
                path = os.path.join(folder, name)
                if module is None or name in modules.get(module, (name,)):
                    continue
                if "." in name or os.path.isdir(path):
                    yield path

    def _occupant(
        self, place: str, owners: tuple[Owner, ...], holder: Holder | None, leaving: Collection[ProjectName]
    ) -> Occupant:
        if holder is None and owners:
            stays = any(one.project not in leaving for one in owners)
            return Occupant(holder=Holder.INSTALLED, owners=owners, sha256=_digest(place) if stays else None)
        if holder is None:
            holder = Holder.INTERPRETER if self._own.made(place) else Holder.UNOWNED
        return Occupant(holder=holder, owners=(), sha256=_digest(place))

    def _owners(self, places: frozenset[str]) -> Mapping[str, tuple[Owner, ...]]:
        """The distributions that list each place, or something below it."""
        folders = tuple(place for place in places if os.path.isdir(place) and not os.path.islink(place))  # noqa: PTH114
        below = tuple(os.path.join(folder, "") for folder in folders)
        names = frozenset(map(os.path.basename, places)) if not folders else None
        found: dict[str, dict[ProjectName, Owner]] = {}
        for library in self._libraries:
            for project, metadata in metadata_folders(library):
                for path in self._listed(metadata, names):
                    taken = [path] if path in places else []
                    if below and path.startswith(below):
                        taken += [folder for folder in folders if path.startswith(os.path.join(folder, ""))]
                    for place in taken:
                        owners = found.setdefault(place, {})
                        if project not in owners:
                            owners[project] = self._owner(project, metadata, place)
        return {place: tuple(owners.values()) for place, owners in found.items()}

    def _owner(self, project: ProjectName, metadata: Path, place: str) -> Owner:
        script = None
        # The folder of programs is called so in every scheme: `--prefix` and `--target` have their own.
        if os.path.basename(os.path.dirname(place)) == os.path.basename(self._own.scripts):
            script = _entry_point(metadata / "entry_points.txt", os.path.basename(place))
        version = metadata.stem.partition("-")[2]
        return Owner(project=project, version=version, script=script)

    def _listed(self, metadata: Path, names: Collection[str] | None) -> Iterator[str]:
        """The real paths of what a distribution says that it installed. `names`: of files that are of interest."""
        real: dict[str, str] = {}
        root = self._ground.real(str(metadata.parent) if self._home is None else _within(self._home))
        for path in _recorded(metadata):
            folder, _, name = path.rpartition("/")
            if names is not None and name not in names:
                continue
            place = real.get(folder)
            if place is None:
                place = os.path.normpath(os.path.join(root, folder))
                place = place if self._home is None else moved_home(place, self._home)
                place = real[folder] = os.path.join(self._ground.real(place), "")
            yield place + name


class _Own:
    """What belongs to the interpreter and its environment, and to no distribution."""

    def __init__(self, interpreter: Interpreter, libraries: Collection[Path], ground: Ground) -> None:
        self._interpreter = interpreter
        self._prefix = ground.real(str(interpreter.prefix))
        self.scripts = ground.real(str(interpreter.paths["scripts"]))
        self._headers = str(interpreter.schemes["default"]["headers"])
        named = (one for one in libraries if one.name in {"site-packages", "dist-packages"})
        sites = (*named, interpreter.paths["purelib"], interpreter.paths["platlib"])
        self._sites = tuple(os.path.join(ground.real(str(one)), "") for one in sites)
        self._modules = tuple(os.path.join(ground.real(str(one)), "") for one in interpreter.standard_library)
        zips = [str(one) for one in interpreter.search if one.suffix == ".zip"]
        self._zips = {os.path.join(ground.real(os.path.dirname(one)), os.path.basename(one)) for one in zips}

    def holder(self, folder: str, name: str) -> Holder | None:
        """Whose a file of that name is in any case, whether one lies there or not."""
        place = os.path.join(folder, "")
        if place.startswith(self._modules) and not place.startswith(self._sites):
            return Holder.STANDARD_LIBRARY
        if name.endswith(".zip") and os.path.join(folder, name) in self._zips:
            return Holder.STANDARD_LIBRARY
        if folder in {self._prefix, self.scripts} and _LANDMARKS.match(name):
            return Holder.INTERPRETER
        return Holder.INTERPRETER if folder == self._prefix and name in _SKELETON else None

    def made(self, place: str) -> bool:
        """Whether something that no distribution names came with the interpreter or with the environment."""
        folder, name = os.path.split(place)
        if folder == self.scripts:
            return bool(_PROGRAMS.match(name)) or os.path.realpath(place) == os.path.realpath(self._interpreter.path)
        if self._interpreter.virtual:
            return folder == self._prefix and name == ".gitignore"
        if place.startswith(os.path.join(self._headers, "")):
            return True
        return place.startswith(os.path.join(self._prefix, "")) and bool(_PARTS.match(name))


def _within(home: Path) -> str:
    return f"{home.absolute()}/lib/python"


def moved_home(folder: str, home: Path) -> str:
    """Where pip moves what it installed there for `--target`: from `<home>/lib/python` to `<home>` itself.

    RECORD speaks of files as they were before that.
    """
    inside = _within(home)
    return f"{home.absolute()}{folder[len(inside) :]}" if f"{folder}/".startswith(f"{inside}/") else folder


def _status(path: str) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except OSError as error:
        if error.errno in _ABSENT:
            return None
        raise _unreadable(path, error) from None
    except ValueError:  # a null byte
        return None


def _unreadable(path: str, error: OSError) -> EnvironmentFault:
    return EnvironmentFault(
        "environment-unreadable",
        "What lies in the target environment cannot be seen.",
        context=[("path", path), ("reason", error.strerror or str(error))],
    )


def _recorded(metadata: Path) -> list[str]:
    """The rows of RECORD, or of the installed-files.txt of an .egg-info, from the library folder."""
    try:
        if metadata.suffix == ".dist-info":
            return [row.path for row in rows_of(str(metadata)) if "\0" not in row.path]
        lines = (metadata / "installed-files.txt").read_text("utf-8").splitlines()
    except (OSError, Malformed, UnicodeDecodeError):
        return []  # nobody can tell what is its own: that is then nobody's
    return [f"{metadata.name}/{line}" for line in lines if line and "\0" not in line]


def _entry_point(path: Path, program: str) -> EntryPoint | None:
    """The entry point that a program was made from; of two of that name pip makes the graphical one last."""
    try:
        points = parse_entry_points(path.read_bytes())
    except (OSError, Malformed):
        return None
    made = {one.name: one for group in ("console_scripts", "gui_scripts") for one in points if one.group == group}
    return made.get(program.removesuffix(".exe"))


def _digest(path: str) -> bytes | None:
    """Of what pip would replace; of a link, of what it leads to. Devices and pipes are not opened."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116
            return None
        digest = hashlib.sha256()
        with open_regular(Path(path)) as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    except OSError:
        return None
    return digest.digest()
