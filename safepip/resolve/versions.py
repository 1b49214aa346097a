"""A project's files as parallel tuples, versions ascending, and masks over them.

Bit 0 stands for the distribution that is installed already, bit i for the i-th version. A specifier is evaluated
once a project and kept as a mask, so that the resolver's questions become `and` and a bit test.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.tags import Tag
from packaging.version import Version

from safepip.model.artifact import HashPin, IndexPage, Listing
from safepip.model.ident import BuildTag, FileKind, parse_tags

INSTALLED = 1
_MOST_TAGS = 4  # of a version that has forty wheels, none of which fits
_UNKNOWN = -1


class Fitness:
    """Which wheels the target can use; every distinct tag set and requires-python is judged once a run."""

    def __init__(self, python: Version, tags: Sequence[Tag], *, ignore_requires_python: bool) -> None:
        self.python = python
        self._ranks = {tag: rank for rank, tag in reversed(list(enumerate(tags)))}
        self._rank_of: dict[str, int | None] = {}
        self._allows: dict[str, bool] = {}
        self._ignore_python = ignore_requires_python

    def rank(self, tag_text: str) -> int | None:
        """The place of the best tag among the target's, 0 being best; None where the wheel does not fit."""
        known = self._rank_of.get(tag_text, _UNKNOWN)
        if known == _UNKNOWN:
            ranks = [self._ranks[tag] for tag in parse_tags(tag_text) if tag in self._ranks]
            known = self._rank_of[tag_text] = min(ranks, default=None)
        return known

    def python_fits(self, requires_python: str | None) -> bool:
        """An unreadable requires-python counts as none, as in pip."""
        if not requires_python or self._ignore_python:
            return True
        known = self._allows.get(requires_python)
        if known is None:
            try:
                known = SpecifierSet(requires_python).contains(self.python, prereleases=True)
            except InvalidSpecifier:
                known = True
            self._allows[requires_python] = known
        return known


@dataclass(frozen=True, slots=True, eq=False)
class File:
    """A listing and the page that it stands on; None for a wheel that a person named by URL or path."""

    listing: Listing
    page: IndexPage | None


class Versions:
    """All versions of one project, over all pages that speak for it.

    usable: bits with a wheel that fits the target; hashed: bits with one whose claimed digest is permitted too
    final:  bits that are no pre-releases; yanked: bits whose every usable wheel is yanked (PEP 592)
    pins:   the digests permitted; None where digests do not matter
    """

    def __init__(self, files: Iterable[File], fitness: Fitness, pins: frozenset[HashPin] | None) -> None:
        self._fitness = fitness
        self._pins = pins
        groups: dict[Version, list[File]] = {}
        for file in files:
            groups.setdefault(file.listing.name.version, []).append(file)
        self.versions = tuple(sorted(groups))
        self._files = tuple(tuple(groups[version]) for version in self.versions)
        self.all = ((1 << len(self.versions)) - 1) << 1
        self._masks: dict[SpecifierSet, int] = {}
        self.usable = self.hashed = self.final = self.yanked = 0
        for index, version in enumerate(self.versions, start=1):
            self._place(index, version)

    def _place(self, index: int, version: Version) -> None:
        bit = 1 << index
        if not version.is_prerelease:
            self.final |= bit
        usable = [file for file in self.files(index) if self._fits(file.listing)]
        if usable:
            self.usable |= bit
            permitted = [file for file in usable if self.permits(file.listing)]
            if permitted:
                self.hashed |= bit
            if all(file.listing.yanked is not None for file in permitted or usable):
                self.yanked |= bit

    def version(self, index: int) -> Version:
        return self.versions[index - 1]

    def files(self, index: int) -> tuple[File, ...]:
        return self._files[index - 1]

    def mask(self, specifier: SpecifierSet) -> int:
        """The versions in a specifier, pre-releases included: whether those count is decided over all specifiers."""
        if not specifier:
            return self.all
        known = self._masks.get(specifier)
        if known is None:
            known = self._masks[specifier] = self._evaluate(specifier)
        return known

    def _evaluate(self, specifier: SpecifierSet) -> int:
        count = len(self.versions)
        digits = bytearray(b"0") * (count + 1)
        inside: Iterator[int] = specifier.filter(range(count), prereleases=True, key=self.versions.__getitem__)
        for place in inside:
            digits[count - 1 - place] = 49  # an ASCII 1; the last digit is bit 0, the installed one
        return int(bytes(digits), 2)

    def choices(self, index: int) -> tuple[File, ...]:
        """The usable wheels of one version, best first: not yanked, then pip's order of tag and build tag."""
        usable = [file for file in self.files(index) if self._fits(file.listing) and self.permits(file.listing)]
        # Among equals pip takes the last of a page; among pages the first is the user's main index.
        return tuple(sorted(reversed(usable), key=self._preference, reverse=True))  # noqa: C414 - ties

    def _preference(self, file: File) -> tuple[bool, bool, int, BuildTag]:
        name = file.listing.name
        rank = self._fitness.rank(name.tag_text)
        return (file.listing.yanked is None, self._certain(file.listing), -(rank or 0), name.build)

    def _fits(self, listing: Listing) -> bool:
        return (
            listing.name.kind is FileKind.WHEEL
            and self._fitness.rank(listing.name.tag_text) is not None
            and self._fitness.python_fits(listing.requires_python)
        )

    def _certain(self, listing: Listing) -> bool:
        return self._pins is None or any(listing.claimed.get(pin.algorithm) == pin.digest for pin in self._pins)

    def permits(self, listing: Listing) -> bool:
        """Whether the claimed digests allow this file.

        One that claims none of the pinned algorithms is left to the digest check, which sees the bytes.
        """
        if self._pins is None or self._certain(listing):
            return True
        return bool(self._pins) and not any(pin.algorithm in listing.claimed for pin in self._pins)

    def fault(self, index: int) -> tuple[str, str, str] | None:
        """Why no wheel of that version can be used at all: (check, file name, fact); None where one can."""
        if self.hashed >> index & 1:
            return None
        names = [file.listing.name for file in self.files(index)]
        wheels = [file for file in self.files(index) if file.listing.name.kind is FileKind.WHEEL]
        if not wheels:
            return ("no-wheel", names[0].text, f"there is only a source distribution ({names[0].text})")
        fitting = [file for file in wheels if self._fitness.rank(file.listing.name.tag_text) is not None]
        if not fitting:
            tags = sorted({file.listing.name.tag_text for file in wheels})
            told = ", ".join(tags[:_MOST_TAGS]) + (
                f" and {len(tags) - _MOST_TAGS} more" if len(tags) > _MOST_TAGS else ""
            )
            return ("no-wheel", wheels[0].listing.name.text, f"no wheel fits the target; there are wheels for {told}")
        if not self.usable >> index & 1:
            asked = fitting[0].listing.requires_python
            fact = f"it requires Python {asked}, the target has {self._fitness.python}"
            return ("requires-python", fitting[0].listing.name.text, fact)
        return ("hash-pinned", fitting[0].listing.name.text, self._hash_fault(fitting[0].listing))

    def _hash_fault(self, listing: Listing) -> str:
        if not self._pins:
            return "hashes are required, and no --hash is given for this project that all its lines allow"
        stated = ", ".join(f"{name}:{digest}" for name, digest in sorted(listing.claimed.items())) or "none"
        return f"the index states {stated!r}, which is none of the {len(self._pins)} digests given"


def bits(mask: int) -> Iterator[int]:
    """The set bits, highest first."""
    while mask:
        top = mask.bit_length() - 1
        yield top
        mask ^= 1 << top
