"""Run a program to its end and hand on its lines as they come."""

from __future__ import annotations

import contextlib
import locale
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import IO

from safepip.errors import EnvironmentFault
from safepip.io.process import clean_environment

Say = Callable[[str], None]


def watch(command: Sequence[str], environ: Mapping[str, str], out: Say, err: Say, *, stdin: int | None = None) -> int:
    """The exit status. An interrupt goes to the program, which is then waited for, and is raised again.

    stdin: an open file for its standard input, which it hands on to the programs that it starts itself; else none
    out, err: are told each line without its end, each from a thread of its own; what they raise is raised at the end
    Raises EnvironmentFault when the program cannot be started.
    """
    try:
        process = subprocess.Popen(
            list(command),
            env=clean_environment(environ),
            stdin=subprocess.DEVNULL if stdin is None else stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding=locale.getpreferredencoding(do_setlocale=False),
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise EnvironmentFault("cannot-run", f"{command[0]} cannot be started: {error.strerror or error}.") from None
    with process:
        pumps = [_Pump(process.stdout, out), _Pump(process.stderr, err)]
        try:
            _wait(process)
        finally:
            for pump in pumps:
                pump.join()
    for pump in pumps:
        if pump.fault is not None:
            raise pump.fault
    return process.returncode


def _wait(process: subprocess.Popen[str]) -> None:
    """A session of its own keeps the terminal's interrupt from the program; it gets exactly one, from here.

    Who interrupts again does not want to wait: the program is killed. It is never left running.
    """
    try:
        process.wait()
    except KeyboardInterrupt:
        _signal(process, signal.SIGINT)
        try:
            process.wait()
        except KeyboardInterrupt:
            _signal(process, signal.SIGKILL)
            process.wait()
        raise


def _signal(process: subprocess.Popen[str], number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


class _Pump(threading.Thread):
    """Hand on lines. When nobody takes them any more (a closed terminal), read on, or the program would stand still."""

    def __init__(self, stream: IO[str] | None, say: Say) -> None:
        super().__init__(daemon=True)
        self.fault: Exception | None = None
        self._lines = stream if stream is not None else ()
        self._say = say
        self.start()

    def run(self) -> None:
        for line in self._lines:
            if self.fault is None:
                self._hand_on(line.rstrip("\r\n"))

    def _hand_on(self, line: str) -> None:
        try:
            self._say(line)
        except Exception as fault:  # noqa: BLE001 - raised again by the thread that waits
            self.fault = fault
