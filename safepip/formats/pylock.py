"""`pylock.toml` (PEP 751) -> what it locks for one target: exact versions, digests, and who has to have published them.

The file that the lock selects is pinned by its digests and looked for where this run looks, so that its age, its
standing and its provenance are judged as those of any other; an address in a lock is no index.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, cast

from packaging.markers import Environment
from packaging.pylock import (
    Package,
    PackageArchive,
    PackageDirectory,
    PackageSdist,
    PackageVcs,
    PackageWheel,
    Pylock,
    PylockSelectError,
    PylockValidationError,
    is_valid_pylock_path,
)
from packaging.requirements import Requirement

from safepip.errors import BadInput, Malformed, Refused, SafepipError
from safepip.formats import toml
from safepip.formats.publisher import from_claim
from safepip.model.artifact import HASH_ALGORITHMS, HashPin, Root, Target
from safepip.model.ident import ProjectName, Url
from safepip.model.publisher import PublisherPin

_File = PackageVcs | PackageDirectory | PackageArchive | PackageWheel | PackageSdist
_SOURCES = {PackageVcs: "a repository", PackageDirectory: "a folder", PackageSdist: "an sdist"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedPublishers:
    """Who may have published a project's file, as the lock says. `place`: where it says so."""

    project: ProjectName
    publishers: tuple[PublisherPin, ...]
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """What a lock file asks for, for one target. Every root is pinned by digest."""

    roots: tuple[Root, ...]
    publishers: tuple[LockedPublishers, ...]


def is_lock(name: str) -> bool:
    """Whether a file of that name is a lock: `pylock.toml` or `pylock.NAME.toml`."""
    return is_valid_pylock_path(Path(name))


def read_lock(raw: bytes, name: str, folder: Url, target: Target, extras: Collection[str]) -> Lock:
    """Select for `target` and the lock's default groups.

    folder: where the lock lies, which its paths are relative to (a `file:` address with a closing slash)
    Raises BadInput for a lock that is none or is not for this target, Refused for what would be built; all faults.
    """
    document = _document(raw, name)
    selected = _selected(document, name, target, extras)
    positions = {id(package): place for place, package in enumerate(selected[0].packages)}
    roots: list[Root] = []
    publishers: list[LockedPublishers] = []
    faults: list[tuple[str, str]] = []
    refused: list[tuple[str, str]] = []
    for package, file in selected[1]:
        place = document.place(("packages", positions[id(package)]))
        try:
            roots.append(_root(package, file, place, folder))
            publishers.extend(_publishers(package, place))
        except Malformed as error:
            faults.append((place, str(error)))
        except Refused as error:
            refused.append((place, error.message))
    if faults or refused:
        raise _told(name, faults, refused)
    return Lock(roots=tuple(roots), publishers=tuple(publishers))


def _document(raw: bytes, name: str) -> toml.Document:
    try:
        return toml.load(raw, name)
    except Malformed as error:
        raise _bad(name, str(error)) from None


def _selected(
    document: toml.Document, name: str, target: Target, extras: Collection[str]
) -> tuple[Pylock, list[tuple[Package, _File]]]:
    try:
        lock = Pylock.from_dict(document.data)
        unknown = sorted(set(extras) - set(lock.extras or ()))
        if unknown:
            raise _bad(name, f"it has no extra {', '.join(unknown)}; it has {', '.join(lock.extras or ()) or 'none'}")
        environment = cast("Environment", dict(target.markers))
        return lock, list(lock.select(environment=environment, tags=target.tags, extras=extras))
    except (PylockValidationError, PylockSelectError) as error:
        raise _bad(name, str(error)) from None


def _root(package: Package, file: _File, place: str, folder: Url) -> Root:
    """Raises Malformed or Refused."""
    if isinstance(file, PackageWheel) and file.path is None:
        if package.version is None:
            raise Malformed(f"{package.name} has no version")
        requirement = f"{package.name}=={package.version}"
    elif isinstance(file, PackageWheel | PackageArchive):
        requirement = f"{package.name} @ {_address(package, file, folder).reveal()}"
    else:
        raise Refused("source-only", f"{package.name} is locked as {_SOURCES[type(file)]}, which would be built")
    return Root(requirement=Requirement(requirement), origin=place, pins=_pins(package, file.hashes))


def _address(package: Package, file: PackageWheel | PackageArchive, folder: Url) -> Url:
    address = folder.join(PurePath(file.path).as_posix()) if file.path is not None else Url(str(file.url))
    if not address.last_segment.endswith(".whl"):
        raise Refused("source-only", f"{package.name} is locked as an archive of its source, which would be built")
    return address


def _pins(package: Package, hashes: Any) -> frozenset[HashPin]:
    stated = frozenset(HashPin.parse(f"{name}:{digest}") for name, digest in hashes.items() if name in HASH_ALGORITHMS)
    if not stated:
        raise Malformed(f"{package.name} has no {' or '.join(HASH_ALGORITHMS)} digest")
    # Every digest of an entry is of the one file; the strongest of them says which.
    return frozenset({max(stated, key=lambda pin: (pin.algorithm == "sha256", pin.algorithm))})


def _publishers(package: Package, place: str) -> list[LockedPublishers]:
    if package.attestation_identities is None:
        return []
    pins = [(claim, from_claim(claim)) for claim in package.attestation_identities]
    unknown = sorted(str(claim.get("kind"))[:60] for claim, pin in pins if pin is None)
    if unknown or not pins:
        raise Malformed(
            f"{package.name}: attestation-identities of the kind {', '.join(unknown)} cannot be enforced"
            if unknown
            else f"{package.name}: an empty list of attestation-identities accepts nobody"
        )
    known = tuple(pin for _, pin in pins if pin is not None)
    return [LockedPublishers(project=ProjectName.parse(package.name), publishers=known, place=place)]


def _told(name: str, faults: list[tuple[str, str]], refused: list[tuple[str, str]]) -> SafepipError:
    if faults:
        return _bad(name, "it cannot be followed", [*faults, *refused])
    return Refused(
        "source-only",
        f"the lock {name} asks for what would have to be built",
        context=refused,
        hint="lock wheels: a build runs the author's code as you",
    )


def _bad(name: str, why: str, context: list[tuple[str, str]] | None = None) -> BadInput:
    return BadInput("bad-lock", f"the lock {name} cannot be used: {why}", context=context or [], hint="lock it again")
