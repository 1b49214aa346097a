"""Digests of bytes that are here: facts, as opposed to what anybody claims."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from typing import BinaryIO

from safepip.model.artifact import HASH_ALGORITHMS

CHUNK = 1024 * 1024


def asked(algorithms: Collection[str]) -> list[str]:
    """Of the algorithms asked for, those that count as hashes; sha256 always."""
    return [name for name in HASH_ALGORITHMS if name == "sha256" or name in algorithms]


def digests_of(stream: BinaryIO, algorithms: Collection[str]) -> tuple[dict[str, str], int]:
    """Digests by algorithm, sha256 always among them, and the size in bytes. Raises OSError."""
    hashes = {name: hashlib.new(name) for name in asked(algorithms)}
    size = 0
    while chunk := stream.read(CHUNK):
        size += len(chunk)
        for hashing in hashes.values():
            hashing.update(chunk)
    return {name: hashing.hexdigest() for name, hashing in hashes.items()}, size
