"""JSON from strangers (RFC 8259): one meaning, bounded depth, no duplicate keys, no NaN, no half characters."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from safepip.errors import Malformed

MAX_DEPTH = 64
_MAX_DIGITS = 20


class NotStrict(Malformed):
    """Bytes that are not JSON, or JSON that two readers could read differently."""


def parse_json(content: bytes) -> Any:
    """The value of a UTF-8 JSON text. Raises NotStrict and nothing else. The caller bounds the size."""
    try:
        value = json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_int=_integer,
            parse_float=_float,
        )
    except NotStrict:
        raise
    except UnicodeDecodeError:
        raise NotStrict("it is not UTF-8") from None
    except RecursionError:
        raise NotStrict(f"it is nested deeper than {MAX_DEPTH}") from None
    except ValueError as error:
        raise NotStrict(f"it is not JSON ({error})") from None
    _bound(value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise NotStrict("a key stands twice in one object")
    return result


def _constant(name: str) -> NoReturn:
    raise NotStrict(f"{name} is not JSON")


def _integer(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise NotStrict("a number has too many digits")
    return int(text)


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise NotStrict("a number is out of range")
    return value


def _bound(value: Any) -> None:
    """Walk level by level, without recursion, since the depth is what is in doubt."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        below: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                below.extend(one)
                below.extend(one.values())
            elif isinstance(one, list):
                below.extend(one)
            elif isinstance(one, str):
                _whole(one)
        if not below:
            return
        level = below
    raise NotStrict(f"it is nested deeper than {MAX_DEPTH}")


def _whole(text: str) -> None:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise NotStrict("a text holds half of a surrogate pair") from None
