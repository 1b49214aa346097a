"""`metadata-match`: file name, .dist-info, METADATA, WHEEL, listing and what resolution relied on all agree.

Otherwise an index could show the resolver one set of dependencies and install another. An index's claim about
Requires-Python is compared as a set of versions, not as text. docs/checks/metadata-match.md
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from math import prod

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.tags import Tag

from safepip.errors import Malformed
from safepip.formats.membername import shown
from safepip.formats.metadata import parse_metadata
from safepip.formats.plain import clean
from safepip.formats.wheelfields import WheelFields, parse_wheel_fields
from safepip.model.artifact import Artifact, Metadata
from safepip.model.contents import Contents
from safepip.model.evidence import Dossier, Kind, Unavailable
from safepip.model.ident import FileKind, FileName, ProjectName, parse_tags, parse_version
from safepip.model.policy import Policy
from safepip.model.verdict import Finding, Outcome

ID = "metadata-match"
NEEDS: frozenset[Kind] = frozenset({Kind.CONTENTS})

Fault = tuple[str, str]
_WHEEL_VERSION = re.compile(r"1\.\d{1,9}", re.ASCII)
_TAG = re.compile(r"[\w.]+-[\w.]+-[\w.]+", re.ASCII)
# As `FileName` reads the build tag of a name.
_BUILD = re.compile(r"(\d{1,18})((?!\d)[A-Za-z0-9_.]*)", re.ASCII)
_LINUX = re.compile(r"(?:manylinux|musllinux)(?:\d+|_\d+_\d+)_(?P<machine>\w+)", re.ASCII)
_MOST_TAGS = 5000


def check(dossier: Dossier, policy: Policy, now: datetime) -> tuple[Finding, ...]:
    """By the bytes and what was said of them; `policy` and `now` are not looked at."""
    del policy, now
    key, artifact, contents = dossier.subject.key, dossier.subject.artifact, dossier.get(Contents)
    if isinstance(contents, Unavailable):
        return (_finding(key, Outcome.UNKNOWN, contents.code, contents.why),)
    if artifact is None or artifact.name.kind is not FileKind.WHEEL:
        return (_finding(key, Outcome.UNKNOWN, "no-wheel", "there is no wheel to look into"),)
    if not contents.readable:
        return (_finding(key, Outcome.UNKNOWN, "unreadable", "the archive cannot be read"),)
    faults = tuple(_faults(artifact, contents))
    if faults:
        return tuple(_finding(key, Outcome.FAIL, code, message) for code, message in faults)
    return (_finding(key, Outcome.PASS, ID, "file name, METADATA, WHEEL and listing agree"),)


def _faults(artifact: Artifact, contents: Contents) -> Iterator[Fault]:
    yield from _dist_info(artifact.name, contents)
    yield from _wheel(artifact.name, contents.wheel)
    if contents.metadata is None:
        yield "metadata", "there is no METADATA, of a size that can be read, in one .dist-info folder"
        return
    try:
        contents.metadata.decode("utf-8")
        metadata = parse_metadata(contents.metadata)
    except UnicodeDecodeError:
        yield "metadata", "METADATA is not UTF-8"
        return
    except Malformed as error:
        yield "metadata", f"METADATA cannot be read: {error}"
        return
    if metadata.project != artifact.name.project or metadata.version != artifact.name.version:
        yield "metadata", f"METADATA says {metadata.project} {metadata.version}, the file name {artifact.name}"
    if contents.resolved_with is not None and contents.resolved_with != contents.metadata:
        yield "resolved-with", "the metadata that was served for resolving is not the METADATA in the wheel"
    yield from _listing(artifact, metadata)


def _dist_info(name: FileName, contents: Contents) -> Iterator[Fault]:
    if len(contents.dist_info) != 1:
        found = ", ".join(map(shown, contents.dist_info[:5])) or "none"
        yield "dist-info", f"expected one .dist-info folder, got {found}"
        return
    folder = contents.dist_info[0]
    project, _, version = folder.removesuffix(".dist-info").partition("-")
    try:
        parsed = ProjectName.parse(project), parse_version(version)
        agrees = parsed == (name.project, name.version) and version == version.strip()
    except Malformed:
        agrees = False
    if not agrees:
        yield "dist-info", f"the folder {shown(folder)} does not belong to {name}"


def _listing(artifact: Artifact, metadata: Metadata) -> Iterator[Fault]:
    if artifact.listing is None or artifact.listing.requires_python is None:
        return
    stated, actual = artifact.listing.requires_python, metadata.requires_python
    try:
        agrees = SpecifierSet(stated) == SpecifierSet(actual or "")
    except InvalidSpecifier:
        agrees = stated == actual
    if not agrees:
        text = f"the index states Requires-Python {clean(repr(stated))}, METADATA {clean(repr(actual))}"
        yield "requires-python", text


def _wheel(name: FileName, raw: bytes | None) -> Iterator[Fault]:
    if raw is None:
        yield "wheel", "there is no WHEEL, of a size that can be read, in one .dist-info folder"
        return
    try:
        fields = parse_wheel_fields(raw)
    except Malformed as error:
        yield "wheel", str(error)
        return
    if _WHEEL_VERSION.fullmatch(fields.version) is None:
        yield "wheel", f"Wheel-Version is {shown(fields.version)}; this safepip knows 1.x"
    yield from _build(name, fields)
    yield from _tags(name, fields)


def _build(name: FileName, fields: WheelFields) -> Iterator[Fault]:
    if fields.build is None:
        return
    match = _BUILD.fullmatch(fields.build)
    if match is None or (int(match[1]), match[2]) != name.build:
        yield "build", f"WHEEL says Build {shown(fields.build)}, the file name {name}"


def _tags(name: FileName, fields: WheelFields) -> Iterator[Fault]:
    wrong = next((tag for tag in fields.tags if not _TAG.fullmatch(tag)), None)
    if wrong is not None:
        yield "tags", f"WHEEL has the tag {shown(wrong)}, which is none"
        return
    if sum(map(_count, (*fields.tags, name.tag_text))) > _MOST_TAGS:
        yield "tags", f"WHEEL and the file name stand for more than {_MOST_TAGS:,} tags"
        return
    stated = frozenset[Tag]().union(*map(parse_tags, fields.tags))
    readings = {tag: frozenset(_readings(tag)) for tag in name.tags}
    alone = {tag for tag, meant in readings.items() if stated.isdisjoint({*meant, *_other_language(tag)})}
    alone |= stated - frozenset[Tag]().union(*readings.values())
    if alone:
        yield "tags", f"WHEEL and the file name differ in tags: {', '.join(sorted(map(str, alone))[:4])}"


def _count(tag: str) -> int:
    """How many tags a compressed one stands for: a product, which a few hundred letters can make enormous."""
    return prod(part.count(".") + 1 for part in tag.split("-"))


def _readings(named: Tag) -> Iterator[Tag]:
    """What WHEEL may state where the file name has this tag: the same, or the same for more platforms.

    Some projects build once and write the platform into the name alone (playwright), or rename what was built on
    Linux to the manylinux that it was made for (ray, mysql-connector-python).
    """
    yield named
    yield Tag(named.interpreter, named.abi, "any")
    linux = _LINUX.fullmatch(named.platform)
    if linux is not None:
        yield Tag(named.interpreter, named.abi, f"linux_{linux['machine']}")


def _other_language(named: Tag) -> Iterator[Tag]:
    """The same for the other generation of the language: a wheel that runs no code of either is named for both."""
    if named.abi == "none" and named.interpreter in {"py2", "py3"}:
        yield Tag("py2" if named.interpreter == "py3" else "py3", named.abi, named.platform)


def _finding(key: str, outcome: Outcome, code: str, message: str) -> Finding:
    return Finding(check=ID, code=code, about=key, outcome=outcome, message=message)
