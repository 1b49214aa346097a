"""What a person asks for: the command line's requirements and those of files, with what the files' option lines mean.

Files may tighten and never loosen: a line that would undo the command line is a refusal that names its place.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from safepip.cli.settings import COMMAND_LINE, Settings
from safepip.errors import BadInput, Refused, SafepipError
from safepip.formats.requirement_line import PathAnswer, PathKind, parse_requirement
from safepip.formats.requirements import OptionLine, RequirementsFile, parse_requirements
from safepip.model.artifact import Root, Target
from safepip.model.ident import ProjectName, Url
from safepip.model.levels import Placed

if TYPE_CHECKING:
    from safepip.formats.pylock import Lock, LockedPublishers

_LOCK_EXTRAS = re.compile(r"\[([^\[\]]*)\]$")
_SOURCES = ("--index-url", "--extra-index-url", "--find-links")
_REFUSED = {
    "--no-binary": "would build from source, which runs the author's code as you",
    "--trusted-host": "would not check certificates; add the certificate authority with --cert FILE",
    "--no-require-hashes": "would take pins away that are asked for",
    "--config-settings": "is for builds, and safepip builds nothing",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Roots and constraints in the order of pip: command line first, then files.

    hash_mode: `--require-hashes`, or any `--hash` in any file
    index_url: None means that nobody named one
    of_files: the sources that lines of files name; `require_known_sources` says which addresses of them may be asked,
        and pages among their folders may not lead elsewhere
    releases: from `--all-releases NAME` (True) and `--only-final NAME` (False)
    locked: who has to have published what, as lock files say
    """

    roots: tuple[Root, ...]
    constraints: tuple[Root, ...]
    hash_mode: bool
    allow_pre: bool
    index_url: Placed[str] | None
    extra_index_urls: tuple[Placed[str], ...]
    find_links: tuple[Placed[str], ...]
    no_index: bool
    of_files: tuple[Placed[str], ...]
    releases: Mapping[ProjectName, bool]
    locked: tuple[LockedPublishers, ...]


def gather(settings: Settings, environ: Mapping[str, str], target: Callable[[], Target]) -> Asked:
    """Read everything that was asked for. All faults of all files are told together.

    target: asked only where a lock has to be read for it
    """
    faults: list[SafepipError] = []
    roots: list[Root] = []
    for text in settings.arguments:
        try:
            roots.append(parse_requirement(text, COMMAND_LINE, look=_look, pins=frozenset(), constraint=False))
        except (BadInput, Refused) as error:
            faults.append(error)
    named = [one for one in settings.requirement_files if not _is_lock(one)]
    files = _files(named, environ, faults, constraint=False)
    locks = _locks([one for one in settings.requirement_files if _is_lock(one)], target, faults)
    constraints = _files(settings.constraint_files, environ, faults, constraint=True)
    if faults:
        raise _together(faults)
    options = [option for file in (*files, *constraints) for option in file.options]
    _refuse_loosening(options, settings)
    return Asked(
        roots=(
            *roots,
            *(root for file in files for root in file.roots),
            *(root for lock in locks for root in lock.roots),
        ),
        constraints=tuple(one for file in (*files, *constraints) for one in file.constraints),
        hash_mode=settings.require_hashes
        or any(lock.roots for lock in locks)
        or any(file.hashed for file in (*files, *constraints))
        or any(option.name == "--require-hashes" for option in options),
        allow_pre=settings.pre or any(option.name == "--pre" for option in options),
        index_url=next(iter(_placed(options, "--index-url")), settings.index_url),
        extra_index_urls=(*settings.extra_index_urls, *_placed(options, "--extra-index-url")),
        find_links=(*settings.find_links, *(_beside(one) for one in _placed(options, "--find-links"))),
        no_index=settings.no_index or any(option.name == "--no-index" for option in options),
        of_files=tuple(_beside(one) for name in _SOURCES for one in _placed(options, name)),
        releases=_releases(options),
        locked=tuple(one for lock in locks for one in lock.publishers),
    )


def require_known_sources(asked: Asked, settings: Settings, others: Iterable[Url]) -> None:
    """A file may repeat an index but not bring in a new one. Raises Refused with every line that does.

    others: the index that is asked by default, and those that the policy names
    """
    named = [one.value for one in (settings.index_url, *settings.extra_index_urls, *settings.find_links) if one]
    known = {Url(text).plain for text in named} | {url.plain for url in others}
    remote = [one for one in asked.of_files if _is_remote(one.value)]
    unknown = [one for one in remote if Url(one.value).plain not in known]
    if unknown:
        raise Refused(
            "loosening-line",
            "a line of a file would bring in a source that neither you nor pip's configuration nor a policy names",
            context=[(one.place, str(Url(one.value))) for one in unknown],
            hint="name it on the command line (-i, --extra-index-url, -f) or as [indexes.NAME] of a policy",
        )


def _is_remote(text: str) -> bool:
    return "://" in text and not text.lower().startswith("file:")


def _files(
    names: Sequence[str], environ: Mapping[str, str], faults: list[SafepipError], *, constraint: bool
) -> list[RequirementsFile]:
    read: list[RequirementsFile] = []
    for name in names:
        try:
            read.append(parse_requirements(_read, name, environ, look=_look, constraint=constraint))
        except (BadInput, Refused) as error:
            faults.append(error)
    return read


def _is_lock(name: str) -> bool:
    from safepip.formats.pylock import is_lock

    return "://" not in name and is_lock(_LOCK_EXTRAS.sub("", name))


def _locks(names: Sequence[str], target: Callable[[], Target], faults: list[SafepipError]) -> list[Lock]:
    """`pylock.toml` or `pylock.toml[extra,...]`; naming one file twice asks for the extras of both."""
    if not names:
        return []
    from safepip.formats.pylock import read_lock

    extras: dict[str, list[str]] = {}
    for name in names:
        written = _LOCK_EXTRAS.search(name)
        wanted = written[1].split(",") if written is not None else []
        extras.setdefault(_LOCK_EXTRAS.sub("", name), []).extend(canonicalize_name(one.strip()) for one in wanted)
    read: list[Lock] = []
    for name, wanted in extras.items():
        try:
            raw = Path(name).read_bytes()
        except OSError as error:
            why = f"the lock {name!r} cannot be read: {error.strerror or error}"
            faults.append(BadInput("no-such-file", why, hint="check the path after -r"))
            continue
        try:
            folder = Url(f"{Path(name).absolute().parent.as_uri().rstrip('/')}/")
            read.append(read_lock(raw, name, folder, target(), wanted))
        except (BadInput, Refused) as error:
            faults.append(error)
    return read


def _read(name: str) -> bytes:
    return Path(name).read_bytes()


def _look(text: str) -> PathAnswer:
    path = Path(text)
    kind = PathKind.DIRECTORY if path.is_dir() else PathKind.FILE if path.exists() else PathKind.ABSENT
    return PathAnswer(kind, os.path.abspath(text))  # noqa: PTH100 - as pip: `..` is folded without asking the disk


def _together(faults: Sequence[SafepipError]) -> SafepipError:
    if len(faults) == 1:
        return faults[0]
    bad = any(isinstance(fault, BadInput) for fault in faults)
    context = [pair for fault in faults for pair in [(fault.reference, fault.message), *fault.context]]
    hint = "\n".join(dict.fromkeys(fault.hint for fault in faults if fault.hint)) or None
    message = f"{len(faults)} of the things that were asked for cannot be used"
    return (BadInput if bad else Refused)("several-faults", message, context=context, hint=hint)


def _refuse_loosening(options: Sequence[OptionLine], settings: Settings) -> None:
    refused = [(one.place, f"{one.name} {_REFUSED[one.name]}") for one in options if one.name in _REFUSED]
    refused += [
        (one.place, "--only-binary :none: would build from source")
        for one in options
        if one.name == "--only-binary" and one.value is not None and ":none:" in one.value
    ]
    indexes = _placed(options, "--index-url")
    chosen = settings.index_url or next(iter(indexes), None)
    refused += [
        (one.place, f"--index-url would replace the index that {chosen.place} names")
        for one in indexes
        if chosen is not None and one.value.rstrip("/") != chosen.value.rstrip("/")
    ]
    if refused:
        raise Refused(
            "loosening-line",
            "a line of a file would loosen what this run promises; files may only tighten",
            context=refused,
            hint="remove the line; indexes are named on the command line, in pip's configuration, or in safepip.toml",
        )


def _placed(options: Sequence[OptionLine], name: str) -> tuple[Placed[str], ...]:
    return tuple(Placed(one.value, one.place) for one in options if one.name == name and one.value)


def _beside(link: Placed[str]) -> Placed[str]:
    """A path in a file is meant beside that file where there is such a thing, as in pip."""
    near = Path(link.place.rpartition(":")[0]).parent / link.value
    return Placed(str(near), link.place) if near.exists() else link


def _releases(options: Sequence[OptionLine]) -> Mapping[ProjectName, bool]:
    meaning = {"--all-releases": True, "--only-final": False}
    return {
        ProjectName.parse(name.strip()): meaning[one.name]
        for one in options
        if one.name in meaning and one.value
        for name in one.value.split(",")
        if name.strip() not in {":all:", ":none:"}
    }
