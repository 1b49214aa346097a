"""What a real pip leaves is found intact, and every way to change it afterwards is found."""

from __future__ import annotations

import base64
import configparser
import hashlib
import os
import shutil
import sysconfig
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from safepip.io.intact import compare_installed
from safepip.io.pipscripts import _plain_text, _text_by_pip, made_from
from safepip.model.contents import SCHEMES, EntryPoint, Manifest, PackedFile
from safepip.model.difference import Change, Difference
from safepip.model.plan import Install
from tests.unit.io.target.conftest import Venv, make_venv, plain_pip
from tests.unit.io.target.wheels import Wheel, install, wheel

DATA = {
    "demo-1.0.data/scripts/tool": b"#!python\nprint(1)\n",
    "demo-1.0.data/scripts/other": b"#!pythonw -E\r\nprint(1)\r\n",
    "demo-1.0.data/scripts/plain.sh": b"#!/bin/sh\necho 1\n",
    "demo-1.0.data/scripts/demo": b"#!python\nprint('left out: the entry point makes it')\n",
    "demo-1.0.data/scripts/demo-script.py": b"#!python\nprint('left out, too')\n",
    "demo-1.0.data/data/share/demo/notes.txt": b"x = 1\n",
    "demo-1.0.data/headers/demo.h": b"int demo;\n",
    "demo-1.0.data/platlib/demo/native.so": b"\x7fELF",
    "demo/has space.txt": b"hello\n",
    "demo-1.0.dist-info/licenses/LICENSE": b"free\n",
}
PROGRAMS = {"demo": "demo:main", "demo.py": "demo.deep:Main.run", "with-extra": "demo:main [fast]"}


def manifest(of: Wheel) -> Manifest:
    """Made from the archive by the rules of PEP 427, with no help of what is tested."""
    stem = "-".join(of.path.name.split("-")[:2])
    with zipfile.ZipFile(of.path) as archive:
        members = {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    points = configparser.ConfigParser(delimiters=("=",), interpolation=None)
    points.optionxform = str  # type: ignore[assignment, method-assign]
    points.read_string(members.get(f"{stem}.dist-info/entry_points.txt", b"").decode())
    return Manifest(
        dist_info=f"{stem}.dist-info",
        files=tuple(packed(stem, name, body) for name, body in members.items()),
        entry_points=tuple(
            EntryPoint(group=group, name=name, value=value)
            for group in points.sections()
            for name, value in points.items(group)
        ),
    )


def packed(stem: str, name: str, body: bytes) -> PackedFile:
    scheme, place = "purelib", name
    if name.startswith(f"{stem}.data/"):
        _, scheme, place = name.split("/", 2)
    digest = hashlib.sha256(body).digest()
    return PackedFile(path=name, scheme=scheme, place=place, sha256=digest, size=len(body))


@dataclass(frozen=True)
class Laid:
    """One wheel, as a real pip installed it."""

    of: Wheel
    step: Install
    dist_info: Path
    schemes: Mapping[str, str]
    interpreter: Path

    @property
    def library(self) -> Path:
        return self.dist_info.parent

    def differences(self) -> tuple[Difference, ...]:
        return compare_installed(self.step, self.dist_info, self.schemes, interpreter=self.interpreter)

    def changes(self) -> dict[str, Change]:
        """By the name alone."""
        return {Path(one.path).name: one.change for one in self.differences()}


def schemes_of(venv: Venv, project: str) -> dict[str, str]:
    paths = sysconfig.get_paths("posix_prefix", vars={"base": str(venv.path), "platbase": str(venv.path)})
    headers = f"{venv.path}/include/site/{venv.library.parent.name}/{project}"
    return {name: paths.get(name, headers) if name != "headers" else headers for name in SCHEMES}


def lay(venv: Venv, of: Wheel, *flags: str) -> Laid:
    plain_pip(venv, "install", "--no-cache-dir", "--no-compile", "--no-deps", *flags, str(of.path))
    step = replace(install(of), manifest=manifest(of))
    return Laid(of, step, venv.library / step.manifest.dist_info, schemes_of(venv, of.name.project), venv.python)


@pytest.fixture(scope="module")
def kept(session_venv: Venv, tmp_path_factory: pytest.TempPathFactory) -> tuple[Laid, Path]:
    """One installation, and a copy of the whole environment to come back to: pip is slow."""
    session_venv.clear()
    folder = tmp_path_factory.mktemp("kept")
    laid = lay(session_venv, wheel(folder / "wheels", scripts=PROGRAMS, files=DATA))
    shutil.copytree(session_venv.path, folder / "copy", symlinks=True)
    return laid, folder / "copy"


@pytest.fixture
def laid(kept: tuple[Laid, Path], venv: Venv) -> Laid:
    laid, copy = kept
    shutil.rmtree(venv.path)
    shutil.copytree(copy, venv.path, symlinks=True)
    return laid


class TestHonest:
    def test_what_pip_leaves_is_intact(self, laid: Laid, venv: Venv) -> None:
        assert laid.differences() == ()
        assert (venv.path / "bin" / "tool").read_bytes() == f"#!{venv.python}\nprint(1)\n".encode()
        assert (venv.path / "share" / "demo" / "notes.txt").is_file()
        assert list((venv.path / "include").rglob("demo.h"))

    def test_a_manifest_without_what_pip_leaves_out(self, laid: Laid) -> None:
        """As the wheel's reader makes it: RECORD names these scripts all the same."""
        read = install(laid.of).manifest
        assert len(read.files) == len(laid.step.manifest.files) - 2
        assert replace(laid, step=replace(laid.step, manifest=read)).differences() == ()

    def test_again_over_itself_and_beside_older_strangers(self, laid: Laid, venv: Venv) -> None:
        (laid.library / "demo" / "own-settings.ini").write_text("mine = 1")
        (laid.library / "demo" / "__pycache__").mkdir()
        (laid.library / "demo" / "__pycache__" / "x.cpython-39.pyc").write_bytes(b"old")
        assert lay(venv, laid.of, "--force-reinstall").differences() == ()
        assert (laid.library / "demo" / "own-settings.ini").exists()

    def test_the_interpreter_may_lie_where_no_first_line_can_name_it(self, tmp_path: Path) -> None:
        spaced = make_venv(tmp_path / "with a space")
        of = wheel(
            tmp_path / "wheels", scripts={"demo": "demo:main"}, files={"demo-1.0.data/scripts/t": b"#!python\n1"}
        )
        assert lay(spaced, of).differences() == ()
        assert (spaced.path / "bin" / "demo").read_bytes().startswith(b"#!/bin/sh\n'''exec' \"")

    def test_beside_another_in_the_same_folder(self, venv: Venv, tmp_path: Path) -> None:
        one = lay(venv, wheel(tmp_path / "wheels", "one", files={"shared/one.py": b"1", "shared/deep/one.py": b"1"}))
        two = lay(venv, wheel(tmp_path / "wheels", "two", files={"shared/two.py": b"2", "shared/two/x.py": b"2"}))
        assert (one.differences(), two.differences()) == ((), ())

    def test_pip_itself_makes_programs_that_no_entry_point_names(self, venv: Venv, tmp_path: Path) -> None:
        of = wheel(tmp_path / "wheels", scripts={"pip": "demo:main", "pip3": "demo:main", "pip3.99": "demo:main"})
        laid = lay(venv, of)
        version = laid.library.parent.name.removeprefix("python")
        assert (venv.path / "bin" / f"pip{version}").is_file()
        assert laid.differences() == ()
        (venv.path / "bin" / f"pip{version}").write_text("#!/bin/sh\n")
        assert laid.changes() == {f"pip{version}": Change.ALTERED}

    def test_a_target_folder(self, venv: Venv, tmp_path: Path) -> None:
        of = wheel(tmp_path / "wheels", scripts=PROGRAMS, files=DATA)
        target = tmp_path / "target"
        plain_pip(venv, "install", "--no-cache-dir", "--no-compile", "--target", str(target), str(of.path))
        schemes = {name: str(target) for name in SCHEMES} | {"scripts": str(target / "bin")}
        schemes["headers"] = str(next(target.rglob("demo.h")).parent)
        step = replace(install(of), manifest=manifest(of))
        assert compare_installed(step, target / "demo-1.0.dist-info", schemes, interpreter=venv.python) == ()

    def test_digests_other_than_sha256_in_record(self, laid: Laid) -> None:
        record = laid.dist_info / "RECORD"
        body = (laid.library / "demo" / "__init__.py").read_bytes()
        digest = base64.urlsafe_b64encode(hashlib.sha512(body).digest()).rstrip(b"=").decode()
        lines = record.read_text().splitlines()
        lines = [f"demo/__init__.py,sha512={digest},{len(body)}" if "demo/__init__" in line else line for line in lines]
        record.write_text("\n".join(lines) + "\n")
        assert laid.differences() == ()
        record.write_text(record.read_text().replace(digest, digest[::-1]))
        assert laid.changes() == {"RECORD": Change.ALTERED}


def put(path: Path, body: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)


def link(path: Path) -> None:
    elsewhere = path.with_name("elsewhere")
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


def fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


class TestChanged:
    @pytest.mark.parametrize(
        ("name", "change"),
        [
            ("demo/__init__.py", lambda path: path.write_bytes(b"evil")),
            ("demo/__init__.py", fifo),
            ("demo/__init__.py", lambda path: (path.unlink(), path.mkdir())),
            ("demo/__init__.py", lambda path: path.chmod(0o4644)),
            ("demo/__init__.py", lambda path: path.chmod(0o646)),
            ("demo-1.0.dist-info/METADATA", lambda path: path.write_bytes(b"evil")),
            ("demo-1.0.dist-info/INSTALLER", lambda path: path.write_bytes(b"uv")),
            ("demo-1.0.dist-info/REQUESTED", lambda path: path.write_bytes(b"x")),
            ("demo-1.0.dist-info/RECORD", lambda path: path.write_bytes(b"\xff")),
            ("../../../bin/tool", lambda path: path.write_bytes(path.read_bytes() + b"evil()\n")),
            ("../../../bin/tool", lambda path: path.write_bytes(b"#!/tmp/evil\nprint(1)\n")),
            ("../../../bin/plain.sh", lambda path: path.write_bytes(b"#!/tmp/evil\necho 1\n")),
            ("../../../bin/demo", lambda path: path.write_bytes(path.read_bytes().replace(b"demo", b"evil"))),
            (
                "../../../bin/demo",
                lambda path: path.write_bytes(b"#!/tmp/evil\n" + path.read_bytes().split(b"\n", 1)[1]),
            ),
            ("../../../share/demo/notes.txt", lambda path: path.write_bytes(b"")),
        ],
    )
    def test_altered(self, laid: Laid, name: str, change: Callable[[Path], object]) -> None:
        change(laid.library / name)
        assert laid.changes() == {Path(name).name: Change.ALTERED}

    def test_a_link_in_the_place_of_a_file_with_the_same_bytes(self, laid: Laid) -> None:
        link(laid.library / "demo" / "__init__.py")
        assert laid.changes() == {"__init__.py": Change.ALTERED, "elsewhere": Change.ADDED}

    @pytest.mark.parametrize("name", ["demo/deep/module.py", "../../../bin/demo", "demo-1.0.dist-info/RECORD"])
    def test_missing(self, laid: Laid, name: str) -> None:
        (laid.library / name).unlink()
        assert laid.changes() == {Path(name).name: Change.MISSING}

    def test_everything_is_gone(self, laid: Laid) -> None:
        shutil.rmtree(laid.library / "demo")
        shutil.rmtree(laid.dist_info)
        assert Change.MISSING in laid.changes().values()
        assert len(laid.changes()) > 8

    @pytest.mark.parametrize(
        "name",
        [
            "demo/evil.py",
            "demo/deep/evil.so",
            "demo/new/folder/evil.py",
            "demo/__pycache__/__init__.cpython-312.pyc",
            "demo-1.0.dist-info/entry_points.txt.bak",
            "demo-1.0.dist-info/safepip.json",
            "demo-1.0.dist-info/licenses/more",
        ],
    )
    def test_added(self, laid: Laid, name: str) -> None:
        put(laid.library / name, b"evil")
        assert laid.changes() == {Path(name).name: Change.ADDED}

    def test_an_added_link_to_a_folder(self, laid: Laid, tmp_path: Path) -> None:
        (laid.library / "demo" / "more").symlink_to(tmp_path)
        assert laid.changes() == {"more": Change.ADDED}

    @pytest.mark.parametrize(
        "edit",
        [
            lambda text: text + "demo/evil.py,,\n",
            lambda text: text + "../../../../../etc/passwd,,\n",
            lambda text: text.replace("sha256=", "sha256=A", 1),
            lambda text: text.replace("sha256=", "md5=", 1),
            lambda text: "".join(line for line in text.splitlines(keepends=True) if "module.py" not in line),
            lambda text: "".join(
                "demo/__init__.py,,\n" if line.startswith("demo/__init__") else line
                for line in text.splitlines(keepends=True)
            ),
        ],
    )
    def test_record(self, laid: Laid, edit: Callable[[str], str]) -> None:
        record = laid.dist_info / "RECORD"
        before = record.read_text()
        record.write_text(edit(before))
        assert record.read_text() != before
        assert laid.changes() == {"RECORD": Change.ALTERED}

    def test_a_claim_of_another_distribution_does_not_hide_what_lies_in_the_dist_info(self, laid: Laid) -> None:
        put(laid.dist_info / "evil.txt", b"evil")
        put(laid.library / "fake-1.0.dist-info" / "RECORD", b"demo-1.0.dist-info/evil.txt,,\n")
        assert laid.changes() == {"evil.txt": Change.ADDED}


class TestPrograms:
    def test_the_template_is_that_of_the_pip_that_is_here(self) -> None:
        for value in ("demo:main", "a.b:C.run", "demo:main [x]"):
            text = _text_by_pip("demo", value)
            assert text is not None
            assert _plain_text("demo", value) == text

    @pytest.mark.parametrize("value", ["demo", "demo:", "a:b:c", "demo:main; import os", "[x]", ""])
    def test_odd_objects_are_what_pip_makes_of_them_or_nothing(self, value: str) -> None:
        assert not made_from(b"#!/usr/bin/python3\nimport evil\n", "demo", value, None)

    @pytest.mark.parametrize("first", [b"#!python\n", b"#!/bin/sh\n", b"", b"#!/usr/bin/env python\n", b"#!/a\0b\n"])
    def test_first_lines_that_pip_does_not_write(self, first: bytes, tmp_path: Path) -> None:
        body = first + b"import sys\nfrom demo import main\nif __name__ == '__main__':\n"
        body += b"    sys.argv[0] = sys.argv[0].removesuffix('.exe')\n    sys.exit(main())\n"
        assert not made_from(body, "demo", "demo:main", tmp_path / "python")
