"""What `safepip verify` was asked, what it saw, and what it makes of that.

What is expected (`Signer`, `PublisherPin`, a key) and what was observed (`VerifiedAttestation`) never share an object.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from safepip.model.artifact import Artifact, HashPin
from safepip.model.evidence import RejectedAttestation, VerifiedAttestation
from safepip.model.ident import FileName, Sha256, Url
from safepip.model.publisher import Identity, PublisherPin


class Decision(enum.Enum):
    """VERIFIED: it holds, and is what was expected. REFUSED: it is not. UNKNOWN: nobody could say."""

    VERIFIED = "verified"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfFile:
    """A file of this machine. `name`: what it is called where it was published; None for any other file."""

    typed: str
    name: FileName | None

    @property
    def path(self) -> Path:
        return Path(self.typed)

    def __str__(self) -> str:
        return self.typed


@dataclass(frozen=True, slots=True, kw_only=True)
class OfDigest:
    """Bytes that are elsewhere, by their digest alone."""

    sha256: Sha256
    name: FileName | None

    def __str__(self) -> str:
        return f"sha256:{self.sha256}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfIndex:
    """A file that a configured index lists, by its address. `pin`: the digest after `#`, where one was typed."""

    url: Url
    name: FileName
    pin: HashPin | None

    def __str__(self) -> str:
        return str(self.url)


Target = OfFile | OfDigest | OfIndex


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """`--identity` and `--issuer`: the certificate's subject and who vouched for it, both to the letter."""

    subject: str
    issuer: str

    def is_met_by(self, identity: Identity) -> bool:
        return (self.subject, self.issuer) == (identity.subject, identity.issuer)

    def __str__(self) -> str:
        return f"{self.subject} (issuer {self.issuer})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What was typed beside the targets.

    publishers: `--publisher`, any of which will do; empty where none was typed
    key:        the name of the `--key` file: what verifies is then signed by that key
    """

    publishers: tuple[PublisherPin, ...]
    signer: Signer | None
    key: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What a target turned out to be.

    label:    the name of the file, None where only a digest is known
    file:     its name as a distribution, None for one that is no distribution
    digests:  by algorithm, all that could be computed; of bytes that are elsewhere the one that was typed
    artifact: the bytes of a distribution, None where only their digest is known
    """

    label: str | None
    file: FileName | None
    sha256: Sha256
    digests: Mapping[str, str]
    artifact: Artifact | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """Why a target is not verified. `code` is stable: one of docs/commands/verify.md, of a check, or of an error."""

    decision: Decision
    code: str
    message: str
    hint: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """One target, judged.

    sources:  where its attestations were found
    met:      the expectations that were met, in words; verified means at least one, and no objection
    notes:    what is worth telling and no objection
    """

    target: str
    file: str | None
    sha256: Sha256 | None
    sources: tuple[str, ...]
    verified: tuple[VerifiedAttestation, ...]
    rejected: tuple[RejectedAttestation, ...]
    met: tuple[str, ...]
    notes: tuple[str, ...]
    objections: tuple[Objection, ...]

    @property
    def decision(self) -> Decision:
        """Refused wins over unknown: what is known to be wrong stays wrong whatever else could not be had."""
        if any(one.decision is Decision.REFUSED for one in self.objections):
            return Decision.REFUSED
        if self.objections or not self.met or not self.verified:
            return Decision.UNKNOWN
        return Decision.VERIFIED

    @property
    def leading(self) -> Objection | None:
        """The objection that decided."""
        return next((one for one in self.objections if one.decision is self.decision), None)
