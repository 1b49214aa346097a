"""A PEP 740 attestation object, read strictly.

Step 1 of the verification. What comes out has canonical base64, canonical numbers and bounded sizes, so that no later
step meets two spellings of one thing. Nothing here is verified yet.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from safepip.formats.fields import BadAttestation, read_base64, read_bytes, read_list, read_object
from safepip.formats.logentry import LogEntry, read_entries, render_entry

MAX_TIMESTAMPS = 4
PAYLOAD_TYPE = "application/vnd.in-toto+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attestation:
    """A PEP 740 attestation object. `certificate` is DER; `timestamps` are RFC 3161 responses (draft field)."""

    certificate: bytes
    entries: tuple[LogEntry, ...]
    timestamps: tuple[bytes, ...]
    statement: bytes
    signature: bytes


def read_attestation(document: Mapping[str, Any]) -> Attestation:
    """The attestation in an object whose version has been checked. Raises BadAttestation."""
    material, envelope = read_object(document, "verification_material"), read_object(document, "envelope")
    entries = read_entries(read_list(material, "transparency_entries"))
    return Attestation(
        certificate=read_bytes(material, "certificate"),
        entries=entries,
        timestamps=read_timestamps(_timestamps(material)),
        statement=read_bytes(envelope, "statement"),
        signature=read_bytes(envelope, "signature"),
    )


def _timestamps(material: Mapping[str, Any]) -> list[Any]:
    """The draft field is a list of base64 texts, or of `{"signedTimestamp": ...}` as Sigstore bundles have it."""
    if material.get("timestamps") is None:
        return []
    served = read_list(material, "timestamps")
    return [one.get("signedTimestamp", one) if isinstance(one, dict) else one for one in served]


def read_timestamps(served: list[Any]) -> tuple[bytes, ...]:
    """RFC 3161 responses in base64. Raises BadAttestation."""
    if len(served) > MAX_TIMESTAMPS:
        raise BadAttestation("too-large", f"it carries more than {MAX_TIMESTAMPS} timestamps")
    return tuple(read_base64(one, "a timestamp") for one in served)


def render_attestation(attestation: Attestation) -> bytes:
    """The attestation object of PEP 740: what `parse_attestation` reads."""
    material: dict[str, Any] = {
        "certificate": _b64(attestation.certificate),
        "transparency_entries": [render_entry(one, promise=True) for one in attestation.entries],
    }
    if attestation.timestamps:
        material["timestamps"] = [_b64(one) for one in attestation.timestamps]
    envelope = {"statement": _b64(attestation.statement), "signature": _b64(attestation.signature)}
    return json.dumps({"version": 1, "verification_material": material, "envelope": envelope}).encode()


def _b64(content: bytes) -> str:
    return base64.b64encode(content).decode()
