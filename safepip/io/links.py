"""Distributions without an index server: folders, `--find-links` pages, `file:` indexes and single files."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from safepip.errors import BadInput, EnvironmentFault, IndexFault, Malformed
from safepip.formats.simple import HTML_TYPES
from safepip.formats.simple_html import LinkPage, fragment_digests, parse_html, parse_links
from safepip.io.digests import digests_of
from safepip.io.pagecache import Fetched, PageReader, bad_page
from safepip.io.pools import require_secure
from safepip.model.artifact import IndexPage, Listing, Offers, ProjectStatus, Status
from safepip.model.ident import FileName, ProjectName, Url

_NOTHING_OFFERED = Offers(upload_time=False, provenance=False, core_metadata=False, status=False)
_ARCHIVES = (".whl", ".tar.gz", ".zip")


def path_of(url: Url) -> Path:
    """The path behind a `file:` URL. Raises BadInput for one of another machine."""
    parts = urlsplit(url.reveal())
    if parts.netloc not in {"", "localhost"}:
        raise BadInput("bad-file-url", f"{url} names a file of another machine; write file:///path.")
    from urllib.request import url2pathname  # brings http.client and ssl along

    return Path(url2pathname(parts.path))


def local_listing(path: Path, name: FileName, *, url: Url, index: Url) -> Listing:
    """A file that is here. Only a fragment claims a digest; nobody else claims anything about it."""
    return Listing(
        name=name,
        url=url.without_fragment(),
        index=index,
        claimed=fragment_digests(url.fragment),
        size=path.stat().st_size,
        uploaded=None,
        requires_python=None,
        yanked=None,
        metadata=None,
        provenance=None,
    )


def read_folder(folder: Path, index: Url) -> LinkPage:
    """The distributions in a folder, and those that its HTML files link. Raises EnvironmentFault."""
    listings: list[Listing] = []
    skipped: list[tuple[str, str]] = []
    try:
        entries = sorted(entry.name for entry in os.scandir(folder) if entry.is_file())
        for name in entries:
            if name.endswith(_ARCHIVES):
                try:
                    listings.append(_in_folder(folder / name, index))
                except ValueError as fault:  # Malformed, or a number too long for int()
                    skipped.append((name, str(fault)))
            elif name.endswith((".html", ".htm")):
                page = _html_file(folder / name, index)
                listings += page.listings
                skipped += page.skipped
    except OSError as fault:
        raise unreadable(folder, fault) from None
    return LinkPage(listings=tuple(listings), skipped=tuple(skipped), meta={}, title="")


def _in_folder(path: Path, index: Url) -> Listing:
    return local_listing(path, FileName.parse(path.name), url=Url(path.absolute().as_uri()), index=index)


def _html_file(path: Path, index: Url) -> LinkPage:
    url = Url(path.absolute().as_uri())
    try:
        return parse_links(path.read_bytes(), charset=None, index=index, base=url)
    except Malformed as fault:
        raise bad_page(url, fault) from None


def unreadable(path: Path, fault: OSError) -> EnvironmentFault:
    return EnvironmentFault("unreadable-path", f"{str(path)!r} cannot be read: {fault.strerror or fault}.")


def read_find_links(url: Url, pages: PageReader) -> LinkPage:
    """What one `--find-links` value offers: a folder, an HTML file or page, or one distribution file."""
    shown = url.without_credentials()
    if url.scheme == "file":
        return _local_links(url)
    if url.last_segment.endswith(_ARCHIVES):
        return LinkPage(listings=(direct_listing(url),), skipped=(), meta={}, title="")

    def parse(fetched: Fetched) -> LinkPage:
        kind = fetched.content_type.partition(";")[0].strip().lower()
        if kind not in HTML_TYPES:
            raise Malformed(f"a page of links must be HTML, and this is {kind[:80]!r}")
        return parse_links(fetched.body, charset=None, index=shown, base=fetched.address)

    page = pages.read(shown, ", ".join(HTML_TYPES), parse)
    if page is None:
        raise IndexFault("find-links-missing", f"There is no page of links at {shown}.", hint="Correct --find-links.")
    return page


def _local_links(url: Url) -> LinkPage:
    path = path_of(url)
    if path.is_dir():
        return read_folder(path, url)
    if not path.is_file():
        raise BadInput(
            "find-links-missing", f"{str(path)!r} is neither a folder nor a file.", hint="Correct --find-links."
        )
    if path.name.endswith(_ARCHIVES):
        return LinkPage(listings=(direct_listing(url),), skipped=(), meta={}, title="")
    try:
        return _html_file(path, url)
    except OSError as fault:
        raise unreadable(path, fault) from None


def page_of_links(links: LinkPage, index: Url, project: ProjectName) -> IndexPage | None:
    """The part of a page of links that is about one project, None where it says nothing about it."""
    mine = tuple(stated(one) for one in links.listings if one.name.project == project)
    stem = project.replace("-", "_")
    skipped = tuple(pair for pair in links.skipped if _folded(pair[0]).startswith((f"{stem}_", f"{stem}.")))
    if not mine and not skipped:
        return None
    return IndexPage(
        index=index,
        project=project,
        listings=mine,
        status=ProjectStatus(status=Status.ACTIVE, reason=None),
        offers=Offers(
            upload_time=False,
            provenance=any(one.provenance is not None for one in mine),
            core_metadata=any(one.metadata is not None for one in mine),
            status=False,
        ),
        skipped=skipped,
    )


def stated(listing: Listing) -> Listing:
    """The listing of a local file with the sha256 of the file as it lies there (docs/adr/0003)."""
    if listing.url.scheme != "file" or listing.sha256 is not None:
        return listing
    path = path_of(listing.url)
    try:
        with path.open("rb") as stream:
            digests, _ = digests_of(stream, ())
    except OSError as fault:
        raise unreadable(path, fault) from None
    return replace(listing, claimed={**listing.claimed, **digests})


def _folded(name: str) -> str:
    return name.lower().replace("-", "_")


def read_file_index(index: Url, project: ProjectName) -> IndexPage | None:
    """A `file:` index: PROJECT/index.html, or the distributions in PROJECT/. None where there is no PROJECT."""
    root = path_of(index)
    if not root.is_dir():
        raise BadInput("index-folder-missing", f"The index {index} is no folder of this machine.")
    folder = root / project
    page = folder / "index.html"
    try:
        if page.is_file():
            base = Url(page.absolute().as_uri())
            parsed = parse_html(page.read_bytes(), charset=None, index=index, base=base, project=project)
            return replace(parsed, listings=tuple(stated(one) for one in parsed.listings))
    except Malformed as fault:
        raise bad_page(Url(page.absolute().as_uri()), fault) from None
    except OSError as fault:
        raise unreadable(page, fault) from None
    if not folder.is_dir():
        return None
    found = page_of_links(read_folder(folder, index), index, project)
    return found or _empty(index, project)


def _empty(index: Url, project: ProjectName) -> IndexPage:
    status = ProjectStatus(status=Status.ACTIVE, reason=None)
    return IndexPage(index=index, project=project, listings=(), status=status, offers=_NOTHING_OFFERED, skipped=())


def direct_listing(url: Url) -> Listing:
    """The listing of a distribution that a person named by path or address. Raises BadInput or IndexFault."""
    try:
        name = FileName.parse(url.last_segment)
        claimed = fragment_digests(url.fragment)
    except ValueError as fault:
        raise BadInput("bad-direct-url", f"{url} does not name a distribution: {fault}.") from None
    if url.scheme == "file":
        path = path_of(url)
        if not path.is_file():
            raise BadInput("file-missing", f"There is no file {str(path)!r}.")
        return local_listing(path, name, url=url, index=url)
    require_secure(url)
    return Listing(
        name=name,
        url=url.without_fragment(),
        index=url,
        claimed=claimed,
        size=None,
        uploaded=None,
        requires_python=None,
        yanked=None,
        metadata=None,
        provenance=None,
    )
