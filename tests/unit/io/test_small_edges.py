"""Memo, workers, cache files and downloads."""

from __future__ import annotations

import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from safepip.errors import IndexFault, NetworkFault
from safepip.io.cachefile import CacheFolder
from safepip.io.download import Downloader
from safepip.io.memo import Memo, Workers
from tests.unit.io.edges import a_catalog, an_http, project, sources
from tests.world import Fault, World, WorldServer

FILE = "/files/demo-1.0-py3-none-any.whl"
KEY = "ab" * 32


class TestMemo:
    def test_one_computation_for_many_threads(self) -> None:
        memo: Memo[str, int] = Memo()
        calls: list[int] = []

        def compute() -> int:
            time.sleep(0.02)
            calls.append(1)
            return len(calls)

        found: list[int] = []
        threads = [threading.Thread(target=lambda: found.append(memo.get("a", compute))) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [1] * 10
        assert memo.get("b", compute) == 2

    def test_an_exception_is_remembered(self) -> None:
        memo: Memo[str, int] = Memo()
        calls: list[int] = []

        def fail() -> int:
            calls.append(1)
            raise NetworkFault("x", "x.")

        for _ in range(2):
            with pytest.raises(NetworkFault):
                memo.get("a", fail)
        assert len(calls) == 1


class TestWorkers:
    @pytest.fixture
    def workers(self) -> Iterator[Workers]:
        workers = Workers(4)
        yield workers
        workers.close()

    def test_more_work_than_threads(self, workers: Workers) -> None:
        done: list[int] = []
        barrier = threading.Barrier(4)
        finished = threading.Semaphore(0)

        def work(number: int) -> None:
            if number < 4:
                barrier.wait(5)  # four at a time, or this breaks
            done.append(number)
            finished.release()

        for number in range(40):
            workers.submit(_task(work, number))
        for _ in range(40):
            assert finished.acquire(timeout=5)
        assert sorted(done) == list(range(40))

    def test_threads_never_hold_the_program_up(self, workers: Workers) -> None:
        seen: list[bool] = []
        done = threading.Event()

        def work() -> None:
            seen.append(threading.current_thread().daemon)
            done.set()

        workers.submit(work)
        assert done.wait(5)
        assert seen == [True]

    def test_what_has_not_begun_is_forgotten(self) -> None:
        workers = Workers(1)
        begun, go_on, later = threading.Event(), threading.Event(), threading.Event()

        def work() -> None:
            begun.set()
            go_on.wait(5)

        workers.submit(work)
        workers.submit(later.set)
        assert begun.wait(5)
        workers.close()
        go_on.set()
        workers.submit(later.set)
        assert not later.wait(0.05)

    def test_a_fault_of_an_index_is_dropped_and_a_defect_is_told(self, workers: Workers) -> None:
        def fault() -> None:
            raise NetworkFault("x", "x.")

        def defect() -> None:
            raise ZeroDivisionError

        workers.submit(fault)
        workers.submit(defect)
        with pytest.raises(ZeroDivisionError):
            _submit_for_a_while(workers)


def _submit_for_a_while(workers: Workers) -> None:
    for _ in range(1000):
        workers.submit(lambda: None)
        time.sleep(0.001)


def _task(work: Callable[[int], None], number: int) -> Callable[[], None]:
    return lambda: work(number)


class TestCacheFolder:
    def test_what_is_written_reads_back_and_is_private(self, tmp_path: Path) -> None:
        cache = CacheFolder(tmp_path / "a" / "cache")
        cache.write("pages", KEY, b"body\n\x00")
        assert cache.read("pages", KEY) == b"body\n\x00"
        (file,) = [path for path in tmp_path.rglob("*") if path.is_file()]
        assert stat.S_IMODE(file.stat().st_mode) == 0o600

    def test_kinds_and_keys_are_apart(self, tmp_path: Path) -> None:
        cache = CacheFolder(tmp_path)
        cache.write("pages", KEY, b"body")
        assert cache.read("metadata", KEY) is None
        (tmp_path / "metadata" / "ab").mkdir(parents=True)
        (tmp_path / "pages" / "ab" / KEY).rename(tmp_path / "metadata" / "ab" / KEY)
        assert cache.read("metadata", KEY) is None

    @pytest.mark.parametrize("cut", [0, 1, 64, 65, 68])
    def test_a_torn_entry_reads_as_none(self, tmp_path: Path, cut: int) -> None:
        cache = CacheFolder(tmp_path)
        cache.write("pages", KEY, b"body")
        file = tmp_path / "pages" / "ab" / KEY
        file.write_bytes(file.read_bytes()[:cut])
        assert cache.read("pages", KEY) is None

    def test_a_disk_that_refuses_costs_nothing_but_time(self, tmp_path: Path) -> None:
        cache = CacheFolder(tmp_path)
        (tmp_path / "pages").write_text("a file where a folder should be")
        cache.write("pages", KEY, b"body")
        assert cache.read("pages", KEY) is None

    @pytest.mark.parametrize("mode", [0o720, 0o702, 0o777])
    def test_a_folder_that_others_can_write_is_off(self, tmp_path: Path, mode: int) -> None:
        tmp_path.chmod(mode)
        assert not CacheFolder(tmp_path).enabled
        tmp_path.chmod(0o755)
        assert CacheFolder(tmp_path).enabled

    def test_none_is_off(self) -> None:
        cache = CacheFolder(None)
        cache.write("pages", KEY, b"body")
        assert cache.read("pages", KEY) is None


class TestDownloads:
    @pytest.fixture
    def server(self) -> Iterator[WorldServer]:
        world = World()
        world.publish("demo", "1.0")
        with WorldServer(world) as running:
            yield running

    @staticmethod
    def download(server: WorldServer, resumes: int = 0) -> bytes:
        with a_catalog(sources(server.index())) as catalog:
            listing = catalog.project(project("demo")).pages[0].listings[0]
        server.forget()
        with an_http() as http, Downloader(http, resumes=resumes)(listing) as chunks:
            return b"".join(chunks)

    @staticmethod
    def content(server: WorldServer) -> bytes:
        return server.world.main.projects[project("demo")][0].content

    def test_the_file(self, server: WorldServer) -> None:
        assert self.download(server) == self.content(server)

    @pytest.mark.parametrize("ranges", [True, False])
    def test_a_broken_one_is_taken_up_again(self, server: WorldServer, ranges: bool) -> None:
        server.world.main.ranges = ranges
        server.fail(FILE, Fault(truncate=100, times=1))
        assert self.download(server, resumes=1) == self.content(server)
        assert [one.headers.get("range") for one in server.requests] == [None, "bytes=100-"]

    def test_not_for_ever(self, server: WorldServer) -> None:
        server.fail(FILE, Fault(truncate=100))
        with pytest.raises(NetworkFault) as caught:
            self.download(server, resumes=2)
        assert caught.value.reference == "truncated"
        assert len(server.requests) == 3

    def test_never_where_no_digest_would_notice_two_halves(self, server: WorldServer) -> None:
        server.world.main.hashes = False
        server.fail(FILE, Fault(truncate=100, times=1))
        with pytest.raises(NetworkFault):
            self.download(server, resumes=2)

    def test_not_more_than_was_announced(self, server: WorldServer) -> None:
        server.fail(FILE, Fault(body=self.content(server) + b"x"))
        with pytest.raises(NetworkFault) as caught:
            self.download(server, resumes=2)
        assert caught.value.reference == "response-too-large"

    @pytest.mark.parametrize(
        ("status", "reference"),
        [(404, "file-missing"), (410, "file-missing"), (418, "file-status"), (206, "file-status")],
    )
    def test_an_answer_that_is_no_file(self, server: WorldServer, status: int, reference: str) -> None:
        server.fail(FILE, Fault(status=status))
        with pytest.raises(IndexFault) as caught:
            self.download(server)
        assert caught.value.reference == reference
