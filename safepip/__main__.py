"""`python -m safepip` and the `safepip` script."""

from __future__ import annotations

import os
import signal
import sys


def main() -> int:
    """The exit code for `sys.exit`. An interrupt while modules are still being read is one like any other."""
    if os.name != "posix":
        print("ERROR: safepip runs on Linux and other POSIX systems; this one is not supported yet", file=sys.stderr)
        return 1
    try:
        from safepip.cli.main import run

        return run(sys.argv[1:], os.environ)
    except KeyboardInterrupt:
        _end_at_once()
        print("ERROR: Operation cancelled by user", file=sys.stderr)
        return 1
    finally:
        _end_at_once()


def _end_at_once() -> None:
    """All is done, or undone: an interrupt from here on ends the process, where Python would show a traceback."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if callable(signal.getsignal(number)):  # what is ignored stays so
            signal.signal(number, signal.SIG_DFL)


if __name__ == "__main__":
    sys.exit(main())
