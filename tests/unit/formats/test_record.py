"""RECORD as bytes and rows."""

from __future__ import annotations

import hashlib

import pytest

from safepip.errors import Malformed
from safepip.formats.record import RecordRow, parse_record, render_record, stated_digest, with_rows


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


@pytest.mark.parametrize(
    "text",
    [
        "sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU",
        "sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=",
        "sha256=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ],
)
def test_a_digest_in_every_way_that_it_is_written(text: str) -> None:
    assert stated_digest(text) == ("sha256", hashlib.sha256(b"").digest())


@pytest.mark.parametrize("text", ["", "sha256", "sha256=", "sha256=?", f"sha256={'x' * 64}"])
def test_what_is_no_digest(text: str) -> None:
    assert stated_digest(text) is None


def test_added_rows_take_the_place_of_old_ones() -> None:
    old = [RecordRow("b", "sha256=old", "1"), RecordRow("c", "", ""), RecordRow("a", "", "")]
    new = with_rows(old, [RecordRow("b", "sha256=new", "2")], ["c"])
    assert new == (RecordRow("a", "", ""), RecordRow("b", "sha256=new", "2"))
