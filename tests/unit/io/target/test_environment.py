"""The target environment: found, probed and looked at, with a real interpreter."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.tags import sys_tags

from safepip.errors import EnvironmentFault
from safepip.io.environment import PythonEnvironment
from safepip.io.installed import Installed
from safepip.io.probe import PROGRAMS, Probe, oldest_python
from safepip.model.ident import ProjectName
from tests.unit.io.target.conftest import HERE, Venv
from tests.unit.io.target.wheels import wheel

DEMO = ProjectName.parse("demo")


def fake_python(folder: Path, script: str) -> Path:
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


class TestProbe:
    def test_a_virtual_environment(self, venv: Venv) -> None:
        told = Probe(venv.python, os.environ).result()
        assert told.prefix == venv.path
        assert told.virtual
        assert told.paths["purelib"] == venv.library
        assert told.paths["scripts"] == venv.path / "bin"
        assert told.user_site is None
        assert told.marker is None
        assert list(told.target.tags) == list(sys_tags())
        assert dict(told.target.markers) == dict(default_environment())

    def test_the_targets_own_packaging_is_not_used(self, venv: Venv) -> None:
        hostile = venv.library / "packaging"
        hostile.mkdir()
        (hostile / "__init__.py").write_text("raise SystemExit('the wrong one')\n")
        assert Probe(venv.python, os.environ).result().target.tags

    def test_nothing_is_written_beside_our_packaging(self, venv: Venv) -> None:
        import packaging

        folder = Path(packaging.__file__).parent
        before = sorted(folder.rglob("*.pyc"))
        Probe(venv.python, {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}).result()
        assert sorted(folder.rglob("*.pyc")) == before

    def test_an_interpreter_that_is_too_old(self, tmp_path: Path) -> None:
        with pytest.raises(EnvironmentFault) as caught:
            Probe(fake_python(tmp_path, 'echo \'{"python": "3.8.18"}\''), os.environ).result()
        assert caught.value.reference == "target-python-too-old"
        assert oldest_python() in caught.value.message

    @pytest.mark.parametrize(
        "script", ["echo nonsense", "echo '{}'", 'echo \'{"python": "3.12.1"}\'', "echo oops >&2; exit 3", "kill -9 $$"]
    )
    def test_one_that_does_not_describe_itself(self, tmp_path: Path, script: str) -> None:
        with pytest.raises(EnvironmentFault) as caught:
            Probe(fake_python(tmp_path, script), os.environ).result()
        assert caught.value.reference == "cannot-run"

    def test_one_that_cannot_be_started(self, tmp_path: Path) -> None:
        with pytest.raises(EnvironmentFault, match="cannot be asked"):
            Probe(tmp_path / "missing", os.environ)

    def test_one_that_is_not_waited_for(self, tmp_path: Path) -> None:
        probe = Probe(fake_python(tmp_path, "sleep 60"), os.environ)
        probe.close()
        assert probe._question._process.poll() is not None

    def test_programs_for_the_target_speak_python_3_8(self) -> None:
        programs = [path for path in PROGRAMS.glob("*.py") if path.name != "__init__.py"]
        assert len(programs) == 2
        for program in programs:
            tree = ast.parse(program.read_text(), feature_version=(3, 8))
            named = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
            assert not any(name.startswith("safepip") for name in named)

    def test_an_old_interpreter_tells_its_version_alone(self) -> None:
        program = [sys.executable, "-I", str(PROGRAMS / "probe_interpreter.py"), "/nowhere", "99.0"]
        told = subprocess.run(program, check=True, capture_output=True, text=True)
        assert told.stdout == f'{{"python": "{sys.version.split()[0]}"}}'


class TestInstalled:
    def test_what_is_there(self, venv: Venv, tmp_path: Path) -> None:
        venv.put(wheel(tmp_path, "Demo_Thing", "1.0", requires=["other>=2; extra == 'x'"]))
        installed = PythonEnvironment(venv.python, HERE, os.environ).installed()
        found = installed[ProjectName.parse("demo-thing")]
        assert str(found.version) == "1.0"
        assert found.location == venv.library / "Demo_Thing-1.0.dist-info"
        assert [str(one) for one in found.requires_dist] == ['other>=2; extra == "x"']
        assert "nothing" not in installed
        assert installed.versions() == {"demo-thing": "1.0"}

    def test_metadata_are_read_when_asked_for(self, venv: Venv, tmp_path: Path) -> None:
        venv.put(wheel(tmp_path))
        installed = Installed([venv.library])
        (venv.library / "demo-1.0.dist-info" / "METADATA").unlink()
        assert installed.get(DEMO) is None
        assert any("Ignoring invalid distribution 'demo-1.0.dist-info'" in warning for warning in installed.warnings)

    def test_old_forms_and_broken_ones(self, tmp_path: Path) -> None:
        egg = tmp_path / "old_style-2.0-py3.12.egg-info"
        egg.mkdir()
        (egg / "PKG-INFO").write_text("Metadata-Version: 1.0\nName: old-style\nVersion: 2.0\n")
        (egg / "requires.txt").write_text("one\n\n[extra]\ntwo>1\n")
        (tmp_path / "single-3.0.egg-info").write_text("Metadata-Version: 1.0\nName: single\nVersion: 3.0\n")
        for name, text in (
            ("bad", "Version: not a version"),
            ("none", "Name: none"),
            ("req", "Version: 1\nRequires-Dist: (("),
        ):
            info = tmp_path / f"{name}-1.dist-info"
            info.mkdir()
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\n{text}\n")
        (tmp_path / "~emo-1.0.dist-info").mkdir()
        installed = Installed([tmp_path])
        assert installed.versions() == {"old-style": "2.0", "single": "3.0"}
        assert len(installed) == 2
        old = installed[ProjectName.parse("old-style")]
        assert [str(one) for one in old.requires_dist] == ["one", 'two>1; extra == "extra"']
        assert len(installed.warnings) == 4

    def test_the_first_folder_counts(self, venv: Venv, tmp_path: Path) -> None:
        venv.put(wheel(tmp_path / "wheels", "demo", "1.0"))
        other = tmp_path / "other"
        info = other / "demo-2.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: demo\nVersion: 2.0\n")
        assert Installed([other, tmp_path / "missing", venv.library]).versions() == {"demo": "2.0"}

    def test_a_target_folder_leaves_it_out_of_account(self, venv: Venv, tmp_path: Path) -> None:
        venv.put(wheel(tmp_path))
        placement = replace(HERE, target_dir=tmp_path / "into")
        environment = PythonEnvironment(venv.python, placement, os.environ)
        assert list(environment.installed()) == []
        assert environment.target().tags


class TestCheck:
    def environment(self, venv: Venv, marker: Path | None = None, **changes: object) -> PythonEnvironment:
        environment = PythonEnvironment(venv.python, replace(HERE, **changes), os.environ)  # type: ignore[arg-type]
        environment._probe._result = replace(environment.interpreter, marker=marker)
        return environment

    def test_a_virtual_environment_is_fine(self, venv: Venv) -> None:
        environment = self.environment(venv)
        environment.check()
        assert environment.library_folders() == (venv.library,)

    def test_externally_managed_in_the_vendors_words(self, venv: Venv, tmp_path: Path) -> None:
        marker = tmp_path / "EXTERNALLY-MANAGED"
        marker.write_text("[externally-managed]\nError=Use the package manager,\n friend.\n")
        with pytest.raises(EnvironmentFault) as caught:
            self.environment(venv, marker).check()
        assert caught.value.reference == "externally-managed-environment"
        assert ("reason", "Use the package manager,\nfriend.") in caught.value.context
        assert "--break-system-packages" in str(caught.value.hint)

    @pytest.mark.parametrize("body", [b"", b"[externally-managed]\n", b"\xff\xfe", b"nonsense", b"[other]\nError=x\n"])
    def test_externally_managed_without_words(self, venv: Venv, tmp_path: Path, body: bytes) -> None:
        marker = tmp_path / "EXTERNALLY-MANAGED"
        marker.write_bytes(body)
        with pytest.raises(EnvironmentFault) as caught:
            self.environment(venv, marker).check()
        assert "is managed externally" in caught.value.context[0][1]

    def test_what_lifts_it(self, venv: Venv, tmp_path: Path) -> None:
        marker = tmp_path / "EXTERNALLY-MANAGED"
        marker.write_text("")
        self.environment(venv, marker, break_system_packages=True).check()
        self.environment(venv, marker, target_dir=tmp_path / "into").check()
        self.environment(venv, marker, prefix=tmp_path / "into").check()

    def test_a_target_that_is_a_file(self, venv: Venv, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(EnvironmentFault, match="is not a directory"):
            self.environment(venv, target_dir=tmp_path / "file").check()

    def test_not_writable(self, venv: Venv, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "access", lambda path, mode: path != venv.library)  # noqa: ARG005
        with pytest.raises(EnvironmentFault) as caught:
            self.environment(venv).check()
        assert caught.value.reference == "target-not-writable"

    def test_user_install_where_nothing_else_is_possible(
        self, venv: Venv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        environment = self.environment(venv)
        folders = {
            **environment.interpreter.schemes["user"],
            "purelib": tmp_path / "user",
            "platlib": tmp_path / "user",
        }
        schemes = {**environment.interpreter.schemes, "user": folders}
        environment._probe._result = replace(environment.interpreter, user_site=tmp_path / "user", schemes=schemes)
        assert not environment.user()
        monkeypatch.setattr(os, "access", lambda path, mode: path != venv.library)  # noqa: ARG005
        assert environment.user()
        assert environment.library_folders() == (tmp_path / "user",)
        environment.check()

    def test_no_user_site_to_install_into(self, venv: Venv) -> None:
        with pytest.raises(EnvironmentFault, match="Can not perform a '--user' install"):
            self.environment(venv, user=True).check()

    def test_below_a_root(self, venv: Venv, tmp_path: Path) -> None:
        folders = self.environment(venv, root=tmp_path / "image").library_folders()
        assert folders == (tmp_path / "image" / venv.library.relative_to("/"),)


def test_the_base_interpreter_has_a_user_site() -> None:
    base = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info[1]}"
    told = Probe(base, {**os.environ, "PYTHONUSERBASE": "/somewhere"}).result()
    assert not told.virtual
    assert str(told.user_site).startswith("/somewhere/")
