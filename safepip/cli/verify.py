"""`safepip verify`: the composition root of the command."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from safepip.cli.args import Typed
from safepip.cli.console import Console, document
from safepip.cli.layers import environment_of, load_policy, pip_configuration
from safepip.cli.ledgerplace import ledger_place
from safepip.cli.network import cache_of, catalog_over, configured_indexes, http_settings, indexes_alone
from safepip.cli.settings import Settings, settle
from safepip.cli.surroundings import SystemClock, day_of, working_folder
from safepip.cli.trust import Verifiers
from safepip.cli.verifyrequest import Asked, read_request
from safepip.errors import EnvironmentFault
from safepip.flows.verify import World
from safepip.flows.verify import verify as flow
from safepip.io.download import Downloader
from safepip.io.expectation import Expectations
from safepip.io.http import Http
from safepip.io.index import Sources
from safepip.io.interpreter import Home, find_interpreter
from safepip.io.ledger import LedgerFile
from safepip.io.named import (
    NamedWitnesses,
    by_certificate,
    by_key,
    from_bundle,
    from_provenance,
    read_document,
    told_by,
)
from safepip.io.provenance import ServedAttestations
from safepip.io.rootverifier import RootVerifier
from safepip.io.store import Store
from safepip.io.trust import LOGS_ALONE, TrustedMaterial
from safepip.io.verifier import Verifier
from safepip.model.artifact import Listing
from safepip.model.evidence import Attestations
from safepip.model.policy import Policy
from safepip.model.verification import Decision, Examined, OfIndex
from safepip.report import verification as report

# Of pip's configuration, what says how an index is reached; how things are installed is no matter here.
_CONFIGURED = frozenset(
    {"index-url", "extra-index-url", "proxy", "cert", "timeout", "default-timeout", "retries", "cache-dir",
     "no-cache-dir", "trusted-host", "no-color", "quiet", "verbose"}
)  # fmt: skip


def verify(typed: Typed, command: tuple[str, ...], environ: Mapping[str, str], console: Console) -> int:
    """The exit code: 0 where every target is verified. Raises SafepipError where none could be looked at."""
    asked = read_request(typed)
    options = pip_configuration(environ, _environment(typed, environ))
    configured = {name: one for name, one in options.items() if name in _CONFIGURED}
    settings = settle(typed, configured, environ, command)
    console.settle(settings.verbosity, color=settings.color, progress="off")
    today = day_of(SystemClock().now())
    policy = load_policy(settings, environ, hash_mode=False, folder=working_folder(), today=today)
    with ExitStack() as closing:
        world = closing.enter_context(_world(asked, settings, policy, environ, console))
        verifications = flow(asked.request, policy, world)
    if asked.json:
        document(report.report(verifications), sys.stdout)
    else:
        for line in report.seen(verifications):
            console.out(line)
    console.lines(report.objected(verifications, console.style))
    return 0 if all(one.decision is Decision.VERIFIED for one in verifications) else 1


def _environment(typed: Typed, environ: Mapping[str, str]) -> Path | None:
    """The environment whose pip.conf counts, as for `install`. Nothing is installed, so there need be none."""
    named = typed.given.get("python") or environ.get("PIP_PYTHON")
    try:
        return environment_of(find_interpreter(named, environ, Home.own()))
    except EnvironmentFault:
        if named is not None:
            raise
        return None


@contextmanager
def _world(
    asked: Asked, settings: Settings, policy: Policy, environ: Mapping[str, str], console: Console
) -> Iterator[World]:
    # Nothing is taken from the cache of verdicts: whoever asks is to hear what holds now.
    verifiers = Verifiers(settings.trusted_root, policy, None, staging=asked.staging)
    if asked.key is None:  # a root for keys of somebody's own need not have what certificates need
        verifiers.check()
    ledger = LedgerFile(ledger_place(working_folder()), SystemClock().now)
    ledger.check()
    with ExitStack() as closing:
        sources = _sources(asked, settings, policy, ledger, environ, closing)
        cache = cache_of(settings) if any(isinstance(one, OfIndex) for one in asked.request.targets) else None
        http = Http(http_settings(settings, sources))
        store = Store(cache, Downloader(http, resumes=settings.retries), _Silent(), console.warn)
        closing.callback(store.close)
        catalog = catalog_over(http, sources, cache, store)
        closing.callback(catalog.close)
        served = ServedAttestations(http, verifiers.speaking_for, policy)
        closing.callback(served.close)
        closing.callback(http.close)  # first of all, so that whatever still runs ends soon
        witnesses = NamedWitnesses(
            told=_told(asked, verifiers),
            any_file=asked.bundle is not None,
            served=served,
            expectations=Expectations(
                policy=policy,
                ledger=ledger,
                catalog=catalog,
                served=served.served,
                verifier_for=verifiers.speaking_for,
                locked=(),
            ),
            ledger=ledger,
            indexes=sources.indexes_for,
        )
        yield World(catalog=catalog, store=store, witnesses=witnesses, clock=SystemClock())


def _sources(
    asked: Asked,
    settings: Settings,
    policy: Policy,
    ledger: LedgerFile,
    environ: Mapping[str, str],
    closing: ExitStack,
) -> Sources:
    """The indexes that a URL may be on, and that the ledger may remember a project of."""
    looked_up = bool(ledger.records()) or any(isinstance(one, OfIndex) for one in asked.request.targets)
    return indexes_alone(configured_indexes(settings, environ, closing, default=looked_up), policy.indexes)


def _told(asked: Asked, verifiers: Verifiers) -> Callable[[Examined], Attestations] | None:
    """How to read the document that was named beside the target, if one was. Raises BadInput about a key's root."""
    path, key = asked.provenance or asked.bundle, asked.key
    if path is None:
        return None
    root = verifiers.default() if key is not None else None
    if root is not None:
        root.prove()
        TrustedMaterial(root.raw, needed=LOGS_ALONE)

    def told(examined: Examined) -> Attestations:
        document = read_document(path)
        if asked.provenance is not None:
            return told_by(from_provenance(document, examined, _speaking_for(examined, verifiers)))
        if key is not None and root is not None:
            return told_by(from_bundle(document, examined, by_key(read_document(key), root.raw)))
        return told_by(from_bundle(document, examined, by_certificate(_speaking_for(examined, verifiers))))

    return told


def _speaking_for(examined: Examined, verifiers: Verifiers) -> Verifier:
    """A root that the policy ties to projects says nothing about a file that belongs to none."""
    if examined.file is not None:
        return verifiers.speaking_for(None, examined.file.project)
    return RootVerifier(verifiers.default(), SystemClock().now())


class _Silent:
    """Told of downloads, and says nothing: what is printed is the answer alone."""

    def using_cached(self, listing: Listing, size: int) -> None: ...

    def downloading(self, listing: Listing, size: int | None) -> None: ...

    def received(self, listing: Listing, count: int) -> None: ...
