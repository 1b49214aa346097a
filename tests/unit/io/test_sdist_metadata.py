"""The metadata of an sdist: what PKG-INFO states for good, and otherwise that it cannot be known without running it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from safepip.errors import EnvironmentFault, IndexFault, SafepipError, UnreadableFile
from safepip.io.index import IndexCatalog
from safepip.model.artifact import Listing
from safepip.model.ident import Url
from tests.archives.rawtar import an_sdist, pkg_info, symlink
from tests.unit.io.edges import a_catalog, project, sources
from tests.world import Fault, World, WorldServer

FILE = "/files/demo-1.0.tar.gz"
STATIC = an_sdist(info=pkg_info("demo", "1.0", "Requires-Dist: other>=1", "Requires-Python: >=3.8"))
DYNAMIC = an_sdist(info=pkg_info("demo", "1.0", "Dynamic: Requires-Dist"))
OLD = an_sdist(info=pkg_info(stated="2.1"), pyproject=None, files={"setup.py": "raise SystemExit('it ran')"})


@pytest.fixture
def world() -> World:
    return World(core_metadata=False)


@pytest.fixture
def server(world: World) -> Iterator[WorldServer]:
    with WorldServer(world) as running:
        yield running


Fetched = list[Listing]


@contextmanager
def catalog_of(
    server: WorldServer, place: Path, content: bytes, *, cache: Path | None = None
) -> Iterator[tuple[IndexCatalog, Fetched]]:
    """A catalog whose whole files come from `place`, and what was fetched whole."""
    fetched: Fetched = []
    place.write_bytes(content)

    def whole(listing: Listing) -> Path:
        fetched.append(listing)
        return place

    with a_catalog(sources(server.index()), fetch_whole=whole, cache_dir=cache) as catalog:
        yield catalog, fetched


def first(catalog: IndexCatalog) -> Listing:
    return catalog.project(project("demo")).pages[0].listings[0]


def test_what_is_static_is_known(world: World, server: WorldServer, tmp_path: Path) -> None:
    world.publish("demo", "1.0", kind="sdist", content=STATIC)
    with catalog_of(server, tmp_path / "whole", STATIC) as (catalog, fetched):
        metadata = catalog.metadata(first(catalog))
    assert [str(one) for one in metadata.requires_dist] == ["other>=1"]
    assert metadata.requires_python == ">=3.8"
    assert len(fetched) == 1
    assert server.paths() == ["/simple/demo/"]


def test_it_is_remembered(world: World, server: WorldServer, tmp_path: Path) -> None:
    world.publish("demo", "1.0", kind="sdist", content=STATIC)
    for times in (1, 0):
        with catalog_of(server, tmp_path / "whole", STATIC, cache=tmp_path / "cache") as (catalog, fetched):
            assert len(catalog.metadata(first(catalog)).requires_dist) == 1
        assert len(fetched) == times


def test_a_separate_file_is_enough(world: World, server: WorldServer) -> None:
    world.publish("demo", "1.0", kind="sdist", content=DYNAMIC)
    served = pkg_info("demo", "1.0", "Requires-Dist: other>=2").encode()
    server.fail(f"{FILE}.metadata", Fault(status=200, body=served))
    with a_catalog(sources(server.index())) as catalog:
        listing = replace(first(catalog), metadata={"sha256": hashlib.sha256(served).hexdigest()})
        assert [str(one) for one in catalog.metadata(listing).requires_dist] == ["other>=2"]


def test_a_separate_file_that_is_lost_is_made_good(world: World, server: WorldServer, tmp_path: Path) -> None:
    world.publish("demo", "1.0", kind="sdist", content=STATIC)
    server.fail(f"{FILE}.metadata", Fault(status=404))
    with catalog_of(server, tmp_path / "whole", STATIC) as (catalog, fetched):
        listing = replace(first(catalog), metadata={"sha256": "0" * 64})
        assert [str(one) for one in catalog.metadata(listing).requires_dist] == ["other>=1"]
    assert len(fetched) == 1


@pytest.mark.parametrize(
    ("content", "reason"), [(DYNAMIC, "Dynamic: Requires-Dist"), (OLD, "PKG-INFO has Metadata-Version 2.1")]
)
def test_what_is_not_static_is_not_guessed(
    world: World, server: WorldServer, tmp_path: Path, content: bytes, reason: str
) -> None:
    world.publish("demo", "1.0", kind="sdist", content=content)
    fault = refused(server, tmp_path, content)
    assert fault.reference == "metadata-needs-build"
    assert fault.message == "What demo-1.0.tar.gz requires cannot be known without running it."
    assert reason in dict(fault.context)["reason"]


def refused(server: WorldServer, tmp_path: Path, content: bytes) -> SafepipError:
    with catalog_of(server, tmp_path / "whole", content) as (catalog, _), pytest.raises(IndexFault) as caught:
        catalog.metadata(first(catalog))
    return caught.value


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"rubbish", "tar-gzip"),
        (an_sdist(symlink("demo-1.0/l", "/etc/passwd")), "tar-link"),
        (an_sdist(info=pkg_info("other")), "sdist-metadata"),
        (an_sdist(pyproject="["), "sdist-pyproject"),
    ],
)
def test_a_malformed_one_says_why(world: World, server: WorldServer, tmp_path: Path, content: bytes, code: str) -> None:
    world.publish("demo", "1.0", kind="sdist", content=content)
    fault = refused(server, tmp_path, content)
    assert isinstance(fault, UnreadableFile)
    assert (fault.reference, fault.check, fault.code) == ("unreadable-metadata", "archive", code)


def test_other_bytes_than_the_index_means(world: World, server: WorldServer, tmp_path: Path) -> None:
    """Sound or not: of a file that was swapped, nothing is believed."""
    world.publish("demo", "1.0", kind="sdist", content=STATIC)
    for content in (an_sdist(), b"rubbish"):
        assert refused(server, tmp_path, content).reference == "digest-mismatch"


def test_a_file_on_disk(tmp_path: Path) -> None:
    (tmp_path / "demo-1.0.tar.gz").write_bytes(STATIC)
    links = Url(tmp_path.as_uri())
    with a_catalog(sources(find_links=(links,), no_index=True)) as catalog:
        assert len(catalog.metadata(first(catalog)).requires_dist) == 1


def test_a_file_that_cannot_be_read(world: World, server: WorldServer, tmp_path: Path) -> None:
    world.publish("demo", "1.0", kind="sdist", content=STATIC)
    gone: Callable[[Listing], Path] = lambda _: tmp_path / "gone"  # noqa: E731
    with a_catalog(sources(server.index()), fetch_whole=gone) as catalog, pytest.raises(EnvironmentFault):
        catalog.metadata(first(catalog))


def test_a_zip_is_no_sdist(tmp_path: Path) -> None:
    (tmp_path / "demo-1.0.zip").write_bytes(b"PK")
    with (
        a_catalog(sources(find_links=(Url(tmp_path.as_uri()),), no_index=True)) as catalog,
        pytest.raises(UnreadableFile) as caught,
    ):
        catalog.metadata(first(catalog))
    assert caught.value.code == "sdist-format"
