"""Public keys and the signatures that verify with them: of signers with a key of their own, and of logs.

Imported late: this module loads `cryptography`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
)

Key = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey
_MIN_RSA = 2048
_BEGIN = b"-----BEGIN "
_HASHES: Mapping[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
# What a key of that curve signs: the digest of its own size first, and sha256, which many clients take for any key.
_OF_CURVES: Mapping[str, tuple[str, ...]] = {
    "secp256r1": ("sha256",),
    "secp384r1": ("sha384", "sha256"),
    "secp521r1": ("sha512", "sha256"),
}


def load_key(content: bytes) -> Key:
    """PEM or DER (SubjectPublicKeyInfo) of an ECDSA, Ed25519 or RSA key that is strong enough. Raises ValueError."""
    if content.count(_BEGIN) > 1:  # the library would take the first and pass over the others in silence
        raise ValueError("it holds more than one key")
    try:
        key = load_pem_public_key(content) if content.lstrip().startswith(b"-----") else load_der_public_key(content)
    except UnsupportedAlgorithm as error:
        raise ValueError(str(error)) from None
    known = (
        (isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _OF_CURVES)
        or (isinstance(key, rsa.RSAPublicKey) and key.key_size >= _MIN_RSA)
        or isinstance(key, ed25519.Ed25519PublicKey)
    )
    if not known:
        raise ValueError("it is neither ECDSA on P-256, P-384 or P-521, nor Ed25519, nor RSA of 2048 bits or more")
    return key  # type: ignore[return-value] # what it is has just been asked


def spki(key: Key) -> bytes:
    """The one DER form by which keys are compared and called."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def algorithms_of(key: Key) -> tuple[str, ...]:
    """The digests that a signature of this key may be over; empty where it is over the message itself (Ed25519)."""
    if isinstance(key, ed25519.Ed25519PublicKey):
        return ()
    return _OF_CURVES[key.curve.name] if isinstance(key, ec.EllipticCurvePublicKey) else ("sha256",)


def verifies_digest(key: Key, signature: bytes, algorithm: str, digest: bytes) -> bool:
    """Whether `signature` is of this key over that digest."""
    hashed = Prehashed(_HASHES[algorithm])

    def verify() -> None:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, digest, ec.ECDSA(hashed))
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, digest, padding.PKCS1v15(), hashed)
        else:
            raise InvalidSignature

    return _holds(verify)


def verifies(key: Key, signature: bytes, message: bytes) -> bool:
    """Whether `signature` is of this key over that message, with the digest that goes with the key, if any."""
    if isinstance(key, ed25519.Ed25519PublicKey):
        return _holds(lambda: key.verify(signature, message))
    algorithm = algorithms_of(key)[0]
    return verifies_digest(key, signature, algorithm, hashlib.new(algorithm, message).digest())


def _holds(verify: Callable[[], None]) -> bool:
    try:
        verify()
    except InvalidSignature:
        return False
    return True
