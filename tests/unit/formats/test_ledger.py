from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from safepip.errors import BadInput
from safepip.formats.ledger import MAX_BYTES, parse_ledger, publisher_of, render_ledger
from safepip.formats.publisher import parse_publisher
from safepip.formats.statement import PUBLISH, SIGNATURE, SLSA
from safepip.model.evidence import VerifiedAttestation
from safepip.model.ident import FileKind, FileName, Url
from safepip.model.ledger import Recorded, index_name
from tests.factories import NOW
from tests.unit.checks.test_attestation_check import WHO

ROOT = Path(__file__).resolve().parents[3]
TEXT = """\
schema = 1

[[publishers]]
project = "demo"
index = "https://index.example/simple"
kind = "wheel"
publisher = "github:acme/demo/release.yml@refs/tags/v1.0"
file = "demo-1.0-py3-none-any.whl"
uploaded = 2025-10-18T12:00:00Z
recorded = 2026-11-22T12:00:00.000123Z

[[publishers]]
project = "other"
index = "https://index.example/simple"
kind = "sdist"
accepted-unattested = true
file = "other-2.0.tar.gz"
recorded = 2026-11-22T12:00:00Z
"""


def record(file: str = "demo-1.0-py3-none-any.whl", who: str | None = "github:acme/demo/release.yml") -> Recorded:
    name = FileName.parse(file)
    return Recorded(
        index=Url("https://index.example/simple"),
        project=name.project,
        kind=name.kind,
        publisher=parse_publisher(who) if who is not None else None,
        file=name,
        uploaded=None,
        recorded_at=NOW,
        place="ledger.toml:3",
    )


def faults(text: str) -> list[tuple[str, str]]:
    with pytest.raises(BadInput) as caught:
        parse_ledger(text.encode(), "ledger.toml")
    assert caught.value.reference == "ledger-file"
    return list(caught.value.context)


def test_what_is_written_is_read() -> None:
    demo, other = parse_ledger(TEXT.encode(), "ledger.toml")
    assert demo.publisher == parse_publisher("github:acme/demo/release.yml@refs/tags/v1.0")
    assert (demo.project, demo.kind, demo.place) == ("demo", FileKind.WHEEL, "ledger.toml:3")
    assert demo.uploaded == datetime(2025, 10, 18, 12, tzinfo=timezone.utc)
    assert demo.recorded_at == NOW + timedelta(microseconds=123)
    assert (other.publisher, other.uploaded, other.place) == (None, None, "ledger.toml:12")
    body = render_ledger([other, demo]).decode()
    assert body.partition("schema = 1\n")[2] == TEXT.partition("schema = 1\n")[2]


def test_the_documented_ledger_is_one() -> None:
    [block] = re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / "ledger.md").read_text(), re.DOTALL)
    [record] = parse_ledger(block.encode(), "ledger.md")
    assert render_ledger([record]).decode().partition("schema = 1\n")[2] == block.partition("schema = 1\n")[2]


def test_an_empty_ledger_is_one() -> None:
    assert parse_ledger(render_ledger(()), "ledger.toml") == ()


def test_one_more_record_adds_lines_and_changes_none() -> None:
    """What a reviewer sees in a diff."""
    few = [record(), record("zeta-1.0-py3-none-any.whl")]
    before = render_ledger(few).decode().splitlines()
    after = render_ledger([record("mid-1.0.tar.gz"), *few]).decode().splitlines()
    start = next(at for at, (old, new) in enumerate(zip(before, after, strict=False)) if old != new)
    added = len(after) - len(before)
    assert after[:start] + after[start + added :] == before


def test_all_faults_are_told_at_once_with_their_lines() -> None:
    text = TEXT.replace("schema = 1\n", "schema = 2\nextra = 1\n", 1).replace('kind = "wheel"', 'kind = "egg"')
    text = text.replace("accepted-unattested = true", "accepted-unattested = false").replace("uploaded", "uploadet")
    told = faults(text)
    assert [place for place, _ in told] == [
        "ledger.toml:2",
        "ledger.toml:1",
        "ledger.toml:10",
        "ledger.toml:7",
        "ledger.toml:17",
    ]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("schema = 1\n", "", "schema is missing"),
        ("schema = 1\n", "schema = true\n", "knows schema 1"),
        ("schema = 1\n", "schema = 1.0\n", "knows schema 1"),
        ("schema = 1\n", 'schema = "1"\n', "knows schema 1"),
        ('project = "demo"\n', "", "project is missing"),
        ('project = "demo"', "project = 7", "not a text"),
        ('project = "demo"', 'project = "demo2"', "no wheel of demo2"),
        ('file = "demo-1.0-py3-none-any.whl"', 'file = "demo-1.0.tar.gz"', "no wheel of demo"),
        ('file = "demo-1.0-py3-none-any.whl"', 'file = "demo.exe"', "neither a wheel nor an sdist"),
        ('file = "demo-1.0-py3-none-any.whl"\n', "", "file is missing"),
        ("https://index.example/simple", "https://index.example/simple/", "closing slash"),
        ("https://index.example/simple", "https://user:geheim@index.example/simple", "password"),
        ("https://index.example/simple", "https://index.example/simple?token=geheim", "query"),
        ("https://index.example/simple", "index.example", "no address"),
        ("https://index.example/simple", "", "not a text"),
        ("github:acme", "github", "not a publisher"),
        ("github:acme", "nobody:acme", "not a publisher"),
        ('publisher = "github:acme/demo/release.yml@refs/tags/v1.0"\n', "", "either publisher or"),
        ("accepted-unattested = true", 'accepted-unattested = true\npublisher = "github:a/b"', "not both"),
        ("accepted-unattested = true", "accepted-unattested = 1", "not true or false"),
        ("recorded = 2026-11-22T12:00:00Z", "recorded = 2026-11-22T12:00:00", "not a time such as"),
        ("recorded = 2026-11-22T12:00:00Z", "recorded = 2026-11-22", "not a time such as"),
        ("recorded = 2026-11-22T12:00:00Z", 'recorded = "2026-11-22T12:00:00Z"', "not a time such as"),
        ("recorded = 2026-11-22T12:00:00Z", "recorded = 0001-01-01T00:00:00+14:00", "in UTC"),
        ("recorded = 2026-11-22T12:00:00Z\n", "", "recorded is missing"),
        ("[[publishers]]", "[publishers]\n[publishers.x]", "array of tables"),
    ],
)
def test_each_line_that_is_wrong_is_named(old: str, new: str, words: str) -> None:
    text = TEXT if old != "[[publishers]]" else TEXT[: TEXT.rindex("[[publishers]]")]
    told = faults(text.replace(old, new, 1))
    assert any(words in what for _, what in told), told
    assert all("geheim" not in what for _, what in told)


def test_two_records_of_one_key_are_a_fault() -> None:
    """Also where they are spelled otherwise: which of the two would count?"""
    again = TEXT[TEXT.index("[[publishers]]") : TEXT.rindex("[[publishers]]")]
    [(place, what)] = faults(TEXT + "\n" + again.replace('"demo"', '"Demo"').replace("acme", "evil"))
    assert place == "ledger.toml:20"
    assert "ledger.toml:3" in what


def test_a_merge_that_nobody_finished_is_named_as_such() -> None:
    torn = TEXT.replace("kind =", "<<<<<<< HEAD\nkind =", 1).replace("file =", "=======\n>>>>>>> topic\nfile =", 1)
    assert [place for place, _ in faults(torn)] == ["ledger.toml:6", "ledger.toml:9", "ledger.toml:10"]


@pytest.mark.parametrize(
    "raw",
    [
        b"schema = 1\n\xff",
        b"schema = ",
        b"[[publishers]",
        b"",
        b"x" * (MAX_BYTES + 1),
        b"a=" + b"[" * 9999,
        b"a=" + b"1" * 5000,
        b"a=0x" + b"f" * 9000,
        b"a=[{b=9223372036854775808}]",
    ],
)
def test_what_is_no_ledger_is_refused_in_words(raw: bytes) -> None:
    with pytest.raises(BadInput, match=r"ledger\.toml"):
        parse_ledger(raw, "ledger.toml")


def test_faults_are_told_to_a_bound() -> None:
    told = faults("schema = 1\n" + "".join(f"k{number} = 1\n" for number in range(80)))
    assert len(told) == 51
    assert told[-1] == ("and", "30 more")


def test_nothing_hides_in_the_text() -> None:
    """An address may hold what an editor shows in another order, or not at all."""
    hidden = "\u202e\u200b\x7f\U000e0001"
    one = replace(record(), index=Url(f'https://x/{hidden}"\\'))
    body = render_ledger([one]).decode()
    assert not set(hidden) & set(body)
    assert replace(parse_ledger(body.encode(), "x")[0], place=one.place) == one


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://index.example/simple/", "https://index.example/simple"),
        ("https://user:geheim@index.example/simple/#x", "https://index.example/simple"),
        ("https://index.example/simple/?token=geheim", "https://index.example/simple"),
        ("HTTPS://Index.Example.:443//./%73imple/x/..//", "https://index.example/simple"),
        ("http://index.example:443/Simple%2f", "http://index.example:443/Simple%2f"),
        ("https://[::1]:443/", "https://[::1]"),
        ("file:///a/b/", "file:///a/b"),
    ],
)
def test_one_index_has_one_name_and_no_secret_is_in_it(address: str, name: str) -> None:
    assert index_name(Url(address)) == name


def attested(predicate: str, **changes: str) -> VerifiedAttestation:
    return VerifiedAttestation(
        predicate=predicate, identity=replace(WHO, **changes), logged_at=NOW, trust_root="0" * 64
    )


def test_the_publish_attestation_says_who_published() -> None:
    other = attested(SLSA, repository="acme/builder")
    assert publisher_of([other, attested(PUBLISH), attested(SIGNATURE, subject="x")]) == WHO
    assert publisher_of([other, attested(SIGNATURE)]) == WHO
    assert publisher_of([other]) is None
    assert publisher_of([]) is None


def test_of_several_publishers_none_is_remembered() -> None:
    assert publisher_of([attested(PUBLISH), attested(PUBLISH, repository="acme/other")]) is None
    assert publisher_of([attested(PUBLISH), attested(PUBLISH)]) == WHO
