"""What was typed for `safepip verify` against what was seen: objections in words, and the options to type instead."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Sequence

from safepip.errors import Malformed
from safepip.formats.publisher import describe, parse_publisher, printable, render_publisher
from safepip.formats.statement import PUBLISH, SIGNATURE
from safepip.model.evidence import VerifiedAttestation
from safepip.model.publisher import Difference, Identity, PublisherPin, closest, differences, matches, risks
from safepip.model.verification import Decision, Expectation, Objection

# What says who published a file; another predicate names a builder, who is no publisher.
PUBLISHING = frozenset({PUBLISH, SIGNATURE})


def typed_objections(typed: Expectation, verified: Sequence[VerifiedAttestation]) -> Iterator[Objection]:
    """Everybody who says that they published the file must be who was typed; one good name covers no other."""
    publishing = [one.identity for one in verified if one.predicate in PUBLISHING]
    if typed.publishers and not publishing:
        text = f"expected {_names(typed.publishers)} (--publisher), got no verified attestation of who published it"
        hint = "what is attested names a builder: for who signed that, use --identity and --issuer"
        yield Objection(decision=Decision.REFUSED, code="required", message=text, hint=hint)
    for identity in publishing if typed.publishers else ():
        if not any(matches(pin, identity) for pin in typed.publishers):
            yield _stranger(typed.publishers, identity)
    if typed.signer is not None:
        for identity in publishing or [one.identity for one in verified]:
            if not typed.signer.is_met_by(identity):
                got = printable(f"{identity.subject} (issuer {identity.issuer})")
                text = f"expected {typed.signer} (--identity, --issuer), got {got}"
                yield Objection(decision=Decision.REFUSED, code="identity-mismatch", message=text, hint=_MOVED)


_MOVED = "if that is who you expect, say so; if not, do not use this file"


def _stranger(pins: Collection[PublisherPin], identity: Identity) -> Objection:
    """Told by what differs from the pin that comes nearest."""
    nearest = closest(tuple(differences(pin, identity)) for pin in pins)
    text = f"expected {_names(pins)} (--publisher), got {describe(identity)}: {'; '.join(map(_differing, nearest))}"
    return Objection(decision=Decision.REFUSED, code=nearest[0].code, message=text, hint=_MOVED)


def _differing(one: Difference) -> str:
    return printable(f"{one.what} {one.got}, not {one.expected}")


def _names(pins: Collection[PublisherPin]) -> str:
    return " or ".join(render_publisher(pin) for pin in pins)


# --- nobody said who it should be


def unexpected(verified: Sequence[VerifiedAttestation]) -> Objection:
    who = list(dict.fromkeys(one.identity for one in verified))
    names = ", ".join(describe(one) for one in who)
    text = f"what attests it holds, and names {names}; nobody said who it should be, and anybody can sign a file"
    publishing = any(one.predicate in PUBLISHING for one in verified)
    pins = " ".join(dict.fromkeys(pin for one in who if (pin := _pinning(one, publishing=publishing)) is not None))
    hint = f"if that is who you expect, say so: {pins}" if pins else None
    return Objection(decision=Decision.UNKNOWN, code="no-expectation", message=text, hint=hint)


def _pinning(identity: Identity, *, publishing: bool) -> str | None:
    """The options that expect exactly this identity.

    publishing: whether anybody says who published the file; `--publisher` expects nothing else
    None where no line can be written for it, and where the line would not accept it, as with a trigger that lets
    strangers in: nobody should pin that by copying a hint.
    """
    line = describe(identity)
    try:
        if publishing:
            return f"--publisher {shlex.quote(line)}" if matches(parse_publisher(line), identity) else None
    except Malformed:
        publishing = False
    if any(risk.code == "trigger" for risk in risks(identity, None)):
        return None
    plain = all(text and printable(text) == text for text in (identity.subject, identity.issuer))
    return f"--identity {shlex.quote(identity.subject)} --issuer {shlex.quote(identity.issuer)}" if plain else None
