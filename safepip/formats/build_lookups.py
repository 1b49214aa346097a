"""Values that a backend takes from a module: whether they stand there for all to read, or the module has to be run.

The archive is read a second time for it, since a module may come before pyproject.toml, which names it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO

from safepip.formats.build_evidence import Lookup, Reader, Reason
from safepip.formats.plain import clean
from safepip.formats.setup_py import has_docstring, is_literal, is_text
from safepip.formats.tararchive import read_tar
from safepip.formats.tarlinks import Member, MemberKind, folded
from safepip.model.sdist import BuildKind, Clue

LARGEST_MODULE = 512 * 1024


def looked_up(handle: BinaryIO, members: Sequence[Member], top: str, lookups: Sequence[Lookup]) -> Iterator[Reason]:
    """One reason for each lookup. `members`: of the archive in `handle`, all in the folder `top`. OSError passes."""
    paths = {f"{top}/{path}" for one in lookups for path in one.paths}
    if not lookups:
        return
    there = {member.name for member in members} & paths
    links = {folded(member.name) for member in members if member.kind is MemberKind.SYMLINK}
    kept = read_tar(handle, lambda path: LARGEST_MODULE if path in there else None).kept if there else {}
    for lookup in lookups:
        if any(_leads_through(f"{top}/{path}", links) for path in lookup.paths):
            yield BuildKind.OWN_CODE, _more(lookup.clue, "which a link may lead to, so that it is not read here")
        else:
            found = [path for path in lookup.paths if f"{top}/{path}" in there]
            yield _reason(lookup, found, {path: kept.get(f"{top}/{path}", b"") for path in found})


def _leads_through(path: str, links: set[str]) -> bool:
    """Whether a folder on the way is a link: what lies behind it has another name in the archive."""
    above = folded(path)
    while above := above.rpartition("/")[0]:
        if above in links:
            return True
    return False


def _reason(lookup: Lookup, found: Sequence[str], sources: Mapping[str, bytes]) -> Reason:
    clue = lookup.clue
    if not found:
        return BuildKind.OWN_CODE, _more(clue, "which is not where it could be found without running code")
    sound = [_stands_there(lookup, sources[path]) for path in found]
    if any(sound) if lookup.of is Reader.FLIT and lookup.name else all(sound):
        return BuildKind.DECLARATIVE, _more(clue, f"where it stands for all to read ({found[sound.index(True)]})")
    return BuildKind.OWN_CODE, _more(clue, f"which has to be run for that ({found[sound.index(False)]})")


def _more(clue: Clue, what: str) -> Clue:
    return Clue(file=clue.file, line=clue.line, what=f"{clue.what}, {clean(what)}")


def _stands_there(lookup: Lookup, source: bytes) -> bool:
    if lookup.name is None:
        return has_docstring(source)
    return (is_text if lookup.of is Reader.FLIT else is_literal)(source, lookup.name)
