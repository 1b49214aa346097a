"""What can go wrong with files on their way into the store, in words."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

from safepip.errors import EnvironmentFault, IndexFault
from safepip.model.artifact import Listing

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextlib.contextmanager
def in_words(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise disk_fault(error, place) from None


def disk_fault(error: OSError, place: Path) -> EnvironmentFault:
    if error.errno in FULL:
        return EnvironmentFault(
            "disk-full",
            "There is no room left for a downloaded file.",
            context=[("writing", str(place)), ("reason", error.strerror or str(error))],
            hint="Free some space, or name a cache on another disk with --cache-dir.",
        )
    return EnvironmentFault(
        "cache-unwritable",
        "A downloaded file cannot be put away.",
        context=[("writing", str(place)), ("reason", error.strerror or str(error))],
        hint="Name another cache with --cache-dir, or use --no-cache-dir.",
    )


def wrong_size(listing: Listing, limit: int, got: str) -> IndexFault:
    stated = listing.size is not None
    return IndexFault(
        "wrong-size" if stated else "file-too-large",
        f"The file {listing.name.text!r} does not have the size that the index states."
        if stated
        else f"The file {listing.name.text!r} is larger than safepip accepts.",
        context=[("url", str(listing.url)), ("expected", f"{'' if stated else 'at most '}{limit} bytes"), ("got", got)],
        hint="Try again; if it stays so, the index or something on the way to it changes files.",
    )
