"""What Python would do at every start: as each of its versions reads the files, and as this one really does."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from safepip.formats.startuphooks import LARGEST_HOOK_FILE
from safepip.model.contents import StartupHook
from tests.unit.formats.wheels import DATA, read

COVERAGE = "import sys; exec('import os\\n\\nif os.getenv(\"X\"):\\n pass')"


def hooks(body: bytes, name: str = "demo.pth", *others: str) -> list[str]:
    found = read({name: body, **dict.fromkeys(others, b"")}).hooks
    assert all(one.path == name for one in found)
    return [one.line for one in found]


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        (b"import demo\n", ["import demo"]),
        (b"import\tdemo", ["import\tdemo"]),
        (b"# import demo\n\n   \nimport a\r\nimport b\rimport c", ["import a", "import b", "import c"]),
        (b"\xef\xbb\xbfimport demo\n", ["import demo"]),
        (COVERAGE.encode(), [COVERAGE]),
        (b"import a; x = '\xc3\xa9'\n", ["import a; x = '\N{LATIN SMALL LETTER E WITH ACUTE}'"]),
        # an older Python sees one line and a newer one two
        (b"# harmless\x0cimport demo\n", ["import demo"]),
        ("# harmless\u2028import demo\n".encode(), ["import demo"]),
        (b"# harmless\x1cimport demo\n", ["import demo"]),
        (b"import a\x0bimport b\n", ["import a\x0bimport b", "import a", "import b"]),
        # what is added to the search path from elsewhere
        (b"/opt/evil\n", ["/opt/evil"]),
        (b"../evil\n", ["../evil"]),
        (b"demo/../../evil\n", ["demo/../../evil"]),
        (b"C:\\evil\n", ["C:\\evil"]),
        (b"\\\\host\\evil\n", ["\\\\host\\evil"]),
        (b"..\\evil\n", ["..\\evil"]),
        # or from another distribution, or from an archive
        (b"other/part\n", ["other/part"]),
        (b"demo/stuff.zip\n", ["demo/stuff.zip"]),
        (b"importlib_like\n", ["importlib_like"]),
        # or from another folder, by the encoding of the locale
        ("demo/\N{LATIN SMALL LETTER E WITH ACUTE}\n".encode(), ["demo/\N{LATIN SMALL LETTER E WITH ACUTE}"]),
        (b"\xef\xbb\xbfdemo\n", ["\ufeffdemo"]),
        (b"\xef\xbb\xbf# demo\n", ["\ufeff# demo"]),
        # not UTF-8: what it says depends on the machine
        (b"import demo # \xff\n", [""]),
        ("import demo\n".encode("utf-16"), [""]),
        (b"", []),
        (b"#!/bin/sh\n", []),
        (b".\n", []),
        (b"demo\n", []),
        (b"./demo/\ndemo/../demo\n", []),
        (b"demo\\vendor  \n", []),
    ],
)
def test_lines_of_a_pth_file(body: bytes, lines: list[str]) -> None:
    others = ("demo/vendor/x.py", "demo/stuff.zip", "demo/\N{LATIN SMALL LETTER E WITH ACUTE}/x.py")
    assert hooks(body, "demo.pth", *others) == lines


@pytest.mark.parametrize(
    "name",
    [
        "demo.pth", "DEMO.PTH", ".demo.pth", "__editable__.demo.pth", "demo-nspkg.pth", "demo.start",
        f"{DATA}/data/demo.pth", f"{DATA}/purelib/demo.pth", f"{DATA}/platlib/demo.pth",
        f"{DATA}/data/lib/python3.12/site-packages/demo.pth", f"{DATA}/data/lib64/python3.12/site-packages/demo.Start",
        f"{DATA}/data/Lib/site-packages/demo.pth", f"{DATA}/data/local/lib/python3.12/dist-packages/demo.pth",
        f"{DATA}/headers/../x/site-packages/demo.pth".replace("../x/", ""),
    ],
)  # fmt: skip
def test_places_that_python_reads(name: str) -> None:
    assert hooks(b"import demo\n", name) == ["import demo"]


@pytest.mark.parametrize(
    "name",
    [
        "demo/weights/alex.pth", "demo/demo.start", f"{DATA}/data/share/demo/x.pth", f"{DATA}/scripts/x.pth",
        f"{DATA}/purelib/demo/x.pth", f"{DATA}/data/lib/python3.12/site-packages/demo/x.pth", "demo.pth.txt", "pth",
    ],
)  # fmt: skip
def test_places_that_it_does_not(name: str) -> None:
    assert not read({name: b"import demo\n" + b"\x80" * (LARGEST_HOOK_FILE + 1)}).hooks


def test_every_line_of_a_start_file_runs() -> None:
    assert hooks(b"\xef\xbb\xbf# comment\ndemo.boot:start\n\n  demo:main  \n", "demo.start") == [
        "demo.boot:start",
        "  demo:main  ",
    ]


def test_a_file_too_large_to_judge_is_a_hook_by_itself() -> None:
    contents = read({"demo.pth": b"#" * (LARGEST_HOOK_FILE + 1)})
    assert contents.faults
    assert [one.line for one in contents.hooks] == [""]


@pytest.mark.parametrize(
    "name",
    [
        "sitecustomize.py", "usercustomize.py", "sitecustomize/__init__.py", "SiteCustomize.py", "sitecustomize.pyc",
        "sitecustomize.cpython-312-x86_64-linux-gnu.so", "usercustomize.abi3.so", "usercustomize.pyd", "_virtualenv.py",
        f"{DATA}/purelib/sitecustomize.py", f"{DATA}/data/sitecustomize.py",
        f"{DATA}/data/lib/python3.12/site-packages/usercustomize.py",
    ],
)  # fmt: skip
def test_modules_that_python_imports_by_itself(name: str) -> None:
    [hook] = read([name]).hooks
    assert (hook.path, hook.line) == (name, "")


def test_and_those_in_a_folder_that_a_line_adds() -> None:
    [hook] = read({"demo.pth": b"demo/inner\n", "demo/inner/sitecustomize.py": b""}).hooks
    assert (hook.path, hook.line) == ("demo/inner/sitecustomize.py", "")


def test_modules_that_nobody_imports() -> None:
    names = [
        "demo/bootstrap/sitecustomize.py", "demo/sitecustomize.py", "sitecustomize.txt", "sitecustomize_more.py",
        f"{DATA}/scripts/sitecustomize.txt", "virtualenv/create/_virtualenv.py",
    ]  # fmt: skip
    assert read(names).hooks == ()


def test_a_hook_is_told_once() -> None:
    assert hooks(b"import demo\nimport demo\n") == ["import demo"]
    assert len(read(["sitecustomize/__init__.py", "sitecustomize/more.py"]).hooks) == 1


SIGNS = ["import ", "\t", "sys", "#", " ", "\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\ufeff", "x"]


def test_whatever_this_python_runs_is_found(tmp_path: Path) -> None:
    """A few hundred files, made of what readers disagree about, in a folder that the real `site` reads."""
    words = ["import sys; sys.ran.append({})", *SIGNS]
    bodies = {}
    for number in range(400):
        picked = [words[(number * 7 + step * step * 3 + number // 15 * step) % len(words)] for step in range(6)]
        bodies[f"f{number}.pth"] = "".join([*picked, words[0]]).replace("{}", str(number)).encode()
    for name, body in bodies.items():
        (tmp_path / name).write_bytes(body)
    program = f"import sys, site; sys.ran = []; site.addsitedir({str(tmp_path)!r}); print(*sorted(set(sys.ran)))"
    done = subprocess.run(
        [sys.executable, "-I", "-X", "utf8", "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    ran = {f"f{number}.pth" for number in done.stdout.split()}
    found = {one.path for one in read(bodies).hooks}
    assert len(ran) > 20
    assert ran <= found


def test_folders_of_very_deep_members_take_no_memory_of_their_own() -> None:
    names = {f"a{number}/{'b/' * 90}x.py": b"" for number in range(3000)}
    tracemalloc.start()
    try:
        assert read({**names, "demo.pth": b"a7/b\na7/c\n"}).hooks == (StartupHook(path="demo.pth", line="a7/c"),)
        assert tracemalloc.get_traced_memory()[1] < 40_000_000
    finally:
        tracemalloc.stop()


def test_of_very_many_files_the_rest_is_not_believed_to_be_harmless() -> None:
    contents = read({f"{number:03}.pth": b"# nothing\n" for number in range(120)})
    assert {one.line for one in contents.hooks} == {""}
    assert len(contents.hooks) == 20
