"""The laws of continuity, against the rule written out in full."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from safepip.checks.late_file import PAUSE, complete_at
from safepip.model.artifact import Listing
from safepip.model.continuity import SETTLED, Continuity, baseline, continues
from safepip.model.ident import FileKind, FileName, Url
from tests.factories import OLD, listing

PROVENANCE = Url("https://index.example/provenance")
VERSIONS = st.one_of(
    st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)).map(lambda one: ".".join(map(str, one))),
    st.sampled_from(["1", "2", "1!0.1", "2.0rc1", "2.0.dev3", "1.0.post1", "1.0+local", "2024.1", "2023.12.1"]),
)
HOURS = st.integers(0, 24 * 40)
NAMES = st.builds(
    lambda version, wheel: FileName.parse(f"demo-{version}-py3-none-any.whl" if wheel else f"demo-{version}.tar.gz"),
    VERSIONS,
    st.booleans(),
)


@st.composite
def listings(draw: st.DrawFn) -> Listing:
    name = draw(NAMES)
    uploaded = draw(st.one_of(st.none(), HOURS.map(lambda hours: OLD + timedelta(hours=hours))))
    return listing(name.text, uploaded=uploaded, provenance=draw(st.sampled_from([None, PROVENANCE])))


PAGES = st.lists(listings(), max_size=12)


def tells(one: Listing, name: FileName) -> bool:
    same_kind = one.name.kind is name.kind
    return one.provenance is not None and same_kind and continues(one.name.version, name.version)


@given(PAGES, NAMES, HOURS)
def test_the_quick_answer_is_the_one_of_the_rule(page: list[Listing], name: FileName, hours: int) -> None:
    at = OLD + timedelta(hours=hours)
    found = Continuity.of(page).attested_before(name, at)
    whole = [one for one in page if tells(one, name) and one.uploaded is not None and one.uploaded < at]
    assert (found is None) == (not whole)
    if found is not None:
        assert found.uploaded == max(one.uploaded for one in whole if one.uploaded is not None)
        assert found in whole


@given(PAGES, NAMES, HOURS)
def test_without_times_it_is_told_that_the_order_is_unknown(page: list[Listing], name: FileName, hours: int) -> None:
    known = Continuity.of(page)
    undated = [one for one in page if tells(one, name) and one.uploaded is None]
    assert (known.unordered(name, OLD + timedelta(hours=hours)) is None) == (not undated)
    assert (known.unordered(name, None) is None) == (not any(tells(one, name) for one in page))


@given(PAGES, listings(), NAMES, HOURS)
def test_one_attestation_more_never_excuses_a_file(
    page: list[Listing], more: Listing, name: FileName, hours: int
) -> None:
    at = OLD + timedelta(hours=hours)
    if Continuity.of(page).attested_before(name, at) is not None:
        assert Continuity.of([*page, more]).attested_before(name, at) is not None


@given(PAGES, NAMES, HOURS, HOURS)
def test_a_later_upload_is_never_the_better_one(page: list[Listing], name: FileName, hours: int, delay: int) -> None:
    known = Continuity.of(page)
    if known.attested_before(name, OLD + timedelta(hours=hours)) is not None:
        assert known.attested_before(name, OLD + timedelta(hours=hours + delay)) is not None


@given(PAGES, st.randoms())
def test_the_order_of_a_page_means_nothing(page: list[Listing], chance: object) -> None:
    shuffled = list(page)
    chance.shuffle(shuffled)  # type: ignore[attr-defined] # a random.Random
    known, other = Continuity.of(page), Continuity.of(shuffled)
    for one in page:
        if one.uploaded is not None:
            first = known.attested_before(one.name, one.uploaded)
            second = other.attested_before(one.name, one.uploaded)
            assert (first and first.name) == (second and second.name)


@given(PAGES, listings())
def test_the_baseline_is_earlier_attested_and_settled_where_one_is(page: list[Listing], new: Listing) -> None:
    found = baseline(page, new)
    if found is None:
        return
    assert found.provenance is not None
    assert found.name.kind is new.name.kind
    assert found.name.version != new.name.version
    if found.uploaded is not None and new.uploaded is not None:
        assert found.uploaded < new.uploaded
        settled = [one for one in page if one.uploaded is not None and one.uploaded <= new.uploaded - SETTLED]
        same = [one for one in settled if one.provenance and one.name.kind is new.name.kind]
        if [one for one in same if one.name.version != new.name.version]:
            assert found.uploaded <= new.uploaded - SETTLED


HONEST = st.lists(st.tuples(st.integers(2, 4), st.integers(0, 5), st.booleans()), min_size=1, max_size=15, unique=True)


@settings(max_examples=60)
@given(HONEST, st.integers(0, 14))
def test_an_honest_history_never_alarms(releases: list[tuple[int, int, bool]], since: int) -> None:
    """By hand at first; from one day on, everything from the workflow, but for the old branch, which keeps its ways."""
    made = []
    for day, (minor, patch, wheel) in enumerate(releases):
        name = f"demo-2.{minor}.{patch}-py3-none-any.whl" if wheel else f"demo-2.{minor}.{patch}.tar.gz"
        provenance = PROVENANCE if day >= since else None
        made.append(listing(name, uploaded=OLD + timedelta(days=day), provenance=provenance))
        made.append(listing(f"demo-1.9.{day}-py3-none-any.whl", uploaded=OLD + timedelta(days=day, hours=1)))
    known = Continuity.of(made)
    for one in made:
        if one.provenance is None and one.uploaded is not None:
            assert known.attested_before(one.name, one.uploaded) is None


@given(st.lists(HOURS, max_size=10), HOURS)
def test_one_late_file_more_moves_nothing(hours: list[int], late: int) -> None:
    uploads = [OLD + timedelta(hours=one) for one in hours]
    complete = complete_at(uploads)
    if complete is not None:
        added = complete + PAUSE + timedelta(hours=1 + late)
        assert complete_at([*uploads, added]) == complete
    assert (complete is None) == (not uploads)


def test_the_kinds_are_two() -> None:
    assert set(FileKind) == {FileKind.WHEEL, FileKind.SDIST}  # `Continuity` keeps one series for each
