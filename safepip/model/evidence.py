"""What was gathered about one subject: the only thing that checks may look at."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from packaging.version import Version

from safepip.model.artifact import Artifact, Offers, ProjectStatus
from safepip.model.contents import Contents
from safepip.model.continuity import Continuity, Sibling
from safepip.model.ident import FileName, ProjectName, Url
from safepip.model.ledger import Recorded
from safepip.model.neighbours import Neighbours
from safepip.model.publisher import Identity, PublisherPin


class Kind(enum.Enum):
    """The kinds of evidence. The pipeline gathers the union of what the active checks need, and nothing else."""

    HISTORY = "history"
    CONTENTS = "contents"
    ATTESTATIONS = "attestations"
    EXPECTATION = "expectation"
    NEIGHBOURS = "neighbours"


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """How a file was built, as a SLSA provenance v1 says: the signer's word, and as good as the signer.

    builder: `runDetails.builder.id`; build_type: `buildDefinition.buildType`
    source:  address of the source repository, without revision; revision: the commit
    """

    builder: str
    build_type: str
    source: str | None
    revision: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedAttestation:
    """An attestation whose signature, certificate, log entry and subject all hold for exactly this artifact.

    predicate: the in-toto predicate type; `formats.statement.SIGNATURE` for a plain signature over the bytes
    logged_at: when the transparency log (or a time-stamp authority) saw it
    trust_root: sha256 of the trusted root that it was verified against
    build: what a SLSA provenance says, None for other predicates
    log, log_index: the host name of the log, and the number of the entry there; None where they were not kept
    """

    predicate: str
    identity: Identity
    logged_at: datetime | None
    trust_root: str
    build: Build | None = None
    log: str | None = None
    log_index: int | None = None


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
    sidecars: the names of the files beside it that were read, where there is no provenance of an index
    """

    advertised: bool
    index_offers: bool
    verified: tuple[VerifiedAttestation, ...]
    rejected: tuple[RejectedAttestation, ...]
    claimed_publishers: tuple[str, ...]
    sidecars: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What the index states about the project as a whole and about this file's age.

    uploaded: when this file was uploaded; first_upload: the earliest of the project's files
    rivals: other sources of the same name that do not list this very file
    continuity: what is attested on the pages that list this file, and when, as far as it still counts; None where
                they offer no provenance, and for a file that is attested itself
    attested: whether the index advertises provenance for this file
    accepted: the ledger's word that this file need not be attested, None where nobody said so
    siblings: the files of the same version on the page, this one among them; not there at listing level
    """

    index: Url
    offers: Offers
    status: ProjectStatus
    uploaded: datetime | None
    first_upload: datetime | None
    rivals: tuple[str, ...]
    continuity: Continuity | None = None
    attested: bool = False
    accepted: Recorded | None = None
    siblings: tuple[Sibling, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Previous:
    """Who published the attested release before this one, where neither pin nor ledger says who it should be.

    file: the one whose publish attestations were verified; identities: theirs, never empty
    index: where it is listed, and the file that is compared with it too
    """

    file: FileName
    index: Url
    identities: tuple[Identity, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """Who is expected to have published this file, by whatever but the policy's pins, the weightier first.

    locked:   what a lock file says (PEP 751 `attestation-identities`), empty where it says nothing
    recorded: what the ledger remembers of this project, for this kind of file, on each index that lists the file
    previous: what the project's own history says; gathered only where nothing above does
    """

    locked: tuple[PublisherPin, ...]
    locked_place: str | None
    recorded: tuple[Recorded, ...]
    previous: Previous | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unavailable:
    """Evidence that was wanted and could not be had: reads as UNKNOWN, never as fine."""

    wanted: Kind
    code: str
    why: str


Evidence = History | Contents | Attestations | Expected | Neighbours | Unavailable
_KINDS: Mapping[type, Kind] = {
    History: Kind.HISTORY,
    Contents: Kind.CONTENTS,
    Attestations: Kind.ATTESTATIONS,
    Expected: Kind.EXPECTATION,
    Neighbours: Kind.NEIGHBOURS,
}
E_ = TypeVar("E_", History, Contents, Attestations, Expected, Neighbours)


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

    @property
    def inside(self) -> Contents | Unavailable:
        """The contents, for what cannot be said of an archive whose members could not be read."""
        contents = self.get(Contents)
        if isinstance(contents, Contents) and not contents.readable:
            return Unavailable(wanted=Kind.CONTENTS, code="unreadable", why="the archive cannot be read")
        return contents

    def get(self, form: type[E_]) -> E_ | Unavailable:
        """The evidence of that form; `Unavailable` where it could not be had or was never gathered."""
        kind = _KINDS[form]
        for piece in self.evidence:
            if isinstance(piece, form):
                return piece
            if isinstance(piece, Unavailable) and piece.wanted is kind:
                return piece
        return Unavailable(wanted=kind, code="not-gathered", why=f"no {kind.value} were gathered")
