"""Byte-compile files with the interpreter that runs this: `X -I compile_files.py` reads a JSON list of paths.

Prints a JSON object, source -> the .pyc that was written; files that do not compile are left out, as pip does.
"""

from __future__ import annotations

import compileall
import importlib.util
import json
import sys
import warnings


def main() -> None:
    warnings.simplefilter("ignore")
    paths = json.load(sys.stdin)
    written = {path: importlib.util.cache_from_source(path) for path in paths if _compiled(path)}
    json.dump(written, sys.stdout)


def _compiled(path: str) -> bool:
    # The same call as pip's; quiet=2 because standard output carries the answer.
    return bool(compileall.compile_file(path, force=True, quiet=2))


if __name__ == "__main__":
    main()
