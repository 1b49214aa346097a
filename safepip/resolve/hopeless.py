"""Seeing early that there is no answer at all, where backtracking would try every combination first.

`boto3>=1.34 botocore<1.34` is the pattern: each version of the one contradicts the user's own word on the other. That
is proven from the user's requirements alone, so it never changes an answer where there is one.
"""

from __future__ import annotations

from collections.abc import Collection

from resolvelib import BaseReporter, ResolutionImpossible

from safepip.model.ident import ProjectName
from safepip.resolve.nodes import Candidate, Need
from safepip.resolve.provider import Information, Matches, Provider
from safepip.resolve.versions import INSTALLED


class Watch(BaseReporter[Need, Candidate, str]):
    """Called at every dead end; gives up when one of the user's own projects can be shown to have no candidate."""

    def __init__(self, provider: Provider, roots: Collection[Need]) -> None:
        self._provider = provider
        self._roots = [need for need in roots if not need.extras]
        self._checked: set[ProjectName] = set()

    def resolving_conflicts(self, causes: Collection[Information]) -> None:
        for project in dict.fromkeys(parent.project for _, parent in causes if parent is not None):
            if project not in self._checked:
                self._checked.add(project)
                if self._hopeless(project):
                    raise ResolutionImpossible(causes)

    def _hopeless(self, project: ProjectName) -> bool:
        """Whether every candidate that the user allows for it contradicts something else that the user asked for.

        Stops at the first that does not: so no more candidates are looked at than the search has already tried.
        """
        needs = tuple(need for need in self._roots if need.project == project)
        if not needs:
            return False
        return all(self._contradicts(candidate) for candidate in Matches(self._provider, needs[0], needs, 0))

    def _contradicts(self, candidate: Candidate) -> bool:
        return any(
            not self._allowed(need.project) & self._provider.mask(need)
            for need in self._provider.get_dependencies(candidate)
            if any(root.project == need.project for root in self._roots)
        )

    def _allowed(self, project: ProjectName) -> int:
        shelf = self._provider.shelf(project)
        allowed = shelf.versions.all | INSTALLED
        for need in self._roots:
            if need.project == project:
                allowed &= self._provider.mask(need)
        return allowed if shelf.constraint is None else allowed & shelf.mask(shelf.constraint)
