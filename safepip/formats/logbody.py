"""What the body of a log entry says: what was signed, the signature, and the key or certificate that it verifies with.

A log keeps what it was handed, in one form for each kind of entry. Only read here; what it says must be what the bundle
says, or the entry is of something else (CVE-2022-36056). Sources: Rekor's types `hashedrekord`, `dsse` and `intoto`,
and the rekor/v2 messages of sigstore protobuf-specs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from safepip.formats.fields import (
    BadAttestation,
    read_base64,
    read_bytes,
    read_list,
    read_object,
    read_text,
    require_object,
)
from safepip.formats.logentry import LogEntry
from safepip.formats.strictjson import NotStrict, parse_json

_ALGORITHMS: Mapping[str, str] = {"SHA2_256": "sha256", "SHA2_384": "sha384", "SHA2_512": "sha512"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """digest: hexadecimal, of the artifact, or of the envelope; of the payload alone where `of_payload`

    algorithm: as hashlib calls it; verifier: PEM or DER of a public key or a certificate, as it was logged
    """

    algorithm: str
    digest: str
    of_payload: bool
    signature: bytes
    verifier: bytes


def parse_body(entry: LogEntry) -> Logged:
    """Raises BadAttestation: `log-mismatch` where the body is not of the kind and version that the entry says."""
    read = _READERS.get((entry.kind, entry.version))
    if read is None:
        raise BadAttestation("unsupported-log-entry", f"its log entry is of the kind {entry.kind[:60]!r}")
    try:
        body = require_object(parse_json(entry.body), "its body")
        kind = (read_text(body, "kind"), read_text(body, "apiVersion"))
        logged = read(read_object(body, "spec"))
    except (NotStrict, BadAttestation) as error:
        raise BadAttestation("log-mismatch", f"the body of its log entry cannot be read: {error}") from None
    if kind != (entry.kind, entry.version):
        raise BadAttestation("log-mismatch", "the body of its log entry is of another kind")
    return logged


def _hashedrekord(spec: Mapping[str, Any]) -> Logged:
    digest, signature = read_object(read_object(spec, "data"), "hash"), read_object(spec, "signature")
    return Logged(
        algorithm=read_text(digest, "algorithm"),
        digest=read_text(digest, "value"),
        of_payload=False,
        signature=read_bytes(signature, "content"),
        verifier=read_bytes(read_object(signature, "publicKey"), "content"),
    )


def _hashedrekord_v2(spec: Mapping[str, Any]) -> Logged:
    record = read_object(spec, "hashedRekordV002")
    data, signature = read_object(record, "data"), read_object(record, "signature")
    return Logged(
        algorithm=_ALGORITHMS.get(read_text(data, "algorithm"), ""),
        digest=read_bytes(data, "digest").hex(),
        of_payload=False,
        signature=read_bytes(signature, "content"),
        verifier=read_bytes(read_object(read_object(signature, "verifier"), "publicKey"), "rawBytes"),
    )


def _dsse(spec: Mapping[str, Any]) -> Logged:
    digest, signature = read_object(spec, "payloadHash"), _only(spec)
    return Logged(
        algorithm=read_text(digest, "algorithm"),
        digest=read_text(digest, "value"),
        of_payload=True,
        signature=read_bytes(signature, "signature"),
        verifier=read_bytes(signature, "verifier"),
    )


def _intoto(spec: Mapping[str, Any]) -> Logged:
    content = read_object(spec, "content")
    digest, signature = read_object(content, "payloadHash"), _only(read_object(content, "envelope"))
    return Logged(
        algorithm=read_text(digest, "algorithm"),
        digest=read_text(digest, "value"),
        of_payload=True,
        # The envelope was in JSON before, with base64 in it, and all of that is in base64 again.
        signature=read_base64(read_bytes(signature, "sig").decode("ascii", "replace"), "its signature"),
        verifier=read_bytes(signature, "publicKey"),
    )


def _only(holder: Mapping[str, Any]) -> dict[str, Any]:
    signatures = read_list(holder, "signatures")
    if len(signatures) != 1:
        raise BadAttestation("log-mismatch", f"it has {len(signatures)} signatures and not one")
    return require_object(signatures[0], "its signature")


_READERS: Mapping[tuple[str, str], Callable[[Mapping[str, Any]], Logged]] = {
    ("hashedrekord", "0.0.1"): _hashedrekord,
    ("hashedrekord", "0.0.2"): _hashedrekord_v2,
    ("dsse", "0.0.1"): _dsse,
    ("intoto", "0.0.2"): _intoto,
}
