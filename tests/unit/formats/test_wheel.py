"""A wheel, read once: what is wrong with it, and what installing it will write."""

from __future__ import annotations

import hashlib
import io
import struct
import zipfile
from collections.abc import Callable
from typing import BinaryIO

import pytest

from safepip.formats import wheel
from safepip.formats.wheel import read_contents
from safepip.formats.ziparchive import ZipContents, read_zip
from safepip.model.contents import SCHEMES
from tests.factories import METADATA, WHEEL
from tests.unit.formats.wheels import DATA, INFO, built, codes, members_of, read, row


def test_an_honest_wheel() -> None:
    body = built(members_of({f"{INFO}/entry_points.txt": b"[console_scripts]\ndemo = demo:main\n"}))
    contents = read_contents(io.BytesIO(body), b"before")
    assert (contents.faults, contents.record_faults) == ((), ())
    assert contents.sha256 == hashlib.sha256(body).hexdigest()
    assert (contents.dist_info, contents.metadata, contents.wheel) == ((INFO,), METADATA, WHEEL)
    assert contents.resolved_with == b"before"
    assert contents.manifest is not None
    assert contents.manifest.scripts == ("demo",)
    files = {one.path: one for one in contents.manifest.files}
    assert set(files) == {"demo/__init__.py", *(f"{INFO}/{name}" for name in ("METADATA", "WHEEL", "RECORD")),
                          f"{INFO}/entry_points.txt"}  # fmt: skip
    one = files["demo/__init__.py"]
    assert (one.scheme, one.size, one.sha256) == ("purelib", 6, hashlib.sha256(b"x = 1\n").digest())


@pytest.mark.parametrize("body", [b"", b"not a zip", b"PK\x05\x06" + b"\xff" * 18, b"PK\x03\x04" * 10])
def test_of_a_broken_archive_nothing_is_known(body: bytes) -> None:
    contents = read_contents(io.BytesIO(body), None)
    assert contents.faults
    assert (contents.sha256, contents.manifest, contents.readable) == (None, None, False)
    assert (contents.metadata, contents.dist_info, contents.record_faults) == (None, (), ())


def test_bytes_that_do_not_match_their_checksum() -> None:
    body = bytearray(built(members_of()))
    body[60] ^= 1
    assert not read_contents(io.BytesIO(bytes(body)), None).readable


@pytest.mark.parametrize(("said", "scheme"), [(b"true", "purelib"), (b"True", "purelib"), (b"false", "platlib")])
def test_where_the_root_goes(said: bytes, scheme: str) -> None:
    contents = read({f"{INFO}/WHEEL": WHEEL.replace(b"true", said)})
    assert contents.manifest is not None
    assert {one.scheme for one in contents.manifest.files} == {scheme}


def test_where_data_go() -> None:
    contents = read({f"{DATA}/{scheme}/sub/x": b"" for scheme in SCHEMES})
    assert contents.manifest is not None
    assert not contents.faults
    placed = {path for path, _ in contents.manifest.placed({name: f"/{name}" for name in SCHEMES})}
    assert {f"/{scheme}/sub/x" for scheme in SCHEMES} <= placed


def test_a_script_that_pip_generates_itself_is_not_installed() -> None:
    """As setuptools once packed them; pip leaves them out by their names."""
    scripts = {f"{DATA}/scripts/{name}": b"" for name in ("demo", "demo.exe", "demo-script.py", "Demo", "other")}
    contents = read({**scripts, f"{INFO}/entry_points.txt": b"[console_scripts]\ndemo = demo:main\n"})
    assert contents.manifest is not None
    assert {one.place for one in contents.manifest.files if one.scheme == "scripts"} == {"Demo", "other"}


def test_several_dist_infos_have_no_metadata_to_believe() -> None:
    contents = read({"evil-1.DIST-INFO/METADATA": b"two"})
    assert contents.dist_info == (INFO, "evil-1.DIST-INFO")
    assert contents.metadata is None
    assert [one.code for one in contents.record_faults] == ["missing"]


def test_metadata_beyond_its_limit_is_a_fault_and_not_kept() -> None:
    contents = read({f"{INFO}/METADATA": b"\0" * (wheel.LARGEST_METADATA + 1)})
    assert contents.faults
    assert contents.metadata is None


@pytest.mark.parametrize(
    ("name", "code"),
    [
        # a second identity
        (f"{DATA}/purelib/evil-2.dist-info/METADATA", "second-identity"),
        (f"{DATA}/purelib/{INFO}/METADATA", "second-identity"),
        (f"{DATA}/platlib/EVIL-2.Dist-Info/x", "second-identity"),
        (f"{DATA}/data/lib/python3.12/site-packages/evil-2.dist-info/METADATA", "second-identity"),
        (f"{DATA}/data/Lib/Site-Packages/evil-2.dist-info/METADATA", "second-identity"),
        (f"{DATA}/data/evil-2.dist-info/METADATA", "second-identity"),
        ("evil-2.egg-info/PKG-INFO", "second-identity"),
        ("evil-2.EGG-INFO", "second-identity"),
        ("evil.egg-link", "second-identity"),
        ("evil-2-py3.12.egg/EGG-INFO/PKG-INFO", "second-identity"),
        (f"{DATA}/platlib/evil.Egg-Link", "second-identity"),
        (f"{DATA}/data/local/lib/python3.11/dist-packages/evil-2.egg/x", "second-identity"),
        # what only an installer writes
        (f"{INFO}/direct_url.json", "installers-own"),
        (f"{INFO}/SAFEPIP.JSON", "installers-own"),
        (f"{INFO}/INSTALLER", "installers-own"),
        (f"{INFO}/REQUESTED", "installers-own"),
        (f"{INFO}/provenance_url.json", "installers-own"),
        # a module of an installer's
        ("pip/__init__.py", "installers-own"),
        ("Pip/_internal/x.txt", "installers-own"),
        ("safepip.py", "installers-own"),
        ("safepip.cpython-312-x86_64-linux-gnu.so", "installers-own"),
        (f"{DATA}/platlib/pip.PYD", "installers-own"),
        (f"{DATA}/data/lib/python3.12/site-packages/pip/x.py", "installers-own"),
        (f"{DATA}/data/safepip/__init__.py", "installers-own"),
        # .data
        ("evil-1.0.data/purelib/x.py", "data-folder"),
        ("demo-2.0.data/purelib/x.py", "data-folder"),
        ("demo-1.0.DATA/purelib/x.py", "data-folder"),
        (".data/purelib/x.py", "data-folder"),
        ("x.data", "data-folder"),
        (f"{DATA}/x.py", "data-scheme"),
        (f"{DATA}/stdlib/x.py", "data-scheme"),
        (f"{DATA}/Scripts/x", "data-scheme"),
        (f"{DATA}/data", "data-scheme"),
        # the interpreter
        (f"{DATA}/data/bin/python3", "interpreter"),
        (f"{DATA}/data/bin/python3.13t", "interpreter"),
        (f"{DATA}/scripts/python", "interpreter"),
        (f"{DATA}/data/Scripts/python.exe", "interpreter"),
        (f"{DATA}/data/pyvenv.cfg", "interpreter"),
        (f"{DATA}/data/bin/pyvenv.cfg", "interpreter"),
        (f"{DATA}/data/python312._pth", "interpreter"),
        (f"{DATA}/data/python312.dll", "interpreter"),
        (f"{DATA}/data/lib/libpython3.12.so.1.0", "interpreter"),
        # the standard library
        (f"{DATA}/data/lib/python3.12/os.py", "standard-library"),
        (f"{DATA}/data/lib64/python3.12/encodings/__init__.py", "standard-library"),
        (f"{DATA}/data/lib/python3.13t/os.py", "standard-library"),
        (f"{DATA}/data/lib/python312.zip", "standard-library"),
        (f"{DATA}/data/Lib/os.py", "standard-library"),
        (f"{DATA}/data/lib/sitecustomize.py", "standard-library"),
        (f"{DATA}/data/Lib/encodings/__init__.py", "standard-library"),
        # byte code without a source
        ("demo/hidden.pyc", "orphan-byte-code"),
        ("demo/__pycache__/hidden.cpython-312.pyc", "orphan-byte-code"),
        ("requests/__pycache__/__init__.cpython-312.opt-1.pyc", "orphan-byte-code"),
        (f"{DATA}/scripts/json.pyc", "orphan-byte-code"),
    ],
)
def test_members_that_a_wheel_must_not_have(name: str, code: str) -> None:
    contents = read({name: b""})
    assert code in codes(contents)
    assert any(name in one.message or name.partition("/")[0] in one.message for one in contents.faults)
    assert not contents.record_faults


def test_members_that_only_look_so() -> None:
    names = [
        "demo/tests/old-1.egg-info/PKG-INFO", "demo/tests/one.egg", "demo/x.egg-link", "egg/one.py", "demo.eggs/one.py",
        "demo.egg.py", "demo.egg-info.txt", f"{DATA}/scripts/egg", f"{DATA}/scripts/python-config", "docs/x",
        "demo/direct_url.json", "demo/_vendor/part-1.dist-info/INSTALLER", f"{INFO}/licenses/safepip.json",
        f"{DATA}/data/lib/libdemo.so.4.15", f"{DATA}/data/lib/python3.12/site-packages/demo_more.py",
        f"{DATA}/data/etc/jupyter/x.json", f"{DATA}/data/share/python3.12/x", f"{DATA}/data/include/demo.h",
        f"{DATA}/data/lib/cmake/demo.cmake", f"{DATA}/headers/demo.h", "argparse.py", "lib/os.py", "dummy.txt",
        "demo.data.py",
        "demo/x.data/y", f"{DATA}/data/bin/z3", "demo/pip/__init__.py", "pip_api/x.py", "pip.txt",
        f"{DATA}/data/etc/pip",
    ]  # fmt: skip
    contents = read(names)
    assert (contents.faults, contents.record_faults, contents.hooks) == ((), (), ())


@pytest.mark.parametrize(
    ("flags", "found"),
    [(0b01, {"unchecked-byte-code"}), (0b11, {"unchecked-byte-code"}), (0b00, set()), (0b10, set())],
)
@pytest.mark.parametrize("place", ["demo/__pycache__/__init__.cpython-312.pyc", "demo/__init__.pyc"])
def test_byte_code_that_python_runs_whatever_its_source_says(flags: int, found: set[str], place: str) -> None:
    """Time stamps never fit, since an installer gives the source another one; a digest of the source always does."""
    assert codes(read({place: b"\xcb\r\r\n" + struct.pack("<I", flags) + b"\0" * 20})) == found


def test_a_source_that_is_spelt_otherwise_is_none() -> None:
    """Where case counts, Python would import the byte code."""
    assert codes(read({"demo/hidden.pyc": bytes(16), "demo/Hidden.py": b""})) == {"orphan-byte-code"}


@pytest.mark.parametrize("name", ["pyvenv.cfg", "Pyvenv.CFG", "python312._pth", "python3.12", "python.exe"])
def test_no_entry_point_makes_what_python_reads_before_anything_else(name: str) -> None:
    """`pyvenv.cfg` beside the interpreter lets a virtual environment see everything outside."""
    contents = read({f"{INFO}/entry_points.txt": f"[console_scripts]\n{name} = demo:main\n".encode()})
    assert [(one.code, name in one.message) for one in contents.faults] == [("interpreter", True)]


def test_the_source_may_come_another_way() -> None:
    assert not read({f"{DATA}/purelib/demo/a.py": b"", "demo/__pycache__/a.cpython-312.pyc": b""}).faults


def test_what_holds_machine_code_and_what_anybody_could_write() -> None:
    natives = ["demo/a.so", "demo/libz.so.1.2", "demo/b.PYD", "demo/c.dll", "demo/d.dylib", "demo/e.exe"]
    members = members_of([*natives, "demo/so", "demo/f.so.txt"])
    body = built(members, modes={"demo/so": 0o100666, "demo/a.so": 0o100775})
    contents = read_contents(io.BytesIO(body), None)
    assert sorted(contents.native) == sorted(natives)
    assert contents.world_writable == ("demo/so",)


@pytest.mark.parametrize("algorithm", ["sha384", "sha512"])
def test_a_digest_by_a_longer_algorithm_is_computed(algorithm: str) -> None:
    members = members_of()
    rows = [row(name, body, algorithm) for name, body in members.items()]
    assert not read(record="\n".join([*rows, f"{INFO}/RECORD,,"]).encode()).record_faults
    wrong = [row("demo/__init__.py", b"x = 2\n", algorithm), *rows[1:]]
    found = read(record="\n".join([*wrong, f"{INFO}/RECORD,,"]).encode()).record_faults
    assert [one.code for one in found] == ["hash"]


def test_a_file_that_changes_between_the_two_looks_is_an_error_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    handle = io.BytesIO(
        built(members_of(), record="\n".join(row(*one, "sha512") for one in members_of().items()).encode())
    )

    def changed(of: BinaryIO, keep: Callable[[str], int | None]) -> ZipContents:
        found = read_zip(of, keep)
        handle.getbuffer()[:] = b"\0" * len(handle.getbuffer())
        return found

    monkeypatch.setattr(wheel, "read_zip", changed)
    with pytest.raises(OSError, match="changed while it was read") as caught:
        read_contents(handle, None)
    assert caught.value.strerror


def test_many_faults_of_a_kind_are_counted() -> None:
    contents = read([f"demo/{number}.pyc" for number in range(37)])
    assert len(contents.faults) == 11
    assert contents.faults[-1].message == "and 27 more like that (orphan-byte-code)"


def test_a_large_honest_wheel_takes_seconds() -> None:
    contents = read([f"demo/{number % 97}/{number}.py" for number in range(60_000)])
    assert not contents.faults
    assert contents.manifest is not None
    assert len(contents.manifest.files) == 60_004


def test_zipfile_reads_the_same() -> None:
    body = built(members_of(["a b.txt", "demo/\N{SNOWMAN}.txt"]))
    contents = read_contents(io.BytesIO(body), None)
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        bodies = {name: archive.read(name) for name in archive.namelist()}
    assert contents.manifest is not None
    assert {one.path: one.sha256 for one in contents.manifest.files} == {
        name: hashlib.sha256(one).digest() for name, one in bodies.items()
    }
