"""Whether what a plan rests on is still there as it was when the run began."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from safepip.errors import EnvironmentFault
from safepip.io.environment import PythonEnvironment
from safepip.io.installed import metadata_folders
from safepip.model.ident import ProjectName
from safepip.model.plan import Plan

_Stamp = tuple[int, int, int, int] | None
_Seen = dict[ProjectName, tuple[tuple[str, _Stamp, _Stamp], ...]]


class Glance:
    """Every installed distribution: where it is, and what tells it from another one in its place, unread."""

    def __init__(self, environment: PythonEnvironment) -> None:
        self._seen: _Seen = {}
        for folder in dict.fromkeys(_folders(environment)):
            for project, path in metadata_folders(folder):
                stamps = (str(path), _stamp(path / "RECORD"), _stamp(path / "METADATA") or _stamp(path))
                self._seen[project] = (*self._seen.get(project, ()), stamps)

    def require_same(self, later: Glance, plan: Plan) -> None:
        """Raises EnvironmentFault where what the plan keeps or replaces is another now. Nothing was touched then."""
        projects = [step.pin.project for step in plan.steps]
        changed = [str(name) for name in projects if self._seen.get(name) != later._seen.get(name)]
        if changed:
            raise EnvironmentFault(
                "environment-changed",
                "What is installed has changed while this run was at work, so that its plan no longer holds.",
                context=[("changed by others", ", ".join(changed)), ("changed", "nothing")],
                hint="Run the same command again.",
            )


def _folders(environment: PythonEnvironment) -> Iterator[Path]:
    yield from environment.library_folders()
    if environment.placement.target_dir is None:
        interpreter = environment.interpreter
        if interpreter.user_site is not None:
            yield interpreter.user_site
        yield from interpreter.search


def _stamp(path: Path) -> _Stamp:
    try:
        status = os.stat(path)  # noqa: PTH116 - hundreds of them
    except OSError:
        return None
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
