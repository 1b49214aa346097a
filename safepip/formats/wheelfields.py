"""WHEEL of a wheel (binary distribution format, "The .dist-info directory"): its few fields, read strictly.

pip reads it as an e-mail header, whose rules about repeated keys, folded lines and bodies nobody needs here. A file
without any of these has one reading only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from safepip.errors import Malformed
from safepip.formats.membername import shown

_LINE_END = re.compile(r"\r\n|\r|\n")
_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9-]*):[ \t]*(|\S|\S.*\S)")
_TRUTH = {"true": True, "false": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelFields:
    """version: `Wheel-Version`; pure: `Root-Is-Purelib`; tags: as written; build: None where none is stated."""

    version: str
    pure: bool
    tags: tuple[str, ...]
    build: str | None


def parse_wheel_fields(raw: bytes) -> WheelFields:
    """Raises Malformed, saying which line or field is wrong."""
    fields = _fields(raw)
    tags = tuple(fields.pop("tag", ()))
    twice = [name for name, values in fields.items() if len(values) > 1]
    if twice:
        raise Malformed(f"WHEEL has {shown(twice[0])} more than once")
    single = {name: values[0] for name, values in fields.items()}
    truth = single.get("root-is-purelib", "")
    if truth.lower() not in _TRUTH:
        raise Malformed(f"WHEEL says Root-Is-Purelib {shown(truth)}, which is neither true nor false")
    if not tags:
        raise Malformed("WHEEL names no Tag")
    return WheelFields(
        version=single.get("wheel-version", ""), pure=_TRUTH[truth.lower()], tags=tags, build=single.get("build")
    )


def _fields(raw: bytes) -> dict[str, list[str]]:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("WHEEL is not UTF-8") from None
    found: dict[str, list[str]] = {}
    for line in _LINE_END.split(text.rstrip("\r\n")):
        match = _FIELD.fullmatch(line)
        if match is None or not match[2].replace("\t", " ").isprintable():
            raise Malformed(f"WHEEL has the line {shown(line)}, which is not NAME: VALUE")
        found.setdefault(match[1].lower(), []).append(match[2])
    return found
