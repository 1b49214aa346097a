"""The test world itself: honest artifacts, switches that switch, and one truth in memory and on the wire."""

from __future__ import annotations

import base64
import csv
import gzip
import hashlib
import io
import tarfile
import zipfile
from typing import Any

import pytest

from safepip.errors import IndexFault, NetworkFault
from safepip.formats.metadata import parse_metadata
from safepip.model.artifact import Status
from safepip.model.ident import FileKind, FileName, Url
from tests.unit.io.edges import a_catalog, an_http, project, sources
from tests.world import MemoryCatalog, World, WorldServer, rebuilt, sdist, wheel
from tests.world.memory import BASE

DEMO = project("demo")


def record_faults(content: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        (record,) = [name for name in archive.namelist() if name.endswith("RECORD")]
        rows = {row[0]: row[1:] for row in csv.reader(archive.read(record).decode().splitlines())}
        faults = sorted(set(archive.namelist()) ^ set(rows))
        for name, (digest, size) in rows.items():
            body = archive.read(name)
            expected = base64.urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b"=").decode()
            if name != record and (digest != f"sha256={expected}" or int(size) != len(body)):
                faults.append(name)
        return faults


class TestArtifacts:
    def test_a_wheel_is_what_its_name_says(self) -> None:
        text, content = wheel(
            "Demo.Thing", "1.0", tags="py2.py3-none-any", build="3b", requires=("other; extra == 'x'",), extras=("x",)
        )
        name = FileName.parse(text)
        assert (name.project, name.build) == ("demo-thing", (3, "b"))
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            metadata = parse_metadata(archive.read("Demo_Thing-1.0.dist-info/METADATA"))
            assert b"Tag: py2-none-any\nTag: py3-none-any\n" in archive.read("Demo_Thing-1.0.dist-info/WHEEL")
            assert archive.testzip() is None
        assert metadata.project == "demo-thing"
        assert metadata.provides_extra == frozenset({"x"})
        assert len(metadata.requires_dist) == 1
        assert record_faults(content) == []

    def test_the_same_input_gives_the_same_bytes(self) -> None:
        assert wheel("demo", "1.0") == wheel("demo", "1.0")
        assert sdist("demo", "1.0") == sdist("demo", "1.0")

    def test_an_evil_twin_is_a_valid_wheel(self) -> None:
        twin = rebuilt(wheel("demo", "1.0")[1], {"evil.py": b"", "demo.py": b"other"})
        assert record_faults(twin) == []
        with zipfile.ZipFile(io.BytesIO(twin)) as archive:
            assert archive.read("demo.py") == b"other"

    def test_an_sdist(self) -> None:
        text, content = sdist("demo-thing", "1.0", requires=("other",), files={"setup.py": b"x"})
        assert FileName.parse(text).kind is FileKind.SDIST
        with tarfile.open(fileobj=io.BytesIO(gzip.decompress(content))) as archive:
            assert sorted(archive.getnames()) == [
                f"demo_thing-1.0/{name}" for name in ("PKG-INFO", "pyproject.toml", "setup.py")
            ]
            info = archive.extractfile("demo_thing-1.0/PKG-INFO")
            assert info is not None
            assert len(parse_metadata(info.read()).requires_dist) == 1


SWITCHES: list[dict[str, Any]] = [
    {},
    {"core_metadata": False},
    {"upload_times": False},
    {"provenance": False},
    {"hashes": False},
    {"sizes": False},
    {"statuses": False},
    {"form": "html"},
    {"form": "html", "core_metadata": False, "provenance": False, "statuses": False},
]


class TestOneTruth:
    @pytest.mark.parametrize("switches", SWITCHES)
    def test_memory_and_wire_say_the_same(self, switches: dict[str, Any]) -> None:
        world = World(**switches)
        world.publish("demo", "1.0", requires=("other>=1",), provenance=b"{}", yanked="bad")
        world.publish("demo", "2.0", kind="sdist", requires_python=">=3.8", status=Status.ARCHIVED)
        memory = MemoryCatalog(world)
        with WorldServer(world) as server, a_catalog(sources(server.index())) as wire:
            (mine,), (theirs,) = memory.project(DEMO).pages, wire.project(DEMO).pages
            assert memory.metadata(mine.listings[0]) == wire.metadata(theirs.listings[0])
            assert repr(mine).replace(BASE, "") == repr(theirs).replace(server.base, "")

    def test_darkness_is_told_by_both(self) -> None:
        world = World()
        world.publish("demo", "1.0")
        memory = MemoryCatalog(world)
        listing = memory.project(DEMO).pages[0].listings[0]
        world.go_dark("metadata")
        with pytest.raises(NetworkFault):
            memory.metadata(listing)
        world.light_up()
        assert memory.metadata(listing).project == "demo"
        world.go_dark()
        with pytest.raises(NetworkFault):
            memory.project(DEMO)

    def test_memory_knows_what_was_asked_and_works_ahead_when_eager(self) -> None:
        world = World()
        world.publish("demo", "1.0")
        done: list[int] = []
        for eager in (False, True):
            catalog = MemoryCatalog(world, eager=eager)
            catalog.ahead(lambda: done.append(1))
            catalog.metadata(catalog.project(DEMO).pages[0].listings[0])
            assert catalog.asked == [("project", "demo"), ("metadata", "demo-1.0-py3-none-any.whl")]
        assert done == [1]

    def test_memory_serves_bytes_and_direct_addresses(self) -> None:
        world = World()
        one = world.publish("demo", "1.0")
        catalog = MemoryCatalog(world)
        assert catalog.content(catalog.project(DEMO).pages[0].listings[0]) == one.content
        url = Url(f"{BASE}/files/{one.text}")
        assert catalog.direct(url).index == url
        with pytest.raises(IndexFault):
            catalog.content(catalog.direct(url))

    def test_unreadable_metadata(self) -> None:
        world = World()
        world.publish("demo", "1.0", metadata=b"nothing")
        catalog = MemoryCatalog(world)
        with pytest.raises(IndexFault) as caught:
            catalog.metadata(catalog.project(DEMO).pages[0].listings[0])
        assert caught.value.reference == "unreadable-metadata"


class TestServer:
    def test_sidecars(self) -> None:
        world = World()
        one = world.publish("demo", "1.0", provenance=b'{"version": 1}')
        world.publish("plain", "1.0")
        with WorldServer(world) as server, an_http() as http:

            def ask(path: str) -> tuple[int, bytes]:
                response = http.get(server.address(path), accept="*/*", headers={}, limit=1 << 20)
                return response.status, response.body

            assert ask(f"/files/{one.text}.provenance") == (200, b'{"version": 1}')
            assert ask(f"/files/{one.text}.metadata") == (200, one.metadata)
            assert ask(f"/files/{one.text}") == (200, one.content)
            assert ask("/files/plain-1.0-py3-none-any.whl.provenance")[0] == 404
            assert ask("/elsewhere")[0] == 404
            world.lose("provenance")
            assert ask(f"/files/{one.text}.provenance")[0] == 404

    def test_tampering_leaves_what_the_index_says(self) -> None:
        world = World()
        for one in (world.publish("demo", "1.0"), world.publish("demo", "1.0", kind="sdist")):
            world.tamper(one)
            assert hashlib.sha256(one.content).hexdigest() != one.claimed

    def test_latency(self) -> None:
        import time

        world = World(latency=0.05)
        world.publish("demo", "1.0")
        with WorldServer(world) as server, a_catalog(sources(server.index())) as catalog:
            begun = time.monotonic()
            catalog.project(DEMO)
            assert time.monotonic() - begun >= 0.05
