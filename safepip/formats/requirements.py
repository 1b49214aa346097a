"""Requirements and constraints files (pip's format): requirements, and option lines with their places.

All faults of a file, and of the files that it includes, are reported at once.
"""

from __future__ import annotations

import os.path
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from safepip.errors import BadInput, Malformed, Refused, SafepipError
from safepip.formats.requirement_line import Look, editable, parse_requirement, shown
from safepip.formats.requirements_text import Line, decode, hide_values, lines
from safepip.model.artifact import HashPin, Root

# Includes may double at every level, or go ever deeper; nobody means that.
MOST_FILES = 500
DEEPEST = 50
_REMOTE = re.compile(r"(http|https|file):", re.IGNORECASE)

# Option -> (the name that callers see, whether it takes a value).
_OPTIONS: Mapping[str, tuple[str, bool]] = {
    "-i": ("--index-url", True),
    "--index-url": ("--index-url", True),
    "--pypi-url": ("--index-url", True),
    "--extra-index-url": ("--extra-index-url", True),
    "--no-index": ("--no-index", False),
    "-c": ("--constraint", True),
    "--constraint": ("--constraint", True),
    "-r": ("--requirement", True),
    "--requirement": ("--requirement", True),
    "-e": ("--editable", True),
    "--editable": ("--editable", True),
    "-f": ("--find-links", True),
    "--find-links": ("--find-links", True),
    "--no-binary": ("--no-binary", True),
    "--only-binary": ("--only-binary", True),
    "--prefer-binary": ("--prefer-binary", False),
    "--require-hashes": ("--require-hashes", False),
    "--no-require-hashes": ("--no-require-hashes", False),
    "--pre": ("--pre", False),
    "--all-releases": ("--all-releases", True),
    "--only-final": ("--only-final", True),
    "--trusted-host": ("--trusted-host", True),
    "--use-feature": ("--use-feature", True),
    "--hash": ("--hash", True),
    "-C": ("--config-settings", True),
    "--config-settings": ("--config-settings", True),
}


@dataclass(frozen=True, slots=True)
class OptionLine:
    """An option in a file. `name` is its long form; `value` may hold credentials and is never shown by repr()."""

    name: str
    value: str | None = field(repr=False)
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequirementsFile:
    """What a file and those that it includes say, in order. Which options loosen anything is the caller's judgement.

    hashed: whether any line has a `--hash`, which turns pip's hash mode on; a `#sha256=` fragment does not
    """

    roots: tuple[Root, ...]
    constraints: tuple[Root, ...]
    options: tuple[OptionLine, ...]
    hashed: bool


def parse_requirements(
    read: Callable[[str], bytes],
    name: str,
    environ: Mapping[str, str],
    *,
    look: Look,
    constraint: bool,
) -> RequirementsFile:
    """Parse a requirements file, or with `constraint` a constraints file, and what it includes.

    read:    the bytes of a file by its path; may raise OSError
    environ: where `${UPPER_CASE}` is looked up; what is not set there (or is empty) stays as written
    look:    what stands at a path, for requirements that are paths

    Raises BadInput with every fault in its context, (place, what); Refused where all that is wrong is that the
    requirements are of kinds that are not installed.
    """
    reader = _Reader(read, environ, look)
    reader.file(name, constraint=constraint, above=())
    if reader.faults:
        raise _together(name, reader.faults)
    return RequirementsFile(
        roots=tuple(reader.roots),
        constraints=tuple(reader.constraints),
        options=tuple(reader.options),
        hashed=reader.hashed,
    )


def _together(name: str, faults: list[tuple[str, SafepipError]]) -> SafepipError:
    """One error for all. A single one keeps its own reference and hint."""
    context = [(place, error.message) for place, error in faults]
    hints = list(dict.fromkeys(error.hint for _, error in faults if error.hint))
    hint = "\n".join(hints) or None
    count = "1 line" if len(faults) == 1 else f"{len(faults)} lines"
    if all(isinstance(error, Refused) for _, error in faults):
        message = f"{shown(name)} asks for what is not installed, in {count}"
        return Refused(faults[0][1].reference, message, context=context, hint=hint)
    references = {error.reference for _, error in faults}
    reference = references.pop() if len(references) == 1 else "invalid-requirements-file"
    return BadInput(reference, f"{shown(name)} cannot be used: {count} cannot be read", context=context, hint=hint)


class _Reader:
    """Collects, so that a fault does not hide the ones after it."""

    def __init__(self, read: Callable[[str], bytes], environ: Mapping[str, str], look: Look) -> None:
        self._read = read
        self._environ = environ
        self._look = look
        self.roots: list[Root] = []
        self.constraints: list[Root] = []
        self.options: list[OptionLine] = []
        self.faults: list[tuple[str, SafepipError]] = []
        self.hashed = False
        self._files = 0

    def file(self, name: str, *, constraint: bool, above: tuple[tuple[str, str], ...]) -> None:
        """`above`: the including (file, place) pairs, outermost first."""
        place = above[-1][1] if above else name
        kind = "constraint" if constraint else "requirements"
        self._files += 1
        if self._files > MOST_FILES:
            self._fault(place, "invalid-requirements-file", f"more than {MOST_FILES} files are included")
            return
        if len(above) > DEEPEST:
            self._fault(place, "invalid-requirements-file", f"files include each other more than {DEEPEST} files deep")
            return
        if _REMOTE.match(name):
            self.faults.append((place, _remote(name)))
            return
        try:
            text = decode(self._read(name))
        except OSError as error:
            said = error.strerror or type(error).__name__
            self._fault(place, "no-such-file", f"Could not open {kind} file: {said}: {shown(name)}")
            return
        except Malformed as error:
            self._fault(name, "invalid-requirements-file", str(error))
            return
        for line in lines(text, self._environ):
            self._line(line, name, constraint=constraint, above=above)

    def _line(self, line: Line, name: str, *, constraint: bool, above: tuple[tuple[str, str], ...]) -> None:
        place = f"{name}:{line.number}"
        try:
            body, options = split_options(line.text)
            if body:
                self._requirement(body, options, place, constraint=constraint)
                return
            for option, value in options:
                self._option(option, value, name, place, constraint=constraint, above=above)
        except Malformed as error:
            self._fault(place, "invalid-requirements-file", hide_values(str(error), line, self._environ))
        except (BadInput, Refused) as error:
            self.faults.append((place, _hidden(error, line, self._environ)))

    def _requirement(self, body: str, options: list[tuple[str, str | None]], place: str, *, constraint: bool) -> None:
        pins: set[HashPin] = set()
        for option, value in options:
            if option == "--hash":
                pins.add(HashPin.parse(value or ""))
                self.hashed = True
            elif option == "--config-settings":
                self.options.append(OptionLine(option, value, place))
            else:
                raise Malformed(f"{option} stands beside a requirement, where it has no effect: give it its own line")
        root = parse_requirement(body, place, look=self._look, pins=frozenset(pins), constraint=constraint)
        (self.constraints if constraint else self.roots).append(root)

    def _option(
        self,
        option: str,
        value: str | None,
        name: str,
        place: str,
        *,
        constraint: bool,
        above: tuple[tuple[str, str], ...],
    ) -> None:
        if option in {"--requirement", "--constraint"}:
            self._include(value or "", name, place, constraint=option == "--constraint", above=above)
        elif option == "--editable":
            raise editable(value or "", place, constraint=constraint)
        elif option in {"--hash", "--config-settings"}:
            raise Malformed(f"{option} stands alone: it belongs on the line of its requirement")
        else:
            self.options.append(OptionLine(option, value, place))

    def _include(
        self, value: str, name: str, place: str, *, constraint: bool, above: tuple[tuple[str, str], ...]
    ) -> None:
        if _REMOTE.match(value):
            raise _remote(value)
        nested = os.path.normpath(os.path.join(os.path.dirname(name), value))  # noqa: PTH118, PTH120 - text only
        open_files = {os.path.normpath(file): included for file, included in above}
        if nested == os.path.normpath(name) or nested in open_files:
            again = f" and again in {open_files[nested]}" if nested in open_files else ""
            raise Malformed(f"{nested} recursively references itself in {name}{again}")
        self.file(nested, constraint=constraint, above=(*above, (name, place)))

    def _fault(self, place: str, reference: str, message: str) -> None:
        self.faults.append((place, BadInput(reference, message)))


def _remote(name: str) -> BadInput:
    return BadInput(
        "remote-requirements",
        f"{shown(name)} is an address: what it asks for may change at any time and cannot be reviewed",
        hint="Download the file, review it, and include it by its path.",
    )


def _hidden(error: SafepipError, line: Line, environ: Mapping[str, str]) -> SafepipError:
    return type(error)(
        error.reference,
        hide_values(error.message, line, environ),
        context=[(label, hide_values(text, line, environ)) for label, text in error.context],
        hint=hide_values(error.hint, line, environ) if error.hint else None,
    )


def split_options(text: str) -> tuple[str, list[tuple[str, str | None]]]:
    """The requirement of a line, and its options as (long name, value). Raises Malformed.

    Only the options are split like a shell's words: a marker has quotes of its own.
    """
    words = text.split(" ")
    start = next((place for place, word in enumerate(words) if word.startswith("-")), len(words))
    try:
        rest = shlex.split(" ".join(words[start:]))
    except ValueError as error:
        raise Malformed(f"its options cannot be split into words: {str(error).lower()}") from None
    return " ".join(words[:start]).strip(), list(_options(rest))


def _options(words: list[str]) -> Iterator[tuple[str, str | None]]:
    todo = iter(words)
    for word in todo:
        flag, value = _flag(word)
        option, takes_value = _OPTIONS[flag]
        if not takes_value and value is not None:
            raise Malformed(f"{flag} option does not take a value")
        if takes_value and value is None:
            value = next(todo, None)
            if value is None:
                raise Malformed(f"{flag} option requires 1 argument")
        yield option, value


def _flag(word: str) -> tuple[str, str | None]:
    """The option and the value attached to it: `--name=value`, an unambiguous abbreviation, or `-xvalue`."""
    if word.startswith("--") and len(word) > 2:
        name, equals, value = word.partition("=")
        long = [flag for flag in _OPTIONS if flag.startswith("--")]
        matches = [name] if name in _OPTIONS else [flag for flag in long if flag.startswith(name)]
        if len(matches) > 1:
            raise Malformed(f"ambiguous option: {name} ({', '.join(sorted(matches))}?)")
        if matches:
            return matches[0], value if equals else None
    elif word[:2] in _OPTIONS:
        return word[:2], word[2:] or None
    if word.startswith("-"):
        raise Malformed(f"no such option: {shown(word.partition('=')[0])}")
    raise Malformed(f"{shown(word)} stands after the options of a line")
