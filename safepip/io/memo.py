"""Work that is done once, and the threads that do it ahead of being asked."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

from safepip.errors import SafepipError

_PATIENCE = 2.0  # seconds
K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Memo(Generic[K, V]):
    """Each key is computed once, by the first thread that asks; the others wait for it. Failures are remembered too.

    A computation never waits for another key of the same memo, and runs on the thread that asked, never in a queue:
    so whoever waits, waits for something that is running, and no circle can form.
    """

    def __init__(self) -> None:
        self._futures: dict[K, Future[V]] = {}
        self._lock = threading.Lock()

    def get(self, key: K, compute: Callable[[], V]) -> V:
        with self._lock:
            future = self._futures.get(key)
            mine = future is None
            if future is None:
                future = self._futures[key] = Future()
        if mine:
            try:
                future.set_result(compute())
            except BaseException as error:  # noqa: BLE001 - raised again below, here and wherever it is asked for
                future.set_exception(error)
        return future.result()


class Workers:
    """Daemon threads: the end of the program never waits for them, so Ctrl-C ends at once."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._queue: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._idle = 0
        self._closed = False
        self._crash: BaseException | None = None

    def submit(self, work: Callable[[], None]) -> None:
        """Run `work` soon, or not at all once closed. A SafepipError of its is dropped: the memo behind it keeps it."""
        with self._lock:
            if self._crash is not None:
                raise self._crash
            if self._closed:
                return
            if self._idle == 0 and len(self._threads) < self._count:
                thread = threading.Thread(target=self._run, name="safepip-ahead", daemon=True)
                self._threads.append(thread)
                thread.start()
            elif self._idle > 0:
                self._idle -= 1
            self._queue.put(work)

    def close(self) -> None:
        """Forget what has not begun, and wait a little for what runs: it may still be writing somewhere."""
        with self._lock:
            self._closed = True
            with contextlib.suppress(queue.Empty):
                while True:
                    self._queue.get_nowait()
            for _ in self._threads:
                self._queue.put(None)
        latest = time.monotonic() + _PATIENCE
        for thread in self._threads:
            thread.join(max(0.0, latest - time.monotonic()))

    def _run(self) -> None:
        while True:
            work = self._queue.get()
            if work is None:
                return
            try:
                with contextlib.suppress(SafepipError):
                    work()
            except BaseException as error:  # noqa: BLE001 - a defect: told by the next `submit`, on the caller's thread
                with self._lock:
                    self._crash = error
            with self._lock:
                self._idle += 1
