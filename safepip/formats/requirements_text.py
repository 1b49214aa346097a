"""The text of a requirements file before its grammar: encoding, continued lines, comments and variables, as in pip."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from safepip.errors import Malformed

# The mark of UTF-16-LE starts that of UTF-32-LE, so the longer ones come first.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_COOKIE = re.compile(rb"coding[:=]\s*([-\w.]+)")
_COMMENT = re.compile(r"(^|\s+)#.*$")
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")


@dataclass(frozen=True, slots=True)
class Line:
    """A logical line: the number of its first physical line, its text, and its text before variables were put in."""

    number: int
    text: str
    written: str


def decode(data: bytes) -> str:
    """By byte order mark, else by the PEP 263 cookie in one of the first two lines, else UTF-8. Raises Malformed.

    pip falls back to the encoding of the locale; then the same file would mean different things to different people.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _decode(data[len(mark) :], encoding)
    for line in data.split(b"\n")[:2]:
        cookie = _COOKIE.search(line) if line.startswith(b"#") else None
        if cookie is not None:
            return _decode(data, cookie[1].decode("ascii", "replace"))
    return _decode(data, "utf-8")


def _decode(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except LookupError:
        raise Malformed(f"there is no encoding called {encoding!r}") from None
    except ValueError:
        raise Malformed(f"it is not {encoding}: save it as UTF-8, or name its encoding in a first line") from None


def lines(text: str, environ: Mapping[str, str]) -> Iterator[Line]:
    """Logical lines that say something: continued with a backslash, then stripped of comments, then expanded."""
    for number, joined in _joined(enumerate(text.splitlines(), start=1)):
        written = _COMMENT.sub("", joined).strip()
        if written:
            yield Line(number, _VARIABLE.sub(lambda match: environ.get(match[1]) or match[0], written), written)


def _joined(numbered: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """A comment ends a continued line, and a backslash at its end continues nothing."""
    first, parts = 0, list[str]()
    for number, line in numbered:
        comment = _COMMENT.match(line) is not None
        first = first if parts else number
        if line.endswith("\\") and not comment:
            parts.append(line.strip("\\"))
            continue
        yield first, "".join((*parts, f" {line}" if comment else line))
        parts = []
    if parts:
        yield first, "".join(parts)


def hide_values(text: str, line: Line, environ: Mapping[str, str]) -> str:
    """Put the variables back in place of their values, which may be secrets, before `text` is shown to anybody."""
    for name in _VARIABLE.findall(line.written):
        value = environ.get(name)
        if value:
            text = text.replace(value, f"${{{name}}}")
    return text
