"""What is written beside a distribution, and what becomes of it when the run dies."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import pytest

from safepip.errors import EnvironmentFault, Malformed
from safepip.formats.record import RecordRow, parse_record
from safepip.io import receipts
from safepip.io.receipts import RECEIPT, Settling, read_receipt, settle

RECORD = b"demo/__init__.py,sha256=abc,3\r\ndemo-1.0.dist-info/RECORD,,\r\ndemo-1.0.dist-info/REQUESTED,sha256=x,0\r\n"


@pytest.fixture
def info(tmp_path: Path) -> Path:
    folder = tmp_path / "demo-1.0.dist-info"
    folder.mkdir()
    (folder / "RECORD").write_bytes(RECORD)
    (folder / "REQUESTED").write_bytes(b"")
    return folder


def settling(*, byte_code: tuple[RecordRow, ...] = (), requested: bool = True, receipt: bytes = b"{}") -> Settling:
    return Settling(
        byte_code=byte_code,
        direct_url=None,
        requested=requested,
        receipt=lambda *_: receipt,
    )


def test_rows_are_sorted_and_byte_code_has_no_hash(info: Path) -> None:
    settle(info, settling(byte_code=(RecordRow.unhashed("demo/__pycache__/x.pyc"),), requested=False))
    assert (info / "RECORD").read_text().splitlines() == [
        "demo-1.0.dist-info/RECORD,,",
        "demo-1.0.dist-info/safepip.json,sha256=RBNvo1WzZ4oRRq0W9-hknpT7T8If536DEMBg9hyq_4o,2",
        "demo/__init__.py,sha256=abc,3",
        "demo/__pycache__/x.pyc,,",
    ]
    assert not (info / "REQUESTED").exists()


def test_a_receipt_twice_is_one_receipt(info: Path) -> None:
    seen: list[str] = []

    def receipt(record: str, byte_code: Mapping[str, str]) -> bytes:  # noqa: ARG001
        seen.append(record)
        return b"{}" * len(seen)

    for _ in range(2):
        settle(info, Settling(byte_code=(), direct_url=None, requested=True, receipt=receipt))
    assert seen[0] == seen[1]
    found = read_receipt(info)
    assert found is not None
    assert (found.body, found.listed, found.record) == (b"{}{}", True, seen[0])


@pytest.mark.parametrize("alter", [RECEIPT, "RECORD"])
def test_an_altered_receipt_or_record_shows(info: Path, alter: str) -> None:
    settle(info, settling())
    before = read_receipt(info)
    body = (info / alter).read_bytes()
    (info / alter).write_bytes(body.replace(b"abc", b"abd").replace(b"{}", b"[]"))
    after = read_receipt(info)
    assert before is not None
    assert after is not None
    assert (after.listed, after.record) != (before.listed, before.record)


def test_no_receipt_and_unreadable_ones(info: Path) -> None:
    assert read_receipt(info) is None
    (info / RECEIPT).write_bytes(b"x" * (receipts.LARGEST_RECEIPT + 1))
    with pytest.raises(Malformed, match="larger"):
        read_receipt(info)
    (info / RECEIPT).write_bytes(b"{}")
    (info / "RECORD").write_bytes(b"\xff")
    with pytest.raises(Malformed, match="CSV"):
        read_receipt(info)
    (info / "RECORD").unlink()
    with pytest.raises(Malformed, match="RECORD cannot be read"):
        read_receipt(info)


def test_a_run_that_dies_leaves_a_whole_record(info: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Die at each rename in turn: RECORD is the old one or the new one, and an uninstall would find every file."""
    real = Path.replace
    for survived in range(3):
        renames = [0]

        def dying(source: Path, place: Path, *, limit: int = survived, count: list[int] = renames) -> Path:
            if count[0] == limit:
                raise KeyboardInterrupt
            count[0] += 1
            return real(source, place)

        monkeypatch.setattr(Path, "replace", dying)
        try:
            settle(info, settling(receipt=b"{}"))
        except KeyboardInterrupt:
            assert survived < 2
        rows = {row.path for row in parse_record((info / "RECORD").read_bytes())}
        assert {f"{info.name}/{path.name}" for path in info.iterdir()} <= rows
        assert "demo/__init__.py" in rows


def test_what_cannot_be_written_has_words(info: Path) -> None:
    (info / "RECORD").unlink()
    with pytest.raises(EnvironmentFault) as caught:
        settle(info, settling())
    assert caught.value.reference == "receipt-unwritable"


def test_record_digest_is_that_of_the_file_without_the_row(info: Path) -> None:
    settle(info, settling())
    lines = (info / "RECORD").read_bytes().splitlines(keepends=True)
    without = b"".join(line for line in lines if RECEIPT.encode() not in line)
    found = read_receipt(info)
    assert found is not None
    assert found.record == hashlib.sha256(without).hexdigest()
