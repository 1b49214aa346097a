"""Sdists, read without running anything: one identity or a fault, and what it states for good."""

from __future__ import annotations

import hashlib
import io
import time
import tracemalloc

import pytest

from safepip.formats.sdist import MOST_CLUES, read_sdist
from safepip.model.ident import FileName
from safepip.model.sdist import BuildKind, SdistContents
from tests.archives.badsdists import MALFORMED, a_file, system
from tests.archives.rawtar import (
    FLIT,
    an_sdist,
    file,
    gz,
    pkg_info,
    sdist_parts,
    symlink,
    tar,
    tar_gz,
)

NAME = "demo-1.0.tar.gz"


def read(content: bytes, name: str = NAME) -> SdistContents:
    return read_sdist(io.BytesIO(content), FileName.parse(name))


def codes(content: bytes, name: str = NAME) -> list[str]:
    return [fault.code for fault in read(content, name).faults]


@pytest.mark.parametrize("what", MALFORMED)
def test_malformed(what: str) -> None:
    content, code = MALFORMED[what]
    found = read(content)
    assert code in [one.code for one in found.faults]
    assert found.kind is BuildKind.UNKNOWN
    assert (found.static, found.clues) == (None, ())
    assert found.sha256 in {None, hashlib.sha256(content).hexdigest()}
    assert found.not_static == "the sdist is malformed"


@pytest.mark.parametrize("name", ["demo-1.0.zip", "demo-1.0-py3-none-any.whl"])
def test_another_format_is_not_even_read(name: str) -> None:
    assert codes(an_sdist(), name) == ["sdist-format"]


# What is between is said of the file, so that a person finds it.
def test_faults_name_file_and_line() -> None:
    found = read(an_sdist(pyproject=FLIT + '[project]\nname = "demo"\nversion = "2"\n'))
    assert found.faults[0].message == "pyproject.toml:6: version is '2', and the file that of 1.0"


@pytest.mark.parametrize(
    ("name", "top", "info"),
    [
        ("zope_interface-8.0.tar.gz", "zope_interface-8.0", pkg_info("zope.interface", "8.0")),
        ("zope.interface-8.0.tar.gz", "zope.interface-8.0", pkg_info("zope.interface", "8.0")),
        ("My-Project-1.0.tar.gz", "My_Project-1.0", pkg_info("my-project", "1.0")),
        ("demo-1.0.0.tar.gz", "demo-1.0", pkg_info("demo", "1.0.0")),
        ("demo-1.0rc1.tar.gz", "demo-1.0rc1", pkg_info("Demo", "1.0-rc.1")),
    ],
)
def test_older_spellings_of_the_same(name: str, top: str, info: str) -> None:
    assert codes(an_sdist(top=top, info=info), name) == []


def test_links_that_stay_inside_are_honest() -> None:
    content = an_sdist(symlink("demo-1.0/README", "docs/README"), a_file("docs/README"))
    assert codes(content) == []


def test_clues_are_safe_to_print_and_bounded() -> None:
    plugins = [f"plugin{number}" for number in range(100)]
    found = read(an_sdist(pyproject=system("evil\\u001b[31m", *plugins)))
    assert len(found.clues) == MOST_CLUES
    assert all(one.what.isprintable() for one in found.clues)


def test_what_is_told_of_a_sound_one() -> None:
    content = an_sdist(pyproject=system("hatchling.build", "hatchling"))
    found = read(content)
    assert found.sha256 == hashlib.sha256(content).hexdigest()
    assert (found.members, found.backend, found.requires) == (3, "hatchling.build", ("hatchling",))


class TestStatic:
    def test_is_what_pkg_info_promises(self) -> None:
        info = pkg_info("demo", "1.0", "Requires-Dist: other>=1", "Requires-Python: >=3.8", "Dynamic: Description")
        found = read(an_sdist(info=info))
        assert found.static is not None
        assert [str(one) for one in found.static.requires_dist] == ["other>=1"]
        assert found.static.requires_python == ">=3.8"
        assert found.static.raw == info.encode()
        assert found.not_static is None

    @pytest.mark.parametrize("field", ["Requires-Dist", "requires-dist", "Requires-Python", "Provides-Extra"])
    def test_a_dynamic_field_is_not_guessed(self, field: str) -> None:
        found = read(an_sdist(info=pkg_info("demo", "1.0", "Dynamic: Summary", f"Dynamic: {field}")))
        assert found.static is None
        assert found.not_static is not None
        assert found.not_static.lower() == f"cannot be known without running it: dynamic: {field.lower()}"

    @pytest.mark.parametrize("stated", ["1.0", "1.2", "2.1", "3.0"])
    def test_another_version_promises_nothing(self, stated: str) -> None:
        found = read(an_sdist(info=pkg_info(stated=stated)))
        assert (found.static, found.faults) == (None, ())
        assert stated in (found.not_static or "")

    @pytest.mark.parametrize("stated", ["2.2", "2.3", "2.4", "2.5"])
    def test_from_two_two_on(self, stated: str) -> None:
        assert read(an_sdist(info=pkg_info(stated=stated))).static is not None

    def test_rubbish_that_promises_nothing_is_no_fault(self) -> None:
        """Old sdists have requirements that nobody can read today; they are still sdists."""
        found = read(an_sdist(info=pkg_info("demo", "1.0", "Requires-Dist: other (>dev)", stated="2.1")))
        assert (found.faults, found.static) == ((), None)

    def test_what_is_static_says_nothing_of_what_runs(self) -> None:
        found = read(an_sdist(pyproject=None, files={"setup.py": "print()"}))
        assert found.kind is BuildKind.NEEDS_SETUP_PY
        assert found.static is not None


def test_a_sound_sdist_with_bytes_after_it_is_malformed() -> None:
    assert codes(gz(tar(*sdist_parts()), trailing=b"x")) == ["tar-trailing"]


DOTS = "a." * 100_000 + "b = 1\n"
SPACES = " " * 100_000
SLOW = {
    "a key of many parts": {"pyproject": f"{FLIT}[tool]\n{DOTS}"},
    "a table of many parts": {"pyproject": f"{FLIT}[{DOTS[:200_000]}b]\n"},
    "what looks like a table, in a text": {"pyproject": f"{FLIT}x = '''\n[{SPACES}\n'''\n"},
    "many open brackets": {"pyproject": f"{FLIT}x = {'[' * 100_000}"},
    "a long line of setup.cfg": {"files": {"setup.cfg": f"[a]\nb{SPACES}c = 1\n"}, "pyproject": None},
    "long lines of setup.cfg": {"files": {"setup.cfg": "[a]\n" + f"b{SPACES[:1900]}c\n" * 20}, "pyproject": None},
    "a long first line of setup.py": {"files": {"setup.py": f"#{'coding' * 80_000}\n"}, "pyproject": None},
    "many statements": {"files": {"setup.py": "a;" * 100_000}, "pyproject": None},
    "many parts of an expression": {"files": {"setup.py": "x = " + "1+" * 200_000 + "1"}, "pyproject": None},
    "many requirements": {"pyproject": "[build-system]\nrequires = [" + "'a'," * 20_000 + "]\n"},
}


@pytest.mark.parametrize("what", SLOW)
def test_what_should_take_long_does_not(what: str) -> None:
    content = an_sdist(**SLOW[what])  # type: ignore[arg-type]
    start = time.process_time()
    read(content)
    assert time.process_time() - start < 8


def test_many_top_folders_do_not_fill_the_memory() -> None:
    info = pkg_info().encode() + b"x" * 1_000_000
    content = tar_gz(*(file(f"demo-{number}/PKG-INFO", info) for number in range(60)))
    tracemalloc.start()
    try:
        assert codes(content) == ["sdist-top"]
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()
