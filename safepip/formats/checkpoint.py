"""Checkpoints of transparency logs, and proofs that an entry is in the tree that a checkpoint speaks of.

Sources: C2SP `signed-note` and `tlog-checkpoint`; RFC 6962, sections 2.1 and 2.1.1. Only read here: whether the log
signed a checkpoint is asked where its key is.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from safepip.formats.fields import BadAttestation, read_base64

MAX_SIGNATURES = 32
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_SIGNATURE = re.compile("\u2014 (\\S+) (\\S+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteSignature:
    """key_hash: the first four bytes of the key's id, by which a signature says whose it may be."""

    name: str
    key_hash: bytes
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What a log says of its tree. `signed` are the bytes that the signatures are over."""

    origin: str
    tree_size: int
    root_hash: bytes
    signed: bytes
    signatures: tuple[NoteSignature, ...]

    @property
    def host(self) -> str:
        """The log's name without the number of the tree, which the first version of Rekor puts behind it."""
        return self.origin.partition(" - ")[0]


def parse_checkpoint(note: str) -> Checkpoint:
    """Raises BadAttestation (`checkpoint`)."""
    text, blank, signatures = note.partition("\n\n")
    lines, signed_by = text.split("\n"), signatures.split("\n")
    if not blank or signed_by.pop() or len(lines) < 3 or not lines[0] or not _SIZE.fullmatch(lines[1]):
        raise BadAttestation("checkpoint", "its checkpoint is not a signed note of origin, size and root hash")
    if not 1 <= len(signed_by) <= MAX_SIGNATURES:
        raise BadAttestation("checkpoint", f"its checkpoint does not have 1 to {MAX_SIGNATURES} signatures")
    return Checkpoint(
        origin=lines[0],
        tree_size=int(lines[1]),
        root_hash=_base64(lines[2]),
        signed=f"{text}\n".encode(),
        signatures=tuple(_signature(line) for line in signed_by),
    )


def _signature(line: str) -> NoteSignature:
    match = _SIGNATURE.fullmatch(line)
    content = _base64(match[2]) if match else b""
    if match is None or len(content) < 5:
        raise BadAttestation("checkpoint", "a line below its checkpoint is not a signature")
    return NoteSignature(name=match[1], key_hash=content[:4], signature=content[4:])


def _base64(text: str) -> bytes:
    try:
        return read_base64(text, "a part of its checkpoint")
    except BadAttestation as error:
        raise BadAttestation("checkpoint", error.message) from None


def tree_root(body: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes | None:
    """The root of the tree of that size in which `body` is the entry number `index`, as the proof has it; None where
    the proof is too short or too long for that place.
    """
    if not 0 <= index < size:
        return None
    result, last, rest = hashlib.sha256(b"\x00" + body).digest(), size - 1, iter(proof)
    while last:
        if index & 1 or index != last:
            sibling = next(rest, None)
            if sibling is None:
                return None
            pair = sibling + result if index & 1 else result + sibling
            result = hashlib.sha256(b"\x01" + pair).digest()
        index, last = index >> 1, last >> 1
    return result if next(rest, None) is None else None
