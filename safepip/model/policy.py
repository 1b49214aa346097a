"""The policy: rules that only tighten from layer to layer, and grants that permit something.

The schema is docs/policy.md. The law (property-tested): for any two layers the merge of their rules allows
nothing that either forbids.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from fnmatch import fnmatchcase
from functools import lru_cache

from packaging.version import Version

from safepip.model.ident import ProjectName, Url
from safepip.model.levels import CHECKS, CODES, Age, AttestationRule, Hashes, LayerKind, Level, Placed, Profile, T
from safepip.model.publisher import PublisherPin

# In place of an index's name: the files of this machine.
LOCAL = "local"
_DEFAULT_AGE = {
    Profile.OBSERVE: timedelta(days=3),
    Profile.STANDARD: timedelta(days=3),
    Profile.STRICT: timedelta(days=7),
}


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
class Waiver:
    """An exception with a reason and a last day. Names one exact version, or one digest."""

    check: str
    project: ProjectName
    version: Version | None
    sha256: str | None
    reason: str
    owner: str | None
    until: date
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexGrant:
    """`[indexes.NAME]`: what the policy knows about one index.

    packages: globs over project names that are asked here and nowhere else
    upload_times_absent: this index is known to state no upload times
    minimum_age: replaces the profile's ages, and those of its own and inner layers, for files of this index
    depth: the layer that grants it, counted from the outermost
    sidecars: ask it for FILE.sigstore.json and the like, beside files that carry no provenance
    """

    name: str
    url: Url
    packages: tuple[str, ...]
    private: bool
    upload_times_absent: bool
    minimum_age: Placed[Age] | None
    place: str
    depth: int = 0
    sidecars: bool = False

    def covers(self, project: ProjectName) -> int | None:
        """How exactly `packages` names the project: literal characters of the best glob; None where it does not."""
        fitting = [len(glob.replace("*", "").replace("?", "")) for glob in self.packages if fnmatchcase(project, glob)]
        return max(fitting, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustRootGrant:
    """`[trust-roots.NAME]`: a Sigstore trusted root, and the indexes and projects that it may vouch for.

    file: as written, beside the policy; in a policy that was read from a file, with the path of its folder
    indexes: names of `[indexes]`, of this layer or an outer one; `LOCAL` stands for files of this machine
    projects: globs over the names of the projects there that it may vouch for
    Neither is ever empty: a root that may vouch for nothing would be read as one that may vouch for anything.
    """

    name: str
    file: str
    indexes: tuple[str, ...]
    place: str
    projects: tuple[str, ...] = ("*",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One policy file (or the rules of the command line), parsed. `name` is how messages call it."""

    name: str
    kind: LayerKind
    digest: str
    profile: Placed[Profile] | None
    rules: RuleSet
    checks: tuple[tuple[str, Placed[Level]], ...]
    projects: tuple[tuple[str, RuleSet], ...]
    indexes: tuple[IndexGrant, ...]
    trust_roots: tuple[TrustRootGrant, ...]
    waivers: tuple[Waiver, ...]
    permitted_grants: Placed[frozenset[str]] | None
    max_waiver_days: Placed[int] | None

    def rules_for(self, project: ProjectName) -> RuleSet:
        """The most specific matching table: the glob with the most literal characters wins."""
        matching = [(glob, rules) for glob, rules in self.projects if fnmatchcase(project, glob)]
        matching.sort(key=lambda pair: len(pair[0].replace("*", "").replace("?", "")))
        result = self.rules
        for _, rules in matching:
            result = rules.over(result)
        return result


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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Policy:
    """All layers together, outermost first. `digest` covers their bytes and the profile."""

    digest: str
    profile: Placed[Profile]
    layers: tuple[Layer, ...]

    def rules_for(self, project: ProjectName) -> Rules:
        return _rules_for(self, project)

    def level(self, check: str, code: str, project: ProjectName) -> Placed[Level]:
        """The profile's level for that code, raised by any layer; off only where a rule says so.

        `attestations = "off"` does not: every profile has at least `warn` as its floor, and rules only tighten.
        """
        hashes = self.rules_for(project).hashes
        if check == "hash-pinned" and hashes.value is Hashes.OFF:
            return Placed(Level.OFF, hashes.place)
        profile = self.profile.value
        base = CODES.get((check, code), CHECKS[check].levels)[profile]
        level = Placed(base, f"profile {profile.name.lower()}")
        for layer in self.layers:
            for named, raised in layer.checks:
                if named == check and raised.value > level.value:
                    level = raised
        return level

    def active(self, project: ProjectName) -> tuple[str, ...]:
        """The checks that must be asked about this project."""
        return _active(self, project)

    @property
    def indexes(self) -> tuple[IndexGrant, ...]:
        return tuple(grant for layer in self.layers for grant in layer.indexes)

    @property
    def trust_roots(self) -> tuple[TrustRootGrant, ...]:
        return tuple(grant for layer in self.layers for grant in layer.trust_roots)

    @property
    def waivers(self) -> tuple[Waiver, ...]:
        return tuple(waiver for layer in self.layers for waiver in layer.waivers)

    def ages_for(self, project: ProjectName, grant: IndexGrant | None) -> tuple[Placed[Age], ...]:
        """The minimum ages for a file of an index. A grant's age lifts no outer layer's, and nothing typed."""
        if grant is None or grant.minimum_age is None:
            return self.rules_for(project).ages
        outer = (layer.rules_for(project).minimum_age for layer in self._above(grant))
        return (grant.minimum_age, *self._chosen_profile_ages(grant), *(age for age in outer if age is not None))

    def first_release_ages_for(self, project: ProjectName, grant: IndexGrant | None) -> tuple[Placed[Age], ...]:
        """How old a project must be, by the same rule."""
        if grant is None or grant.minimum_age is None:
            return self.rules_for(project).first_release_ages
        outer = (layer.rules_for(project).first_release_age for layer in self._above(grant))
        return tuple(age for age in outer if age is not None)

    def may_lack_upload_times(self, project: ProjectName, grant: IndexGrant | None) -> bool:
        """Whether `upload-times = "absent"` settles it: not where an outer layer asks for an age or chose a profile."""
        if grant is None or not grant.upload_times_absent:
            return False
        asked = any(layer.rules_for(project).minimum_age is not None for layer in self._above(grant))
        return not asked and not self._chosen_profile_ages(grant)

    def _above(self, grant: IndexGrant) -> tuple[Layer, ...]:
        """The layers whose word a grant cannot lift: the outer ones, and what is typed."""
        return tuple(layer for depth, layer in enumerate(self.layers) if depth < grant.depth or layer.kind.typed)

    def _chosen_profile_ages(self, grant: IndexGrant) -> tuple[Placed[Age], ...]:
        """The profile's age where an outer layer chose that profile: then it is that layer's rule."""
        profile = self.profile.value
        chosen = any(layer.profile is not None and layer.profile.value is profile for layer in self._above(grant))
        return (Placed(_DEFAULT_AGE[profile], self.profile.place),) if chosen else ()

    def speaks_for_itself(self, project: ProjectName) -> bool:
        """Whether a policy that came with a checkout says who publishes that project, or who may vouch for it."""
        return any(
            layer.rules_for(project).publishers is not None
            or any(fnmatchcase(project, glob) for grant in layer.trust_roots for glob in grant.projects)
            for layer in self.layers
            if layer.kind is LayerKind.PROJECT
        )

    def index_named(self, url: Url) -> IndexGrant | None:
        """The grant for that address, whatever credentials either is written with."""
        return next((grant for grant in self.indexes if grant.url.plain == url.plain), None)


def exclusive_index(grants: Iterable[IndexGrant], project: ProjectName) -> IndexGrant | None:
    """The index that this name belongs to: the outermost layer that says so, in it the most exact glob."""
    fitting = [(-grant.depth, exact, grant) for grant in grants if (exact := grant.covers(project)) is not None]
    return max(fitting, key=lambda one: one[:2])[2] if fitting else None


def stricter(rules: Iterable[Placed[T] | None], floor: Placed[T]) -> Placed[T]:
    """The greatest of ordered rule values; the outermost place is named where several say the same."""
    result = floor
    for rule in rules:
        if rule is not None and rule.value > result.value:  # type: ignore[operator] # ordered enums only
            result = rule
    return result


def _slsa(layer: RuleSet) -> Placed[SlsaRule] | None:
    """A layer's rule with its signers: its own, else the publishers of the same layer.

    Not those of another layer, whose pins would then admit a signer whom this layer alone does not.
    """
    if layer.slsa is not None:
        named = layer.slsa.value.signers or (layer.publishers.value if layer.publishers is not None else ())
        return Placed(replace(layer.slsa.value, signers=named), layer.slsa.place)
    if layer.predicates is not None and "slsa" in layer.predicates.value:
        return Placed(ANY_PROVENANCE, layer.predicates.place)
    return None


@lru_cache(maxsize=4096)
def _active(policy: Policy, project: ProjectName) -> tuple[str, ...]:
    return tuple(check for check in CHECKS if policy.level(check, check, project).value is not Level.OFF)


@lru_cache(maxsize=4096)
def _rules_for(policy: Policy, project: ProjectName) -> Rules:
    profile = policy.profile.value
    place = f"profile {profile.name.lower()}"
    layers = [layer.rules_for(project) for layer in policy.layers]
    publishers = tuple(one.publishers for one in layers if one.publishers is not None)
    predicates = frozenset(name for one in layers if one.predicates is not None for name in one.predicates.value)
    slsa = tuple(rule for one in layers if (rule := _slsa(one)) is not None)
    if slsa:
        predicates |= {"slsa"}
    floor = Placed(AttestationRule.WARN if profile is Profile.OBSERVE else AttestationRule.FIRST_USE, place)
    if publishers or predicates:
        needing = next(asks for one in layers if (asks := one.publishers or one.predicates or one.slsa) is not None)
        floor = Placed(AttestationRule.REQUIRE, needing.place)
    return Rules(
        hashes=stricter(
            [one.hashes for one in layers],
            Placed(Hashes.ALL if profile is Profile.STRICT else Hashes.OFF, place),
        ),
        ages=(
            Placed(_DEFAULT_AGE[profile], place),
            *(one.minimum_age for one in layers if one.minimum_age),
        ),
        first_release_ages=(
            Placed(timedelta(days=30), place),
            *(one.first_release_age for one in layers if one.first_release_age),
        ),
        attestations=stricter([one.attestations for one in layers], floor),
        publishers=publishers,
        predicates=predicates,
        slsa=slsa,
    )
