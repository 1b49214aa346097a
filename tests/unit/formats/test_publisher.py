from __future__ import annotations

import pytest

from safepip.errors import Malformed
from safepip.formats.publisher import describe, parse_publisher, render_publisher
from safepip.model.evidence import Identity
from safepip.model.publisher import PublisherPin


def pin(kind: str, repository: str, **parts: str) -> PublisherPin:
    every: dict[str, str | None] = {"workflow": None, "ref": None, "environment": None, **parts}
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
        "circleci:a/b",
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
        (identity("email", "a@b.example"), "email:a@b.example (issuer https://issuer.example)"),
        (identity("github", "https://x"), "github:https://x (issuer https://issuer.example)"),
    ],
)
def test_an_identity_is_described_in_the_form_of_a_pin(who: Identity, line: str) -> None:
    assert describe(who) == line


def test_a_description_is_safe_to_print() -> None:
    line = describe(identity("github", repository="a/b\x1b[2J\u202e\n", workflow="x" * 9000))
    assert line.isprintable()
    assert len(line) < 1100
