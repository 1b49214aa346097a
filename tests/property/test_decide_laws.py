"""The laws of the judge, over arbitrary findings, policies and sets of asked checks."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safepip.decide import decide
from safepip.errors import Malformed
from safepip.model.levels import CHECKS, CODES, Level
from safepip.model.verdict import Approved, Finding, Outcome, Verdict
from tests.factories import NOW, policy, sha256, subject

SUBJECT = subject()
OTHER = sha256(b"other bytes")
POLICIES = (
    policy(),
    policy('profile = "observe"'),
    policy('profile = "strict"'),
    policy('[rules]\nhashes = "all"\nattestations = "require"'),
    policy('[checks]\nproject-status = "deny"'),
    policy(
        '[[waivers]]\ncheck = "release-age"\nproject = "demo"\nversion = "1.0"\nreason = "r"\nuntil = 2026-12-01\n'
        '[[waivers]]\ncheck = "publisher"\nproject = "demo"\nversion = "1.0"\nreason = "r"\nuntil = 2026-12-01'
    ),
)
CODE = {check: [check, "silent", *(code for owner, code in CODES if owner == check)] for check in CHECKS}


@st.composite
def findings(draw: st.DrawFn) -> Finding:
    check = draw(st.sampled_from(sorted(CHECKS)))
    return Finding(
        check=check,
        code=draw(st.sampled_from(CODE[check])),
        about=draw(st.sampled_from([SUBJECT.key, SUBJECT.key, SUBJECT.key, OTHER])),
        outcome=draw(st.sampled_from(Outcome)),
        message="m",
    )


many = st.lists(findings(), max_size=25)
checks = st.lists(st.sampled_from(sorted(CHECKS)), unique=True)
under = st.sampled_from(POLICIES)


def judge(said: Sequence[Finding], asked: Sequence[str], number: int) -> Verdict:
    return decide(SUBJECT, POLICIES[number], said, asked=asked, today=NOW.date())


def allowed(verdict: Verdict) -> bool:
    try:
        Approved(verdict)
    except Malformed:
        return False
    return True


numbers = st.integers(0, len(POLICIES) - 1)


@given(many, checks, numbers)
def test_allowed_implies_that_every_denying_check_was_asked_and_passed(
    said: list[Finding], asked: list[str], number: int
) -> None:
    verdict = judge(said, asked, number)
    if not allowed(verdict):
        return
    rules = POLICIES[number]
    for check in rules.active(SUBJECT.project):
        mine = [one for one in said if one.check == check and one.about == SUBJECT.key]
        if rules.level(check, check, SUBJECT.project).value is Level.DENY:
            assert check in asked
            assert mine
        waived = any(waiver.check == check for waiver in rules.waivers)
        for one in mine:
            denies = rules.level(check, one.code, SUBJECT.project).value is Level.DENY
            assert one.outcome is Outcome.PASS or waived or not denies


@given(many, many, checks, numbers)
def test_more_objections_never_turn_a_denial_into_an_approval(
    said: list[Finding], more: list[Finding], asked: list[str], number: int
) -> None:
    before = judge(said, asked, number)
    objections = [one for one in more if one.outcome is not Outcome.PASS]
    if before.denied:
        quiet = {one.finding.check for one in before.denied if one.finding.code == "silent"}
        # A check that said nothing may of course be answered; every other denial stays one.
        if any(one.finding.check not in quiet for one in before.denied):
            assert not allowed(judge([*said, *objections], asked, number))


@given(many, checks, numbers)
def test_findings_about_other_bytes_change_nothing(said: list[Finding], asked: list[str], number: int) -> None:
    own = [one for one in said if one.about == SUBJECT.key]
    assert judge(said, asked, number) == judge(own, asked, number)


@given(many, numbers)
def test_asking_less_never_approves(said: list[Finding], number: int) -> None:
    everything = sorted(CHECKS)
    for left_out in everything:
        if POLICIES[number].level(left_out, left_out, SUBJECT.project).value is Level.DENY:
            assert not allowed(judge(said, [one for one in everything if one != left_out], number))


def passing() -> list[Finding]:
    return [Finding(check=c, code=c, about=SUBJECT.key, outcome=Outcome.PASS, message="m") for c in CHECKS]


@pytest.mark.parametrize("number", range(len(POLICIES)))
def test_all_passing_is_allowed(number: int) -> None:
    assert allowed(judge(passing(), sorted(CHECKS), number))


@pytest.mark.parametrize("outcome", [Outcome.FAIL, Outcome.UNKNOWN])
@pytest.mark.parametrize("check", sorted(CHECKS))
def test_each_denying_check_alone_denies(check: str, outcome: Outcome) -> None:
    said = [one for one in passing() if one.check != check]
    said.append(Finding(check=check, code=check, about=SUBJECT.key, outcome=outcome, message="m"))
    for number in (0, 2):
        rules = POLICIES[number]
        denies = rules.level(check, check, SUBJECT.project).value is Level.DENY
        assert allowed(judge(said, sorted(CHECKS), number)) is not denies


def test_silence_denies() -> None:
    verdict = judge([one for one in passing() if one.check != "digest"], sorted(CHECKS), 0)
    assert [one.finding.code for one in verdict.denied] == ["silent"]


def test_an_empty_verdict_approves_nothing() -> None:
    with pytest.raises(Malformed):
        Approved(Verdict(subject=SUBJECT, policy="x", judged=(), unasked=()))


def test_waivers_lift_exactly_their_check_and_version() -> None:
    young = Finding(check="release-age", code="too-young", about=SUBJECT.key, outcome=Outcome.FAIL, message="m")
    bad = Finding(check="digest", code="index", about=SUBJECT.key, outcome=Outcome.FAIL, message="m")
    base = [one for one in passing() if one.check != "release-age"]
    waived = judge([*base, young], sorted(CHECKS), 5)
    assert allowed(waived)
    assert [one.finding.check for one in waived.waived] == ["release-age"]
    assert not allowed(judge([*base, young], sorted(CHECKS), 0))
    assert not allowed(judge([*[one for one in base if one.check != "digest"], young, bad], sorted(CHECKS), 5))


@pytest.mark.parametrize(
    "waiver",
    [
        'project = "other"\nversion = "1.0"',
        'project = "demo"\nversion = "1.1"',
        f'project = "demo"\nsha256 = "{OTHER}"',
    ],
)
def test_a_waiver_for_something_else_lifts_nothing(waiver: str) -> None:
    rules = policy(f'[[waivers]]\ncheck = "release-age"\n{waiver}\nreason = "r"\nuntil = 2026-12-01')
    young = Finding(check="release-age", code="too-young", about=SUBJECT.key, outcome=Outcome.FAIL, message="m")
    said = [*[one for one in passing() if one.check != "release-age"], young]
    assert decide(SUBJECT, rules, said, asked=sorted(CHECKS), today=NOW.date()).denied


def test_a_waiver_by_digest_holds_for_those_bytes_until_its_last_day() -> None:
    key = f'sha256 = "{SUBJECT.key}"'
    rules = policy(
        f'[[waivers]]\ncheck = "release-age"\nproject = "demo"\n{key}\nreason = "r"\nuntil = {NOW.date().isoformat()}'
    )
    young = Finding(check="release-age", code="too-young", about=SUBJECT.key, outcome=Outcome.FAIL, message="m")
    said = [*[one for one in passing() if one.check != "release-age"], young]
    assert not decide(SUBJECT, rules, said, asked=sorted(CHECKS), today=NOW.date()).denied
    tomorrow = NOW.date().replace(day=NOW.day + 1)
    assert decide(SUBJECT, rules, said, asked=sorted(CHECKS), today=tomorrow).denied
