"""One function over many things at once: `safepip.ports.Workers`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent.futures import Future
from typing import TypeVar

from safepip.io.memo import Workers

T = TypeVar("T")
R = TypeVar("R")


class Parallel:
    """Daemon threads, so that an interrupt never waits for them."""

    def __init__(self, count: int) -> None:
        self._workers = Workers(count)

    def each(self, work: Callable[[T], R], things: Collection[T]) -> tuple[R, ...]:
        """The answers in the order of the things. The first exception, in that order, is raised."""
        futures: list[Future[R]] = []
        for thing in things:
            future: Future[R] = Future()
            futures.append(future)
            self._workers.submit(_task(future, work, thing))
        return tuple(future.result() for future in futures)

    def close(self) -> None:
        self._workers.close()


def _task(future: Future[R], work: Callable[[T], R], thing: T) -> Callable[[], None]:
    def run() -> None:
        try:
            future.set_result(work(thing))
        except BaseException as error:  # noqa: BLE001 - raised again by `result`, on the thread that asked
            future.set_exception(error)

    return run
