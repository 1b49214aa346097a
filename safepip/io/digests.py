"""Digests of bytes that are here: facts, as opposed to what anybody claims."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from typing import BinaryIO

from safepip.model.artifact import HASH_ALGORITHMS, Artifact

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


class Digests(Mapping[str, str]):
    """All digests of a file that we can compute, each when somebody asks: a statement seldom names more than sha256."""

    def __init__(self, artifact: Artifact) -> None:
        self._path = artifact.path
        self._known = dict(artifact.digests)

    def __getitem__(self, algorithm: str) -> str:
        if algorithm not in self._known and algorithm in HASH_ALGORITHMS:
            with self._path.open("rb") as stream:
                self._known.update(digests_of(stream, {algorithm})[0])
        return self._known[algorithm]

    def __iter__(self) -> Iterator[str]:
        return iter(HASH_ALGORITHMS)

    def __len__(self) -> int:
        return len(HASH_ALGORITHMS)
