"""Laws of RECORD and of reading wheels."""

from __future__ import annotations

import contextlib
import hashlib
import io
import zipfile

from hypothesis import given
from hypothesis import strategies as st

from safepip.errors import Malformed
from safepip.formats.record import RecordRow, parse_record, render_record, with_rows
from safepip.formats.wheel import read_contents

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
ROWS = st.lists(st.builds(RecordRow, TEXT.filter(bool), TEXT, TEXT), max_size=8)


def good() -> bytes:
    handle = io.BytesIO()
    with zipfile.ZipFile(handle, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("demo-1.0.dist-info/METADATA", b"Name: demo\nVersion: 1.0\n" * 5)
        archive.writestr("demo-1.0.dist-info/WHEEL", b"Wheel-Version: 1.0\n")
    return handle.getvalue()


GOOD = good()


@given(ROWS)
def test_what_is_rendered_is_parsed_again(rows: list[RecordRow]) -> None:
    assert parse_record(render_record(rows)) == tuple(sorted(rows))


@given(ROWS, ROWS)
def test_adding_and_removing_gives_back_the_others(rows: list[RecordRow], added: list[RecordRow]) -> None:
    paths = {row.path for row in added}
    others = tuple(sorted(row for row in rows if row.path not in paths))
    assert with_rows(with_rows(rows, added), (), paths) == others


@given(st.binary(max_size=300))
def test_the_record_parser_raises_nothing_but_its_own(body: bytes) -> None:
    with contextlib.suppress(Malformed):
        parse_record(body)


@given(st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), max_size=6), st.integers(0, len(GOOD)))
def test_a_damaged_wheel_raises_nothing(changes: list[tuple[int, int]], end: int) -> None:
    body = bytearray(GOOD)
    for place, value in changes:
        body[place] = value
    for text in (bytes(body), bytes(body[:end])):
        contents = read_contents(io.BytesIO(text), None)
        assert contents.faults or contents.record_faults or contents.sha256 == hashlib.sha256(text).hexdigest()
