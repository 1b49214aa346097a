"""RECORD: the files of an installed distribution or of a wheel (recording installed projects, PEP 376 and 427)."""

from __future__ import annotations

import csv
import hashlib
import io
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from safepip.errors import Malformed

_MOST_ROWS = 1_000_000
_HEX_LENGTH = {"sha256": 64, "sha384": 96, "sha512": 128}


@dataclass(frozen=True, slots=True, order=True)
class RecordRow:
    """One file. `hash` is `sha256=` and the unpadded base64 digest; hash and size are "" where none are stated."""

    path: str
    hash: str
    size: str

    @classmethod
    def of(cls, path: str, body: bytes) -> RecordRow:
        """The row for a file with these bytes."""
        return cls(path, stated(hashlib.sha256(body).digest()), str(len(body)))

    @classmethod
    def unhashed(cls, path: str) -> RecordRow:
        """The row for a file that is not hashed: RECORD itself and, as pip has it, byte code."""
        return cls(path, "", "")


def stated(digest: bytes) -> str:
    """A sha256 as RECORD writes it."""
    return f"sha256={urlsafe_b64encode(digest).rstrip(b'=').decode('ascii')}"


def stated_digest(text: str) -> tuple[str, bytes] | None:
    """(algorithm, digest) of a row's hash; None where it states none, or none that is readable.

    The digest is base64; one real build tool writes hexadecimal digits, which are twice as many as bytes.
    """
    algorithm, equals, encoded = text.partition("=")
    try:
        if _HEX_LENGTH.get(algorithm) == len(encoded):
            digest = bytes.fromhex(encoded)
        else:
            bare = encoded.rstrip("=")
            digest = b64decode(bare + "=" * (-len(bare) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return None
    return (algorithm, digest) if equals and digest else None


def parse_record(body: bytes) -> tuple[RecordRow, ...]:
    """The rows in their order. Raises Malformed; it does not judge what the rows say."""
    if b"\0" in body:  # which Python 3.10 takes for no CSV, and later ones for part of a name
        raise Malformed("RECORD holds a null byte")
    try:
        text = body.decode("utf-8")
        lines = islice(csv.reader(io.StringIO(text, newline=""), strict=True), _MOST_ROWS + 1)
        rows = [_row(row) for row in lines if row]
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
