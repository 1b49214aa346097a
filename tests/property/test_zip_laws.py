"""Laws of the zip reader: what is sound and whole is let through, and no other piece of the same bytes is."""

from __future__ import annotations

import io
import unicodedata
import zipfile
from hashlib import sha256
from itertools import combinations

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from safepip.formats.membername import Names, all_plain, name_faults, shown
from safepip.formats.plain import clean
from safepip.formats.ziparchive import ZipContents, read_zip
from tests.archives.rawzip import DEFLATED, STORED, Entry, RawZip, extra

CODES = {
    "name-escapes", "name-backslash", "name-control", "name-empty-part", "name-stream", "name-device", "name-trailing",
    "name-length",
}  # fmt: skip

parts = st.text("abcxyzé日_-+@~ ", min_size=1, max_size=6).map(str.strip).filter(bool)
names = st.lists(parts, min_size=1, max_size=4).map("/".join)
bodies = st.binary(max_size=200) | st.integers(0, 9000).map(bytes) | st.sampled_from([b"PK\5\6" + bytes(18), b"PK\3\4"])
entries = st.builds(
    Entry,
    names,
    bodies,
    st.sampled_from([STORED, DEFLATED]),
    st.sampled_from([0, 0o644, 0o100644, 0o100755]),
    extra=st.sampled_from([b"", extra(0x5455, bytes(5))]),
    zip64=st.booleans(),
)
archives = st.builds(
    lambda members, zip64, order: RawZip(members, zip64=zip64, order=order and list(reversed(range(len(members))))),
    st.lists(entries, max_size=5),
    st.booleans(),
    st.booleans().map(lambda one: one or None),
).filter(lambda archive: not clashing([str(entry.name) for entry in archive.entries]))
# Everything that the rules speak of is frequent in these.
anything = st.text(st.sampled_from("aA.é/\\: \0\n\u202e\u200d\u00b9CONnulpy") | st.characters(), max_size=12)
crowded = st.lists(
    st.builds(
        lambda parts, end: "/".join(parts) + end,
        st.lists(st.text("aAéE\u0301", min_size=1, max_size=3), min_size=1, max_size=3),
        st.sampled_from(["", "", "/"]),
    ),
    max_size=8,
)


def read(body: bytes) -> ZipContents:
    return read_zip(io.BytesIO(body), lambda _: 1 << 30)


def clashing(members: list[str]) -> bool:
    found = Names()
    for name in members:
        found.add(name.removesuffix("/"), is_folder=name.endswith("/"))
    return any(found.faults())


@given(archives)
def test_a_sound_archive_is_let_through_with_all_its_bytes(archive: RawZip) -> None:
    body = archive.build()
    found = read(body)
    assert found.faults == ()
    assert found.sha256 == sha256(body).hexdigest()
    assert found.kept == {str(entry.name): entry.body for entry in archive.entries}
    assert [(one.size, one.packed, one.mode, one.sha256) for one in found.members] == [
        (len(entry.body), len(entry.packed), entry.mode, sha256(entry.body).digest()) for entry in archive.entries
    ]


@given(archives, st.data())
def test_no_part_of_a_sound_archive_is_one(archive: RawZip, data: st.DataObject) -> None:
    body = archive.build()
    begin = data.draw(st.integers(0, len(body)))
    end = data.draw(st.integers(begin, len(body)))
    piece = body[begin:end]
    assume(piece != body)
    if read(piece).faults == ():  # a stored member that is an archive, or its end
        assert any(piece in entry.body for entry in archive.entries)
        assert read(body).sha256 != read(piece).sha256


@given(archives, st.binary(min_size=1, max_size=60) | archives.map(RawZip.build))
def test_nothing_goes_before_or_after_a_sound_archive(archive: RawZip, other: bytes) -> None:
    body = archive.build()
    assert read(other + body).faults
    after = read(body + other)
    assert after.faults
    assert after.sha256 is None


@given(archives, st.data())
def test_nothing_goes_into_a_sound_archive(archive: RawZip, data: st.DataObject) -> None:
    body = archive.build()
    at = data.draw(st.integers(0, len(body)))
    assert read(body[:at] + data.draw(st.binary(min_size=1, max_size=30)) + body[at:]).faults


@given(archives, st.integers(0, 100))
def test_it_does_not_matter_where_the_handle_stands(archive: RawZip, at: int) -> None:
    handle = io.BytesIO(archive.build())
    handle.seek(at)
    assert read_zip(handle, lambda _: None).faults == ()
    assert read_zip(handle, lambda _: None).kept == {}


@settings(max_examples=60)
@given(
    st.dictionaries(names, bodies, max_size=5),
    st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]),
    st.booleans(),
)
def test_what_zipfile_writes_is_let_through(files: dict[str, bytes], method: int, large: bool) -> None:
    assume(not clashing(list(files)))
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        archive.writestr("zz/", b"")
        for name, body in files.items():
            with archive.open(zipfile.ZipInfo(name), "w", force_zip64=large) as member:
                member.write(body)
    found = read(target.getvalue())
    assert found.faults == ()
    assert found.kept == files


@given(st.dictionaries(names, bodies, min_size=1, max_size=3))
def test_what_zipfile_writes_into_a_pipe_is_refused(files: dict[str, bytes]) -> None:
    """Sizes come after the data there: a reader from the beginning has to guess where it ends."""

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, offset: int, whence: int = 0, /) -> int:
            raise OSError(offset, str(whence))

        def tell(self) -> int:
            raise OSError

    target = Pipe()
    with zipfile.ZipFile(target, "w") as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    assert "zip-data-descriptor" in {one.code for one in read(target.getvalue()).faults}


@given(anything)
def test_any_name_gets_an_answer(name: str) -> None:
    found = list(name_faults(name))
    assert {one.code for one in found} <= CODES
    assert len({one.code for one in found}) == len(found)
    assert all(clean(one.message) == one.message for one in found)
    assert clean(shown(name)) == shown(name)


@given(st.lists(anything | names, min_size=1, max_size=4))
def test_names_that_are_plain_together_are_so_each(members: list[str]) -> None:
    if all_plain(members):
        assert not any(list(name_faults(name)) for name in members)
    assert all_plain(members) <= all(all_plain([name]) for name in members)


@given(anything)
def test_a_name_without_fault_stays_where_it_belongs(name: str) -> None:
    if not list(name_faults(name)):
        assert not name.startswith("/")
        assert not set("\\:\0\n") & set(name)
        assert all(part and part.strip(".") and part == part.rstrip(". ") for part in name.split("/"))


def _same(one: str, other: str) -> bool:
    return _form(one) == _form(other)


def _form(name: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


@given(crowded)
def test_a_clash_is_told_exactly_where_there_is_one(members: list[str]) -> None:
    """Against looking at every pair, and at every folder above each."""
    expected = False
    for one, other in combinations([name.removesuffix("/") for name in members], 2):
        expected = expected or _same(one, other)
    for one in members:
        for other in members:
            above = other.removesuffix("/").split("/")[:-1]
            folders = ["/".join(above[: depth + 1]) for depth in range(len(above))]
            if not one.endswith("/") and any(_same(one, folder) for folder in folders):
                expected = True
    assert clashing(members) == expected
    assert clashing(list(reversed(members))) == expected
