from __future__ import annotations

import time

import pytest

from safepip.formats.membername import DEEPEST, LONGEST_NAME, Names, all_plain, name_faults, shown

BAD = {
    "name-escapes": ["..", "../a", "a/../b", "a/..", "/a", "/", "//a", "C:", "C:a", "c:/a", "C:\\a", "/../a"],
    "name-backslash": ["a\\b", "..\\a", "\\\\server\\share", "\\"],
    "name-control": [
        "a\0",
        "\0",
        "a\nb",
        "a\r",
        "\ta",
        "\x1b[0m",
        "a\x7f",
        "a\x80",
        "a\x9fb",
        "a\u2028b",
        "a\u2029b",
        "a\u202eb",
        "a\u202ab",
        "a\u2066b\u2069",
        "\u061ca",
        "a\u200eb",
        "a\u200fb",
        "a\u200bb",
        "\ufeffa",
        "a\u00adb",
        "a\ud800",
        "a\u200db",
        "a\u200c.py",
        "\u0645\u200c.py",
        "\u200d",
        "\U000e0041",
    ],
    "name-empty-part": ["", ".", "./a", "a/.", "a/./b", "a//b", "a/", "a///b", "/a//b"],
    "name-stream": ["ab:b", "a.py:evil", "dir/a:b", "ab:/c", "a/C:b", ":", "a/b:"],
    "name-device": [
        "CON",
        "PRN",
        "AUX",
        "NUL",
        "COM1",
        "COM9",
        "LPT1",
        "COM0",
        "CONIN$",
        "CONOUT$",
        "COM\u00b9",
        "LPT\u00b3",
        "a/NUL/b",
        "NUL.txt",
        "CON.tar.gz",
        "NUL .txt",
        "a/COM1.dat",
        "nul",
        "Con",
        "aux",
        "a/com1",
        "con/a.py",
        "lpt\u00b2",
        "conin$",
        "aux.py",
        "a/Nul.py",
        "con.pyd",
        "aux.cpython-312-x86_64-linux-gnu.so",
        "prn.pyc",
        "NUL.PY",
    ],
    "name-trailing": ["a.", "a ", "a./b", "a /b", "...", "a..", "a/...", " ", "a/ ", "a. ", "nul "],
    "name-length": [
        "a" * 256,
        "é" * 128,
        f"x/{'a' * 256}/y",
        "/".join(["a" * 200] * 6),
        "/".join("a" * (DEEPEST + 1)),
    ],
}
GOOD = [
    "a",
    "a.py",
    "pkg/__init__.py",
    "demo-1.0.dist-info/METADATA",
    "demo-1.0.data/scripts/run",
    ".hidden",
    "..a",
    "a..b",
    "a/.b",
    " a",
    "a/ b",
    "a b",
    "a/..b/c",
    "a" * 255,
    "é" * 127,
    "/".join("a" * DEEPEST),
    "icon.txt",
    "console.py",
    "null",
    "aux.json",
    "Con.dat",
    "x/nul.txt",
    "aux-tools/a.py",
    "auxiliary.py",
    "COM10",
    "COMB",
    "com.py",
    "contrib/a.py",
    "lpt",
    "a.nul",
    "a.CON",
    "données/é.txt",
    "日本語",
    "e\u0301",
    "\U0001f468\u200d\U0001f469.png",
    "\u0645\u06cc\u200c\u062e.txt",
    "\u2602\ufe0f.png",
    "~",
    "a,b;c='d'(e)[f]{g}&h!i@j#k$l%m^n`o+p",
    "?",
    "a*b",
    '<>|"',
    "C",
    "numpy/distutils/__pycache__/x.cpython-311.pyc",
    "compile.py",
    "prn1.py",
    "NULL",
    "CONFIG",
    "AUXILIARY.txt",
]


@pytest.mark.parametrize(("code", "name"), [(code, name) for code, names in BAD.items() for name in names])
def test_a_bad_name_is_refused_for_its_reason(code: str, name: str) -> None:
    assert code in {one.code for one in name_faults(name)}
    assert not all_plain([name])
    assert not all_plain(["good.py", name, "good/too.py"])


@pytest.mark.parametrize("name", GOOD)
def test_an_honest_name_has_no_fault(name: str) -> None:
    assert list(name_faults(name)) == []


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("C:x", ["name-escapes"]),
        ("../a:b", ["name-escapes", "name-stream"]),
        ("NUL:x", ["name-stream"]),
        ("/a", ["name-escapes"]),
        ("a\\b\n", ["name-backslash", "name-control"]),
    ],
)
def test_each_fault_of_a_name_is_told_once(name: str, codes: list[str]) -> None:
    assert [one.code for one in name_faults(name)] == codes


def test_many_plain_names_are_seen_to_be_so_at_once() -> None:
    assert all_plain([name for name in GOOD if name.isascii() and len(name) < 190 and "aux." not in name][:15])
    assert all_plain(["a"])


def test_a_name_is_shown_in_one_printable_line() -> None:
    assert shown("a\n\x1b\u202e.py") == "'a\\n\\x1b\\u202e.py'"
    assert len(shown("x" * 10_000)) < 130
    assert len(shown("\u202e" * 10_000)) < 130


def test_the_longest_name_is_one_that_the_rule_lets_through() -> None:
    parts = "/".join(["a" * 203] * 5)[:LONGEST_NAME]
    assert list(name_faults(parts)) == []


def clashes(*names: str) -> list[str]:
    """The codes; a name that ends with "/" is a folder's."""
    found = Names()
    for name in names:
        found.add(name.removesuffix("/"), is_folder=name.endswith("/"))
    return [one.code for one in found.faults()]


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("name-duplicate", ["a", "a"]),
        ("name-duplicate", ["x/a", "b", "x/a"]),
        ("name-duplicate", ["a/", "a/"]),
        ("name-case", ["a.py", "A.py"]),
        ("name-case", ["Pkg/a.py", "pkg/a.py"]),
        ("name-case", ["É", "é"]),
        ("name-case", ["a/", "A/"]),
        ("name-unicode", ["\u00e9", "e\u0301"]),
        ("name-unicode", ["E\u0301", "\u00e9"]),
        ("name-unicode", ["\ufb01", "fi"]),
        ("name-unicode", ["stra\u00dfe", "strasse"]),
        ("name-unicode", ["\uff41.py", "a.py"]),
        ("name-case", ["\u212a", "k"]),
        ("name-unicode", ["\u2602\ufe0f", "\u2602"]),
        ("name-unicode", ["a/\u00e9", "a/e\u0301"]),
        ("name-file-and-folder", ["a", "a/b"]),
        ("name-file-and-folder", ["a/b", "a"]),
        ("name-file-and-folder", ["a", "a/"]),
        ("name-file-and-folder", ["a/b/c/d", "a/b"]),
        ("name-file-and-folder", ["A", "a/b"]),
        ("name-file-and-folder", ["\u00e9", "e\u0301/b"]),
        ("name-file-and-folder", ["a", "a!", "a-b", "a.c", "a/b"]),
        ("name-file-and-folder", ["a", "a /x", "a\u00e9", "a/b"]),
    ],
)
def test_names_that_clash_are_told(code: str, names: list[str]) -> None:
    assert clashes(*names) == [code]
    assert clashes(*reversed(names)) == [code]
    assert clashes("before", *names, "zz/after") == [code]


@pytest.mark.parametrize(
    "names",
    [
        [],
        ["a"],
        ["a", "b"],
        ["a/", "a/b"],
        ["a/", "a/b/", "a/b/c"],
        ["a", "a.b", "ab/c"],
        ["Foo/a", "foo/b"],
        ["a/b", "b/a"],
        ["\u00e9", "e"],
        ["a", "aa", "aaa/a"],
    ],
)
def test_names_that_do_not_clash_are_let_through(names: list[str]) -> None:
    assert clashes(*names) == []


def test_every_further_name_is_told() -> None:
    assert clashes("a", "A", "a", "a/b") == ["name-case", "name-duplicate", "name-file-and-folder"]


def test_deep_and_many_names_take_no_more_than_linear_time() -> None:
    deep = "/".join("abcdefghij" * 10)
    names = [f"{deep}/{'x' * 200}{number:06}" for number in range(20_000)]
    begin = time.process_time()
    assert clashes(*names, f"{deep}/y") == []
    assert len(clashes(*names, *names)) == 20_000
    assert not all_plain([*names, "\x07"])
    for hostile in ("a." * 127 + "/", " " * 254, "/" * 1000, "." * 1000, "con" * 300, "/con" * 250, "/nul." * 200):
        assert list(name_faults(hostile * 1000))
    assert time.process_time() - begin < 5
