"""`python -m safepip` and the `safepip` script."""

from __future__ import annotations

import os
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
        print("ERROR: Operation cancelled by user", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
