from __future__ import annotations

import io
import random
import time
import tracemalloc
import zipfile
from hashlib import sha256
from typing import BinaryIO

import pytest

from safepip.formats import ziparchive, zipend
from safepip.formats.ziparchive import ZipContents, read_zip
from tests.archives.badzips import NAMED, SOUND, STRUCTURE, A, B, C, honest
from tests.archives.rawzip import NONE16, STORED, Entry, RawZip


def read(body: bytes | BinaryIO, limit: int | None = None) -> ZipContents:
    return read_zip(io.BytesIO(body) if isinstance(body, bytes) else body, lambda _: limit)


def codes(body: bytes) -> list[str]:
    return [one.code for one in read(body).faults]


@pytest.mark.parametrize("what", STRUCTURE)
def test_a_broken_structure_is_refused_for_its_reason(what: str) -> None:
    code, body = STRUCTURE[what]
    found = read(body)
    assert code in {one.code for one in found.faults}
    assert (found.sha256, found.members, found.kept) == (None, (), {})


def test_a_broken_structure_is_told_by_one_code_alone() -> None:
    several = {what: codes(body) for what, (_, body) in STRUCTURE.items() if len(set(codes(body))) > 1}
    assert several == {
        "an offset beyond the file": ["zip-gap", "zip-overlap"],
        "more than a disk holds": ["bomb", "too-large"],
    }


@pytest.mark.parametrize("what", NAMED)
def test_a_bad_member_is_refused_while_the_rest_is_read(what: str) -> None:
    code, archive = NAMED[what]
    body = archive.build()
    found = read(body)
    assert [one.code for one in found.faults] == [code]
    assert found.sha256 == sha256(body).hexdigest()
    assert len(found.members) == len(archive.entries)


@pytest.mark.parametrize("what", honest())
def test_an_honest_archive_is_read_as_zipfile_reads_it(what: str) -> None:
    body = honest()[what]
    found = read(body, 1 << 30)
    assert found.faults == ()
    assert found.sha256 == sha256(body).hexdigest()
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert {one.name + "/" * one.is_folder for one in found.members} == set(archive.namelist())
        assert len(found.members) == len(archive.namelist())
        for one in found.members:
            info = archive.getinfo(one.name + "/" * one.is_folder)
            assert (one.size, one.packed) == (info.file_size, info.compress_size)
            assert one.mode == info.external_attr >> 16
            assert one.is_folder == info.is_dir()
            if one.is_folder:
                assert one.sha256 == b""
            else:
                assert found.kept[one.name] == archive.read(info)
                assert one.sha256 == sha256(archive.read(info)).digest()


def test_bodies_are_kept_up_to_their_limit() -> None:
    body = RawZip([A, B, Entry("large", random.Random(2).randbytes(3 << 20)), Entry("pkg2/", mode=0o40755)]).build()
    asked: list[str] = []

    def keep(name: str) -> int | None:
        asked.append(name)
        return {"pkg/a.py": len(A.body), "pkg/b.py": len(B.body) - 1, "large": 3 << 20}.get(name)

    found = read_zip(io.BytesIO(body), keep)
    assert found.kept == {"pkg/a.py": A.body, "large": random.Random(2).randbytes(3 << 20)}
    assert [(one.code, one.message) for one in found.faults] == [
        ("member-too-large", "'pkg/b.py' has 6 bytes; 5 are allowed")
    ]
    assert len(found.members) == 4
    assert "pkg2" not in asked
    assert "pkg2/" not in asked


LARGE = Entry("large", random.Random(3).randbytes(1 << 20) + bytes(12 << 20) + random.Random(4).randbytes(1 << 20))


def test_a_large_member_is_read_in_pieces() -> None:
    packed, stored = RawZip([A, LARGE, B, LARGE.but(name="x", method=STORED)]).build(), RawZip([LARGE]).build()
    for body in (packed, stored):
        tracemalloc.start()
        handle = io.BytesIO(body)
        before = tracemalloc.get_traced_memory()[0]
        found = read(handle)
        peak = tracemalloc.get_traced_memory()[1] - before
        tracemalloc.stop()
        assert found.faults == ()
        assert found.sha256 == sha256(body).hexdigest()
        assert next(one for one in found.members if one.name == "large").sha256 == sha256(LARGE.body).digest()
        assert peak < 4 << 20


@pytest.mark.parametrize("beyond", [0, 1, 100, 258, 300, 700, 1500, 3000])
def test_the_end_of_a_large_member_is_not_lost_between_two_pieces(beyond: int) -> None:
    body = bytes((5 << 20) + beyond)
    found = read(RawZip([Entry("zeros", body), A]).build())
    assert found.faults == ()
    assert found.members[0].sha256 == sha256(body).digest()


@pytest.mark.parametrize(
    ("code", "entry"),
    [
        ("zip-crc", LARGE.but(local={"crc": 1}, central={"crc": 1})),
        ("zip-crc", LARGE.but(method=STORED, local={"crc": 1}, central={"crc": 1})),
        ("zip-size", LARGE.but(local={"size": 14 << 20 | 1}, central={"size": 14 << 20 | 1})),
        ("zip-size", LARGE.but(local={"size": 13 << 20}, central={"size": 13 << 20})),
        ("zip-deflate", LARGE.but(data=LARGE.packed[:-3])),
        ("zip-deflate", LARGE.but(data=LARGE.packed + b"x")),
        ("zip-deflate", LARGE.but(data=LARGE.packed + bytes(1 << 20))),
        ("zip-deflate", LARGE.but(data=b"\xff" * (2 << 20))),
        ("zip-header-mismatch", LARGE.but(local={"name": b"LARGE"})),
        ("zip-header-mismatch", LARGE.but(local={"packed": 7})),
        ("zip-gap", LARGE.but(before=b"?" * 10)),
    ],
)
def test_a_large_member_that_is_broken_is_refused(code: str, entry: Entry) -> None:
    found = read(RawZip([A, entry, B]).build())
    assert code in {one.code for one in found.faults}
    assert (found.sha256, found.members) == (None, ())


def test_a_lying_bomb_is_stopped_where_its_declared_size_ends() -> None:
    small = Entry("zeros", bytes(200 << 20))
    body = RawZip([small.but(local={"size": 100}, central={"size": 100})]).build()
    tracemalloc.start()
    found = read(body)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [one.code for one in found.faults] == ["zip-size"]
    assert peak < 4 << 20


def test_several_faults_are_told_at_once() -> None:
    bent = [
        B.but(name="one", local={"crc": 1}, central={"crc": 1}),
        B.but(name="two", data=b"\xff" * 4),
        B.but(name="../three"),
        B.but(name="four", local={"name": b"FOUR"}),
        B.but(name="five", mode=0o120777),
    ]
    found = codes(RawZip([A, *bent]).build())
    assert sorted(found) == ["member-type", "name-escapes", "zip-crc", "zip-deflate", "zip-header-mismatch"]


def test_the_faults_that_are_told_have_a_limit() -> None:
    found = read(RawZip([Entry(f"../{number}") for number in range(500)]).build())
    assert len(found.faults) == 20


def test_a_message_names_the_member_and_is_safe_to_print() -> None:
    (fault,) = read(RawZip([Entry("a\x1b[31m\nb.py")]).build()).faults
    assert fault.message.startswith("'a\\x1b[31m\\nb.py' holds a control character")


def test_sixty_thousand_members_are_read_in_seconds() -> None:
    body = RawZip([Entry(f"package/sub{n % 300}/module_{n}.py", b"", STORED) for n in range(60_000)]).build()
    begin = time.process_time()
    found = read(body)
    assert found.faults == ()
    assert len(found.members) == 60_000
    assert time.process_time() - begin < 10


def test_sixty_five_thousand_five_hundred_and_thirty_five_members_need_no_zip64() -> None:
    body = RawZip([Entry(f"{n}", b"", STORED) for n in range(NONE16)]).build()
    assert read(body).faults == ()


def test_too_many_members_are_refused_without_reading_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipend, "MOST_MEMBERS", 2)
    assert codes(RawZip([A, B]).build()) == []
    assert codes(RawZip([A, B, C]).build()) == ["too-many-members"]


def test_a_bomb_begins_beyond_its_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    body = RawZip([Entry("zeros", bytes(100_000)), Entry("rest", random.Random(6).randbytes(1_000))]).build()
    total, ratio = 101_000, 101_000 // len(body)
    for largest, growth, code in (
        (total, 0, []),
        (total - 1, ratio, ["bomb"]),
        (total - 1, ratio + 1, []),
    ):
        monkeypatch.setattr(ziparchive, "BOMB_TOTAL", largest)
        monkeypatch.setattr(ziparchive, "BOMB_RATIO", growth)
        assert codes(body) == code
    monkeypatch.setattr(ziparchive, "LARGEST_TOTAL", total)
    assert codes(body) == []
    monkeypatch.setattr(ziparchive, "LARGEST_TOTAL", total - 1)
    assert codes(body) == ["too-large"]


def test_a_member_that_would_grow_enormously_is_a_bomb(monkeypatch: pytest.MonkeyPatch) -> None:
    zeros = Entry("zeros", bytes(100_000))
    body = RawZip([zeros, Entry("rest", random.Random(6).randbytes(50_000))]).build()
    ratio = 100_000 // len(zeros.packed)
    for largest, growth, code in ((100_000, 0, []), (99_999, ratio - 1, ["bomb"]), (99_999, ratio + 1, [])):
        monkeypatch.setattr(ziparchive, "BOMB_MEMBER", largest)
        monkeypatch.setattr(ziparchive, "BOMB_MEMBER_RATIO", growth)
        assert codes(body) == code


def test_too_large_a_file_is_refused_without_reading_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ziparchive, "LARGEST_FILE", len(SOUND))
    assert codes(SOUND) == []
    assert codes(SOUND + b"x") == ["too-large"]


def test_a_file_that_shrinks_meanwhile_is_refused() -> None:
    class Shrinking(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(size)[:-1] if size and size > 98 else super().read(size)

    directory, members = SOUND, RawZip([Entry("a", random.Random(5).randbytes(3000))]).build()
    for body in (directory, members):
        assert [one.code for one in read(Shrinking(body)).faults] == ["zip-truncated"]


def test_the_error_of_the_disk_passes() -> None:
    class Failing(io.BytesIO):
        def read(self, _: int | None = -1, /) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(OSError, match="Input/output"):
        read(Failing(SOUND))
