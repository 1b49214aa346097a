"""Whatever is done to a kept update: it verifies with its own trusted root, or it is refused in words."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from safepip.errors import Malformed
from safepip.io.rootstate import RootState, is_state, parse_state, verify_state
from tests.tuf.repository import LocalRepository

ROOT = b'{"any": "bytes are signed alike"}'
REPOSITORY = LocalRepository(ROOT)
FILES = REPOSITORY.files
STATE = RootState(
    url="https://tuf.example",
    updated=datetime(2026, 11, 22, tzinfo=timezone.utc),
    roots=(REPOSITORY.bootstrap,),
    timestamp=FILES["timestamp.json"],
    snapshot=FILES["1.snapshot.json"],
    targets=FILES["1.targets.json"],
    trusted_root=ROOT,
)
RENDERED = STATE.render()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)


def believed(raw: bytes) -> bytes | None:
    """The trusted root that would be used; None where it is refused. Nothing but Malformed may come out."""
    try:
        state = parse_state(raw)
        state.at_most(), state.root_version()
        verify_state(state, REPOSITORY.bootstrap)
    except Malformed:
        return None
    return state.trusted_root


def test_what_is_kept_is_believed() -> None:
    assert is_state(RENDERED)
    assert parse_state(RENDERED) == STATE
    assert believed(RENDERED) == ROOT


@settings(max_examples=300, deadline=None)
@given(at=st.integers(0, len(RENDERED) - 1), byte=st.integers(0, 255))
def test_one_changed_byte_changes_no_trusted_root(at: int, byte: int) -> None:
    assert believed(RENDERED[:at] + bytes([byte]) + RENDERED[at + 1 :]) in {ROOT, None}


@settings(max_examples=100, deadline=None)
@given(at=st.integers(0, len(RENDERED)))
def test_a_torn_state_is_refused(at: int) -> None:
    assert believed(RENDERED[:at]) == (ROOT if at == len(RENDERED) else None)


@settings(max_examples=200, deadline=None)
@given(
    part=st.sampled_from(["timestamp", "snapshot", "targets", "roots", "trusted_root"]),
    path=st.lists(st.integers(0, 9), max_size=5),
    value=JSON,
)
def test_a_part_replaced_within_signed_metadata(part: str, path: list[int], value: Any) -> None:
    document = json.loads(RENDERED)
    inner = [json.loads(document["roots"][0])] if part == "roots" else json.loads(document[part])
    place: Any = inner
    for step in path[:-1]:
        below = list(place.values() if isinstance(place, dict) else place)
        if not below or not isinstance(below[step % len(below)], (dict, list)):
            break
        place = below[step % len(below)]
    keys = list(place) if isinstance(place, dict) else list(range(len(place)))
    if keys:
        place[keys[path[-1] % len(keys)] if path else keys[0]] = value
    document[part] = [json.dumps(one) for one in inner] if part == "roots" else json.dumps(inner)
    assert believed(json.dumps(document).encode()) in {ROOT, None}
