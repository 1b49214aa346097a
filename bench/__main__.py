"""`python -m bench`: record what is missing, measure, print a table, write JSON."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import sys
import time
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from bench import attested, gate
from bench.runner import Runner, Sample, until
from bench.serving import serving
from bench.sets import FULL, SHORT, BenchSet
from bench.table import document, render
from bench.tools import Tool, tools
from safepip.io.interpreter import ask_default_index

RESULTS = Path(__file__).resolve().parent / "results"
CACHE = RESULTS / "cache"
SHORT_SECONDS, FULL_SECONDS = 190.0, 1000.0
ATTESTED_ROUNDS, GATE_ROUNDS = 3, 3


def main() -> int:
    asked = _arguments()
    every = FULL if asked.full or asked.set else SHORT
    chosen = [one for one in every if not asked.set or one.name in asked.set]
    present = tools()
    for bench_set in chosen:
        _record(bench_set, present, anew=asked.record)
    began = time.monotonic()
    samples = _measured(chosen, present, asked.latency / 1000, FULL_SECONDS if asked.full else SHORT_SECONDS)
    about = {
        "at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "latency_ms": asked.latency,
        "sets": {one.name: one.requirements for one in chosen},
    }
    print(f"Medians of one interleaved run, {asked.latency:g} ms a request, Python {about['python']}, ", end="")
    print(f"{about['processors']} processors. Below 1 is faster (or less) than pip. How to read it: bench/README.md")
    print(render(samples))
    figures = attested.measure(ATTESTED_ROUNDS, latency=asked.latency / 1000)
    print(attested.render(figures))
    written = RESULTS / f"{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}.json"
    told = {**document(samples, about), "attested": attested.document(figures)}
    if asked.full:
        judged = gate.measure(GATE_ROUNDS)
        print(gate.render(judged))
        told["gate"] = gate.document(judged)
    written.write_text(json.dumps(told, indent=1), encoding="utf-8")
    print(f"\n{time.monotonic() - began:.0f} s; every sample is in {os.path.relpath(written)}")
    return 1 if any(one.fault for one in samples) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--full", action="store_true", help="all sets; takes up to 20 minutes")
    parser.add_argument("--set", action="append", choices=[one.name for one in FULL], help="only this one; repeatable")
    parser.add_argument("--latency", type=float, default=20.0, metavar="MS", help="of each request; default 20")
    parser.add_argument("--record", action="store_true", help="record the sets again")
    return parser.parse_args()


def _record(bench_set: BenchSet, present: Sequence[Tool], *, anew: bool) -> None:
    """Let every tool go once through everything, with the configured index behind the loopback one."""
    tag = sys.implementation.cache_tag
    done = CACHE / "sets" / f"{bench_set.name}-{tag}-{'-'.join(one.name for one in present)}.json"
    if done.exists() and not anew:
        return
    print(f"recording {bench_set.name} from the configured index", file=sys.stderr)
    with serving(CACHE, 0.0, _configured_index()) as site, contextlib.closing(Runner(site, present, _say)) as runner:
        samples = runner.rehearse(bench_set)
    faults = [one.fault for one in samples if one.fault is not None]
    for fault in faults:
        print(fault, file=sys.stderr)
    if not faults:
        done.write_text(json.dumps(sorted(samples[0].picks)), encoding="utf-8")


def _configured_index() -> str:
    named = os.environ.get("PIP_INDEX_URL")
    if named:
        return named
    default = ask_default_index(os.environ)
    with contextlib.closing(default):
        return default.url().reveal()


def _measured(chosen: Sequence[BenchSet], present: Sequence[Tool], latency: float, seconds: float) -> list[Sample]:
    samples: list[Sample] = []
    with serving(CACHE, latency) as site, contextlib.closing(Runner(site, present, _say)) as runner:
        samples += runner.versions(11)
        for number in until(seconds, least=2, most=7):
            for bench_set in chosen:
                samples += runner.round(bench_set, number)
    return sorted(samples, key=lambda one: ["start-up", *(each.name for each in chosen)].index(one.subject))


def _say(line: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{line}\x1b[K", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
