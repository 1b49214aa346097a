"""The metadata of a wheel by the cheapest means, and every way in which a server can get it wrong."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from safepip.errors import IndexFault, Malformed, NetworkFault, UnreadableFile
from safepip.io.index import IndexCatalog
from safepip.io.metadata import SMALLEST_TAIL
from safepip.io.wheelfile import Missing, Sparse, read_metadata
from safepip.model.artifact import Listing
from safepip.model.ident import FileName
from tests.unit.io.edges import a_catalog, project, sources
from tests.world import Fault, Published, World, WorldServer, wheel

FILE = "/files/demo-1.0-py3-none-any.whl"


@pytest.fixture
def world() -> World:
    return World(core_metadata=False)


@pytest.fixture
def server(world: World) -> Iterator[WorldServer]:
    with WorldServer(world) as running:
        yield running


def first(catalog: IndexCatalog) -> Listing:
    return catalog.project(project("demo")).pages[0].listings[0]


def requires(catalog: IndexCatalog, listing: Listing | None = None) -> list[str]:
    metadata = catalog.metadata(listing if listing is not None else first(catalog))
    return [str(one) for one in metadata.requires_dist]


def large(world: World, **more: object) -> Published:
    """A wheel of some megabytes that do not compress."""
    import random

    noise = {f"demo/part{number}.bin": random.Random(number).randbytes(50_000) for number in range(8)}
    return world.publish("demo", "1.0", requires=("other>=1",), files=noise, **more)  # type: ignore[arg-type]


class TestSeparateFile:
    def test_is_all_that_is_asked(self, world: World, server: WorldServer) -> None:
        world.main.core_metadata = True
        world.publish("demo", "1.0", requires=("other>=1",))
        with a_catalog(sources(server.index())) as catalog:
            assert requires(catalog) == ["other>=1"]
        assert server.paths() == ["/simple/demo/", f"{FILE}.metadata"]

    def test_other_bytes_than_the_page_says_are_refused(self, world: World, server: WorldServer) -> None:
        world.main.core_metadata = True
        world.publish("demo", "1.0")
        server.fail(f"{FILE}.metadata", Fault(body=b"Name: demo\nVersion: 1.0\nRequires-Dist: evil\n"))
        with a_catalog(sources(server.index())) as catalog, pytest.raises(IndexFault) as caught:
            catalog.metadata(first(catalog))
        assert caught.value.reference == "digest-mismatch"
        assert [label for label, _ in caught.value.context] == ["expected", "got"]

    def test_one_that_is_lost_is_read_from_the_wheel(self, world: World, server: WorldServer) -> None:
        world.main.core_metadata = True
        world.publish("demo", "1.0", requires=("other>=1",))
        world.lose("metadata")
        with a_catalog(sources(server.index())) as catalog:
            assert requires(catalog) == ["other>=1"]

    def test_one_that_cannot_be_had_is_an_error(self, world: World, server: WorldServer) -> None:
        world.main.core_metadata = True
        world.publish("demo", "1.0")
        world.go_dark("metadata")
        with a_catalog(sources(server.index())) as catalog, pytest.raises(NetworkFault):
            catalog.metadata(first(catalog))


class TestTail:
    def test_one_request_for_a_small_wheel_which_is_then_kept(self, world: World, server: WorldServer) -> None:
        one = world.publish("demo", "1.0", requires=("other>=1",))
        kept: list[tuple[Listing, bytes]] = []
        with a_catalog(sources(server.index()), kept=kept) as catalog:
            assert requires(catalog) == ["other>=1"]
        (_, request) = server.requests
        assert request.headers["range"] == f"bytes=-{SMALLEST_TAIL}"
        assert request.headers["accept-encoding"] == "identity"
        assert [body for _, body in kept] == [one.content]

    def test_one_request_for_a_large_wheel(self, world: World, server: WorldServer) -> None:
        large(world)
        kept: list[tuple[Listing, bytes]] = []
        with a_catalog(sources(server.index()), kept=kept) as catalog:
            assert requires(catalog) == ["other>=1"]
        assert len(server.requests) == 2
        assert kept == []

    def test_two_where_the_metadata_lies_at_the_beginning(self, world: World, server: WorldServer) -> None:
        one = large(world)
        world.tamper(one, _metadata_first(one.content))
        with a_catalog(sources(server.index())) as catalog:
            assert requires(catalog) == ["other>=1"]
        ranges = [request.headers["range"] for request in server.requests[1:]]
        assert len(ranges) == 2
        assert ranges[1].startswith("bytes=0-")

    def test_a_directory_longer_than_the_tail(self, world: World, server: WorldServer) -> None:
        files = {f"demo/{'x' * 100}{number}.py": b"" for number in range(700)}
        world.publish("demo", "1.0", requires=("other>=1",), files=files)
        with a_catalog(sources(server.index())) as catalog:
            assert requires(catalog) == ["other>=1"]
        assert 3 <= len(server.requests) <= 4

    def test_a_server_that_gives_everything(self, world: World, server: WorldServer) -> None:
        world.main.ranges = False
        one = large(world)
        kept: list[tuple[Listing, bytes]] = []
        with a_catalog(sources(server.index()), kept=kept) as catalog:
            assert requires(catalog) == ["other>=1"]
        assert len(server.requests) == 2
        assert [body for _, body in kept] == [one.content]

    @pytest.mark.parametrize("fault", [Fault(status=416, body=b""), Fault(status=400, body=b""), Fault(status=405)])
    def test_a_server_that_refuses_ranges(
        self, world: World, server: WorldServer, tmp_path: Path, fault: Fault
    ) -> None:
        one = world.publish("demo", "1.0", requires=("other>=1",))
        path = tmp_path / one.text
        path.write_bytes(one.content)
        server.fail(FILE, fault)
        with a_catalog(sources(server.index()), fetch_whole=lambda _: path) as catalog:
            assert requires(catalog) == ["other>=1"]

    def test_a_part_that_came_compressed_or_in_many_parts(
        self, world: World, server: WorldServer, tmp_path: Path
    ) -> None:
        one = world.publish("demo", "1.0", requires=("other>=1",))
        path = tmp_path / one.text
        path.write_bytes(one.content)
        for headers in ({"Content-Encoding": "gzip"}, {"Content-Type": "multipart/byteranges"}):
            fault = Fault(headers=headers, content_type=headers.get("Content-Type"))
            server.fail(FILE, fault)
            with a_catalog(sources(server.index()), fetch_whole=lambda _: path) as catalog:
                assert requires(catalog) == ["other>=1"]

    @pytest.mark.parametrize(
        "content_range",
        ["", "bytes 0-9/*", "bytes 5-1000000/2000000", "bytes 0-1/1", "items 0-9/10", "bytes 0-" + "9" * 30 + "/1"],
    )
    def test_a_range_that_contradicts_itself(self, world: World, server: WorldServer, content_range: str) -> None:
        world.main.sizes = False
        world.publish("demo", "1.0")
        fault = Fault(status=206, body=b"x" * 50, headers={"Content-Range": content_range})
        world.main.ranges = False
        server.fail(FILE, fault)
        with a_catalog(sources(server.index())) as catalog, pytest.raises(IndexFault) as caught:
            catalog.metadata(first(catalog))
        assert caught.value.reference == "index-contradiction"

    def test_a_wheel_of_another_size_than_announced(self, world: World, server: WorldServer) -> None:
        one = world.publish("demo", "1.0")
        world.tamper(one)
        for ranges in (True, False):
            world.main.ranges = ranges
            with a_catalog(sources(server.index())) as catalog, pytest.raises(IndexFault) as caught:
                catalog.metadata(first(catalog))
            assert caught.value.reference == "index-contradiction"

    def test_a_whole_wheel_with_another_digest(self, world: World, server: WorldServer) -> None:
        world.main.sizes = False
        one = world.publish("demo", "1.0")
        world.tamper(one)
        with a_catalog(sources(server.index())) as catalog, pytest.raises(IndexFault) as caught:
            catalog.metadata(first(catalog))
        assert caught.value.reference == "digest-mismatch"

    @pytest.mark.parametrize("status", [404, 410])
    def test_a_wheel_that_is_listed_and_not_there(self, world: World, server: WorldServer, status: int) -> None:
        world.publish("demo", "1.0")
        server.fail(FILE, Fault(status=status))
        with a_catalog(sources(server.index())) as catalog, pytest.raises(IndexFault) as caught:
            catalog.metadata(first(catalog))
        assert caught.value.reference == "file-missing"

    def test_a_wheel_that_cannot_be_had(self, world: World, server: WorldServer) -> None:
        world.publish("demo", "1.0")
        world.go_dark("files")
        with a_catalog(sources(server.index())) as catalog, pytest.raises(NetworkFault):
            catalog.metadata(first(catalog))


class TestNobodyVouches:
    """A file host that garbles a part must not make a release look broken, so that an older one is taken."""

    def garbled(self, world: World, server: WorldServer, content: bytes) -> None:
        """The end of the wheel comes with a directory that is none."""
        world.main.ranges = False
        piece = content[-SMALLEST_TAIL:].replace(b"PK\x01\x02", b"PK\x00\x00")
        total = len(content)
        place = f"bytes {total - len(piece)}-{total - 1}/{total}"
        server.fail(FILE, Fault(status=206, body=piece, headers={"Content-Range": place}))

    def stored(self, folder: Path, name: str, content: bytes) -> Path:
        path = folder / name
        path.write_bytes(content)
        return path

    def test_a_garbled_tail_of_an_honest_wheel(self, world: World, server: WorldServer, tmp_path: Path) -> None:
        one = large(world)
        self.garbled(world, server, one.content)
        path = self.stored(tmp_path, one.text, one.content)
        with a_catalog(sources(server.index()), fetch_whole=lambda _: path) as catalog:
            assert requires(catalog) == ["other>=1"]

    def test_a_garbled_tail_of_a_garbled_wheel_stops_the_run(
        self, world: World, server: WorldServer, tmp_path: Path
    ) -> None:
        one = large(world)
        self.garbled(world, server, one.content)
        path = self.stored(tmp_path, one.text, bytes(len(one.content)))
        cataloged = a_catalog(sources(server.index()), fetch_whole=lambda _: path)
        with cataloged as catalog, pytest.raises(IndexFault) as caught:
            catalog.metadata(first(catalog))
        assert caught.value.reference == "digest-mismatch"
        assert [label for label, _ in caught.value.context] == ["expected", "got"]

    @pytest.mark.parametrize("hashes", [True, False])
    def test_a_wheel_that_is_broken_for_everybody(
        self, world: World, server: WorldServer, tmp_path: Path, hashes: bool
    ) -> None:
        world.main.hashes = hashes
        content = bytes(200_000)
        one = world.publish("demo", "1.0", content=content)
        path = self.stored(tmp_path, one.text, content)
        cataloged = a_catalog(sources(server.index()), fetch_whole=lambda _: path)
        with cataloged as catalog, pytest.raises(IndexFault) as caught:
            catalog.metadata(first(catalog))
        assert caught.value.reference == "unreadable-metadata"

    def test_a_separate_file_without_a_digest_gives_way_to_the_wheel(self, server: WorldServer) -> None:
        page = f'<a href="{FILE}" data-core-metadata="true">demo</a>'.encode()
        server.world.publish("demo", "1.0", requires=("other>=1",))
        server.fail("/simple/demo/", Fault(body=page, content_type="text/html"))
        server.fail(f"{FILE}.metadata", Fault(status=200, body=b"garbled"))
        with a_catalog(sources(server.index())) as catalog:
            assert requires(catalog) == ["other>=1"]
        assert server.paths()[-2:] == [f"{FILE}.metadata", FILE]


class TestWhatIsInside:
    @pytest.mark.parametrize(
        "metadata", [b"", b"Name: demo\n", b"Name: demo\nVersion: x\n", b"Name: demo\nVersion: 1.0\nRequires-Dist: >\n"]
    )
    def test_malformed(self, world: World, server: WorldServer, metadata: bytes) -> None:
        world.publish("demo", "1.0", content=wheel("demo", "1.0", metadata=metadata)[1])
        with a_catalog(sources(server.index())) as catalog, pytest.raises(IndexFault) as caught:
            catalog.metadata(first(catalog))
        assert caught.value.reference == "unreadable-metadata"

    @pytest.mark.parametrize("metadata", [b"Name: evil\nVersion: 1.0\n", b"Name: demo\nVersion: 1.1\n"])
    def test_of_another_distribution(self, world: World, server: WorldServer, metadata: bytes) -> None:
        world.publish("demo", "1.0", content=wheel("demo", "1.0", metadata=metadata)[1])
        with a_catalog(sources(server.index())) as catalog, pytest.raises(IndexFault) as caught:
            catalog.metadata(first(catalog))
        assert caught.value.reference == "metadata-contradiction"

    @pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x05\x06" + bytes(18), wheel("evil", "1.0")[1]])
    def test_no_wheel_of_that_name(self, world: World, server: WorldServer, content: bytes) -> None:
        world.main.ranges = bool(content)
        world.publish("demo", "1.0", content=content)
        with a_catalog(sources(server.index())) as catalog, pytest.raises(IndexFault) as caught:
            catalog.metadata(first(catalog))
        assert caught.value.reference == "unreadable-metadata"

    @pytest.mark.parametrize("ranges", [True, False])
    def test_what_the_gate_objects_to_says_more(self, world: World, server: WorldServer, ranges: bool) -> None:
        world.main.ranges = ranges
        world.publish("demo", "1.0", content=wheel("demo", "1.0")[1] + wheel("demo", "1.0")[1][:-9])
        with a_catalog(sources(server.index())) as catalog, pytest.raises(UnreadableFile) as caught:
            catalog.metadata(first(catalog))
        assert (caught.value.check, caught.value.code) == ("archive", "zip-trailer")

    @pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
    @pytest.mark.parametrize("broken", [False, True])
    def test_metadata_compressed_as_no_wheel_is(self, method: int, broken: bool) -> None:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", method) as new:
            new.writestr("demo-1.0.dist-info/METADATA", b"Name: demo\nVersion: 1.0\n" * 9)
        if broken:
            buffer.getbuffer()[65:75] = b"\xff" * 10
        sparse = Sparse(len(buffer.getvalue()))
        sparse.add(0, buffer.getvalue())
        with pytest.raises(Malformed, match="compressed by method"):
            read_metadata(sparse, FileName.parse("demo-1.0-py3-none-any.whl"))

    def test_a_directory_that_leads_to_a_place_before_the_file(self, tmp_path: Path) -> None:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as new:
            new.writestr("demo-1.0.dist-info/METADATA", b"Name: demo\nVersion: 1.0\n")
        path = tmp_path / "demo-1.0-py3-none-any.whl"
        path.write_bytes(buffer.getvalue()[10:])
        with pytest.raises(Malformed, match="not a readable wheel"):
            read_metadata(path, FileName.parse(path.name))

    @pytest.mark.parametrize("change", ["twice", "huge", "deep"])
    def test_metadata_that_is_not_one_reasonable_file(self, change: str) -> None:
        name, content = wheel("demo", "1.0")
        buffer = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
            for member in old.namelist():
                if not member.endswith("METADATA"):
                    new.writestr(member, old.read(member))
            places = {
                "twice": ["demo-1.0.dist-info/METADATA", "Demo-1.0.0.dist-info/METADATA"],
                "huge": ["demo-1.0.dist-info/METADATA"],
                "deep": ["demo/demo-1.0.dist-info/METADATA"],
            }[change]
            for place in places:
                new.writestr(place, b"x" * (9 * 1024 * 1024 if change == "huge" else 9))
        sparse = Sparse(len(buffer.getvalue()))
        sparse.add(0, buffer.getvalue())
        with pytest.raises(Malformed):
            read_metadata(sparse, FileName.parse(name))


class TestRememberedOnDisk:
    def test_by_the_digest_that_is_claimed(self, world: World, server: WorldServer, tmp_path: Path) -> None:
        world.publish("demo", "1.0", requires=("other>=1",))
        for _ in range(2):
            with a_catalog(sources(server.index()), cache_dir=tmp_path / "cache") as catalog:
                assert requires(catalog) == ["other>=1"]
        assert server.paths() == ["/simple/demo/", FILE, "/simple/demo/"]

    def test_not_where_none_is_claimed(self, world: World, server: WorldServer, tmp_path: Path) -> None:
        world.main.hashes = False
        world.publish("demo", "1.0")
        for _ in range(2):
            with a_catalog(sources(server.index()), cache_dir=tmp_path / "cache") as catalog:
                requires(catalog)
        assert server.paths().count(FILE) == 2

    def test_a_damaged_entry_is_read_anew(self, world: World, server: WorldServer, tmp_path: Path) -> None:
        world.publish("demo", "1.0", requires=("other>=1",))
        with a_catalog(sources(server.index()), cache_dir=tmp_path / "cache") as catalog:
            requires(catalog)
        (entry,) = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
        entry.write_bytes(b"Name: demo\nVersion: 1.0\nRequires-Dist: evil\n")
        with a_catalog(sources(server.index()), cache_dir=tmp_path / "cache") as catalog:
            assert requires(catalog) == ["other>=1"]


def _metadata_first(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in sorted(old.infolist(), key=lambda one: not one.filename.endswith("METADATA")):
            new.writestr(entry, old.read(entry.filename))
    return buffer.getvalue()


class TestSparse:
    def test_reads_what_is_there(self) -> None:
        sparse = Sparse(100)
        sparse.add(90, b"0123456789")
        sparse.seek(-5, io.SEEK_END)
        assert sparse.read(2) == b"56"
        assert sparse.tell() == 97
        assert sparse.read() == b"789"
        assert sparse.read(5) == b""

    def test_says_what_is_missing(self) -> None:
        sparse = Sparse(100)
        sparse.add(90, b"0123456789")
        sparse.add(10, b"0123456789")
        sparse.seek(5)
        with pytest.raises(Missing) as caught:
            sparse.read(50)
        assert (caught.value.start, caught.value.end) == (5, 10)
        sparse.seek(15)
        with pytest.raises(Missing) as caught:
            sparse.read(85)
        assert (caught.value.start, caught.value.end) == (20, 90)

    def test_pieces_that_touch_or_overlap_become_one(self) -> None:
        sparse = Sparse(20)
        for start, piece in ((10, b"aaaaaaaaaa"), (0, b"bbbbb"), (3, b"cccccccc")):
            sparse.add(start, piece)
        sparse.seek(0)
        assert sparse.read(20) == b"bbbbbccccccaaaaaaaaa"

    def test_before_the_beginning_is_an_error(self) -> None:
        with pytest.raises(OSError, match="negative"):
            Sparse(10).seek(-1)
