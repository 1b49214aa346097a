"""RECORD: the files of an installed distribution or of a wheel (recording installed projects, PEP 376 and 427)."""

from __future__ import annotations

import csv
import hashlib
import io
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass

from safepip.errors import Malformed

_MOST_ROWS = 1_000_000


@dataclass(frozen=True, slots=True, order=True)
class RecordRow:
    """One file. `hash` is `sha256=` and the unpadded base64 digest; hash and size are "" where none are stated."""

    path: str
    hash: str
    size: str

    @classmethod
    def of(cls, path: str, body: bytes) -> RecordRow:
        """The row for a file with these bytes."""
        digest = urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b"=").decode("ascii")
        return cls(path, f"sha256={digest}", str(len(body)))

    @classmethod
    def unhashed(cls, path: str) -> RecordRow:
        """The row for a file that is not hashed: RECORD itself and, as pip has it, byte code."""
        return cls(path, "", "")


def parse_record(body: bytes) -> tuple[RecordRow, ...]:
    """The rows in their order. Raises Malformed; it does not judge what the rows say."""
    try:
        text = body.decode("utf-8")
        rows = [_row(row) for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise Malformed(f"RECORD is not CSV in UTF-8: {error}") from None
    if len(rows) > _MOST_ROWS:
        raise Malformed(f"RECORD has more than {_MOST_ROWS} rows")
    return tuple(rows)


def _row(fields: list[str]) -> RecordRow:
    if len(fields) > 3 or not fields[0]:
        raise Malformed(f"RECORD has a row that is not path, hash, size: {fields[:4]!r}")
    path, digest, size = (*fields, "", "")[:3]
    return RecordRow(path, digest, size)


def render_record(rows: Iterable[RecordRow]) -> bytes:
    """The bytes as pip writes them: sorted, minimal quoting, lines that end in CR LF."""
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows((row.path, row.hash, row.size) for row in sorted(rows))
    return stream.getvalue().encode("utf-8")


def with_rows(
    rows: Iterable[RecordRow], added: Iterable[RecordRow], removed: Iterable[str] = ()
) -> tuple[RecordRow, ...]:
    """`rows` without the paths `removed` and with `added`, which take the place of rows for the same path."""
    new = {row.path: row for row in added}
    gone = set(removed) | set(new)
    return tuple(sorted([*(row for row in rows if row.path not in gone), *new.values()]))
