"""`metadata-match`: file name, .dist-info, METADATA, WHEEL, listing and what resolution relied on all agree.

Otherwise an index could show the resolver one set of dependencies and install another. An index's claim about
Requires-Python is compared as a set of versions, not as text.
"""

from __future__ import annotations

import email.parser
from collections.abc import Iterator
from datetime import datetime

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.tags import Tag, parse_tag

from safepip.errors import Malformed
from safepip.formats.metadata import parse_metadata
from safepip.model.artifact import Artifact, Metadata
from safepip.model.evidence import Contents, Dossier, Kind, Unavailable
from safepip.model.ident import FileKind, FileName, ProjectName, parse_version
from safepip.model.policy import Policy
from safepip.model.verdict import Finding, Outcome

ID = "metadata-match"
NEEDS: frozenset[Kind] = frozenset({Kind.CONTENTS})

Fault = tuple[str, str]


def check(dossier: Dossier, policy: Policy, now: datetime) -> tuple[Finding, ...]:  # noqa: ARG001 - one signature
    key, artifact, contents = dossier.subject.key, dossier.subject.artifact, dossier.get(Contents)
    if isinstance(contents, Unavailable):
        outcome = Outcome.FAIL if contents.code == "malformed" else Outcome.UNKNOWN
        return (_finding(key, outcome, contents.code, contents.why),)
    if artifact is None or artifact.name.kind is not FileKind.WHEEL:
        return (_finding(key, Outcome.UNKNOWN, "no-wheel", "there is no wheel to look into"),)
    faults = tuple(_faults(artifact, contents))
    if faults:
        return tuple(_finding(key, Outcome.FAIL, code, message) for code, message in faults)
    return (_finding(key, Outcome.PASS, ID, "file name, METADATA, WHEEL and listing agree"),)


def _faults(artifact: Artifact, contents: Contents) -> Iterator[Fault]:
    yield from _dist_info(artifact.name, contents)
    if contents.metadata is None:
        yield "metadata", "there is no METADATA in the wheel's .dist-info folder"
        return
    try:
        metadata = parse_metadata(contents.metadata)
    except Malformed as error:
        yield "metadata", f"METADATA cannot be read: {error}"
        return
    if metadata.project != artifact.name.project or metadata.version != artifact.name.version:
        yield "metadata", f"METADATA says {metadata.project} {metadata.version}, the file name {artifact.name}"
    if contents.resolved_with is not None and contents.resolved_with != contents.metadata:
        yield "resolved-with", "the metadata that was served for resolving is not the METADATA in the wheel"
    yield from _listing(artifact, metadata)
    yield from _tags(artifact.name, contents.wheel)


def _dist_info(name: FileName, contents: Contents) -> Iterator[Fault]:
    if len(contents.dist_info) != 1:
        found = ", ".join(map(repr, contents.dist_info[:5])) or "none"
        yield "dist-info", f"expected one .dist-info folder, got {found}"
        return
    folder = contents.dist_info[0]
    project, _, version = folder.removesuffix(".dist-info").partition("-")
    try:
        agrees = ProjectName.parse(project) == name.project and parse_version(version) == name.version
    except Malformed:
        agrees = False
    if not agrees:
        yield "dist-info", f"the folder {folder!r} does not belong to {name}"


def _listing(artifact: Artifact, metadata: Metadata) -> Iterator[Fault]:
    if artifact.listing is None or artifact.listing.requires_python is None:
        return
    stated, actual = artifact.listing.requires_python, metadata.requires_python
    try:
        agrees = SpecifierSet(stated) == SpecifierSet(actual or "")
    except InvalidSpecifier:
        agrees = stated == actual
    if not agrees:
        yield "requires-python", f"the index states Requires-Python {stated!r}, METADATA {actual!r}"


def _tags(name: FileName, wheel: bytes | None) -> Iterator[Fault]:
    if wheel is None:
        yield "wheel", "there is no WHEEL in the wheel's .dist-info folder"
        return
    fields = email.parser.BytesParser().parsebytes(wheel, headersonly=True)
    version = str(fields.get("Wheel-Version", ""))
    if version.partition(".")[0] != "1":
        yield "wheel", f"Wheel-Version is {version!r}; this safepip knows 1.x"
    stated = frozenset[Tag]().union(*(parse_tag(str(tag)) for tag in fields.get_all("Tag", []) if tag.count("-") == 2))
    if stated != name.tags:
        only = sorted(str(tag) for tag in stated ^ name.tags)
        yield "tags", f"WHEEL and the file name differ in tags: {', '.join(only[:4])}"


def _finding(key: str, outcome: Outcome, code: str, message: str) -> Finding:
    return Finding(check=ID, code=code, about=key, outcome=outcome, message=message)
