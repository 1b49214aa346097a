"""From what a person wrote to bytes on disk: claims and facts are different types.

`Root` is a person's word, `Listing` an index's claim, `Artifact` a fact: bytes whose digest we computed.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from packaging.requirements import Requirement
from packaging.tags import Tag
from packaging.version import Version

from safepip.errors import Malformed
from safepip.model.ident import FileName, ProjectName, Sha256, Url

HASH_ALGORITHMS = ("sha256", "sha384", "sha512")
_HEX_LENGTH = {"sha256": 64, "sha384": 96, "sha512": 128}


@dataclass(frozen=True, slots=True, order=True)
class HashPin:
    """A digest that a person asked for: `--hash=sha256:...` or a `#sha256=` fragment. md5 and sha1 are none."""

    algorithm: str
    digest: str

    @classmethod
    def parse(cls, text: str) -> HashPin:
        """`algorithm:hex`. Raises Malformed."""
        algorithm, colon, digest = text.partition(":")
        if not colon or algorithm not in _HEX_LENGTH:
            raise Malformed(f"{text!r} is not one of {', '.join(a + ':HEX' for a in HASH_ALGORITHMS)}")
        digest = digest.lower()
        if len(digest) != _HEX_LENGTH[algorithm] or not set(digest) <= set("0123456789abcdef"):
            raise Malformed(f"{text!r} is not a {algorithm} digest ({_HEX_LENGTH[algorithm]} hexadecimal digits)")
        return cls(algorithm, digest)

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.digest}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """A requirement (or a constraint) as a person wrote it.

    origin: "requirements.txt:12" or "command line"
    pins:   the digests written beside it; empty means that none were
    A wheel named by path or URL is a requirement with `.url` set.
    """

    requirement: Requirement
    origin: str
    pins: frozenset[HashPin]

    @property
    def project(self) -> ProjectName:
        return ProjectName.parse(self.requirement.name)


class Status(enum.Enum):
    """Project status markers (PEP 792)."""

    ACTIVE = "active"
    ARCHIVED = "archived"
    QUARANTINED = "quarantined"
    DEPRECATED = "deprecated"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectStatus:
    status: Status
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What an index CLAIMS about one file (simple repository API, PEP 503, 629, 658, 691, 700, 714, 740).

    index:     the index or folder that said so
    claimed:   algorithm -> hexadecimal digest, as stated
    size:      bytes, None where not stated
    yanked:    None, or the reason (which may be empty) (PEP 592)
    metadata:  None where no separate metadata file is offered, else its stated digests (may be empty) (PEP 658)
    provenance: where the PEP 740 provenance of this file is served, None where none is advertised
    direct:    a person named this very file by path or URL; no index lists it
    lent:      the provenance is what another source states of this very file; this one says nothing of any
    """

    name: FileName
    url: Url
    index: Url
    claimed: Mapping[str, str]
    size: int | None
    uploaded: datetime | None
    requires_python: str | None
    yanked: str | None
    metadata: Mapping[str, str] | None
    provenance: Url | None
    direct: bool = False
    lent: bool = False

    @property
    def sha256(self) -> Sha256 | None:
        stated = self.claimed.get("sha256")
        return Sha256(stated) if stated is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offers:
    """What an index states at all, so that "this index states no upload times" is not read as "an old file"."""

    upload_time: bool
    provenance: bool
    core_metadata: bool
    status: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexPage:
    """What one index says about one project. `skipped`: (file name, why it cannot be read)."""

    index: Url
    project: ProjectName
    listings: tuple[Listing, ...]
    status: ProjectStatus
    offers: Offers
    skipped: tuple[tuple[str, str], ...]

    @property
    def first_upload(self) -> datetime | None:
        """The earliest stated upload of any file: when the project appeared on this index."""
        return min((one.uploaded for one in self.listings if one.uploaded is not None), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """One project over all the indexes that may speak for it; `pages` is empty where none knows it."""

    name: ProjectName
    pages: tuple[IndexPage, ...]

    def page_of(self, listing: Listing) -> IndexPage | None:
        return next((page for page in self.pages if page.index == listing.index), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """The part of a distribution's core metadata that resolution needs.

    raw: the METADATA bytes as received, to be compared with those inside the wheel later
    """

    project: ProjectName
    version: Version
    requires_dist: tuple[Requirement, ...]
    requires_python: str | None
    provides_extra: frozenset[str]
    raw: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledDistribution:
    """A distribution found in the target environment. `location` is its .dist-info (or .egg-info) folder."""

    project: ProjectName
    version: Version
    location: Path
    requires_dist: tuple[Requirement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is being installed for. `tags` best first; `markers` is the PEP 508 environment without `extra`."""

    python: Version
    tags: tuple[Tag, ...]
    markers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parent:
    """Who asked: `project` is None for a root, whose place is then in `origin`."""

    project: ProjectName | None
    version: Version | None
    requirement: str
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """One chosen distribution: a file of an index, or (`installed`) one that is already there and stays.

    listing: None exactly when `installed` is not None
    metadata: None for an installed one; else what the choice was based on
    parents: in a stable order, roots first
    """

    project: ProjectName
    version: Version
    extras: frozenset[str]
    listing: Listing | None
    installed: InstalledDistribution | None
    metadata: Metadata | None
    parents: tuple[Parent, ...]

    @property
    def requested(self) -> bool:
        return any(parent.project is None for parent in self.parents)


@dataclass(frozen=True, slots=True, kw_only=True)
class PassedOver:
    """A version that would have been better and was not taken, with the reason.

    check:    the id of the check, or `yanked`, `requires-python`, `no-wheel`, `unreadable-metadata`
    eligible: when it will be acceptable, where that is known
    code, rule, hint: what a check's finding says besides
    """

    project: ProjectName
    version: Version
    file: str | None
    check: str
    message: str
    eligible: datetime | None
    code: str | None = None
    rule: str | None = None
    hint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """The answer: pins in installation order (dependencies first), and what was passed over."""

    pins: tuple[Pin, ...]
    target: Target
    passed_over: tuple[PassedOver, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexed:
    """The bytes came from an index or a find-links folder; `page` is what that index said about the project."""

    listing: Listing
    page: IndexPage


@dataclass(frozen=True, slots=True, kw_only=True)
class Local:
    """The bytes were named by a person: a path (file: URL) or a direct URL."""

    url: Url


Origin = Indexed | Local


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """Bytes whose digest WE computed, at `path`.

    digests: algorithm -> hexadecimal digest, sha256 always among them
    pins:    one set of acceptable digests for each place that pins this file; empty means nobody does
    """

    name: FileName
    sha256: Sha256
    digests: Mapping[str, str]
    size: int
    path: Path
    origin: Origin
    pins: tuple[frozenset[HashPin], ...]

    @property
    def listing(self) -> Listing | None:
        """What an index said of the file; None where a person named it."""
        return self.origin.listing if isinstance(self.origin, Indexed) else None

    @property
    def url(self) -> Url:
        """Where the bytes came from."""
        return self.origin.listing.url if isinstance(self.origin, Indexed) else self.origin.url
