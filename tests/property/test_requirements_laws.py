"""No requirements file makes the parser raise anything but its own errors, or lose a fault."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from safepip.errors import BadInput, Refused
from safepip.formats.requirement_line import PathAnswer, PathKind, parse_requirement
from safepip.formats.requirements import parse_requirements

PIECES = [
    "demo",
    "==1",
    "[x]",
    " ",
    "\\",
    "\n",
    "#",
    "-r ",
    "-c ",
    "-e ",
    "requirements.txt",
    "--hash=",
    "sha256:",
    "a" * 64,
]
PIECES += [
    "${A}",
    ";",
    "'",
    '"',
    "@",
    "https://",
    "git+",
    "./",
    ".whl",
    "demo-1-py3-none-any.whl",
    "\x0c",
    "-",
    "--",
    "=",
    "(",
]
texts = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


def look(path: str) -> PathAnswer:
    kinds = [PathKind.FILE, PathKind.DIRECTORY, PathKind.ABSENT]
    return PathAnswer(kinds[len(path) % 3], f"/{path.lstrip('/')}")


@settings(max_examples=300, deadline=None)
@given(st.one_of(texts.map(str.encode), st.binary(max_size=40)), st.booleans())
@example(b"\xff\xfe" + "\ud800".encode("utf-16-le", "surrogatepass"), False)
@example(b"demo; " + b"(" * 5000, False)
@example(b"demo[" + b"x," * 5000, False)
@example(b"demo==" + b"9" * 5000, False)
def test_a_file_is_read_or_refused_with_words(data: bytes, constraint: bool) -> None:
    try:
        found = parse_requirements(lambda _: data, "requirements.txt", {"A": "x"}, look=look, constraint=constraint)
    except (BadInput, Refused) as error:
        assert error.context  # noqa: PT017
        return
    assert all(root.origin.startswith("requirements.txt:") for root in (*found.roots, *found.constraints))


@settings(max_examples=300, deadline=None)
@given(st.one_of(texts, st.text(max_size=30)), st.booleans())
def test_a_requirement_is_read_or_refused_with_words(text: str, constraint: bool) -> None:
    try:
        root = parse_requirement(text, "command line", look=look, pins=frozenset(), constraint=constraint)
    except (BadInput, Refused) as error:
        assert error.message.isprintable()  # noqa: PT017
        return
    assert root.project
