"""What is remembered of publishers between runs: one record for each index, project and kind of file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from safepip.model.ident import FileKind, FileName, ProjectName, Url
from safepip.model.publisher import Identity, PublisherPin

Key = tuple[str, ProjectName, FileKind]


def index_name(index: Url) -> str:
    """How a ledger calls an index. Ledgers are committed, so neither password nor query, which may hold a token."""
    return index.plain.partition("?")[0].rstrip("/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """The publisher of first use, or the one that was accepted since.

    index:     as `index_name` has it
    publisher: the whole vector as observed; None where it was accepted that the project attests no more
    file:      the file whose publisher this is; uploaded: when the index had it, None where it does not say
    place:     where it is written, such as `safepip-publishers.toml:12`
    """

    index: Url
    project: ProjectName
    kind: FileKind
    publisher: PublisherPin | None
    file: FileName
    uploaded: datetime | None
    recorded_at: datetime
    place: str

    @property
    def key(self) -> Key:
        return (index_name(self.index), self.project, self.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A publisher as verified in this run, to be recorded if it is the first."""

    index: Url
    file: FileName
    uploaded: datetime | None
    identity: Identity

    @property
    def key(self) -> Key:
        return (index_name(self.index), self.file.project, self.file.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a person changed in a ledger. `before`: None where nothing was recorded; `after`: None where it is gone."""

    before: Recorded | None
    after: Recorded | None
