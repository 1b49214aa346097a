"""Archives that went wrong in a random way: fields that say something else, parts that moved, bytes that flipped."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from tests.archives.rawzip import (
    DEFLATED,
    NONE16,
    NONE32,
    STORED,
    UTF8,
    Entry,
    Overrides,
    RawZip,
    extra,
    wheel_entries,
    zip64_sizes,
)

_SIGNATURES = (b"PK\3\4", b"PK\1\2", b"PK\5\6", b"PK\6\6", b"PK\6\7", b"PK\7\x08")
_NUMBERS: tuple[int, ...] = (0, 1, 2, 6, 8, 20, 22, 30, 45, 46, 63, 64, 0x7F, 0x800, 0x7FFF, NONE16, NONE32, 2**63)
# Fields that mean nothing to a reader of wheels, so that many mutants stay sound.
_IDLE = ("time", "date", "version", "made_by", "internal")
_TELLING = (
    "flags",
    "method",
    "crc",
    "packed",
    "size",
    "name_length",
    "extra_length",
    "offset",
    "disk",
    "comment_length",
)
_NAMES: tuple[str | bytes, ...] = (
    "demo/a.py", "demo/A.py", "demo/b.py", "demo/c/", "demo/c/d.txt", "demo", "demo/é.txt", "demo/e\u0301.txt", "x.pth",
    b"demo/\xe9.txt", "../up.py", "/abs.py", "demo//two.py", "demo/./dot.py", "demo\\back.py", "demo/nul\0.py",
)  # fmt: skip
_EXTRAS = (b"", extra(0x5455, b"\1" + bytes(4)), extra(0x7875, bytes(11)), extra(0x7075, b"\1" + bytes(4) + b"x"), b"?")
_MODES = (0, 0o644, 0o100644, 0o100755, 0o100666, 0o40755, 0o120777, 0o104755)


def wheel(random: Random) -> RawZip:
    """A sound wheel of the project `demo`."""
    body = random.choice([b"", b"x = 1\n", bytes(3000), random.randbytes(500), bent_end(), b"PK\5\6" + bytes(18)])
    files = {"demo/__init__.py": b"VERSION = 1\n", "demo/data.bin": body, "demo/deep/er.txt": b"hello " * 50}
    entries = [
        entry.but(method=random.choice([STORED, DEFLATED, DEFLATED]), zip64=random.random() < 0.1)
        for entry in wheel_entries("demo", "1.0", files)
    ]
    return RawZip(entries, zip64=random.random() < 0.2)


def bent_end() -> bytes:
    """A small archive, to be a member of another."""
    return RawZip([Entry("demo/__init__.py", b"evil()\n", STORED)]).build()


def mutant(random: Random) -> bytes:
    """A wheel with one to three mutations, of the records before it is written or of the bytes afterwards."""
    archive = wheel(random)
    for _ in range(random.choice([0, 1, 1, 1, 2, 2, 3])):
        archive = _bent(random, archive)
    body = archive.build()
    for _ in range(random.choice([0, 0, 0, 1, 1, 2])):
        body = _damaged(random, body)
    return body


def _bent(random: Random, archive: RawZip) -> RawZip:
    entries = list(archive.entries)
    at = random.randrange(len(entries))
    choice = random.randrange(12)
    if choice < 6:
        entries[at] = _bent_entry(random, entries[at], choice)
    elif choice == 6:
        entries.insert(random.randrange(len(entries) + 1), _new_entry(random))
    elif choice == 7:
        random.shuffle(entries)
    elif choice == 8:
        order = list(range(len(entries)))
        random.shuffle(order)
        return RawZip(entries, order=order, zip64=archive.zip64)
    elif choice == 9:
        key = random.choice(["here", "count", "size", "offset", "disk", "comment_length"])
        return RawZip(entries, zip64=archive.zip64, end={key: random.choice(_NUMBERS)})
    elif choice == 10:
        key = random.choice(["length", "here", "count", "size", "offset", "disk"])
        return RawZip(entries, zip64=True, end64={key: random.choice(_NUMBERS)})
    else:
        part = random.choice(["prefix", "gap", "before_end", "trailer", "comment"])
        piece = random.choice([b"?", bent_end(), bent_end()[-22:], bytes(30)])
        return RawZip(entries, zip64=archive.zip64, **{part: piece})  # type: ignore[arg-type] # all of them are bytes
    return RawZip(entries, zip64=archive.zip64)


def _bent_entry(random: Random, entry: Entry, choice: int) -> Entry:
    if choice == 0:
        idle = {name: random.randrange(64) for name in random.sample(_IDLE, 2)}
        return entry.but(local=idle, central=idle if random.random() < 0.5 else {})
    if choice == 1:
        return entry.but(mode=random.choice(_MODES), extra=random.choice(_EXTRAS))
    if choice == 2:
        return entry.but(name=random.choice(_NAMES))
    if choice == 3:
        return entry.but(flags=random.choice([2, 4, 6, UTF8, 8, 1, 0x40]))
    field = random.choice(_TELLING)
    other: Overrides = {field: random.choice(_NUMBERS)}
    if choice == 4:
        return entry.but(**{random.choice(["local", "central"]): other})
    sizes = zip64_sizes(*(random.choice([len(entry.body), len(entry.packed), 0]) for _ in range(random.randrange(4))))
    return entry.but(**{random.choice(["local", "central"]): {**other, "extra": sizes}})


def _new_entry(random: Random) -> Entry:
    folder = random.random() < 0.3
    name = random.choice(_NAMES) if not folder else f"demo/{random.randrange(3)}/"
    return Entry(name, b"" if folder else random.randbytes(random.randrange(40)), mode=0o40755 if folder else 0o100644)


def _damaged(random: Random, body: bytes) -> bytes:
    begin, end = sorted((random.randrange(len(body) + 1), random.randrange(len(body) + 1)))
    choice = random.randrange(8)
    if choice == 0:
        return body[:end]
    if choice == 1:
        return body[:begin] + body[min(end, begin + 60) :]
    if choice == 2:
        return body[:end] + body[begin:end] + body[end:]
    if choice == 3:
        return body + bent_end() if random.random() < 0.5 else bent_end() + body
    if choice == 4 and body:
        return _flipped(body, random.randrange(len(body)), 1 << random.randrange(8))
    return _rewritten(random, body, _SIGNATURES)


def _flipped(body: bytes, at: int, mask: int) -> bytes:
    return body[:at] + bytes([body[at] ^ mask]) + body[at + 1 :]


def _rewritten(random: Random, body: bytes, signatures: Sequence[bytes]) -> bytes:
    """One field of a random record says something else."""
    signature = random.choice(signatures)
    places = [at for at in range(len(body)) if body.startswith(signature, at)]
    if not places:
        return body
    at = random.choice(places) + 4 + 2 * random.randrange(21)
    size = random.choice([1, 2, 4])
    value = random.choice(_NUMBERS) & ((1 << 8 * size) - 1)
    return body[:at] + value.to_bytes(size, "little") + body[at + size :]
