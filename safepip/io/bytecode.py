"""Byte-compile what was installed, in parallel, with the target's own interpreter.

pip does this on one core and spends half its time or more on it; it gets `--no-compile`, and this takes its place.
"""

from __future__ import annotations

import contextlib
import heapq
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import Distribution
from pathlib import Path

from safepip.errors import EnvironmentFault, Malformed
from safepip.formats.record import RecordRow, parse_record
from safepip.io.probe import PROGRAMS
from safepip.io.process import Question

_FEW = 30  # files that one process compiles sooner than a second one starts
_SCRIPT_GROUPS = ("console_scripts", "gui_scripts")
_TIMEOUT = 1800.0


def compile_distributions(
    interpreter: Path, dist_infos: Iterable[Path], environ: Mapping[str, str], *, workers: int | None = None
) -> tuple[dict[Path, tuple[RecordRow, ...]], list[str]]:
    """Compile the sources that the RECORD of each .dist-info lists. Returns the rows to add, and warnings.

    Byte code is a convenience: what cannot be compiled is told and left out, and Python compiles it when it is used.
    """
    sources = {dist_info: _sources(dist_info) for dist_info in dist_infos}
    every = sorted({path for paths in sources.values() for path in paths})
    written, warnings = _compile(interpreter, every, environ, workers or _processors())
    rows = {dist_info: tuple(_rows(dist_info, paths, written)) for dist_info, paths in sources.items()}
    return rows, warnings


def _sources(dist_info: Path) -> list[str]:
    """The .py files among the installed files; the wrappers made for entry points are not, whatever their names."""
    try:
        rows = parse_record((dist_info / "RECORD").read_bytes())
    except (OSError, Malformed):
        return []  # pip left no RECORD that can be read: writing the receipt will say so
    entry_points = Distribution.at(dist_info).entry_points
    wrappers = {point.name for point in entry_points if point.group in _SCRIPT_GROUPS}
    library = dist_info.parent
    candidates = (row.path for row in rows if row.path.endswith(".py"))
    paths = (path for path in candidates if not (path.startswith("../") and path.rpartition("/")[2] in wrappers))
    # Joined and not tidied, as pip does: the text becomes the file name in tracebacks.
    joined = (os.path.join(library, path) for path in paths)  # noqa: PTH118
    return [path for path in joined if Path(path).is_file()]


def _rows(dist_info: Path, sources: Iterable[str], written: Mapping[str, str]) -> Iterable[RecordRow]:
    for source in sources:
        if source in written:
            yield RecordRow.unhashed(os.path.relpath(written[source], dist_info.parent).replace(os.sep, "/"))


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _compile(
    interpreter: Path, paths: Sequence[str], environ: Mapping[str, str], workers: int
) -> tuple[dict[str, str], list[str]]:
    if not paths:
        return {}, []
    command = [str(interpreter), "-I", str(PROGRAMS / "compile_files.py")]
    written: dict[str, str] = {}
    warnings: list[str] = []
    with contextlib.ExitStack() as running:
        questions = []
        for share in _shares(paths, min(workers, 1 + len(paths) // _FEW)):
            text = json.dumps(share)
            question = Question(command, environ, about="the target's byte compiler", said=text, timeout=_TIMEOUT)
            running.callback(question.close)
            questions.append(question)
        for question in questions:
            try:
                written |= json.loads(question.answer())
            except (EnvironmentFault, ValueError) as error:
                warnings.append(f"Some files were not byte-compiled: {error}")
    return written, warnings


def _shares(paths: Sequence[str], count: int) -> list[list[str]]:
    """`count` lists of about the same number of bytes: the largest files are dealt first."""
    shares: list[tuple[int, int, list[str]]] = [(0, number, []) for number in range(count)]
    for size, path in sorted(((Path(path).stat().st_size, path) for path in paths), reverse=True):
        load, number, share = heapq.heappop(shares)
        share.append(path)
        heapq.heappush(shares, (load + size + 500, number, share))
    return [share for _, _, share in shares if share]
