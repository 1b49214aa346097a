"""Two distributions that write one path, or one that writes over what is there. docs/checks/file-collision.md"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from safepip.formats.plain import clean
from safepip.model.evidence import Dossier, Kind, Subject, Unavailable
from safepip.model.neighbours import Clash, Holder, Neighbours
from safepip.model.policy import Policy
from safepip.model.verdict import Finding, Outcome

ID = "file-collision"
NEEDS = frozenset({Kind.CONTENTS, Kind.NEIGHBOURS})
_SHOWN = 3
_SAID: Mapping[Holder, str] = {
    Holder.PLANNED: "it and {other} write the same files: {paths}",
    Holder.ITSELF: "two of its own members are written to one path: {paths}",
    Holder.INSTALLED: "it writes over files of {other}, which is installed: {paths}",
    Holder.REPLACED: "it writes files of {other}, which pip removes afterwards and takes them along: {paths}",
    Holder.INTERPRETER: "it writes over files of the interpreter: {paths}",
    Holder.STANDARD_LIBRARY: "it writes into the standard library: {paths}",
    Holder.UNOWNED: "it writes over files that no installed distribution names: {paths}",
    Holder.MODULE: "it and {other} have modules of one name, of which an import finds but one: {paths}",
}
_NEXT: Mapping[Holder, str] = {
    Holder.PLANNED: "leave {name} or {project} out: they cannot be installed side by side",
    Holder.ITSELF: "tell its authors; which of the two is installed depends on the installer",
    Holder.INSTALLED: "leave {project} out, or uninstall {name} first: they cannot be installed side by side",
    Holder.REPLACED: "bring {name} up to date in a run of its own, and {project} in a second one",
    Holder.INTERPRETER: "do not install it: no honest wheel replaces the interpreter",
    Holder.STANDARD_LIBRARY: "do not install it: no honest wheel replaces the standard library",
    Holder.MODULE: "leave {name} or {project} out: they cannot be used side by side",
    Holder.UNOWNED: "look at it: remove what an interrupted install left, and keep elsewhere what is yours",
}


def check(dossier: Dossier, policy: Policy, now: datetime) -> tuple[Finding, ...]:
    """By the whole plan and what is installed; `policy` and `now` are not looked at."""
    del policy, now
    subject, neighbours = dossier.subject, dossier.get(Neighbours)
    if isinstance(neighbours, Unavailable):
        return (_finding(subject, neighbours.code, Outcome.UNKNOWN, neighbours.why),)
    objections = tuple(_objections(subject, neighbours))
    return objections or (_finding(subject, ID, Outcome.PASS, "nobody else writes, or holds, what it writes"),)


def _objections(subject: Subject, neighbours: Neighbours) -> Iterator[Finding]:
    """One finding for each holder: a hundred files of one other distribution are one fact."""
    gathered: dict[tuple[Holder, str], list[Clash]] = {}
    for one in neighbours.clashes:
        if not one.same:
            about = "" if one.holder is Holder.ITSELF else one.other
            gathered.setdefault((one.holder, about), []).append(one)
    for (holder, other), clashes in gathered.items():
        paths = list(dict.fromkeys(clean(one.path) for one in clashes))
        more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
        said = _SAID[holder].format(other=clean(other), paths=", ".join(paths[:_SHOWN]) + more)
        hint = _NEXT[holder].format(name=clean(other).partition(" ")[0], project=subject.project)
        yield _finding(subject, holder.value, Outcome.FAIL, said, hint)


def _finding(subject: Subject, code: str, outcome: Outcome, message: str, hint: str | None = None) -> Finding:
    return Finding(check=ID, code=code, about=subject.key, outcome=outcome, message=message, hint=hint)
