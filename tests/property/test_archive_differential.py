"""Whatever the strict reader lets through, every other reader sees alike: zipfile, a streaming one, unzip, and pip."""

from __future__ import annotations

import io
import os
import shutil
import struct
import subprocess
import sys
import time
import zipfile
import zlib
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from safepip.formats.ziparchive import ZipContents, read_zip
from tests.archives.badzips import STRUCTURE, honest
from tests.archives.mutants import mutant, wheel

_INSTALL = Path(__file__).parent.parent / "archives" / "pip_driver.py"
_PIPS_OWN = {"INSTALLER", "RECORD", "REQUESTED", "direct_url.json"}


def judged(body: bytes) -> ZipContents:
    begin = time.process_time()
    found = read_zip(io.BytesIO(body), lambda _: 1 << 30)
    assert time.process_time() - begin < 5
    return found


def files(found: ZipContents) -> dict[str, bytes]:
    return {one.name: found.kept[one.name] for one in found.members if not one.is_folder}


def by_zipfile(body: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert len(set(archive.namelist())) == len(archive.namelist())
        return {one.filename: archive.read(one) for one in archive.infolist() if not one.is_dir()}


def by_stream(body: bytes) -> dict[str, bytes]:
    """As a reader does that unpacks while it downloads: by the local headers alone, from the first byte."""
    found = {}
    at = 0
    while body.startswith(b"PK\3\4", at):
        method, packed, name_length, extra_length = struct.unpack("<8xH8xI4x2H", body[at : at + 30])
        begin = at + 30 + name_length + extra_length
        name = body[at + 30 : at + 30 + name_length].decode()
        extra = body[at + 30 + name_length : begin]
        if packed == 0xFFFFFFFF:
            packed = struct.unpack("<8xQ", extra[extra.index(b"\1\0\x10\0") + 4 :][:16])[0]
        at = begin + packed
        data = body[begin:at]
        if not name.endswith("/"):
            found[name] = data if method == 0 else zlib.decompress(data, -15)
    assert body[at : at + 4] in {b"PK\1\2", b"PK\5\6", b"PK\6\6"}
    return found


def agree(body: bytes) -> bool:
    """Whether it was let through; then all readers have to see the same."""
    found = judged(body)
    if found.faults:
        return False
    assert found.sha256 == sha256(body).hexdigest()
    mine = files(found)
    assert {one.name: one.sha256 for one in found.members if not one.is_folder} == {
        name: sha256(bytes_).digest() for name, bytes_ in mine.items()
    }
    assert by_zipfile(body) == mine
    assert by_stream(body) == mine
    return True


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**64))
def test_a_mutant_is_refused_or_read_alike(seed: int) -> None:
    agree(mutant(Random(seed)))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_flipped_bytes_are_refused_or_read_alike(data: st.DataObject) -> None:
    body = bytearray(wheel(Random(data.draw(st.integers(0, 50)))).build())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(body) - 1))
        body[at] = data.draw(st.integers(0, 255))
    agree(bytes(body))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([b"", b"PK\5\6" + bytes(18), b"PK\3\4", b"PK\1\2" + bytes(42)]))
def test_any_bytes_are_refused_or_read_alike(head: bytes, tail: bytes) -> None:
    agree(head + tail)


def test_every_single_byte_of_an_archive_matters_or_means_nothing() -> None:
    body = honest()["a wheel"]
    passed = sum(
        agree(body[:at] + bytes([body[at] ^ mask]) + body[at + 1 :]) for at in range(len(body)) for mask in (1, 128)
    )
    assert 0 < passed < len(body)


def test_mutants_are_worth_the_name() -> None:
    """Both kinds have to be frequent, or the other tests here would show nothing."""
    passed = sum(agree(mutant(Random(seed))) for seed in range(600))
    assert 100 < passed < 400


def accepted(wanted: int) -> list[bytes]:
    found: list[bytes] = []
    seed = 10_000
    while len(found) < wanted:
        body = mutant(Random(seed))
        seed += 1
        if not judged(body).faults:
            found.append(body)
    return found


def tree(folder: Path) -> dict[str, bytes]:
    """The files below, which are all regular ones; empty where there is no such folder."""
    assert not any(path.is_symlink() for path in folder.rglob("*"))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_pip_installs_is_byte_for_byte_what_was_judged(tmp_path: Path) -> None:
    bodies = accepted(150)
    for number, body in enumerate(bodies):
        (tmp_path / f"{number}").mkdir()
        (tmp_path / f"{number}" / "demo-1.0-py3-none-any.whl").write_bytes(body)
    done = subprocess.run(
        [sys.executable, str(_INSTALL), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "PIP_CONFIG_FILE": os.devnull},
    )
    assert done.returncode == 0, done.stderr
    outcomes = done.stdout.split()
    assert len(outcomes) == len(bodies)
    assert outcomes.count("installed") > 100
    for number, (body, outcome) in enumerate(zip(bodies, outcomes, strict=True)):
        found, mine = (without_pips_own(one) for one in (tree(tmp_path / f"{number}" / "purelib"), files(judged(body))))
        if outcome == "installed":
            assert found == mine
        else:  # pip stumbled over something, after some files
            assert found.items() <= mine.items()


def without_pips_own(found: dict[str, bytes]) -> dict[str, bytes]:
    return {name: body for name, body in found.items() if name.rpartition("dist-info/")[2] not in _PIPS_OWN}


@pytest.mark.skipif(shutil.which("unzip") is None, reason="needs Info-ZIP's unzip")
def test_unzip_sees_the_same(tmp_path: Path) -> None:
    for number, body in enumerate([*accepted(60), *honest().values()]):
        target = tmp_path / f"{number}"
        target.with_suffix(".zip").write_bytes(body)
        command = ["unzip", "-qq", "-o", f"{target}.zip", "-d", str(target)]
        done = subprocess.run(
            command, capture_output=True, check=False, timeout=20, env={**os.environ, "LC_ALL": "C.UTF-8"}
        )
        if done.returncode == 81:  # it does not know that version of the format, and takes nothing out
            continue
        mine = files(judged(body))
        assert done.returncode == 0 or not mine, done.stderr
        assert tree(target) == mine


@pytest.mark.parametrize("what", STRUCTURE)
def test_no_bad_archive_is_let_through(what: str) -> None:
    assert not agree(STRUCTURE[what][1])
