"""The end of a run: what is printed, what is written, and the exit code."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from safepip.cli.console import Console, document
from safepip.cli.settings import Settings
from safepip.errors import EnvironmentFault, SafepipError
from safepip.io.statedir import save_report, state_folder, write_whole
from safepip.model.run import Run
from safepip.report import machine, text

SUCCESS = frozenset({"installed", "would-install"})


def show(run: Run, settings: Settings, console: Console) -> int:
    """Print the run and write its reports. The exit code."""
    console.end()
    for note in run.notes:
        console.warn(note)
    if run.outcome == "would-install" and run.plan is not None and run.plan.installs:
        items = " ".join(f"{step.pin.project}-{step.pin.version}" for step in run.plan.installs)
        console.out(f"Would install {items}")
    console.lines(text.closing(run, console.style, console.verbosity))
    _write_reports(run, settings)
    if run.outcome in SUCCESS:
        return 0
    return next((error.exit_code for error in run.errors), 1)


def report_failure(error: SafepipError, begun: Run, settings: Settings, console: Console, finished: datetime) -> int:
    """A run that could not go on at all."""
    return show(replace(begun, finished=finished, outcome=error.outcome, errors=(error,)), settings, console)


def _write_reports(run: Run, settings: Settings) -> None:
    whole = machine.render(machine.report(run))
    if run.outcome != "would-install":
        save_report(state_folder(), run.started, whole)
    if settings.report is not None:
        _write(settings.report, whole)
    if settings.pip_report is not None and run.plan is not None:
        _write(settings.pip_report, machine.render(machine.pip_report(run.plan, run)))


def _write(name: str, body: bytes) -> None:
    """To a file, whole or not at all; to standard output for `-`."""
    if name == "-":
        document(body.decode(), sys.stdout)
        return
    try:
        write_whole(Path(name), body, 0o666)
    except OSError as error:
        raise EnvironmentFault(
            "report-unwritable",
            f"the report cannot be written to {name!r}: {error.strerror or error}",
            hint="the run itself is over; its outcome stands above",
        ) from None
