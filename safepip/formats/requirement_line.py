"""One requirement as a person writes it: `name[extra]>=1; marker`, `name @ url`, a path, or an address (PEP 508, pip).

Everything that safepip does not install is refused here, with the way to go on: a directory, a source distribution, a
checkout and an unpinned address would each bring in something that nobody has judged.
"""

from __future__ import annotations

import enum
import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import parse_qsl, unquote, urlsplit

from packaging.markers import InvalidMarker, Marker
from packaging.requirements import InvalidRequirement, Requirement

from safepip.errors import BadInput, Malformed, Refused, SafepipError
from safepip.model.artifact import HashPin, Root
from safepip.model.ident import FileName, ProjectName, Url

ARCHIVES = (
    ".whl",
    ".zip",
    ".tar.gz",
    ".tgz",
    ".tar",
    ".tar.bz2",
    ".tbz",
    ".tar.xz",
    ".txz",
    ".tlz",
    ".tar.lz",
    ".tar.lzma",
)
_VCS = ("git", "hg", "svn", "bzr")
_SCHEMES = ("http", "https", "file", "ftp")
_EXTRAS = re.compile(r"^(.+?)\s*(\[[^\]]+\])$", re.DOTALL)
_WEAK = ("md5", "sha1", "sha224")
_STRONG = ("sha256", "sha384", "sha512")


class PathKind(enum.Enum):
    FILE = "file"
    DIRECTORY = "directory"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class PathAnswer:
    """What stands at a path, and its absolute form."""

    kind: PathKind
    absolute: str


Look = Callable[[str], PathAnswer]


def parse_requirement(text: str, origin: str, *, look: Look, pins: frozenset[HashPin], constraint: bool) -> Root:
    """The requirement (or constraint) in `text`, which stands at `origin`.

    look: what is at a path, relative to the working directory as in pip
    pins: the digests written beside it; a `#sha256=` fragment adds its own

    Raises BadInput for what cannot be read, Refused (`source-kind`, `direct-url`) for what is not installed.
    """
    body, marker = _split_marker(text.strip(), origin)
    address = _address(body, origin, look, constraint=constraint)
    if address is None:
        root = _named(body, marker, origin, look, pins)
    else:
        url, extras = address
        root = _addressed(None, url, extras, marker, origin, look, pins)
    if constraint and root.requirement.extras:
        raise _bad("invalid-constraint", "Constraints cannot have extras", text, origin, "Remove the [extras].")
    return root


def editable(text: str, origin: str, *, constraint: bool) -> SafepipError:
    """What there is to say about `-e`."""
    if constraint:
        return _bad("invalid-constraint", "Editable requirements are not allowed as constraints", text, origin, None)
    return _refused(
        "source-kind",
        f"{shown(text)} is an editable install: its build runs code that nobody has judged",
        text,
        origin,
        _by_hand(f"-e {text}"),
    )


def shown(text: str) -> str:
    """Foreign text for a message: no credentials, no control characters, not too long."""
    plain = str(Url(text))
    return repr(plain if len(plain) <= 160 else f"{plain[:157]}...")


def _by_hand(path: str) -> str:
    """The way that pip leaves: it cannot install a directory with hashes either."""
    path = path if path.isprintable() else "PATH"
    return (
        "Install its dependencies with safepip, review the code, then run: "
        f"pip install --no-deps --no-build-isolation {path}"
    )


# Which form it is


def _split_marker(text: str, origin: str) -> tuple[str, Marker | None]:
    """`;` starts the marker; in an address only `; ` does, since `;` may be part of it."""
    body, separator, rest = text.partition("; " if _is_url(text) or " @ " in text else ";")
    if not separator or not rest.strip():
        return body.strip(), None
    try:
        return body.strip(), Marker(rest.strip())
    except (InvalidMarker, RecursionError) as error:
        first = str(error).partition("\n")[0]
        raise _bad("invalid-requirement", f"Invalid requirement: {shown(text)}: {first}", text, origin, None) from None


def _is_url(text: str) -> bool:
    scheme = text.partition(":")[0].lower() if ":" in text else ""
    return scheme in _SCHEMES or (scheme.partition("+")[0] in _VCS and "+" in scheme)


def _address(body: str, origin: str, look: Look, *, constraint: bool) -> tuple[Url, frozenset[str]] | None:
    """The address and extras of a requirement that is a URL or a path; None for `name...`."""
    if _is_url(body):
        return Url(body), frozenset()
    path, extras = _strip_extras(body)
    looks_like_path = "/" in path or path.startswith(".")
    if not looks_like_path and not path.lower().endswith(ARCHIVES):
        return None
    if "@" in body and not _looks_like_path(body.partition("@")[0]):
        return None
    found = look(path)
    if found.kind is PathKind.DIRECTORY and looks_like_path:
        if constraint:
            problem = "Unnamed requirements are not allowed as constraints"
            raise _bad("invalid-constraint", problem, body, origin, "Write name==version instead.")
        raise _refused(
            "source-kind",
            f"{shown(path)} is a directory: building it runs code that nobody has judged",
            body,
            origin,
            _by_hand(path),
        )
    if not path.lower().endswith(ARCHIVES):
        return None
    if found.kind is not PathKind.FILE:
        problem = f"Requirement {shown(path)} looks like a filename, but the file does not exist"
        raise _bad("no-such-file", problem, body, origin, "Check the path; it is relative to the working directory.")
    return Url(PurePosixPath(found.absolute).as_uri()), extras


def _looks_like_path(text: str) -> bool:
    return "/" in text or text.startswith(".")


def _strip_extras(text: str) -> tuple[str, frozenset[str]]:
    match = _EXTRAS.match(text)
    if match is None:
        return text, frozenset()
    names = (name.strip() for name in match[2][1:-1].split(","))
    return match[1], frozenset(name for name in names if name)


# Making the requirement


def _named(body: str, marker: Marker | None, origin: str, look: Look, pins: frozenset[HashPin]) -> Root:
    try:
        requirement = Requirement(body)
        ProjectName.parse(requirement.name)
    except (InvalidRequirement, Malformed, RecursionError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        problem = f"Invalid requirement: {shown(body)}: {Url(reason)!s}"
        raise _bad("invalid-requirement", problem, body, origin, _guess(body, look)) from None
    if requirement.marker is not None:  # `name @ url ;marker` without a space in front
        marker = requirement.marker
    if requirement.url is not None:
        extras = frozenset(requirement.extras)
        return _addressed(requirement.name, Url(requirement.url), extras, marker, origin, look, pins)
    requirement.marker = marker
    return Root(requirement=requirement, origin=origin, pins=pins)


def _guess(body: str, look: Look) -> str | None:
    """What the writer may have meant, as pip guesses."""
    if "=" in body and not any(operator in body for operator in ("~=", "==", "!=", "<=", ">=")):
        return "= is not a valid operator. Did you mean == ?"
    if look(body).kind is PathKind.FILE:
        return f"There is a file of that name: for a requirements file, write -r {body}"
    if "/" in body:
        return f"It looks like a path. File {shown(body)} does not exist."
    return None


def _addressed(
    name: str | None,
    url: Url,
    extras: frozenset[str],
    marker: Marker | None,
    origin: str,
    look: Look,
    pins: frozenset[HashPin],
) -> Root:
    """A requirement on one file. Its hash fragment becomes a pin, so that the address alone remains."""
    _refuse_broken(url, origin)
    _refuse_other_kinds(url, origin, look)
    try:
        file = FileName.parse(url.last_segment)
        pins |= _fragment_pins(url)
        extras = frozenset(extras)
        stated = ProjectName.parse(name) if name is not None else file.project
    except Malformed as error:
        raise _bad("invalid-requirement", f"{shown(str(url))}: {error}", str(url), origin, None) from None
    if stated != file.project:
        problem = f"{shown(str(url))} is a distribution of {file.project}, not of {stated}"
        raise _bad("invalid-requirement", problem, str(url), origin, "Name the project that the file belongs to.")
    if url.scheme != "file" and not pins:
        raise _refused(
            "direct-url",
            f"{shown(str(url))} is an address without a hash: what it serves may change at any time",
            str(url),
            origin,
            "Review the file, then append #sha256=HEX to the address.",
        )
    requirement = Requirement(name if name is not None else file.project)
    requirement.url = url.without_fragment().reveal()
    requirement.extras = set(extras)
    requirement.marker = marker
    return Root(requirement=requirement, origin=origin, pins=pins)


def _refuse_broken(url: Url, origin: str) -> None:
    try:
        parts = urlsplit(url.reveal())
        _ = parts.port
        if "[" in parts.netloc:  # Python 3.10 does not look inside the brackets
            ipaddress.IPv6Address(parts.hostname or "")
    except ValueError:
        problem = f"{shown(str(url))} is not a valid address"
        raise _bad("invalid-requirement", problem, str(url), origin, "Check its host and port.") from None


def _refuse_other_kinds(url: Url, origin: str, look: Look) -> None:
    """Everything but a wheel over http, https or file."""
    text, scheme, file = str(url), url.scheme, url.last_segment.lower()
    if "+" in scheme:
        problem = f"{shown(text)} is a checkout: building it runs code that nobody has judged"
        raise _refused("source-kind", problem, text, origin, "Use a released wheel of that project.")
    if scheme not in {"http", "https", "file"}:
        problem = f"{shown(text)} has a scheme that wheels are not fetched with"
        raise _bad("invalid-requirement", problem, text, origin, "Use https:// or a path.")
    if scheme == "file":
        found = look(unquote(urlsplit(url.reveal()).path))
        if found.kind is PathKind.DIRECTORY:
            problem = f"{shown(text)} is a directory: building it runs code that nobody has judged"
            raise _refused("source-kind", problem, text, origin, _by_hand("PATH"))
        if found.kind is PathKind.ABSENT:
            raise _bad("no-such-file", f"{shown(text)} does not exist", text, origin, "Check the path.")
    if file.endswith(".whl"):
        return
    if file.endswith(ARCHIVES):
        problem = f"{shown(text)} is a source distribution: building it runs code that nobody has judged"
        raise _refused("source-kind", problem, text, origin, "Name a wheel, or build one from reviewed source.")
    problem = f"{shown(text)} does not name a wheel"
    raise _refused("source-kind", problem, text, origin, "Name the address of a .whl file.")


def _fragment_pins(url: Url) -> frozenset[HashPin]:
    """The digests in `#sha256=...&...`. Raises Malformed for md5 and sha1, which protect nothing."""
    pins: set[HashPin] = set()
    for key, value in parse_qsl(url.fragment, keep_blank_values=True):
        if key in _WEAK:
            raise Malformed(f"{key} is not a hash that protects anything; use one of {', '.join(_STRONG)}")
        if key in _STRONG:
            pins.add(HashPin.parse(f"{key}:{value}"))
    return frozenset(pins)


def _bad(reference: str, message: str, text: str, origin: str, hint: str | None) -> BadInput:
    return BadInput(reference, message, context=[("where", origin), ("requirement", shown(text))], hint=hint)


def _refused(reference: str, message: str, text: str, origin: str, hint: str | None) -> Refused:
    return Refused(reference, message, context=[("required", f"{origin}  ->  {shown(text)}")], hint=hint)
