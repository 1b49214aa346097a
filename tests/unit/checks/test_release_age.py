from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from safepip.checks import release_age
from safepip.model.artifact import Offers
from safepip.model.evidence import History
from safepip.model.policy import Policy
from safepip.model.verdict import Finding, Outcome
from tests.factories import INDEX, NOW, OLD, artifact, dossier, history, policy, subject

STATES_NO_TIMES = Offers(upload_time=False, provenance=False, core_metadata=False, status=False)


def ask(piece: History, under: Policy | None = None) -> tuple[Finding, ...]:
    return release_age.check(dossier(subject(), piece), under or policy(), NOW)


def days(count: float) -> datetime:
    return NOW - timedelta(days=count)


@pytest.mark.parametrize(("age", "passes"), [(2.99, False), (3.0, True), (400, True), (-1, False)])
def test_three_days_by_default(age: float, passes: bool) -> None:
    outcome = Outcome.PASS if passes else Outcome.FAIL
    assert [one.outcome for one in ask(history(uploaded=days(age)))] == [outcome]


def test_the_finding_says_when_and_by_which_rule() -> None:
    strict = policy('[rules]\nminimum-age = "7d"\n[checks]\nrelease-age = "deny"')
    [finding] = ask(history(uploaded=days(1)), strict)
    assert finding.message == "uploaded 2026-11-21 12:00 UTC, 1 day ago; the policy asks for 7 days"
    assert finding.rule == 'layer0.toml:3  minimum-age = "7d"'
    assert finding.eligible == days(1) + timedelta(days=7)


def test_a_laxer_layer_changes_nothing() -> None:
    assert [one.outcome for one in ask(history(uploaded=days(1)), policy('[rules]\nminimum-age = "0d"'))] == [
        Outcome.FAIL
    ]


def test_a_young_project_waits_longer() -> None:
    [finding] = ask(history(uploaded=days(10), first_upload=days(10)))
    assert (finding.outcome, finding.code) == (Outcome.FAIL, "first-release")


def test_an_old_release_that_gains_a_file_is_judged_by_the_file() -> None:
    assert [one.code for one in ask(history(uploaded=days(0.1), first_upload=OLD))] == ["too-young"]


def test_an_index_without_times_is_unknown_not_old() -> None:
    [finding] = ask(history(uploaded=None, first_upload=None, offers=STATES_NO_TIMES))
    assert (finding.outcome, finding.code) == (Outcome.UNKNOWN, "no-upload-times")


def test_a_file_without_time_beside_files_with_one_fails() -> None:
    [finding] = ask(history(uploaded=None))
    assert (finding.outcome, finding.code) == (Outcome.FAIL, "no-upload-time")


def test_a_grant_knows_that_an_index_states_none() -> None:
    granted = policy(f'[indexes.corp]\nurl = "{INDEX}"\nupload-times = "absent"')
    [finding] = ask(history(uploaded=None, first_upload=None, offers=STATES_NO_TIMES), granted)
    assert (finding.outcome, finding.code) == (Outcome.PASS, "granted")


def test_a_grant_for_another_index_does_not_count() -> None:
    granted = policy('[indexes.corp]\nurl = "https://elsewhere.example/simple/"\nminimum-age = "0d"')
    assert [one.outcome for one in ask(history(uploaded=days(1)), granted)] == [Outcome.FAIL]


def test_a_private_index_may_have_an_age_of_its_own() -> None:
    granted = policy(f'[indexes.corp]\nurl = "{INDEX}"\nminimum-age = "0d"')
    assert [one.outcome for one in ask(history(uploaded=NOW, first_upload=NOW), granted)] == [Outcome.PASS]


def test_an_age_for_an_index_lifts_no_outer_rule() -> None:
    grant = f'[indexes.corp]\nurl = "{INDEX}"\nminimum-age = "0d"'
    outer = '[rules]\nminimum-age = "7d"'
    assert [one.outcome for one in ask(history(uploaded=days(5)), policy(outer, grant))] == [Outcome.FAIL]
    assert [one.outcome for one in ask(history(uploaded=days(5)), policy(grant, outer))] == [Outcome.PASS]
    assert [one.outcome for one in ask(history(uploaded=days(5)), policy(f"{outer}\n{grant}"))] == [Outcome.PASS]


GRANT = f'[indexes.corp]\nurl = "{INDEX}"\n'


def test_a_grant_lifts_no_outer_first_release_age() -> None:
    young = history(uploaded=OLD, first_upload=days(40))
    outer = '[rules]\nfirst-release-age = "90d"'
    assert [one.code for one in ask(young, policy(outer, f'{GRANT}minimum-age = "0d"'))] == ["first-release"]
    assert [one.outcome for one in ask(young, policy(f'{GRANT}minimum-age = "0d"'))] == [Outcome.PASS]


def test_a_profile_that_an_outer_layer_chose_is_its_rule() -> None:
    fresh = history(uploaded=days(1), first_upload=OLD)
    strict = 'profile = "strict"'
    assert [one.outcome for one in ask(fresh, policy(strict, f'{GRANT}minimum-age = "0d"'))] == [Outcome.FAIL]
    assert [one.outcome for one in ask(fresh, policy(f'{strict}\n{GRANT}minimum-age = "0d"'))] == [Outcome.PASS]


def test_absent_times_are_no_excuse_where_an_outer_layer_asks_for_an_age() -> None:
    timeless = history(uploaded=None, first_upload=None, offers=STATES_NO_TIMES)
    absent = f'{GRANT}upload-times = "absent"'
    for outer in ('[rules]\nminimum-age = "30d"', 'profile = "strict"'):
        assert [one.outcome for one in ask(timeless, policy(outer, absent))] == [Outcome.UNKNOWN]
    assert [one.outcome for one in ask(timeless, policy("", absent))] == [Outcome.PASS]


def test_a_date_is_a_cut_off() -> None:
    cut = policy("[rules]\nminimum-age = 2026-01-01")
    assert [one.outcome for one in ask(history(uploaded=days(100)), cut)] == [Outcome.FAIL]
    assert [one.outcome for one in ask(history(uploaded=OLD), cut)] == [Outcome.PASS]


def test_a_project_may_have_a_stricter_rule() -> None:
    strict = policy('[projects."de*"]\nminimum-age = "500d"')
    assert [one.outcome for one in ask(history(uploaded=OLD), strict)] == [Outcome.FAIL]


def test_a_file_that_a_person_named_has_no_age() -> None:
    about = subject(artifact(local=True))
    [finding] = release_age.check(dossier(about), policy(), NOW)
    assert (finding.outcome, finding.code) == (Outcome.PASS, "not-from-index")


def test_history_that_was_not_gathered_is_unknown() -> None:
    assert [one.outcome for one in release_age.check(dossier(subject()), policy(), NOW)] == [Outcome.UNKNOWN]
