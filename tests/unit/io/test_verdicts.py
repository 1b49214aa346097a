"""The memory of verdicts: what it spares, and everything that somebody could put in its place."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from safepip.formats.attestation import Attestation
from safepip.formats.bundle import Envelope, MessageDigest, SigstoreBundle
from safepip.formats.fields import BadAttestation
from safepip.formats.provenance import parse_attestation
from safepip.formats.statement import PUBLISH, SIGNATURE, SLSA, About
from safepip.io import cachefile, verdicts
from safepip.io.cachefile import CacheFolder
from safepip.io.verdicts import MOST, CachedVerifier
from safepip.io.verifier import Verifier
from safepip.model.evidence import Build, VerifiedAttestation
from safepip.model.ident import FileName, Sha256
from safepip.model.publisher import Identity
from tests.sigstore import GitHub, LocalSigstore

NOW = datetime(2026, 1, 2, 3, 4, 5, 600, tzinfo=timezone.utc)
SIGSTORE = LocalSigstore.create(now=NOW)
FILE, OTHER_FILE = FileName.parse("demo-1.0-py3-none-any.whl"), FileName.parse("other-1.0-py3-none-any.whl")
ABOUT = About(file=FILE, sha256=Sha256("ab" * 32), digests={"sha256": "ab" * 32})
OTHER_ABOUT = About(file=OTHER_FILE, sha256=Sha256("cd" * 32), digests={})
ROOT, OTHER_ROOT = "11" * 32, "22" * 32
IDENTITY = Identity(
    kind="github",
    issuer="https://token.actions.githubusercontent.com",
    subject="https://github.com/acme/démo\u2028",
    repository="acme/demo",
    repository_id="1",
    owner_id=None,
    workflow="release.yml",
    environment="",
    ref="refs/tags/v1",
    trigger="push",
    runner=None,
    build_signer=None,
)
BUILD = Build(builder="https://builder.example", build_type="t", source=None, revision="0" * 40)


def attested(about: About = ABOUT, **overrides: Any) -> Attestation:
    document = SIGSTORE.attest(str(about.file), about.sha256, GitHub(), **overrides)
    return parse_attestation(json.dumps(document).encode())


GOOD, OTHER = attested(), attested(OTHER_ABOUT)


@dataclass
class Inner:
    """Counts what it is asked, and believes everything, or nothing."""

    verdict: VerifiedAttestation
    refuses: bool = False
    asked: int = 0
    prepared: list[int] = field(default_factory=list)

    def prepare(self, served: Sequence[Attestation], about: About) -> None:  # noqa: ARG002
        self.prepared.append(len(served))

    def attestation(self, attestation: Attestation, about: About) -> VerifiedAttestation:  # noqa: ARG002
        return self._answer()

    def bundle(self, bundle: SigstoreBundle, about: About) -> VerifiedAttestation:  # noqa: ARG002
        return self._answer()

    def _answer(self) -> VerifiedAttestation:
        self.asked += 1
        if self.refuses:
            raise BadAttestation("signature", "no")
        return self.verdict


def verdict(**changes: Any) -> VerifiedAttestation:
    made = VerifiedAttestation(
        predicate=PUBLISH, identity=IDENTITY, logged_at=NOW, trust_root=ROOT, log="rekor.test", log_index=7
    )
    return replace(made, **changes)


@dataclass
class Bench:
    """The same folder, seen by one run after the other: each has a verifier that counts anew."""

    root: Path

    def run(self, *, trust_root: str = ROOT, **changes: Any) -> tuple[CachedVerifier, Inner]:
        inner = Inner(verdict(trust_root=trust_root, **changes))
        return CachedVerifier(inner, CacheFolder(self.root), trust_root), inner

    def fill(self) -> Path:
        before = set(self.files())
        self.run()[0].attestation(GOOD, ABOUT)
        [entry] = set(self.files()) - before
        return entry

    def files(self) -> list[Path]:
        return [path for path in (self.root / "verdicts").rglob("*") if path.is_file()]

    def asks_again(self) -> bool:
        """Whether the entry counts for nothing: the inner verifier is asked, and its refusal is what is told."""
        verifier, inner = self.run()
        inner.refuses = True
        with pytest.raises(BadAttestation):
            verifier.attestation(GOOD, ABOUT)
        return inner.asked == 1


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "cache")


# --- what it spares


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"logged_at": None},
        {"logged_at": NOW.replace(microsecond=0)},
        {"build": BUILD},
        {"log": None, "log_index": None},
    ],
)
def test_a_second_run_asks_nobody_and_gets_the_same(bench: Bench, changes: dict[str, Any]) -> None:
    first, inner = bench.run(**changes)
    told = first.attestation(GOOD, ABOUT)
    second, idle = bench.run(**changes)
    assert second.attestation(GOOD, ABOUT) == told == inner.verdict
    assert (inner.asked, idle.asked) == (1, 0)


def test_preparing_is_for_what_is_not_known(bench: Bench) -> None:
    bench.fill()
    verifier, inner = bench.run()
    verifier.prepare([GOOD], ABOUT)
    verifier.prepare([], ABOUT)
    assert inner.prepared == []
    verifier.prepare([GOOD, attested()], ABOUT)
    assert inner.prepared == [1]


def test_a_refusal_is_never_remembered(bench: Bench) -> None:
    verifier, inner = bench.run()
    inner.refuses = True
    for _ in range(2):
        with pytest.raises(BadAttestation):
            verifier.attestation(GOOD, ABOUT)
    assert inner.asked == 2
    assert bench.files() == []


def test_without_a_folder_everything_is_asked() -> None:
    inner = Inner(verdict())
    verifier = CachedVerifier(inner, CacheFolder(None), ROOT)
    for _ in range(2):
        verifier.attestation(GOOD, ABOUT)
    verifier.prepare([GOOD], ABOUT)
    assert (inner.asked, inner.prepared) == (2, [1])


ENVELOPE = SigstoreBundle(
    media_type="application/vnd.dev.sigstore.bundle.v0.3+json",
    certificate=GOOD.certificate,
    entries=GOOD.entries,
    timestamps=(),
    content=Envelope(payload_type="application/vnd.in-toto+json", payload=GOOD.statement),
    signature=GOOD.signature,
)
PLAIN = replace(ENVELOPE, content=MessageDigest(algorithm="SHA2_256", digest=b"\xab" * 32))


@pytest.mark.parametrize(("bundle", "predicate"), [(ENVELOPE, PUBLISH), (PLAIN, SIGNATURE)])
def test_bundles_are_remembered_too(bench: Bench, bundle: SigstoreBundle, predicate: str) -> None:
    bench.run(predicate=predicate)[0].bundle(bundle, ABOUT)
    verifier, inner = bench.run(predicate=predicate)
    assert verifier.bundle(bundle, ABOUT) == inner.verdict
    assert inner.asked == 0
    verifier.bundle(replace(bundle, signature=b"other"), ABOUT)
    verifier.bundle(replace(bundle, media_type="application/vnd.dev.sigstore.bundle+json;version=0.1"), ABOUT)
    verifier.attestation(GOOD, ABOUT)
    assert inner.asked == 3


def test_two_contents_of_a_bundle_never_share_an_entry(bench: Bench) -> None:
    """Bytes and text of the same spelling, and an envelope beside a digest of the same fields."""
    verifier, inner = bench.run(predicate=SIGNATURE)
    for content in (
        Envelope(payload_type="a", payload=b"\xab"),
        MessageDigest(algorithm="a", digest=b"\xab"),
        MessageDigest(algorithm="ab", digest=b""),
        None,
    ):
        verifier.bundle(replace(ENVELOPE, content=content), ABOUT)
    assert inner.asked == 4


# --- what is another question


@pytest.mark.parametrize(
    "about",
    [
        replace(ABOUT, sha256=Sha256("cd" * 32)),
        replace(ABOUT, file=FileName.parse("demo-1.0-py2-none-any.whl")),
        replace(ABOUT, file=FileName.parse("Demo-1.0-py3-none-any.whl")),
        replace(ABOUT, file=None),
    ],
)
def test_another_file_is_another_question(bench: Bench, about: About) -> None:
    bench.fill()
    verifier, inner = bench.run()
    verifier.attestation(GOOD, about)
    assert inner.asked == 1


@pytest.mark.parametrize("what", ["certificate", "statement", "signature"])
def test_another_attestation_is_another_question(bench: Bench, what: str) -> None:
    bench.fill()
    verifier, inner = bench.run()
    verifier.attestation(replace(GOOD, **{what: getattr(OTHER, what)}), ABOUT)
    assert inner.asked == 1


def test_another_log_entry_and_another_timestamp_are_other_questions(bench: Bench) -> None:
    bench.fill()
    verifier, inner = bench.run()
    [entry] = GOOD.entries
    for name in (one.name for one in dataclasses.fields(entry)):
        other = getattr(OTHER.entries[0], name)
        changed = "other" if other == getattr(entry, name) and isinstance(other, str) else other
        if changed != getattr(entry, name):
            before = inner.asked
            change: dict[str, Any] = {name: changed}
            verifier.attestation(replace(GOOD, entries=(replace(entry, **change),)), ABOUT)
            assert inner.asked == before + 1, name
    before = inner.asked
    verifier.attestation(replace(GOOD, timestamps=(b"x",)), ABOUT)
    assert inner.asked == before + 1


def test_another_trusted_root_is_another_question(bench: Bench) -> None:
    bench.fill()
    verifier, inner = bench.run(trust_root=OTHER_ROOT)
    verifier.attestation(GOOD, ABOUT)
    assert inner.asked == 1


def test_another_version_of_sigstore_or_of_our_steps_is_another_question(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.fill()
    for name, value in (("STEPS", verdicts.STEPS + 1), ("__version__", "9.9")):
        with monkeypatch.context() as changed:
            changed.setattr(verdicts, name, value)
            verdicts._verifier_version.cache_clear()
            assert bench.asks_again()
    with monkeypatch.context() as changed:
        changed.setattr("importlib.metadata.version", lambda name: f"{name} 9.9")
        verdicts._verifier_version.cache_clear()
        assert bench.asks_again()
    verdicts._verifier_version.cache_clear()
    assert bench.run()[0].attestation(GOOD, ABOUT) == verdict()


def test_an_unknown_version_of_sigstore_remembers_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    bench.fill()
    with monkeypatch.context() as changed:
        changed.setattr("importlib.metadata.version", unknown)
        verdicts._verifier_version.cache_clear()
        assert bench.asks_again()
        bench.run()[0].attestation(GOOD, ABOUT)
        assert len(bench.files()) == 1
    verdicts._verifier_version.cache_clear()


def test_that_the_statement_is_about_the_file_is_asked_every_time(bench: Bench) -> None:
    """The digests beyond sha256 are no part of the key, since they follow from the file; but they are compared."""
    subject = {"name": str(FILE), "digest": {"sha256": ABOUT.sha256, "sha512": "0" * 128}}
    lying = attested(subjects=[subject])
    bench.run()[0].attestation(lying, ABOUT)
    verifier, inner = bench.run()
    verifier.attestation(lying, ABOUT)
    assert inner.asked == 0
    verifier.attestation(lying, replace(ABOUT, digests={"sha512": "1" * 128}))
    assert inner.asked == 1


def test_a_verdict_of_another_root_or_predicate_than_its_own_is_not_kept_or_believed(bench: Bench) -> None:
    inner = Inner(verdict(trust_root=OTHER_ROOT))
    CachedVerifier(inner, CacheFolder(bench.root), ROOT).attestation(GOOD, ABOUT)
    assert bench.files() == []
    bench.run(predicate=SLSA)[0].attestation(GOOD, ABOUT)
    assert bench.asks_again()


# --- what somebody puts in its place


def resealed(entry: Path, body: bytes) -> None:
    """As the careful forger would: the seal is no secret."""
    entry.write_bytes(cachefile._seal("verdicts", entry.name, body) + b"\n" + body)


def document_of(entry: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(entry.read_bytes().partition(b"\n")[2])
    return document


EDITS: dict[str, Callable[[dict[str, Any]], object]] = {
    "an unknown field": lambda one: one.update(more=1),
    "a field less": lambda one: one.pop("build"),
    "an identity with an unknown field": lambda one: one["identity"].update(more="x"),
    "an identity with a field less": lambda one: one["identity"].pop("runner"),
    "an identity without a kind": lambda one: one["identity"].update(kind=None),
    "an identity of numbers": lambda one: one["identity"].update(owner_id=1),
    "an identity that is a list": lambda one: one.update(identity=[]),
    "a build of nothing": lambda one: one.update(build={}),
    "a log that is a number": lambda one: one.update(log=1),
    "an index that is true": lambda one: one.update(log_index=True),
    "an index that is a text": lambda one: one.update(log_index="7"),
    "an index with a fraction": lambda one: one.update(log_index=7.0),
    "no predicate": lambda one: one.update(predicate=None),
    "another predicate": lambda one: one.update(predicate=SLSA),
    "a time as a number": lambda one: one.update(logged_at=0),
    "a time that is none": lambda one: one.update(logged_at="yesterday"),
    "a time without a zone": lambda one: one.update(logged_at="2026-01-02T03:04:05"),
    "a time in another zone": lambda one: one.update(logged_at="2026-01-02T03:04:05+01:00"),
    "a time in another spelling": lambda one: one.update(logged_at="2026-01-02 03:04:05.000600+00:00"),
    "the key of another file": lambda one: one["key"].update(file=str(OTHER_FILE)),
    "the key of another digest": lambda one: one["key"].update(sha256="cd" * 32),
    "the key of another root": lambda one: one["key"].update(trust_root=OTHER_ROOT),
    "the key of another verifier": lambda one: one["key"].update(verifier="sigstore 0.0.1"),
    "the key of a bundle": lambda one: one["key"].update(form="bundle"),
    "a key with more in it": lambda one: one["key"].update(more="x"),
    "no key": lambda one: one.update(key=None),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edited_entry_reads_as_none(bench: Bench, name: str) -> None:
    entry = bench.fill()
    document = document_of(entry)
    EDITS[name](document)
    resealed(entry, json.dumps(document, sort_keys=True).encode())
    assert bench.asks_again()


BODIES = {
    "none": b"",
    "no JSON": b"{",
    "no object": b"[]",
    "null": b"null",
    "deep": b"[" * 50_000,
    "a key twice": b'{"key": 1, "key": 2}',
    "no UTF-8": b"\xff",
    "half a character": b'{"key": "\\ud800"}',
    "nan": b"NaN",
}


@pytest.mark.parametrize("name", BODIES)
def test_an_entry_of_something_else_reads_as_none(bench: Bench, name: str) -> None:
    resealed(bench.fill(), BODIES[name])
    assert bench.asks_again()


def test_an_entry_in_another_spelling_reads_as_none(bench: Bench) -> None:
    entry = bench.fill()
    resealed(entry, json.dumps(document_of(entry), indent=1).encode())
    assert bench.asks_again()


def test_an_edit_without_a_new_seal_reads_as_none(bench: Bench) -> None:
    entry = bench.fill()
    entry.write_bytes(entry.read_bytes().replace(b"acme", b"evil"))
    assert bench.asks_again()


@pytest.mark.parametrize("cut", [0, 1, 63, 64, 65, 200, -1])
def test_a_torn_entry_reads_as_none(bench: Bench, cut: int) -> None:
    entry = bench.fill()
    entry.write_bytes(entry.read_bytes()[:cut])
    assert bench.asks_again()


def test_the_entry_of_one_file_in_the_place_of_another(bench: Bench) -> None:
    entry = bench.fill()
    verifier, _ = bench.run()
    verifier.attestation(OTHER, OTHER_ABOUT)
    [other] = set(bench.files()) - {entry}
    entry.write_bytes(other.read_bytes())
    assert bench.asks_again()
    resealed(entry, other.read_bytes().partition(b"\n")[2])
    assert bench.asks_again()


def test_the_entry_of_another_root_in_its_place(bench: Bench) -> None:
    entry = bench.fill()
    bench.run(trust_root=OTHER_ROOT)[0].attestation(GOOD, ABOUT)
    [other] = set(bench.files()) - {entry}
    resealed(entry, other.read_bytes().partition(b"\n")[2])
    assert bench.asks_again()


def test_a_huge_entry_is_not_read(bench: Bench) -> None:
    entry = bench.fill()
    with entry.open("r+b") as stream:
        stream.truncate(1 << 40)  # sparse: reading it would take the memory of many machines
    assert bench.asks_again()
    resealed(entry, b" " * MOST)
    assert bench.asks_again()


def test_a_pipe_in_its_place_holds_nobody_up(bench: Bench) -> None:
    entry = bench.fill()
    entry.unlink()
    os.mkfifo(entry, 0o600)
    begun = time.monotonic()
    assert bench.asks_again()
    assert time.monotonic() - begun < 5
    bench.run()[0].attestation(GOOD, ABOUT)
    assert stat.S_ISREG(entry.lstat().st_mode)


def test_a_folder_in_its_place(bench: Bench) -> None:
    entry = bench.fill()
    entry.unlink()
    entry.mkdir()
    assert bench.asks_again()
    assert bench.run()[0].attestation(GOOD, ABOUT) == verdict()
    assert list(entry.parent.iterdir()) == [entry]  # nothing half-written is left


def test_a_link_in_its_place(bench: Bench, tmp_path: Path) -> None:
    entry = bench.fill()
    entry.rename(tmp_path / "elsewhere")
    entry.symlink_to(tmp_path / "elsewhere")
    assert bench.asks_again()


@pytest.mark.parametrize("above", [1, 2])
def test_a_link_in_place_of_a_folder(bench: Bench, tmp_path: Path, above: int) -> None:
    folder = bench.fill().parents[above - 1]
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    assert bench.asks_again()


@pytest.mark.parametrize("above", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("mode", [0o770, 0o707])
def test_what_others_can_write_reads_as_none(bench: Bench, above: int, mode: int) -> None:
    """The entry, the two folders around it, the cache; and above that only what is open to everybody."""
    entry = bench.fill()
    place = [entry, *entry.parents][above]
    usual = stat.S_IMODE(place.stat().st_mode)
    place.chmod(mode)
    try:
        if above == 4 and mode == 0o770:
            assert bench.run()[0].attestation(GOOD, ABOUT) == verdict()  # many users have a group of their own
        else:
            assert bench.asks_again()
    finally:
        place.chmod(usual)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("above", [0, 1, 2, 3])
def test_what_is_another_users_reads_as_none(bench: Bench, above: int) -> None:
    entry = bench.fill()
    os.chown([entry, *entry.parents][above], 12345, -1)
    assert bench.asks_again()


@pytest.mark.parametrize("mask", [0o000, 0o002, 0o022, 0o077])
def test_whatever_the_umask_it_is_for_this_user_alone(bench: Bench, mask: int) -> None:
    before = os.umask(mask)
    try:
        entry = bench.fill()
    finally:
        os.umask(before)
    assert stat.S_IMODE(entry.stat().st_mode) == 0o600
    assert [stat.S_IMODE(one.stat().st_mode) for one in entry.parents[:3]] == [0o700] * 3
    assert bench.run()[0].attestation(GOOD, ABOUT) == verdict()


def test_a_folder_that_cannot_be_written_costs_time_and_nothing_else(bench: Bench) -> None:
    bench.root.mkdir(mode=0o700)
    (bench.root / "verdicts").write_text("a file where a folder should be")
    for _ in range(2):
        verifier, inner = bench.run()
        assert verifier.attestation(GOOD, ABOUT) == verdict()
        assert inner.asked == 1


@pytest.mark.parametrize("offset", [timedelta(days=-3650), timedelta(days=3650)])
def test_no_clock_matters(bench: Bench, offset: timedelta) -> None:
    entry = bench.fill()
    moment = (datetime.now(timezone.utc) + offset).timestamp()
    os.utime(entry, (moment, moment))
    verifier, inner = bench.run()
    assert verifier.attestation(GOOD, ABOUT) == verdict()
    assert inner.asked == 0


def test_threads_share_one_verifier(bench: Bench) -> None:
    verifier, _ = bench.run()
    found: list[VerifiedAttestation] = []
    threads = [
        threading.Thread(target=lambda: found.extend(verifier.attestation(GOOD, ABOUT) for _ in range(20)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert found == [verdict()] * 160
    assert len(bench.files()) == 1


_WRITER = """
import sys
from pathlib import Path
from safepip.io.cachefile import CacheFolder
folder, key, bad = CacheFolder(Path(sys.argv[1])), sys.argv[2], 0
bodies = [bytes([65 + number]) * 20000 for number in range(8)]
for number in range(400):
    folder.write("verdicts", key, bodies[number % 8])
    bad += folder.read("verdicts", key) not in bodies
print(bad, len(list(Path(sys.argv[1], "verdicts", key[:2]).glob("*"))))
"""


def test_two_processes_at_once_never_see_half_an_entry(bench: Bench) -> None:
    command = [sys.executable, "-c", _WRITER, str(bench.root), "ab" * 32]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    told = [one.communicate(timeout=60)[0].split() for one in running]
    assert [one[0] for one in told] == ["0", "0"]
    assert [path.name for path in bench.files()] == ["ab" * 32]


# --- what is remembered


def test_an_entry_holds_claims_and_no_judgement(bench: Bench) -> None:
    document = document_of(bench.fill())
    assert set(document) == {"key", "predicate", "identity", "logged_at", "build", "log", "log_index"}
    assert set(document["key"]) == {"form", "attestation", "file", "sha256", "trust_root", "verifier"}
    assert set(document["identity"]) == {one.name for one in dataclasses.fields(Identity)}


@pytest.mark.parametrize("form", [Identity, Build])
def test_claims_are_texts_so_that_they_can_be_kept(form: type[Any]) -> None:
    assert {str(one.type) for one in dataclasses.fields(form)} <= {"str", "str | None"}


def test_every_claim_of_a_verdict_is_kept() -> None:
    assert {one.name for one in dataclasses.fields(VerifiedAttestation)} - {"trust_root"} == verdicts._FIELDS - {"key"}


def test_it_is_a_verifier(bench: Bench) -> None:
    verifier: Verifier = bench.run()[0]
    assert verifier.attestation(GOOD, ABOUT).identity == IDENTITY
