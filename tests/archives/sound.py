"""Honest wheels right beside the line: each has something of real wheels that a strict reader may stumble over."""

from __future__ import annotations

import hashlib
import struct
from base64 import urlsafe_b64encode
from collections.abc import Callable

from tests.archives.rawzip import STORED, UTF8, Entry, RawZip, extra, record_row, zip64_sizes
from tests.archives.whole import ABOUT, DATA, FILE, INFO, MODULE, TAGS, about, points, wheel

BODY = b"VERSION = 1\n"
_END = RawZip([]).build()
_FOLDERS = ("demo", "demo/__pycache__", INFO, DATA, f"{DATA}/data")
_TIMES = extra(0x5455, b"\3" + bytes(8)) + extra(0x7875, b"\1\4" + bytes(4) + b"\4" + bytes(4))
_SHA512 = urlsafe_b64encode(hashlib.sha512(BODY).digest()).decode().rstrip("=")
MANY = 60_000


def _only(name: str, body: bytes = b"") -> Callable[[], bytes]:
    return lambda: wheel({name: body})


def _stored(name: str, body: bytes) -> Callable[[], bytes]:
    return lambda: wheel({name: body}, but={name: {"method": STORED}})


def _module(**changes: object) -> Callable[[], bytes]:
    return lambda: wheel(but={MODULE: changes})


def _row(text: str) -> Callable[[], bytes]:
    return lambda: wheel(rows={MODULE: f"{MODULE},{text},{len(BODY)}"})


def _byte_code(flags: int) -> bytes:
    """Byte code as far as its head says how it is compared with the source (PEP 552)."""
    return b"\xa7\r\r\n" + struct.pack("<3I", flags, 1_700_000_000, len(BODY)) + b"N"


def many() -> bytes:
    """A wheel with more members than any real one was seen to have."""
    names = [f"demo/{number // 1000}/{number}.txt" for number in range(MANY)]
    return wheel(dict.fromkeys(names, b""), but={name: {"method": STORED} for name in names})


GOOD: dict[str, Callable[[], bytes]] = {
    "plain": wheel,
    # the archive
    "zip64": lambda: wheel(but={MODULE: {"zip64": True}}, zip64=True),
    "a zip64 field that nothing needs": _module(
        local={"extra": zip64_sizes(len(BODY), len(Entry(MODULE, BODY).packed))}
    ),
    "times and owners in extra fields": _module(extra=_TIMES),
    "the compressor's level in the flags": _module(flags=2),
    "UTF-8 declared for plain names": _module(flags=UTF8),
    "folders": lambda: wheel(first=[Entry(f"{name}/", b"", STORED, mode=0o40755) for name in _FOLDERS]),
    "the signature of an end record in a stored member": _stored("demo/data.bin", _END + b"more"),
    "a wheel in a wheel": _stored("demo/bundled.whl", wheel()),
    "a file of zeros": _only("demo/zeros.bin", bytes(2_560_000)),
    "an empty file": _only("demo/py.typed"),
    "files that anybody may write": _module(mode=0o100666),
    "a mode without a type, made by DOS": _module(mode=0o644, central={"made_by": 20}),
    "no mode": _module(mode=0),
    # names
    "data named like devices": lambda: wheel({"demo/aux.json": b"", "demo/Con.dat": b"", "demo/console.py": b""}),
    "spaces and signs": _only("demo/ .git blame (1) [a]~$%&=+@!#^`{}.txt"),
    "UTF-8": _only("demo/donn\u00e9es/\u65e5\u672c\u8a9e.txt"),
    "what tools make up": lambda: wheel({"30fcd23745efe32ce681__mypyc.so": b"", "cmeel.prefix/lib/a.so": b""}),
    # layout
    "a distribution, deep inside": lambda: wheel(
        {f"demo/_vendor/other-1.0.dist-info/{name}": about(Name="other") for name in ("METADATA", "INSTALLER")}
    ),
    "an egg, deep inside": _only("demo/tests/data/other.egg/EGG-INFO/PKG-INFO"),
    "a module of the standard library's name": _only("argparse.py"),
    "byte code beside its source": _only("demo/__pycache__/__init__.cpython-311.pyc", _byte_code(0)),
    "headers, data and libraries": lambda: wheel(
        {
            f"{DATA}/{place}": b"\x7fELF"
            for place in (
                "headers/demo.h",
                "platlib/demo/native.so",
                "data/share/man/man1/demo.1",
                "data/etc/jupyter/demo.json",
                "data/bin/z3",
                "data/lib/libdemo.so.4.15",
            )
        }
    ),
    "other files of a .dist-info": lambda: wheel(
        {f"{INFO}/{name}": b"" for name in ("zip-safe", "top_level.txt", "licenses/LICENSE", "sboms/demo.cdx.json")}
    ),
    # programs and hooks
    "scripts with extras": lambda: wheel(points("blackd = demo:main [d]\n_receiver = demo.tool.__main__:main")),
    "programs near the line": lambda: wheel(
        {f"{DATA}/scripts/{name}": b"" for name in ("aws.cmd", "git-clang-format", "aws_zsh.sh", "cmake", "pip-audit")}
    ),
    "weights named .pth, deep inside": _only("demo/models/alex.pth", b"PK\3\4import os\n"),
    "a .pth of comments": _only("demo.pth", b"# nothing\n\n"),
    "a .pth that adds a folder of its own": _only("demo.pth", b"demo\n"),
    "sitecustomize, deep inside": _only("demo/bootstrap/sitecustomize.py", b"import os\n"),
    # RECORD
    "a RECORD with carriage returns": lambda: wheel(line_end="\r\n"),
    "a RECORD whose own row is not last": lambda: wheel(rows={MODULE: None, "later": record_row(MODULE, BODY)}),
    "a comma in a name": _only("demo/ro,1.s1p"),
    "sha512": _row(f"sha512={_SHA512}"),
    "hexadecimal digits": _row(f"sha256={hashlib.sha256(BODY).hexdigest()}"),
    "a signature": lambda: wheel(last=[Entry(f"{INFO}/RECORD.jws", b"{}")]),
    # METADATA and WHEEL
    "METADATA with carriage returns": lambda: wheel(metadata=ABOUT.replace(b"\n", b"\r\n")),
    "METADATA of the newest kind": lambda: wheel(metadata=about(Metadata_Version="2.5")),
    "WHEEL with carriage returns": lambda: wheel(tags=TAGS.replace(b"\n", b"\r\n")),
    "WHEEL without Generator": lambda: wheel(tags=TAGS.replace(b"Generator: tests\n", b"")),
    "a capital True": lambda: wheel(tags=TAGS.replace(b"true", b"True")),
}

# Where the file's name has a part in it.
NAMED: dict[str, tuple[str, Callable[[], bytes]]] = {
    "for any platform inside (playwright)": ("demo-1.0-py3-none-manylinux1_x86_64.whl", wheel),
    "for Linux inside (ray)": (
        "demo-1.0-cp311-cp311-manylinux2014_x86_64.whl",
        lambda: wheel(tags=TAGS.replace(b"py3-none-any", b"cp311-cp311-linux_x86_64")),
    ),
    "for one Python inside (py-spy)": ("demo-1.0-py2.py3-none-any.whl", wheel),
    "several tags in a line (clarabel)": (
        "demo-1.0-cp39-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        lambda: wheel(tags=TAGS.replace(b"py3-none-any", b"cp39-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64")),
    ),
    "a build (cmeel)": ("demo-1.0-0-py3-none-any.whl", lambda: wheel(tags=TAGS + b"Build: 0\n")),
    "a version in another spelling": ("demo-1.0.0-py3-none-any.whl", wheel),
    "a name in another spelling": ("Demo-1.0-py3-none-any.whl", wheel),
    "no part in it": (FILE, wheel),
}
