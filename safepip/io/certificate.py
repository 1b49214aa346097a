"""The signing certificate: what Sigstore's profile asks of it, and who it says has signed.

Imported late: this module loads `cryptography`. Source of the extensions: Fulcio, docs/oid-info.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec

from safepip.formats.fields import BadAttestation
from safepip.model.publisher import Identity

FULCIO = "1.3.6.1.4.1.57264.1."
MAX_LIFETIME = timedelta(hours=1)
_FIRST_STRUCTURED = 8  # .1 to .7 are the deprecated unstructured ones
_UTF8_STRING = b"\x0c"
_USERNAME = x509.ObjectIdentifier(f"{FULCIO}7")
_PIPELINE = re.compile(
    r"https://circleci\.com/api/v2/projects/([A-Za-z0-9-]+)/pipeline-definitions/([A-Za-z0-9-]+)", re.ASCII
)
_HOMES = {
    "github": "https://github.com/",
    "gitlab": "https://gitlab.com/",
    "activestate": "https://platform.activestate.com/",
}
# Exactly these: an issuer of one organisation below them is a kind of its own. Sources: Fulcio, config/identity;
# PyPI, trusted publishers.
_ISSUERS = {
    "https://token.actions.githubusercontent.com": "github",
    "https://gitlab.com": "gitlab",
    "https://accounts.google.com": "google",
    "https://oidc.circleci.com": "circleci",
    "https://platform.activestate.com/api/v1/oauth/oidc": "activestate",
}


def load_certificate(der: bytes) -> x509.Certificate:
    """Raises BadAttestation."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        # Parsed lazily by the library: ask now, where the answer can be told.
        _ = certificate.extensions
    except (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        raise BadAttestation("malformed", f"its certificate cannot be read: {str(error)[:200]}") from None
    return certificate


def require_profile(certificate: x509.Certificate) -> None:
    """Step 5: a P-256 key, for an hour at the most. Raises BadAttestation."""
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise BadAttestation("profile", "the key of its certificate is not an ECDSA key on P-256")
    lifetime = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    if lifetime > MAX_LIFETIME:
        raise BadAttestation("profile", f"its certificate is valid for {lifetime}, which is longer than {MAX_LIFETIME}")


def require_valid_at(certificate: x509.Certificate, moment: datetime) -> None:
    """Raises BadAttestation."""
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if not start <= moment <= end:
        text = f"it was logged at {moment:%Y-%m-%d %H:%M:%S}, and its certificate is valid from {start} to {end}"
        raise BadAttestation("time", text)


def logged_certificate_at(certificate: x509.Certificate) -> datetime | None:
    """When the certificate transparency log says that it saw it; None where it carries no such word."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.PrecertificateSignedCertificateTimestamps)
        first = next(iter(extension.value), None)
    except (x509.ExtensionNotFound, ValueError):
        return None
    return first.timestamp.replace(tzinfo=timezone.utc) if first is not None else None


def identity_of(certificate: x509.Certificate) -> Identity:
    """Step 6: who signed, as the extensions say. Raises BadAttestation."""
    claims = _claims(certificate)
    issuer = claims.get(8)
    if issuer is None:
        raise BadAttestation("profile", "its certificate does not say who vouched for the signer (OID .8)")
    subject, form = _subject(certificate)
    signer = claims.get(9)
    if signer is not None and signer != subject:
        text = f"its certificate is for {subject[:200]!r}, and its build signer is {signer[:200]!r}"
        raise BadAttestation("profile", text)
    kind = _kind(issuer, form)
    repository = _repository(kind, claims, subject)
    pipeline = _PIPELINE.fullmatch(subject) if kind == "circleci" else None
    return Identity(
        kind=kind,
        issuer=issuer,
        subject=subject,
        repository=repository,
        repository_id=pipeline[1] if pipeline is not None else claims.get(15) if kind != "circleci" else None,
        owner_id=claims.get(17),
        workflow=pipeline[2] if pipeline is not None else _workflow(kind, repository, claims),
        environment=claims.get(23),
        ref=claims.get(14),
        trigger=claims.get(20),
        runner=claims.get(11),
        build_signer=signer,
    )


def _kind(issuer: str, form: type[x509.GeneralName]) -> str:
    """Accounts are named by address and everything else by URI; an issuer that mixes them up is none we know.

    People sign in through Sigstore with GitHub, Google or Microsoft: those issuers differ from the ones of workflows.
    """
    if issuer not in _ISSUERS:
        return "email" if form is x509.RFC822Name else "unknown"
    kind = _ISSUERS[issuer]
    wanted = x509.RFC822Name if kind == "google" else x509.UniformResourceIdentifier
    return kind if form is wanted else "unknown"


def _claims(certificate: x509.Certificate) -> Mapping[int, str]:
    claims = {}
    for extension in certificate.extensions:
        oid = extension.oid.dotted_string
        if oid.startswith(FULCIO) and int(oid.removeprefix(FULCIO).partition(".")[0]) >= _FIRST_STRUCTURED:
            if not isinstance(extension.value, x509.UnrecognizedExtension):
                raise BadAttestation("profile", f"its certificate has an unexpected extension {oid}")
            text = _utf8_string(extension.value.value, oid)
            if text:
                claims[int(oid.removeprefix(FULCIO))] = text
    return claims


def _utf8_string(der: bytes, oid: str) -> str:
    """A DER UTF8String with nothing behind it (X.690, section 8.1)."""
    try:
        return _content(der).decode("utf-8")
    except ValueError:
        raise BadAttestation("profile", f"its certificate has an extension {oid} that is not a DER string") from None


def _content(der: bytes) -> bytes:
    """Raises ValueError."""
    head = 2
    length = der[1] if len(der) > 1 else 0
    if length >= 0x80:
        head += length & 0x7F
        length = int.from_bytes(der[2:head], "big")
    minimal = head == 2 or (head == 3 and length >= 0x80) or (head == 4 and length >= 0x100)
    if der[:1] != _UTF8_STRING or not minimal or len(der) != head + length:
        raise ValueError("not a DER UTF8String")
    return der[head:]


def _subject(certificate: x509.Certificate) -> tuple[str, type[x509.GeneralName]]:
    """The one subject alternative name, and its form: an address of the web, of a mailbox, or a user's name."""
    try:
        names = list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        names = []
    name = names[0] if len(names) == 1 else None
    if isinstance(name, x509.UniformResourceIdentifier | x509.RFC822Name) and name.value:
        return name.value, type(name)
    if isinstance(name, x509.OtherName) and name.type_id == _USERNAME:
        return _utf8_string(name.value, _USERNAME.dotted_string), x509.OtherName
    raise BadAttestation("profile", "its certificate does not name exactly one subject")


def _repository(kind: str, claims: Mapping[int, str], subject: str) -> str | None:
    """`owner/name` for a forge whose address we know, verbatim for others."""
    address, home = claims.get(12, subject if kind == "activestate" else None), _HOMES.get(kind)
    if address is None or home is None:
        return address
    return address.removeprefix(home) if address.startswith(home) else None


def _workflow(kind: str, repository: str | None, claims: Mapping[int, str]) -> str | None:
    """The top-level workflow, from the build configuration: HOME/REPOSITORY/<path>@<ref or commit>."""
    folder = {
        "github": f"https://github.com/{repository}/.github/workflows/",
        "gitlab": f"https://gitlab.com/{repository}//",
    }
    config, prefix = claims.get(18), folder.get(kind)
    if repository is None or config is None or prefix is None or not config.startswith(prefix):
        return None
    path = config.removeprefix(prefix)
    for revision in (claims.get(14), claims.get(13)):
        if revision is not None and path.endswith(f"@{revision}"):
            return path.removesuffix(f"@{revision}")
    return None
