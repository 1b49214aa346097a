"""RECORD against the members of a wheel."""

from __future__ import annotations

import hashlib

import pytest

from safepip.formats.wheelrecord import record_faults
from safepip.formats.ziparchive import ZipMember
from safepip.model.contents import PackedFile
from tests.unit.formats.wheels import INFO, members_of, read, row

EMPTY = row("x", b"")[3:]


def found(*change: str, without: str = "", own: str = f"{INFO}/RECORD,,", files: tuple[str, ...] = ()) -> list[str]:
    rows = [row(*one) for one in members_of(files).items() if one[0] != without]
    record = "\n".join(one for one in (*rows, *change, own) if one)
    return [one.code for one in read(files, record=record.encode()).record_faults]


def test_what_real_builders_write() -> None:
    members = members_of(["demo/a,b.txt"])
    rows = [row(*one) for one in members.items()]
    for record in (
        "\r\n".join([*rows, f"{INFO}/RECORD,,", ""]),
        "\n".join([f"{INFO}/RECORD,,", *rows]),
    ):
        assert not read(["demo/a,b.txt"], record=record.encode()).record_faults


def test_a_digest_in_hexadecimal_is_no_less_proof() -> None:
    """As one popular project writes it, on every row."""
    members = members_of()
    rows = [f"{name},sha256={one.sha256.hex()},{one.size}" for name, one in packed().items() if name in members]
    assert not read(record="\n".join([*rows, f"{INFO}/RECORD,,"]).encode()).record_faults
    wrong = rows[0].replace("sha256=", "sha256=0", 1)
    assert read(record="\n".join([wrong, *rows[1:], f"{INFO}/RECORD,,"]).encode()).record_faults


def packed() -> dict[str, PackedFile]:
    manifest = read().manifest
    assert manifest is not None
    return {one.path: one for one in manifest.files}


def test_signatures_need_not_be_listed_nor_hashed() -> None:
    signed = (f"{INFO}/RECORD.jws", f"{INFO}/RECORD.p7s")
    members = members_of(signed)
    rows = [row(*one) for one in members.items() if one[0] not in signed]
    for extra in ((), (f"{signed[0]},,", f"{signed[1]},,"), tuple(f"{one}{EMPTY}" for one in signed)):
        record = "\n".join([*rows, *extra, f"{INFO}/RECORD,,"])
        assert not read(signed, record=record.encode()).record_faults


def test_a_member_that_is_not_listed() -> None:
    assert found(without="demo/__init__.py") == ["unlisted"]
    assert found(own="") == ["unlisted"]
    assert found(without="demo/RECORD", files=("demo/RECORD",)) == ["unlisted"]


@pytest.mark.parametrize(
    ("line", "codes"),
    [
        (f"demo/gone.py{EMPTY}", ["absent"]),
        (f"demo/{EMPTY}", ["path"]),
        (f"./demo/__init__.py{EMPTY}", ["path"]),
        (f"demo/./__init__.py{EMPTY}", ["path"]),
        (f"../demo.py{EMPTY}", ["path"]),
        (f"/etc/passwd{EMPTY}", ["path"]),
        (f"C:/demo.py{EMPTY}", ["path"]),
        (f"demo\\__init__.py{EMPTY}", ["path"]),
        (f"Demo/__init__.py{EMPTY}", ["path"]),
        (f"demo/__init__.py {EMPTY}", ["path"]),
        (row("demo/__init__.py", b"x = 1\n"), ["duplicate"]),
        ("a,b,c,d", ["malformed"]),
        ('"a', ["malformed"]),
        (",sha256=x,1", ["malformed"]),
    ],
)
def test_a_line_that_should_not_be_there(line: str, codes: list[str]) -> None:
    assert found(line) == codes


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("demo/__init__.py,,", "unhashed"),
        ("demo/__init__.py,,6", "unhashed"),
        ("demo/__init__.py", "unhashed"),
        (row("demo/__init__.py", b"x = 1\n", "md5"), "weak-hash"),
        (row("demo/__init__.py", b"x = 1\n", "sha1"), "weak-hash"),
        (row("demo/__init__.py", b"x = 1\n").replace("sha256", "SHA256"), "weak-hash"),
        (row("demo/__init__.py", b"x = 1\n").replace("sha256=", "sha256:"), "weak-hash"),
        (row("demo/__init__.py", b"x = 1\n").replace(",6", "=,6"), "weak-hash"),
        (row("demo/__init__.py", b"x = 2\n"), "hash"),
        (row("demo/__init__.py", b"x = 1\n").replace(",6", ",7"), "size"),
        (row("demo/__init__.py", b"x = 1\n").replace(",6", ","), "size"),
        (row("demo/__init__.py", b"x = 1\n").replace(",6", ",06"), "size"),
        (row("demo/__init__.py", b"x = 1\n").replace(",6", f",{'9' * 5000}"), "size"),
        (row("demo/__init__.py", b"x = 1\n").replace(",6", ",\N{ARABIC-INDIC DIGIT SIX}"), "size"),
    ],
)
def test_a_line_that_says_something_else(line: str, code: str) -> None:
    assert found(line, without="demo/__init__.py") == [code]


def test_a_member_listed_again_and_again_is_read_once() -> None:
    """A row is shorter than a member, which unpacks to a hundred times what it takes in the archive."""
    asked: list[str] = []
    member = ZipMember(name="x", is_folder=False, size=1, packed=1, mode=0, sha256=b"")
    body = "\n".join([row("x", b"1", "sha512")] * 1000).encode()

    def digest(name: str, algorithm: str) -> bytes:
        asked.append(name)
        return hashlib.new(algorithm, b"1").digest()

    assert {one.code for one in record_faults(body, INFO, {"x": member}, digest)} == {"duplicate"}
    assert asked == ["x"]


def test_nobody_can_know_the_digest_of_record_itself() -> None:
    assert found(own=f"{INFO}/RECORD{EMPTY}") == ["hash"]


def test_no_record_at_all_and_none_that_can_be_read() -> None:
    assert [one.code for one in read(record=b"\xff\xfe").record_faults] == ["malformed"]
    contents = read({"evil-1.dist-info/RECORD": b""})
    assert [one.code for one in contents.record_faults] == ["missing"]


def test_messages_name_the_member_and_are_safe_to_print() -> None:
    text = f"demo/\x1b[2J{'y' * 5000}{EMPTY}"
    [fault] = read(record="\n".join([*(row(*one) for one in members_of().items()), text, f"{INFO}/RECORD,,"]).encode()
                   ).record_faults  # fmt: skip
    assert fault.message.isprintable()
    assert len(fault.message) < 300
