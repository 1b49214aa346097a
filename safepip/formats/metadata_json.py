"""METADATA -> the JSON form of core metadata (PEP 566), as pip's installation report carries it."""

from __future__ import annotations

import email.parser
import email.policy
from typing import Any

_MULTIPLE = frozenset({
    "platform", "supported_platform", "classifier", "requires_dist", "provides_dist", "obsoletes_dist",
    "requires_external", "project_url", "provides_extra", "dynamic", "license_file", "import_name", "import_namespace",
    "requires", "provides", "obsoletes",
})  # fmt: skip


def as_json(raw: bytes) -> dict[str, Any]:
    """Every field by its lower-case name with underscores; fields that may repeat are lists."""
    message = email.parser.BytesParser(policy=email.policy.compat32).parsebytes(raw)
    fields: dict[str, Any] = {}
    for name, value in message.items():
        key = name.lower().replace("-", "_")
        text = str(value)
        if key in _MULTIPLE:
            fields.setdefault(key, []).append(text)
        elif key == "keywords":
            fields[key] = [word.strip() for word in text.split("," if "," in text else None)]
        else:
            fields[key] = text
    body = message.get_payload()
    if isinstance(body, str) and body:
        fields["description"] = body
    return fields
