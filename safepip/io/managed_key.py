"""Bundles signed with a key of somebody's own, instead of a certificate: `safepip verify --key`.

sigstore-python has no way to verify them, so the steps are taken here, with the same numbers and codes as for
attestations (docs/checks/attestation.md): the signature with the given key, the log entry with the log's. Nothing in a
bundle says whose the key is; whoever names the key vouches for that.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from safepip.errors import BadInput, SafepipError
from safepip.formats.bundle import Envelope, SigstoreBundle, pae
from safepip.formats.checkpoint import parse_checkpoint, tree_root
from safepip.formats.fields import BadAttestation
from safepip.formats.logbody import Logged, parse_body
from safepip.formats.logentry import LogEntry
from safepip.formats.statement import About
from safepip.io.attestation import OF_ARTIFACTS, OF_ENVELOPES, claim_of, only_entry, require_checkpoint_of
from safepip.io.sigstore_edge import words
from safepip.io.sources_of_time import stated_sources
from safepip.io.trust import LOGS_ALONE, TrustedMaterial
from safepip.model.artifact import HASH_ALGORITHMS
from safepip.model.evidence import VerifiedAttestation
from safepip.model.publisher import Identity

if TYPE_CHECKING:
    from safepip.io.publickey import Key

_OF_ENVELOPES = OF_ENVELOPES | {("intoto", "0.0.2")}


def verify_with_key(bundle: SigstoreBundle, pem: bytes, about: About, trusted_root: bytes) -> VerifiedAttestation:
    """What the bundle says of the file, signed with the key in `pem` and logged in a log of that trusted root.

    trusted_root: its JSON; it needs to name nothing but logs, and time-stamp authorities where the bundle has stamps
    Raises BadAttestation, whatever happens inside, and BadInput about key (`key-invalid`) and trusted root.
    """
    key = _load(pem)
    trust = TrustedMaterial(trusted_root, needed=LOGS_ALONE)
    try:
        return _verified(bundle, key, about, trust)
    except (BadAttestation, SafepipError):
        raise
    except Exception as error:  # whatever escapes a verification is a refusal, never a pass
        raise BadAttestation("unverifiable", f"it cannot be verified: {words(error)}") from error


def _load(pem: bytes) -> Key:
    from safepip.io.publickey import load_key

    try:
        return load_key(pem)
    except ValueError as error:
        raise BadInput(
            "key-invalid",
            "The public key cannot be used.",
            context=[("because", words(error))],
            hint="Give a file with one public key in PEM: `-----BEGIN PUBLIC KEY-----`.",
        ) from None


def _verified(bundle: SigstoreBundle, key: Key, about: About, trust: TrustedMaterial) -> VerifiedAttestation:
    from safepip.io.publickey import spki

    predicate, build = claim_of(bundle, about)  # 2
    entry = only_entry(bundle, _OF_ENVELOPES if isinstance(bundle.content, Envelope) else OF_ARTIFACTS)  # 3
    if bundle.certificate is not None:
        raise BadAttestation("signature", "it is signed with a certificate, and not with this key")
    algorithm = _signed_digest(bundle, key, about)  # 4
    _require_entry_of(parse_body(entry), bundle, key, about, algorithm)
    moment = _require_logged(bundle, entry, trust)
    return VerifiedAttestation(
        predicate=predicate,
        identity=_identity(spki(key)),
        logged_at=moment,
        trust_root=trust.digest,
        build=build,
        log=trust.hosts[entry.log_id],
        log_index=entry.log_index,
    )


def _identity(key: bytes) -> Identity:
    """A key says nobody's name; what it is called by is its digest."""
    return Identity(
        kind="key",
        issuer="",
        subject=f"sha256:{hashlib.sha256(key).hexdigest()}",
        repository=None,
        repository_id=None,
        owner_id=None,
        workflow=None,
        environment=None,
        ref=None,
        trigger=None,
        runner=None,
        build_signer=None,
    )


def _signed_digest(bundle: SigstoreBundle, key: Key, about: About) -> str | None:
    """The algorithm under which the signature holds, None for Ed25519, which has none. Raises BadAttestation."""
    from safepip.io.publickey import algorithms_of, verifies, verifies_digest

    algorithms = algorithms_of(key)
    if not algorithms and not isinstance(bundle.content, Envelope):
        text = (
            "an Ed25519 key signs the file itself, and what is looked at here is its digest; sign a statement instead"
        )
        raise BadAttestation("signature", text)
    if isinstance(bundle.content, Envelope) and not algorithms and verifies(key, bundle.signature, pae(bundle.content)):
        return None
    for algorithm in algorithms:
        digest = _digest(bundle, about, algorithm)
        if digest is not None and verifies_digest(key, bundle.signature, algorithm, bytes.fromhex(digest)):
            return algorithm
    raise BadAttestation("signature", "it is not this file signed with this key")


def _digest(bundle: SigstoreBundle, about: About, algorithm: str) -> str | None:
    """Of what is signed, in hexadecimal; None where it is an artifact of which we do not have that digest."""
    if isinstance(bundle.content, Envelope):
        return hashlib.new(algorithm, pae(bundle.content)).hexdigest()
    return about.sha256 if algorithm == "sha256" else about.digests.get(algorithm)


def _require_entry_of(logged: Logged, bundle: SigstoreBundle, key: Key, about: About, algorithm: str | None) -> None:
    """What was logged is this signature, of this key, over this content. Raises BadAttestation."""
    from safepip.io.publickey import load_key, spki

    if logged.signature != bundle.signature:
        raise BadAttestation("log-mismatch", "its log entry is of another signature")
    try:
        same_key = spki(load_key(logged.verifier)) == spki(key)
    except ValueError:
        same_key = False
    if not same_key:
        raise BadAttestation("log-mismatch", "its log entry is of another key")
    if logged.algorithm not in HASH_ALGORITHMS or (not logged.of_payload and algorithm not in {None, logged.algorithm}):
        raise BadAttestation("log-mismatch", f"its log entry is over a {logged.algorithm[:40]!r} digest")
    if logged.of_payload and isinstance(bundle.content, Envelope):
        digest = hashlib.new(logged.algorithm, bundle.content.payload).hexdigest()
    else:
        digest = _digest(bundle, about, logged.algorithm) or "unknown"
    if logged.digest != digest:
        raise BadAttestation("log-mismatch", "its log entry is of something else")


def _require_logged(bundle: SigstoreBundle, entry: LogEntry, trust: TrustedMaterial) -> datetime | None:
    """The log has that entry, and had it while its key was in service. When, as far as anybody signed that.

    A key does not expire, so a time is not asked for; but then the log's must never have been retired.
    """
    if entry.log_id not in trust.hosts:
        raise BadAttestation("log-mismatch", "the log that it names is not in the trusted root")
    if tree_root(entry.body, entry.proof_index, entry.tree_size, entry.hashes) != entry.root_hash:
        raise BadAttestation("log-inclusion", "its proof does not lead from the entry to the root of the tree")
    sources = stated_sources(bundle, entry)
    for source in sources:
        for timestamp in source.timestamps:
            _require_stamp(timestamp, bundle.signature, trust.timestamp_chains(source.moment))
    moments: list[datetime | None] = [source.moment for source in sources]
    for moment in moments or [None]:
        keys = trust.log_keys(entry.log_id, moment)
        if not keys:
            when = f"at {moment:%Y-%m-%d %H:%M}" if moment is not None else "for good; nothing says when it was logged"
            raise BadAttestation("trust-window", f"its log was not in service {when}")
        _require_signed_by_log(entry, keys)
    require_checkpoint_of(entry, trust.hosts[entry.log_id])
    return min((source.moment for source in sources), default=None)


def _require_signed_by_log(entry: LogEntry, keys: Sequence[bytes]) -> None:
    from safepip.io.publickey import load_key, verifies

    checkpoint = parse_checkpoint(entry.checkpoint)
    if checkpoint.root_hash != entry.root_hash:
        raise BadAttestation("checkpoint", "its checkpoint is of another tree than its proof")
    loaded = [load_key(one) for one in keys]
    ours = [one.signature for one in checkpoint.signatures if one.key_hash == entry.log_id[:4]]
    if not any(verifies(key, signature, checkpoint.signed) for key in loaded for signature in ours):
        raise BadAttestation("checkpoint", "its checkpoint is not signed by its log")
    if entry.promise is not None and not any(verifies(key, entry.promise, _promised(entry)) for key in loaded):
        raise BadAttestation("set", "the promise in it is not signed by its log")


def _promised(entry: LogEntry) -> bytes:
    """What a promise is over: this object in RFC 8785 form, which for these values is JSON without spaces, sorted."""
    promised = {
        "body": base64.b64encode(entry.body).decode(),
        "integratedTime": entry.integrated,
        "logID": entry.log_id.hex(),
        "logIndex": entry.log_index,
    }
    return json.dumps(promised, separators=(",", ":"), sort_keys=True).encode()


def _require_stamp(timestamp: bytes, signature: bytes, chains: Sequence[Sequence[bytes]]) -> None:
    """A time-stamp authority that was in service stamped this signature. Raises BadAttestation."""
    from cryptography.x509 import load_der_x509_certificate
    from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

    response = decode_timestamp_response(timestamp)
    for chain in chains:
        leaf, *others = [load_der_x509_certificate(one) for one in chain]
        if not others:  # an authority that is its own root would be asked to believe itself
            continue
        builder = VerifierBuilder().tsa_certificate(leaf).add_root_certificate(others[-1])
        for one in others[:-1]:
            builder = builder.add_intermediate_certificate(one)
        try:
            builder.build().verify_message(response, signature)
        except VerificationError:
            continue
        return
    raise BadAttestation("time", "no time-stamp authority that was in service then signed its timestamp")
