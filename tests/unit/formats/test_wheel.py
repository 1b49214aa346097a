"""What a wheel says about itself."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable

import pytest

from safepip.errors import Malformed
from safepip.formats import wheel
from safepip.formats.wheel import read_contents

INFO = "demo-1.0.dist-info"


def archive(members: Iterable[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> io.BytesIO:
    handle = io.BytesIO()
    with zipfile.ZipFile(handle, "w", method) as out:
        for name, body in members:
            out.writestr(name, body)
    return handle


def test_an_honest_wheel() -> None:
    members = [("demo/__init__.py", b""), (f"{INFO}/METADATA", b"Name: demo\n"), (f"{INFO}/WHEEL", b"Tag: x\n")]
    contents = read_contents(archive(members), b"before")
    assert contents.dist_info == (INFO,)
    assert contents.metadata == b"Name: demo\n"
    assert contents.wheel == b"Tag: x\n"
    assert contents.resolved_with == b"before"


def test_several_dist_infos_have_no_metadata_to_believe() -> None:
    contents = read_contents(archive([(f"{INFO}/METADATA", b"one"), ("evil-1.DIST-INFO/METADATA", b"two")]), None)
    assert contents.dist_info == (INFO, "evil-1.DIST-INFO")
    assert contents.metadata is None


def test_none_at_all() -> None:
    contents = read_contents(archive([("demo/x.dist-info/METADATA", b"")]), None)
    assert (contents.dist_info, contents.metadata, contents.wheel) == ((), None, None)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_ambiguous() -> None:
    with pytest.raises(Malformed, match="2 times"):
        read_contents(archive([(f"{INFO}/METADATA", b"shown"), (f"{INFO}/METADATA", b"used")]), None)


def test_a_bomb_is_not_unpacked() -> None:
    with pytest.raises(Malformed, match="larger than"):
        read_contents(archive([(f"{INFO}/METADATA", b"\0" * (wheel.LARGEST_METADATA + 1))]), None)


def test_methods_that_wheels_do_not_use() -> None:
    with pytest.raises(Malformed, match="compressed with a method"):
        read_contents(archive([(f"{INFO}/WHEEL", b"x")], zipfile.ZIP_LZMA), None)


@pytest.mark.parametrize("body", [b"", b"not a zip", b"PK\x05\x06" + b"\xff" * 18, b"PK\x03\x04" * 10])
def test_no_zip(body: bytes) -> None:
    with pytest.raises(Malformed, match="not a readable zip archive"):
        read_contents(io.BytesIO(body), None)


def test_damaged_data() -> None:
    body = bytearray(archive([(f"{INFO}/METADATA", b"Name: demo\n" * 100)], zipfile.ZIP_STORED).getvalue())
    body[200] ^= 1
    with pytest.raises(Malformed, match="CRC"):
        read_contents(io.BytesIO(bytes(body)), None)


def test_an_encrypted_member() -> None:
    body = bytearray(archive([(f"{INFO}/METADATA", b"x")]).getvalue())
    central = body.index(b"PK\x01\x02")
    body[6] |= 1
    body[central + 8] |= 1
    with pytest.raises(Malformed, match="encrypted"):
        read_contents(io.BytesIO(bytes(body)), None)


@pytest.mark.parametrize(
    "name",
    [
        "/etc/cron.d/x", "//host/x", "C:/x.py", "c:x.py", "demo\\..\\x.py", "demo/\0x.py", "demo/\x1b[2Jx.py",
        "demo//x.py", "./demo/x.py", "demo/./x.py", "../x.py", "demo/../../x.py", "demo/..", "demo/../", "/", "demo//",
    ],
)  # fmt: skip
def test_unsafe_member_names(name: str) -> None:
    stand_in = b"x" * len(name)  # zipfile would tidy some of these names while it writes
    body = archive([(f"{INFO}/METADATA", b""), (stand_in.decode(), b"")]).getvalue().replace(stand_in, name.encode())
    with pytest.raises(Malformed, match="unsafe name") as caught:
        read_contents(io.BytesIO(body), None)
    assert repr(name) in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_control_character_beyond_ascii() -> None:
    with pytest.raises(Malformed, match=r"'demo/\\x9bx'"):
        read_contents(archive([(f"{INFO}/METADATA", b""), ("demo/\x9bx", b"")]), None)


def test_a_long_unsafe_name_is_cut() -> None:
    with pytest.raises(Malformed) as caught:
        read_contents(archive([("../" + "x" * 60_000, b"")]), None)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    "name",
    [
        "demo-1.0.data/purelib/evil-2.dist-info/METADATA",
        "demo-1.0.data/platlib/EVIL-2.Dist-Info/",
        "demo-1.0.DATA/data/lib/python3.12/site-packages/evil-2.dist-info/METADATA",
    ],
)
def test_a_second_identity_among_the_data(name: str) -> None:
    with pytest.raises(Malformed, match=r"second \.dist-info folder"):
        read_contents(archive([(f"{INFO}/METADATA", b""), (name, b"")]), None)


@pytest.mark.parametrize(
    "name",
    [
        "evil-2.egg-info/PKG-INFO",
        "evil-2.EGG-INFO",
        "evil.egg-link",
        "evil-2-py3.12.egg",
        "evil-2-py3.12.egg/EGG-INFO/PKG-INFO",
        "demo-1.0.data/purelib/evil-2.egg-info/PKG-INFO",
        "demo-1.0.data/platlib/evil.Egg-Link",
        "demo-1.0.DATA/data/lib/python3.12/site-packages/evil-2.egg/",
    ],
)
def test_an_identity_of_the_egg_kind(name: str) -> None:
    with pytest.raises(Malformed, match="egg metadata") as caught:
        read_contents(archive([(f"{INFO}/METADATA", b""), (name, b"")]), None)
    assert repr(name) in str(caught.value)


def test_eggs_deep_in_a_package_and_names_that_only_look_so() -> None:
    names = [
        "demo/tests/old-1.egg-info/PKG-INFO", "demo/tests/one.egg", "demo/x.egg-link", "egg/one.py", "demo.eggs/one.py",
        "demo.egg.py", "demo.egg-info.txt", "demo-1.0.data/scripts/egg", f"{INFO}/METADATA",
    ]  # fmt: skip
    assert read_contents(archive([(name, b"") for name in names]), None).dist_info == (INFO,)


@pytest.mark.parametrize("name", ["direct_url.json", "safepip.json", "Direct_URL.json", "SAFEPIP.JSON"])
def test_what_only_an_installer_writes(name: str) -> None:
    with pytest.raises(Malformed, match="only an installer writes"):
        read_contents(archive([(f"{INFO}/METADATA", b""), (f"{INFO}/{name}", b"{}")]), None)


def test_honest_names() -> None:
    names = [
        "demo/", "demo/...py", "demo/..hidden/.x", "demo/a b\N{SNOWMAN}.txt", "demo/direct_url.json", "demo/C:x",
        "demo/_vendor/part-1.dist-info/METADATA", "demo-1.0.data/purelib/demo/x.py", "demo-1.0.data/scripts/dist-info",
        f"{INFO}/licenses/safepip.json", f"{INFO}/METADATA",
    ]  # fmt: skip
    assert read_contents(archive([(name, b"") for name in names]), None).dist_info == (INFO,)
