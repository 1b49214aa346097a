"""What lies in a real environment where files are about to be written, and whose it is."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from safepip.errors import EnvironmentFault
from safepip.formats.pipfiles import Placement
from safepip.io import occupants
from safepip.io.environment import PythonEnvironment
from safepip.io.occupants import Ground
from safepip.model.ident import ProjectName
from safepip.model.neighbours import Holder, Occupant
from tests.factories import project
from tests.unit.io.target.conftest import HERE, Venv, plain_pip
from tests.unit.io.target.wheels import wheel

Asked = Callable[..., dict[str, Occupant]]


@pytest.fixture
def asked(venv: Venv) -> Iterator[Asked]:
    """What lies at those paths, which are told from the folder of the environment."""
    made = []

    def ask(
        *paths: str | Path,
        leaving: Collection[ProjectName] = (),
        placement: Placement = HERE,
        python: Path = venv.python,
    ) -> dict[str, Occupant]:
        environment = PythonEnvironment(python, placement, os.environ)
        made.append(environment)
        names: dict[str, list[str]] = {}
        named = {venv.path / path: path for path in paths}
        folders = environment.real_folders({str(path.parent) for path in named})
        for path in named:
            names.setdefault(folders.get(str(path.parent), str(path.parent)), []).append(path.name)
        found = environment.occupants(names, leaving)
        return {str(Path(place).relative_to(venv.path)): one for place, one in found.items()}

    yield ask
    for one in made:
        one.close()


@pytest.fixture
def site(venv: Venv) -> str:
    return str(venv.library.relative_to(venv.path))


def owned(found: dict[str, Occupant]) -> dict[str, list[str]]:
    assert {one.holder for one in found.values()} <= {Holder.INSTALLED}
    return {path: [owner.title for owner in one.owners] for path, one in found.items()}


class TestOwners:
    def test_nothing_there_is_nobodys(self, asked: Asked, site: str) -> None:
        assert asked(f"{site}/demo/__init__.py", "bin/tool", "share/man/man1/tool.1", f"{site}/demo.py") == {}

    def test_nothing_there_reads_no_record(self, asked: Asked, site: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(occupants, "metadata_folders", lambda _: pytest.fail("it looked for distributions"))
        assert asked(f"{site}/demo/__init__.py", "bin/tool") == {}

    def test_files_of_all_kinds(self, asked: Asked, venv: Venv, tmp_path: Path, site: str) -> None:
        files = {
            "demo-1.0.data/scripts/ready": b"#!/bin/sh\n",
            "demo-1.0.data/data/share/demo/notes": b"notes",
            "demo-1.0.data/headers/demo.h": b"//",
        }
        of = wheel(tmp_path / "wheels", scripts={"tool": "demo:main"}, files=files)
        plain_pip(venv, "install", "--no-index", "--no-deps", str(of.path))
        header = next((venv.path / "include").rglob("demo.h")).relative_to(venv.path)
        paths = [f"{site}/demo/deep/module.py", "bin/tool", "bin/ready", "share/demo/notes", str(header)]
        found = asked(*paths)
        assert owned(found) == {path: ["demo 1.0"] for path in paths}
        assert found["share/demo/notes"].sha256 == hashlib.sha256(b"notes").digest()
        [entry] = [owner.script for owner in found["bin/tool"].owners]
        assert entry is not None
        assert (entry.group, entry.name, entry.value) == ("console_scripts", "tool", "demo:main")
        assert [owner.script for owner in found["bin/ready"].owners] == [None]
        shutil.rmtree(venv.path / "include" / "site", ignore_errors=True)

    def test_through_lib64(self, asked: Asked, venv: Venv, tmp_path: Path, site: str) -> None:
        venv.put(wheel(tmp_path / "wheels"))
        if not (venv.path / "lib64").is_symlink():
            pytest.skip("this venv has none")
        path = f"{site}/demo/__init__.py"
        assert owned(asked(path.replace("lib/", "lib64/", 1))) == {path: ["demo 1.0"]}

    def test_through_a_link_in_the_library(self, asked: Asked, venv: Venv, tmp_path: Path, site: str) -> None:
        venv.put(wheel(tmp_path / "wheels"))
        (venv.library / "demo").rename(venv.path / "moved")
        (venv.library / "demo").symlink_to(venv.path / "moved")
        try:
            for path in (f"{site}/demo/deep/module.py", "moved/deep/module.py"):
                assert owned(asked(path)) == {"moved/deep/module.py": ["demo 1.0"]}
        finally:
            (venv.library / "demo").unlink()

    def test_all_who_list_it(self, asked: Asked, venv: Venv, tmp_path: Path, site: str) -> None:
        shared = {"ns/__init__.py": b""}
        venv.put(*(wheel(tmp_path / "wheels", name, files=shared) for name in ("one", "two")))
        assert owned(asked(f"{site}/ns/__init__.py")) == {f"{site}/ns/__init__.py": ["one 1.0", "two 1.0"]}

    def test_what_has_the_name_of_a_module(self, asked: Asked, venv: Venv, tmp_path: Path, site: str) -> None:
        """A package for a source, and the other way round; not a folder that both have, and nothing of nobody's."""
        venv.put(wheel(tmp_path / "wheels", files={"other.py": b"", "demo/fast.abi3.so": b"", "demo/notes": b""}))
        (venv.library / "third.py").touch()
        wanted = ("other/deep/x.py", "demo/fast/__init__.py", "demo/notes.py", "third/__init__.py")
        found = owned(asked(*(f"{site}/{path}" for path in wanted)))
        assert found == {f"{site}/{path}": ["demo 1.0"] for path in ("other.py", "demo/fast.abi3.so")}
        assert owned(asked(f"{site}/demo.py")) == {f"{site}/demo": ["demo 1.0"]}

    def test_what_only_they_own_who_leave_is_not_read(
        self, asked: Asked, venv: Venv, tmp_path: Path, site: str
    ) -> None:
        venv.put(wheel(tmp_path / "wheels"))
        path = f"{site}/demo/__init__.py"
        assert asked(path)[path].sha256 == hashlib.sha256((venv.path / path).read_bytes()).digest()
        assert asked(path, leaving=[project("demo")])[path].sha256 is None

    def test_a_legacy_distribution_that_lists_its_files(self, asked: Asked, venv: Venv, site: str) -> None:
        legacy = venv.library / "old-1.0-py3.12.egg-info"
        legacy.mkdir()
        (venv.library / "old.py").touch()
        (legacy / "installed-files.txt").write_text("../old.py\n../../../../bin/old\nPKG-INFO\n")
        assert owned(asked(f"{site}/old.py")) == {f"{site}/old.py": ["old 1.0-py3.12"]}

    @pytest.mark.parametrize("record", [None, b"\xff", b'"unclosed'])
    def test_one_that_says_nothing_owns_nothing(
        self, asked: Asked, venv: Venv, site: str, record: bytes | None
    ) -> None:
        (venv.library / "mute-1.0.dist-info").mkdir()
        (venv.library / "mute.py").touch()
        if record is not None:
            (venv.library / "mute-1.0.dist-info" / "RECORD").write_bytes(record)
        assert asked(f"{site}/mute.py")[f"{site}/mute.py"].holder is Holder.UNOWNED

    def test_a_record_of_odd_rows(self, asked: Asked, venv: Venv, site: str) -> None:
        dist_info = venv.library / "odd-1.0.dist-info"
        dist_info.mkdir()
        (venv.library / "odd.py").touch()
        rows = ["../" * 40 + "etc/passwd", "/", "x" * 5000, "odd.py/below", str(venv.library / "odd.py")]
        (dist_info / "RECORD").write_text("".join(f"{row},,\n" for row in rows))
        assert owned(asked(f"{site}/odd.py")) == {f"{site}/odd.py": ["odd 1.0"]}

    def test_broken_entry_points(self, asked: Asked, venv: Venv, tmp_path: Path) -> None:
        of = wheel(tmp_path / "wheels", also_listed=["../../../bin/tool"])
        venv.put(of)
        (venv.path / "bin" / "tool").touch()
        (venv.library / "demo-1.0.dist-info" / "entry_points.txt").write_bytes(b"no group = \xff")
        assert [owner.script for owner in asked("bin/tool")["bin/tool"].owners] == [None]


class TestFoldersAndFiles:
    def test_a_folder_where_a_file_goes(self, asked: Asked, venv: Venv, tmp_path: Path, site: str) -> None:
        venv.put(wheel(tmp_path / "wheels"))
        assert owned(asked(f"{site}/demo")) == {f"{site}/demo": ["demo 1.0"]}
        (venv.library / "mine").mkdir()
        assert asked(f"{site}/mine")[f"{site}/mine"] == Occupant(holder=Holder.UNOWNED, owners=(), sha256=None)

    def test_a_file_where_a_folder_goes(self, asked: Asked, venv: Venv, tmp_path: Path, site: str) -> None:
        venv.put(wheel(tmp_path / "wheels", files={"plain": b"x"}))
        path = f"{site}/plain/deep/er.py"
        assert owned(asked(path)) == {path: ["demo 1.0"]}

    def test_what_is_no_file_is_not_opened(self, asked: Asked, venv: Venv, site: str) -> None:
        os.mkfifo(venv.library / "pipe")
        (venv.library / "dangling").symlink_to("nowhere")
        (venv.library / "circle").symlink_to("circle")
        (venv.library / "device").symlink_to("/dev/zero")
        names = ("pipe", "dangling", "circle", "device")
        found = asked(*(f"{site}/{name}" for name in names))
        assert {path: one.sha256 for path, one in found.items()} == {f"{site}/{name}": None for name in names}
        for name in names:
            (venv.library / name).unlink()

    def test_a_link_to_a_file_is_told_by_its_bytes(self, asked: Asked, venv: Venv, site: str) -> None:
        (venv.library / "real").write_bytes(b"bytes")
        (venv.library / "link").symlink_to("real")
        found = asked(f"{site}/link")
        assert found[f"{site}/link"].sha256 == hashlib.sha256(b"bytes").digest()

    def test_below_a_link_in_a_circle(self, asked: Asked, venv: Venv, site: str) -> None:
        (venv.library / "circle").symlink_to("circle")
        found = asked(f"{site}/circle/x.py")
        assert [one.holder for one in found.values()] == [Holder.UNOWNED]
        (venv.library / "circle").unlink()

    def test_what_cannot_be_seen_is_told(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def denied(_: str) -> os.stat_result:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(os, "lstat", denied)
        with pytest.raises(EnvironmentFault) as caught:
            Ground().real(str(tmp_path))
        assert caught.value.reference == "environment-unreadable"

    def test_names_that_no_file_can_have(self, tmp_path: Path) -> None:
        ground = Ground()
        for name in ("x" * 5000, "a\0b", "deep/" * 3000):
            place = f"{tmp_path}/{name}".rstrip("/")
            assert ground.real(place) == place
            assert ground.names(place) == frozenset()


class TestTheInterpreters:
    @pytest.mark.parametrize("path", ["bin/python", "bin/python3", "bin/activate", "bin/activate.fish", "pyvenv.cfg"])
    def test_of_a_virtual_environment(self, asked: Asked, path: str) -> None:
        assert asked(path)[path].holder is Holder.INTERPRETER

    def test_everything_that_venv_made(self, asked: Asked, venv: Venv) -> None:
        top = [path.name for path in venv.path.iterdir()]
        programs = [f"bin/{path.name}" for path in (venv.path / "bin").iterdir()]
        found = asked(*top, *programs)
        assert {path: one.holder for path, one in found.items()} == dict.fromkeys([*top, *programs], Holder.INTERPRETER)

    @pytest.mark.parametrize("path", ["bin/pyvenv.cfg", "bin/python312._pth", "bin/pybuilddir.txt", "lib64"])
    def test_what_it_would_read_if_it_were_there(self, asked: Asked, path: str) -> None:
        assert asked(path)[path].holder is Holder.INTERPRETER

    def test_another_name_for_it(self, asked: Asked, venv: Venv) -> None:
        (venv.path / "bin" / "snake").symlink_to("python")
        assert asked("bin/snake")["bin/snake"].holder is Holder.INTERPRETER

    @pytest.mark.parametrize("path", ["bin/tool", "notes.txt", "share/python-notes.txt"])
    def test_not_a_users_own_file(self, asked: Asked, venv: Venv, path: str) -> None:
        (venv.path / path).parent.mkdir(exist_ok=True)
        (venv.path / path).write_text("mine")
        assert asked(path)[path].holder is Holder.UNOWNED


class TestNoVirtualEnvironment:
    BASE = Path(sys.base_prefix)
    PYTHON = BASE / "bin" / "python{}.{}".format(*sys.version_info)

    def ask(self, *paths: Path) -> list[Holder]:
        environment = PythonEnvironment(self.PYTHON, replace(HERE, user=False), os.environ)
        try:
            found = environment.occupants({str(path.parent.resolve()): [path.name] for path in paths}, ())
        finally:
            environment.close()
        return [one.holder for one in found.values()]

    def test_the_standard_library(self) -> None:
        library = Path(os.__file__).parent
        assert self.ask(library / "os.py", library / "json" / "__init__.py") == [Holder.STANDARD_LIBRARY] * 2

    def test_a_module_that_would_be_new_there(self) -> None:
        library = Path(os.__file__).parent
        assert self.ask(library / "sitecustomize.py", library / "new" / "x.py") == [Holder.STANDARD_LIBRARY] * 2

    def test_its_archive_of_modules(self) -> None:
        archive = next(Path(one) for one in sys.path if one.endswith(".zip"))
        assert self.ask(archive) == [Holder.STANDARD_LIBRARY]

    def test_its_own_programs_and_headers(self) -> None:
        headers = self.BASE / "include" / "python{}.{}".format(*sys.version_info) / "Python.h"
        paths = [path for path in (self.PYTHON, headers) if path.exists()]
        assert self.ask(*paths) == [Holder.INTERPRETER] * len(paths)

    def test_its_site_packages_are_no_standard_library(self) -> None:
        library = Path(os.__file__).parent
        assert self.ask(library / "site-packages" / "never-there" / "x.py") == []


class TestElsewhere:
    @pytest.mark.parametrize("linked", [False, True])
    def test_a_target(self, asked: Asked, venv: Venv, tmp_path: Path, linked: bool) -> None:
        """pip looks at nothing that is installed there, and neither is what it writes over any less somebody's."""
        target = venv.path / "target"
        if linked:
            target = venv.path / "link"
            target.symlink_to("target")
            (venv.path / "target").mkdir()
        of = wheel(tmp_path / "wheels", scripts={"tool": "demo:main"})
        plain_pip(venv, "install", "--no-index", "--no-deps", "--target", str(target), str(of.path))
        placement = replace(HERE, target_dir=target)
        paths = ["target/demo/__init__.py", "target/bin/tool"]
        assert owned(asked(*paths, placement=placement)) == {path: ["demo 1.0"] for path in paths}
        if linked:
            target.unlink()

    def test_a_prefix(self, asked: Asked, venv: Venv, tmp_path: Path, site: str) -> None:
        prefix = venv.path / "prefix"
        of = wheel(tmp_path / "wheels", scripts={"tool": "demo:main"})
        plain_pip(venv, "install", "--no-index", "--no-deps", "--prefix", str(prefix), str(of.path))
        paths = [f"prefix/{site}/demo/__init__.py", "prefix/bin/tool"]
        found = asked(*paths, placement=replace(HERE, prefix=prefix))
        assert owned(found) == {path: ["demo 1.0"] for path in paths}
