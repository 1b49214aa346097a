"""One name on several sources: who mirrors whom, and what a copy cannot wash off."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from safepip.model.artifact import IndexPage, Listing, Project
from safepip.model.ident import Url
from safepip.model.mirrors import attesting, reconciled, rivals_of, sources_of
from tests.factories import NOW, OLD, listing, page, project

OTHER = Url("https://other.example/simple/")
V1 = listing("demo-1.0-py3-none-any.whl", content=b"one")
V2 = listing("demo-2.0-py3-none-any.whl", content=b"two")
FORGED = listing("demo-99.0-py3-none-any.whl", content=b"evil")


def on(index: Url, *listings: Listing) -> IndexPage:
    own = tuple(replace(one, index=index) for one in listings)
    return replace(page(*own), index=index)


def of(*pages: IndexPage) -> Project:
    return Project(name=project("demo"), pages=pages)


def test_one_source_has_no_rivals() -> None:
    assert rivals_of(V1, of(page(V1, V2))) == ()


def test_a_mirror_is_no_rival_for_what_it_has() -> None:
    both = of(page(V1, V2), on(OTHER, V1))
    assert rivals_of(V1, both) == ()
    assert rivals_of(V2, both) == (OTHER,)


def test_copying_the_private_files_does_not_make_a_public_index_a_mirror() -> None:
    """The attack: list the private file by its leaked digest, and a newer one of one's own."""
    public = on(OTHER, V1, FORGED)
    assert rivals_of(public.listings[1], of(page(V1), public)) == (page(V1).index,)


def test_the_same_name_with_other_or_unknown_bytes_is_a_rival() -> None:
    changed = listing("demo-1.0-py3-none-any.whl", content=b"changed")
    unknown = listing("demo-1.0-py3-none-any.whl", claimed={})
    assert rivals_of(V1, of(page(V1), on(OTHER, changed))) == (OTHER,)
    assert rivals_of(V1, of(page(V1), on(OTHER, unknown))) == (OTHER,)
    assert rivals_of(unknown, of(page(unknown), on(OTHER, unknown))) == (OTHER,)


def test_a_source_with_nothing_that_we_can_use_is_still_a_source() -> None:
    """corp has the name and only an old format of it: the public one must not take it over."""
    old = replace(on(OTHER, V1), listings=(), skipped=(("demo-1.0.tar.bz2", "neither a wheel nor an sdist"),))
    assert rivals_of(V1, of(page(V1), old)) == (OTHER,)


def test_a_source_that_lists_nothing_is_no_rival() -> None:
    empty = IndexPage(
        index=OTHER, project=project("demo"), listings=(), status=page(V1).status, offers=page(V1).offers, skipped=()
    )
    assert rivals_of(V1, of(page(V1), empty)) == ()


def test_a_copy_washes_off_neither_age_nor_provenance_nor_yank() -> None:
    young = replace(V1, uploaded=NOW, provenance=Url("https://index.example/p"), yanked="bad", requires_python=">=3")
    copy = replace(V1, uploaded=None)
    [folder, index] = reconciled((on(OTHER, copy), page(young)))
    for told in (folder.listings[0], index.listings[0]):
        assert (told.uploaded, told.provenance, told.yanked, told.requires_python) == (
            NOW,
            Url("https://index.example/p"),
            "bad",
            ">=3",
        )


def test_the_later_upload_counts_and_other_bytes_stay_apart() -> None:
    [one, other] = reconciled(
        (page(replace(V1, uploaded=OLD)), on(OTHER, replace(V1, uploaded=OLD + timedelta(days=9))))
    )
    assert one.listings[0].uploaded == other.listings[0].uploaded == OLD + timedelta(days=9)
    changed = listing("demo-1.0-py3-none-any.whl", content=b"changed", uploaded=None)
    [_, apart] = reconciled((page(V1), on(OTHER, changed)))
    assert apart.listings[0].uploaded is None


def test_who_lists_a_file_and_who_attests_it_are_two_questions() -> None:
    """A mirror must not be remembered for what the index said, nor the index for what a stranger said of its file."""
    attested = replace(V1, provenance=Url("https://index.example/provenance"))
    both = of(*reconciled((page(attested, V2), on(OTHER, V1))))
    for one in (both.pages[0].listings[0], both.pages[1].listings[0]):
        assert one.provenance is not None
        assert {source.index for source in sources_of(one, both)} == {both.pages[0].index, OTHER}
        assert attesting(one, both) == (both.pages[0].index,)
    assert [source.index for source in sources_of(both.pages[0].listings[1], both)] == [both.pages[0].index]
    assert attesting(V2, both) == ()
