from __future__ import annotations

import hashlib

import pytest
from packaging.version import Version

from safepip.checks import digest
from safepip.model.artifact import HashPin
from safepip.model.evidence import Subject
from safepip.model.verdict import Finding, Outcome
from tests.factories import NOW, artifact, dossier, listing, policy, project, sha256, subject

GOOD = frozenset({HashPin("sha256", sha256(b"demo"))})
BAD = frozenset({HashPin("sha256", sha256(b"other"))})


def ask(about: Subject) -> tuple[Finding, ...]:
    return digest.check(dossier(about), policy(), NOW)


def test_honest_bytes_pass() -> None:
    [finding] = ask(subject(artifact(pins=(GOOD,))))
    assert finding.outcome is Outcome.PASS
    assert finding.about == sha256(b"demo")


def test_an_index_that_states_no_digest_lets_through() -> None:
    claim = listing(claimed={})
    assert [one.outcome for one in ask(subject(artifact(claim)))] == [Outcome.PASS]


def test_bytes_other_than_the_index_states_fail() -> None:
    [finding] = ask(subject(artifact(listing(content=b"demo"), content=b"evil")))
    assert (finding.outcome, finding.code) == (Outcome.FAIL, "index")


def test_a_second_stated_algorithm_counts_too() -> None:
    claim = listing(claimed={"sha256": sha256(b"demo"), "sha512": hashlib.sha512(b"evil").hexdigest()})
    [finding] = ask(subject(artifact(claim)))
    assert finding.code == "index"


@pytest.mark.parametrize("pins", [(BAD,), (GOOD, BAD), (frozenset[HashPin](),)])
def test_each_place_that_pins_must_hold(pins: tuple[frozenset[HashPin], ...]) -> None:
    assert [one.code for one in ask(subject(artifact(pins=pins)))] == ["pin"]


def test_one_of_several_digests_of_one_place_is_enough() -> None:
    assert [one.outcome for one in ask(subject(artifact(pins=(GOOD | BAD,))))] == [Outcome.PASS]


def test_a_pin_of_an_algorithm_that_was_not_computed_fails() -> None:
    pins = (frozenset({HashPin("sha384", "0" * 96)}),)
    assert [one.code for one in ask(subject(artifact(pins=pins)))] == ["pin"]


def test_another_size_than_stated_fails() -> None:
    assert [one.code for one in ask(subject(artifact(listing(size=5))))] == ["size"]


def test_no_bytes_is_unknown() -> None:
    about = Subject(project=project("demo"), version=Version("1"), file=None, artifact=None, requested=True)
    assert [one.outcome for one in ask(about)] == [Outcome.UNKNOWN]


def test_a_local_file_has_only_its_pins_to_answer_to() -> None:
    assert [one.outcome for one in ask(subject(artifact(listing(content=b"x"), content=b"demo", local=True)))] == [
        Outcome.PASS
    ]
