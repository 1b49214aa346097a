"""Why there is no answer: pip's own first lines, then every requirement that could not be met, with its chain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from packaging.version import Version

from safepip.errors import NoAnswer, SafepipError
from safepip.model.artifact import PassedOver
from safepip.model.ident import ProjectName
from safepip.resolve.nodes import Candidate, Need, requirement_text
from safepip.resolve.provider import Information, Provider
from safepip.resolve.shelf import Shelf
from safepip.resolve.versions import bits

IMPOSSIBLE = (
    "ResolutionImpossible: for help visit "
    "https://pip.pypa.io/en/latest/topics/dependency-resolution/#dealing-with-dependency-conflicts"
)
# Why a version is out is looked for among this many versions of one project.
_LOOKED_THROUGH = 50
# Of one project, so many versions are named in a line of pip's, and so many told as causes.
_VERSIONS_NAMED = 10
_CAUSES_TOLD = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsatisfied:
    """One requirement that could not be met.

    requirement: its text; origin: the place of the user's requirement that led to it
    chain:       from that place down to the requirement: ("requirements.txt:12", "web-app 4.0", "acme-tool>=2")
    check:       the id of the check that decided (`release-age`, `source-kind`, `hash-pinned`, ...), or
                 `no-such-project`, `no-version`, `no-wheel`, `requires-python`, `yanked`, `unreadable-metadata`, or
                 `conflict` where the versions are fine and other requirements speak against them
    message:     the fact, in one sentence
    versions:    all that exist, oldest first; passed_over: those in the requirement that were out, newest first
    accepted:    the newest version that could be installed, if any, whatever the requirement says; and its file
    """

    project: ProjectName
    requirement: str
    origin: str
    chain: tuple[str, ...]
    check: str
    message: str
    versions: tuple[Version, ...]
    passed_over: tuple[PassedOver, ...]
    accepted: Version | None
    accepted_file: str | None
    hint: str | None


def no_answer(provider: Provider, causes: Sequence[Information]) -> NoAnswer:
    """What resolvelib's causes amount to. Each distinct requirement is told once."""
    failures = tuple({one.chain: one for one in (_unsatisfied(provider, *cause) for cause in _sample(causes))}.values())
    if len(causes) == 1 and causes[0][0].project not in provider.terms.constraints:
        need, parent = causes[0]
        lines = _single_lines(provider, need, parent)
        reference, explanation = "no-matching-distribution", tuple[str, ...]()
    else:
        lines = (_cannot_install(provider, causes), IMPOSSIBLE)
        reference, explanation = "resolution-impossible", tuple(_explanation(provider, causes))
    return NoAnswer(
        reference,
        lines[-1],
        lines=lines,
        explanation=explanation,
        failures=failures,
        context=[pair for failure in failures for pair in _context(failure)],
        hint=next((failure.hint for failure in failures if failure.hint), None),
    )


def too_deep(rounds: int) -> NoAnswer:
    return NoAnswer(
        "resolution-too-deep",
        f"Dependency resolution exceeded maximum depth ({rounds} rounds)",
        lines=(f"Dependency resolution exceeded maximum depth ({rounds} rounds)",),
        explanation=(),
        failures=(),
        hint="Pin or bound the requirements that have many versions, or add a constraints file (-c).",
    )


# pip's own lines


def _single_lines(provider: Provider, need: Need, parent: Candidate | None) -> tuple[str, ...]:
    shelf = provider.shelf(need.project)
    versions = shelf.versions
    live = [index for index in bits(versions.usable) if not versions.yanked >> index & 1]
    offered = [versions.version(index) for index in reversed(live) if not _out(shelf, index)]
    shown = need.text if parent is None else f"{need.text} (from {parent.identifier})"
    listed = ", ".join(map(str, offered)) or "none"
    kind = "final version" if provider.terms.request.pre_releases(need.project) is False else "version"
    return (
        *_ignored(shelf),
        f"Could not find a {kind} that satisfies the requirement {shown} (from versions: {listed})",
        f"No matching distribution found for {shown}",
    )


def _ignored(shelf: Shelf) -> Iterator[str]:
    versions = shelf.versions
    yanked = [str(versions.version(index)) for index in reversed(list(bits(versions.yanked)))]
    if yanked:
        yield f"Ignored the following yanked versions: {', '.join(yanked)}"
    other: dict[str, None] = {}
    for index in reversed(list(bits(versions.all & ~versions.usable))):
        fault = versions.fault(index)
        if fault is not None and fault[0] == "requires-python":
            asked = next(
                file.listing.requires_python for file in versions.files(index) if file.listing.name.text == fault[1]
            )
            other[f"{versions.version(index)} Requires-Python {asked}"] = None
    if other:
        yield f"Ignored the following versions that require a different python version: {'; '.join(sorted(other))}"


def _cannot_install(provider: Provider, causes: Sequence[Information]) -> str:
    names: dict[str, Candidate | None] = {}
    for need, parent in causes:
        names.setdefault(*_trigger(provider, need, parent))
    told = sorted(_few(names))
    listed = told[0] if len(told) == 1 else f"{', '.join(told[:-1])} and {told[-1]}"
    return f"Cannot install {listed} because these package versions have conflicting dependencies."


def _trigger(provider: Provider, need: Need, parent: Candidate | None) -> tuple[str, Candidate | None]:
    """As pip names it; with the candidate where the name is that of one version."""
    if parent is None:
        return _spoken(need), None
    above = provider.asked.get(parent.identifier, ())
    asker = next((one.parent for one in above if one.parent is not None), None)
    if asker is None or any(one.root is not None for one in above) or parent.extras:
        return f"{parent.identifier}=={parent.version}", parent
    return asker.identifier, None


def _few(names: Mapping[str, Candidate | None]) -> Iterator[str]:
    """One by one, but where there are a great many versions of one project only how many."""
    groups: dict[str, list[str]] = {}
    for name, candidate in names.items():
        groups.setdefault(candidate.identifier if candidate is not None else name, []).append(name)
    for project, members in groups.items():
        if len(members) <= _VERSIONS_NAMED:
            yield from members
        else:
            newest, oldest = names[members[0]], names[members[-1]]
            yield f"{project} ({len(members)} versions, {oldest and oldest.version} to {newest and newest.version})"


def _spoken(need: Need) -> str:
    """`a>=1 and <2`, as pip says it."""
    parts = [part.strip() for part in need.text.split(",")] if not need.direct else [need.text]
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _explanation(provider: Provider, causes: Sequence[Information]) -> Iterator[str]:
    yield "The conflict is caused by:"
    for need, parent in _sample(causes):
        if parent is None:
            origin = f"  ({need.root.origin})" if need.root is not None else ""
            yield f"    The user requested {_spoken(need)}{origin}"
        else:
            chain = "  ->  ".join(provider.chain(parent))
            yield f"    {parent.identifier} {parent.version} depends on {_spoken(need)}  ({chain})"
    for (child, name), count in _counts(causes).items():
        if count > _CAUSES_TOLD:
            yield f"    and {count - _CAUSES_TOLD} more versions of {name} depend on {child} in other ways"
    for project in dict.fromkeys(need.project for need, _ in causes):
        for root in provider.terms.constraints.get(project, ()):
            yield f"    The user requested (constraint) {requirement_text(root.requirement)}  ({root.origin})"


def _counts(causes: Sequence[Information]) -> Counter[tuple[str, str]]:
    return Counter((need.identifier, parent.identifier) for need, parent in causes if parent is not None)


def _sample(causes: Sequence[Information]) -> Iterator[Information]:
    """All causes, but of many versions of one project that need another only the newest few."""
    told: Counter[tuple[str, str]] = Counter()
    for cause in causes:
        if cause.parent is not None:
            key = (cause.requirement.identifier, cause.parent.identifier)
            told[key] += 1
            if told[key] > _CAUSES_TOLD:
                continue
        yield cause


# What stands behind them


def _unsatisfied(provider: Provider, need: Need, parent: Candidate | None) -> Unsatisfied:
    shelf = provider.shelf(need.project)
    origin = need.root.origin if need.root is not None else ""
    chain = (*(provider.chain(parent) if parent is not None else (origin,)), need.text)
    mask = provider.mask(need) & shelf.versions.all
    if shelf.constraint is not None:
        mask &= shelf.versions.mask(shelf.constraint)
    asks = bool(need.specifier.prereleases) or bool(provider.terms.request.pre_releases(need.project))
    wanted = mask if asks else (mask & shelf.versions.final or mask)
    passed = tuple(_passed(shelf, wanted))
    check, message = _decided(shelf, need, wanted, passed)
    accepted = _accepted(shelf, asks=asks)
    return Unsatisfied(
        project=need.project,
        requirement=need.text,
        origin=chain[0],
        chain=chain,
        check=check,
        message=message,
        versions=shelf.versions.versions,
        passed_over=passed,
        accepted=shelf.versions.version(accepted) if accepted else None,
        accepted_file=shelf.versions.choices(accepted)[0].listing.name.text if accepted else None,
        hint=_hint(need.project, check, shelf.versions.version(accepted) if accepted else None),
    )


def _passed(shelf: Shelf, mask: int) -> Iterator[PassedOver]:
    for _, index in zip(range(_LOOKED_THROUGH), bits(mask), strict=False):
        yield from shelf.reasons(index)


def _out(shelf: Shelf, index: int) -> bool:
    return bool(shelf.reasons(index))


def _decided(shelf: Shelf, need: Need, mask: int, passed: Sequence[PassedOver]) -> tuple[str, str]:
    """The check that decided: the policy's objection to the newest version, else what is the matter with it."""
    if not shelf.known:
        return "no-such-project", f"no configured index knows a project named {shelf.project}"
    if not mask:
        constrained = " and the constraints allow" if shelf.constraint is not None else ""
        newest = shelf.versions.versions[-1] if shelf.versions.versions else None
        have = f"; the newest is {newest}" if newest is not None else "; the index lists no file of it"
        return "no-version", f"there is no version of {shelf.project} that {need.text} asks for{constrained}{have}"
    plain = ("no-wheel", "requires-python", "yanked")
    objected = next((one for one in passed if one.check not in plain), None)
    if objected is None and any(not shelf.reasons(index) for index in bits(mask)):
        return "conflict", f"{shelf.project} has versions for {need.text}, but other requirements exclude them"
    first = objected or passed[0]
    check = first.check
    if check == "no-wheel" and first.file is not None and not first.file.endswith(".whl"):
        check = "source-kind"
    return check, f"{first.project} {first.version}: {first.message}"


def _accepted(shelf: Shelf, *, asks: bool) -> int | None:
    """The newest version that could be installed. Judges no more listings than it takes to find one."""
    for _, index in zip(range(_LOOKED_THROUGH), bits(shelf.narrow(shelf.versions.all, asks_pre=asks)), strict=False):
        try:
            if shelf.look(index).taken is not None:
                return index
        except SafepipError:
            return None  # a suggestion that cannot be had must not take the place of the explanation
    return None


def _hint(project: ProjectName, check: str, accepted: Version | None) -> str | None:
    if check == "no-such-project":
        return "Check the spelling, and that the index that has it is configured (--index-url, --extra-index-url)."
    if check == "conflict":
        return "Loosen the range of versions that you have specified, or remove a pin."
    if check == "hash-pinned":
        return f"Review the files of {project} and add their --hash=sha256:... to its line."
    if accepted is not None:
        return f"{project}=={accepted} is the newest version that can be installed."
    if check in {"source-kind", "no-wheel"}:
        return f"Ask the maintainers of {project} for a wheel, or build one from reviewed source and name its file."
    return None


def _context(failure: Unsatisfied) -> Iterator[tuple[str, str]]:
    first = next(iter(failure.passed_over), None)
    if first is not None:
        file = f"  ({first.file})" if first.file is not None else ""
        yield ("refused", f"{first.project} {first.version}{file}  {failure.check}")
    yield ("required", "  ->  ".join(failure.chain))
    yield ("fact", failure.message)
    if failure.accepted is not None and failure.check != "conflict":
        yield ("accepted", f"{failure.project} {failure.accepted}  ({failure.accepted_file})")
