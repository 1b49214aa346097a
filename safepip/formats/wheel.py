"""What a wheel says about itself (PEP 427): its .dist-info folders, METADATA and WHEEL."""

from __future__ import annotations

import lzma
import struct
import zipfile
import zlib
from typing import BinaryIO

from safepip.errors import Malformed
from safepip.model.evidence import Contents

MOST_MEMBERS = 500_000
LARGEST_METADATA = 16 * 1024 * 1024
LARGEST_WHEEL_FILE = 64 * 1024
# Everything that `zipfile` was seen to raise on damaged or hostile archives; RuntimeError stands for "encrypted".
_FAULTS = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,
    NotImplementedError,
    ValueError,
    OverflowError,
    KeyError,
    IndexError,
    TypeError,
)


def read_contents(handle: BinaryIO, resolved_with: bytes | None) -> Contents:
    """What is inside, as far as identity goes. `resolved_with`: the METADATA bytes that resolution relied on.

    `metadata` and `wheel` are None unless there is exactly one .dist-info folder that holds them. Raises Malformed.
    """
    try:
        with zipfile.ZipFile(handle) as archive:
            return _contents(archive, resolved_with)
    except Malformed:
        raise
    except _FAULTS as error:
        raise Malformed(f"the wheel is not a readable zip archive: {_words(error)}") from None


def _words(error: BaseException) -> str:
    return repr(str(error)[:200]) if str(error) else type(error).__name__


def _contents(archive: zipfile.ZipFile, resolved_with: bytes | None) -> Contents:
    names = archive.namelist()
    if len(names) > MOST_MEMBERS:
        raise Malformed(f"the wheel has more than {MOST_MEMBERS} members")
    tops = {name.partition("/")[0] for name in names}
    folders = tuple(sorted(top for top in tops if top.lower().endswith(".dist-info")))
    metadata = wheel = None
    if len(folders) == 1:
        metadata = _member(archive, names, f"{folders[0]}/METADATA", LARGEST_METADATA)
        wheel = _member(archive, names, f"{folders[0]}/WHEEL", LARGEST_WHEEL_FILE)
    return Contents(dist_info=folders, metadata=metadata, wheel=wheel, resolved_with=resolved_with)


def _member(archive: zipfile.ZipFile, names: list[str], name: str, largest: int) -> bytes | None:
    """The bytes of one member, None where there is none. Two of the same name are ambiguous: readers differ."""
    found = names.count(name)
    if found == 0:
        return None
    if found > 1:
        raise Malformed(f"the wheel holds {name!r} {found} times")
    info = archive.getinfo(name)
    if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise Malformed(f"{name!r} is compressed with a method that wheels do not use ({info.compress_type})")
    with archive.open(info) as stream:
        body = stream.read(largest + 1)
    if len(body) > largest:
        raise Malformed(f"{name!r} is larger than {largest} bytes")
    return body
