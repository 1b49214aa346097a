"""Which attested file makes which later one a downgrade."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from safepip.model.artifact import Listing
from safepip.model.continuity import SETTLED, Continuity, accepts, after, baseline, continues, line_of
from safepip.model.ident import FileKind, FileName, Url, parse_version
from safepip.model.ledger import Recorded
from tests.factories import INDEX, OLD, listing, project

PROVENANCE = Url("https://index.example/provenance")


def day(count: float) -> datetime:
    return OLD + timedelta(days=count)


def attested(file: str, at: float | None) -> Listing:
    return listing(file, uploaded=None if at is None else day(at), provenance=PROVENANCE)


def plain(file: str, at: float | None) -> Listing:
    return listing(file, uploaded=None if at is None else day(at))


def wheel(version: str) -> str:
    return f"demo-{version}-py3-none-any.whl"


def accepted(version: str, at: float | None) -> Recorded:
    return Recorded(
        index=INDEX,
        project=project("demo"),
        kind=FileKind.WHEEL,
        publisher=None,
        file=FileName.parse(wheel(version)),
        uploaded=None if at is None else day(at),
        recorded_at=day(900),
        place="safepip-publishers.toml:3",
    )


@pytest.mark.parametrize(
    ("before", "later"),
    [
        ("8.3.44", "8.3.45"),
        ("8.3.44", "9.0"),
        ("8.3.44", "8.4"),
        ("8.3.44", "8.3.1"),  # a lower version of a line that was attested
        ("8.3.44", "8.3.44.post1"),
        ("8.3.44", "8.4rc1"),
        ("8.3.44", "8.3.44+local"),
        ("8.3.44", "8.3.44"),  # another wheel of the attested release
        ("8.3.44rc1", "8.3.44"),
        ("0.3.1", "0.3.0.post1"),
        ("2024.5", "2024.6.1"),
        ("2024.5", "1!1.0"),
        ("2.0.1", "2"),  # 2 is 2.0
        ("2", "2.0.1"),
        ("1", "1.0.0a1"),
    ],
)
def test_what_goes_on_from_an_attested_version(before: str, later: str) -> None:
    assert continues(parse_version(before), parse_version(later))
    found = Continuity.of([attested(wheel(before), 0)]).attested_before(FileName.parse(wheel(later)), day(1))
    assert found is not None
    assert found.name.text == wheel(before)


@pytest.mark.parametrize(
    ("before", "later"),
    [("2.0", "1.9.5"), ("2.0rc1", "1.9.5"), ("2024.5", "2023.12.1"), ("1!1.0", "2024.5"), ("0.3", "0.2.9"), ("2", "1")],
)
def test_a_line_below_everything_attested_is_a_backport(before: str, later: str) -> None:
    assert not continues(parse_version(before), parse_version(later))
    assert Continuity.of([attested(wheel(before), 0)]).attested_before(FileName.parse(wheel(later)), day(1)) is None


def test_a_line_between_attested_ones_is_no_backport() -> None:
    """A thief who opens a line of his own below the newest is seen by what is attested below that."""
    known = Continuity.of([attested(wheel("8.0"), 0), attested(wheel("8.3"), 1)])
    found = known.attested_before(FileName.parse(wheel("8.1")), day(2))
    assert found is not None
    assert found.name.text == wheel("8.0")


def test_by_upload_time_and_nothing_else() -> None:
    known = Continuity.of([attested(wheel("1.0"), 10)])
    assert known.attested_before(FileName.parse(wheel("2.0")), day(9.99)) is None
    assert known.attested_before(FileName.parse(wheel("2.0")), day(10)) is None  # at the same moment is not later
    assert known.attested_before(FileName.parse(wheel("2.0")), day(10.01)) is not None


def test_a_higher_build_tag_and_a_closer_platform_are_later_files_too() -> None:
    known = Continuity.of([attested(wheel("1.0"), 0)])
    for text in ("demo-1.0-1-py3-none-any.whl", "demo-1.0-cp312-cp312-manylinux_2_17_x86_64.whl"):
        assert known.attested_before(FileName.parse(text), day(0) + timedelta(seconds=1)) is not None


def test_wheels_with_wheels_and_sdists_with_sdists() -> None:
    known = Continuity.of([attested("demo-1.0.tar.gz", 0)])
    assert known.attested_before(FileName.parse(wheel("1.0")), day(1)) is None
    assert known.attested_before(FileName.parse("demo-1.1.tar.gz"), day(1)) is not None
    assert known.attested_before(FileName.parse("demo-1.1.zip"), day(1)) is not None


def test_the_nearest_file_is_the_one_that_is_named() -> None:
    known = Continuity.of([attested(wheel(f"1.{number}"), number) for number in range(100)])
    found = known.attested_before(FileName.parse(wheel("1.200")), day(60.5))
    assert found is not None
    assert found.name.text == wheel("1.60")


def test_one_that_tells_is_found_behind_many_that_do_not() -> None:
    higher = [attested(wheel(f"9.{number}"), 1 + number / 100) for number in range(90)]
    known = Continuity.of([attested(wheel("1.0"), 0), *higher])
    found = known.attested_before(FileName.parse(wheel("1.0.1")), day(5))
    assert found is not None
    assert found.name.text == wheel("1.0")


def test_files_without_a_time_are_told_apart_from_none() -> None:
    known = Continuity.of([attested(wheel("1.0"), None), attested(wheel("3.0"), 1)])
    assert known.attested_before(FileName.parse(wheel("2.0")), day(9)) is None
    unordered = known.unordered(FileName.parse(wheel("2.0")), day(9))
    assert unordered is not None
    assert unordered.name.text == wheel("1.0")
    assert known.unordered(FileName.parse(wheel("0.9")), day(9)) is None
    assert known.unordered(FileName.parse(wheel("3.0.1")), None) is not None
    assert known.unordered(FileName.parse(wheel("0.9")), None) is None
    assert known.unordered(FileName.parse("demo-9.tar.gz"), None) is None


def test_a_line_is_epoch_and_two_numbers() -> None:
    assert line_of(parse_version("2")) == line_of(parse_version("2.0.9")) == (0, 2, 0)
    assert line_of(parse_version("1!2.5.1rc1")) == (1, 2, 5)


def test_what_was_accepted_covers_its_version_and_what_came_after() -> None:
    word = accepted("2.0", 10)
    assert accepts(word, plain(wheel("2.0"), 9))  # its release, uploaded just before
    assert accepts(word, plain(wheel("2.1"), 10))
    assert accepts(word, plain(wheel("1.9"), 11))
    assert not accepts(word, plain(wheel("1.9"), 9))
    assert accepts(word, plain(wheel("2.1"), None))
    assert not accepts(word, plain(wheel("1.9"), None))
    assert not accepts(accepted("2.0", None), plain(wheel("1.9"), 11))


def test_only_what_is_attested_after_it_counts_again() -> None:
    word = accepted("2.0", 10)
    assert after(word, attested(wheel("2.1"), 11))
    assert not after(word, attested(wheel("2.0"), 11))
    assert not after(word, attested(wheel("1.0"), 9))
    assert after(word, attested(wheel("2.1"), None))
    assert not after(word, attested(wheel("1.0"), None))


def test_a_publisher_is_compared_with_the_newest_that_had_settled() -> None:
    settled = SETTLED.days
    page = [
        attested(wheel("1.0"), 0),
        attested(wheel("1.1"), 10),
        attested("demo-1.1.tar.gz", 10.1),
        plain(wheel("1.2"), 11),
        attested(wheel("1.3"), 11 + settled),  # perhaps a thief's first
        attested(wheel("1.4"), 10.5 + settled),
    ]
    new = attested(wheel("1.4"), 12 + settled)
    found = baseline(page, new)
    assert found is not None
    assert found.name.text == wheel("1.1")


def test_else_with_the_newest_before_it() -> None:
    new = attested(wheel("1.2"), 5)
    found = baseline([attested(wheel("1.0"), 0), attested(wheel("1.1"), 4), attested(wheel("1.3"), 6)], new)
    assert found is not None
    assert found.name.text == wheel("1.1")
    assert baseline([new, attested("demo-1.0.tar.gz", 0), plain(wheel("1.0"), 0)], new) is None


def test_what_was_yanked_vouches_only_where_nothing_else_does() -> None:
    taken_back = replace(attested(wheel("1.1"), 20), yanked="stolen token")
    new = attested(wheel("1.2"), 100)
    found = baseline([attested(wheel("1.0"), 0), taken_back], new)
    assert found is not None
    assert found.name.text == wheel("1.0")
    assert baseline([taken_back], new) is taken_back


def test_without_times_by_version() -> None:
    page = [attested(wheel(version), None) for version in ("1.0", "1.1", "3.0")]
    found = baseline(page, attested(wheel("2.0"), None))
    assert found is not None
    assert found.name.text == wheel("1.1")
