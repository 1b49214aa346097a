"""No bundle, however mangled, makes a verifier raise, hang, or accept what it did not accept before."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from safepip.formats.bundle import SigstoreBundle, parse_bundle
from safepip.formats.fields import BadAttestation
from safepip.formats.logbody import parse_body
from safepip.formats.logentry import LogEntry
from safepip.io.managed_key import verify_with_key
from safepip.model.evidence import VerifiedAttestation
from tests.property.test_attestation_documents import ABOUT, FILE, JSON, SHA256, SIGSTORE, VERIFIER, paths, replaced
from tests.sigstore.bundles import pem, sign, statement

KEY = ec.generate_private_key(ec.SECP256R1())
PEM, ROOT = pem(KEY), SIGSTORE.trusted_root_json()
STATEMENT = statement(str(FILE), SHA256)
SIGNED = [
    sign(SIGSTORE, SHA256),
    sign(SIGSTORE, SHA256, version="0.1", statement=STATEMENT),
    sign(SIGSTORE, SHA256, statement=STATEMENT, rekor=2),
    sign(SIGSTORE, SHA256, key=KEY),
    sign(SIGSTORE, SHA256, key=KEY, statement=STATEMENT, kind="intoto"),
    sign(SIGSTORE, SHA256, key=KEY, rekor=2),
]


def judged(content: bytes) -> VerifiedAttestation | None:
    """None where it is refused, which is the only thing that may happen instead."""
    try:
        bundle = parse_bundle(content)
        if bundle.certificate is None:
            return verify_with_key(bundle, PEM, ABOUT, ROOT)
        return VERIFIER.bundle(bundle, ABOUT)
    except BadAttestation:
        return None


RAW = [json.dumps(one).encode() for one in SIGNED]
GOOD = [judged(one) for one in RAW]
PLACES = [(number, path) for number, one in enumerate(SIGNED) for path in paths(one) if path]
BOUNDED = settings(max_examples=150, deadline=5000, suppress_health_check=[HealthCheck.too_slow])


def same(number: int, content: bytes) -> bool:
    """Refused, or accepted as what it was: who signed what, and when, as far as the untouched sources of time say."""
    found = judged(content)
    good = GOOD[number]
    assert good is not None
    return found is None or (found.predicate, found.identity, found.trust_root) == (
        good.predicate,
        good.identity,
        good.trust_root,
    )


def test_they_are_good() -> None:
    assert None not in GOOD


@BOUNDED
@given(place=st.sampled_from(PLACES), new=JSON)
def test_any_part_replaced_by_anything(place: tuple[int, tuple[Any, ...]], new: Any) -> None:
    number, path = place
    assert same(number, json.dumps(replaced(SIGNED[number], path, new)).encode())


@BOUNDED
@given(number=st.integers(0, len(RAW) - 1), where=st.integers(0, 10_000), byte=st.integers(0, 255))
def test_any_byte_changed(number: int, where: int, byte: int) -> None:
    raw = RAW[number]
    where %= len(raw)
    assert same(number, raw[:where] + bytes([byte]) + raw[where + 1 :])


@BOUNDED
@given(number=st.integers(0, len(RAW) - 1), start=st.integers(0, 10_000), length=st.integers(0, 200), new=st.binary())
def test_any_piece_cut_out_or_put_in(number: int, start: int, length: int, new: bytes) -> None:
    raw = RAW[number]
    start %= len(raw)
    assert same(number, raw[:start] + new + raw[start + length :])


@BOUNDED
@given(first=st.integers(0, len(SIGNED) - 1), second=st.integers(0, len(SIGNED) - 1), part=st.sampled_from(PLACES))
def test_parts_of_two_bundles(first: int, second: int, part: tuple[int, tuple[Any, ...]]) -> None:
    """Everything in both is genuine, and yet they do not mix."""
    path = part[1]
    value: Any = SIGNED[second]
    for key in path:
        if not isinstance(value, dict | list) or (isinstance(value, dict) and key not in value):
            return
        value = value[key] if not isinstance(value, list) or (isinstance(key, int) and key < len(value)) else None
    mixed = _put(SIGNED[first], path, value)
    if mixed is not None:
        assert same(first, json.dumps(mixed).encode())


def _put(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    try:
        return replaced(document, path, value)
    except (KeyError, IndexError, TypeError, ValueError):
        return None


@given(content=st.binary(max_size=300) | JSON.map(lambda value: json.dumps(value).encode()))
def test_readers_raise_their_own_error_and_no_other(content: bytes) -> None:
    bundle = parse_bundle(RAW[0])
    with pytest.raises(BadAttestation):
        parse_bundle(content)
    for kind in (("hashedrekord", "0.0.1"), ("hashedrekord", "0.0.2"), ("dsse", "0.0.1"), ("intoto", "0.0.2")):
        with pytest.raises(BadAttestation):
            parse_body(_entry(bundle, kind, content))


def _entry(bundle: SigstoreBundle, kind: tuple[str, str], body: bytes) -> LogEntry:
    return replace(bundle.entries[0], kind=kind[0], version=kind[1], body=body)


def test_a_document_of_the_largest_size_is_judged_quickly() -> None:
    subjects = [
        {"name": str(number), "digest": {"sha256": hashlib.sha256(b"%d" % number).hexdigest()}}
        for number in range(5000)
    ]
    large = sign(SIGSTORE, SHA256, statement=statement(str(FILE), SHA256, subjects=subjects))
    assert len(json.dumps(large)) < 1 << 20
    assert judged(json.dumps(large).encode()) is None
