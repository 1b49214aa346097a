"""Which files of a plan stand in each other's way, and in the way of what is there: computed from manifests alone.

Everything is linear in the number of files. Of many wheels that write one path each is told of one other, the first
that writes other bytes: enough to refuse it, where all pairs would be a hostile plan's way to use up our memory.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from safepip.model.contents import EntryPoint, Manifest, PackedFile
from safepip.model.ident import ProjectName
from safepip.model.modules import folders_above, module_of, side_by_side
from safepip.model.neighbours import Clash, Holder, Neighbours, Occupant, Owner

_VERSIONED = {
    "pip": ("{name}{major}", "{name}{full}", re.compile(r"pip(?:\d+(?:\.\d+)?)?\Z")),
    "easy_install": ("{name}-{full}", "{name}-{full}", re.compile(r"easy_install(?:-\d+\.\d+)?\Z")),
}
_ENOUGH = 2
_IN_WORDS = {
    Holder.INTERPRETER: "the interpreter",
    Holder.STANDARD_LIBRARY: "the standard library",
    Holder.UNOWNED: "nobody",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """A wheel of the plan. `title`: "requests 2.32.3"; `schemes`: the absolute folders that its files go to.

    python: the target's, such as "3.12"; suffix: of the programs that are made from entry points, ".exe" or ""
    replaces: whether another version is installed, which pip removes right before it writes this one
    """

    project: ProjectName
    title: str
    manifest: Manifest
    schemes: Mapping[str, str]
    python: str
    suffix: str
    replaces: bool


Source = PackedFile | EntryPoint


@dataclass(frozen=True, slots=True)
class _Write:
    """One file that one wheel writes; there may be hundreds of thousands."""

    writer: int
    source: Source


_Written = dict[str, _Write]


class Collisions:
    """All files of a plan by their real folders. The writers are given in the order in which pip installs them.

    real: where folders really lie, links resolved, for those of the given ones that lie elsewhere than named
    """

    def __init__(self, writers: Sequence[Writer], real: Callable[[Collection[str]], Mapping[str, str]]) -> None:
        self._writers = writers
        self._first: dict[str, _Written] = {}
        self._shared: dict[tuple[str, str], list[_Write]] = {}
        roots = {one.schemes[scheme].rstrip("/") for one in writers for scheme in ("purelib", "platlib")}
        elsewhere = real({folder for one in writers for folder, _, _ in _files(one)} | roots)
        self._roots = frozenset(elsewhere.get(root, root) for root in roots)
        for number, one in enumerate(writers):
            for folder, name, source in _files(one):
                self._put(elsewhere.get(folder, folder), name, _Write(number, source))
        self._folders = self._folders_written()
        self._found: dict[str, Mapping[str, list[tuple[str, _Write]]]] = {}

    def _put(self, folder: str, name: str, write: _Write) -> None:
        there = self._first.setdefault(folder, {})
        first = there.setdefault(name, write)
        if first is not write:
            self._shared.setdefault((folder, name), [first]).append(write)

    @property
    def names(self) -> Mapping[str, Collection[str]]:
        """The names of all files that will be written, by their real folders."""
        return {folder: written.keys() for folder, written in self._first.items()}

    def neighbours(self, occupants: Mapping[str, Occupant]) -> tuple[Neighbours, ...]:
        """For each writer what stands in its way. `occupants`: what is there now, by real absolute path."""
        found: list[list[Clash]] = [[] for _ in self._writers]
        alone = (*self._among_themselves(), *self._in_folders(), *self._of_one_name())
        for number, clash in (*alone, *self._with_what_is_there(occupants)):
            found[number].append(clash)
        return tuple(Neighbours(clashes=tuple(clashes)) for clashes in found)

    def _among_themselves(self) -> Iterator[tuple[int, Clash]]:
        for writes in self._shared.values():
            odd = next((one for one in writes if _bytes(one) != _bytes(writes[0])), None)
            for write in writes:
                like_first = _bytes(write) == _bytes(writes[0])
                other = (odd or writes[write is writes[0]]) if like_first else writes[0]
                yield write.writer, self._clash(write, other, same=odd is None)

    def _in_folders(self) -> Iterator[tuple[int, Clash]]:
        """Where one has a file and another needs a folder, no installer can do both."""
        nothing: _Written = {}
        for folder, written in self._first.items():
            inside, place = next(iter(written.values())), folder
            while place:
                above, _, name = place.rpartition("/")
                write = self._first.get(above, nothing).get(name)
                if write is not None:
                    yield write.writer, self._clash(write, inside, same=False)
                    yield inside.writer, self._clash(inside, write, same=False)
                place = above if above not in self._first else ""  # that one is asked by itself

    def _folders_written(self) -> Mapping[str, Mapping[str, dict[int, _Write]]]:
        """The folders in each folder below a library, each with who writes into it: two of them are enough."""
        folders: dict[str, dict[str, dict[int, _Write]]] = {}
        for folder, written in self._first.items():
            writers = {write.writer: write for write in written.values()}
            for above, name in folders_above(folder, self._roots):
                there = folders.setdefault(above, {}).setdefault(name, {})
                for number, write in writers.items():
                    if len(there) < _ENOUGH:
                        there.setdefault(number, write)
        return folders

    def _importable(self, folder: str) -> Mapping[str, list[tuple[str, _Write]]]:
        """What an import finds in a folder: by module, the names of the entries with who writes each."""
        if folder not in self._found:
            found: dict[str, list[tuple[str, _Write]]] = {}
            files = ((name, write, False) for name, write in self._first.get(folder, {}).items())
            inside = self._folders.get(folder, {}).items()
            folders = ((name, write, True) for name, writes in inside for write in writes.values())
            for name, write, is_folder in (*files, *folders):
                module = module_of(name, folder=is_folder)
                if module is not None:
                    found.setdefault(module, []).append((name, write))
            self._found[folder] = found
        return self._found[folder]

    def _is_shared(self, folder: str) -> bool:
        """Whether several write into it, right there or below."""
        below = {number for writes in self._folders.get(folder, {}).values() for number in writes}
        return len(below.union(write.writer for write in self._first.get(folder, {}).values())) > 1

    def _of_one_name(self) -> Iterator[tuple[int, Clash]]:
        """Where an import finds one of two that different distributions have."""
        folders = {*self._folders, *(one for one in self._first if one in self._roots)}
        folders |= {f"{above}/{name}" for above, inside in self._folders.items() for name in inside}
        for folder in filter(self._is_shared, sorted(folders)):
            for module, entries in self._importable(folder).items():
                one = {write.writer: (name, write) for name, write in reversed(entries)}  # of each its first
                yield from self._rivalry(module, list(one.values()))

    def _rivalry(self, module: str, entries: Sequence[tuple[str, _Write]]) -> Iterator[tuple[int, Clash]]:
        name = entries[0][0]
        odd = next((write for entry, write in entries if entry != name), None)
        if odd is not None:
            for entry, write in entries:
                other = odd if entry == name else entries[0][1]
                yield from self._same_module(module, write, self._writers[other.writer])

    def _same_module(self, module: str, write: _Write, other: Writer | Owner) -> Iterator[tuple[int, Clash]]:
        if not side_by_side(module, {self._writers[write.writer].project, other.project}):
            yield write.writer, self._told(write, Holder.MODULE, other.title, same=False)

    def _beside(self, path: str, occupant: Occupant, plan: Collection[ProjectName]) -> Iterator[tuple[int, Clash]]:
        """An installed entry that nobody writes over, and that has the name of a module of the plan."""
        folder, _, name = path.rpartition("/")
        module = module_of(name, folder="." not in name)
        staying = [one for one in occupant.owners if one.project not in plan]
        if module is not None and staying:
            for entry, write in self._importable(folder).get(module, ()):
                if entry != name:
                    yield from self._same_module(module, write, staying[0])

    def _clash(self, write: _Write, other: _Write, *, same: bool) -> Clash:
        if write.writer == other.writer:
            return self._told(write, Holder.ITSELF, _member(other.source), same=same)
        return self._told(write, Holder.PLANNED, self._writers[other.writer].title, same=same)

    def _with_what_is_there(self, occupants: Mapping[str, Occupant]) -> Iterator[tuple[int, Clash]]:
        order = {one.project: number for number, one in enumerate(self._writers)}
        later = {one.project: number for number, one in enumerate(self._writers) if one.replaces}
        for path, occupant in occupants.items():
            folder, _, name = path.rpartition("/")
            if name not in self._first.get(folder, ()):
                yield from self._beside(path, occupant, order)
                continue
            writes = self._shared.get((folder, name)) or [self._first[folder][name]]
            for write in writes:
                if occupant.holder is Holder.INSTALLED:
                    clash = self._with_staying(write, occupant, order) or self._with_leaving(
                        write, writes, occupant, later
                    )
                else:
                    same = occupant.sha256 == _bytes(write)
                    clash = self._told(write, occupant.holder, _IN_WORDS[occupant.holder], same=same)
                if clash is not None:
                    yield write.writer, clash

    def _with_staying(self, write: _Write, occupant: Occupant, plan: Collection[ProjectName]) -> Clash | None:
        """Whoever is installed and not of this plan loses the file."""
        staying = [one for one in occupant.owners if one.project not in plan]
        if not staying:
            return None
        losing = [one for one in staying if one.script is None or one.script != write.source]
        same = not losing or occupant.sha256 == _bytes(write)
        return self._told(write, Holder.INSTALLED, (losing or staying)[0].title, same=same)

    def _with_leaving(
        self, write: _Write, writes: Collection[_Write], occupant: Occupant, later: Mapping[ProjectName, int]
    ) -> Clash | None:
        """Whoever is replaced after this one takes its old files along, unless its new version writes it again."""
        again = {self._writers[one.writer].project for one in writes}
        for one in occupant.owners:
            if one.project not in again and later.get(one.project, -1) > write.writer:
                return self._told(write, Holder.REPLACED, one.title, same=False)
        return None

    def _told(self, write: _Write, holder: Holder, other: str, *, same: bool) -> Clash:
        path = _shown(self._writers[write.writer], write.source)
        return Clash(path=path, member=_member(write.source), holder=holder, other=other, same=same)


def _files(writer: Writer) -> Iterator[tuple[str, str, Source]]:
    """(folder as pip names it, name, source) of every file, the programs that pip makes among them."""
    schemes, folders = writer.schemes, dict[tuple[str, str], str]()
    for file in writer.manifest.files:
        if file.scheme not in schemes:
            continue  # pip puts it nowhere, and the check `archive` objects
        below, _, name = file.place.rpartition("/")
        key = (file.scheme, below)
        folder = folders.get(key)
        if folder is None:
            root = schemes[file.scheme].rstrip("/")
            folder = folders[key] = f"{root}/{below}" if below else root
        yield folder, name, file
    for name, entry in programs(writer.manifest.entry_points, writer.python):
        path = posixpath.normpath(f"{schemes['scripts']}/{name}{writer.suffix}")
        yield posixpath.dirname(path), posixpath.basename(path), entry


def programs(entry_points: Collection[EntryPoint], python: str) -> Iterator[tuple[str, EntryPoint]]:
    """(name, entry point) of the programs that pip makes. `python`: such as "3.12".

    pip's own are named after the target's version, whatever the wheel says (pip's `get_console_script_specs`).
    """
    graphical = {one.name: one for one in entry_points if one.group == "gui_scripts"}
    console = {one.name: one for one in entry_points if one.group == "console_scripts"}
    for name, (short, long, pattern) in _VERSIONED.items():
        entry = console.get(name)
        if entry is not None:
            console = {other: one for other, one in console.items() if not pattern.match(other)}
            major = python.partition(".")[0]
            made = (name, *(form.format(name=name, major=major, full=python) for form in (short, long)))
            console |= dict.fromkeys(made, entry)
    yield from console.items()
    yield from graphical.items()


def _bytes(write: _Write) -> bytes | EntryPoint:
    """What tells the bytes of two files apart: their digest, or what a program is made from."""
    return write.source.sha256 if isinstance(write.source, PackedFile) else write.source


def _member(source: Source) -> str:
    return source.path if isinstance(source, PackedFile) else f"the entry point {source.name}"


def _shown(writer: Writer, source: Source) -> str:
    if isinstance(source, EntryPoint):
        return f"{posixpath.basename(writer.schemes['scripts'])}/{source.name}"
    if source.scheme in {"scripts", "headers"}:
        return f"{posixpath.basename(writer.schemes[source.scheme])}/{source.place}"
    return source.place
