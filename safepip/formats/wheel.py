"""What a wheel says about itself (PEP 427): its .dist-info folders, METADATA and WHEEL."""

from __future__ import annotations

import lzma
import re
import struct
import zipfile
import zlib
from typing import BinaryIO

from safepip.errors import Malformed
from safepip.model.evidence import Contents

MOST_MEMBERS = 500_000
LARGEST_METADATA = 16 * 1024 * 1024
LARGEST_WHEEL_FILE = 64 * 1024
_MOST_SHOWN = 120
_UNSAFE_NAME = re.compile(
    r"[\x00-\x1f\x7f-\x9f\\]"  # control characters, and the separator of another system
    r"|\A[A-Za-z]:"  # a drive
    r"|(?:\A|/)\.{0,2}(?:/|\Z)"  # an absolute name, and the segments "", "." and ".."
)
# pip unpacks X.data/purelib/ and its like beside the .dist-info: one in there would be another distribution's identity.
# Deep in a package (setuptools carries several) it is nothing but files.
_SMUGGLED = re.compile(r"[^/]*\.data/(?:.*/)?[^/]*\.dist-info(?:/|\Z)", re.IGNORECASE | re.DOTALL)
# What setuptools left instead of a .dist-info is an identity too, and an .egg-link even adds to the search path.
_LEGACY = re.compile(r"(?:[^/]*\.data/(?:.*/)?)?[^/]*\.egg(?:-info|-link)?(?:/|\Z)", re.IGNORECASE | re.DOTALL)
_INSTALLERS_OWN = re.compile(r"[^/]*\.dist-info/(?:direct_url|safepip)\.json/?\Z", re.IGNORECASE)
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
    _check_names(archive)
    tops = {name.partition("/")[0] for name in names}
    folders = tuple(sorted(top for top in tops if top.lower().endswith(".dist-info")))
    metadata = wheel = None
    if len(folders) == 1:
        metadata = _member(archive, names, f"{folders[0]}/METADATA", LARGEST_METADATA)
        wheel = _member(archive, names, f"{folders[0]}/WHEEL", LARGEST_WHEEL_FILE)
    return Contents(dist_info=folders, metadata=metadata, wheel=wheel, resolved_with=resolved_with)


def _check_names(archive: zipfile.ZipFile) -> None:
    """Both names of each member: `zipfile` cuts one at a NUL, and may take it from an extra field."""
    for info in archive.infolist():
        _check_name(info.orig_filename)
        if info.filename != info.orig_filename:
            _check_name(info.filename)


def _check_name(name: str) -> None:
    path = name.removesuffix("/")  # a directory's
    if _UNSAFE_NAME.search(path):
        raise Malformed(f"the wheel has a member with an unsafe name, {_shown(name)}")
    if _SMUGGLED.match(path):
        raise Malformed(f"the wheel has a second .dist-info folder among its data, {_shown(name)}")
    if _LEGACY.match(path):
        raise Malformed(f"the wheel has egg metadata, which is a second identity, {_shown(name)}")
    if _INSTALLERS_OWN.match(path):
        raise Malformed(f"the wheel brings a file that only an installer writes, {_shown(name)}")


def _shown(name: str) -> str:
    return repr(name) if len(name) <= _MOST_SHOWN else f"{name[:_MOST_SHOWN]!r}..."


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
