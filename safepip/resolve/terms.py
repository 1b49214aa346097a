"""What holds for a whole run: the user's own requirements and constraints, sorted by project, and the markers."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from math import inf

from packaging.markers import Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from safepip.errors import Malformed
from safepip.model.artifact import HashPin, InstalledDistribution, Root
from safepip.model.ident import ProjectName, Url
from safepip.resolve.request import ResolveRequest

NO_EXTRAS: frozenset[str] = frozenset()


def identifier(project: ProjectName, extras: frozenset[str]) -> str:
    """`name` or `name[a,b]`: extras are identifiers of their own, as in pip."""
    return f"{project}[{','.join(sorted(extras))}]" if extras else project


def extras_of(requirement: Requirement) -> frozenset[str]:
    return frozenset(canonicalize_name(extra) for extra in requirement.extras) if requirement.extras else NO_EXTRAS


@lru_cache(maxsize=8192)
def shape(specifier: SpecifierSet) -> tuple[bool, bool, bool]:
    """(pinned, bounded above, has any operator): what pip's preference looks at."""
    parts = [(one.operator, one.version) for one in specifier]
    pinned = any(operator[:2] == "==" and "*" not in version for operator, version in parts)
    bounded = any(operator in {"<", "<=", "~="} or (operator == "==" and "*" in version) for operator, version in parts)
    return pinned, bounded, bool(parts)


def is_exact(specifier: SpecifierSet) -> bool:
    """`==1.2` or `===1.2`, and not `==1.*`: the only way to ask for a yanked version (PEP 592)."""
    return any(one.operator == "===" or (one.operator == "==" and not one.version.endswith(".*")) for one in specifier)


class Terms:
    """The request, indexed. Everything in here is fixed before the first page is asked for."""

    def __init__(self, request: ResolveRequest) -> None:
        self.request = request
        self.python = Version(request.target.python.base_version)
        self._applies: dict[tuple[str, frozenset[str]], bool] = {}
        self.roots = tuple(root for root in request.roots if self.applies(root.requirement.marker, NO_EXTRAS))
        constraints = tuple(one for one in request.constraints if self.applies(one.requirement.marker, NO_EXTRAS))
        self.constraints = _by_project(constraints)
        self._specifiers = {name: _together(group) for name, group in self.constraints.items()}
        written = _by_project((*self.roots, *constraints))
        self.pins = {name: _common_pins(group) for name, group in written.items() if any(one.pins for one in group)}
        self.exact = frozenset(
            name for name, group in written.items() if any(is_exact(one.requirement.specifier) for one in group)
        )
        self.urls = {name: urls for name, group in written.items() if (urls := _urls(group))}
        self._requested = self._order()
        absent = request.ignore_installed or request.force_reinstall
        self.installed: dict[ProjectName, InstalledDistribution] = {} if absent else dict(request.installed)

    def applies(self, marker: Marker | None, extras: frozenset[str]) -> bool:
        """Whether a requirement with that marker counts for the target, with those extras. Raises Malformed."""
        if marker is None:
            return True
        key = (str(marker), extras)
        known = self._applies.get(key)
        if known is None:
            known = self._applies[key] = any(self._evaluate(marker, extra) for extra in sorted(extras) or ("",))
        return known

    def _evaluate(self, marker: Marker, extra: str) -> bool:
        try:
            return marker.evaluate({**self.request.target.markers, "extra": extra})
        except (UndefinedComparison, UndefinedEnvironmentName) as error:
            raise Malformed(f"the marker {str(marker)!r} cannot be evaluated: {error}") from None

    def constraint(self, project: ProjectName) -> SpecifierSet | None:
        return self._specifiers.get(project)

    def requested_order(self, name: str) -> float:
        return self._requested.get(name, inf)

    def prefers_installed(self, name: str, project: ProjectName) -> bool:
        """The upgrade strategies: without -U always; with it only what nobody asked for by name; eager never."""
        if not self.request.upgrade:
            return True
        if self.request.upgrade_strategy == "eager":
            return False
        return name not in self._requested and project not in self._requested

    def _order(self) -> dict[str, int]:
        """As in pip, a root with extras and a specifier counts by its bare name, without one by `name[extra]`."""
        order: dict[str, int] = {}
        for position, root in enumerate(self.roots):
            split = bool(root.requirement.specifier) or root.requirement.url is not None
            order.setdefault(
                root.project if split else identifier(root.project, extras_of(root.requirement)),
                position,
            )
        return order


def _by_project(roots: Iterable[Root]) -> dict[ProjectName, tuple[Root, ...]]:
    groups: dict[ProjectName, tuple[Root, ...]] = {}
    for root in roots:
        groups[root.project] = (*groups.get(root.project, ()), root)
    return groups


def _together(group: tuple[Root, ...]) -> SpecifierSet:
    result = SpecifierSet()
    for root in group:
        result &= root.requirement.specifier
    return result


def _common_pins(group: tuple[Root, ...]) -> frozenset[HashPin]:
    """The digests that everyone who names any allows. Empty: they contradict each other, so nothing is allowed."""
    stated = [root.pins for root in group if root.pins]
    return frozenset.intersection(*stated)


def _urls(group: tuple[Root, ...]) -> tuple[Url, ...]:
    found = (Url(root.requirement.url) for root in group if root.requirement.url is not None)
    return tuple(dict.fromkeys(url.without_fragment() for url in found))
