"""Laws of the ledger's text: it says what was recorded, in one way only, and garbage never passes for a ledger."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safepip.errors import BadInput
from safepip.formats.ledger import parse_ledger, render_ledger
from safepip.formats.publisher import as_pin, parse_publisher, render_publisher
from safepip.io.ledger import LedgerFile, LedgerPlace
from safepip.model.ident import FileKind, FileName, Url
from safepip.model.ledger import Recorded, Sighting, index_name
from safepip.model.publisher import Identity
from tests.factories import INDEX, NOW

# Whatever a certificate may hold: claims are texts from outside.
TEXTS = st.one_of(
    st.none(), st.text(max_size=20), st.sampled_from(["acme/demo", "release.yml", "refs/tags/v1", "1", ""])
)
IDENTITIES = st.builds(
    Identity,
    kind=st.sampled_from(["github", "gitlab", "google", "circleci", "activestate", "email", "unknown"]),
    issuer=st.sampled_from(["https://token.actions.githubusercontent.com", "https://gitlab.com", "x"]),
    subject=st.one_of(st.text(max_size=20), st.just("a@b.example")),
    repository=TEXTS,
    repository_id=TEXTS,
    owner_id=TEXTS,
    workflow=TEXTS,
    environment=TEXTS,
    ref=TEXTS,
    trigger=TEXTS,
    runner=TEXTS,
    build_signer=TEXTS,
)
MOMENTS = st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30), timezones=st.just(timezone.utc))  # noqa: DTZ001
ADDRESSES = st.text(max_size=20).map(lambda rest: index_name(Url(f"https://index.example/{rest}")))


@st.composite
def records(draw: st.DrawFn) -> Recorded:
    name = draw(st.sampled_from(["a", "b-c", "d"]))
    kind = draw(st.sampled_from(FileKind))
    text = f"{name.replace('-', '_')}-1.0" + ("-py3-none-any.whl" if kind is FileKind.WHEEL else ".tar.gz")
    file = FileName.parse(text)
    return Recorded(
        index=Url(draw(ADDRESSES)),
        project=file.project,
        kind=file.kind,
        publisher=as_pin(draw(IDENTITIES)),
        file=file,
        uploaded=draw(st.one_of(st.none(), MOMENTS)),
        recorded_at=draw(MOMENTS),
        place="",
    )


@settings(max_examples=300, deadline=None)
@given(st.lists(records(), max_size=6, unique_by=lambda one: one.key))
def test_what_is_written_is_read_back_the_same(listed: list[Recorded]) -> None:
    body = render_ledger(listed)
    read = [replace(one, place="") for one in parse_ledger(body, "ledger")]
    assert sorted(read, key=str) == sorted(listed, key=str)
    assert render_ledger(reversed(read)) == body


@settings(max_examples=300, deadline=None)
@given(st.lists(records(), max_size=6, unique_by=lambda one: one.key), st.data())
def test_a_record_more_is_lines_more(listed: list[Recorded], data: st.DataObject) -> None:
    """A merge of two branches that each add a record seldom meets in one place."""
    if not listed:
        return
    one = data.draw(st.sampled_from(listed))
    before = render_ledger([other for other in listed if other is not one]).decode().split("\n")
    after = render_ledger(listed).decode().split("\n")
    added = len(after) - len(before)
    assert any(after[:at] + after[at + added :] == before for at in range(len(after)))


@settings(max_examples=300, deadline=None)
@given(IDENTITIES)
def test_whoever_published_is_written_as_seen_or_not_at_all(who: Identity) -> None:
    ledger = LedgerFile(LedgerPlace(path=Path("x"), shown="x", project=False), lambda: NOW)
    file = FileName.parse("demo-1.0-py3-none-any.whl")
    record = ledger.record_of(Sighting(index=INDEX, file=file, uploaded=None, identity=who, only_here=False))
    if record is not None:
        assert record.publisher == as_pin(who)
        assert record.publisher is not None
        assert parse_publisher(render_publisher(record.publisher)) == record.publisher


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_garbage_is_refused_in_words(raw: bytes) -> None:
    with contextlib.suppress(BadInput):
        parse_ledger(raw, "ledger")


@settings(max_examples=300, deadline=None)
@given(st.lists(records(), min_size=1, max_size=3, unique_by=lambda one: one.key), st.data())
def test_a_misspelled_key_is_refused(listed: list[Recorded], data: st.DataObject) -> None:
    """No slip of an editor drops a rule in silence."""
    lines = render_ledger(listed).decode().split("\n")
    keys = [at for at, line in enumerate(lines) if " = " in line and not line.startswith("#")]
    at = data.draw(st.sampled_from(keys))
    torn = "\n".join([*lines[:at], lines[at].replace(" = ", "x = ", 1), *lines[at + 1 :]])
    with pytest.raises(BadInput):
        parse_ledger(torn.encode(), "ledger")
