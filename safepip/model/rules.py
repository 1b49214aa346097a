"""Rules of a policy: what must hold. They only tighten from layer to layer (docs/policy.md)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

from safepip.model.levels import Age, AttestationRule, Hashes, Placed, T
from safepip.model.publisher import PublisherPin


@dataclass(frozen=True, slots=True, kw_only=True)
class SlsaRule:
    """What a SLSA provenance must say, and who may say it; None accepts any.

    builder, source, revision: globs over what the predicate names; build_type: exact
    signers: who may have signed it; empty: the publishers that the same layer pins, else whoever is shown to be of
             the project by what the file's attestations themselves prove (docs/checks/attestation.md)
    """

    builder: str | None
    build_type: str | None
    source: str | None
    revision: str | None
    signers: tuple[PublisherPin, ...]


# What `predicates = ["slsa"]` asks for: whatever it says, but not from anybody.
ANY_PROVENANCE = SlsaRule(builder=None, build_type=None, source=None, revision=None, signers=())


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """The rules that one table of one layer writes; None where it writes none."""

    hashes: Placed[Hashes] | None = None
    minimum_age: Placed[Age] | None = None
    first_release_age: Placed[Age] | None = None
    attestations: Placed[AttestationRule] | None = None
    publishers: Placed[tuple[PublisherPin, ...]] | None = None
    predicates: Placed[frozenset[str]] | None = None
    slsa: Placed[SlsaRule] | None = None

    def over(self, general: RuleSet) -> RuleSet:
        """This table where it speaks, else the more general table of the same layer."""
        return RuleSet(
            **{
                slot.name: mine if (mine := getattr(self, slot.name)) is not None else getattr(general, slot.name)
                for slot in fields(self)
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The rules in force for one project: the profile's and every layer's, all of which must hold.

    ages, first_release_ages, publishers and slsa keep one entry a layer, since "stricter" is to satisfy each of them.
    slsa: also for a layer that asks for `predicates = ["slsa"]` alone, with `ANY_PROVENANCE`
    """

    hashes: Placed[Hashes]
    ages: tuple[Placed[Age], ...]
    first_release_ages: tuple[Placed[Age], ...]
    attestations: Placed[AttestationRule]
    publishers: tuple[Placed[tuple[PublisherPin, ...]], ...]
    predicates: frozenset[str]
    slsa: tuple[Placed[SlsaRule], ...]


def stricter(rules: Iterable[Placed[T] | None], floor: Placed[T]) -> Placed[T]:
    """The greatest of ordered rule values; the outermost place is named where several say the same."""
    result = floor
    for rule in rules:
        if rule is not None and rule.value > result.value:  # type: ignore[operator] # ordered enums only
            result = rule
    return result


def asked_of_builds(layer: RuleSet) -> Placed[SlsaRule] | None:
    """A layer's rule with its signers: its own, else the publishers of the same layer.

    Not those of another layer, whose pins would then admit a signer whom this layer alone does not.
    """
    if layer.slsa is not None:
        named = layer.slsa.value.signers or (layer.publishers.value if layer.publishers is not None else ())
        return Placed(replace(layer.slsa.value, signers=named), layer.slsa.place)
    if layer.predicates is not None and "slsa" in layer.predicates.value:
        return Placed(ANY_PROVENANCE, layer.predicates.place)
    return None
