"""When something was signed: what says so, and whether it belongs to the log entry at hand.

A source is the log's promise, or one RFC 3161 timestamp. Each is verified on its own, so that none is passed over in
silence, and each must fall into the windows of the keys that it is used with.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone

from safepip.formats.bundle import SigstoreBundle
from safepip.formats.fields import BadAttestation
from safepip.formats.logentry import LogEntry
from safepip.io.sigstore_edge import words

# What the second version of the log keeps; it gives neither promise nor time, which the first does.
_WITHOUT_PROMISE = ("hashedrekord", "0.0.2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """promise: it is the log's; timestamps: else, the one that it is."""

    moment: datetime
    promise: bool
    timestamps: tuple[bytes, ...]


def sources_of(bundle: SigstoreBundle, entry: LogEntry) -> list[Source]:
    """At least one. Raises BadAttestation."""
    sources = stated_sources(bundle, entry)
    if not sources:
        code = "time" if (entry.kind, entry.version) == _WITHOUT_PROMISE else "set"
        raise BadAttestation(code, "neither a promise of the log nor a timestamp says when it was signed")
    return sources


def stated_sources(bundle: SigstoreBundle, entry: LogEntry) -> list[Source]:
    """All that there are, which may be none. Raises BadAttestation."""
    sources = [Source(moment=stamped(one), promise=False, timestamps=(one,)) for one in bundle.timestamps]
    if entry.promise is not None:
        if (entry.kind, entry.version) == _WITHOUT_PROMISE:
            raise BadAttestation("unsupported-log-entry", "its log entry is of a kind that carries no promise")
        sources.append(Source(moment=promised(entry), promise=True, timestamps=()))
    return sources


def promised(entry: LogEntry) -> datetime:
    """The time in the log's promise. Raises BadAttestation."""
    # Zero reads as "absent" in protobuf, and sigstore would then not look at the promise at all.
    if not entry.integrated:
        raise BadAttestation("time", "the log's promise does not say when it was made")
    try:
        return datetime.fromtimestamp(entry.integrated, tz=timezone.utc)
    except (OverflowError, ValueError, OSError):
        raise BadAttestation("time", f"{entry.integrated} seconds since 1970 is no time") from None


def stamped(timestamp: bytes) -> datetime:
    """What an RFC 3161 response says, unverified. Raises BadAttestation."""
    from rfc3161_client import decode_timestamp_response

    try:
        return decode_timestamp_response(timestamp).tst_info.gen_time.astimezone(timezone.utc)
    except ValueError as error:
        raise BadAttestation("time", f"its timestamp cannot be read: {words(error)}") from None
