"""Byte-compile what was installed, in parallel, with an interpreter that what was installed has no part in.

pip does this on one core and spends half its time or more on it; it gets `--no-compile`, and this takes its place.

Installing wheels runs no code of theirs, and neither must this. So the interpreter comes from outside of the target
where there is one, reads no site folder (`-S`: no .pth, no sitecustomize), and is not started at all when it, or a
module of its own, is not what it was before pip, or when it is the target's own and something was put beside it where
it may look (a zip of modules, a shared library). What is compiled lies in the library folders, whatever RECORD says.
"""

from __future__ import annotations

import contextlib
import functools
import heapq
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from safepip.errors import EnvironmentFault, Malformed
from safepip.formats.record import RecordRow, stated
from safepip.io.owners import rows_of
from safepip.io.probe import PROGRAMS, Interpreter
from safepip.io.process import Question

_FEW = 30  # files that one process compiles sooner than a second one starts
_TIMEOUT = 1800.0
_REPLACED = (
    "Nothing was byte-compiled: what was installed replaced a part of the Python interpreter. Look at the environment "
    "before it is used."
)
_BESIDE = (
    "Nothing was byte-compiled: what was installed put files outside of the library and script folders, or has no "
    "readable RECORD, and the only interpreter to compile with is the one that they may lie beside. Python compiles "
    "the modules when they are used."
)
_NO_COMPILER = "Nothing was byte-compiled: no interpreter was found that writes the byte code of the target."

State = tuple[int, ...] | None
Written = Mapping[str, tuple[str, str]]  # source -> the .pyc, and its sha256


class Compiler:
    """The compiler of one environment. To be made before pip starts: it remembers what the interpreters were then."""

    def __init__(self, interpreter: Interpreter) -> None:
        self._interpreter = interpreter
        choices = dict.fromkeys((interpreter.compiler, interpreter.path))
        self._before = {choice: _states(choice) for choice in choices}

    def compile(
        self,
        dist_infos: Iterable[Path],
        folders: Iterable[Path],
        environ: Mapping[str, str],
        *,
        workers: int | None = None,
        inherited: Sequence[int] = (),
    ) -> tuple[dict[Path, tuple[RecordRow, ...]], list[str]]:
        """Compile the sources that the RECORD of each .dist-info lists. Returns the rows of it, and warnings.

        The rows have the digest of what was written, and no size. RECORD itself, as pip has it, is to have neither.
        folders: the library folders; sources elsewhere are left alone
        inherited: descriptors that the compilers hold open for as long as they live
        Byte code is a convenience: what cannot be compiled is told and left out, and Python compiles it when it is
        used.
        """
        folders = tuple(folders)
        inside = Inside(folders)
        listed = {dist_info: _listed(dist_info) for dist_info in dist_infos}
        sources = {
            dist_info: [path for path in paths if path.endswith(".py") and inside.holds(path)]
            for dist_info, paths in listed.items()
        }
        every = sorted({path for paths in sources.values() for path in paths})
        everything = [path for paths in listed.values() for path in paths]
        if self._touched(inside, everything):
            return {}, [_REPLACED] if every else []
        unread = not all(listed.values())  # a RECORD lists itself at least
        if self._stands_alone() and (unread or any(map(_Expected(self._interpreter, folders).lacks, everything))):
            return {}, [_BESIDE] if every else []
        written, warnings = self._compile(every, environ, workers or _processors(), inherited)
        rows = {dist_info: tuple(_rows(dist_info, paths, written)) for dist_info, paths in sources.items()}
        return rows, warnings

    def _touched(self, inside: Inside, paths: Iterable[str]) -> bool:
        """Whether the installation wrote among the modules of the interpreter itself."""
        own = Inside(self._interpreter.standard_library)
        return any(own.covers(path) and not inside.covers(path) for path in paths)

    def _stands_alone(self) -> bool:
        """Whether the target has to compile for itself: there is no interpreter outside of it."""
        return not self._interpreter.virtual or self._interpreter.compiler == self._interpreter.path

    def _compile(
        self, paths: Sequence[str], environ: Mapping[str, str], workers: int, inherited: Sequence[int]
    ) -> tuple[Written, list[str]]:
        if not paths:
            return {}, []
        warning = _NO_COMPILER
        for choice, before in self._before.items():
            if _states(choice) != before:
                warning = _REPLACED
                continue
            outcome = _compile_with(choice, self._interpreter.byte_code, paths, environ, workers, inherited)
            if outcome is not None:
                return outcome
        return {}, [warning]


def _states(interpreter: Path) -> tuple[State, ...]:
    """What tells an interpreter from another in its place: the file itself, and what it reads to find its modules."""
    folders = (interpreter.parent, interpreter.parent.parent)
    beside = [folder / name for folder in folders for name in ("pyvenv.cfg", "pybuilddir.txt")]
    beside.append(interpreter.with_suffix("._pth"))
    return tuple(map(_state, (interpreter, *beside)))


def _state(path: Path) -> State:
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


class Inside:
    """Whether files really lie below certain folders, symbolic links and dots resolved."""

    def __init__(self, folders: Iterable[Path]) -> None:
        # Strings, and one look per folder: there may be tens of thousands of files.
        self._roots = tuple(os.path.join(os.path.realpath(folder), "") for folder in folders)  # noqa: PTH118
        self._below = functools.cache(self._is_below)

    def covers(self, path: str) -> bool:
        """Whether a file of that name would lie there."""
        return self._below(os.path.dirname(path))  # noqa: PTH120

    def holds(self, path: str) -> bool:
        """Whether it is a file there; a link that leads out of there is not."""
        if not self.covers(path) or not os.path.isfile(path):  # noqa: PTH113
            return False
        return not os.path.islink(path) or self.covers(os.path.realpath(path))  # noqa: PTH114

    def _is_below(self, folder: str) -> bool:
        return os.path.join(os.path.realpath(folder), "").startswith(self._roots)  # noqa: PTH118


class _Expected:
    """Where modules and scripts go, and where an interpreter looks for nothing of its own."""

    def __init__(self, interpreter: Interpreter, folders: Sequence[Path]) -> None:
        own = str(interpreter.prefix / "python")
        # A `--target` that has the interpreter in it: its whole inside may be read by the interpreter.
        self._library = Inside(folder for folder in folders if not Inside([folder]).covers(own))
        usual = interpreter.paths["scripts"]
        # `--user`, `--prefix` and `--root` have their own, above the library folder: ~/.local/bin.
        above = (parent / usual.name for folder in folders for parent in folder.parents)
        self._scripts = {os.path.realpath(place) for place in (usual, *above)}

    def lacks(self, path: str) -> bool:
        """Whether a file is there, and it is neither below a library folder nor right in a script folder."""
        if self._library.covers(path) or not os.path.lexists(path):
            return False
        return os.path.realpath(os.path.dirname(path)) not in self._scripts  # noqa: PTH120


def _listed(dist_info: Path) -> list[str]:
    """The installed files as RECORD names them."""
    try:
        rows = rows_of(str(dist_info))
    except Malformed:
        return []  # pip left no RECORD that can be read: writing the receipt will say so
    # Joined and not tidied, as pip does: the text becomes the file name in tracebacks.
    return [os.path.join(dist_info.parent, row.path) for row in rows if "\0" not in row.path]  # noqa: PTH118


def _rows(dist_info: Path, sources: Iterable[str], written: Written) -> Iterable[RecordRow]:
    for source in sources:
        if source in written:
            place, digest = written[source]
            path = os.path.relpath(place, dist_info.parent).replace(os.sep, "/")
            yield RecordRow(path, stated(bytes.fromhex(digest)), "")


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _compile_with(
    interpreter: Path,
    byte_code: tuple[str, str],
    paths: Sequence[str],
    environ: Mapping[str, str],
    workers: int,
    inherited: Sequence[int],
) -> tuple[Written, list[str]] | None:
    """What was written, and warnings; None where this interpreter does not run, or writes other byte code."""
    command = [str(interpreter), "-I", "-S", "-B", str(PROGRAMS / "compile_files.py"), *byte_code]
    written: dict[str, tuple[str, str]] = {}
    warnings: list[str] = []
    with contextlib.ExitStack() as running:
        questions = []
        for share in _shares(paths, min(workers, 1 + len(paths) // _FEW)):
            text = json.dumps(share)
            try:
                question = Question(
                    command, environ, about="the byte compiler", said=text, timeout=_TIMEOUT, inherited=inherited
                )
            except EnvironmentFault:
                return None
            running.callback(question.close)
            questions.append(question)
        for question in questions:
            try:
                answer = json.loads(question.answer())
            except (EnvironmentFault, ValueError) as error:
                warnings.append(f"Some files were not byte-compiled: {error}")
                continue
            if answer is None:
                return None
            written |= {source: (place, digest) for source, (place, digest) in answer.items()}
    return written, warnings


def _shares(paths: Sequence[str], count: int) -> list[list[str]]:
    """`count` lists of about the same number of bytes: the largest files are dealt first."""
    shares: list[tuple[int, int, list[str]]] = [(0, number, []) for number in range(count)]
    for size, path in sorted(((Path(path).stat().st_size, path) for path in paths), reverse=True):
        load, number, share = heapq.heappop(shares)
        share.append(path)
        heapq.heappush(shares, (load + size + 500, number, share))
    return [share for _, _, share in shares if share]
