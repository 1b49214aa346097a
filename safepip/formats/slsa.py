"""The body of a SLSA provenance v1 predicate: who built the file, how, and from what source.

Sources: slsa.dev, build provenance v1; the build types of GitHub (actions.github.io/buildtypes/workflow/v1),
slsa-github-generator, GitLab (docs.gitlab.com, SLSA provenance v1) and Google Cloud Build (gcb-buildtypes).
What it says is the signer's word: it is worth what the signer is worth. Where it names several sources and does not
say which of them is *the* source, none is taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from safepip.formats.fields import BadAttestation
from safepip.model.evidence import Build
from safepip.model.publisher import Identity

MAX_TEXT = 2000
_GITHUB_TYPES = frozenset({
    "https://actions.github.io/buildtypes/workflow/v1",
    "https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1",
})  # fmt: skip
# Where build types state the repository: GitHub, Google Cloud Build, and their forerunners.
_STATED = ("workflow", "buildConfigSource", "configSource", "sourceToBuild")
_ADDRESS = re.compile(
    r"(?:git\+)?(?P<scheme>https?|ssh|git)://(?:[^@/\s]*@)?(?P<host>[A-Za-z0-9.-]+(?::\d{1,5})?)"
    r"/(?P<path>[^@?#\\\s]+)(?:@[^\s#]*)?(?:#\S*)?",
    re.ASCII,
)
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.ASCII)
_SHA1 = re.compile(r"[0-9a-f]{40}", re.ASCII)
_HOMES = {"github": "https://github.com/", "gitlab": "https://gitlab.com/"}
_WORKFLOW = re.compile(r"https://github\.com/([^/@]+/[^/@]+)/\.github/workflows/", re.ASCII | re.IGNORECASE)
_CASELESS = "github.com/"


def read_build(predicate: Any) -> Build:
    """Read the body. Raises BadAttestation (`predicate`) for one of the wrong shape, and nothing else."""
    body = _object(predicate, "the predicate")
    definition = _object(body.get("buildDefinition"), "buildDefinition")
    run = _object(body.get("runDetails"), "runDetails")
    build_type = _text(definition.get("buildType"), "buildType")
    builder = _text(_object(run.get("builder"), "runDetails.builder").get("id"), "runDetails.builder.id")
    parameters = _optional(definition.get("externalParameters"), "externalParameters")
    if build_type in _GITHUB_TYPES:
        workflow = _object(parameters.get("workflow"), "externalParameters.workflow")
        _text(workflow.get("repository"), "externalParameters.workflow.repository")
    source, revision = _source(tuple(_stated(parameters)), _commits(definition, parameters))
    return Build(builder=builder, build_type=build_type, source=source, revision=revision)


def certified_source(identity: Identity) -> str | None:
    """The address of the repository that the signing certificate names, in the form of `Build.source`."""
    if identity.repository is None:
        return None
    return _address(_HOMES.get(identity.kind, "") + identity.repository)


def contradicts(identity: Identity, build: Build | None) -> bool:
    """Whether a provenance names another source than the certificate of whoever signed it."""
    certified = certified_source(identity)
    claimed = build.source if build is not None else None
    return certified is not None and claimed is not None and not same_source(certified, claimed)


def workflow_repository(builder: str) -> str | None:
    """The repository of a GitHub workflow that is named as a builder, or signed; None for a builder of another form."""
    match = _WORKFLOW.match(builder)
    return match[1].lower() if match is not None else None


def same_source(one: str, other: str) -> bool:
    """Whether two addresses name one repository, by whatever protocol it is fetched."""
    return _key(one) == _key(other)


def source_matches(glob: str, source: str) -> bool:
    """Whether the glob, over addresses such as `https://github.com/acme/demo`, names that source."""
    if _key(source).startswith(_CASELESS):
        glob, source = glob.lower(), source.lower()
    return fnmatchcase(source, glob)


def _key(address: str) -> str:
    """On GitHub two names never differ by case alone."""
    place = address.partition("://")[2]
    return place.lower() if place.startswith(_CASELESS) else place


def _source(stated: tuple[str | None, ...], commits: Sequence[tuple[str, str]]) -> tuple[str | None, str | None]:
    """The one source and its one revision; None where it names none, or several."""
    candidates = {_key(one) if one is not None else None: one for one in stated or [one for one, _ in commits]}
    revisions: dict[str, set[str]] = {}
    for address, commit in commits:
        revisions.setdefault(_key(address), set()).add(commit)
    [(key, source), *others] = [*candidates.items()] or [(None, None)]
    if key is None or others or (revisions and key not in revisions):
        # It names several, or states one and resolved another: nothing of it is taken.
        return None, None
    found = revisions.get(key, set())
    return source, next(iter(found)) if len(found) == 1 else None


def _stated(parameters: Mapping[str, Any]) -> Iterator[str | None]:
    """What the build was told to build from; None for a text that is no address of a repository."""
    for key in _STATED:
        place = parameters.get(key)
        if isinstance(place, dict) and "repository" in place:
            yield _address(_text(place["repository"], f"externalParameters.{key}.repository"))
    source = parameters.get("source")
    if isinstance(source, dict):
        source = source.get("uri")
    if source is not None:
        yield _address(_text(source, "externalParameters.source"))


def _commits(definition: Mapping[str, Any], parameters: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The commits that were resolved: (address of the repository, commit). One pass, whatever its length."""
    dependencies = definition.get("resolvedDependencies")
    if dependencies is None:
        dependencies = []
    if not isinstance(dependencies, list):
        raise _wrong("resolvedDependencies is not a list")
    found = []
    source = parameters.get("source")
    for entry in [*dependencies, *([source] if isinstance(source, dict) else [])]:
        resource = _object(entry, "an entry of resolvedDependencies")
        digests = _optional(resource.get("digest"), "the digest of a dependency")
        if resource.get("uri") is None:
            continue
        uri = _text(resource["uri"], "the uri of a dependency")
        commit = _commit(uri, digests)
        address = _address(uri) if commit is not None else None
        if address is not None and commit is not None:
            found.append((address, commit))
    return found


def _commit(uri: str, digests: Mapping[str, Any]) -> str | None:
    """The commit of a git repository; None for a dependency of another kind, such as a container image.

    slsa-github-generator writes it as `sha1`. The runner of GitLab writes it as `sha256`, which 40 digits cannot be.
    """
    if any(not isinstance(value, str) for value in digests.values()):
        raise _wrong("the digest of a dependency is not a text")
    commit = digests.get("gitCommit")
    if commit is not None:
        if not _COMMIT.fullmatch(commit):
            raise _wrong("the gitCommit of a dependency is not a commit")
        return str(commit)
    for value in (digests.get("sha1") if uri.startswith("git+") else None, digests.get("sha256")):
        if value is not None and _SHA1.fullmatch(value):
            return str(value)
    return None


def _address(uri: str) -> str | None:
    """`https://host/path` of a repository, without `git+`, user, revision and `.git`; None where it is none."""
    match = _ADDRESS.fullmatch(uri)
    if match is None:
        return None
    path = match["path"].rstrip("/").removesuffix(".git")
    if not path or any(part in {"", ".", ".."} for part in path.split("/")):
        return None
    return f"{match['scheme']}://{match['host'].lower()}/{path}"


def _object(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(f"{what} is not an object")
    return value


def _optional(value: Any, what: str) -> Mapping[str, Any]:
    """JSON's null is how several builders write "nothing"."""
    return {} if value is None else _object(value, what)


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_TEXT:
        raise _wrong(f"{what} is not a text of 1 to {MAX_TEXT} characters")
    return value


def _wrong(what: str) -> BadAttestation:
    return BadAttestation("predicate", f"its SLSA provenance cannot be read: {what}")
