"""The law of layers: the merge of two layers allows nothing that either forbids."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st

from safepip import checks
from safepip.decide import decide
from safepip.formats.age import parse_age, render_age
from safepip.formats.statement import PUBLISH, SIGNATURE, SLSA
from safepip.model.artifact import HashPin
from safepip.model.evidence import Attestations, Build, Expected, RejectedAttestation, VerifiedAttestation
from safepip.model.levels import CHECKS
from safepip.model.neighbours import Neighbours
from safepip.model.policy import Policy
from safepip.model.publisher import Identity
from safepip.model.verdict import Finding, Outcome
from tests.factories import NOW, artifact, contents, dossier, history, policy, sha256, subject

levels = st.sampled_from(["off", "warn", "deny"])
ages = st.one_of(st.integers(0, 40).map(lambda days: f'"{days}d"'), st.just("2026-01-01"), st.just('"36h"'))


@st.composite
def slsa_rules(draw: st.DrawFn) -> str:
    parts = {
        "builder": st.sampled_from(['"https://github.com/actions/*"', '"*"', '"https://github.com/acme/*"']),
        "build-type": st.just('"https://actions.github.io/buildtypes/workflow/v1"'),
        "source": st.sampled_from(['"https://github.com/psf/*"', '"*"', '"https://github.com/acme/builder"']),
        "revision": st.sampled_from(['"0*"', '"1*"']),
        "signers": st.sampled_from(['["github:psf/requests"]', '["github:acme/builder"]']),
    }
    chosen = draw(st.lists(st.sampled_from(sorted(parts)), min_size=1, max_size=3, unique=True))
    return "{ " + ", ".join(f"{key} = {draw(parts[key])}" for key in chosen) + " }"


@st.composite
def rules(draw: st.DrawFn) -> str:
    lines = []
    for key, values in (
        ("hashes", st.sampled_from(['"off"', '"roots"', '"all"'])),
        ("minimum-age", ages),
        ("first-release-age", ages),
        ("attestations", st.sampled_from(['"off"', '"warn"', '"first-use"', '"require"'])),
        ("publishers", st.sampled_from(['["github:psf/requests"]', '["github:acme/builder", "github:psf/requests"]'])),
        ("predicates", st.sampled_from(['["publish"]', '["slsa"]', '["publish", "signature"]'])),
        ("slsa", slsa_rules()),
    ):
        if draw(st.booleans()):
            lines.append(f"{key} = {draw(values)}")
    return "\n".join(lines)


@st.composite
def layers(draw: st.DrawFn) -> str:
    text = ""
    if draw(st.booleans()):
        text += f'profile = "{draw(st.sampled_from(["standard", "strict"]))}"\n'
    text += f"[rules]\n{draw(rules())}\n[checks]\n"
    for check in draw(st.lists(st.sampled_from(sorted(CHECKS)), unique=True, max_size=3)):
        text += f'{check} = "{draw(levels)}"\n'
    if draw(st.booleans()):
        text += f'[projects."{draw(st.sampled_from(["demo", "d*", "other", "*"]))}"]\n{draw(rules())}\n'
    return text


WHO = Identity(
    kind="github",
    issuer="https://token.actions.githubusercontent.com",
    subject="https://github.com/psf/requests/.github/workflows/publish.yml@refs/tags/v1",
    repository="psf/requests",
    repository_id="1",
    owner_id="2",
    workflow="publish.yml",
    environment=None,
    ref="refs/tags/v1",
    trigger="push",
    runner="github-hosted",
    build_signer="https://github.com/psf/requests/.github/workflows/publish.yml@refs/tags/v1",
)
BUILDER = "https://github.com/acme/builder/.github/workflows/build.yml@refs/heads/main"
BUILT_ELSEWHERE = replace(
    WHO, subject=BUILDER, build_signer=BUILDER, repository="acme/builder", repository_id="3", owner_id="4"
)
MAIL = replace(WHO, kind="email", subject="a@b.example", repository=None, repository_id=None, build_signer=None)
BUILD = Build(
    builder="https://github.com/actions/runner/github-hosted",
    build_type="https://actions.github.io/buildtypes/workflow/v1",
    source="https://github.com/psf/requests",
    revision="0" * 40,
)
ATTESTED = tuple(
    VerifiedAttestation(predicate=predicate, identity=who, logged_at=NOW, trust_root="0" * 64, build=build)
    for predicate, who, build in (
        (PUBLISH, WHO, None),
        (PUBLISH, BUILT_ELSEWHERE, None),
        (SIGNATURE, MAIL, None),
        (SLSA, WHO, BUILD),
        (SLSA, MAIL, BUILD),
        (SLSA, BUILT_ELSEWHERE, replace(BUILD, source="https://github.com/acme/builder", revision=None)),
    )
)
REJECTED = (
    RejectedAttestation(code="unknown-predicate", message="of another kind", known=False),
    RejectedAttestation(code="signature", message="it is wrong", known=True),
)


@dataclass(frozen=True)
class Case:
    """One file, as it may present itself."""

    pinned: bool
    uploaded: int | None
    first: int
    requested: bool
    offers: bool
    verified: tuple[VerifiedAttestation, ...]
    rejected: tuple[RejectedAttestation, ...]


OLD = Case(pinned=False, uploaded=60, first=90, requested=True, offers=True, verified=(), rejected=())


@st.composite
def cases(draw: st.DrawFn) -> Case:
    offers = draw(st.booleans())
    verified = draw(st.lists(st.sampled_from(ATTESTED), max_size=4)) if offers else []
    return Case(
        pinned=draw(st.booleans()),
        uploaded=draw(st.one_of(st.none(), st.integers(0, 60))),
        first=draw(st.integers(0, 90)),
        requested=draw(st.booleans()),
        offers=offers,
        verified=tuple(verified),
        rejected=draw(st.sampled_from([(), (), (), REJECTED[:1], REJECTED])) if verified else (),
    )


def refuses(under: Policy, case: Case) -> bool:
    about = subject(
        artifact(pins=(frozenset({HashPin("sha256", sha256(b"demo"))}),) if case.pinned else ()),
        requested=case.requested,
    )
    uploaded = None if case.uploaded is None else NOW - timedelta(days=case.uploaded)
    past = history(uploaded=uploaded, first_upload=NOW - timedelta(days=case.first))
    attested = Attestations(
        advertised=bool(case.verified),
        index_offers=case.offers,
        verified=case.verified,
        rejected=case.rejected,
        claimed_publishers=(),
    )
    nobody = Expected(locked=(), locked_place=None, recorded=(), previous=None)
    alone = Neighbours(clashes=())
    papers = dossier(about, replace(past, attested=bool(case.verified)), contents(), attested, nobody, alone)
    active = [one for one in checks.ALL if one.ID in under.active(about.project)]
    said = [_written(finding) for one in active for finding in one.check(papers, under, NOW)]
    verdict = decide(about, under, said, asked=[one.ID for one in active], today=NOW.date())
    return bool(verdict.denied or verdict.unasked)


def _written(finding: Finding) -> Finding:
    """What nobody wrote down yields to what a layer writes, as the ledger does to a pin: that is no law of layers.

    So it is left out here that, where no layer asks for a provenance, whoever builds is held to be whoever publishes.
    """
    if (finding.check, finding.code) == ("publisher", "slsa-signer"):
        return replace(finding, outcome=Outcome.PASS)
    return finding


@given(layers(), layers(), cases())
@settings(max_examples=400)
@example(
    '[rules]\nslsa = { builder = "*" }',
    '[rules]\npublishers = ["github:acme/builder"]\n[projects.demo]\nslsa = { signers = ["github:acme/builder"] }',
    replace(OLD, verified=(ATTESTED[1], ATTESTED[4])),
)
@example(
    '[rules]\nslsa = { builder = "https://github.com/actions/*" }',
    '[rules]\npublishers = ["github:psf/requests", "github:acme/builder"]',
    replace(OLD, verified=(ATTESTED[0], ATTESTED[5])),
)
def test_a_merge_allows_nothing_that_either_layer_forbids(outer: str, inner: str, case: Case) -> None:
    if refuses(policy(outer), case) or refuses(policy(inner), case):
        assert refuses(policy(outer, inner), case)
        assert refuses(policy(inner, outer), case)


def test_the_law_is_not_empty() -> None:
    """Whatever a layer may ask of attestations, there is a file that meets it and one that does not."""
    asked = '[projects.demo]\npublishers = ["github:psf/requests"]\nslsa = { source = "https://github.com/psf/*" }'
    sound = replace(OLD, verified=(ATTESTED[0], ATTESTED[3]))
    assert not refuses(policy(), OLD)
    assert not refuses(policy(asked), sound)
    assert refuses(policy(asked), replace(sound, verified=(ATTESTED[0], ATTESTED[4])))
    assert refuses(policy(asked), replace(sound, verified=(ATTESTED[0],)))
    assert refuses(policy(asked), replace(sound, rejected=REJECTED))
    assert refuses(policy(asked), replace(OLD, offers=False))


@given(layers(), cases())
def test_a_layer_never_allows_what_the_defaults_forbid(layer: str, case: Case) -> None:
    if refuses(policy(), case):
        assert refuses(policy(layer), case)


@given(st.one_of(st.integers(0, 5000).map(lambda n: f"{n}d"), st.integers(0, 99999).map(lambda n: f"{n}h")))
def test_ages_are_printed_as_they_are_read(text: str) -> None:
    assert parse_age(render_age(parse_age(text))) == parse_age(text)
