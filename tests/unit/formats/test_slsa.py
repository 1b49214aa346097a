from __future__ import annotations

import copy
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safepip.formats.fields import BadAttestation
from safepip.formats.slsa import certified_source, read_build, same_source, source_matches
from safepip.model.evidence import Build
from safepip.model.publisher import Identity

COMMIT = "08802efe1f8e5fec4ad842d6b8ce97656092ee72"
OTHER = "1" * 40
DEMO = "https://github.com/acme/demo"
SIGNER = f"{DEMO}/.github/workflows/release.yml@refs/tags/v1.0"
IMAGE = {"uri": "gcr.io/cloud-builders/docker@sha256:" + "2" * 64, "digest": {"sha256": "2" * 64}}


def git(uri: str = f"git+{DEMO}@refs/tags/v1.0", commit: str = COMMIT, key: str = "gitCommit") -> dict[str, Any]:
    return {"uri": uri, "digest": {key: commit}}


def predicate(
    parameters: object, *dependencies: object, kind: str = "https://example.com/build/v1", builder: str = SIGNER
) -> dict[str, Any]:
    definition = {"buildType": kind, "externalParameters": parameters, "resolvedDependencies": list(dependencies)}
    return {"buildDefinition": definition, "runDetails": {"builder": {"id": builder}}}


# As GitHub's attest-build-provenance writes it; the shape of a real one of an index.
GITHUB: dict[str, Any] = {
    "buildDefinition": {
        "buildType": "https://actions.github.io/buildtypes/workflow/v1",
        "externalParameters": {
            "workflow": {"ref": "refs/tags/v1.0", "repository": DEMO, "path": ".github/workflows/release.yml"}
        },
        "internalParameters": {"github": {"event_name": "release", "repository_id": "772247423"}},
        "resolvedDependencies": [git()],
    },
    "runDetails": {"builder": {"id": SIGNER}, "metadata": {"invocationId": f"{DEMO}/actions/runs/1/attempts/1"}},
}
NPM_LIKE = predicate(
    {"workflow": {"ref": "refs/heads/main", "repository": DEMO, "path": ".github/workflows/release.yml"}},
    git(),
    kind="https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1",
    builder="https://github.com/actions/runner/github-hosted",
)
DELEGATED = predicate(
    {"inputs": {"rekor-log-public": False}, "vars": {}},
    git(),
    kind="https://github.com/slsa-framework/slsa-github-generator/delegator-generic@v0",
    builder="https://github.com/acme/tool/.github/workflows/builder_slsa3.yml@refs/tags/v1.10.0",
)
CONTAINER = predicate(
    {
        "source": git(key="sha1"),
        "builderImage": {"uri": "bash@sha256:" + "9" * 64, "digest": {"sha256": "9" * 64}},
        "configPath": ".github/configs-docker/config.toml",
    },
    git(key="sha1"),
    {"uri": "bash@sha256:" + "9" * 64, "digest": {"sha256": "9" * 64}},
    kind="https://slsa.dev/container-based-build/v0.1?draft",
)
GITLAB = predicate(
    {"source": "https://gitlab.com/acme/tools/demo", "entryPoint": "build-job", "variables": {"CI": "true"}},
    git("https://gitlab.com/acme/tools/demo"),
    kind="https://docs.gitlab.com/ci/pipeline_security/slsa/provenance_v1",
    builder="https://gitlab.com/acme/tools/demo/-/runners/12270831",
)
# The runner itself calls the commit a sha256.
GITLAB_RUNNER = predicate(
    {"source": "https://gitlab.com/acme/tools/demo", "entryPoint": "build", "parameters": {"CI": ""}},
    git("https://gitlab.com/acme/tools/demo", key="sha256"),
    kind="https://gitlab.com/gitlab-org/gitlab-runner/-/blob/v17.0.0/PROVENANCE.md",
    builder="https://gitlab.com/acme/tools/demo/-/runners/1",
)
GOOGLE = predicate(
    {
        "substitutions": {},
        "buildConfigSource": {"path": "cloudbuild.yaml", "ref": "refs/heads/main", "repository": f"git+{DEMO}"},
    },
    git(f"git+{DEMO}"),
    IMAGE,
    kind="https://cloud.google.com/build/gcb-buildtypes/google-worker/v1",
    builder="https://cloudbuild.googleapis.com/GoogleHostedWorker",
)
GOOGLE_WITHOUT_SOURCE = predicate(
    {"substitutions": {}, "buildConfigSource": None},
    IMAGE,
    kind="https://cloud.google.com/build/gcb-buildtypes/google-worker/v1",
    builder="https://cloudbuild.googleapis.com/GoogleHostedWorker",
)
BARE = {"buildDefinition": {"buildType": "https://example.com/regen"}, "runDetails": {"builder": {"id": "x"}}}


@pytest.mark.parametrize(
    ("body", "source", "revision"),
    [
        (GITHUB, DEMO, COMMIT),
        (NPM_LIKE, DEMO, COMMIT),
        (DELEGATED, DEMO, COMMIT),
        (CONTAINER, DEMO, COMMIT),
        (GITLAB, "https://gitlab.com/acme/tools/demo", COMMIT),
        (GITLAB_RUNNER, "https://gitlab.com/acme/tools/demo", COMMIT),
        (GOOGLE, DEMO, COMMIT),
        (GOOGLE_WITHOUT_SOURCE, None, None),
        (BARE, None, None),
    ],
)
def test_what_real_builders_write(body: dict[str, Any], source: str | None, revision: str | None) -> None:
    before = copy.deepcopy(body)
    assert read_build(body) == Build(
        builder=body["runDetails"]["builder"]["id"],
        build_type=body["buildDefinition"]["buildType"],
        source=source,
        revision=revision,
    )
    assert body == before


STATED = {"workflow": {"repository": DEMO}}


@pytest.mark.parametrize(
    ("body", "source", "revision"),
    [
        # Several, and nothing says which: none is taken.
        (predicate({}, git(), git("git+https://github.com/evil/demo", OTHER)), None, None),
        (predicate(STATED, git(), git("git+https://github.com/evil/demo", OTHER)), DEMO, COMMIT),
        (predicate(STATED, git(), git(commit=OTHER)), DEMO, None),
        (predicate(STATED, git("git+https://github.com/evil/demo", OTHER)), None, None),
        (predicate({**STATED, "source": "https://github.com/evil/demo"}, git()), None, None),
        (predicate({**STATED, "source": {"uri": "git+https://github.com/evil/demo"}}, git()), None, None),
        (predicate({"workflow": {"repository": "acme/demo"}}, git()), None, None),
        # One repository, however it is spelled.
        (predicate(STATED, git("git+https://github.com/Acme/Demo.git@refs/heads/main")), DEMO, COMMIT),
        (predicate(STATED, git("git+ssh://git@github.com/acme/demo.git")), DEMO, COMMIT),
        (predicate(STATED, git(), git()), DEMO, COMMIT),
        (predicate(STATED), DEMO, None),
        (predicate({"workflow": "release"}, git()), DEMO, COMMIT),
        (predicate(None, git(commit="3" * 64)), DEMO, "3" * 64),
        # Other dependencies are no sources.
        (predicate({}, {"uri": "pkg:pypi/x@1", "digest": {"sha1": COMMIT}}), None, None),
        (predicate({}, {"digest": {"sha256": "0" * 64}}), None, None),
        (predicate({}, git("gs://bucket/source.tgz")), None, None),
        (predicate({}, git("git+https://github.com/acme/../evil")), None, None),
        (predicate({}, git("git+https://github.com@evil.example/acme/demo")), "https://evil.example/acme/demo", COMMIT),
    ],
)
def test_no_source_is_picked_in_silence(body: dict[str, Any], source: str | None, revision: str | None) -> None:
    build = read_build(body)
    assert (build.source, build.revision) == (source, revision)


def without(*path: str) -> dict[str, Any]:
    body = copy.deepcopy(GITHUB)
    inner = body
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    return body


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "text",
        {},
        without("buildDefinition"),
        without("runDetails"),
        without("buildDefinition", "buildType"),
        without("runDetails", "builder"),
        without("runDetails", "builder", "id"),
        without("buildDefinition", "externalParameters"),
        without("buildDefinition", "externalParameters", "workflow"),
        without("buildDefinition", "externalParameters", "workflow", "repository"),
        predicate([]),
        predicate({"workflow": {"repository": 3}}),
        predicate({"source": 3}),
        predicate({"source": {"uri": ["x"]}}),
        predicate({}, "git"),
        predicate({}, {"uri": 3}),
        predicate({}, {"uri": "git+https://x/y", "digest": []}),
        predicate({}, {"uri": "git+https://x/y", "digest": {"gitCommit": 3}}),
        predicate({}, git(commit="main")),
        predicate({}, git(commit=COMMIT.upper())),
        predicate({}, builder=" "),
        predicate({}, builder="x" * 3000),
        {**GITHUB, "buildDefinition": {**GITHUB["buildDefinition"], "resolvedDependencies": {}}},
    ],
)
def test_another_shape_is_refused_with_its_code(body: object) -> None:
    with pytest.raises(BadAttestation) as caught:
        read_build(body)
    assert caught.value.code == "predicate"
    assert caught.value.known


def test_a_hundred_thousand_dependencies_are_read_in_bounded_time() -> None:
    many = [git(f"git+https://host/{number}/{'x' * 100}") for number in range(100_000)]
    begun = time.process_time()
    build = read_build(predicate({}, *many))
    assert (build.source, build.revision) == (None, None)
    assert read_build(predicate(STATED, git(), *many)).revision == COMMIT
    assert time.process_time() - begun < 10


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30) | st.sampled_from([DEMO, f"git+{DEMO}", COMMIT]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["workflow", "repository", "source", "uri", "digest", "gitCommit", "sha1", "id", "builder"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@given(json, json, json, json)
def test_no_document_escapes_as_anything_but_a_refusal(whole: Any, parameters: Any, resolved: Any, run: Any) -> None:
    built = {"buildType": DEMO, "externalParameters": parameters, "resolvedDependencies": resolved}
    for body in (whole, {"buildDefinition": built, "runDetails": run}, predicate(parameters, resolved, kind=DEMO)):
        try:
            build = read_build(body)
        except BadAttestation as error:
            assert error.code == "predicate"  # noqa: PT017 - a refusal is one of two right answers
        else:
            assert build.builder
            assert build.source is None or "@" not in build.source


def identity(kind: str, repository: str | None) -> Identity:
    return Identity(
        kind=kind,
        issuer="issuer",
        subject="subject",
        repository=repository,
        repository_id=None,
        owner_id=None,
        workflow=None,
        environment=None,
        ref=None,
        trigger=None,
        runner=None,
        build_signer=None,
    )


@pytest.mark.parametrize(
    ("kind", "repository", "source"),
    [
        ("github", "acme/demo", DEMO),
        ("gitlab", "acme/tools/demo", "https://gitlab.com/acme/tools/demo"),
        ("unknown", "https://forge.example/acme/demo", "https://forge.example/acme/demo"),
        ("circleci", "not an address", None),
        ("email", None, None),
    ],
)
def test_the_source_that_a_certificate_names(kind: str, repository: str | None, source: str | None) -> None:
    assert certified_source(identity(kind, repository)) == source


def test_sources_are_compared_as_their_forge_does() -> None:
    assert same_source(DEMO, "ssh://github.com/Acme/DEMO")
    assert not same_source("https://gitlab.com/acme/demo", "https://gitlab.com/Acme/demo")
    assert not same_source(DEMO, "https://github.com/acme/demo2")
    assert source_matches("https://github.com/Acme/*", DEMO)
    assert source_matches("*ACME/demo", DEMO)
    assert not source_matches("https://gitlab.com/Acme/*", "https://gitlab.com/acme/demo")
    assert not source_matches("https://github.com/acme", DEMO)
