from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from safepip.errors import BadInput
from safepip.formats.plain import clean
from safepip.model.artifact import PassedOver
from safepip.model.run import Refusal, Run
from safepip.report.text import Style, amount, closing, failure
from tests.factories import NOW, project
from tests.unit.flows.test_install import begun

PLAIN = Style(color=False)
REFUSAL = Refusal(
    check="release-age",
    code="too-young",
    project="acme-tool",
    version="2.1",
    file="acme_tool-2.1-py3-none-any.whl",
    requirement="acme-tool>=2",
    origin="requirements.txt:12",
    chain=("requirements.txt:12", "web-app 4.0", "acme-tool>=2"),
    outcome="fail",
    message="uploaded yesterday",
    facts=(("rule", "safepip.toml:7"), ("accepted", "acme-tool 2.0")),
)


def run(**changes: object) -> Run:
    return replace(begun(), **changes)  # type: ignore[arg-type] # the tests name fields


@given(st.text())
def test_nothing_from_outside_can_steer_a_terminal(text: str) -> None:
    shown = clean(text)
    assert all(one.isprintable() or one in " \u3000" or not one.isascii() for one in shown)
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "\r" not in shown
    assert len(shown.splitlines()) <= 1


def test_honest_words_of_any_script_stay() -> None:
    assert clean("naïve 日本語 ünïcode") == "naïve 日本語 ünïcode"


def test_a_refusal_is_one_aligned_block() -> None:
    lines = list(closing(run(outcome="refused", refusals=(REFUSAL,)), PLAIN, 0))
    assert lines[0] == "ERROR: safepip refused 1 distribution; nothing was installed"
    assert lines[1].startswith("  refused    acme-tool 2.1  (acme_tool-2.1-py3-none-any.whl)")
    assert lines[1].endswith(" release-age")
    assert lines[2:] == [
        "  required   requirements.txt:12  ->  web-app 4.0  ->  acme-tool>=2",
        "  fact       uploaded yesterday",
        "  rule       safepip.toml:7",
        "  accepted   acme-tool 2.0",
    ]


def test_unknown_is_another_word_than_refused() -> None:
    lines = list(closing(run(outcome="could-not-check", refusals=(replace(REFUSAL, outcome="unknown"),)), PLAIN, 0))
    assert "could not check 1 distribution" in lines[0]
    assert lines[1].startswith("  unknown ")


def test_held_back_is_said_on_success_and_not_with_q() -> None:
    held = PassedOver(
        project=project("acme"),
        version=Version("2"),
        file=None,
        check="release-age",
        message="young",
        eligible=NOW + timedelta(days=1),
    )
    told = run(outcome="installed", held_back=(held,))
    assert list(closing(told, PLAIN, 0)) == ["Held back acme 2: young; eligible 2026-11-23 12:00 UTC  [release-age]"]
    assert list(closing(told, PLAIN, -1)) == []
    older, yanked = replace(held, version=Version("1.9")), replace(held, project=project("other"), check="yanked")
    [line] = closing(run(outcome="installed", held_back=(held, older, yanked)), PLAIN, 0)
    assert line.startswith("Held back acme 2, and 1 more: ")


def test_an_error_has_context_and_the_next_step() -> None:
    error = BadInput("x", "It is wrong.", context=[("expected", "a"), ("got", "b\x1b[2J")], hint="do this")
    assert list(failure(error, PLAIN)) == [
        "ERROR: It is wrong.",
        "  expected   a",
        "  got        b\\x1b[2J",
        "  next       do this",
    ]


def test_colour_is_around_the_line_and_nowhere_else() -> None:
    assert Style(color=True).error("x") == "\x1b[31mERROR: x\x1b[0m"


@pytest.mark.parametrize(
    ("size", "text"), [(999, "999 bytes"), (3200, "3.2 kB"), (103424, "103 kB"), (16_600_000, "16.6 MB")]
)
def test_amounts_are_pips(size: int, text: str) -> None:
    assert amount(size) == text


FORGED = "broken\nSuccessfully installed demo-9"


def test_no_foreign_word_forges_a_line() -> None:
    held = PassedOver(
        project=project("acme"), version=Version("2"), file=None, check="yanked", message=FORGED, eligible=None
    )
    refused = replace(REFUSAL, message=FORGED, file=FORGED, chain=(FORGED,), facts=((FORGED, FORGED),))
    error = BadInput("x", FORGED, context=[(FORGED, FORGED)], hint=FORGED)
    lines = [
        *closing(run(outcome="installed", held_back=(held,)), PLAIN, 0),
        *closing(run(outcome="refused", refusals=(refused,), errors=(error,)), PLAIN, 0),
    ]
    assert not [line for line in lines if "\n" in line or line.startswith("Successfully")]


def test_texts_of_several_lines_are_indented() -> None:
    error = BadInput("x", "It is wrong.\nTwice.", hint="do this\nor that")
    assert list(failure(error, PLAIN)) == [
        "ERROR: It is wrong.",
        "  Twice.",
        "  next       do this",
        "             or that",
    ]
