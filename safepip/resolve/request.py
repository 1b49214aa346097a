"""What the resolver is asked, and the one way in which the policy has a say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Literal

from safepip.model.artifact import IndexPage, InstalledDistribution, Listing, Root, Target
from safepip.model.ident import ProjectName

# pip's own limit. Backjumping is optimistic for a tenth of it, so another limit could mean other picks.
ROUNDS = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """Why the policy passes over a listing, judged from what an index claims about it alone.

    check:    the id of the check that objects, such as `release-age`
    message:  the fact, in one sentence
    eligible: when it will be acceptable, where time alone decides
    code, rule, hint: as in the check's finding, for whoever tells of it
    """

    check: str
    message: str
    eligible: datetime | None
    code: str | None = None
    rule: str | None = None
    hint: str | None = None


Admit = Callable[[Listing, IndexPage], Objection | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a person asks for, before anybody knows where it goes.

    roots, constraints: as written; a constraint never adds a project
    hash_mode:   every distribution needs a `--hash` (pip's --require-hashes, or any `--hash` at all)
    upgrade, upgrade_strategy: pip's -U and --upgrade-strategy
    allow_pre:   pip's --pre; False is the rule of PEP 440 (only when asked for, or when there is nothing else)
    only_final:  pip's --only-final :all:
    releases:    exceptions by project from --all-releases NAME (True) and --only-final NAME (False)
    """

    roots: tuple[Root, ...]
    constraints: tuple[Root, ...]
    hash_mode: bool
    upgrade: bool
    upgrade_strategy: Literal["only-if-needed", "eager"]
    allow_pre: bool
    no_deps: bool
    ignore_installed: bool
    force_reinstall: bool
    ignore_requires_python: bool
    only_final: bool = False
    releases: Mapping[ProjectName, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveRequest(Wishes):
    """Everything that an answer depends on, apart from what the indexes say.

    installed:   what is in the target; `ignore_installed` and `force_reinstall` make it count as absent
    admit:       the policy's listing-level judgement. It is asked at most once a listing and only about candidates
                 that are really considered, possibly on another thread; it must be a pure function. Wheels named by
                 a URL or path have no index page and are not asked about: the checks judge their bytes.
    """

    target: Target
    installed: Mapping[ProjectName, InstalledDistribution]
    admit: Admit
    rounds: int = ROUNDS

    @classmethod
    def of(
        cls, wishes: Wishes, *, target: Target, installed: Mapping[ProjectName, InstalledDistribution], admit: Admit
    ) -> ResolveRequest:
        """The wishes, in the place where they are to come true."""
        wished = {slot.name: getattr(wishes, slot.name) for slot in fields(Wishes)}
        return cls(**wished, target=target, installed=installed, admit=admit)

    def pre_releases(self, project: ProjectName) -> bool | None:
        """True: all releases. False: final ones only. None: what PEP 440 recommends."""
        said = self.releases.get(project)
        if said is not None:
            return said
        if self.only_final:
            return False
        return True if self.allow_pre else None
