from __future__ import annotations

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from safepip.resolve.terms import is_exact, shape
from safepip.resolve.versions import File, Fitness, Versions, bits
from tests.unit.resolve.market import TARGET, Market

VERSIONS = ("0.9", "1.0a1", "1.0", "1.0.post1", "1.1.dev1", "1.1", "2!0.1", "1.0+local")


@pytest.fixture
def table() -> Versions:
    market = Market()
    files = [File(market.add("lib", version), None) for version in VERSIONS]
    return Versions(files, Fitness(Version("3.12.1"), TARGET.tags, ignore_requires_python=False), None)


@pytest.mark.parametrize(
    "text", ["", ">=1", "==1.0", "===1.0", "!=1.0", "~=1.0", "<1.1", ">1.0", "==1.*", ">=1.0a1,<2"]
)
def test_a_mask_is_what_the_specifier_contains(table: Versions, text: str) -> None:
    specifier = SpecifierSet(text)
    inside = {str(table.version(index)) for index in bits(table.mask(specifier))}
    assert inside == {one for one in VERSIONS if specifier.contains(Version(one), prereleases=True)}


def test_versions_ascend_and_bit_zero_is_nobodys(table: Versions) -> None:
    assert list(table.versions) == sorted(Version(one) for one in VERSIONS)
    assert not table.all & 1
    assert table.final == table.all & ~table.mask(SpecifierSet("==1.0a1")) & ~table.mask(SpecifierSet("==1.1.dev1"))


def test_bits_from_the_top() -> None:
    assert list(bits(0b10110)) == [4, 2, 1]
    assert list(bits(0)) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", (False, False, False)),
        ("==1", (True, False, True)),
        ("===1", (True, False, True)),
        ("==1.*", (False, True, True)),
        ("~=1.0", (False, True, True)),
        ("<2", (False, True, True)),
        (">=1,!=1.1", (False, False, True)),
    ],
)
def test_shape(text: str, expected: tuple[bool, bool, bool]) -> None:
    assert shape(SpecifierSet(text)) == expected


@pytest.mark.parametrize(("text", "expected"), [("==1", True), ("===1", True), ("==1.*", False), (">=1", False)])
def test_is_exact(text: str, *, expected: bool) -> None:
    assert is_exact(SpecifierSet(text)) is expected


def test_of_many_wheels_that_do_not_fit_a_few_are_named() -> None:
    market = Market()
    tags = [f"cp3{minor}-cp3{minor}-win_amd64" for minor in range(10, 16)]
    files = [File(market.add("lib", "1", tags=one), None) for one in tags]
    table = Versions(files, Fitness(Version("3.12.1"), TARGET.tags, ignore_requires_python=False), None)
    fault = table.fault(1)
    assert fault is not None
    assert fault[2].endswith("cp312-cp312-win_amd64, cp313-cp313-win_amd64 and 2 more")
