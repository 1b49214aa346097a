from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from safepip.errors import BadInput, Malformed
from safepip.formats.policyfile import parse_policy
from safepip.formats.publisher import as_pin, describe, from_claim, parse_publisher, read_publisher, render_publisher
from safepip.model.levels import LayerKind
from safepip.model.publisher import Identity, PublisherPin, matches
from tests.factories import NOW

LOGIN = "https://github.com/login/oauth"
PROJECT, PIPELINE = "fdd9283f-e619-46af-8f9c-851f7d3e8b2b", "8e4f8ab2-8d7c-4827-9f15-de076d6d647f"


def pin(kind: str, repository: str, **parts: Any) -> PublisherPin:
    every: dict[str, Any] = {"workflow": None, "ref": None, "environment": None, **parts}
    return PublisherPin(kind=kind, repository=repository, **every)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("github:psf/requests", pin("github", "psf/requests")),
        ("github:psf/requests/publish.yml", pin("github", "psf/requests", workflow="publish.yml")),
        (
            "github:psf/requests/publish.yml@refs/tags/*",
            pin("github", "psf/requests", workflow="publish.yml", ref="refs/tags/*"),
        ),
        ("github:psf/requests@refs/tags/v[0-9]*", pin("github", "psf/requests", ref="refs/tags/v[0-9]*")),
        ("github:a/b@refs/tags/x@y", pin("github", "a/b", ref="refs/tags/x@y")),
        ("github:a/b#environment=the release#2", pin("github", "a/b", environment="the release#2")),
        (
            "github:a/b/c.yaml@refs/heads/main#environment=release",
            pin("github", "a/b", workflow="c.yaml", ref="refs/heads/main", environment="release"),
        ),
        ("gitlab:group/project", pin("gitlab", "group/project")),
        (
            "gitlab:group/sub/project/.gitlab-ci.yml@main",
            pin("gitlab", "group/sub/project", workflow=".gitlab-ci.yml", ref="main"),
        ),
        ("gitlab:group/project//ci/release.yml", pin("gitlab", "group/project", workflow="ci/release.yml")),
        ("gitlab:group/project//pipeline", pin("gitlab", "group/project", workflow="pipeline")),
        ("google:a-b@c.iam.gserviceaccount.com", pin("google", "a-b@c.iam.gserviceaccount.com")),
        (f"email:sam@example.org#issuer={LOGIN}", pin("email", "sam@example.org", issuer=LOGIN)),
        (f"circleci:{PROJECT}", pin("circleci", PROJECT)),
        (
            f'circleci:{PROJECT}/{PIPELINE}@refs/heads/*#runner=""&source=github.com/acme/demo',
            pin(
                "circleci",
                PROJECT,
                workflow=PIPELINE,
                ref="refs/heads/*",
                runner='""',
                source="github.com/acme/demo",
            ),
        ),
        ("activestate:acme/demo", pin("activestate", "acme/demo")),
        (
            (
                "github:a/b#environment=x&repository-id=1&owner-id=2&trigger=push|release&runner=github-hosted"
                "&builder=https://github.com/acme/shared/*"
            ),
            pin(
                "github",
                "a/b",
                environment="x",
                repository_id="1",
                owner_id="2",
                triggers=frozenset({"push", "release"}),
                runner="github-hosted",
                build_signer="https://github.com/acme/shared/*",
            ),
        ),
        (
            "github:a/b/the%20release.yml@refs/heads/fix%2312",
            pin("github", "a/b", workflow="the release.yml", ref="refs/heads/fix#12"),
        ),
        ("github:a/b#environment=R%26D&owner-id=2", pin("github", "a/b", environment="R&D", owner_id="2")),
        ("github:a/b#environment=100%25", pin("github", "a/b", environment="100%")),
        ("github:a/b#environment=%20%20x%20", pin("github", "a/b", environment="  x ")),
        ("github:a/b#environment=%20%20", pin("github", "a/b", environment="  ")),
        ("github:a/b#environment=x%E2%80%AE", pin("github", "a/b", environment="x\u202e")),
        ("gitlab:a/b/c.yml", pin("gitlab", "a/b", workflow="c.yml")),
        ("gitlab:a/b/c%2Eyml", pin("gitlab", "a/b/c.yml")),
        ("gitlab:a/b.yml", pin("gitlab", "a/b.yml")),
    ],
)
def test_a_line_is_read_and_written(line: str, expected: PublisherPin) -> None:
    assert parse_publisher(line) == expected
    assert render_publisher(expected) == line


@pytest.mark.parametrize(
    "line",
    [
        "",
        "github",
        "github:",
        "github:psf",
        "github:psf/",
        "github:psf/requests/",
        "github:psf/requests/publish",
        "github:psf/requests/.github/workflows/publish.yml",
        "github:psf/requests@",
        "github:psf/requests@refs tags",
        "github:psf/requests#environment=",
        "github:psf/requests#env=x",
        "github:psf/requests\n",
        "github: psf/requests",
        "GitHub:psf/requests",
        "github:psf/réquests",
        "https://github.com/psf/requests",
        "gitlab:project",
        "gitlab:group/project//",
        "gitlab:group//project//ci.yml",
        "google:someone",
        "google:a@b.example@refs/tags/*",
        "google:a@b.example#environment=x",
        "google:a@b.example#issuer=https://accounts.google.com",
        "email:a@b.example",
        "email:a@b.example#issuer=",
        "email:a@b.example#issuer=github",
        f"email:a@b.example#issuer={LOGIN}&runner=x",
        f"email:a@b.example@refs/tags/*#issuer={LOGIN}",
        "circleci:a/b/c",
        "circleci:a/b#environment=x",
        "circleci:a/b#repository-id=1",
        "activestate:a",
        "activestate:a/b@refs/tags/*",
        "github:a/b#",
        "github:a/b#environment=x&",
        "github:a/b#environment=x&environment=y",
        "github:a/b#trigger=",
        "github:a/b#trigger=push|",
        "github:a/b#trigger=push release",
        "github:a/b#Environment=x",
        "github:a/b#environment=%0A",
        "github:a/b#environment=%FF",
        "github:a/b#repository-id=1 2",
        f"github:a/b#issuer={LOGIN}",
        "github:a%2Fb",
        "github:a/b%2Fc",
        "github:a/b/%2E%2E%2Fc.yml",
        "github:a/b@refs/tags/a%20b",
        "gitlab:a/b//c//d",
        "github:a/b@" + "x" * 1000,
        7,
        None,
    ],
)
def test_what_is_no_publisher_is_refused(line: object) -> None:
    with pytest.raises(Malformed):
        parse_publisher(line)


def identity(kind: str, subject: str = "subject", **parts: str) -> Identity:
    names = ("repository", "repository_id", "owner_id", "workflow", "environment", "ref", "trigger", "runner")
    every: dict[str, str | None] = {**dict.fromkeys((*names, "build_signer")), **parts}
    return Identity(kind=kind, issuer="https://issuer.example", subject=subject, **every)


@pytest.mark.parametrize(
    ("who", "line"),
    [
        (
            identity("github", repository="a/b", workflow="c.yml", ref="refs/tags/v1", environment="e"),
            "github:a/b/c.yml@refs/tags/v1#environment=e",
        ),
        (identity("gitlab", repository="a/b", workflow="ci/c.yml", ref="main"), "gitlab:a/b//ci/c.yml@main"),
        (identity("google", "a@b.example"), "google:a@b.example"),
        (identity("email", "a@b.example"), "email:a@b.example#issuer=https://issuer.example"),
        (
            identity("circleci", repository="github.com/a/b", repository_id=PROJECT, workflow=PIPELINE, ref="main"),
            f"circleci:{PROJECT}/{PIPELINE}@main#source=github.com/a/b",
        ),
        (identity("activestate", repository="a/b"), "activestate:a/b"),
        (identity("github", "https://x"), "github:https://x (issuer https://issuer.example)"),
        (identity("github", "https://x", repository="a/b c"), "github:https://x (issuer https://issuer.example)"),
        (identity("unknown", "sam!x"), "unknown:sam!x (issuer https://issuer.example)"),
    ],
)
def test_an_identity_is_described_in_the_form_of_a_pin(who: Identity, line: str) -> None:
    assert describe(who) == line


def test_a_description_is_safe_to_print() -> None:
    line = describe(identity("github", repository="a/b\x1b[2J\u202e\n", workflow="x" * 9000))
    assert line.isprintable()
    assert len(line) < 1100


WHOLE = identity(
    "github",
    "https://github.com/a/b/.github/workflows/c.yml@refs/tags/v1",
    repository="a/b",
    repository_id="1",
    owner_id="2",
    workflow="c.yml",
    environment="R&D",
    ref="refs/tags/v1",
    trigger="push",
    runner="github-hosted",
)


def test_a_whole_identity_becomes_a_pin() -> None:
    pinned = as_pin(WHOLE)
    assert pinned is not None
    assert render_publisher(pinned) == (
        "github:a/b/c.yml@refs/tags/v1#environment=R%26D&repository-id=1&owner-id=2&trigger=push&runner=github-hosted"
        "&builder=https://github.com/a/b/.github/workflows/c.yml@refs/tags/v1"
    )
    assert matches(pinned, WHOLE)


@pytest.mark.parametrize("slot", ["ref", "build_signer"])
def test_what_was_observed_is_no_glob(slot: str) -> None:
    home = "https://github.com/a/b/.github/workflows/"
    starred, other = (dataclasses.replace(WHOLE, **{slot: f"{home}{end}"}) for end in ("x[1]*?.yml@v", "x1yy.yml@v"))
    pinned = as_pin(starred)
    assert pinned is not None
    assert matches(parse_publisher(render_publisher(pinned)), starred)
    assert not matches(pinned, other)


@pytest.mark.parametrize(
    "who",
    [
        identity("unknown", "https://ci.example"),
        identity("github", "https://x"),
        identity("github", "https://x", repository="a/b\n"),
        identity("github", "https://x", repository="a/b", ref="x" * 501),
        identity("email", "no address"),
        identity("circleci", "https://circleci.com/x", repository="github.com/a/b"),
    ],
)
def test_what_cannot_be_pinned_is_no_pin(who: Identity) -> None:
    assert as_pin(who) is None


# --- the table


@pytest.mark.parametrize(
    ("table", "line"),
    [
        ({"kind": "github", "repository": "acme/tool"}, "github:acme/tool"),
        (
            {
                "kind": "github",
                "repository": "acme/tool",
                "workflow": "release.yml",
                "ref": "refs/tags/*",
                "environment": "pypi",
                "repository-id": "123",
                "owner-id": "7",
                "triggers": ["push", "release"],
                "runner": "github-hosted",
                "build-signer": "https://github.com/acme/*",
            },
            (
                "github:acme/tool/release.yml@refs/tags/*#environment=pypi&repository-id=123&owner-id=7"
                "&trigger=push|release&runner=github-hosted&builder=https://github.com/acme/*"
            ),
        ),
        ({"kind": "gitlab", "repository": "a/b", "workflow": "ci/x.yml"}, "gitlab:a/b//ci/x.yml"),
        ({"kind": "google", "account": "a@b.example"}, "google:a@b.example"),
        ({"kind": "email", "account": "a@b.example", "issuer": LOGIN}, f"email:a@b.example#issuer={LOGIN}"),
        (
            {"kind": "circleci", "project-id": PROJECT, "pipeline-definition-id": PIPELINE},
            f"circleci:{PROJECT}/{PIPELINE}",
        ),
        ({"kind": "activestate", "repository": "a/b"}, "activestate:a/b"),
    ],
)
def test_a_table_says_the_same_as_a_line(table: dict[str, Any], line: str) -> None:
    assert read_publisher(table) == parse_publisher(line)


@pytest.mark.parametrize(
    "table",
    [
        {},
        {"kind": "forge", "repository": "a/b"},
        {"kind": ["github"], "repository": "a/b"},
        {"kind": "github"},
        {"kind": "github", "repository": ""},
        {"kind": "github", "repository": 7},
        {"kind": "github", "repository": "a"},
        {"kind": "github", "repository": "a/b", "workflows": "x.yml"},
        {"kind": "github", "repository": "a/b", "repository_id": "1"},
        {"kind": "github", "repository": "a/b", "repository-id": 1},
        {"kind": "github", "repository": "a/b", "triggers": "push"},
        {"kind": "github", "repository": "a/b", "triggers": []},
        {"kind": "github", "repository": "a/b", "triggers": [1]},
        {"kind": "github", "repository": "a/b", "issuer": LOGIN},
        {"kind": "google", "account": "a@b.example", "repository": "a@b.example"},
        {"kind": "email", "account": "a@b.example"},
        {"kind": "circleci", "project-id": PROJECT, "environment": "x"},
    ],
)
def test_a_table_that_cannot_be_followed_is_refused(table: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        read_publisher(table)


def policy(value: str) -> Any:
    text = f"schema = 1\n[projects.demo]\npublishers = {value}\n"
    return parse_policy(text.encode(), "safepip.toml", table=(), kind=LayerKind.USER, today=NOW.date())


def test_a_policy_has_lines_and_tables() -> None:
    layer = policy('["github:a/b", { kind = "google", account = "a@b.example" }]')
    [(_, rules)] = layer.projects
    assert [render_publisher(one) for one in rules.publishers.value] == ["github:a/b", "google:a@b.example"]


@pytest.mark.parametrize("value", ["[]", '"github:a/b"', "[7]", '[{ kind = "github" }]', '["email:a@b.example"]'])
def test_a_policy_that_pins_nobody_is_a_fault(value: str) -> None:
    with pytest.raises(BadInput) as caught:
        policy(value)
    assert caught.value.context[0][0] == "safepip.toml:3"


# --- the claim of an index, or of a lock


@pytest.mark.parametrize(
    ("claim", "line"),
    [
        ({"kind": "GitHub", "repository": "a/b", "workflow": "c.yml", "environment": ""}, "github:a/b/c.yml"),
        ({"kind": "GitHub", "repository": "a/b", "workflow": "c.yml", "environment": None, "x": 1}, "github:a/b/c.yml"),
        (
            {"kind": "GitHub", "repository": "a/b", "workflow": "c.yml", "environment": "pypi"},
            "github:a/b/c.yml#environment=pypi",
        ),
        ({"kind": "GitLab", "repository": "a/b", "workflow_filepath": "ci/x.yml"}, "gitlab:a/b//ci/x.yml"),
        ({"kind": "Google", "email": "a@b.example"}, "google:a@b.example"),
        (
            {"kind": "CircleCI", "project_id": PROJECT, "pipeline_definition_id": PIPELINE, "vcs_origin": None},
            f"circleci:{PROJECT}/{PIPELINE}",
        ),
        (
            {
                "kind": "CircleCI",
                "project_id": PROJECT,
                "pipeline_definition_id": PIPELINE,
                "vcs_origin": "github.com/a/b",
                "vcs_ref": "refs/heads/*",
            },
            f"circleci:{PROJECT}/{PIPELINE}@refs/heads/[*]#source=github.com/a/b",
        ),
        ({"kind": "ActiveState", "organization": "a", "project": "b"}, "activestate:a/b"),
        ({"kind": "ActiveState", "other": "a"}, None),
        ({"kind": "Forge", "repository": 7}, None),
        ({"kind": "github", "repository": "a/b", "workflow": "c.yml"}, None),
        ({"kind": ["GitHub"]}, None),
        ({}, None),
    ],
)
def test_a_claim_is_read(claim: dict[str, Any], line: str | None) -> None:
    assert from_claim(claim) == (parse_publisher(line) if line is not None else None)


@pytest.mark.parametrize(
    "claim",
    [
        {"kind": "GitHub"},
        {"kind": "GitHub", "repository": "a/b"},
        {"kind": "GitHub", "repository": "a/b", "workflow": ""},
        {"kind": "GitHub", "repository": ["a/b"], "workflow": "c.yml"},
        {"kind": "GitHub", "repository": "a/b", "workflow": "c.yml", "environment": 7},
        {"kind": "GitHub", "repository": "a b/c", "workflow": "c.yml"},
        {"kind": "GitHub", "repository": "a/b", "workflow": "../c.yml"},
        {"kind": "GitLab", "repository": "a/b", "workflow": "c.yml"},
        {"kind": "Google", "email": "nobody"},
        {"kind": "CircleCI", "project_id": PROJECT},
        {"kind": "CircleCI", "project_id": PROJECT, "pipeline_definition_id": PIPELINE, "vcs_ref": 7},
    ],
)
def test_a_claim_of_a_known_kind_is_whole(claim: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        from_claim(claim)
