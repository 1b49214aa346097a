"""`python -m bench.gate`: what judging the bytes costs, as a share of what pip needs to install the same wheels.

The set is what two projects bring with them, fetched once with `pip download` from the configured index and kept;
after that no network is needed. In each round pip installs all of it, with byte compilation, into a fresh environment,
and the gate (`read_contents` and the checks that look at the bytes alone) goes over it in a process of its own. What
counts is processor time, user and system, of a process and its children: pip's from its start to its end, the gate's
without the start of Python and the imports, which safepip has behind it when the first file arrives.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.measure import clean_environ, run
from bench.tools import pip_runner
from safepip.model.verdict import Outcome
from tests.archives.judging import STRUCTURE, findings, read, subject_of

REQUIREMENTS = ("jupyterlab", "pandas")
TARGET = 0.10
_ROOT = Path(__file__).resolve().parent.parent
_FOLDER = _ROOT / "bench" / "results" / "cache" / "gate" / str(sys.implementation.cache_tag)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """One pass of the gate. cpu: seconds; peak: bytes by which the process grew at most; refused: files, with codes"""

    cpu: float
    peak: int
    refused: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """pip, gate: processor seconds of each round. packed: bytes of all wheels

    peak: bytes by which a process grows that judges nothing but `largest`, of `largest_size` bytes
    """

    wheels: int
    packed: int
    pip: tuple[float, ...]
    gate: tuple[float, ...]
    largest: str
    largest_size: int
    peak: int
    refused: tuple[str, ...]

    @property
    def ratio(self) -> float:
        return statistics.median(self.gate) / statistics.median(self.pip)


def fetched(*, anew: bool = False) -> tuple[Path, ...]:
    """The wheels, smallest first. Fetched with whatever index pip is configured for, when they are not there."""
    if anew:
        shutil.rmtree(_FOLDER, ignore_errors=True)
    if not _FOLDER.exists():
        _FOLDER.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_FOLDER.parent) as place:
            folder = Path(place) / "wheels"
            where = ("--only-binary", ":all:", "--dest", str(folder))
            subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", *where, *REQUIREMENTS], check=True)
            folder.rename(_FOLDER)
    return tuple(sorted(_FOLDER.glob("*.whl"), key=_size))


def measure(rounds: int, *, anew: bool = False) -> Figures:
    wheels = fetched(anew=anew)
    with tempfile.TemporaryDirectory(prefix="bench-gate-") as place:
        folder = Path(place)
        venv.EnvBuilder(with_pip=False, symlinks=True).create(folder / "template")
        refused = _pass(wheels, folder).refused  # and nobody pays later for writing byte code
        pairs = [_round(wheels, folder, gate_first=number % 2 == 0) for number in range(rounds)]
        alone = _pass(wheels[-1:], folder)
    return Figures(
        wheels=len(wheels),
        packed=sum(map(_size, wheels)),
        pip=tuple(pip for pip, _ in pairs),
        gate=tuple(gate for _, gate in pairs),
        largest=wheels[-1].name,
        largest_size=_size(wheels[-1]),
        peak=alone.peak,
        refused=refused,
    )


def _round(wheels: Sequence[Path], folder: Path, *, gate_first: bool) -> tuple[float, float]:
    """Processor seconds of pip and of the gate, one right after the other."""
    if gate_first:
        gate = _pass(wheels, folder).cpu
        return _installed(wheels, folder), gate
    return _installed(wheels, folder), _pass(wheels, folder).cpu


def _installed(wheels: Sequence[Path], folder: Path) -> float:
    """Processor seconds that pip needs, into an environment that is gone afterwards."""
    environment = folder / "environment"
    shutil.copytree(folder / "template", environment, symlinks=True)
    command = [str(environment / "bin" / "python"), pip_runner(), "install", "--quiet", "--no-deps", "--no-index"]
    command += ["--disable-pip-version-check", "--root-user-action=ignore", "--compile", *map(str, wheels)]
    ran = run(command, clean_environ(folder), folder)
    shutil.rmtree(environment)
    if ran.status != 0:
        raise RuntimeError(f"pip ended with {ran.status}: {ran.output[-600:]}")
    return ran.cpu


def _pass(wheels: Iterable[Path], folder: Path) -> Passed:
    """In a fresh process, so that memory is the gate's alone."""
    environ = {**clean_environ(folder), "PYTHONPATH": str(_ROOT)}
    command = [sys.executable, "-m", "bench.gate", "--judge", *map(str, wheels)]
    ran = run(command, environ, folder)
    if ran.status != 0:
        raise RuntimeError(f"the gate ended with {ran.status}: {ran.output[-600:]}")
    told = json.loads(ran.output)
    return Passed(cpu=told["cpu"], peak=told["peak"], refused=tuple(told["refused"]))


def _judge(wheels: Sequence[Path]) -> Passed:
    """In this process. Subjects are made first: their digest is the fetch's work, not the gate's."""
    subjects = [subject_of(path) for path in wheels]
    before, peak = _cpu(), _peak()
    told = [findings(subject, read(path)) for subject, path in zip(subjects, wheels, strict=True)]
    cpu, grown = _cpu() - before, _peak() - peak
    structural = {check.ID for check in STRUCTURE}
    refused = {
        f"{path.name}: {one.check}/{one.code}"
        for path, found in zip(wheels, told, strict=True)
        for one in found
        if one.check in structural and one.outcome is not Outcome.PASS
    }
    return Passed(cpu=cpu, peak=grown, refused=tuple(sorted(refused)))


def _cpu() -> float:
    return sum(os.times()[:4])


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _size(path: Path) -> int:
    return path.stat().st_size


def render(figures: Figures) -> str:
    pip, gate = statistics.median(figures.pip), statistics.median(figures.gate)
    seconds = f"{gate:.2f} s to {pip:.2f} s, medians of {len(figures.pip)} rounds"
    lines = [
        "",
        f"== the gate ({figures.wheels} wheels, {figures.packed / 1e6:.0f} MB)",
        f"cpu gate/pip: {figures.ratio:.3f} (target <= {TARGET:.2f}): {seconds}",
        f"memory: {figures.peak / 1e6:.0f} MB more for {figures.largest} ({figures.largest_size / 1e6:.0f} MB)",
    ]
    return "\n".join([*lines, *(f"! refused: {one}" for one in figures.refused)])


def document(figures: Figures) -> dict[str, Any]:
    return {**asdict(figures), "ratio": figures.ratio}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.gate", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--fetch", action="store_true", help="fetch the wheels again")
    parser.add_argument("--judge", nargs="+", type=Path, metavar="WHEEL", help="go over these once, and tell as JSON")
    asked = parser.parse_args()
    if asked.judge:
        print(json.dumps(asdict(_judge(asked.judge))))
        return 0
    print(render(measure(asked.rounds, anew=asked.fetch)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
