"""Whole wheels that must not be installed, each with the check and the code that it must get.

What is wrong with one is all that is wrong with it, as far as that can be: an installer that does not look installs it.
`python -m tests.archives.corpus` tells how many of them the pip of this Python does install. What can be wrong with an
archive as such, in every field, is in `badzips`; here is what each clause means for a wheel.
"""

from __future__ import annotations

import bz2
import lzma
import struct
import subprocess
import sys
import tempfile
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.archives.rawzip import DESCRIPTOR, STORED, UTF8, Entry, RawZip, deflated, extra, record_row, zip64_sizes
from tests.archives.whole import ABOUT, DATA, FILE, INFO, MODULE, RECORD, TAGS, about, points, wheel

HOOK = b"import os; os.system('id')\n"
EVIL = Entry("demo/evil.py", b"evil()\n")
_BODY = b"VERSION = 1\n"
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class BadWheel:
    """check, code: who must refuse it, and how. build: its bytes, made when asked for. file: its name."""

    check: str
    code: str
    build: Callable[[], bytes]
    file: str = FILE


def _module(**changes: object) -> bytes:
    """The wheel, with its one module's entry changed."""
    return wheel(but={MODULE: changes})


def _member(name: str, body: bytes = b"", **changes: object) -> bytes:
    """The wheel with one member more, which RECORD lists."""
    return wheel({name: body}, but={name: changes})


def _descriptor() -> bytes:
    packed = deflated(_BODY)
    after = b"PK\7\x08" + struct.pack("<3I", zlib.crc32(_BODY), len(packed), len(_BODY))
    return _module(flags=DESCRIPTOR, local={"crc": 0, "size": 0, "packed": 0}, after=after)


def _byte_code(flags: int) -> bytes:
    """Byte code, as far as its head says how it is to be compared with the source (PEP 552)."""
    return b"\xcb\r\r\n" + struct.pack("<I", flags) + bytes(8) + b"N"


def _row(path: str, body: bytes) -> dict[str, str | None]:
    """For RECORD, a right row under a path of another spelling."""
    return {path: record_row(path, body)}


_Builds = dict[str, tuple[str, Callable[[], bytes]]]

ARCHIVE: _Builds = {
    "a comment": ("zip-comment", lambda: wheel(comment=b"hello")),
    "a wheel in the comment": ("zip-comment", lambda: wheel(comment=wheel({"demo/evil.py": b""}))),
    "a line after it": ("zip-trailer", lambda: wheel(trailer=b"\n")),
    "a program before it": ("zip-prefix", lambda: wheel(prefix=b"#!/bin/sh\nid\n")),
    "another wheel before it": ("zip-stacked", lambda: wheel({"demo/evil.py": b""}) + wheel()),
    "another wheel before it, offsets adapted": ("zip-stacked", lambda: wheel(prefix=wheel())),
    "two end records": ("zip-stacked", lambda: wheel(before_end=wheel()[-22:])),
    "a member that is not in the directory": ("zip-gap", lambda: wheel(first=[EVIL.but(in_directory=False)])),
    "bytes between members": ("zip-gap", lambda: _module(after=b"hidden")),
    "bytes before the directory": ("zip-gap", lambda: wheel(gap=b"hidden")),
    "two entries for one member": ("zip-overlap", lambda: wheel(last=[EVIL.but(in_file=False, central={"offset": 0})])),
    "another name before the data": ("zip-header-mismatch", lambda: _module(local={"name": b"demo/__evil__.py"})),
    "another size before the data": ("zip-header-mismatch", lambda: _module(local={"size": 1})),
    "another method before the data": ("zip-header-mismatch", lambda: _module(local={"method": STORED})),
    "a data descriptor": ("zip-data-descriptor", _descriptor),
    "a name in an extra field": (
        "zip-extra-field",
        lambda: _module(extra=extra(0x7075, b"\1" + struct.pack("<I", zlib.crc32(MODULE.encode())) + b"demo/evil.py")),
    ),
    "an unknown extra field": ("zip-extra-field", lambda: _module(extra=extra(0xCAFE, b""))),
    "bzip2": ("zip-method", lambda: _module(method=12, data=bz2.compress(_BODY))),
    "lzma": (
        "zip-method",
        lambda: _module(method=14, data=b"\x09\x04\x05\0" + lzma.compress(_BODY, lzma.FORMAT_ALONE)[:5]),
    ),
    "encrypted": ("zip-encrypted", lambda: _module(flags=1)),
    "a reserved flag": ("zip-flags", lambda: _module(flags=0x8000)),
    "a version of the future": ("zip-version", lambda: _module(central={"version": 90})),
    "another CRC": ("zip-crc", lambda: _module(local={"crc": 1}, central={"crc": 1})),
    "fewer bytes than declared": ("zip-size", lambda: _module(local={"size": 99}, central={"size": 99})),
    "a second stream after the first": ("zip-deflate", lambda: _module(data=deflated(_BODY) + deflated(b"evil()"))),
    "fewer entries than counted": ("zip-count", lambda: wheel(end={"here": 9, "count": 9})),
    "counts that differ": ("zip-count", lambda: wheel(end={"here": 1})),
    "a zip64 end that contradicts the other": ("zip64", lambda: wheel(zip64=True, end={"count": 1})),
    "one of several disks": ("zip-end-record", lambda: wheel(end={"disk": 1, "directory_disk": 1})),
    "an entry that is cut off": ("zip-directory", lambda: _module(central={"name_length": 9999})),
    "more than a disk holds": (
        "too-large",
        lambda: _module(zip64=True, central={"extra": zip64_sizes(2**63, len(deflated(_BODY)))}),
    ),
    "cut short": ("zip-truncated", lambda: wheel()[:-30]),
    "no archive": ("zip-end-record", lambda: b"<html>not found</html>"),
    "a bomb": ("bomb", lambda: _member("demo/zeros.bin", bytes(40 * _MIB))),
    "more members than anybody needs": (
        "too-many-members",
        lambda: wheel(zip64=True, end64={"here": 10**6, "count": 10**6}),
    ),
    "METADATA that is endless": ("member-too-large", lambda: wheel(metadata=ABOUT + b"\n" + bytes(9 * _MIB))),
}

NAMES: _Builds = {
    "out of the folder": ("name-escapes", lambda: _member("../evil.py")),
    "out of the folder and back": ("name-escapes", lambda: _member("demo/../../site-packages/evil.py")),
    "absolute": ("name-escapes", lambda: _member("/etc/evil")),
    "a drive": ("name-escapes", lambda: _member("C:/evil.py")),
    "out of a scheme's folder": ("name-escapes", lambda: _member(f"{DATA}/scripts/../../evil")),
    "a backslash": ("name-backslash", lambda: _member("demo\\..\\evil.py")),
    "a NUL": ("name-control", lambda: _member("demo/evil.py\0.txt")),
    "a line feed": ("name-control", lambda: wheel(last=[Entry("demo/evil\n.py")])),
    "letters from right to left": ("name-control", lambda: _member("demo/evil\u202eyp.txt")),
    "an empty part": ("name-empty-part", lambda: _member("demo//evil.py")),
    "a dot": ("name-empty-part", lambda: _member("./evil.py")),
    "a stream": ("name-stream", lambda: _member("demo/data.txt:evil.py")),
    "a device": ("name-device", lambda: _member("demo/CON")),
    "a device with an ending": ("name-device", lambda: _member("demo/aux.py")),
    "a dot at the end": ("name-trailing", lambda: _member("demo/evil.py.")),
    "a space at the end": ("name-trailing", lambda: _member("demo /evil.py")),
    "too long": ("name-length", lambda: _member(f"demo/{'x' * 300}.py")),
    "in another encoding": ("name-encoding", lambda: wheel(last=[Entry(b"demo/\x82.py")])),
    "no UTF-8, though it says so": ("name-encoding", lambda: wheel(last=[Entry(b"demo/\xff.py", flags=UTF8)])),
    "twice": ("name-duplicate", lambda: wheel(first=[Entry(MODULE, b"evil()\n")])),
    "METADATA twice": ("name-duplicate", lambda: wheel(first=[Entry(f"{INFO}/METADATA", about(Name="evil"))])),
    "twice, in two cases": ("name-case", lambda: _member("Demo/__init__.py")),
    "twice, in two normal forms": ("name-unicode", lambda: wheel({"demo/\u00e9.py": b"", "demo/e\u0301.py": b""})),
    "a file that is a folder too": ("name-file-and-folder", lambda: _member("demo")),
    "a symlink": ("member-type", lambda: _member("demo/link", b"/etc/passwd", mode=0o120777)),
    "a symlink and a file through it": (
        "name-file-and-folder",
        lambda: wheel({"out": b"/tmp", "out/evil": b""}, but={"out": {"mode": 0o120777}}),
    ),
    "a device node": ("member-type", lambda: _member("demo/zero", mode=0o020666)),
    "a FIFO": ("member-type", lambda: _member("demo/pipe", mode=0o010644)),
    "setuid": ("setuid", lambda: _member(f"{DATA}/scripts/demo", b"\x7fELF", mode=0o104755)),
}

LAYOUT: _Builds = {
    "an unknown scheme": ("data-scheme", lambda: _member(f"{DATA}/stdlib/os.py")),
    "a file beside the schemes": ("data-scheme", lambda: _member(f"{DATA}/evil.py")),
    "another's .data": ("data-folder", lambda: _member("pip-26.0.data/purelib/evil.py")),
    "two .data": ("data-folder", lambda: wheel({f"{DATA}/data/a": b"", "demo-1.0.0.data/data/b": b""})),
    "the interpreter": ("interpreter", lambda: _member(f"{DATA}/data/bin/python3", b"#!/bin/sh\n")),
    "the interpreter as a script": ("interpreter", lambda: _member(f"{DATA}/scripts/python3.12", b"#!/bin/sh\n")),
    "the environment's own file": ("interpreter", lambda: _member(f"{DATA}/data/pyvenv.cfg", b"home = /tmp\n")),
    "a standard-library module": ("standard-library", lambda: _member(f"{DATA}/data/lib/python3.12/os.py")),
    "the zipped standard library": ("standard-library", lambda: _member(f"{DATA}/data/lib/python312.zip")),
    "another distribution among its data": (
        "second-identity",
        lambda: _member(f"{DATA}/purelib/other-1.0.dist-info/METADATA", about(Name="other")),
    ),
    "egg metadata": ("second-identity", lambda: _member("other-1.0.egg-info/PKG-INFO", about(Name="other"))),
    "an egg link": ("second-identity", lambda: _member("other.egg-link", b"/tmp\n")),
    "an INSTALLER": ("installers-own", lambda: _member(f"{INFO}/INSTALLER", b"pip\n")),
    "a direct_url.json": ("installers-own", lambda: _member(f"{INFO}/direct_url.json", b"{}")),
    "a configuration for pip": (
        "installers-own",
        lambda: _member(f"{DATA}/data/pip.conf", b"[global]\nindex-url = https://index.example/evil/\n"),
    ),
    "a journal to undo by": ("installers-own", lambda: _member(".safepip-undo/journal.json", b"{}")),
    "byte code without source": ("orphan-byte-code", lambda: _member("demo/evil.pyc", _byte_code(0))),
    "byte code without source, in its folder": (
        "orphan-byte-code",
        lambda: _member("demo/__pycache__/evil.cpython-312.pyc", _byte_code(0)),
    ),
    "byte code that is never compared": (
        "unchecked-byte-code",
        lambda: _member("demo/__pycache__/__init__.cpython-312.pyc", _byte_code(1)),
    ),
    "byte code that is compared by a digest": (
        "unchecked-byte-code",
        lambda: _member("demo/__pycache__/__init__.cpython-312.pyc", _byte_code(3)),
    ),
    "entry points that are none": ("entry-points", lambda: wheel({f"{INFO}/entry_points.txt": b"demo = demo:main\n"})),
    "a script with two values": ("entry-points", lambda: wheel(points("demo = demo:main\ndemo = demo:evil"))),
    "a script outside its folder": ("entry-point-name", lambda: wheel(points("../evil = demo:main"))),
    "a script that runs more": ("entry-point-value", lambda: wheel(points("demo = demo:main;import os"))),
}

LISTED: _Builds = {
    "no RECORD": ("missing", lambda: wheel(without=[RECORD])),
    "RECORD in another encoding": ("malformed", lambda: wheel(record=b"\xff\xfe")),
    "RECORD with a fourth column": ("malformed", lambda: wheel(rows={MODULE: f"{MODULE},,,"})),
    "a file that is not listed": ("unlisted", lambda: wheel({"demo/evil.py": b""}, rows={"demo/evil.py": None})),
    "an empty RECORD": ("unlisted", lambda: wheel(record=b"")),
    "RECORD without itself": ("unlisted", lambda: wheel(rows={RECORD: None})),
    "a file listed twice": ("duplicate", lambda: wheel(rows={"again": record_row(MODULE, _BODY)})),
    "a file that is not there": ("absent", lambda: wheel(rows={"demo/gone.py": "demo/gone.py,sha256=AA,1"})),
    "a path with a dot": ("path", lambda: wheel(rows={MODULE: None, **_row(f"./{MODULE}", _BODY)})),
    "a path that is absolute": ("path", lambda: wheel(rows=_row("/etc/passwd", b""))),
    "a path that climbs": ("path", lambda: wheel(rows=_row("../../../bin/demo", b""))),
    "a path with a backslash": ("path", lambda: wheel(rows={MODULE: None, **_row("demo\\__init__.py", _BODY)})),
    "a path in another case": ("path", lambda: wheel(rows={MODULE: None, **_row("Demo/__init__.py", _BODY)})),
    "no digest": ("unhashed", lambda: wheel(rows={MODULE: f"{MODULE},,"})),
    "md5": ("weak-hash", lambda: wheel(rows={MODULE: f"{MODULE},md5=1B2M2Y8AsgTpgAmY7PhCfg,12"})),
    "sha1": ("weak-hash", lambda: wheel(rows={MODULE: f"{MODULE},sha1=2jmj7l5rSw0yVb_vlWAYkK_YBwk,12"})),
    "another digest": ("hash", lambda: wheel(rows=_row(MODULE, b"VERSION = 2\n"))),
    "a digest of itself": ("hash", lambda: wheel(rows=_row(RECORD, b""))),
    "another sha512": ("hash", lambda: wheel(rows={MODULE: f"{MODULE},sha512={'A' * 86},12"})),
    "another size": ("size", lambda: wheel(rows={MODULE: record_row(MODULE, _BODY).replace(",12", ",13")})),
    "no size": ("size", lambda: wheel(rows={MODULE: record_row(MODULE, _BODY).replace(",12", ",")})),
}

STATED: _Builds = {
    "another .dist-info": ("dist-info", lambda: wheel(info="evil-1.0.dist-info")),
    "a .dist-info of another version": ("dist-info", lambda: wheel(info="demo-2.0.dist-info")),
    "two .dist-info": ("dist-info", lambda: _member("other-1.0.dist-info/METADATA", about(Name="other"))),
    "no .dist-info": ("dist-info", lambda: RawZip([EVIL]).build()),
    "no METADATA": ("metadata", lambda: wheel(without=[f"{INFO}/METADATA"])),
    "METADATA of another project": ("metadata", lambda: wheel(metadata=about(Name="evil"))),
    "METADATA of another version": ("metadata", lambda: wheel(metadata=about(Version="2.0"))),
    "two names": ("metadata", lambda: wheel(metadata=ABOUT + b"Name: evil\n")),
    "two versions": ("metadata", lambda: wheel(metadata=ABOUT + b"Version: 2.0\n")),
    "METADATA in another encoding": ("metadata", lambda: wheel(metadata=ABOUT + b"Author: J\xfcrgen\n")),
    "no WHEEL": ("wheel", lambda: wheel(without=[f"{INFO}/WHEEL"])),
    "a format of the future": ("wheel", lambda: wheel(tags=TAGS.replace(b"1.0", b"2.0"))),
    "two formats": ("wheel", lambda: wheel(tags=b"Wheel-Version: 2.0\n" + TAGS)),
    "neither pure nor not": ("wheel", lambda: wheel(tags=TAGS.replace(b"true", b"maybe"))),
    "no tag": ("wheel", lambda: wheel(tags=TAGS.replace(b"Tag: py3-none-any\n", b""))),
    "tags of another Python": ("tags", lambda: wheel(tags=TAGS.replace(b"py3-none-any", b"cp39-cp39-win32"))),
    "one tag too many": ("tags", lambda: wheel(tags=TAGS + b"Tag: cp312-cp312-win_amd64\n")),
    "another build": ("build", lambda: wheel(tags=TAGS + b"Build: 7\n")),
}

HOOKS: _Builds = {
    "a .pth that imports": ("line", lambda: _member("demo.pth", HOOK)),
    "a .pth that leads out": ("line", lambda: _member("demo.pth", b"/tmp\n")),
    "a .pth after a carriage return": ("line", lambda: _member("demo.pth", b"# harmless\r" + HOOK)),
    "a .pth among the data": ("line", lambda: _member(f"{DATA}/purelib/demo.pth", HOOK)),
    "a .pth in the library by its path": (
        "line",
        lambda: _member(f"{DATA}/data/lib/python3.12/site-packages/demo.pth", HOOK),
    ),
    "a .start": ("line", lambda: _member("demo.start", b"demo:main\n")),
    "another project's line": (
        "line",
        lambda: _member("a1_coverage.pth", b"import sys; exec('import os\\n\\nif os.getenv(\"X\"): pass')\n"),
    ),
    "a .pth in another encoding": ("unclear", lambda: _member("demo.pth", b"import \xe9\n")),
    "sitecustomize": ("module", lambda: _member("sitecustomize.py", HOOK)),
    "usercustomize, as a package": ("module", lambda: _member("usercustomize/__init__.py", HOOK)),
    "sitecustomize as an extension": ("module", lambda: _member("sitecustomize.abi3.so", b"\x7fELF")),
    "sitecustomize in a folder that it adds": (
        "module",
        lambda: wheel({"demo.pth": b"demo/lib\n", "demo/lib/sitecustomize.py": HOOK}),
    ),
}

PROGRAMS: _Builds = {
    "sudo": ("program", lambda: wheel(points("sudo = demo:main"))),
    "git": ("program", lambda: _member(f"{DATA}/scripts/git", b"#!/bin/sh\n")),
    "pip of another": ("program", lambda: wheel(points("pip3 = demo:main"))),
    "safepip itself": ("program", lambda: wheel(points("safepip = demo:main"))),
    "activate": ("program", lambda: _member(f"{DATA}/data/bin/activate", b"id\n")),
    "sudo for Windows": ("program", lambda: _member(f"{DATA}/scripts/SUDO.exe", b"MZ")),
    "a module beside the scripts": ("module", lambda: _member(f"{DATA}/scripts/os.py", b"")),
}

ADDRESSES: _Builds = {
    "an address": ("direct-url", lambda: wheel(metadata=about(Requires_Dist="evil @ https://index.example/evil.whl"))),
    "an address for an extra": (
        "direct-url",
        lambda: wheel(metadata=about(Requires_Dist="evil @ git+https://index.example/evil ; extra == 'x'")),
    ),
    "a folder": ("direct-url", lambda: wheel(metadata=about(Requires_Dist="evil @ file:///tmp/evil"))),
}

_BY_CHECK = (
    ("archive", {**ARCHIVE, **{f"name {what}": one for what, one in NAMES.items()}, **LAYOUT}),
    ("record", LISTED),
    ("metadata-match", STATED),
    ("startup-hook", HOOKS),
    ("script-shadow", PROGRAMS),
    ("direct-url", ADDRESSES),
)
BAD: dict[str, BadWheel] = {
    f"{check}: {what}": BadWheel(check=check, code=code, build=build)
    for check, builds in _BY_CHECK
    for what, (code, build) in builds.items()
}


def main() -> None:
    """What pip makes of them, each alone in a folder."""
    with tempfile.TemporaryDirectory(prefix="corpus-") as place:
        for number, one in enumerate(BAD.values()):
            folder = Path(place) / str(number)
            folder.mkdir()
            (folder / one.file).write_bytes(one.build())
        command = [sys.executable, "-m", "tests.archives.pip_driver", place]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    for what, word in zip(BAD, told, strict=True):
        print(f"{word:30} {what}")
    print(f"pip installs {Counter(told)['installed']} of {len(BAD)}")


if __name__ == "__main__":
    main()
