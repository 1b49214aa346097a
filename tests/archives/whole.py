"""A whole wheel as bytes, sound but for what a test puts wrong. RECORD goes with the rest unless told otherwise."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from tests.archives.rawzip import Entry, RawZip, record_row

FILE = "demo-1.0-py3-none-any.whl"
INFO, DATA = "demo-1.0.dist-info", "demo-1.0.data"
RECORD = f"{INFO}/RECORD"
MODULE = "demo/__init__.py"
ABOUT = b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"
TAGS = b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def wheel(
    files: Mapping[str, bytes] | None = None,
    *,
    metadata: bytes = ABOUT,
    tags: bytes = TAGS,
    info: str = INFO,
    rows: Mapping[str, str | None] | None = None,
    record: bytes | None = None,
    line_end: str = "\n",
    without: Collection[str] = (),
    but: Mapping[str, Mapping[str, Any]] | None = None,
    first: Sequence[Entry] = (),
    last: Sequence[Entry] = (),
    **archive: Any,
) -> bytes:
    """The bytes of `FILE`.

    files:   besides one module; metadata, tags: METADATA and WHEEL, in the folder `info`
    rows:    of RECORD, by path, in place of the right ones (None leaves it out) or after them; line_end: of all of them
    record:  all of it
    without: members that are left out, and not in RECORD either
    but:     changes to single entries, by name; first, last: entries before and after all others, not in RECORD
    archive: what `RawZip` takes
    """
    given = {MODULE: b"VERSION = 1\n", **(files or {}), f"{info}/METADATA": metadata, f"{info}/WHEEL": tags}
    members = {path: body for path, body in given.items() if path not in without}
    right: dict[str, str | None] = {path: record_row(path, body) for path, body in members.items()}
    told = [row for row in {**right, f"{info}/RECORD": f"{info}/RECORD,,", **(rows or {})}.values() if row is not None]
    if f"{info}/RECORD" not in without:
        members[f"{info}/RECORD"] = "".join(f"{row}{line_end}" for row in told).encode() if record is None else record
    changes = but or {}
    entries = [Entry(path, body).but(**changes.get(path, {})) for path, body in members.items()]
    return RawZip([*first, *entries, *last], **archive).build()


def about(**fields: str) -> bytes:
    """METADATA with further fields, or others in place of its own."""
    own = {"Metadata-Version": "2.1", "Name": "demo", "Version": "1.0"}
    told = {**own, **{name.replace("_", "-"): value for name, value in fields.items()}}
    return "".join(f"{name}: {value}\n" for name, value in told.items()).encode()


def points(text: str) -> dict[str, bytes]:
    """An entry_points.txt with console scripts."""
    return {f"{INFO}/entry_points.txt": f"[console_scripts]\n{text}\n".encode()}
