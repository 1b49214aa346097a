"""Ask another program something while other work goes on."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from typing import IO

from safepip.errors import EnvironmentFault

_TIMEOUT = 60.0
_STEERING = ("PIP_", "_PIP_", "PYTHON", "_PYTHON", "__PYVENV_LAUNCHER__")
_KEPT = ("PYTHONUSERBASE",)


def clean_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` without what steers an interpreter or a pip, and with pip's configuration files switched off.

    `--isolated` alone still reads the global and the site file. Of the variables `_PIP_RUNNING_IN_SUBPROCESS` is
    the one to fear: with it pip disregards `--python` and would install into safepip's own environment.
    """
    kept = {name: value for name, value in environ.items() if name in _KEPT or not name.startswith(_STEERING)}
    if "HOME" not in kept and os.path.expanduser("~") == "~":  # noqa: PTH111 - pathlib raises what is asked for here
        kept["HOME"] = os.devnull  # without any, pip 26.3 does not even start
    return {**kept, "PIP_CONFIG_FILE": os.devnull}


def _start(
    command: Sequence[str], environ: Mapping[str, str], spoken: IO[bytes], inherited: Sequence[int]
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        list(command),
        env=clean_environment(environ),
        stdin=spoken,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        pass_fds=tuple(inherited),
    )


class Question:
    """A program that was started and whose answer is awaited later. One answer, remembered."""

    def __init__(
        self,
        command: Sequence[str],
        environ: Mapping[str, str],
        *,
        about: str,
        said: str = "",
        timeout: float = _TIMEOUT,
        inherited: Sequence[int] = (),
    ) -> None:
        """Start it. Raises EnvironmentFault when that cannot be done.

        about: who is asked, for messages; said: its standard input; timeout: seconds that `answer` waits at most
        inherited: descriptors that it holds open for as long as it lives
        """
        self._about = about
        self._timeout = timeout
        self._answer: str | None = None
        try:
            # A file, not a pipe: whoever starts a program in the background cannot stay to feed it.
            with tempfile.TemporaryFile() as spoken:
                spoken.write(said.encode("utf-8"))
                spoken.seek(0)
                self._process = _start(command, environ, spoken, inherited)
        except OSError as error:
            raise EnvironmentFault(
                "cannot-run",
                f"{about} cannot be asked: {error.strerror or error}.",
                context=[("program", command[0])],
            ) from None

    def answer(self) -> str:
        """What it printed. Raises EnvironmentFault when it failed or took longer than its time."""
        if self._answer is None:
            self._answer = self._wait()
        return self._answer

    def _wait(self) -> str:
        try:
            printed, complaint = self._process.communicate(timeout=self._timeout)
        except subprocess.TimeoutExpired:
            self.close()
            raise EnvironmentFault(
                "no-answer-from-program", f"{self._about} gave no answer within {self._timeout:.0f} seconds."
            ) from None
        if self._process.returncode != 0:
            words = complaint.decode("utf-8", "replace").strip().splitlines()
            raise EnvironmentFault(
                "cannot-run",
                f"{self._about} could not be asked: the program ended with status {self._process.returncode}.",
                context=[("it said", repr(words[-1][:500]) if words else "nothing")],
            )
        return printed.decode("utf-8", "replace")

    def close(self) -> None:
        """End the program if it still runs, and release its pipes."""
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        if self._process.stdout is not None and not self._process.stdout.closed:
            self._process.communicate()
