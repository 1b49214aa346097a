"""What is written into a receipt is read back, and nothing odd is."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safepip.errors import Malformed
from safepip.formats.receipt import SCHEMA, parse_receipt

DIGEST = "0" * 64


def content() -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "tool": "safepip 0.1",
        "installed": "2026-11-20T12:00:00Z",
        "policy": DIGEST,
        "record": "1" * 64,
        "byte-code": {"demo/__pycache__/__init__.cpython-312.pyc": "2" * 64},
        "distribution": {"name": "demo", "version": "1.0", "file": "demo-1.0-py3-none-any.whl", "sha256": "3" * 64},
    }


def parse(value: object) -> object:
    return parse_receipt(json.dumps(value).encode())


def test_read_back() -> None:
    receipt = parse_receipt(json.dumps(content()).encode())
    assert receipt.installed == datetime(2026, 11, 20, 12, tzinfo=timezone.utc)
    assert (receipt.project, receipt.version, receipt.sha256, receipt.record) == ("demo", "1.0", "3" * 64, "1" * 64)
    assert receipt.byte_code == {"demo/__pycache__/__init__.cpython-312.pyc": "2" * 64}


def test_the_entry_of_the_report_may_grow() -> None:
    more = content()
    more["distribution"]["something"] = [1]
    parse(more)


@pytest.mark.parametrize(
    "change",
    [
        lambda receipt: receipt.pop("byte-code"),
        lambda receipt: receipt.update(more=1),
        lambda receipt: receipt.update(schema="safepip-receipt/2"),
        lambda receipt: receipt.update(schema=["safepip-receipt/1"]),
        lambda receipt: receipt.update(record="1" * 63),
        lambda receipt: receipt.update(record=None),
        lambda receipt: receipt.update(installed="2026-13-20T12:00:00Z"),
        lambda receipt: receipt.update(installed="yesterday"),
        lambda receipt: receipt.update({"byte-code": []}),
        lambda receipt: receipt.update({"byte-code": {"a.pyc": 1}}),
        lambda receipt: receipt.update({"byte-code": {"a.pyc": "A" * 64}}),
        lambda receipt: receipt.update(distribution=None),
        lambda receipt: receipt["distribution"].update(name="../x"),
        lambda receipt: receipt["distribution"].update(version="one"),
        lambda receipt: receipt["distribution"].pop("sha256"),
        lambda receipt: receipt["distribution"].update(file=""),
    ],
)
def test_odd_ones_are_malformed(change: Callable[[dict[str, Any]], object]) -> None:
    receipt = content()
    change(receipt)
    with pytest.raises(Malformed):
        parse(receipt)


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"{", b"\xff", b"[" * 100_000, b'{"schema": 1, "schema": 2}', b'{"a": NaN}']
)
def test_what_is_no_receipt(body: bytes) -> None:
    with pytest.raises(Malformed):
        parse_receipt(body)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.dictionaries(st.sampled_from(sorted(content())), anything))
def test_nothing_but_malformed_is_raised(changes: dict[str, Any]) -> None:
    with contextlib.suppress(Malformed):
        parse({**content(), **changes})
