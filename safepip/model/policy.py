"""The policy: rules that only tighten from layer to layer, and grants that permit something.

The schema is docs/policy.md. The law (property-tested): for any two layers the merge of their rules allows
nothing that either forbids.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from fnmatch import fnmatchcase
from functools import lru_cache

from safepip.model.grants import HookGrant, IndexGrant, TrustRootGrant, Waiver, folded
from safepip.model.ident import ProjectName, Url
from safepip.model.levels import CHECKS, CODES, Age, AttestationRule, Hashes, LayerKind, Level, Placed, Profile
from safepip.model.rules import Rules, RuleSet, asked_of_builds, stricter
from safepip.model.shippedhooks import SHIPPED

_DEFAULT_AGE = {
    Profile.OBSERVE: timedelta(days=3),
    Profile.STANDARD: timedelta(days=3),
    Profile.STRICT: timedelta(days=7),
}


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
    hooks: tuple[HookGrant, ...] = ()

    def rules_for(self, project: ProjectName) -> RuleSet:
        """The most specific matching table: the glob with the most literal characters wins."""
        matching = [(glob, rules) for glob, rules in self.projects if fnmatchcase(project, glob)]
        matching.sort(key=lambda pair: len(pair[0].replace("*", "").replace("?", "")))
        result = self.rules
        for _, rules in matching:
            result = rules.over(result)
        return result


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

    def hook_grant(self, project: ProjectName, line: str) -> HookGrant | None:
        """What lets that line run at every start of Python. A module that runs as a whole ("") nothing does."""
        asked = folded(line)
        granted = (grant for layer in self.layers for grant in layer.hooks)
        fitting = (grant for grant in (*SHIPPED, *granted) if grant.project == project and grant.line == asked)
        return next(fitting, None) if asked else None

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
    slsa = tuple(rule for one in layers if (rule := asked_of_builds(one)) is not None)
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
