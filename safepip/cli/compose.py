"""Making the world for one `safepip install`, in an order that lets the slow edges work in the background."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Literal, cast

from safepip.cli.args import Typed
from safepip.cli.console import Console
from safepip.cli.layers import environment_of, load_policy, pip_configuration
from safepip.cli.ledgerplace import ledger_place
from safepip.cli.network import DOWNLOADS, address, cache_of, catalog_over, http_settings
from safepip.cli.output import report_failure, show
from safepip.cli.roots import Asked, gather, require_known_sources
from safepip.cli.settings import Settings, settle
from safepip.cli.surroundings import SystemClock, day_of, working_folder
from safepip.cli.trust import Verifiers
from safepip.errors import BadInput, EnvironmentFault, SafepipError
from safepip.flows.install import Request, World
from safepip.flows.install import install as flow
from safepip.formats.pipfiles import Forwarded, Placement
from safepip.io.download import Downloader
from safepip.io.environment import PythonEnvironment
from safepip.io.environmentlock import locked_environment
from safepip.io.expectation import Expectations
from safepip.io.gather import EvidenceGatherer
from safepip.io.http import Http
from safepip.io.index import Sources
from safepip.io.inspection import DiskInspector
from safepip.io.interpreter import DefaultIndex, Home, ask_default_index, find_interpreter
from safepip.io.ledger import LedgerFile
from safepip.io.parallel import Parallel
from safepip.io.pip import Pip, Streams
from safepip.io.provenance import ServedAttestations
from safepip.io.store import Store
from safepip.model.ident import Url, redacted
from safepip.model.policy import Policy
from safepip.model.run import Run
from safepip.pipeline import Histories


class NotVirtual(EnvironmentFault):
    """`--require-virtualenv`: pip's exit code 3."""

    exit_code = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What this run was told to do."""

    settings: Settings
    asked: Asked
    policy: Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where it was told so. `default`: pip's default index, being asked in the background where nobody named one."""

    environment: PythonEnvironment
    default: DefaultIndex | None
    environ: Mapping[str, str]
    console: Console


def install(typed: Typed, command: tuple[str, ...], environ: Mapping[str, str], console: Console) -> int:
    """Run the command and show what came of it. Raises SafepipError where not even the settings could be had."""
    started = SystemClock().now()
    interpreter = find_interpreter(typed.given.get("python") or environ.get("PIP_PYTHON"), environ, Home.own())
    configured = pip_configuration(environ, environment_of(interpreter))
    settings = settle(typed, configured, environ, command)
    if not settings.arguments and not settings.requirement_files:
        raise BadInput(
            "nothing-asked-for", 'You must give at least one requirement to install (see "safepip help install")'
        )
    console.settle(settings.verbosity, color=settings.color, progress=settings.progress)
    begun = _begun(settings, started, interpreter)
    with ExitStack() as closing:
        try:
            place = _place(settings, interpreter, environ, console, closing)
            asked = gather(settings, environ, place.environment.target)
            today = day_of(started)
            policy = load_policy(settings, environ, hash_mode=asked.hash_mode, folder=working_folder(), today=today)
            begun = replace(begun, policy=policy)
            order = Order(settings=settings, asked=asked, policy=policy)
            _require_known_sources(order, place)
            _require_virtualenv(settings, place.environment)
            place.environment.check()
            made = () if settings.dry_run else closing.enter_context(_alone(place))
            world = closing.enter_context(_world(order, place, made))
            run = flow(_request(order), policy, world, begun)
        except SafepipError as error:
            return report_failure(error, begun, settings, console, SystemClock().now())
    return show(run, settings, console)


def _place(
    settings: Settings, interpreter: Path, environ: Mapping[str, str], console: Console, closing: ExitStack
) -> Place:
    """Start what takes its time: the target's interpreter and pip are asked while files are read."""
    environment = PythonEnvironment(interpreter, _placement(settings), environ)
    closing.callback(environment.close)
    default = ask_default_index(environ) if settings.index_url is None and not settings.no_index else None
    if default is not None:
        closing.callback(default.close)
    return Place(environment=environment, default=default, environ=environ, console=console)


def _require_known_sources(order: Order, place: Place) -> None:
    if order.asked.of_files:
        usual = [place.default.url()] if place.default is not None else []
        require_known_sources(order.asked, order.settings, [*usual, *(grant.url for grant in order.policy.indexes)])


def _require_virtualenv(settings: Settings, environment: PythonEnvironment) -> None:
    interpreter = environment.interpreter if settings.require_virtualenv else None
    if interpreter is not None and interpreter.prefix == interpreter.base_prefix:
        raise NotVirtual(
            "no-virtualenv", "Could not find an activated virtualenv (required).", hint="--python ENVIRONMENT"
        )


def _alone(place: Place) -> AbstractContextManager[tuple[str, ...]]:
    """Nobody else installs there meanwhile. The folders that had to be made for that."""
    return locked_environment(place.environment, place.console.warn)


@contextmanager
def _world(order: Order, place: Place, made: Sequence[str]) -> Iterator[World]:
    settings, console = order.settings, place.console
    cache = cache_of(settings)
    verifiers = Verifiers(settings.trusted_root, order.policy, cache)
    verifiers.check()
    console.granted = verifiers.granted()
    sources = _sources(order.asked, order.policy, place.default)
    ledger = LedgerFile(ledger_place(working_folder()), SystemClock().now)
    ledger.check()
    with ExitStack() as closing:
        http = Http(http_settings(settings, sources))
        store = Store(cache, Downloader(http, resumes=settings.retries), console, console.warn)
        closing.callback(store.close)
        catalog = catalog_over(http, sources, cache, store)
        closing.callback(catalog.close)
        workers = Parallel(DOWNLOADS)
        closing.callback(workers.close)
        attestations = ServedAttestations(http, verifiers.speaking_for, order.policy)
        closing.callback(attestations.close)
        closing.callback(http.close)  # first of all, so that whatever still runs ends soon
        yield World(
            catalog=catalog,
            store=store,
            gatherer=EvidenceGatherer(
                Histories(catalog, ledger),
                attestations,
                Expectations(
                    policy=order.policy,
                    ledger=ledger,
                    catalog=catalog,
                    served=attestations.served,
                    verifier_for=verifiers.speaking_for,
                    locked=order.asked.locked,
                ),
                contradicted=catalog.forget_metadata,
            ),
            ledger=ledger,
            environment=place.environment,
            inspector=DiskInspector({}),
            installer=_pip(settings, place, store.workshop, made),
            workers=workers,
            watcher=console,
            clock=SystemClock(),
        )


def _pip(settings: Settings, place: Place, workshop: Path, made: Sequence[str]) -> Pip:
    forwarded = Forwarded(
        no_deps=settings.no_deps,
        force_reinstall=settings.force_reinstall,
        ignore_installed=settings.ignore_installed,
        extra=settings.forwarded,
    )
    return Pip(
        place.environment,
        forwarded,
        environ=place.environ,
        streams=Streams(out=place.console.out, err=place.console.err),
        workshop=workshop,
        byte_compile=settings.compile,
        made=made,
    )


def _sources(asked: Asked, policy: Policy, default: DefaultIndex | None) -> Sources:
    first = [] if asked.no_index else [address(asked.index_url) if asked.index_url else _told(default)]
    return Sources(
        indexes=(*first, *(address(one) for one in asked.extra_index_urls)),
        find_links=tuple(address(one) for one in asked.find_links),
        no_index=asked.no_index,
        grants=policy.indexes,
        local_only=frozenset(url for one in asked.of_files if (url := address(one)).scheme == "file"),
    )


def _told(default: DefaultIndex | None) -> Url:
    assert default is not None  # noqa: S101 - it is asked exactly when no index is named
    return default.url()


def _placement(settings: Settings) -> Placement:
    return Placement(
        target_dir=settings.target,
        prefix=settings.prefix,
        root=settings.root,
        upgrade=settings.upgrade,
        user=settings.user,
        break_system_packages=settings.break_system_packages,
    )


def _request(order: Order) -> Request:
    settings, asked = order.settings, order.asked
    return Request(
        roots=asked.roots,
        constraints=asked.constraints,
        hash_mode=asked.hash_mode,
        upgrade=settings.upgrade,
        upgrade_strategy=cast("Literal['only-if-needed', 'eager']", settings.upgrade_strategy),
        allow_pre=asked.allow_pre,
        releases=asked.releases,
        no_deps=settings.no_deps,
        ignore_installed=settings.ignore_installed,
        force_reinstall=settings.force_reinstall,
        ignore_requires_python=settings.ignore_requires_python,
        dry_run=settings.dry_run,
    )


def _begun(settings: Settings, started: datetime, interpreter: Path) -> Run:
    return Run(
        command=tuple(redacted(word) for word in settings.command),
        started=started,
        finished=started,
        pip_version=importlib.metadata.version("pip"),
        interpreter=str(interpreter),
        environment=str(settings.target or interpreter.parent.parent),
        markers={},
        policy=None,
        outcome="failed",
        distributions=(),
        kept=(),
        plan=None,
        held_back=(),
        refusals=(),
        indexes=(),
        errors=(),
        notes=(),
    )
