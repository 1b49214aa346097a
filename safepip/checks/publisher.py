"""Who published the file is who is expected: by a pin, a lock, the ledger, or the project's past.

docs/checks/publisher.md has the order and the codes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from safepip.formats.publisher import as_pin, describe, printable, render_publisher
from safepip.formats.statement import PUBLISH, SIGNATURE, SLSA
from safepip.model.continuity import continues
from safepip.model.evidence import Attestations, Dossier, Expected, Kind, Previous, Subject, Unavailable
from safepip.model.ledger import Recorded
from safepip.model.levels import Placed
from safepip.model.policy import Policy, Rules, SlsaRule
from safepip.model.publisher import (
    Difference,
    Identity,
    PublisherPin,
    differences,
    matches,
    risks,
    soft_differences,
    stable_differences,
)
from safepip.model.verdict import Finding, Outcome

ID = "publisher"
NEEDS = frozenset({Kind.ATTESTATIONS, Kind.EXPECTATION})

_ASK = "If nobody there knows of it, do not use this file and report it."
# The weightiest first, as `differences` yields them: of several pins, the one that differs in the least is named.
_WEIGHTS = ("repository-id", "ref", "trigger", "environment", "runner", "builder")
# What the one-line form shows anyway.
_SHOWN = frozenset({"kind", "repository", "account", "workflow", "ref", "environment", "source", "publisher", "issuer"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Expectation:
    """Who is expected, by one voice.

    by: "pin" | "lock" | "ledger" | "history"; place: where it is written, as told to people
    accepted: any of them; strangers: those of the release before that cannot be pinned
    missing: the code for a file that nobody is known to have published, None where that may be
    """

    by: str
    place: str
    accepted: tuple[PublisherPin, ...]
    strangers: tuple[Identity, ...] = ()
    missing: str | None
    hint: str

    @property
    def shown(self) -> str:
        if self.by in {"pin", "lock"}:
            return " or ".join(render_publisher(pin) for pin in self.accepted)
        return " or ".join([*(_short(pin) for pin in self.accepted), *map(describe, self.strangers)])

    def against(self, who: Identity) -> tuple[Difference, ...]:
        """What speaks against that publisher, by the pin that is closest; empty where one accepts it."""
        if any(_same_stranger(one, who) for one in self.strangers):
            return ()
        found = [tuple(self._differences(pin, who)) for pin in self.accepted]
        nobody = Difference(code="identity-mismatch", what="publisher", expected=self.shown, got=describe(who))
        return max(found, key=_closeness, default=(nobody,))

    def _differences(self, pin: PublisherPin, who: Identity) -> Iterator[Difference]:
        if self.by == "pin":
            yield from differences(pin, who)
        elif self.by == "lock":
            # A lock repeats what the index said of the environment, which older certificates do not name.
            yield from differences(pin if who.environment is not None else replace(pin, environment=None), who)
        else:
            yield from stable_differences(pin, who)
            # That a past release did so, unseen, makes nobody's consent.
            yield from risks(who, pin if self.by == "ledger" else None)

    def changed(self, who: Identity) -> tuple[Difference, ...]:
        """What else is not as it was; asked only where nothing speaks against it."""
        if self.by in {"pin", "lock"} or any(_same_stranger(one, who) for one in self.strangers):
            return ()
        fitting = (pin for pin in self.accepted if next(stable_differences(pin, who), None) is None)
        return min((tuple(soft_differences(pin, who)) for pin in fitting), key=len, default=())


def check(dossier: Dossier, policy: Policy, now: datetime) -> tuple[Finding, ...]:
    """Everybody who published the file, and whoever signed how it was built. `now` is not looked at.

    The weightiest expectation decides alone: pin, lock, ledger, history. What the index claims in its provenance is no
    evidence here at all.
    """
    del now
    subject, evidence, expected = dossier.subject, dossier.get(Attestations), dossier.get(Expected)
    rules = policy.rules_for(subject.project)
    if not rules.publishers and isinstance(expected, Unavailable):
        return (_finding(subject, expected.code, Outcome.UNKNOWN, expected.why),)
    expectations = _pinned(rules) or _remembered(subject, expected)
    if isinstance(evidence, Unavailable):
        if any(one.missing for one in expectations):
            return (_finding(subject, evidence.code, Outcome.UNKNOWN, evidence.why),)
        return (_finding(subject, evidence.code, Outcome.PASS, "nobody is expected to have published this file"),)
    published = _signers(evidence, PUBLISH, SIGNATURE)
    builders = _signers(evidence, SLSA)
    first = () if published or expectations else builders
    failed = [
        *_missing(subject, evidence, expectations if not published else ()),
        *_strangers(subject, published, expectations),
        *_changes(subject, published, expectations),
        *(_first_use(subject, (*published, *first)) if not expectations else ()),
        *_builders(subject, rules, builders, published, expectations),
    ]
    return tuple(failed) or (_passed(subject, published, first, expectations),)


def _signers(evidence: Attestations, *predicates: str) -> tuple[Identity, ...]:
    return tuple(dict.fromkeys(one.identity for one in evidence.verified if one.predicate in predicates))


def _pinned(rules: Rules) -> tuple[_Expectation, ...]:
    """One of each layer: all of them must hold."""
    hint = f"Ask the project whether it has moved. If it has, change the pin. {_ASK}"
    return tuple(
        _Expectation(by="pin", place=pins.place, accepted=pins.value, missing="required", hint=hint)
        for pins in rules.publishers
    )


def _remembered(subject: Subject, expected: Expected | Unavailable) -> tuple[_Expectation, ...]:
    if isinstance(expected, Unavailable):
        return ()
    if expected.locked:
        hint = f"Ask the project whether it has moved. If it has, lock it again. {_ASK}"
        place = expected.locked_place or "the lock"
        return (_Expectation(by="lock", place=place, accepted=expected.locked, missing="locked-missing", hint=hint),)
    if expected.recorded is not None:
        return tuple(_of_record(subject, expected.recorded))
    return (_of_history(subject, expected.previous),) if expected.previous is not None else ()


def _of_record(subject: Subject, recorded: Recorded) -> Iterator[_Expectation]:
    """A record binds what came after it. A backport need not be attested; where it is, then by the same publisher."""
    listing = subject.artifact.listing if subject.artifact is not None else None
    uploaded = listing.uploaded if listing is not None else None
    order = (recorded.uploaded, uploaded) if recorded.uploaded is not None and uploaded is not None else None
    if recorded.publisher is None or (order is not None and order[1] < order[0]):
        return
    # An index that states no times could put any file in the past.
    bound = order is None or continues(recorded.file.version, subject.version)
    yield _Expectation(
        by="ledger",
        place=recorded.place,
        accepted=(recorded.publisher,),
        missing="recorded-missing" if bound else None,
        hint=_accept(subject),
    )


def _of_history(subject: Subject, previous: Previous) -> _Expectation:
    pins = {who: as_pin(who) for who in previous.identities}
    return _Expectation(
        by="history",
        place=f"the release before, {previous.file}",
        accepted=tuple(pin for pin in pins.values() if pin is not None),
        strangers=tuple(who for who, pin in pins.items() if pin is None),
        missing=None,  # that is the question of `downgrade`
        hint=_accept(subject),
    )


def _accept(subject: Subject) -> str:
    command = f"safepip trust accept {subject.project}=={subject.version}"
    return f"Ask the project whether it has moved. If it has: {command}. {_ASK}"


def _missing(subject: Subject, evidence: Attestations, expectations: Iterable[_Expectation]) -> Iterator[Finding]:
    for one in expectations:
        if one.missing is None:
            continue
        got, code = "no verified attestation of who published it", one.missing
        if not (subject.named or evidence.index_offers):
            got, code = "an index that offers no provenance for any file", "index-offers-none"
        if code == "index-offers-none":
            hint = "Take an index that serves provenance."
        elif one.by == "ledger":
            hint = "Choose a version that this publisher attested."
        else:
            hint = f"Choose a version that this publisher attested, or change {one.place}."
        if one.by == "ledger":
            hint = f"{hint} If the project attests no more: safepip trust accept {subject.project}=={subject.version}"
        yield _finding(subject, code, Outcome.FAIL, _compared(one, got), hint)


def _strangers(
    subject: Subject, published: Iterable[Identity], expectations: Iterable[_Expectation]
) -> Iterator[Finding]:
    for one in expectations:
        for who in published:
            against = one.against(who)
            if not against:
                continue
            risk = against[0].code in {"trigger", "builder"}
            code = "publisher-changed" if one.by == "history" and not risk else against[0].code
            yield _finding(subject, code, Outcome.FAIL, _compared(one, describe(who), against[:1]), one.hint)


def _changes(
    subject: Subject, published: Iterable[Identity], expectations: Iterable[_Expectation]
) -> Iterator[Finding]:
    for one in expectations:
        for who in published:
            changed = one.changed(who) if not one.against(who) else ()
            if changed:
                text = _compared(one, describe(who), changed)
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
    named = replace(pin, ref=None, repository_id=None, owner_id=None, runner=None)
    return f'publishers = ["{render_publisher(named)}"]'


def _builders(
    subject: Subject,
    rules: Rules,
    builders: Iterable[Identity],
    published: tuple[Identity, ...],
    expectations: tuple[_Expectation, ...],
) -> Iterator[Finding]:
    """Who signed how it was built must be named for that, or be who publishes."""
    named = [rule for rule in rules.slsa if rule.value.signers]
    for who in builders:
        for rule in named:
            if not any(matches(pin, who) for pin in rule.value.signers):
                yield _signer(subject, who, _signers_of(rule))
        if named or any(_same_publisher(one, who) for one in published):
            continue
        against = [one for one in expectations if any(found.code != "builder" for found in one.against(who))]
        if against or (published and not expectations):
            expected = f"{against[0].shown}  ({against[0].place})" if against else _names(published)
            yield _signer(subject, who, expected)


def _signers_of(rule: Placed[SlsaRule]) -> str:
    return f"{' or '.join(render_publisher(pin) for pin in rule.value.signers)}  ({rule.place})"


def _signer(subject: Subject, who: Identity, expected: str) -> Finding:
    text = f"expected {expected}\ngot      {describe(who)} as the signer of how it was built"
    hint = "Ask the project who builds it, and name that signer in the `slsa` rule."
    return _finding(subject, "slsa-signer", Outcome.FAIL, text, hint)


def _same_publisher(publisher: Identity, who: Identity) -> bool:
    pin = as_pin(publisher)
    if pin is None:
        return _same_stranger(publisher, who)
    return next(stable_differences(pin, who), None) is None


def _same_stranger(one: Identity, other: Identity) -> bool:
    """By subject without its ref, which changes from release to release."""
    return (one.kind, one.issuer, _place(one)) == (other.kind, other.issuer, _place(other))


def _place(who: Identity) -> str:
    return who.subject.partition("@")[0] if "://" in who.subject else who.subject


def _passed(
    subject: Subject, published: tuple[Identity, ...], first: tuple[Identity, ...], by: tuple[_Expectation, ...]
) -> Finding:
    if published and by:
        text = f"published by {_names(published)}, as expected by {' and '.join(one.place for one in by)}"
        return _finding(subject, ID, Outcome.PASS, text)
    if published or first:
        text = f"published by {_names(published)}" if published else f"built by {_names(first)}"
        return _finding(subject, "first-use", Outcome.PASS, f"{text}; nobody is expected yet")
    return _finding(subject, "unattested", Outcome.PASS, "no verified attestation says who published this file")


def _compared(one: _Expectation, got: str, found: Iterable[Difference] = ()) -> str:
    """Expected and got below each other, with whatever differs and is not in the one-line form."""
    hidden = [each for each in found if each.what not in _SHOWN]
    expected = "".join(f"  {each.what} {printable(each.expected)}" for each in hidden)
    more = "".join(f"  {each.what} {printable(each.got)}" for each in hidden)
    return f"expected {one.shown}{expected}  ({one.place})\ngot      {got}{more}"


def _short(pin: PublisherPin) -> str:
    short = replace(pin, repository_id=None, owner_id=None, triggers=None, runner=None, build_signer=None)
    return render_publisher(short)


def _names(identities: Iterable[Identity]) -> str:
    return ", ".join(sorted({describe(who) for who in identities}))


def _closeness(found: tuple[Difference, ...]) -> int:
    if not found:
        return len(_WEIGHTS)
    return _WEIGHTS.index(found[0].code) if found[0].code in _WEIGHTS else -1


def _finding(subject: Subject, code: str, outcome: Outcome, message: str, hint: str | None = None) -> Finding:
    return Finding(check=ID, code=code, about=subject.key, outcome=outcome, message=message, hint=hint)
