"""`safepip verify` from argv to streams and exit code, in this process: what must be let through, and every trick."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from safepip.cli.args import parse
from safepip.cli.main import run
from safepip.formats.ledger import render_ledger
from safepip.formats.provenance import parse_attestation
from safepip.formats.publisher import as_pin
from safepip.formats.statement import SLSA, About
from safepip.io.attestation import AttestationVerifier
from safepip.model.ident import FileKind, FileName, ProjectName, Sha256, Url
from safepip.model.ledger import Recorded
from tests.command import clean_environ
from tests.sigstore import GitHub, LocalSigstore
from tests.sigstore.bundles import as_bundle, pem, sign, statement
from tests.sigstore.identities import Email
from tests.world import Fault, World, WorldServer

DOCS = Path(__file__).resolve().parent.parent.parent.parent / "docs"
SIGSTORE = LocalSigstore.create(datetime(2026, 11, 20, 12, 0, tzinfo=timezone.utc))
FILE = "demo-1.0-py3-none-any.whl"
CONTENT = b"the wheel"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PIN = "github:acme/demo/release.yml@refs/tags/*"
SUBJECT = GitHub().subject()
ISSUER = GitHub().issuer
SLSA_BODY = {
    "buildDefinition": {
        "buildType": "https://actions.github.io/buildtypes/workflow/v1",
        "externalParameters": {"workflow": {"repository": "https://github.com/acme/demo", "ref": "refs/tags/v1.0"}},
        "resolvedDependencies": [{"uri": "git+https://github.com/acme/demo", "digest": {"gitCommit": "0" * 40}}],
    },
    "runDetails": {"builder": {"id": "https://github.com/actions/runner/github-hosted"}},
}


@dataclass(frozen=True, kw_only=True)
class Answer:
    exit: int
    out: str
    err: str

    @property
    def target(self) -> dict[str, Any]:
        """The only target of the JSON document, which is all that is on stdout."""
        document = json.loads(self.out)
        assert document["schema"] == "safepip-verify/1"
        [only] = document["targets"]
        assert isinstance(only, dict)
        return only


Run = Callable[..., Answer]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "root.json").write_bytes(SIGSTORE.trusted_root_json())
    (tmp_path / FILE).write_bytes(CONTENT)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def verify(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    environ = clean_environ(folder / "home", {"PIP_INDEX_URL": "https://index.example/simple"})
    for name, value in environ.items():
        monkeypatch.setenv(name, value)

    def call(*arguments: str, **variables: str) -> Answer:
        code = run(["verify", "--sp-trusted-root", "root.json", *arguments], {**environ, **variables})
        printed = capsys.readouterr()
        assert "Traceback" not in printed.err
        assert "safepip itself failed" not in printed.err
        return Answer(exit=code, out=printed.out, err=printed.err)

    return call


def attest(name: str = FILE, digest: str = SHA256, **steps: Any) -> dict[str, Any]:
    return SIGSTORE.attest(name, digest, steps.pop("identity", GitHub()), **steps)


def write(folder: Path, *attestations: dict[str, Any]) -> str:
    publisher = {"kind": "GitHub", "repository": "acme/demo", "workflow": "release.yml"}
    (folder / "p.json").write_bytes(SIGSTORE.provenance(list(attestations), publisher))
    return "p.json"


def decided(answer: Answer, decision: str, code: str | None = None) -> dict[str, Any]:
    target = answer.target
    assert (target["decision"], target["code"]) == (decision, code)
    assert (answer.exit == 0) is (decision == "verified")
    if decision != "verified":
        assert target["message"]
        assert code is not None
        assert code in answer.err
    return target


# --- honest cases


def test_verified_by_a_publisher_and_told_in_full(verify: Run, folder: Path) -> None:
    answer = verify(FILE, "--provenance", write(folder, attest()), "--publisher", PIN)
    assert answer.exit == 0, answer.err
    assert answer.err == ""
    lines = [" ".join(line.split()) for line in answer.out.splitlines()]
    assert lines[0] == FILE
    for line in (
        "decision verified",
        f"sha256 {SHA256}",
        "attested in p.json",
        f"expected --publisher {PIN}",
        "signed by github:acme/demo/release.yml@refs/tags/v1.0",
        "repository acme/demo (id 1001, owner id 2002)",
        "workflow release.yml",
        "ref refs/tags/v1.0",
        "trigger push",
        "runner github-hosted",
        f"issuer {ISSUER}",
        "signed at 2026-11-20 12:00 UTC",
        f"trusted root sha256:{hashlib.sha256(SIGSTORE.trusted_root_json()).hexdigest()}",
    ):
        assert line in lines, line
    assert any(line.startswith(f"logged in {SIGSTORE.log.host}, entry ") for line in lines)


def test_the_document_for_machines(verify: Run, folder: Path) -> None:
    answer = verify(FILE, "--provenance", write(folder, attest()), "--publisher", PIN, "--format", "json")
    target = decided(answer, "verified")
    assert answer.err == ""
    [told] = target["attestations"]
    assert target["sha256"] == SHA256
    assert (target["target"], target["file"], target["sources"]) == (FILE, FILE, ["p.json"])
    assert target["objections"] == target["notes"] == []
    claims = {"kind": "github", "repository_id": "1001", "ref": "refs/tags/v1.0", "environment": None}
    assert claims.items() <= told.items()
    assert told["publisher"] == "github:acme/demo/release.yml@refs/tags/v1.0"
    assert (told["outcome"], told["logged_at"]) == ("verified", "2026-11-20T12:00:00Z")
    assert told["log"]["host"] == SIGSTORE.log.host
    assert isinstance(told["log"]["index"], int)


def test_without_expectation_it_is_told_and_not_verified(verify: Run, folder: Path) -> None:
    path = write(folder, attest())
    answer = verify(FILE, "--provenance", path)
    assert answer.exit == 1
    assert "github:acme/demo/release.yml@refs/tags/v1.0" in answer.out
    assert "decision     unknown" in answer.out
    line = "--publisher github:acme/demo/release.yml@refs/tags/v1.0"
    assert line in answer.err
    assert verify(FILE, "--provenance", path, *line.split()).exit == 0  # the hint is exactly what helps
    decided(verify(FILE, "--provenance", path, "--format", "json"), "unknown", "no-expectation")


def test_a_single_attestation(verify: Run, folder: Path) -> None:
    (folder / "a.json").write_text(json.dumps(attest()))
    assert verify(FILE, "--provenance", "a.json", "--publisher", PIN).exit == 0


def test_several_publishers_any_of_which_will_do(verify: Run, folder: Path) -> None:
    path = write(folder, attest())
    assert verify(FILE, "--provenance", path, "--publisher", "github:acme/other", "--publisher", PIN).exit == 0


def test_by_digest_and_name(verify: Run, folder: Path) -> None:
    path = write(folder, attest())
    answer = verify(
        f"sha256:{SHA256.upper()}", "--provenance", path, "--filename", FILE, "--publisher", PIN, "--format", "json"
    )
    assert decided(answer, "verified")["file"] == FILE


def test_a_digest_that_only_others_can_compute_is_passed_over(verify: Run, folder: Path) -> None:
    listed = {"sha256": SHA256, "sha512": "0" * 128}
    path = write(folder, attest(subjects=[{"name": FILE, "digest": listed}]))
    by_digest = verify(f"sha256:{SHA256}", "--provenance", path, "--filename", FILE, "--publisher", PIN)
    assert by_digest.exit == 0
    decided(verify(FILE, "--provenance", path, "--publisher", PIN, "--format", "json"), "refused", "subject-digest")


def test_a_file_called_otherwise(verify: Run, folder: Path) -> None:
    (folder / "download.bin").write_bytes(CONTENT)
    path = write(folder, attest())
    answer = verify("download.bin", "--provenance", path, "--publisher", PIN, "--format", "json")
    assert "--filename" in decided(answer, "unknown", "not-a-distribution")["hint"]
    assert verify("download.bin", "--provenance", path, "--publisher", PIN, "--filename", FILE).exit == 0


@pytest.mark.parametrize("rekor", [1, 2])
def test_a_bundle_for_any_file(verify: Run, folder: Path, rekor: int) -> None:
    (folder / "notes.txt").write_bytes(CONTENT)
    (folder / "b.json").write_text(json.dumps(sign(SIGSTORE, SHA256, rekor=rekor)))
    signer = ("--identity", SUBJECT, "--issuer", ISSUER)
    answer = verify("notes.txt", "--bundle", "b.json", *signer, "--format", "json")
    assert decided(answer, "verified")["attestations"][0]["predicate"] == "signature"
    assert verify(f"sha256:{SHA256}", "--bundle", "b.json", "--publisher", PIN).exit == 0
    (folder / "notes.txt").write_bytes(b"other")
    decided(verify("notes.txt", "--bundle", "b.json", *signer, "--format", "json"), "refused", "subject-digest")


def test_a_bundle_with_a_statement_for_any_file(verify: Run, folder: Path) -> None:
    (folder / "notes.txt").write_bytes(CONTENT)
    payload = statement("notes.txt", SHA256, predicate_type="https://example.org/review/v1", predicate={"good": True})
    (folder / "b.json").write_text(json.dumps(sign(SIGSTORE, SHA256, statement=payload)))
    signer = ("--identity", SUBJECT, "--issuer", ISSUER)
    assert verify("notes.txt", "--bundle", "b.json", *signer).exit == 0
    # Somebody said something of it; that is not to have published it.
    answer = verify("notes.txt", "--bundle", "b.json", "--publisher", PIN, "--format", "json")
    assert "--identity" in decided(answer, "refused", "required")["hint"]


def test_a_key_of_ones_own(verify: Run, folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    (folder / "notes.txt").write_bytes(CONTENT)
    (folder / "key.pub").write_bytes(pem(key))
    (folder / "other.pub").write_bytes(pem(ec.generate_private_key(ec.SECP256R1())))
    (folder / "b.json").write_text(json.dumps(sign(SIGSTORE, SHA256, key=key)))
    answer = verify("notes.txt", "--bundle", "b.json", "--key", "key.pub", "--format", "json")
    assert decided(answer, "verified")["expected"] == ["--key key.pub"]
    assert answer.target["attestations"][0]["publisher"].startswith("key sha256:")
    answer = verify("notes.txt", "--bundle", "b.json", "--key", "other.pub", "--format", "json")
    decided(answer, "refused", "signature")
    (folder / "c.json").write_text(json.dumps(sign(SIGSTORE, SHA256)))
    decided(verify("notes.txt", "--bundle", "c.json", "--key", "key.pub", "--format", "json"), "refused", "signature")


@pytest.mark.parametrize("name", [FILE, "notes.txt"])
def test_a_bundle_by_key_without_the_key(verify: Run, folder: Path, name: str) -> None:
    (folder / "notes.txt").write_bytes(CONTENT)
    key = ec.generate_private_key(ec.SECP256R1())
    (folder / "b.json").write_text(json.dumps(sign(SIGSTORE, SHA256, key=key)))
    answer = verify(name, "--bundle", "b.json", "--publisher", PIN, "--format", "json")
    assert "--key" in decided(answer, "refused", "untrusted-certificate")["message"]
    assert "Upgrade" not in answer.err


def test_a_key_that_is_none(verify: Run, folder: Path) -> None:
    (folder / "b.json").write_text(json.dumps(sign(SIGSTORE, SHA256)))
    (folder / "key.pub").write_text("no key")
    decided(verify(FILE, "--bundle", "b.json", "--key", "key.pub", "--format", "json"), "unknown", "key-invalid")


# --- tricks


def test_one_good_publisher_covers_no_other(verify: Run, folder: Path) -> None:
    path = write(folder, attest(), attest(identity=GitHub(repository="evil/demo")))
    answer = verify(FILE, "--provenance", path, "--publisher", PIN, "--format", "json")
    target = decided(answer, "refused", "identity-mismatch")
    assert "evil/demo" in target["message"]
    signer = ("--identity", SUBJECT, "--issuer", ISSUER)
    decided(verify(FILE, "--provenance", path, *signer, "--format", "json"), "refused", "identity-mismatch")


def test_one_good_attestation_covers_no_broken_one(verify: Run, folder: Path) -> None:
    path = write(folder, attest(), attest(signature=b"none"))
    decided(verify(FILE, "--provenance", path, "--publisher", PIN, "--format", "json"), "refused", "signature")


def test_an_unknown_predicate_beside_a_good_one_is_noted(verify: Run, folder: Path) -> None:
    path = write(folder, attest(), attest(predicate_type="https://example.org/v1", predicate={}))
    target = decided(verify(FILE, "--provenance", path, "--publisher", PIN, "--format", "json"), "verified")
    assert target["notes"]
    assert [one["outcome"] for one in target["attestations"]] == ["verified", "unknown"]


def test_an_unknown_predicate_alone(verify: Run, folder: Path) -> None:
    path = write(folder, attest(predicate_type="https://example.org/v1", predicate={}))
    answer = verify(FILE, "--provenance", path, "--publisher", PIN, "--format", "json")
    decided(answer, "refused", "unknown-predicate")


def test_who_built_it_is_not_who_published_it(verify: Run, folder: Path) -> None:
    path = write(folder, attest(predicate_type=SLSA, predicate=SLSA_BODY))
    answer = verify(FILE, "--provenance", path, "--publisher", PIN, "--format", "json")
    target = decided(answer, "refused", "required")
    assert target["attestations"][0]["build"]["builder"] == "https://github.com/actions/runner/github-hosted"
    hint = decided(verify(FILE, "--provenance", path, "--format", "json"), "unknown", "no-expectation")["hint"]
    assert f"--identity {SUBJECT} --issuer {ISSUER}" in hint
    assert verify(FILE, "--provenance", path, "--identity", SUBJECT, "--issuer", ISSUER).exit == 0


@pytest.mark.parametrize("document", [b'{"version": 1, "attestation_bundles": []}', None])
def test_an_empty_provenance_verifies_nothing(verify: Run, folder: Path, document: bytes | None) -> None:
    path = write(folder)
    if document is not None:
        (folder / path).write_bytes(document)
    decided(verify(FILE, "--provenance", path, "--publisher", PIN, "--format", "json"), "refused", "empty")


@pytest.mark.parametrize("document", [b"", b"{}", b"[]", b"\xff\xfe", b"[" * 100_000, b" " * (2 << 20)])
@pytest.mark.parametrize("option", ["--provenance", "--bundle"])
def test_a_document_that_is_none(verify: Run, folder: Path, document: bytes, option: str) -> None:
    (folder / "d").write_bytes(document)
    answer = verify(FILE, option, "d", "--publisher", PIN, "--format", "json")
    decided(answer, "refused", "too-large" if len(document) > 1 << 20 else "malformed")


def test_a_document_under_the_wrong_option(verify: Run, folder: Path) -> None:
    (folder / "b.json").write_text(json.dumps(as_bundle(attest())))
    (folder / "a.json").write_text(json.dumps(attest()))
    named = [("--provenance", "b.json", "--bundle"), ("--bundle", "a.json", "--provenance")]
    named.append(("--bundle", write(folder, attest()), "--provenance"))
    for option, path, helps in named:
        target = decided(verify(FILE, option, path, "--publisher", PIN, "--format", "json"), "refused", "malformed")
        assert helps in target["message"]


def test_a_provenance_of_another_file(verify: Run, folder: Path) -> None:
    path = write(folder, attest("demo-1.0-py2-none-any.whl"))
    decided(verify(FILE, "--provenance", path, "--publisher", PIN, "--format", "json"), "refused", "subject-name")
    path = write(folder, attest(digest="0" * 64))
    decided(verify(FILE, "--provenance", path, "--publisher", PIN, "--format", "json"), "refused", "subject-digest")


def test_the_public_root_does_not_know_it(verify: Run, folder: Path) -> None:
    (folder / "root.json").write_bytes(LocalSigstore.create(SIGSTORE.now).trusted_root_json())
    path = write(folder, attest())
    decided(verify(FILE, "--provenance", path, "--publisher", PIN, "--format", "json"), "refused", "log-mismatch")


@pytest.mark.parametrize(
    ("subject", "issuer"),
    [
        (SUBJECT, f"{ISSUER}/"),
        (SUBJECT, ISSUER.upper()),
        (f"{SUBJECT[:-3]}*", ISSUER),
        ("*", ISSUER),
        (".*", ISSUER),
        (SUBJECT[:-1], ISSUER),
        (SUBJECT.upper(), ISSUER),
        (SUBJECT, "https://gitlab.com"),
    ],
)
def test_identity_and_issuer_to_the_letter(verify: Run, folder: Path, subject: str, issuer: str) -> None:
    path = write(folder, attest())
    answer = verify(FILE, "--provenance", path, "--identity", subject, "--issuer", issuer, "--format", "json")
    decided(answer, "refused", "identity-mismatch")


def test_both_a_publisher_and_a_signer_must_hold(verify: Run, folder: Path) -> None:
    path = write(folder, attest())
    signer = ("--identity", SUBJECT, "--issuer", ISSUER)
    assert verify(FILE, "--provenance", path, *signer, "--publisher", PIN).exit == 0
    answer = verify(FILE, "--provenance", path, *signer, "--publisher", "github:acme/other", "--format", "json")
    decided(answer, "refused", "identity-mismatch")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"ref": "refs/heads/main"}, "ref"),
        ({"repository": "acme/demo-evil"}, "identity-mismatch"),
        ({"trigger": "pull_request_target"}, "trigger"),
        ({"build_signer": "https://github.com/evil/w/.github/workflows/b.yml@refs/heads/main"}, "builder"),
    ],
)
def test_publishers_that_are_not_who_was_typed(verify: Run, folder: Path, changes: dict[str, str], code: str) -> None:
    path = write(folder, attest(identity=GitHub(**changes)))
    decided(verify(FILE, "--provenance", path, "--publisher", PIN, "--format", "json"), "refused", code)


def test_nobody_is_told_to_pin_a_dangerous_trigger(verify: Run, folder: Path) -> None:
    path = write(folder, attest(identity=GitHub(trigger="pull_request_target")))
    answer = verify(FILE, "--provenance", path)
    assert answer.exit == 1
    assert "--publisher" not in answer.err
    (folder / "notes.txt").write_bytes(CONTENT)
    other = statement("notes.txt", SHA256, predicate_type="https://example.org/any/v1")
    (folder / "b.json").write_text(
        json.dumps(sign(SIGSTORE, SHA256, statement=other, identity=GitHub(trigger="pull_request_target")))
    )
    answer = verify("notes.txt", "--bundle", "b.json", "--format", "json")
    assert decided(answer, "unknown", "no-expectation")["hint"] is None


def test_control_characters_in_claims_command_no_terminal(verify: Run, folder: Path) -> None:
    path = write(folder, attest(identity=GitHub(environment="\x1b[2J\u202e\x9b31m\nverified")))
    for more in ([], ["--format", "json"]):
        answer = verify(FILE, "--provenance", path, *more)
        assert answer.exit == 1
        for sign_ in ("\x1b", "\u202e", "\x9b"):
            assert sign_ not in answer.out + answer.err
    assert not any(line.strip() == "verified" for line in answer.err.splitlines())


def test_no_hint_for_a_name_that_cannot_be_typed(verify: Run, folder: Path) -> None:
    (folder / "a.json").write_text(json.dumps(attest(identity=Email(issuer="https://issuer.example/\x1b"))))
    target = decided(verify(FILE, "--provenance", "a.json", "--format", "json"), "unknown", "no-expectation")
    assert target["hint"] is None


# --- what stands written


def pinned(folder: Path, pin: str) -> None:
    (folder / "safepip.toml").write_text(f'schema = 1\n[projects.demo]\npublishers = ["{pin}"]\n')


def test_the_pins_of_a_policy_are_an_expectation(verify: Run, folder: Path) -> None:
    path = write(folder, attest())
    pinned(folder, PIN)
    target = decided(verify(FILE, "--provenance", path, "--format", "json"), "verified")
    assert target["expected"] == [f"{PIN} (safepip.toml:3)"]
    pinned(folder, "github:acme/other")
    decided(verify(FILE, "--provenance", path, "--format", "json"), "refused", "identity-mismatch")


def test_what_is_typed_takes_nothing_from_a_policy(verify: Run, folder: Path) -> None:
    path = write(folder, attest())
    pinned(folder, "github:acme/other")
    for typed in (("--publisher", PIN), ("--identity", SUBJECT, "--issuer", ISSUER)):
        answer = verify(FILE, "--provenance", path, *typed, "--format", "json")
        assert "safepip.toml" in decided(answer, "refused", "identity-mismatch")["message"]


def test_levels_and_waivers_do_not_soften_an_answer(verify: Run, folder: Path) -> None:
    path = write(folder, attest())
    (folder / "home" / "config" / "safepip").mkdir(parents=True)
    user = folder / "home" / "config" / "safepip" / "policy.toml"
    user.write_text(
        'schema = 1\nprofile = "observe"\n[projects.demo]\npublishers = ["github:acme/other"]\n'
        '[[waivers]]\ncheck = "publisher"\nproject = "demo"\nversion = "1.0"\nreason = "x"\nuntil = 2099-01-01\n'
    )
    decided(verify(FILE, "--provenance", path, "--format", "json"), "refused", "identity-mismatch")


def record(folder: Path, identity: GitHub, *, file: str = "demo-0.9-py3-none-any.whl") -> None:
    """As if `install` had recorded that publisher, with the project."""
    attestation = SIGSTORE.attest(file, SHA256, identity)
    about = About(file=FileName.parse(file), sha256=Sha256(SHA256), digests={"sha256": SHA256})
    verifier = AttestationVerifier(SIGSTORE.trusted_root_json())
    verified = verifier.attestation(parse_attestation(json.dumps(attestation).encode()), about)
    record = Recorded(
        index=Url("https://index.example/simple"),
        project=ProjectName("demo"),
        kind=FileKind.WHEEL,
        publisher=as_pin(verified.identity),
        file=about.file or FileName.parse(file),
        uploaded=datetime(2025, 1, 1, tzinfo=timezone.utc),
        recorded_at=datetime(2025, 1, 2, tzinfo=timezone.utc),
        place="",
    )
    (folder / "safepip-publishers.toml").write_bytes(render_ledger([record]))


def test_the_ledger_is_an_expectation_for_a_file_that_lies_here(verify: Run, folder: Path) -> None:
    path = write(folder, attest())
    record(folder, GitHub(ref="refs/tags/v0.9"))
    [met] = decided(verify(FILE, "--provenance", path, "--format", "json"), "verified")["expected"]
    assert "safepip-publishers.toml" in met
    record(folder, GitHub(repository="acme/other", repository_id="7"))
    for typed in ((), ("--publisher", PIN)):  # and what is typed takes nothing from it
        decided(verify(FILE, "--provenance", path, *typed, "--format", "json"), "refused", "identity-mismatch")


def test_what_is_recorded_on_another_index_says_nothing(verify: Run, folder: Path) -> None:
    path = write(folder, attest())
    record(folder, GitHub())
    other = ("-i", "https://other.example/simple", "--format", "json")
    decided(verify(FILE, "--provenance", path, *other), "unknown", "no-expectation")
    more = ("--extra-index-url", "https://index.example/simple")
    decided(verify(FILE, "--provenance", path, *other, *more), "verified")


def test_a_record_is_not_met_by_who_built_it(verify: Run, folder: Path) -> None:
    path = write(folder, attest(predicate_type=SLSA, predicate=SLSA_BODY))
    record(folder, GitHub())
    assert verify(FILE, "--provenance", path).exit == 1


def test_a_softly_changed_claim_is_a_note(verify: Run, folder: Path) -> None:
    path = write(folder, attest())
    record(folder, GitHub(trigger="release"))
    assert decided(verify(FILE, "--provenance", path, "--format", "json"), "verified")["notes"]
    (folder / "safepip.toml").write_text('schema = 1\nprofile = "strict"\n')
    decided(verify(FILE, "--provenance", path, "--format", "json"), "refused", "claims-changed")


# --- what lies beside the file


@pytest.mark.parametrize("suffix", [".provenance", ".publish.attestation", ".sigstore.json", ".sigstore"])
def test_sidecars(verify: Run, folder: Path, suffix: str) -> None:
    made = attest()
    if suffix == ".provenance":
        (folder / f"{FILE}{suffix}").write_bytes((folder / write(folder, made)).read_bytes())
    else:
        (folder / f"{FILE}{suffix}").write_text(json.dumps(made if "attestation" in suffix else as_bundle(made)))
    target = decided(verify(FILE, "--publisher", PIN, "--offline", "--format", "json"), "verified")
    assert target["sources"] == [f"{FILE}{suffix}"]
    (folder / f"{FILE}{suffix}").write_text("{}")
    assert verify(FILE, "--publisher", PIN).exit == 1


def test_nothing_beside_it(verify: Run) -> None:
    decided(verify(FILE, "--publisher", PIN, "--format", "json"), "refused", "unattested")


# --- an index


@pytest.fixture
def server() -> Iterator[WorldServer]:
    world = World()
    published = world.publish("demo", "1.0")
    attestation = attest(published.text, published.claimed)
    publisher = {"kind": "GitHub", "repository": "acme/demo", "workflow": "release.yml"}
    published.provenance = SIGSTORE.provenance([attestation], publisher)
    world.publish("plain", "1.0")
    with WorldServer(world) as running:
        yield running


def address(server: WorldServer, file: str = FILE) -> str:
    return server.address(f"/files/{file}").reveal()


def test_an_address_on_the_index(verify: Run, server: WorldServer) -> None:
    where = ("-i", server.index().reveal(), "--format", "json")
    target = decided(verify(address(server), "--publisher", PIN, *where), "verified")
    assert target["target"] == address(server)
    published = server.world.main.file(FILE)
    assert published is not None
    assert target["sha256"] == published.claimed
    answer = verify(f"{address(server)}#sha256={published.claimed}", "--publisher", PIN, *where)
    decided(answer, "verified")
    decided(verify(f"{address(server)}#sha256={'0' * 64}", "--publisher", PIN, *where), "refused", "pin")


@pytest.mark.parametrize(("one", "other"), [("+", "%2B"), ("+", "%2b"), ("http:", "HTTP:"), ("demo-", "%64emo-")])
def test_an_address_however_it_is_quoted(verify: Run, server: WorldServer, one: str, other: str) -> None:
    published = server.world.publish("demo", "1.0+cpu.1")
    publisher = {"kind": "GitHub", "repository": "acme/demo", "workflow": "release.yml"}
    published.provenance = SIGSTORE.provenance([attest(published.text, published.claimed)], publisher)
    where = address(server, published.text).replace(one, other)
    assert where != address(server, published.text)
    decided(verify(where, "--publisher", PIN, "-i", server.index().reveal(), "--format", "json"), "verified")


def test_an_address_that_no_index_lists(verify: Run, server: WorldServer) -> None:
    other = address(server).replace("/files/", "/elsewhere/")
    target = decided(
        verify(other, "--publisher", PIN, "-i", server.index().reveal(), "--format", "json"), "unknown", "not-listed"
    )
    assert target["sha256"] is None


def test_an_address_that_the_page_calls_otherwise(verify: Run, server: WorldServer) -> None:
    page = {
        "meta": {"api-version": "1.3"},
        "name": "demo",
        "files": [{"filename": FILE, "url": address(server, "demo-2.0-py3-none-any.whl"), "hashes": {}}],
    }
    body = json.dumps(page).encode()
    server.fail("/simple/demo/", Fault(body=body, content_type="application/vnd.pypi.simple.v1+json"))
    other = address(server, "demo-2.0-py3-none-any.whl")
    answer = verify(other, "--publisher", PIN, "-i", server.index().reveal(), "--format", "json")
    decided(answer, "unknown", "not-listed")


def test_offline_asks_nobody(verify: Run, server: WorldServer) -> None:
    where = ("-i", server.index().reveal(), "--format", "json", "--offline")
    decided(verify(address(server), "--publisher", PIN, *where), "unknown", "offline")
    assert server.paths() == []


def test_an_index_that_lies_about_the_bytes(verify: Run, server: WorldServer) -> None:
    published = server.world.main.file(FILE)
    assert published is not None
    server.world.main.sizes = False
    server.world.tamper(published)
    answer = verify(address(server), "--publisher", PIN, "-i", server.index().reveal(), "--format", "json")
    target = decided(answer, "refused", "index")
    assert {one["code"] for one in target["objections"]} >= {"index", "subject-digest"}


def test_a_provenance_that_cannot_be_had(verify: Run, server: WorldServer) -> None:
    server.world.lose("provenance")
    answer = verify(address(server), "--publisher", PIN, "-i", server.index().reveal(), "--format", "json")
    decided(answer, "unknown", "provenance-unavailable")


def test_a_file_that_nothing_attests(verify: Run, server: WorldServer) -> None:
    plain = address(server, "plain-1.0-py3-none-any.whl")
    answer = verify(plain, "--publisher", PIN, "-i", server.index().reveal(), "--format", "json")
    decided(answer, "refused", "unattested")


def test_credentials_are_never_shown(verify: Run, server: WorldServer) -> None:
    secret = address(server).replace("//", "//user:hunter2@")
    answer = verify(secret, "--publisher", PIN, "-i", server.index().reveal(), "--format", "json")
    assert "hunter2" not in answer.out + answer.err


# --- files


def test_files_that_cannot_be_read_are_told_and_nothing_waits(verify: Run, folder: Path) -> None:
    path = write(folder, attest())
    name = "other-1.0-py3-none-any.whl"
    (folder / name).mkdir()
    decided(verify(name, "--provenance", path, "--format", "json"), "unknown", "unreadable-file")
    (folder / name).rmdir()
    decided(verify(name, "--provenance", path, "--format", "json"), "unknown", "no-such-file")
    os.mkfifo(folder / name)
    decided(verify(name, "--provenance", path, "--format", "json"), "unknown", "unreadable-file")
    decided(verify(FILE, "--provenance", name, "--format", "json"), "unknown", "unreadable-file")
    decided(verify(FILE, "--bundle", "nowhere", "--format", "json"), "unknown", "no-such-file")


def test_a_link_to_a_pipe(verify: Run, folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "demo-2.0-py3-none-any.whl").symlink_to("pipe")
    answer = verify("demo-2.0-py3-none-any.whl", "--provenance", write(folder, attest()), "--format", "json")
    decided(answer, "unknown", "unreadable-file")


def test_one_verified_target_is_not_all(verify: Run, folder: Path) -> None:
    (folder / f"{FILE}.publish.attestation").write_text(json.dumps(attest()))
    for targets in ([FILE, "gone-1.0.tar.gz"], ["gone-1.0.tar.gz", FILE]):
        answer = verify(*targets, "--publisher", PIN, "--format", "json")
        assert answer.exit == 1
        assert {one["decision"] for one in json.loads(answer.out)["targets"]} == {"verified", "unknown"}
        assert "1 of 2 targets" in answer.err
    assert verify(FILE, FILE, "--publisher", PIN).exit == 0


def test_each_target_has_its_own_answer(verify: Run) -> None:
    answer = verify(FILE, "gone-1.0.tar.gz", "--publisher", PIN, "--format", "json")
    assert answer.exit == 1
    told = json.loads(answer.out)["targets"]
    assert [one["code"] for one in told] == ["unattested", "no-such-file"]
    assert "2 of 2 targets" in answer.err


# --- the command line


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "at least one"),
        ([FILE, "--provenance", "p", "--bundle", "b"], "exclude"),
        ([FILE, "other-1.0.tar.gz", "--provenance", "p"], "one target"),
        ([FILE, "--identity", "x"], "need each other"),
        ([FILE, "--issuer", "x"], "need each other"),
        ([FILE, "--identity", "", "--issuer", "x"], "empty"),
        ([FILE, "--key", "k"], "--bundle"),
        ([FILE, "--key", "k", "--bundle", "b", "--identity", "x", "--issuer", "y"], "exclude"),
        ([FILE, "--key", "k", "--bundle", "b", "--publisher", PIN], "exclude"),
        ([FILE, "--key", "k", "--provenance", "p"], "exclude"),
        ([FILE, "--staging"], "exclude"),
        ([FILE, "--publisher", "acme/demo"], "acme/demo"),
        ([FILE, "--publisher", ""], "publisher"),
        ([FILE, "--filename", "notes.txt"], "--filename"),
        ([f"sha256:{SHA256}"], "--provenance or --bundle"),
        ([f"sha256:{SHA256}", "--provenance", "p"], "--filename"),
        (["sha256:abc", "--bundle", "b"], "sha256 digest"),
        (["https://user:hunter2@index.example/notes.txt"], "notes.txt"),
        (["https://index.example/demo-1.0.tar.gz", "--provenance", "p"], "download"),
        ([FILE, "--format", "xml"], "xml"),
    ],
)
def test_a_command_line_that_makes_no_sense(verify: Run, arguments: list[str], words: str) -> None:
    answer = verify(*arguments)
    assert answer.exit == 2
    assert words in answer.err
    assert answer.out == ""
    assert "hunter2" not in answer.err


def test_a_trusted_root_that_is_none_ends_the_run(verify: Run, folder: Path) -> None:
    (folder / "root.json").write_text("{}")
    answer = verify(FILE, "--provenance", write(folder, attest()))
    assert (answer.exit, answer.out) == (1, "")
    assert "trusted root" in answer.err


@pytest.mark.parametrize("root", ["{}", None])
def test_also_where_a_key_is_what_it_is_verified_with(verify: Run, folder: Path, root: str | None) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    (folder / "key.pub").write_bytes(pem(key))
    (folder / "b.json").write_text(json.dumps(sign(SIGSTORE, SHA256, key=key)))
    (folder / "root.json").unlink()
    if root is not None:
        (folder / "root.json").write_text(root)
    answer = verify(FILE, "--bundle", "b.json", "--key", "key.pub")
    assert (answer.exit, answer.out) == (1, "")
    assert "trusted root" in answer.err


def test_quiet_leaves_the_objections(verify: Run, folder: Path) -> None:
    answer = verify(FILE, "--provenance", write(folder, attest()), "-q")
    assert answer.out == ""
    assert "no-expectation" in answer.err


def test_a_document_that_nobody_could_take_is_told(verify: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(folder, attest())
    monkeypatch.setattr(sys, "stdout", None)
    answer = verify(FILE, "--provenance", path, "--publisher", PIN, "--format", "json")
    assert answer.exit == 1
    assert "standard output is closed" in answer.err


def test_the_options_are_those_of_help() -> None:
    shown = parse(["verify", "--help"])
    assert isinstance(shown, str)
    assert shown.strip() in (DOCS / "commands" / "verify.md").read_text()


def test_a_bundle_of_a_distribution_is_held_to_its_name(verify: Run, folder: Path) -> None:
    (folder / "b.json").write_text(json.dumps(as_bundle(attest("other-1.0-py3-none-any.whl"))))
    decided(verify(FILE, "--bundle", "b.json", "--publisher", PIN, "--format", "json"), "refused", "subject-name")
    (folder / "b.json").write_text(json.dumps(as_bundle(attest())))
    decided(verify(FILE, "--bundle", "b.json", "--publisher", PIN, "--format", "json"), "verified")


def test_what_it_costs_to_be_asked_for_help() -> None:
    code = "import sys; from safepip.__main__ import main; sys.argv = ['safepip', 'verify', '--help']\ntry: main()\n"
    code += "finally: print({'sigstore', 'cryptography', 'urllib3'} & {one.partition('.')[0] for one in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip().endswith("set()"), done.stderr
