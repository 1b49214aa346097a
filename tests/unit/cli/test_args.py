from __future__ import annotations

import subprocess
import sys

import pytest

from safepip import __version__
from safepip.cli.args import Typed, parse
from safepip.cli.table import OPTIONS
from safepip.errors import UsageError

# Options that pip has and its help does not show.
HIDDEN = {"--default-timeout", "--no-user", "--python"}


def given(*argv: str) -> Typed:
    parsed = parse(list(argv))
    assert isinstance(parsed, Typed)
    return parsed


def test_general_options_stand_before_and_after_the_command() -> None:
    typed = given("--python", "env", "-v", "install", "-v", "-r", "a.txt", "-r", "b.txt", "flask")
    assert typed.given == {"python": "env", "verbose": 2, "requirement": ["a.txt", "b.txt"]}
    assert typed.arguments == ("flask",)


def test_abbreviations_are_pips() -> None:
    assert given("install", "--no-dep", "x").given == {"no_deps": True}
    with pytest.raises(UsageError, match="ambiguous option: --no"):
        parse(["install", "--no", "x"])


@pytest.mark.parametrize(
    ("command", "option"),
    [
        *(("verify", one) for one in ("--provenance", "--bundle", "--filename", "--identity", "--issuer", "--key")),
        *((command, one) for command in ("install", "verify") for one in ("--sp-policy", "--sp-trusted-root")),
    ],
)
def test_what_an_answer_hangs_on_is_said_once(command: str, option: str) -> None:
    with pytest.raises(UsageError, match=f"{option} is given twice"):
        parse([command, option, "a", f"{option}=b", "x"])
    assert given(command, option, "a", option, "a", "x").arguments == ("x",)


def test_own_long_options_live_under_one_prefix() -> None:
    pips = _pips_options()
    own = {name for option in OPTIONS for name in option.names if name.startswith("--")}
    assert {name for name in own - pips if not name.startswith("--sp-")} == set()


def test_single_letters_are_pips() -> None:
    pips = _pips_options()
    assert {name for option in OPTIONS for name in option.names if not name.startswith("--")} <= pips


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["install", "--nonsense"], "no such option: --nonsense"),
        (["install", "-r"], "requires 1 argument"),
        (["install", "--upgrade-strategy", "lazy", "x"], "invalid choice"),
        (["install", "--retries", "many", "x"], "invalid integer"),
        (["install", "--python", "x", "y"], "must be placed before"),
        (["frobnicate"], "unknown command"),
    ],
)
def test_misuse_is_told_in_pips_words_with_exit_2(argv: list[str], words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        parse(argv)
    assert caught.value.exit_code == 2


def test_help_and_version_are_texts() -> None:
    assert parse(["--version"]) == f"safepip {__version__}"
    assert parse(["-V"]) == f"safepip {__version__}"
    for argv in ([], ["--help"], ["help"], ["help", "nonsense"]):
        text = parse(argv)
        assert isinstance(text, str)
        assert "Commands:" in text
    for argv in (["install", "--help"], ["--help", "install"], ["help", "install"]):
        text = parse(argv)
        assert isinstance(text, str)
        assert all(option.names[-1] in text for option in OPTIONS)


def _pips_options() -> set[str]:
    command = [sys.executable, "-I", "-m", "pip", "install", "--help"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    words = printed.replace(",", " ").split()
    return {word.partition("=")[0] for word in words if word.startswith("-")} | HIDDEN
