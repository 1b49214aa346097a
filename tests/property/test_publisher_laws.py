"""Laws of publishers: what is written reads back, what was seen is accepted, and nobody else is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from safepip.errors import Malformed
from safepip.formats.pin import valid
from safepip.formats.publisher import (
    as_pin,
    describe,
    from_claim,
    parse_publisher,
    read_publisher,
    render_publisher,
)
from safepip.model.publisher import (
    Identity,
    PublisherPin,
    differences,
    matches,
    soft_differences,
    stable_differences,
)

PART = st.from_regex(r"[A-Za-z0-9_.-]{1,8}", fullmatch=True)
TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x7f", min_codepoint=32), min_size=1, max_size=12
)
REF = st.text(st.characters(exclude_categories=["Cs"], min_codepoint=33), min_size=1, max_size=12).filter(
    lambda text: not any(sign.isspace() or sign == "\x7f" for sign in text)
)
SEGMENT = TEXT.filter(lambda text: not set("/\\") & set(text))
ID = st.from_regex(r"[0-9]{1,6}", fullmatch=True)
WORD = st.from_regex(r"[a-z_]{1,10}", fullmatch=True)
UUID = st.from_regex(r"[a-f0-9-]{1,12}", fullmatch=True)
MAIL = st.from_regex(r"[a-z0-9!#$%&'*+/=?^_`{|}~.-]{1,10}@[a-z0-9-]{1,8}\.example", fullmatch=True)
ISSUER = st.from_regex(r"https://[!-~]{1,20}", fullmatch=True)
FILE = st.builds("{}{}".format, SEGMENT, st.sampled_from([".yml", ".yaml"]))


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


def path(low: int, high: int) -> st.SearchStrategy[str]:
    return st.lists(PART | st.just("a.yml"), min_size=low, max_size=high).map("/".join)


def forge(kind: str, repository: st.SearchStrategy[str], workflow: st.SearchStrategy[str]) -> Any:
    return st.builds(
        PublisherPin,
        kind=st.just(kind),
        repository=repository,
        workflow=maybe(workflow),
        ref=maybe(REF),
        environment=maybe(TEXT),
        repository_id=maybe(ID),
        owner_id=maybe(ID),
        triggers=maybe(st.frozensets(WORD, min_size=1, max_size=3)),
        runner=maybe(TEXT),
        build_signer=maybe(TEXT),
    )


def account(kind: str, **more: st.SearchStrategy[Any]) -> Any:
    none = {"workflow": st.none(), "ref": st.none(), "environment": st.none()}
    return st.builds(PublisherPin, kind=st.just(kind), **{"repository": MAIL, **none, **more})


PINS: st.SearchStrategy[PublisherPin] = st.one_of(
    forge("github", path(2, 2), FILE),
    forge("gitlab", path(2, 4), FILE | st.lists(SEGMENT, min_size=1, max_size=3).map("/".join)),
    account("google"),
    account("email", issuer=ISSUER),
    account("activestate", repository=path(2, 2)),
    account("circleci", repository=UUID, workflow=maybe(UUID), ref=maybe(REF), runner=maybe(TEXT), source=maybe(TEXT)),
)


@given(PINS)
def test_a_pin_is_read_as_it_was_written(pin: PublisherPin) -> None:
    line = render_publisher(valid(pin))
    assert parse_publisher(line) == pin
    assert line.isprintable()


@given(st.text(max_size=60) | st.builds("{}:{}".format, st.sampled_from(["github", "email", "circleci"]), st.text()))
def test_a_line_that_is_read_has_one_canonical_form(line: str) -> None:
    try:
        pin = parse_publisher(line)
    except Malformed:
        return
    canonical = render_publisher(pin)
    assert parse_publisher(canonical) == pin
    assert render_publisher(parse_publisher(canonical)) == canonical


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10) | st.just("a/b") | st.just("c.yml"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)
KEYS = st.sampled_from([
    *("kind", "repository", "workflow", "ref", "triggers", "runner", "account", "issuer", "build-signer"),
    *("workflow_filepath", "environment", "email", "project_id", "pipeline_definition_id", "vcs_ref", "organization"),
])  # fmt: skip
KINDS = st.sampled_from(["github", "gitlab", "google", "email", "circleci", "activestate"])
CLAIMED = st.sampled_from(["GitHub", "GitLab", "Google", "CircleCI", "ActiveState"])
TABLES = st.builds(
    lambda table, kind: {**table, "kind": kind}, st.dictionaries(KEYS, ANYTHING, max_size=5), KINDS | CLAIMED | ANYTHING
)


@given(ANYTHING | TABLES)
def test_parsers_raise_their_own_error_and_no_other(value: Any) -> None:
    readers: list[Callable[[Any], object]] = [parse_publisher, read_publisher]
    readers += [from_claim] if isinstance(value, dict) else []
    for read in readers:
        try:
            pin = read(value)
        except Malformed:
            continue
        assert pin is None or isinstance(pin, PublisherPin)
        assert pin is None or valid(pin) is pin


@st.composite
def odd(draw: st.DrawFn) -> Identity:
    """Whatever a certificate may say."""
    text = maybe(TEXT | PART | UUID | st.text(max_size=6))
    return Identity(
        kind=draw(KINDS | st.just("unknown")),
        issuer=draw(ISSUER | TEXT),
        subject=draw(MAIL | TEXT),
        repository=draw(path(2, 2) | text),
        **{slot: draw(text) for slot in REST},
    )


REST = ("repository_id", "owner_id", "workflow", "environment", "ref", "trigger", "runner", "build_signer")
HOMES = {"github": "https://github.com/{}/", "gitlab": "https://gitlab.com/{}//"}


@st.composite
def usual(draw: st.DrawFn) -> Identity:
    """What the certificates of each kind look like."""
    kind = draw(KINDS)
    repository = draw(path(2, 2)) if kind not in {"google", "email"} else None
    forge, circle = kind in HOMES, kind == "circleci"
    home = HOMES.get(kind, "https://ci.example/").format(repository)
    return Identity(
        kind=kind,
        issuer="https://accounts.google.com" if kind == "google" else draw(ISSUER),
        subject=draw(MAIL if repository is None else TEXT.map(lambda text: f"{home}{text}")),
        repository=repository,
        repository_id=draw(maybe(ID)) if forge else draw(UUID) if circle else None,
        owner_id=draw(maybe(ID)) if forge else None,
        workflow=draw(maybe(FILE)) if forge else draw(UUID) if circle else None,
        environment=draw(maybe(TEXT)) if forge else None,
        ref=draw(maybe(REF.map(lambda ref: f"refs/tags/{ref}"))) if forge or circle else None,
        trigger=draw(maybe(WORD | st.just("workflow_run"))) if forge else None,
        runner=draw(maybe(TEXT)) if forge or circle else None,
        build_signer=draw(maybe((TEXT | st.just("*[x]?@v1")).map(lambda text: f"{home}{text}"))) if forge else None,
    )


@given(usual() | odd())
def test_what_was_seen_is_what_is_accepted(who: Identity) -> None:
    pin = as_pin(who)
    assert describe(who).isprintable()
    if pin is None:
        return
    for one in (pin, parse_publisher(render_publisher(pin))):
        assert matches(one, who), list(differences(one, who))
        assert not list(stable_differences(one, who))
        assert not list(soft_differences(one, who))


def named(pin: PublisherPin) -> dict[str, str]:
    """Where in the identity stands what the pin names: its slot -> that of the identity."""
    name = {"google": "subject", "email": "subject", "circleci": "repository_id"}.get(pin.kind, "repository")
    other = {"repository": name, "triggers": "trigger", "source": "repository"}
    return {slot.name: other.get(slot.name, slot.name) for slot in fields(pin) if getattr(pin, slot.name) is not None}


def changed(who: Identity, slot: str) -> Identity:
    values: dict[str, Any] = {slot: f"{getattr(who, slot)}x"}
    return replace(who, **values)


@given(usual())
def test_any_one_thing_changed_is_somebody_else(who: Identity) -> None:
    pin = as_pin(who)
    assert pin is not None
    stable = {"kind", "issuer", "owner_id", "workflow", "repository" if pin.repository_id is None else "repository_id"}
    for slot, seen in named(pin).items():
        assert not matches(pin, changed(who, seen)), slot
        if slot in stable:
            assert list(stable_differences(pin, changed(who, seen))), slot
        elif slot not in {"ref", "build_signer"}:  # of which the version does not count
            assert list(soft_differences(pin, changed(who, seen))), slot
