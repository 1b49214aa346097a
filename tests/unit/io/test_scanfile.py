"""Reading a file that a person named: once, to its end, and whoever writes to it meanwhile is found out."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from pathlib import Path
from typing import BinaryIO

import pytest

from safepip.checks import archive
from safepip.errors import BadInput, Malformed
from safepip.io import scanfile
from safepip.io.digests import digests_of
from safepip.io.scanfile import NamedFiles
from safepip.model.contents import Contents
from safepip.model.evidence import Dossier, Unavailable
from safepip.model.ident import FileName
from safepip.model.scan import Looked
from safepip.model.verdict import Outcome
from safepip.model.verification import OfFile
from tests.factories import NOW, policy, subject
from tests.world import artifacts


def look(path: Path, name: str | None = None) -> Looked:
    return NamedFiles().look(OfFile(typed=str(path), name=FileName.parse(name) if name else None))


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    name, content = artifacts.wheel("demo", "1.0")
    (tmp_path / name).write_bytes(content)
    return tmp_path / name


def test_a_wheel_is_read(wheel: Path) -> None:
    looked = look(wheel)
    content = wheel.read_bytes()
    assert looked.artifact.sha256 == hashlib.sha256(content).hexdigest()
    assert (looked.artifact.size, looked.artifact.name.text, looked.begins) == (len(content), wheel.name, "zip")
    assert isinstance(looked.contents, Contents)
    assert looked.contents.readable
    assert looked.contents.sha256 == looked.artifact.sha256


def test_the_name_that_was_given_counts(wheel: Path) -> None:
    assert look(wheel, "other-2.0-py3-none-any.whl").artifact.name.text == "other-2.0-py3-none-any.whl"
    other = wheel.with_name("download")
    wheel.rename(other)
    with pytest.raises(BadInput, match="neither a wheel nor an sdist") as raised:
        look(other)
    assert raised.value.reference == "not-a-distribution"
    assert look(other, "demo-1.0-py3-none-any.whl").begins == "zip"


def test_that_there_is_no_file_comes_before_what_its_name_says(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as raised:
        look(tmp_path / "notes.txt")
    assert raised.value.reference == "no-such-file"


@pytest.mark.parametrize(("start", "kind"), [(b"\x1f\x8b\x08", "gzip"), (b"PK", None), (b"", None), (b"BZh9", None)])
def test_how_it_begins(tmp_path: Path, start: bytes, kind: str | None) -> None:
    path = tmp_path / "demo-1.0-py3-none-any.whl"
    path.write_bytes(start)
    assert look(path).begins == kind


def test_a_writer_between_the_readings_is_found_out(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, other = artifacts.wheel("demo", "1.0", files={"demo.py": b"evil = True\n"})

    def racing(stream: BinaryIO, algorithms: Collection[str]) -> tuple[dict[str, str], int]:
        digests = digests_of(stream, algorithms)
        with wheel.open("r+b") as writer:
            writer.truncate()
            writer.write(other)
            writer.truncate()
        return digests

    monkeypatch.setattr(scanfile, "digests_of", racing)
    looked = look(wheel)
    assert isinstance(looked.contents, Contents)
    dossier = Dossier(subject=subject(looked.artifact), evidence=(looked.contents,))
    found = archive.check(dossier, policy(), NOW)
    assert found
    assert all(one.outcome is Outcome.FAIL for one in found)


def test_one_that_is_put_in_its_place_changes_nothing(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One handle: what is at the path meanwhile is no matter."""
    before = hashlib.sha256(wheel.read_bytes()).hexdigest()

    def racing(stream: BinaryIO, algorithms: Collection[str]) -> tuple[dict[str, str], int]:
        digests = digests_of(stream, algorithms)
        wheel.unlink()
        wheel.write_bytes(b"something else")
        return digests

    monkeypatch.setattr(scanfile, "digests_of", racing)
    looked = look(wheel)
    assert isinstance(looked.contents, Contents)
    assert looked.contents.sha256 == looked.artifact.sha256 == before


def test_a_reader_that_gives_up_is_an_answer(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gives_up(*_: object) -> Contents:
        raise Malformed("it is no zip")

    monkeypatch.setattr(scanfile, "read_contents", gives_up)
    contents = look(wheel).contents
    assert isinstance(contents, Unavailable)
    assert (contents.code, contents.why) == ("malformed", "it is no zip")


def test_a_disk_that_fails(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> Contents:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(scanfile, "read_contents", fails)
    with pytest.raises(BadInput, match="Input/output error"):
        look(wheel)
