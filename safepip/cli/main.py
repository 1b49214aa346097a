"""The composition root: the one place that knows every edge, makes them, and hands them to a flow."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from safepip.cli.args import Typed, parse
from safepip.errors import Defect, EnvironmentFault, SafepipError, UsageError

if TYPE_CHECKING:
    from safepip.cli.console import Console

INTERRUPTED = 1
BROKEN_PIPE = 120  # pip's


def run(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Do what the command line asks and return the exit code. No exception leaves, and no traceback is shown."""
    try:
        parsed = parse(argv)
    except UsageError as error:
        return _misused(error)
    if isinstance(parsed, str):
        print(parsed.rstrip("\n"))
        return 0
    return _guarded(parsed, argv, environ)


def _misused(error: UsageError) -> int:
    print(f"\nUsage:\n  safepip <command> [options]\n\n{error.message}", file=sys.stderr)
    if error.hint:
        print(f"  next       {error.hint}", file=sys.stderr)
    return error.exit_code


def _guarded(typed: Typed, argv: Sequence[str], environ: Mapping[str, str]) -> int:
    from safepip.cli.console import Console, silence_broken_pipe

    _end_like_an_interrupt()
    verbosity = int(typed.given.get("verbose", 0)) - int(typed.given.get("quiet", 0))
    console = Console(
        verbosity=verbosity,
        color=not typed.given.get("no_color", False) and "NO_COLOR" not in environ,
        progress=str(typed.given.get("progress_bar", "auto")),
        environ=environ,
    )
    try:
        return _command(typed)(typed, ("safepip", *argv), environ, console)
    except KeyboardInterrupt:
        console.end()
        console.err(console.style.error("Operation cancelled by user"))
        return INTERRUPTED
    except BrokenPipeError:
        silence_broken_pipe()
        print("ERROR: Pipe to stdout was broken", file=sys.stderr)
        return BROKEN_PIPE
    except UsageError as error:
        return _misused(error)
    except SafepipError as error:
        return _failed(error, console)
    except OSError as error:
        return _failed(_unforeseen(error), console)
    except Exception as error:  # noqa: BLE001 - the last line: a defect of ours is told in words
        return _failed(_defect(error), console)
    finally:
        console.end()


def _end_like_an_interrupt() -> None:
    """A time-out, a stopped container or a closed terminal ends the run as Ctrl-C does: pip is stopped, then told."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, interrupt)


def _unforeseen(error: OSError) -> SafepipError:
    """The system refused something that no part of us expected it to: still no defect."""
    where = [("path", str(error.filename))] if error.filename else []
    return EnvironmentFault("system-refused", f"the system refused: {error.strerror or error}", context=where)


def _failed(error: SafepipError, console: Console) -> int:
    from safepip.report.text import failure

    console.end()
    console.lines(failure(error, console.style))
    return error.exit_code


def _defect(error: Exception) -> Defect:
    """Where it happened, for a report to us, without a traceback on the user's screen."""
    trace, places = error.__traceback__, []
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{Path(code.co_filename).name}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return Defect(
        "defect",
        "safepip itself failed; nothing was let in that was not judged",
        context=[("what", f"{type(error).__name__}: {error}"), ("where", " < ".join(reversed(places[-4:])))],
        hint="please report this, with the command line and these lines",
    )


def _command(typed: Typed) -> Callable[[Typed, tuple[str, ...], Mapping[str, str], Console], int]:
    if typed.command == "install":
        from safepip.cli.compose import install

        return install
    if typed.command == "verify" and typed.given.get("environment"):
        from safepip.cli.inspect import inspect

        return inspect
    if typed.command == "verify":
        from safepip.cli.verify import verify

        return verify
    if typed.command == "scan":
        from safepip.cli.scan import scan

        return scan
    from safepip.cli.trustcommand import trust

    return trust
