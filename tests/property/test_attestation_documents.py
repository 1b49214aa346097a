"""No document, however mangled, makes the verifier raise, hang, or accept what it did not accept before."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from safepip.formats.attestation import Attestation
from safepip.formats.fields import BadAttestation
from safepip.formats.provenance import parse_attestation, parse_provenance
from safepip.formats.publisher import parse_publisher, render_publisher
from safepip.formats.statement import About, parse_statement
from safepip.io.attestation import AttestationVerifier
from safepip.io.provenance import judged
from safepip.model.ident import FileName, Sha256
from safepip.model.publisher import PublisherPin
from tests.sigstore import GitHub, LocalSigstore

FILE, SHA256 = FileName.parse("demo-1.0-py3-none-any.whl"), Sha256("ab" * 32)
ABOUT = About(file=FILE, sha256=SHA256, digests={})
SIGSTORE = LocalSigstore.create(now=datetime(2026, 1, 2, tzinfo=timezone.utc))
VERIFIER = AttestationVerifier(SIGSTORE.trusted_root_json())
GOOD = SIGSTORE.attest(str(FILE), SHA256, GitHub())
PUBLISHER = {"kind": "GitHub", "repository": "acme/demo", "workflow": "release.yml"}
DOCUMENT = SIGSTORE.provenance([GOOD], PUBLISHER)
[VERIFIED] = judged(DOCUMENT, ABOUT, VERIFIER)[0]

# A second one, as good as the first, with every time source and for the same file: to take parts from.
OTHER = SIGSTORE.attest(str(FILE), SHA256, GitHub(), stamps=(SIGSTORE.now,))
STAMPED = SIGSTORE.attest(str(FILE), SHA256, GitHub(), rekor=2)


SIGNER = re.compile("\u2014 \\S+ ")


def same(document: Any, good: Any = GOOD) -> bool:
    """Whether all that is signed or proven was read of it as of the good one. Unknown keys may come and go.

    A second source of time may too, since one is enough; the index that only a promise signs, where there is none; and
    the name before the signature of a checkpoint, which nothing signs.
    """
    try:
        return essence(document) == essence(good)
    except BadAttestation:
        return False


def essence(document: Any) -> Attestation:
    read = parse_attestation(json.dumps(document).encode())
    entries = tuple(
        replace(one, promise=None, integrated=None, log_index=0, checkpoint=SIGNER.sub("\u2014 ", one.checkpoint))
        for one in read.entries
    )
    return replace(read, timestamps=(), entries=entries)


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
    verified, rejected, _ = judged(document, ABOUT, VERIFIER)
    assert all(one == VERIFIED for one in verified)
    assert all(one.code and one.message.isprintable() for one in rejected)


@settings(max_examples=150, deadline=5000, suppress_health_check=[HealthCheck.too_slow])
@given(path=st.sampled_from(PLACES), new=JSON)
def test_any_part_replaced_by_anything(path: tuple[Any, ...], new: Any) -> None:
    mangled = replaced(GOOD, path, new)
    verified, rejected, _ = judged(SIGSTORE.provenance([mangled], PUBLISHER), ABOUT, VERIFIER)
    assert len(verified) + len(rejected) == 1
    assert not verified or (list(verified) == [VERIFIED] and same(mangled))


@settings(max_examples=200, deadline=5000)
@given(where=st.integers(0, len(DOCUMENT) - 1), byte=st.integers(0, 255))
def test_any_byte_changed(where: int, byte: int) -> None:
    accepted_only_as_it_was(DOCUMENT[:where] + bytes([byte]) + DOCUMENT[where + 1 :])


@settings(max_examples=100, deadline=5000)
@given(start=st.integers(0, len(DOCUMENT)), length=st.integers(0, 200), new=st.binary(max_size=20))
def test_any_piece_cut_out_or_put_in(start: int, length: int, new: bytes) -> None:
    accepted_only_as_it_was(DOCUMENT[:start] + new + DOCUMENT[start + length :])


def texts(value: Any) -> Iterator[tuple[Any, ...]]:
    """Where texts stand: base64 and numbers, all of them, but for names of kinds."""
    for path in paths(value):
        here = value
        for part in path:
            here = here[part]
        if isinstance(here, str):
            yield path


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for part in path:
        value = value[part]
    return value


def verdicts_on(mangled: Any, good: Any) -> None:
    """It says what the good one says, and only where it is the good one in all that counts; or it is refused."""
    verified, rejected, _ = judged(SIGSTORE.provenance([mangled], PUBLISHER), ABOUT, VERIFIER)
    assert len(verified) + len(rejected) == 1
    if verified:
        assert same(mangled, good)
        assert verified == judged(SIGSTORE.provenance([good], PUBLISHER), ABOUT, VERIFIER)[0]
    else:
        assert rejected[0].code
        assert rejected[0].message.isprintable()


BASES = {"first": GOOD, "second": OTHER, "log of version 2": STAMPED}


@settings(max_examples=200, deadline=5000, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_bit_of_any_field(data: st.DataObject) -> None:
    """Beneath the base64, where a flipped bit leaves a document that reads well."""
    good = BASES[data.draw(st.sampled_from(sorted(BASES)))]
    path = data.draw(st.sampled_from(sorted(texts(good), key=str)))
    text = at(good, path)
    try:
        content = bytearray(base64.b64decode(text, validate=True))
        decoded = bool(content) and base64.b64encode(content).decode() == text
    except ValueError:
        decoded = False
    if not decoded:
        content = bytearray(text.encode())
    bit = data.draw(st.integers(0, len(content) * 8 - 1))
    content[bit // 8] ^= 1 << (bit % 8)
    new = base64.b64encode(content).decode() if decoded else content.decode("utf-8", "replace")
    verdicts_on(replaced(good, path, new), good)


@settings(max_examples=150, deadline=5000, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_parts_of_two_good_ones_never_make_a_third(data: st.DataObject) -> None:
    names = data.draw(st.permutations(sorted(BASES)))
    good, donor = BASES[names[0]], BASES[names[1]]
    places = [path for path in paths(good) if path and path in set(paths(donor))]
    for path in data.draw(st.lists(st.sampled_from(places), min_size=1, max_size=3)):
        mangled = replaced(good, path, at(donor, path))
        if not same(mangled, donor):
            verdicts_on(mangled, good)


@settings(max_examples=100, deadline=5000, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_key_dropped_or_written_twice(data: st.DataObject) -> None:
    good = BASES[data.draw(st.sampled_from(sorted(BASES)))]
    path = data.draw(st.sampled_from([path for path in paths(good) if path and isinstance(path[-1], str)]))
    holder = at(good, path[:-1])
    verdicts_on(replaced(good, path[:-1], {key: one for key, one in holder.items() if key != path[-1]}), good)
    mark = json.dumps({path[-1]: "MARK"})[1:-1]
    marked = json.dumps(replaced(good, path, "MARK"))
    twice = marked.replace(mark, f"{json.dumps({path[-1]: holder[path[-1]]})[1:-1]}, {mark.replace('MARK', 'x')}", 1)
    document = SIGSTORE.provenance([], PUBLISHER).replace(
        b'"attestations": []', b'"attestations": [' + twice.encode() + b"]"
    )
    verified, [one], _ = judged(document, ABOUT, VERIFIER)
    assert (verified, one.code) == ((), "malformed")


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
