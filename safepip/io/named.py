"""Files that a person names to be verified, and documents named as what attests them.

Each is opened once. What is verified is verified about the bytes of that one reading, so nobody can show one file to
be hashed and another to be installed under the same verdict: the verdict is about a digest, and says which.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from safepip.errors import BadInput
from safepip.formats.bundle import parse_bundle
from safepip.formats.fields import MAX_BYTES, BadAttestation
from safepip.formats.provenance import parse_attestation
from safepip.formats.statement import About
from safepip.formats.strictjson import NotStrict, parse_json
from safepip.io.digests import digests_of
from safepip.io.expectation import Expectations
from safepip.io.provenance import Outcome, ServedAttestations, judged, rejection
from safepip.io.regularfile import opened, unreadable
from safepip.io.verifier import Verifier
from safepip.model.artifact import HASH_ALGORITHMS, Artifact, Indexed, Local
from safepip.model.evidence import Attestations, Expected, Unavailable, VerifiedAttestation
from safepip.model.ident import ProjectName, Sha256, Url
from safepip.model.verification import Examined, OfFile
from safepip.ports import Ledger


def examine(target: OfFile) -> Examined:
    """Read the file once, whatever its size. Raises BadInput."""
    with opened(target.path) as stream:
        try:
            digests, size = digests_of(stream, HASH_ALGORITHMS)
        except OSError as error:
            raise unreadable(target.path, error) from None
    sha256 = Sha256.parse(digests["sha256"])
    artifact = _artifact(target, digests, size) if target.name is not None else None
    return Examined(label=target.path.name, file=target.name, sha256=sha256, artifact=artifact, digests=digests)


def _artifact(target: OfFile, digests: dict[str, str], size: int) -> Artifact:
    assert target.name is not None  # noqa: S101 - the caller has looked
    return Artifact(
        name=target.name,
        sha256=Sha256.parse(digests["sha256"]),
        digests=digests,
        size=size,
        path=target.path,
        origin=Local(url=Url(target.path.absolute().as_uri())),
        pins=(),
    )


def read_document(path: Path) -> bytes:
    """A provenance, attestation, bundle or key: at most a byte more than is accepted. Raises BadInput."""
    with opened(path) as stream:
        try:
            return stream.read(MAX_BYTES + 1)
        except OSError as error:
            raise unreadable(path, error) from None


def about(examined: Examined) -> About:
    return About(file=examined.file, sha256=examined.sha256, digests=examined.digests)


def from_provenance(document: bytes, examined: Examined, verifier: Verifier) -> Outcome:
    """A provenance object or a single attestation object (PEP 740). Raises BadInput about the trusted root alone."""
    form = _form(document)
    if form == "bundle":
        return _misnamed("it is a Sigstore bundle and no provenance: name it with --bundle")
    if form == "attestation":
        return _alone(lambda: verifier.attestation(parse_attestation(document), about(examined)))
    return judged(document, about(examined), verifier)


def from_bundle(document: bytes, examined: Examined, verify: Callable[[bytes, About], VerifiedAttestation]) -> Outcome:
    """A Sigstore bundle. Raises BadInput about what it is verified with."""
    if _form(document) in {"provenance", "attestation"}:
        return _misnamed("it is of PEP 740 and no Sigstore bundle: name it with --provenance")
    return _alone(lambda: verify(document, about(examined)))


def by_certificate(verifier: Verifier) -> Callable[[bytes, About], VerifiedAttestation]:
    """How to verify a bundle against a trusted root."""
    return lambda document, subject: verifier.bundle(parse_bundle(document), subject)


def by_key(pem: bytes, trusted_root: bytes) -> Callable[[bytes, About], VerifiedAttestation]:
    """How to verify a bundle that is signed with somebody's own key. Raises BadInput about key and trusted root."""
    from safepip.io.managed_key import verify_with_key

    return lambda document, subject: verify_with_key(parse_bundle(document), pem, subject, trusted_root)


_FORMS = {"attestation_bundles": "provenance", "verification_material": "attestation", "mediaType": "bundle"}


def _form(document: bytes) -> str | None:
    """What it looks like. None is left to the reader of what was asked for, who says what is wrong."""
    if len(document) > MAX_BYTES:
        return None
    try:
        parsed = parse_json(document)
    except NotStrict:
        return None
    keys = parsed if isinstance(parsed, dict) else {}
    return next((form for key, form in _FORMS.items() if key in keys), None)


def _misnamed(why: str) -> Outcome:
    return (), (rejection(BadAttestation("malformed", why), known=True),), ()


def _alone(verify: Callable[[], VerifiedAttestation]) -> Outcome:
    try:
        return (verify(),), (), ()
    except BadAttestation as error:
        return (), (rejection(error, known=True),), ()


def told_by(outcome: Outcome) -> Attestations:
    """What a document that a person named tells: nobody advertised it, and no index is to blame for what it lacks."""
    verified, rejected, claimed = outcome
    return Attestations(
        advertised=False,
        index_offers=True,
        verified=verified,
        rejected=rejected,
        claimed_publishers=claimed,
    )


class NamedWitnesses:
    """`safepip.flows.verify.Witnesses`.

    told:     reads the document that a person named; None: what lies beside a file, or what its index serves
    any_file: whether a file may be verified whose name is no distribution's
    indexes:  the indexes that may speak for a project, whose publishers the ledger remembers
    """

    def __init__(
        self,
        *,
        told: Callable[[Examined], Attestations] | None,
        any_file: bool,
        served: ServedAttestations,
        expectations: Expectations,
        ledger: Ledger,
        indexes: Callable[[ProjectName], Iterable[Url]],
    ) -> None:
        self._told = told
        self._any_file = any_file
        self._served = served
        self._expectations = expectations
        self._ledger = ledger
        self._indexes = indexes

    def examine(self, target: OfFile) -> Examined:
        if target.name is None and not self._any_file:
            raise BadInput(
                "not-a-distribution",
                f"{target.path.name!r} is the name of neither a wheel nor an sdist, and attestations speak of names",
                hint="give the name that it was published under: --filename NAME",
            )
        return examine(target)

    def attestations(self, examined: Examined) -> Attestations | Unavailable:
        if self._told is not None:
            return self._told(examined)
        artifact = examined.artifact
        assert artifact is not None  # noqa: S101 - without a document, only distributions get this far
        offers = isinstance(artifact.origin, Indexed) and artifact.origin.page.offers.provenance
        return self._served.of(artifact, artifact.listing, index_offers=offers)

    def expected(self, examined: Examined) -> Expected | Unavailable:
        """Of a file that lies here, what is recorded of its project on any index that it can have come from."""
        file, artifact = examined.file, examined.artifact
        assert file is not None  # noqa: S101 - asked for distributions alone
        if artifact is not None and artifact.listing is not None:
            return self._expectations.of(artifact, artifact.listing)
        found = (self._ledger.recorded(index, file) for index in self._indexes(file.project))
        recorded = tuple(one for one in found if one is not None)[:1]
        return Expected(locked=(), locked_place=None, recorded=recorded, previous=None)
