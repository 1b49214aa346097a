"""The core metadata of a wheel by the cheapest means: cache, PEP 658 file, the wheel's tail, the wheel.

Of an sdist: cache, PEP 658 file, or what its PKG-INFO states for good; nothing of it is ever run to find out more.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from safepip.errors import IndexFault, Malformed, NetworkFault, UnreadableFile
from safepip.formats.metadata import parse_metadata
from safepip.formats.sdist import read_sdist
from safepip.formats.wheel import read_contents
from safepip.io.cachefile import CacheFolder
from safepip.io.digests import digests_of
from safepip.io.http import Http, Response
from safepip.io.links import path_of, unreadable
from safepip.io.wheelfile import LARGEST_METADATA, Missing, Sparse, read_metadata
from safepip.model.artifact import HASH_ALGORITHMS, Listing, Metadata
from safepip.model.contents import Fault
from safepip.model.ident import FileKind, Url

FetchWhole = Callable[[Listing], Path]
Keep = Callable[[Listing, bytes], None]

SMALLEST_TAIL, LARGEST_TAIL = 64 * 1024, 1024 * 1024
LARGEST_IN_MEMORY = 32 * 1024 * 1024
FURTHER_REQUESTS = 3
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})", re.ASCII)
_IDENTITY = {"Accept-Encoding": "identity"}


class MetadataReader:
    """Raises IndexFault or NetworkFault; the reference `unreadable-metadata` means that this file's own METADATA is
    missing or malformed, as opposed to an index that contradicts itself. It is said of authentic bytes alone: a part of
    a wheel, and a separate file, may have been garbled to make a release look broken and an older one be taken, so
    that what they say badly is asked of the whole wheel, whose digest the index states.

    fetch_whole: how to have a whole wheel on disk; keep: told the whole body where a server sent one unasked
    """

    def __init__(self, http: Http, cache: CacheFolder, *, fetch_whole: FetchWhole, keep: Keep) -> None:
        self._http = http
        self._cache = cache
        self._fetch_whole = fetch_whole
        self._keep = keep

    def read(self, listing: Listing) -> Metadata:
        if listing.url.scheme == "file":
            read = _from_path if listing.name.kind is FileKind.WHEEL else _from_sdist
            return read(path_of(listing.url), listing)
        digest = listing.sha256
        remembered = self._cache.read("metadata", digest) if digest is not None else None
        if remembered is not None:
            return _checked(remembered, listing)
        metadata = self._received(listing)
        if digest is not None:
            self._cache.write("metadata", digest, metadata.raw)
        return metadata

    def forget(self, listing: Listing) -> None:
        """What was remembered for that file turned out not to be the wheel's own: ask anew next time."""
        if listing.sha256 is not None:
            self._cache.forget("metadata", listing.sha256)

    def _received(self, listing: Listing) -> Metadata:
        a_wheel = listing.name.kind is FileKind.WHEEL
        separate = self._separate(listing) if listing.metadata is not None else None
        if separate is not None:
            try:
                return _parsed(separate, listing)
            except Malformed as fault:
                if not a_wheel:
                    raise _unreadable(listing, str(fault)) from None
        return self._from_wheel(listing) if a_wheel else _from_sdist(self._fetch_whole(listing), listing)

    def _separate(self, listing: Listing) -> bytes | None:
        """The PEP 658 file; None where the index lost it, since the wheel itself is the better witness anyway."""
        url = Url(listing.url.reveal() + ".metadata")
        response = self._http.get(url, accept="*/*", headers={}, limit=LARGEST_METADATA)
        if response.status != 200:
            return None
        for algorithm, stated in (listing.metadata or {}).items():
            if algorithm in HASH_ALGORITHMS:
                _require_digest(f"The metadata file {url}", response.body, algorithm, stated)
        return response.body

    def _from_wheel(self, listing: Listing) -> Metadata:
        """One request for the end of the wheel; a second one only where METADATA or the directory is not in it."""
        response = self._range(listing, f"bytes=-{_tail_length(listing.size)}")
        if response is None:
            return _from_path(self._fetch_whole(listing), listing)
        if response.status == 200:
            return self._from_body(listing, response.body)
        start, total = _placed(listing, response)
        if start == 0 and total == len(response.body):
            return self._from_body(listing, response.body)
        sparse = Sparse(total)
        sparse.add(start, response.body)
        try:
            metadata = self._from_parts(sparse, listing)
        except Malformed:  # nobody vouches for a part of a file
            metadata = None
        return metadata if metadata is not None else _from_path(self._fetch_whole(listing), listing)

    def _from_parts(self, sparse: Sparse, listing: Listing) -> Metadata | None:
        """None where more is missing than is worth asking for. Raises Malformed."""
        for remaining in reversed(range(FURTHER_REQUESTS + 1)):
            try:
                return _parsed(read_metadata(sparse, listing.name), listing)
            except Missing as gap:
                if not remaining or not self._fill(sparse, listing, gap):
                    break
        return None

    def _fill(self, sparse: Sparse, listing: Listing, gap: Missing) -> bool:
        if gap.end - gap.start > LARGEST_IN_MEMORY // 2:
            return False
        response = self._range(listing, f"bytes={gap.start}-{gap.end - 1}")
        if response is None or response.status != 206:
            return False
        start, total = _placed(listing, response)
        if total != sparse.size or start != gap.start:
            raise _contradiction(listing, "gave another range than the one asked for")
        sparse.add(start, response.body)
        return True

    def _range(self, listing: Listing, wanted: str) -> Response | None:
        """The answer with status 206 or 200; None where this server cannot give a part of a file."""
        try:
            response = self._http.get(
                listing.url, accept="*/*", headers={**_IDENTITY, "Range": wanted}, limit=LARGEST_IN_MEMORY
            )
        except NetworkFault as fault:
            if fault.reference in {"response-too-large", "undecodable"}:  # the whole wheel, or a compressed part
                return None
            raise
        if response.status in {404, 410}:
            raise IndexFault(
                "file-missing",
                f"{listing.index.without_credentials()} lists {listing.name.text}, but it is not there.",
                context=(("address", str(listing.url)), ("status", str(response.status))),
            )
        whole = response.status == 200
        part = response.status == 206 and response.headers.get("content-encoding", "identity") == "identity"
        single = "multipart/" not in response.headers.get("content-type", "").lower()
        return response if whole or (part and single) else None

    def _from_body(self, listing: Listing, body: bytes) -> Metadata:
        self._keep_whole(listing, body)
        sparse = Sparse(len(body))
        sparse.add(0, body)
        try:
            return _parsed(read_metadata(sparse, listing.name), listing)
        except Malformed as fault:
            raise _unreadable(listing, str(fault), _fault_of_archive(io.BytesIO(body))) from None

    def _keep_whole(self, listing: Listing, body: bytes) -> None:
        if listing.size is not None and len(body) != listing.size:
            raise _contradiction(listing, f"has {len(body):,} bytes, and {listing.size:,} were announced")
        if listing.sha256 is not None:
            _require_digest(listing.name.text, body, "sha256", listing.sha256)
        self._keep(listing, body)


def _from_path(path: Path, listing: Listing) -> Metadata:
    """From a whole file. Whether it is the file that the index means matters where it cannot be read."""
    try:
        try:
            return _parsed(read_metadata(path, listing.name), listing)
        except Malformed as fault:
            with path.open("rb") as stream:
                digests, _ = digests_of(stream, listing.claimed)
                for algorithm, got in digests.items():
                    _require_same(listing.name.text, algorithm, listing.claimed.get(algorithm, got), got)
                stream.seek(0)
                raise _unreadable(listing, str(fault), _fault_of_archive(stream)) from None
    except OSError as fault:
        raise unreadable(path, fault) from None


def _from_sdist(path: Path, listing: Listing) -> Metadata:
    """What PKG-INFO states for good (PEP 643), of a whole sdist that is the one that the index means."""
    try:
        with path.open("rb") as stream:
            digests, _ = digests_of(stream, listing.claimed)
            for algorithm, got in digests.items():
                _require_same(listing.name.text, algorithm, listing.claimed.get(algorithm, got), got)
            contents = read_sdist(stream, listing.name)
    except OSError as fault:
        raise unreadable(path, fault) from None
    if contents.faults:
        raise _unreadable(listing, contents.faults[0].message, contents.faults[0])
    if contents.static is None:
        raise IndexFault(
            "metadata-needs-build",
            f"What {listing.name.text} requires cannot be known without running it.",
            context=(("reason", contents.not_static or ""), ("index", str(listing.index))),
            hint="Choose a version that has a wheel.",
        )
    return contents.static


def _tail_length(size: int | None) -> int:
    """Large wheels have long directories: one 256th of the size, within bounds."""
    return SMALLEST_TAIL if size is None else max(SMALLEST_TAIL, min(size // 256, LARGEST_TAIL))


def _placed(listing: Listing, response: Response) -> tuple[int, int]:
    """(first byte, size of the whole file) of a 206 answer that is what it says (RFC 9110, 14.4)."""
    match = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", "").strip().lower())
    if match is None:
        raise _contradiction(listing, "came with a Content-Range that cannot be read")
    first, last, total = int(match[1]), int(match[2]), int(match[3])
    if len(response.body) != last - first + 1 or last >= total:
        raise _contradiction(listing, "is not as long as its Content-Range says")
    if listing.size is not None and total != listing.size:
        raise _contradiction(listing, f"has {total:,} bytes, and {listing.size:,} were announced")
    return first, total


def _contradiction(listing: Listing, what: str) -> IndexFault:
    return IndexFault(
        "index-contradiction",
        f"{listing.name.text} {what}.",
        context=(("address", str(listing.url)), ("index", str(listing.index))),
    )


def _require_digest(what: str, body: bytes, algorithm: str, stated: str) -> None:
    _require_same(what, algorithm, stated, hashlib.new(algorithm, body).hexdigest())


def _require_same(what: str, algorithm: str, stated: str, got: str) -> None:
    if got != stated:
        raise IndexFault(
            "digest-mismatch",
            f"{what} is not what its index page says it is.",
            context=(("expected", f"{algorithm}:{stated}"), ("got", f"{algorithm}:{got}")),
            hint="Somebody changed the file, or the index is broken: do not install it.",
        )


def _checked(raw: bytes, listing: Listing) -> Metadata:
    try:
        return _parsed(raw, listing)
    except Malformed as fault:
        raise _unreadable(listing, str(fault)) from None


def _parsed(raw: bytes, listing: Listing) -> Metadata:
    """Raises Malformed, and IndexFault for that of another distribution, which no honest file host sends."""
    try:
        metadata = parse_metadata(raw)
    except Malformed as fault:
        raise Malformed(f"the metadata of {listing.name.text} is malformed: {fault}") from None
    if (metadata.project, metadata.version) != (listing.name.project, listing.name.version):
        raise IndexFault(
            "metadata-contradiction",
            f"The metadata of {listing.name.text} is that of another distribution.",
            context=(
                ("expected", f"{listing.name.project} {listing.name.version}"),
                ("got", f"{metadata.project} {metadata.version}"),
                ("index", str(listing.index)),
            ),
        )
    return metadata


def _fault_of_archive(stream: BinaryIO) -> Fault | None:
    """What the strict gate objects to in a wheel whose METADATA could not be found: that says more."""
    return next(iter(read_contents(stream, None).faults), None)


def _unreadable(listing: Listing, reason: str, fault: Fault | None = None) -> UnreadableFile:
    """`fault`: what is wrong with the archive itself, if that is it."""
    return UnreadableFile(
        f"The metadata of {listing.name.text} cannot be read.",
        check="archive" if fault is not None else "unreadable-metadata",
        code=fault.code if fault is not None else "unreadable-metadata",
        fact=fault.message if fault is not None else reason,
        context=[("index", str(listing.index))],
    )
