"""Who is asked about a name, and what counts as an answer: against the real server, folders and link pages."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from safepip.errors import BadInput, EnvironmentFault, IndexFault, NetworkFault
from safepip.io.index import IndexCatalog, index_key
from safepip.model.artifact import Status
from safepip.model.grants import IndexGrant
from safepip.model.ident import FileKind, Url
from tests.unit.io.edges import a_catalog, project, sources
from tests.world import Fault, World, WorldServer, wheel

DEMO = project("demo")
PAGE = "/simple/demo/"


@pytest.fixture
def world() -> World:
    world = World()
    world.publish("demo", "1.0", requires=("other>=1",))
    world.publish("demo", "1.1", kind="sdist")
    world.publish("demo", "1.0", requires=("other>=1",), tags="cp312-cp312-linux_x86_64")
    return world


@pytest.fixture
def server(world: World) -> Iterator[WorldServer]:
    with WorldServer(world) as running:
        yield running


def grant(name: str, url: Url, *packages: str) -> IndexGrant:
    return IndexGrant(
        name=name,
        url=url,
        packages=packages,
        private=True,
        upload_times_absent=False,
        minimum_age=None,
        place=f"safepip.toml [indexes.{name}]",
    )


def asking(catalog: IndexCatalog) -> Callable[[], None]:
    def work() -> None:
        catalog.project(DEMO)

    return work


class TestPages:
    @pytest.mark.parametrize("form", ["json", "html"])
    def test_a_project(self, world: World, server: WorldServer, form: str) -> None:
        world.main.form = form
        world.mark("demo", Status.DEPRECATED, reason="old")
        with a_catalog(sources(server.index())) as catalog:
            (page,) = catalog.project(DEMO).pages
        assert page == world.main.page(server.base, DEMO) or form == "html"
        assert [one.name.text for one in page.listings] == [one.text for one in world.main.projects[DEMO]]
        assert page.index == server.index()
        assert (page.status.status, page.status.reason) == (Status.DEPRECATED, "old")
        assert server.requests[0].headers["accept"].startswith("application/vnd.pypi.simple.v1+json, ")

    @pytest.mark.parametrize("status", [404, 410])
    def test_only_these_mean_that_it_is_not_there(self, server: WorldServer, status: int) -> None:
        server.fail(PAGE, Fault(status=status))
        with a_catalog(sources(server.index())) as catalog:
            assert catalog.project(DEMO).pages == ()

    def test_a_project_without_files_is_there(self, world: World, server: WorldServer) -> None:
        world.empty("bare")
        with a_catalog(sources(server.index())) as catalog:
            (page,) = catalog.project(project("bare")).pages
        assert page.listings == ()

    @pytest.mark.parametrize("status", [400, 401, 403, 451, 500, 503])
    def test_any_other_status_is_an_error(self, world: World, server: WorldServer, status: int) -> None:
        world.index("other").projects.update(world.main.projects)
        server.fail(PAGE, Fault(status=status))
        with a_catalog(sources(server.index(), server.index("other"))) as catalog, pytest.raises(IndexFault):
            catalog.project(DEMO)

    def test_darkness_is_an_error(self, world: World, server: WorldServer) -> None:
        world.go_dark()
        with a_catalog(sources(server.index())) as catalog, pytest.raises(NetworkFault):
            catalog.project(DEMO)

    @pytest.mark.parametrize(
        "fault",
        [
            Fault(body=b"<html><body>Please log in</body></html>"),
            Fault(body=b"<html><body>Please log in</body></html>", content_type="text/html"),
            Fault(content_type="application/json"),
            Fault(content_type="application/vnd.pypi.simple.v2+json"),
            Fault(body=b'{"meta": {"api-version": "2.0"}, "name": "demo", "files": []}'),
            Fault(body=b'{"meta": {"api-version": "1.0"}, "name": "evil", "files": []}'),
            Fault(body=b'<a href="evil-1.0.tar.gz">evil</a>', content_type="text/html"),
            Fault(redirect="/simple/evil/"),
        ],
    )
    def test_what_is_not_the_page_of_this_project_is_no_answer(
        self, world: World, server: WorldServer, fault: Fault
    ) -> None:
        world.publish("evil", "1.0")
        server.fail(PAGE, fault)
        with a_catalog(sources(server.index())) as catalog, pytest.raises(IndexFault) as caught:
            catalog.project(DEMO)
        assert caught.value.reference == "bad-index-page"
        assert PAGE in caught.value.message
        assert "simple repository" in (caught.value.hint or "")

    def test_relative_links_follow_a_redirect(self, world: World, server: WorldServer) -> None:
        with WorldServer(world) as mirror:
            body = b'<title>Links for demo</title><a href="../../files/demo-1.0-py3-none-any.whl">x</a>'
            mirror.fail(PAGE, Fault(body=body, content_type="text/html"))
            server.fail(PAGE, Fault(redirect=mirror.base + PAGE))
            with a_catalog(sources(server.index())) as catalog:
                (page,) = catalog.project(DEMO).pages
            assert page.listings[0].url.origin == mirror.index().origin
            assert page.index == server.index()

    def test_the_state_of_an_index_carries_no_credentials(self, world: World, server: WorldServer) -> None:
        world.main.password = ("me", "s3cret")
        secret = Url(server.index().reveal().replace("://", "://me:s3cret@") + "/")
        with a_catalog(sources(secret)) as catalog:
            (page,) = catalog.project(DEMO).pages
        assert page.index == server.index()
        assert all("s3cret" not in one.url.reveal() + one.index.reveal() for one in page.listings)

    def test_the_form_of_an_index_address_does_not_matter(self) -> None:
        forms = ("https://h/simple", "https://h/simple/", "https://u:p@h/simple//", "https://h/simple/#x")
        assert {index_key(Url(text)).reveal() for text in forms} == {"https://h/simple"}


class TestWhoIsAsked:
    def test_every_index_in_its_order(self, world: World, server: WorldServer) -> None:
        world.index("second")
        world.publish("demo", "9.0", index="second")
        with a_catalog(sources(server.index("second"), server.index(), server.index("second"))) as catalog:
            pages = catalog.project(DEMO).pages
        assert [page.index for page in pages] == [server.index("second"), server.index()]
        assert sorted(server.paths()) == ["/second/simple/demo/", "/simple/demo/"]

    def test_a_name_with_an_index_of_its_own_is_asked_only_there(self, world: World, server: WorldServer) -> None:
        world.index("corp")
        world.publish("acme-tool", "1.0", index="corp")
        world.publish("acme-tool", "99.0")
        chosen = sources(server.index(), grants=[grant("corp", server.index("corp"), "acme-*")])
        with a_catalog(chosen) as catalog:
            (page,) = catalog.project(project("acme-tool")).pages
            assert catalog.project(project("acme-absent")).pages == ()
            assert len(catalog.project(DEMO).pages) == 1
        assert page.index == server.index("corp")
        assert server.paths() == ["/corp/simple/acme-tool/", "/corp/simple/acme-absent/", "/simple/demo/"]

    def test_not_even_in_a_folder(self, server: WorldServer, world: World, tmp_path: Path) -> None:
        world.index("corp")
        name, content = wheel("acme-tool", "99")
        (tmp_path / name).write_bytes(content)
        chosen = sources(
            server.index(),
            find_links=(Url(tmp_path.as_uri()),),
            grants=[grant("corp", server.index("corp"), "acme-*")],
        )
        with a_catalog(chosen) as catalog:
            assert catalog.project(project("acme-tool")).pages == ()

    def test_a_dark_private_index_does_not_lead_to_the_public_one(self, world: World, server: WorldServer) -> None:
        world.index("corp")
        world.go_dark(index="corp")
        world.publish("acme-tool", "99.0")
        chosen = sources(server.index(), grants=[grant("corp", server.index("corp"), "acme-*")])
        with a_catalog(chosen) as catalog, pytest.raises(NetworkFault):
            catalog.project(project("acme-tool"))
        assert server.paths() == ["/corp/simple/acme-tool/"]

    def test_the_most_specific_glob_wins(self) -> None:
        general, special = grant("a", Url("https://a/"), "acme-*"), grant("b", Url("https://b/"), "acme-tool*")
        for order in ((general, special), (special, general)):
            assert sources(grants=order).exclusive(project("acme-tool-x")) is special
        assert sources(grants=[general]).exclusive(project("other")) is None
        assert sources(grants=[grant("c", Url("https://c/"))]).exclusive(project("other")) is None

    def test_no_index(self, server: WorldServer) -> None:
        with a_catalog(sources(server.index(), no_index=True)) as catalog:
            assert catalog.project(DEMO).pages == ()
        assert server.requests == []

    def test_no_index_and_a_name_that_only_an_index_may_give(self, server: WorldServer) -> None:
        chosen = sources(no_index=True, grants=[grant("corp", server.index(), "demo")])
        with a_catalog(chosen) as catalog, pytest.raises(BadInput, match="--no-index") as caught:
            catalog.project(DEMO)
        assert ("policy", "safepip.toml [indexes.corp]") in caught.value.context


class TestRemembering:
    def test_asking_twice_is_free_from_any_thread(self, world: World, server: WorldServer) -> None:
        world.main.latency = 0.05
        with a_catalog(sources(server.index())) as catalog:
            results: list[Any] = []
            threads = [threading.Thread(target=lambda: results.append(catalog.project(DEMO))) for _ in range(20)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            listing = catalog.project(DEMO).pages[0].listings[0]
            assert catalog.metadata(listing) is catalog.metadata(listing)
        assert len({id(one) for one in results}) == 1
        assert server.paths() == [PAGE, "/files/demo-1.0-py3-none-any.whl.metadata"]

    def test_failures_are_remembered_too(self, world: World, server: WorldServer) -> None:
        world.go_dark()
        with a_catalog(sources(server.index())) as catalog:
            faults = []
            for _ in range(2):
                with pytest.raises(NetworkFault) as caught:
                    catalog.project(DEMO)
                faults.append(caught.value)
        assert faults[0] is faults[1]
        assert len(server.requests) == 1

    def test_work_ahead(self, world: World, server: WorldServer) -> None:
        world.publish("slow", "1.0")
        with a_catalog(sources(server.index())) as catalog:
            done = threading.Event()

            def work() -> None:
                catalog.project(DEMO)
                done.set()

            catalog.ahead(work)
            assert done.wait(5)
            server.forget()
            catalog.project(DEMO)
        assert server.requests == []

    def test_what_work_ahead_meets_is_told_when_asked(self, world: World, server: WorldServer) -> None:
        world.go_dark()
        with a_catalog(sources(server.index())) as catalog:
            catalog.ahead(asking(catalog))
            with pytest.raises(NetworkFault):
                catalog.project(DEMO)
        assert len(server.requests) == 1

    def test_after_closing_nothing_begins(self, server: WorldServer) -> None:
        with a_catalog(sources(server.index())) as catalog:
            catalog.close()
            catalog.ahead(asking(catalog))
            with pytest.raises(NetworkFault) as caught:
                catalog.project(DEMO)
        assert caught.value.reference == "cancelled"
        assert server.requests == []


class TestPageCache:
    @staticmethod
    def ask(server: WorldServer, folder: Path | None, now: float = 1000.0, index: Url | None = None) -> Any:
        chosen = sources(index if index is not None else server.index())
        with a_catalog(chosen, cache_dir=folder, clock=lambda: now) as catalog:
            return catalog.project(DEMO)

    def test_validators_save_the_body(self, world: World, server: WorldServer, tmp_path: Path) -> None:
        world.main.validators = "etag"
        first = self.ask(server, tmp_path / "cache")
        assert self.ask(server, tmp_path / "cache") == first
        assert "if-none-match" not in server.requests[0].headers
        assert "if-none-match" in server.requests[1].headers

    def test_what_has_changed_is_read_anew(self, world: World, server: WorldServer, tmp_path: Path) -> None:
        world.main.validators = "etag"
        self.ask(server, tmp_path / "cache")
        world.publish("demo", "2.0")
        assert len(self.ask(server, tmp_path / "cache").pages[0].listings) == 4

    @pytest.mark.parametrize(
        ("max_age", "later", "asked"),
        [
            (60, 59.0, 1),
            (60, 60.0, 2),
            (86400, 599.0, 1),
            (86400, 601.0, 2),
            (0, 0.0, 2),
            (60, -1.0, 2),
            (None, 0.0, 2),
        ],
    )
    def test_max_age_counts_up_to_ten_minutes(
        self, world: World, server: WorldServer, tmp_path: Path, max_age: int | None, later: float, asked: int
    ) -> None:
        world.main.max_age = max_age
        first = self.ask(server, tmp_path / "cache")
        assert self.ask(server, tmp_path / "cache", 1000.0 + later) == first
        assert len(server.requests) == asked

    def test_a_renewed_page_is_fresh_again(self, world: World, server: WorldServer, tmp_path: Path) -> None:
        world.main.validators, world.main.max_age = "etag", 60
        for now in (1000.0, 1100.0, 1150.0):
            self.ask(server, tmp_path / "cache", now)
        assert len(server.requests) == 2

    def test_what_was_asked_with_credentials_is_not_kept(
        self, world: World, server: WorldServer, tmp_path: Path
    ) -> None:
        world.main.max_age, world.main.password = 60, ("me", "s3cret")
        secret = Url(server.index().reveal().replace("://", "://me:s3cret@"))
        for _ in range(2):
            self.ask(server, tmp_path / "cache", index=secret)
        assert len(server.requests) == 2
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == []

    @pytest.mark.parametrize("header", ["no-store", "no-store, max-age=60"])
    def test_what_must_not_be_kept_is_not(self, server: WorldServer, tmp_path: Path, header: str) -> None:
        server.fail(PAGE, Fault(headers={"Cache-Control": header, "ETag": '"x"'}))
        self.ask(server, tmp_path / "cache")
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == []

    def test_no_cache_folder_no_cache(self, world: World, server: WorldServer) -> None:
        world.main.max_age = 60
        for _ in range(2):
            self.ask(server, None)
        assert len(server.requests) == 2

    @pytest.mark.parametrize("damage", [b"", b"x", b"\n", b"0" * 64 + b"\n{}\n{}"])
    def test_a_damaged_entry_is_fetched_again(
        self, world: World, server: WorldServer, tmp_path: Path, damage: bytes
    ) -> None:
        world.main.max_age = 60
        first = self.ask(server, tmp_path / "cache")
        (entry,) = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
        entry.write_bytes(damage)
        assert self.ask(server, tmp_path / "cache") == first
        assert len(server.requests) == 2
        assert self.ask(server, tmp_path / "cache") == first
        assert len(server.requests) == 2

    def test_an_entry_under_another_name_is_not_believed(
        self, world: World, server: WorldServer, tmp_path: Path
    ) -> None:
        world.main.max_age = 60
        self.ask(server, tmp_path / "cache")
        (entry,) = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
        content = entry.read_bytes()
        entry.unlink()
        with WorldServer(world) as other:
            self.ask(other, tmp_path / "cache")
            (planted,) = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
            planted.write_bytes(content)
            other.forget()
            self.ask(other, tmp_path / "cache")
            assert len(other.requests) == 1

    def test_a_folder_that_others_can_write_is_not_used(
        self, world: World, server: WorldServer, tmp_path: Path
    ) -> None:
        world.main.max_age = 60
        folder = tmp_path / "cache"
        folder.mkdir()
        folder.chmod(0o777)
        for _ in range(2):
            self.ask(server, folder)
        assert len(server.requests) == 2

    def test_a_page_that_does_not_parse_is_not_kept(self, server: WorldServer, tmp_path: Path) -> None:
        server.fail(PAGE, Fault(body=b"{}", headers={"Cache-Control": "max-age=60"}, times=1))
        with pytest.raises(IndexFault):
            self.ask(server, tmp_path / "cache")
        assert len(self.ask(server, tmp_path / "cache").pages) == 1


class TestFolders:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        for name, version in (("demo", "1.0"), ("demo", "2.0"), ("Other.Thing", "1.0")):
            text, content = wheel(name, version)
            (tmp_path / text).write_bytes(content)
        (tmp_path / "demo-x.tar.gz").write_bytes(b"")
        (tmp_path / "notes.txt").write_text("no distribution")
        (tmp_path / "demo-3.0-py3-none-any.whl").mkdir()
        return tmp_path

    def test_find_links(self, folder: Path) -> None:
        url = Url(folder.as_uri())
        with a_catalog(sources(find_links=(url,))) as catalog:
            (page,) = catalog.project(DEMO).pages
            (other,) = catalog.project(project("other-thing")).pages
            assert catalog.project(project("absent")).pages == ()
        assert [one.name.text for one in page.listings] == ["demo-1.0-py3-none-any.whl", "demo-2.0-py3-none-any.whl"]
        assert [name for name, _ in page.skipped] == ["demo-x.tar.gz"]
        assert [one.name.text for one in other.listings] == ["Other_Thing-1.0-py3-none-any.whl"]
        assert page.index == url
        listing = page.listings[0]
        content = (folder / listing.name.text).read_bytes()
        assert listing.claimed == {"sha256": hashlib.sha256(content).hexdigest()}
        assert listing.size == (folder / listing.name.text).stat().st_size
        assert listing.url == Url((folder / listing.name.text).as_uri())

    def test_a_page_of_a_folder_that_a_file_named_does_not_lead_elsewhere(
        self, tmp_path: Path, server: WorldServer
    ) -> None:
        """A requirements file may name a folder; a page in it must not bring in an index by the back door."""
        name, content = wheel("demo", "1.0")
        (tmp_path / name).write_bytes(content)
        far = server.address("/files/demo-2.0-py3-none-any.whl").reveal()
        (tmp_path / "links.html").write_text(f'<a href="{far}">demo-2.0-py3-none-any.whl</a>')
        url = Url(tmp_path.as_uri())
        with a_catalog(sources(find_links=(url,))) as catalog:
            assert len(catalog.project(DEMO).pages[0].listings) == 2
        with a_catalog(sources(find_links=(url,), local_only=frozenset({url}))) as catalog:
            (page,) = catalog.project(DEMO).pages
        assert [one.url.scheme for one in page.listings] == ["file"]
        assert "it lies elsewhere" in [why for _, why in page.skipped]

    def test_local_files_come_before_indexes(self, folder: Path, server: WorldServer) -> None:
        with a_catalog(sources(server.index(), find_links=(Url(folder.as_uri()),))) as catalog:
            assert [page.index.scheme for page in catalog.project(DEMO).pages] == ["file", "http"]

    def test_a_folder_that_is_not_there_is_an_error(self, folder: Path) -> None:
        with (
            a_catalog(sources(find_links=(Url((folder / "absent").as_uri()),))) as catalog,
            pytest.raises(BadInput, match="neither a folder nor a file"),
        ):
            catalog.project(DEMO)

    def test_a_single_file(self, folder: Path) -> None:
        url = Url((folder / "demo-1.0-py3-none-any.whl").as_uri())
        with a_catalog(sources(find_links=(url,))) as catalog:
            assert len(catalog.project(DEMO).pages[0].listings) == 1

    def test_an_html_file_and_one_in_a_folder(self, folder: Path) -> None:
        links = folder / "links.html"
        links.write_text('<a href="demo-1.0-py3-none-any.whl#sha256=' + "ab" * 32 + '">demo</a><a href="x">x</a>')
        with a_catalog(sources(find_links=(Url(links.as_uri()),))) as catalog:
            (listing,) = catalog.project(DEMO).pages[0].listings
        assert listing.claimed == {"sha256": "ab" * 32}
        with a_catalog(sources(find_links=(Url(folder.as_uri()),))) as catalog:
            assert len(catalog.project(DEMO).pages[0].listings) == 3

    def test_a_page_of_links(self, server: WorldServer) -> None:
        body = b'<a href="/files/demo-1.0-py3-none-any.whl">demo</a> <a href="other-1.0.tar.gz">other</a>'
        server.fail("/links", Fault(status=200, body=body, content_type="text/html"))
        with a_catalog(sources(find_links=(server.address("/links"),))) as catalog:
            (page,) = catalog.project(DEMO).pages
            assert len(catalog.project(project("other")).pages) == 1
            assert catalog.project(project("third")).pages == ()
        assert page.listings[0].url == server.address("/files/demo-1.0-py3-none-any.whl")
        assert len(server.requests) == 1

    @pytest.mark.parametrize("fault", [Fault(status=404), Fault(status=500), Fault(status=200, body=b"{}")])
    def test_a_page_of_links_that_is_none(self, server: WorldServer, fault: Fault) -> None:
        server.fail("/links", fault)
        with a_catalog(sources(find_links=(server.address("/links"),))) as catalog, pytest.raises(IndexFault):
            catalog.project(DEMO)

    def test_a_file_index_of_pages(self, folder: Path) -> None:
        simple = folder / "simple" / "demo"
        simple.mkdir(parents=True)
        (simple / "index.html").write_text('<a href="../../demo-1.0-py3-none-any.whl">demo</a>')
        index = Url((folder / "simple").as_uri())
        with a_catalog(sources(index)) as catalog:
            (page,) = catalog.project(DEMO).pages
            assert catalog.project(project("absent")).pages == ()
            assert catalog.metadata(page.listings[0]).project == "demo"
        assert page.index == index

    def test_a_file_index_of_folders(self, folder: Path) -> None:
        simple = folder / "simple" / "demo"
        simple.mkdir(parents=True)
        with a_catalog(sources(Url((folder / "simple").as_uri()))) as catalog:
            assert catalog.project(DEMO).pages[0].listings == ()
        text, content = wheel("demo", "1.0")
        (simple / text).write_bytes(content)
        with a_catalog(sources(Url((folder / "simple").as_uri()))) as catalog:
            assert len(catalog.project(DEMO).pages[0].listings) == 1

    def test_a_file_index_that_is_not_there(self, folder: Path) -> None:
        with a_catalog(sources(Url((folder / "absent").as_uri()))) as catalog, pytest.raises(BadInput):
            catalog.project(DEMO)

    def test_a_page_of_another_project_in_a_file_index(self, folder: Path) -> None:
        simple = folder / "simple" / "demo"
        simple.mkdir(parents=True)
        (simple / "index.html").write_text('<a href="evil-1.0-py3-none-any.whl">evil</a>')
        with a_catalog(sources(Url((folder / "simple").as_uri()))) as catalog, pytest.raises(IndexFault):
            catalog.project(DEMO)

    def test_a_file_of_another_machine(self) -> None:
        with (
            a_catalog(sources(Url("file://server/share"))) as catalog,
            pytest.raises(BadInput, match="another machine"),
        ):
            catalog.project(DEMO)


class TestDirect:
    def test_a_local_wheel(self, tmp_path: Path) -> None:
        text, content = wheel("demo", "1.0", requires=("other",))
        (tmp_path / text).write_bytes(content)
        url = Url((tmp_path / text).as_uri() + "#sha256=" + "ab" * 32)
        with a_catalog(sources()) as catalog:
            listing = catalog.direct(url)
            assert [str(one) for one in catalog.metadata(listing).requires_dist] == ["other"]
        assert listing.index == url
        assert listing.url == url.without_fragment()
        assert listing.claimed == {"sha256": "ab" * 32}
        assert listing.size == len(content)

    def test_a_remote_wheel(self, server: WorldServer) -> None:
        digest = server.world.main.projects[DEMO][0].claimed
        url = server.address(f"/files/demo-1.0-py3-none-any.whl#sha256={digest.upper()}&egg=demo")
        with a_catalog(sources()) as catalog:
            listing = catalog.direct(url)
            assert catalog.metadata(listing).project == "demo"
        assert listing.index == url
        assert listing.claimed == {"sha256": digest}
        assert listing.name.kind is FileKind.WHEEL

    @pytest.mark.parametrize(
        "text",
        [
            "file:///nowhere/demo-1.0-py3-none-any.whl",
            "file:///nowhere/",
            "https://h.example/demo.whl",
            "https://h.example/demo-1.0-py3-none-any.whl#sha256=zz",
            "file://server/demo-1.0-py3-none-any.whl",
        ],
    )
    def test_what_names_no_distribution_is_bad_input(self, text: str) -> None:
        with a_catalog(sources()) as catalog, pytest.raises(BadInput):
            catalog.direct(Url(text))

    def test_plain_http_is_refused_before_anything_is_asked(self) -> None:
        with a_catalog(sources()) as catalog, pytest.raises(IndexFault) as caught:
            catalog.direct(Url("http://h.example/demo-1.0-py3-none-any.whl"))
        assert caught.value.reference == "plain-http"


def test_an_unreadable_folder_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("safepip.io.links.os.scandir", refuse)
    with (
        a_catalog(sources(find_links=(Url(tmp_path.as_uri()),))) as catalog,
        pytest.raises(EnvironmentFault, match="Permission denied"),
    ):
        catalog.project(DEMO)
