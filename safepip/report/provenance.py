"""Who published what, and which indexes let nobody tell: what text and JSON say about attestations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from safepip.formats.age import moment
from safepip.formats.publisher import describe
from safepip.formats.statement import PUBLISH, SIGNATURE, SLSA
from safepip.model.evidence import Build, VerifiedAttestation
from safepip.model.run import Distribution, Refusal, Run

_VERBS = {PUBLISH: "published by", SIGNATURE: "signed by", SLSA: "build attested by"}


def published_by(attested: Sequence[VerifiedAttestation]) -> str | None:
    """Who published it: by publish attestations, or plain signatures where there are none. Not by who built it."""
    return _names(attested, PUBLISH) or _names(attested, SIGNATURE)


def line_of(one: Distribution, granted: Mapping[str, str]) -> str | None:
    """What is said when an attested distribution has arrived; None where nothing attests it, or it is refused.

    granted: the roots that a policy brings in, digest -> name and place: a grant is shown wherever it was
    used. A valid signature of the wrong publisher is no good news: the refusal says whose it is.
    """
    if one.verdict.denied:
        return None
    for predicate, verb in _VERBS.items():
        names = _names(one.attested, predicate)
        if names is not None:
            first = min((a.logged_at for a in one.attested if a.predicate == predicate and a.logged_at), default=None)
            when = f", logged {moment(first)}" if first is not None else ""
            roots = sorted({granted[a.trust_root] for a in one.attested if a.trust_root in granted})
            by_whom = f"  (trusted root {', '.join(roots)})" if roots else ""
            return f"  Verified {one.verdict.subject.file}: {verb} {names}{when}{by_whom}"
    return None


def _names(attested: Sequence[VerifiedAttestation], predicate: str) -> str | None:
    return ", ".join(sorted({describe(one.identity) for one in attested if one.predicate == predicate})) or None


def attestation(one: VerifiedAttestation) -> dict[str, Any]:
    """One verified attestation, as its certificate, its log entry and its predicate say."""
    who = one.identity
    return {
        "predicate": one.predicate,
        "publisher": describe(who),
        "issuer": who.issuer,
        "repository_id": who.repository_id,
        "owner_id": who.owner_id,
        "trigger": who.trigger,
        "ref": who.ref,
        "environment": who.environment,
        "runner": who.runner,
        "logged_at": one.logged_at.strftime("%Y-%m-%dT%H:%M:%SZ") if one.logged_at is not None else None,
        "trust_root": one.trust_root,
        "build": _build(one.build) if one.build is not None else None,
    }


def _build(build: Build) -> dict[str, Any]:
    return {
        "builder": build.builder,
        "build_type": build.build_type,
        "source": build.source,
        "revision": build.revision,
    }


# -- indexes that offer none -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Unoffered:
    """An index without provenance, and all that was refused because of that, told as one."""

    index: str
    refusals: tuple[Refusal, ...]

    @property
    def projects(self) -> tuple[Refusal, ...]:
        """One refusal for each distribution, the first."""
        first: dict[str, Refusal] = {}
        for one in self.refusals:
            first.setdefault(one.project, one)
        return tuple(first.values())


def unoffered(run: Run) -> tuple[Unoffered, ...]:
    """The refusals that have no other cause than that an index offers no provenance, index by index."""
    indexes: dict[str, str | None] = {one.verdict.subject.project: _index(one) for one in run.distributions}
    lacking = {one.project for one in run.refusals if (one.check, one.code) == ("attestation", "index-offers-none")}
    groups: dict[str, list[Refusal]] = {}
    for refusal in run.refusals:
        index = indexes.get(refusal.project)
        if refusal.project in lacking and index is not None and _lacks(refusal):
            groups.setdefault(index, []).append(refusal)
    return tuple(Unoffered(index=index, refusals=tuple(refusals)) for index, refusals in groups.items())


def _lacks(refusal: Refusal) -> bool:
    """Whether it says only that there is no attestation."""
    return refusal.check in {"attestation", "publisher"} and refusal.code in {"index-offers-none", "required"}


def index_notes(run: Run) -> Iterator[str]:
    """One line for each index that offers no provenance and that something unattested came from."""
    told = {one.index for one in unoffered(run)}
    for seen in run.indexes:
        if seen.offers.provenance or seen.url in told:
            continue
        count = sum(1 for one in run.distributions if not one.attested and _index(one) == seen.url)
        if count:
            which = f"{count} distribution{'s' * (count != 1)}"
            yield f"No provenance: {seen.url} does not offer any, so nobody can tell who published {which} from there"


def _index(one: Distribution) -> str | None:
    artifact = one.verdict.subject.artifact
    listing = artifact.listing if artifact is not None else None
    return str(listing.index) if listing is not None else None
