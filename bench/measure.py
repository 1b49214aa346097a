"""One command as a child process: time, processor time and peak memory of it and all its children."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# A process begins with the peak of the one that started it, so a small one has to stand in between.
_STARTER = """
import os, sys, time
begun = time.perf_counter()
number = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(number, 0)
seconds = time.perf_counter() - begun
told = "[%d, %r, %r, %d]" % (os.waitstatus_to_exitcode(status), seconds, usage.ru_utime + usage.ru_stime,
                             usage.ru_maxrss)
with open(sys.argv[1], "w") as answer:
    answer.write(told)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """seconds: wall clock; cpu: user and system, with children; peak: bytes of the largest process of the tree"""

    status: int
    seconds: float
    cpu: float
    peak: int
    output: str


def run(command: Sequence[str], environ: Mapping[str, str], folder: Path) -> Ran:
    """Start the command in `folder`. Its first word is a path."""
    with tempfile.TemporaryDirectory() as place:
        answer = Path(place) / "answer"
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _STARTER, str(answer), *command],
            env=dict(environ),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=True,
        )
        status, seconds, cpu, peak = json.loads(answer.read_bytes())
    output = done.stdout.decode("utf-8", "replace")
    return Ran(status=status, seconds=seconds, cpu=cpu, peak=peak * 1024, output=output)


def clean_environ(home: Path) -> dict[str, str]:
    """The environment of this process without anybody's configuration of the tools."""
    ours = ("PIP_", "SAFEPIP_", "UV_", "XDG_", "PYTHON", "VIRTUAL_ENV", "COV_")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(ours) and not name.lower().endswith("_proxy")
    }
    return {
        **kept,
        "HOME": str(home),
        "PIP_CONFIG_FILE": os.devnull,
        "UV_NO_CONFIG": "1",
        "UV_PYTHON_DOWNLOADS": "never",
        "NO_COLOR": "1",
        "LC_ALL": "C.UTF-8",
    }
