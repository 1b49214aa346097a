from __future__ import annotations

import json

import pytest

from safepip.formats.strictjson import MAX_DEPTH, NotStrict, parse_json


@pytest.mark.parametrize(
    "text", ["{}", "[]", "null", "1", '"\u00e9"', '{"a": [1, 2.5, true, {"b": null}]}', '"\\ud83d\\ude00"']
)
def test_plain_json_is_read(text: str) -> None:
    assert parse_json(text.encode()) == json.loads(text)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "not JSON"),
        (b"\xff", "UTF-8"),
        (b"{} {}", "not JSON"),
        (b'{"a": 1, "a": 1}', "twice"),
        (b'[{"b": {"a": 1, "a": 2}}]', "twice"),
        (b"NaN", "NaN"),
        (b"[-Infinity]", "Infinity"),
        (b"1e999", "range"),
        (b"9" * 5000, "digits"),
        (b'"\\ud800"', "surrogate"),
        (b'{"\\ud800": 1}', "surrogate"),
        (b"[" * (MAX_DEPTH + 2) + b"]" * (MAX_DEPTH + 2), "deeper"),
        (b"[" * 200_000, "deeper"),
        ("\ufeff{}".encode(), "not JSON"),
        ('{"a": 1}'.encode("utf-16"), "UTF-8"),
    ],
)
def test_what_can_be_read_in_two_ways_is_refused(content: bytes, why: str) -> None:
    with pytest.raises(NotStrict, match=why):
        parse_json(content)


def test_the_depth_that_is_promised_is_read() -> None:
    assert parse_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH) is not None
