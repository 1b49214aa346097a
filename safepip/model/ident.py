"""Names that have been checked: projects, file names, digests and URLs.

Holding one of these types means that the text behind it has the form its specification asks for, so nothing
downstream checks again.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import SplitResult, unquote, urldefrag, urljoin, urlsplit

from packaging.tags import Tag, parse_tag
from packaging.utils import canonicalize_name
from packaging.version import Version

from safepip.errors import Malformed

_PROJECT = re.compile(r"[a-z0-9]|[a-z0-9][a-z0-9._-]*[a-z0-9]", re.IGNORECASE | re.ASCII)
_WHEEL_PROJECT = re.compile(r"[a-z0-9]([\w.]*[a-z0-9])?", re.IGNORECASE | re.ASCII)
_BUILD = re.compile(r"(\d{1,18})((?!\d)[A-Za-z0-9_.]*)", re.ASCII)
_TAG_TEXT = re.compile(r"[\w.]+-[\w.]+-[\w.]+", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_FILE_TEXT = re.compile(r"[\w.+!-]+", re.ASCII)
_CREDENTIALS = re.compile(r"(?<=//)[^/?#]*@")
# Where an address begins, also one that is not well-formed: `https://`, `https:/`, `https:\\`, `https:`, `//`.
_BEGINNING = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?[/\\]{2}[/\\]*|[a-z][a-z0-9+.-]*:[/\\]|https?:", re.IGNORECASE)
_USER = re.compile(r"[^/\\?#]*@")
_PAIR = re.compile(r"[^\s=]*:\S*@")

LONGEST_FILE_NAME = 400

BuildTag = tuple[()] | tuple[int, str]


def _shown(text: str) -> str:
    """A foreign text for a message: printable, and no longer than a line."""
    return repr(text if len(text) <= 120 else f"{text[:117]}...")


class ProjectName(str):
    """The normalised name of a project (PEP 503, core metadata `Name`)."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> ProjectName:
        return _project(text)


@lru_cache(maxsize=65536)
def _project(text: str) -> ProjectName:
    if not _PROJECT.fullmatch(text):
        raise Malformed(f"{_shown(text)} is not a valid project name")
    return ProjectName(canonicalize_name(text))


class Sha256(str):
    """A sha256 digest: 64 lower-case hexadecimal digits."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Sha256:
        if not _SHA256.fullmatch(text):
            raise Malformed(f"{_shown(text)} is not a sha256 digest (64 lower-case hexadecimal digits)")
        return cls(text)


@lru_cache(maxsize=65536)
def parse_version(text: str) -> Version:
    """The PEP 440 version, parsed once per text. Raises Malformed."""
    try:
        return Version(text)
    except ValueError:  # InvalidVersion is one; a number too long for int() is another
        raise Malformed(f"{text[:80]!r} is not a valid version (PEP 440)") from None


@lru_cache(maxsize=4096)
def parse_tags(text: str) -> frozenset[Tag]:
    """The compatibility tags behind `py2.py3-none-any` (PEP 425), parsed once per text."""
    return parse_tag(text)


class FileKind(enum.Enum):
    WHEEL = "wheel"
    SDIST = "sdist"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileName:
    """The name of a distribution file: a wheel (PEP 427) or an sdist (PEP 625 and its older forms).

    `tag_text` is the compressed tag set of a wheel and empty for an sdist; `tags` expands it when asked, because
    a project page names thousands of files of which a run looks at a few.
    """

    text: str
    project: ProjectName
    version: Version
    kind: FileKind
    build: BuildTag
    tag_text: str

    @classmethod
    def parse(cls, text: str) -> FileName:
        """Raises Malformed, saying which part is wrong."""
        if len(text) > LONGEST_FILE_NAME:
            raise Malformed(f"{_shown(text)} is longer than {LONGEST_FILE_NAME} characters")
        if text.endswith(".whl"):
            return _wheel(text)
        for suffix in (".tar.gz", ".zip"):
            if text.endswith(suffix):
                return _sdist(text, text.removesuffix(suffix))
        raise Malformed(f"{_shown(text)} is neither a wheel nor an sdist (.whl, .tar.gz or .zip)")

    @property
    def tags(self) -> frozenset[Tag]:
        return parse_tags(self.tag_text) if self.tag_text else frozenset()

    def __str__(self) -> str:
        return self.text


def _wheel(text: str) -> FileName:
    parts = text[:-4].split("-", 5)
    if len(parts) not in {5, 6} or "-" in parts[-1]:
        raise Malformed(f"{_shown(text)} has the wrong number of parts for a wheel (PEP 427)")
    name, version = parts[0], parts[1]
    if not _WHEEL_PROJECT.fullmatch(name):
        raise Malformed(f"{_shown(text)} does not start with a valid project name")
    build: BuildTag = ()
    if len(parts) == 6:
        match = _BUILD.fullmatch(parts[2])
        if match is None:
            raise Malformed(f"{_shown(text)} has a malformed build tag (PEP 427)")
        build = (int(match[1]), match[2])
    tag_text = "-".join(parts[-3:])
    if not _TAG_TEXT.fullmatch(tag_text):
        raise Malformed(f"{_shown(text)} has malformed compatibility tags")
    return FileName(
        text=text,
        project=_project(name),
        version=_written_version(text, version),
        kind=FileKind.WHEEL,
        build=build,
        tag_text=tag_text,
    )


def _written_version(text: str, version: str) -> Version:
    """As `parse_version`, which forgives white space at both ends; in a file name it could forge a line."""
    if not _FILE_TEXT.fullmatch(text):
        raise Malformed(f"{_shown(text)} has characters that the name of a distribution file cannot have")
    return parse_version(version)


def _sdist(text: str, stem: str) -> FileName:
    name, dash, version = stem.rpartition("-")
    if not dash:
        raise Malformed(f"{_shown(text)} has no version")
    return FileName(
        text=text,
        project=_project(name),
        version=_written_version(text, version),
        kind=FileKind.SDIST,
        build=(),
        tag_text="",
    )


def redacted(text: str) -> str:
    """A word or sentence that may hold an address, such as `--index-url=https://user:password@host/simple`, without
    user names, passwords and queries (signed addresses and tokens live there).

    What is before an `@` is masked as far as it can belong to a password, which people write with `/`, `#`, `?`, `@`
    or a space in it: where a colon is before it, everything from the beginning of the address to the last `@`.
    """
    return _masked(text, r"\?[^#\s]*")


def _masked(text: str, query: str) -> str:
    beginning = _BEGINNING.search(text)
    if beginning is None:
        return _PAIR.sub("****@", text)
    before, rest = text[: beginning.start()], text[beginning.end() :]
    user, at, after = rest.rpartition("@")
    if at and ":" in user:
        rest = f"****@{after}"
    elif alone := _USER.match(rest):
        rest = f"****@{rest[alone.end() :]}"
    return _PAIR.sub("****@", before) + beginning[0] + re.sub(query, "?...", rest)


class Url:
    """An address. Printing it shows neither credentials nor the query; `reveal()` is for the transport alone.

    Parsed lazily: an index page carries one per file. Of a text that is no address, `scheme`, `last_segment` and
    `without_fragment` are a guess, and everything else raises Malformed.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The address with its credentials. Never print, log or store the result."""
        return self._text

    def __str__(self) -> str:
        if _BEGINNING.search(self._text) is None:
            user, at, rest = self._text.rpartition("@")
            return f"****@{rest}" if at and ":" in user else self._text
        return _masked(self._text, r"\?[^#]*")

    def __repr__(self) -> str:
        return f"Url({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Url) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    @property
    def scheme(self) -> str:
        try:
            return urlsplit(self._text).scheme.lower()
        except ValueError:  # brackets, which come after the scheme
            return self._text.partition(":")[0].strip().lower()

    @property
    def host(self) -> str:
        return (self._parts().hostname or "").lower()

    @property
    def origin(self) -> tuple[str, str, int | None]:
        """(scheme, host, port): what credentials belong to."""
        parts = self._parts()
        default = {"https": 443, "http": 80}.get(parts.scheme.lower())
        try:
            return (parts.scheme.lower(), (parts.hostname or "").lower(), parts.port or default)
        except ValueError:
            raise self._malformed() from None

    @property
    def credentials(self) -> tuple[str, str] | None:
        parts = self._parts()
        if parts.username is None:
            return None
        return (unquote(parts.username), unquote(parts.password or ""))

    @property
    def last_segment(self) -> str:
        """The unquoted file name at the end of the path."""
        try:
            path = urlsplit(self._text).path
        except ValueError:
            path = re.split(r"[?#]", self._text, maxsplit=1)[0]
        return unquote(path.rpartition("/")[2])

    @property
    def fragment(self) -> str:
        return self._parts().fragment

    @property
    def plain(self) -> str:
        """What two ways to write one address have in common: no credentials, fragment or closing slash."""
        return self.without_credentials().without_fragment().reveal().rstrip("/")

    def without_credentials(self) -> Url:
        return Url(_CREDENTIALS.sub("", self._text, count=1))

    def without_fragment(self) -> Url:
        try:
            return Url(urldefrag(self._text).url)
        except ValueError:
            return Url(self._text.partition("#")[0])

    def join(self, reference: str) -> Url:
        """Resolve `reference` against this address (RFC 3986)."""
        try:
            return Url(urljoin(self._text, reference))
        except ValueError:
            raise Malformed(f"this is not an address: {_shown(redacted(reference))}") from None

    def _parts(self) -> SplitResult:
        try:
            return urlsplit(self._text)
        except ValueError:
            raise self._malformed() from None

    def _malformed(self) -> Malformed:
        return Malformed(f"{_shown(str(self))} is not a valid address")
