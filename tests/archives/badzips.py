"""Bad archives, by what is wrong with each and the code it must get, and the honest ones right beside the line."""

from __future__ import annotations

import random
import struct
import zlib
from functools import cache

from tests.archives.rawzip import (
    DESCRIPTOR,
    NONE16,
    NONE32,
    STORED,
    UTF8,
    Entry,
    RawZip,
    deflated,
    extra,
    wheel_entries,
    zip64_sizes,
)

A, B, C = Entry("pkg/a.py", b"a = 1\n" * 20), Entry("pkg/b.py", b"b = 2\n"), Entry("pkg/c.txt", b"", STORED)
SOUND = RawZip([A, B, C]).build()
INNER = RawZip([Entry("pkg/evil.py", b"evil()")]).build()
GIB = 1024**3


def only(entry: Entry, **changes: object) -> bytes:
    """The entry between two sound ones."""
    return RawZip([A, entry.but(**changes), C]).build()


def descriptor(entry: Entry) -> bytes:
    return b"PK\7\x08" + struct.pack("<3I", zlib.crc32(entry.body), len(entry.packed), len(entry.body))


STRUCTURE: dict[str, tuple[str, bytes]] = {
    # the end of the file
    "nothing at all": ("zip-end-record", b""),
    "no archive": ("zip-end-record", b"#!/bin/sh\necho hello\n" * 20),
    "end record alone, short": ("zip-end-record", b"PK\5\6" + bytes(10)),
    "cut in the end record": ("zip-truncated", SOUND[:-1]),
    "cut in the directory": ("zip-truncated", SOUND[: len(SOUND) - 60]),
    "cut in the data": ("zip-truncated", SOUND[:40]),
    "cut at the beginning": ("zip-end-record", SOUND[1:]),
    "a comment": ("zip-comment", RawZip([A], comment=b"hello").build()),
    "a comment that is cut off": ("zip-truncated", RawZip([A], comment=b"hello", trailer=b"").build()[:-2]),
    "an end record in the comment": ("zip-comment", RawZip([A], comment=RawZip([]).build()).build()),
    "an archive in the comment": ("zip-comment", RawZip([A], comment=INNER).build()),
    "one byte after it": ("zip-trailer", RawZip([A], trailer=b"\n").build()),
    "a page after it": ("zip-trailer", RawZip([A], trailer=bytes(4096)).build()),
    "more after it than any comment": ("zip-truncated", RawZip([A], trailer=bytes(70_000)).build()),
    "an end record within the end record": ("zip-end-record", RawZip([A], end={"size": 0x06054B50}).build()),
    "two end records": ("zip-stacked", RawZip([A], before_end=RawZip([A]).build()[-22:]).build()),
    "two end records, the first one as an entry": (
        "zip-stacked",
        RawZip(
            [A], before_end=RawZip([A]).build()[-22:], end={"size": len(A.entry(0)) + 22, "here": 2, "count": 2}
        ).build(),
    ),
    "several disks": ("zip-end-record", RawZip([A], end={"disk": 1}).build()),
    "the directory on another disk": ("zip-end-record", RawZip([A], end={"directory_disk": 1}).build()),
    "a member on another disk": ("zip-end-record", RawZip([A.but(central={"disk": 1})]).build()),
    "a directory beyond the end": ("zip-end-record", RawZip([A], end={"offset": 10**6}).build()),
    # counts
    "counts that differ": ("zip-count", RawZip([A, B], end={"here": 1}).build()),
    "fewer counted than listed": ("zip-count", RawZip([A, B], end={"here": 1, "count": 1}).build()),
    "more counted than listed": ("zip-count", RawZip([A, B], end={"here": 3, "count": 3}).build()),
    "none counted": ("zip-count", RawZip([A], end={"here": 0, "count": 0}).build()),
    # what lies where
    "a prefix, offsets not adapted": ("zip-prefix", RawZip([A], prefix=b"#!/bin/sh\n", shift=-10).build()),
    "a prefix, offsets adapted": ("zip-prefix", RawZip([A], prefix=b"#!/bin/sh\n").build()),
    "two archives": ("zip-stacked", INNER + SOUND),
    "two archives, offsets adapted": ("zip-stacked", RawZip([A], prefix=INNER).build()),
    "a gap between members": ("zip-gap", only(B, before=b"?")),
    "a gap as long as an extra field": ("zip-gap", only(B, before=b"?" * 65_535)),
    "a member that only a streaming reader sees, first": (
        "zip-gap",
        RawZip([A.but(in_directory=False), B]).build(),
    ),
    "members that only a streaming reader sees": (
        "zip-gap",
        RawZip([A.but(in_directory=False), B.but(in_directory=False)]).build(),
    ),
    "a gap longer than an extra field": ("zip-gap", only(B, before=b"?" * 70_000)),
    "a gap before the directory": ("zip-gap", RawZip([A], gap=b"PK").build()),
    "a gap after the directory": ("zip-gap", RawZip([A], before_end=b"PK").build()),
    "a member that only a streaming reader sees": ("zip-gap", only(B, in_directory=False)),
    "a member without data": ("zip-overlap", only(B, in_file=False)),
    "two entries for one member": (
        "zip-overlap",
        RawZip([A, B, C.but(name="pkg/other.py", in_file=False, central={"offset": 0})]).build(),
    ),
    "a member within another": (
        "zip-overlap",
        RawZip(
            [Entry("a", INNER, STORED), Entry("pkg/evil.py", b"evil()", central={"offset": 31}, in_file=False)]
        ).build(),
    ),
    "an offset one too low": ("zip-overlap", RawZip([A, B.but(central={"offset": 50})]).build()),
    "an offset beyond the file": ("zip-overlap", RawZip([A, B.but(central={"offset": 10**6})]).build()),
    # the directory
    "a directory that is none": ("zip-directory", only(B, central={"signature": b"PK\1\3"})),
    "an entry that is cut off": ("zip-directory", RawZip([A, B.but(central={"name_length": 99})]).build()),
    "a digital signature": (
        "zip-directory",
        RawZip([A], before_end=b"PK\5\5\0\0", end={"size": len(A.entry(0)) + 6}).build(),
    ),
    "a member's comment": ("zip-comment", only(B, central={"comment": b"hi"})),
    # the two headers
    "no header": ("zip-header-mismatch", only(B, local={"signature": b"PK\3\5"})),
    "another name": ("zip-header-mismatch", only(B, local={"name": b"pkg/x.py"})),
    "another name, longer": ("zip-header-mismatch", only(B, local={"name": b"pkg/bb.py"})),
    "a name in another case": ("zip-header-mismatch", only(B, local={"name": b"pkg/B.py"})),
    "another method": ("zip-header-mismatch", only(B, local={"method": STORED})),
    "another CRC": ("zip-header-mismatch", only(B, local={"crc": 0})),
    "another size": ("zip-header-mismatch", only(B, local={"size": 7})),
    "another packed size": ("zip-header-mismatch", only(B, local={"packed": 3})),
    "other flags": ("zip-header-mismatch", only(B, local={"flags": UTF8})),
    "a local zip64 field that is wrong": (
        "zip-header-mismatch",
        only(B, local={"size": NONE32, "packed": NONE32, "extra": zip64_sizes(7, len(B.packed))}),
    ),
    "a local zip64 field that contradicts its header": (
        "zip-header-mismatch",
        only(B, local={"size": 5, "extra": zip64_sizes(len(B.body), len(B.packed))}),
    ),
    "a local zip64 field of one size": (
        "zip-header-mismatch",
        only(B, local={"size": NONE32, "extra": zip64_sizes(len(B.body))}),
    ),
    "sizes left to a local field that is not there": (
        "zip-header-mismatch",
        only(B, local={"size": NONE32, "packed": NONE32}),
    ),
    "a descriptor": (
        "zip-data-descriptor",
        only(B, flags=DESCRIPTOR, local={"crc": 0, "size": 0, "packed": 0}, after=descriptor(B)),
    ),
    "a descriptor, sizes in the header too": ("zip-data-descriptor", only(B, flags=DESCRIPTOR, after=descriptor(B))),
    "a descriptor by the local header alone": ("zip-header-mismatch", only(B, local={"flags": DESCRIPTOR})),
    # extra fields
    "an unknown extra field": ("zip-extra-field", only(B, extra=extra(0x9999, b"x"))),
    "a Unicode path": ("zip-extra-field", only(B, extra=extra(0x7075, b"\1\0\0\0\0pkg/x.py"))),
    "a Unicode comment": ("zip-extra-field", only(B, extra=extra(0x6375, b"\1\0\0\0\0hello"))),
    "a Unicode path in the header alone": ("zip-extra-field", only(B, local={"extra": extra(0x7075, b"\1\0\0\0\0x")})),
    "a field longer than its place": ("zip-extra-field", only(B, extra=struct.pack("<2H", 0x5455, 9) + b"x")),
    "times that hide an archive": ("zip-extra-field", only(B, local={"extra": extra(0x5455, RawZip([A]).build())})),
    "an owner with more behind it": ("zip-extra-field", only(B, central={"extra": extra(0x7875, bytes(20))})),
    "three bytes of a field": ("zip-extra-field", only(B, extra=b"UT\0")),
    "two zip64 fields": ("zip-extra-field", only(B, local={"extra": zip64_sizes(6, 8) * 2})),
    # how members are packed
    "bzip2": ("zip-method", only(B, method=12, data=b"BZh9")),
    "lzma": ("zip-method", only(B, method=14, data=b"\x09\x04\x05\0")),
    "zstandard": ("zip-method", only(B, method=93, data=b"\x28\xb5\x2f\xfd")),
    "deflate64": ("zip-method", only(B, method=9, data=b"\3\0")),
    "encrypted": ("zip-encrypted", only(B, flags=1)),
    "strongly encrypted": ("zip-encrypted", only(B, flags=0x41)),
    "masked headers": ("zip-encrypted", only(B, flags=0x2000)),
    "patch data": ("zip-flags", only(B, flags=0x20)),
    "a reserved flag": ("zip-flags", only(B, flags=0x8000)),
    "a version of the future": ("zip-version", only(B, central={"version": 64})),
    "stored, with another size": ("zip-size", only(B, method=STORED, local={"size": 7}, central={"size": 7})),
    "less than declared": ("zip-size", only(B, local={"size": 7}, central={"size": 7})),
    "more than declared": ("zip-size", only(B, local={"size": 5}, central={"size": 5})),
    "other bytes": ("zip-crc", only(B, local={"crc": 1}, central={"crc": 1})),
    "other bytes, stored": ("zip-crc", only(B, method=STORED, local={"crc": 1}, central={"crc": 1})),
    "an empty file with a CRC": ("zip-crc", only(Entry("e", b"", local={"crc": 1}, central={"crc": 1}))),
    "no deflate": ("zip-deflate", only(B, data=b"\xff" * 8)),
    "deflate that is cut off": ("zip-deflate", only(B, data=B.packed[:-1])),
    "deflate without any byte": ("zip-deflate", only(Entry("e", b""), data=b"")),
    "bytes after the deflate": ("zip-deflate", only(B, data=B.packed + b"x")),
    "a second deflate stream": ("zip-deflate", only(B, data=B.packed + deflated(b"more"))),
    "a zlib header": ("zip-deflate", only(B, data=zlib.compress(B.body))),
    # zip64
    "no zip64 record": ("zip64", RawZip([A], end={"offset": NONE32}).build()),
    "a locator that points elsewhere": ("zip64", RawZip([A], zip64=True, locator={"offset": 0}).build()),
    "a locator without its record": ("zip64", RawZip([A], before_end=b"PK\6\7" + bytes(16)).build()),
    "a zip64 record that is longer": ("zip64", RawZip([A], zip64=True, end64={"length": 45, "more": b"x"}).build()),
    "a zip64 record of another length": ("zip64", RawZip([A], zip64=True, end64={"length": 45}).build()),
    "several zip64 disks": ("zip64", RawZip([A], zip64=True, locator={"disks": 2}).build()),
    "a zip64 record on another disk": (
        "zip-end-record",
        RawZip([A], zip64=True, end={"disk": NONE16}, end64={"disk": 1}).build(),
    ),
    "end records that differ in count": ("zip64", RawZip([A], zip64=True, end={"count": 2}).build()),
    "end records that differ in place": ("zip64", RawZip([A], zip64=True, end={"offset": 0}).build()),
    "a zip64 count that is wrong": ("zip-count", RawZip([A], zip64=True, end64={"here": 2, "count": 2}).build()),
    "a zip64 offset of a member that is wrong": (
        "zip-overlap",
        RawZip([A, B.but(central={"offset": NONE32, "extra": zip64_sizes(0)})]).build(),
    ),
    "a zip64 field that nothing asks for": ("zip64", only(B, central={"extra": zip64_sizes(6, 8)})),
    "a zip64 field that is missing": ("zip64", only(B, central={"size": NONE32})),
    "a zip64 field that is too short": ("zip64", only(B, central={"size": NONE32, "extra": extra(1, b"\6\0\0\0")})),
    "a zip64 field with more than is asked for": (
        "zip64",
        only(B, central={"size": NONE32, "extra": zip64_sizes(6, 8)}),
    ),
    # names that are no text
    "a name in another encoding": ("name-encoding", only(B, name=b"pkg/\xe9.py", flags=UTF8)),
    "a name in the DOS encoding": ("name-encoding", only(B, name=b"pkg/\x82.py")),
    "UTF-8 that is not declared": ("name-encoding", only(B, name="pkg/é.py".encode())),
    "an overlong form": ("name-encoding", only(B, name=b"pkg/\xc0\xae\xc0\xae/x", flags=UTF8)),
    "a surrogate": ("name-encoding", only(B, name=b"pkg/\xed\xa0\x80", flags=UTF8)),
    # caps
    "a bomb of one member": ("bomb", only(Entry("zeros", bytes(20_000_000)))),
    "a bomb by what it declares": ("bomb", only(B, zip64=True, central={"extra": zip64_sizes(GIB, len(B.packed))})),
    "more than a disk holds": (
        "too-large",
        only(B, zip64=True, central={"extra": zip64_sizes(2**63, len(B.packed))}),
    ),
    "too many members": ("too-many-members", RawZip([A], zip64=True, end64={"here": 10**6, "count": 10**6}).build()),
    "too large a directory": (
        "too-many-members",
        RawZip([A], end={"size": 2**27, "here": 5, "count": 5}).build(),
    ),
}


NAMED: dict[str, tuple[str, RawZip]] = {
    "twice": ("name-duplicate", RawZip([A, A])),
    "twice, in two cases": ("name-case", RawZip([A, A.but(name="pkg/A.py")])),
    "twice, in two forms": ("name-unicode", RawZip([A.but(name="\u00e9"), A.but(name="e\u0301")])),
    "a folder twice": ("name-duplicate", RawZip([Entry("a/", mode=0o40755), Entry("a/", mode=0o40755)])),
    "a file that is a folder": ("name-file-and-folder", RawZip([Entry("pkg"), A])),
    "a folder and a file": ("name-file-and-folder", RawZip([Entry("a/", mode=0o40755), Entry("a")])),
    "climbing": ("name-escapes", RawZip([A, Entry("../evil.py")])),
    "an absolute folder": ("name-escapes", RawZip([Entry("/etc/", mode=0o40755)])),
    "a NUL": ("name-control", RawZip([Entry("a.py\0.txt")])),
    "a nameless folder": ("name-empty-part", RawZip([Entry("/", mode=0o40755)])),
    "a nameless member": ("name-empty-part", RawZip([Entry("")])),
    "two slashes at the end": ("name-empty-part", RawZip([Entry("a//", mode=0o40755)])),
    "a symlink": ("member-type", RawZip([Entry("a", b"/etc/passwd", mode=0o120777)])),
    "a device": ("member-type", RawZip([Entry("a", mode=0o020644)])),
    "a FIFO": ("member-type", RawZip([Entry("a", mode=0o010644)])),
    "a socket": ("member-type", RawZip([Entry("a", mode=0o140644)])),
    "a folder named like a file": ("member-type", RawZip([Entry("a", mode=0o40755)])),
    "a folder for MS-DOS named like a file": ("member-type", RawZip([Entry("a", central={"attributes": 0x10})])),
    "a volume label": ("member-type", RawZip([Entry("a", central={"attributes": 0x08})])),
    "a file named like a folder": ("member-type", RawZip([Entry("a/", mode=0o100644)])),
    "a symlink named like a folder": ("member-type", RawZip([Entry("a/", mode=0o120777)])),
    "a folder with content": ("member-type", RawZip([Entry("a/", b"hello", mode=0o40755)])),
    "setuid": ("setuid", RawZip([Entry("a", mode=0o104755)])),
    "setgid": ("setuid", RawZip([Entry("a", mode=0o102755)])),
    "sticky": ("setuid", RawZip([Entry("a", mode=0o101755)])),
    "setuid without a type": ("setuid", RawZip([Entry("a", mode=0o4755)])),
}


@cache
def honest() -> dict[str, bytes]:
    """What is right beside the line."""
    times = extra(0x5455, b"\3" + bytes(8)) + extra(0x7875, b"\1\4" + bytes(4) + b"\4" + bytes(4))
    return {
        "plain": SOUND,
        "nothing inside": RawZip([]).build(),
        "a wheel": RawZip(wheel_entries("demo", "1.0")).build(),
        "stored": RawZip([A.but(method=STORED)]).build(),
        "an empty file, deflated": RawZip([Entry("a", b"")]).build(),
        "folders": RawZip([Entry("pkg/", mode=0o40755, method=STORED), A]).build(),
        "a deflated folder": RawZip([Entry("pkg/", mode=0o40755), A]).build(),
        "a folder without a mode": RawZip([Entry("pkg/", mode=0, central={"attributes": 0x10}), A]).build(),
        "a setgid folder": RawZip([Entry("pkg/", mode=0o42775), A]).build(),
        "no mode": RawZip([A.but(mode=0)]).build(),
        "a mode without a type": RawZip([A.but(mode=0o644)]).build(),
        "anybody may write": RawZip([A.but(mode=0o100666)]).build(),
        "made by DOS": RawZip([A.but(central={"made_by": 0x0014})]).build(),
        "an archived file": RawZip([A.but(central={"attributes": 0x20})]).build(),
        "level flags": RawZip([A.but(flags=2), B.but(flags=4), Entry("d", b"d", STORED, flags=2)]).build(),
        "UTF-8 declared for ASCII": RawZip([A.but(flags=UTF8)]).build(),
        "UTF-8": RawZip([A.but(name="pkg/données/日本語.txt")]).build(),
        "times and owners": RawZip(
            [A.but(extra=times), B.but(central={"extra": extra(0x5455, b"\1" + bytes(4))})]
        ).build(),
        "other times and versions in the header": RawZip([A.but(local={"time": 77, "date": 3, "version": 10})]).build(),
        "zip64": RawZip([A.but(zip64=True), B], zip64=True).build(),
        "zip64 sizes alone": RawZip([A.but(zip64=True), B]).build(),
        "a zip64 end alone": RawZip([A, B], zip64=True).build(),
        "a zip64 end beside a full one": RawZip(
            [A], zip64=True, end={"here": 1, "count": 1, "size": len(A.entry(0)), "offset": len(A.header() + A.packed)}
        ).build(),
        "zip64 that was not needed": RawZip(
            [A.but(local={"size": NONE32, "packed": NONE32, "extra": zip64_sizes(len(A.body), len(A.packed))})]
        ).build(),
        "zip64 that was not used": RawZip([A.but(local={"extra": zip64_sizes(len(A.body), len(A.packed))})]).build(),
        "a zip64 offset": RawZip(
            [A, B.but(central={"offset": NONE32, "extra": zip64_sizes(len(A.header() + A.packed))})]
        ).build(),
        "another order": RawZip([A, B, C], order=[2, 0, 1]).build(),
        "an end record inside": RawZip([Entry("a", INNER[-22:] + b"x", STORED), B]).build(),
        "an archive inside": RawZip([A, Entry("a.zip", INNER, STORED)]).build(),
        "an archive inside, last and nothing after": RawZip([Entry("a.zip", INNER, STORED)]).build(),
        "some MiB of zeros": RawZip([Entry("zeros", bytes(2_560_000)), B]).build(),
        "many MiB of zeros": RawZip(
            [Entry("zeros", bytes(30 << 20)), Entry("r", random.Random(1).randbytes(400_000))]
        ).build(),
        "names like devices": RawZip(
            [Entry("icon.txt"), Entry("console.py"), Entry("aux.json"), Entry("x/Con.dat")]
        ).build(),
        "a name with spaces": RawZip([Entry("pkg/ .git blame, 'x' (1) [é]~$%&=+@!#^`{}.txt")]).build(),
    }
