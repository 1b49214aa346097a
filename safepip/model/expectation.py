"""One voice that says who publishes a project: a pin, a lock, the ledger, or the release before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from safepip.model.ident import Url
from safepip.model.publisher import (
    Difference,
    Identity,
    PublisherPin,
    closest,
    differences,
    risks,
    soft_differences,
    stable_differences,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """Who is expected, by one voice.

    by: "pin" | "lock" | "ledger" | "history"; place: where it is written, as told to people
    accepted: any of them; strangers: those of the release before that cannot be pinned
    missing: the code for a file that nobody is known to have published, None where that may be
    index: the one that a record of the ledger is about
    """

    by: str
    place: str
    accepted: tuple[PublisherPin, ...]
    strangers: tuple[Identity, ...] = ()
    missing: str | None
    hint: str
    index: Url | None = None

    def against(self, who: Identity) -> tuple[Difference, ...]:
        """What speaks against that publisher, by the pin that is closest; empty where one accepts it."""
        if any(same_stranger(one, who) for one in self.strangers):
            return ()
        found = [tuple(self._differences(pin, who)) for pin in self.accepted]
        nobody = Difference(code="identity-mismatch", what="publisher", expected=self.place, got=who.subject)
        return closest(found) if found else (nobody,)

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
        if self.by in {"pin", "lock"} or any(same_stranger(one, who) for one in self.strangers):
            return ()
        fitting = (pin for pin in self.accepted if next(stable_differences(pin, who), None) is None)
        return min((tuple(soft_differences(pin, who)) for pin in fitting), key=len, default=())


def same_stranger(one: Identity, other: Identity) -> bool:
    """By subject without its ref, which changes from release to release."""
    return (one.kind, one.issuer, _place(one)) == (other.kind, other.issuer, _place(other))


def _place(who: Identity) -> str:
    return who.subject.partition("@")[0] if "://" in who.subject else who.subject
