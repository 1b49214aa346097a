"""Which trusted root may speak for which index and project."""

from __future__ import annotations

import functools
import posixpath
import re
import threading
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from fnmatch import fnmatchcase
from pathlib import Path
from urllib.parse import unquote

from safepip.cli.layers import why_not_ones_own
from safepip.errors import BadInput, Malformed
from safepip.formats.publisher import printable
from safepip.io.cachefile import CacheFolder
from safepip.io.rootfiles import TrustedRoot, default_root, named_root
from safepip.io.rootfolder import RootFolder
from safepip.io.rootverifier import RootedVerifier, RootVerifier
from safepip.io.severalroots import SeveralRoots, Spoken
from safepip.io.shippedroots import PRODUCTION, STAGING
from safepip.io.statedir import state_folder
from safepip.io.verdicts import CachedVerifier
from safepip.model.grants import LOCAL, TrustRootGrant
from safepip.model.ident import ProjectName, Url
from safepip.model.policy import Policy

_QUOTED = re.compile(r"%[0-9A-Fa-f]{2}")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]", re.ASCII)


class Verifiers:
    """The public Sigstore's root, `--sp-trusted-root` in its place, and the policy's own roots.

    A root of the policy speaks for the indexes and projects that it names and for no others: a private Sigstore must
    not be able to vouch for public projects. Where roots are named for an index and a project, only those speak.
    """

    def __init__(
        self,
        trusted_root: str | None,
        policy: Policy,
        cache: Path | None,
        *,
        staging: bool = False,
        now: datetime | None = None,
    ) -> None:
        """cache: where verdicts are remembered, None for nowhere; staging: the default is the staging Sigstore's
        now: the time of the run, by which the age of a root is told; None for this moment
        """
        self._named = trusted_root
        self._policy = policy
        self._memory = CacheFolder(cache)
        self._now = now or datetime.now(timezone.utc)
        self._folder = root_folder()
        self._name = STAGING if staging else PRODUCTION
        self._roots: dict[Path | None, TrustedRoot] = {}
        self._spoken: dict[Path | None, Spoken] = {}
        self._lock = threading.Lock()

    def check(self) -> None:
        """Read every root that this run names, and the default. Raises BadInput, before anything is fetched."""
        for path in (None, *(Path(grant.file) for grant in self._policy.trust_roots)):
            self._one(path)

    def speaking_for(self, index: Url | None, project: ProjectName) -> RootedVerifier:
        """index: None for a file of this machine. Raises BadInput where a root cannot be read or is not one."""
        paths = tuple(dict.fromkeys(Path(grant.file) for grant in granted(self._policy, index, project)))
        return SeveralRoots([self._one(path) for path in paths or (None,)])

    def granted(self) -> Mapping[str, str]:
        """The roots that the policy brings in: digest -> name and place."""
        grants = self._policy.trust_roots
        return {self.read(Path(one.file)).digest: f"{printable(one.name)}, {one.place}" for one in grants}

    def default(self) -> TrustedRoot:
        """The root that speaks wherever the policy names no other."""
        return self.read(None)

    def read(self, path: Path | None) -> TrustedRoot:
        """Each root is read once, so what is verified with is what was looked at."""
        if path not in self._roots:
            self._roots[path] = self._load(path)
        return self._roots[path]

    def _load(self, path: Path | None) -> TrustedRoot:
        if path is not None:
            root = named_root(path, "[trust-roots] of the policy")
            _require_own(path)
            return root
        if self._named is not None:
            return named_root(Path(self._named), "--sp-trusted-root")
        return default_root(self._name, self._folder)

    def _one(self, path: Path | None) -> Spoken:
        with self._lock:
            if path not in self._spoken:
                verifier = _verifier(self.read(path), self._now)
                asked = CachedVerifier(verifier, self._memory, verifier.trust_digest)
                self._spoken[path] = Spoken(root=verifier, asked=asked)
            return self._spoken[path]


def root_folder() -> RootFolder | None:
    """Where this user's updated roots are; None for a user without a home, such as a container's arbitrary uid."""
    try:
        state = state_folder()
    except RuntimeError:
        return None
    return RootFolder(state) if state.is_absolute() else None


def _require_own(path: Path) -> None:
    """As for the policy that names it: whoever can write it decides what verifies."""
    why = why_not_ones_own(path, inherited=False)
    if why is not None:
        raise BadInput(
            "trust-root-not-ones-own",
            f"the trusted root {str(path)!r} is not believed: {why}",
            hint="mend its owner or mode",
        )


def _verifier(root: TrustedRoot, now: datetime) -> RootVerifier:
    try:
        return RootVerifier(root, now)
    except BadInput as error:
        context = [("root", root.origin), *error.context]
        raise BadInput(error.reference, error.message, context=context, hint=error.hint) from None


def granted(policy: Policy, index: Url | None, project: ProjectName) -> Iterator[TrustRootGrant]:
    """The policy's roots that are tied to that index and project."""
    for depth, layer in enumerate(policy.layers):
        for grant in layer.trust_roots:
            if any(fnmatchcase(project, glob) for glob in grant.projects) and _names(policy, depth, grant, index):
                yield grant


def _names(policy: Policy, depth: int, grant: TrustRootGrant, index: Url | None) -> bool:
    """Whether it is tied to that index.

    The names of indexes are those of its own layer and of the layers outside. That an inner one, such as a checkout,
    gives such a name to another address is an error of the policy; here it would not move the root either.
    """
    if LOCAL in grant.indexes and (index is None or index.scheme == "file"):
        return True
    if index is None:
        return False
    return any(_same(one, index) for name in grant.indexes for one in _addresses(policy, depth, name))


def _addresses(policy: Policy, depth: int, name: str) -> list[Url]:
    """What the innermost of these layers that knows the name means by it."""
    for layer in reversed(policy.layers[: depth + 1]):
        found = [one.url for one in layer.indexes if one.name == name]
        if found:
            return found
    return []


def _same(one: Url, other: Url) -> bool:
    try:
        return _place(one) == _place(other)
    except Malformed:
        return one.plain == other.plain


def _plainly(quoted: re.Match[str]) -> str:
    return sign if _UNRESERVED.fullmatch(sign := unquote(quoted[0])) else quoted[0].upper()


@functools.lru_cache(maxsize=1024)
def _place(url: Url) -> tuple[object, ...]:
    """What all the ways to write one address have in common: no credentials, case of the host, default port, closing
    slash, `./` or needless quoting (RFC 3986, section 6.2.2). `%2F` is not needless: many servers read it as no `/`.
    """
    scheme, host, port = url.origin
    path, mark, query = url.plain.partition("?")
    path = _QUOTED.sub(_plainly, path.partition("://")[2].partition("/")[2])
    return (scheme, host.rstrip("."), port, posixpath.normpath(f"/{path.strip('/')}"), mark + query)
