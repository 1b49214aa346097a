"""What is objected to in words, and at which level."""

from __future__ import annotations

from pathlib import Path

import pytest

from safepip.checks import file_collision
from safepip.model.evidence import Kind, Unavailable
from safepip.model.levels import Level
from safepip.model.neighbours import Clash, Holder, Neighbours
from safepip.model.verdict import Finding, Outcome
from tests.factories import NOW, dossier, policy, subject


def clash(holder: Holder, path: str = "x.py", *, other: str = "rival 2.0", same: bool = False) -> Clash:
    return Clash(path=path, member=path, holder=holder, other=other, same=same)


def ask(*clashes: Clash) -> tuple[Finding, ...]:
    return file_collision.check(dossier(subject(), Neighbours(clashes=clashes)), policy(), NOW)


def test_nothing_in_the_way() -> None:
    [finding] = ask()
    assert (finding.outcome, finding.code) == (Outcome.PASS, "file-collision")


def test_equal_bytes_are_no_objection() -> None:
    [finding] = ask(clash(Holder.PLANNED, same=True), clash(Holder.INSTALLED, same=True))
    assert finding.outcome is Outcome.PASS


@pytest.mark.parametrize("holder", Holder)
def test_each_holder_has_its_code_and_a_way_on(holder: Holder) -> None:
    [finding] = ask(clash(holder))
    assert (finding.outcome, finding.code) == (Outcome.FAIL, holder.value)
    assert "x.py" in finding.message
    assert finding.hint is not None
    assert "{" not in finding.message + finding.hint


def test_it_is_said_whom_to_leave_out() -> None:
    [finding] = ask(clash(Holder.PLANNED, other="opencv-python 4.1"))
    assert "opencv-python 4.1" in finding.message
    assert finding.hint == "leave opencv-python or demo out: they cannot be installed side by side"


def test_one_finding_for_each_other_with_a_few_of_its_files() -> None:
    found = ask(*(clash(Holder.PLANNED, f"{number}.py") for number in range(9)), clash(Holder.PLANNED, other="third 1"))
    assert [one.message for one in found] == [
        "it and rival 2.0 write the same files: 0.py, 1.py, 2.py and 6 more",
        "it and third 1 write the same files: x.py",
    ]


def test_two_members_for_one_path_are_one_fact() -> None:
    [finding] = ask(clash(Holder.ITSELF, other="x.py"), clash(Holder.ITSELF, other="d.data/purelib/x.py"))
    assert finding.message == "two of its own members are written to one path: x.py"


def test_a_hostile_name_is_no_command_to_the_terminal() -> None:
    [finding] = ask(clash(Holder.INSTALLED, "\x1b[2J{project}\n", other="{name}\x1b[31m 1"))
    assert "\x1b" not in finding.message + (finding.hint or "")
    assert "\n" not in finding.message


def test_what_could_not_be_looked_at_is_unknown() -> None:
    gone = Unavailable(wanted=Kind.NEIGHBOURS, code="unreadable", why="what it would write cannot be read")
    for evidence, code in (((gone,), "unreadable"), ((), "not-gathered")):
        [finding] = file_collision.check(dossier(subject(), *evidence), policy(), NOW)
        assert (finding.outcome, finding.code) == (Outcome.UNKNOWN, code)


@pytest.mark.parametrize(
    ("code", "levels"),
    [
        ("planned", "WDD"),
        ("itself", "WDD"),
        ("installed", "WDD"),
        ("replaced", "WDD"),
        ("interpreter", "DDD"),
        ("standard-library", "DDD"),
        ("unowned", "WWD"),
        ("unreadable", "WDD"),
        ("not-gathered", "WDD"),
    ],
)
def test_levels(code: str, levels: str) -> None:
    letters = {"W": Level.WARN, "D": Level.DENY}
    for profile, letter in zip(("observe", "standard", "strict"), levels, strict=True):
        under = policy(f'profile = "{profile}"')
        assert under.level("file-collision", code, subject().project).value is letters[letter], profile


def test_every_code_is_on_its_page() -> None:
    page = Path(__file__).parents[3] / "docs" / "checks" / "file-collision.md"
    for holder in Holder:
        assert f"| `{holder.value}` |" in page.read_text("utf-8")
