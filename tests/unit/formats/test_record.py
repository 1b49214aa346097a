"""RECORD as bytes and rows."""

from __future__ import annotations

import pytest

from safepip.errors import Malformed
from safepip.formats.record import RecordRow, parse_record, render_record, with_rows


def test_parse_what_wheels_and_installers_write() -> None:
    rows = parse_record(b'a.py,sha256=xyz,10\n"with, comma.py",sha256=x,1\r\n\r\na.dist-info/RECORD,,\nbare\n')
    assert rows == (
        RecordRow("a.py", "sha256=xyz", "10"),
        RecordRow("with, comma.py", "sha256=x", "1"),
        RecordRow("a.dist-info/RECORD", "", ""),
        RecordRow("bare", "", ""),
    )


@pytest.mark.parametrize("body", [b"a,b,c,d\n", b",sha256=x,1\n", b"\xff,,\n", b'"open,,\n', b"a" * 200_000 + b",,\n"])
def test_what_is_not_a_record(body: bytes) -> None:
    with pytest.raises(Malformed):
        parse_record(body)


def test_render_as_pip_does() -> None:
    rows = [RecordRow("b", "", ""), RecordRow("a, b", "sha256=x", "1")]
    assert render_record(rows) == b'"a, b",sha256=x,1\r\nb,,\r\n'


def test_the_row_of_some_bytes() -> None:
    assert RecordRow.of("INSTALLER", b"pip\n") == RecordRow(
        "INSTALLER", "sha256=zuuue4knoyJ-UwPPXg8fezS7VCrXJQrAP7zeNuwvFQg", "4"
    )


def test_added_rows_take_the_place_of_old_ones() -> None:
    old = [RecordRow("b", "sha256=old", "1"), RecordRow("c", "", ""), RecordRow("a", "", "")]
    new = with_rows(old, [RecordRow("b", "sha256=new", "2")], ["c"])
    assert new == (RecordRow("a", "", ""), RecordRow("b", "sha256=new", "2"))
