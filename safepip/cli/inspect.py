"""`safepip verify --environment`: the composition root. There is no network in it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from safepip.cli.args import Typed
from safepip.cli.console import Console, document
from safepip.cli.offline import settle_offline
from safepip.cli.table_verify import VERIFY
from safepip.errors import UsageError
from safepip.flows.inspect import foreign_counts, sound
from safepip.flows.inspect import inspect as flow
from safepip.io.inspection import DiskInspector
from safepip.io.interpreter import Home, find_interpreter
from safepip.io.places import place_of
from safepip.report import inspection as report

_SENSIBLE = frozenset({"environment", "format", "offline", "sp_policy"})


def inspect(typed: Typed, command: tuple[str, ...], environ: Mapping[str, str], console: Console) -> int:
    """The exit code: 0 where everything is as it should be. Raises SafepipError where something cannot be looked at."""
    _require_sense(typed)
    _, policy = settle_offline(typed, command, environ, console)
    places = {name: place_of(Path(name), environ) for name in dict.fromkeys(_named(typed, environ))}
    inspections = flow(places, DiskInspector(places))
    strict = foreign_counts(policy)
    if typed.given.get("format") == "json":
        document(report.report(inspections, foreign_too=strict), sys.stdout)
    else:
        for line in report.seen(inspections, console.verbosity):
            console.out(line)
    console.lines(report.found(inspections, console.style, console.verbosity, foreign_too=strict))
    return 0 if sound(inspections, policy) else 1


def _named(typed: Typed, environ: Mapping[str, str]) -> tuple[str, ...]:
    if typed.arguments:
        return typed.arguments
    python = typed.given.get("python") or environ.get("PIP_PYTHON")
    return (str(find_interpreter(python, environ, Home.own())),)


def _require_sense(typed: Typed) -> None:
    """Raises UsageError for what is about files that are to be verified."""
    for one in VERIFY:
        if one.dest in typed.given and one.dest not in _SENSIBLE:
            raise _usage(f"{max(one.names, key=len)} is about a file, and --environment about what is installed")
    if typed.arguments and "python" in typed.given:
        raise _usage("--python and what is named after --environment exclude each other")
    if "" in typed.arguments:
        raise _usage("an environment without a name cannot be looked at")


def _usage(message: str) -> UsageError:
    return UsageError("usage", message, hint="safepip verify --help")
