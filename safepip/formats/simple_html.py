"""Project pages and link pages in HTML (PEP 503, 592, 629, 658, 714, 740, 792), read with the standard parser."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser

from safepip.errors import Malformed
from safepip.formats.simple_parts import Address, api_minor, page_status, stated_digests, wrong_project
from safepip.model.artifact import IndexPage, Listing, Offers
from safepip.model.ident import FileName, ProjectName, Url

_ARCHIVES = (".whl", ".tar.gz", ".zip", ".egg", ".exe", ".msi", ".rpm", ".tar.bz2", ".tgz", ".tar.xz", ".tar.Z")
_PROVENANCE_SINCE, _STATUS_SINCE = 3, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkPage:
    """Every distribution that an HTML page links, of whatever project. `skipped`: (file name, why)."""

    listings: tuple[Listing, ...]
    skipped: tuple[tuple[str, str], ...]
    meta: Mapping[str, str]
    title: str


def parse_html(body: bytes, *, charset: str | None, index: Url, base: Url, project: ProjectName) -> IndexPage:
    """The page of one project.

    An HTML page carries no name, and any web server can answer with some page. So one that links only files of
    other projects, or that shows no sign of being an index page at all, is Malformed instead of "no files".
    """
    page = parse_links(body, charset=charset, index=index, base=base)
    version = page.meta.get("pypi:repository-version")
    minor = api_minor(version.strip()) if version is not None else 0
    mine = tuple(one for one in page.listings if one.name.project == project)
    others = tuple(one for one in page.listings if one.name.project != project)
    if others and not mine:
        raise wrong_project(others[0].name.project, project)
    if not page.listings and not page.skipped and version is None and "links for" not in page.title.lower():
        raise Malformed("it is a web page without a link to any distribution, not a page of a package index")
    strangers = tuple((one.name.text, f"belongs to the project {one.name.project!r}") for one in others)
    return IndexPage(
        index=index,
        project=project,
        listings=mine,
        status=page_status(page.meta.get("pypi:project-status"), page.meta.get("pypi:project-status-reason")),
        offers=Offers(
            upload_time=False,
            provenance=minor >= _PROVENANCE_SINCE or any(one.provenance is not None for one in mine),
            core_metadata=any(one.metadata is not None for one in mine),
            status=minor >= _STATUS_SINCE or "pypi:project-status" in page.meta,
        ),
        skipped=(*page.skipped, *strangers),
    )


def parse_links(body: bytes, *, charset: str | None, index: Url, base: Url) -> LinkPage:
    """All links of a page to distribution files; other links are no business of ours. Raises Malformed."""
    reader = _Reader()
    try:
        reader.feed(_decode(body, charset))
        reader.close()
    except (AssertionError, ValueError, RecursionError) as fault:  # what the standard parser lets out
        raise Malformed(f"it is not HTML ({str(fault)[:100]!r})") from None
    base = Address(base).of(reader.base) if reader.base else base
    listings: list[Listing] = []
    skipped: list[tuple[str, str]] = []
    for attributes in reader.links:
        found = _link(attributes, base, index)
        if isinstance(found, Listing):
            listings.append(found)
        elif found is not None:
            skipped.append(found)
    return LinkPage(listings=tuple(listings), skipped=tuple(skipped), meta=reader.meta, title=reader.title)


def _decode(body: bytes, charset: str | None) -> str:
    try:
        codec = codecs.lookup(charset or "utf-8").name
        # A name with a replaced character does not parse, so a wrong charset can only lose files, with a reason.
        return body.decode(codec if codec in {"utf-8", "iso8859-1", "ascii", "cp1252"} else "utf-8", "replace")
    except LookupError:
        return body.decode("utf-8", "replace")


class _Reader(HTMLParser):
    """Collects anchors, the base, and the meta elements of the head."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.links: list[dict[str, str]] = []
        self.meta: dict[str, str] = {}
        self.base = ""
        self.title = ""
        self._in_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in reversed(attrs)}  # the first of a repeated attribute counts
        if tag == "a" and values.get("href"):
            self.links.append(values)
        elif tag == "meta" and "name" in values:
            self.meta.setdefault(values["name"], values.get("content", ""))
        elif tag == "base" and not self.base:
            self.base = values.get("href", "").strip()
        self._in_title = tag == "title"

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data
            self._in_title = False


def _link(attributes: Mapping[str, str], base: Url, index: Url) -> Listing | tuple[str, str] | None:
    """The listing, (file name, why it is skipped), or None for a link that names no distribution."""
    href = attributes["href"].strip()
    address, _, fragment = href.partition("#")
    text = Url(address).last_segment if _splits(address) else ""
    if not text.endswith(_ARCHIVES):
        return None
    try:
        name = FileName.parse(text)
        return _listing(name, attributes, Address(base).of(address), fragment, index)
    except ValueError as fault:  # Malformed, or a number too long for int()
        return (text, str(fault))


def _splits(address: str) -> bool:
    try:
        return bool(Url(address).last_segment)
    except ValueError:
        return False


def _listing(name: FileName, attributes: Mapping[str, str], url: Url, fragment: str, index: Url) -> Listing:
    provenance = attributes.get("data-provenance")
    metadata = attributes.get("data-core-metadata", attributes.get("data-dist-info-metadata"))
    return Listing(
        name=name,
        url=url,
        index=index,
        claimed=fragment_digests(fragment),
        size=None,
        uploaded=None,
        requires_python=attributes.get("data-requires-python", "").strip() or None,
        yanked=attributes.get("data-yanked"),
        metadata=None if metadata is None else _core_metadata(metadata),
        provenance=None if not provenance else Address(url).of(provenance),
    )


def fragment_digests(fragment: str) -> Mapping[str, str]:
    """`sha256=...` of an address's fragment; other parts of it (`egg=`, `subdirectory=`) state no digest."""
    pairs = (part.partition("=") for part in fragment.split("&"))
    return stated_digests({name: digest for name, _, digest in pairs if name in _ALGORITHMS})


_ALGORITHMS = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")


def _core_metadata(value: str) -> Mapping[str, str] | None:
    if value.lower() == "false":
        return None
    name, equals, digest = value.strip().partition("=")
    return stated_digests({name: digest}) if equals else {}
