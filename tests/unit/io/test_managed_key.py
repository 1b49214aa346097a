"""Bundles signed with a key of somebody's own: what verifies with that key, and one refusal for each step."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from safepip.errors import BadInput
from safepip.formats.bundle import parse_bundle
from safepip.formats.fields import BadAttestation
from safepip.formats.statement import PUBLISH, SIGNATURE, About
from safepip.io.managed_key import verify_with_key
from safepip.model.evidence import VerifiedAttestation
from safepip.model.ident import FileName, Sha256
from tests.sigstore.authority import der
from tests.sigstore.bundles import SigningKey, pem, sign, statement
from tests.sigstore.local import LocalSigstore
from tests.sigstore.log import RekorLog, b64
from tests.sigstore.timestamp import TimestampAuthority
from tests.unit.io.test_attestation import EXACT, FUTURE, LATER, NOW, PAST, SIGSTORE, at, drop, flipped, put

Document = dict[str, Any]
CONTENT = b"a wheel"
SHA256 = Sha256(hashlib.sha256(CONTENT).hexdigest())
FILE = FileName.parse("demo-1.0-py3-none-any.whl")
DIGESTS = {name: hashlib.new(name, CONTENT).hexdigest() for name in ("sha256", "sha384", "sha512")}
ABOUT = About(file=FILE, sha256=SHA256, digests=DIGESTS)
KEY = ec.generate_private_key(ec.SECP256R1())
P384, P521 = ec.generate_private_key(ec.SECP384R1()), ec.generate_private_key(ec.SECP521R1())
ED25519, RSA = ed25519.Ed25519PrivateKey.generate(), rsa.generate_private_key(65537, 2048)
STRANGER = ec.generate_private_key(ec.SECP256R1())
STATEMENT = statement(str(FILE), SHA256)


def verify(
    bundle: Document, key: SigningKey = KEY, about: About = ABOUT, change: Callable[[Document], object] = lambda _: None
) -> VerifiedAttestation:
    root = SIGSTORE.trusted_root()
    change(root)
    return verify_with_key(parse_bundle(json.dumps(bundle).encode()), pem(key), about, json.dumps(root).encode())


def code_of(bundle: Document, key: SigningKey = KEY, **others: Any) -> str:
    with pytest.raises(BadAttestation) as caught:
        verify(bundle, key, **others)
    assert caught.value.message
    return caught.value.code


def signed(**overrides: Any) -> Document:
    return sign(SIGSTORE, SHA256, **{"key": KEY, **overrides})


# --- what verifies


@pytest.mark.parametrize("version", ["0.1", "0.2", "0.3", "0.3-old"])
@pytest.mark.parametrize(
    "steps",
    [
        {},
        {"statement": STATEMENT},
        {"statement": STATEMENT, "kind": "intoto"},
        {"statement": STATEMENT, "kind": "hashedrekord"},
    ],
)
def test_the_first_version_of_the_log(version: str, steps: Document) -> None:
    verified = verify(signed(version=version, **steps))
    assert verified.predicate == (PUBLISH if steps else SIGNATURE)
    assert (verified.logged_at, verified.log) == (NOW, SIGSTORE.log.host)


@pytest.mark.parametrize("steps", [{}, {"statement": STATEMENT}])
@pytest.mark.parametrize(("stamps", "moment"), [((NOW,), NOW), ((LATER, NOW), NOW), ((), None)])
def test_the_second_version_of_the_log(steps: Document, stamps: Any, moment: Any) -> None:
    """Without a timestamp nobody says when; a key does not expire, so nobody has to."""
    verified = verify(signed(rekor=2, stamps=stamps, **steps))
    assert (verified.logged_at, verified.log) == (moment, SIGSTORE.log_v2.host)


def test_a_key_is_called_by_its_digest_and_has_no_name() -> None:
    identity = verify(signed()).identity
    assert (identity.kind, identity.issuer, identity.repository) == ("key", "", None)
    assert identity.subject == f"sha256:{hashlib.sha256(der(KEY.public_key())).hexdigest()}"


@pytest.mark.parametrize(
    ("key", "algorithm"), [(P384, "sha384"), (P384, "sha256"), (P521, "sha512"), (P521, "sha256"), (RSA, "sha256")]
)
@pytest.mark.parametrize("rekor", [1, 2])
def test_keys_of_other_kinds(key: SigningKey, algorithm: str, rekor: int) -> None:
    digest = bytes.fromhex(DIGESTS[algorithm])
    assert verify(signed(key=key, algorithm=algorithm, digest=digest, rekor=rekor), key).predicate == SIGNATURE
    enveloped = signed(key=key, algorithm=algorithm, statement=STATEMENT, rekor=rekor)
    assert verify(enveloped, key).predicate == PUBLISH


@pytest.mark.parametrize("rekor", [1, 2])
def test_ed25519_signs_statements(rekor: int) -> None:
    assert verify(signed(key=ED25519, statement=STATEMENT, rekor=rekor), ED25519).predicate == PUBLISH


def test_a_root_needs_no_certificates_for_that() -> None:
    def bare(root: Document) -> None:
        for name in ("certificateAuthorities", "ctlogs", "timestampAuthorities"):
            root.pop(name)

    assert verify(signed(), change=bare).predicate == SIGNATURE


def test_an_artifact_of_any_name() -> None:
    about = About(file=None, sha256=SHA256, digests={})
    bundle = signed(statement=statement("a.txt", SHA256, predicate_type="https://example.org/p"))
    assert verify(bundle, about=about).predicate == "https://example.org/p"


def test_a_cosigned_checkpoint() -> None:
    """The log's signature need not be the first, and others are nobody's business."""

    def cosign(entry: Document) -> None:
        checkpoint = entry["inclusionProof"]["checkpoint"]
        note, line = checkpoint["envelope"].split("\n\n")
        witness = f"\u2014 witness.example {b64(b'abcd' + b'signature')}\n"
        own = f"\u2014 {SIGSTORE.log.host} {b64(SIGSTORE.log.log_id[:4] + b'not this one')}\n"
        checkpoint["envelope"] = f"{note}\n\n{witness}{own}{line}"

    assert verify(signed(entry=cosign)).predicate == SIGNATURE


# --- one thing wrong at a time


def proof(change: Callable[[Document], object]) -> Document:
    return {"entry": lambda entry: change(entry["inclusionProof"])}


def note(text: str) -> Document:
    return proof(lambda one: one["checkpoint"].update(envelope=text))


def record(change: Callable[[Document], object]) -> Document:
    return {"body": lambda body: change(body["spec"])}


def other_tree(target: Document) -> None:
    SIGSTORE.log.tree.append(b"one more")
    target["checkpoint"]["envelope"] = SIGSTORE.log.checkpoint()


def other_root(target: Document) -> None:
    """The log signs another root for a tree of the same size: then it showed two people two trees."""
    text = f"{SIGSTORE.log.origin}\n{target['treeSize']}\n{b64(b'r' * 32)}\n"
    line = b64(SIGSTORE.log.log_id[:4] + SIGSTORE.log.sign(text.encode()))
    target["checkpoint"]["envelope"] = f"{text}\n\u2014 {SIGSTORE.log.host} {line}\n"


def other_hint(target: Document) -> None:
    """The right signature, said to be of another key."""
    text, _, line = target["checkpoint"]["envelope"].partition("\n\n")
    dash, name, signature = line.split()
    hinted = b64(b"abcd" + base64.b64decode(signature)[4:])
    target["checkpoint"]["envelope"] = f"{text}\n\n{dash} {name} {hinted}\n"


CASES: dict[str, tuple[str, Document]] = {
    "another file": ("subject-digest", {"digest": b"\1" * 32}),
    "another file, and not told so": (
        "signature",
        {"digest": b"\1" * 32, "stated": {"algorithm": "SHA2_256", "digest": b64(bytes.fromhex(SHA256))}},
    ),
    "signed by another key": ("signature", {"signing_key": STRANGER}),
    "signature is none": ("signature", {"signature": b"none"}),
    "a key of one's own that is certified": ("signature", {"key": None}),
    "that very key, certified": (
        "signature",
        {"key": None, "signing_key": KEY, "leaf": lambda one: replace(one, public_key=KEY.public_key())},
    ),
    "statement of another file": ("subject-name", {"statement": statement("demo-2.0-py3-none-any.whl", SHA256)}),
    "statement of another digest": ("subject-digest", {"statement": statement(str(FILE), "0" * 64)}),
    "statement of another type": ("malformed", {"statement": statement(str(FILE), SHA256, statement_type="x")}),
    "envelope of another type": ("malformed", {"statement": STATEMENT, "payload_type": "text/plain"}),
    "no entry": ("unsupported-log-entry", {"bundle": lambda one: one["verificationMaterial"].pop("tlogEntries")}),
    "an unknown kind": (
        "unsupported-log-entry",
        {"entry": lambda entry: entry.update(kindVersion={"kind": "rpm", "version": "0.0.1"})},
    ),
    "a statement said to be logged as a file": (
        "log-mismatch",
        {
            "statement": STATEMENT,
            "entry": lambda entry: entry.update(kindVersion={"kind": "hashedrekord", "version": "0.0.1"}),
        },
    ),
    "logged: another key": ("log-mismatch", {"logged_key": der(STRANGER.public_key())}),
    "logged: no key": ("log-mismatch", {"logged_key": b"none"}),
    "logged: another signature": ("log-mismatch", record(lambda one: one["signature"].update(content=b64(b"x")))),
    "logged: another digest": ("log-mismatch", record(lambda one: one["data"]["hash"].update(value="0" * 64))),
    "logged: an md5": ("log-mismatch", record(lambda one: one["data"]["hash"].update(algorithm="md5"))),
    "logged: the sha512": (
        "log-mismatch",
        record(lambda one: one["data"]["hash"].update(algorithm="sha512", value=DIGESTS["sha512"])),
    ),
    "logged: no signature": ("log-mismatch", record(lambda one: one.pop("signature"))),
    "logged: another payload": (
        "log-mismatch",
        {"statement": STATEMENT, **record(lambda one: one["payloadHash"].update(value="0" * 64))},
    ),
    "logged: two signatures": (
        "log-mismatch",
        {"statement": STATEMENT, **record(lambda one: one["signatures"].append(one["signatures"][0]))},
    ),
    "logged: as intoto, another payload": (
        "log-mismatch",
        {
            "statement": STATEMENT,
            "kind": "intoto",
            **record(lambda one: one["content"]["payloadHash"].update(value="0" * 64)),
        },
    ),
    "logged: as intoto, a signature of bytes": (
        "log-mismatch",
        {
            "statement": STATEMENT,
            "kind": "intoto",
            **record(lambda one: one["content"]["envelope"]["signatures"][0].update(sig=b64(b"\xff"))),
        },
    ),
    "logged in the new log: another digest": (
        "log-mismatch",
        {"rekor": 2, **record(lambda one: one["hashedRekordV002"]["data"].update(digest=b64(b"0" * 32)))},
    ),
    "the body is of another kind": (
        "log-mismatch",
        {"entry": lambda entry: entry.update(canonicalizedBody=b64(b'{"kind":"rpm","apiVersion":"0.0.1","spec":{}}'))},
    ),
    "the body is of another version": (
        "log-mismatch",
        {
            "body": put("apiVersion", "0.0.9"),
            "entry": lambda entry: entry["kindVersion"].update(version="0.0.1"),
        },
    ),
    "the body is no JSON": ("log-mismatch", {"entry": put("canonicalizedBody", b64(b"none"))}),
    "an unknown log": ("log-mismatch", {"log": RekorLog(SIGSTORE.log.host)}),
    "a hash flipped": ("log-inclusion", proof(lambda one: one.update(hashes=[*map(flipped, one["hashes"])]))),
    "a hash dropped": ("log-inclusion", proof(lambda one: one["hashes"].pop())),
    "a hash more": ("log-inclusion", proof(lambda one: one["hashes"].append(one["hashes"][0]))),
    "another index": ("log-inclusion", proof(put("logIndex", "1"))),
    "an index beyond the tree": ("log-inclusion", proof(put("logIndex", "99999"))),
    "another root": ("log-inclusion", proof(lambda one: one.update(rootHash=flipped(one["rootHash"])))),
    "no proof": ("log-inclusion", {"entry": drop("inclusionProof")}),
    "no checkpoint": ("checkpoint", proof(drop("checkpoint"))),
    "checkpoint of another tree": ("checkpoint", proof(other_tree)),
    "checkpoint of another root": ("checkpoint", proof(other_root)),
    "checkpoint with the hint at another key": ("checkpoint", proof(other_hint)),
    "checkpoint of another origin": (
        "checkpoint",
        proof(lambda one: one["checkpoint"].update(envelope=SIGSTORE.log.checkpoint(origin="other.test"))),
    ),
    "checkpoint of another size": (
        "checkpoint",
        proof(lambda one: one["checkpoint"].update(envelope=SIGSTORE.log.checkpoint(size=int(one["treeSize"]) + 1))),
    ),
    "checkpoint of another key": (
        "checkpoint",
        proof(lambda one: one["checkpoint"].update(envelope=RekorLog(SIGSTORE.log.host).checkpoint())),
    ),
    "checkpoint empty": ("checkpoint", note("")),
    "checkpoint of garbage": ("checkpoint", note("a\n\n\u2014 b AAAAAAAA\n")),
    "promise of another key": (
        "set",
        {"entry": lambda entry: entry["inclusionPromise"].update(signedEntryTimestamp=b64(b"none"))},
    ),
    "promise for another time": ("set", {"entry": put("integratedTime", str(at(timedelta(seconds=1))))}),
    "promise for another index": ("set", {"entry": put("logIndex", "1")}),
    "promise at zero, which reads as no time": ("time", {"entry": put("integratedTime", "0")}),
    "promise without time": ("time", {"entry": drop("integratedTime")}),
    "promise beyond all calendars": ("time", {"entry": put("integratedTime", str(2**62))}),
    "promise in the new log": (
        "unsupported-log-entry",
        {"rekor": 2, "entry": put("inclusionPromise", {"signedEntryTimestamp": "AAAA"})},
    ),
    "timestamp of another signature": (
        "time",
        {"rekor": 2, "bundle": lambda one: stamp(one, SIGSTORE.tsa.stamp(b"something else", NOW))},
    ),
    "timestamp of another authority": (
        "time",
        {"rekor": 2, "bundle": lambda one: stamp(one, TimestampAuthority.create(NOW).stamp(b"", NOW))},
    ),
    "a timestamp that is none": ("time", {"rekor": 2, "bundle": lambda one: stamp(one, b"none")}),
}


def stamp(bundle: Document, response: bytes) -> None:
    data = {"rfc3161Timestamps": [{"signedTimestamp": b64(response)}]}
    bundle["verificationMaterial"]["timestampVerificationData"] = data


@pytest.mark.parametrize("name", CASES)
def test_one_thing_wrong(name: str) -> None:
    code, overrides = CASES[name]
    assert code_of(signed(**overrides)) == code


def test_another_key_than_the_one_that_was_named() -> None:
    assert code_of(signed(), STRANGER) == "signature"
    assert code_of(signed(statement=STATEMENT), ED25519) == "signature"


def test_an_entry_of_another_signature_by_the_same_key() -> None:
    other = sign(SIGSTORE, "00" * 32, key=KEY)

    def swap(bundle: Document) -> None:
        bundle["verificationMaterial"]["tlogEntries"] = other["verificationMaterial"]["tlogEntries"]

    assert code_of(signed(bundle=swap)) == "log-mismatch"


def test_ed25519_cannot_be_verified_over_a_digest() -> None:
    assert code_of(signed(key=ED25519), ED25519) == "signature"


def test_a_digest_that_is_not_at_hand() -> None:
    about = About(file=FILE, sha256=SHA256, digests={})
    bundle = signed(key=P384, algorithm="sha384", digest=bytes.fromhex(DIGESTS["sha384"]))
    del bundle["messageSignature"]["messageDigest"]
    assert verify(bundle, P384).predicate == SIGNATURE
    assert code_of(bundle, P384, about=about) == "signature"


# --- windows


def during(what: str, place: int, window: Document) -> Callable[[Document], None]:
    def change(root: Document) -> None:
        root[what][place].get("publicKey", root[what][place])["validFor"] = window

    return change


@pytest.mark.parametrize(("window", "good"), [(PAST, False), (FUTURE, False), (EXACT, True)])
def test_a_log_key_has_a_window(window: Document, good: bool) -> None:
    change = during("tlogs", 0, window)
    if good:
        assert verify(signed(), change=change).logged_at == NOW
    else:
        assert code_of(signed(), change=change) == "trust-window"


def test_without_a_time_a_log_must_never_have_been_retired() -> None:
    bundle = signed(rekor=2, stamps=())
    assert verify(bundle, change=during("tlogs", 1, FUTURE)).logged_at is None
    assert code_of(bundle, change=during("tlogs", 1, {**EXACT, "end": "2999-01-01T00:00:00Z"})) == "trust-window"


@pytest.mark.parametrize(("window", "good"), [(PAST, False), (FUTURE, False), (EXACT, True)])
def test_a_time_stamp_authority_has_a_window(window: Document, good: bool) -> None:
    change = during("timestampAuthorities", 0, window)
    if good:
        assert verify(signed(rekor=2), change=change).logged_at == NOW
    else:
        assert code_of(signed(rekor=2), change=change) == "time"


def test_an_authority_that_is_its_own_root_stamps_nothing() -> None:
    def shorten(root: Document) -> None:
        chain = root["timestampAuthorities"][0]["certChain"]
        chain["certificates"] = chain["certificates"][:1]

    assert code_of(signed(rekor=2), change=shorten) == "time"


def test_another_sigstore_does_not_vouch() -> None:
    other = LocalSigstore.create(NOW)
    assert code_of(sign(other, SHA256, key=KEY)) == "log-mismatch"


# --- keys and roots that cannot be used


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"none",
        b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        pem(rsa.generate_private_key(65537, 1024)),
        pem(KEY) + pem(STRANGER),
        pem(ec.generate_private_key(ec.SECP256K1())),
        dsa.generate_private_key(2048).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    ],
)
def test_a_key_that_cannot_be_used_is_told_so(content: bytes) -> None:
    with pytest.raises(BadInput) as caught:
        verify_with_key(parse_bundle(json.dumps(signed()).encode()), content, ABOUT, SIGSTORE.trusted_root_json())
    assert (caught.value.reference, bool(caught.value.hint)) == ("key-invalid", True)


@pytest.mark.parametrize(
    "change",
    [
        lambda root: root.update(tlogs=[]),
        lambda root: root["tlogs"][0]["publicKey"].update(validFor={"end": "2999-01-01T00:00:00Z"}),
        lambda root: root["tlogs"][0]["publicKey"].update(validFor={}),
        lambda root: root["tlogs"][0]["publicKey"].update(validFor=[]),
        lambda root: root["tlogs"][0]["publicKey"].update(validFor=0),
    ],
)
def test_a_root_that_cannot_be_used_is_told_so(change: Callable[[Document], object]) -> None:
    with pytest.raises(BadInput) as caught:
        verify(signed(), change=change)
    assert caught.value.reference == "trust-root-invalid"


def test_whatever_escapes_is_a_refusal() -> None:
    def nonsense(root: Document) -> None:
        root["timestampAuthorities"][0]["certChain"] = None

    assert code_of(signed(rekor=2), change=nonsense) == "unverifiable"
