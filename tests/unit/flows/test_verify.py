"""The flow of `safepip verify` over ports in memory: what becomes of each answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import pytest

from safepip.errors import BadInput
from safepip.flows.verify import Request, World, verify
from safepip.formats.publisher import parse_publisher
from safepip.formats.statement import PUBLISH, SIGNATURE, SLSA
from safepip.model.artifact import Artifact, Local
from safepip.model.evidence import (
    Attestations,
    Expected,
    Kind,
    Previous,
    RejectedAttestation,
    Unavailable,
    VerifiedAttestation,
)
from safepip.model.ident import FileName, Url
from safepip.model.ledger import Recorded
from safepip.model.policy import Policy
from safepip.model.publisher import Identity
from safepip.model.verification import Decision, Examined, Expectation, OfDigest, OfFile, OfIndex, Signer, Verification
from tests.factories import INDEX, NOW, OLD, WHO, policy, sha256
from tests.world import MemoryCatalog
from tests.world import World as Shelves

FILE = FileName.parse("demo-1.0-py3-none-any.whl")
CONTENT = b"demo"
OTHER = replace(WHO, repository="acme/other", repository_id="7", subject="https://github.com/acme/other/x")
PIN = "github:acme/demo/release.yml@refs/tags/*"
NOBODY = Expectation(publishers=(), signer=None, key=None)
NOTHING = Expected(locked=(), locked_place=None, recorded=(), previous=None)


def attested(identity: Identity = WHO, predicate: str = PUBLISH) -> VerifiedAttestation:
    return VerifiedAttestation(predicate=predicate, identity=identity, logged_at=NOW, trust_root="0" * 64)


def rejected(code: str = "signature", *, known: bool = True) -> RejectedAttestation:
    return RejectedAttestation(code=code, message="it does not hold", known=known)


def seen(
    *verified: VerifiedAttestation, bad: Sequence[RejectedAttestation] = (), where: str = "p.json"
) -> Attestations:
    return Attestations(
        advertised=False,
        index_offers=False,
        verified=verified,
        rejected=tuple(bad),
        claimed_publishers=(),
        sidecars=(where,) if where else (),
    )


def typed(*publishers: str, signer: Signer | None = None, key: str | None = None) -> Expectation:
    return Expectation(publishers=tuple(map(parse_publisher, publishers)), signer=signer, key=key)


@dataclass(kw_only=True)
class Told:
    """`Witnesses` with everything said beforehand."""

    seen: Attestations | Unavailable
    expected_: Expected | Unavailable = NOTHING
    asked: list[str] = field(default_factory=list)

    def examine(self, target: OfFile) -> Examined:
        self.asked.append("examine")
        if target.typed == "gone":
            raise BadInput("no-such-file", "there is no file 'gone'", context=[("label", "text")], hint="check")
        digests = {"sha256": sha256(CONTENT)}
        artifact = None
        if target.name is not None:
            artifact = Artifact(
                name=target.name,
                sha256=sha256(CONTENT),
                digests=digests,
                size=len(CONTENT),
                path=Path(target.typed),
                origin=Local(url=Url("file:///demo")),
                pins=(),
            )
        return Examined(
            label=target.path.name, file=target.name, sha256=sha256(CONTENT), digests=digests, artifact=artifact
        )

    def attestations(self, examined: Examined) -> Attestations | Unavailable:
        self.asked.append("attestations")
        assert examined.sha256 == sha256(CONTENT)
        return self.seen

    def expected(self, examined: Examined) -> Expected | Unavailable:
        self.asked.append("expected")
        assert examined.file is not None
        return self.expected_


class At:
    def now(self) -> datetime:
        return NOW


class NoStore:
    def fetch(self, *_: object) -> tuple[Path, dict[str, str], int]:
        raise AssertionError("nothing was to be fetched")


WHEEL = OfFile(typed=f"dist/{FILE}", name=FILE)
ANY = OfFile(typed="notes.txt", name=None)


def judge(
    told: Told,
    expectation: Expectation = NOBODY,
    *,
    target: OfFile | OfDigest | OfIndex = WHEEL,
    rules: Policy | None = None,
) -> Verification:
    world = World(catalog=MemoryCatalog(Shelves()), store=NoStore(), witnesses=told, clock=At())
    request = Request(targets=(target,), expectation=expectation, document=None, offline=True)
    [verification] = verify(request, rules or policy(), world)
    assert (verification.decision is Decision.VERIFIED) is (not verification.objections)
    return verification


def code(verification: Verification) -> str | None:
    return verification.leading.code if verification.leading is not None else None


@pytest.mark.parametrize("target", [WHEEL, ANY, OfDigest(sha256=sha256(CONTENT), name=FILE)])
@pytest.mark.parametrize(
    "expectation", [typed(PIN), typed("github:a/b", PIN), typed(signer=Signer(subject=WHO.subject, issuer=WHO.issuer))]
)
def test_what_is_expected_is_met(target: OfFile | OfDigest, expectation: Expectation) -> None:
    verification = judge(Told(seen=seen(attested())), expectation, target=target)
    assert verification.decision is Decision.VERIFIED
    assert len(verification.met) == 1


@pytest.mark.parametrize("target", [WHEEL, ANY])
@pytest.mark.parametrize(
    ("verified", "expectation", "expected_code"),
    [
        ([WHO], NOBODY, "no-expectation"),
        ([OTHER], typed(PIN), "identity-mismatch"),
        ([WHO, OTHER], typed(PIN), "identity-mismatch"),
        ([OTHER, WHO], typed(PIN), "identity-mismatch"),
        ([replace(WHO, ref="refs/heads/main")], typed(PIN), "ref"),
        ([replace(WHO, trigger="pull_request_target")], typed(PIN), "trigger"),
        ([WHO, OTHER], typed(signer=Signer(subject=WHO.subject, issuer=WHO.issuer)), "identity-mismatch"),
        ([WHO], typed(PIN, signer=Signer(subject=OTHER.subject, issuer=WHO.issuer)), "identity-mismatch"),
        ([WHO], typed("github:a/b", signer=Signer(subject=WHO.subject, issuer=WHO.issuer)), "identity-mismatch"),
    ],
)
def test_what_is_expected_is_not_met(
    target: OfFile, verified: list[Identity], expectation: Expectation, expected_code: str
) -> None:
    told = Told(seen=seen(*map(attested, verified)))
    verification = judge(told, expectation, target=target)
    assert code(verification) == expected_code
    assert verification.decision is (Decision.UNKNOWN if expectation == NOBODY else Decision.REFUSED)


@pytest.mark.parametrize("target", [WHEEL, ANY])
@pytest.mark.parametrize(
    ("answer", "expected_code"),
    [
        (seen(), "empty"),
        (seen(where=""), "unattested"),
        (seen(bad=[rejected()]), "signature"),
        (seen(attested(), bad=[rejected()]), "signature"),
        (seen(bad=[rejected("unknown-predicate", known=False)]), "unknown-predicate"),
    ],
)
def test_nothing_good_or_something_bad(target: OfFile, answer: Attestations, expected_code: str) -> None:
    verification = judge(Told(seen=answer), typed(PIN), target=target)
    assert (verification.decision, code(verification)) == (Decision.REFUSED, expected_code)


@pytest.mark.parametrize("target", [WHEEL, ANY])
def test_an_unknown_kind_beside_a_good_one_is_a_note(target: OfFile) -> None:
    answer = seen(attested(), bad=[rejected("unknown-predicate", known=False)])
    verification = judge(Told(seen=answer), typed(PIN), target=target)
    assert verification.decision is Decision.VERIFIED
    assert len(verification.notes) == 1


@pytest.mark.parametrize("target", [WHEEL, ANY])
def test_could_not_ask_is_never_fine(target: OfFile) -> None:
    told = Told(seen=Unavailable(wanted=Kind.ATTESTATIONS, code="provenance-unavailable", why="gone"))
    verification = judge(told, typed(PIN), target=target)
    assert (verification.decision, code(verification)) == (Decision.UNKNOWN, "provenance-unavailable")


def test_a_file_that_cannot_be_read_is_an_answer() -> None:
    told = Told(seen=seen(attested()))
    verification = judge(told, typed(PIN), target=OfFile(typed="gone", name=FILE))
    assert (verification.decision, code(verification), verification.sha256) == (Decision.UNKNOWN, "no-such-file", None)
    assert told.asked == ["examine"]


def test_a_file_without_project_is_looked_up_nowhere() -> None:
    told = Told(seen=seen(attested(predicate=SIGNATURE)))
    assert judge(told, typed(PIN), target=ANY).decision is Decision.VERIFIED
    assert "expected" not in told.asked


def test_who_built_it_did_not_publish_it() -> None:
    told = Told(seen=seen(attested(predicate=SLSA)))
    assert code(judge(told, typed(PIN), target=ANY)) == "required"
    signer = typed(signer=Signer(subject=WHO.subject, issuer=WHO.issuer))
    assert judge(told, signer, target=ANY).decision is Decision.VERIFIED
    unexpected = judge(told, target=ANY).leading
    assert unexpected is not None
    assert unexpected.hint is not None
    assert "--identity" in unexpected.hint


PINNED = policy(f'[projects.demo]\npublishers = ["{PIN}"]')
PINNED_OTHER = policy('[projects.demo]\npublishers = ["github:acme/other"]')


def test_policies_are_expectations_and_what_is_typed_takes_nothing_from_them() -> None:
    told = Told(seen=seen(attested()))
    assert judge(told, rules=PINNED).decision is Decision.VERIFIED
    assert len(judge(told, typed(PIN), rules=PINNED).met) == 2
    for expectation in (NOBODY, typed(PIN), typed(signer=Signer(subject=WHO.subject, issuer=WHO.issuer))):
        verification = judge(told, expectation, rules=PINNED_OTHER)
        assert (verification.decision, code(verification)) == (Decision.REFUSED, "identity-mismatch")
    both = policy(f'[projects.demo]\npublishers = ["{PIN}"]', '[projects.demo]\npublishers = ["github:acme/other"]')
    assert judge(told, rules=both).decision is Decision.REFUSED


@pytest.mark.parametrize("soft", ['profile = "observe"\n', '[rules]\nattestations = "warn"\n'])
def test_no_level_softens_an_answer(soft: str) -> None:
    rules = policy(f'{soft}[projects.demo]\npublishers = ["github:acme/other"]')
    assert judge(Told(seen=seen(attested())), rules=rules).decision is Decision.REFUSED
    assert code(judge(Told(seen=seen(attested(), bad=[rejected()])), typed(PIN), rules=policy(soft))) == "signature"


def test_what_a_policy_requires_besides_must_be_there() -> None:
    rules = policy(f'[projects.demo]\npublishers = ["{PIN}"]\npredicates = ["publish", "slsa"]')
    assert code(judge(Told(seen=seen(attested())), rules=rules)) == "predicate"


def recorded(repository: str = "acme/demo", *, ids: str = "repository-id=1001&owner-id=2002") -> Expected:
    publisher = parse_publisher(f"github:{repository}/release.yml@refs/tags/v0.9#{ids}")
    record = Recorded(
        index=INDEX,
        project=FILE.project,
        kind=FILE.kind,
        publisher=publisher,
        file=FileName.parse("demo-0.9-py3-none-any.whl"),
        uploaded=OLD,
        recorded_at=OLD,
        place="safepip-publishers.toml:4",
    )
    return replace(NOTHING, recorded=(record,))


def test_a_record_is_an_expectation() -> None:
    [met] = judge(Told(seen=seen(attested()), expected_=recorded())).met
    assert "safepip-publishers.toml:4" in met
    told = Told(seen=seen(attested(OTHER)), expected_=recorded())
    assert judge(told).decision is Decision.REFUSED
    assert judge(told, typed("github:acme/other")).decision is Decision.REFUSED


def test_a_record_that_the_project_attests_no_more_names_nobody() -> None:
    expected = recorded()
    unattested = replace(expected, recorded=(replace(expected.recorded[0], publisher=None),))
    assert code(judge(Told(seen=seen(attested()), expected_=unattested))) == "no-expectation"


def test_a_record_that_nobody_could_be_compared_with_is_not_met() -> None:
    assert judge(Told(seen=seen(attested(predicate=SLSA)), expected_=recorded())).decision is not Decision.VERIFIED


def test_a_history_is_no_expectation_that_anybody_named() -> None:
    history = replace(
        NOTHING, previous=Previous(file=FILE, index=Url("https://index.example/simple"), identities=(WHO,))
    )
    assert code(judge(Told(seen=seen(attested()), expected_=history))) == "no-expectation"


def test_a_history_that_cannot_be_had_leaves_it_open() -> None:
    told = Told(
        seen=seen(attested()),
        expected_=Unavailable(wanted=Kind.EXPECTATION, code="previous-unavailable", why="not to be had"),
    )
    assert code(judge(told, typed(PIN))) == "previous-unavailable"


def test_a_dangerous_trigger_that_was_typed_is_who_was_expected() -> None:
    who = replace(WHO, trigger="pull_request_target")
    told = Told(seen=seen(attested(who)))
    assert judge(told, typed(f"{PIN}#trigger=pull_request_target")).decision is Decision.VERIFIED
    assert code(judge(told)) == "trigger"
    for rules, expected in ((PINNED, NOTHING), (policy(), recorded())):  # and it takes nothing from what stands written
        told = Told(seen=seen(attested(who)), expected_=expected)
        assert code(judge(told, typed(f"{PIN}#trigger=pull_request_target"), rules=rules)) == "trigger"


def test_offline_asks_no_index() -> None:
    target = OfIndex(url=Url(f"https://index.example/files/{FILE}"), name=FILE, pin=None)
    told = Told(seen=seen(attested()))
    verification = judge(told, typed(PIN), target=target)
    assert (verification.decision, code(verification)) == (Decision.UNKNOWN, "offline")
    assert told.asked == []


def test_every_target_is_judged_whatever_becomes_of_the_others() -> None:
    told = Told(seen=seen(attested()))
    world = World(catalog=MemoryCatalog(Shelves()), store=NoStore(), witnesses=told, clock=At())
    targets = (OfFile(typed="gone", name=FILE), WHEEL)
    answers = verify(Request(targets=targets, expectation=typed(PIN), document=None, offline=False), policy(), world)
    assert [one.decision for one in answers] == [Decision.UNKNOWN, Decision.VERIFIED]
