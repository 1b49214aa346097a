"""Colour and animation: only where a person's terminal is, and where no layer of settings says otherwise."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from safepip.cli import console as module
from safepip.cli.console import Console


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_is_terminal", lambda _: True)


def console(environ: Mapping[str, str] | None = None) -> Console:
    return Console(verbosity=0, color=True, progress="auto", environ=environ or {})


def test_colour_on_a_terminal() -> None:
    assert console().style.color


def test_what_the_configuration_says_counts_once_it_has_been_read() -> None:
    made = console()
    made.settle(0, color=False, progress="off")
    assert not made.style.color
    assert not made._animated


def test_a_dumb_terminal_gets_neither() -> None:
    made = console({"TERM": "dumb"})
    assert not made.style.color
    assert not made._animated


@pytest.mark.parametrize("name", ["CI", "BUILD_ID", "BUILD_BUILDID", "PIP_IS_CI"])
def test_nothing_is_animated_where_nobody_looks(name: str) -> None:
    assert console()._animated
    assert not console({name: "1"})._animated


def test_quiet_is_not_animated() -> None:
    made = console()
    made.settle(-1, color=True, progress="on")
    assert not made._animated
