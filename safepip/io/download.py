"""Whole files over HTTP, taken up again where a broken connection left them."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator

from safepip.errors import IndexFault, NetworkFault
from safepip.io.http import Http, Streamed
from safepip.model.artifact import Listing

LARGEST_FILE = 5 * 1024**3
_WORTH_RESUMING = frozenset({"truncated", "connection-broken", "timeout"})


class Downloader:
    """A call gives the bytes of a listing as a context manager over an iterator.

    resumes: how often a broken download is taken up again, where the index states a sha256: then pieces of two
        different files cannot pass as one.
    """

    def __init__(self, http: Http, *, resumes: int) -> None:
        self._http = http
        self._resumes = resumes

    @contextlib.contextmanager
    def __call__(self, listing: Listing) -> Iterator[Iterator[bytes]]:
        """Raises IndexFault and NetworkFault, also from the iterator. No more bytes come than were announced."""
        chunks = self._chunks(listing)
        try:
            yield chunks
        finally:
            chunks.close()

    def _chunks(self, listing: Listing) -> Generator[bytes, None, None]:
        received = 0
        resumes = self._resumes if listing.sha256 is not None else 0
        for remaining in reversed(range(resumes + 1)):
            try:
                for chunk in self._from(listing, received):
                    received += len(chunk)
                    yield chunk
            except NetworkFault as fault:
                if not remaining or fault.reference not in _WORTH_RESUMING:
                    raise
            else:
                return

    def _from(self, listing: Listing, received: int) -> Iterator[bytes]:
        headers = {"Range": f"bytes={received}-"} if received else {}
        limit = LARGEST_FILE if listing.size is None else listing.size
        with self._http.stream(listing.url, headers=headers, limit=limit) as answer:
            skip = _skipped(listing, answer, received)
            for chunk in answer.chunks:
                if skip >= len(chunk):
                    skip -= len(chunk)
                    continue
                yield chunk[skip:]
                skip = 0


def _skipped(listing: Listing, answer: Streamed, received: int) -> int:
    """How many bytes of this answer are already here. Raises IndexFault for an answer that is no file."""
    if answer.status == 200:
        return received
    begins = answer.headers.get("content-range", "").lower().startswith(f"bytes {received}-")
    if received and answer.status == 206 and begins:
        return 0
    missing = answer.status in {404, 410}
    raise IndexFault(
        "file-missing" if missing else "file-status",
        f"{listing.name.text} is listed, but it is not there."
        if missing
        else f"{listing.name.text} cannot be had: the answer has status {answer.status}.",
        context=(("address", str(listing.url)), ("index", str(listing.index.without_credentials()))),
    )
