"""A raw writer of `.tar.gz`: every field of every header can be overridden, and the parts can be put together anyhow.

    tar_gz(folder("demo-1.0"), file("demo-1.0/a.py", b"..."), symlink("demo-1.0/b.py", "a.py"))
    tar_gz(file("demo-1.0/a.py", size=b"-0000000001\\0"))      a field by its bytes, the checksum made right
    tar_gz(pax({"path": "demo-1.0/other"}), file("demo-1.0/a.py"))
    gz(tar(file("a")), crc=0, trailing=b"more")
    an_sdist(pyproject="...", files={"setup.py": b"..."})       a sound sdist, but for what you give it

Parts are bytes, so that anything can stand between them.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from typing import Any

BLOCK = 512
POSIX, GNU, OLD = b"ustar\x0000", b"ustar  \x00", bytes(8)
# (name, first byte, end) of every field of a ustar header; the checksum is apart.
FIELDS = {
    "name": (0, 100),
    "mode": (100, 108),
    "uid": (108, 116),
    "gid": (116, 124),
    "size": (124, 136),
    "mtime": (136, 148),
    "kind": (156, 157),
    "target": (157, 257),
    "magic": (257, 265),
    "uname": (265, 297),
    "gname": (297, 329),
    "devmajor": (329, 337),
    "devminor": (337, 345),
    "prefix": (345, 500),
    "rest": (500, 512),
}
FLIT = '[build-system]\nrequires = ["flit_core"]\nbuild-backend = "flit_core.buildapi"\n'


def octal(number: int, width: int) -> bytes:
    return f"{number:0{width - 1}o}".encode() + b"\0"


def base256(number: int, width: int = 12) -> bytes:
    """GNU's way to write a number that octal digits have no room for."""
    return bytes([0xFF if number < 0 else 0x80]) + number.to_bytes(width - 1, "big", signed=number < 0)


def header(*, checksum: bytes | None = None, **fields: Any) -> bytes:
    """One block. Bytes stand as they are, numbers in octal, texts in UTF-8; what is missing is zero."""
    block = bytearray(BLOCK)
    for name, value in fields.items():
        start, end = FIELDS[name]
        raw = value.encode() if isinstance(value, str) else value
        written = octal(raw, end - start) if isinstance(raw, int) else raw
        block[start:end] = written[: end - start].ljust(end - start, b"\0")
    block[148:156] = b" " * 8
    block[148:156] = octal(sum(block), 7) + b" " if checksum is None else checksum.ljust(8, b"\0")[:8]
    return bytes(block)


def padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % BLOCK)


def entry(name: str | bytes, content: bytes = b"", **fields: Any) -> bytes:
    """A member, its header and its content. `fields`: see `header`; the size is that of the content unless given."""
    plain: dict[str, Any] = {
        "mode": 0o644,
        "uid": 0,
        "gid": 0,
        "size": len(content),
        "mtime": 1_700_000_000,
        "kind": b"0",
        "magic": POSIX,
    }
    return header(name=name, **{**plain, **fields}) + padded(content)


def file(name: str | bytes, content: bytes = b"content\n", **fields: Any) -> bytes:
    return entry(name, content, **fields)


def folder(name: str | bytes, **fields: Any) -> bytes:
    slash = f"{name}/" if isinstance(name, str) else name + b"/"
    return entry(slash, **{"kind": b"5", "mode": 0o755, **fields})


def symlink(name: str | bytes, target: str | bytes, **fields: Any) -> bytes:
    return entry(name, **{"kind": b"2", "target": target, "mode": 0o777, **fields})


def hard_link(name: str | bytes, target: str | bytes, **fields: Any) -> bytes:
    return entry(name, **{"kind": b"1", "target": target, **fields})


def record(key: str, value: str | bytes) -> bytes:
    """A record of a pax header; its length counts itself."""
    rest = b" " + key.encode() + b"=" + (value.encode() if isinstance(value, str) else value) + b"\n"
    length = len(rest) + 1
    while len(str(length)) + len(rest) != length:
        length += 1
    return str(length).encode() + rest


def pax(records: Mapping[str, str | bytes] | bytes, *, kind: bytes = b"x", **fields: Any) -> bytes:
    """An extended header for the next member (`x`) or all (`g`). `records`: also as raw bytes."""
    raw = records if isinstance(records, bytes) else b"".join(record(key, value) for key, value in records.items())
    return entry("./PaxHeaders/next", raw, **{"kind": kind, **fields})


def gnu_long(text: str | bytes, *, kind: bytes = b"L", end: bytes = b"\0", **fields: Any) -> bytes:
    """GNU's header for a name (`L`) or the target of a link (`K`) of more than 100 bytes."""
    raw = text.encode() if isinstance(text, str) else text
    return entry("././@LongLink", raw + end, **{"kind": kind, "magic": GNU, "mode": 0, "mtime": 0, **fields})


def tar(*parts: bytes, end: bytes = bytes(2 * BLOCK), record_size: int = 10240) -> bytes:
    """`end`: what closes it; then zeros up to the next whole record, as `tarfile` and GNU tar write them."""
    content = b"".join(parts) + end
    return content + bytes(-len(content) % record_size if record_size else 0)


def gz(
    content: bytes,
    *,
    magic: bytes = b"\x1f\x8b",
    method: int = 8,
    flags: int = 0,
    fields: bytes = b"",
    deflated: bytes | None = None,
    crc: int | None = None,
    size: int | None = None,
    trailing: bytes = b"",
) -> bytes:
    """One gzip member. `fields`: the optional ones that `flags` announce; `deflated`: this stream instead."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = packer.compress(content) + packer.flush() if deflated is None else deflated
    check = zlib.crc32(content) if crc is None else crc
    length = len(content) % 2**32 if size is None else size
    start = magic + bytes([method, flags]) + bytes(4) + b"\x02\xff"
    return start + fields + packed + struct.pack("<II", check, length) + trailing


def tar_gz(*parts: bytes) -> bytes:
    return gz(tar(*parts))


def pkg_info(name: str = "demo", version: str = "1.0", *lines: str, stated: str = "2.2") -> str:
    return "\n".join([f"Metadata-Version: {stated}", f"Name: {name}", f"Version: {version}", *lines, "", "About it."])


def sdist_parts(
    *,
    top: str = "demo-1.0",
    info: str | bytes | None = None,
    pyproject: str | bytes | None = FLIT,
    files: Mapping[str, str | bytes] | None = None,
) -> tuple[bytes, ...]:
    """The members of a sound sdist. `info`: PKG-INFO; `pyproject`: None for none; `files`: below the top folder."""
    contents: dict[str, str | bytes] = {"PKG-INFO": pkg_info() if info is None else info, **(files or {})}
    if pyproject is not None:
        contents["pyproject.toml"] = pyproject
    members = (
        file(f"{top}/{path}", content.encode() if isinstance(content, str) else content)
        for path, content in contents.items()
    )
    return (folder(top), *members)


def an_sdist(
    *more: bytes,
    top: str = "demo-1.0",
    info: str | bytes | None = None,
    pyproject: str | bytes | None = FLIT,
    files: Mapping[str, str | bytes] | None = None,
) -> bytes:
    """A whole sdist. `more`: further parts, after its own."""
    return tar_gz(*sdist_parts(top=top, info=info, pyproject=pyproject, files=files), *more)
