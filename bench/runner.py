"""The measurement: every round, every tool does every job, one right after the other."""

from __future__ import annotations

import shutil
import tempfile
import time
import venv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.measure import Ran, clean_environ, run
from bench.serving import Serving
from bench.sets import BenchSet
from bench.tools import Job, Picks, Tool, installed

_ROOT = Path(__file__).resolve().parent.parent
VERSION, PLAIN = "--version", "resolve cold, plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """fault: why this one says nothing about speed"""

    subject: str
    job: str
    tool: str
    ran: Ran
    requests: dict[str, int]
    picks: Picks
    fault: str | None


class Runner:
    """A context: scratch folders live as long as it does."""

    def __init__(self, serving: Serving, tools: Sequence[Tool], say: Callable[[str], None]) -> None:
        self._serving = serving
        self._tools = tools
        self._say = say
        self._scratch = tempfile.TemporaryDirectory(prefix="bench-")
        self._folder = Path(self._scratch.name)
        self._template = self._folder / "template"
        self._number = 0
        venv.EnvBuilder(with_pip=False, symlinks=True).create(self._template)

    def close(self) -> None:
        self._scratch.cleanup()

    def versions(self, times: int) -> Iterator[Sample]:
        for tool in self._tools:
            self._once("start-up", VERSION, tool, tool.version)  # so that nobody pays for writing byte code
        for number in range(times):
            for tool in _rotated(self._tools, number):
                yield self._once("start-up", VERSION, tool, tool.version)

    def round(self, bench_set: BenchSet, number: int) -> Iterator[Sample]:
        """One time each job, each tool beginning in turn, cold before warm, with caches of their own."""
        for tool in _rotated(self._tools, number):
            yield from self._all_of(bench_set, tool)

    def rehearse(self, bench_set: BenchSet) -> list[Sample]:
        """Every request that will ever be made, so that the recording holds its answer."""
        return list(self.round(bench_set, 0))

    def _all_of(self, bench_set: BenchSet, tool: Tool) -> Iterator[Sample]:
        name, index = bench_set.name, self._serving.simple("full")
        with self._fresh(index, bench_set) as job:
            yield self._choose(name, "resolve cold", tool, job, tool.resolve)
            yield self._choose(name, "resolve warm", tool, job, tool.resolve)
        if tool.dry_run is not None:
            with self._fresh(index, bench_set) as job:
                yield self._choose(name, "dry run cold", tool, job, tool.dry_run)
                yield self._choose(name, "dry run warm", tool, job, tool.dry_run)
        with self._fresh(index, bench_set) as job:
            yield self._install(name, "install cold", tool, job)
            self._renew(job)
            yield self._install(name, "install warm", tool, job)
        if bench_set.plain:
            with self._fresh(self._serving.simple("plain"), bench_set) as job:
                yield self._choose(name, PLAIN, tool, job, tool.resolve)

    def _choose(self, subject: str, what: str, tool: Tool, job: Job, command: Callable[[Job], Sequence[str]]) -> Sample:
        job.answer.unlink(missing_ok=True)
        return self._once(subject, what, tool, command(job), lambda output: tool.picks(job, output))

    def _install(self, subject: str, what: str, tool: Tool, job: Job) -> Sample:
        return self._once(subject, what, tool, tool.install(job), lambda _: installed(job.environment))

    def _once(
        self,
        subject: str,
        what: str,
        tool: Tool,
        command: Sequence[str],
        picks: Callable[[str], Picks] = lambda _: frozenset(),
    ) -> Sample:
        home = self._folder / f"home-{self._number}"
        home.mkdir(exist_ok=True)
        environ = {**clean_environ(home), "PYTHONPATH": str(_ROOT)} if "bench.resolve_only" in command else None
        self._serving.counts()
        ran = run(command, environ or clean_environ(home), home)
        counts = self._serving.counts()
        fault = None if ran.status == 0 else f"{tool.name} ended with {ran.status}: {ran.output[-600:].strip()}"
        if fault is None and counts.get("unrecorded"):
            fault = f"{tool.name} asked {counts['unrecorded']} times for what is not recorded"
        chosen = picks(ran.output) if ran.status == 0 else frozenset()
        self._say(f"{subject:12} {what:20} {tool.name:8} {ran.seconds:6.2f} s")
        return Sample(subject=subject, job=what, tool=tool.name, ran=ran, requests=counts, picks=chosen, fault=fault)

    def _fresh(self, index: str, bench_set: BenchSet) -> _Scene:
        self._number += 1
        place = self._folder / f"job-{self._number}"
        place.mkdir()
        job = Job(
            environment=place / "environment",
            cache=place / "cache",
            answer=place / "answer",
            index=index,
            requirements=bench_set.requirements,
        )
        return _Scene(job, self._renew)

    def _renew(self, job: Job) -> None:
        shutil.rmtree(job.environment, ignore_errors=True)
        shutil.copytree(self._template, job.environment, symlinks=True)


class _Scene:
    """A fresh environment and an empty cache, gone at the end."""

    def __init__(self, job: Job, renew: Callable[[Job], None]) -> None:
        self._job = job
        self._renew = renew

    def __enter__(self) -> Job:
        self._renew(self._job)
        return self._job

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._job.cache.parent)


def _rotated(tools: Sequence[Tool], number: int) -> Sequence[Tool]:
    first = number % len(tools)
    return [*tools[first:], *tools[:first]]


def until(seconds: float, least: int, most: int) -> Iterator[int]:
    """Round numbers: `least` in any case, then as long as another one like the longest so far fits."""
    begun = time.monotonic()
    longest = 0.0
    for number in range(most):
        started = time.monotonic()
        if number >= least and started - begun + longest > seconds:
            return
        yield number
        longest = max(longest, time.monotonic() - started)
