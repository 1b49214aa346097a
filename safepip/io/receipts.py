"""What is written beside an installed distribution: direct_url.json, safepip.json, and their rows in RECORD.

RECORD is replaced by rename, and before the files that it newly names are written. A run that dies in between leaves
a RECORD that names a file which is not there: an uninstall takes everything along all the same, and a later look
finds that there is no receipt.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from safepip.errors import EnvironmentFault, Malformed
from safepip.formats.directurl import FILE_NAME as DIRECT_URL
from safepip.formats.record import RecordRow, render_record, stated_digest, with_rows
from safepip.io.fingerprint import read_whole
from safepip.io.owners import rows_of
from safepip.io.statedir import write_whole
from safepip.model.ident import Sha256

RECEIPT = "safepip.json"
LARGEST_RECEIPT = 64 * 1024 * 1024
_MODE = 0o666  # less the umask, as pip does


@dataclass(frozen=True, slots=True, kw_only=True)
class Settling:
    """What is to be written for one distribution after pip.

    byte_code:  the rows of what was compiled, with the digests that the receipt keeps
    direct_url: the content of direct_url.json, None for a distribution from an index
    requested:  whether the REQUESTED marker that pip may have left is true
    receipt:    given the sha256 of RECORD as it will stand without the receipt's own row, and the byte code (path in
                RECORD -> sha256), the content of safepip.json
    """

    byte_code: tuple[RecordRow, ...]
    direct_url: bytes | None
    requested: bool
    receipt: Callable[[Sha256, Mapping[str, Sha256]], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundReceipt:
    """A receipt as read back. `record` is computed now, to be compared with what the receipt says.

    listed: whether RECORD lists exactly these bytes
    """

    body: bytes
    record: Sha256
    listed: bool


def settle(dist_info: Path, settling: Settling) -> None:
    """Bring one .dist-info to its final state. Raises EnvironmentFault."""
    folder = dist_info.name
    files: dict[str, bytes] = {}
    if settling.direct_url is not None:
        files[DIRECT_URL] = settling.direct_url
    unmarked = () if settling.requested else (f"{folder}/REQUESTED",)
    compiled = [RecordRow.unhashed(row.path) for row in settling.byte_code]  # as pip has it
    added = (*compiled, *(RecordRow.of(f"{folder}/{name}", body) for name, body in files.items()))
    try:
        rows = with_rows(rows_of(str(dist_info)), added, (*unmarked, f"{folder}/{RECEIPT}"))
        files[RECEIPT] = settling.receipt(_digest(rows), dict(_digests(settling.byte_code)))
        rows = with_rows(rows, [RecordRow.of(f"{folder}/{RECEIPT}", files[RECEIPT])])
        write_whole(dist_info / "RECORD", render_record(rows), _MODE)
        for name, body in files.items():
            write_whole(dist_info / name, body, _MODE)
        if not any(row.path == f"{folder}/{DIRECT_URL}" for row in rows):
            (dist_info / DIRECT_URL).unlink(missing_ok=True)  # of an older installation that was written over
        if not settling.requested:
            (dist_info / "REQUESTED").unlink(missing_ok=True)
    except (OSError, Malformed) as error:
        raise EnvironmentFault(
            "receipt-unwritable",
            "What was installed could not be recorded.",
            context=[("folder", str(dist_info)), ("reason", str(error))],
            hint=f"Install it again with --force-reinstall, or remove it: pip uninstall {folder.partition('-')[0]}",
        ) from None


def read_receipt(dist_info: Path) -> FoundReceipt | None:
    """The receipt of an installed distribution, None where there is none.

    Evidence, not proof, against somebody who can write to the environment. Raises Malformed when the receipt or
    RECORD is not readable.
    """
    place = str(dist_info / RECEIPT)
    if not os.path.lexists(place):
        return None
    body = read_whole(place, LARGEST_RECEIPT)
    if body is None:
        raise Malformed(f"{RECEIPT} is no regular file, cannot be read, or is larger than {LARGEST_RECEIPT} bytes")
    rows = rows_of(str(dist_info))
    path = f"{dist_info.name}/{RECEIPT}"
    own = [row for row in rows if row.path == path]
    return FoundReceipt(
        body=body, record=_digest(with_rows(rows, (), (path,))), listed=own == [RecordRow.of(path, body)]
    )


def _digests(rows: tuple[RecordRow, ...]) -> Iterator[tuple[str, Sha256]]:
    for row in rows:
        found = stated_digest(row.hash)
        if found is not None and found[0] == "sha256":
            yield row.path, Sha256(found[1].hex())


def _digest(rows: tuple[RecordRow, ...]) -> Sha256:
    return Sha256(hashlib.sha256(render_record(rows)).hexdigest())
