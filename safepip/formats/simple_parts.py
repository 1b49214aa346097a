"""What the JSON and the HTML form of a project page have in common."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from safepip.errors import Malformed
from safepip.model.artifact import ProjectStatus, Status
from safepip.model.ident import FileName, ProjectName, Url

_API_VERSION = re.compile(r"(\d{1,4})\.(\d{1,4})", re.ASCII)
_LOWER_HEX = re.compile(r"[0-9a-f]+", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_HEX_LENGTH = {"sha256": 64, "sha384": 96, "sha512": 128}
# Nearly every address of a page has this form; it needs no further look, because no part of it can mislead a
# parser. The rest goes the slow way.
# Addresses that need no parsing to be known as sound; ports above 59999 take the slow way, which knows where they end.
_PLAIN_REST = r"://[A-Za-z0-9.-]+(?::(?:[0-9]{1,4}|[1-5][0-9]{4}))?/[A-Za-z0-9._~!$&'()*+,;=:@/%-]*"
_PLAIN = {
    scheme: re.compile(("https?" if scheme == "http" else "https") + _PLAIN_REST, re.ASCII)
    for scheme in ("http", "https")
}


class Unsafe(Malformed):
    """An address that an honest page may have, and that is not followed: only its file is left out."""


def api_minor(version: Any) -> int:
    """The minor number of an `api-version` (PEP 629). Raises Malformed unless the major one is 1."""
    match = _API_VERSION.fullmatch(version) if type(version) is str else None
    if match is None:
        raise Malformed(f"its api-version is {str(version)[:40]!r}, which is not MAJOR.MINOR")
    if int(match[1]) != 1:
        raise Malformed(f"its api-version is {version}, and only version 1 of the API is understood")
    return int(match[2])


def wrong_project(name: str, project: ProjectName) -> Malformed:
    return Malformed(f"it is about the project {name[:80]!r}, not about {project!r}")


def read_file_name(text: str, project: ProjectName) -> FileName | tuple[str, str]:
    """The parsed name, or (name, why the file is skipped)."""
    try:
        name = FileName.parse(text)
    except ValueError as fault:  # Malformed, or a number too long for int()
        return (text, str(fault))
    if name.project != project:
        return (text, f"{text[:120]!r} belongs to the project {name.project!r}")
    return name


def stated_digests(value: Any) -> Mapping[str, str]:
    """From algorithm to hexadecimal digest, in lower case. Raises Malformed where a known one has the wrong form."""
    if type(value) is not dict:
        raise Malformed("its hashes are not an object")
    if len(value) == 1 and _plain_sha256(value.get("sha256")):  # nearly all of them
        return value
    result = {}
    for algorithm, digest in value.items():
        if type(digest) is not str:
            raise Malformed(f"its {algorithm[:20]!r} is not a string")
        lower = digest if _LOWER_HEX.fullmatch(digest) else digest.lower()
        length = _HEX_LENGTH.get(algorithm)
        if length is not None and (len(lower) != length or not _LOWER_HEX.fullmatch(lower)):
            raise Malformed(f"its {algorithm} is not {length} hexadecimal digits: {digest[:140]!r}")
        result[algorithm] = lower
    return result


def _plain_sha256(digest: Any) -> bool:
    return type(digest) is str and _SHA256.fullmatch(digest) is not None


def page_status(status: str | None, reason: str | None) -> ProjectStatus:
    """PEP 792; a project whose page says nothing is active. A word that we do not know must not read as active."""
    try:
        known = Status.ACTIVE if status is None else Status(status)
    except ValueError:
        raise Malformed(f"its project status is {str(status)[:40]!r}, which is not known") from None
    return ProjectStatus(status=known, reason=reason)


def _short(text: str) -> str:
    """Masked before it is cut, or the cut could take away the `@` that gives a password away."""
    return repr(str(Url(text))[:120])


class Address:
    """Turns the addresses of one page into `Url`s, relative to the page's own."""

    def __init__(self, base: Url) -> None:
        self._base = base.without_fragment()
        # A page from the net must not make us read files of this machine, or ask the services of this machine, which
        # are the only ones that plain http is spoken with.
        by_scheme = {"file": ("https", "http", "file"), "http": ("https", "http")}
        self._schemes = by_scheme.get(base.scheme, ("https",))
        self._plain = _PLAIN["http" if "http" in self._schemes else "https"]

    def of(self, text: str) -> Url:
        """Absolute, http(s) or file, without a fragment. Raises Malformed, and Unsafe for http in an https page."""
        if self._plain.fullmatch(text):
            return Url(text)
        return self._slow(text)

    def _slow(self, text: str) -> Url:
        if not text.isprintable() or "\\" in text:
            raise Malformed(f"an address has characters that no address has: {text[:120]!r}")
        try:
            url = self._base.join(text).without_fragment()
            sound = self._sound(url)
        except ValueError:
            raise Malformed(f"this is not an address: {_short(text)}") from None
        if url.scheme == "http" and "http" not in self._schemes:
            raise Unsafe(f"this page came over https and names an address that is plain http: {_short(text)}")
        if not sound:
            raise Malformed(f"this is not an address of a file: {_short(text)}")
        return url

    def _sound(self, url: Url) -> bool:
        scheme, host, _ = url.origin
        return scheme in self._schemes and (scheme == "file" or bool(host)) and url.last_segment.isprintable()
