"""The verifier: what it accepts, and one refusal for each code, where exactly one thing is wrong."""

from __future__ import annotations

import base64
import importlib.resources
import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from safepip.errors import BadInput
from safepip.formats.statement import PUBLISH, SLSA, About
from safepip.io.attestation import AttestationVerifier
from safepip.io.provenance import Outcome, judged
from safepip.model.ident import FileName, Sha256
from tests.sigstore import GitHub, GitLab, Google, LocalSigstore
from tests.sigstore.authority import Authority
from tests.sigstore.log import RekorLog, b64
from tests.sigstore.timestamp import TimestampAuthority

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
LATER = NOW + timedelta(minutes=1)
FILE = FileName.parse("demo-1.0-py3-none-any.whl")
SHA256 = Sha256("ab" * 32)
DIGESTS = {"sha256": SHA256, "sha512": "cd" * 64}
ABOUT = About(file=FILE, sha256=SHA256, digests=DIGESTS)
PUBLISHER = {"kind": "GitHub", "repository": "acme/demo", "workflow": "release.yml"}
ANYBODY = {"kind": "Forge"}  # of a kind that nobody knows, so that there is nothing to compare
SIGSTORE = LocalSigstore.create(now=NOW)
VERIFIER = AttestationVerifier(SIGSTORE.trusted_root_json())
LIKENESS = Authority.create(NOW - timedelta(days=365))  # the same names, other keys
STRANGER = ec.generate_private_key(ec.SECP256R1())

Attested = dict[str, Any]


def judge(
    *attestations: Attested, publisher: Attested = PUBLISHER, verifier: AttestationVerifier = VERIFIER
) -> Outcome:
    document = SIGSTORE.provenance(list(attestations), publisher)
    return judged(document, ABOUT, verifier)


def attest(**overrides: Any) -> Attested:
    identity = overrides.pop("identity", GitHub())
    return SIGSTORE.attest(str(FILE), SHA256, identity, **overrides)


def code_of(*attestations: Attested, verifier: AttestationVerifier = VERIFIER) -> str:
    verified, rejected, _ = judge(*attestations, verifier=verifier)
    assert verified == ()
    [one] = rejected
    assert one.message
    assert one.message.isprintable()
    return one.code


def entry_of(attestation: Attested) -> Attested:
    entry: Attested = attestation["verification_material"]["transparency_entries"][0]
    return entry


# --- what is let through


def test_a_good_attestation_tells_who_what_and_when() -> None:
    verified, rejected, claimed = judge(attest(identity=GitHub(environment="release")))
    [one] = verified
    assert rejected == ()
    assert claimed == ("github:acme/demo/release.yml",)
    assert (one.predicate, one.logged_at) == (PUBLISH, NOW)
    who = one.identity
    assert (who.kind, who.repository, who.workflow) == ("github", "acme/demo", "release.yml")
    assert (who.ref, who.environment, who.trigger, who.runner) == ("refs/tags/v1.0", "release", "push", "github-hosted")
    assert (who.repository_id, who.owner_id) == ("1001", "2002")


def test_gitlab_and_google() -> None:
    verified, rejected, _ = judge(attest(identity=GitLab()), attest(identity=Google()), publisher=ANYBODY)
    assert rejected == ()
    assert [one.identity.kind for one in verified] == ["gitlab", "google"]
    assert verified[0].identity.repository == "acme/tools/demo"
    assert verified[0].identity.workflow == ".gitlab-ci.yml"
    assert verified[1].identity.subject == "publisher@demo.iam.gserviceaccount.com"


@pytest.mark.parametrize("steps", [{"rekor": 2}, {"stamps": (NOW,)}, {"rekor": 2, "stamps": (NOW, LATER)}])
def test_timestamps_and_the_second_version_of_the_log(steps: Attested) -> None:
    [one] = judge(attest(**steps))[0]
    assert one.logged_at == NOW


def test_a_certificate_for_exactly_an_hour() -> None:
    assert len(judge(with_leaf(lifetime=timedelta(hours=1)))[0]) == 1


def test_a_slsa_predicate_has_a_body() -> None:
    body = {
        "buildDefinition": {
            "buildType": "https://actions.github.io/buildtypes/workflow/v1",
            "externalParameters": {"workflow": {"repository": "https://github.com/acme/demo", "ref": "refs/tags/v1"}},
        },
        "runDetails": {"builder": {"id": "https://github.com/actions/runner/github-hosted"}},
    }
    [one] = judge(attest(predicate_type=SLSA, predicate=body))[0]
    assert one.predicate == SLSA
    assert one.build is not None
    assert one.build.source == "https://github.com/acme/demo"
    verified, [refused], _ = judge(attest(predicate_type=SLSA, predicate={"buildDefinition": {}}))
    assert (verified, refused.code) == ((), "predicate")


@pytest.mark.parametrize("predicate", [None, {}])
def test_a_publish_predicate_is_empty_in_either_way(predicate: object) -> None:
    assert len(judge(attest(predicate=predicate))[0]) == 1


def test_the_subject_is_compared_as_parsed_and_every_digest_that_is_known() -> None:
    subject = {"name": "Demo-1.0.0-py3-none-any.whl", "digest": {**DIGESTS, "gitTree": "00"}}
    assert len(judge(attest(subjects=[subject]))[0]) == 1


def test_an_unknown_publisher_kind_is_no_objection() -> None:
    verified, _, claimed = judge(attest(), publisher={"kind": "Forge\x1b[31m", "repository": "a/b"})
    assert len(verified) == 1
    assert claimed[0].isprintable()


def test_an_unknown_predicate_is_reported_beside_a_good_one() -> None:
    verified, rejected, _ = judge(attest(), attest(predicate_type="https://example.org/review/v9"))
    assert len(verified) == 1
    assert [(one.code, one.known) for one in rejected] == [("unknown-predicate", False)]


def test_what_fails_under_an_unknown_publisher_kind_is_reported_as_such() -> None:
    _, rejected, _ = judge(attest(signature=b"none"), publisher={"kind": "Forge"})
    assert [(one.code, one.known) for one in rejected] == [("signature", False)]


def test_one_unreadable_attestation_does_not_silence_the_next() -> None:
    verified, rejected, _ = judge({"version": 2}, attest())
    assert (len(verified), [one.code for one in rejected]) == (1, ["malformed"])


def test_an_empty_document_verifies_nothing_and_rejects_nothing() -> None:
    assert judge() == ((), (), ("github:acme/demo/release.yml",))


# --- one thing wrong at a time


def edited(change: Callable[[Attested], object]) -> Attested:
    return attest(attestation=change)


def proof_edited(change: Callable[[Attested], object]) -> Attested:
    return attest(entry=lambda entry: change(entry["inclusionProof"]))


def flipped(text: str) -> str:
    content = bytearray(base64.b64decode(text))
    content[-1] ^= 1
    return b64(bytes(content))


def put(key: str, value: Any) -> Callable[[Attested], object]:
    return lambda target: target.__setitem__(key, value)


def drop(key: str) -> Callable[[Attested], object]:
    return lambda target: target.pop(key)


def with_leaf(**changes: Any) -> Attested:
    return attest(leaf=lambda leaf: replace(leaf, **changes))


def with_claim(number: int, value: str | bytes | None) -> Attested:
    def leaf_edit(leaf: Any) -> Any:
        claims = {**leaf.claims, number: value}
        return replace(leaf, claims={key: text for key, text in claims.items() if text is not None})

    return attest(leaf=leaf_edit)


def at(offset: timedelta) -> int:
    return int((NOW + offset).timestamp())


def subject(**changes: Any) -> Attested:
    return attest(subjects=[{"name": str(FILE), "digest": {"sha256": SHA256}, **changes}])


def foreign_statement(target: Attested) -> None:
    other = SIGSTORE.attest(str(FILE), SHA256, GitHub(), predicate={})
    target["envelope"]["statement"] = other["envelope"]["statement"]


def respelled_statement(target: Attested) -> None:
    document = json.loads(base64.b64decode(target["envelope"]["statement"]))
    target["envelope"]["statement"] = b64(json.dumps(document, indent=1).encode())


def foreign_signature(target: Attested) -> None:
    target["envelope"]["signature"] = attest()["envelope"]["signature"]


def foreign_certificate(target: Attested) -> None:
    target["verification_material"]["certificate"] = attest()["verification_material"]["certificate"]


def resized_proof(target: Attested) -> None:
    target["treeSize"] = str(int(target["treeSize"]) + 1)


def foreign_entry(target: Attested) -> None:
    other = SIGSTORE.attest("demo-2.0-py3-none-any.whl", SHA256, GitHub())
    target["verification_material"]["transparency_entries"] = [entry_of(other)]


def foreign_checkpoint(target: Attested) -> None:
    SIGSTORE.log.tree.append(b"one more")
    target["checkpoint"]["envelope"] = SIGSTORE.log.checkpoint()


def renamed_checkpoint(target: Attested) -> None:
    target["checkpoint"]["envelope"] = SIGSTORE.log.checkpoint(origin="other.test - 1")


def resized_checkpoint(target: Attested) -> None:
    target["checkpoint"]["envelope"] = SIGSTORE.log.checkpoint(size=int(target["treeSize"]) + 1)


def swapped_checkpoint(entry: Attested) -> None:
    entry["inclusionProof"]["checkpoint"]["envelope"] = SIGSTORE.log.checkpoint()


def stamped(moment: datetime) -> str:
    return b64(SIGSTORE.tsa.stamp(b"something else", moment))


def unsigned_checkpoint(target: Attested) -> None:
    target["checkpoint"]["envelope"] = RekorLog(SIGSTORE.log.host).checkpoint()


def logged_body_edited(target: Attested) -> None:
    target["canonicalizedBody"] = b64(base64.b64decode(target["canonicalizedBody"]).replace(b"dsse", b"DSSE"))


def certificate(change: Callable[[bytes], bytes]) -> Attested:
    def change_it(target: Attested) -> None:
        material = target["verification_material"]
        material["certificate"] = b64(change(base64.b64decode(material["certificate"])))

    return edited(change_it)


def material(**changes: Any) -> Attested:
    return edited(lambda target: target["verification_material"].update(changes))


def statement(**changes: Any) -> Attested:
    document = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": str(FILE), "digest": {"sha256": SHA256}}],
        "predicateType": PUBLISH,
        **changes,
    }
    return attest(statement=json.dumps(document).encode())


CASES: dict[str, tuple[str, Callable[[], Attested]]] = {
    # envelope
    "signature of another key": ("signature", lambda: attest(signing_key=STRANGER)),
    "signature is no signature": ("signature", lambda: attest(signature=b"none")),
    "signature flipped": (
        "signature",
        lambda: edited(lambda one: one["envelope"].update(signature=flipped(one["envelope"]["signature"]))),
    ),
    "signature of another attestation": ("signature", lambda: edited(foreign_signature)),
    "signature empty": ("malformed", lambda: edited(lambda one: one["envelope"].update(signature=""))),
    "statement swapped": ("signature", lambda: edited(foreign_statement)),
    "statement in another spelling": ("signature", lambda: edited(respelled_statement)),
    "statement empty": ("malformed", lambda: edited(lambda one: one["envelope"].update(statement=""))),
    "another payload type": ("signature", lambda: attest(payload_type="text/plain")),
    "version 2": ("malformed", lambda: edited(put("version", 2))),
    "version as text": ("malformed", lambda: edited(put("version", "1"))),
    "version true": ("malformed", lambda: edited(put("version", True))),
    "certificate not DER": ("malformed", lambda: certificate(lambda _: b"none")),
    "certificate with a tail": ("malformed", lambda: certificate(lambda der: der + b"\0")),
    "certificate with junk in base64": ("malformed", lambda: material(certificate="AAAA\nAAAA")),
    "certificate with leftover bits": ("malformed", lambda: material(certificate="AB==")),
    "certificate of another attestation": ("signature", lambda: edited(foreign_certificate)),
    "certificate missing": ("malformed", lambda: edited(lambda one: one["verification_material"].pop("certificate"))),
    # certificate authority and certificate transparency
    "another Sigstore": ("untrusted-certificate", lambda: attest(authority=Authority.create(NOW, "other.test"))),
    "forged under the same names": ("untrusted-certificate", lambda: attest(authority=LIKENESS)),
    "no SCT": ("sct", lambda: with_leaf(sct_key=None)),
    "SCT of an unknown log": ("sct", lambda: with_leaf(sct_key=STRANGER)),
    "SCT over another issuer": ("sct", lambda: with_leaf(sct_issuer=b"\0" * 32)),
    "no digital signature usage": ("profile", lambda: with_leaf(digital_signature=False)),
    "no code signing usage": ("profile", lambda: with_leaf(code_signing=False)),
    "ten years": ("profile", lambda: with_leaf(lifetime=timedelta(days=3650 - 370))),
    "an hour and a second": ("profile", lambda: with_leaf(lifetime=timedelta(hours=1, seconds=1))),
    "P-384": ("profile", lambda: with_leaf(public_key=ec.generate_private_key(ec.SECP384R1()).public_key())),
    "secp256k1": ("profile", lambda: with_leaf(public_key=ec.generate_private_key(ec.SECP256K1()).public_key())),
    "Ed25519": ("profile", lambda: with_leaf(public_key=ed25519.Ed25519PrivateKey.generate().public_key())),
    "RSA": ("profile", lambda: with_leaf(public_key=rsa.generate_private_key(65537, 2048).public_key())),
    "no issuer": ("profile", lambda: with_claim(8, None)),
    "another build signer": ("profile", lambda: with_claim(9, "https://github.com/evil/demo/x.yml@main")),
    "two subjects in the certificate": ("profile", lambda: with_leaf(more_subjects=("https://example.org/x",))),
    # time
    "logged after expiry": ("time", lambda: attest(integrated=at(timedelta(minutes=11)))),
    "logged before it began": ("time", lambda: attest(integrated=at(timedelta(seconds=-1)))),
    "integrated time edited": ("set", lambda: attest(entry=put("integratedTime", str(at(timedelta(seconds=1)))))),
    "integrated time zero": ("time", lambda: attest(entry=put("integratedTime", "0"))),
    "integrated time beyond all calendars": ("time", lambda: attest(entry=put("integratedTime", str(2**62)))),
    "integrated time of 400 digits": ("malformed", lambda: attest(entry=put("integratedTime", "1" * 400))),
    "integrated time with a sign": ("malformed", lambda: attest(entry=put("integratedTime", "+123"))),
    "integrated time negative": ("malformed", lambda: attest(entry=put("integratedTime", "-1"))),
    "integrated time with a space": ("malformed", lambda: attest(entry=put("integratedTime", " 1767323045"))),
    "integrated time with a fraction": ("malformed", lambda: attest(entry=put("integratedTime", "1767323045.0"))),
    "integrated time in other digits": ("malformed", lambda: attest(entry=put("integratedTime", "\u0661\u0662"))),
    "integrated time as a number": ("malformed", lambda: attest(entry=put("integratedTime", 123))),
    "integrated time removed": ("time", lambda: attest(entry=drop("integratedTime"))),
    "promise removed": ("set", lambda: attest(entry=drop("inclusionPromise"))),
    "promise of another key": (
        "set",
        lambda: attest(
            entry=lambda entry: entry["inclusionPromise"].update(
                signedEntryTimestamp=b64(STRANGER.sign(b"", ec.ECDSA(hashes.SHA256())))
            )
        ),
    ),
    "a timestamp that is none": ("time", lambda: material(timestamps=["AAAA"])),
    # log
    "no proof": ("log-inclusion", lambda: attest(entry=drop("inclusionProof"))),
    "a hash flipped": (
        "log-inclusion",
        lambda: proof_edited(lambda one: one.update(hashes=[*map(flipped, one["hashes"])])),
    ),
    "a hash dropped": ("log-inclusion", lambda: proof_edited(lambda one: one["hashes"].pop())),
    "a hash cut short": ("malformed", lambda: proof_edited(lambda one: one["hashes"].__setitem__(0, "AAAA"))),
    "another index": ("log-inclusion", lambda: proof_edited(put("logIndex", "1"))),
    "index beyond the tree": ("log-inclusion", lambda: proof_edited(put("logIndex", "99999"))),
    "index negative": ("malformed", lambda: proof_edited(put("logIndex", "-1"))),
    "tree size altered": ("log-inclusion", lambda: proof_edited(resized_proof)),
    "tree size of nothing": ("log-inclusion", lambda: proof_edited(put("treeSize", "0"))),
    "tree size negative": ("malformed", lambda: proof_edited(put("treeSize", "-6"))),
    "tree size as a number": ("malformed", lambda: proof_edited(put("treeSize", 6))),
    "tree size as words": ("malformed", lambda: proof_edited(put("treeSize", "many"))),
    "root hash flipped": (
        "log-inclusion",
        lambda: proof_edited(lambda one: one.update(rootHash=flipped(one["rootHash"]))),
    ),
    "a hundred thousand hashes": ("too-large", lambda: proof_edited(put("hashes", ["A"] * 100_000))),
    "no checkpoint": ("checkpoint", lambda: proof_edited(drop("checkpoint"))),
    "checkpoint of another tree": ("checkpoint", lambda: proof_edited(foreign_checkpoint)),
    "checkpoint of another origin": ("checkpoint", lambda: proof_edited(renamed_checkpoint)),
    "checkpoint of another size": ("checkpoint", lambda: proof_edited(resized_checkpoint)),
    "checkpoint of another key": ("checkpoint", lambda: proof_edited(unsigned_checkpoint)),
    "checkpoint empty": ("checkpoint", lambda: proof_edited(lambda one: one["checkpoint"].update(envelope=""))),
    "checkpoint of garbage": (
        "checkpoint",
        lambda: proof_edited(lambda one: one["checkpoint"].update(envelope="a\n\n\u2014 b AAAAAAAA\n")),
    ),
    "checkpoint with a signature that is not base64": (
        "unverifiable",
        lambda: proof_edited(lambda one: one["checkpoint"].update(envelope="a\n\n\u2014 b c\n")),
    ),
    "entry of another artifact": ("log-mismatch", lambda: edited(foreign_entry)),
    "body edited afterwards": ("log-inclusion", lambda: attest(entry=logged_body_edited)),
    "body of another payload": (
        "log-mismatch",
        lambda: attest(body=lambda body: body["spec"]["payloadHash"].update(value="0" * 64)),
    ),
    "body of another signature": ("log-mismatch", lambda: attest(body=lambda body: body["spec"]["signatures"].clear())),
    "body of another kind": ("log-mismatch", lambda: attest(body=put("kind", "intoto"))),
    "kind lied about": ("unsupported-log-entry", lambda: attest(kind=("hashedrekord", "0.0.2"))),
    "kind unknown": ("unsupported-log-entry", lambda: attest(kind=("intoto", "0.0.2"))),
    "version unknown": ("unsupported-log-entry", lambda: attest(kind=("dsse", "0.0.9"))),
    "no entry": ("unsupported-log-entry", lambda: material(transparency_entries=[])),
    "two entries": (
        "unsupported-log-entry",
        lambda: edited(lambda one: one["verification_material"]["transparency_entries"].append(entry_of(attest()))),
    ),
    "garbage beside the entry": (
        "malformed",
        lambda: edited(lambda one: one["verification_material"]["transparency_entries"].append({})),
    ),
    "too many entries": ("too-large", lambda: material(transparency_entries=[{}] * 5)),
    "an unknown key in the entry": ("malformed", lambda: attest(entry=put("surprise", 1))),
    "an unknown key in the proof": ("malformed", lambda: proof_edited(put("surprise", 1))),
    "a log id flipped": (
        "log-mismatch",
        lambda: attest(entry=lambda entry: entry["logId"].update(keyId=flipped(entry["logId"]["keyId"]))),
    ),
    "the id of the other log": (
        "checkpoint",
        lambda: attest(entry=lambda entry: entry["logId"].update(keyId=b64(SIGSTORE.log_v2.log_id))),
    ),
    "an unknown log": ("log-mismatch", lambda: attest(log=RekorLog(SIGSTORE.log.host))),
    # timestamps and the second version of the log
    "no timestamp, where only that tells the time": ("time", lambda: attest(rekor=2, stamps=())),
    "timestamp of another authority": ("time", lambda: attest(rekor=2, tsa=TimestampAuthority.create(NOW))),
    "timestamp of another signature": (
        "time",
        lambda: attest(rekor=2, attestation=lambda one: one["verification_material"].update(timestamps=[stamped(NOW)])),
    ),
    "timestamp after expiry": ("time", lambda: attest(rekor=2, stamps=(NOW + timedelta(minutes=11),))),
    "a bad timestamp beside a good promise": (
        "time",
        lambda: material(timestamps=[stamped(NOW)]),
    ),
    "a bad timestamp beside a good one": (
        "time",
        lambda: attest(
            rekor=2, attestation=lambda one: one["verification_material"]["timestamps"].append(stamped(NOW))
        ),
    ),
    "the new log's entry with a promise": (
        "unsupported-log-entry",
        lambda: attest(rekor=2, entry=put("inclusionPromise", {"signedEntryTimestamp": "AAAA"})),
    ),
    "the new log's body of another payload": (
        "log-mismatch",
        lambda: attest(
            rekor=2, body=lambda body: body["spec"]["hashedRekordV002"]["data"].update(digest=b64(b"0" * 32))
        ),
    ),
    "the new log's checkpoint of another log": ("checkpoint", lambda: attest(rekor=2, entry=swapped_checkpoint)),
    # statement
    "another digest": ("subject-digest", lambda: subject(digest={"sha256": "0" * 64})),
    "digest in capitals": ("subject-digest", lambda: subject(digest={"sha256": SHA256.upper()})),
    "only sha512": ("subject-digest", lambda: subject(digest={"sha512": DIGESTS["sha512"]})),
    "only md5": ("subject-digest", lambda: subject(digest={"md5": "0" * 32})),
    "no digest at all": ("subject-digest", lambda: subject(digest={})),
    "wrong sha512": ("subject-digest", lambda: subject(digest={"sha256": SHA256, "sha512": "0" * 128})),
    "no digests": ("subject-digest", lambda: subject(digest=None)),
    "another project": ("subject-name", lambda: subject(name="other-1.0-py3-none-any.whl")),
    "another version": ("subject-name", lambda: subject(name="demo-1.1-py3-none-any.whl")),
    "another tag in the set": ("subject-name", lambda: subject(name="demo-1.0-py2.py3-none-any.whl")),
    "another tag": ("subject-name", lambda: subject(name="demo-1.0-py2-none-any.whl")),
    "another build": ("subject-name", lambda: subject(name="demo-1.0-1-py3-none-any.whl")),
    "an sdist": ("subject-name", lambda: subject(name="demo-1.0.tar.gz")),
    "a path": ("subject-name", lambda: subject(name=f"../{FILE}")),
    "no name": ("subject-name", lambda: subject(name=None)),
    "no subject": ("subject-name", lambda: attest(subjects=[])),
    "two subjects": ("subject-name", lambda: attest(subjects=[{"name": str(FILE), "digest": {"sha256": SHA256}}] * 2)),
    "publish with a body": ("predicate", lambda: attest(predicate={"a": 1})),
    "publish with an empty list": ("predicate", lambda: attest(predicate=[])),
    "publish with zero": ("predicate", lambda: attest(predicate=0)),
    "statement of version 0.1": ("malformed", lambda: attest(statement_type="https://in-toto.io/Statement/v0.1")),
    "no predicate type": ("malformed", lambda: statement(predicateType=None)),
    "unknown predicate": ("unknown-predicate", lambda: statement(predicateType="https://example.org/v1")),
    "statement of JSON that is no object": ("malformed", lambda: attest(statement=b"[]")),
    "statement with a key twice": ("malformed", lambda: attest(statement=b'{"_type": 1, "_type": 1}')),
    "statement of no JSON": ("malformed", lambda: attest(statement=b"\xff")),
    "statement nested deeply": ("malformed", lambda: attest(statement=b"[" * 100_000)),
}


@pytest.mark.parametrize("name", CASES)
def test_one_thing_wrong(name: str) -> None:
    code, make = CASES[name]
    assert code_of(make()) == code


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x0c",
        b"\x0c\x05abc",
        b"\x0c\x03abcd",
        b"\x13\x03abc",
        b"\x0c\x02\xc3\x28",
        b"\x0c\x81\x03abc",
        b"\x0c\x80abc\x00\x00",
        b"\x0c\x83\x01\x00\x00" + b"x" * 65536,
    ],
)
def test_a_claim_that_is_no_der_string(raw: bytes) -> None:
    assert code_of(with_claim(23, raw)) == "profile"


@pytest.mark.parametrize("length", [1, 127, 128, 255, 256, 1000])
def test_a_claim_of_any_length(length: int) -> None:
    [one] = judge(with_claim(23, "x" * length))[0]
    assert one.identity.environment == "x" * length


@pytest.mark.parametrize(
    ("identity", "kind"),
    [
        (GitHub(issuer="https://token.actions.githubusercontent.com/acme"), "unknown"),
        (GitHub(issuer="https://gitlab.com"), "gitlab"),
        (Google(issuer="https://github.com/login/oauth"), "email"),
        (Google(), "google"),
        (GitLab(issuer="https://accounts.google.com"), "unknown"),
        (GitLab(issuer="https://oidc.circleci.com"), "circleci"),
    ],
)
def test_the_issuer_says_of_what_kind_a_signer_is(identity: Any, kind: str) -> None:
    [one] = judge(attest(identity=identity), publisher=ANYBODY)[0]
    assert one.identity.kind == kind


def test_a_signer_of_one_forge_in_the_name_of_another_has_no_repository() -> None:
    [one] = judge(attest(identity=GitHub(issuer="https://gitlab.com")), publisher=ANYBODY)[0]
    assert (one.identity.repository, one.identity.workflow) == (None, None)


def test_a_workflow_of_another_repository_is_none_of_ours() -> None:
    foreign = with_claim(18, "https://github.com/evil/demo/.github/workflows/release.yml@refs/tags/v1.0")
    assert code_of(foreign) == "identity-mismatch"
    [one] = judge(foreign, publisher=ANYBODY)[0]
    assert (one.identity.repository, one.identity.workflow) == ("acme/demo", None)


def test_a_workflow_at_a_commit() -> None:
    config = f"https://github.com/acme/demo/.github/workflows/release.yml@{'0' * 40}"
    [one] = judge(with_claim(18, config))[0]
    assert one.identity.workflow == "release.yml"


def test_a_foreign_reusable_workflow_is_told_apart() -> None:
    signer = "https://github.com/acme/shared/.github/workflows/build.yml@refs/heads/main"
    [one] = judge(attest(identity=GitHub(build_signer=signer)))[0]
    assert (one.identity.workflow, one.identity.build_signer) == ("release.yml", signer)


# --- the trusted root


def under(change: Callable[[Attested], object]) -> AttestationVerifier:
    root = SIGSTORE.trusted_root()
    change(root)
    return AttestationVerifier(json.dumps(root).encode())


PAST = {"start": "2020-01-01T00:00:00Z", "end": "2026-01-02T03:04:04.5Z"}
FUTURE = {"start": "2026-01-02T03:04:06Z"}
EXACT = {"start": "2026-01-02T03:04:05Z", "end": "2026-01-02T03:04:05.000Z"}


@pytest.mark.parametrize("window", [PAST, FUTURE])
@pytest.mark.parametrize("what", ["tlogs", "ctlogs", "certificateAuthorities"])
def test_material_out_of_service_verifies_nothing(what: str, window: Attested) -> None:
    def retire(root: Attested) -> None:
        root[what][0].get("publicKey", root[what][0])["validFor"] = window

    assert code_of(attest(), verifier=under(retire)) == "trust-window"
    assert code_of(attest(signature=b"none"), verifier=under(retire)) == "signature"


@pytest.mark.parametrize("what", ["tlogs", "ctlogs", "certificateAuthorities"])
def test_a_window_is_closed_at_both_ends(what: str) -> None:
    def narrow(root: Attested) -> None:
        root[what][0].get("publicKey", root[what][0])["validFor"] = EXACT

    assert len(judge(attest(), verifier=under(narrow))[0]) == 1


def test_a_certificate_log_may_retire_between_the_certificate_and_the_signature() -> None:
    verifier = under(lambda root: root["ctlogs"][0]["publicKey"].update(validFor=EXACT))
    assert len(judge(attest(integrated=at(timedelta(minutes=5))), verifier=verifier)[0]) == 1


@pytest.mark.parametrize(("window", "good"), [(PAST, False), (FUTURE, False), (EXACT, True)])
def test_a_time_stamp_authority_has_a_window_too(window: Attested, good: bool) -> None:
    verifier = under(lambda root: root["timestampAuthorities"][0].update(validFor=window))
    if good:
        assert len(judge(attest(rekor=2), verifier=verifier)[0]) == 1
    else:
        assert code_of(attest(rekor=2), verifier=verifier) == "trust-window"


def test_a_key_of_one_log_does_not_sign_for_another() -> None:
    """sigstore tries every key where it does not know the id, and ids of the second version it does not know."""
    impostor = RekorLog(SIGSTORE.log_v2.host)
    impostor.key, impostor.origin = SIGSTORE.log.key, SIGSTORE.log_v2.host
    attestation = attest(rekor=2, log=impostor, entry=as_version_two)
    assert code_of(attestation) == "checkpoint"


def as_version_two(entry: Attested) -> None:
    """The first log's signature under the second log's id."""
    del entry["integratedTime"], entry["inclusionPromise"]
    entry["logId"]["keyId"] = b64(SIGSTORE.log_v2.log_id)
    checkpoint = entry["inclusionProof"]["checkpoint"]
    note, _, line = checkpoint["envelope"].partition("\n\n")
    dash, name, signature = line.split()
    content = SIGSTORE.log_v2.log_id[:4] + base64.b64decode(signature)[4:]
    checkpoint["envelope"] = f"{note}\n\n{dash} {name} {b64(content)}\n"


def test_a_retired_authority_beside_the_one_in_service() -> None:
    """sigstore on its own would let the retired one vouch for ever."""
    other = LocalSigstore.create(NOW)

    def add(root: Attested) -> None:
        retired = other.trusted_root()["certificateAuthorities"][0]
        root["certificateAuthorities"].append({**retired, "validFor": PAST})

    verifier = under(add)
    assert len(judge(attest(), verifier=verifier)[0]) == 1
    assert code_of(attest(authority=other.authority), verifier=verifier) == "trust-window"


def test_the_verdict_does_not_depend_on_today(monkeypatch: pytest.MonkeyPatch) -> None:
    class LongAgo(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> LongAgo:
            return cls(2016, 1, 1, tzinfo=tz)

    monkeypatch.setattr("sigstore._utils.datetime", LongAgo)
    verifier = AttestationVerifier(SIGSTORE.trusted_root_json())
    assert len(judge(attest(), verifier=verifier)[0]) == 1


def test_another_sigstore_does_not_vouch() -> None:
    other = AttestationVerifier(LocalSigstore.create(NOW).trusted_root_json())
    assert code_of(attest(), verifier=other) == "log-mismatch"


@pytest.mark.parametrize(
    ("change", "reference"),
    [
        (put("novelty", 1), "trust-root-newer"),
        (lambda root: root["tlogs"][0].update(novelty=1), "trust-root-newer"),
        (lambda root: root["tlogs"][0]["publicKey"].update(keyDetails="NEW"), "trust-root-newer"),
        (put("mediaType", "application/vnd.dev.sigstore.trustedroot.v0.9+json"), "trust-root-newer"),
        (lambda root: root["certificateAuthorities"][0].pop("certChain"), "trust-root-invalid"),
        (put("tlogs", []), "trust-root-invalid"),
        (drop("ctlogs"), "trust-root-invalid"),
        (lambda root: root["tlogs"][0]["logId"].update(keyId="AAAA"), "trust-root-invalid"),
        (lambda root: root["tlogs"][0]["publicKey"].update(validFor={"start": "yesterday"}), "trust-root-invalid"),
        (put("tlogs", [1]), "trust-root-invalid"),
    ],
)
def test_a_trusted_root_that_cannot_be_used_is_told_so(change: Callable[[Attested], object], reference: str) -> None:
    with pytest.raises(BadInput) as caught:
        judge(attest(), verifier=under(change))
    assert caught.value.reference == reference
    assert caught.value.hint is not None


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b"\xff", b"null", b'{"a":1,"a":2}'])
def test_a_trusted_root_that_is_none(raw: bytes) -> None:
    with pytest.raises(BadInput, match="trusted root"):
        AttestationVerifier(raw)


# --- the verifier as a whole


@pytest.mark.parametrize(
    "document", [b"", b"<html>", b"{}", b'{"version": 1, "attestation_bundles": {}}', b"[" * 100_000]
)
def test_a_document_that_is_none_is_one_rejection(document: bytes) -> None:
    verified, rejected, claimed = judged(document, ABOUT, VERIFIER)
    assert (verified, claimed) == ((), ())
    assert [(one.code, one.known) for one in rejected] == [("malformed", True)]


def test_a_document_of_two_megabytes() -> None:
    _, [one], _ = judged(b" " * (2 << 20), ABOUT, VERIFIER)
    assert one.code == "too-large"


def test_threads_share_one_verifier() -> None:
    verifier = AttestationVerifier(SIGSTORE.trusted_root_json())
    good, bad = attest(), attest(signature=b"none")
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda number: judge(bad if number % 2 else good, verifier=verifier), range(32)))
    assert [len(verified) for verified, _, _ in outcomes] == [1, 0] * 16


def test_whatever_escapes_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def burst(*_: object) -> object:
        raise MemoryError("out of\n\x1b[31mspace")

    monkeypatch.setattr("safepip.io.certificate.identity_of", burst)
    assert code_of(attest()) == "unverifiable"


@pytest.mark.parametrize("answer", [("text/plain", None), ("application/vnd.in-toto+json", b"other")])
def test_what_was_verified_must_be_what_was_served(monkeypatch: pytest.MonkeyPatch, answer: tuple[str, Any]) -> None:
    good = attest()
    statement_of_good = base64.b64decode(good["envelope"]["statement"])

    def other(_: object, bundle: Any, policy: Any) -> tuple[str, bytes]:
        policy.verify(bundle.signing_certificate)
        return answer[0], answer[1] or statement_of_good

    monkeypatch.setattr("sigstore.verify.Verifier.verify_dsse", other)
    assert code_of(good) == "unverifiable"


def test_a_verification_that_never_looked_at_the_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    good = attest()
    answer = ("application/vnd.in-toto+json", base64.b64decode(good["envelope"]["statement"]))
    monkeypatch.setattr("sigstore.verify.Verifier.verify_dsse", lambda *_: answer)
    assert code_of(good) == "unverifiable"


def test_sigstore_is_not_imported_before_it_is_needed() -> None:
    code = (
        "import sys, safepip.io.attestation as a, importlib.resources as r;"
        "a.AttestationVerifier((r.files('safepip.data') / 'production' / 'trusted_root.json').read_bytes());"
        "print({name.partition('.')[0] for name in sys.modules} & {'sigstore', 'cryptography', 'pydantic'})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_shipped_root_is_usable() -> None:
    raw = (importlib.resources.files("safepip.data") / "production" / "trusted_root.json").read_bytes()
    AttestationVerifier(raw).load()
    assert code_of(attest(), verifier=AttestationVerifier(raw)) == "log-mismatch"
