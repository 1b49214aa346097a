"""What a project's own page tells of its past: a file without attestation after attested ones is a downgrade.

By upload time and not by version, so that a backport does not look like a takeover (docs/checks/downgrade.md).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import accumulate

from packaging.version import Version

from safepip.model.artifact import Listing
from safepip.model.ident import FileKind, FileName
from safepip.model.ledger import Recorded

Line = tuple[int, int, int]
# Long enough for a release that its project never made to be noticed and taken down.
SETTLED = timedelta(days=14)
# How far back the nearest file that tells is looked for; beyond it, the first one that tells is named instead.
_NEAR = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Sibling:
    """A file as far as its release goes: when it came, and whether it is attested."""

    name: FileName
    uploaded: datetime | None
    attested: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What some attested files go on in, whenever they came: one for each release line, and the lowest version."""

    lines: Mapping[Line, Listing]
    lowest: Listing | None

    @classmethod
    def of(cls, attested: Collection[Listing]) -> Reach:
        lines = {line_of(one.name.version): one for one in reversed(tuple(attested))}
        lowest = min(attested, key=lambda one: one.name.version, default=None)
        return cls(lines=lines, lowest=lowest)

    def to(self, version: Version) -> Listing | None:
        low = self.lowest if self.lowest is not None and self.lowest.name.version <= version else None
        return self.lines.get(line_of(version), low)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """The attested files of one kind, arranged so that a page of thousands can be asked about each file.

    dated:    those with an upload time, by it
    lines:    the first upload of each release line
    versions: the versions among `dated`, ascending; first: beside each, the first upload of it or of a lower one
    undated:  of those whose upload time the index does not state; whole: of all
    """

    dated: tuple[Listing, ...]
    lines: Mapping[Line, Listing]
    versions: tuple[Version, ...]
    first: tuple[Listing, ...]
    undated: Reach
    whole: Reach

    @classmethod
    def of(cls, attested: Collection[Listing]) -> Series:
        dated = sorted((one for one in attested if one.uploaded is not None), key=_when)
        first: dict[Version, Listing] = {}
        for one in dated:
            first.setdefault(one.name.version, one)
        versions = sorted(first)
        ascending = (first[version] for version in versions)
        return cls(
            dated=tuple(dated),
            lines=Reach.of(dated).lines,
            versions=tuple(versions),
            first=tuple(accumulate(ascending, lambda one, other: min(one, other, key=_when))),
            undated=Reach.of([one for one in attested if one.uploaded is None]),
            whole=Reach.of(attested),
        )

    def before(self, version: Version, uploaded: datetime) -> Listing | None:
        at = bisect_right(self.versions, version)
        telling = (self.lines.get(line_of(version)), self.first[at - 1] if at else None)
        oldest = next((one for one in telling if one is not None and _when(one)[0] < uploaded), None)
        if oldest is None:
            return None
        end = bisect_left(self.dated, uploaded, key=lambda one: _when(one)[0])
        near = self.dated[max(0, end - _NEAR) : end]
        return next((one for one in reversed(near) if continues(one.name.version, version)), oldest)

    def unordered(self, version: Version, uploaded: datetime | None) -> Listing | None:
        return (self.whole if uploaded is None else self.undated).to(version)


@dataclass(frozen=True, slots=True, kw_only=True)
class Continuity:
    """The attested files of one page. Built once a page, asked for each file; wheels are judged by wheels."""

    wheels: Series
    sdists: Series

    @classmethod
    def of(cls, listings: Iterable[Listing]) -> Continuity:
        attested = [one for one in listings if one.provenance is not None]
        return cls(
            wheels=Series.of([one for one in attested if one.name.kind is FileKind.WHEEL]),
            sdists=Series.of([one for one in attested if one.name.kind is FileKind.SDIST]),
        )

    def attested_before(self, name: FileName, uploaded: datetime) -> Listing | None:
        """An attested file that makes one uploaded then, and not attested, a downgrade; None where there is none.

        The nearest before it, as far as that is quickly found.
        """
        return self._series(name).before(name.version, uploaded)

    def unordered(self, name: FileName, uploaded: datetime | None) -> Listing | None:
        """An attested file that would make it one, were it the earlier: the index does not state both times."""
        return self._series(name).unordered(name.version, uploaded)

    def _series(self, name: FileName) -> Series:
        return self.wheels if name.kind is FileKind.WHEEL else self.sdists


def line_of(version: Version) -> Line:
    """The release line: epoch and the first two numbers, so that 2 and 2.0.1 are of one line."""
    major, minor, *_ = (*version.release, 0)
    return version.epoch, major, minor


def continues(attested: Version, later: Version) -> bool:
    """Whether the later version goes on from the attested one, and is no backport of its own.

    One that is no lower does, whatever line it opens; so does one of the same release line. What is left are lines
    below everything attested, which a project may go on serving the way it always did.
    """
    return attested <= later or line_of(attested) == line_of(later)


def accepts(accepted: Recorded, listing: Listing) -> bool:
    """Whether a person accepted that this file is not attested: the accepted version, and what came after its file."""
    if listing.name.version == accepted.file.version:
        return True
    if listing.uploaded is None or accepted.uploaded is None:
        return listing.name.version >= accepted.file.version
    return listing.uploaded >= accepted.uploaded


def after(accepted: Recorded, listing: Listing) -> bool:
    """Whether this file came after what was accepted: where such a one is attested, the project took it up again."""
    if listing.name.version == accepted.file.version:
        return False
    if listing.uploaded is None or accepted.uploaded is None:
        return listing.name.version > accepted.file.version
    return listing.uploaded > accepted.uploaded


def speaks_of(recorded: Recorded, uploaded: datetime | None) -> bool:
    """Whether a record is about a file uploaded then: one that came before the recorded file is a matter of history.

    An index that states no times could put any file in the past.
    """
    return uploaded is None or recorded.uploaded is None or recorded.uploaded <= uploaded


def baseline(listings: Iterable[Listing], of: Listing) -> Listing | None:
    """The attested file whose publisher this one's is compared with: of another version, the same kind, and earlier.

    The newest that was there for `SETTLED` before it, or a thief's first release would vouch for the second; where
    none was, the newest. One that was yanked only where nothing else is left.
    """
    earlier = [one for one in listings if one.provenance is not None and _precedes(one, of)]
    return max(earlier, key=lambda one: _standing(one, of), default=None)


def _precedes(one: Listing, of: Listing) -> bool:
    if one.name.kind is not of.name.kind or one.name.version == of.name.version:
        return False
    if one.uploaded is None or of.uploaded is None:
        return one.name.version < of.name.version
    return one.uploaded < of.uploaded


def _standing(one: Listing, of: Listing) -> tuple[bool, bool, datetime, Version, str]:
    uploaded = one.uploaded or datetime.min.replace(tzinfo=timezone.utc)
    settled = one.uploaded is not None and of.uploaded is not None and one.uploaded <= of.uploaded - SETTLED
    return settled, one.yanked is None, uploaded, one.name.version, one.name.text


def _when(one: Listing) -> tuple[datetime, str]:
    assert one.uploaded is not None  # noqa: S101 - only files with a time come here
    return one.uploaded, one.name.text
