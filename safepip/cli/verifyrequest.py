"""What was typed after `safepip verify`, read and checked before anything is opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safepip.cli.args import Typed
from safepip.errors import Malformed, UsageError
from safepip.flows.verify import Request
from safepip.formats.publisher import parse_publisher
from safepip.model.artifact import HashPin
from safepip.model.ident import FileName, Sha256, Url
from safepip.model.publisher import PublisherPin
from safepip.model.verification import Expectation, OfDigest, OfFile, OfIndex, Signer, Target

_HELP = "safepip verify --help"
_DIGEST = "sha256:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The request, and the files that were named beside the targets. At most one of `provenance` and `bundle`."""

    request: Request
    provenance: Path | None
    bundle: Path | None
    key: Path | None
    staging: bool
    json: bool


def read_request(typed: Typed) -> Asked:
    """Raises UsageError."""
    given, words = typed.given, typed.arguments
    _require_sense(given, words)
    name = _filename(given.get("filename"))
    key = given.get("key")
    expectation = Expectation(
        publishers=tuple(_publisher(one) for one in given.get("publisher", ())),
        signer=Signer(subject=given["identity"], issuer=given["issuer"]) if "identity" in given else None,
        key=key,
    )
    return Asked(
        request=Request(
            targets=tuple(_target(word, name, given) for word in words),
            expectation=expectation,
            document=Path(document).name if (document := given.get("provenance") or given.get("bundle")) else None,
            offline=bool(given.get("offline")),
        ),
        provenance=_path(given.get("provenance")),
        bundle=_path(given.get("bundle")),
        key=_path(key),
        staging=bool(given.get("staging")),
        json=given.get("format") == "json",
    )


def _require_sense(given: Any, words: tuple[str, ...]) -> None:
    """Options that contradict each other: to pass one over in silence would be to verify something else."""
    if not words:
        raise _usage("name at least one file, sha256:HEX or URL to verify")
    if ("identity" in given) != ("issuer" in given):
        raise _usage("--identity and --issuer need each other: a name is worth what who vouches for it is worth")
    for one, other in (
        ("provenance", "bundle"),
        ("provenance", "key"),
        ("key", "identity"),
        ("key", "publisher"),
        ("staging", "sp_trusted_root"),
    ):
        if one in given and other in given:
            raise _usage(f"{_named(one)} and {_named(other)} exclude each other")
    for one in ("provenance", "bundle", "filename"):
        if one in given and len(words) != 1:
            raise _usage(f"{_named(one)} is about one target, and {len(words)} are named")
    if "key" in given and "bundle" not in given:
        raise _usage("--key is for a bundle that is signed without a certificate: name it with --bundle")
    for one in ("provenance", "bundle", "key", "filename", "identity", "issuer"):
        if given.get(one) == "":
            raise _usage(f"{_named(one)} is empty")


def _named(dest: str) -> str:
    return f"--{dest.replace('_', '-')}"


def _usage(message: str) -> UsageError:
    return UsageError("usage", message, hint=_HELP)


def _path(text: str | None) -> Path | None:
    return Path(text) if text is not None else None


def _filename(text: str | None) -> FileName | None:
    try:
        return FileName.parse(text) if text is not None else None
    except Malformed as error:
        raise _usage(f"--filename: {error}") from None


def _publisher(text: str) -> PublisherPin:
    try:
        return parse_publisher(text)
    except Malformed as error:
        raise _usage(f"--publisher: {error}") from None


def _target(word: str, name: FileName | None, given: Any) -> Target:
    """By its form alone: a file whose name has another form can be written ./NAME."""
    if word.lower().startswith(_DIGEST):
        return _digest(word[len(_DIGEST) :], name, given)
    if word.lower().startswith(("https://", "http://")):
        return _address(word, given)
    return OfFile(typed=word, name=name if name is not None else _own_name(Path(word).name))


def _own_name(text: str) -> FileName | None:
    try:
        return FileName.parse(text)
    except Malformed:
        return None


def _digest(text: str, name: FileName | None, given: Any) -> OfDigest:
    try:
        sha256 = Sha256.parse(text.lower())
    except Malformed as error:
        raise _usage(str(error)) from None
    if "provenance" not in given and "bundle" not in given:
        raise _usage("nothing lies beside a digest: name what attests it with --provenance or --bundle")
    if "provenance" in given and name is None:
        raise _usage("a provenance attests a file by its name and digest: give the name with --filename")
    return OfDigest(sha256=sha256, name=name)


def _address(word: str, given: Any) -> OfIndex:
    """A file on a configured index, as its page lists it; a digest may stand behind `#`, as pip writes them."""
    for one in ("provenance", "bundle", "filename"):
        if one in given:
            raise _usage(f"{_named(one)} is for a file that is here; download {Url(word)} first")
    url = Url(word)
    try:
        name, fragment = FileName.parse(url.last_segment), url.fragment
        pin = HashPin.parse(fragment.replace("=", ":", 1)) if fragment else None
        origin = url.origin
    except Malformed as error:
        raise _usage(f"{url}: {error}") from None
    del origin
    return OfIndex(url=url, name=name, pin=pin)
