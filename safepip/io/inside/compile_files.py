"""Byte-compile files with the interpreter that runs this, which reads a JSON list of paths.

    X -I -S -B compile_files.py CACHE_TAG MAGIC_NUMBER

Prints a JSON object, source -> the .pyc that was written and its sha256 (hexadecimal); files that do not compile are
left out, as pip does. Prints null, and compiles nothing, where this interpreter writes other byte code than the one
named.
"""

from __future__ import annotations

import compileall
import hashlib
import importlib.util
import json
import sys
import warnings


def main() -> None:
    warnings.simplefilter("ignore")
    if [str(sys.implementation.cache_tag), importlib.util.MAGIC_NUMBER.hex()] != sys.argv[1:]:
        json.dump(None, sys.stdout)
        return
    paths = json.load(sys.stdin)
    places = ((path, importlib.util.cache_from_source(path)) for path in paths if _compiled(path))
    json.dump({path: [place, _digest(place)] for path, place in places}, sys.stdout)


def _compiled(path: str) -> bool:
    # The same call as pip's; quiet=2 because standard output carries the answer.
    return bool(compileall.compile_file(path, force=True, quiet=2))


def _digest(path: str) -> str:
    with open(path, "rb") as stream:  # noqa: PTH123 - pathlib is slow to import, and this program is waited for
        return hashlib.sha256(stream.read()).hexdigest()


if __name__ == "__main__":
    main()
