"""Delegation: safepip's own pip installs the judged files, and nothing else, into the target.

All or nothing: what pip had begun is undone when it fails or is interrupted, when what lies there afterwards is not
what was judged, and when that cannot be written down.
"""

from __future__ import annotations

import functools
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.version import Version

from safepip.errors import PipFailed
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
from safepip.io.secondlook import Glance
from safepip.io.staging import staged
from safepip.io.transaction import Transaction
from safepip.io.watch import Say, watch
from safepip.model.artifact import InstalledDistribution, Local
from safepip.model.ident import ProjectName, Sha256
from safepip.model.plan import Install, Plan

Receipt = Callable[[Install, Sha256, Mapping[str, Sha256]], bytes]
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
        made: Sequence[str] = (),
    ) -> None:
        """To be made before anything in the environment is looked at: it remembers what is there now.

        workshop: a folder on the file system of the judged files, so that the stage can link to them
        made:     folders that were made for this run, and are to go if it comes to nothing
        """
        self._environment = environment
        self._forwarded = forwarded
        self._environ = environ
        self._streams = streams
        self._workshop = workshop
        self._byte_compile = byte_compile
        self._made = tuple(made)
        self._seen = Glance(environment)

    def install(self, plan: Plan, receipt: Receipt) -> tuple[str, ...]:
        """Install the plan, byte-compile it, leave each distribution as plain pip would have, and a receipt beside it.

        receipt: the content of safepip.json for a step, given the sha256 of its RECORD without the receipt's own row
        Returns what should be told besides. Raises PipFailed with pip's own words, EnvironmentFault, or
        KeyboardInterrupt, and has undone then what was begun; what could not be undone is told.
        """
        if not plan.installs:
            return ()
        environment = self._environment
        self._seen.require_same(Glance(environment), plan)
        files = pip_files(plan, self._forwarded, environment.placement, user=environment.user())
        with staged(plan, files, self._workshop) as stage:
            transaction = Transaction(plan, environment, made=self._made, say=self._streams.err)
            with transaction:
                notes = self._carry_out(plan, files, stage, receipt, transaction)
        return notes

    def _carry_out(
        self, plan: Plan, files: PipFiles, stage: Path, receipt: Receipt, transaction: Transaction
    ) -> tuple[str, ...]:
        before = self._look(plan)
        compiler = Compiler(self._environment.interpreter) if self._byte_compile else None
        status, complaints = self._run(stage, files, transaction)
        if status != 0:
            raise _failed(status, complaints)
        written, left = _sort(plan, before, self._look(plan))
        if left and not self._environment.placement.keeps_existing:
            raise _failed(status, [f"pip did not install {', '.join(left)}"])
        transaction.require_judged(written)
        kept = (
            f"{project} was there before, and pip left it as it was: it has no receipt of this run" for project in left
        )
        return (*kept, *self._complete(plan, files, written, receipt, compiler, transaction))

    def _look(self, plan: Plan) -> Snapshot:
        there = Installed(self._environment.library_folders())
        found = (there.at(step.pin.project, step.pin.version) for step in plan.installs)
        return {one.project: _Found.at(one) for one in found if one is not None}

    def _run(self, stage: Path, files: PipFiles, transaction: Transaction) -> tuple[int, list[str]]:
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
            stdin=transaction.at_work,
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
        transaction: Transaction,
    ) -> Sequence[str]:
        """What plain pip would have done as well (byte code, direct_url.json, REQUESTED on the roots), and receipts."""
        rows: dict[Path, tuple[RecordRow, ...]] = {}
        warnings: list[str] = []
        if compiler is not None:
            folders = self._environment.library_folders()
            held = () if transaction.at_work is None else (transaction.at_work,)
            rows, warnings = compiler.compile(written.values(), folders, self._environ, inherited=held)
        for step in plan.installs:
            dist_info = written.get(step.pin.project)
            if dist_info is not None:
                requested = step.pin.project not in files.unrequested
                settle(dist_info, _settling(step, rows.get(dist_info, ()), receipt, requested=requested))
        return warnings


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


def _failed(status: int, complaints: Sequence[str]) -> PipFailed:
    words = [line for line in complaints if line.strip()]
    return PipFailed(
        "pip-failed",
        f"pip could not install the judged files (it ended with status {status}).",
        context=[("pip said", "\n".join(words) or "nothing")],
    )
