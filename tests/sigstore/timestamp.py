"""A time-stamp authority (RFC 3161): a CMS SignedData (RFC 5652) over TSTInfo, put together by hand."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.sigstore.authority import authority_key, certificate_of_authority, der_string, key_usage, name_of

SEQUENCE, SET, OCTETS, INTEGER, OBJECT, TIME = 0x30, 0x31, 0x04, 0x02, 0x06, 0x18


def sequence(*parts: bytes) -> bytes:
    return der_string(SEQUENCE, b"".join(parts))


def integer(value: int) -> bytes:
    return der_string(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def oid(dotted: str) -> bytes:
    first, second, *rest = (int(part) for part in dotted.split("."))
    content = bytearray([first * 40 + second])
    for arc in rest:
        digits = [arc & 0x7F]
        while arc := arc >> 7:
            digits.append(arc & 0x7F | 0x80)
        content.extend(reversed(digits))
    return der_string(OBJECT, bytes(content))


SHA256 = sequence(oid("2.16.840.1.101.3.4.2.1"))
ECDSA_SHA256 = sequence(oid("1.2.840.10045.4.3.2"))
SIGNED_DATA, TST_INFO = oid("1.2.840.113549.1.7.2"), oid("1.2.840.113549.1.9.16.1.4")


def attribute(dotted: str, value: bytes) -> bytes:
    return sequence(oid(dotted), der_string(SET, value))


@dataclass(frozen=True, slots=True, kw_only=True)
class TimestampAuthority:
    """`chain` is leaf first, and has the two certificates that sigstore asks for."""

    key: ec.EllipticCurvePrivateKey
    chain: tuple[x509.Certificate, x509.Certificate]

    @classmethod
    def create(cls, start: datetime) -> TimestampAuthority:
        root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        root_name = name_of("tsa.test", "root")
        root = certificate_of_authority(root_name, root_key.public_key(), root_name, root_key, start, path_length=0)
        leaf = (
            x509.CertificateBuilder()
            .subject_name(name_of("tsa.test", "leaf"))
            .issuer_name(root_name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + timedelta(days=3650))
            .add_extension(key_usage(digital_signature=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(authority_key(root_key.public_key()), critical=False)
            .sign(root_key, hashes.SHA256())
        )
        return cls(key=key, chain=(leaf, root))

    def stamp(self, message: bytes, at: datetime) -> bytes:
        """A TimeStampResp that says: `message` existed at that time."""
        imprint = sequence(SHA256, der_string(OCTETS, hashlib.sha256(message).digest()))
        moment = der_string(TIME, at.strftime("%Y%m%d%H%M%SZ").encode())
        info = sequence(integer(1), oid("1.3.6.1.4.1.57264.2"), imprint, integer(x509.random_serial_number()), moment)
        content = sequence(TST_INFO, der_string(0xA0, der_string(OCTETS, info)))
        leaf = self.chain[0]
        signed = sequence(
            integer(3),
            der_string(SET, SHA256),
            content,
            der_string(0xA0, leaf.public_bytes(Encoding.DER)),
            der_string(SET, self._signer(info)),
        )
        return sequence(sequence(integer(0)), sequence(SIGNED_DATA, der_string(0xA0, signed)))

    def _signer(self, info: bytes) -> bytes:
        leaf = self.chain[0]
        certificate = der_string(OCTETS, hashlib.sha256(leaf.public_bytes(Encoding.DER)).digest())
        attributes = b"".join(
            sorted(
                [
                    attribute("1.2.840.113549.1.9.3", TST_INFO),
                    attribute("1.2.840.113549.1.9.4", der_string(OCTETS, hashlib.sha256(info).digest())),
                    attribute("1.2.840.113549.1.9.16.2.47", sequence(sequence(sequence(certificate)))),
                ]
            )
        )
        # RFC 5652, section 5.4: signed as a SET, carried as an implicit [0].
        signature = self.key.sign(der_string(SET, attributes), ec.ECDSA(hashes.SHA256()))
        return sequence(
            integer(1),
            sequence(leaf.issuer.public_bytes(), integer(leaf.serial_number)),
            SHA256,
            der_string(0xA0, attributes),
            ECDSA_SHA256,
            der_string(OCTETS, signature),
        )
