"""A verifier with one trusted root: proven before its first use, and honest about its age.

Step 9 of the verification. An attestation may fail for no other reason than that it names a log, a certificate log or
an authority that came into service after the root was taken. It is refused all the same: but what helps is an update of
the root and no talk with the publisher, so it is told as `trust-root-stale`. Nothing here accepts anything.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol, TypeVar

from safepip.formats.attestation import Attestation
from safepip.formats.bundle import SigstoreBundle
from safepip.formats.fields import BadAttestation
from safepip.formats.logentry import LogEntry
from safepip.formats.statement import About
from safepip.io.attestation import AttestationVerifier
from safepip.io.rootfiles import TrustedRoot
from safepip.io.trust import TrustedMaterial
from safepip.io.verifier import Verifier
from safepip.model.evidence import VerifiedAttestation

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

OLD = timedelta(days=30)
# The codes that a part of the root which is missing can be the cause of -> that part.
_PARTS = {"log-mismatch": "log", "sct": "certificate log", "untrusted-certificate": "certificate authority"}
T = TypeVar("T")


class RootedVerifier(Verifier, Protocol):
    """A verifier that says which trusted root it asks: sha256 of its bytes, known without any import."""

    @property
    def trust_digest(self) -> str: ...


class RootVerifier:
    """`safepip.io.verifier.Verifier`. `now`: the time of the run."""

    def __init__(self, root: TrustedRoot, now: datetime) -> None:
        """Raises BadInput (`trust-root-invalid`)."""
        self.trust_digest = root.digest
        self._root = root
        self._now = now
        self._inner = AttestationVerifier(root.raw)
        self._lock = threading.Lock()
        self._proven = False

    def prepare(self, served: Sequence[Attestation], about: About) -> None:
        """Raises BadInput also where an updated root does not verify."""
        self._prove()
        self._inner.prepare(served, about)

    def attestation(self, attestation: Attestation, about: About) -> VerifiedAttestation:
        verify = functools.partial(self._inner.attestation, attestation, about)
        return self._judged(verify, attestation.certificate, attestation.entries)

    def bundle(self, bundle: SigstoreBundle, about: About) -> VerifiedAttestation:
        verify = functools.partial(self._inner.bundle, bundle, about)
        return self._judged(verify, bundle.certificate, bundle.entries)

    def _prove(self) -> None:
        with self._lock:
            if not self._proven:
                self._root.prove()
                self._proven = True

    def _judged(self, verify: Callable[[], T], certificate: bytes | None, entries: Sequence[LogEntry]) -> T:
        self._prove()
        try:
            return verify()
        except BadAttestation as error:
            since = self._root.since
            if since is None or self._now - since <= OLD or error.code not in _PARTS:
                raise
            if _PARTS[error.code] not in self.unknown(certificate, entries):
                raise
            raise BadAttestation(
                "trust-root-stale",
                f"it names a {_PARTS[error.code]} that is not in the trusted root, which is of {since:%Y-%m-%d}: "
                f"run `{self._root.refresh}` and try again ({error.message})",
                known=error.known,
            ) from error

    def unknown(self, certificate: bytes | None, entries: Sequence[LogEntry]) -> tuple[str, ...]:
        """Which of its parts this root has never heard of: `log`, `certificate log`, `certificate authority`."""
        material = TrustedMaterial(self._root.raw)
        found = ["log"] if any(entry.log_id not in material.hosts for entry in entries) else []
        try:
            found += _unknown_issuers(material, certificate) if certificate is not None else []
        except Exception:  # noqa: BLE001 - it is refused already; what cannot be read is not what an update mends
            return ()
        return tuple(found)


def _unknown_issuers(material: TrustedMaterial, raw: bytes) -> list[str]:
    from cryptography.x509 import load_der_x509_certificate

    certificate, found = load_der_x509_certificate(raw), []
    if not all(material.knows_certificate_log(one) for one in _certificate_logs(certificate)):
        found.append("certificate log")
    if not any(_may_have_issued(load_der_x509_certificate(one), certificate) for one in material.authorities()):
        found.append("certificate authority")
    return found


def _certificate_logs(certificate: Certificate) -> list[bytes]:
    from cryptography.x509 import ExtensionNotFound, PrecertificateSignedCertificateTimestamps

    try:
        stamps = certificate.extensions.get_extension_for_class(PrecertificateSignedCertificateTimestamps).value
    except ExtensionNotFound:
        return []
    return [one.log_id for one in stamps]


def _may_have_issued(authority: Certificate, certificate: Certificate) -> bool:
    """By name, and by key where both tell one: whether the signature holds is sigstore's question."""
    from cryptography.x509 import AuthorityKeyIdentifier, ExtensionNotFound, SubjectKeyIdentifier

    if authority.subject != certificate.issuer:
        return False
    try:
        key = certificate.extensions.get_extension_for_class(AuthorityKeyIdentifier).value.key_identifier
        return key in {None, authority.extensions.get_extension_for_class(SubjectKeyIdentifier).value.digest}
    except ExtensionNotFound:
        return True
