"""Wheels in memory whose every part a test may put wrong; RECORD is right unless it is given."""

from __future__ import annotations

import hashlib
import io
import zipfile
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping

from safepip.formats.wheel import read_contents
from safepip.model.contents import Contents
from tests.factories import METADATA, WHEEL

INFO = "demo-1.0.dist-info"
DATA = "demo-1.0.data"


def row(name: str, body: bytes, algorithm: str = "sha256") -> str:
    digest = urlsafe_b64encode(hashlib.new(algorithm, body).digest()).rstrip(b"=").decode()
    return f'"{name}",{algorithm}={digest},{len(body)}'


def members_of(files: Mapping[str, bytes] | Iterable[str] = ()) -> dict[str, bytes]:
    given = dict(files) if isinstance(files, Mapping) else dict.fromkeys(files, b"")
    return {"demo/__init__.py": b"x = 1\n", f"{INFO}/METADATA": METADATA, f"{INFO}/WHEEL": WHEEL, **given}


def built(members: Mapping[str, bytes], record: bytes | None = None, modes: Mapping[str, int] | None = None) -> bytes:
    if record is None:
        record = "\n".join([*(row(*one) for one in members.items()), f"{INFO}/RECORD,,", ""]).encode()
    handle = io.BytesIO()
    with zipfile.ZipFile(handle, "w") as out:
        for name, body in {**members, f"{INFO}/RECORD": record}.items():
            entry = zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0))
            entry.external_attr = (modes or {}).get(name, 0o100644) << 16
            out.writestr(entry, body, zipfile.ZIP_DEFLATED)
    return handle.getvalue()


def read(files: Mapping[str, bytes] | Iterable[str] = (), record: bytes | None = None) -> Contents:
    """What is found in a sound wheel with these files besides."""
    return read_contents(io.BytesIO(built(members_of(files), record)), None)


def codes(contents: Contents) -> set[str]:
    return {one.code for one in contents.faults}
