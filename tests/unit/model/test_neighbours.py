"""Which wheels of a plan stand in each other's way, and in the way of what is there."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection, Mapping

import pytest

from safepip.model.collisions import Collisions, Writer, programs
from safepip.model.contents import EntryPoint, Manifest, PackedFile
from safepip.model.neighbours import Clash, Holder, Occupant, Owner
from tests.factories import project

SITE = "/env/lib/python3.12/site-packages"


def packed(place: str, body: str = "", scheme: str = "purelib") -> PackedFile:
    return PackedFile(
        path=place, scheme=scheme, place=place, sha256=hashlib.sha256(body.encode()).digest(), size=len(body)
    )


def console(name: str, value: str) -> EntryPoint:
    return EntryPoint(group="console_scripts", name=name, value=value)


def writer(name: str, *files: PackedFile, entries: Collection[EntryPoint] = (), replaces: bool = False) -> Writer:
    return Writer(
        project=project(name),
        title=f"{name} 1.0",
        manifest=Manifest(dist_info=f"{name}-1.0.dist-info", files=files, entry_points=tuple(entries)),
        schemes={
            "purelib": SITE,
            "platlib": SITE,
            "scripts": "/env/bin",
            "headers": f"/env/include/site/python3.12/{name}",
            "data": "/env",
        },
        python="3.12",
        suffix="",
        replaces=replaces,
    )


def lib64(folders: Collection[str]) -> Mapping[str, str]:
    """As in a virtual environment on Linux: lib64 leads to lib."""
    return {one: one.replace("/env/lib64", "/env/lib") for one in folders if one.startswith("/env/lib64")}


def clashes(*writers: Writer, held: Mapping[str, Occupant] | None = None) -> list[tuple[Clash, ...]]:
    return [one.clashes for one in Collisions(writers, lib64).neighbours(held or {})]


def told(found: tuple[Clash, ...]) -> list[tuple[str, Holder, str, bool]]:
    return [(one.path, one.holder, one.other, one.same) for one in found]


def installed(*names: str, sha256: bytes | None = None, script: EntryPoint | None = None) -> Occupant:
    owners = tuple(Owner(project=project(name), version="0.9", script=script) for name in names)
    return Occupant(holder=Holder.INSTALLED, owners=owners, sha256=sha256)


class TestOneOfThePlanAndAnother:
    def test_nothing_in_common(self) -> None:
        assert clashes(writer("a", packed("a.py")), writer("b", packed("b.py"))) == [(), ()]

    def test_both_are_told(self) -> None:
        one, other = clashes(writer("a", packed("x/y.py", "1")), writer("b", packed("x/y.py", "2")))
        assert told(one) == [("x/y.py", Holder.PLANNED, "b 1.0", False)]
        assert told(other) == [("x/y.py", Holder.PLANNED, "a 1.0", False)]

    def test_equal_bytes_are_nobodys_loss(self) -> None:
        found = clashes(*(writer(name, packed("ns/__init__.py")) for name in "abc"))
        assert [[clash.same for clash in one] for one in found] == [[True]] * 3
        assert {clash.other for clash in found[0]} == {"b 1.0"}

    def test_of_many_the_first_that_differs_is_named(self) -> None:
        found = clashes(*(writer(name, packed("ns/__init__.py", name * (name == "c"))) for name in "abcd"))
        assert [told(one)[0][2:] for one in found] == [
            ("c 1.0", False),
            ("c 1.0", False),
            ("a 1.0", False),
            ("c 1.0", False),
        ]

    @pytest.mark.parametrize(
        "file",
        [
            packed("lib/python3.12/site-packages/x.py", "2", "data"),
            packed("lib64/python3.12/site-packages/x.py", "2", "data"),
            packed("x.py", "2", "platlib"),
        ],
        ids=lambda file: file.place,
    )
    def test_through_another_scheme(self, file: PackedFile) -> None:
        one, other = clashes(writer("a", packed("x.py", "1")), writer("b", file))
        assert (len(one), len(other)) == (1, 1)
        assert other[0].member == file.path

    def test_the_headers_of_another_through_data(self) -> None:
        data = packed("include/site/python3.12/a/a.h", "2", "data")
        one, other = clashes(writer("a", packed("a.h", "1", "headers")), writer("b", data))
        assert (one[0].path, other[0].path) == ("a/a.h", "include/site/python3.12/a/a.h")

    def test_a_file_where_another_needs_a_folder(self) -> None:
        one, other = clashes(writer("a", packed("x", "1")), writer("b", packed("x/deep/er/y.py", "2")))
        assert told(one) == [("x", Holder.PLANNED, "b 1.0", False)]
        assert told(other) == [("x/deep/er/y.py", Holder.PLANNED, "a 1.0", False)]

    def test_case_tells_names_apart(self) -> None:
        assert clashes(writer("a", packed("X.py", "1")), writer("b", packed("x.py", "2"))) == [(), ()]


class TestOneModuleByTwoPaths:
    @pytest.mark.parametrize(
        ("mine", "theirs"),
        [
            ("six.py", "six/__init__.py"),
            ("six.py", "six/deep/er.py"),
            ("fast.py", "fast.cpython-312-x86_64-linux-gnu.so"),
            ("ns/part.py", "ns/part.abi3.so"),
            ("ns/part/__init__.py", "ns/part.pyd"),
        ],
    )
    def test_an_import_finds_but_one(self, mine: str, theirs: str) -> None:
        one, other = clashes(writer("a", packed(mine)), writer("b", packed(theirs)))
        assert told(one) == [(mine, Holder.MODULE, "b 1.0", False)]
        assert told(other) == [(theirs, Holder.MODULE, "a 1.0", False)]

    def test_whoever_also_writes_into_the_folder(self) -> None:
        _, other = clashes(
            writer("a", packed("six.py"), packed("six/data.txt")), writer("b", packed("six/__init__.py"))
        )
        assert told(other) == [("six/__init__.py", Holder.MODULE, "a 1.0", False)]

    @pytest.mark.parametrize(
        ("mine", "theirs"),
        [
            (packed("six.py"), packed("six.txt")),
            (packed("six.py"), packed("six.dist/x.py")),
            (packed("ns/one.py"), packed("ns/two/__init__.py")),
            (packed("share/six.py", scheme="data"), packed("share/six/x", scheme="data")),
            (packed("six.py"), packed("six/x.h", scheme="headers")),
            (packed("tool.py", scheme="scripts"), packed("tool/x", scheme="scripts")),
        ],
    )
    def test_what_is_no_import(self, mine: PackedFile, theirs: PackedFile) -> None:
        assert clashes(writer("a", mine), writer("b", theirs)) == [(), ()]

    def test_a_distribution_by_itself_may_have_both(self) -> None:
        assert clashes(writer("a", packed("x.py"), packed("x.so"), packed("x/y.py")), writer("b")) == [(), ()]

    def test_those_that_are_made_to_be_side_by_side(self) -> None:
        assert clashes(writer("pytest", packed("py.py")), writer("py", packed("py/__init__.py"))) == [(), ()]
        assert any(clashes(writer("evil", packed("py/x.py")), writer("pytest", packed("py.py"))))

    def test_an_installed_one(self) -> None:
        held = {f"{SITE}/six.so": installed("six"), f"{SITE}/ns": installed("b"), f"{SITE}/c.py": installed("a")}
        held[f"{SITE}/d.py"] = Occupant(holder=Holder.UNOWNED, owners=(), sha256=None)
        mine = writer("a", *map(packed, ("six/__init__.py", "ns/x.py", "c/__init__.py", "d.so")), replaces=True)
        assert told(*clashes(mine, held=held)) == [("six/__init__.py", Holder.MODULE, "six 0.9", False)]

    def test_many_in_linear_time(self) -> None:
        begun = time.process_time()
        first = writer("a", *(packed(f"x.{number}.so") for number in range(20_000)))
        assert len(clashes(first, writer("b", packed("x.py")))[0]) == 1
        assert time.process_time() - begun < 5


class TestPrograms:
    def test_the_same_program_of_two(self) -> None:
        one, other = clashes(
            writer("a", entries=[console("tool", "a:main")]), writer("b", entries=[console("tool", "b:main")])
        )
        assert told(one) == [("bin/tool", Holder.PLANNED, "b 1.0", False)]
        assert other[0].member == "the entry point tool"

    def test_from_the_same_entry_point(self) -> None:
        entry = console("tool", "common:main")
        found = clashes(writer("a", entries=[entry]), writer("b", entries=[entry]))
        assert [one[0].same for one in found] == [True, True]

    @pytest.mark.parametrize("scheme", ["scripts", "data"])
    def test_a_script_that_comes_ready_made(self, scheme: str) -> None:
        file = packed("tool" if scheme == "scripts" else "bin/tool", "#!/bin/sh", scheme)
        found = clashes(writer("a", entries=[console("tool", "a:main")]), writer("b", file))
        assert [one[0].same for one in found] == [False, False]

    def test_entry_points_that_are_no_programs_are_no_files(self) -> None:
        plugin = EntryPoint(group="plugins", name="tool", value="a:b")
        assert clashes(writer("a", entries=[plugin]), writer("b", entries=[plugin])) == [(), ()]

    def test_those_of_pip_are_named_after_the_target(self) -> None:
        entries = [console(name, "pip:main") for name in ("pip", "pip3", "pip3.9")]
        assert [name for name, _ in programs(entries, "3.12")] == ["pip", "pip3", "pip3.12"]
        made = [
            name for name, _ in programs([console("easy_install", "a:b"), console("easy_install-3.9", "a:b")], "3.12")
        ]
        assert made == ["easy_install", "easy_install-3.12"]
        found = clashes(writer("pip", entries=entries), writer("b", packed("pip3.12", "evil", "scripts")))
        assert [len(one) for one in found] == [1, 1]


class TestOneWheelWithItself:
    def test_two_members_for_one_path(self) -> None:
        [found] = clashes(writer("a", packed("x.py", "1"), packed("x.py", "2", "platlib")))
        assert {(one.path, one.holder, one.same) for one in found} == {("x.py", Holder.ITSELF, False)}

    def test_a_script_and_an_entry_point(self) -> None:
        """pip leaves the script out, others do not."""
        [found] = clashes(writer("a", packed("tool", "#!", "scripts"), entries=[console("tool", "a:b")]))
        assert {(one.path, one.holder) for one in found} == {("bin/tool", Holder.ITSELF)}

    def test_a_program_on_the_console_and_off_it(self) -> None:
        graphical = EntryPoint(group="gui_scripts", name="tool", value="a:graphical")
        [found] = clashes(writer("a", entries=[console("tool", "a:b"), graphical]))
        assert {(one.holder, one.same) for one in found} == {(Holder.ITSELF, False)}

    def test_what_has_no_place_is_written_nowhere(self) -> None:
        assert clashes(writer("a", packed("x", scheme="elsewhere"))) == [()]


class TestWhatIsThere:
    PATH = f"{SITE}/x.py"

    def test_another_distribution(self) -> None:
        [found] = clashes(writer("a", packed("x.py", "1")), held={self.PATH: installed("other")})
        assert told(found) == [("x.py", Holder.INSTALLED, "other 0.9", False)]

    def test_its_own_older_version(self) -> None:
        assert clashes(writer("a", packed("x.py", "1")), held={self.PATH: installed("a")}) == [()]

    def test_another_beside_its_own_older_version(self) -> None:
        """Equal when both were installed, and not any more."""
        [found] = clashes(writer("a", packed("x.py", "2"), replaces=True), held={self.PATH: installed("a", "other")})
        assert told(found) == [("x.py", Holder.INSTALLED, "other 0.9", False)]

    def test_equal_bytes(self) -> None:
        file = packed("x.py", "1")
        [found] = clashes(writer("a", file), held={self.PATH: installed("other", sha256=file.sha256)})
        assert [one.same for one in found] == [True]

    def test_a_program_of_the_same_entry_point(self) -> None:
        entry = console("tool", "common:main")
        for value, same in (("common:main", True), ("evil:main", False)):
            held = {"/env/bin/tool": installed("other", sha256=b"made", script=entry)}
            [found] = clashes(writer("a", entries=[console("tool", value)]), held=held)
            assert [one.same for one in found] == [same]

    @pytest.mark.parametrize("holder", [Holder.INTERPRETER, Holder.STANDARD_LIBRARY, Holder.UNOWNED])
    def test_nobodys_and_the_interpreters(self, holder: Holder) -> None:
        file = packed("x.py", "1")
        for digest, same in ((None, False), (b"other", False), (file.sha256, True)):
            held = {self.PATH: Occupant(holder=holder, owners=(), sha256=digest)}
            [found] = clashes(writer("a", file), held=held)
            assert [(one.holder, one.same) for one in found] == [(holder, same)]

    def test_a_file_that_went_from_one_to_another(self) -> None:
        """pip installs in this order, and removes each old version right before its new one."""
        new, held = writer("new", packed("x.py", "1")), {self.PATH: installed("old")}
        old = writer("old", packed("rest.py"), replaces=True)
        first, second = clashes(new, old, held=held)
        assert told(first) == [("x.py", Holder.REPLACED, "old 0.9", False)]
        assert second == ()
        assert clashes(old, new, held=held) == [(), ()]

    def test_a_file_that_both_go_on_writing(self) -> None:
        held = {self.PATH: installed("a", "b")}
        found = clashes(*(writer(name, packed("x.py", "1"), replaces=True) for name in "ab"), held=held)
        assert [told(one) for one in found] == [
            [("x.py", Holder.PLANNED, "b 1.0", True)],
            [("x.py", Holder.PLANNED, "a 1.0", True)],
        ]


def test_many_wheels_of_many_files_that_all_want_the_same_path() -> None:
    """A hostile plan cannot have all pairs told: that would be 90,000 here, for each of the paths."""
    files = [packed(f"ns/{number}.py", "") for number in range(100)]
    writers = [writer(f"p{number}", *files, packed("ns/__init__.py", str(number))) for number in range(300)]
    begun = time.process_time()
    found = clashes(*writers)
    assert time.process_time() - begun < 5
    assert {len(one) for one in found} == {101}
    assert {sum(not clash.same for clash in one) for one in found} == {1}


def test_deep_folders_that_nobody_shares_cost_no_more_than_their_names() -> None:
    """Of 5,000 chains of 100 folders only those that have files are remembered."""
    files = [packed(f"{number}/" + "d/" * 98 + "x.py") for number in range(5_000)]
    begun = time.process_time()
    assert clashes(writer("a", *files), writer("b", packed("7/d/d", "a file"))) == [
        (Clash(path=files[7].place, member=files[7].path, holder=Holder.PLANNED, other="b 1.0", same=False),),
        (Clash(path="7/d/d", member="7/d/d", holder=Holder.PLANNED, other="a 1.0", same=False),),
    ]
    assert time.process_time() - begun < 5
