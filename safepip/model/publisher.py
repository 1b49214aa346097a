"""Who published a file: observed (`Identity`, from a certificate) and expected (`PublisherPin`), and how they differ.

The two never share an object: a pin is never built from what it is compared with.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who signed, as the signing certificate says (OBSERVED; what is expected is a `PublisherPin`).

    kind: github | gitlab | google | circleci | activestate | email | unknown
    subject: the certificate's subject alternative name, verbatim
    The rest follows the Fulcio extensions (OIDs 1.3.6.1.4.1.57264.1.N); None where the certificate has none.
    repository: `owner/name` for a forge whose address we know, else as the certificate has it
    repository_id, workflow: for circleci the ids of the project and of the pipeline definition
    """

    kind: str
    issuer: str
    subject: str
    repository: str | None
    repository_id: str | None
    owner_id: str | None
    workflow: str | None
    environment: str | None
    ref: str | None
    trigger: str | None
    runner: str | None
    build_signer: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PublisherPin:
    """An expected publisher, as a person pins it: `github:psf/requests/publish.yml@refs/tags/*`.

    What is None accepts any; what is named must be in the certificate.

    kind:         github | gitlab | google | circleci | activestate | email
    repository:   what the publisher is called: `owner/name` (GitHub compares it without regard to case), a GitLab
                  path, an e-mail address (google, email), a CircleCI project id, an ActiveState `org/project`
    workflow:     file name (GitHub), path (GitLab), pipeline definition id (CircleCI)
    ref:          glob over the git ref
    environment:  name of the deployment environment (GitHub compares it without regard to case)
    triggers:     the events that may start the workflow; None accepts all but the dangerous ones
    build_signer: glob over the identity of a reusable workflow; None accepts those of the repository itself
    issuer:       who vouched for the identity (e-mail only, and there it is never None)
    source:       the repository that the pipeline was started for (CircleCI only)
    """

    kind: str
    repository: str
    workflow: str | None
    ref: str | None
    environment: str | None
    repository_id: str | None = None
    owner_id: str | None = None
    triggers: frozenset[str] | None = None
    runner: str | None = None
    build_signer: str | None = None
    issuer: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One respect in which an identity is not what is expected. `code` is one of docs/checks/publisher.md."""

    code: str
    what: str
    expected: str
    got: str


# Started by strangers or with their input in reach, while the workflow holds the right to publish.
DANGEROUS_TRIGGERS = frozenset({"pull_request_target", "issue_comment", "workflow_run"})
_HOMES = {"github": "https://github.com/{}/", "gitlab": "https://gitlab.com/{}//"}
_TRIGGERS = f"any but {', '.join(sorted(DANGEROUS_TRIGGERS))}"


# The weightiest first, as `differences` yields them.
_WEIGHTS = ("repository-id", "ref", "trigger", "environment", "runner", "builder")


def matches(pin: PublisherPin, identity: Identity) -> bool:
    """Whether what was observed is what is expected."""
    return next(differences(pin, identity), None) is None


def differences(pin: PublisherPin, identity: Identity) -> Iterator[Difference]:
    """In what they differ, the weightiest first; where the kinds do, nothing else can be compared."""
    if not _same_kind(pin, identity):
        yield _difference("identity-mismatch", "kind", pin.kind, identity.kind)
        return
    yield from _issuer(pin, identity)
    if not _same_name(pin.kind, pin.repository, name_of(identity)):
        what = "account" if pin.kind in {"google", "email"} else "repository"
        yield _difference("identity-mismatch", what, pin.repository, name_of(identity))
    if pin.workflow not in {None, identity.workflow}:
        yield _difference("identity-mismatch", "workflow", pin.workflow, identity.workflow)
    yield from _source(pin, identity)
    if pin.repository_id not in {None, identity.repository_id}:
        yield _difference("repository-id", "repository id", pin.repository_id, identity.repository_id)
    yield from _owner(pin, identity)
    if pin.ref is not None and not (identity.ref is not None and fnmatchcase(identity.ref, pin.ref)):
        yield _difference("ref", "ref", pin.ref, identity.ref)
    yield from _trigger(pin, identity)
    yield from _environment(pin, identity)
    yield from _runner(pin, identity)
    signer = signer_of(identity)
    if pin.build_signer is None:
        yield from _own_signer(identity)
    elif signer is None or not fnmatchcase(signer, pin.build_signer):
        yield _difference("builder", "build signer", pin.build_signer, signer)


def closest(candidates: Iterable[tuple[Difference, ...]]) -> tuple[Difference, ...]:
    """Of what was found against each of several pins, that of the pin which differs in the least; empty where one fits.

    Empty where there is no pin, too.
    """
    return max(candidates, key=_closeness, default=())


def _closeness(found: tuple[Difference, ...]) -> int:
    if not found:
        return len(_WEIGHTS)
    return _WEIGHTS.index(found[0].code) if found[0].code in _WEIGHTS else -1


def stable_differences(recorded: PublisherPin, identity: Identity) -> Iterator[Difference]:
    """What must not have changed since that publisher was recorded: who it is, and from which workflow.

    A repository is its id where one is recorded: it may be renamed, but the same name with another id is another
    repository (deleted, and registered anew), and another owner of the same id is a transfer.
    """
    if not _same_kind(recorded, identity):
        yield _difference("identity-mismatch", "kind", recorded.kind, identity.kind)
        return
    yield from _issuer(recorded, identity)
    same_name = _same_name(recorded.kind, recorded.repository, name_of(identity))
    if recorded.repository_id in {None, identity.repository_id}:
        if recorded.repository_id is None and not same_name:
            yield _difference("identity-mismatch", "repository", recorded.repository, name_of(identity))
    elif same_name:
        yield _difference("repository-id", "repository id", recorded.repository_id, identity.repository_id)
    else:
        yield _difference("identity-mismatch", "repository", recorded.repository, name_of(identity))
    yield from _owner(recorded, identity)
    if recorded.workflow not in {None, identity.workflow}:
        yield _difference("identity-mismatch", "workflow", recorded.workflow, identity.workflow)


def soft_differences(recorded: PublisherPin, identity: Identity) -> Iterator[Difference]:
    """What may change for good reasons, and is worth a look: asked only where nothing stable differs."""
    if not _same_name(recorded.kind, recorded.repository, name_of(identity)):
        yield _difference("identity-mismatch", "repository", recorded.repository, name_of(identity))
    yield from _source(recorded, identity)
    if recorded.ref is not None and _shape(recorded.ref) != _shape(identity.ref):
        yield _difference("ref", "ref", _shape(recorded.ref), _shape(identity.ref))
    if recorded.triggers is not None and identity.trigger not in recorded.triggers:
        yield _difference("trigger", "trigger", "|".join(sorted(recorded.triggers)), identity.trigger)
    yield from _environment(recorded, identity)
    yield from _runner(recorded, identity)
    if recorded.build_signer is not None and not _same_signer(recorded, identity):
        yield _difference("builder", "build signer", recorded.build_signer, signer_of(identity))


def risks(identity: Identity, accepted: PublisherPin | None) -> Iterator[Difference]:
    """What nobody may do without having been named: a dangerous trigger, a build signer of another repository.

    accepted: what was recorded as this publisher, None on first use
    """
    if accepted is None or accepted.triggers is None or identity.trigger not in accepted.triggers:
        yield from _safe_trigger(identity)
    if accepted is None or accepted.build_signer is None or not _same_signer(accepted, identity):
        yield from _own_signer(identity)


def contradiction(claim: PublisherPin, identity: Identity) -> Difference | None:
    """Where a certificate says otherwise than the publisher that an index claims beside it; None where it does not.

    As strict as the index had to be at the upload, so by the exact name. What the certificate leaves out contradicts
    nothing: those of before 2026 name no environment.
    """
    if not _same_kind(claim, identity):
        return _difference("identity-mismatch", "kind", claim.kind, identity.kind)
    pairs = (
        ("publisher", claim.repository, name_of(identity)),
        ("workflow", claim.workflow, identity.workflow),
        ("source", claim.source, identity.repository),
    )
    for what, claimed, got in pairs:
        if claimed not in {None, got}:
            return _difference("identity-mismatch", what, claimed, got)
    if claim.ref is not None and not (identity.ref is not None and fnmatchcase(identity.ref, claim.ref)):
        return _difference("identity-mismatch", "ref", claim.ref, identity.ref)
    return next(_environment(claim, identity), None) if identity.environment is not None else None


def name_of(identity: Identity) -> str | None:
    """What a pin calls `repository`."""
    if identity.kind in {"google", "email"}:
        return identity.subject
    return identity.repository_id if identity.kind == "circleci" else identity.repository


def signer_of(identity: Identity) -> str | None:
    """The workflow that held the key: the subject of a forge's certificate is nothing else."""
    return identity.build_signer or (identity.subject if identity.kind in _HOMES else None)


def _same_kind(pin: PublisherPin, identity: Identity) -> bool:
    """Google vouches for service accounts and for people alike: an address is the same by either name of the kind."""
    return pin.kind == identity.kind or (pin.kind == "email" and identity.kind == "google")


def _same_name(kind: str, expected: str, got: str | None) -> bool:
    """On GitHub two names never differ by case alone; elsewhere they are compared as they stand."""
    if got is not None and kind == "github" and got.isascii():
        return expected.lower() == got.lower()
    return expected == got


def _issuer(pin: PublisherPin, identity: Identity) -> Iterator[Difference]:
    """Of every other kind there is one issuer, which the kind stands for."""
    if (pin.kind == "email" or pin.issuer is not None) and pin.issuer != identity.issuer:
        yield _difference("identity-mismatch", "issuer", pin.issuer, identity.issuer)


def _source(pin: PublisherPin, identity: Identity) -> Iterator[Difference]:
    if pin.source not in {None, identity.repository}:
        yield _difference("identity-mismatch", "source", pin.source, identity.repository)


def _owner(pin: PublisherPin, identity: Identity) -> Iterator[Difference]:
    if pin.owner_id not in {None, identity.owner_id}:
        yield _difference("repository-id", "owner id", pin.owner_id, identity.owner_id)


def _trigger(pin: PublisherPin, identity: Identity) -> Iterator[Difference]:
    if pin.triggers is None:
        yield from _safe_trigger(identity)
    elif identity.trigger not in pin.triggers:
        yield _difference("trigger", "trigger", "|".join(sorted(pin.triggers)), identity.trigger)


def _safe_trigger(identity: Identity) -> Iterator[Difference]:
    """The names are GitHub's; elsewhere a trigger of that name is something else."""
    if identity.kind == "github" and identity.trigger in DANGEROUS_TRIGGERS:
        yield _difference("trigger", "trigger", _TRIGGERS, identity.trigger)


def _environment(pin: PublisherPin, identity: Identity) -> Iterator[Difference]:
    """On GitHub environments are named without regard to case, and PyPI serves those names in lower case."""
    if pin.environment is not None and not _same_name(pin.kind, pin.environment, identity.environment):
        yield _difference("environment", "environment", pin.environment, identity.environment)


def _runner(pin: PublisherPin, identity: Identity) -> Iterator[Difference]:
    if pin.runner not in {None, identity.runner}:
        yield _difference("runner", "runner", pin.runner, identity.runner)


def _own_signer(identity: Identity) -> Iterator[Difference]:
    """A workflow of another repository decides there what is published here: somebody must have named it."""
    home = _home(identity.kind, identity.repository)
    if home is not None and not _below(home, identity.kind, signer_of(identity)):
        yield _difference("builder", "build signer", f"{home}...", signer_of(identity))


def _home(kind: str, repository: str | None) -> str | None:
    """Where the workflows of a repository are; those of none that is named are nowhere."""
    return _HOMES[kind].format(repository or "-") if kind in _HOMES else None


def _below(home: str, kind: str, signer: str | None) -> bool:
    return signer is not None and _same_name(kind, home, signer[: len(home)])


def _same_signer(recorded: PublisherPin, identity: Identity) -> bool:
    """The same workflow at whatever ref; that of a repository itself keeps its path where the repository is renamed."""
    signer = signer_of(identity)
    if recorded.build_signer is None or signer is None:
        return False
    path, expected = signer.partition("@")[0], recorded.build_signer.partition("@")[0]
    before, now = _home(recorded.kind, recorded.repository), _home(identity.kind, identity.repository)
    if before is not None and now is not None and _below(before, recorded.kind, expected):
        return _below(now, identity.kind, path) and fnmatchcase(path[len(now) :], expected[len(before) :])
    return fnmatchcase(path, expected)


def _shape(ref: str | None) -> str | None:
    """`refs/tags/...` for any tag: what changes from release to release is left out."""
    if ref is None:
        return None
    parts = ref.split("/")
    return f"{parts[0]}/{parts[1]}/..." if len(parts) > 2 else ref


def _difference(code: str, what: str, expected: str | None, got: str | None) -> Difference:
    return Difference(code=code, what=what, expected=expected or "none", got=got or "none")
