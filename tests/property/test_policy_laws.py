"""The law of layers: the merge of two layers allows nothing that either forbids."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from safepip import checks
from safepip.decide import decide
from safepip.formats.age import parse_age, render_age
from safepip.model.artifact import HashPin
from safepip.model.evidence import Attestations
from safepip.model.levels import CHECKS
from safepip.model.policy import Policy
from tests.factories import NOW, artifact, contents, dossier, history, policy, sha256, subject

levels = st.sampled_from(["off", "warn", "deny"])
ages = st.one_of(st.integers(0, 40).map(lambda days: f'"{days}d"'), st.just("2026-01-01"), st.just('"36h"'))


@st.composite
def rules(draw: st.DrawFn) -> str:
    lines = []
    for key, values in (
        ("hashes", st.sampled_from(['"off"', '"roots"', '"all"'])),
        ("minimum-age", ages),
        ("first-release-age", ages),
        ("attestations", st.sampled_from(['"off"', '"warn"', '"first-use"', '"require"'])),
        ("publishers", st.just('["github:psf/requests"]')),
    ):
        if draw(st.booleans()):
            lines.append(f"{key} = {draw(values)}")
    return "\n".join(lines)


@st.composite
def layers(draw: st.DrawFn) -> str:
    text = ""
    if draw(st.booleans()):
        text += f'profile = "{draw(st.sampled_from(["standard", "strict"]))}"\n'
    text += f"[rules]\n{draw(rules())}\n[checks]\n"
    for check in draw(st.lists(st.sampled_from(sorted(CHECKS)), unique=True, max_size=3)):
        text += f'{check} = "{draw(levels)}"\n'
    if draw(st.booleans()):
        text += f'[projects."{draw(st.sampled_from(["demo", "d*", "other", "*"]))}"]\n{draw(rules())}\n'
    return text


@st.composite
def dossiers(draw: st.DrawFn) -> tuple[bool, int | None, int, bool]:
    return (
        draw(st.booleans()),
        draw(st.one_of(st.none(), st.integers(0, 60))),
        draw(st.integers(0, 90)),
        draw(st.booleans()),
    )


def refuses(under: Policy, case: tuple[bool, int | None, int, bool]) -> bool:
    pinned, uploaded, first, requested = case
    from datetime import timedelta

    about = subject(
        artifact(pins=(frozenset({HashPin("sha256", sha256(b"demo"))}),) if pinned else ()), requested=requested
    )
    piece = history(
        uploaded=None if uploaded is None else NOW - timedelta(days=uploaded), first_upload=NOW - timedelta(days=first)
    )
    none = Attestations(advertised=False, index_offers=True, verified=(), rejected=(), claimed_publishers=())
    papers = dossier(about, piece, contents(), none)
    active = [one for one in checks.ALL if one.ID in under.active(about.project)]
    said = [finding for one in active for finding in one.check(papers, under, NOW)]
    verdict = decide(about, under, said, asked=[one.ID for one in active], today=NOW.date())
    return bool(verdict.denied or verdict.unasked)


@given(layers(), layers(), dossiers())
def test_a_merge_allows_nothing_that_either_layer_forbids(
    outer: str, inner: str, case: tuple[bool, int | None, int, bool]
) -> None:
    if refuses(policy(outer), case) or refuses(policy(inner), case):
        assert refuses(policy(outer, inner), case)
        assert refuses(policy(inner, outer), case)


@given(layers(), dossiers())
def test_a_layer_never_allows_what_the_defaults_forbid(layer: str, case: tuple[bool, int | None, int, bool]) -> None:
    if refuses(policy(), case):
        assert refuses(policy(layer), case)


@given(st.one_of(st.integers(0, 5000).map(lambda n: f"{n}d"), st.integers(0, 99999).map(lambda n: f"{n}h")))
def test_ages_are_printed_as_they_are_read(text: str) -> None:
    assert parse_age(render_age(parse_age(text))) == parse_age(text)
