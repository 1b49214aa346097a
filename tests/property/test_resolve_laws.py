"""Small universes, compared with trying everything."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from safepip.errors import NoAnswer
from safepip.model.artifact import Resolution
from tests.unit.resolve.market import Market, answer, objecting, picks, request, young

NAMES = ("a", "b", "c", "d")
NUMBERS = ("1", "2", "3")
SPECIFIERS = ("", ">=2", "<3", "==1", "==2", "!=2", "<=2", ">1")

requirements = st.builds(
    lambda name, extra, specifier: f"{name}{extra}{specifier}",
    st.sampled_from(NAMES),
    st.sampled_from(["", "", "", "[x]"]),
    st.sampled_from(SPECIFIERS),
)
dependencies = st.lists(
    st.builds(
        lambda text, marker: f"{text}{marker}",
        requirements,
        st.sampled_from(["", "", "", ' ; extra == "x"', ' ; python_version < "3"']),
    ),
    max_size=3,
)
universes = st.fixed_dictionaries(
    {name: st.dictionaries(st.sampled_from(NUMBERS), dependencies, max_size=3) for name in NAMES}
)
roots = st.lists(requirements, min_size=1, max_size=3)
Universe = dict[str, dict[str, list[str]]]


def market_of(universe: Universe, *, shuffled: int | None = None) -> Market:
    """The same index; with `shuffled` its files are listed in another order and it answers at random speed."""
    order = random.Random(shuffled)
    market = Market() if shuffled is None else Market(threads=True, latency=order)
    entries = [(name, version, needs) for name, versions in universe.items() for version, needs in versions.items()]
    if shuffled is not None:
        order.shuffle(entries)
    for name, version, needs in entries:
        market.add(name, version, *needs, extras=["x"])
    return market


def needed(universe: Universe, asked: list[str], pinned: dict[str, str]) -> Iterator[Requirement]:
    """Every requirement that counts once these versions are pinned, from the roots on."""
    todo = [Requirement(one) for one in asked]
    seen: set[tuple[str, bool]] = set()
    while todo:
        requirement = todo.pop()
        yield requirement
        extra = "x" in requirement.extras
        if requirement.name not in pinned or (requirement.name, extra) in seen:
            continue
        seen.add((requirement.name, extra))
        for text in universe[requirement.name][pinned[requirement.name]]:
            one = Requirement(text)
            if one.marker is None or ("extra" in str(one.marker) and extra):
                todo.append(one)


def holds(universe: Universe, asked: list[str], pinned: dict[str, str]) -> bool:
    return all(
        requirement.name in pinned and requirement.specifier.contains(Version(pinned[requirement.name]))
        for requirement in needed(universe, asked, pinned)
    )


def solvable(universe: Universe, asked: list[str]) -> bool:
    choices = [[(name, version) for version in universe[name]] or [(name, "")] for name in NAMES]
    return any(
        holds(universe, asked, {name: version for name, version in combination if version})
        for combination in itertools.product(*choices)
    )


def found(market: Market, asked: list[str]) -> Resolution | None:
    try:
        return answer(market, *asked)
    except NoAnswer as error:
        return None if error.lines and error.failures else pytest.fail("a failure without words")


@settings(max_examples=250, deadline=None)
@given(universes, roots)
def test_an_answer_is_found_exactly_when_there_is_one_and_it_is_sound(universe: Universe, asked: list[str]) -> None:
    resolution = found(market_of(universe), asked)
    assert (resolution is not None) == solvable(universe, asked)
    if resolution is not None:
        pinned = picks(resolution)
        assert holds(universe, asked, pinned)
        reached = {requirement.name for requirement in needed(universe, asked, pinned)}
        assert set(pinned) == reached  # nothing missing, nothing that nobody asked for
        assert all(pin.parents for pin in resolution.pins)


@settings(max_examples=60, deadline=None)
@given(universes, roots, st.integers(0, 1000))
def test_the_same_index_gives_the_same_answer(universe: Universe, asked: list[str], seed: int) -> None:
    shuffled = market_of(universe, shuffled=seed)
    other = found(shuffled, asked)
    shuffled.settle()
    assert other == found(market_of(universe), asked)


@settings(max_examples=150, deadline=None)
@given(universes, roots, st.data())
def test_objections_are_never_overruled_and_always_told(
    universe: Universe, asked: list[str], data: st.DataObject
) -> None:
    files = [f"{name}-{version}-py3-none-any.whl" for name in NAMES for version in universe[name]]
    refused = data.draw(st.sets(st.sampled_from(files))) if files else set()
    admit = objecting({file: young(20) for file in refused})
    try:
        resolution = answer(market_of(universe), *asked, admit=admit)
    except NoAnswer:
        left = {
            name: {v: needs for v, needs in versions.items() if f"{name}-{v}-py3-none-any.whl" not in refused}
            for name, versions in universe.items()
        }
        assert not solvable(left, asked)
        return
    assert not {pin.listing.name.text for pin in resolution.pins if pin.listing is not None} & refused
    assert {one.file for one in resolution.passed_over} <= refused
    # Without constraints from others, the newest version is either taken or told.
    if len(asked) == 1 and not any(needs for versions in universe.values() for needs in versions.values()):
        requirement = Requirement(asked[0])
        inside = [v for v in universe[requirement.name] if requirement.specifier.contains(v)]
        (pin,) = resolution.pins
        newer = {v for v in inside if Version(v) > pin.version}
        assert {str(one.version) for one in resolution.passed_over} == newer


@settings(max_examples=100, deadline=None)
@given(universes, roots, st.sampled_from(NAMES), st.sampled_from(SPECIFIERS))
def test_a_constraint_only_narrows(universe: Universe, asked: list[str], name: str, specifier: str) -> None:
    constraint = request(f"{name}{specifier}").roots
    try:
        resolution = answer(market_of(universe), *asked, constraints=constraint)
    except NoAnswer:
        return
    pinned = picks(resolution)
    assert holds(universe, asked, pinned)
    assert name not in pinned or SpecifierSet(specifier).contains(pinned[name])
