"""From resolvelib's result to pins in installation order, each with those who asked for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from resolvelib.resolvers import Criterion
from resolvelib.structs import State

from safepip.model.artifact import InstalledDistribution, Parent, PassedOver, Pin, Resolution
from safepip.model.ident import ProjectName
from safepip.resolve.nodes import Candidate, Need, requirement_text
from safepip.resolve.order import dependencies_first
from safepip.resolve.provider import Provider
from safepip.resolve.terms import extras_of
from safepip.resolve.versions import bits


@dataclass(frozen=True, slots=True)
class Found:
    """The part of resolvelib's last state that the user's requirements lead to, and who needs whom in it."""

    mapping: dict[str, Candidate]
    criteria: dict[str, Criterion[Need, Candidate]]
    children: dict[str, list[str]]


def connected(state: State[Need, Candidate, str]) -> Found:
    """Leave out what only candidates that lost have asked for.

    resolvelib's own way of doing so (1.2.1) never ends where those ask for each other in a circle.
    """
    children: dict[str, list[str]] = {name: [] for name in state.mapping}
    todo: list[str] = []
    for name, criterion in state.criteria.items():
        for _, parent in criterion.information:
            if parent is None:
                todo.append(name)
            elif state.mapping.get(parent.identifier) is parent:
                children[parent.identifier].append(name)
    reached: set[str] = set()
    while todo:
        name = todo.pop()
        if name not in reached:
            reached.add(name)
            todo.extend(children[name])
    return Found(
        mapping={name: candidate for name, candidate in state.mapping.items() if name in reached},
        criteria=state.criteria,
        children={name: below for name, below in children.items() if name in reached},
    )


def resolution(provider: Provider, result: Found) -> Resolution:
    """The pins, and the versions that would have been better and were passed over for a reason."""
    names = [name for name in dependencies_first(result.children) if not result.mapping[name].extras]
    return Resolution(
        pins=tuple(_pin(provider, result, name) for name in names),
        target=provider.terms.request.target,
        passed_over=tuple(one for name in sorted(names) for one in _passed_over(provider, result, name)),
    )


def _pin(provider: Provider, result: Found, name: str) -> Pin:
    candidate = result.mapping[name]
    taken = candidate.taken
    kept = candidate.shelf.installed if taken is None else _same_already(candidate)
    if kept is not None:
        taken = None
    return Pin(
        project=candidate.project,
        version=candidate.version,
        extras=frozenset(extra for one in _forms(result, candidate.project) for extra in one.extras),
        listing=taken.file.listing if taken is not None else None,
        installed=kept,
        metadata=taken.metadata if taken is not None else None,
        parents=_parents(provider, result, candidate.project),
    )


def _same_already(candidate: Candidate) -> InstalledDistribution | None:
    """A wheel named by URL or path does not replace the same version, as in pip (--force-reinstall does it)."""
    installed = candidate.shelf.installed
    return installed if installed is not None and installed.version == candidate.version else None


def _forms(result: Found, project: ProjectName) -> Iterator[Candidate]:
    """The project itself and its forms with extras."""
    return (one for one in result.mapping.values() if one.project == project)


def _information(result: Found, project: ProjectName) -> Iterator[tuple[Need, Candidate | None]]:
    """Who asks for that project, in any form, among those who are part of the answer."""
    for form in _forms(result, project):
        for need, parent in result.criteria[form.identifier].information:
            if parent is None or (parent.project != project and result.mapping.get(parent.identifier) is parent):
                yield need, parent


def _parents(provider: Provider, result: Found, project: ProjectName) -> tuple[Parent, ...]:
    roots = {id(root): place for place, root in enumerate(provider.terms.roots)}
    found = {
        (roots.get(id(need.root), len(roots)), "" if parent is None else parent.project, text): (need, parent, text)
        for need, parent in _information(result, project)
        for text in [requirement_text(need.requirement, extras_of(need.requirement))]
    }
    return tuple(_parent(*found[key]) for key in sorted(found))


def _parent(need: Need, parent: Candidate | None, text: str) -> Parent:
    if parent is None:
        origin = need.root.origin if need.root is not None else ""
        return Parent(project=None, version=None, requirement=text, origin=origin)
    origin = f"{parent.project} {parent.version}"
    return Parent(project=parent.project, version=parent.version, requirement=text, origin=origin)


def _passed_over(provider: Provider, result: Found, name: str) -> Iterator[PassedOver]:
    """What is better than the pin, satisfies everybody, and has something else against it. Newest first."""
    candidate = result.mapping[name]
    shelf = candidate.shelf
    if candidate.taken is None and provider.terms.prefers_installed(name, shelf.project):
        return
    mask = shelf.versions.all
    needs = [need for need, _ in _information(result, candidate.project)]
    for need in needs:
        mask &= provider.mask(need)
    if shelf.constraint is not None:
        mask &= shelf.versions.mask(shelf.constraint)
    asks = any(need.specifier.prereleases for need in needs)
    asks = asks or (shelf.constraint is not None and bool(shelf.constraint.prereleases))
    if not candidate.version.is_prerelease and not asks and not provider.terms.request.pre_releases(shelf.project):
        mask &= shelf.versions.final
    for index in bits(mask):
        if shelf.versions.version(index) < candidate.version:
            return
        # Of the chosen version itself, better wheels may have been passed over.
        yield from shelf.look(index).passed if index == candidate.index else shelf.reasons(index)
