"""The questions that resolvelib asks, answered as pip 26.3 answers them, so that the picks are pip's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, overload

from packaging.requirements import Requirement
from resolvelib import AbstractProvider
from resolvelib.structs import RequirementInformation

from safepip.errors import Refused
from safepip.model.artifact import Root
from safepip.model.ident import ProjectName, Url
from safepip.ports import Catalog
from safepip.resolve.ahead import Ahead
from safepip.resolve.nodes import Candidate, Need, requirement_text
from safepip.resolve.shelf import Shelf
from safepip.resolve.terms import NO_EXTRAS, Terms, extras_of
from safepip.resolve.versions import INSTALLED, Fitness, bits

# How often a name must turn up unpinned in a conflict before it is decided early (pip's threshold).
PROMOTED_AFTER = 5

Information = RequirementInformation[Need, Candidate]


class Provider(AbstractProvider[Need, Candidate, str]):
    """Deterministic: whatever is asked ahead on other threads, the answers depend on the index alone."""

    def __init__(self, terms: Terms, catalog: Catalog) -> None:
        self.terms = terms
        self.ahead = Ahead(catalog, terms, self.shelf)
        self.asked: dict[str, tuple[Need, ...]] = {}
        self._catalog = catalog
        request = terms.request
        self._fitness = Fitness(
            terms.python, request.target.tags, ignore_requires_python=request.ignore_requires_python
        )
        self._shelves: dict[ProjectName, Shelf] = {}
        self._candidates: dict[tuple[str, int], Candidate] = {}
        self._conflicts: defaultdict[str, int] = defaultdict(int)
        self._promoted: set[str] = set()

    # What there is

    def shelf(self, project: ProjectName) -> Shelf:
        known = self._shelves.get(project)
        if known is None:
            known = self._shelves.setdefault(project, Shelf(project, self.terms, self._fitness, self._catalog))
        return known

    def candidate(self, shelf: Shelf, name: str, extras: frozenset[str], index: int) -> Candidate:
        key = (name, index)
        known = self._candidates.get(key)
        if known is None:
            known = self._candidates[key] = Candidate(shelf, index, extras)
        return known

    def mask(self, need: Need) -> int:
        """All versions that satisfy this need alone, the installed one included."""
        if need.mask is None:
            shelf = self.shelf(need.project)
            if need.requirement.url is not None:
                need.mask = shelf.versions.all
            else:
                need.mask = shelf.mask(need.specifier)
        return need.mask

    # resolvelib's questions

    def identify(self, requirement_or_candidate: Need | Candidate) -> str:
        return requirement_or_candidate.identifier

    def narrow_requirement_selection(
        self,
        identifiers: Iterable[str],
        resolutions: Mapping[str, Candidate],
        candidates: Mapping[str, Iterator[Candidate]],  # noqa: ARG002
        information: Mapping[str, Iterator[Information]],  # noqa: ARG002
        backtrack_causes: Sequence[Information],
    ) -> Iterable[str]:
        """What takes part in the present conflict, else what has often done so, else everything (pip 25 and later)."""
        involved: set[str] = set()
        for need, parent in backtrack_causes:
            for name in (need.identifier, *(() if parent is None else (parent.identifier,))):
                involved.add(name)
                if name not in resolutions:
                    self._conflicts[name] += 1
                    if self._conflicts[name] >= PROMOTED_AFTER:
                        self._promoted.add(name)
        names = list(identifiers)
        causes = [name for name in names if name in involved]
        return causes or [name for name in names if name in self._promoted] or names

    def get_preference(
        self,
        identifier: str,
        resolutions: Mapping[str, Candidate],  # noqa: ARG002
        candidates: Mapping[str, Iterator[Candidate]],  # noqa: ARG002
        information: Mapping[str, Iterator[Information]],
        backtrack_causes: Sequence[Information],  # noqa: ARG002
    ) -> tuple[bool, bool, bool, bool, float, bool, str]:
        direct = pinned = bounded = False
        free = True
        for need, _ in information[identifier]:
            direct = direct or need.direct
            pinned = pinned or need.pinned
            bounded = bounded or need.bounded
            free = free and need.free
        order = self.terms.requested_order(identifier)
        return (identifier not in self._promoted, not direct, not pinned, not bounded, order, free, identifier)

    def find_matches(
        self,
        identifier: str,
        requirements: Mapping[str, Iterator[Need]],
        incompatibilities: Mapping[str, Iterator[Candidate]],
    ) -> Sequence[Candidate]:
        own = tuple(requirements[identifier])
        name, bracket, _ = identifier.partition("[")
        # `name[extra]` must be a version of `name` that is wanted: knowing that early saves trying the others.
        needs = (*own, *requirements.get(name, ())) if bracket else own
        if not own:  # those who asked have lost in the meantime
            return ()
        self.asked[identifier] = own
        gone = 0
        for candidate in incompatibilities[identifier]:
            gone |= candidate.bit
        return Matches(self, own[0], needs, gone)

    def is_satisfied_by(self, requirement: Need, candidate: Candidate) -> bool:
        mask = requirement.mask
        if mask is None:
            if candidate.bit == INSTALLED and requirement.requirement.url is None:
                return candidate.shelf.installed_mask(requirement.specifier) != 0
            mask = self.mask(requirement)
        return mask & candidate.bit != 0

    def get_dependencies(self, candidate: Candidate) -> tuple[Need, ...]:
        if candidate.needs is None:
            candidate.needs = tuple(self._needs(candidate))
        return candidate.needs

    # What a candidate, or the user, asks for

    def root_needs(self) -> list[Need]:
        """The user's requirements; those with extras last, as in pip, so that the bare names are narrowed first."""
        needs = [need for root in self.terms.roots for need in self._split(root.requirement, root, None)]
        return sorted(needs, key=lambda need: bool(need.extras))

    def _needs(self, candidate: Candidate) -> Iterator[Need]:
        shelf, extras = candidate.shelf, candidate.extras
        if extras:
            base = self.candidate(shelf, shelf.project, NO_EXTRAS, candidate.index)
            itself = Requirement(shelf.project)
            yield Need(shelf.project, NO_EXTRAS, itself, root=None, parent=candidate, exactly=base)
        if self.terms.request.no_deps:
            return
        taken = candidate.taken
        if taken is not None:
            requires, provided = taken.metadata.requires_dist, extras & taken.metadata.provides_extra
        else:
            requires, provided = shelf.installed.requires_dist if shelf.installed is not None else (), extras
        for requirement in requires:
            if self.terms.applies(requirement.marker, provided):
                yield from self._split(requirement, None, candidate)

    def _split(self, requirement: Requirement, root: Root | None, parent: Candidate | None) -> Iterator[Need]:
        """`name[extra]>=1` is two needs: one on the versions of `name`, one on `name[extra]`."""
        project = ProjectName.parse(requirement.name)
        extras = extras_of(requirement)
        if requirement.url is not None and parent is not None:
            self._refuse_unless_asked_for(project, requirement, parent)
        if extras and (requirement.specifier or requirement.url is not None):
            yield Need(project, NO_EXTRAS, requirement, root=root, parent=parent)
        yield Need(project, extras, requirement, root=root, parent=parent)

    def _refuse_unless_asked_for(self, project: ProjectName, requirement: Requirement, parent: Candidate) -> None:
        url = Url((requirement.url or "").partition("#")[0])  # foreign text: not to be parsed as an address
        if url in self.terms.urls.get(project, ()):
            return
        raise Refused(
            "direct-url",
            f"{parent.identifier} {parent.version} depends on a file by its address, which no index vouches for",
            context=[
                ("refused", requirement_text(requirement, extras_of(requirement))),
                ("required", "  ->  ".join((*self.chain(parent), requirement_text(requirement)))),
            ],
            hint=f"Review that file; then name it as a requirement of your own, with its #sha256=, or constrain "
            f"{parent.project} to a version without such a dependency.",
        )

    def chain(self, candidate: Candidate) -> tuple[str, ...]:
        """How the user's requirements lead to this candidate: a place, then `project version` down to it."""
        steps: list[str] = []
        seen: set[str] = set()
        at: Candidate | None = candidate
        while at is not None and at.identifier not in seen:
            seen.add(at.identifier)
            if not steps or steps[-1].partition(" ")[0].partition("[")[0] != at.project:
                steps.append(f"{at.identifier} {at.version}")
            needs = self.asked.get(at.identifier, ())
            need = next((one for one in needs if one.root is not None), needs[0] if needs else None)
            if need is not None and need.root is not None:
                steps.append(need.root.origin)
            at = need.parent if need is not None else None
        return tuple(reversed(steps))


class Matches(Sequence[Candidate]):
    """The candidates for one identifier, best first, each looked at only when it is reached.

    True means that there is one, which for an index means that its best wheel was judged and its metadata read.
    """

    def __init__(self, provider: Provider, first: Need, needs: tuple[Need, ...], gone: int) -> None:
        self._provider = provider
        self._first = first
        self._needs = needs
        self._gone = gone
        self._shelf = provider.shelf(first.project)
        self._mask: int | None = None
        self._some: bool | None = None

    def _installed(self) -> bool:
        """Whether what is installed will do. Never asks an index."""
        shelf = self._shelf
        if shelf.installed is None or self._gone & INSTALLED:
            return False
        if shelf.constraint is not None and not shelf.installed_mask(shelf.constraint):
            return False
        for need in self._needs:
            if need.exactly is not None:
                if need.exactly.bit != INSTALLED:
                    return False
            elif need.requirement.url is not None or not shelf.installed_mask(need.specifier):
                return False
        return shelf.project not in self._provider.terms.urls

    def _from_index(self) -> int:
        if self._mask is None:
            mask = self._shelf.versions.all
            for need in self._needs:
                mask &= self._provider.mask(need)
            constraint = self._shelf.constraint
            if constraint is not None:
                mask &= self._shelf.versions.mask(constraint)
            direct = any(need.direct for need in self._needs)
            asks = any(need.specifier.prereleases for need in self._needs)
            asks = asks or (constraint is not None and bool(constraint.prereleases))
            mask = mask & self._shelf.versions.hashed if direct else self._shelf.narrow(mask, asks_pre=asks)
            # Last, or a final version that lost would make room for pre-releases.
            self._mask = mask & ~self._gone
        return self._mask

    def _indexes(self) -> Iterator[int]:
        """0 stands for the installed distribution: first where it is preferred, else in its place by version."""
        shelf = self._shelf
        installed = shelf.installed if self._installed() else None
        placed = installed is None
        if installed is not None and self._provider.terms.prefers_installed(self._first.identifier, shelf.project):
            yield 0
            placed = True
        rest = self._from_index()
        for index in bits(rest):
            version = shelf.versions.version(index)
            if not placed and installed is not None and installed.version >= version:
                yield 0
                placed = True
            if installed is not None and installed.version == version:
                continue
            self._provider.ahead.more(shelf, index, rest & ((1 << index) - 1))
            if shelf.consider(index):
                yield index
        if not placed:
            yield 0

    def __iter__(self) -> Iterator[Candidate]:
        first = self._first
        for index in self._indexes():
            yield self._provider.candidate(self._shelf, first.identifier, first.extras, index)

    def __bool__(self) -> bool:
        if self._some is None:
            self._some = next(self._indexes(), None) is not None
        return self._some

    @overload
    def __getitem__(self, index: int) -> Candidate: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Candidate]: ...
    def __getitem__(self, index: Any) -> Any:
        return tuple(self)[index]

    def __len__(self) -> int:
        return sum(1 for _ in self)
