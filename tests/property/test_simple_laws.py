"""Laws of the index formats: what is rendered reads back, and nothing but `Malformed` ever comes out."""

from __future__ import annotations

import email.parser
import email.policy
import json
from dataclasses import replace
from datetime import datetime, timezone

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from safepip.errors import Malformed
from safepip.formats.metadata import parse_metadata
from safepip.formats.simple import parse_json, parse_page, render_json
from safepip.model.artifact import IndexPage, Listing, Offers, ProjectStatus, Status
from safepip.model.ident import FileName, ProjectName, Url
from tests.world.world import Shelf, rendered

INDEX = Url("https://index.example/simple")
BASE = Url("https://index.example/simple/demo/")
DEMO = ProjectName.parse("demo")

texts = st.text(max_size=20)
digests = st.text("0123456789abcdef", min_size=64, max_size=64)
hashes = st.dictionaries(st.sampled_from(["sha256"]), digests)
names = st.builds(
    lambda version, tail: FileName.parse(f"demo-{version}{tail}"),
    st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3}){0,2}(rc[0-9])?", fullmatch=True),
    st.sampled_from(["-py3-none-any.whl", "-1-cp312-cp312-win_amd64.whl", ".tar.gz", ".zip"]),
)
moments = st.integers(0, 2**32).map(lambda seconds: datetime.fromtimestamp(seconds / 8, timezone.utc))
addresses = st.builds(
    lambda host, path: Url(f"https://{host}.example/{path}"),
    st.from_regex(r"[a-z]{1,8}", fullmatch=True),
    st.from_regex(r"[A-Za-z0-9._~/-]{0,30}(\?[a-z=&]{1,9})?", fullmatch=True),
)


@st.composite
def listings(draw: st.DrawFn) -> Listing:
    return Listing(
        name=draw(names),
        url=draw(addresses),
        index=INDEX,
        claimed=draw(hashes),
        size=draw(st.none() | st.integers(0, 2**50)),
        uploaded=draw(st.none() | moments),
        requires_python=draw(st.none() | st.text(min_size=1, max_size=9)),
        yanked=draw(st.none() | texts),
        metadata=draw(st.none() | hashes),
        provenance=draw(st.none() | addresses),
    )


@st.composite
def pages(draw: st.DrawFn) -> IndexPage:
    files = tuple(draw(st.lists(listings(), max_size=5)))
    stated = any(one.provenance is not None for one in files)
    status = draw(st.none() | st.sampled_from(Status))
    reason = draw(st.none() | st.text(min_size=1, max_size=9)) if status is not None else None
    return IndexPage(
        index=INDEX,
        project=DEMO,
        listings=files,
        status=ProjectStatus(status=status or Status.ACTIVE, reason=reason),
        offers=Offers(
            upload_time=any(one.uploaded is not None for one in files),
            provenance=stated or draw(st.booleans()),
            core_metadata=any(one.metadata is not None for one in files),
            status=status is not None,
        ),
        skipped=(),
    )


@settings(suppress_health_check=[HealthCheck.too_slow])  # the first page draws tables of characters
@given(pages())
def test_what_is_rendered_reads_back(page: IndexPage) -> None:
    assert parse_json(render_json(page), index=INDEX, base=BASE, project=DEMO) == page


@settings(suppress_health_check=[HealthCheck.too_slow])  # the first page draws tables of characters
@given(pages())
def test_html_says_the_same_as_far_as_it_can(page: IndexPage) -> None:
    named = tuple(replace(one, url=BASE.join(f"/files/{one.name.text}")) for one in page.listings)
    page = replace(page, listings=named)  # in HTML the address alone names the file
    content_type, body = rendered(Shelf(form="html"), page)
    read = parse_page(body, content_type=content_type, index=INDEX, base=BASE, project=DEMO)
    assert read.status.status is page.status.status
    assert [(one.name, one.claimed, one.metadata) for one in read.listings] == [
        (one.name, one.claimed, one.metadata) for one in page.listings
    ]
    assert [one.yanked is None for one in read.listings] == [one.yanked is None for one in page.listings]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "meta",
                    "api-version",
                    "name",
                    "files",
                    "filename",
                    "url",
                    "hashes",
                    "size",
                    "yanked",
                    "upload-time",
                    "core-metadata",
                    "provenance",
                    "project-status",
                    "status",
                    "requires-python",
                    "sha256",
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)
content_types = st.sampled_from(["application/vnd.pypi.simple.v1+json", "text/html", "text/html; charset=x"])


@given(st.binary(max_size=200), content_types)
def test_arbitrary_bytes_raise_nothing_but_malformed(body: bytes, content_type: str) -> None:
    _read(body, content_type)


@given(st.lists(json_values, max_size=3), st.dictionaries(texts, json_values, max_size=3))
def test_arbitrary_documents_raise_nothing_but_malformed(files: list[object], more: dict[str, object]) -> None:
    document = {**more, "meta": {"api-version": "1.1"}, "name": "demo", "files": files}
    _read(json.dumps(document).encode("utf-8", "surrogatepass"), "application/vnd.pypi.simple.v1+json")


@given(st.lists(st.text(max_size=40), max_size=4), texts)
def test_arbitrary_links_raise_nothing_but_malformed(links: list[str], attribute: str) -> None:
    anchors = (
        f'<a href="{link}demo-1.0.tar.gz{tail}" {attribute}>' for link in links for tail in ("", "#" + attribute)
    )
    _read("".join(anchors).encode("utf-8", "surrogatepass"), "text/html")


def _read(body: bytes, content_type: str) -> None:
    try:
        page = parse_page(body, content_type=content_type, index=INDEX, base=BASE, project=DEMO)
    except Malformed:
        return
    for one in page.listings:  # what was let in can be used without another look
        assert one.url.origin[0] in {"http", "https"}
        assert one.name.project == DEMO


@given(st.binary(max_size=300))
def test_arbitrary_metadata_raises_nothing_but_malformed(raw: bytes) -> None:
    _metadata(raw)


pieces = st.lists(
    st.sampled_from(
        [
            b"Name: a",
            b"Version: 1",
            b"Requires-Dist: b",
            b"Requires-Dist:c",
            b"provides-extra: x",
            b"From x",
            b": v",
            b"\n",
            b"\r\n",
            b"\r",
            b"\n\n",
            b" folded",
            b"\tfolded",
            b"X: y",
            b"no header",
            b"",
            b"\x0b",
            b"\x85",
        ]
    ),
    max_size=12,
)


@given(pieces)
def test_headers_are_those_of_the_standard_parser(parts: list[bytes]) -> None:
    raw = b"Name: demo\nVersion: 1\n" + b"".join(parts)
    message = email.parser.BytesParser(policy=email.policy.compat32).parsebytes(raw, headersonly=True)
    expected = [_folded(value) for value in message.get_all("requires-dist", [])]
    single = len(message.get_all("name", [])) == len(message.get_all("version", [])) == 1
    metadata = _metadata(raw)
    if metadata is not None:
        assert single
        assert [str(one) for one in metadata.requires_dist] == expected


def _folded(value: object) -> str:
    return " ".join(str(value).split())


def _metadata(raw: bytes):  # type: ignore[no-untyped-def] # noqa: ANN202 - Metadata or None
    try:
        return parse_metadata(raw)
    except Malformed:
        return None


words = st.text("abcXYZ019._~!$&'()*+,;=:%@/?#", max_size=12)
secrets = st.from_regex(r"SECRET[A-Z0-9]{4}", fullmatch=True)


@given(words, secrets, words)
def test_an_address_never_shows_its_password(user: str, secret: str, path: str) -> None:
    user = user.replace("/", "").replace("?", "").replace("#", "")
    url = Url(f"https://{user}:{secret}@host.example/{path}")
    for shown in (str(url), repr(url), f"{url}", str([url]), str(url.without_credentials())):
        assert secret not in shown
