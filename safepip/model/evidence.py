"""What was gathered about one subject: the only thing that checks may look at."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from packaging.version import Version

from safepip.model.artifact import Artifact, Offers, ProjectStatus
from safepip.model.ident import FileName, ProjectName, Url


class Kind(enum.Enum):
    """The kinds of evidence. The pipeline gathers the union of what the active checks need, and nothing else."""

    HISTORY = "history"
    CONTENTS = "contents"
    ATTESTATIONS = "attestations"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who signed, as the signing certificate says (OBSERVED; what is expected is a `PublisherPin`).

    kind: github | gitlab | google | circleci | activestate | email | unknown
    subject: the certificate's subject alternative name, verbatim
    The rest follows the Fulcio extensions (OIDs 1.3.6.1.4.1.57264.1.N); None where the certificate has none.
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
class VerifiedAttestation:
    """An attestation whose signature, certificate, log entry and subject all hold for exactly this artifact.

    predicate: the in-toto predicate type
    logged_at: when the transparency log (or a time-stamp authority) saw it
    trust_root: sha256 of the trusted root that it was verified against
    """

    predicate: str
    identity: Identity
    logged_at: datetime | None
    trust_root: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedAttestation:
    """An attestation that does not hold. `code` is one of the stable codes of docs/checks/attestation.md.

    known: whether its predicate (or publisher) is of a kind that we claim to understand; one of an unknown kind is
    reported and is fatal only when nothing else satisfies the policy.
    """

    code: str
    message: str
    known: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Attestations:
    """Every attestation that is served for the file, judged cryptographically.

    advertised: whether the index said that there is provenance for this file
    index_offers: whether the index offers provenance for any file at all
    claimed_publishers: what the index says in `publisher`; a hint to compare, never an expectation
    """

    advertised: bool
    index_offers: bool
    verified: tuple[VerifiedAttestation, ...]
    rejected: tuple[RejectedAttestation, ...]
    claimed_publishers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What is inside a wheel, as far as identity goes.

    dist_info: the names of all top-level *.dist-info folders
    metadata:  the bytes of METADATA, None where there is none
    wheel:     the bytes of WHEEL, None where there is none
    resolved_with: the METADATA bytes that resolution relied on, None where the wheel's own were used
    """

    dist_info: tuple[str, ...]
    metadata: bytes | None
    wheel: bytes | None
    resolved_with: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What the index states about the project as a whole and about this file's age.

    uploaded: when this file was uploaded; first_upload: the earliest of the project's files
    rivals: other sources of the same name that do not list this very file
    """

    index: Url
    offers: Offers
    status: ProjectStatus
    uploaded: datetime | None
    first_upload: datetime | None
    rivals: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unavailable:
    """Evidence that was wanted and could not be had: reads as UNKNOWN, never as fine."""

    wanted: Kind
    code: str
    why: str


Evidence = History | Contents | Attestations | Unavailable
_KINDS: Mapping[type, Kind] = {
    History: Kind.HISTORY,
    Contents: Kind.CONTENTS,
    Attestations: Kind.ATTESTATIONS,
}
E_ = TypeVar("E_", History, Contents, Attestations)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is judged: a version of a project, and its bytes once we have them.

    requested: whether a person named the project, as opposed to a dependency of something
    """

    project: ProjectName
    version: Version
    file: FileName | None
    artifact: Artifact | None
    requested: bool

    @property
    def named(self) -> bool:
        """Whether a person named this very file by path or address: then no index has a say about it."""
        return self.artifact is not None and self.artifact.listing is None

    @property
    def key(self) -> str:
        """What findings are about: the digest of the bytes, else `name==version`."""
        return self.artifact.sha256 if self.artifact is not None else f"{self.project}=={self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    subject: Subject
    evidence: tuple[Evidence, ...]

    def get(self, form: type[E_]) -> E_ | Unavailable:
        """The evidence of that form; `Unavailable` where it could not be had or was never gathered."""
        kind = _KINDS[form]
        for piece in self.evidence:
            if isinstance(piece, form):
                return piece
            if isinstance(piece, Unavailable) and piece.wanted is kind:
                return piece
        return Unavailable(wanted=kind, code="not-gathered", why=f"no {kind.value} were gathered")
