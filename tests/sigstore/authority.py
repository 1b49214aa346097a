"""A certificate authority in the shape of Fulcio, with the certificate transparency log that it submits to."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import (
    CertificateIssuerPublicKeyTypes,
    CertificatePublicKeyTypes,
)
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.sigstore.identities import Claims

FULCIO = "1.3.6.1.4.1.57264.1"
SCT_LIST = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")


def der(key: CertificatePublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def key_id(key: CertificatePublicKeyTypes) -> bytes:
    """RFC 6962, section 3.2: the sha256 of the key's SubjectPublicKeyInfo."""
    return hashlib.sha256(der(key)).digest()


def der_string(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 128:
        return bytes([tag, length]) + content
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 128 + len(size)]) + size + content


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """What a signing certificate is asked to be; each field can be set wrong on its own.

    claims:  bytes stand for an extension's raw value
    sct_key: the log key that signs the SCT, None for a certificate without SCT
    sct_issuer: the issuer key id that the SCT is made over, None for the true one
    """

    claims: Mapping[int, str | bytes]
    subject: str
    more_subjects: tuple[str, ...]
    public_key: CertificatePublicKeyTypes
    start: datetime
    lifetime: timedelta
    digital_signature: bool
    code_signing: bool
    sct_key: ec.EllipticCurvePrivateKey | None
    sct_issuer: bytes | None

    @classmethod
    def of(
        cls, claims: Claims, key: CertificatePublicKeyTypes, start: datetime, sct: ec.EllipticCurvePrivateKey
    ) -> Leaf:
        return cls(
            claims=claims.extensions(),
            subject=claims.subject(),
            more_subjects=(),
            public_key=key,
            start=start,
            lifetime=timedelta(minutes=10),
            digital_signature=True,
            code_signing=True,
            sct_key=sct,
            sct_issuer=None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """A P-384 root and an intermediate that issues the leaves."""

    key: ec.EllipticCurvePrivateKey
    intermediate: x509.Certificate
    root: x509.Certificate

    @classmethod
    def create(cls, start: datetime, organization: str = "sigstore.test") -> Authority:
        root_key, key = ec.generate_private_key(ec.SECP384R1()), ec.generate_private_key(ec.SECP384R1())
        root_name, name = name_of(organization, "root"), name_of(organization, "intermediate")
        root = certificate_of_authority(root_name, root_key.public_key(), root_name, root_key, start, path_length=1)
        intermediate = certificate_of_authority(name, key.public_key(), root_name, root_key, start, path_length=0)
        return cls(key=key, intermediate=intermediate, root=root)

    def issue(self, leaf: Leaf) -> x509.Certificate:
        """Sign the precertificate, have it logged, and sign the certificate that carries the log's answer."""
        builder = self._builder(leaf)
        if leaf.sct_key is not None:
            tbs = builder.sign(self.key, hashes.SHA384()).tbs_certificate_bytes
            issuer = leaf.sct_issuer or key_id(self.key.public_key())
            sct = _sct_list(leaf.sct_key, issuer, tbs, leaf.start)
            builder = builder.add_extension(x509.UnrecognizedExtension(SCT_LIST, der_string(4, sct)), critical=False)
        return builder.sign(self.key, hashes.SHA384())

    def _builder(self, leaf: Leaf) -> x509.CertificateBuilder:
        names = [_general_name(text) for text in (leaf.subject, *leaf.more_subjects)]
        usage = ExtendedKeyUsageOID.CODE_SIGNING if leaf.code_signing else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(self.intermediate.subject)
            .public_key(leaf.public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(leaf.start)
            .not_valid_after(leaf.start + leaf.lifetime)
            .add_extension(key_usage(digital_signature=leaf.digital_signature), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(authority_key(self.key.public_key()), critical=False)
            .add_extension(x509.SubjectAlternativeName(names), critical=True)
        )
        for number, text in leaf.claims.items():
            # Version 1 of the extensions (.1 to .6) holds bare text, version 2 (from .8) a DER UTF8String.
            value = text if isinstance(text, bytes) else text.encode()
            if number >= 8 and isinstance(text, str):
                value = der_string(12, value)
            oid = x509.ObjectIdentifier(f"{FULCIO}.{number}")
            builder = builder.add_extension(x509.UnrecognizedExtension(oid, value), critical=False)
        return builder


def _sct_list(key: ec.EllipticCurvePrivateKey, issuer: bytes, tbs: bytes, at: datetime) -> bytes:
    """A SignedCertificateTimestampList with one entry over a precertificate (RFC 6962, sections 3.2 and 3.3)."""
    moment = int(at.timestamp() * 1000).to_bytes(8, "big")
    entry = issuer + len(tbs).to_bytes(3, "big") + tbs
    signed = b"\x00\x00" + moment + b"\x00\x01" + entry + b"\x00\x00"
    signature = key.sign(signed, ec.ECDSA(hashes.SHA256()))
    sct = b"\x00" + key_id(key.public_key()) + moment + b"\x00\x00\x04\x03" + _sized(signature)
    return _sized(_sized(sct))


def _general_name(text: str) -> x509.GeneralName:
    is_mail = "@" in text and "://" not in text
    return x509.RFC822Name(text) if is_mail else x509.UniformResourceIdentifier(text)


def _sized(content: bytes) -> bytes:
    return len(content).to_bytes(2, "big") + content


def name_of(organization: str, common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
            x509.NameAttribute(NameOID.COMMON_NAME, f"{organization} {common}"),
        ]
    )


def authority_key(key: CertificateIssuerPublicKeyTypes) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key)


def certificate_of_authority(
    name: x509.Name,
    key: ec.EllipticCurvePublicKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    start: datetime,
    *,
    path_length: int,
) -> x509.Certificate:
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(key_usage(certificate_sign=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(authority_key(issuer_key.public_key()), critical=False)
        .sign(issuer_key, hashes.SHA384())
    )


def key_usage(*, digital_signature: bool = False, certificate_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=not digital_signature and not certificate_sign,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certificate_sign,
        crl_sign=certificate_sign,
        encipher_only=False,
        decipher_only=False,
    )
