"""entry_points.txt (the entry points specification), read so that every reader of it sees the same.

pip hands the file to `importlib.metadata`, and under Python 3.10 to `pkg_resources`; what those two, or any other
reader of such files, would read differently is refused. A name of a script becomes a file's name, and its value is
pasted into the program that an installer generates: both are held to what can be nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from safepip.errors import Malformed
from safepip.formats.membername import shown
from safepip.model.contents import EntryPoint, Fault

_LINE_END = re.compile(r"\r\n|\r|\n")
_GROUP = re.compile(r"\[([^\[\]\s]+)\]")
# "module:attribute" with at most extras behind it, which installers have long ignored, in the form that pip can read.
_OBJECT = re.compile(
    r"(?!\d)\w+(?:\.(?!\d)\w+)*:(?!\d)\w+(?:\.(?!\d)\w+)*"
    r"(?:\s*\[\s*[\w-]+(?:=\w+)?(?:,\s*\w+(?:=\w+)?)*\s*\])?"
)
_NOT_IN_A_NAME = re.compile(r"[\s/\\:\[\]]")
_LONGEST_NAME = 200


def parse_entry_points(body: bytes) -> tuple[EntryPoint, ...]:
    """The entries in their order, none twice. Raises Malformed; the names and values are judged elsewhere."""
    points: dict[tuple[str, str], EntryPoint] = {}
    group = None
    for line in _lines(body):
        if line.startswith("["):
            group = _group(line)
        elif group is None:
            raise Malformed(f"{shown(line)} stands before any group")
        else:
            point = _entry(group, line)
            if points.setdefault((group, point.name), point) != point:
                raise Malformed(f"{shown(point.name)} is there twice in [{group}], with two values")
    return tuple(points.values())


def _lines(body: bytes) -> Iterator[str]:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("it is not UTF-8") from None
    if text.startswith("\ufeff"):
        raise Malformed("it starts with a byte order mark, which hides its first line from some readers")
    lines = text.splitlines()
    if lines != _LINE_END.split(text)[: len(lines)]:
        raise Malformed("it has line ends that only some readers take for such")
    for line in (one.strip() for one in lines):
        if line.endswith("\\"):
            raise Malformed(f"{shown(line)} ends with a backslash, which joins lines to some readers")
        if line and not line.startswith("#"):
            yield line


def _group(line: str) -> str:
    match = _GROUP.fullmatch(line)
    if match is None:
        raise Malformed(f"{shown(line)} is no name of a group")
    return match[1]


def _entry(group: str, line: str) -> EntryPoint:
    name, sign, value = line.partition("=")
    if not sign:
        raise Malformed(f"{shown(line)} is not NAME = VALUE")
    return EntryPoint(group=group, name=name.strip(), value=value.strip())


def script_faults(points: Iterable[EntryPoint]) -> Iterator[Fault]:
    """What is wrong with the entries that become programs."""
    values: dict[str, str] = {}
    for point in (one for one in points if one.is_script):
        if not _is_file_name(point.name):
            text = f"the script {shown(point.name)} has no name that a file in the scripts folder can have"
            yield Fault(code="entry-point-name", message=text)
        if _OBJECT.fullmatch(point.value) is None:
            text = f"the script {shown(point.name)} leads to {shown(point.value)}, which is not MODULE:ATTRIBUTE"
            yield Fault(code="entry-point-value", message=text)
        if values.setdefault(point.name, point.value) != point.value:
            text = f"the script {shown(point.name)} is there twice, with two values"
            yield Fault(code="entry-points", message=text)


def _is_file_name(name: str) -> bool:
    return (
        0 < len(name) <= _LONGEST_NAME
        and name.isprintable()
        and _NOT_IN_A_NAME.search(name) is None
        and not name.endswith(".")
    )
