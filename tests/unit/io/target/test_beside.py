"""The wheels of a plan beside each other and what is installed: real wheels, a real environment, and what pip does."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from safepip.formats.pipfiles import Placement
from safepip.formats.wheel import read_contents
from safepip.io.environment import PythonEnvironment
from safepip.model.evidence import Dossier, Kind, Unavailable
from safepip.model.neighbours import Holder, Neighbours
from safepip.pipeline import beside
from tests.factories import subject
from tests.unit.io.target.conftest import HERE, Venv, plain_pip
from tests.unit.io.target.wheels import Wheel, install, wheel

Told = list[tuple[str, Holder, str]]
Judged = Callable[..., list[Told]]


def dossier(of: Wheel) -> Dossier:
    about = install(of).approved.verdict.subject
    return Dossier(subject=about, evidence=(read_contents(io.BytesIO(of.body), None),))


@pytest.fixture
def judged(venv: Venv) -> Iterator[Judged]:
    """For each wheel what would be lost; the wheels in the order of installation."""
    made = []

    def judge(
        *wheels: Wheel,
        placement: Placement = HERE,
        environ: Mapping[str, str] = os.environ,
        removes: bool = True,
    ) -> list[Told]:
        environment = PythonEnvironment(venv.python, placement, environ)
        made.append(environment)
        found = [one.get(Neighbours) for one in beside([dossier(one) for one in wheels], environment, removes=removes)]
        told = []
        for one in found:
            assert isinstance(one, Neighbours)
            told.append([(clash.path, clash.holder, clash.other) for clash in one.clashes if not clash.same])
        return told

    yield judge
    for one in made:
        one.close()


@pytest.fixture
def shelf(tmp_path: Path) -> Callable[..., Wheel]:
    def make(name: str, version: str = "1.0", **parts: object) -> Wheel:
        return wheel(tmp_path / "wheels", name, version, **parts)  # type: ignore[arg-type]

    return make


Shelf = Callable[..., Wheel]


def pip_installs(venv: Venv, *wheels: Wheel, options: tuple[str, ...] = ()) -> None:
    found = ("--no-index", "--find-links", str(wheels[0].path.parent))
    plain_pip(venv, "install", "--no-compile", *options, *found, *(str(one.path) for one in wheels))


class TestPlan:
    def test_honest_neighbours(self, judged: Judged, shelf: Shelf) -> None:
        shared = {"ns/__init__.py": b"__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n"}
        wheels = [
            shelf(name, files={**shared, f"ns/{name}.py": name.encode()}, scripts={f"{name}-tool": f"{name}:main"})
            for name in ("one", "two", "three")
        ]
        assert judged(*wheels) == [[], [], []]

    def test_a_module_of_another_through_its_data(self, judged: Judged, shelf: Shelf, venv: Venv) -> None:
        site = str(venv.library.relative_to(venv.path))
        one, evil = shelf("one"), shelf("evil", files={f"evil-1.0.data/data/{site}/one/__init__.py": b"evil"})
        told = judged(one, evil)
        assert told[0] == [("one/__init__.py", Holder.PLANNED, "evil 1.0")]
        assert told[1] == [(f"{site}/one/__init__.py", Holder.PLANNED, "one 1.0")]

    def test_a_program_of_another(self, judged: Judged, shelf: Shelf) -> None:
        one = shelf("one", scripts={"tool": "one:main"})
        for evil in (
            shelf("evil", "1", scripts={"tool": "evil:main"}),
            shelf("evil", "2", files={"evil-2.data/scripts/tool": b"#!python\n"}),
            shelf("evil", "3", files={"evil-3.data/data/bin/tool": b"#!/bin/sh\n"}),
        ):
            assert [[(path.rpartition("/")[2], whose) for path, whose, _ in told] for told in judged(one, evil)] == [
                [("tool", Holder.PLANNED)]
            ] * 2

    @pytest.mark.parametrize("name", ["python", "python3", "activate"])
    def test_the_interpreter(self, judged: Judged, shelf: Shelf, name: str) -> None:
        [told] = judged(shelf("evil", files={f"evil-1.0.data/data/bin/{name}": b"#!/bin/sh\n"}))
        assert told == [(f"bin/{name}", Holder.INTERPRETER, "the interpreter")]

    def test_the_settings_of_the_environment(self, judged: Judged, shelf: Shelf) -> None:
        [told] = judged(shelf("evil", files={"evil-1.0.data/data/pyvenv.cfg": b"home = /evil\n"}))
        assert told == [("pyvenv.cfg", Holder.INTERPRETER, "the interpreter")]

    def test_a_wheel_that_cannot_be_read(self, venv: Venv, shelf: Shelf) -> None:
        broken = replace(read_contents(io.BytesIO(shelf("demo").body), None), manifest=None)
        environment = PythonEnvironment(venv.python, HERE, os.environ)
        try:
            unread, unseen, fine = beside(
                [
                    Dossier(subject=subject(), evidence=(broken,)),
                    Dossier(subject=subject(), evidence=()),
                    dossier(shelf("one")),
                ],
                environment,
            )
        finally:
            environment.close()
        for one in (unread, unseen):
            found = one.get(Neighbours)
            assert isinstance(found, Unavailable)
            assert (found.wanted, found.code) == (Kind.NEIGHBOURS, "unreadable")
        assert fine.get(Neighbours) == Neighbours(clashes=())


class TestInstalled:
    def test_a_newer_version_of_the_same(self, judged: Judged, shelf: Shelf, venv: Venv) -> None:
        files = {"x.py": b"1", "demo-1.0.data/headers/demo.h": b"//"}
        pip_installs(venv, shelf("demo", files=files, scripts={"tool": "demo:main"}))
        newer = shelf(
            "demo", "2.0", files={"x.py": b"2", "demo-2.0.data/headers/demo.h": b"/"}, scripts={"tool": "a:b"}
        )
        assert judged(newer) == [[]]

    def test_files_of_another(self, judged: Judged, shelf: Shelf, venv: Venv) -> None:
        pip_installs(venv, shelf("demo", scripts={"tool": "demo:main"}))
        evil = shelf("evil", files={"demo/__init__.py": b"evil"}, scripts={"tool": "evil:main"})
        [told] = judged(evil)
        assert sorted(told) == [
            ("bin/tool", Holder.INSTALLED, "demo 1.0"),
            ("demo/__init__.py", Holder.INSTALLED, "demo 1.0"),
        ]

    def test_the_same_program_from_the_same_entry_point(self, judged: Judged, shelf: Shelf, venv: Venv) -> None:
        pip_installs(venv, shelf("demo", scripts={"tool": "common:main"}))
        assert judged(shelf("alias", scripts={"tool": "common:main"})) == [[]]

    def test_a_module_of_the_same_name(self, judged: Judged, shelf: Shelf, venv: Venv) -> None:
        pip_installs(venv, shelf("old", files={"x.py": b"1"}))
        assert judged(shelf("new", files={"x/__init__.py": b"2"})) == [[("x/__init__.py", Holder.MODULE, "old 1.0")]]
        assert judged(shelf("old", "2.0", files={"x/__init__.py": b"2"})) == [[]]

    def test_a_file_of_nobody(self, judged: Judged, shelf: Shelf, venv: Venv) -> None:
        (venv.library / "x.py").write_text("mine")
        assert judged(shelf("demo", files={"x.py": b"1"})) == [[("x.py", Holder.UNOWNED, "nobody")]]
        assert judged(shelf("demo", files={"x.py": b"mine"})) == [[]]

    def test_with_a_target(self, judged: Judged, shelf: Shelf, venv: Venv) -> None:
        """Nothing is uninstalled there first. Over its own old files pip goes as well."""
        target = venv.path / "target"
        old = shelf("demo", files={"x.py": b"1"}, scripts={"tool": "demo:main"})
        pip_installs(venv, old, options=("--target", str(target)))
        placement = replace(HERE, target_dir=target)
        for upgrade in (False, True):
            upgrading = replace(placement, upgrade=upgrade)
            assert judged(shelf("demo", "2.0", files={"x.py": b"2"}), placement=upgrading) == [[]]
            evil = shelf("evil", files={"evil-1.0.data/data/lib/python/x.py": b"2"}, scripts={"tool": "evil:main"})
            [told] = judged(evil, placement=upgrading)
            assert {path for path, _, other in told if other == "demo 1.0"} == {"lib/python/x.py", "bin/tool"}


class TestAFileThatMoves:
    """From one distribution to another, both of which are brought up to date: pip removes each old version right
    before it installs the new one, dependencies first, and takes along what another has written meanwhile."""

    def test_into_a_dependency(self, judged: Judged, shelf: Shelf, venv: Venv) -> None:
        pip_installs(venv, shelf("old", files={"x.py": b"1"}))
        dependency, newer = shelf("new", files={"x.py": b"2"}), shelf("old", "2.0", requires=["new"])
        assert judged(dependency, newer) == [[("x.py", Holder.REPLACED, "old 1.0")], []]
        pip_installs(venv, newer)
        assert not (venv.library / "x.py").exists()

    def test_where_nothing_is_removed(self, judged: Judged, shelf: Shelf, venv: Venv) -> None:
        pip_installs(venv, shelf("old", files={"x.py": b"1"}))
        dependency, newer = shelf("new", files={"x.py": b"2"}), shelf("old", "2.0", requires=["new"])
        assert judged(dependency, newer, removes=False) == [[], []]
        pip_installs(venv, newer, options=("--ignore-installed",))
        assert (venv.library / "x.py").read_bytes() == b"2"

    def test_into_one_that_depends_on_it(self, judged: Judged, shelf: Shelf, venv: Venv) -> None:
        pip_installs(venv, shelf("old", files={"x.py": b"1"}))
        newer, dependent = shelf("old", "2.0"), shelf("new", files={"x.py": b"2"}, requires=["old>=2"])
        assert judged(newer, dependent) == [[], []]
        pip_installs(venv, dependent)
        assert (venv.library / "x.py").read_bytes() == b"2"
