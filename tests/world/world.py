"""The world as it is: what each index has, and what it says about it."""

from __future__ import annotations

import hashlib
import html
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from safepip.formats.simple import render_json
from safepip.model.artifact import IndexPage, Listing, Offers, ProjectStatus, Status
from safepip.model.ident import FileKind, FileName, ProjectName, Url
from tests.world import artifacts

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=timezone.utc)
OLD = NOW - timedelta(days=400)
MAIN = "main"


@dataclass(kw_only=True)
class Published:
    """One file. `content` is what is served, `claimed` the sha256 that the index states, computed when published."""

    name: FileName
    content: bytes
    metadata: bytes
    claimed: str
    size: int
    uploaded: datetime | None
    yanked: str | None
    requires_python: str | None
    provenance: bytes | None

    @property
    def text(self) -> str:
        return self.name.text


@dataclass(kw_only=True)
class Shelf:
    """One index: switches for what it offers, and its files.

    form: json or html; latency: seconds before each answer; validators: ETag and Cache-Control on pages
    dark: the services that do not answer, of index, files, metadata and provenance
    lost: the same, but answering 404 although advertised
    """

    name: str = MAIN
    form: str = "json"
    ranges: bool = True
    core_metadata: bool = True
    upload_times: bool = True
    provenance: bool = True
    hashes: bool = True
    sizes: bool = True
    statuses: bool = True
    compression: bool = True
    validators: str | None = None
    max_age: int | None = None
    latency: float = 0.0
    password: tuple[str, str] | None = None
    projects: dict[ProjectName, list[Published]] = field(default_factory=dict)
    status: dict[ProjectName, ProjectStatus] = field(default_factory=dict)
    dark: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)

    @property
    def prefix(self) -> str:
        return "" if self.name == MAIN else f"/{self.name}"

    def file(self, text: str) -> Published | None:
        return next((one for files in self.projects.values() for one in files if one.text == text), None)

    def page(self, base: str, project: ProjectName) -> IndexPage | None:
        """What this index says about a project, None where it does not know it. `base`: scheme, host and port."""
        if project not in self.projects:
            return None
        listings = tuple(self._listing(base, one) for one in self.projects[project])
        return IndexPage(
            index=self.url(base),
            project=project,
            listings=listings,
            status=self.status.get(project, _ACTIVE) if self.statuses else _ACTIVE,
            offers=Offers(
                upload_time=any(one.uploaded is not None for one in listings),
                provenance=self.provenance,
                core_metadata=any(one.metadata is not None for one in listings),
                status=self.statuses,
            ),
            skipped=(),
        )

    def url(self, base: str) -> Url:
        return Url(f"{base}{self.prefix}/simple")

    def _listing(self, base: str, one: Published) -> Listing:
        url = Url(f"{base}{self.prefix}/files/{one.text}")
        is_json = self.form == "json"
        described = self.core_metadata and one.name.kind is FileKind.WHEEL
        return Listing(
            name=one.name,
            url=url,
            index=self.url(base),
            claimed={"sha256": one.claimed} if self.hashes else {},
            size=one.size if self.sizes and is_json else None,
            uploaded=one.uploaded if self.upload_times and is_json else None,
            requires_python=one.requires_python,
            yanked=one.yanked,
            metadata={"sha256": hashlib.sha256(one.metadata).hexdigest()} if described else None,
            provenance=Url(f"{url.reveal()}.provenance") if self.provenance and one.provenance is not None else None,
        )


_ACTIVE = ProjectStatus(status=Status.ACTIVE, reason=None)


class World:
    """Indexes by name; the one called `main` is always there. Switches given here are its."""

    def __init__(self, **switches: object) -> None:
        self.shelves: dict[str, Shelf] = {}
        self.index(MAIN, **switches)

    def index(self, name: str, **switches: object) -> Shelf:
        """Another index. Switches: the fields of `Shelf`."""
        shelf = Shelf(name=name, **switches)  # type: ignore[arg-type] # the fields say what they are
        self.shelves[name] = shelf
        return shelf

    @property
    def main(self) -> Shelf:
        return self.shelves[MAIN]

    def publish(
        self,
        name: str,
        version: str,
        *,
        kind: str = "wheel",
        index: str = MAIN,
        tags: str = "py3-none-any",
        build: str = "",
        requires: Iterable[str] = (),
        extras: Iterable[str] = (),
        requires_python: str | None = None,
        uploaded: datetime | None = OLD,
        yanked: str | None = None,
        provenance: bytes | None = None,
        status: Status | None = None,
        files: Mapping[str, bytes] | None = None,
        entry_points: str = "",
        metadata: bytes | None = None,
        content: bytes | None = None,
    ) -> Published:
        """Put a file on an index. `content`: these very bytes, under the name that the rest gives."""
        requires, extras = tuple(requires), tuple(extras)
        core = metadata or artifacts.metadata_text(
            name, version, requires=requires, requires_python=requires_python, extras=extras
        )
        if kind == "wheel":
            text, made = artifacts.wheel(
                name, version, tags=tags, build=build, files=files, entry_points=entry_points, metadata=core
            )
        else:
            text, made = artifacts.sdist(
                name, version, requires=requires, requires_python=requires_python, extras=extras, files=files
            )
        content = made if content is None else content
        one = Published(
            name=FileName.parse(text),
            content=content,
            metadata=core,
            claimed=hashlib.sha256(content).hexdigest(),
            size=len(content),
            uploaded=uploaded,
            yanked=yanked,
            requires_python=requires_python,
            provenance=provenance,
        )
        project = ProjectName.parse(name)
        self.shelves[index].projects.setdefault(project, []).append(one)
        if status is not None:
            self.mark(name, status, index=index)
        return one

    def mark(self, name: str, status: Status, *, reason: str | None = None, index: str = MAIN) -> None:
        self.shelves[index].status[ProjectName.parse(name)] = ProjectStatus(status=status, reason=reason)

    def empty(self, name: str, *, index: str = MAIN) -> None:
        """A project that the index knows and has no files of."""
        self.shelves[index].projects.setdefault(ProjectName.parse(name), [])

    def tamper(self, one: Published, content: bytes | None = None) -> None:
        """Serve other bytes than were published; what the index says stays. By default a well-made evil twin."""
        if content is None and one.name.kind is FileKind.WHEEL:
            content = artifacts.rebuilt(one.content, {"evil_twin.py": b"print('evil')\n"})
        one.content = content if content is not None else one.content[:-1] + bytes([one.content[-1] ^ 1])

    def go_dark(self, service: str = "index", *, index: str = MAIN) -> None:
        """index, files, metadata or provenance: connections for it end without an answer."""
        self.shelves[index].dark.add(service)

    def lose(self, service: str, *, index: str = MAIN) -> None:
        """files, metadata or provenance: advertised, and 404."""
        self.shelves[index].lost.add(service)

    def light_up(self) -> None:
        for shelf in self.shelves.values():
            shelf.dark.clear()
            shelf.lost.clear()


def rendered(shelf: Shelf, page: IndexPage) -> tuple[str, bytes]:
    """(content type, body) of a page in the form that the index speaks."""
    if shelf.form == "json":
        return "application/vnd.pypi.simple.v1+json", render_json(page)
    return "text/html; charset=utf-8", _html(page)


def _html(page: IndexPage) -> bytes:
    minor = 4 if page.offers.status else 3 if page.offers.provenance else 0
    head = [f'<meta name="pypi:repository-version" content="1.{minor}">', f"<title>Links for {page.project}</title>"]
    if page.offers.status:
        head.append(f'<meta name="pypi:project-status" content="{page.status.status.value}">')
        if page.status.reason is not None:
            head.append(f'<meta name="pypi:project-status-reason" content="{html.escape(page.status.reason)}">')
    lines = ["<!DOCTYPE html>", "<html><head>", *head, "</head><body>"]
    lines += [f"<a {_attributes(one)}>{html.escape(one.name.text)}</a><br>" for one in page.listings]
    return "\n".join([*lines, "</body></html>", ""]).encode()


def _attributes(one: Listing) -> str:
    fragment = "".join(f"#{name}={digest}" for name, digest in one.claimed.items())
    values = {"href": one.url.reveal() + fragment}
    if one.requires_python is not None:
        values["data-requires-python"] = one.requires_python
    if one.yanked is not None:
        values["data-yanked"] = one.yanked
    if one.metadata is not None:
        digests = [f"{name}={digest}" for name, digest in one.metadata.items()]
        values["data-core-metadata"] = digests[0] if digests else "true"
    if one.provenance is not None:
        values["data-provenance"] = one.provenance.reveal()
    return " ".join(f'{name}="{html.escape(value)}"' for name, value in values.items())
