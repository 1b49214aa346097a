"""`downgrade`, asked through the pages that it is about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from safepip.checks import downgrade
from safepip.formats.publisher import parse_publisher
from safepip.model.artifact import IndexPage, Listing, Offers, Project
from safepip.model.evidence import Kind, Unavailable
from safepip.model.ident import ProjectName, Url
from safepip.model.ledger import Recorded
from safepip.model.levels import Level
from safepip.model.verdict import Finding, Outcome
from safepip.pipeline import Histories, listing_filter
from safepip.ports import Catalog
from tests.factories import INDEX, NOW, OLD, artifact, dossier, listing, page, policy, project, subject
from tests.world.ports import MemoryLedger

PROVENANCE = Url("https://index.example/provenance")
NO_PROVENANCE = Offers(upload_time=True, provenance=False, core_metadata=True, status=True)


class Pages:
    """A catalog of one project."""

    def __init__(self, *pages: IndexPage) -> None:
        self.known = Project(name=pages[0].project, pages=pages)

    def project(self, _: ProjectName) -> Project:
        return self.known


def pages(*several: IndexPage) -> Catalog:
    return cast("Catalog", Pages(*several))


def attested(version: str, day: float | None, **more: str) -> Listing:
    return replace(plain(version, day, **more), provenance=PROVENANCE)


def plain(version: str, day: float | None, *, tags: str = "py3-none-any") -> Listing:
    uploaded = OLD + timedelta(days=day) if day is not None else None
    return listing(f"demo-{version}-{tags}.whl", content=f"{version} {tags}".encode(), uploaded=uploaded)


def ledger_of(*records: Recorded) -> MemoryLedger:
    return MemoryLedger({(one.index.plain, one.project, one.kind): one for one in records})


def accepting(one: Listing) -> Recorded:
    return Recorded(
        index=Url(INDEX.plain),
        project=project("demo"),
        kind=one.name.kind,
        publisher=None,
        file=one.name,
        uploaded=one.uploaded,
        recorded_at=NOW,
        place="safepip-publishers.toml:3",
    )


def ask(
    about: Listing,
    *others: Listing,
    accepted: Iterable[Recorded] = (),
    offers: Offers | None = None,
) -> Finding:
    only = page(about, *others) if offers is None else page(about, *others, offers=offers)
    history = Histories(pages(only), ledger_of(*accepted)).of(about)
    assert history is not None
    whole = dossier(subject(artifact(about, content=about.name.text.encode())), history)
    [finding] = downgrade.check(whole, policy(), NOW)
    return finding


def test_a_stolen_token_has_no_attestation() -> None:
    finding = ask(plain("8.3.45", 10), attested("8.3.44", 9))
    assert (finding.outcome, finding.code) == (Outcome.FAIL, "downgrade")
    assert "demo-8.3.44-py3-none-any.whl, uploaded before it on 2025-10-27 12:00 UTC, was" in finding.message
    assert finding.hint is not None
    assert "safepip trust accept demo==8.3.45" in finding.hint


def test_what_is_attested_is_no_downgrade() -> None:
    assert ask(attested("8.3.45", 10), attested("8.3.44", 9)).code == "attested"


def test_a_past_without_attestations_stays_as_good_as_it_was() -> None:
    assert ask(plain("1.0", 1), attested("1.1", 2)).outcome is Outcome.PASS
    assert ask(plain("1.0", 1), plain("0.9", 0)).outcome is Outcome.PASS


def test_a_backport_is_no_takeover() -> None:
    assert ask(plain("1.9.6", 30), plain("1.9.5", 1), attested("2.0", 9), attested("2.1", 12)).outcome is Outcome.PASS


def test_a_second_wheel_of_an_attested_release_minutes_later() -> None:
    """Whoever holds a stolen token can watch for releases, so no number of minutes is harmless."""
    finding = ask(plain("1.0", 0.001, tags="cp312-cp312-manylinux_2_17_x86_64"), attested("1.0", 0))
    assert finding.outcome is Outcome.FAIL
    assert finding.hint is not None
    assert "a waiver" in finding.hint  # `trust accept` records who published what is attested of it
    assert "trust accept" not in finding.hint


def test_years_do_not_make_it_good() -> None:
    assert ask(plain("9.0", 390), attested("1.0", 0), plain("8.0", 300)).outcome is Outcome.FAIL


def test_a_person_may_accept_that_it_attests_no_more() -> None:
    stopped = plain("2.0", 10)
    word = [accepting(stopped)]
    for one in (stopped, plain("2.1", 20), plain("1.0.1", 30)):
        finding = ask(one, attested("1.0", 0), accepted=word)
        assert (finding.outcome, finding.code) == (Outcome.PASS, "accepted")
        assert "safepip-publishers.toml:3" in finding.message
    assert ask(plain("1.1", 9), attested("1.0", 0), accepted=word).outcome is Outcome.FAIL


def test_until_it_attests_again() -> None:
    word = [accepting(plain("2.0", 10))]
    again = ask(plain("2.2", 30), attested("1.0", 0), attested("2.1", 20), accepted=word)
    assert (again.outcome, "demo-2.1" in again.message) == (Outcome.FAIL, True)


def test_what_was_accepted_of_wheels_or_of_another_index_says_nothing_of_others() -> None:
    stopped = plain("2.0", 10)
    elsewhere = replace(accepting(stopped), index=Url("https://elsewhere.example/simple"))
    of_sdists = accepting(listing("demo-2.0.tar.gz", uploaded=stopped.uploaded))
    for word in (elsewhere, of_sdists):
        assert ask(stopped, attested("1.0", 0), accepted=[word]).outcome is Outcome.FAIL


def test_a_publisher_in_the_ledger_is_not_this_checks_matter() -> None:
    stopped = plain("2.0", 10)
    known = replace(accepting(stopped), publisher=parse_publisher("github:acme/demo"))
    assert ask(stopped, attested("1.0", 0), accepted=[known]).outcome is Outcome.FAIL
    assert ask(stopped, plain("1.0", 0), accepted=[known]).outcome is Outcome.PASS


def test_an_index_that_offers_no_provenance_shows_no_past() -> None:
    finding = ask(plain("2.0", 10), plain("1.0", 0), offers=NO_PROVENANCE)
    assert (finding.outcome, finding.code) == (Outcome.PASS, "not-offered")


def test_an_index_without_times_cannot_say_which_was_first() -> None:
    finding = ask(plain("2.0", None), attested("1.0", None))
    assert (finding.outcome, finding.code) == (Outcome.UNKNOWN, "no-upload-times")
    assert ask(plain("0.9", None), attested("1.0", None)).outcome is Outcome.PASS
    assert ask(plain("2.0", 1), attested("1.0", None)).code == "no-upload-times"
    demo = project("demo")
    assert policy().level("downgrade", "no-upload-times", demo).value is Level.WARN
    assert policy('profile = "strict"').level("downgrade", "no-upload-times", demo).value is Level.DENY


def test_a_copy_in_a_folder_washes_nothing_off() -> None:
    """Where a page without provenance lists the same file, that of the index still counts."""
    stolen, folder = plain("2.0", 10), Url("file:///wheelhouse")
    index = page(stolen, attested("1.0", 0))
    copy = replace(page(replace(stolen, index=folder), offers=NO_PROVENANCE), index=folder)
    history = Histories(pages(copy, index), MemoryLedger()).of(copy.listings[0])
    assert history is not None
    [finding] = downgrade.check(dossier(subject(artifact(stolen)), history), policy(), NOW)
    assert finding.outcome is Outcome.FAIL


def test_another_project_of_the_same_name_elsewhere_says_nothing() -> None:
    mine, corp = plain("2.0", 10), Url("https://corp.example/simple")
    own = replace(page(replace(mine, index=corp), offers=NO_PROVENANCE), index=corp)
    history = Histories(pages(own, page(attested("1.0", 0))), MemoryLedger()).of(own.listings[0])
    assert history is not None
    assert history.continuity is None


def test_a_file_that_a_person_named_has_no_past() -> None:
    [finding] = downgrade.check(dossier(subject(artifact(local=True))), policy(), NOW)
    assert (finding.outcome, finding.code) == (Outcome.PASS, "not-from-index")


def test_what_could_not_be_looked_at_is_unknown() -> None:
    nothing = Unavailable(wanted=Kind.HISTORY, code="no-page", why="no page lists the file")
    assert downgrade.check(dossier(subject(), nothing), policy(), NOW)[0].outcome is Outcome.UNKNOWN
    assert downgrade.check(dossier(subject()), policy(), NOW)[0].outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(("waived", "objects"), [("2.0", False), ("2.1", True)])
def test_the_resolver_passes_over_it_unless_that_version_is_waived(waived: str, objects: bool) -> None:
    stolen = plain("2.0", 10)
    whole = page(stolen, attested("1.0", 0))
    word = f'[[waivers]]\ncheck = "downgrade"\nproject = "demo"\nversion = "{waived}"\nreason = "x"\nuntil = 2026-12-01'
    admit = listing_filter(policy(word), NOW, pages(whole), frozenset(), MemoryLedger())
    objection = admit(stolen, whole)
    assert (objection is not None and objection.check == "downgrade") is objects


def test_the_resolver_knows_what_was_accepted() -> None:
    stopped = plain("2.0", 10)
    whole = page(stopped, attested("1.0", 0))
    for ledger, objects in ((MemoryLedger(), True), (ledger_of(accepting(stopped)), False)):
        admit = listing_filter(policy(), NOW, pages(whole), frozenset(), ledger)
        assert (admit(stopped, whole) is not None) is objects


def test_thousands_of_files_are_looked_through_once() -> None:
    """Counted, not timed: however many files are asked about, their page is walked through a few times."""
    listings = tuple(plain(f"{number // 50}.{number % 50}", number / 100) for number in range(500))
    mixed = tuple(replace(one, provenance=PROVENANCE) if at % 2 else one for at, one in enumerate(listings))

    class Counted(tuple[Listing, ...]):
        __slots__ = ()
        walks = 0

        def __iter__(self):  # type: ignore[no-untyped-def] # noqa: ANN204
            Counted.walks += 1
            return super().__iter__()

    whole = replace(page(*mixed), listings=Counted(mixed))
    histories = Histories(pages(whole), MemoryLedger())
    told = [histories.of(one) for one in mixed]
    assert len([one for one in told if one is not None and one.continuity is not None]) == 250
    assert Counted.walks <= 4
