"""A zip writer that lies on demand: every field of every record can be overridden, and bytes put anywhere.

    RawZip([Entry("a.py", b"x = 1\\n"), Entry("b.py", b"", local={"flags": 8})], comment=b"hello").build()

Without overrides it writes a plain, sound archive. `local`, `central`, `end`, `end64` and `locator` take the names of
the fields below; numbers that are too large for their field are cut to its size. What an override says stands: nothing
else changes with it.
"""

from __future__ import annotations

import base64
import hashlib
import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

STORED, DEFLATED = 0, 8
UTF8, DESCRIPTOR, ENCRYPTED = 0x0800, 0x0008, 0x0001
NONE16, NONE32 = 0xFFFF, 0xFFFFFFFF

Overrides = Mapping[str, int | bytes]

# (field, size in bytes) in the order of the format; a size of 0 is for bytes as they are.
_LOCAL = (
    ("signature", 0), ("version", 2), ("flags", 2), ("method", 2), ("time", 2), ("date", 2), ("crc", 4), ("packed", 4),
    ("size", 4), ("name_length", 2), ("extra_length", 2), ("name", 0), ("extra", 0),
)  # fmt: skip
_CENTRAL = (
    ("signature", 0), ("made_by", 2), ("version", 2), ("flags", 2), ("method", 2), ("time", 2), ("date", 2), ("crc", 4),
    ("packed", 4), ("size", 4), ("name_length", 2), ("extra_length", 2), ("comment_length", 2), ("disk", 2),
    ("internal", 2), ("attributes", 4), ("offset", 4), ("name", 0), ("extra", 0), ("comment", 0),
)  # fmt: skip
_END = (
    ("signature", 0), ("disk", 2), ("directory_disk", 2), ("here", 2), ("count", 2), ("size", 4), ("offset", 4),
    ("comment_length", 2), ("comment", 0),
)  # fmt: skip
_END64 = (
    ("signature", 0), ("length", 8), ("made_by", 2), ("version", 2), ("disk", 4), ("directory_disk", 4), ("here", 8),
    ("count", 8), ("size", 8), ("offset", 8), ("more", 0),
)  # fmt: skip
_LOCATOR = (("signature", 0), ("disk", 4), ("offset", 8), ("disks", 4))


@dataclass(frozen=True)
class Entry:
    """One member. `name`: bytes go in as they are; text is encoded, and flagged as UTF-8 where it is not ASCII.

    data:          the packed bytes as written, by default `body` packed by `method`
    extra:         in both headers; `local` and `central` can have each their own
    zip64:         sizes in zip64 fields, in both headers
    before, after: bytes around the member in the file (`after` is where a data descriptor goes)
    in_directory, in_file: whether it has an entry there, and its local header and data here
    """

    name: str | bytes
    body: bytes = b""
    method: int = DEFLATED
    mode: int = 0o100644
    flags: int | None = None
    data: bytes | None = None
    extra: bytes = b""
    zip64: bool = False
    local: Overrides = field(default_factory=dict)
    central: Overrides = field(default_factory=dict)
    before: bytes = b""
    after: bytes = b""
    in_directory: bool = True
    in_file: bool = True

    def but(self, **changes: object) -> Entry:
        return replace(self, **changes)  # type: ignore[arg-type] # as dataclasses.replace itself

    @property
    def raw(self) -> bytes:
        return self.name if isinstance(self.name, bytes) else self.name.encode()

    @property
    def packed(self) -> bytes:
        if self.data is not None:
            return self.data
        return deflated(self.body) if self.method == DEFLATED else self.body

    def _common(self) -> dict[str, int | bytes]:
        flags = self.flags
        if flags is None:
            flags = UTF8 if isinstance(self.name, str) and not self.name.isascii() else 0
        return {
            "version": 45 if self.zip64 else 20,
            "flags": flags,
            "method": self.method,
            "date": 0x5C21,
            "crc": zlib.crc32(self.body),
            "packed": NONE32 if self.zip64 else len(self.packed),
            "size": NONE32 if self.zip64 else len(self.body),
            "name": self.raw,
            "extra": (zip64_sizes(len(self.body), len(self.packed)) if self.zip64 else b"") + self.extra,
        }

    def header(self) -> bytes:
        return _record(_LOCAL, {"signature": b"PK\3\4", **self._common(), **self.local})

    def entry(self, offset: int) -> bytes:
        """The entry in the central directory of a member that lies at `offset`."""
        own: Overrides = {"signature": b"PK\1\2", "made_by": 0x031E, "attributes": self.mode << 16, "offset": offset}
        return _record(_CENTRAL, {**own, **self._common(), **self.central})


@dataclass(frozen=True)
class RawZip:
    """An archive. The bytes in file order: `prefix`, the members, `gap`, the central directory, `before_end`, the end
    records, `comment` (with its length stated), `trailer` (not).

    order:   of the central directory, by the numbers of the entries; shift: is added to every offset
    zip64:   whether there are a zip64 end record and its locator, with nothing in the plain one
    """

    entries: Sequence[Entry]
    prefix: bytes = b""
    gap: bytes = b""
    before_end: bytes = b""
    trailer: bytes = b""
    comment: bytes = b""
    order: Sequence[int] | None = None
    shift: int = 0
    zip64: bool = False
    end: Overrides = field(default_factory=dict)
    end64: Overrides = field(default_factory=dict)
    locator: Overrides = field(default_factory=dict)

    def build(self) -> bytes:
        out = bytearray(self.prefix)
        offsets = []
        for entry in self.entries:
            out += entry.before
            offsets.append(len(out) + self.shift)
            if entry.in_file:
                out += entry.header() + entry.packed + entry.after
        out += self.gap
        start = len(out)
        listed = [index for index in self.order or range(len(self.entries)) if self.entries[index].in_directory]
        for index in listed:
            out += self.entries[index].entry(offsets[index])
        sizes = {
            "here": len(listed),
            "count": len(listed),
            "size": len(out) - start,
            "offset": start + self.shift,
        }
        out += self.before_end
        if self.zip64:
            out += self._zip64_records(sizes, len(out) + self.shift)
            sizes = {"here": NONE16, "count": NONE16, "size": NONE32, "offset": NONE32}
        out += _record(_END, {"signature": b"PK\5\6", **sizes, "comment": self.comment, **self.end})
        return bytes(out + self.trailer)

    def _zip64_records(self, sizes: Overrides, at: int) -> bytes:
        own: Overrides = {"signature": b"PK\6\6", "length": 44, "made_by": 45, "version": 45}
        end = _record(_END64, {**own, **sizes, **self.end64})
        return end + _record(_LOCATOR, {"signature": b"PK\6\7", "offset": at, "disks": 1, **self.locator})


def deflated(body: bytes) -> bytes:
    stream = zlib.compressobj(6, zlib.DEFLATED, -15)
    return stream.compress(body) + stream.flush()


def extra(kind: int, body: bytes) -> bytes:
    """An extra field."""
    return struct.pack("<2H", kind, len(body)) + body


def zip64_sizes(*sizes: int) -> bytes:
    """A zip64 extra field: size, packed size, offset, as far as given."""
    return extra(0x0001, struct.pack(f"<{len(sizes)}Q", *sizes))


def wheel_entries(
    name: str,
    version: str,
    files: Mapping[str, bytes] | None = None,
    *,
    metadata: bytes | None = None,
    wheel: bytes | None = None,
    also_listed: Iterable[str] = (),
) -> list[Entry]:
    """The entries of a sound wheel `name-version-py3-none-any.whl`, in the usual order: RECORD comes last.

    files: all others, by default one module. also_listed: rows of RECORD as they are, before its own.
    """
    info = f"{name}-{version}.dist-info"
    about = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()
    tags = b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    members = {
        **({f"{name}/__init__.py": b"VERSION = 1\n"} if files is None else files),
        f"{info}/METADATA": about if metadata is None else metadata,
        f"{info}/WHEEL": tags if wheel is None else wheel,
    }
    rows = [record_row(path, body) for path, body in members.items()]
    members[f"{info}/RECORD"] = "".join(f"{row}\n" for row in [*rows, *also_listed, f"{info}/RECORD,,"]).encode()
    return [Entry(path, body) for path, body in members.items()]


def record_row(path: str, body: bytes) -> str:
    """A row of RECORD as wheels have it."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(body).digest()).decode().rstrip("=")
    quoted = f'"{path}"' if "," in path else path
    return f"{quoted},sha256={digest},{len(body)}"


def _record(form: Iterable[tuple[str, int]], values: Overrides) -> bytes:
    """The bytes of a record; lengths are those of the bytes that follow unless `values` has them."""
    out = bytearray()
    for name, size in form:
        value = values.get(name, b"" if size == 0 else 0)
        if name.endswith("_length") and name not in values:
            of = values.get(name.removesuffix("_length"), b"")
            value = len(of) if isinstance(of, bytes) else 0
        out += value if isinstance(value, bytes) else (value & (256**size - 1)).to_bytes(size, "little")
    return bytes(out)
