"""What happened to real projects, and the rule that stops each; beside it the honest twin, which goes through.

Everything is real but the Sigstore and the index: HTTP, resolution, signatures, an environment.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.incidents.conftest import Site
from tests.sigstore import GitHub
from tests.world import Fault

OWN = GitHub()
PINNED = '[projects.demo]\npublishers = ["github:acme/demo/release.yml@refs/tags/*"]\n'


@pytest.fixture
def history(site: Site) -> Site:
    """A project that published by hand first, and from its own workflow since."""
    site.publish("8.2", 300)
    site.publish("8.3", 100, by=OWN)
    site.publish("8.3.40", 40, by=replace(OWN, ref="refs/tags/v8.3.40"))
    return site


class TestPoisonedCache:
    """Ultralytics 8.3.41 and 8.3.42: valid attestations of the project's own workflow, built from a poisoned cache."""

    def test_fresh_is_held_back(self, history: Site) -> None:
        history.publish("8.3.41", 0.5, by=OWN)
        told = history.approved("demo")
        assert told.versions == {"demo": "8.3.40"}
        assert ("demo", "8.3.41", "release-age") in told.held_back

    def test_fresh_is_refused_where_it_was_pinned(self, history: Site) -> None:
        history.publish("8.3.41", 0.5, by=OWN)
        history.refused("release-age", "too-young", "demo==8.3.41")

    def test_a_hash_lock_takes_nothing_else(self, history: Site) -> None:
        locked = history.world.main.file("demo-8.3.40-py3-none-any.whl")
        assert locked is not None
        history.publish("8.3.41", 10, by=OWN)
        lines = history.folder / "requirements.txt"
        lines.write_text(f"demo --hash=sha256:{locked.claimed}\n")
        assert history.approved("-r", "requirements.txt").versions == {"demo": "8.3.40"}
        lines.write_text(f"demo==8.3.41 --hash=sha256:{locked.claimed}\n")
        assert history.install("-r", "requirements.txt", dry_run=False).exit == 1
        assert history.installed() == set()

    def test_a_release_that_stood_goes_through(self, history: Site) -> None:
        history.publish("8.3.41", 4, by=replace(OWN, ref="refs/tags/v8.3.41"))
        assert history.approved("demo").versions == {"demo": "8.3.41"}


class TestStolenToken:
    """Ultralytics 8.3.45 and 8.3.46: no attestation, after attested releases."""

    def test_the_resolver_passes_over_it(self, history: Site) -> None:
        history.publish("8.3.45", 10)
        history.publish("8.3.46", 9)
        told = history.approved("demo")
        assert told.versions == {"demo": "8.3.40"}
        assert {("demo", "8.3.45", "downgrade"), ("demo", "8.3.46", "downgrade")} <= told.held_back

    @pytest.mark.parametrize("version", ["8.3.46", "9.0", "8.3.40.post1", "8.3.1", "8.4rc1"])
    def test_refused_where_it_was_pinned(self, history: Site, version: str) -> None:
        history.publish(version, 9)
        history.refused("downgrade", "downgrade", f"demo=={version}")

    def test_one_more_wheel_of_an_attested_release(self, history: Site) -> None:
        """It would fit better than the honest one; the honest one is taken."""
        history.publish("8.3.40", 39.999, build="9")
        told = history.approved("demo==8.3.40")
        assert [one["file"] for one in told.report["distributions"]] == ["demo-8.3.40-py3-none-any.whl"]

    def test_the_past_and_a_backport_go_through(self, history: Site) -> None:
        history.publish("8.2.1", 5)
        for version in ("8.2", "8.2.1"):
            told = history.approved(f"demo=={version}")
            assert told.findings("downgrade") == {("downgrade", "pass")}

    def test_a_waiver_lets_in_one_version(self, history: Site) -> None:
        history.publish("8.3.46", 9)
        history.publish("8.3.47", 8)
        history.policy(
            '[[waivers]]\ncheck = "downgrade"\nproject = "demo"\nversion = "8.3.46"\n'
            'reason = "uploaded by hand, said the project"\nuntil = 2026-12-01\n'
        )
        assert history.approved("demo").versions == {"demo": "8.3.46"}

    def test_who_lost_its_attestations_can_be_accepted(self, history: Site) -> None:
        lost = history.publish("8.3.46", 9)
        history.publish("8.3.47", 8)
        (history.folder / "safepip-publishers.toml").write_text(
            f'schema = 1\n[[publishers]]\nindex = "{history.server.index().reveal()}"\nproject = "demo"\n'
            f'kind = "wheel"\naccepted-unattested = true\nfile = "{lost.text}"\n'
            "uploaded = 2026-11-13T12:00:00Z\nrecorded = 2026-11-22T12:00:00Z\n"
        )
        told = history.approved("demo")
        assert told.versions == {"demo": "8.3.47"}
        assert told.findings("downgrade") == {("accepted", "pass")}


class TestNoBaseline:
    """litellm, telnyx: never attested, so there is nothing to lose; only age and what is known to be required help."""

    def test_fresh_is_held_back(self, site: Site) -> None:
        site.publish("1.82.6", 60)
        site.publish("1.82.7", 1)
        told = site.approved("demo")
        assert told.versions == {"demo": "1.82.6"}
        assert ("demo", "1.82.7", "release-age") in told.held_back

    def test_required_where_it_is_known_to_be_there(self, site: Site) -> None:
        site.publish("1.82.7", 60)
        site.policy('[projects.demo]\nattestations = "require"\n')
        site.refused("attestation", "required", "demo")

    def test_an_attested_one_meets_what_is_required(self, site: Site) -> None:
        site.publish("1.82.7", 60, by=OWN)
        site.policy('[projects.demo]\nattestations = "require"\n')
        assert site.approved("demo").versions == {"demo": "1.82.7"}

    def test_a_project_that_never_attested_is_let_be(self, site: Site) -> None:
        site.publish("1.82.7", 60)
        assert site.approved("demo").findings("downgrade") == {("downgrade", "pass")}


class TestUploadedOutsideTheWorkflow:
    """durabletask 1.4.1 to 1.4.3, within an hour."""

    def test_all_of_them_are_passed_over(self, site: Site) -> None:
        site.publish("1.4.0", 90, by=OWN)
        for number, version in enumerate(("1.4.1", "1.4.2", "1.4.3")):
            site.publish(version, 20 - number / 48)
        told = site.approved("demo")
        assert told.versions == {"demo": "1.4.0"}
        assert {("demo", version, "downgrade") for version in ("1.4.1", "1.4.2", "1.4.3")} <= told.held_back
        site.refused("downgrade", "downgrade", "demo>1.4.0")

    def test_from_the_workflow_it_goes_through(self, site: Site) -> None:
        site.publish("1.4.0", 90, by=OWN)
        site.publish("1.4.1", 20, by=OWN)
        assert site.approved("demo").versions == {"demo": "1.4.1"}


class TestScriptInjection:
    """elementary-data 0.23.3: the real pipeline, started by a stranger's input."""

    @pytest.mark.parametrize("trigger", ["issue_comment", "pull_request_target", "workflow_run"])
    def test_a_dangerous_trigger(self, history: Site, trigger: str) -> None:
        history.publish("8.3.41", 10, by=replace(OWN, trigger=trigger))
        history.policy(PINNED)
        history.refused("publisher", "trigger", "demo==8.3.41")

    def test_a_dangerous_trigger_even_without_a_pin(self, history: Site) -> None:
        history.publish("8.3.41", 10, by=replace(OWN, trigger="issue_comment"))
        history.refused("publisher", "trigger", "demo==8.3.41")

    def test_a_branch_is_no_tag(self, history: Site) -> None:
        history.publish("8.3.41", 10, by=replace(OWN, ref="refs/heads/fix"))
        history.policy(PINNED)
        history.refused("publisher", "ref", "demo==8.3.41")

    def test_a_pushed_tag_goes_through(self, history: Site) -> None:
        history.publish("8.3.41", 10, by=replace(OWN, ref="refs/tags/v8.3.41"))
        history.policy(PINNED)
        assert history.approved("demo").versions == {"demo": "8.3.41"}


class TestValidProvenanceOfTheRightRepository:
    """mistralai 2.4.6, guardrails-ai 0.10.1: pushed to a branch, outside the environment that guards releases."""

    PIN = '[projects.demo]\npublishers = ["github:acme/demo/release.yml@refs/tags/v*#environment=pypi"]\n'

    def test_no_tag(self, site: Site) -> None:
        site.publish("2.4.5", 60, by=replace(OWN, environment="pypi"))
        site.publish("2.4.6", 10, by=replace(OWN, ref="refs/heads/main", environment="pypi"))
        site.policy(self.PIN)
        site.refused("publisher", "ref", "demo")

    @pytest.mark.parametrize("entered", [None, "staging", "pypi-test"])
    def test_another_environment(self, site: Site, entered: str | None) -> None:
        site.publish("2.4.5", 60, by=replace(OWN, environment="pypi"))
        site.publish("2.4.6", 10, by=replace(OWN, environment=entered))
        site.policy(self.PIN)
        site.refused("publisher", "environment", "demo")

    def test_the_guarded_release_goes_through(self, site: Site) -> None:
        site.publish("2.4.5", 60, by=replace(OWN, environment="pypi"))
        site.policy(self.PIN)
        assert site.approved("demo").findings("publisher") == {("publisher", "pass")}


class TestDependencyConfusion:
    """torchtriton: the name of a private project, registered on the public index with a higher version."""

    def test_the_stranger_is_passed_over_or_refused(self, site: Site) -> None:
        site.world.index("public")
        site.publish("2.0", 90)
        site.publish("3.0", 40, index="public")
        public = site.server.index("public").reveal()
        told = site.install("--extra-index-url", public, "demo", dry_run=False)
        assert (told.exit, site.installed()) == (1, set())
        assert {one["check"] for one in told.report["refusals"]} == {"index-conflict"}

    def test_a_name_that_belongs_to_one_index_goes_through(self, site: Site) -> None:
        site.world.index("public")
        site.publish("2.0", 90)
        site.publish("3.0", 40, index="public")
        own = site.server.index().reveal()
        site.policy(f'[indexes.corp]\nurl = "{own}"\npackages = ["demo"]\n')
        told = site.approved("--extra-index-url", site.server.index("public").reveal(), "demo")
        assert told.versions == {"demo": "2.0"}
        assert [path for path in site.server.paths() if path.startswith("/public/")] == []


class TestResurrectedRepository:
    """The name matches, and the numeric ids do not: whoever owned it before does no longer."""

    REBORN = replace(OWN, repository_id="9001", owner_id="9002")

    def test_against_a_pin(self, site: Site) -> None:
        site.publish("1.0", 200, by=OWN)
        site.publish("1.1", 10, by=self.REBORN)
        site.policy('[projects.demo]\npublishers = ["github:acme/demo/release.yml#repository-id=1001&owner-id=2002"]\n')
        site.refused("publisher", "repository-id", "demo")

    def test_against_the_ledger(self, site: Site) -> None:
        site.publish("1.0", 200, by=OWN)
        site.approved("demo", dry_run=False)
        site.publish("1.1", 10, by=self.REBORN)
        site.refused("publisher", "repository-id", "demo==1.1")

    def test_against_the_release_before(self, site: Site) -> None:
        site.publish("1.0", 200, by=OWN)
        site.publish("1.1", 10, by=self.REBORN)
        site.refused("publisher", "publisher-changed", "demo==1.1")

    def test_the_second_release_is_not_vouched_for_by_the_first(self, site: Site) -> None:
        site.publish("1.0", 200, by=OWN)
        site.publish("1.1", 10, by=self.REBORN)
        site.publish("1.2", 9, by=self.REBORN)
        site.refused("publisher", "publisher-changed", "demo==1.2")

    def test_the_release_before_cannot_be_hidden(self, site: Site) -> None:
        """Whoever can block one request must not be able to turn the comparison off."""
        before = site.publish("1.0", 200, by=OWN)
        site.publish("1.1", 10, by=self.REBORN)
        site.server.fail(f"/files/{before.text}.provenance", Fault(status=404))
        told = site.install("demo==1.1", dry_run=False)
        assert (told.exit, told.report["outcome"], site.installed()) == (1, "could-not-check", set())
        assert [(one["check"], one["code"]) for one in told.report["refusals"]] == [
            ("publisher", "previous-unavailable")
        ]

    @pytest.mark.parametrize("ids", ["", "#repository-id=1001&owner-id=2002"])
    def test_the_same_repository_goes_through(self, site: Site, ids: str) -> None:
        site.publish("1.0", 200, by=OWN)
        site.policy(f'[projects.demo]\npublishers = ["github:acme/demo/release.yml{ids}"]\n' if ids else "")
        site.approved("demo", dry_run=False)
        site.publish("1.1", 10, by=replace(OWN, ref="refs/tags/v1.1"))
        assert site.approved("demo==1.1", dry_run=False).versions == {"demo": "1.1"}

    def test_a_registered_move_goes_through(self, site: Site) -> None:
        site.publish("1.0", 200, by=OWN)
        site.publish("1.1", 10, by=GitHub(repository="newhome/demo", repository_id="7", owner_id="8"))
        site.policy('[projects.demo]\npublishers = ["github:acme/demo", "github:newhome/demo"]\n')
        for version in ("1.0", "1.1"):
            assert site.approved(f"demo=={version}").versions == {"demo": version}


class TestMirror:
    """A mirror that strips the provenance, or serves another file's: the ledger remembers that there was one."""

    @pytest.fixture
    def known(self, site: Site) -> Site:
        site.publish("1.0", 200, by=OWN)
        site.approved("demo", dry_run=False)
        return site

    def test_stripped(self, known: Site) -> None:
        known.publish("1.1", 10, by=OWN)
        known.world.main.provenance = False
        told = known.refused("publisher", "index-offers-none", "demo==1.1")
        assert told.findings("downgrade") == {("not-offered", "pass")}  # what the page shows; the ledger knows more

    def test_stripped_of_every_file_alone(self, known: Site) -> None:
        for one in known.world.main.projects[next(iter(known.world.main.projects))]:
            one.provenance = None
        known.publish("1.1", 10)
        known.refused("publisher", "recorded-missing", "demo==1.1")

    def test_swapped_for_that_of_another_file(self, known: Site) -> None:
        new = known.publish("1.1", 10, by=OWN)
        old = known.world.main.file("demo-1.0-py3-none-any.whl")
        assert old is not None
        new.provenance = old.provenance
        known.refused("attestation", "subject-name", "demo==1.1")

    def test_swapped_for_that_of_another_publisher(self, known: Site) -> None:
        known.publish("1.1", 10, by=GitHub(repository="evil/demo", repository_id="5", owner_id="6"))
        known.refused("publisher", "identity-mismatch", "demo==1.1")
        assert known.installed() == {"demo-1.0.dist-info"}

    def test_lost_for_good(self, known: Site) -> None:
        known.publish("1.1", 10, by=OWN)
        known.world.lose("provenance")
        told = known.install("demo==1.1", dry_run=False)
        assert told.exit == 1
        codes = {(one["check"], one["code"]) for one in told.report["refusals"]}
        assert ("provenance-available", "provenance-unavailable") in codes
        assert known.installed() == {"demo-1.0.dist-info"}

    def test_a_mirror_that_keeps_it_goes_through(self, known: Site) -> None:
        known.publish("1.1", 10, by=replace(OWN, ref="refs/tags/v1.1"))
        assert known.approved("demo==1.1", dry_run=False).findings("publisher") == {("publisher", "pass")}


class TestPoisonedOldRelease:
    """One more wheel beside an old version: it reaches those who pinned the version, and no digest."""

    def test_in_strict_it_is_refused(self, site: Site) -> None:
        site.publish("1.0", 300, build="1")
        late = site.publish("1.0", 20, build="2")
        site.policy('[checks]\nlate-file = "deny"\n')
        told = site.refused("late-file", "added-later", "demo==1.0")
        assert [one["file"] for one in told.report["distributions"]] == [late.text]

    def test_else_it_warns(self, site: Site) -> None:
        site.publish("1.0", 300, build="1")
        site.publish("1.0", 20, build="2")
        assert site.approved("demo==1.0").findings("late-file") == {("added-later", "fail")}

    def test_an_unattested_wheel_beside_an_attested_sdist(self, site: Site) -> None:
        site.publish("1.0", 300, kind="sdist", by=OWN)
        site.publish("1.0", 300)
        told = site.approved("demo==1.0")
        assert told.findings("late-file") == {("late-file", "pass"), ("sdist-only-attested", "fail")}
        assert told.findings("downgrade") == {("downgrade", "pass")}

    def test_a_release_whose_files_came_together_goes_through(self, site: Site) -> None:
        site.publish("1.0", 300, kind="sdist", by=OWN)
        site.publish("1.0", 299, by=OWN)
        assert site.approved("demo==1.0").findings("late-file") == {("late-file", "pass")}


class TestIndexWithoutTimes:
    """A page in HTML lists provenance and no upload times: who was first cannot be told, and that is said."""

    def test_in_standard_it_warns_and_goes_on(self, site: Site) -> None:
        site.publish("1.0", 300, by=OWN)
        site.publish("2.0", 200)
        site.world.main.form = "html"
        told = site.approved("demo")
        assert told.versions == {"demo": "2.0"}
        assert told.findings("downgrade") == {("no-upload-times", "unknown")}

    def test_in_strict_it_is_not_fine(self, site: Site) -> None:
        site.publish("1.0", 300, by=OWN)
        site.publish("2.0", 200)
        site.world.main.form = "html"
        site.policy('[checks]\ndowngrade = "deny"\n')
        told = site.install("demo==2.0", dry_run=False)
        assert (told.exit, site.installed()) == (1, set())
        assert ("downgrade", "no-upload-times") in {(one["check"], one["code"]) for one in told.report["refusals"]}
