"""Project pages: what each PEP lets an index say, and what must not pass for an answer."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

import pytest

from safepip.errors import Malformed
from safepip.formats.simple import JSON_TYPE, parse_json, parse_page, parse_time, render_json
from safepip.formats.simple_html import parse_links
from safepip.model.artifact import IndexPage, Offers, Status
from safepip.model.ident import ProjectName, Url

INDEX = Url("https://index.example/simple")
BASE = Url("https://index.example/simple/demo/")
DEMO = ProjectName.parse("demo")
SHA = "ab" * 32


def document(*files: dict[str, Any], version: str = "1.1", name: str = "demo", status: Any = None) -> bytes:
    said = {} if status is None else {"project-status": status}
    return json.dumps({"meta": {"api-version": version}, "name": name, "files": files, **said}).encode()


def entry(name: str = "demo-1.0-py3-none-any.whl", /, **more: Any) -> dict[str, Any]:
    return {"filename": name, "url": f"https://files.example/{name}", "hashes": {"sha256": SHA}, **more}


def read(body: bytes) -> IndexPage:
    return parse_json(body, index=INDEX, base=BASE, project=DEMO)


def read_html(body: str, base: Url = BASE) -> IndexPage:
    return parse_page(body.encode(), content_type="text/html; charset=utf-8", index=INDEX, base=base, project=DEMO)


class TestJson:
    def test_everything_that_an_index_can_say(self) -> None:
        said = entry(
            size=12,
            yanked="broken",
            provenance="demo.provenance",
            **{
                "upload-time": "2024-05-06T07:08:09.123456Z",
                "requires-python": ">=3.8",
                "core-metadata": {"sha256": "cd" * 32},
            },
        )
        (listing,) = read(document(said)).listings
        assert listing.url == Url("https://files.example/demo-1.0-py3-none-any.whl")
        assert listing.index == INDEX
        assert listing.claimed == {"sha256": SHA}
        assert listing.sha256 == SHA
        assert listing.size == 12
        assert listing.uploaded == datetime(2024, 5, 6, 7, 8, 9, 123456, tzinfo=timezone.utc)
        assert listing.requires_python == ">=3.8"
        assert listing.yanked == "broken"
        assert listing.metadata == {"sha256": "cd" * 32}
        assert listing.provenance == Url("https://index.example/simple/demo/demo.provenance")

    def test_silence_is_none_and_no_offer(self) -> None:
        page = read(document(entry()))
        (listing,) = page.listings
        assert (listing.size, listing.uploaded, listing.requires_python, listing.yanked) == (None, None, None, None)
        assert (listing.metadata, listing.provenance) == (None, None)
        offers = page.offers
        assert offers == Offers(upload_time=False, provenance=False, core_metadata=False, status=False)

    @pytest.mark.parametrize(
        ("version", "provenance", "status"),
        [("1.0", False, False), ("1.2", False, False), ("1.3", True, False), ("1.4", True, True), ("1.9", True, True)],
    )
    def test_the_version_of_the_api_says_what_is_offered(self, version: str, provenance: bool, status: bool) -> None:
        offers = read(document(entry(), version=version)).offers
        assert (offers.provenance, offers.status) == (provenance, status)

    def test_what_any_file_states_is_offered(self) -> None:
        stated = entry(provenance=None, **{"upload-time": "2024-05-06T07:08:09Z", "core-metadata": True})
        offers = read(document(entry(), stated)).offers
        assert offers.provenance
        assert offers.upload_time
        assert offers.core_metadata

    def test_status_and_its_reason(self) -> None:
        page = read(document(status={"status": "quarantined", "reason": "malware"}))
        assert page.status.status is Status.QUARANTINED
        assert page.status.reason == "malware"
        assert page.offers.status

    def test_core_metadata_wins_over_its_old_name(self) -> None:
        both = entry(**{"core-metadata": False, "dist-info-metadata": {"sha256": SHA}})
        old = entry(**{"dist-info-metadata": True})
        assert [one.metadata for one in read(document(both, old)).listings] == [None, {}]

    @pytest.mark.parametrize(("value", "expected"), [(False, None), (None, None), ("", None), (True, ""), ("a", "a")])
    def test_yanked(self, value: object, expected: str | None) -> None:
        assert read(document(entry(yanked=value))).listings[0].yanked == expected

    @pytest.mark.parametrize(
        "name", ["demo-1.0.win32.exe", "demo-1.0-py2.7.egg", "demo-.whl", "demo-x-py3-none-any.whl"]
    )
    def test_a_file_name_that_does_not_parse_is_skipped_with_its_reason(self, name: str) -> None:
        page = read(document(entry(name), entry()))
        assert len(page.listings) == 1
        ((skipped, why),) = page.skipped
        assert skipped == name
        assert "not a valid" in why or repr(name) in why

    def test_a_file_of_another_project_is_skipped(self) -> None:
        page = read(document(entry("evil-1.0-py3-none-any.whl")))
        assert page.listings == ()
        assert "belongs to the project 'evil'" in page.skipped[0][1]

    def test_a_page_of_another_project_is_no_answer(self) -> None:
        with pytest.raises(Malformed, match=r"about the project 'evil', not about 'demo'"):
            read(document(entry(), name="evil"))

    def test_the_name_of_the_page_need_not_be_normalised(self) -> None:
        assert read(document(name="DEMO")).project == "demo"

    @pytest.mark.parametrize("version", ["2.0", "10.1", "1", "", None, 1.1, "1.x"])
    def test_other_major_versions_are_refused(self, version: Any) -> None:
        with pytest.raises(Malformed, match="api-version"):
            read(document(version=version))

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"url": None}, "'url'"),
            ({"url": 3}, "'url'"),
            ({"url": "https://[bad/x.whl"}, "not an address"),
            ({"url": "https://h:99999/x.whl"}, "not an address"),
            ({"url": "ftp://h/x.whl"}, "not an address"),
            ({"url": "file:///etc/demo-1.0-py3-none-any.whl"}, "not an address"),
            ({"url": "https://h/a\nb"}, "characters"),
            ({"url": "https://evil.example\\@index.example/x.whl"}, "characters"),
            ({"hashes": []}, "hashes"),
            ({"hashes": {"sha256": "zz"}}, "sha256"),
            ({"hashes": {"sha256": 3}}, "sha256"),
            ({"size": -1}, "size"),
            ({"size": True}, "size"),
            ({"yanked": 3}, "yanked"),
            ({"upload-time": "yesterday"}, "upload-time"),
            ({"upload-time": "2024-13-06T07:08:09Z"}, "upload-time"),
            ({"upload-time": 3}, "upload-time"),
            ({"requires-python": 3}, "requires-python"),
            ({"core-metadata": "x"}, "hashes"),
            ({"provenance": 3}, "provenance"),
        ],
    )
    def test_a_field_of_the_wrong_form_names_the_file(self, change: dict[str, Any], reason: str) -> None:
        with pytest.raises(Malformed, match=r"files\[1\]: .*" + reason):
            read(document(entry(), {**entry(), **change}))

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"[]",
            b"{",
            b"<html></html>",
            b"\xff\xfe",
            b'{"meta": {"api-version": "1.0"}, "name": "demo"}',
            b'{"meta": {"api-version": "1.0"}, "name": "demo", "files": ["x"]}',
            b'{"meta": {"api-version": "1.0"}, "name": 3, "files": []}',
            b'{"meta": [], "name": "demo", "files": []}',
            b"[" * 100_000,
        ],
    )
    def test_what_is_no_page_is_malformed(self, body: bytes) -> None:
        with pytest.raises(Malformed):
            read(body)

    def test_an_unknown_status_does_not_read_as_active(self) -> None:
        with pytest.raises(Malformed, match="project status is 'haunted'"):
            read(document(status={"status": "haunted"}))

    def test_digests_are_compared_in_lower_case(self) -> None:
        assert read(document(entry(hashes={"sha256": SHA.upper()}))).listings[0].sha256 == SHA

    def test_numbers_without_end_are_skipped(self) -> None:
        page = read(
            document(entry(f"demo-{'9' * 5000}-py3-none-any.whl"), entry(f"demo-1-{'9' * 5000}-py3-none-any.whl"))
        )
        assert page.listings == ()
        assert len(page.skipped) == 2


def utc(*parts: int) -> datetime:
    year, month, day, hour, minute, second, micro = (*parts, 0)[:7]
    return datetime(year, month, day, hour, minute, second, micro, tzinfo=timezone.utc)


class TestTimes:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("2024-05-06T07:08:09Z", utc(2024, 5, 6, 7, 8, 9)),
            ("2024-05-06T07:08:09.5Z", utc(2024, 5, 6, 7, 8, 9, 500000)),
            ("2024-05-06T07:08:09.123456Z", utc(2024, 5, 6, 7, 8, 9, 123456)),
            ("2024-05-06T07:08:09.123456789Z", utc(2024, 5, 6, 7, 8, 9, 123456)),
            ("2024-05-06T07:08:09", utc(2024, 5, 6, 7, 8, 9)),
            ("2024-05-06T07:08:09+02:00", utc(2024, 5, 6, 5, 8, 9)),
            ("2024-05-06T07:08:09-0130", utc(2024, 5, 6, 8, 38, 9)),
        ],
    )
    def test_every_form_is_the_same_moment_in_utc(self, text: str, expected: datetime) -> None:
        assert parse_time(text) == expected

    @pytest.mark.parametrize(
        "text",
        ["", "Z", "2024-05-06", "2024-05-06T25:00:00Z", "0001-01-01T00:00:00+23:00", "\uff12024-05-06T07:08:09Z"],
    )
    def test_other_texts_are_malformed(self, text: str) -> None:
        with pytest.raises(Malformed):
            parse_time(text)


PAGE = """<!DOCTYPE html><html><head><meta name="pypi:repository-version" content="{version}">{head}</head><body>
{body}</body></html>"""


def html_page(body: str, *, version: str = "1.0", head: str = "") -> str:
    return PAGE.format(body=body, version=version, head=head)


WHEEL_LINK = '<a href="/files/demo-1.0-py3-none-any.whl#sha256={sha}" {more}>demo-1.0-py3-none-any.whl</a>'


class TestHtml:
    def link(self, more: str = "") -> str:
        return WHEEL_LINK.format(sha=SHA, more=more)

    def test_the_attributes(self) -> None:
        more = (
            'data-requires-python="&gt;=3.8" data-yanked="why &amp; how" data-core-metadata="sha256=' + "cd" * 32 + '" '
            'data-dist-info-metadata="false" data-provenance="/p"'
        )
        (listing,) = read_html(html_page(self.link(more))).listings
        assert listing.url == Url("https://index.example/files/demo-1.0-py3-none-any.whl")
        assert listing.claimed == {"sha256": SHA}
        assert listing.requires_python == ">=3.8"
        assert listing.yanked == "why & how"
        assert listing.metadata == {"sha256": "cd" * 32}
        assert listing.provenance == Url("https://index.example/p")

    def test_the_old_name_of_core_metadata(self) -> None:
        (listing,) = read_html(html_page(self.link('data-dist-info-metadata="true"'))).listings
        assert listing.metadata == {}

    def test_an_empty_yanked_is_yanked(self) -> None:
        assert read_html(html_page(self.link("data-yanked"))).listings[0].yanked == ""

    def test_base_and_relative_links(self) -> None:
        head = '<base href="https://other.example/a/">'
        page = read_html(html_page('<a href="../demo-1.0.tar.gz">x</a>', head=head))
        assert page.listings[0].url == Url("https://other.example/demo-1.0.tar.gz")

    def test_status(self) -> None:
        head = (
            '<meta name="pypi:project-status" content="archived"><meta name="pypi:project-status-reason" content="r">'
        )
        page = read_html(html_page("", head=head, version="1.4"))
        assert (page.status.status, page.status.reason) == (Status.ARCHIVED, "r")
        assert page.offers.status
        assert page.offers.provenance

    def test_a_page_of_another_project_is_no_answer(self) -> None:
        with pytest.raises(Malformed, match="about the project 'evil'"):
            read_html(html_page('<a href="evil-1.0-py3-none-any.whl">evil</a>'))

    def test_some_web_page_is_not_a_project_without_files(self) -> None:
        with pytest.raises(Malformed, match="without a link to any distribution"):
            read_html("<!DOCTYPE html><html><body><form>Please log in</form></body></html>")

    def test_a_project_without_files_says_that_it_is_an_index_page(self) -> None:
        assert read_html(html_page("")).listings == ()
        assert read_html("<html><head><title>Links for demo</title></head></html>").listings == ()

    def test_version_two_is_refused(self) -> None:
        with pytest.raises(Malformed, match="api-version"):
            read_html(html_page(self.link(), version="2.0"))

    def test_bad_links_are_skipped_with_a_reason(self) -> None:
        bad = '<a href="demo-1.0-py3-none-any.whl#sha256=zz">a</a><a href="demo-1.egg">b</a><a href="https://[/x.whl">c</a>'
        page = read_html(html_page(self.link() + bad))
        assert len(page.listings) == 1
        assert [name for name, _ in page.skipped] == ["demo-1.0-py3-none-any.whl", "demo-1.egg", "x.whl"]

    def test_a_page_from_the_net_cannot_point_at_local_files(self) -> None:
        page = read_html(html_page('<a href="file:///tmp/demo-1.0-py3-none-any.whl">a</a>'))
        assert page.listings == ()
        assert len(page.skipped) == 1

    def test_a_local_page_can(self) -> None:
        page = read_html(
            html_page('<a href="../demo-1.0-py3-none-any.whl">a</a>'), Url("file:///srv/simple/demo/index.html")
        )
        assert page.listings[0].url == Url("file:///srv/simple/demo-1.0-py3-none-any.whl")

    def test_links_that_name_no_distribution_are_not_mentioned(self) -> None:
        links = parse_links(
            b'<a href="..">up</a><a href="https://h/">h</a><a>x</a>', charset=None, index=INDEX, base=BASE
        )
        assert (links.listings, links.skipped) == ((), ())


class TestContentTypes:
    @pytest.mark.parametrize("kind", ["application/vnd.pypi.simple.v2+json", "application/json", "text/plain", ""])
    def test_only_version_one_is_read(self, kind: str) -> None:
        with pytest.raises(Malformed, match="content type"):
            parse_page(document(), content_type=kind, index=INDEX, base=BASE, project=DEMO)

    def test_parameters_and_case_do_not_matter(self) -> None:
        page = parse_page(
            document(entry()), content_type=f"{JSON_TYPE.upper()}; x=y", index=INDEX, base=BASE, project=DEMO
        )
        assert len(page.listings) == 1


def test_skipped_files_survive_rendering() -> None:
    page = read(document(entry(), entry("demo-1.egg"), entry("evil-1.0.tar.gz")))
    assert len(page.skipped) == 2
    assert read(render_json(page)) == page


class TestPlainHttp:
    """What an index over https must not do: send us to the services of this very machine."""

    LOCAL = "http://127.0.0.1:9/admin/demo-1.0-py3-none-any.whl"
    PLAIN = Url("http://127.0.0.1:8080/simple/demo/")

    def page(self, base: Url, **entry: object) -> IndexPage:
        one = {"filename": "demo-1.0-py3-none-any.whl", "url": "demo-1.0-py3-none-any.whl", "hashes": {}, **entry}
        document = {"meta": {"api-version": "1.0"}, "name": "demo", "files": [one]}
        return parse_json(json.dumps(document).encode(), index=INDEX, base=base, project=DEMO)

    @pytest.mark.parametrize("key", ["url", "provenance"])
    def test_an_https_page_names_no_http_address(self, key: str) -> None:
        page = self.page(BASE, **{key: self.LOCAL})
        assert page.listings == ()
        ((name, reason),) = page.skipped
        assert name == "demo-1.0-py3-none-any.whl"
        assert "plain http" in reason

    @pytest.mark.parametrize("attribute", ["", 'data-provenance="http://127.0.0.1:9/p"'])
    def test_nor_does_one_in_html(self, attribute: str) -> None:
        href = self.LOCAL if not attribute else "demo-1.0-py3-none-any.whl"
        page = read_html(html_page(f'<a href="{href}" {attribute}>a</a>'))
        assert page.listings == ()
        assert "plain http" in page.skipped[0][1]

    def test_nor_as_the_base_of_its_links(self) -> None:
        with pytest.raises(Malformed, match="plain http"):
            read_html('<base href="http://127.0.0.1:9/">' + html_page('<a href="demo-1.0-py3-none-any.whl">a</a>'))

    @pytest.mark.parametrize("base", [PLAIN, Url("file:///srv/simple/demo/")])
    def test_a_page_of_this_machine_may(self, base: Url) -> None:
        assert self.page(base, url=self.LOCAL).listings[0].url == Url(self.LOCAL)
        assert self.page(base, url="https://files.example/demo-1.0-py3-none-any.whl").listings

    def test_a_password_in_such_an_address_stays_in(self) -> None:
        page = self.page(BASE, url="http://u:SECRET" + "x" * 200 + "@127.0.0.1/demo-1.0-py3-none-any.whl")
        assert "SECRET" not in page.skipped[0][1]
        with pytest.raises(Malformed) as caught:  # which has a port that is none
            self.page(BASE, url="http://u:SECRET/" + "x" * 200 + "@127.0.0.1/demo-1.0-py3-none-any.whl")
        assert "SECRET" not in str(caught.value)
