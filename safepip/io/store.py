"""Files by their content: CACHE/files/sha256/ab/cdef... holds the bytes whose digest is abcdef...

A name in the store is a digest that WE computed, and it is computed again each time that the entry is used, so
nothing here needs to be trusted, flushed or locked. Whole files appear by rename: threads, other processes and
`kill -9` can at worst leave a temporary file, which a later run sweeps.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Protocol
from urllib.parse import unquote, urlsplit

from safepip.errors import BadInput
from safepip.io.digests import CHUNK, asked, digests_of
from safepip.io.statedir import make_private, own_folder, usable_folder
from safepip.io.storefaults import FULL, disk_fault, in_words, wrong_size
from safepip.model.artifact import Listing
from safepip.model.ident import Sha256

LARGEST_FILE = 5 * 1024**3
_LEFTOVER_AGE = 24 * 60 * 60

Download = Callable[[Listing], AbstractContextManager[Iterable[bytes]]]
Fetched = tuple[Path, Mapping[str, str], int]


class Watcher(Protocol):
    """Who wants to see files arrive. Called from any thread; sizes in bytes."""

    def using_cached(self, listing: Listing, size: int) -> None: ...

    def downloading(self, listing: Listing, size: int | None) -> None: ...

    def received(self, listing: Listing, count: int) -> None: ...


class Store:
    """`safepip.ports.Store`. Every method may be called from any thread."""

    def __init__(
        self,
        root: Path | None,
        download: Download,
        watcher: Watcher,
        warn: Callable[[str], None],
        *,
        largest: int = LARGEST_FILE,
    ) -> None:
        """Files live below `root`, or (None, for `--no-cache-dir`) in a private folder that `close` removes.

        download: the byte stream of a listing that is not a local file; what it raises is passed on
        warn:     told once when `root` cannot be used, in which case a private folder serves this run
        """
        self._download = download
        self._watcher = watcher
        self._largest = largest
        self._private: tempfile.TemporaryDirectory[str] | None = None
        self._kept_now: set[str] = set()
        self._root = self._open(root, warn)
        self._sweep()

    def fetch(self, listing: Listing, algorithms: Collection[str]) -> Fetched:
        """The bytes of that file: path, digests by algorithm as computed now, size in bytes.

        The digests are not compared with the claims: that is the verdict's business. Raises IndexFault (size),
        EnvironmentFault (cache, disk), BadInput (a local file that cannot be read) and what `download` raises.
        """
        kept = self._kept(listing.sha256, algorithms) if listing.sha256 is not None else None
        if kept is not None:
            if listing.sha256 in self._kept_now:
                self._watcher.downloading(listing, kept[2])
                self._watcher.received(listing, kept[2])
            else:
                self._watcher.using_cached(listing, kept[2])
            return kept
        if listing.url.scheme == "file":
            return self._take(listing, _local(listing), algorithms)
        self._watcher.downloading(listing, listing.size)
        with self._download(listing) as chunks:
            return self._take(listing, chunks, algorithms)

    def keep(self, listing: Listing, body: bytes) -> None:
        """Put away a whole file that was needed for its metadata, so that `fetch` need not ask again."""
        _, digests, _ = self._take(listing, (body,), ())
        self._kept_now.add(digests["sha256"])

    @property
    def workshop(self) -> Path:
        """A folder for private work on the same file system, where a file of the store can be linked to."""
        return self._root / "tmp"

    def close(self) -> None:
        if self._private is not None:
            self._private.cleanup()

    def _open(self, root: Path | None, warn: Callable[[str], None]) -> Path:
        if root is not None:
            files = root / "files"
            if _usable(files):
                return files
            warn(
                f"The directory {str(root)!r} or a directory above it is not owned or is not writable by the current "
                "user, or others may write there. The cache has been disabled. Check the permissions and owner of that "
                "directory. If others may write there: chmod go-w. If executing safepip with sudo: sudo's -H flag."
            )
        try:
            self._private = tempfile.TemporaryDirectory(prefix="safepip-files-", ignore_cleanup_errors=True)
            files = Path(self._private.name) / "files"
            _make(files)
        except OSError as error:
            raise disk_fault(error, Path(tempfile.gettempdir())) from None
        return files

    def _sweep(self) -> None:
        """Remove what interrupted runs left behind, unless a run of today may still be writing it."""
        oldest = time.time() - _LEFTOVER_AGE
        for leftover in self.workshop.iterdir():
            with contextlib.suppress(OSError):  # another run sweeps too
                if leftover.lstat().st_mtime >= oldest:
                    continue
                if leftover.is_dir() and not leftover.is_symlink():
                    shutil.rmtree(leftover)
                else:
                    leftover.unlink()

    def _place(self, sha256: str) -> Path:
        return self._root / "sha256" / sha256[:2] / sha256[2:]

    def _kept(self, sha256: Sha256, algorithms: Collection[str]) -> Fetched | None:
        place = self._place(sha256)
        try:
            with _open_own(place) as stream:
                digests, size = digests_of(stream, algorithms)
                if digests["sha256"] == sha256:
                    return place, digests, size
                _remove_if_same(place, stream)
        except OSError:
            return None  # not there, not ours, or unreadable: fetched again, and replaced by rename
        return None

    def _take(self, listing: Listing, chunks: Iterable[bytes], algorithms: Collection[str]) -> Fetched:
        temporary = self.workshop / f"{os.getpid()}-{secrets.token_hex(8)}"
        try:
            digests, size = self._write(listing, chunks, algorithms, temporary)
            place = self._place(digests["sha256"])
            with in_words(place):
                make_private(place.parent)
                temporary.replace(place)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
        return place, digests, size

    def _write(
        self, listing: Listing, chunks: Iterable[bytes], algorithms: Collection[str], temporary: Path
    ) -> tuple[dict[str, str], int]:
        hashes = {name: hashlib.new(name) for name in asked(algorithms)}
        limit = listing.size if listing.size is not None else self._largest
        size = 0
        with in_words(temporary):
            stream = os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb", buffering=0)
        with stream:
            for chunk in chunks:
                size += len(chunk)
                if size > limit:
                    raise wrong_size(listing, limit, f"more than {limit} bytes")
                for hashing in hashes.values():
                    hashing.update(chunk)
                with in_words(temporary):
                    _write_all(stream.fileno(), chunk)
                self._watcher.received(listing, len(chunk))
        if listing.size is not None and size != listing.size:
            raise wrong_size(listing, limit, f"{size} bytes")
        return {name: hashing.hexdigest() for name, hashing in hashes.items()}, size


def _write_all(descriptor: int, chunk: bytes) -> None:
    view = memoryview(chunk)
    while view:
        view = view[os.write(descriptor, view) :]


def _open_own(place: Path) -> BinaryIO:
    """A regular file of this user's. Another user's file could be altered after it was hashed."""
    stream = os.fdopen(os.open(place, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)), "rb")
    status = os.fstat(stream.fileno())
    if not stat.S_ISREG(status.st_mode) or (hasattr(os, "geteuid") and status.st_uid != os.geteuid()):
        stream.close()
        raise PermissionError(errno.EPERM, "not an own regular file", str(place))
    return stream


def _remove_if_same(place: Path, stream: BinaryIO) -> None:
    """Remove a corrupted entry, but not the good one that another process may just have put there."""
    if os.path.samestat(place.lstat(), os.fstat(stream.fileno())):
        place.unlink()


def _local(listing: Listing) -> Iterator[bytes]:
    """The bytes of a `file:` URL. Copied like a download, so that what is judged cannot change under the judgement."""
    path = Path(unquote(urlsplit(listing.url.reveal()).path))
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(CHUNK):
                yield chunk
    except OSError as error:
        raise BadInput(
            "unreadable-file",
            f"The file {str(path)!r} cannot be read: {error.strerror or error}.",
        ) from None


def _make(files: Path) -> None:
    make_private(files / "sha256")
    make_private(files / "tmp")


def _usable(files: Path) -> bool:
    """Whether we can work there and nobody else can: who may write there could swap the stage under pip."""
    if not usable_folder(files):
        return False
    places = (files.parent, files, files / "tmp", files / "sha256")
    try:
        if not all(own_folder(place) for place in places if place.exists()):
            return False
        _make(files)
        if not all(map(own_folder, places)):  # another user may have been faster
            return False
        probe, name = tempfile.mkstemp(dir=files / "tmp")
        os.close(probe)
        Path(name).unlink()
    except OSError as error:
        if error.errno in FULL:  # no reason to look elsewhere: the temporary folder is often on the same disk
            raise disk_fault(error, files) from None
        return False
    return True
