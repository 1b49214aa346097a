"""Who is expected to have published a file, with a real verifier and a local Sigstore."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import cast

import pytest

from safepip.errors import CouldNotCheck
from safepip.formats.publisher import parse_publisher
from safepip.formats.pylock import LockedPublishers
from safepip.formats.statement import SLSA
from safepip.io.attestation import AttestationVerifier
from safepip.io.expectation import Expectations
from safepip.model.artifact import IndexPage, Listing, Project
from safepip.model.evidence import Expected, Previous, Unavailable
from safepip.model.ident import FileKind, ProjectName, Url
from safepip.model.ledger import Recorded
from safepip.model.policy import Policy
from safepip.ports import Catalog
from tests.factories import INDEX, NOW, OLD, artifact, listing, page, pin, policy, project, sha256
from tests.sigstore import GitHub, LocalSigstore
from tests.world.ports import MemoryLedger

SIGSTORE = LocalSigstore.create(NOW - timedelta(days=100))
VERIFIER = AttestationVerifier(SIGSTORE.trusted_root_json())
CLAIM = {"kind": "GitHub", "repository": "acme/demo", "workflow": "release.yml"}


@dataclass
class Served:
    """Provenance documents by address; `asked` is what was fetched."""

    documents: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def __call__(self, url: Url) -> bytes:
        self.asked.append(url.plain)
        if url.plain not in self.documents:
            raise CouldNotCheck("provenance-unavailable", f"{url} answers 503")
        return self.documents[url.plain]

    def publish(self, version: str, day: float, *, by: GitHub | None = None, content: bytes | None = None) -> Listing:
        """A wheel with an attestation of `by`, about `content` where that is not what is listed."""
        one = listing(f"demo-{version}-py3-none-any.whl", content=version.encode(), uploaded=OLD + timedelta(days=day))
        url = Url(f"{one.url.plain}.provenance")
        digest = sha256(content if content is not None else version.encode())
        attestation = SIGSTORE.attest(one.name.text, digest, by or GitHub())
        self.documents[url.plain] = SIGSTORE.provenance([attestation], CLAIM)
        return replace(one, provenance=url)


class OneProject:
    """`ahead` keeps what it is given."""

    def __init__(self, known: IndexPage) -> None:
        self.known = Project(name=known.project, pages=(known,))
        self.begun: list[Callable[[], None]] = []

    def project(self, _: ProjectName) -> Project:
        return self.known

    def ahead(self, work: Callable[[], None]) -> None:
        self.begun.append(work)


@dataclass
class Scene:
    served: Served
    listings: tuple[Listing, ...]
    under: Policy = field(default_factory=policy)
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    locked: tuple[LockedPublishers, ...] = ()
    catalog: OneProject = field(init=False)
    made: Expectations = field(init=False)

    def __post_init__(self) -> None:
        self.catalog = OneProject(page(*self.listings))
        self.made = Expectations(
            policy=self.under,
            ledger=self.ledger,
            catalog=cast("Catalog", self.catalog),
            served=self.served,
            verifier_for=lambda _, __: VERIFIER,
            locked=self.locked,
        )

    def of(self, one: Listing) -> Expected | Unavailable:
        return self.made.of(artifact(one, content=str(one.name.version).encode()), one)

    def previous(self, one: Listing) -> Previous | None:
        expected = self.of(one)
        assert isinstance(expected, Expected), expected
        return expected.previous


@pytest.fixture
def served() -> Served:
    return Served()


def recorded(publisher: str | None) -> Recorded:
    name = listing("demo-1.0-py3-none-any.whl").name
    who = parse_publisher(publisher) if publisher is not None else None
    return Recorded(
        index=Url(INDEX.plain),
        project=project("demo"),
        kind=FileKind.WHEEL,
        publisher=who,
        file=name,
        uploaded=OLD,
        recorded_at=NOW,
        place="ledger.toml:1",
    )


def ledger(publisher: str | None) -> MemoryLedger:
    one = recorded(publisher)
    return MemoryLedger({(one.index.plain, one.project, one.kind): one})


def test_the_release_before_says_who_publishes(served: Served) -> None:
    old, new = served.publish("1.0", 0), served.publish("1.1", 50, by=GitHub(repository="evil/demo"))
    scene = Scene(served, (old, new))
    previous = scene.previous(new)
    assert previous is not None
    assert previous.file == old.name
    assert [one.repository for one in previous.identities] == ["acme/demo"]
    scene.previous(new)
    assert served.asked == [f"{old.url.plain}.provenance"]  # once a run


def test_a_first_release_has_none(served: Served) -> None:
    new = served.publish("1.0", 0)
    assert Scene(served, (new,)).previous(new) is None
    assert served.asked == []


def test_a_thief_cannot_be_his_own_witness(served: Served) -> None:
    old = served.publish("1.0", 0)
    first = served.publish("1.1", 50, by=GitHub(repository="evil/demo"))
    second = served.publish("1.2", 51, by=GitHub(repository="evil/demo"))
    previous = Scene(served, (old, first, second)).previous(second)
    assert previous is not None
    assert previous.file == old.name


@pytest.mark.parametrize(
    "changes",
    [
        {"under": policy('[projects.demo]\npublishers = ["github:acme/demo"]')},
        {"ledger": ledger("github:acme/demo")},
        {"ledger": ledger(None)},
        {
            "locked": (
                LockedPublishers(
                    project=project("demo"), publishers=(parse_publisher("github:acme/demo"),), place="pylock.toml:3"
                ),
            )
        },
    ],
)
def test_nothing_is_fetched_where_something_weightier_says(served: Served, changes: dict[str, object]) -> None:
    old, new = served.publish("1.0", 0), served.publish("1.1", 50)
    scene = Scene(served, (old, new), **changes)  # type: ignore[arg-type] # the fields say what they are
    assert scene.previous(new) is None
    scene.made.expect([pin(artifact(new))])
    for work in scene.catalog.begun:
        work()
    assert served.asked == []


def test_what_ledger_and_lock_say_is_handed_over(served: Served) -> None:
    new = served.publish("1.1", 50)
    who = parse_publisher("github:acme/demo")
    lock = LockedPublishers(project=project("demo"), publishers=(who,), place="pylock.toml:3")
    other = replace(lock, project=project("other"))
    found = Scene(served, (new,), ledger=ledger("github:acme/old"), locked=(other, lock)).of(new)
    assert isinstance(found, Expected)
    assert (found.locked, found.locked_place) == ((who,), "pylock.toml:3")
    assert found.recorded == (recorded("github:acme/old"),)


def test_a_record_of_a_later_file_says_nothing_of_the_past(served: Served) -> None:
    """Or a thief's old release would be let in by whoever remembers a younger one of the project's own."""
    old, evil = served.publish("0.1", -50), served.publish("0.2", -20, by=GitHub(repository="evil/demo"))
    previous = Scene(served, (old, evil), ledger=ledger("github:acme/demo")).previous(evil)
    assert previous is not None
    assert previous.file == old.name


def test_what_was_attested_after_it_was_accepted_that_nothing_is_has_a_history(served: Served) -> None:
    """Or one release without attestation, accepted once, would let everybody publish for ever."""
    old, again = served.publish("0.9", -10), served.publish("1.1", 30)
    evil = served.publish("1.2", 60, by=GitHub(repository="evil/demo"))
    scene = Scene(served, (old, again, evil), ledger=ledger(None))
    assert scene.previous(again) is None
    previous = scene.previous(evil)
    assert previous is not None
    assert previous.file == again.name


def test_a_copy_elsewhere_washes_nothing_off(served: Served) -> None:
    """What is remembered of an index, and its history, hold for a file of it, wherever that is taken from."""
    old, new = served.publish("1.0", 0), served.publish("1.1", 50, by=GitHub(repository="evil/demo"))
    copy = replace(new, index=Url("file:///wheels"), url=Url(f"file:///wheels/{new.name}"))
    for known in (MemoryLedger(), ledger("github:acme/demo")):
        scene = Scene(served, (old, new), ledger=known)
        folder = replace(page(copy), index=copy.index)
        scene.catalog.known = Project(name=new.name.project, pages=(page(old, new), folder))
        found = scene.of(copy)
        assert isinstance(found, Expected)
        assert found.recorded or (found.previous is not None and found.previous.file == old.name)
        strange = replace(copy, claimed={"sha256": "0" * 64})
        scene.catalog.known = Project(
            name=new.name.project, pages=(page(old, new), replace(folder, listings=(strange,)))
        )
        other = scene.of(strange)
        assert isinstance(other, Expected)
        assert not other.recorded


def test_locks_that_contradict_each_other_decide_nothing(served: Served) -> None:
    new = served.publish("1.1", 50)
    one, other = (
        LockedPublishers(project=project("demo"), publishers=(parse_publisher(who),), place=f"{who}.toml:1")
        for who in ("github:acme/demo", "github:acme/other")
    )
    found = Scene(served, (new,), locked=(one, other)).of(new)
    assert isinstance(found, Unavailable)
    assert found.code == "locks-differ"
    assert isinstance(Scene(served, (new,), locked=(one, replace(one, place="b.toml:1"))).of(new), Expected)


def test_a_stripped_file_still_meets_what_the_ledger_knows(served: Served) -> None:
    """A mirror took the provenance away: the record is there for whoever judges."""
    stripped = replace(served.publish("1.1", 50), provenance=None)
    found = Scene(served, (served.publish("1.0", 0), stripped), ledger=ledger("github:acme/demo")).of(stripped)
    assert isinstance(found, Expected)
    assert found.recorded == (recorded("github:acme/demo"),)
    assert found.previous is None
    assert served.asked == []


def test_an_unattested_file_asks_for_nothing(served: Served) -> None:
    new = replace(served.publish("1.1", 50), provenance=None)
    assert Scene(served, (served.publish("1.0", 0), new)).previous(new) is None
    assert served.asked == []


def test_a_file_that_a_person_named_has_no_history(served: Served) -> None:
    scene = Scene(served, (served.publish("1.0", 0),), ledger=ledger("github:acme/demo"))
    found = scene.made.of(artifact(local=True), None)
    assert found == Expected(locked=(), locked_place=None, recorded=(), previous=None)


def test_what_cannot_be_had_is_no_blank(served: Served) -> None:
    old, new = served.publish("1.0", 0), served.publish("1.1", 50)
    served.documents.pop(f"{old.url.plain}.provenance")
    found = Scene(served, (old, new)).of(new)
    assert isinstance(found, Unavailable)
    assert found.code == "previous-unavailable"
    assert "demo-1.0-py3-none-any.whl" in found.why
    assert "503" in found.why


@pytest.mark.parametrize("document", [b"", b"<html>", b"{}", b'{"version": 1, "attestation_bundles": "x"}'])
def test_what_cannot_be_read_is_no_blank(served: Served, document: bytes) -> None:
    old, new = served.publish("1.0", 0), served.publish("1.1", 50)
    served.documents[f"{old.url.plain}.provenance"] = document
    found = Scene(served, (old, new)).of(new)
    assert isinstance(found, Unavailable)
    assert found.code == "previous-unavailable"


def test_what_does_not_verify_is_no_witness(served: Served) -> None:
    old, new = served.publish("1.0", 0, content=b"other bytes"), served.publish("1.1", 50)
    found = Scene(served, (old, new)).of(new)
    assert isinstance(found, Unavailable)
    assert "subject-digest" in found.why


def test_without_a_stated_digest_nothing_can_be_said(served: Served) -> None:
    old, new = replace(served.publish("1.0", 0), claimed={}), served.publish("1.1", 50)
    found = Scene(served, (old, new)).of(new)
    assert isinstance(found, Unavailable)
    assert "states no sha256" in found.why


def test_who_built_it_is_no_publisher(served: Served) -> None:
    """A release that names no publisher leaves nothing to compare with, and that is known, not unknown."""
    old, new = served.publish("1.0", 0), served.publish("1.1", 50)
    built = SIGSTORE.attest(
        old.name.text,
        sha256(b"1.0"),
        GitHub(),
        predicate_type=SLSA,
        predicate={
            "buildDefinition": {"buildType": "https://build.example/v1", "externalParameters": {}},
            "runDetails": {"builder": {"id": "https://build.example"}},
        },
    )
    served.documents[f"{old.url.plain}.provenance"] = SIGSTORE.provenance([built], CLAIM)
    assert Scene(served, (old, new)).previous(new) is None


def test_it_is_begun_early(served: Served) -> None:
    old, new = served.publish("1.0", 0), served.publish("1.1", 50)
    scene = Scene(served, (old, new))
    scene.made.expect([pin(artifact(new)), pin(artifact(replace(new, provenance=None)))])
    [work] = scene.catalog.begun
    work()
    assert served.asked == [f"{old.url.plain}.provenance"]
