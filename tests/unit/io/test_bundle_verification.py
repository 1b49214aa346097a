"""Bundles go through the very steps that attestations go through, with the same codes; and their own forms hold."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from safepip.formats.bundle import parse_bundle
from safepip.formats.fields import BadAttestation
from safepip.formats.statement import PUBLISH, SIGNATURE, SLSA, About
from safepip.io.attestation import AttestationVerifier
from safepip.model.evidence import VerifiedAttestation
from tests.sigstore import GitHub, LocalSigstore
from tests.sigstore.authority import Authority
from tests.sigstore.bundles import SPELLINGS, as_bundle, sign, statement
from tests.sigstore.log import RekorLog, b64
from tests.unit.io.test_attestation import (
    ABOUT,
    CASES,
    EXACT,
    FILE,
    FUTURE,
    LATER,
    LIKENESS,
    NOW,
    PAST,
    SHA256,
    SIGSTORE,
    STRANGER,
    VERIFIER,
    at,
    attest,
    drop,
    flipped,
    put,
    under,
)
from tests.unit.io.test_attestation import code_of as code_of_attestation
from tests.unit.io.test_managed_key import other_hint, other_root

Document = dict[str, Any]
ANY = About(file=None, sha256=SHA256, digests={"sha256": SHA256, "sha512": "cd" * 64})
STATEMENT = statement(str(FILE), SHA256)


def verify(bundle: Document, about: About = ABOUT, verifier: AttestationVerifier = VERIFIER) -> VerifiedAttestation:
    return verifier.bundle(parse_bundle(json.dumps(bundle).encode()), about)


def code_of(bundle: Document, about: About = ABOUT, verifier: AttestationVerifier = VERIFIER) -> str:
    with pytest.raises(BadAttestation) as caught:
        verify(bundle, about, verifier)
    assert caught.value.message
    return caught.value.code


# --- one way through the steps for both forms


@pytest.mark.parametrize("name", [name for name in CASES if not name.startswith("version ")])
def test_what_is_wrong_with_an_attestation_is_wrong_with_its_bundle(name: str) -> None:
    code, make = CASES[name]
    assert code_of(as_bundle(make())) == code


@pytest.mark.parametrize(
    ("version", "steps"),
    [
        *((version, steps) for version in SPELLINGS for steps in ({}, {"stamps": (NOW, LATER)})),
        *((version, {"rekor": 2}) for version in SPELLINGS if version != "0.1"),  # which must have a promise
    ],
)
def test_an_attestation_says_the_same_as_its_bundle(version: str, steps: Document) -> None:
    attestation = attest(identity=GitHub(environment="release"), **steps)
    verified = verify(as_bundle(attestation, version))
    assert (verified.predicate, verified.identity.environment, verified.logged_at) == (PUBLISH, "release", NOW)
    assert verified.log in {SIGSTORE.log.host, SIGSTORE.log_v2.host}


# --- a signature over the file itself


@pytest.mark.parametrize("version", SPELLINGS)
@pytest.mark.parametrize("about", [ABOUT, ANY])
def test_a_signature_over_the_file(version: str, about: About) -> None:
    verified = verify(sign(SIGSTORE, SHA256, version=version), about)
    assert (verified.predicate, verified.identity.repository) == (SIGNATURE, "acme/demo")
    assert (verified.logged_at, verified.build) == (NOW, None)


@pytest.mark.parametrize("steps", [{"rekor": 2}, {"stamps": (NOW,)}, {"rekor": 2, "stamps": (LATER, NOW)}])
def test_a_signature_over_the_file_and_other_sources_of_time(steps: Document) -> None:
    assert verify(sign(SIGSTORE, SHA256, **steps)).logged_at == NOW


def test_the_digest_beside_a_signature_may_be_missing() -> None:
    bundle = sign(SIGSTORE, SHA256, bundle=lambda one: one["messageSignature"].pop("messageDigest"))
    assert verify(bundle).predicate == SIGNATURE


def leaf(**changes: Any) -> Document:
    return {"leaf": lambda one: replace(one, **changes)}


def proof(change: Callable[[Document], object]) -> Document:
    return {"entry": lambda entry: change(entry["inclusionProof"])}


def stated(algorithm: str, digest: bytes) -> Document:
    return {"stated": {"algorithm": algorithm, "digest": b64(digest)}}


def record(target: Document) -> Document:
    found: Document = target["spec"].get("hashedRekordV002", target["spec"])
    return found


MESSAGES: dict[str, tuple[str, Document]] = {
    "signature of another key": ("signature", {"signing_key": STRANGER}),
    "signature is none": ("signature", {"signature": b"none"}),
    "another file signed": ("signature", {"digest": b"\1" * 32, **stated("SHA2_256", bytes.fromhex(SHA256))}),
    "another file signed, and told so": ("subject-digest", {"digest": b"\1" * 32}),
    "another digest stated": ("subject-digest", stated("SHA2_256", b"\1" * 32)),
    "another sha512 stated": ("subject-digest", stated("SHA2_512", b"\1" * 64)),
    "a sha384 stated, which nobody computed": ("subject-digest", stated("SHA2_384", b"\1" * 48)),
    "another Sigstore": ("untrusted-certificate", {"authority": Authority.create(NOW, "other.test")}),
    "forged under the same names": ("untrusted-certificate", {"authority": LIKENESS}),
    "no SCT": ("sct", leaf(sct_key=None)),
    "ten years": ("profile", leaf(lifetime=timedelta(days=3650 - 370))),
    "P-384": ("profile", leaf(public_key=ec.generate_private_key(ec.SECP384R1()).public_key())),
    "two subjects in the certificate": ("profile", leaf(more_subjects=("https://example.org/x",))),
    "logged after expiry": ("time", {"integrated": at(timedelta(minutes=11))}),
    "integrated time edited": ("set", {"entry": put("integratedTime", str(at(timedelta(seconds=1))))}),
    "promise removed": ("set", {"entry": drop("inclusionPromise")}),
    "no timestamp, where only that tells the time": ("time", {"rekor": 2, "stamps": ()}),
    "a promise alone, and no proof": ("log-inclusion", {"version": "0.1", "entry": drop("inclusionProof")}),
    "a hash flipped": ("log-inclusion", proof(lambda one: one.update(hashes=[*map(flipped, one["hashes"])]))),
    "no checkpoint": ("checkpoint", proof(drop("checkpoint"))),
    "checkpoint of another origin": (
        "checkpoint",
        proof(lambda one: one["checkpoint"].update(envelope=SIGSTORE.log.checkpoint(origin="other.test - 1"))),
    ),
    "checkpoint of another size": (
        "checkpoint",
        proof(lambda one: one["checkpoint"].update(envelope=SIGSTORE.log.checkpoint(size=int(one["treeSize"]) + 1))),
    ),
    "an unknown log": ("log-mismatch", {"log": RekorLog(SIGSTORE.log.host)}),
    "logged: another digest": (
        "log-mismatch",
        {"body": lambda body: record(body)["data"]["hash"].update(value="0" * 64)},
    ),
    "logged: another signature": (
        "log-mismatch",
        {"body": lambda body: record(body)["signature"].update(content=b64(b"other"))},
    ),
    "logged: no signature at all": ("log-mismatch", {"body": lambda body: record(body).pop("signature")}),
    "logged in the new log: another digest": (
        "log-mismatch",
        {"rekor": 2, "body": lambda body: record(body)["data"].update(digest=b64(b"0" * 32))},
    ),
    "logged in the new log: something unreadable": (
        "log-mismatch",
        {"rekor": 2, "body": lambda body: record(body)["data"].update(algorithm="MD5")},
    ),
    "logged as an envelope": (
        "unsupported-log-entry",
        {"entry": lambda entry: entry.update(kindVersion={"kind": "dsse", "version": "0.0.1"})},
    ),
    "an unknown kind": (
        "unsupported-log-entry",
        {"entry": lambda entry: entry.update(kindVersion={"kind": "rpm", "version": "0.0.1"})},
    ),
    "no entry": ("unsupported-log-entry", {"bundle": lambda one: one["verificationMaterial"].pop("tlogEntries")}),
    "the same entry twice": (
        "unsupported-log-entry",
        {"bundle": lambda one: one["verificationMaterial"]["tlogEntries"].extend(entries_of(one))},
    ),
}


def entries_of(bundle: Document) -> list[Any]:
    return list(bundle["verificationMaterial"]["tlogEntries"])


def test_a_checkpoint_with_the_hint_at_another_key() -> None:
    assert code_of(sign(SIGSTORE, SHA256, **proof(other_hint))) == "checkpoint"


def test_a_checkpoint_of_another_root() -> None:
    assert code_of(sign(SIGSTORE, SHA256, **proof(other_root))) == "checkpoint"


@pytest.mark.parametrize("name", MESSAGES)
def test_one_thing_wrong_with_a_signature_over_the_file(name: str) -> None:
    code, overrides = MESSAGES[name]
    assert code_of(sign(SIGSTORE, SHA256, **overrides)) == code


def test_an_envelope_of_another_kind_is_no_statement() -> None:
    assert code_of(sign(SIGSTORE, SHA256, statement=STATEMENT, payload_type="text/plain")) == "malformed"


def of_envelope(**overrides: Any) -> Document:
    """Logged in the first version of the log as if the envelope were a file."""
    return sign(SIGSTORE, SHA256, statement=STATEMENT, kind="hashedrekord", **overrides)


def test_an_envelope_may_be_logged_as_a_digest() -> None:
    assert verify(of_envelope()).predicate == PUBLISH
    assert verify(of_envelope(stamps=(NOW,), version="0.1"), ANY).predicate == PUBLISH


@pytest.mark.parametrize(
    ("code", "overrides"),
    [
        ("signature", {"signing_key": STRANGER}),
        (
            "signature",
            {"bundle": lambda one: one["dsseEnvelope"].update(payload=b64(STATEMENT + b" "))},
        ),
        ("log-mismatch", {"body": lambda body: record(body)["data"]["hash"].update(value="0" * 64)}),
        ("log-mismatch", {"body": lambda body: record(body)["data"]["hash"].update(value=SHA256)}),
        ("set", {"entry": drop("inclusionPromise")}),
    ],
)
def test_an_envelope_that_is_logged_as_a_digest_of_something_else(code: str, overrides: Document) -> None:
    assert code_of(of_envelope(**overrides), ANY) == code


def test_an_attestation_is_never_logged_that_way() -> None:
    """No other tool would read it; and the one that is at hand as an oracle refuses it."""
    bundle = of_envelope()
    served = {
        "version": 1,
        "verification_material": {
            "certificate": bundle["verificationMaterial"]["certificate"]["rawBytes"],
            "transparency_entries": entries_of(bundle),
        },
        "envelope": {
            "statement": bundle["dsseEnvelope"]["payload"],
            "signature": bundle["dsseEnvelope"]["signatures"][0]["sig"],
        },
    }
    assert code_of_attestation(served) == "unsupported-log-entry"


def test_an_intoto_entry_is_not_supported_with_a_certificate() -> None:
    assert code_of(sign(SIGSTORE, SHA256, statement=STATEMENT, kind="intoto")) == "unsupported-log-entry"


def test_a_managed_key_says_nobodys_name_and_is_of_no_kind_that_an_install_can_use() -> None:
    bundle = parse_bundle(json.dumps(sign(SIGSTORE, SHA256, key=STRANGER)).encode())
    with pytest.raises(BadAttestation) as caught:
        VERIFIER.bundle(bundle, ABOUT)
    assert (caught.value.code, caught.value.known) == ("untrusted-certificate", False)


def test_an_entry_of_another_signature_by_the_same_signer() -> None:
    """CVE-2022-36056: everything is genuine, but the log never saw this signature."""
    other = sign(SIGSTORE, "00" * 32)

    def swap(bundle: Document) -> None:
        bundle["verificationMaterial"]["tlogEntries"] = other["verificationMaterial"]["tlogEntries"]

    assert code_of(sign(SIGSTORE, SHA256, bundle=swap)) == "log-mismatch"


# --- certificates that old bundles bring along


def with_chain(*more: Any) -> Document:
    def add(bundle: Document) -> None:
        chain = bundle["verificationMaterial"]["x509CertificateChain"]["certificates"]
        chain.extend({"rawBytes": b64(one.public_bytes(Encoding.DER))} for one in more)

    return {"version": "0.2", "bundle": add}


def test_an_intermediate_in_a_bundle_is_passed_over() -> None:
    bundle = sign(SIGSTORE, SHA256, **with_chain(SIGSTORE.authority.intermediate))
    assert verify(bundle).identity.kind == "github"


def test_an_intermediate_in_a_bundle_never_becomes_trusted() -> None:
    stranger = Authority.create(NOW - timedelta(days=365), "other.test")
    bundle = sign(SIGSTORE, SHA256, authority=stranger, **with_chain(stranger.intermediate))
    assert code_of(bundle) == "untrusted-certificate"


def test_a_root_in_a_bundle_is_refused() -> None:
    bundle = sign(SIGSTORE, SHA256, **with_chain(SIGSTORE.authority.intermediate, SIGSTORE.authority.root))
    assert code_of(bundle) == "untrusted-certificate"


def test_what_stands_first_is_the_leaf() -> None:
    def turn(bundle: Document) -> None:
        with_chain(SIGSTORE.authority.intermediate)["bundle"](bundle)
        bundle["verificationMaterial"]["x509CertificateChain"]["certificates"].reverse()

    assert code_of(sign(SIGSTORE, SHA256, version="0.2", bundle=turn)) == "profile"


def test_a_further_certificate_must_be_one() -> None:
    def add(bundle: Document) -> None:
        bundle["verificationMaterial"]["x509CertificateChain"]["certificates"].append({"rawBytes": "AAAA"})

    assert code_of(sign(SIGSTORE, SHA256, version="0.2", bundle=add)) == "malformed"


# --- what sigstore leaves open


@pytest.mark.parametrize("window", [PAST, FUTURE])
@pytest.mark.parametrize("what", ["tlogs", "ctlogs", "certificateAuthorities"])
def test_material_out_of_service_verifies_nothing(what: str, window: Document) -> None:
    def retire(root: Document) -> None:
        root[what][0].get("publicKey", root[what][0])["validFor"] = window

    assert code_of(sign(SIGSTORE, SHA256), verifier=under(retire)) == "trust-window"
    assert code_of(sign(SIGSTORE, SHA256, signature=b"none"), verifier=under(retire)) == "signature"


@pytest.mark.parametrize(("window", "good"), [(PAST, False), (FUTURE, False), (EXACT, True)])
def test_the_end_of_a_time_stamp_authority_is_inclusive(window: Document, good: bool) -> None:
    verifier = under(lambda root: root["timestampAuthorities"][0].update(validFor=window))
    if good:
        assert verify(sign(SIGSTORE, SHA256, rekor=2), verifier=verifier).logged_at == NOW
    else:
        assert code_of(sign(SIGSTORE, SHA256, rekor=2), verifier=verifier) == "trust-window"


def accepted_by_sigstore(root: Document, bundle: Document) -> bool:
    """What the library says on its own, given all of the root."""
    from sigstore.hashes import Hashed
    from sigstore.models import Bundle
    from sigstore.verify import Verifier, policy
    from sigstore_models.common.v1 import HashAlgorithm

    from safepip.io.sigstore_edge import read_root

    verifier = Verifier(trusted_root=read_root(json.dumps(root).encode()))
    digest = Hashed(algorithm=HashAlgorithm.SHA2_256, digest=bytes.fromhex(SHA256))
    verifier.verify_artifact(digest, Bundle.from_json(json.dumps(bundle)), policy.UnsafeNoOp())
    return True


def p384() -> Document:
    key = ec.generate_private_key(ec.SECP384R1())
    return {"signing_key": key, "leaf": lambda one: replace(one, public_key=key.public_key())}


def other_signer(leaf: Any) -> Any:
    return replace(leaf, claims={**leaf.claims, 9: "https://github.com/evil/demo/x.yml@main"})


@pytest.mark.parametrize(
    ("code", "overrides"),
    [
        ("profile", p384()),
        ("profile", leaf(lifetime=timedelta(days=3650 - 370))),
        ("profile", {"leaf": other_signer}),
        ("checkpoint", MESSAGES["checkpoint of another origin"][1]),
        ("checkpoint", MESSAGES["checkpoint of another size"][1]),
    ],
)
def test_sigstore_alone_would_let_it_pass(code: str, overrides: Document) -> None:
    bundle = sign(SIGSTORE, SHA256, **overrides)
    assert accepted_by_sigstore(SIGSTORE.trusted_root(), bundle)
    assert code_of(bundle) == code


@pytest.mark.parametrize("what", ["tlogs", "ctlogs", "certificateAuthorities"])
def test_sigstore_alone_would_let_a_retired_key_sign(what: str) -> None:
    root, bundle = SIGSTORE.trusted_root(), sign(SIGSTORE, SHA256)
    root[what][0].get("publicKey", root[what][0])["validFor"] = PAST
    assert accepted_by_sigstore(root, bundle)
    assert code_of(bundle, verifier=AttestationVerifier(json.dumps(root).encode())) == "trust-window"


# --- artifacts whose name does not matter


def about_any(**changes: Any) -> Document:
    return sign(SIGSTORE, SHA256, statement=statement("a.txt", SHA256, **changes))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"predicate_type": "https://example.org/review/v9", "predicate": {"anything": [1]}},
        {"statement_type": "https://in-toto.io/Statement/v0.1"},
        {"predicate_type": SLSA, "predicate": {"of": "no shape that is known"}},
        {"subjects": [{"digest": {"sha256": "0" * 64}}, {"digest": {"sha256": SHA256}}]},
        {"subjects": [{"digest": {"sha512": "cd" * 64, "gitTree": "00"}}]},
    ],
)
def test_a_statement_about_anything(changes: Document) -> None:
    verified = verify(about_any(**changes), ANY)
    assert verified.predicate == changes.get("predicate_type", PUBLISH)
    assert verified.build is None


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("subject-digest", {"subjects": [{"digest": {"sha256": "0" * 64}}]}),
        ("subject-digest", {"subjects": [{"digest": {"sha256": SHA256, "sha512": "0" * 128}}]}),
        ("subject-digest", {"subjects": [{"digest": {"gitTree": "00"}}]}),
        ("subject-digest", {"subjects": [{"digest": {}}, {"digest": None}, 1]}),
        ("subject-digest", {"subjects": [{"digest": {"sha256": [SHA256]}}]}),
        ("subject-name", {"subjects": []}),
        ("subject-name", {"subjects": [{}] * 1025}),
        ("malformed", {"statement_type": "https://in-toto.io/Statement/v2"}),
        ("malformed", {"statement_type": None}),
        ("malformed", {"predicate_type": 1}),
    ],
)
def test_a_statement_about_something_else(code: str, changes: Document) -> None:
    assert code_of(about_any(**changes), ANY) == code


def test_of_a_distribution_a_statement_must_name_exactly_that_file() -> None:
    assert verify(sign(SIGSTORE, SHA256, statement=STATEMENT)).predicate == PUBLISH
    assert code_of(about_any()) == "subject-name"
    two = [{"name": str(FILE), "digest": {"sha256": SHA256}}, {"name": "b", "digest": {"sha256": SHA256}}]
    assert code_of(about_any(subjects=two)) == "subject-name"


# --- whatever escapes


class Gone(dict[str, str]):
    def get(self, *_: object) -> str:
        raise OSError("the file is gone")


def test_a_file_that_cannot_be_read_again_is_a_refusal() -> None:
    about = About(file=FILE, sha256=SHA256, digests=Gone())
    assert code_of(sign(SIGSTORE, SHA256, **stated("SHA2_512", b"\1" * 64)), about) == "unverifiable"


def test_what_was_verified_must_be_what_was_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sigstore.verify.Verifier.verify_artifact", lambda *_: None)
    assert code_of(sign(SIGSTORE, SHA256)) == "unverifiable"


def test_another_sigstore_does_not_vouch() -> None:
    other = AttestationVerifier(LocalSigstore.create(NOW).trusted_root_json())
    assert code_of(sign(SIGSTORE, SHA256), verifier=other) == "log-mismatch"
