"""Who published the file is who is expected: by a pin, a lock, the ledger, or the project's past.

docs/checks/publisher.md has the order and the codes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from safepip.formats.ledger import accept_command
from safepip.formats.publisher import as_pin, describe, printable, render_publisher
from safepip.formats.slsa import contradicts
from safepip.formats.statement import PUBLISH, SIGNATURE, SLSA
from safepip.model.continuity import continues, speaks_of
from safepip.model.evidence import Attestations, Dossier, Expected, Kind, Previous, Subject, Unavailable
from safepip.model.expectation import Expectation, same_stranger
from safepip.model.ident import Url
from safepip.model.ledger import Recorded
from safepip.model.policy import Policy
from safepip.model.publisher import (
    Difference,
    Identity,
    PublisherPin,
    risks,
    stable_differences,
)
from safepip.model.rules import Rules
from safepip.model.verdict import Finding, Outcome

ID = "publisher"
NEEDS = frozenset({Kind.ATTESTATIONS, Kind.EXPECTATION})

_ASK = "If nobody there knows of it, do not use this file and report it."
# What the one-line form shows anyway.
_SHOWN = frozenset({"kind", "repository", "account", "workflow", "ref", "environment", "source", "publisher", "issuer"})


def check(dossier: Dossier, policy: Policy, now: datetime) -> tuple[Finding, ...]:
    """Everybody who published the file. `now` is not looked at.

    Whoever signed how it was built is held to be one of them, unless the policy asks for a SLSA provenance: then
    `attestation` judges its signer, so that no waiver of this check lifts that.

    The weightiest expectation decides alone: pin, lock, ledger, history. What the index claims in its provenance is no
    evidence here at all.
    """
    del now
    subject, evidence, expected = dossier.subject, dossier.get(Attestations), dossier.get(Expected)
    rules = policy.rules_for(subject.project)
    if not rules.publishers and isinstance(expected, Unavailable):
        return (_finding(subject, expected.code, Outcome.UNKNOWN, expected.why, _once_more(subject, expected)),)
    expectations = _pinned(rules) or _remembered(subject, expected)
    if isinstance(evidence, Unavailable):
        if any(one.missing for one in expectations):
            return (_finding(subject, evidence.code, Outcome.UNKNOWN, evidence.why),)
        return (_finding(subject, evidence.code, Outcome.PASS, "nobody is expected to have published this file"),)
    published = _signers(evidence, PUBLISH, SIGNATURE)
    builders = _builders(evidence)
    first = () if published or expectations else builders
    failed = [
        *_missing(subject, evidence, expectations if not published else ()),
        *_strangers(subject, published, expectations),
        *_changes(subject, published, expectations),
        *(_first_use(subject, (*published, *first)) if not expectations else ()),
        *(_strange_builders(subject, builders, published, expectations) if not rules.slsa else ()),
    ]
    return tuple(failed) or (_passed(subject, published, first, expectations),)


def _signers(evidence: Attestations, *predicates: str) -> tuple[Identity, ...]:
    return tuple(dict.fromkeys(one.identity for one in evidence.verified if one.predicate in predicates))


def _builders(evidence: Attestations) -> tuple[Identity, ...]:
    """Whoever signed how it was built; one whose own certificate contradicts the words is refused by `attestation`."""
    sound = (one for one in evidence.verified if one.predicate == SLSA and not contradicts(one.identity, one.build))
    return tuple(dict.fromkeys(one.identity for one in sound))


def _pinned(rules: Rules) -> tuple[Expectation, ...]:
    """One of each layer: all of them must hold."""
    hint = f"Ask the project whether it has moved. If it has, change the pin. {_ASK}"
    return tuple(
        Expectation(by="pin", place=pins.place, accepted=pins.value, missing="required", hint=hint)
        for pins in rules.publishers
    )


def _remembered(subject: Subject, expected: Expected | Unavailable) -> tuple[Expectation, ...]:
    if isinstance(expected, Unavailable):
        return ()
    if expected.locked:
        hint = f"Ask the project whether it has moved. If it has, lock it again. {_ASK}"
        place = expected.locked_place or "the lock"
        return (Expectation(by="lock", place=place, accepted=expected.locked, missing="locked-missing", hint=hint),)
    told = tuple(one for recorded in expected.recorded for one in _of_record(subject, recorded))
    return told or ((_of_history(subject, expected.previous),) if expected.previous is not None else ())


def _of_record(subject: Subject, recorded: Recorded) -> Iterator[Expectation]:
    """A record binds what came after it. A backport need not be attested; where it is, then by the same publisher."""
    listing = subject.artifact.listing if subject.artifact is not None else None
    uploaded = listing.uploaded if listing is not None else None
    if recorded.publisher is None or not speaks_of(recorded, uploaded):
        return
    ordered = recorded.uploaded is not None and uploaded is not None
    bound = not ordered or continues(recorded.file.version, subject.version)
    yield Expectation(
        by="ledger",
        place=recorded.place,
        accepted=(recorded.publisher,),
        missing="recorded-missing" if bound else None,
        hint=_accept(subject, recorded.index),
        index=recorded.index,
    )


def _of_history(subject: Subject, previous: Previous) -> Expectation:
    pins = {who: as_pin(who) for who in previous.identities}
    return Expectation(
        by="history",
        place=f"the release before, {previous.file}",
        accepted=tuple(pin for pin in pins.values() if pin is not None),
        strangers=tuple(who for who, pin in pins.items() if pin is None),
        missing=None,  # that is the question of `downgrade`
        hint=_accept(subject, previous.index),
    )


def _once_more(subject: Subject, missing: Unavailable) -> str:
    listing = subject.artifact.listing if subject.artifact is not None else None
    if missing.code != "previous-unavailable" or listing is None:
        return "Lock again, so that the locks agree." if missing.code == "locks-differ" else "Try again."
    accept = accept_command(subject.project, subject.version, listing.index)
    return f"Try again. If it stays so, ask the project who publishes it. If it is who published this file: {accept}"


def _accept(subject: Subject, index: Url) -> str:
    command = accept_command(subject.project, subject.version, index)
    return f"Ask the project whether it has moved. {_ASK} If it has moved: {command}"


def _missing(subject: Subject, evidence: Attestations, expectations: Iterable[Expectation]) -> Iterator[Finding]:
    for one in expectations:
        if one.missing is None:
            continue
        got, code = "no verified attestation of who published it", one.missing
        if not (subject.named or evidence.index_offers):
            got, code = "an index that offers no provenance for any file", "index-offers-none"
        if any(bad.known for bad in evidence.rejected):
            yield _finding(subject, code, Outcome.FAIL, _compared(one, "an attestation that does not hold"))
            continue
        if code == "index-offers-none":
            hint = "Take an index that serves provenance."
        elif one.by == "ledger":
            hint = "Choose a version that this publisher attested."
        else:
            hint = f"Choose a version that this publisher attested, or change {one.place}."
        if one.index is not None:
            accept = accept_command(subject.project, subject.version, one.index)
            hint = f"{hint} If the project attests no file of {subject.version}: {accept}"
        yield _finding(subject, code, Outcome.FAIL, _compared(one, got), hint)


def _strangers(
    subject: Subject, published: Iterable[Identity], expectations: Iterable[Expectation]
) -> Iterator[Finding]:
    for one in expectations:
        for who in published:
            against = one.against(who)
            if not against:
                continue
            risk = against[0].code in {"trigger", "builder"}
            code = "publisher-changed" if one.by == "history" and not risk else against[0].code
            yield _finding(subject, code, Outcome.FAIL, _compared(one, describe(who), against[:1]), one.hint)


def _changes(subject: Subject, published: Iterable[Identity], expectations: Iterable[Expectation]) -> Iterator[Finding]:
    for one in expectations:
        for who in published:
            changed = one.changed(who) if not one.against(who) else ()
            if changed:
                # A new name alone looks like somebody else, and by its id it is not.
                renamed = "  (the same repository, renamed: its id is the recorded one)"
                text = _compared(one, describe(who), changed) + renamed * (changed[0].what == "repository")
                if one.index is not None:
                    text += f"\nto take it as it is now: {accept_command(subject.project, subject.version, one.index)}"
                yield _finding(subject, "claims-changed", Outcome.FAIL, text, one.hint)


def _first_use(subject: Subject, signers: Iterable[Identity]) -> Iterator[Finding]:
    """Nobody is expected: anybody will do, but not by a way that is open to others."""
    for who in signers:
        for risk in risks(who, None):
            text = f"expected {risk.what} {printable(risk.expected)}\ngot      {risk.what} {printable(risk.got)}"
            hint = f"Ask the project why. If that is how it publishes, pin it: {_narrowest(who)}"
            yield _finding(subject, risk.code, Outcome.FAIL, f"{text}  ({describe(who)})", hint)


def _narrowest(who: Identity) -> str:
    pin = as_pin(who)
    if pin is None:
        return "publishers"
    foreign = any(risk.code == "builder" for risk in risks(who, None))
    # At whatever ref: with this release's, the pin would refuse the next one.
    builder = f"{pin.build_signer.partition('@')[0]}@*" if foreign and pin.build_signer is not None else None
    named = replace(pin, ref=None, repository_id=None, owner_id=None, runner=None, build_signer=builder)
    return f'publishers = ["{render_publisher(named)}"]'


def _strange_builders(
    subject: Subject,
    builders: Iterable[Identity],
    published: tuple[Identity, ...],
    expectations: tuple[Expectation, ...],
) -> Iterator[Finding]:
    """Who signed how it was built is who publishes: whoever else it is, somebody must have named."""
    for who in builders:
        if any(_same_publisher(one, who) for one in published):
            continue
        against = [one for one in expectations if any(found.code != "builder" for found in one.against(who))]
        if against or (published and not expectations):
            expected = f"{_shown(against[0])}  ({against[0].place})" if against else _names(published)
            text = f"expected {expected}\ngot      {describe(who)} as the signer of how it was built"
            hint = "Ask the project who builds it, and name that signer in the `slsa` rule."
            yield _finding(subject, "slsa-signer", Outcome.FAIL, text, hint)


def _same_publisher(publisher: Identity, who: Identity) -> bool:
    pin = as_pin(publisher)
    if pin is None:
        return same_stranger(publisher, who)
    return next(stable_differences(pin, who), None) is None


def _passed(
    subject: Subject, published: tuple[Identity, ...], first: tuple[Identity, ...], by: tuple[Expectation, ...]
) -> Finding:
    if published and by:
        text = f"published by {_names(published)}, as expected by {' and '.join(one.place for one in by)}"
        return _finding(subject, ID, Outcome.PASS, text)
    if published or first:
        text = f"published by {_names(published)}" if published else f"built by {_names(first)}"
        return _finding(subject, "first-use", Outcome.PASS, f"{text}; nobody is expected yet")
    return _finding(subject, "unattested", Outcome.PASS, "no verified attestation says who published this file")


def _shown(one: Expectation) -> str:
    if one.by in {"pin", "lock"}:
        return " or ".join(render_publisher(pin) for pin in one.accepted)
    return " or ".join([*(_short(pin) for pin in one.accepted), *map(describe, one.strangers)])


def _compared(one: Expectation, got: str, found: Iterable[Difference] = ()) -> str:
    """Expected and got below each other, with whatever differs and is not in the one-line form."""
    hidden = [each for each in found if each.what not in _SHOWN]
    expected = "".join(f"  {each.what} {printable(each.expected)}" for each in hidden)
    more = "".join(f"  {each.what} {printable(each.got)}" for each in hidden)
    return f"expected {_shown(one)}{expected}  ({one.place})\ngot      {got}{more}"


def _short(pin: PublisherPin) -> str:
    short = replace(pin, repository_id=None, owner_id=None, triggers=None, runner=None, build_signer=None)
    return render_publisher(short)


def _names(identities: Iterable[Identity]) -> str:
    return ", ".join(sorted({describe(who) for who in identities}))


def _finding(subject: Subject, code: str, outcome: Outcome, message: str, hint: str | None = None) -> Finding:
    return Finding(check=ID, code=code, about=subject.key, outcome=outcome, message=message, hint=hint)
