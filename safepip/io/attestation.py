"""Verifying attestations: the edge to sigstore.

The order of the steps, and their numbers, are those of docs/checks/attestation.md. `sigstore` is imported when the
first attestation is verified (it costs about half a second) or when `load` is called in the shadow of something else.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from safepip.errors import SafepipError
from safepip.formats.attestation import PAYLOAD_TYPE, Attestation, LogEntry, render_bundle
from safepip.formats.fields import BadAttestation
from safepip.formats.provenance import parse_provenance
from safepip.formats.publisher import printable
from safepip.formats.statement import parse_statement, require_subject
from safepip.io.sigstore_edge import classified, read_root, words
from safepip.io.trust import Selection, TrustedMaterial
from safepip.model.evidence import RejectedAttestation, VerifiedAttestation
from safepip.model.ident import FileName, Sha256

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from sigstore.verify import Verifier

Outcome = tuple[tuple[VerifiedAttestation, ...], tuple[RejectedAttestation, ...], tuple[str, ...]]

_SUPPORTED = {("dsse", "0.0.1"), ("hashedrekord", "0.0.2")}

# What material that was not in service can be the cause of.
_WINDOWED = frozenset({"time", "untrusted-certificate", "sct", "set", "checkpoint"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """One source of time, verified on its own, so that none is passed over in silence."""

    moment: datetime
    promise: bool
    timestamps: tuple[bytes, ...]


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

    def verify(self, document: bytes, file: FileName, sha256: Sha256, digests: Mapping[str, str]) -> Outcome:
        """Judge every attestation in a provenance object (PEP 740): verified, rejected, publishers as the index says.

        sha256, digests: of the file's bytes, as WE computed them; digests by algorithm, all that there are.
        Raises BadInput about the trusted root, and nothing about the document: whatever is wrong with that is a
        RejectedAttestation with a code.
        """
        try:
            provenance = parse_provenance(document)  # 1
        except BadAttestation as error:
            return (), (_rejected(error, known=True),), ()
        verified, rejected = [], []
        for bundle in provenance.bundles:
            for served in bundle.attestations:
                outcome = self._judge(served, file, sha256, digests)
                if isinstance(outcome, BadAttestation):
                    rejected.append(_rejected(outcome, known=bundle.known))
                else:
                    verified.append(outcome)
        return tuple(verified), tuple(rejected), tuple(bundle.publisher for bundle in provenance.bundles)

    def _judge(
        self, served: Attestation | BadAttestation, file: FileName, sha256: Sha256, digests: Mapping[str, str]
    ) -> VerifiedAttestation | BadAttestation:
        if isinstance(served, BadAttestation):
            return served
        try:
            return self.verify_one(served, file, sha256, digests)
        except BadAttestation as error:
            return error

    def verify_one(
        self, attestation: Attestation, file: FileName, sha256: Sha256, digests: Mapping[str, str]
    ) -> VerifiedAttestation:
        """Raises BadAttestation, whatever happens inside, and BadInput about the trusted root."""
        statement = parse_statement(attestation.statement)  # 2
        require_subject(statement, file, sha256, digests)
        entry = _only_entry(attestation)  # 3
        self.load()
        try:
            certificate, moment = self._verify_signature(attestation, entry)  # 4, 5
            from safepip.io.certificate import identity_of

            identity = identity_of(certificate)  # 6, as far as the claims go; what is expected is the policy's
        except (BadAttestation, SafepipError):
            raise
        except Exception as error:  # whatever escapes a verification is a refusal, never a pass
            raise BadAttestation("unverifiable", f"it cannot be verified: {words(error)}") from error
        return VerifiedAttestation(
            predicate=statement.predicate_type,
            identity=identity,
            logged_at=moment,
            trust_root=self._trust.digest,
        )

    def _verify_signature(self, attestation: Attestation, entry: LogEntry) -> tuple[Certificate, datetime]:
        """Steps 4 and 5. The cheap questions of 5 come first, because their answers are the more exact ones."""
        from safepip.io import certificate as x509

        certificate = x509.load_certificate(attestation.certificate)
        x509.require_profile(certificate)
        if entry.log_id not in self._trust.hosts:
            raise BadAttestation("log-mismatch", "the log that it names is not in the trusted root")
        sources = _sources(attestation, entry)
        seen = x509.logged_certificate_at(certificate)
        for source in sources:
            x509.require_valid_at(certificate, source.moment)
            self._verify_source(attestation, entry, source, self._trust.at(source.moment, seen, entry.log_id))
        _require_checkpoint_of(entry, self._trust.hosts[entry.log_id])
        return certificate, min(source.moment for source in sources)

    def _verify_source(self, attestation: Attestation, entry: LogEntry, source: _Source, held: Selection) -> None:
        bundle = render_bundle(attestation, promises=source.promise, timestamps=source.timestamps)
        whole = self._trust.whole(entry.log_id)
        if held.usable:
            try:
                self._run(bundle, attestation, held)
            except BadAttestation as error:
                if held == whole or error.code not in _WINDOWED:
                    raise
            else:
                return
        self._run(bundle, attestation, whole)
        text = f"it verifies only with a key or an authority that was not in service at {source.moment:%Y-%m-%d %H:%M}"
        raise BadAttestation("trust-window", text)

    def _run(self, bundle: bytes, attestation: Attestation, selection: Selection) -> None:
        """Ask sigstore. Raises BadAttestation."""
        from cryptography.hazmat.primitives.serialization import Encoding
        from sigstore.models import Bundle

        verifier = self._verifier(selection)
        recorder = _Recorder()
        try:
            payload_type, payload = verifier.verify_dsse(Bundle.from_json(bundle), recorder)
        except Exception as error:
            raise classified(error) from error
        signed_by = recorder.certificate.public_bytes(Encoding.DER) if recorder.certificate is not None else None
        if (payload_type, payload, signed_by) != (PAYLOAD_TYPE, attestation.statement, attestation.certificate):
            raise BadAttestation("unverifiable", "what was verified is not what was served")

    def _verifier(self, selection: Selection) -> Verifier:
        from sigstore.verify import Verifier

        with self._lock:
            if selection not in self._verifiers:
                root = read_root(self._trust.render(selection))
                self._verifiers[selection] = Verifier(trusted_root=root)
            return self._verifiers[selection]


def _only_entry(attestation: Attestation) -> LogEntry:
    """Step 3. One entry: of several, sigstore's privates would look at the first alone."""
    if len(attestation.entries) != 1:
        raise BadAttestation("unsupported-log-entry", f"it has {len(attestation.entries)} log entries and not one")
    entry = attestation.entries[0]
    if (entry.kind, entry.version) not in _SUPPORTED:
        text = f"its log entry is of the kind {entry.kind[:60]!r} {entry.version[:20]!r}"
        raise BadAttestation("unsupported-log-entry", text)
    return entry


def _sources(attestation: Attestation, entry: LogEntry) -> list[_Source]:
    """Where the time of signing comes from: the log's promise, and time-stamp authorities."""
    sources = [_Source(moment=_stamped(one), promise=False, timestamps=(one,)) for one in attestation.timestamps]
    if entry.promise is not None:
        if entry.kind != "dsse":
            raise BadAttestation("unsupported-log-entry", "its log entry is of a kind that carries no promise")
        # Zero reads as "absent" in protobuf, and sigstore would then not look at the promise at all.
        if not entry.integrated:
            raise BadAttestation("time", "the log's promise does not say when it was made")
        sources.append(_Source(moment=_unix(entry.integrated), promise=True, timestamps=()))
    if not sources:
        code = "set" if entry.kind == "dsse" else "time"
        raise BadAttestation(code, "neither a promise of the log nor a timestamp says when it was signed")
    return sources


def _stamped(timestamp: bytes) -> datetime:
    from rfc3161_client import decode_timestamp_response

    try:
        return decode_timestamp_response(timestamp).tst_info.gen_time.astimezone(timezone.utc)
    except ValueError as error:
        raise BadAttestation("time", f"its timestamp cannot be read: {words(error)}") from None


def _unix(seconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, tz=timezone.utc)
    except (OverflowError, ValueError, OSError):
        raise BadAttestation("time", f"{seconds} seconds since 1970 is no time") from None


def _require_checkpoint_of(entry: LogEntry, host: str) -> None:
    """Step 5: the verified checkpoint is of this log and of the tree that the proof speaks of."""
    origin, size = entry.checkpoint.split("\n")[:2]
    if origin.partition(" - ")[0] != host:
        raise BadAttestation("checkpoint", f"its checkpoint is of {origin[:100]!r}, and its log is {host!r}")
    if size != str(entry.tree_size):
        raise BadAttestation(
            "checkpoint", f"its proof is for {entry.tree_size} entries, its checkpoint for {size[:30]!r}"
        )


def _rejected(error: BadAttestation, *, known: bool) -> RejectedAttestation:
    return RejectedAttestation(code=error.code, message=printable(error.message), known=known and error.known)
