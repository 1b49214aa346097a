"""What is remembered of publishers between runs: one record for each index, project and kind of file."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from datetime import datetime

from safepip.model.ident import FileKind, FileName, ProjectName, Url
from safepip.model.publisher import Identity, PublisherPin

Key = tuple[str, ProjectName, FileKind]


# RFC 3986, section 2.3: percent-encoded or not, these are the same.
_UNRESERVED = re.compile(r"%(2[DE]|3\d|4[1-9A-F]|5[0-9AF]|6[1-9A-F]|7[0-9AE])", re.IGNORECASE)
_DEFAULT_PORT = {"http": ":80", "https": ":443"}


def index_name(index: Url) -> str:
    """How a ledger calls an index, however a run writes it: whoever writes it otherwise must not be believed anew.

    Case of scheme and host, a default port, closing slashes, `//`, `./` and needless quoting make no difference.
    Ledgers are committed, so neither password nor query, which may hold a token.
    """
    plain = index.plain.partition("?")[0].rstrip("/")
    scheme, mark, rest = plain.partition("://")
    if not mark:
        return plain
    host, slash, path = rest.partition("/")
    scheme, host = scheme.lower(), host.lower()
    host = host.removesuffix(_DEFAULT_PORT.get(scheme, "/")).rstrip(".")
    path = _UNRESERVED.sub(lambda found: chr(int(found[1], 16)), path)
    path = posixpath.normpath(f"/{path.strip('/')}") if slash else ""
    return f"{scheme}://{host}{path}".rstrip("/")


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
    """A publisher as verified in this run, to be recorded if it is the first.

    only_here: a pin, lock or trusted root that came with the project spoke for it, so other projects must not learn it
    """

    index: Url
    file: FileName
    uploaded: datetime | None
    identity: Identity
    only_here: bool

    @property
    def key(self) -> Key:
        return (index_name(self.index), self.file.project, self.file.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a person changed in a ledger. `before`: None where nothing was recorded; `after`: None where it is gone."""

    before: Recorded | None
    after: Recorded | None
