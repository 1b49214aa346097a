"""The programs that pip writes into the scripts folder, and how to know them again.

Two kinds: a wheel's own script whose first line is `#!python...` gets the interpreter in its place (PEP 427), and each
entry point gets a program from pip's template. The interpreter in the first line is the only part that is free.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from safepip.errors import EnvironmentFault
from safepip.io.process import Question
from safepip.model.contents import EntryPoint

LARGEST = 64 * 1024  # of a program made from an entry point
# The template of pip 26 (PipScriptMaker). What does not match is compared with what the pip that is here makes: another
# pip may have another template, and to ask it is slow.
_TEMPLATE = (
    "import sys\nfrom {module} import {name}\nif __name__ == '__main__':\n"
    "    sys.argv[0] = sys.argv[0].removesuffix('.exe')\n    sys.exit({function}())\n"
)
_ASK_PIP = """
import sys
from pip._internal.operations.install.wheel import PipScriptMaker
from pip._vendor.distlib.util import get_export_entry
entry = get_export_entry(sys.argv[1])
text = PipScriptMaker(None, "")._get_script_text(entry) if entry.suffix else sys.exit("no function")
sys.stdout.buffer.write(text.encode())
"""
_PLAIN_NAME = re.compile(r"[^\s\[\]=]+\Z")
_PLAIN_VALUE = re.compile(r"(\w+(?:\.\w+)*):(\w+(?:\.\w+)*)\s*(?:\[[\w\s,-]*\])?\s*\Z")
# Above this, or with a space in the interpreter's path, the first line goes through /bin/sh (distlib, for Linux).
_BY_SHELL = re.compile(rb"#!/bin/sh\n'''exec' (\"[^\"\n]+\"|[^\s\"]+) \"\$0\" \"\$@\"\n' '''\n")
_DIRECT = re.compile(rb"#!(/[^\n]*)\n")
_VERSIONED = {"pip": re.compile(r"pip(\d+(\.\d+)?)?\Z"), "easy_install": re.compile(r"easy_install(-\d+\.\d+)?\Z")}


def entry_programs(points: Iterable[EntryPoint]) -> dict[str, str]:
    """Script name -> the object behind it, as pip gathers them: the last of a name counts, and graphical ones last."""
    points = tuple(points)
    console = {one.name: one.value for one in points if one.group == "console_scripts"}
    for main, versioned in _VERSIONED.items():
        if main in console:  # pip makes these anew, for the version of the Python that it installs for
            console = {name: value for name, value in console.items() if name == main or not versioned.match(name)}
    return {**console, **{one.name: one.value for one in points if one.group == "gui_scripts"}}


def versioned_name(name: str, programs: Mapping[str, str]) -> str | None:
    """The main name of a program such as `pip3.12`, which pip makes beside `pip` and no entry point names."""
    return next((main for main, shape in _VERSIONED.items() if main in programs and shape.match(name)), None)


def left_out(name: str, points: Iterable[EntryPoint]) -> bool:
    """Whether pip leaves out a wheel's own script of this file name, since an entry point makes it."""
    for ending in (".exe", "-script.py", ".pya"):
        if name.lower().endswith(ending):
            name = name[: -len(ending)]
            break
    return any(one.is_script and one.name == name for one in points)


def made_from(body: bytes, name: str, value: str, interpreter: Path | None) -> bool:
    """Whether these are the bytes that pip writes for that entry point."""
    for program, rest in _readings(body):
        if _is_interpreter(program, interpreter):
            return rest == _plain_text(name, value) or rest == _text_by_pip(name, value)
    return False


def rewritten(body: bytes, original: bytes, interpreter: Path | None) -> bool:
    """Whether pip makes these bytes of a wheel's own script."""
    first, end, rest = original.partition(b"\n")
    found = _DIRECT.match(body)
    if not first.startswith(b"#!python") or found is None:
        return False
    return bool(end or not rest) and body[found.end() :] == rest and _is_interpreter(found[1], interpreter)


def _readings(body: bytes) -> Iterable[tuple[bytes, bytes]]:
    shell = _BY_SHELL.match(body)
    if shell is not None:
        yield shell[1].strip(b'"'), body[shell.end() :]
        return
    direct = _DIRECT.match(body)
    if direct is not None and not re.search(rb"\s", direct[1]):
        yield direct[1], body[direct.end() :]


def _is_interpreter(program: bytes, interpreter: Path | None) -> bool:
    """Whether that is the one that was installed for. Where nobody says which that is, any absolute path will do."""
    if not program.startswith(b"/") or b"\0" in program:
        return False
    if interpreter is None or program == os.fsencode(interpreter):
        return True
    try:
        return os.path.samefile(program, interpreter)  # noqa: PTH121 - bytes
    except OSError:
        return False


def _plain_text(name: str, value: str) -> bytes | None:
    found = _PLAIN_VALUE.match(value)
    if found is None or not _PLAIN_NAME.match(name):
        return None
    module, function = found[1], found[2]
    return _TEMPLATE.format(module=module, name=function.partition(".")[0], function=function).encode()


@functools.lru_cache(maxsize=256)
def _text_by_pip(name: str, value: str) -> bytes | None:
    """What safepip's own pip would write after the first line; None where it does not tell."""
    command = [sys.executable, "-I", "-c", _ASK_PIP, f"{name} = {value}"]
    try:
        with contextlib.closing(Question(command, os.environ, about="pip's script template")) as question:
            return question.answer().encode()
    except (EnvironmentFault, ValueError):  # a null byte in the name
        return None
