"""Verifying attestations: the edge to sigstore.

The order of the steps, and their numbers, are those of docs/checks/attestation.md. `sigstore` is imported when the
first attestation is verified (it costs about half a second) or when `load` is called in the shadow of something else.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from safepip.errors import SafepipError
from safepip.formats.attestation import PAYLOAD_TYPE, Attestation
from safepip.formats.bundle import Envelope, MessageDigest, SigstoreBundle, bundle_of, pae, render_bundle
from safepip.formats.checkpoint import parse_checkpoint
from safepip.formats.fields import BadAttestation
from safepip.formats.logentry import LogEntry
from safepip.formats.slsa import read_build
from safepip.formats.statement import (
    SIGNATURE,
    SLSA,
    About,
    parse_statement,
    predicate_about,
    require_subject,
)
from safepip.io.sigstore_edge import classified, read_root, words
from safepip.io.sources_of_time import Source, sources_of
from safepip.io.trust import Selection, TrustedMaterial
from safepip.model.evidence import Build, VerifiedAttestation

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from sigstore.verify import Verifier

T = TypeVar("T")
Claim = tuple[str, Build | None]  # the type of the predicate, and the build that it tells of

# Kinds of log entries, with their versions, by what is signed. The first version of the log may also hold the digest
# of a whole envelope, as the second does; nobody serves attestations (PEP 740) that way, and no other tool reads them.
_FILE_V1 = ("hashedrekord", "0.0.1")
_OF_ATTESTATIONS = frozenset({("dsse", "0.0.1"), ("hashedrekord", "0.0.2")})
OF_ENVELOPES = _OF_ATTESTATIONS | {_FILE_V1}
OF_ARTIFACTS = frozenset({_FILE_V1, ("hashedrekord", "0.0.2")})

# What material that was not in service can be the cause of.
_WINDOWED = frozenset({"time", "untrusted-certificate", "sct", "set", "checkpoint"})


class _Recorder:
    """A policy that accepts every certificate and keeps it: whose it may be is judged elsewhere."""

    def __init__(self) -> None:
        self.certificate: Certificate | None = None

    def verify(self, cert: Certificate) -> None:
        self.certificate = cert


class AttestationVerifier:
    """Verifies against one trusted root. Safe to use from several threads."""

    def __init__(self, trusted_root: bytes) -> None:
        """`trusted_root` is its JSON. Raises BadInput (`trust-root-invalid`)."""
        self._trust = TrustedMaterial(trusted_root)
        self._raw = trusted_root
        self._verifiers: dict[Selection, Verifier] = {}
        self._lock = threading.Lock()
        self._loaded = False

    def load(self) -> None:
        """Import sigstore and let it read the root, once.

        Raises BadInput (`trust-root-newer`, `trust-root-invalid`).
        """
        with self._lock:
            if not self._loaded:
                import sigstore.verify  # noqa: F401 - the dear part

                read_root(self._raw)
                self._loaded = True

    def prepare(self, served: Sequence[Attestation], about: About) -> None:  # noqa: ARG002 - all need the same
        self.load()

    def attestation(self, attestation: Attestation, about: About) -> VerifiedAttestation:
        claim = _guarded(lambda: _claim_on_file(attestation.statement, about))  # 2
        return self._judged(bundle_of(attestation), about, claim, _OF_ATTESTATIONS)

    def bundle(self, bundle: SigstoreBundle, about: About) -> VerifiedAttestation:
        claim = _guarded(lambda: claim_of(bundle, about))  # 2
        supported = OF_ENVELOPES if isinstance(bundle.content, Envelope) else OF_ARTIFACTS
        return self._judged(bundle, about, claim, supported)

    def _judged(
        self, bundle: SigstoreBundle, about: About, claim: Claim, supported: Collection[tuple[str, str]]
    ) -> VerifiedAttestation:
        """The one way through the steps, for attestations in either form."""
        predicate, build = claim
        entry = only_entry(bundle, supported)  # 3
        self.load()

        def signed() -> VerifiedAttestation:
            certificate, moment = self._verify_signature(bundle, entry, about)  # 4, 5
            from safepip.io.certificate import identity_of

            return VerifiedAttestation(
                predicate=predicate,
                identity=identity_of(certificate),  # 6, as far as the claims go; what is expected is the policy's
                logged_at=moment,
                trust_root=self._trust.digest,
                build=build,
                log=self._trust.hosts[entry.log_id],
                # The index that spans all of a log's trees is signed by the promise alone; the tree's own is proven.
                log_index=entry.log_index if entry.promise is not None else entry.proof_index,
            )

        return _guarded(signed)

    def _verify_signature(self, bundle: SigstoreBundle, entry: LogEntry, about: About) -> tuple[Certificate, datetime]:
        """Steps 4 and 5. The cheap questions of 5 come first, because their answers are the more exact ones."""
        from safepip.io import certificate as x509

        if bundle.certificate is None:
            text = (
                "it is signed with a key of somebody's own, and carries no certificate that says whose "
                "(for who has the key: safepip verify --bundle FILE --key PEM)"
            )
            raise BadAttestation("untrusted-certificate", text, known=False)
        certificate = x509.load_certificate(bundle.certificate)
        x509.require_profile(certificate)
        for der in bundle.more_certificates:
            _require_no_root(x509.load_certificate(der))
        if entry.log_id not in self._trust.hosts:
            raise BadAttestation("log-mismatch", "the log that it names is not in the trusted root")
        sources = sources_of(bundle, entry)
        seen = x509.logged_certificate_at(certificate)
        for source in sources:
            x509.require_valid_at(certificate, source.moment)
            self._verify_source(bundle, about, source, self._trust.at(source.moment, seen, entry.log_id))
        require_checkpoint_of(entry, self._trust.hosts[entry.log_id])
        return certificate, min(source.moment for source in sources)

    def _verify_source(self, bundle: SigstoreBundle, about: About, source: Source, held: Selection) -> None:
        whole = self._trust.whole(bundle.entries[0].log_id)
        if held.usable:
            try:
                self._run(bundle, about, source, held)
            except BadAttestation as error:
                if held == whole or error.code not in _WINDOWED:
                    raise
            else:
                return
        self._run(bundle, about, source, whole)
        text = f"it verifies only with a key or an authority that was not in service at {source.moment:%Y-%m-%d %H:%M}"
        raise BadAttestation("trust-window", text)

    def _run(self, bundle: SigstoreBundle, about: About, source: Source, selection: Selection) -> None:
        """Ask sigstore. Raises BadAttestation."""
        from cryptography.hazmat.primitives.serialization import Encoding

        verifier = self._verifier(selection)
        recorder = _Recorder()
        try:
            signed = _signed(verifier, bundle, about, source, recorder)
        except Exception as error:
            raise classified(error) from error
        signed_by = recorder.certificate.public_bytes(Encoding.DER) if recorder.certificate is not None else None
        if (signed, signed_by) != (bundle.content, bundle.certificate):
            raise BadAttestation("unverifiable", "what was verified is not what was served")

    def _verifier(self, selection: Selection) -> Verifier:
        from sigstore.verify import Verifier

        with self._lock:
            if selection not in self._verifiers:
                root = read_root(self._trust.render(selection))
                self._verifiers[selection] = Verifier(trusted_root=root)
            return self._verifiers[selection]


def _guarded(work: Callable[[], T]) -> T:
    """Whatever escapes a verification is a refusal, never a traceback and never a pass."""
    try:
        return work()
    except (BadAttestation, SafepipError):
        raise
    except Exception as error:
        raise BadAttestation("unverifiable", f"it cannot be verified: {words(error)}") from error


def _claim_on_file(payload: bytes, about: About) -> Claim:
    """Step 2 for a distribution: what is claimed of it. Raises BadAttestation."""
    statement = parse_statement(payload)
    require_subject(statement, about)
    return statement.predicate_type, read_build(statement.predicate) if statement.predicate_type == SLSA else None


def claim_of(bundle: SigstoreBundle, about: About) -> Claim:
    """Step 2 for a bundle: what is claimed, and that it is claimed of this file. Raises BadAttestation."""
    content = bundle.content
    if not isinstance(content, Envelope):
        _require_digest(content, about)
        return SIGNATURE, None
    if content.payload_type != PAYLOAD_TYPE:
        raise BadAttestation("malformed", f"its envelope holds {content.payload_type[:100]!r} and no in-toto statement")
    if about.file is not None:
        return _claim_on_file(content.payload, about)
    predicate_type, predicate = predicate_about(content.payload, about)
    try:
        return predicate_type, read_build(predicate) if predicate_type == SLSA else None
    except BadAttestation:  # of a file whose name does not matter, the signature is the question, and not the build
        return predicate_type, None


def _require_digest(stated: MessageDigest | None, about: About) -> None:
    """The digest beside a signature is a hint, but one that points elsewhere is about something else."""
    if stated is None:
        return
    ours = about.sha256 if stated.algorithm == "sha256" else about.digests.get(stated.algorithm)
    if stated.digest.hex() != ours:
        text = f"it signs {stated.algorithm} {stated.digest.hex()[:140]}, and this file has {ours or 'an unknown one'}"
        raise BadAttestation("subject-digest", text)


def only_entry(bundle: SigstoreBundle, supported: Collection[tuple[str, str]]) -> LogEntry:
    """Step 3. One entry: of several, sigstore's privates would look at the first alone."""
    if len(bundle.entries) != 1:
        raise BadAttestation("unsupported-log-entry", f"it has {len(bundle.entries)} log entries and not one")
    entry = bundle.entries[0]
    if (entry.kind, entry.version) not in supported:
        text = f"its log entry is of the kind {entry.kind[:60]!r} {entry.version[:20]!r}"
        raise BadAttestation("unsupported-log-entry", text)
    return entry


def _signed(
    verifier: Verifier, bundle: SigstoreBundle, about: About, source: Source, recorder: _Recorder
) -> Envelope | MessageDigest | None:
    """What sigstore finds signed. Of an artifact it gets the digest that we computed, so nothing is read twice."""
    from sigstore.hashes import Hashed
    from sigstore.models import Bundle
    from sigstore_models.common.v1 import HashAlgorithm

    digest = bytes.fromhex(about.sha256)
    entry = bundle.entries[0]
    form = bundle
    if isinstance(bundle.content, Envelope) and (entry.kind, entry.version) == _FILE_V1:
        # What an envelope's signature is over, taken for a file: the same signature, digest and log entry.
        form, digest = replace(bundle, content=None), hashlib.sha256(pae(bundle.content)).digest()
    asked = Bundle.from_json(render_bundle(form, promises=source.promise, timestamps=source.timestamps))
    if isinstance(form.content, Envelope):
        payload_type, payload = verifier.verify_dsse(asked, recorder)
        return Envelope(payload_type=payload_type, payload=payload)
    verifier.verify_artifact(Hashed(algorithm=HashAlgorithm.SHA2_256, digest=digest), asked, recorder)
    return bundle.content


def _require_no_root(certificate: Certificate) -> None:
    """Bundles before 0.3 may bring intermediates, which are not asked; a root can only be there to be believed."""
    if certificate.issuer == certificate.subject:
        raise BadAttestation("untrusted-certificate", "it brings a root certificate along")


def require_checkpoint_of(entry: LogEntry, host: str) -> None:
    """Step 5: the checkpoint is of this log and of the tree that the proof speaks of. Raises BadAttestation."""
    checkpoint = parse_checkpoint(entry.checkpoint)
    if checkpoint.host != host:
        text = f"its checkpoint is of {checkpoint.origin[:100]!r}, and its log is {host!r}"
        raise BadAttestation("checkpoint", text)
    if checkpoint.tree_size != entry.tree_size:
        text = f"its proof is for {entry.tree_size} entries, its checkpoint for {checkpoint.tree_size}"
        raise BadAttestation("checkpoint", text)
