"""The protocol of sigstore-conformance: exit code 0 for what is good, and for nothing else."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from safepip.cli.main import run
from tests.command import clean_environ
from tests.conformance import adapter
from tests.sigstore import GitHub, LocalSigstore
from tests.sigstore.authority import Authority
from tests.sigstore.bundles import pem, sign, statement
from tests.sigstore.identities import Email
from tests.sigstore.log import RekorLog, b64

SIGSTORE = LocalSigstore.create(datetime(2026, 11, 20, 12, 0, tzinfo=timezone.utc))
CONTENT = b"a.txt of the suite\n"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
SIGNER = ("--certificate-identity", GitHub().subject(), "--certificate-oidc-issuer", GitHub().issuer)
KEY = ec.generate_private_key(ec.SECP256R1())
BY_KEY = ("--key", "key.pub")
IN_TOTO = statement("a.txt", SHA256, predicate_type="https://example.org/any/v1", predicate={})
NOW = SIGSTORE.now

Document = dict[str, Any]
Verify = Callable[..., int]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "a.txt").write_bytes(CONTENT)
    (tmp_path / "root.json").write_bytes(SIGSTORE.trusted_root_json())
    (tmp_path / "key.pub").write_bytes(pem(KEY))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def verify(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Verify:
    """The exit code for a bundle, as the adapter would have it, without a process of its own."""
    environ = clean_environ(folder / "home", {})
    for name, value in environ.items():
        monkeypatch.setenv(name, value)

    def call(bundle: Document | str, *arguments: str, of: str = "a.txt", root: str = "root.json") -> int:
        (folder / "b.json").write_text(bundle if isinstance(bundle, str) else json.dumps(bundle))
        words = ["verify-bundle", "--bundle", "b.json", *(arguments or SIGNER), "--trusted-root", root, of]
        return run(adapter.translated(words), environ)

    return call


def test_words_become_options_and_no_more() -> None:
    words = ["verify-bundle", "--staging", "--bundle", "b", "--key", "k", "sha256:00"]
    assert adapter.translated(words) == [
        "verify", "--bundle", "b", "--key", "k", "--staging", "--offline", "--", "./sha256:00",
    ]  # fmt: skip
    words = ["verify-bundle", "--staging", "--bundle", "b", *SIGNER, "--trusted-root", "r", "a.txt"]
    assert adapter.translated(words) == [
        "verify", "--bundle", "b", "--identity", SIGNER[1], "--issuer", SIGNER[3], "--sp-trusted-root", "r",
        "--offline", "--", "a.txt",
    ]  # fmt: skip


@pytest.mark.parametrize("of", ["a.txt", f"sha256:{SHA256}"])
@pytest.mark.parametrize("signed", [None, IN_TOTO])
@pytest.mark.parametrize(
    "steps", [{}, {"stamps": (NOW,)}, {"rekor": 2}, {"version": "0.1"}, {"version": "0.2"}, {"version": "0.3-old"}]
)
def test_good_bundles(verify: Verify, of: str, signed: bytes | None, steps: Document) -> None:
    assert verify(sign(SIGSTORE, SHA256, statement=signed, **steps), of=of) == 0


@pytest.mark.parametrize("of", ["a.txt", f"sha256:{SHA256}"])
@pytest.mark.parametrize("signed", [None, IN_TOTO])
def test_good_bundles_by_key(verify: Verify, of: str, signed: bytes | None) -> None:
    assert verify(sign(SIGSTORE, SHA256, key=KEY, statement=signed), *BY_KEY, of=of) == 0


def test_a_root_with_nothing_but_logs_is_enough_for_a_key(verify: Verify, folder: Path) -> None:
    root = SIGSTORE.trusted_root()
    bare = {name: root[name] for name in ("mediaType", "tlogs")}
    (folder / "bare.json").write_text(json.dumps(bare))
    assert verify(sign(SIGSTORE, SHA256, key=KEY), *BY_KEY, root="bare.json") == 0
    assert verify(sign(SIGSTORE, SHA256), root="bare.json") != 0


def test_a_person_with_an_address(verify: Verify) -> None:
    person = Email()
    bundle = sign(SIGSTORE, SHA256, identity=person)
    named = ("--certificate-identity", person.email, "--certificate-oidc-issuer", person.issuer)
    assert verify(bundle, *named, of=f"sha256:{SHA256}") == 0
    assert verify(bundle) != 0


def flipped(name: str) -> Callable[[Document], None]:
    """Another byte in that text of the log entry, which stays base64."""

    def edit(entry: Document) -> None:
        holder = next(one for one in (entry, entry["inclusionProof"], entry["inclusionPromise"]) if name in one)
        text = holder[name]
        holder[name] = ("B" if text[0] != "B" else "C") + text[1:]

    return edit


def taken(*path: str) -> Callable[[Document], None]:
    def edit(document: Document) -> None:
        for step in path[:-1]:
            document = document[step]
        del document[path[-1]]

    return edit


def put(value: Any, *path: str) -> Callable[[Document], None]:
    def edit(document: Document) -> None:
        for step in path[:-1]:
            document = document[step]
        document[path[-1]] = value

    return edit


def swapped(bundle: Document) -> None:
    """CVE-2022-36056: the entry of another artifact."""
    other = sign(SIGSTORE, "0" * 64)
    bundle["verificationMaterial"]["tlogEntries"] = other["verificationMaterial"]["tlogEntries"]


def two_entries(bundle: Document) -> None:
    bundle["verificationMaterial"]["tlogEntries"] *= 2


LATE = NOW + timedelta(minutes=20)
OTHER_STATEMENT = statement("a.txt", "0" * 64, predicate_type="https://example.org/any/v1", predicate={})
BAD: dict[str, Document] = {
    "of another artifact": {"digest": b"0" * 32},
    "a digest beside it of another artifact": {"stated": {"algorithm": "SHA2_256", "digest": b64(b"0" * 32)}},
    "a signature of nothing": {"signature": b"none"},
    "signed by another key": {"signing_key": KEY},
    "certificate of another authority": {"authority": Authority.create(NOW - timedelta(days=365))},
    "no certificate log": {"leaf": lambda leaf: replace(leaf, sct_key=None)},
    "another certificate log": {"leaf": lambda leaf: replace(leaf, sct_key=KEY)},
    "not for signing code": {"leaf": lambda leaf: replace(leaf, code_signing=False)},
    "a log nobody knows": {"log": RekorLog("rekor.test")},
    "logged after expiry": {"integrated": int(LATE.timestamp())},
    "logged before it was valid": {"integrated": int((NOW - timedelta(minutes=1)).timestamp())},
    "no inclusion proof": {"entry": taken("inclusionProof")},
    "no checkpoint": {"entry": taken("inclusionProof", "checkpoint")},
    "another root hash": {"entry": flipped("rootHash")},
    "another promise": {"entry": flipped("signedEntryTimestamp")},
    "another time than was promised": {"entry": put(str(int(NOW.timestamp()) + 1), "integratedTime")},
    "neither promise nor timestamp": {"entry": taken("inclusionPromise")},
    "no promise in version 0.1": {"version": "0.1", "stamps": (NOW,), "entry": taken("inclusionPromise")},
    "an edited body": {"entry": flipped("canonicalizedBody")},
    "another index": {"entry": put("0", "inclusionProof", "logIndex")},
    "entry of another artifact": {"bundle": swapped},
    "two entries": {"bundle": two_entries},
    "no entry": {"bundle": taken("verificationMaterial", "tlogEntries")},
    "no material": {"bundle": taken("verificationMaterial")},
    "no media type": {"bundle": taken("mediaType")},
    "a version of the future": {"bundle": put("application/vnd.dev.sigstore.bundle.v0.9+json", "mediaType")},
    "no signature": {"bundle": taken("messageSignature")},
    "a stamp outside the certificate's time": {"rekor": 2, "stamps": (NOW, LATE)},
    "no stamp, where only that tells the time": {"rekor": 2, "stamps": ()},
    "a statement about something else": {"statement": OTHER_STATEMENT},
    "a statement that is none": {"statement": b"{}"},
    "a statement of an unknown type": {"statement": IN_TOTO.replace(b"in-toto.io/Statement", b"in-toto.io/Other")},
    "an envelope of another type": {"statement": IN_TOTO, "payload_type": "text/plain"},
    "another signer": {"identity": GitHub(repository="acme/evil")},
    "another issuer": {"identity": GitHub(issuer="https://token.example")},
    "a key where a certificate is expected": {"key": KEY},
}


@pytest.mark.parametrize("name", BAD)
def test_bad_bundles(verify: Verify, name: str) -> None:
    assert verify(sign(SIGSTORE, SHA256, **BAD[name])) == 1


@pytest.mark.parametrize("bundle", ["", "{}", "[]", "null", "\x00", "{" * 100_000])
def test_bundles_that_are_none(verify: Verify, bundle: str) -> None:
    assert verify(bundle) == 1


@pytest.mark.parametrize(
    ("steps", "arguments"),
    [
        ({"key": ec.generate_private_key(ec.SECP256R1())}, BY_KEY),
        ({}, BY_KEY),
        ({"key": KEY, "digest": b"0" * 32}, BY_KEY),
        ({"key": KEY, "entry": flipped("rootHash")}, BY_KEY),
        ({"key": KEY, "entry": flipped("signedEntryTimestamp")}, BY_KEY),
        ({"key": KEY, "statement": b"{}"}, BY_KEY),
        ({"key": KEY}, (*BY_KEY, *SIGNER)),
        ({"key": KEY}, ("--key", "nowhere.pub")),
        ({}, SIGNER[:2]),
        ({}, SIGNER[2:]),
        ({}, (*SIGNER[:3], f"{SIGNER[3]}/")),
        ({}, ("--certificate-identity", "*", *SIGNER[2:])),
    ],
)
def test_keys_and_names(verify: Verify, steps: Document, arguments: tuple[str, ...]) -> None:
    assert verify(sign(SIGSTORE, SHA256, **steps), *arguments) != 0


def test_the_wrong_file(verify: Verify, folder: Path) -> None:
    good = sign(SIGSTORE, SHA256)
    (folder / "c.txt").write_bytes(b"other")
    for of in ("c.txt", "nowhere.txt", ".", f"sha256:{'0' * 64}", "sha256:", "sha512:00"):
        assert verify(good, of=of) != 0


def test_another_root(verify: Verify, folder: Path) -> None:
    (folder / "other.json").write_bytes(LocalSigstore.create(NOW).trusted_root_json())
    for root in ("other.json", "nowhere.json", "a.txt"):
        assert verify(sign(SIGSTORE, SHA256), root=root) != 0


def test_what_looks_like_a_digest_and_is_a_path(verify: Verify, folder: Path) -> None:
    good = sign(SIGSTORE, SHA256)
    (folder / f"sha256:{'0' * 64}").write_bytes(CONTENT)
    (folder / "sha256:short").write_bytes(CONTENT)
    assert (verify(good, of=f"sha256:{'0' * 64}"), verify(good, of="sha256:short")) == (0, 0)
    (folder / f"sha256:{SHA256}").write_bytes(b"other")
    assert verify(good, of=f"sha256:{SHA256}") != 0


def test_it_can_be_named_as_the_entry_point() -> None:
    assert os.access(adapter.__file__, os.X_OK)
    assert Path(adapter.__file__).read_text().startswith("#!")


def test_as_a_process_of_its_own(folder: Path) -> None:
    (folder / "b.json").write_text(json.dumps(sign(SIGSTORE, SHA256)))
    words = ["verify-bundle", "--bundle", "b.json", *SIGNER, "--trusted-root", "root.json"]

    def code(of: str) -> int:
        path = str(Path(adapter.__file__).parent.parent.parent)
        environ = clean_environ(folder / "home", {"PYTHONPATH": path})
        done = subprocess.run([sys.executable, adapter.__file__, *words, of], env=environ, check=False, timeout=60)
        return done.returncode

    assert code("a.txt") == 0
    assert code("key.pub") == 1
