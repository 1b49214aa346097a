"""Who published the file is who the policy pins. docs/checks/publisher.md"""

from __future__ import annotations

from datetime import datetime
from fnmatch import fnmatchcase

from safepip.formats.publisher import describe, render_publisher
from safepip.formats.statement import PUBLISH
from safepip.model.evidence import Attestations, Dossier, Identity, Kind, Subject, Unavailable
from safepip.model.levels import Placed
from safepip.model.policy import Policy
from safepip.model.publisher import PublisherPin
from safepip.model.verdict import Finding, Outcome

ID = "publisher"
NEEDS = frozenset({Kind.ATTESTATIONS})

Pins = Placed[tuple[PublisherPin, ...]]


def check(dossier: Dossier, policy: Policy, now: datetime) -> tuple[Finding, ...]:
    """Every verified publish attestation must match a pin of each layer. `now` is not looked at.

    Only the publish attestation says who published: the builder that another predicate names is no publisher. What the
    index claims in its provenance is no evidence here at all.
    """
    del now
    subject, evidence = dossier.subject, dossier.get(Attestations)
    layers = policy.rules_for(subject.project).publishers
    if isinstance(evidence, Unavailable):
        if not layers:
            return (_finding(subject, evidence.code, Outcome.PASS, "no publisher is pinned for this project"),)
        return (_finding(subject, evidence.code, Outcome.UNKNOWN, evidence.why),)
    observed = tuple(one.identity for one in evidence.verified if one.predicate == PUBLISH)
    if not layers:
        return (_first_use(subject, observed),)
    if not observed:
        return tuple(_required(subject, pins) for pins in layers)
    strangers = tuple((who, pins) for pins in layers for who in observed if not _any_matches(pins, who))
    if strangers:
        return tuple(_mismatch(subject, who, pins) for who, pins in strangers)
    return (_finding(subject, ID, Outcome.PASS, f"published by {_names(observed)}, as pinned by {_places(layers)}"),)


def matches(pin: PublisherPin, identity: Identity) -> bool:
    """Whether what was observed is what is expected. What a pin leaves out accepts any; what it names must be there."""
    if pin.kind != identity.kind:
        return False
    if pin.kind == "google":
        return identity.subject == pin.repository
    return (
        _same_repository(pin, identity.repository)
        and pin.workflow in {None, identity.workflow}
        and pin.environment in {None, identity.environment}
        and (pin.ref is None or (identity.ref is not None and fnmatchcase(identity.ref, pin.ref)))
    )


def _same_repository(pin: PublisherPin, repository: str | None) -> bool:
    """On GitHub two names never differ by case alone; elsewhere they are compared as they stand."""
    if repository is None:
        return False
    if pin.kind == "github" and repository.isascii():
        return pin.repository.lower() == repository.lower()
    return pin.repository == repository


def _any_matches(pins: Pins, identity: Identity) -> bool:
    return any(matches(pin, identity) for pin in pins.value)


def _first_use(subject: Subject, observed: tuple[Identity, ...]) -> Finding:
    if not observed:
        return _finding(subject, "unattested", Outcome.PASS, "no verified attestation says who published this file")
    text = f"published by {_names(observed)}; no publisher is pinned for this project"
    return _finding(subject, "first-use", Outcome.PASS, text)


def _required(subject: Subject, pins: Pins) -> Finding:
    text = f"expected {_expected(pins)} ({pins.place}), got no verified publish attestation"
    hint = "Choose a version that this publisher attested, or change the pin."
    return _finding(subject, "required", Outcome.FAIL, text, hint)


def _mismatch(subject: Subject, who: Identity, pins: Pins) -> Finding:
    text = f"expected {_expected(pins)} ({pins.place}), got {describe(who)}"
    hint = (
        "Ask the project whether it has moved. If it has, change the pin; if nobody there knows of it, "
        "do not use this file and report it."
    )
    return _finding(subject, "identity-mismatch", Outcome.FAIL, text, hint)


def _expected(pins: Pins) -> str:
    return " or ".join(render_publisher(pin) for pin in pins.value)


def _names(observed: tuple[Identity, ...]) -> str:
    return ", ".join(sorted({describe(who) for who in observed}))


def _places(layers: tuple[Pins, ...]) -> str:
    return " and ".join(pins.place for pins in layers)


def _finding(subject: Subject, code: str, outcome: Outcome, message: str, hint: str | None = None) -> Finding:
    return Finding(check=ID, code=code, about=subject.key, outcome=outcome, message=message, hint=hint)
