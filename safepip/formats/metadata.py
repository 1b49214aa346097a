"""Core metadata (METADATA of a wheel, PKG-INFO of an sdist): bytes to the few fields that resolution needs.

The e-mail parser of the standard library decides where a header begins and ends; its rules are applied here to the
header block alone, because a description of 200 kB costs it twenty times what the headers cost us. A property test
holds the two together. Only `Malformed` is raised.
"""

from __future__ import annotations

import re
from functools import lru_cache

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from safepip.errors import Malformed
from safepip.model.artifact import Metadata
from safepip.model.ident import ProjectName, parse_version

_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_FIELD = re.compile(rb"([!-9;-~]*):|From ")
_WANTED = frozenset({b"name", b"version", b"requires-dist", b"requires-python", b"provides-extra"})
_PROMISE = frozenset({b"metadata-version", b"dynamic"})


def parse_metadata(raw: bytes) -> Metadata:
    """Name and Version must be there once and parse, and so must each Requires-Dist; other fields may be anything."""
    fields = _headers(raw)
    return Metadata(
        project=ProjectName.parse(_only(fields, "Name")),
        version=parse_version(_only(fields, "Version")),
        requires_dist=tuple(parse_requirement(text) for text in fields.get("requires-dist", ())),
        requires_python=_requires_python(fields.get("requires-python", [])),
        provides_extra=frozenset(canonicalize_name(text) for text in fields.get("provides-extra", ())),
        raw=raw,
    )


def parse_promise(raw: bytes) -> tuple[str, frozenset[str]]:
    """(Metadata-Version, the fields named by Dynamic, in lower case): what is stated for good (PEP 643)."""
    fields = _headers(raw, _PROMISE)
    return _only(fields, "Metadata-Version"), frozenset(text.lower() for text in fields.get("dynamic", ()))


def parse_identity(raw: bytes) -> tuple[ProjectName, Version]:
    """Name and Version alone, of metadata that may be malformed in its other fields."""
    fields = _headers(raw)
    return ProjectName.parse(_only(fields, "Name")), parse_version(_only(fields, "Version"))


def _headers(raw: bytes, wanted: frozenset[bytes] = _WANTED) -> dict[str, list[str]]:
    """The wanted headers, names in lower case, continuation lines unfolded as the e-mail parser does."""
    found: dict[str, list[list[bytes]]] = {}
    current: list[bytes] | None = None  # the lines of one value: joined once, since there may be millions
    position, end = 0, len(raw)
    while position < end:
        match = _LINE.match(raw, position)
        if match is None:
            break
        line, position = match[0], match.end()
        if line[:1] in {b" ", b"\t"}:
            if current is not None:
                current.append(line)
            continue
        field = _FIELD.match(line)
        if field is None:  # the blank line, or a line that is no header: the body begins
            break
        name = (field[1] or b"").lower()  # a line without a name, or an envelope line, is passed over
        current = [line[field.end() :]] if name in wanted else None
        if current is not None:
            found.setdefault(name.decode(), []).append(current)
    return {name: [_decode(b"".join(lines)) for lines in values] for name, values in found.items()}


def _decode(value: bytes) -> str:
    try:
        return " ".join(value.decode("utf-8").split())
    except UnicodeDecodeError:
        raise Malformed(f"a header is not UTF-8: {value[:80]!r}") from None


def _only(fields: dict[str, list[str]], name: str) -> str:
    values = fields.get(name.lower(), [])
    if len(values) != 1:
        raise Malformed(f"{name} is there {len(values)} times instead of once")
    return values[0]


@lru_cache(maxsize=65536)
def parse_requirement(text: str) -> Requirement:
    """A dependency specifier (PEP 508), parsed once per text; treat the result as a constant. Raises Malformed."""
    try:
        return Requirement(text)
    except InvalidRequirement as fault:
        reason = str(fault).partition("\n")[0]
        raise Malformed(f"Requires-Dist {text[:120]!r} is not a valid requirement: {reason[:120]!r}") from None
    except (ValueError, RecursionError):  # a number too long for int(), parentheses without end
        raise Malformed(f"Requires-Dist {text[:120]!r} is not a valid requirement") from None


def _requires_python(values: list[str]) -> str | None:
    if len(values) > 1:
        raise Malformed(f"Requires-Python is there {len(values)} times")
    return (values[0] or None) if values else None
