"""One installed distribution: what its folder, RECORD and receipt say, and whether its files are as they say.

Nothing here trusts what it reads: whoever can write to the environment may have written it. A row that leads out of
the environment is never followed, and nothing but a regular file is ever opened.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from safepip.errors import Malformed
from safepip.formats.receipt import parse_receipt
from safepip.formats.record import RecordRow, stated_digest
from safepip.io.fingerprint import Fingerprint, Look, Unread, digest_of
from safepip.io.owners import Places, rows_of
from safepip.io.receipts import RECEIPT, read_receipt
from safepip.model.difference import Change, Difference
from safepip.model.ident import ProjectName, Sha256, parse_version
from safepip.model.inspection import Inspected, Receipt, Status

_NOTHING: frozenset[int] = frozenset()  # no size is right: there is no need to read it
_ALGORITHMS = frozenset({"sha256", "sha384", "sha512"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A .dist-info (or egg) as read. `rows`: the files that RECORD names, each with its rows, by `Places.key`."""

    path: str
    name: str
    version: str | None
    receipt: Receipt | None
    receipt_there: bool
    metadata_there: bool
    rows: Mapping[str, tuple[RecordRow, ...]]
    byte_code: Mapping[str, Sha256]
    faults: tuple[str, ...]

    @property
    def status(self) -> Status:
        """What it is, before its files have been looked at."""
        if not self.receipt_there:
            return Status.FOREIGN
        return Status.INTACT if self.metadata_there else Status.ORPHAN


def load(path: str, bounds: str) -> Loaded:
    """Read one folder. `bounds`: the environment, which no file of it lies outside of. Never raises."""
    name, version = _named(os.path.basename(path))  # noqa: PTH119
    faults: list[str] = []
    receipt_there = os.path.lexists(f"{path}/{RECEIPT}")
    receipt = _receipt(path, name, version, faults) if receipt_there else None
    rows, places = _rows(path, faults), Places(os.path.dirname(path))  # noqa: PTH120
    if not receipt_there and any(row.path == f"{os.path.basename(path)}/{RECEIPT}" for row in rows):  # noqa: PTH119
        receipt_there = True
        faults.append("RECORD lists a receipt, and there is none")
    return Loaded(
        path=path,
        name=name,
        version=version,
        receipt=receipt,
        receipt_there=receipt_there,
        metadata_there=os.path.isfile(f"{path}/METADATA"),  # noqa: PTH113
        rows=dict(_files(rows, places, bounds, path, faults)),
        byte_code=dict(_byte_code(receipt, places, bounds, faults)),
        faults=tuple(faults),
    )


def sizes(loaded: Loaded) -> Iterator[tuple[str, frozenset[int] | None]]:
    """The files to look at, each with the sizes that it may have; None for any."""
    for key, rows in loaded.rows.items():
        if key in loaded.byte_code:
            yield key, None
        elif not any(_usable(row) for row in rows):
            yield key, _NOTHING
        else:
            texts = {row.size for row in rows}
            yield key, frozenset(map(int, texts)) if all(map(_number, texts)) else None
    yield from ((key, None) for key in loaded.byte_code if key not in loaded.rows)


def inspected(loaded: Loaded, seen: Mapping[str, Look], added: tuple[str, ...] = (), loose: int = 0) -> Inspected:
    """Compare.

    seen: what lies at each of `sizes`; added, loose: files and byte code in its folders that nobody lists
    """
    differences = [*_differences(loaded, seen), *(Difference(path=path, change=Change.ADDED) for path in added)]
    status = loaded.status
    if status is Status.INTACT and (differences or loaded.faults):
        status = Status.CHANGED
    compared = [key for key, size in sizes(loaded) if size != _NOTHING]
    return Inspected(
        name=loaded.name,
        version=loaded.version,
        location=loaded.path,
        status=status,
        receipt=loaded.receipt,
        faults=loaded.faults,
        differences=tuple(sorted(differences, key=lambda one: (one.path, one.change.value))),
        files=sum(1 for key in compared if seen.get(key) is not None),
        unhashed=sum(1 for key in loaded.rows.keys() - set(compared) if not key.endswith((".pyc", "/RECORD"))),
        loose=loose + sum(1 for key in loaded.rows if _is_loose(key, loaded, seen)),
    )


def _is_loose(key: str, loaded: Loaded, seen: Mapping[str, Look]) -> bool:
    return key.endswith(".pyc") and key not in loaded.byte_code and isinstance(seen.get(key), Unread)


def _differences(loaded: Loaded, seen: Mapping[str, Look]) -> Iterator[Difference]:
    for key, digest in loaded.byte_code.items():
        found = seen.get(key)  # Python writes it anew where it is missing
        if found is not None and not (isinstance(found, Fingerprint) and found.sha256.hex() == digest):
            yield Difference(path=key, change=Change.ALTERED)
    unused = f"{loaded.path.removesuffix('.dist-info')}.data/"  # scripts that pip leaves out keep their rows
    for key, rows in loaded.rows.items():
        found = seen.get(key)
        if key in loaded.byte_code:
            continue
        if found is None:
            # virtualenv lists the folders of byte code that there will be.
            if not key.endswith((".pyc", "/__pycache__")) and not key.startswith(unused):
                yield Difference(path=key, change=Change.MISSING)
        elif not _as_listed(key, rows, found, foreign=loaded.status is Status.FOREIGN):
            yield Difference(path=key, change=Change.ALTERED)


def _as_listed(key: str, rows: tuple[RecordRow, ...], found: Fingerprint | Unread, *, foreign: bool) -> bool:
    if isinstance(found, Unread):
        if found.regular and not any(map(_usable, rows)):
            return True  # RECORD says nothing of it but that it is there
        # An installer other than pip may link to files of its cache; that cannot be compared and is no change.
        return foreign and (found.link or os.path.isdir(key))  # noqa: PTH112
    return any(_fits(key, row, found) for row in rows) or not any(map(_usable, rows))


def _fits(key: str, row: RecordRow, found: Fingerprint) -> bool:
    stated = stated_digest(row.hash)
    if stated is None or stated[0] not in _ALGORITHMS or (row.size and row.size != str(found.size)):
        return False
    return (found.sha256 if stated[0] == "sha256" else digest_of(key, stated[0])) == stated[1]


def _usable(row: RecordRow) -> bool:
    return (row.hash or "").partition("=")[0] in _ALGORITHMS


def _number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20


def _named(folder: str) -> tuple[str, str | None]:
    """Name and version as the folder has them; the name as written where it is none."""
    stem = folder.rpartition(".")[0]
    name, _, version = stem.partition("-")
    try:
        name = str(ProjectName.parse(name))
        return name, str(parse_version(version.partition("-py")[0])) if version else None
    except Malformed:
        return name, version or None


def _receipt(path: str, name: str, version: str | None, faults: list[str]) -> Receipt | None:
    try:
        found = read_receipt(Path(path))
        if found is None:
            return None
        receipt = parse_receipt(found.body)
    except Malformed as error:
        faults.append(f"the receipt does not hold: {error}")
        return None
    if (str(receipt.project), receipt.version) != (name, version):
        faults.append(f"the receipt is of {receipt.project} {receipt.version}")
    if receipt.record != found.record:
        faults.append("RECORD is not as it was when safepip installed it")
    if not found.listed:
        faults.append("RECORD does not list the receipt as it is")
    return receipt


def _rows(path: str, faults: list[str]) -> tuple[RecordRow, ...]:
    if not path.endswith(".dist-info"):
        faults.append("it has no RECORD, so nothing can be compared (an egg)")
        return ()
    try:
        return rows_of(path)
    except Malformed as error:
        faults.append(f"{error}, so its files cannot be compared")
        return ()


def _byte_code(receipt: Receipt | None, places: Places, bounds: str, faults: list[str]) -> Iterator[tuple[str, Sha256]]:
    inside = os.path.join(bounds, "")  # noqa: PTH118
    for row, digest in receipt.byte_code.items() if receipt is not None else ():
        key = places.of_row(row)
        if key.startswith(inside):
            yield key, digest
        else:
            faults.append(f"the receipt names byte code outside of the environment: {row[:200]}")


def _files(
    rows: tuple[RecordRow, ...], places: Places, bounds: str, path: str, faults: list[str]
) -> Iterator[tuple[str, tuple[RecordRow, ...]]]:
    """Each file with its rows. One that leads out of the environment is told, and not looked at."""
    files: dict[str, list[RecordRow]] = {}
    own = os.path.join(os.path.dirname(path), "")  # noqa: PTH118, PTH120
    inside = os.path.join(bounds, "")  # noqa: PTH118
    outside = 0
    for row in rows:
        key = places.of_row(row.path)
        if not key.startswith(inside) and row.path.startswith("../../"):
            key = places.of_row(row.path[6:])  # `--target` writes its rows for what it moves then
        if not key.startswith((inside, own)):
            outside += 1
            if outside == 1:
                faults.append(f"RECORD names a file outside of the environment: {row.path[:200]}")
        else:
            files.setdefault(key, []).append(row)
    return ((key, tuple(some)) for key, some in files.items())
