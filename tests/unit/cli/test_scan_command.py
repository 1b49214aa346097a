"""`safepip scan` from argv to streams and exit code, in this process."""

from __future__ import annotations

import ast
import json
import os
import socket
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from safepip import formats
from safepip.cli.main import run
from tests.command import clean_environ
from tests.world import artifacts

DOCS = Path(__file__).resolve().parent.parent.parent.parent / "docs"
HOOK = "import demo.surprise"


@dataclass(frozen=True, kw_only=True)
class Answer:
    exit: int
    out: str
    err: str

    @property
    def files(self) -> list[dict[str, Any]]:
        """Of the JSON document, which is all that is on stdout."""
        document = json.loads(self.out)
        assert document["schema"] == "safepip-scan/1"
        files = document["files"]
        assert isinstance(files, list)
        return files

    @property
    def file(self) -> dict[str, Any]:
        [only] = self.files
        return only


Run = Callable[..., Answer]


def _nobody(*_: object) -> None:
    raise AssertionError("nobody was to be asked")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def scan(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """With an index in the configuration that must not be asked, and nobody who could be connected to."""
    environ = clean_environ(folder.parent / "home", {"PIP_INDEX_URL": "https://index.example/simple"})
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(socket.socket, "connect", _nobody)
    monkeypatch.setattr(socket, "getaddrinfo", _nobody)

    def call(*arguments: str, **variables: str) -> Answer:
        code = run(["scan", *arguments], {**environ, **variables})
        printed = capsys.readouterr()
        assert "Traceback" not in printed.err
        assert "safepip itself failed" not in printed.err
        return Answer(exit=code, out=printed.out, err=printed.err)

    return call


def put(folder: Path, made: tuple[str, bytes], name: str | None = None) -> str:
    (folder / (name or made[0])).write_bytes(made[1])
    return name or made[0]


def wheel(folder: Path, **rest: Any) -> str:
    return put(folder, artifacts.wheel("demo", "1.0", **rest))


def hooked(folder: Path) -> str:
    return wheel(folder, files={"demo.py": b"", "demo.pth": f"{HOOK}\n".encode()})


def sdist(folder: Path, **rest: Any) -> str:
    return put(folder, artifacts.sdist("demo", "1.0", **rest))


def lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


def refused(file: dict[str, Any]) -> set[str]:
    return {f"{one['check']}/{one['code']}" for one in file["findings"] if one["outcome"] != "pass"}


# --- wheels


def test_a_sound_wheel(scan: Run, folder: Path) -> None:
    name = wheel(folder, entry_points="[console_scripts]\ndemo = demo:main\n")
    answer = scan(name)
    assert (answer.exit, answer.err) == (0, "")
    assert lines(answer.out)[0] == name
    assert lines(answer.out)[1] == "decision passed: 8 checks"
    assert "programs demo" in lines(answer.out)
    assert len(answer.out.splitlines()) == 5
    every = scan(name, "-v")
    assert sum(line.startswith("passed ") for line in lines(every.out)) == 8
    assert scan(name, "-q") == Answer(exit=0, out="", err="")


def test_the_document_of_a_sound_wheel(scan: Run, folder: Path) -> None:
    answer = scan(wheel(folder), "--format", "json", "-q")
    assert (answer.exit, answer.err) == (0, "")
    file = answer.file
    assert (file["decision"], file["kind"], file["name"], file["version"]) == ("passed", "wheel", "demo", "1.0")
    assert file["size"] == (folder / file["file"]).stat().st_size
    assert [one["outcome"] for one in file["findings"]] == ["pass"] * 8
    assert file["wheel"]["files"] == 4


def test_a_start_up_hook(scan: Run, folder: Path) -> None:
    name = hooked(folder)
    answer = scan(name)
    assert answer.exit == 1
    assert "decision refused by 1 of 8 checks" in lines(answer.out)
    assert HOOK in answer.out
    assert answer.err == "ERROR: safepip scan refused the file\n"
    file = scan(name, "--format", "json").file
    assert file["decision"] == "refused"
    assert {one.partition("/")[0] for one in refused(file)} == {"startup-hook"}
    assert file["wheel"]["hooks"] == [{"path": "demo.pth", "line": HOOK}]


@pytest.mark.parametrize("place", ["safepip.toml", "named.toml"])
def test_a_hook_that_the_policy_allows(scan: Run, folder: Path, place: str) -> None:
    (folder / place).write_text(f'schema = 1\n[[allow.startup-hooks]]\nproject = "demo"\nline = "{HOOK}"\n')
    named = () if place == "safepip.toml" else ("--sp-policy", place)
    assert scan(hooked(folder), *named).exit == 0


def test_the_levels_are_the_policys(scan: Run, folder: Path) -> None:
    name = wheel(folder, files={"demo.so": b"\x7fELF" + bytes(60)})
    answer = scan(name)
    assert answer.exit == 0
    assert "decision passed: 8 checks, with 1 warning" in lines(answer.out)
    assert "demo.so" in scan(name, "-q").out
    assert scan(name, "-qq").out == ""
    (folder / "safepip.toml").write_text('schema = 1\n[checks]\nnative-in-pure = "deny"\n')
    assert scan(name).exit == 1
    assert "safepip.toml:3" in scan(name, "-v").out


def test_a_waiver_is_told_and_does_not_count(scan: Run, folder: Path) -> None:
    name = wheel(folder, requires=["other @ https://index.example/other-1.0-py3-none-any.whl"])
    waiver = (
        '[[waivers]]\ncheck = "direct-url"\nproject = "demo"\nversion = "1.0"\nreason = "ours"\nuntil = 2999-01-01\n'
    )
    (folder / "safepip.toml").write_text(f"schema = 1\n{waiver}")
    answer = scan(name)
    assert answer.exit == 1
    assert "until 2999-01-01" in answer.out


def test_a_wheel_that_was_changed(scan: Run, folder: Path) -> None:
    """RECORD as it was, and another module: what an attacker does who does not care."""

    name = wheel(folder)
    with zipfile.ZipFile(folder / name) as archive:
        members = {one: archive.read(one) for one in archive.namelist()}
    with zipfile.ZipFile(folder / name, "w") as archive:
        for one, content in members.items():
            archive.writestr(
                zipfile.ZipInfo(one), content.replace(b"__version__", b"__version_") if one == "demo.py" else content
            )
    answer = scan(name, "--format", "json")
    assert answer.exit == 1
    assert {one.partition("/")[0] for one in refused(answer.file)} >= {"record"}


# --- sdists


def test_a_declarative_sdist(scan: Run, folder: Path) -> None:
    name = sdist(folder, requires=["idna>=3"], requires_python=">=3.9")
    answer = scan(name)
    assert (answer.exit, answer.err) == (0, "")
    assert "decision passed: no fault in the archive" in lines(answer.out)
    assert any(line.startswith("building class A") for line in lines(answer.out))
    assert "metadata stated for good in PKG-INFO: 1 dependency, Python >=3.9" in lines(answer.out)
    told = scan(name, "--format", "json").file["sdist"]
    assert (told["class"], told["kind"], told["backend"]) == ("A", "A", "flit_core.buildapi")
    assert told["static"] == {"requires-dist": ["idna>=3"], "requires-python": ">=3.9", "extras": []}


def test_an_sdist_whose_setup_py_runs_code(scan: Run, folder: Path) -> None:
    """Its class is told with file and line, and is no objection to the archive."""
    ran = folder.parent / "ran"
    setup = f"from setuptools import setup\n\nopen({str(ran)!r}, 'w').close()\nsetup(name='demo')\n"
    build = b'[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
    name = sdist(folder, files={"setup.py": setup.encode(), "pyproject.toml": build})
    answer = scan(name)
    assert answer.exit == 0
    assert any(line.startswith("building class C: its setup.py would run") for line in lines(answer.out))
    assert "setup.py:3" in answer.out
    told = scan(name, "--format", "json").file["sdist"]
    assert told["kind"] == "C-setup.py"
    assert any((clue["file"], clue["line"]) == ("setup.py", 3) for clue in told["clues"])
    assert not ran.exists()


def test_an_sdist_with_a_bad_member(scan: Run, folder: Path) -> None:
    name = sdist(folder, files={"../../outside.py": b""})
    answer = scan(name)
    assert answer.exit == 1
    assert "decision refused: 1 fault" in lines(answer.out)
    assert "building" not in answer.out
    assert scan(name, "--format", "json").file["decision"] == "refused"


# --- names


def test_a_file_called_otherwise(scan: Run, folder: Path) -> None:
    real = artifacts.wheel("demo", "1.0")
    put(folder, real, "download.bin")
    answer = scan("download.bin")
    assert (answer.exit, answer.out) == (1, "")
    assert "--filename NAME" in answer.err
    answer = scan("download.bin", "--filename", real[0])
    assert answer.exit == 0
    assert f"as {real[0]}" in lines(answer.out)
    answer = scan("download.bin", "--filename", "other-1.0-py3-none-any.whl", "--format", "json")
    assert any(one.startswith("metadata-match/") for one in refused(answer.file))


def test_a_name_that_lies_about_the_kind(scan: Run, folder: Path) -> None:
    put(folder, artifacts.sdist("demo", "1.0"), "demo-1.0-py3-none-any.whl")
    put(folder, artifacts.wheel("demo", "1.0"), "demo-1.0.tar.gz")
    for name, way in (
        ("demo-1.0-py3-none-any.whl", "--filename NAME.tar.gz"),
        ("demo-1.0.tar.gz", "--filename NAME.whl"),
    ):
        answer = scan(name)
        assert answer.exit == 1
        assert way in answer.out
        assert scan(name, "--format", "json").file["decision"] != "passed"
    assert scan("demo-1.0-py3-none-any.whl", "--filename", "demo-1.0.tar.gz").exit == 0


@pytest.mark.parametrize("name", ["demo-1.0.tar.bz2", "demo.whl", "notes.txt", "demo-1.0.egg"])
def test_neither_wheel_nor_sdist(scan: Run, folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"")
    answer = scan(name, "--format", "json")
    assert answer.exit == 1
    assert (answer.file["decision"], answer.file["error"]["reference"]) == ("unknown", "not-a-distribution")
    assert "ERROR:" in answer.err


@pytest.mark.parametrize(
    "content",
    [b"", b"P", b"PK\x03\x04", b"\x1f\x8b", bytes(100), b"PK\x05\x06" + bytes(18)],
    ids=["nothing", "a-byte", "zip", "gzip", "zeros", "empty-zip"],
)
@pytest.mark.parametrize("name", ["demo-1.0-py3-none-any.whl", "demo-1.0.tar.gz", "demo-1.0.zip"])
def test_what_is_no_archive_is_never_passed(scan: Run, folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    assert scan(name).exit == 1
    assert scan(name, "--format", "json").file["decision"] != "passed"


# --- what was typed


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "at least one"),
        (("-",), "standard input"),
        (("https://user:secret@index.example/demo-1.0.tar.gz",), "fetches nothing"),
        (("a.whl", "b.whl", "--filename", "demo-1.0.tar.gz"), "about one file"),
        (("a.whl", "--filename", "notes.txt"), "--filename"),
        (("a.whl", "--filename", ""), "--filename"),
        (("a.whl", "--filename", "demo-1.0.tar.gz", "--filename", "demo-2.0.tar.gz"), "twice"),
        (("a.whl", "--format", "xml"), "format"),
        (("a.whl", "--index-url", "https://index.example"), "no such option"),
    ],
)
def test_a_command_line_that_makes_no_sense(scan: Run, arguments: tuple[str, ...], told: str) -> None:
    answer = scan(*arguments)
    assert (answer.exit, answer.out) == (2, "")
    assert told in answer.err
    assert "secret" not in answer.err


def test_files_that_are_not_there_or_no_files(scan: Run, folder: Path) -> None:
    (folder / "demo-1.0.tar.gz").mkdir()
    os.mkfifo(folder / "demo-2.0.tar.gz")
    (folder / "demo-3.0.tar.gz").symlink_to("nowhere")
    names = [f"demo-{version}.0.tar.gz" for version in range(1, 5)]
    answer = scan(*names, "--format", "json")
    assert answer.exit == 1
    references = [file["error"]["reference"] for file in answer.files]
    assert references == ["unreadable-file", "unreadable-file", "no-such-file", "no-such-file"]
    assert answer.err.count("ERROR:") == 4
    assert scan("nul\0l.whl").exit == 1


def test_several_files(scan: Run, folder: Path) -> None:
    bad = hooked(folder)
    good = put(folder, artifacts.wheel("other", "1.0"))
    answer = scan(good, bad, "gone-1.0.tar.gz")
    assert answer.exit == 1
    assert [line for line in answer.out.splitlines() if line and line[0] != " "] == [good, bad]
    assert "there is no file 'gone-1.0.tar.gz'" in answer.err
    assert "safepip scan refused 1 of 3 files" in answer.err
    assert [one["decision"] for one in scan(good, bad, "gone-1.0.tar.gz", "--format", "json").files] == [
        "passed",
        "refused",
        "unknown",
    ]
    assert scan(good, good).exit == 0


def test_a_policy_that_cannot_be_used_ends_it(scan: Run, folder: Path) -> None:
    (folder / "safepip.toml").write_text("schema = 7\n")
    answer = scan(wheel(folder), "--format", "json")
    assert (answer.exit, answer.out) == (1, "")
    assert "safepip.toml" in answer.err


def test_nothing_is_left_behind_and_nothing_run(scan: Run, folder: Path) -> None:
    ran = folder.parent / "ran"
    body = f"open({str(ran)!r}, 'w').close()\n".encode()
    names = [
        wheel(folder, files={"demo.py": body, "demo.pth": b"import demo\n", "sitecustomize.py": body}),
        sdist(folder, files={"setup.py": body}),
    ]
    before = sorted(folder.parent.rglob("*"))
    assert scan(*names).exit == 1
    assert sorted(folder.parent.rglob("*")) == before
    assert not ran.exists()


def test_how_pip_is_configured_is_no_matter(scan: Run, folder: Path) -> None:
    """Neither what `install` would refuse, nor a proxy that is none: nobody is asked."""
    variables = {"PIP_PROXY": "nonsense://", "PIP_TRUSTED_HOST": "index.example", "PIP_TIMEOUT": "never"}
    assert scan(wheel(folder), **variables).exit == 0


def _codes(path: Path) -> set[str]:
    """The codes that a module gives to what is wrong with an sdist: `BadArchive(code, ...)` and `Fault(code=...)`."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"BadArchive", "Fault"}:
            named = [keyword.value for keyword in node.keywords if keyword.arg == "code"]
            found |= {one.value for one in (*node.args[:1], *named) if isinstance(one, ast.Constant)}
    return {code for code in found if isinstance(code, str)}


@pytest.mark.parametrize("module", ["gzipmember", "tarheader", "tararchive", "tarlinks", "sdist"])
def test_every_code_of_an_sdist_is_documented(module: str) -> None:
    codes = _codes(Path(formats.__path__[0]) / f"{module}.py")
    assert codes
    pages = (DOCS / "commands" / "scan.md").read_text() + (DOCS / "checks" / "archive.md").read_text()
    assert {code for code in codes if f"`{code}`" not in pages} == set()


def test_names_from_outside_reach_no_terminal(scan: Run, folder: Path) -> None:
    name = "demo-1.0\x1b[31m\n-py3-none-any.whl"
    put(folder, artifacts.wheel("demo", "1.0"), name)
    for more in ((), ("--format", "json"), ("--filename", "demo-1.0-py3-none-any.whl")):
        answer = scan(name, *more)
        assert "\x1b" not in answer.out + answer.err
