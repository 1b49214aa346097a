"""Nothing that was installed takes part in its own compilation, and nothing else is compiled."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from safepip.errors import PipFailed
from safepip.io import bytecode
from safepip.io.bytecode import Compiler
from safepip.io.probe import Interpreter
from safepip.model.ident import Sha256
from safepip.model.plan import Install
from tests.unit.io.target.conftest import Rigging, Venv
from tests.unit.io.target.wheels import install, plan, wheel


def receipt(step: Install, record: Sha256, byte_code: Mapping[str, Sha256]) -> bytes:  # noqa: ARG001
    return f"{step.pin.project} {record}".encode()


def running(marker: Path) -> bytes:
    """A line of Python that leaves a file."""
    return f"import pathlib; pathlib.Path({str(marker)!r}).touch()\n".encode()


@pytest.fixture
def interpreter(rig: Rigging) -> Interpreter:
    return rig().environment.interpreter


def distribution(folder: Path, *listed: str) -> Path:
    """A .dist-info whose RECORD lists these."""
    dist_info = folder / "demo-1.0.dist-info"
    dist_info.mkdir(parents=True)
    (dist_info / "RECORD").write_text("".join(f"{path},,\n" for path in listed))
    return dist_info


class TestNothingInstalledRuns:
    @pytest.mark.parametrize("name", ["evil.pth", "sitecustomize.py", "usercustomize.py"])
    def test_no_site_file(self, rig: Rigging, venv: Venv, tmp_path: Path, name: str) -> None:
        marker = tmp_path / "ran"
        of = wheel(tmp_path / "wheels", files={name: running(marker)})
        assert rig().pip.install(plan(install(of)), receipt) == ()
        assert (venv.library / name).is_file()
        assert list((venv.library / "demo" / "__pycache__").iterdir())
        assert not marker.exists()

    def test_the_target_itself_as_compiler_reads_no_site_file(self, interpreter: Interpreter, tmp_path: Path) -> None:
        marker = tmp_path / "ran"
        library = interpreter.paths["purelib"]
        (library / "evil.pth").write_bytes(running(marker))
        (library / "demo.py").write_text("x = 1")
        dist_info = distribution(library, "demo.py", "evil.pth")
        compiler = Compiler(replace(interpreter, compiler=interpreter.path))
        rows, warnings = compiler.compile([dist_info], [library], os.environ)
        assert (len(rows[dist_info]), warnings) == (1, [])
        assert not marker.exists()

    @pytest.mark.parametrize("place", ["data/bin/python", "scripts/python"])
    def test_a_replaced_interpreter(self, rig: Rigging, venv: Venv, tmp_path: Path, place: str) -> None:
        marker = tmp_path / "ran"
        original = venv.python.readlink()
        program = f"#!/bin/sh\ntouch {marker}\necho '{{}}'\n".encode()
        of = wheel(tmp_path / "wheels", files={f"demo-1.0.data/{place}": program})
        try:
            rig().pip.install(plan(install(of)), receipt)
            assert venv.python.read_bytes() == program
            assert not marker.exists()
        finally:
            venv.python.unlink()
            venv.python.symlink_to(original)

    def test_a_replaced_interpreter_that_is_the_only_one(self, tmp_path: Path, interpreter: Interpreter) -> None:
        alone = tmp_path / "bin" / "python"
        alone.parent.mkdir()
        alone.symlink_to(interpreter.compiler)
        compiler = Compiler(replace(interpreter, path=alone, compiler=alone))
        (tmp_path / "lib").mkdir()
        (tmp_path / "lib" / "demo.py").write_text("x = 1")
        dist_info = distribution(tmp_path / "lib", "demo.py")
        rows, warnings = compiler.compile([dist_info], [tmp_path / "lib"], os.environ)
        assert (len(rows[dist_info]), warnings) == (1, [])
        (tmp_path / "pyvenv.cfg").write_text("home = /elsewhere")
        assert compiler.compile([dist_info], [tmp_path / "lib"], os.environ) == ({dist_info: ()}, [bytecode._REPLACED])
        (tmp_path / "pyvenv.cfg").unlink()
        alone.unlink()
        alone.write_text("#!/bin/sh\ntouch ran\n")
        assert compiler.compile([dist_info], [tmp_path / "lib"], os.environ)[1] == [bytecode._REPLACED]

    def test_a_replaced_module_of_the_interpreter(self, tmp_path: Path, interpreter: Interpreter) -> None:
        library = tmp_path / "lib" / "site-packages"
        dist_info = distribution(library, "demo.py", "../json.py")
        for name in ("demo.py", "../json.py"):
            (library / name).write_text("x = 1")
        compiler = Compiler(replace(interpreter, standard_library=(tmp_path / "lib",)))
        assert compiler.compile([dist_info], [library], os.environ) == ({}, [bytecode._REPLACED])
        assert not (library / "__pycache__").exists()


@pytest.fixture
def alone(tmp_path: Path, interpreter: Interpreter) -> Interpreter:
    """One that is no virtual environment, and compiles for itself."""
    prefix = tmp_path / "python"
    library = prefix / "lib" / "python3" / "site-packages"
    library.mkdir(parents=True)
    (library / "demo.py").write_text("x = 1")
    (prefix / "bin").mkdir()
    program = prefix / "bin" / "python"
    program.symlink_to(interpreter.compiler)
    paths = {"purelib": library, "platlib": library, "scripts": prefix / "bin", "data": prefix}
    own = replace(interpreter, path=program, compiler=program, prefix=prefix, base_prefix=prefix, paths=paths)
    return replace(own, standard_library=(prefix / "lib" / "python3",))


def put(library: Path, listed: str) -> None:
    place = library / listed
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("x = 1")


class TestNotAVirtualEnvironment:
    @pytest.mark.parametrize(
        "name",
        ["lib/python312.zip", "lib/libpython3.12.so.1.0", "share/demo/notes", "bin/lib/module.py", "pyvenv.cfg"],
    )
    def test_nothing_is_compiled_when_files_were_put_beside_it(self, alone: Interpreter, name: str) -> None:
        library = alone.paths["purelib"]
        dist_info = distribution(library, "demo.py", f"../../../{name}")
        compiler = Compiler(alone)
        put(library, f"../../../{name}")
        rows, warnings = compiler.compile([dist_info], [library], os.environ)
        assert not any(rows.values())
        assert warnings in ([bytecode._BESIDE], [bytecode._REPLACED])
        assert not (library / "__pycache__").exists()

    def test_nor_when_a_build_tree_is_feigned_among_the_scripts(self, alone: Interpreter) -> None:
        library = alone.paths["purelib"]
        dist_info = distribution(library, "demo.py", "../../../bin/pybuilddir.txt")
        compiler = Compiler(alone)
        put(library, "../../../bin/pybuilddir.txt")
        assert compiler.compile([dist_info], [library], os.environ)[1] == [bytecode._REPLACED]

    def test_nor_when_the_library_folder_holds_the_interpreter(self, alone: Interpreter) -> None:
        (alone.prefix / "demo.py").write_text("x = 1")
        put(alone.prefix, "lib/python312.zip")
        dist_info = distribution(alone.prefix, "demo.py", "lib/python312.zip")
        assert Compiler(alone).compile([dist_info], [alone.prefix], os.environ) == ({}, [bytecode._BESIDE])

    def test_nor_when_a_record_cannot_be_read(self, alone: Interpreter) -> None:
        library = alone.paths["purelib"]
        honest = distribution(library, "demo.py")
        silent = library / "evil-1.0.dist-info"
        silent.mkdir()
        (silent / "RECORD").write_bytes(b"\xff")
        assert Compiler(alone).compile([honest, silent], [library], os.environ) == ({}, [bytecode._BESIDE])

    def test_modules_scripts_and_what_is_not_there_are_no_obstacle(self, alone: Interpreter) -> None:
        library = alone.paths["purelib"]
        dist_info = distribution(library, "demo.py", "deep/notes.txt", "../../../bin/tool", "../../../share/missing")
        for name in ("deep/notes.txt", "../../../bin/tool"):
            put(library, name)
        rows, warnings = Compiler(alone).compile([dist_info], [library], os.environ)
        assert (len(rows[dist_info]), warnings) == (1, [])

    def test_the_scripts_of_a_user_are_scripts_too(self, alone: Interpreter, tmp_path: Path) -> None:
        library = tmp_path / "home" / "lib" / "python3" / "site-packages"
        dist_info = distribution(library, "demo.py", "../../../bin/tool")
        for name in ("demo.py", "../../../bin/tool"):
            put(library, name)
        rows, warnings = Compiler(alone).compile([dist_info], [library], os.environ)
        assert (len(rows[dist_info]), warnings) == (1, [])

    def test_a_virtual_environment_has_its_compiler_elsewhere(self, rig: Rigging, venv: Venv, tmp_path: Path) -> None:
        of = wheel(tmp_path / "wheels", files={"demo-1.0.data/data/share/python312.zip": b"no zip"})
        assert rig().pip.install(plan(install(of)), receipt) == ()
        assert (venv.path / "share" / "python312.zip").is_file()
        assert list((venv.library / "demo" / "__pycache__").iterdir())


class TestWhichInterpreter:
    def test_the_base_of_a_virtual_environment(self, interpreter: Interpreter) -> None:
        assert not interpreter.compiler.is_relative_to(interpreter.prefix)
        assert interpreter.compiler.is_file()
        assert interpreter.byte_code[0] == sys.implementation.cache_tag

    def test_one_of_other_byte_code_gives_way(self, tmp_path: Path, interpreter: Interpreter) -> None:
        (tmp_path / "demo.py").write_text("x = 1")
        dist_info = distribution(tmp_path, "demo.py")
        other = tmp_path / "other"
        other.write_text("#!/bin/sh\necho null\n")
        other.chmod(0o755)
        for first in (other, tmp_path / "missing"):
            rows, warnings = Compiler(replace(interpreter, compiler=first)).compile([dist_info], [tmp_path], os.environ)
            assert (len(rows[dist_info]), warnings) == (1, [])

    def test_none_at_all_is_told(self, tmp_path: Path, interpreter: Interpreter) -> None:
        (tmp_path / "demo.py").write_text("x = 1")
        dist_info = distribution(tmp_path, "demo.py")
        compiler = Compiler(replace(interpreter, byte_code=("cpython-0", "00")))
        assert compiler.compile([dist_info], [tmp_path], os.environ) == ({dist_info: ()}, [bytecode._NO_COMPILER])


class TestOnlyTheLibrary:
    def test_paths_that_climb_are_left_alone(self, tmp_path: Path, interpreter: Interpreter) -> None:
        library = tmp_path / "lib" / "site-packages"
        outside = tmp_path / "x.py"
        dist_info = distribution(
            library, "demo.py", "../../x.py", str(outside), "link.py", "way/x.py", "demo-1.0.dist-info/../../y.py"
        )
        for place in (library / "demo.py", outside, library.parent / "y.py"):
            place.write_text("x = 1")
        (library / "link.py").symlink_to(outside)
        (library / "way").symlink_to(tmp_path)
        rows, _ = Compiler(interpreter).compile([dist_info], [library], os.environ)
        assert [row.path for row in rows[dist_info]] == [f"__pycache__/demo.{interpreter.byte_code[0]}.pyc"]
        assert [path.relative_to(library).parts[0] for path in tmp_path.rglob("*.pyc")] == ["__pycache__"]

    def test_a_wheel_that_lists_a_foreign_file(self, rig: Rigging, tmp_path: Path) -> None:
        foreign = tmp_path / "foreign.py"
        foreign.write_text("x = 1")
        of = wheel(tmp_path / "wheels", also_listed=[str(foreign), "../../../foreign.py"])
        with pytest.raises(PipFailed) as caught:  # its RECORD is none that the judged files make
            rig().pip.install(plan(install(of)), receipt)
        assert caught.value.reference == "installed-differs"
        assert not (tmp_path / "__pycache__").exists()

    def test_scripts_and_data_are_not_modules(self, rig: Rigging, venv: Venv, tmp_path: Path) -> None:
        files = {"demo-1.0.data/scripts/tool.py": b"x = 1\n", "demo-1.0.data/data/share/demo/notes.py": b"x = 1\n"}
        rig().pip.install(plan(install(wheel(tmp_path / "wheels", files=files))), receipt)
        assert (venv.path / "share" / "demo" / "notes.py").is_file()
        assert {path.is_relative_to(venv.library) for path in venv.path.rglob("*.pyc")} == {True}

    def test_both_library_folders(self, tmp_path: Path, interpreter: Interpreter) -> None:
        pure, platform = tmp_path / "lib", tmp_path / "lib64"
        dist_info = distribution(pure, "../lib64/fast.py")
        platform.mkdir()
        (platform / "fast.py").write_text("x = 1")
        rows, _ = Compiler(interpreter).compile([dist_info], [pure, platform], os.environ)
        assert len(rows[dist_info]) == 1
