"""source-kind, hash-pinned, project-status, index-conflict and provenance-available."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from packaging.version import Version

from safepip.checks import (
    Check,
    digest,
    hash_pinned,
    index_conflict,
    metadata_match,
    project_status,
    provenance_available,
    source_kind,
)
from safepip.model.artifact import HashPin, Offers, ProjectStatus, Status
from safepip.model.evidence import Attestations, Kind, Subject, Unavailable
from safepip.model.verdict import Outcome
from tests.factories import (
    METADATA,
    NOW,
    artifact,
    contents,
    dossier,
    history,
    listing,
    policy,
    project,
    sha256,
    subject,
)

PINNED = artifact(pins=(frozenset({HashPin("sha256", sha256(b"demo"))}),))


def test_a_wheel_is_let_through_and_an_sdist_is_not() -> None:
    [wheel] = source_kind.check(dossier(subject()), policy(), NOW)
    [sdist] = source_kind.check(dossier(subject(artifact(listing("demo-1.0.tar.gz")))), policy(), NOW)
    assert (wheel.outcome, sdist.outcome) == (Outcome.PASS, Outcome.FAIL)
    assert sdist.hint is not None


@pytest.mark.parametrize(
    ("rule", "requested", "pinned", "outcome"),
    [
        ("off", True, False, Outcome.PASS),
        ("roots", True, False, Outcome.FAIL),
        ("roots", True, True, Outcome.PASS),
        ("roots", False, False, Outcome.PASS),
        ("all", False, False, Outcome.FAIL),
        ("all", False, True, Outcome.PASS),
    ],
)
def test_pins_are_asked_for_as_the_rule_says(rule: str, requested: bool, pinned: bool, outcome: Outcome) -> None:
    under = policy(f'[rules]\nhashes = "{rule}"')
    about = subject(PINNED if pinned else artifact(), requested=requested)
    [finding] = hash_pinned.check(dossier(about), under, NOW)
    assert finding.outcome is outcome
    if outcome is Outcome.FAIL:
        assert f"--hash=sha256:{sha256(b'demo')}" in (finding.hint or "")


@pytest.mark.parametrize(
    ("status", "outcome", "code"),
    [
        (Status.ACTIVE, Outcome.PASS, "project-status"),
        (Status.ARCHIVED, Outcome.FAIL, "archived"),
        (Status.DEPRECATED, Outcome.FAIL, "deprecated"),
        (Status.QUARANTINED, Outcome.FAIL, "quarantined"),
    ],
)
def test_project_status(status: Status, outcome: Outcome, code: str) -> None:
    piece = history(status=ProjectStatus(status=status, reason="why\x1b[31m"))
    [finding] = project_status.check(dossier(subject(), piece), policy(), NOW)
    assert (finding.outcome, finding.code) == (outcome, code)
    assert "\x1b" not in finding.message


def test_no_stated_status_is_no_objection_but_a_missing_page_is_unknown() -> None:
    silent = Offers(upload_time=True, provenance=False, core_metadata=False, status=False)
    [finding] = project_status.check(dossier(subject(), history(offers=silent)), policy(), NOW)
    assert finding.outcome is Outcome.PASS
    [finding] = project_status.check(dossier(subject()), policy(), NOW)
    assert finding.outcome is Outcome.UNKNOWN


def test_two_sources_of_one_name() -> None:
    [alone] = index_conflict.check(dossier(subject(), history()), policy(), NOW)
    [rivals] = index_conflict.check(dossier(subject(), history(rivals=("https://b.example/",))), policy(), NOW)
    assert (alone.outcome, rivals.outcome) == (Outcome.PASS, Outcome.FAIL)


def test_a_pinned_digest_settles_whose_a_file_is() -> None:
    rivals = history(rivals=("https://b.example/",))
    [finding] = index_conflict.check(dossier(subject(PINNED), rivals), policy(), NOW)
    assert (finding.outcome, finding.code) == (Outcome.PASS, "pinned")


def test_advertised_provenance_that_cannot_be_had_is_not_unattested() -> None:
    gone = Unavailable(wanted=Kind.ATTESTATIONS, code="provenance-unavailable", why="404")
    [finding] = provenance_available.check(dossier(subject(), gone), policy(), NOW)
    assert (finding.outcome, finding.code) == (Outcome.UNKNOWN, "provenance-unavailable")
    none = Attestations(advertised=False, index_offers=True, verified=(), rejected=(), claimed_publishers=())
    [finding] = provenance_available.check(dossier(subject(), none), policy(), NOW)
    assert finding.outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"advertised": True}, "had"),
        ({"sidecars": ("demo.whl.sigstore.json",)}, "had, in demo.whl.sigstore.json beside the file"),
        ({}, "none is advertised for this file"),
        ({"index_offers": False}, "nothing here offers provenance"),
    ],
)
def test_what_could_be_had_is_told(changes: dict[str, Any], message: str) -> None:
    none = Attestations(advertised=False, index_offers=True, verified=(), rejected=(), claimed_publishers=())
    [finding] = provenance_available.check(dossier(subject(), replace(none, **changes)), policy(), NOW)
    assert (finding.outcome, finding.message) == (Outcome.PASS, message)


def test_a_sidecar_that_cannot_be_had_is_unknown_and_says_what_to_do() -> None:
    gone = Unavailable(wanted=Kind.ATTESTATIONS, code="sidecar-unavailable", why="demo.whl.sigstore.json: answered 403")
    [finding] = provenance_available.check(dossier(subject(), gone), policy(), NOW)
    assert (finding.outcome, finding.code) == (Outcome.UNKNOWN, "sidecar-unavailable")
    assert "beside the file" in (finding.hint or "")


NAMELESS = Subject(project=project("demo"), version=Version("1.0"), file=None, artifact=None, requested=True)
BYTES_WANTED = (hash_pinned, source_kind, digest)


@pytest.mark.parametrize("check", BYTES_WANTED, ids=lambda one: one.ID)
def test_without_bytes_nothing_is_fine(check: Check) -> None:
    """`Could not ask` is never a pass: under a rule that asks, silence about missing bytes would let them in."""
    asking = policy('[rules]\nhashes = "all"')
    assert [one.outcome for one in check.check(dossier(NAMELESS), asking, NOW)] == [Outcome.UNKNOWN]


@pytest.mark.parametrize("about", [NAMELESS, subject(artifact(listing("demo-1.0.tar.gz")))])
def test_what_is_no_wheel_cannot_be_looked_into(about: Subject) -> None:
    [finding] = metadata_match.check(dossier(about, contents()), policy(), NOW)
    assert (finding.outcome, finding.code) == (Outcome.UNKNOWN, "no-wheel")


@pytest.mark.parametrize("check", [project_status, index_conflict], ids=lambda one: one.ID)
def test_an_index_has_no_say_about_a_file_that_a_person_named(check: Check) -> None:
    [finding] = check.check(dossier(subject(artifact(local=True))), policy(), NOW)
    assert (finding.outcome, finding.code) == (Outcome.PASS, "not-from-index")


@pytest.mark.parametrize("check", [project_status, index_conflict], ids=lambda one: one.ID)
def test_a_page_that_could_not_be_had_is_unknown(check: Check) -> None:
    [finding] = check.check(dossier(subject()), policy(), NOW)
    assert finding.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(("stated", "outcome"), [("not a specifier", Outcome.PASS), ("another", Outcome.FAIL)])
def test_requires_python_that_nobody_can_read_is_compared_as_text(stated: str, outcome: Outcome) -> None:
    metadata = METADATA + b"Requires-Python: not a specifier\n"
    about = subject(artifact(listing(requires_python=stated)))
    findings = metadata_match.check(dossier(about, contents(metadata=metadata, resolved_with=metadata)), policy(), NOW)
    assert {one.outcome for one in findings} == {outcome}
