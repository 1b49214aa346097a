"""Readers for the fields of attestation documents: one type, one spelling, or a refusal with a stable code."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection, Mapping
from typing import Any

from safepip.errors import Malformed
from safepip.formats.strictjson import NotStrict, parse_json

MAX_BYTES = 1 << 20
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)  # 19 digits: sigstore bounds them by 2**64


class BadAttestation(Malformed):
    """An attestation that is refused. `code` is one of docs/checks/attestation.md.

    known: False where only its kind is unknown to us, so that a good one beside it may still satisfy the policy
    """

    def __init__(self, code: str, message: str, *, known: bool = True) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.known = known


def read_document(content: bytes) -> dict[str, Any]:
    """A whole document, within the limit and readable in one way only. Raises BadAttestation."""
    if len(content) > MAX_BYTES:
        raise BadAttestation("too-large", f"it is larger than {MAX_BYTES} bytes")
    try:
        return require_object(parse_json(content), "it")
    except NotStrict as error:
        raise BadAttestation("malformed", str(error)) from None


def only(value: Mapping[str, Any], keys: Collection[str], what: str = "its log entry") -> None:
    """A part that we do not know must not travel along unseen: another reader might go by it."""
    unknown = sorted(set(value) - set(keys))
    if unknown:
        raise BadAttestation("malformed", f"{what} has an unknown key {unknown[0][:60]!r}")


def read_object(value: Mapping[str, Any], key: str) -> dict[str, Any]:
    return require_object(value.get(key), repr(key))


def require_object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadAttestation("malformed", f"{what} is not an object")
    return value


def read_list(value: Mapping[str, Any], key: str) -> list[Any]:
    found = value.get(key)
    if not isinstance(found, list):
        raise BadAttestation("malformed", f"{key!r} is not a list")
    return found


def read_text(value: Mapping[str, Any], key: str) -> str:
    found = value.get(key)
    if not isinstance(found, str):
        raise BadAttestation("malformed", f"{key!r} is not a text")
    return found


def read_decimal(value: Mapping[str, Any], key: str) -> int:
    """A protobuf 64-bit integer: a text in canonical decimal form, not negative (protobuf JSON mapping)."""
    found = value.get(key)
    if not isinstance(found, str) or not _DECIMAL.fullmatch(found):
        raise BadAttestation("malformed", f"{key!r} is not a canonical decimal number in a text")
    return int(found)


def read_bytes(value: Mapping[str, Any], key: str) -> bytes:
    return read_base64(value.get(key), repr(key))


def read_base64(text: Any, what: str) -> bytes:
    """Canonical base64 (RFC 4648, section 4): padded, no stray characters, no leftover bits, not empty."""
    if not isinstance(text, str) or not text:
        raise BadAttestation("malformed", f"{what} is not base64")
    try:
        content = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise BadAttestation("malformed", f"{what} is not base64") from None
    if base64.b64encode(content).decode() != text:
        raise BadAttestation("malformed", f"{what} is not canonical base64")
    return content
