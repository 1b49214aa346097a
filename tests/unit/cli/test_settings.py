from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from safepip.cli.args import Typed, parse
from safepip.cli.settings import Settings, settle
from safepip.errors import Refused, SafepipError, UsageError
from safepip.formats.pipconfig import Entry, effective, from_environment, parse_file


def typed(*argv: str) -> Typed:
    parsed = parse(["install", *argv])
    assert isinstance(parsed, Typed)
    return parsed


def settings(*argv: str, conf: str = "", environ: Mapping[str, str] | None = None) -> Settings:
    environ = environ or {}
    entries = [*parse_file(conf.encode(), "pip.conf"), *from_environment(environ)]
    return settle(typed(*argv), effective(entries, "install"), environ, ("safepip", "install", *argv))


def test_what_is_typed_wins_over_the_environment_and_that_over_files() -> None:
    conf = "[global]\nindex-url = https://file.example/\ntimeout = 60\nretries = 1\n"
    environ = {"PIP_INDEX_URL": "https://variable.example/", "PIP_TIMEOUT": "30"}
    made = settings("demo", "-i", "https://typed.example/", conf=conf, environ=environ)
    assert made.index_url is not None
    assert (made.index_url.value, made.index_url.place) == ("https://typed.example/", "command line")
    assert (made.timeout, made.retries) == (30.0, 1)


def test_an_entry_names_its_place() -> None:
    made = settings(
        "demo", conf="[global]\nindex_url = https://a.example/\n[install]\nINDEX-URL = https://b.example/\n"
    )
    assert made.index_url is not None
    assert (made.index_url.value, made.index_url.place) == ("https://b.example/", "pip.conf [install] index-url")


def test_append_options_of_files_split_on_white_space_and_replace() -> None:
    made = settings("demo", conf="[global]\nfind-links =\n  /a\n  /b\n", environ={"PIP_FIND_LINKS": "/c /d"})
    assert [one.value for one in made.find_links] == ["/c", "/d"]


def test_empty_values_and_foreign_options_are_passed_by() -> None:
    made = settings("demo", conf="[global]\nindex-url =\n[list]\nformat = json\n", environ={"PIP_CERT": ""})
    assert made.index_url is None
    assert made.cert is None


@pytest.mark.parametrize(
    ("conf", "exit_code"),
    [
        ("[global]\npre = perhaps\n", 2),
        ("[global]\ntimeout = soon\n", 2),
        ("[global]\nprogress-bar = fancy\n", 3),
    ],
)
def test_bad_values_in_configuration_have_pips_exit_codes(conf: str, exit_code: int) -> None:
    with pytest.raises(SafepipError) as caught:
        settings("demo", conf=conf)
    assert caught.value.exit_code == exit_code
    assert "pip.conf" in caught.value.message


@pytest.mark.parametrize(
    ("argv", "conf", "environ", "place"),
    [
        (("--trusted-host", "x"), "", {}, "command line"),
        ((), "[global]\ntrusted-host = x\n", {}, "pip.conf [global] trusted-host"),
        ((), "", {"PIP_TRUSTED_HOST": "x"}, "PIP_TRUSTED_HOST"),
        (("--no-binary", ":all:"), "", {}, "command line"),
        (("-e", "."), "", {}, "command line"),
    ],
)
def test_what_would_loosen_is_refused_with_its_place(
    argv: tuple[str, ...], conf: str, environ: dict[str, str], place: str
) -> None:
    with pytest.raises(Refused) as caught:
        settings("demo", *argv, conf=conf, environ=environ)
    assert caught.value.context[0][0] == place
    assert caught.value.hint


def test_what_is_handed_to_pip() -> None:
    assert settings("demo", "--no-warn-script-location", "--root-user-action", "ignore").forwarded == (
        "--no-warn-script-location",
        "--root-user-action=ignore",
    )


def test_ages_are_typed() -> None:
    made = settings("demo", "--uploaded-prior-to", "P7D")
    assert made.uploaded_prior_to is not None
    assert made.uploaded_prior_to.value == timedelta(days=7)
    with pytest.raises(UsageError):
        settings("demo", "--uploaded-prior-to", "yesterday")


@pytest.mark.parametrize("argv", [("--timeout", "0", "x"), ("--retries", "-1", "x"), ("--timeout", "nan", "x")])
def test_numbers_out_of_range(argv: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        settings(*argv)


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        ((), {"compile": True, "cache": True, "verbosity": 0}),
        (("--no-compile",), {"compile": False}),
        (("--no-compile", "--compile"), {"compile": True}),
        (("--no-cache-dir",), {"cache": False}),
        (("-vv", "-q"), {"verbosity": 1}),
    ],
)
def test_flags(argv: tuple[str, ...], expected: dict[str, Any]) -> None:
    made = settings("demo", *argv)
    assert {name: getattr(made, name) for name in expected} == expected


def test_a_malformed_file_is_named() -> None:
    with pytest.raises(ValueError, match=r"pip\.conf"):
        parse_file(b"no section = 1\n", "pip.conf")
    with pytest.raises(ValueError, match=r"pip\.conf"):
        parse_file(b"\xff", "pip.conf")


def test_entries_are_values() -> None:
    [entry] = parse_file(b"[global]\nno_index = yes\n", "pip.conf")
    assert entry == Entry(section="global", key="no-index", value="yes", place="pip.conf [global] no-index")
