"""Every wheel of the corpus is refused for its own reason, and the honest ones beside it by nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from safepip.model.verdict import Outcome
from tests.archives.corpus import BAD, BadWheel
from tests.archives.judging import findings, read, refusals, subject_of
from tests.archives.sound import GOOD, MANY, NAMED, many
from tests.archives.whole import FILE

# The file changed meanwhile or cannot be read; what an index says of it.
_OTHERWISE = {"allowed", "changed", "unreadable", "no-wheel", "no-metadata", "resolved-with", "requires-python"}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_refused_for_its_own_reason(bad: BadWheel, tmp_path: Path) -> None:
    path = tmp_path / bad.file
    path.write_bytes(bad.build())
    told = refusals(path)
    assert (bad.check, bad.code) in {(one.check, one.code) for one in told if one.outcome is Outcome.FAIL}, told


@pytest.mark.parametrize("build", GOOD.values(), ids=GOOD)
def test_honest_ones_pass(build: Callable[[], bytes], tmp_path: Path) -> None:
    path = tmp_path / FILE
    path.write_bytes(build())
    assert refusals(path) == ()


@pytest.mark.parametrize(("file", "build"), NAMED.values(), ids=NAMED)
def test_honest_ones_with_names_of_their_own_pass(file: str, build: Callable[[], bytes], tmp_path: Path) -> None:
    path = tmp_path / file
    path.write_bytes(build())
    assert refusals(path) == ()


def test_as_many_members_as_no_real_wheel_has(tmp_path: Path) -> None:
    path = tmp_path / FILE
    path.write_bytes(many())
    contents = read(path)
    assert all(one.outcome is Outcome.PASS for one in findings(subject_of(path), contents))
    assert contents.manifest is not None
    assert len(contents.manifest.files) == MANY + 4


@pytest.mark.parametrize("check", dict.fromkeys(one.check for one in BAD.values()))
def test_every_code_of_a_page_has_a_wheel(check: str) -> None:
    """But for those that are not about the bytes of the wheel alone."""
    page = (Path(__file__).parents[3] / "docs" / "checks" / f"{check}.md").read_text(encoding="utf-8")
    firsts = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    codes = {code for cell in firsts for code in re.findall(r"`([^`]+)`", cell)}
    assert codes - _OTHERWISE == {one.code for one in BAD.values() if one.check == check}
