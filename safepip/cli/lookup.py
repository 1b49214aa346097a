"""Looking up one release on the configured indexes, without an environment to install into and without its bytes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import NoReturn

from safepip.cli.args import Typed
from safepip.cli.console import Console
from safepip.cli.layers import environment_of, load_policy, pip_configuration
from safepip.cli.network import DOWNLOADS, cache_of, configured_indexes, http_settings, indexes_alone
from safepip.cli.settings import settle
from safepip.cli.surroundings import SystemClock, day_of, working_folder
from safepip.cli.trust import Verifiers
from safepip.errors import Defect, SafepipError
from safepip.flows.ledger import Sources as Looked
from safepip.formats.statement import About
from safepip.io.http import Http
from safepip.io.index import IndexCatalog
from safepip.io.interpreter import Home, find_interpreter
from safepip.io.parallel import Parallel
from safepip.io.provenance import ServedAttestations, judged
from safepip.model.artifact import HASH_ALGORITHMS, Listing
from safepip.model.evidence import Attestations, Kind, Unavailable
from safepip.model.ident import Url
from safepip.model.ledger import index_name


@contextmanager
def looking_up(typed: Typed, index: Url | None, environ: Mapping[str, str], console: Console) -> Iterator[Looked]:
    """Catalog and attestations, as `install` would see them from here. `index`: ask this one alone."""
    interpreter = find_interpreter(typed.given.get("python") or environ.get("PIP_PYTHON"), environ, Home.own())
    configured = pip_configuration(environ, environment_of(interpreter))
    plain = Typed(command="install", arguments=(), given=typed.given)
    settings = settle(plain, configured, environ, ("safepip", typed.command))
    console.settle(settings.verbosity, color=settings.color, progress="off")
    today = day_of(SystemClock().now())
    policy = load_policy(settings, environ, hash_mode=False, folder=working_folder(), today=today)
    cache = cache_of(settings)
    verifiers = Verifiers(settings.trusted_root, policy, cache)
    verifiers.check()
    with ExitStack() as closing:
        indexes = configured_indexes(settings, environ, closing, default=index is None)
        if index is not None:
            indexes = (_as_configured(index, indexes),)
        sources = indexes_alone(indexes, policy.indexes)
        http = Http(http_settings(settings, sources))
        catalog = IndexCatalog(http=http, sources=sources, cache_dir=cache, fetch_whole=_no_bytes, keep=_no_bytes)
        closing.callback(catalog.close)
        attestations = ServedAttestations(http, verifiers.speaking_for, policy)
        closing.callback(attestations.close)
        workers = Parallel(DOWNLOADS)
        closing.callback(workers.close)
        closing.callback(http.close)  # first of all, so that whatever still runs ends soon

        def judge(listing: Listing) -> Attestations | Unavailable:
            return _judge(listing, attestations, verifiers)

        yield Looked(catalog=catalog, workers=workers, attestations=judge)


def _as_configured(index: Url, configured: Collection[Url]) -> Url:
    """With password and query, which a hint to name an index does not show."""
    same = (one for one in configured if index_name(one) == index_name(index))
    return next(same, index) if index.credentials is None else index


def _no_bytes(listing: Listing, *_: object) -> NoReturn:
    """A page is enough to say who published a release."""
    raise Defect("defect", f"{listing.name} was to be fetched, and nobody asked for its bytes")


def _judge(listing: Listing, attestations: ServedAttestations, verifiers: Verifiers) -> Attestations | Unavailable:
    """By the digest that the index lists: which bytes these are is judged when they are installed."""
    if listing.provenance is None:
        return Attestations(advertised=False, index_offers=True, verified=(), rejected=(), claimed_publishers=())
    if listing.sha256 is None:
        why = "the index lists no sha256 of the file that is attested"
        return Unavailable(wanted=Kind.ATTESTATIONS, code="provenance-unavailable", why=why)
    try:
        document = attestations.served(listing.provenance)
    except SafepipError as error:
        return Unavailable(wanted=Kind.ATTESTATIONS, code="provenance-unavailable", why=error.message)
    listed = {name: digest for name, digest in listing.claimed.items() if name in HASH_ALGORITHMS}
    about = About(file=listing.name, sha256=listing.sha256, digests=listed)
    verifier = verifiers.speaking_for(listing.index, listing.name.project)
    verified, rejected, claimed = judged(document, about, verifier)
    return Attestations(
        advertised=True, index_offers=True, verified=verified, rejected=rejected, claimed_publishers=claimed
    )
