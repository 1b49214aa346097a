"""Project pages of the simple repository API: bytes to values and back.

JSON is PEP 691 with PEP 700 (size, upload time), 714 (core metadata), 740 (provenance) and 792 (status); the HTML
form is in `simple_html`. PEP 708 was rejected: what a page says about other indexes is never looked at.
Only `Malformed` is raised.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from safepip.errors import Malformed
from safepip.formats.simple_html import parse_html
from safepip.formats.simple_parts import (
    Address,
    Unsafe,
    api_minor,
    page_status,
    read_file_name,
    stated_digests,
    wrong_project,
)
from safepip.model.artifact import IndexPage, Listing, Offers, Status
from safepip.model.ident import FileName, ProjectName, Url

JSON_TYPE = "application/vnd.pypi.simple.v1+json"
HTML_TYPES = ("application/vnd.pypi.simple.v1+html", "text/html")
ACCEPT = f"{JSON_TYPE}, {HTML_TYPES[0]};q=0.1, {HTML_TYPES[1]};q=0.01"

PROVENANCE_SINCE, STATUS_SINCE = 3, 4
_TIME = re.compile(r"(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:?\d\d)?", re.ASCII)


def parse_page(body: bytes, *, content_type: str, index: Url, base: Url, project: ProjectName) -> IndexPage:
    """The page of one project, in the form that its content type names.

    index: what the listings will carry as their index; base: the address the page was read from, for relative links
    """
    kind, _, parameters = content_type.partition(";")
    kind = kind.strip().lower()
    if kind == JSON_TYPE:
        return parse_json(body, index=index, base=base, project=project)
    if kind in HTML_TYPES:
        return parse_html(body, charset=_charset(parameters), index=index, base=base, project=project)
    raise Malformed(f"its content type is {content_type[:80]!r}, which is no version 1 of the simple repository API")


def _charset(parameters: str) -> str | None:
    match = re.search(r"charset=\"?([\w.:-]+)", parameters, re.IGNORECASE | re.ASCII)
    return match[1] if match else None


def parse_json(body: bytes, *, index: Url, base: Url, project: ProjectName) -> IndexPage:
    """A PEP 691 page. Raises Malformed where it breaks the specification or speaks for another project."""
    document = _document(body)
    meta = _required(document, "meta", dict)
    minor = api_minor(meta.get("api-version"))
    name = _required(document, "name", str)
    if ProjectName.parse(name) != project:
        raise wrong_project(name, project)
    files = _required(document, "files", list)
    address = Address(base)
    listings: list[Listing] = []
    skipped: list[tuple[str, str]] = []
    for number, entry in enumerate(files):
        try:
            file_name = read_file_name(_text(entry, "filename"), project)
            if isinstance(file_name, FileName):
                listings.append(_listing(entry, file_name, address, index))
            else:
                skipped.append(file_name)
        except Unsafe as fault:
            skipped.append((_text(entry, "filename"), str(fault)))
        except Malformed as fault:
            raise Malformed(f"files[{number}]: {fault}") from None
    status = document.get("project-status")
    return IndexPage(
        index=index,
        project=project,
        listings=tuple(listings),
        status=page_status(*_status_fields(status)),
        offers=_offers(listings, files, minor=minor, status="project-status" in document),
        skipped=tuple(skipped),
    )


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as fault:
        raise Malformed(f"it is not JSON ({str(fault)[:100]!r})") from None
    if not isinstance(document, dict):
        raise Malformed("it is not a JSON object")
    return document


def _required(document: Mapping[str, Any], key: str, form: type) -> Any:
    value = document.get(key)
    if not isinstance(value, form):
        raise Malformed(f"{key!r} is missing or not a {form.__name__}")
    return value


def _text(entry: Any, key: str) -> str:
    try:
        value = entry[key]
    except (TypeError, KeyError):
        raise Malformed(f"{key!r} is missing") from None
    if type(value) is not str:
        raise Malformed(f"{key!r} is not a string")
    return value


def _optional_text(entry: Mapping[str, Any], key: str) -> str | None:
    value = entry.get(key)
    if value is None:
        return None
    if type(value) is not str:
        raise Malformed(f"{key!r} is not a string")
    return value or None


def _listing(entry: Mapping[str, Any], name: FileName, address: Address, index: Url) -> Listing:
    get = entry.get
    uploaded, provenance = get("upload-time"), get("provenance")
    return Listing(
        name=name,
        url=address.of(_text(entry, "url")),
        index=index,
        claimed=stated_digests(get("hashes", {})),
        size=_size(get("size")),
        uploaded=None if uploaded is None else parse_time(uploaded),
        requires_python=_optional_text(entry, "requires-python"),
        yanked=_yanked(get("yanked")),
        metadata=_core_metadata(get("core-metadata", get("dist-info-metadata"))),
        provenance=None if provenance is None else address.of(_text(entry, "provenance")),
    )


def _size(value: Any) -> int | None:
    if value is None:
        return None
    if type(value) is not int or value < 0:
        raise Malformed(f"'size' is not a number of bytes: {str(value)[:40]!r}")
    return value


def _yanked(value: Any) -> str | None:
    if value is None or value is False or value == "":
        return None
    if value is True:
        return ""
    if type(value) is not str:
        raise Malformed("'yanked' is neither a boolean nor a string")
    return value


def _core_metadata(value: Any) -> Mapping[str, str] | None:
    if value is None or value is False:
        return None
    return {} if value is True else stated_digests(value)


def parse_time(text: Any) -> datetime:
    """An ISO 8601 time (PEP 700) as an aware time in UTC; one without a zone is read as UTC. Raises Malformed."""
    if type(text) is not str:
        raise Malformed("'upload-time' is not a string")
    if sys.version_info >= (3, 11) and text[-1:] == "Z" and len(text) in {20, 27}:
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            raise Malformed(f"'upload-time' is not a time: {text[:40]!r}") from None
    match = _TIME.fullmatch(text)
    try:
        if match is None:
            raise ValueError  # noqa: TRY301 - both faults are told in one place
        moment = datetime.fromisoformat(match[1].upper().replace(" ", "T"))
        moment = moment.replace(microsecond=int(((match[2] or "") + "000000")[:6]), tzinfo=timezone.utc)
        return moment - _offset(match[3] or "Z")
    except (ValueError, OverflowError):
        raise Malformed(f"'upload-time' is not a time: {text[:40]!r}") from None


def _offset(zone: str) -> timedelta:
    if zone in {"Z", "z"}:
        return timedelta()
    offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
    return -offset if zone[0] == "-" else offset


def _status_fields(value: Any) -> tuple[str | None, str | None]:
    if value is None:
        return None, None
    if not isinstance(value, dict):
        raise Malformed("'project-status' is not an object")
    return _optional_text(value, "status"), _optional_text(value, "reason")


def _offers(listings: Iterable[Listing], files: Iterable[Mapping[str, Any]], *, minor: int, status: bool) -> Offers:
    return Offers(
        upload_time=any(one.uploaded is not None for one in listings),
        provenance=minor >= PROVENANCE_SINCE or any("provenance" in entry for entry in files),
        core_metadata=any(one.metadata is not None for one in listings),
        status=minor >= STATUS_SINCE or status,
    )


def render_json(page: IndexPage) -> bytes:
    """The page as PEP 691 JSON: `parse_json(render_json(page)) == page`, `skipped` included."""
    minor = STATUS_SINCE if page.offers.status and page.offers.provenance else 1
    if page.offers.provenance and not page.offers.status:
        minor = PROVENANCE_SINCE
    document: dict[str, Any] = {
        "meta": {"api-version": f"1.{minor}"},
        "name": page.project,
        "files": [
            *(_render_file(one) for one in page.listings),
            *({"filename": name, "url": "skipped", "hashes": {}} for name, _ in page.skipped),
        ],
    }
    if page.offers.status:
        document["project-status"] = {"status": page.status.status.value}
        if page.status.reason is not None:
            document["project-status"]["reason"] = page.status.reason
    elif page.status.status is not Status.ACTIVE:
        raise Malformed(f"a page that offers no status cannot say {page.status.status.value}")
    return json.dumps(document, separators=(",", ":")).encode()


def _render_file(listing: Listing) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "filename": listing.name.text,
        "url": listing.url.reveal(),
        "hashes": dict(listing.claimed),
        "yanked": False if listing.yanked is None else listing.yanked or True,
    }
    if listing.size is not None:
        entry["size"] = listing.size
    if listing.uploaded is not None:
        entry["upload-time"] = render_time(listing.uploaded)
    if listing.requires_python is not None:
        entry["requires-python"] = listing.requires_python
    if listing.metadata is not None:
        entry["core-metadata"] = dict(listing.metadata) or True
    if listing.provenance is not None:
        entry["provenance"] = listing.provenance.reveal()
    return entry


def render_time(moment: datetime) -> str:
    """PEP 700: `yyyy-mm-ddThh:mm:ss.ffffffZ`."""
    return moment.astimezone(timezone.utc).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
