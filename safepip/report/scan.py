"""What `safepip scan` found, for people: one block a file, quiet about what is in order (docs/commands/scan.md)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from safepip.formats.plain import clean
from safepip.formats.publisher import printable
from safepip.model.artifact import Metadata
from safepip.model.contents import Contents
from safepip.model.ident import FileKind
from safepip.model.scan import Answer, Scan, denies, warns
from safepip.model.sdist import BuildKind, Clue, SdistContents
from safepip.model.verdict import Finding, Judged, Outcome
from safepip.report.text import Style

_LABEL = 12
# How many lines of one kind are shown without -v.
_MOST = 10
_BUILDING = {
    BuildKind.DECLARATIVE: "class A: a known backend that reads what is declared; no code of the sdist's own would run",
    BuildKind.PLUGINS: "class B: a known backend with third-party plugins; what would run besides is up to them",
    BuildKind.NEEDS_SETUP_PY: "class C: its setup.py would run",
    BuildKind.OWN_CODE: "class C: code that comes with it would run",
    BuildKind.UNKNOWN: "not known: its declarations are malformed, so that nobody can say what would run",
}
# Labels that are said once for all the lines below each other.
_LISTS = frozenset({"evidence", "depends on", "rule"})

Row = tuple[str, str]


def blocks(scans: Iterable[Scan], verbosity: int) -> Iterator[str]:
    """For stdout, as the answers come.

    verbosity: -1 leaves out what passed without a word, -2 what was merely warned of as well
    """
    told = (one for one in scans if one.looked is not None and _worth(one, verbosity))
    for number, one in enumerate(told):
        if number:
            yield ""
        yield from _block(one, everything=verbosity > 0)


def closing(scans: Sequence[Scan], style: Style) -> Iterator[str]:
    """For stderr: how many files are not what they should be. Files that could not be read are told as errors."""
    looked = [one for one in scans if one.error is None]
    for answer, verb in ((Answer.REFUSED, "refused"), (Answer.UNKNOWN, "could not check")):
        count = sum(one.answer is answer for one in looked)
        if count:
            what = f"{count} of {len(scans)} files" if len(scans) > 1 else "the file"
            yield style.error(f"safepip scan {verb} {what}")


def _worth(one: Scan, verbosity: int) -> bool:
    if one.answer is not Answer.PASSED:
        return True
    return verbosity >= 0 or (verbosity == -1 and one.warned)


def _block(one: Scan, *, everything: bool) -> Iterator[str]:
    looked = one.looked
    assert looked is not None  # noqa: S101 - the caller has looked
    yield clean(printable(one.target))
    yield from _rows([("decision", _decision(one))])
    name = looked.artifact.name
    if name.text != one.target.rpartition("/")[2]:
        yield from _rows([("as", name.text)])
    yield from _rows([("sha256", looked.artifact.sha256)])
    if isinstance(looked.contents, Contents):
        yield from _rows(_of_wheel(looked.contents, allowed=not _objects(one, "startup-hook")))
    elif isinstance(looked.contents, SdistContents) and not looked.contents.faults:
        yield from _rows(_of_sdist(looked.contents, everything=everything))
    yield from _rows(_findings(one, everything=everything))
    yield from _rows(("note", note) for note in one.notes)


def _decision(one: Scan) -> str:
    """The verdict in a line; what follows has the reasons."""
    assert one.looked is not None  # noqa: S101 - only such are told
    sdist = one.looked.artifact.name.kind is FileKind.SDIST
    asked = len(_checks(one.judged))
    denied, unknown = _checks(filter(denies, one.judged)), _checks(filter(_unknown, one.judged))
    if denied:
        count = sum(map(denies, one.judged))
        return f"refused: {_count(count, 'fault')}" if sdist else f"refused by {len(denied)} of {asked} checks"
    if unknown:
        return "unknown" if sdist else f"unknown: {len(unknown)} of {asked} checks could not be made"
    warned = _checks(filter(warns, one.judged))
    more = f", with {_count(len(warned), 'warning')}" if warned else ""
    return f"passed: no fault in the archive{more}" if sdist else f"passed: {asked} checks{more}"


def _checks(judged: Iterable[Judged]) -> list[str]:
    return list(dict.fromkeys(one.finding.check for one in judged))


def _objects(one: Scan, check: str) -> bool:
    return any(each.finding.check == check and each.finding.outcome is not Outcome.PASS for each in one.judged)


def _unknown(one: Judged) -> bool:
    return one.finding.outcome is Outcome.UNKNOWN


# --- what is inside


def _of_wheel(contents: Contents, *, allowed: bool) -> Iterator[Row]:
    """`allowed`: nobody objects to what Python does by itself; then it is told here, and else as what was found."""
    manifest = contents.manifest
    if manifest is None:
        return
    native = f", {len(contents.native)} of them machine code" if contents.native else ""
    yield "holds", f"{_count(len(manifest.files), 'file')}{native}"
    found = manifest.programs
    if found:
        yield "programs", _listed(found)
    if allowed:
        yield from (("at start", f"{one.path} has Python run: {one.line.strip()} (allowed)") for one in contents.hooks)


def _of_sdist(contents: SdistContents, *, everything: bool) -> Iterator[Row]:
    yield "holds", _count(contents.members, "member")
    yield "building", _BUILDING[contents.kind]
    yield from _cut("evidence", _evidence(contents.clues), everything=everything)
    yield "backend", contents.backend or "none stated, which means setuptools"
    if contents.requires:
        yield "needs", ", ".join(contents.requires)
    if contents.static is None:
        yield "metadata", contents.not_static or "cannot be known without running it"
    else:
        yield "metadata", f"stated for good in PKG-INFO: {_stated(contents.static)}"
        if everything:
            yield from (("depends on", str(one)) for one in contents.static.requires_dist)
    yield "install", "`safepip install` takes wheels alone (source-kind)"


def _evidence(clues: Iterable[Clue]) -> list[str]:
    """One line for each thing that is said of a file, with the numbers of the lines that it is said of."""
    said: dict[tuple[str, str], list[str]] = {}
    for one in clues:
        said.setdefault((one.file, one.what), []).extend([str(one.line)] if one.line is not None else [])
    return [f"{_place(file, numbers)}  {what}" for (file, what), numbers in said.items()]


def _place(file: str, numbers: Sequence[str]) -> str:
    return f"{file}:{','.join(numbers[:_MOST])}{',...' * (len(numbers) > _MOST)}" if numbers else file


def _stated(metadata: Metadata) -> str:
    optional = sum(one.marker is not None and "extra" in str(one.marker) for one in metadata.requires_dist)
    own = len(metadata.requires_dist) - optional
    parts = [_count(own, "dependency") if own else "no dependencies"]
    if metadata.provides_extra:
        parts.append(f"{optional:,} more with its {_count(len(metadata.provides_extra), 'extra')}")
    parts.append(f"Python {metadata.requires_python}" if metadata.requires_python else "any Python")
    return ", ".join(parts)


# --- what was found


def _findings(one: Scan, *, everything: bool) -> Iterator[Row]:
    unreadable = [judged for judged in one.judged if judged.finding.code == "unreadable"]
    for check in _checks(one.judged):
        judged = [each for each in one.judged if each.finding.check == check and each not in unreadable]
        yield from _of_check(judged, everything=everything)
    if unreadable:
        asked, names = _checks(one.judged), _checks(unreadable)
        others = len(names) > 1 and len(names) == len(asked) - 1
        yield "unknown", f"{f'the other {len(names)} checks' if others else ', '.join(names)}: {_why(unreadable)}"


def _why(unreadable: Sequence[Judged]) -> str:
    """All of them for the one reason, so it is told once."""
    messages = list(dict.fromkeys(one.finding.message for one in unreadable))
    return messages[0] if len(messages) == 1 else "the archive cannot be read"


def _of_check(judged: Sequence[Judged], *, everything: bool) -> Iterator[Row]:
    found = [one for one in judged if one.finding.outcome is not Outcome.PASS]
    for label, belongs in (("refused", denies), ("unknown", _unknown), ("warning", warns)):
        lines = [_line(one.finding) for one in filter(belongs, found)]
        yield from _cut(label, lines, everything=everything)
    if everything:
        yield from (("rule", rule) for rule in dict.fromkeys(one.rule for one in found))
        yield from (("passed", _line(one.finding)) for one in judged if one.finding.outcome is Outcome.PASS)
    yield from (("next", hint) for hint in dict.fromkeys(one.finding.hint for one in found) if hint)


def _line(finding: Finding) -> str:
    name = finding.check if finding.code == finding.check else f"{finding.check}/{finding.code}"
    return f"{name}: {finding.message}"


# --- lines


def _cut(label: str, lines: Sequence[str], *, everything: bool) -> Iterator[Row]:
    shown = len(lines) if everything or len(lines) <= _MOST else _MOST - 1
    yield from ((label, line) for line in lines[:shown])
    if shown < len(lines):
        yield "", f"and {len(lines) - shown} more, all with -v"


def _listed(words: Sequence[str]) -> str:
    return ", ".join(words[:8]) + (f" and {len(words) - 8} more" if len(words) > 8 else "")


def _count(number: int, one: str) -> str:
    many = f"{one[:-1]}ies" if one.endswith("y") else f"{one}s"
    return f"{number:,} {one if number == 1 else many}"


def _rows(pairs: Iterable[Row]) -> Iterator[str]:
    above = None
    for label, text in pairs:
        first, *more = text.split("\n")
        shown = "" if label == above and label in _LISTS else label
        yield clean(f"  {shown:{_LABEL}} {printable(first)}")
        yield from (clean(f"  {'':{_LABEL}} {printable(line)}") for line in more)
        above = label
