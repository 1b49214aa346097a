"""`safepip trust`: the composition root of the command. One word says what is to be done."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from safepip.cli.args import Typed
from safepip.cli.console import Console, document
from safepip.cli.layers import load_policy, pip_configuration
from safepip.cli.network import http_settings, indexes_alone
from safepip.cli.settings import Settings, settle
from safepip.cli.surroundings import SystemClock, day_of, working_folder
from safepip.cli.table_trust import WORDS
from safepip.cli.trust import Verifiers, root_folder
from safepip.cli.trustledger import WORDS as LEDGER
from safepip.cli.trustledger import ledger_command
from safepip.errors import BadInput, EnvironmentFault, Malformed, UsageError
from safepip.formats.plain import clean
from safepip.formats.trustedroot import RootInForce, Spoken
from safepip.io.http import Http
from safepip.io.regularfile import read_at_most
from safepip.io.rootfiles import TrustedRoot, is_older, refresh_command
from safepip.io.rootfolder import RootFolder
from safepip.io.rootservices import services_of
from safepip.io.rootstate import RootState, version_of
from safepip.io.shippedroots import PRODUCTION, STAGING, ShippedRoot, shipped_root
from safepip.model.ident import Url
from safepip.model.policy import Policy
from safepip.report import trust as report

# Of pip's configuration, what says how an address is reached and how much is said.
_CONFIGURED = frozenset({"proxy", "cert", "timeout", "default-timeout", "retries", "no-color", "quiet", "verbose"})
_HELP = "safepip trust --help"
_MOST_TUF_ROOT = 512_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    typed: Typed
    settings: Settings
    environ: Mapping[str, str]
    console: Console
    now: datetime

    def given(self, dest: str) -> str | None:
        found = self.typed.given.get(dest)
        return str(found) if found is not None else None


def trust(typed: Typed, command: tuple[str, ...], environ: Mapping[str, str], console: Console) -> int:
    """The exit code. Raises SafepipError."""
    if not typed.arguments:
        for line in _overview():
            console.out(line)
        return 0
    word, *rest = typed.arguments
    if word in LEDGER:
        return ledger_command(word, rest, typed, environ, console)
    if word not in _ROOTS:
        raise UsageError("usage", f"safepip trust knows no {word!r}; it knows {', '.join(WORDS)}", hint=_HELP)
    if rest:
        raise UsageError("usage", f"safepip trust {word} takes no argument", hint=_HELP)
    configured = {name: one for name, one in pip_configuration(environ, None).items() if name in _CONFIGURED}
    settings = settle(typed, configured, environ, command)
    console.settle(settings.verbosity, color=settings.color, progress="off")
    now = SystemClock().now()
    _ROOTS[word](_Asked(typed=typed, settings=settings, environ=environ, console=console, now=now))
    return 0


def _overview() -> Iterator[str]:
    yield "safepip trust:"
    for word, summary in WORDS.items():
        yield f"  {word:8}{summary}"
    yield f"Options: {_HELP}"


# --- show


def _show(asked: _Asked) -> None:
    for option in ("url", "root_metadata"):
        if asked.given(option) is not None:
            raise UsageError("usage", "--url and --root are for safepip trust update", hint=_HELP)
    today = day_of(asked.now)
    policy = load_policy(asked.settings, asked.environ, hash_mode=False, folder=working_folder(), today=today)
    staging = bool(asked.typed.given.get("staging"))
    if staging and asked.settings.trusted_root is not None:
        raise UsageError("usage", "--staging and --sp-trusted-root name two roots; give one", hint=_HELP)
    verifiers = Verifiers(asked.settings.trusted_root, policy, None, staging=staging, now=asked.now)
    verifiers.check()
    roots = [_in_force(verifiers.read(path), spoken) for path, spoken in _paths(policy)]
    if asked.given("format") == "json":
        document(report.report(roots, asked.now), sys.stdout)
        return
    for line in report.text(roots, asked.now):
        asked.console.out(line)


def _paths(policy: Policy) -> Iterator[tuple[Path | None, tuple[Spoken, ...]]]:
    yield None, ()
    for path in dict.fromkeys(Path(grant.file) for grant in policy.trust_roots):
        grants = [grant for grant in policy.trust_roots if Path(grant.file) == path]
        yield path, tuple(Spoken(name=one.name, indexes=one.indexes, projects=one.projects) for one in grants)


def _in_force(root: TrustedRoot, spoken: tuple[Spoken, ...]) -> RootInForce:
    """Only what can be verified with: an update that does not verify, or a root that sigstore cannot read, is none."""
    from safepip.io.sigstore_edge import read_root

    root.prove()
    read_root(root.raw)
    return RootInForce(
        kind=root.kind,
        origin=root.origin,
        sha256=root.digest,
        since=root.since,
        refresh=root.refresh,
        note=root.note,
        spoken=spoken,
        services=services_of(root.raw),
    )


# --- update


def _update(asked: _Asked) -> None:
    url, address = _repository(asked)
    folder = root_folder()
    if folder is None:
        raise EnvironmentFault(
            "trust-state-unwritable", "this user has no home folder, so no update can be kept", hint="set HOME"
        )
    with folder.alone(url):
        before, bootstrap = _before(asked, folder, url)
        state = _fetched(asked, address, url, bootstrap, before)
        changes = tuple(_changes(state, before))
        place = folder.save(state)
    for line in (*_updated(state, before, place, url), *changes, *_use(state, place)):
        asked.console.out(clean(line))


def _repository(asked: _Asked) -> tuple[str, Url]:
    """The repository's address as it is remembered, and as it is asked, with credentials if it has any."""
    typed, staging = asked.given("url"), bool(asked.typed.given.get("staging"))
    if asked.settings.trusted_root is not None:
        raise UsageError("usage", "--sp-trusted-root is not for update; name --url and --root", hint=_HELP)
    if typed is None:
        if asked.given("root_metadata") is not None:
            raise UsageError("usage", "--root goes with --url: public roots begin with what safepip ships", hint=_HELP)
        url = shipped_root(STAGING if staging else PRODUCTION).url
        return url, Url(url)
    if staging:
        raise UsageError("usage", "--staging and --url name two repositories; give one", hint=_HELP)
    address = Url(typed.strip())
    if address.scheme not in {"http", "https"} or "?" in typed or "#" in typed:
        raise UsageError("usage", f"--url {address} is no address of a TUF repository", hint="https://host/path")
    return address.plain, address


def _before(asked: _Asked, folder: RootFolder, url: str) -> tuple[RootState | None, bytes]:
    """What an earlier update left, if it verifies, and the TUF root metadata to begin with."""
    bootstrap = _bootstrap(asked, url)
    try:
        before = folder.load(url, refresh_command(url))
        if before is None and bootstrap is None:
            raise UsageError(
                "usage",
                f"nothing is known of {url} yet: its TUF root metadata must be named",
                hint=f"safepip trust update --url {url} --root FILE, with the root.json that its operator gave you",
            )
        if before is not None and bootstrap is not None and _precedes(before, bootstrap):
            before = None  # a newer safepip, or root.json, has overtaken it: nobody changed anything
        if before is not None:
            folder.verify(before, bootstrap or before.roots[0], refresh_command(url))
    except BadInput as error:
        if error.reference != "trust-state-invalid" or bootstrap is None:
            raise
        asked.console.warn(f"{error.message} It is made anew ({dict(error.context).get('because')})")
        before = None
    return before, bootstrap or (before.roots[0] if before is not None else b"")


def _precedes(before: RootState, bootstrap: bytes) -> bool:
    try:
        return before.root_version() < version_of(bootstrap)
    except Malformed:
        return False  # what is wrong is told where it is verified


def _bootstrap(asked: _Asked, url: str) -> bytes | None:
    for name in (PRODUCTION, STAGING):
        if shipped_root(name).url == url:
            return shipped_root(name).bootstrap
    named = asked.given("root_metadata")
    if named is None:
        return None
    try:
        raw = read_at_most(Path(named), _MOST_TUF_ROOT)
    except OSError as error:
        why = error.strerror or error
        raise BadInput("trust-root-unreadable", f"{named!r} cannot be read: {why}", hint="check --root") from None
    if len(raw) > _MOST_TUF_ROOT:
        raise BadInput("trust-root-invalid", f"{named!r} is too large for TUF root metadata", hint="check --root")
    return raw


def _fetched(asked: _Asked, address: Url, url: str, bootstrap: bytes, before: RootState | None) -> RootState:
    from safepip.io.rootupdate import update

    http = Http(http_settings(asked.settings, indexes_alone((address,), ())))
    try:
        return update(http, url, bootstrap, before, asked.now)
    finally:
        http.close()


def _updated(state: RootState, before: RootState | None, place: Path, url: str) -> Iterator[str]:
    same = before is not None and before.trusted_root == state.trusted_root
    yield f"The trusted root of {url} is {'as before' if same else 'updated'}"
    yield f"  sha256    {state.digest}"
    yield f"  TUF root  version {version_of(state.roots[-1])}"
    yield f"  kept in   {place}"


def _changes(state: RootState, before: RootState | None) -> Iterator[str]:
    """What came and went: signed as it is, a root without a log that was in use makes what that log holds refused."""
    public = _public(state.url)
    earlier = before.trusted_root if before is not None else public.trusted_root if public is not None else None
    if earlier is None:
        return
    old, new = ({(one.part, one.key_id): one for one in services_of(raw)} for raw in (earlier, state.trusted_root))
    for word, these, those in (("new", new, old), ("gone", old, new)):
        for key in (key for key in these if key not in those):
            yield f"  {word:10}{these[key].part.value}: {these[key].host or 'no address'}, key {these[key].key_id}"


def _use(state: RootState, place: Path) -> Iterator[str]:
    public = _public(state.url)
    if public is None:
        yield f"Use it with --sp-trusted-root {place}, or as `file` of a [trust-roots] table of the policy"
    elif is_older(state, public):
        yield (
            f"It is not used: it is of {state.at_most():%Y-%m-%d}, and the root that safepip ships is of "
            f"{public.taken:%Y-%m-%d}; is this machine's clock right?"
        )


def _public(url: str) -> ShippedRoot | None:
    return next((one for name in (PRODUCTION, STAGING) if (one := shipped_root(name)).url == url), None)


_ROOTS: Mapping[str, Callable[[_Asked], None]] = {"show": _show, "update": _update}
