"""Provenance as indexes serve it, over real HTTP: what is verified, what is refused, and what could not be had."""

from __future__ import annotations

import gzip
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

from safepip.formats.attestation import Attestation
from safepip.formats.bundle import SigstoreBundle
from safepip.formats.fields import MAX_BYTES
from safepip.formats.statement import About
from safepip.io.attestation import AttestationVerifier
from safepip.io.cachefile import CacheFolder
from safepip.io.provenance import ServedAttestations
from safepip.io.verdicts import CachedVerifier
from safepip.io.verifier import Verifier
from safepip.model.artifact import Artifact, Indexed, IndexPage, Listing, Local, Pin
from safepip.model.evidence import Attestations, Unavailable, VerifiedAttestation
from safepip.model.ident import FileName, ProjectName, Sha256, Url
from safepip.model.policy import Policy
from tests import factories
from tests.command import Command
from tests.sigstore import GitHub, LocalSigstore
from tests.unit.io.edges import an_http
from tests.world import Fault, World, WorldServer
from tests.world.world import Published

SIGSTORE = LocalSigstore.create(now=datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc))
VERIFIER = AttestationVerifier(SIGSTORE.trusted_root_json())
PUBLISHER = {"kind": "GitHub", "repository": "acme/demo", "workflow": "release.yml"}
Attested = dict[str, Any]


def attest(one: Published, who: GitHub | None = None, **overrides: Any) -> Attested:
    return SIGSTORE.attest(one.text, one.claimed, who or GitHub(), **overrides)


def provenance(*bundles: tuple[Attested, list[Attested]]) -> bytes:
    served = [{"publisher": publisher, "attestations": attestations} for publisher, attestations in bundles]
    return json.dumps({"version": 1, "attestation_bundles": served}).encode()


@dataclass
class Place:
    """An index with one attested file `demo 1.0`, and what a run asks about it."""

    server: WorldServer
    demo: Published
    folder: Path

    def serve(self, document: bytes) -> None:
        self.demo.provenance = document

    def page(self) -> IndexPage:
        page = self.server.world.main.page(self.server.base, ProjectName.parse("demo"))
        assert page is not None
        return page

    def listing(self) -> Listing:
        return next(one for one in self.page().listings if one.name.text == self.demo.text)

    @property
    def path(self) -> str:
        return f"/files/{self.demo.text}.provenance"

    def artifact(self, listing: Listing, content: bytes | None = None) -> Artifact:
        content = self.demo.content if content is None else content
        path = self.folder / listing.name.text
        path.write_bytes(content)
        sha256 = hashlib.sha256(content).hexdigest()
        return Artifact(
            name=listing.name,
            sha256=Sha256(sha256),
            digests={"sha256": sha256},
            size=len(content),
            path=path,
            origin=Indexed(listing=listing, page=self.page()),
            pins=(),
        )

    def asked(
        self,
        *,
        listing: Listing | None = None,
        content: bytes | None = None,
        verifier: Verifier = VERIFIER,
        **http: Any,
    ) -> Attestations | Unavailable:
        listing = listing or self.listing()
        with served(verifier, **http) as attestations:
            return attestations.of(self.artifact(listing, content), listing, index_offers=True)


@contextmanager
def served(verifier: Verifier = VERIFIER, **http: Any) -> Iterator[ServedAttestations]:
    with an_http(**http) as connection:
        attestations = ServedAttestations(connection, lambda *_: verifier, POLICY)
        try:
            yield attestations
        finally:
            attestations.close()


POLICY: Policy = factories.policy()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    world = World()
    demo = world.publish("demo", "1.0")
    demo.provenance = provenance((PUBLISHER, [attest(demo)]))
    with WorldServer(world) as server:
        yield Place(server, demo, tmp_path)


def codes(found: Attestations | Unavailable) -> list[str]:
    assert isinstance(found, Attestations)
    assert found.verified == ()
    return [one.code for one in found.rejected]


def verified(found: Attestations | Unavailable) -> tuple[VerifiedAttestation, ...]:
    assert isinstance(found, Attestations), found
    assert found.rejected == ()
    return found.verified


def why(found: Attestations | Unavailable) -> str:
    assert isinstance(found, Unavailable)
    assert found.code == "provenance-unavailable"
    assert found.why.isprintable()
    return found.why


# --- what is served as it should be


def test_what_is_served_is_verified(place: Place) -> None:
    found = place.asked()
    [one] = verified(found)
    assert isinstance(found, Attestations)
    assert one.identity.repository == "acme/demo"
    assert (found.advertised, found.claimed_publishers) == (True, ("github:acme/demo/release.yml",))
    [request] = place.server.requests
    assert request.headers["accept"].startswith("application/vnd.pypi.integrity.v1+json")


def test_another_host_may_serve_it(place: Place) -> None:
    """What is signed may lie anywhere."""
    with WorldServer(place.server.world) as other:
        listing = replace(place.listing(), provenance=other.address(place.path))
        assert len(verified(place.asked(listing=listing))) == 1
        assert other.paths() == [place.path]


def test_a_redirect_is_followed(place: Place) -> None:
    with WorldServer(place.server.world) as other:
        place.server.fail(place.path, Fault(redirect=other.address(place.path).reveal()))
        assert len(verified(place.asked())) == 1


def test_the_same_one_twice_is_as_good_as_once(place: Place) -> None:
    one = attest(place.demo)
    place.serve(provenance((PUBLISHER, [one, one]), (PUBLISHER, [one])))
    assert len(set(verified(place.asked()))) == 1


def test_an_unknown_kind_beside_a_good_one(place: Place) -> None:
    strange = attest(place.demo, predicate_type="https://example.org/review/v9")
    place.serve(provenance((PUBLISHER, [attest(place.demo)]), ({"kind": "Forge"}, [strange])))
    found = place.asked()
    assert isinstance(found, Attestations)
    assert len(found.verified) == 1
    assert [(one.code, one.known) for one in found.rejected] == [("unknown-predicate", False)]


# --- what is not


def test_the_advertisement_is_removed(place: Place) -> None:
    """Nothing is asked for and nothing verified: that there was something is for the checks of continuity to know."""
    found = place.asked(listing=replace(place.listing(), provenance=None))
    assert isinstance(found, Attestations)
    assert (found.advertised, found.index_offers, found.verified, found.rejected) == (False, True, (), ())
    assert place.server.requests == []


@pytest.mark.parametrize(
    "address",
    [
        "http://index.example/demo.provenance",
        "file:///etc/passwd",
        "ftp://index.example/demo.provenance",
        "https://index.example\\@127.0.0.1/demo.provenance",
        "data:application/json,{}",
    ],
)
def test_an_address_that_is_not_asked(place: Place, address: str) -> None:
    why(place.asked(listing=replace(place.listing(), provenance=Url(address))))


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=401),
        Fault(status=403),
        Fault(status=404),
        Fault(status=410),
        Fault(status=418),
        Fault(status=429),
        Fault(status=500),
        Fault(status=503),
        Fault(status=204, body=b""),
        Fault(drop=True),
        Fault(truncate=100),
        Fault(redirect="http://index.example/demo.provenance"),
        Fault(redirect="file:///etc/passwd"),
        Fault(body=b" " * (50 << 20)),
        Fault(body=b" " * (MAX_BYTES + 2)),
        Fault(body=gzip.compress(b" " * (50 << 20)), headers={"Content-Encoding": "gzip"}),
    ],
    ids=lambda fault: str(fault.status or fault.redirect or len(fault.body or b"")),
)
def test_what_was_advertised_and_cannot_be_had(place: Place, fault: Fault) -> None:
    place.server.fail(place.path, fault)
    begun = time.monotonic()
    assert why(place.asked())
    assert time.monotonic() - begun < 20


def test_a_redirect_without_end(place: Place) -> None:
    place.server.fail(place.path, Fault(redirect=place.path))
    assert "redirect" in why(place.asked())
    assert len(place.server.requests) <= 11


def test_a_slow_drip_ends(place: Place) -> None:
    place.server.fail(place.path, Fault(drip=0.01))
    begun = time.monotonic()
    why(place.asked(patience=0.3, timeout=0.3))
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize("body", [b"<!doctype html><p>Sign in", b"", b"null", b"[]", b"\xff\xfe", b"[" * 100_000])
def test_a_body_that_is_no_provenance(place: Place, body: bytes) -> None:
    place.server.fail(place.path, Fault(body=body, content_type="text/html"))
    assert codes(place.asked()) == ["malformed"]


def test_a_body_just_too_large(place: Place) -> None:
    place.server.fail(place.path, Fault(body=b" " * (MAX_BYTES + 1)))
    assert codes(place.asked()) == ["too-large"]


@pytest.mark.parametrize("bundles", [[], [{"publisher": PUBLISHER, "attestations": []}]])
def test_an_empty_provenance_verifies_nothing(place: Place, bundles: list[Any]) -> None:
    place.serve(json.dumps({"version": 1, "attestation_bundles": bundles}).encode())
    assert codes(place.asked()) == []


@pytest.mark.parametrize(
    ("project", "version", "tags", "code"),
    [
        ("demo", "1.1", "py3-none-any", "subject-name"),
        ("demo", "1.0", "py2-none-any", "subject-name"),
        ("other", "1.0", "py3-none-any", "subject-name"),
        ("demo-x", "1.0", "py3-none-any", "subject-name"),
    ],
)
def test_the_provenance_of_another_file(place: Place, project: str, version: str, tags: str, code: str) -> None:
    other = place.server.world.publish(project, version, tags=tags)
    place.serve(provenance((PUBLISHER, [attest(other)])))
    assert codes(place.asked()) == [code]


def test_the_provenance_of_a_file_of_the_same_name(place: Place) -> None:
    other = place.server.world.index("other")
    twin = place.server.world.publish("demo", "1.0", index=other.name, files={"demo.py": b"other"})
    place.serve(provenance((PUBLISHER, [attest(twin)])))
    assert codes(place.asked()) == ["subject-digest"]


def test_a_verified_wheel_under_another_name(place: Place) -> None:
    """Renamed, with the provenance that was made for it: the name that was signed is not this one."""
    renamed = replace(place.listing(), name=FileName.parse("demo-2.0-py3-none-any.whl"))
    assert codes(place.asked(listing=renamed)) == ["subject-name"]


def test_other_bytes_under_its_name(place: Place) -> None:
    assert codes(place.asked(content=place.demo.content + b"x")) == ["subject-digest"]


def test_two_bundles_of_different_publishers(place: Place) -> None:
    """Both are whose they say: which of them is expected is for the policy to say."""
    other = {"kind": "GitHub", "repository": "evil/demo", "workflow": "release.yml"}
    place.serve(
        provenance((PUBLISHER, [attest(place.demo)]), (other, [attest(place.demo, GitHub(repository="evil/demo"))]))
    )
    assert [one.identity.repository for one in verified(place.asked())] == ["acme/demo", "evil/demo"]


def test_a_bundle_of_another_publisher_than_the_index_says(place: Place) -> None:
    place.serve(provenance((PUBLISHER, [attest(place.demo, GitHub(repository="evil/demo"))])))
    assert codes(place.asked()) == ["identity-mismatch"]


def test_another_sigstore(place: Place) -> None:
    """Staging against production: a root does not know the other's log, whatever the names."""
    other = LocalSigstore.create(now=SIGSTORE.now)
    assert codes(place.asked(verifier=AttestationVerifier(other.trusted_root_json()))) == ["log-mismatch"]


@pytest.mark.parametrize("years", [-10, 10])
def test_a_clock_ten_years_off(place: Place, years: int, monkeypatch: pytest.MonkeyPatch) -> None:
    class Wrong(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Wrong:
            return cls(2026 + years, 1, 1, tzinfo=tz)

    monkeypatch.setattr("sigstore._utils.datetime", Wrong)
    monkeypatch.setattr("sigstore.verify.verifier.datetime", Wrong, raising=False)
    monkeypatch.setattr(time, "time", lambda: Wrong.now(timezone.utc).timestamp())
    fresh = AttestationVerifier(SIGSTORE.trusted_root_json())
    assert len(verified(place.asked(verifier=fresh))) == 1
    place.serve(provenance((PUBLISHER, [attest(place.demo, signature=b"none")])))
    assert codes(place.asked(verifier=fresh)) == ["signature"]


def test_a_file_that_a_person_named_has_no_provenance_of_an_index(place: Place) -> None:
    with served() as attestations:
        artifact = place.artifact(place.listing())
        named = replace(artifact, origin=Local(url=Url(artifact.path.as_uri())))
        found = attestations.of(named, None, index_offers=False)
    assert isinstance(found, Attestations)
    assert (found.advertised, found.verified, found.sidecars) == (False, (), ())
    assert place.server.requests == []


def test_a_sidecar_beside_it_is_found(place: Place) -> None:
    with served() as attestations:
        artifact = place.artifact(place.listing())
        named = replace(artifact, origin=Local(url=Url(artifact.path.as_uri())))
        beside = artifact.path.with_name(artifact.path.name + ".publish.attestation")
        beside.write_text(json.dumps(attest(place.demo)))
        found = attestations.of(named, None, index_offers=False)
    assert len(verified(found)) == 1
    assert isinstance(found, Attestations)
    assert found.sidecars == (beside.name,)


# --- ahead of being asked


@dataclass
class Watched:
    """Tells what was prepared, and lets the real one do the rest."""

    ready: threading.Event = field(default_factory=threading.Event)
    prepared: list[int] = field(default_factory=list)
    hurts: Exception | None = None

    def prepare(self, wanted: Sequence[Attestation], about: About) -> None:  # noqa: ARG002
        self.prepared.append(len(wanted))
        self.ready.set()
        if self.hurts is not None:
            raise self.hurts

    def attestation(self, attestation: Attestation, about: About) -> VerifiedAttestation:
        return VERIFIER.attestation(attestation, about)

    def bundle(self, bundle: SigstoreBundle, about: About) -> VerifiedAttestation:
        return VERIFIER.bundle(bundle, about)


def pin(listing: Listing | None) -> Pin:
    return Pin(
        project=ProjectName.parse("demo"),
        version=Version("1.0"),
        extras=frozenset(),
        listing=listing,
        installed=None,
        metadata=None,
        parents=(),
    )


def threads() -> int:
    return sum(one.name == "safepip-ahead" for one in threading.enumerate())


def test_what_was_expected_is_fetched_once(place: Place) -> None:
    watched, listing = Watched(), place.listing()
    with served(watched) as attestations:
        attestations.expect([pin(listing), pin(listing)])
        assert watched.ready.wait(10)
        for _ in range(2):
            assert len(verified(attestations.of(place.artifact(listing), listing, index_offers=True))) == 1
    assert place.server.paths() == [place.path]
    assert set(watched.prepared) == {1}


def test_a_failure_is_kept_and_told_when_it_is_asked_for(place: Place) -> None:
    place.server.fail(place.path, Fault(status=404))
    listing = place.listing()
    with served() as attestations:
        attestations.expect([pin(listing)])
        first = attestations.of(place.artifact(listing), listing, index_offers=True)
        assert "404" in why(first)
        assert attestations.of(place.artifact(listing), listing, index_offers=True) == first
    assert len(place.server.requests) == 1


@pytest.mark.parametrize("hurt", [MemoryError("x"), ValueError("x")])
def test_what_goes_wrong_ahead_is_not_raised(place: Place, hurt: Exception) -> None:
    watched, listing = Watched(hurts=hurt), place.listing()
    with served(watched) as attestations:
        attestations.expect([pin(listing)])
        assert watched.ready.wait(10)
        attestations.expect([pin(listing)])
        assert len(verified(attestations.of(place.artifact(listing), listing, index_offers=True))) == 1


@pytest.mark.parametrize("body", [b"<html>", b"[" * 100_000])
def test_a_document_that_is_none_prepares_nothing(place: Place, body: bytes) -> None:
    place.server.fail(place.path, Fault(body=body))
    watched, listing = Watched(), place.listing()
    with served(watched) as attestations:
        attestations.expect([pin(listing)])
        assert codes(attestations.of(place.artifact(listing), listing, index_offers=True)) == ["malformed"]
    assert watched.prepared == []


def test_where_nothing_is_attested_nothing_is_done(place: Place) -> None:
    before = threads()
    with served() as attestations:
        attestations.expect([pin(None), pin(replace(place.listing(), provenance=None))])
        assert threads() == before
    assert place.server.requests == []


def test_threads_end_with_the_run(place: Place) -> None:
    before = threads()
    slow = [place.server.world.publish("demo", f"2.{number}") for number in range(20)]
    for one in slow:
        one.provenance = b"{}"
    place.server.world.main.latency = 0.05
    pins = [pin(listing) for listing in place.page().listings]
    begun = time.monotonic()
    with served() as attestations:
        attestations.expect(pins)
        assert threads() > before
    deadline = time.monotonic() + 5
    while threads() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threads() == before
    assert time.monotonic() - begun < 10


# --- with a memory


def remembering(place: Place, inner: Verifier = VERIFIER) -> CachedVerifier:
    digest = hashlib.sha256(SIGSTORE.trusted_root_json()).hexdigest()
    return CachedVerifier(inner, CacheFolder(place.folder / "cache"), digest)


def test_what_is_remembered_prepares_nothing(place: Place) -> None:
    assert len(verified(place.asked(verifier=remembering(place)))) == 1
    watched, listing = Watched(), place.listing()
    place.server.forget()
    with served(remembering(place, watched)) as attestations:
        attestations.expect([pin(listing)])
        assert len(verified(attestations.of(place.artifact(listing), listing, index_offers=True))) == 1
    assert watched.prepared == []
    assert place.server.paths() == [place.path]  # asked for all the same


def strip(place: Place) -> None:
    place.server.fail(place.path, Fault(status=404))


def swap(place: Place) -> None:
    place.serve(provenance((PUBLISHER, [attest(place.demo, GitHub(repository="evil/demo"))])))


def break_it(place: Place) -> None:
    place.serve(provenance((PUBLISHER, [attest(place.demo, signature=b"none")])))


@pytest.mark.parametrize(
    ("change", "expected"),
    [(strip, "provenance-unavailable"), (swap, "identity-mismatch"), (break_it, "signature")],
)
def test_what_changed_since_is_noticed(place: Place, change: Callable[[Place], None], expected: str) -> None:
    assert len(verified(place.asked(verifier=remembering(place)))) == 1
    change(place)
    found = place.asked(verifier=remembering(place))
    assert (found.code if isinstance(found, Unavailable) else codes(found)[0]) == expected


def test_an_entry_that_was_edited_is_verified_anew(place: Place) -> None:
    first = verified(place.asked(verifier=remembering(place)))
    [entry] = [path for path in (place.folder / "cache").rglob("*") if path.is_file()]
    entry.write_bytes(entry.read_bytes().replace(b"acme", b"evil"))
    assert verified(place.asked(verifier=remembering(place))) == first
    assert b"evil" not in entry.read_bytes()


# --- the whole program


@pytest.fixture
def attested_world(command: Command) -> Iterator[tuple[Command, World]]:
    world = World()
    (command.folder / "root.json").write_bytes(SIGSTORE.trusted_root_json())
    for number in range(3):
        one = world.publish(f"demo-{number}", "1.0")
        one.provenance = provenance((PUBLISHER, [attest(one)]))
    with WorldServer(world) as server:
        variables = {"PIP_INDEX_URL": server.index().reveal(), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        yield replace(command, variables=variables), world


HEAVY = {"sigstore", "pydantic", "cryptography", "tuf", "rfc3161_client"}


def test_a_warm_run_verifies_nothing_and_imports_nothing_for_it(attested_world: tuple[Command, World]) -> None:
    safepip, world = attested_world
    asked = ["demo-0", "demo-1", "demo-2", "--dry-run", "--sp-trusted-root", "root.json"]

    def imported(*more: str) -> set[str]:
        result = safepip(*asked, *more, PYTHONPROFILEIMPORTTIME="1")
        assert result.exit == 0, result.stderr
        assert result.report is not None
        attested = [one["attestations"] for one in result.report["distributions"]]
        assert [len(one) for one in attested] == [1, 1, 1]
        return {line.rpartition("|")[2].strip().partition(".")[0] for line in result.stderr.splitlines()} & HEAVY

    assert "sigstore" in imported()
    assert imported() == set()
    assert "sigstore" in imported("--no-cache-dir")
    files = [one for files in world.main.projects.values() for one in files]
    files[0].provenance = provenance((PUBLISHER, [attest(files[0])]))  # made anew: nothing is remembered of it
    assert "sigstore" in imported()
