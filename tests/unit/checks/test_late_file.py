from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from safepip.checks import late_file
from safepip.checks.late_file import PAUSE, complete_at
from safepip.model.continuity import Sibling
from safepip.model.evidence import History, Kind, Unavailable
from safepip.model.ident import FileName
from safepip.model.verdict import Finding, Outcome
from tests.factories import INDEX, NOW, OFFERS, OLD, artifact, dossier, history, listing, policy, subject

ME = "demo-1.0-py3-none-any.whl"


def sibling(number: int, day: float | None, *, attested: bool = False, sdist: bool = False) -> Sibling:
    text = "demo-1.0.tar.gz" if sdist else f"demo-1.0-cp3{number}-cp3{number}-win_amd64.whl"
    uploaded = OLD + timedelta(days=day) if day is not None else None
    return Sibling(name=FileName.parse(text), uploaded=uploaded, attested=attested)


def about(day: float | None, *others: Sibling, attested: bool = False) -> History:
    uploaded = OLD + timedelta(days=day) if day is not None else None
    mine = Sibling(name=FileName.parse(ME), uploaded=uploaded, attested=attested)
    return History(
        index=INDEX,
        offers=OFFERS,
        status=history().status,
        uploaded=uploaded,
        first_upload=OLD,
        rivals=(),
        attested=attested,
        siblings=(*others, mine),
    )


def ask(piece: History | Unavailable, file: str = ME) -> tuple[Finding, ...]:
    return late_file.check(dossier(subject(artifact(listing(file))), piece), policy(), NOW)


def codes(findings: Sequence[Finding]) -> list[tuple[Outcome, str]]:
    return [(one.outcome, one.code) for one in findings]


PASSES = [(Outcome.PASS, "late-file")]
LATE = [(Outcome.FAIL, "added-later")]


@pytest.mark.parametrize(("day", "expected"), [(0, PASSES), (3, PASSES), (3.01, LATE), (300, LATE), (-5, PASSES)])
def test_a_wheel_that_came_when_its_release_was_complete(day: float, expected: list[tuple[Outcome, str]]) -> None:
    assert codes(ask(about(day, sibling(10, 0), sibling(11, 0.001)))) == expected


def test_it_says_when_and_how_late() -> None:
    [finding] = ask(about(120, sibling(10, 0)))
    assert finding.message == "added 2026-02-15 12:00 UTC, 120 days after its release was complete"


def test_a_harmless_late_wheel_excuses_no_other() -> None:
    assert codes(ask(about(100.5, sibling(10, 0), sibling(11, 100)))) == LATE


def test_a_release_that_takes_its_time_is_not_late() -> None:
    assert codes(ask(about(8, sibling(10, 0), sibling(11, 2.5), sibling(12, 5.2)))) == PASSES


def test_an_sdist_counts_as_part_of_the_release() -> None:
    assert codes(ask(about(40, sibling(0, 0, sdist=True)))) == LATE


def test_alone_it_is_not_late() -> None:
    assert codes(ask(about(500))) == PASSES


def test_what_has_no_time_is_left_to_release_age() -> None:
    assert codes(ask(about(None, sibling(10, 0)))) == [(Outcome.PASS, "no-upload-time")]
    assert codes(ask(about(9, sibling(10, None)))) == PASSES


def test_an_unattested_wheel_beside_an_attested_sdist() -> None:
    sdist = sibling(0, 0, attested=True, sdist=True)
    found = ask(about(0, sdist, sibling(10, 0)))
    assert codes(found) == [*PASSES, (Outcome.FAIL, "sdist-only-attested")]
    assert "demo-1.0.tar.gz" in found[1].message
    assert codes(ask(about(9, sdist))) == [*LATE, (Outcome.FAIL, "sdist-only-attested")]


def test_attested_both_or_neither_or_the_wheel_alone_is_fine() -> None:
    assert codes(ask(about(0, sibling(0, 0, attested=True, sdist=True), attested=True))) == PASSES
    assert codes(ask(about(0, sibling(0, 0, sdist=True)))) == PASSES
    assert codes(ask(about(0, sibling(10, 0, attested=True)))) == PASSES  # another wheel's is for `downgrade`


def test_only_wheels_are_asked_about() -> None:
    assert codes(ask(about(300, sibling(10, 0)), "demo-1.0.tar.gz")) == PASSES


def test_named_and_unknown() -> None:
    [named] = late_file.check(dossier(subject(artifact(local=True))), policy(), NOW)
    assert (named.outcome, named.code) == (Outcome.PASS, "not-from-index")
    nothing = Unavailable(wanted=Kind.HISTORY, code="no-page", why="no page lists the file")
    assert codes(ask(nothing)) == [(Outcome.UNKNOWN, "no-page")]


def test_complete_at() -> None:
    assert complete_at([]) is None
    days = [OLD + timedelta(days=day) for day in (0, 2, 4, 8, 9)]
    assert complete_at(reversed(days)) == days[2]
    assert complete_at([OLD, OLD + PAUSE]) == OLD + PAUSE
