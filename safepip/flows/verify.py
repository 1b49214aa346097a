"""`safepip verify`: Targets -> Artifacts -> Dossiers -> Findings -> Verifications. Nothing is installed.

Two judges, each for what was told to it, and both must agree:

* The house's own checks (`digest`, `attestation`, `publisher`) judge a distribution against what stands written: the
  pins of the policy, the ledger, required predicates. They are the ones that `install` asks, so there is one rule. Only
  their findings are used, not the policy's levels and waivers: those say what may be installed in spite of an answer,
  and this command is asked for the answer. What the standard profile would merely warn of is a note here too.
* What was typed for this very command (`--publisher`, `--identity`, `--key`) is compared here, with the same
  `differences` that the check uses. It is one expectation more and takes nothing from the policy's: whoever may type
  an option must not be able to loosen what an administrator pinned.

A file that is no distribution belongs to no project, so no policy can speak of it: for that one the rules of
`attestation` that need no project are kept here (what is attested must hold, and something must).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from urllib.parse import unquote

from safepip.checks import Check, attestation, digest, publisher
from safepip.errors import BadInput, CouldNotCheck, Malformed, SafepipError
from safepip.formats.publisher import printable, render_publisher
from safepip.model.artifact import Artifact, Indexed, Listing
from safepip.model.evidence import Attestations, Dossier, Expected, Subject, Unavailable
from safepip.model.ident import ProjectName, Sha256, Url
from safepip.model.levels import CHECKS, CODES, Level, Profile
from safepip.model.policy import Policy
from safepip.model.verdict import Finding, Outcome
from safepip.model.verification import (
    Decision,
    Examined,
    Expectation,
    Objection,
    OfDigest,
    OfFile,
    OfIndex,
    Target,
    Verification,
)
from safepip.ports import Catalog, Clock, Store
from safepip.report.expected import typed_objections, unexpected

_CHECKS: tuple[Check, ...] = (digest, attestation, publisher)
_DIGESTS = frozenset({"sha256", "sha384", "sha512"})


class Witnesses(Protocol):
    """What is said about a file, and by whom it should be said. Raises SafepipError."""

    def examine(self, target: OfFile) -> Examined:
        """Read the file once; whatever is verified is verified about the bytes of that reading."""
        ...

    def attestations(self, examined: Examined) -> Attestations | Unavailable: ...

    def expected(self, examined: Examined) -> Expected | Unavailable:
        """What the ledger and the project's history say; asked for distributions alone."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked.

    document: the name of what was named beside the target as attesting it; None for what lies there or is served
    offline:  no index is asked for anything
    """

    targets: tuple[Target, ...]
    expectation: Expectation
    document: str | None
    offline: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The ports, and who made them is no concern of this flow."""

    catalog: Catalog
    store: Store
    witnesses: Witnesses
    clock: Clock


def verify(request: Request, policy: Policy, world: World) -> tuple[Verification, ...]:
    """Judge every target. What goes wrong with one is its own answer and hides no other's."""
    return tuple(_verify(target, request, policy, world) for target in request.targets)


def _verify(target: Target, request: Request, policy: Policy, world: World) -> Verification:
    try:
        examined = _examine(target, request, world)
        seen = world.witnesses.attestations(examined)
        expected = world.witnesses.expected(examined) if examined.file is not None else None
    except SafepipError as error:
        return _verification(target, None, None, (), objections=(_of_error(error),))
    if isinstance(seen, Unavailable):
        objection = Objection(decision=Decision.UNKNOWN, code=seen.code, message=seen.why, hint=_LATER)
        return _verification(target, examined, None, (), objections=(objection,))
    sources = (request.document,) if request.document is not None else seen.sidecars
    judgement = _Judgement(examined, seen, sources, expected, policy, request.expectation)
    objections = tuple(judgement.objections(world.clock.now()))
    met = () if objections else tuple(judgement.met())
    if not objections and not met:
        objections = (unexpected(seen.verified),)
    return _verification(target, examined, seen, sources, objections=objections, met=met, notes=tuple(judgement.notes))


_LATER = "try again, or mend it; what is known to be there and cannot be had is not the same as none"


def _of_error(error: SafepipError) -> Objection:
    """A file that cannot be read, an index that does not answer: nothing is known, and nothing is assumed."""
    told = "; ".join([error.message, *(f"{label}: {text}" for label, text in error.context)])
    return Objection(decision=Decision.UNKNOWN, code=error.reference, message=told, hint=error.hint)


def _verification(
    target: Target,
    examined: Examined | None,
    seen: Attestations | None,
    sources: tuple[str, ...],
    *,
    objections: tuple[Objection, ...],
    met: tuple[str, ...] = (),
    notes: tuple[str, ...] = (),
) -> Verification:
    return Verification(
        target=str(target),
        file=examined.label if examined is not None else None,
        sha256=examined.sha256 if examined is not None else None,
        sources=sources,
        verified=seen.verified if seen is not None else (),
        rejected=seen.rejected if seen is not None else (),
        met=met,
        notes=notes,
        objections=objections,
    )


# --- what the target is


def _examine(target: Target, request: Request, world: World) -> Examined:
    if isinstance(target, OfFile):
        return world.witnesses.examine(target)
    if isinstance(target, OfDigest):
        label = str(target.name) if target.name is not None else None
        digests = {"sha256": target.sha256}
        return Examined(label=label, file=target.name, sha256=target.sha256, digests=digests, artifact=None)
    if request.offline:
        raise CouldNotCheck(
            "offline", "--offline forbids to ask the index", hint="leave it out, or name the file and its --provenance"
        )
    return _of_index(target, world)


def _of_index(target: OfIndex, world: World) -> Examined:
    """Fetch a listed file as `install` would: its digest is a fact only once we have computed it."""
    project = world.catalog.project(target.name.project)
    for page in project.pages:
        for listing in page.listings:
            # A page may give an address another name: then it is not the file that was asked about.
            if _same_address(listing.url, target.url) and listing.name == target.name:
                return _fetched(listing, target, Indexed(listing=listing, page=page), world)
    asked = ", ".join(str(page.index) for page in project.pages) or "no index that is asked knows the project"
    raise BadInput(
        "not-listed",
        f"no configured index lists {target.url}",
        context=[("asked", asked)],
        hint="name the index with --index-url, or download the file and name its --provenance",
    )


def _same_address(listed: Url, asked: Url) -> bool:
    """However each of them is quoted: what is fetched is what is listed."""
    try:
        return (listed.origin, _path(listed)) == (asked.origin, _path(asked))
    except Malformed:
        return False


def _path(url: Url) -> str:
    return unquote(url.plain.partition("://")[2].partition("/")[2])


def _fetched(listing: Listing, target: OfIndex, origin: Indexed, world: World) -> Examined:
    path, digests, size = world.store.fetch(listing, _DIGESTS)
    artifact = Artifact(
        name=listing.name,
        sha256=Sha256.parse(digests["sha256"]),
        digests=digests,
        size=size,
        path=path,
        origin=origin,
        pins=(frozenset({target.pin}),) if target.pin is not None else (),
    )
    return Examined(
        label=str(listing.name), file=listing.name, sha256=artifact.sha256, digests=digests, artifact=artifact
    )


# --- what is made of it


class _Judgement:
    """Both judges over one target. `notes` fills up while the objections are asked for."""

    def __init__(
        self,
        examined: Examined,
        seen: Attestations,
        sources: tuple[str, ...],
        expected: Expected | Unavailable | None,
        policy: Policy,
        typed: Expectation,
    ) -> None:
        self._examined, self._seen, self._sources, self._expected = examined, seen, sources, expected
        self._policy, self._typed = policy, typed
        self._compared = False
        self.notes: list[str] = [
            f"passed over, being of a kind that safepip does not understand: {one.message}"
            for one in seen.rejected
            if not one.known
        ]

    def objections(self, now: datetime) -> Iterator[Objection]:
        """All of them, the weightiest first."""
        if not self._seen.verified and not self._seen.rejected:
            yield _nothing(self._seen, self._sources)
        elif self._examined.file is None:
            yield from self._without_project()
        else:
            yield from self._by_checks(now)
        if self._seen.verified:
            yield from typed_objections(self._typed, self._seen.verified)

    def met(self) -> Iterator[str]:
        """What was expected, where there is no objection: then all of it was met."""
        typed = self._typed
        if typed.publishers:
            yield f"--publisher {' or '.join(render_publisher(pin) for pin in typed.publishers)}"
        if typed.signer is not None:
            yield f"--identity {typed.signer}"
        if typed.key is not None:
            yield f"--key {typed.key}"
        if self._examined.file is None:
            return
        pinned = self._policy.rules_for(self._examined.file.project).publishers
        for pins in pinned:
            yield f"{' or '.join(render_publisher(pin) for pin in pins.value)} ({pins.place})"
        recorded = self._expected.recorded if isinstance(self._expected, Expected) else ()
        if not pinned and recorded and self._compared:
            yield f"the publisher recorded in {' and '.join(one.place for one in recorded)}"

    def _without_project(self) -> Iterator[Objection]:
        broken = [one for one in self._seen.rejected if one.known]
        for one in broken or self._seen.rejected[: not self._seen.verified]:
            yield Objection(decision=Decision.REFUSED, code=one.code, message=one.message, hint=None)

    def _by_checks(self, now: datetime) -> Iterator[Objection]:
        file = self._examined.file
        assert file is not None  # noqa: S101 - the caller has looked
        subject = Subject(
            project=file.project, version=file.version, file=file, artifact=self._examined.artifact, requested=True
        )
        pieces = (self._seen, *([self._expected] if self._expected is not None else []))
        dossier = Dossier(subject=subject, evidence=pieces)
        answered = self._answered_by_typing()
        for check in _CHECKS:
            if check is digest and self._examined.artifact is None:
                continue  # a digest was typed, and there is nothing to compare it with
            for finding in check.check(dossier, self._policy, now):
                # A record that does not bind this file, and one that nobody could be compared with, is not met.
                self._compared |= check is publisher and finding.code in {publisher.ID, "claims-changed"}
                if finding.outcome is Outcome.PASS or (check is publisher and finding.code in answered):
                    continue
                if _decides(finding, self._policy, file.project):
                    yield _of_finding(finding)
                else:
                    self.notes.append(finding.message)

    def _answered_by_typing(self) -> frozenset[str]:
        """What the check asks of a publisher that nobody expects, and a typed one is asked anyway (`differences`)."""
        assert self._examined.file is not None  # noqa: S101 - the caller has looked
        expected = self._expected
        standing = bool(self._policy.rules_for(self._examined.file.project).publishers) or (
            isinstance(expected, Expected) and bool(expected.recorded or expected.previous)
        )
        return frozenset({"trigger", "builder"}) if self._typed.publishers and not standing else frozenset()


def _nothing(seen: Attestations, sources: tuple[str, ...]) -> Objection:
    if sources or seen.advertised:
        where = sources[0] if sources else "the index"
        code, text = "empty", f"{printable(where)} holds no attestation; an empty list verifies nothing"
    else:
        code, text = "unattested", "nothing attests this file"
    hint = "name what attests it with --provenance or --bundle" if code == "unattested" else None
    return Objection(decision=Decision.REFUSED, code=code, message=text, hint=hint)


def _decides(finding: Finding, policy: Policy, project: ProjectName) -> bool:
    """Whether it denies under the standard profile or under the policy, whichever is stricter."""
    standard = CODES.get((finding.check, finding.code), CHECKS[finding.check].levels)[Profile.STANDARD]
    return max(standard, policy.level(finding.check, finding.code, project).value) is Level.DENY


def _of_finding(finding: Finding) -> Objection:
    decision = Decision.REFUSED if finding.outcome is Outcome.FAIL else Decision.UNKNOWN
    return Objection(decision=decision, code=finding.code, message=finding.message, hint=finding.hint)
