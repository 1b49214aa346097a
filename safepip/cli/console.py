"""What a person sees while a run goes on: pip's lines on stdout, progress on a terminal, nothing animated elsewhere.

Told from many threads; lines never mix, and a progress display is taken away before anything else is said.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, TextIO

from safepip.errors import EnvironmentFault
from safepip.formats.plain import clean
from safepip.model.artifact import Listing, Resolution, Root
from safepip.model.plan import Plan
from safepip.model.run import Distribution
from safepip.report import text

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_ERASE_REST = "\x1b[K"
# Where these are set, pip shows no animation: continuous integration.
_UNATTENDED = ("CI", "BUILD_ID", "BUILD_BUILDID", "PIP_IS_CI")


class Console:
    """`safepip.ports.Watcher` and the store's watcher, on two streams."""

    def __init__(self, *, verbosity: int, color: bool, progress: str, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._lock = threading.RLock()
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._told: set[str] = set()
        self._expected = 0
        self._received = 0
        self._passing = False
        # The trusted roots that the policy brings in: digest -> name and place.
        self.granted: Mapping[str, str] = {}
        self.settle(verbosity, color=color, progress=progress)

    def settle(self, verbosity: int, *, color: bool, progress: str) -> None:
        """What all layers of settings say, once they have been read."""
        environ = self._environ
        terminal = _is_terminal(sys.stderr) and environ.get("TERM") != "dumb"
        self.style = text.Style(color=color and terminal)
        wanted = progress == "on" or (progress == "auto" and not any(name in environ for name in _UNATTENDED))
        self.verbosity = verbosity
        self._animated = wanted and verbosity >= 0 and terminal
        self._raw = progress == "raw" and verbosity >= 0

    # -- lines -------------------------------------------------------------------------------------------------------

    def out(self, line: str) -> None:
        """A line of pip's on stdout; nothing with -q."""
        if self.verbosity >= 0:
            self._write(sys.stdout, line)

    def err(self, line: str) -> None:
        self._write(sys.stderr, line)

    def lines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.err(line)

    def warn(self, message: str) -> None:
        """Once for each message, and not with -qq."""
        if self.verbosity > -2 and message not in self._told:
            self._told.add(message)
            self.err(self.style.warning(message))

    def _write(self, stream: TextIO | None, line: str) -> None:
        with self._lock:
            self._clear()
            if self._progress is not None:
                self._progress.console.print(line, markup=False, highlight=False, soft_wrap=True)
            elif stream is not None:  # pythonw, or a closed descriptor
                stream.write(f"{line}\n")
                stream.flush()

    def _clear(self) -> None:
        """Take away the one line that says what goes on before there is anything to show."""
        if self._passing:
            sys.stderr.write(f"\r{_ERASE_REST}")
            self._passing = False

    # -- what is going on --------------------------------------------------------------------------------------------

    def resolving(self, roots: Collection[Root]) -> None:
        if self.verbosity > 0:
            self.err(clean(f"Resolving {', '.join(str(root.requirement) for root in roots)}"))
        elif self._animated:
            with self._lock:
                sys.stderr.write(f"  Resolving{_ERASE_REST}\r")
                sys.stderr.flush()
                self._passing = True

    def resolved(self, resolution: Resolution) -> None:
        for line in text.opening(resolution):
            self.out(line)
        sizes = [pin.listing.size for pin in resolution.pins if pin.listing is not None]
        self._expected = sum(size for size in sizes if size is not None)
        if self._animated and sizes:
            self._begin()

    def arrived(self, distribution: Distribution) -> None:
        line = text.provenance(distribution, self.granted)
        if line is not None:
            self.out(line)

    def installing(self, plan: Plan) -> None:  # noqa: ARG002 - the port's signature
        self.end()

    def using_cached(self, listing: Listing, size: int) -> None:
        self.out(text.transfer("Using cached", listing, size))
        self.received(listing, size)

    def downloading(self, listing: Listing, size: int | None) -> None:
        self.out(text.transfer("Downloading", listing, size))

    def received(self, listing: Listing, count: int) -> None:  # noqa: ARG002 - the port's signature
        with self._lock:
            self._received += count
            if self._progress is not None and self._task is not None:
                self._progress.update(self._task, completed=self._received)
            elif self._raw and self._expected:
                self._write(sys.stdout, f"Progress {self._received} of {self._expected}")

    # -- the progress display ----------------------------------------------------------------------------------------

    def _begin(self) -> None:
        from rich.console import Console as Terminal
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

        with self._lock:
            self._progress = Progress(
                TextColumn("  Fetching and judging"),
                BarColumn(bar_width=30),
                DownloadColumn(),
                TransferSpeedColumn(),
                console=Terminal(file=sys.stderr, no_color=not self.style.color),
                transient=True,
            )
            self._task = self._progress.add_task("", total=self._expected or None, completed=self._received)
            self._progress.start()

    def end(self) -> None:
        """Take the progress display away. Safe to call at any time."""
        with self._lock:
            self._clear()
            if self._progress is not None:
                self._progress.stop()
                self._progress = None


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed
        return False


def document(content: str, stream: TextIO | None) -> None:
    """A whole document for machines. Raises EnvironmentFault where nothing is there to take it."""
    if stream is None:  # pythonw, or a closed descriptor
        raise EnvironmentFault(
            "report-unwritable", "standard output is closed, and the document goes there", hint="let it go to a file"
        )
    stream.write(content)
    stream.flush()


def silence_broken_pipe() -> None:
    """Nobody reads any more (`safepip ... | head`): what Python would still flush at the end goes nowhere."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123 - a device, not a path
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
