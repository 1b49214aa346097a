"""A Sigstore trusted root, and the part of it that was in service at a given moment.

sigstore looks at the start of `validFor` alone, and compares it with today. What it is given here is therefore only the
material whose window holds the moment of signing, with the windows open: so a retired key verifies nothing, and no
verdict depends on today's date.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any
from urllib.parse import urlsplit

from safepip.errors import BadInput
from safepip.formats.strictjson import NotStrict, parse_json

_MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z", re.ASCII)
_LONG_AGO = "1970-01-01T00:00:00Z"
MOST_ROOT = 1 << 20  # bytes of a trusted root; the public one has 7,000
_LISTS = ("tlogs", "certificateAuthorities", "ctlogs", "timestampAuthorities")
LOGS_ALONE = ("tlogs",)  # what a root must name for bundles that are signed with a key of somebody's own


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A time range, closed at both ends; None where it is open."""

    start: datetime | None
    end: datetime | None

    def holds(self, moment: datetime) -> bool:
        return (self.start is None or self.start <= moment) and (self.end is None or moment <= self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Positions in the four lists of a trusted root."""

    logs: tuple[int, ...]
    authorities: tuple[int, ...]
    certificate_logs: tuple[int, ...]
    timestamp_authorities: tuple[int, ...]

    @property
    def usable(self) -> bool:
        return bool(self.logs and self.authorities and self.certificate_logs)


class TrustedMaterial:
    """A trusted root document, read once.

    digest: sha256 of its bytes; hosts: log id -> host name, which is what the log calls itself in checkpoints
    """

    def __init__(self, raw: bytes, needed: Collection[str] = _LISTS[:3]) -> None:
        """`needed`: the lists of which none may be empty. Raises BadInput (`trust-root-invalid`)."""
        self.digest = hashlib.sha256(raw).hexdigest()
        try:
            self._document = _document(raw, needed)
            self._windows = {name: [read_window(one) for one in self._document[name]] for name in _LISTS}
            self._log_ids = [_log_id(one) for one in self._document["tlogs"]]
            self.hosts = {key: _host(one) for key, one in zip(self._log_ids, self._document["tlogs"], strict=True)}
        except (NotStrict, KeyError, TypeError, ValueError, AttributeError) as error:
            raise unusable(str(error) or type(error).__name__) from None

    def at(self, moment: datetime, certificate_logged: datetime | None, log_id: bytes) -> Selection:
        """What was in service at the moment of signing, and, of the certificate logs, when they saw the certificate."""
        return Selection(
            logs=tuple(one for one in self._held("tlogs", moment) if self._log_ids[one] == log_id),
            authorities=self._held("certificateAuthorities", moment),
            certificate_logs=self._held("ctlogs", certificate_logged or moment),
            timestamp_authorities=self._held("timestampAuthorities", moment),
        )

    def whole(self, log_id: bytes) -> Selection:
        """Everything, in service or not, but for the other logs: an entry is of the log that it names."""
        every = {name: tuple(range(len(self._windows[name]))) for name in _LISTS}
        return Selection(
            logs=tuple(one for one in every["tlogs"] if self._log_ids[one] == log_id),
            authorities=every["certificateAuthorities"],
            certificate_logs=every["ctlogs"],
            timestamp_authorities=every["timestampAuthorities"],
        )

    def knows_certificate_log(self, log_id: bytes) -> bool:
        """In service or not. Raises ValueError, KeyError or TypeError for a root that sigstore would not read."""
        return any(base64.b64decode(one["logId"]["keyId"]) == log_id for one in self._document["ctlogs"])

    def authorities(self) -> list[bytes]:
        """Every certificate of every authority, in service or not, as DER. Raises as `knows_certificate_log` does."""
        chains = [one["certChain"]["certificates"] for one in self._document["certificateAuthorities"]]
        return [base64.b64decode(one["rawBytes"]) for chain in chains for one in chain]

    def render(self, selection: Selection) -> bytes:
        """A trusted root with only that material, and with open windows."""
        document = copy.deepcopy(self._document)
        chosen = (
            selection.logs,
            selection.authorities,
            selection.certificate_logs,
            selection.timestamp_authorities,
        )
        for name, positions in zip(_LISTS, chosen, strict=True):
            document[name] = [_opened(document[name][one]) for one in positions]
        return json.dumps(document).encode()

    def log_keys(self, log_id: bytes, moment: datetime | None) -> tuple[bytes, ...]:
        """The public keys (DER) of that log that were in service; without a moment, those that were never retired."""
        return tuple(
            base64.b64decode(self._document["tlogs"][place]["publicKey"]["rawBytes"])
            for place, window in enumerate(self._windows["tlogs"])
            if self._log_ids[place] == log_id and (window.holds(moment) if moment else window.end is None)
        )

    def timestamp_chains(self, moment: datetime) -> tuple[tuple[bytes, ...], ...]:
        """The certificates (DER, leaf first) of each time-stamp authority that was in service."""
        held = (self._document["timestampAuthorities"][place] for place in self._held("timestampAuthorities", moment))
        return tuple(
            tuple(base64.b64decode(one["rawBytes"]) for one in authority["certChain"]["certificates"])
            for authority in held
        )

    def _held(self, name: str, moment: datetime) -> tuple[int, ...]:
        return tuple(place for place, window in enumerate(self._windows[name]) if window.holds(moment))


def unusable(why: str) -> BadInput:
    return BadInput(
        "trust-root-invalid",
        "The Sigstore trusted root cannot be used.",
        context=[("because", why[:300])],
        hint="Get the file again from whoever runs that Sigstore; without a trusted root nothing can be verified.",
    )


def newer(why: str) -> BadInput:
    return BadInput(
        "trust-root-newer",
        "The Sigstore trusted root is newer than this safepip.",
        context=[("because", why[:300])],
        hint="Upgrade safepip (and sigstore); an older trusted root works until then.",
    )


def _document(raw: bytes, needed: Collection[str]) -> dict[str, Any]:
    document = parse_json(raw)
    if not isinstance(document, dict):
        raise NotStrict("it is not an object")
    if not all(document.get(name) for name in needed):
        raise NotStrict(f"it must name at least one of each: {', '.join(needed)}")
    return {**{name: [] for name in _LISTS}, **document}


def read_window(instance: Any) -> Window:
    """Of a log (`publicKey.validFor`) or an authority (`validFor`). Raises NotStrict."""
    stated = instance.get("publicKey", instance).get("validFor")
    if stated is None:
        return Window(start=None, end=None)
    if stated.get("start") is None:  # also of an empty one: what was to be bounded must not become open
        raise NotStrict("a validFor has no start")
    return Window(start=_moment(stated.get("start")), end=_moment(stated.get("end")))


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise NotStrict(f"{text!r} is not a time such as {_LONG_AGO}")
    whole = datetime.strptime(match[1], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
    return whole.replace(microsecond=int((match[2] or "0").ljust(6, "0")[:6]))


def _log_id(log: Any) -> bytes:
    """The stated id, which must be the key's: it is what an entry names its log by.

    sha256 of the key (RFC 6962, section 3.2), or of name and Ed25519 key (C2SP signed-note) for Rekor v2.
    """
    stated = base64.b64decode(log["logId"]["keyId"], validate=True)
    key = base64.b64decode(log["publicKey"]["rawBytes"], validate=True)
    named = _host(log).encode() + b"\n\x01" + key[-32:]
    if stated not in {hashlib.sha256(key).digest(), hashlib.sha256(named).digest()}:
        raise NotStrict(f"the id of the log {log['baseUrl']!r} is not that of its key")
    return stated


def _host(log: Any) -> str:
    return urlsplit(str(log["baseUrl"])).netloc


def _opened(instance: dict[str, Any]) -> dict[str, Any]:
    holder = instance.get("publicKey", instance)
    if "validFor" in holder:
        holder["validFor"] = {"start": _LONG_AGO}
    return instance
