"""How an identity differs from a pin, from what was recorded, and from what an index claims."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from safepip.formats.publisher import as_pin, from_claim, parse_publisher
from safepip.model.publisher import (
    DANGEROUS_TRIGGERS,
    Identity,
    PublisherPin,
    contradiction,
    differences,
    matches,
    risks,
    soft_differences,
    stable_differences,
)

HOME = "https://github.com/acme/demo/.github/workflows/release.yml@"
WHO = Identity(
    kind="github",
    issuer="https://token.actions.githubusercontent.com",
    subject=f"{HOME}refs/tags/v1.0",
    repository="acme/demo",
    repository_id="1",
    owner_id="2",
    workflow="release.yml",
    environment="pypi",
    ref="refs/tags/v1.0",
    trigger="push",
    runner="github-hosted",
    build_signer=f"{HOME}refs/tags/v1.0",
)
CIRCLE = replace(
    WHO,
    kind="circleci",
    issuer="https://oidc.circleci.com",
    subject="https://circleci.com/api/v2/projects/p-1/pipeline-definitions/d-1",
    repository="github.com/acme/demo",
    repository_id="p-1",
    workflow="d-1",
    environment=None,
    owner_id=None,
    trigger=None,
    runner='""',
    build_signer="https://circleci.com/api/v2/projects/p-1/pipeline-definitions/d-1",
)


def recorded(who: Identity = WHO) -> PublisherPin:
    pin = as_pin(who)
    assert pin is not None
    return pin


def test_all_that_differs_is_told_the_weightiest_first() -> None:
    pin = parse_publisher(
        "github:evil/x/ci.yml@refs/heads/*#environment=test&repository-id=9&owner-id=8&trigger=release"
        "&runner=self-hosted&builder=https://github.com/evil/*"
    )
    found = list(differences(pin, WHO))
    assert [one.what for one in found] == [
        "repository",
        "workflow",
        "repository id",
        "owner id",
        "ref",
        "trigger",
        "environment",
        "runner",
        "build signer",
    ]
    assert [one.code for one in found] == [
        *("identity-mismatch", "identity-mismatch", "repository-id", "repository-id"),
        *("ref", "trigger", "environment", "runner", "builder"),
    ]
    assert (found[4].expected, found[4].got) == ("refs/heads/*", "refs/tags/v1.0")


def test_what_is_absent_is_not_what_is_named() -> None:
    bare = replace(WHO, repository_id=None, owner_id=None, environment=None, ref=None, trigger=None, runner=None)
    found = {one.what: one.got for one in differences(recorded(), bare)}
    assert set(found) == {"repository id", "owner id", "environment", "ref", "trigger", "runner"}
    assert set(found.values()) == {"none"}


def test_a_mailbox_without_its_issuer_is_nobodys() -> None:
    """No line says so, and a value that is made by hand must not accept all issuers."""
    bare = PublisherPin(kind="email", repository="a@b.example", workflow=None, ref=None, environment=None)
    who = replace(WHO, kind="email", subject="a@b.example")
    assert not matches(bare, who)
    assert not matches(bare, replace(who, kind="google"))


def test_kelvin_is_no_k() -> None:
    """Case folding of all of Unicode would make two names one."""
    pin = parse_publisher("github:akme/demo#builder=*")
    assert not matches(pin, replace(WHO, repository="a\u212ame/demo"))
    assert matches(pin, replace(WHO, repository="AKME/demo"))


@pytest.mark.parametrize("trigger", sorted(DANGEROUS_TRIGGERS))
def test_a_trigger_that_strangers_have_in_their_hands_must_be_named(trigger: str) -> None:
    who = replace(WHO, trigger=trigger)
    assert [one.code for one in differences(parse_publisher("github:acme/demo"), who)] == ["trigger"]
    assert matches(parse_publisher(f"github:acme/demo#trigger={trigger}"), who)
    assert [one.code for one in risks(who, None)] == ["trigger"]
    assert not list(risks(who, recorded(who)))
    assert [one.code for one in risks(who, recorded())] == ["trigger"]


@pytest.mark.parametrize(
    ("signer", "own"),
    [
        (f"{HOME}refs/heads/x", True),
        ("https://github.com/ACME/Demo/.github/workflows/other.yml@main", True),
        ("https://github.com/acme/demo2/.github/workflows/release.yml@main", False),
        ("https://github.com/acme/shared/.github/workflows/release.yml@main", False),
        ("https://github.com/acme/demo", False),
        ("https://github.example/acme/demo/x", False),
        ("http://github.com/acme/demo/x", False),
    ],
)
def test_a_build_signer_of_another_repository_must_be_named(signer: str, own: bool) -> None:
    for who in (replace(WHO, build_signer=signer), replace(WHO, build_signer=None, subject=signer)):
        assert matches(parse_publisher("github:acme/demo"), who) is own
        assert bool(list(risks(who, None))) is not own
        assert matches(recorded(who), who)


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({}, []),
        ({"ref": "refs/tags/v2.0", "build_signer": f"{HOME}refs/tags/v2.0"}, []),
        ({"repository": "acme/new", "build_signer": HOME.replace("demo", "new")}, []),
        ({"repository_id": "9"}, ["repository-id"]),  # deleted, and registered anew
        ({"repository": "evil/demo", "repository_id": "9"}, ["identity-mismatch"]),
        ({"repository": "evil/demo", "owner_id": "9"}, ["repository-id"]),  # a transfer
        ({"owner_id": None}, ["repository-id"]),
        ({"workflow": "ci.yml"}, ["identity-mismatch"]),
        ({"kind": "gitlab", "repository_id": "1"}, ["identity-mismatch"]),
        ({"kind": "unknown"}, ["identity-mismatch"]),
    ],
)
def test_who_it_is_must_not_change(changes: dict[str, Any], codes: list[str]) -> None:
    assert [one.code for one in stable_differences(recorded(), replace(WHO, **changes))] == codes


def test_without_an_id_the_name_is_who_it_is() -> None:
    old = recorded(replace(WHO, repository_id=None, owner_id=None))
    assert not list(stable_differences(old, replace(WHO, repository="ACME/demo")))
    assert [one.code for one in stable_differences(old, replace(WHO, repository="acme/new"))] == ["identity-mismatch"]


@pytest.mark.parametrize(
    ("changes", "whats"),
    [
        ({"ref": "refs/tags/v2.0", "build_signer": f"{HOME}refs/tags/v2.0"}, []),
        ({"ref": "refs/heads/main"}, ["ref"]),
        ({"ref": "main"}, ["ref"]),
        ({"repository": "acme/new", "build_signer": HOME.replace("acme/demo", "acme/new")}, ["repository"]),
        ({"repository": "acme/new"}, ["repository", "build signer"]),
        ({"trigger": "release"}, ["trigger"]),
        ({"environment": "PyPI"}, []),
        ({"environment": None, "runner": "self-hosted"}, ["environment", "runner"]),
        ({"build_signer": HOME.replace("release", "other")}, ["build signer"]),
        ({"build_signer": "https://github.com/acme/shared/.github/workflows/x.yml@v1"}, ["build signer"]),
    ],
)
def test_how_it_publishes_may_change_and_is_told(changes: dict[str, Any], whats: list[str]) -> None:
    assert [one.what for one in soft_differences(recorded(), replace(WHO, **changes))] == whats


def test_circleci_is_its_two_ids() -> None:
    pin = recorded(CIRCLE)
    assert (pin.repository, pin.workflow, pin.source) == ("p-1", "d-1", "github.com/acme/demo")
    assert matches(pin, CIRCLE)
    assert [one.what for one in stable_differences(pin, replace(CIRCLE, repository_id="p-2"))] == ["repository"]
    assert [one.what for one in stable_differences(pin, replace(CIRCLE, workflow="d-2"))] == ["workflow"]
    assert [one.what for one in soft_differences(pin, replace(CIRCLE, repository="x", runner="ssh-rerun"))] == [
        "source",
        "runner",
    ]


GITHUB = {"kind": "GitHub", "repository": "acme/demo", "workflow": "release.yml", "environment": "pypi"}
CIRCLECI = {"kind": "CircleCI", "project_id": "p-1", "pipeline_definition_id": "d-1"}


@pytest.mark.parametrize(
    ("claim", "who", "what"),
    [
        (GITHUB, WHO, None),
        ({**GITHUB, "environment": ""}, WHO, None),
        (GITHUB, replace(WHO, environment=None), None),  # from before the certificates named it
        (GITHUB, replace(WHO, environment="PyPI"), None),  # PyPI stores it in lower case
        (GITHUB, replace(WHO, environment="test"), "environment"),
        ({**GITHUB, "repository": "evil/demo"}, WHO, "publisher"),
        ({**GITHUB, "repository": "Acme/demo"}, WHO, "publisher"),
        ({**GITHUB, "workflow": "ci.yml"}, WHO, "workflow"),
        (GITHUB, replace(WHO, workflow=None), "workflow"),
        (GITHUB, replace(WHO, kind="gitlab"), "kind"),
        (GITHUB, replace(WHO, trigger="workflow_run", build_signer="https://github.com/x/y/z"), None),
        ({"kind": "Google", "email": "a@b.example"}, replace(WHO, kind="google", subject="a@b.example"), None),
        ({"kind": "Google", "email": "a@b.example"}, replace(WHO, kind="google", subject="c@b.example"), "publisher"),
        ({"kind": "Google", "email": "a@b.example"}, replace(WHO, kind="email", subject="a@b.example"), "kind"),
        (CIRCLECI, CIRCLE, None),
        ({**CIRCLECI, "vcs_origin": "github.com/acme/demo", "vcs_ref": "refs/tags/v1.0"}, CIRCLE, None),
        ({**CIRCLECI, "vcs_origin": "github.com/evil/demo"}, CIRCLE, "source"),
        ({**CIRCLECI, "vcs_ref": "refs/tags/*"}, CIRCLE, "ref"),
        ({**CIRCLECI, "project_id": "p-2"}, CIRCLE, "publisher"),
    ],
)
def test_an_index_must_not_say_otherwise_than_the_certificate(
    claim: dict[str, Any], who: Identity, what: str | None
) -> None:
    read = from_claim(claim)
    assert read is not None
    found = contradiction(read, who)
    assert (found.what if found is not None else None) == what
