"""Delegation: safepip's own pip installs the judged files, and nothing else, into the target."""

from __future__ import annotations

import contextlib
import functools
import shutil
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.version import Version

from safepip.errors import EnvironmentFault, PipFailed
from safepip.formats.directurl import render_direct_url
from safepip.formats.pipfiles import (
    Forwarded,
    PipFiles,
    Untraced,
    judged,
    pip_command,
    pip_files,
    user_line,
    without_stage,
)
from safepip.formats.record import RecordRow
from safepip.io.bytecode import Compiler
from safepip.io.environment import PythonEnvironment
from safepip.io.installed import Installed
from safepip.io.receipts import Settling, settle
from safepip.io.watch import Say, watch
from safepip.model.artifact import InstalledDistribution, Local
from safepip.model.ident import ProjectName, Sha256
from safepip.model.plan import Install, Plan

Receipt = Callable[[Install, Sha256], bytes]
_CANCELLED = "ERROR: Operation cancelled by user"
_QUOTED = 40  # lines of pip's complaints that are kept for the error


@dataclass(frozen=True, slots=True, kw_only=True)
class Streams:
    """Where pip's lines go, without their line ends."""

    out: Say
    err: Say


@dataclass(frozen=True, slots=True)
class _Found:
    """A distribution as found; `written` tells a new installation of the same version from the old one."""

    version: Version
    dist_info: Path
    written: int

    @classmethod
    def at(cls, one: InstalledDistribution) -> _Found:
        try:
            written = (one.location / "RECORD").stat().st_mtime_ns
        except OSError:
            written = 0
        return cls(one.version, one.location, written)


Snapshot = Mapping[ProjectName, _Found]


class Pip:
    """`safepip.ports.Installer` for one environment."""

    def __init__(
        self,
        environment: PythonEnvironment,
        forwarded: Forwarded,
        *,
        environ: Mapping[str, str],
        streams: Streams,
        workshop: Path | None,
        byte_compile: bool,
    ) -> None:
        """`workshop`: a folder on the file system of the judged files, so that the stage can link to them."""
        self._environment = environment
        self._forwarded = forwarded
        self._environ = environ
        self._streams = streams
        self._workshop = workshop
        self._byte_compile = byte_compile

    def install(self, plan: Plan, receipt: Receipt) -> tuple[str, ...]:
        """Install the plan, byte-compile it, leave each distribution as plain pip would have, and a receipt beside it.

        receipt: the content of safepip.json for a step, given the sha256 of its RECORD without the receipt's own row
        Returns what should be told besides. Raises PipFailed with pip's own words and what is now installed,
        EnvironmentFault, or KeyboardInterrupt once pip has ended.
        """
        if not plan.installs:
            return ()
        environment = self._environment
        files = pip_files(plan, self._forwarded, environment.placement, user=environment.user())
        before = self._look(plan)
        compiler = Compiler(environment.interpreter) if self._byte_compile else None
        with self._stage(plan, files) as stage:
            try:
                status, complaints = self._run(stage, files)
            except KeyboardInterrupt:
                raise _interrupted(plan, before, self._look(plan)) from None
        after = self._look(plan)
        if status != 0:
            raise _failed(status, complaints, plan, before, after)
        written, left = _sort(plan, before, after)
        if left and not environment.placement.keeps_existing:
            raise _failed(status, [f"pip did not install {', '.join(left)}"], plan, before, after)
        kept = (
            f"{project} was there before, and pip left it as it was: it has no receipt of this run" for project in left
        )
        return (*kept, *self._complete(plan, files, written, receipt, compiler))

    def _look(self, plan: Plan) -> Snapshot:
        there = Installed(self._environment.library_folders())
        found = (there.at(step.pin.project, step.pin.version) for step in plan.installs)
        return {one.project: _Found.at(one) for one in found if one is not None}

    @contextlib.contextmanager
    def _stage(self, plan: Plan, files: PipFiles) -> Iterator[Path]:
        """A private folder with the judged files under their own names, and pip's two files.

        They are not hashed again here: pip, told `--require-hashes`, hashes each staged file itself against the
        judged digest, and its look is later than ours could be.
        """
        with contextlib.ExitStack() as removal:
            try:
                folder = tempfile.TemporaryDirectory(prefix="safepip-stage-", dir=self._workshop)
                stage = Path(removal.enter_context(folder))
                _fill(stage, plan, files)
            except OSError as error:
                raise EnvironmentFault(
                    "stage-unwritable",
                    "The judged files could not be put together for pip.",
                    context=[("folder", str(self._workshop)), ("reason", error.strerror or str(error))],
                ) from None
            yield stage

    def _run(self, stage: Path, files: PipFiles) -> tuple[int, list[str]]:
        command = pip_command(
            Path(sys.executable),
            self._environment.path,
            stage / "wheels",
            stage / "roots.txt",
            stage / "rest.txt",
            files.flags,
        )
        complaints: deque[str] = deque(maxlen=_QUOTED)

        def out(line: str) -> None:
            shown = user_line(line, str(stage))
            if shown is not None:
                self._streams.out(shown)

        def complain(lines: Sequence[str]) -> None:
            complaints.extend(lines)
            for line in lines:
                if line != _CANCELLED:  # said by us, once
                    self._streams.err(line)

        untraced = Untraced()
        status = watch(
            command,
            self._environ,
            out,
            lambda line: complain(untraced.lines(without_stage(line, str(stage)))),
        )
        complain(untraced.end())
        return status, list(complaints)

    def _complete(
        self,
        plan: Plan,
        files: PipFiles,
        written: Mapping[ProjectName, Path],
        receipt: Receipt,
        compiler: Compiler | None,
    ) -> Sequence[str]:
        """What plain pip would have done as well (byte code, direct_url.json, REQUESTED on the roots), and receipts."""
        rows: dict[Path, tuple[RecordRow, ...]] = {}
        warnings: list[str] = []
        try:
            if compiler is not None:
                folders = self._environment.library_folders()
                rows, warnings = compiler.compile(written.values(), folders, self._environ)
        finally:  # an interrupt while compiling leaves byte code out, never a receipt
            for step in plan.installs:
                dist_info = written.get(step.pin.project)
                if dist_info is not None:
                    requested = step.pin.project not in files.unrequested
                    settle(dist_info, _settling(step, rows.get(dist_info, ()), receipt, requested=requested))
        return warnings


def _fill(stage: Path, plan: Plan, files: PipFiles) -> None:
    wheels = stage / "wheels"
    wheels.mkdir(mode=0o700)
    for step in plan.installs:
        artifact = judged(step)
        _link_or_copy(artifact.path, wheels / artifact.name.text)
    (stage / "roots.txt").write_text(files.roots, encoding="utf-8")
    (stage / "rest.txt").write_text(files.rest, encoding="utf-8")


def _link_or_copy(source: Path, destination: Path) -> None:
    try:
        destination.hardlink_to(source)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, destination)


def _sort(plan: Plan, before: Snapshot, after: Snapshot) -> tuple[dict[ProjectName, Path], list[ProjectName]]:
    """What pip has written (project -> .dist-info), and what it has left as it was or at another version."""
    fresh: dict[ProjectName, Path] = {}
    left: list[ProjectName] = []
    for step in plan.installs:
        project, found = step.pin.project, after.get(step.pin.project)
        if found is None or found == before.get(project) or found.version != step.pin.version:
            left.append(project)
        else:
            fresh[project] = found.dist_info
    return fresh, left


def _settling(step: Install, byte_code: tuple[RecordRow, ...], receipt: Receipt, *, requested: bool) -> Settling:
    artifact = judged(step)
    origin = artifact.origin
    return Settling(
        byte_code=byte_code,
        direct_url=render_direct_url(origin.url, artifact.sha256) if isinstance(origin, Local) else None,
        requested=requested,
        receipt=functools.partial(receipt, step),
    )


def _interrupted(plan: Plan, before: Snapshot, after: Snapshot) -> BaseException:
    """What to raise for an interrupt: as it is where pip had changed nothing, else with what is installed now."""
    changed = _changes(plan, before, after)
    if not changed:
        return KeyboardInterrupt()
    return PipFailed(
        "interrupted",
        "Operation cancelled by user, while pip was at work.",
        context=[("changed", ", ".join(changed))],
        hint="Run the same command again: it brings in what is missing.",
    )


def _changes(plan: Plan, before: Snapshot, after: Snapshot) -> list[str]:
    changes = (_change(step.pin.project, before, after) for step in plan.installs)
    return [change for change in changes if change is not None]


def _failed(status: int, complaints: Sequence[str], plan: Plan, before: Snapshot, after: Snapshot) -> PipFailed:
    changed = _changes(plan, before, after)
    words = [line for line in complaints if line.strip()]
    return PipFailed(
        "pip-failed",
        f"pip could not install the judged files (it ended with status {status}).",
        context=[
            ("pip said", "\n".join(words) or "nothing"),
            ("changed", ", ".join(changed) or "nothing: the environment is as it was"),
        ],
        hint="Run the same command again once the reason is gone." if changed else None,
    )


def _change(project: ProjectName, before: Snapshot, after: Snapshot) -> str | None:
    old, new = before.get(project), after.get(project)
    if old == new:
        return None
    if new is None:
        return f"{project} {old.version if old else ''} is gone"
    return f"{project} {new.version} is now installed" + (f" in place of {old.version}" if old else "")
