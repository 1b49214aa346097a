"""Files that a person names to be looked into. `safepip.flows.scan.Files`

Each is opened once; its digest and what is inside are read through that one handle, and the checks compare the digests
of both readings, so that a file which somebody writes to meanwhile is told and not judged.
"""

from __future__ import annotations

from typing import BinaryIO

from safepip.errors import BadInput, Malformed
from safepip.formats.wheel import read_contents
from safepip.io.digests import digests_of
from safepip.io.regularfile import opened, unreadable
from safepip.model.artifact import Artifact, Local
from safepip.model.contents import Contents
from safepip.model.evidence import Kind, Unavailable
from safepip.model.ident import FileKind, FileName, Sha256, Url
from safepip.model.scan import Looked
from safepip.model.sdist import SdistContents
from safepip.model.verification import OfFile

_BEGINNINGS = {b"PK\x03\x04": "zip", b"PK\x05\x06": "zip", b"\x1f\x8b": "gzip"}


class NamedFiles:
    """Wheels and sdists of this machine."""

    def look(self, target: OfFile) -> Looked:
        """Raises BadInput: there is no such file, it cannot be read, or its name says nothing."""
        with opened(target.path) as handle:
            name = _name(target)
            try:
                return _look(handle, target, name)
            except OSError as error:
                raise unreadable(target.path, error) from None


def _name(target: OfFile) -> FileName:
    if target.name is not None:
        return target.name
    try:
        return FileName.parse(target.path.name)
    except Malformed as error:
        raise BadInput(
            "not-a-distribution",
            f"{target.path.name!r} is the name of neither a wheel nor an sdist",
            context=[("why", str(error))],
            hint="say what the file is with --filename NAME, such as demo-1.0-py3-none-any.whl or demo-1.0.tar.gz",
        ) from None


def _look(handle: BinaryIO, target: OfFile, name: FileName) -> Looked:
    start = handle.read(4)
    handle.seek(0)
    digests, size = digests_of(handle, ("sha256",))
    artifact = Artifact(
        name=name,
        sha256=Sha256.parse(digests["sha256"]),
        digests=digests,
        size=size,
        path=target.path,
        origin=Local(url=Url(target.path.absolute().as_uri())),
        pins=(),
    )
    handle.seek(0)
    begins = next((kind for first, kind in _BEGINNINGS.items() if start.startswith(first)), None)
    return Looked(artifact=artifact, contents=_contents(handle, name), begins=begins)


def _contents(handle: BinaryIO, name: FileName) -> Contents | SdistContents | Unavailable:
    try:
        return read_contents(handle, None) if name.kind is FileKind.WHEEL else _sdist(handle, name)
    except Malformed as error:
        return Unavailable(wanted=Kind.CONTENTS, code="malformed", why=str(error))


def _sdist(handle: BinaryIO, name: FileName) -> SdistContents:
    from safepip.formats.sdist import read_sdist

    return read_sdist(handle, name)
