"""What was asked for, and what lines of files may and may not say."""

from __future__ import annotations

from pathlib import Path

import pytest

from safepip.cli.args import Typed, parse
from safepip.cli.roots import Asked, gather
from safepip.cli.settings import settle
from safepip.errors import BadInput, Refused
from tests.factories import project
from tests.world.ports import TARGET


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def asked(*argv: str, **files: str) -> Asked:
    for name, text in files.items():
        Path(f"{name}.txt").write_text(text)
    typed = parse(["install", *argv])
    assert isinstance(typed, Typed)
    return gather(settle(typed, {}, {}, ("safepip",)), {}, lambda: TARGET)


def test_command_line_first_then_files() -> None:
    found = asked("one", "-r", "r.txt", "-c", "c.txt", r="two\n-c more.txt\n", c="three<4\n", more="four==4\n")
    assert [(str(root.requirement), root.origin) for root in found.roots] == [
        ("one", "command line"),
        ("two", "r.txt:1"),
    ]
    assert [str(root.requirement) for root in found.constraints] == ["four==4", "three<4"]
    assert not found.hash_mode


def test_a_hash_anywhere_turns_hash_mode_on() -> None:
    assert asked("-r", "r.txt", r=f"two==1 --hash=sha256:{'0' * 64}\n").hash_mode
    assert asked("-r", "r.txt", r="--require-hashes\ntwo==1\n").hash_mode
    assert asked("--require-hashes", "two").hash_mode


def test_options_of_files_that_may_stand() -> None:
    text = "--pre\n-i https://corp.example/simple\n--extra-index-url https://more.example/\n--only-final two\ntwo\n"
    found = asked("-r", "r.txt", r=text)
    assert found.allow_pre
    assert found.index_url is not None
    assert found.index_url.place == "r.txt:2"
    assert [one.value for one in found.extra_index_urls] == ["https://more.example/"]
    assert found.releases == {project("two"): False}


def test_an_index_line_may_repeat_but_not_replace_the_one_that_was_named() -> None:
    assert asked("-i", "https://a.example/", "-r", "r.txt", r="-i https://a.example\ntwo\n").index_url is not None
    with pytest.raises(Refused) as caught:
        asked("-i", "https://a.example/", "-r", "r.txt", r="two\n-i https://b.example/\n")
    assert caught.value.context[0][0] == "r.txt:2"


@pytest.mark.parametrize(
    "line",
    [
        "--no-binary :all:",
        "--no-binary=two",
        "--trusted-host packages.example",
        "--only-binary :none:",
        "--only-binary :all:,:none:",
        "--no-require-hashes",
        "two -C x=y",
    ],
)
def test_what_would_loosen_is_refused_with_its_place(line: str) -> None:
    with pytest.raises(Refused) as caught:
        asked("-r", "r.txt", r=f"two\n{line}\n")
    assert caught.value.context[0][0] == "r.txt:2"


@pytest.mark.parametrize("line", ["--only-binary :all:", "--prefer-binary", "--use-feature fast-deps"])
def test_what_changes_nothing_is_accepted(line: str) -> None:
    assert len(asked("-r", "r.txt", r=f"two\n{line}\n").roots) == 1


def test_faults_of_several_places_are_told_together() -> None:
    with pytest.raises(BadInput) as caught:
        asked("a b", "./absent.whl", "-r", "r.txt", r="x >> 1\n")
    assert len([label for label, _ in caught.value.context]) >= 3


def test_links_of_a_file_are_relative_to_it(tmp_path: Path) -> None:
    (tmp_path / "sub" / "wheels").mkdir(parents=True)
    (tmp_path / "sub" / "r.txt").write_text("-f wheels\ntwo\n")
    [place] = asked("-r", "sub/r.txt").find_links
    assert Path(place.value) == Path("sub") / "wheels"


A, B = "ab" * 32, "cd" * 32
LOCK = f"""lock-version = "1.0"
created-by = "tests"
extras = ["fast"]
[[packages]]
name = "demo"
version = "1.0"
wheels = [{{ url = "https://files.example/demo-1.0-py3-none-any.whl", hashes = {{ sha256 = "{A}" }} }}]
attestation-identities = [{{ kind = "GitHub", repository = "acme/demo", workflow = "release.yml" }}]
[[packages]]
name = "extra"
version = "2.0"
marker = "'fast' in extras"
wheels = [{{ url = "https://files.example/extra-2.0-py3-none-any.whl", hashes = {{ sha256 = "{B}" }} }}]
"""


def test_a_lock_is_a_requirements_source_in_hash_mode() -> None:
    Path("pylock.toml").write_text(LOCK)
    found = asked("-r", "pylock.toml")
    assert [(str(root.requirement), root.origin) for root in found.roots] == [("demo==1.0", "pylock.toml:4")]
    assert found.hash_mode
    assert [one.project for one in found.locked] == ["demo"]


def test_a_lock_named_twice_is_read_once_with_the_extras_of_both() -> None:
    Path("pylock.toml").write_text(LOCK)
    found = asked("-r", "pylock.toml", "-r", "pylock.toml[Fast]")
    assert [root.project for root in found.roots] == ["demo", "extra"]


def test_a_lock_that_is_not_there() -> None:
    with pytest.raises(BadInput) as caught:
        asked("-r", "pylock.toml")
    assert caught.value.reference == "no-such-file"
