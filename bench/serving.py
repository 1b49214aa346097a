"""Starting the loopback index in a process of its own, and asking it what it was asked."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Serving:
    base: str

    def simple(self, variant: str) -> str:
        return f"{self.base}/{variant}/simple/"

    def counts(self) -> dict[str, int]:
        """Requests since the last call, by kind."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{self.base}/-/counts", timeout=10) as answer:
            return dict(json.loads(answer.read()))


@contextmanager
def serving(folder: Path, latency: float, upstream: str | None = None) -> Iterator[Serving]:
    command = [sys.executable, "-m", "bench.index", str(folder), str(latency), *([upstream] if upstream else [])]
    with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            base = process.stdout.readline().strip()
            if not base:
                raise RuntimeError("the loopback index did not start")
            yield Serving(base)
        finally:
            process.terminate()
