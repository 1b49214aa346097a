from __future__ import annotations

import pytest

from safepip.errors import NoAnswer
from safepip.resolve.explain import IMPOSSIBLE, Unsatisfied
from tests.unit.resolve.market import Market, answer, objecting, root, young


@pytest.fixture
def market() -> Market:
    return Market()


def failing(market: Market, *roots: object, **changes: object) -> NoAnswer:
    with pytest.raises(NoAnswer) as error:
        answer(market, *roots, **changes)  # type: ignore[arg-type]
    return error.value


def only(error: NoAnswer) -> Unsatisfied:
    (failure,) = error.failures
    assert isinstance(failure, Unsatisfied)
    return failure


def test_too_young_for_a_pin_of_the_user(market: Market) -> None:
    market.add("acme-tool", "2.0")
    market.add("acme-tool", "2.1")
    admit = objecting({"acme_tool-2.1-py3-none-any.whl": young(21)})
    error = failing(market, root("acme-tool==2.1", "requirements.txt:12"), admit=admit)
    assert error.reference == "no-matching-distribution"
    assert error.lines == (
        "Could not find a version that satisfies the requirement acme-tool==2.1 (from versions: 2.0)",
        "No matching distribution found for acme-tool==2.1",
    )
    assert error.message == error.lines[-1]
    failure = only(error)
    assert failure.check == "release-age"
    assert failure.message == "acme-tool 2.1: uploaded 2026-11-21, the policy asks for 3 days"
    assert (failure.origin, failure.chain) == ("requirements.txt:12", ("requirements.txt:12", "acme-tool==2.1"))
    assert [str(version) for version in failure.versions] == ["2.0", "2.1"]
    assert failure.passed_over[0].eligible == young(21).eligible
    assert (str(failure.accepted), failure.accepted_file) == ("2.0", "acme_tool-2.0-py3-none-any.whl")
    assert dict(error.context) == {
        "refused": "acme-tool 2.1  (acme_tool-2.1-py3-none-any.whl)  release-age",
        "required": "requirements.txt:12  ->  acme-tool==2.1",
        "fact": failure.message,
        "accepted": "acme-tool 2.0  (acme_tool-2.0-py3-none-any.whl)",
    }


def test_too_young_for_a_dependency(market: Market) -> None:
    market.add("web-app", "4.0", "acme-tool>=2")
    market.add("acme-tool", "1.0")
    market.add("acme-tool", "2.1")
    admit = objecting({"acme_tool-2.1-py3-none-any.whl": young(21)})
    error = failing(market, root("web-app", "requirements.txt:12"), admit=admit)
    assert error.lines[0] == (
        "Could not find a version that satisfies the requirement acme-tool>=2 (from web-app) (from versions: 1.0)"
    )
    assert error.lines[1] == "No matching distribution found for acme-tool>=2 (from web-app)"
    assert only(error).chain == ("requirements.txt:12", "web-app 4.0", "acme-tool>=2")


def test_every_young_version_is_told(market: Market) -> None:
    names = [f"lib-1.{number}-py3-none-any.whl" for number in range(5)]
    for number in range(5):
        market.add("lib", f"1.{number}")
    error = failing(market, "lib", admit=objecting({name: young(20) for name in names}))
    assert [one.file for one in only(error).passed_over] == names[::-1]
    assert only(error).accepted is None


def test_no_such_project(market: Market) -> None:
    error = failing(market, root("no-such-thing", "requirements.txt:1"))
    assert error.lines == (
        "Could not find a version that satisfies the requirement no-such-thing (from versions: none)",
        "No matching distribution found for no-such-thing",
    )
    assert only(error).check == "no-such-project"
    assert only(error).message == "no configured index knows a project named no-such-thing"
    assert error.hint is not None
    assert "spelling" in error.hint


def test_a_page_without_files(market: Market) -> None:
    market.listings[market.add("lib", "1").name.project] = []
    assert only(failing(market, "lib")).check == "no-version"


def test_a_version_that_is_not_there(market: Market) -> None:
    market.add("lib", "1.0")
    error = failing(market, "lib>=9")
    assert only(error).check == "no-version"
    assert "the newest is 1.0" in only(error).message
    assert only(error).passed_over == ()


def test_only_sdists(market: Market) -> None:
    market.add("lib", "2", sdist=True)
    error = failing(market, "lib")
    failure = only(error)
    assert failure.check == "source-kind"
    assert "lib-2.tar.gz" in failure.message
    assert failure.hint is not None
    assert "Ask the maintainers of lib for a wheel" in failure.hint


def test_only_the_wanted_version_is_an_sdist(market: Market) -> None:
    market.add("lib", "2", sdist=True)
    market.add("lib", "1")
    failure = only(failing(market, "lib==2"))
    assert failure.check == "source-kind"
    assert (str(failure.accepted), failure.hint) == ("1", "lib==1 is the newest version that can be installed.")


def test_wheels_for_others_only(market: Market) -> None:
    market.add("lib", "2", tags="cp313-cp313-win_amd64")
    market.add("lib", "2", tags="cp313-cp313-manylinux_2_28_x86_64")
    failure = only(failing(market, "lib"))
    assert failure.check == "no-wheel"
    assert "cp313-cp313-manylinux_2_28_x86_64, cp313-cp313-win_amd64" in failure.message


def test_other_pythons(market: Market) -> None:
    market.add("lib", "2", python=">=3.13")
    market.add("lib", "1", python="<3")
    error = failing(market, "lib")
    assert error.lines[0] == (
        "Ignored the following versions that require a different python version: "
        "1 Requires-Python <3; 2 Requires-Python >=3.13"
    )
    failure = only(error)
    assert failure.check == "requires-python"
    assert failure.message == "lib 2: it requires Python >=3.13, the target has 3.12.1"


def test_unreadable_metadata(market: Market) -> None:
    market.add("lib", "1", broken=True)
    failure = only(failing(market, "lib"))
    assert failure.check == "unreadable-metadata"


def test_the_policys_word_counts_for_more_than_a_missing_wheel(market: Market) -> None:
    market.add("lib", "3", sdist=True)
    market.add("lib", "2")
    failure = only(failing(market, "lib", admit=objecting({"lib-2-py3-none-any.whl": young(20)})))
    assert failure.check == "release-age"
    assert [one.check for one in failure.passed_over] == ["no-wheel", "release-age"]


def test_conflict_of_two_dependencies(market: Market) -> None:
    market.add("a", "1", "base<2")
    market.add("b", "1", "base>=2,!=3")
    market.add("base", "1")
    market.add("base", "2")
    error = failing(market, root("a", "r.txt:1"), root("b", "r.txt:2"))
    assert error.reference == "resolution-impossible"
    assert error.lines == (
        "Cannot install a==1 and b==1 because these package versions have conflicting dependencies.",
        IMPOSSIBLE,
    )
    assert error.explanation == (
        "The conflict is caused by:",
        "    a 1 depends on base<2  (r.txt:1  ->  a 1)",
        "    b 1 depends on base!=3 and >=2  (r.txt:2  ->  b 1)",
    )
    assert [failure.check for failure in error.failures] == ["conflict", "conflict"]
    assert error.hint is not None


def test_conflict_of_the_user_with_a_dependency(market: Market) -> None:
    market.add("a", "1", "base<2")
    market.add("base", "1")
    market.add("base", "2")
    error = failing(market, root("a", "r.txt:1"), root("base==2", "r.txt:2"))
    assert error.lines[0].startswith("Cannot install a==1 and base==2 because")
    assert "    The user requested base==2  (r.txt:2)" in error.explanation


def test_conflict_of_two_lines(market: Market) -> None:
    market.add("base", "1")
    market.add("base", "2")
    error = failing(market, root("base==1", "r.txt:1"), root("base==2", "r.txt:2"))
    assert error.lines[0].startswith("Cannot install base==1 and base==2 because")


def test_conflict_behind_which_stands_the_policy(market: Market) -> None:
    """Every version of the parent wants a young version: each is told, with the check."""
    market.add("app", "2", "lib>=2")
    market.add("app", "1", "lib>=1.5")
    market.add("lib", "1")
    market.add("lib", "2")
    error = failing(market, root("app", "r.txt:1"), admit=objecting({"lib-2-py3-none-any.whl": young(20)}))
    assert {failure.check for failure in error.failures} == {"release-age"}
    assert {failure.chain[1] for failure in error.failures} == {"app 2", "app 1"}


def test_final_versions_only(market: Market) -> None:
    market.add("lib", "1a1")
    error = failing(market, "lib", only_final=True)
    assert error.lines[0].startswith("Could not find a final version that satisfies")


def test_a_conflict_of_very_many_versions_is_told_shortly_and_soon(market: Market) -> None:
    """Each version of the one contradicts the user's word on the other: no combination needs to be tried."""
    for number in range(60):
        market.add("high", f"1.{number}", f"low>=2.{number}")
    for number in range(60):
        market.add("low", f"1.{number}")
        market.add("low", f"2.{number}")
    error = failing(market, root("high", "r.txt:1"), root("low<2", "r.txt:2"))
    assert error.lines[0].startswith("Cannot install high (60 versions, 1.0 to 1.59) and low<2 because")
    assert "    and 55 more versions of high depend on low in other ways" in error.explanation
    assert len(error.failures) == 6
    assert sum(name.startswith("low-") for name in market.asked) <= 2  # its first candidate, and the suggestion


def test_a_suggestion_that_cannot_be_had_does_not_hide_the_explanation(market: Market) -> None:
    market.add("lib", "1")
    market.unreachable.add("lib-1-py3-none-any.whl")
    assert only(failing(market, "lib>=2")).accepted is None
