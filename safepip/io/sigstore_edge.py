"""What sigstore needs and what it says: trusted roots through files, and its words as our codes."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from safepip.formats.fields import BadAttestation
from safepip.formats.publisher import printable
from safepip.io.trust import newer, unusable

if TYPE_CHECKING:
    from sigstore.models import TrustedRoot

# What sigstore says -> our code. The first match counts.
_CODES: Sequence[tuple[re.Pattern[str], str]] = tuple(
    (re.compile(pattern), code)
    for pattern, code in (
        (r"must be less than treeSize", "log-inclusion"),
        (r"^failed to load bundle", "malformed"),
        (r"not enough sources of verified time|[Tt]imestamp Authorit|Timestamp Response", "time"),
        (r"invalid signing cert: expired", "time"),
        (r"failed to build timestamp certificate chain", "untrusted-certificate"),
        (r"failed to verify SCT", "sct"),
        (r"[Kk]ey usage|Extended usage", "profile"),
        (r"SET: ", "set"),
        (r"inclusion proof has wrong size|inclusion proof contains invalid root hash: ", "log-inclusion"),
        (r"checkpoint|Checkpoint|[Nn]ote|Inclusion proof contains invalid root hash signature", "checkpoint"),
        (r"DSSE: invalid signature|Signature is invalid for input", "signature"),
        (
            r"log entry payload hash|log entry signatures|DSSE log entry|SHA256 payload hash|inconsistent",
            "log-mismatch",
        ),
        (
            r"validation errors? for (Hashedrekord|Dsse|Entry)\b",
            "log-mismatch",
        ),
        (
            r"Unsupported DSSE log entry|Integrated time only supported|Expected log entry version",
            "unsupported-log-entry",
        ),
    )
)


def read_root(raw: bytes) -> TrustedRoot:
    """Sigstore reads trusted roots from files only: a private one, for a moment."""
    from pydantic import ValidationError
    from sigstore.errors import Error
    from sigstore.models import TrustedRoot

    with tempfile.TemporaryDirectory(prefix="safepip-trust-") as folder:
        path = Path(folder, "trusted_root.json")
        path.write_bytes(raw)
        try:
            return TrustedRoot.from_file(str(path))
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            unknown = first["type"] in {"extra_forbidden", "enum", "literal_error"}
            raise (newer if unknown else unusable)(f"{place}: {first['msg']}") from None
        except (Error, ValueError) as error:
            # Of a mediaType that its models know already, and its code does not.
            unsupported = "unsupported trusted root format" in str(error)
            raise (newer if unsupported else unusable)(words(error)) from None


def classified(error: Exception) -> BadAttestation:
    """Sigstore's words -> our code. What says nothing that we know stays a refusal."""
    text = " ".join(str(part) for part in error.args) or str(error)
    code = next((code for pattern, code in _CODES if pattern.search(text)), "unverifiable")
    return BadAttestation(code, f"sigstore refuses it: {words(error)}")


def words(error: Exception) -> str:
    return printable(f"{type(error).__name__}: {error}".replace("\n", " "))[:300]
