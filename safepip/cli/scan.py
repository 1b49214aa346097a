"""`safepip scan`: the composition root of the command. There is no network in it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence

from safepip.cli.args import Typed
from safepip.cli.console import Console, document
from safepip.cli.offline import settle_offline
from safepip.cli.surroundings import SystemClock
from safepip.errors import Malformed, UsageError
from safepip.flows.scan import scan as flow
from safepip.io.scanfile import NamedFiles
from safepip.model.ident import FileName, Url
from safepip.model.scan import Answer, Scan
from safepip.model.verification import OfFile
from safepip.report import scan as report
from safepip.report import scanjson
from safepip.report.text import failure


def scan(typed: Typed, command: tuple[str, ...], environ: Mapping[str, str], console: Console) -> int:
    """The exit code: 0 where nothing that the policy denies was found, in any file. Raises SafepipError."""
    targets = _targets(typed)
    settings, policy = settle_offline(typed, command, environ, console)
    scans: list[Scan] = []
    coming = _kept(flow(targets, policy, NamedFiles(), SystemClock()), scans)
    if typed.given.get("format") == "json":
        document(scanjson.report(coming, policy), sys.stdout)
    else:
        for line in report.blocks(coming, settings.verbosity):
            document(f"{line}\n", sys.stdout)
    _complain(scans, console)
    return 0 if all(one.answer is Answer.PASSED for one in scans) else 1


def _kept(coming: Iterable[Scan], scans: list[Scan]) -> Iterator[Scan]:
    """Each answer is told when it is there; what is said at the end is about all of them."""
    for one in coming:
        scans.append(one)
        yield one


def _complain(scans: Sequence[Scan], console: Console) -> None:
    for one in scans:
        if one.error is not None:
            console.lines(failure(one.error, console.style))
    console.lines(report.closing(scans, console.style))


def _targets(typed: Typed) -> tuple[OfFile, ...]:
    """Raises UsageError."""
    words, name = typed.arguments, typed.given.get("filename")
    if not words:
        raise _usage("name at least one wheel or sdist to look into")
    if name is not None and len(words) != 1:
        raise _usage(f"--filename is about one file, and {len(words)} are named")
    for word in words:
        if word == "-":
            raise _usage("standard input cannot be scanned: write it to a file (one that is called - is ./-)")
        if word.lower().startswith(("https://", "http://")):
            raise _usage(f"scan fetches nothing: download {Url(word)} and name the file")
    return tuple(OfFile(typed=word, name=_filename(name)) for word in words)


def _filename(text: str | None) -> FileName | None:
    try:
        return FileName.parse(text) if text is not None else None
    except Malformed as error:
        raise _usage(f"--filename: {error}") from None


def _usage(message: str) -> UsageError:
    return UsageError("usage", message, hint="safepip scan --help")
