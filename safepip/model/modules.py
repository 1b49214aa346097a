"""Which module an import finds in an entry of a folder, by names alone (importlib.machinery.FileFinder).

An import takes a package before a native module before a source of the same name, so that an entry stands in for
another without its path being written twice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

_IMPORTED = (".so", ".pyd", ".py", ".pyc")  # in the order in which an import looks for them
# pytest's py.py leads to a part of pytest, and is meant to be passed over where the package of py is there.
_SIDE_BY_SIDE: Mapping[str, frozenset[str]] = {"py": frozenset({"py", "pytest"})}


def module_of(name: str, *, folder: bool) -> str | None:
    """The module that Python would find in an entry of that name, None where it would find none."""
    if folder:
        return name if name.isidentifier() else None
    return name.partition(".")[0] if name.endswith(_IMPORTED) else None


def precedence(path: str) -> int:
    """What an import takes first of what has one name: a package, a native module, a source, its byte code."""
    return next((number for number, ending in enumerate(_IMPORTED) if path.endswith(ending)), -1)


def side_by_side(module: str, projects: Collection[str]) -> bool:
    """Whether these projects are made to have that module both."""
    return module in _SIDE_BY_SIDE and _SIDE_BY_SIDE[module].issuperset(projects)


def folders_above(folder: str, roots: Collection[str]) -> Iterator[tuple[str, str]]:
    """(folder, name in it) for each folder on the way from one of the roots; none where it is below none of them."""
    steps: list[tuple[str, str]] = []
    place = folder
    while place and place not in roots:
        place, _, name = place.rpartition("/")
        steps.append((place, name))
    if place:
        yield from steps


def modules_in(names: Mapping[str, Collection[str]], roots: Collection[str]) -> Mapping[str, Mapping[str, set[str]]]:
    """By the folder that an import finds it in, each module with the entries that make it.

    names: files by their folders; roots: the library folders
    """
    found: dict[str, dict[str, set[str]]] = {}
    for folder, inside in names.items():
        steps = list(folders_above(folder, roots))
        entries = [(folder, name, False) for name in inside] if steps or folder in roots else []
        for place, name, is_folder in (*entries, *((above, name, True) for above, name in steps)):
            module = module_of(name, folder=is_folder)
            if module is not None:
                found.setdefault(place, {}).setdefault(module, set()).add(name)
    return found
