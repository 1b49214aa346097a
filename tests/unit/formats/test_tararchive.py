"""The strict reader of `.tar.gz`: every bad one with the code that it must get, and the honest one beside the line."""

from __future__ import annotations

import hashlib
import io
import tarfile
import time
import zlib
from collections.abc import Callable

import pytest

from safepip.formats import gzipmember, tararchive
from safepip.formats.tararchive import TarContents, read_tar
from safepip.formats.tarlinks import MemberKind
from tests.archives.badtars import BAD, GOOD, PLAIN
from tests.archives.rawtar import GNU, file, folder, gz, hard_link, header, symlink, tar_gz


def read(content: bytes, *wanted: str, largest: int = 1000) -> TarContents:
    return read_tar(io.BytesIO(content), lambda name: largest if name in wanted else None)


def codes(content: bytes) -> list[str]:
    return [fault.code for fault in read(content).faults]


@pytest.mark.parametrize("what", BAD)
def test_each_bad_one_has_its_code(what: str) -> None:
    content, code = BAD[what]
    assert code in codes(content)


FATAL = ("bomb", "too-large", "name-length", "tar-gzip", "tar-truncated", "tar-trailing", "tar-stacked", "tar-header")


@pytest.mark.parametrize("what", BAD)
def test_a_digest_is_told_only_of_what_was_read_whole(what: str) -> None:
    content, code = BAD[what]
    digest = read(content).sha256
    assert digest is None if code in FATAL else digest in {None, hashlib.sha256(content).hexdigest()}


def test_the_corpus_is_large_enough() -> None:
    assert len({content for content, _ in BAD.values()}) == len(BAD) >= 50


@pytest.mark.parametrize("what", GOOD)
def test_each_good_one_passes(what: str) -> None:
    found = read(GOOD[what])
    assert found.faults == ()
    assert found.sha256 == hashlib.sha256(GOOD[what]).hexdigest()


@pytest.mark.parametrize("what", GOOD)
def test_the_standard_library_sees_the_same(what: str) -> None:
    found = read(GOOD[what])
    with tarfile.open(fileobj=io.BytesIO(GOOD[what]), mode="r:gz") as archive:
        theirs = [(one.name, one.size, one.linkname if one.issym() or one.islnk() else None) for one in archive]
    assert [(one.name, one.size, one.target) for one in found.members] == theirs


FORMATS = {"pax": tarfile.PAX_FORMAT, "gnu": tarfile.GNU_FORMAT, "ustar": tarfile.USTAR_FORMAT}


@pytest.mark.parametrize("form", FORMATS)
def test_what_the_standard_library_writes_is_read(form: str) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", format=FORMATS[form]) as archive:
        for name in ("demo-1.0/short.py", "demo-1.0/" + "d" * 80 + "/" + "n" * 90, "demo-1.0/" + "x" * 80):
            info = tarfile.TarInfo(name)
            info.size, info.mtime, info.uid = 5, 1_700_000_000.5 if form == "pax" else 1_700_000_000, 1000
            archive.addfile(info, io.BytesIO(b"12345"))
    found = read(buffer.getvalue(), "demo-1.0/short.py")
    assert found.faults == ()
    assert len(found.members) == 3
    assert dict(found.kept) == {"demo-1.0/short.py": b"12345"}


def test_kinds_and_targets() -> None:
    found = read(tar_gz(folder("t"), PLAIN, symlink("t/l", "a"), hard_link("t/h", "t/a")))
    assert [one.kind for one in found.members] == [
        MemberKind.FOLDER,
        MemberKind.FILE,
        MemberKind.SYMLINK,
        MemberKind.HARD_LINK,
    ]
    assert [one.target for one in found.members] == [None, None, "a", "t/a"]


def test_a_wanted_file_that_is_too_large_is_a_fault() -> None:
    found = read(tar_gz(file("t/a", b"x" * 1001)), "t/a")
    assert [one.code for one in found.faults] == ["too-large"]
    assert found.kept == {}


def test_messages_name_the_member_and_are_safe_to_print() -> None:
    (fault,) = read(tar_gz(file("t/a\x1b[31m"))).faults
    assert "t/a\\x1b[31m" in fault.message


def test_too_many_members(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tararchive, "MOST_MEMBERS", 3)
    assert codes(tar_gz(*(file(f"t/{number}") for number in range(3)))) == []
    assert codes(tar_gz(*(file(f"t/{number}") for number in range(4)))) == ["too-many-members"]


def test_too_many_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gzipmember, "LARGEST_UNPACKED", 5_000)
    assert codes(tar_gz(file("t/a", b"x" * 20_000))) == ["too-large"]


def test_names_that_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tararchive, "MOST_NAMES", 300)
    assert codes(tar_gz(*(file(f"t/{number:095}") for number in range(4)))) == ["too-many-members"]


def test_a_thousand_faults_are_told_as_a_few() -> None:
    found = read(tar_gz(*(file(f"../{number}") for number in range(1000))))
    assert len(found.faults) == tararchive.MOST_FAULTS


def test_linear_in_links_and_depth() -> None:
    """A chain of links, and deep names: what a quadratic reader would take minutes for."""
    links = [symlink(f"t/l{number}", f"l{number + 1}") for number in range(10_000)]
    deep = [file("t/" + "d/" * 40 + str(number)) for number in range(5_000)]
    content = tar_gz(*links, *deep)
    start = time.process_time()
    assert "tar-link" in codes(content)
    assert time.process_time() - start < 10


def test_a_bomb_is_left_before_it_is_unpacked() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    zeros = bytes(1024**2)
    deflated = header(name="t/a", size=2**31, kind=b"0", magic=GNU)
    packed = packer.compress(deflated) + b"".join(packer.compress(zeros) for _ in range(600)) + packer.flush()
    start = time.process_time()
    assert codes(gz(b"", deflated=packed)) == ["bomb"]
    assert time.process_time() - start < 3


class Failing(io.BytesIO):
    def read(self, _size: int | None = -1, /) -> bytes:
        raise OSError(5, "Input/output error")


def test_an_error_of_the_disk_is_not_taken_for_a_fault() -> None:
    with pytest.raises(OSError, match="Input/output"):
        read_tar(Failing(b""), lambda _: None)


class Slow(io.BytesIO):
    """A handle that gives a few bytes at a time."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(7 if size is None or size < 0 else min(size, 7))


@pytest.mark.parametrize("of", [lambda: GOOD, lambda: {what: content for what, (content, _) in list(BAD.items())[:70]}])
def test_how_the_bytes_arrive_does_not_matter(of: Callable[[], dict[str, bytes]]) -> None:
    for what, content in of().items():
        if len(content) < 20_000:
            assert read_tar(Slow(content), lambda _: None) == read(content), what
