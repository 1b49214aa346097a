from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from packaging.version import Version

from safepip.errors import BadInput, IndexFault, NetworkFault, NoAnswer, Refused
from safepip.model.artifact import IndexPage, Listing, Resolution
from safepip.model.ident import ProjectName, Url
from safepip.resolve.request import Objection
from safepip.resolve.select import notes, resolve
from tests.unit.resolve.market import (
    DIGEST,
    INDEX,
    Market,
    answer,
    chosen,
    installed,
    objecting,
    picks,
    request,
    root,
    young,
)


@pytest.fixture
def market() -> Market:
    return Market()


def passed(resolution: Resolution) -> list[tuple[str, str, str]]:
    return [(str(one.project), str(one.version), one.check) for one in resolution.passed_over]


class TestVersions:
    def test_newest_that_everybody_accepts(self, market: Market) -> None:
        for version in ("1.0", "1.5", "2.0"):
            market.add("lib", version)
        market.add("app", "1", "lib>=1.2,<2")
        assert chosen(market, "app") == {"app": "1", "lib": "1.5"}

    def test_backtracks_to_an_older_parent(self, market: Market) -> None:
        market.add("app", "2", "lib>=2")
        market.add("app", "1", "lib>=1")
        market.add("lib", "1")
        market.add("lib", "2")
        assert chosen(market, "app", "lib<2") == {"app": "1", "lib": "1"}

    def test_diamond(self, market: Market) -> None:
        market.add("app", "1", "left", "right")
        market.add("left", "2", "base==2")
        market.add("left", "1", "base==1")
        market.add("right", "1", "base<2")
        market.add("base", "1")
        market.add("base", "2")
        assert chosen(market, "app") == {"app": "1", "left": "1", "right": "1", "base": "1"}

    def test_cycle(self, market: Market) -> None:
        market.add("a", "1", "b")
        market.add("b", "1", "a")
        assert chosen(market, "a") == {"a": "1", "b": "1"}

    @pytest.mark.parametrize(
        ("asked", "version"),
        [
            ("lib", "1.0"),
            ("lib>=1.0", "1.0"),
            ("lib>=2.0a1", "2.0b1"),
            ("lib==2.0b1", "2.0b1"),
            ("lib>1.0,<3", "2.0b1"),  # nothing else exists in that range
        ],
    )
    def test_pre_releases_only_when_asked_for_or_alone(self, market: Market, asked: str, version: str) -> None:
        for one in ("1.0", "2.0a1", "2.0b1"):
            market.add("lib", one)
        assert chosen(market, asked) == {"lib": version}

    def test_pre_options(self, market: Market) -> None:
        market.add("lib", "1.0")
        market.add("lib", "2.0a1")
        assert chosen(market, "lib", allow_pre=True) == {"lib": "2.0a1"}
        assert chosen(market, "lib", releases={ProjectName("lib"): True}) == {"lib": "2.0a1"}
        assert chosen(market, "lib", allow_pre=True, releases={ProjectName("lib"): False}) == {"lib": "1.0"}
        with pytest.raises(NoAnswer, match="No matching distribution found for lib>1") as error:
            chosen(market, "lib>1", only_final=True)
        assert error.value.lines[0].startswith("Could not find a final version that satisfies")

    def test_a_final_version_that_loses_does_not_let_pre_releases_in(self, market: Market) -> None:
        market.add("app", "2", "lib")
        market.add("app", "1")
        market.add("lib", "1.0", "app<2")
        market.add("lib", "2.0a1")
        assert chosen(market, "app") == {"app": "1"}

    def test_those_who_asked_may_lose_later(self, market: Market) -> None:
        """Found by comparing with pip: nobody asks for `e` any more when its candidates are counted again."""
        market.add("a", "3", "b==2", "e~=1.0")
        market.add("a", "1")
        market.add("b", "1")
        market.add("b", "2", "e>2", "a<3")
        market.add("e", "1.5", "b==1")
        market.add("e", "3", "a==1", "b")
        assert chosen(market, "a", "b") == {"a": "1", "b": "2", "e": "3"}

    def test_an_objection_to_every_final_version_does_not_let_pre_releases_in(self, market: Market) -> None:
        market.add("lib", "1.0")
        market.add("lib", "2.0a1")
        with pytest.raises(NoAnswer) as error:
            chosen(market, "lib", admit=objecting({"lib-1.0-py3-none-any.whl": young(20)}))
        assert error.value.failures[0].check == "release-age"

    @pytest.mark.parametrize(
        ("asked", "version"),
        [("lib==1.0", "1.0+local"), ("lib==1.0+local", "1.0+local"), ("lib===1.0", "1.0"), ("lib!=1.0", "0.9")],
    )
    def test_local_and_arbitrary_equality(self, market: Market, asked: str, version: str) -> None:
        for one in ("0.9", "1.0", "1.0+local"):
            market.add("lib", one)
        assert chosen(market, asked) == {"lib": version}

    def test_spellings_of_a_name_are_one_project(self, market: Market) -> None:
        market.add("my-lib", "1")
        market.add("app", "1", "My.Lib")
        assert chosen(market, "app", "MY_lib") == {"app": "1", "my-lib": "1"}


class TestFiles:
    def test_never_an_sdist(self, market: Market) -> None:
        market.add("lib", "2", sdist=True)
        market.add("lib", "1")
        found = answer(market, "lib")
        assert picks(found) == {"lib": "1"}
        assert passed(found) == [("lib", "2", "no-wheel")]
        assert "source distribution" in found.passed_over[0].message

    def test_only_wheels_that_fit(self, market: Market) -> None:
        market.add("lib", "2", tags="cp313-cp313-manylinux_2_17_x86_64")
        market.add("lib", "1")
        found = answer(market, "lib")
        assert picks(found) == {"lib": "1"}
        assert "cp313-cp313-manylinux_2_17_x86_64" in found.passed_over[0].message

    def test_best_tag_then_highest_build(self, market: Market) -> None:
        market.add("lib", "1")
        market.add("lib", "1", build="2", tags="cp312-cp312-manylinux_2_17_x86_64")
        market.add("lib", "1", build="10", tags="cp312-cp312-manylinux_2_17_x86_64")
        market.add("lib", "1", tags="cp311-abi3-manylinux_2_17_x86_64")
        (pin,) = answer(market, "lib").pins
        assert pin.listing is not None
        assert pin.listing.name.text == "lib-1-10-cp312-cp312-manylinux_2_17_x86_64.whl"

    def test_first_index_wins_among_equals(self, market: Market) -> None:
        market.add("lib", "1")
        market.pages = 2
        (pin,) = answer(market, "lib").pins
        assert pin.listing is not None
        assert pin.listing.index == INDEX

    def test_requires_python_of_the_page(self, market: Market) -> None:
        market.add("lib", "2", python=">=3.13")
        market.add("lib", "1", python=">=3.8")
        found = answer(market, "lib")
        assert picks(found) == {"lib": "1"}
        assert passed(found) == [("lib", "2", "requires-python")]
        assert "lib-2-py3-none-any.whl" not in market.asked
        assert chosen(market, "lib", ignore_requires_python=True) == {"lib": "2"}

    def test_requires_python_that_only_the_metadata_tells(self, market: Market) -> None:
        market.add("lib", "2", listed_python=">=3", python=">=3.13")
        market.add("lib", "1")
        found = answer(market, "lib")
        assert picks(found) == {"lib": "1"}
        assert passed(found) == [("lib", "2", "requires-python")]

    def test_unreadable_requires_python_counts_as_none(self, market: Market) -> None:
        market.add("lib", "1", python="whatever")
        assert chosen(market, "lib") == {"lib": "1"}

    def test_a_pre_release_of_python_is_that_python(self, market: Market) -> None:
        market.add("lib", "1", python=">=3.15")
        target = replace(request("lib").target, python=Version("3.15.0rc1"))
        assert chosen(market, "lib", target=target) == {"lib": "1"}

    def test_unreadable_metadata_is_passed_over_with_a_reason(self, market: Market) -> None:
        market.add("lib", "2", broken=True)
        market.add("lib", "1")
        found = answer(market, "lib")
        assert picks(found) == {"lib": "1"}
        assert passed(found) == [("lib", "2", "unreadable-metadata")]

    def test_metadata_of_something_else_is_passed_over(self, market: Market) -> None:
        market.add("lib", "2", says="other")
        market.add("lib", "1")
        assert passed(answer(market, "lib")) == [("lib", "2", "unreadable-metadata")]

    def test_marker_that_cannot_be_evaluated(self, market: Market) -> None:
        market.add("lib", "2", 'dep; os_name ~= "posix"')
        market.add("lib", "1")
        assert passed(answer(market, "lib")) == [("lib", "2", "unreadable-metadata")]
        with pytest.raises(BadInput, match="os_name"):
            answer(market, 'lib; os_name ~= "posix"')

    def test_any_other_fault_of_an_index_stops_the_run(self, market: Market) -> None:
        market.add("lib", "2")
        market.add("lib", "1")
        market.contents["lib-2-py3-none-any.whl"] = IndexFault("digest-mismatch", "Somebody changed it.")
        with pytest.raises(IndexFault, match="Somebody changed it"):
            answer(market, "lib")

    def test_an_index_that_does_not_answer_stops_the_run(self, market: Market) -> None:
        market.add("app", "1", "lib")
        market.unreachable.add("lib")
        with pytest.raises(NetworkFault):
            answer(market, "app")


class TestYanked:
    @pytest.fixture
    def yanks(self, market: Market) -> Market:
        market.add("lib", "2", yanked="broken")
        market.add("lib", "1")
        return market

    def test_never_by_itself(self, yanks: Market) -> None:
        found = answer(yanks, "lib")
        assert picks(found) == {"lib": "1"}
        assert passed(found) == [("lib", "2", "yanked")]
        assert "broken" in found.passed_over[0].message

    @pytest.mark.parametrize("asked", ["lib==2", "lib===2", "lib==2.*,==2"])
    def test_for_an_exact_pin_with_a_note(self, yanks: Market, asked: str) -> None:
        found = answer(yanks, asked)
        assert picks(found) == {"lib": "2"}
        (note,) = notes(found)
        assert "yanked version: 'lib' candidate (version 2 at " in note
        assert note.endswith("Reason for being yanked: broken")

    @pytest.mark.parametrize("asked", ["lib==2.*", "lib>=2", "lib~=2.0"])
    def test_not_for_a_range(self, yanks: Market, asked: str) -> None:
        with pytest.raises(NoAnswer) as error:
            answer(yanks, asked)
        assert error.value.failures[0].check == "yanked"
        assert "Ignored the following yanked versions: 2" in error.value.lines

    def test_not_for_the_exact_pin_of_a_dependency(self, yanks: Market) -> None:
        yanks.add("app", "1", "lib==2")
        with pytest.raises(NoAnswer) as error:
            answer(yanks, "app")
        assert error.value.failures[0].check == "yanked"

    def test_a_constraint_of_the_user_is_an_exact_pin(self, yanks: Market) -> None:
        assert chosen(yanks, "lib", constraints=(root("lib==2", "c.txt:1"),)) == {"lib": "2"}

    def test_a_file_that_is_not_yanked_is_better(self, market: Market) -> None:
        market.add("lib", "2", tags="cp312-cp312-manylinux_2_17_x86_64", yanked="")
        market.add("lib", "2")
        (pin,) = answer(market, "lib").pins
        assert pin.listing is not None
        assert pin.listing.yanked is None


class TestMarkersAndExtras:
    def test_markers(self, market: Market) -> None:
        market.add("app", "1", 'win; sys_platform == "win32"', 'new; python_version >= "3.12"')
        market.add("new", "1")
        assert chosen(market, "app", 'nothing; python_version < "3"') == {"app": "1", "new": "1"}

    def test_extras(self, market: Market) -> None:
        market.add("app", "1", 'fast; extra == "speed"', 'lint; extra == "dev"', extras=["speed", "dev"])
        market.add("fast", "1")
        market.add("lint", "1")
        assert chosen(market, "app") == {"app": "1"}
        found = answer(market, "app[Speed]")
        assert picks(found) == {"app": "1", "fast": "1"}
        assert {pin.project: pin.extras for pin in found.pins}[ProjectName("app")] == {"speed"}
        assert chosen(market, "app[speed,dev]") == {"app": "1", "fast": "1", "lint": "1"}

    def test_extras_of_two_askers_are_of_one_version(self, market: Market) -> None:
        market.add("app", "2", 'x2; extra == "x"', extras=["x"])
        market.add("app", "1", 'y1; extra == "y"', extras=["y"])
        market.add("one", "1", "app[x]")
        market.add("two", "1", "app[y]<2")
        market.add("y1", "1")
        assert chosen(market, "one", "two") == {"one": "1", "two": "1", "app": "1", "y1": "1"}

    def test_extras_that_exclude_each_other(self, market: Market) -> None:
        market.add("app", "1", 'lib==1; extra == "old"', 'lib==2; extra == "new"', extras=["old", "new"])
        market.add("lib", "1")
        market.add("lib", "2")
        assert chosen(market, "app[old]")["lib"] == "1"
        assert chosen(market, "app[new]")["lib"] == "2"
        with pytest.raises(NoAnswer) as error:
            answer(market, "app[old,new]")
        assert error.value.reference == "resolution-impossible"

    def test_an_extra_that_names_its_own_project(self, market: Market) -> None:
        market.add("app", "1", 'app[a]; extra == "all"', 'lib; extra == "a"', extras=["all", "a"])
        market.add("lib", "1")
        found = answer(market, "app[all]")
        assert picks(found) == {"app": "1", "lib": "1"}
        assert all(parent.project != "app" for pin in found.pins if pin.project == "app" for parent in pin.parents)

    def test_an_unknown_extra_is_noted(self, market: Market) -> None:
        market.add("app", "1")
        assert notes(answer(market, "app[nope]")) == ("app 1 does not provide the extra 'nope'",)

    def test_no_deps(self, market: Market) -> None:
        market.add("app", "1", "lib", 'fast; extra == "speed"', extras=["speed"])
        assert chosen(market, "app[speed]", no_deps=True) == {"app": "1"}


class TestConstraints:
    def test_a_constraint_narrows_and_adds_nothing(self, market: Market) -> None:
        for version in ("1", "2"):
            market.add("lib", version)
            market.add("other", version)
        market.add("app", "1", "lib")
        constraints = (root("lib<2", "c.txt:1"), root("other==1", "c.txt:2"))
        assert chosen(market, "app", constraints=constraints) == {"app": "1", "lib": "1"}
        assert "other" not in market.asked

    def test_markers_count_in_constraints(self, market: Market) -> None:
        market.add("lib", "1")
        market.add("lib", "2")
        constraints = (root('lib<2; sys_platform == "win32"', "c.txt:1"),)
        assert chosen(market, "lib", constraints=constraints) == {"lib": "2"}

    def test_a_constraint_can_ask_for_a_pre_release(self, market: Market) -> None:
        market.add("lib", "1")
        market.add("lib", "2a1")
        assert chosen(market, "lib", constraints=(root("lib>=2a1", "c.txt:1"),)) == {"lib": "2a1"}

    def test_a_constraint_to_a_file(self, market: Market) -> None:
        market.add("lib", "2")
        url = market.file("file:///wheels/lib-1-py3-none-any.whl", "lib", "1")
        market.add("app", "1", "lib")
        constraints = (root(f"lib @ {url}", "c.txt:1"),)
        assert chosen(market, "app", constraints=constraints) == {"app": "1", "lib": "1"}

    def test_an_impossible_constraint_is_told(self, market: Market) -> None:
        market.add("lib", "2")
        with pytest.raises(NoAnswer) as error:
            answer(market, "lib>=2", constraints=(root("lib<2", "c.txt:1"),))
        assert error.value.lines[0] == (
            "Cannot install lib>=2 because these package versions have conflicting dependencies."
        )
        assert "    The user requested (constraint) lib<2  (c.txt:1)" in error.value.explanation


class TestHashes:
    def test_only_files_whose_claim_matches(self, market: Market) -> None:
        market.add("lib", "2", digest=DIGEST["b"])
        market.add("lib", "1", digest=DIGEST["a"])
        found = answer(market, root("lib", "r.txt:1", DIGEST["a"]), hash_mode=True)
        assert picks(found) == {"lib": "1"}
        assert passed(found) == [("lib", "2", "hash-pinned")]

    def test_hash_of_a_constraint(self, market: Market) -> None:
        market.add("app", "1", "lib", digest=DIGEST["c"])
        market.add("lib", "2", digest=DIGEST["b"])
        market.add("lib", "1", digest=DIGEST["a"])
        constraints = (root("lib", "c.txt:1", DIGEST["a"]),)
        found = chosen(market, root("app", "r.txt:1", DIGEST["c"]), constraints=constraints, hash_mode=True)
        assert found == {"app": "1", "lib": "1"}

    def test_a_dependency_without_hash_is_refused(self, market: Market) -> None:
        market.add("app", "1", "lib", digest=DIGEST["c"])
        market.add("lib", "1", digest=DIGEST["a"])
        with pytest.raises(NoAnswer) as error:
            answer(market, root("app", "r.txt:1", DIGEST["c"]), hash_mode=True)
        (failure,) = error.value.failures
        assert (failure.check, failure.chain) == ("hash-pinned", ("r.txt:1", "app 1", "lib"))

    def test_a_mismatch_tells_the_claim(self, market: Market) -> None:
        market.add("lib", "1", digest=DIGEST["a"])
        with pytest.raises(NoAnswer) as error:
            answer(market, root("lib==1", "r.txt:1", DIGEST["b"]), hash_mode=True)
        assert error.value.failures[0].check == "hash-pinned"
        assert DIGEST["a"] in error.value.failures[0].message

    def test_contradicting_lines_allow_nothing(self, market: Market) -> None:
        market.add("lib", "1", digest=DIGEST["a"])
        constraints = (root("lib", "c.txt:1", DIGEST["b"]),)
        with pytest.raises(NoAnswer):
            answer(market, root("lib", "r.txt:1", DIGEST["a"]), constraints=constraints, hash_mode=True)

    def test_the_pinned_file_is_taken_even_where_another_fits_better(self, market: Market) -> None:
        market.add("lib", "1", tags="cp312-cp312-manylinux_2_17_x86_64", digest=DIGEST["b"])
        market.add("lib", "1", digest=DIGEST["a"])
        (pin,) = answer(market, root("lib", "r.txt:1", DIGEST["a"]), hash_mode=True).pins
        assert pin.listing is not None
        assert pin.listing.name.tag_text == "py3-none-any"

    def test_a_claim_of_no_pinned_algorithm_is_left_to_the_bytes(self, market: Market) -> None:
        market.add("lib", "1")
        assert chosen(market, root("lib", "r.txt:1", DIGEST["a"]), hash_mode=True) == {"lib": "1"}

    def test_pins_count_outside_hash_mode(self, market: Market) -> None:
        market.add("lib", "2", digest=DIGEST["b"])
        market.add("lib", "1", digest=DIGEST["a"])
        assert chosen(market, root("lib", "command line", DIGEST["a"])) == {"lib": "1"}


class TestInstalled:
    @pytest.fixture
    def shop(self, market: Market) -> Market:
        for version in ("1", "2", "3"):
            market.add("lib", version)
        market.add("app", "1", "lib")
        market.add("app", "2", "lib>=2")
        return market

    def test_what_satisfies_stays_and_no_index_is_asked(self, shop: Market) -> None:
        there = [installed("app", "1", "lib"), installed("lib", "1")]
        found = answer(shop, "app", there=there)
        assert picks(found) == {"app": "1", "lib": "1"}
        assert [pin.installed for pin in found.pins] == [there[1], there[0]]
        assert shop.asked == []

    def test_what_does_not_satisfy_is_replaced(self, shop: Market) -> None:
        found = answer(shop, "app>=2", there=[installed("app", "1", "lib"), installed("lib", "1")])
        assert picks(found) == {"app": "2", "lib": "3"}
        assert all(pin.installed is None for pin in found.pins)

    def test_upgrade_only_if_needed(self, shop: Market) -> None:
        there = [installed("app", "1", "lib"), installed("lib", "2")]
        assert chosen(shop, "app", there=there, upgrade=True) == {"app": "2", "lib": "2"}

    def test_upgrade_eager(self, shop: Market) -> None:
        there = [installed("app", "1", "lib"), installed("lib", "2")]
        found = chosen(shop, "app", there=there, upgrade=True, upgrade_strategy="eager")
        assert found == {"app": "2", "lib": "3"}

    def test_upgrade_keeps_the_installed_one_where_it_is_the_newest(self, shop: Market) -> None:
        found = answer(shop, "lib", there=[installed("lib", "3")], upgrade=True)
        assert found.pins[0].installed is not None

    def test_a_newer_one_than_the_index_has_stays(self, shop: Market) -> None:
        found = answer(shop, "lib", there=[installed("lib", "9")], upgrade=True)
        assert (str(found.pins[0].version), found.pins[0].installed is not None) == ("9", True)

    def test_upgrade_that_the_policy_holds_back(self, shop: Market) -> None:
        admit = objecting({"lib-3-py3-none-any.whl": young(20)})
        found = answer(shop, "lib", there=[installed("lib", "2")], upgrade=True, admit=admit)
        assert found.pins[0].installed is not None
        assert passed(found) == [("lib", "3", "release-age")]

    @pytest.mark.parametrize("option", ["ignore_installed", "force_reinstall"])
    def test_as_if_nothing_were_there(self, shop: Market, option: str) -> None:
        changes: dict[str, Any] = {option: True}
        found = answer(shop, "lib", there=[installed("lib", "1")], **changes)
        assert (picks(found), found.pins[0].installed) == ({"lib": "3"}, None)

    def test_a_constraint_speaks_about_installed_ones_too(self, shop: Market) -> None:
        constraints = (root("lib>=2", "c.txt:1"),)
        assert chosen(shop, "lib", there=[installed("lib", "1")], constraints=constraints) == {"lib": "3"}

    def test_an_installed_pre_release_satisfies(self, shop: Market) -> None:
        assert chosen(shop, "lib>=1", there=[installed("lib", "3b1")]) == {"lib": "3b1"}

    def test_extras_of_an_installed_one(self, shop: Market) -> None:
        there = [installed("tool", "1", 'lib>=2; extra == "x"')]
        found = answer(shop, "tool[x]", there=there)
        assert picks(found) == {"tool": "1", "lib": "3"}


class TestFilesByName:
    def test_a_wheel_by_path_and_its_dependencies(self, market: Market) -> None:
        market.add("lib", "1")
        market.add("app", "9")
        url = market.file("file:///wheels/app-1-py3-none-any.whl", "app", "1", "lib", 'x; extra == "e"', extras=["e"])
        market.add("x", "1")
        found = answer(market, f"app[e] @ {url}")
        assert picks(found) == {"app": "1", "lib": "1", "x": "1"}
        pin = next(pin for pin in found.pins if pin.project == "app")
        assert pin.listing is not None
        assert (pin.listing.index, set(pin.extras)) == (url, {"e"})
        assert "app" not in market.asked

    def test_others_are_held_to_it(self, market: Market) -> None:
        url = market.file("file:///wheels/lib-1-py3-none-any.whl", "lib", "1")
        market.add("app", "2", "lib>=2")
        market.add("app", "1", "lib")
        assert chosen(market, f"lib @ {url}", "app") == {"lib": "1", "app": "1"}

    def test_two_addresses_for_one_project(self, market: Market) -> None:
        with pytest.raises(NoAnswer, match="Cannot install lib @ "):
            answer(market, "lib @ file:///a/lib-1-py3-none-any.whl", "lib @ file:///b/lib-1-py3-none-any.whl")

    def test_a_fragment_makes_no_other_address(self, market: Market) -> None:
        url = market.file("https://files.example/lib-1-py3-none-any.whl", "lib", "1")
        assert chosen(market, f"lib @ {url}#sha256={DIGEST['a']}", f"lib @ {url}") == {"lib": "1"}

    def test_same_version_is_not_installed_twice(self, market: Market) -> None:
        url = market.file("file:///wheels/lib-1-py3-none-any.whl", "lib", "1")
        there = [installed("lib", "1")]
        assert answer(market, f"lib @ {url}", there=there).pins[0].installed is there[0]
        assert answer(market, f"lib @ {url}", there=there, force_reinstall=True).pins[0].installed is None

    def test_the_policy_is_not_asked_about_a_page_that_is_not_there(self, market: Market) -> None:
        url = market.file("file:///wheels/lib-1-py3-none-any.whl", "lib", "1")
        assert chosen(market, f"lib @ {url}", admit=objecting({"lib-1-py3-none-any.whl": young(1)})) == {"lib": "1"}

    @pytest.mark.parametrize(
        ("file", "more", "reference"),
        [
            ("lib-1-cp27-none-any.whl", {"tags": "cp27-none-any"}, "unsupported-wheel"),
            ("lib-1.tar.gz", {"sdist": True}, "source-kind"),
        ],
    )
    def test_files_that_are_of_no_use(self, market: Market, file: str, more: dict[str, Any], reference: str) -> None:
        url = market.file(f"file:///wheels/{file}", "lib", "1", **more)
        with pytest.raises(Refused) as error:
            answer(market, f"lib @ {url}")
        assert error.value.reference == reference

    def test_a_file_of_another_project(self, market: Market) -> None:
        url = market.file("file:///wheels/lib-1-py3-none-any.whl", "lib", "1")
        with pytest.raises(Refused, match="distribution of lib, not of app"):
            answer(market, f"app @ {url}")

    def test_requires_python_of_a_named_file(self, market: Market) -> None:
        url = market.file("file:///wheels/lib-1-py3-none-any.whl", "lib", "1", listed_python=">=3", python=">=3.13")
        with pytest.raises(NoAnswer) as error:
            answer(market, f"lib @ {url}")
        assert error.value.failures[0].check == "requires-python"

    def test_a_dependency_by_address_is_refused_with_its_chain(self, market: Market) -> None:
        market.add("app", "1", "mid")
        market.add("mid", "3", "lib @ https://me:secret@files.example/lib-1-py3-none-any.whl")
        with pytest.raises(Refused) as error:
            answer(market, root("app", "r.txt:3"))
        assert error.value.reference == "direct-url"
        context = dict(error.value.context)
        assert context["required"].startswith("r.txt:3  ->  app 1  ->  mid 3  ->  lib @ ")
        assert "secret" not in str(context)
        assert not any(what.startswith("https://") for what in market.asked)

    def test_a_dependency_by_something_like_an_address(self, market: Market) -> None:
        market.add("app", "1", "lib @ https://[x]/lib-1-py3-none-any.whl")
        with pytest.raises(Refused) as error:
            answer(market, "app")
        assert error.value.reference == "direct-url"

    def test_a_dependency_by_address_that_the_user_names_too(self, market: Market) -> None:
        url = market.file("https://files.example/lib-1-py3-none-any.whl", "lib", "1")
        market.add("app", "1", f"lib @ {url}")
        assert chosen(market, "app", f"lib @ {url}#sha256={DIGEST['a']}") == {"app": "1", "lib": "1"}

    def test_one_behind_a_marker_that_does_not_hold_is_nothing(self, market: Market) -> None:
        market.add("app", "1", 'lib @ https://files.example/lib-1-py3-none-any.whl ; os_name == "nt"')
        assert chosen(market, "app") == {"app": "1"}


class TestPolicy:
    def test_passed_over_with_its_reason(self, market: Market) -> None:
        for version in ("1", "2", "3"):
            market.add("lib", version)
        found = answer(market, "lib", admit=objecting({"lib-3-py3-none-any.whl": young(20)}))
        assert picks(found) == {"lib": "2"}
        (one,) = found.passed_over
        assert (one.file, one.check, one.eligible) == ("lib-3-py3-none-any.whl", "release-age", young(20).eligible)

    def test_another_wheel_of_the_same_version_is_taken_and_told(self, market: Market) -> None:
        market.add("lib", "1", tags="cp312-cp312-manylinux_2_17_x86_64")
        market.add("lib", "1")
        late = "lib-1-cp312-cp312-manylinux_2_17_x86_64.whl"
        found = answer(market, "lib", admit=objecting({late: young(20)}))
        assert [pin.listing.name.text for pin in found.pins if pin.listing] == ["lib-1-py3-none-any.whl"]
        assert [one.file for one in found.passed_over] == [late]

    def test_only_what_is_considered_is_judged_and_once(self, market: Market) -> None:
        for number in range(200):
            market.add("lib", f"1.{number}")
        market.add("app", "1", "lib<1.150")
        judged: list[str] = []

        def admit(listing: Listing, page: IndexPage) -> Objection | None:
            assert page.project == listing.name.project
            judged.append(listing.name.text)
            return young(20) if listing.name.text.startswith("lib-1.149") else None

        assert chosen(market, "app", admit=admit) == {"app": "1", "lib": "1.148"}
        assert sorted(judged) == ["app-1-py3-none-any.whl", "lib-1.148-py3-none-any.whl", "lib-1.149-py3-none-any.whl"]
        assert market.asked.count("lib-1.149-py3-none-any.whl") == 0

    def test_what_lost_for_another_reason_is_not_held_back(self, market: Market) -> None:
        market.add("app", "2", "lib>=2")
        market.add("app", "1", "lib")
        market.add("lib", "1")
        found = answer(market, "app")
        assert (picks(found), found.passed_over) == ({"app": "1", "lib": "1"}, ())


class TestAnswer:
    def test_order_is_pips(self, market: Market) -> None:
        market.add("requests", "1", "idna", "urllib3", "certifi")
        for name in ("idna", "urllib3", "certifi"):
            market.add(name, "1")
        assert list(picks(answer(market, "requests"))) == ["urllib3", "idna", "certifi", "requests"]

    def test_parents_roots_first(self, market: Market) -> None:
        market.add("app", "1", "lib>=1")
        market.add("zed", "1", "lib")
        market.add("lib", "1")
        found = answer(market, root("zed", "r.txt:1"), root("app", "r.txt:2"), root("lib", "r.txt:3"))
        pin = next(pin for pin in found.pins if pin.project == "lib")
        asked = [(parent.project, parent.requirement, parent.origin) for parent in pin.parents]
        assert asked == [(None, "lib", "r.txt:3"), ("app", "lib>=1", "app 1"), ("zed", "lib", "zed 1")]
        assert pin.requested

    def test_parents_that_lost_are_not_parents(self, market: Market) -> None:
        market.add("app", "2", "lib", "base>=2")
        market.add("app", "1", "lib")
        market.add("lib", "1")
        market.add("base", "1")
        found = answer(market, "app", "base")
        pin = next(pin for pin in found.pins if pin.project == "lib")
        assert [parent.version for parent in pin.parents] == [Version("1")]

    def test_a_circle_that_only_a_loser_asked_for_is_left_out(self, market: Market) -> None:
        market.add("c", "2", "d")
        market.add("c", "1")
        market.add("d", "1", "a", "b")
        market.add("a", "1", "a")
        market.add("b", "1", "c==1")
        assert chosen(market, "c") == {"c": "1"}

    def test_nothing_asked_nothing_found(self, market: Market) -> None:
        assert answer(market).pins == ()

    def test_the_number_of_rounds_is_limited(self, market: Market) -> None:
        market.add("app", "1", "lib")
        market.add("lib", "1")
        with pytest.raises(NoAnswer) as error:
            answer(market, "app", rounds=1)
        assert error.value.reference == "resolution-too-deep"

    def test_deep_chain(self, market: Market) -> None:
        for number in range(300):
            market.add(f"n{number}", "1", f"n{number + 1}")
        market.add("n300", "1")
        found = answer(market, "n0")
        assert [str(pin.project) for pin in found.pins] == [f"n{number}" for number in reversed(range(301))]


def test_addresses_print_no_secrets() -> None:
    market = Market()
    url = "https://me:secret@files.example/lib-1-cp27-none-any.whl"
    market.file(url, "lib", "1", tags="cp27-none-any")
    with pytest.raises(Refused) as error:
        resolve(request(f"lib @ {url}"), market)
    assert "secret" not in f"{error.value.message}{error.value.context}"
    assert Url(url).reveal() == url
