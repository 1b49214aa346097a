"""Attestations in files beside a distribution that carries no PEP 740 provenance: F.sigstore.json and the like.

Beside a file of this machine (named by path, in a find-links folder, on a `file:` index) they are always looked for; on
an index of the web only where the policy says so, because every file then costs five questions, and an index that
answers anything but "there is none" or "here it is" leaves no answer.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from safepip.errors import CouldNotCheck, SafepipError
from safepip.formats.bundle import parse_bundle
from safepip.formats.fields import MAX_BYTES, BadAttestation
from safepip.formats.provenance import parse_attestation
from safepip.formats.publisher import printable
from safepip.formats.statement import PREDICATES, About
from safepip.io.digests import Digests
from safepip.io.http import Http
from safepip.io.links import path_of
from safepip.io.regularfile import NotRegular, read_at_most
from safepip.io.verifier import Verifier
from safepip.model.artifact import Artifact, Listing
from safepip.model.evidence import Attestations, Kind, RejectedAttestation, Unavailable, VerifiedAttestation
from safepip.model.ident import Url

ACCEPT = "application/vnd.dev.sigstore.bundle.v0.3+json, application/json, */*;q=0.5"
SUFFIXES = (".sigstore.json", ".sigstore", ".provenance", ".publish.attestation", ".slsa.attestation")
_ABSENT = frozenset({404, 410})
# Where there is no such path, and where there can be none, the name being too long for a file.
_NO_FILE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    verified: tuple[VerifiedAttestation, ...] = ()
    rejected: tuple[RejectedAttestation, ...] = ()
    claimed: tuple[str, ...] = ()


class Sidecars:
    """Safe to use from any thread."""

    def __init__(self, http: Http, asked: Callable[[Url], bool]) -> None:
        """`asked`: whether the index at that address is to be asked for sidecars."""
        self._http = http
        self._asked = asked

    def of(self, artifact: Artifact, listing: Listing | None, verifier: Verifier) -> Attestations | Unavailable | None:
        """What the files beside this one attest; None where there are none, or none were to be looked for.

        `index_offers` is False in the answer: sidecars say nothing about what an index offers. A file that is there
        and cannot be read as what its name says is a rejection, one that could not be had is Unavailable. Raises
        BadInput about the trusted root.
        """
        read = self._reader(artifact, listing)
        try:
            found = {suffix: document for suffix in SUFFIXES if (document := read(suffix)) is not None}
        except SafepipError as error:
            return Unavailable(wanted=Kind.ATTESTATIONS, code="sidecar-unavailable", why=error.message)
        if not found:
            return None
        about = About(file=artifact.name, sha256=artifact.sha256, digests=Digests(artifact))
        outcomes = [
            _judged(f"{artifact.name}{suffix}", suffix, document, about, verifier)
            for suffix, document in found.items()
            # The same bundle under both of its names is one bundle.
            if suffix != ".sigstore" or document != found.get(".sigstore.json")
        ]
        return Attestations(
            advertised=False,
            index_offers=False,
            verified=tuple(one for outcome in outcomes for one in outcome.verified),
            rejected=tuple(one for outcome in outcomes for one in outcome.rejected),
            claimed_publishers=tuple(one for outcome in outcomes for one in outcome.claimed),
            sidecars=tuple(f"{artifact.name}{suffix}" for suffix in found),
        )

    def _reader(self, artifact: Artifact, listing: Listing | None) -> Callable[[str], bytes | BadAttestation | None]:
        """What stands beside the file under a suffix: its bytes, what is wrong with it, or None where nothing is."""
        url = artifact.url
        if url.scheme == "file":
            path = path_of(url.without_fragment())
            return lambda suffix: _read(path.with_name(path.name + suffix))
        if listing is not None and self._asked(listing.index):
            return lambda suffix: self._get(_beside(url, suffix))
        return lambda _: None

    def _get(self, url: Url) -> bytes | None:
        """Raises SafepipError."""
        response = self._http.get(url, accept=ACCEPT, headers={}, limit=MAX_BYTES)
        if response.status in _ABSENT:
            return None
        if response.status != 200:
            raise CouldNotCheck("sidecar-unavailable", f"{url} answers {response.status}")
        return response.body


def _beside(url: Url, suffix: str) -> Url:
    parts = urlsplit(url.without_fragment().reveal())
    return Url(urlunsplit(parts._replace(path=parts.path + suffix)))


def _read(path: Path) -> bytes | BadAttestation | None:
    """At most one byte more than a document may have. Raises CouldNotCheck."""
    try:
        if not _is_there(path):
            return None
        return read_at_most(path, MAX_BYTES)
    except NotRegular:
        return BadAttestation("malformed", "it is no regular file")
    except OSError as error:
        raise CouldNotCheck("sidecar-unavailable", f"{path} cannot be read: {error.strerror}") from None


def _is_there(path: Path) -> bool:
    """Also a link that leads nowhere is there. Raises OSError where that cannot be told."""
    try:
        path.lstat()
    except OSError as error:
        if error.errno in _NO_FILE:
            return False
        raise
    return True


def _judged(name: str, suffix: str, document: bytes | BadAttestation, about: About, verifier: Verifier) -> _Outcome:
    try:
        if isinstance(document, BadAttestation):
            raise document
        if suffix == ".provenance":
            return _of_provenance(name, document, about, verifier)
        return _Outcome(verified=(_of_one(suffix, document, about, verifier),))
    except BadAttestation as error:
        return _Outcome(rejected=(_rejection(name, error.code, error.message, known=error.known),))


def _of_provenance(name: str, document: bytes, about: About, verifier: Verifier) -> _Outcome:
    from safepip.io.provenance import judged  # late, since it asks for sidecars itself

    verified, rejected, claimed = judged(document, about, verifier)
    if not verified and not rejected:
        raise BadAttestation("empty", "it lists no attestation, and so verifies nothing")
    named = tuple(_rejection(name, one.code, one.message, known=one.known) for one in rejected)
    return _Outcome(verified=verified, rejected=named, claimed=claimed)


def _of_one(suffix: str, document: bytes, about: About, verifier: Verifier) -> VerifiedAttestation:
    """Raises BadAttestation."""
    if not suffix.endswith(".attestation"):
        return verifier.bundle(parse_bundle(document), about)
    verified = verifier.attestation(parse_attestation(document), about)
    kind = suffix.split(".")[1]
    if PREDICATES.get(verified.predicate) != kind:
        raise BadAttestation("predicate", f"its name says {kind}, and its predicate is {verified.predicate[:200]!r}")
    return verified


def _rejection(name: str, code: str, message: str, *, known: bool) -> RejectedAttestation:
    return RejectedAttestation(code=code, message=printable(f"{name}: {message}"), known=known)
