"""`safepip.json`, read back (docs/receipts.md).

Strict: whoever can write to the environment may have written it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from safepip.errors import Malformed
from safepip.formats.strictjson import parse_json
from safepip.model.ident import ProjectName, Sha256, parse_version
from safepip.model.inspection import Receipt

SCHEMA = "safepip-receipt/1"
_KEYS = frozenset({"schema", "tool", "installed", "policy", "record", "byte-code", "distribution"})
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_MOST = 200  # characters of a value that are worth repeating


def parse_receipt(body: bytes) -> Receipt:
    """The parts that a later look at the environment needs. Raises Malformed and nothing else."""
    content = _mapping(parse_json(body), "the receipt")
    schema = content.get("schema")
    if schema != SCHEMA:
        raise Malformed(f"its schema is {_shown(schema)}, and this safepip reads {SCHEMA}")
    if content.keys() != _KEYS:
        odd = ", ".join(sorted(_shown(key) for key in content.keys() ^ _KEYS))
        raise Malformed(f"it has other keys than {SCHEMA}: {odd}")
    entry = _mapping(content["distribution"], "distribution")
    return Receipt(
        tool=_text(content, "tool"),
        installed=_moment(_text(content, "installed")),
        policy=_text(content, "policy"),
        record=Sha256.parse(_text(content, "record")),
        byte_code=_byte_code(_mapping(content["byte-code"], "byte-code")),
        project=ProjectName.parse(_text(entry, "name")),
        version=str(parse_version(_text(entry, "version"))),
        file=_text(entry, "file"),
        sha256=Sha256.parse(_text(entry, "sha256")),
    )


def _mapping(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Malformed(f"{what} is no object")
    return value


def _text(table: Mapping[str, Any], key: str) -> str:
    value = table.get(key)
    if not isinstance(value, str) or not value:
        raise Malformed(f"{key} is {_shown(value)}, and not a text")
    return value


def _moment(text: str) -> datetime:
    fault = Malformed(f"installed is {_shown(text)}, and not a time")
    if not _MOMENT.fullmatch(text):
        raise fault
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        raise fault from None


def _byte_code(table: Mapping[str, Any]) -> Mapping[str, Sha256]:
    return {path: Sha256.parse(_text(table, path)) for path in table}


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _MOST else f"{text[:_MOST]}..."
