"""`python -m safepip` and the `safepip` script."""

from __future__ import annotations

import os
import sys

from safepip.cli.main import run


def main() -> int:
    """The exit code for `sys.exit`."""
    return run(sys.argv[1:], os.environ)


if __name__ == "__main__":
    sys.exit(main())
