"""What is told of an environment: little of what is as it should be, all of the rest, nothing that moves a cursor."""

from __future__ import annotations

import json

from packaging.version import Version

from safepip.flows.inspect import inspect, sound
from safepip.model.difference import Change, Difference
from safepip.model.ident import ProjectName
from safepip.model.inspection import Inspection, Status, Stray, is_finding
from safepip.report.inspection import found, report, seen
from safepip.report.text import Style
from tests.factories import policy
from tests.world.ports import MemoryInspector, inspected

MANY = tuple(Difference(path=f"/env/\x1b[2J{number}", change=Change.ALTERED) for number in range(12))
ALL = (
    inspected(ProjectName.parse("a"), Version("1"), Status.INTACT),
    inspected(ProjectName.parse("b"), Version("1"), Status.CHANGED, differences=MANY),
    inspected(ProjectName.parse("c"), Version("1"), Status.FOREIGN),
    inspected(ProjectName.parse("d"), Version("1"), Status.ORPHAN),
)
STRAYS = (
    Stray(path="/env/evil.pth", why="Python runs its lines whenever it starts: import \x1b", maker=None),
    Stray(path="/env/_virtualenv.pth", why="it has Python import _virtualenv", maker="virtualenv or uv"),
)
ONE = Inspection(environment="env", libraries=("/env",), distributions=ALL, strays=STRAYS, unowned=(), notes=("odd",))
CLEAN = Inspection(environment="env", libraries=(), distributions=ALL[:1], strays=(), unowned=(), notes=())


def test_for_people() -> None:
    out = "\n".join(seen([ONE], 0))
    assert out.splitlines()[0] == (
        "env: 4 distributions: 1 intact, 1 changed, 1 not installed by safepip, 1 receipt without a distribution"
    )
    assert "  foreign      c 1" in out
    assert "  known        /env/_virtualenv.pth: by virtualenv or uv" in out
    assert "intact       a" in "\n".join(seen([ONE], 1))
    errors = "\n".join(found([ONE], Style(color=False), 0, foreign_too=False))
    assert "ERROR: safepip found env changed: 3 findings" in errors
    assert "and 2 more; -v shows all" in errors
    assert "and 2 more" not in "\n".join(found([ONE], Style(color=False), 1, foreign_too=False))
    assert "\x1b" not in out + errors
    assert "evil.pth" in errors
    assert list(found([CLEAN], Style(color=False), 0, foreign_too=True)) == []


def test_for_machines() -> None:
    text = report([ONE], foreign_too=False)
    assert text.isascii()
    [environment] = json.loads(text)["environments"]
    assert environment["findings"] == 3
    assert environment["counts"] == {"intact": 1, "changed": 1, "foreign": 1, "orphan": 1}
    assert [one["finding"] for one in environment["distributions"]] == [False, True, False, True]
    assert [one["finding"] for one in environment["strays"]] == [True, False]


def test_what_counts() -> None:
    damaged = inspected(ProjectName.parse("c"), Version("1"), Status.FOREIGN, differences=MANY)
    assert is_finding(damaged, foreign_too=False)
    assert not is_finding(ALL[2], foreign_too=False)
    assert is_finding(ALL[2], foreign_too=True)
    assert sound([CLEAN], policy())
    assert not sound([ONE], policy())


def test_the_policy_says_whether_foreign_ones_count() -> None:
    inspector = MemoryInspector({ProjectName.parse("c"): ALL[2]})
    inspections = inspect(["here"], inspector)
    assert [one.environment for one in inspections] == ["here"]
    assert sound(inspections, policy())
    assert not sound(inspections, policy('profile = "strict"'))
