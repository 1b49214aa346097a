"""No document, however mangled, makes the verifier raise, hang, or accept what it did not accept before."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from safepip.formats.fields import BadAttestation
from safepip.formats.provenance import parse_provenance
from safepip.formats.publisher import parse_publisher, render_publisher
from safepip.formats.statement import parse_statement
from safepip.io.attestation import AttestationVerifier
from safepip.model.ident import FileName, Sha256
from safepip.model.publisher import PublisherPin
from tests.sigstore import GitHub, LocalSigstore

FILE, SHA256 = FileName.parse("demo-1.0-py3-none-any.whl"), Sha256("ab" * 32)
SIGSTORE = LocalSigstore.create(now=datetime(2026, 1, 2, tzinfo=timezone.utc))
VERIFIER = AttestationVerifier(SIGSTORE.trusted_root_json())
GOOD = SIGSTORE.attest(str(FILE), SHA256, GitHub())
DOCUMENT = SIGSTORE.provenance([GOOD], {"kind": "GitHub", "repository": "acme/demo"})
[VERIFIED] = VERIFIER.verify(DOCUMENT, FILE, SHA256, {})[0]

LEAF = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=20)
    | st.sampled_from(["0", "-1", "AAAA", "", "\u2014"])
)
JSON = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)


def paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(path for key, one in inside for path in paths(one, (*here, key)))]


PLACES = [path for path in paths(GOOD) if path]


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(copy[path[0]], path[1:], new)
    return copy


def accepted_only_as_it_was(document: bytes) -> None:
    verified, rejected, _ = VERIFIER.verify(document, FILE, SHA256, {})
    assert all(one == VERIFIED for one in verified)
    assert all(one.code and one.message.isprintable() for one in rejected)


@settings(max_examples=150, deadline=5000, suppress_health_check=[HealthCheck.too_slow])
@given(path=st.sampled_from(PLACES), new=JSON)
def test_any_part_replaced_by_anything(path: tuple[Any, ...], new: Any) -> None:
    mangled = replaced(GOOD, path, new)
    verified, rejected, _ = VERIFIER.verify(SIGSTORE.provenance([mangled], {"kind": "GitHub"}), FILE, SHA256, {})
    assert len(verified) + len(rejected) == 1
    assert all(one == VERIFIED for one in verified)


@settings(max_examples=200, deadline=5000)
@given(where=st.integers(0, len(DOCUMENT) - 1), byte=st.integers(0, 255))
def test_any_byte_changed(where: int, byte: int) -> None:
    accepted_only_as_it_was(DOCUMENT[:where] + bytes([byte]) + DOCUMENT[where + 1 :])


@settings(max_examples=100, deadline=5000)
@given(start=st.integers(0, len(DOCUMENT)), length=st.integers(0, 200), new=st.binary(max_size=20))
def test_any_piece_cut_out_or_put_in(start: int, length: int, new: bytes) -> None:
    accepted_only_as_it_was(DOCUMENT[:start] + new + DOCUMENT[start + length :])


@given(st.binary(max_size=300) | JSON.map(lambda value: json.dumps(value).encode()))
def test_parsers_raise_their_own_error_and_no_other(content: bytes) -> None:
    for parse in (parse_provenance, parse_statement):
        try:
            parse(content)
        except BadAttestation as error:
            assert error.code  # noqa: PT017 - most contents raise; what is asked is that nothing else does


PART = st.from_regex(r"[A-Za-z0-9_.-]{1,12}", fullmatch=True)
REF = st.none() | st.from_regex(r"[!\"$-~]{1,20}", fullmatch=True)
ENVIRONMENT = st.none() | st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20)
YAML = st.from_regex(r"[A-Za-z0-9_.-]{1,12}\.ya?ml", fullmatch=True)


@st.composite
def pins(draw: st.DrawFn) -> PublisherPin:
    kind = draw(st.sampled_from(["github", "gitlab", "google"]))
    if kind == "google":
        account = draw(st.from_regex(r"[a-z0-9-]{1,10}@[a-z0-9-]{1,10}\.example", fullmatch=True))
        return PublisherPin(kind=kind, repository=account, workflow=None, ref=None, environment=None)
    count = 2 if kind == "github" else draw(st.integers(2, 4))
    repository = "/".join(draw(st.lists(PART.filter(lambda part: "ml" not in part), min_size=count, max_size=count)))
    path = YAML if kind == "github" else YAML | st.lists(PART, min_size=1, max_size=3).map("/".join)
    return PublisherPin(
        kind=kind,
        repository=repository,
        workflow=draw(st.none() | path),
        ref=draw(REF),
        environment=draw(ENVIRONMENT),
    )


@given(pins())
def test_a_pin_is_read_as_it_was_written(pin: PublisherPin) -> None:
    assert parse_publisher(render_publisher(pin)) == pin
