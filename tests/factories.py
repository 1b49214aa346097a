"""Values for tests, complete and valid; each function takes what the test is about and fills in the rest."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

from safepip.formats.policyfile import parse_policy
from safepip.model.artifact import (
    Artifact,
    HashPin,
    Indexed,
    IndexPage,
    Listing,
    Local,
    Metadata,
    Offers,
    Parent,
    Pin,
    ProjectStatus,
    Status,
)
from safepip.model.contents import Contents, Manifest
from safepip.model.evidence import Dossier, Evidence, History, Subject
from safepip.model.ident import FileName, ProjectName, Sha256, Url
from safepip.model.layers import combine
from safepip.model.levels import LayerKind
from safepip.model.policy import Policy
from safepip.model.publisher import Identity

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=timezone.utc)
OLD = NOW - timedelta(days=400)
INDEX = Url("https://index.example/simple/")
OFFERS = Offers(upload_time=True, provenance=True, core_metadata=True, status=True)
ACTIVE = ProjectStatus(status=Status.ACTIVE, reason=None)
# Who signs in most tests; others are told as what differs from it.
WHO = Identity(
    kind="github",
    issuer="https://token.actions.githubusercontent.com",
    subject="https://github.com/acme/demo/.github/workflows/release.yml@refs/tags/v1.0",
    repository="acme/demo",
    repository_id="1001",
    owner_id="2002",
    workflow="release.yml",
    environment=None,
    ref="refs/tags/v1.0",
    trigger="push",
    runner="github-hosted",
    build_signer=None,
)


def sha256(content: bytes) -> Sha256:
    return Sha256.parse(hashlib.sha256(content).hexdigest())


def listing(
    file: str = "demo-1.0-py3-none-any.whl",
    *,
    content: bytes = b"demo",
    uploaded: datetime | None = OLD,
    claimed: Mapping[str, str] | None = None,
    size: int | None = None,
    requires_python: str | None = None,
    provenance: Url | None = None,
) -> Listing:
    return Listing(
        name=FileName.parse(file),
        url=INDEX.join(f"../files/{file}"),
        index=INDEX,
        claimed={"sha256": sha256(content)} if claimed is None else claimed,
        size=size,
        uploaded=uploaded,
        requires_python=requires_python,
        yanked=None,
        metadata=None,
        provenance=provenance,
    )


def page(*listings: Listing, offers: Offers = OFFERS, status: ProjectStatus = ACTIVE) -> IndexPage:
    return IndexPage(
        index=INDEX,
        project=listings[0].name.project,
        listings=listings,
        status=status,
        offers=offers,
        skipped=(),
    )


def artifact(
    claim: Listing | None = None,
    *,
    content: bytes = b"demo",
    pins: tuple[frozenset[HashPin], ...] = (),
    local: bool = False,
) -> Artifact:
    claim = claim if claim is not None else listing(content=content)
    return Artifact(
        name=claim.name,
        sha256=sha256(content),
        digests={"sha256": sha256(content), "sha512": hashlib.sha512(content).hexdigest()},
        size=len(content),
        path=Path("store") / claim.name.text,
        origin=Local(url=Url("file:///tmp/demo.whl")) if local else Indexed(listing=claim, page=page(claim)),
        pins=pins,
    )


def subject(of: Artifact | None = None, *, requested: bool = True) -> Subject:
    of = of if of is not None else artifact()
    return Subject(project=of.name.project, version=of.name.version, file=of.name, artifact=of, requested=requested)


def history(
    *,
    uploaded: datetime | None = OLD,
    first_upload: datetime | None = OLD,
    offers: Offers = OFFERS,
    status: ProjectStatus = ACTIVE,
    rivals: tuple[str, ...] = (),
) -> History:
    return History(
        index=INDEX, offers=offers, status=status, uploaded=uploaded, first_upload=first_upload, rivals=rivals
    )


METADATA = b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"
WHEEL = b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


MANIFEST = Manifest(dist_info="demo-1.0.dist-info", files=(), entry_points=())
CONTENTS = Contents(
    sha256=sha256(b"demo"),
    faults=(),
    record_faults=(),
    manifest=MANIFEST,
    dist_info=(MANIFEST.dist_info,),
    metadata=METADATA,
    wheel=WHEEL,
    resolved_with=METADATA,
    hooks=(),
    native=(),
    world_writable=(),
)


def contents(
    *,
    dist_info: tuple[str, ...] = ("demo-1.0.dist-info",),
    metadata: bytes | None = METADATA,
    wheel: bytes | None = WHEEL,
    resolved_with: bytes | None = METADATA,
) -> Contents:
    return replace(CONTENTS, dist_info=dist_info, metadata=metadata, wheel=wheel, resolved_with=resolved_with)


def dossier(about: Subject | None = None, *evidence: Evidence) -> Dossier:
    return Dossier(subject=about if about is not None else subject(), evidence=evidence)


def pin(of: Artifact | None = None, *, requirement: str = "demo", origin: str = "command line") -> Pin:
    of = of if of is not None else artifact()
    claim = of.origin.listing if isinstance(of.origin, Indexed) else listing(of.name.text)
    return Pin(
        project=of.name.project,
        version=of.name.version,
        extras=frozenset(),
        listing=claim,
        installed=None,
        metadata=Metadata(
            project=of.name.project,
            version=of.name.version,
            requires_dist=(),
            requires_python=None,
            provides_extra=frozenset(),
            raw=METADATA,
        ),
        parents=(Parent(project=None, version=None, requirement=requirement, origin=origin),),
    )


def policy(*texts: str) -> Policy:
    """The policy of those layers, outermost first; `schema = 1` is put in front of each."""
    layers = [
        parse_policy(
            f"schema = 1\n{text}".encode(), f"layer{number}.toml", table=(), kind=LayerKind.USER, today=NOW.date()
        )
        for number, text in enumerate(texts)
    ]
    return combine([layer for layer in layers if layer is not None], NOW.date())


def project(name: str) -> ProjectName:
    return ProjectName.parse(name)
