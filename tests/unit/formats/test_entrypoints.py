"""entry_points.txt: one reading only, and scripts that are nothing but scripts."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safepip.errors import Malformed
from safepip.formats.entrypoints import parse_entry_points, script_faults
from safepip.model.contents import EntryPoint


def faults(name: str, value: str = "demo:main", group: str = "console_scripts") -> list[str]:
    return [one.code for one in script_faults([EntryPoint(group=group, name=name, value=value)])]


def test_what_real_projects_write() -> None:
    body = b"""\
# a comment
    [console_scripts]
    demo = demo.cli:main
watch-me.py=demo:Class.method [extra-one, other]
_dd = a._b:c[d]

[gui_scripts]
demo-gui = demo.gui:main
[babel.extractors]
jinja2 = jinja2.ext:babel_extract[i18n]
key with blanks = whatever stands here
"""
    points = parse_entry_points(body.replace(b"\n", b"\r\n"))
    assert points == parse_entry_points(body)
    assert [one.name for one in points if one.is_script] == ["demo", "watch-me.py", "_dd", "demo-gui"]
    assert list(script_faults(points)) == []


@pytest.mark.parametrize(
    "body",
    [
        b"\xff",
        b"\xef\xbb\xbf[console_scripts]\ndemo = demo:main\n",
        b"demo = demo:main\n",
        b"[console_scripts]\ndemo\n",
        b"[console_scripts]\ndemo = a:b\ndemo = c:d\n",
        b"[x]\na = b\\\n[console_scripts]\n",
        b"[[console_scripts]]\ndemo = demo:main\n",
        b"[ console_scripts ]\ndemo = demo:main\n",
        b"[console_scripts\ndemo = demo:main\n",
        b"[x]\na = b\x0c[console_scripts]\x0cdemo = demo:main\n",
        "[x]\na = b\u2028[console_scripts]\u2028demo = demo:main\n".encode(),
    ],
)
def test_what_readers_would_read_differently(body: bytes) -> None:
    with pytest.raises(Malformed):
        parse_entry_points(body)


@pytest.mark.parametrize(
    "name",
    [
        "", ".", "..", "../demo", "a/b", "/bin/sh", "a\\b", "C:demo", "C:\\demo", "a\0b", "a\nb", "a b", " a", "a\tb",
        "\N{RIGHT-TO-LEFT OVERRIDE}a", "\x1b[2J", "[a", "a.", "a" * 201,
    ],
)  # fmt: skip
def test_a_name_that_no_script_may_have(name: str) -> None:
    assert "entry-point-name" in faults(name)
    assert not faults(name, group="other")


@pytest.mark.parametrize(
    "value",
    [
        "demo", "", ":main", "demo:", "demo:a:b", "demo:main; import os", "demo : main", "demo:main()", "demo.1a:main",
        "demo:main\nimport os", "demo:main [", "demo:main [a'b]", "os:system('x')#:y", "a-b:main", "demo..x:main",
        "demo:main # note", "demo:__import__('os').system('x')",
    ],
)  # fmt: skip
def test_a_value_that_is_no_object_of_a_module(value: str) -> None:
    """It is pasted into a program."""
    assert faults("demo", value) == ["entry-point-value"]
    assert not faults("demo", value, group="other")


def test_one_script_in_both_groups_with_two_meanings() -> None:
    both = [EntryPoint(group=f"{kind}_scripts", name="demo", value=f"demo:{kind}") for kind in ("console", "gui")]
    assert [one.code for one in script_faults(both)] == ["entry-points"]


LINES = st.lists(
    st.sampled_from(
        ["[console_scripts]", "[x]", "a = b:c", "a=d:e", "", "# x", "  f = g:h", "[", "a", "x = [y]", "= z"]
    )
)


@given(LINES)
def test_the_library_that_pip_uses_reads_the_same(lines: list[str]) -> None:
    text = "\n".join(lines)
    try:
        mine = parse_entry_points(text.encode())
    except Malformed:
        return
    theirs = _read(text)
    assert {(one.group, one.name, one.value) for one in mine} == {(one.group, one.name, one.value) for one in theirs}


def _read(text: str) -> importlib.metadata.EntryPoints:
    class Given(importlib.metadata.Distribution):
        def read_text(self, filename: str) -> str:
            del filename
            return text

        def locate_file(self, path: object) -> Path:
            del path
            return Path()

    return Given().entry_points
