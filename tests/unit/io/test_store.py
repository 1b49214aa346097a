"""The store of files, with real files and processes."""

from __future__ import annotations

import hashlib
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from safepip import ports
from safepip.errors import BadInput, EnvironmentFault, IndexFault, NetworkFault
from safepip.io.store import Store
from safepip.model.artifact import Listing
from safepip.model.ident import FileName, Url

BODY = b"the bytes of a wheel" * 1000
DIGEST = hashlib.sha256(BODY).hexdigest()


def listing(
    body: bytes = BODY, *, size: int | None = None, claimed: dict[str, str] | None = None, url: str | None = None
) -> Listing:
    index = Url("https://index.example/simple/demo/")
    return Listing(
        name=FileName.parse("demo-1.0-py3-none-any.whl"),
        url=Url(url) if url is not None else index.join("demo-1.0-py3-none-any.whl"),
        index=index,
        claimed={"sha256": hashlib.sha256(body).hexdigest()} if claimed is None else claimed,
        size=size,
        uploaded=None,
        requires_python=None,
        yanked=None,
        metadata=None,
        provenance=None,
    )


class Source:
    """A download that counts."""

    def __init__(self, *chunks: bytes) -> None:
        self.chunks = chunks or (BODY[:100], BODY[100:])
        self.asked = 0

    @contextmanager
    def __call__(self, listing: Listing) -> Iterator[Iterable[bytes]]:  # noqa: ARG002
        self.asked += 1
        yield self.chunks


class Watching:
    def __init__(self) -> None:
        self.said: list[tuple[str, int | None]] = []

    def using_cached(self, listing: Listing, size: int) -> None:  # noqa: ARG002
        self.said.append(("cached", size))

    def downloading(self, listing: Listing, size: int | None) -> None:  # noqa: ARG002
        self.said.append(("downloading", size))

    def received(self, listing: Listing, count: int) -> None:  # noqa: ARG002
        self.said.append(("received", count))


def refuse(text: str) -> None:
    raise AssertionError(text)


def port(of: Store) -> ports.Store:
    return of


def store(root: Path | None, source: Source | None = None, warn: Callable[[str], None] = refuse) -> Store:
    return Store(root, source if source is not None else Source(), Watching(), warn)


def entry(root: Path) -> Path:
    return root / "files" / "sha256" / DIGEST[:2] / DIGEST[2:]


def leftovers(root: Path) -> list[Path]:
    return list((root / "files" / "tmp").iterdir())


class TestFetch:
    def test_by_content_with_the_digests_that_were_asked_for(self, tmp_path: Path) -> None:
        watching = Watching()
        one = Store(tmp_path, Source(), watching, refuse)
        path, digests, size = one.fetch(listing(size=len(BODY)), ["sha512"])
        assert path == entry(tmp_path)
        assert path.read_bytes() == BODY
        assert digests == {"sha256": DIGEST, "sha512": hashlib.sha512(BODY).hexdigest()}
        assert size == len(BODY)
        assert watching.said == [("downloading", size), ("received", 100), ("received", size - 100)]
        assert leftovers(tmp_path) == []

    def test_private_modes(self, tmp_path: Path) -> None:
        path, _, _ = store(tmp_path / "cache").fetch(listing(), [])
        assert path.stat().st_mode & 0o777 == 0o600
        assert {folder.stat().st_mode & 0o777 for folder in path.parents[:3]} <= {0o700}

    def test_a_second_time_without_a_download(self, tmp_path: Path) -> None:
        store(tmp_path).fetch(listing(), [])
        source = Source()
        fetched = port(store(tmp_path, source)).fetch(listing(), ["sha384", "md5"])
        assert source.asked == 0
        assert fetched[1] == {"sha256": DIGEST, "sha384": hashlib.sha384(BODY).hexdigest()}

    def test_a_corrupted_entry_is_noticed_and_replaced(self, tmp_path: Path) -> None:
        store(tmp_path).fetch(listing(), [])
        entry(tmp_path).write_bytes(BODY[:-1] + b"?")
        source = Source()
        path, digests, _ = store(tmp_path, source).fetch(listing(), [])
        assert source.asked == 1
        assert digests["sha256"] == DIGEST
        assert path.read_bytes() == BODY

    def test_a_corrupted_entry_is_removed_even_if_the_download_fails(self, tmp_path: Path) -> None:
        store(tmp_path).fetch(listing(), [])
        entry(tmp_path).write_bytes(b"altered")

        @contextmanager
        def dark(listing: Listing) -> Iterator[Iterable[bytes]]:  # noqa: ARG001
            raise NetworkFault("unreachable", "The index did not answer.")
            yield ()

        with pytest.raises(NetworkFault):
            Store(tmp_path, dark, Watching(), refuse).fetch(listing(), [])
        assert not entry(tmp_path).exists()

    def test_other_bytes_than_claimed_are_stored_under_their_own_digest(self, tmp_path: Path) -> None:
        path, digests, _ = store(tmp_path, Source(b"poison")).fetch(listing(), [])
        assert digests["sha256"] == hashlib.sha256(b"poison").hexdigest()
        assert path.name == digests["sha256"][2:]
        assert not entry(tmp_path).exists()

    def test_a_link_in_the_place_of_an_entry_is_not_followed(self, tmp_path: Path) -> None:
        one = store(tmp_path)
        elsewhere = tmp_path / "elsewhere"
        elsewhere.write_bytes(BODY)
        entry(tmp_path).parent.mkdir(parents=True)
        entry(tmp_path).symlink_to(elsewhere)
        path, _, _ = one.fetch(listing(), [])
        assert not path.is_symlink()

    def test_without_a_claimed_digest_it_is_asked_each_time(self, tmp_path: Path) -> None:
        source = Source()
        one = store(tmp_path, source)
        one.fetch(listing(claimed={"md5": "0" * 32}), [])
        one.fetch(listing(claimed={}), [])
        assert source.asked == 2

    def test_keep_saves_the_download(self, tmp_path: Path) -> None:
        source = Source()
        one = store(tmp_path, source)
        one.keep(listing(), BODY)
        assert one.fetch(listing(), [])[0].read_bytes() == BODY
        assert source.asked == 0

    def test_a_local_file_is_copied(self, tmp_path: Path) -> None:
        wheel = tmp_path / "with space.whl"
        wheel.write_bytes(BODY)
        path, digests, _ = store(tmp_path / "cache").fetch(listing(claimed={}, url=wheel.as_uri()), [])
        wheel.write_bytes(b"altered afterwards")
        assert path.read_bytes() == BODY
        assert digests["sha256"] == DIGEST

    @pytest.mark.parametrize("name", ["missing.whl", "."])
    def test_a_local_file_that_cannot_be_read(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(BadInput, match="cannot be read"):
            store(tmp_path / "cache").fetch(listing(claimed={}, url=(tmp_path / name).as_uri()), [])


class TestSize:
    @pytest.mark.parametrize("stated", [len(BODY) - 1, len(BODY) + 1])
    def test_longer_or_shorter_than_stated(self, tmp_path: Path, stated: int) -> None:
        with pytest.raises(IndexFault) as caught:
            store(tmp_path).fetch(listing(size=stated), [])
        assert caught.value.reference == "wrong-size"
        assert leftovers(tmp_path) == []
        assert not entry(tmp_path).exists()

    def test_an_endless_download_ends(self, tmp_path: Path) -> None:
        def forever() -> Iterator[bytes]:
            while True:
                yield b"x" * 1000

        @contextmanager
        def endless(listing: Listing) -> Iterator[Iterable[bytes]]:  # noqa: ARG001
            yield forever()

        with pytest.raises(IndexFault) as caught:
            Store(tmp_path, endless, Watching(), refuse, largest=10_000).fetch(listing(), [])
        assert caught.value.reference == "file-too-large"
        assert leftovers(tmp_path) == []


class TestPlace:
    def test_no_cache_is_private_and_removed(self) -> None:
        one = store(None)
        path, _, _ = one.fetch(listing(), [])
        assert path.read_bytes() == BODY
        one.close()
        assert not path.exists()

    def test_an_unusable_cache_is_told_once(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"")
        told: list[str] = []
        one = store(tmp_path / "file" / "cache", warn=told.append)
        assert one.fetch(listing(), [])[0].read_bytes() == BODY
        one.close()
        assert len(told) == 1
        assert "The cache has been disabled." in told[0]

    @pytest.mark.skipif(os.geteuid() != 0, reason="giving a folder away needs root")
    def test_root_leaves_the_cache_of_another_user_alone(self, tmp_path: Path) -> None:
        os.chown(tmp_path, 12345, 12345)
        told: list[str] = []
        store(tmp_path, warn=told.append).close()
        assert len(told) == 1
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("place", [".", "files", "files/tmp", "files/sha256"])
    @pytest.mark.parametrize("mode", [0o770, 0o707, 0o1777])
    def test_where_others_may_write_nothing_is_kept_or_staged(self, tmp_path: Path, place: str, mode: int) -> None:
        store(tmp_path).fetch(listing(), [])
        (tmp_path / place).chmod(mode)
        told: list[str] = []
        one = store(tmp_path, source := Source(), warn=told.append)
        path, _, _ = one.fetch(listing(), [])
        assert not path.is_relative_to(tmp_path)
        assert not one.workshop.is_relative_to(tmp_path)
        one.close()
        assert source.asked == 1
        assert len(told) == 1
        assert "The cache has been disabled." in told[0]

    def test_where_others_may_swap_the_whole_cache(self, tmp_path: Path) -> None:
        root = tmp_path / "shared" / "cache"
        store(root).close()
        (tmp_path / "shared").chmod(0o1777)
        assert store(root).workshop.is_relative_to(root)
        (tmp_path / "shared").chmod(0o777)
        told: list[str] = []
        one = store(root, warn=told.append)
        assert not one.workshop.is_relative_to(tmp_path)
        one.close()
        assert len(told) == 1
        assert "others may write there" in told[0]
        assert "chmod go-w" in told[0]

    @pytest.mark.skipif(os.geteuid() != 0, reason="giving a folder away needs root")
    @pytest.mark.parametrize("place", [".", "files", "files/tmp", "files/sha256"])
    def test_a_folder_that_another_user_made_first(self, tmp_path: Path, place: str) -> None:
        (tmp_path / place).mkdir(parents=True, exist_ok=True)
        os.chown(tmp_path / place, 12345, 12345)
        told: list[str] = []
        one = store(tmp_path, warn=told.append)
        assert not one.workshop.is_relative_to(tmp_path)
        one.close()
        assert len(told) == 1

    def test_others_may_look(self, tmp_path: Path) -> None:
        store(tmp_path)
        for place in (".", "files", "files/tmp", "files/sha256"):
            (tmp_path / place).chmod(0o755)
        assert store(tmp_path).workshop == tmp_path / "files" / "tmp"

    def test_old_leftovers_are_swept_and_new_ones_left(self, tmp_path: Path) -> None:
        store(tmp_path)
        workshop = tmp_path / "files" / "tmp"
        for name in ("old", "new"):
            (workshop / name).write_bytes(b"half")
        (workshop / "stage").mkdir()
        (workshop / "stage" / "wheel").write_bytes(b"half")
        past = time.time() - 100_000
        for name in ("old", "stage"):
            os.utime(workshop / name, (past, past))
        store(tmp_path)
        assert [path.name for path in leftovers(tmp_path)] == ["new"]

    def test_a_full_disk_has_words(self, tmp_path: Path) -> None:
        """A limit on file size stands for the disk: the write fails half way, with EFBIG."""
        one = store(tmp_path)
        ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, limits[1]))
        try:
            with pytest.raises(EnvironmentFault) as caught:
                one.fetch(listing(), [])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            signal.signal(signal.SIGXFSZ, ignored)
        assert caught.value.reference == "disk-full"
        assert leftovers(tmp_path) == []


SLOW = """
import sys, time
from contextlib import contextmanager
from pathlib import Path
from tests.unit.io.test_store import BODY, Watching, listing, refuse
from safepip.io.store import Store

@contextmanager
def slow(_):
    def chunks():
        for start in range(0, len(BODY), 1000):
            yield BODY[start : start + 1000]
            time.sleep(float(sys.argv[2]))
    yield chunks()

path, digests, size = Store(Path(sys.argv[1]), slow, Watching(), refuse).fetch(listing(), [])
assert path.read_bytes() == BODY
"""


def start(root: Path, pause: str) -> subprocess.Popen[str]:
    project = Path(__file__).parents[3]
    command = [sys.executable, "-c", SLOW, str(root), pause]
    return subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, text=True)


class TestTogether:
    def test_killed_half_way(self, tmp_path: Path) -> None:
        with start(tmp_path, "5") as writer:
            deadline = time.monotonic() + 10
            while not any(path.stat().st_size for path in tmp_path.glob("files/tmp/*")):
                assert time.monotonic() < deadline
                time.sleep(0.02)
            writer.kill()
        assert not entry(tmp_path).exists()
        assert len(leftovers(tmp_path)) == 1
        assert store(tmp_path).fetch(listing(), [])[0].read_bytes() == BODY

    def test_two_processes_and_threads_for_the_same_file(self, tmp_path: Path) -> None:
        one = store(tmp_path)
        with start(tmp_path, "0.01") as first, start(tmp_path, "0.01") as second:
            results: list[bytes] = []
            threads = [
                threading.Thread(target=lambda: results.append(one.fetch(listing(), [])[0].read_bytes()))
                for _ in range(4)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert first.wait(20) == second.wait(20) == 0
        assert results == [BODY] * 4
        assert leftovers(tmp_path) == []


def test_what_the_download_raises_leaves_nothing(tmp_path: Path) -> None:
    @contextmanager
    def broken(listing: Listing) -> Iterator[Iterable[bytes]]:  # noqa: ARG001
        def chunks() -> Iterator[bytes]:
            yield BODY[:10]
            raise NetworkFault("reset", "The connection was reset.")

        yield chunks()

    with pytest.raises(NetworkFault):
        Store(tmp_path, broken, Watching(), refuse).fetch(replace(listing(), size=None), [])
    assert leftovers(tmp_path) == []
