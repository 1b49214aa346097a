"""The one-line form of a publisher, expected or observed.

    github:psf/requests/publish.yml@refs/tags/*#environment=release&repository-id=1362490
    gitlab:group/sub/project/.gitlab-ci.yml@refs/heads/main
    gitlab:group/project//ci/release.yml
    google:account@project.iam.gserviceaccount.com
    email:sam@example.org#issuer=https://github.com/login/oauth
    circleci:PROJECT-ID/PIPELINE-DEFINITION-ID@refs/heads/main#source=github.com/acme/tool
    activestate:ORGANIZATION/PROJECT

    line = kind ":" name [ "/" workflow ] [ "@" ref ] [ "#" attribute *( "&" attribute ) ]
    attribute = name "=" value, of environment, repository-id, owner-id, trigger, runner, builder, source, issuer;
                several triggers are alternatives: trigger=push|release

github: the workflow is the name of a YAML file in `.github/workflows`.
gitlab: two or more path segments; a workflow in a folder, or not named `*.yml`, is set off by `//`, which is how
        GitLab's own certificates write it.
`ref` and `builder` are globs. What would be read as something else is percent-encoded (RFC 3986, section 2.1). What is
left out accepts any, but for dangerous triggers and foreign builders. `render_publisher` writes what `parse_publisher`
reads, in one canonical way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from safepip.errors import Malformed
from safepip.formats.pin import KINDS, from_claim, literal, read_table, valid
from safepip.model.publisher import Identity, PublisherPin, name_of, signer_of

__all__ = [
    "FORMS",
    "as_pin",
    "describe",
    "from_claim",
    "parse_publisher",
    "printable",
    "read_publisher",
    "render_publisher",
]

FORMS = (
    "github:OWNER/NAME/WORKFLOW.yml@REF, gitlab:GROUP/PROJECT/FILE.yml@REF, google:ACCOUNT, email:ADDRESS#issuer=URL, "
    "circleci:PROJECT-ID/PIPELINE-DEFINITION-ID@REF or activestate:ORGANIZATION/PROJECT"
)
_SIGN = r"[^/\s@#]+"
_YAML = re.compile(r"[A-Za-z0-9_.-]+\.ya?ml", re.ASCII)
_PLACES = {
    "github": re.compile(rf"(?P<name>{_SIGN}/{_SIGN})(?:/(?P<workflow>{_SIGN}))?"),
    "gitlab": re.compile(
        rf"(?P<name>{_SIGN}(?:/{_SIGN})+?)(?://(?P<path>{_SIGN}(?:/{_SIGN})*)|/(?P<workflow>{_SIGN}\.ya?ml))?"
    ),
    "circleci": re.compile(rf"(?P<name>{_SIGN})(?:/(?P<workflow>{_SIGN}))?"),
    "activestate": re.compile(rf"(?P<name>{_SIGN}/{_SIGN})"),
    "google": re.compile(r"(?P<name>[^\s#]+)"),
    "email": re.compile(r"(?P<name>[^\s#]+)"),
}
# In the order in which they are written.
_ATTRIBUTES = {
    "environment": "environment",
    "repository-id": "repository_id",
    "owner-id": "owner_id",
    "trigger": "triggers",
    "runner": "runner",
    "builder": "build_signer",
    "source": "source",
    "issuer": "issuer",
}
_MAX_LINE = 8000
_MAX_SHOWN = 1000


def read_publisher(value: object) -> PublisherPin:
    """A pin as a policy writes it: a line or a table. Raises Malformed."""
    return read_table(value) if isinstance(value, Mapping) else parse_publisher(value)


def parse_publisher(text: object) -> PublisherPin:
    """Read one line. Raises Malformed, saying which part is wrong."""
    if not isinstance(text, str) or len(text) > _MAX_LINE:
        raise Malformed(f"a publisher is a line such as {FORMS}")
    kind, colon, rest = text.partition(":")
    if not colon or kind not in KINDS:
        raise Malformed(f"{text!r} is not a publisher; the forms are {FORMS}")
    place, marked, attributes = rest.partition("#")
    at, ref = "", ""
    if "ref" in KINDS[kind].may:
        place, at, ref = place.partition("@")
    match = _PLACES[kind].fullmatch(place)
    if match is None:
        raise Malformed(f"{text!r} does not name {kind}:{KINDS[kind].shape}")
    parts = match.groupdict()
    workflow = parts.get("workflow") or parts.get("path")
    if at and (not ref or re.search(r"\s", ref)):
        raise Malformed(f"{text!r} has no git ref after '@'; one looks like refs/tags/*")
    values: dict[str, Any] = {"environment": None}
    if marked:
        values |= _attributes(text, attributes)
    return valid(
        PublisherPin(
            kind=kind,
            repository=_decoded(parts["name"]),
            workflow=_decoded(workflow) if workflow else None,
            ref=_decoded(ref) if at else None,
            **values,
        )
    )


def _attributes(line: str, text: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for attribute in text.split("&"):
        name, _, encoded = attribute.partition("=")
        slot, value = _ATTRIBUTES.get(name), _decoded(encoded)
        if slot is None or slot in values or not value:
            known = ", ".join(_ATTRIBUTES)
            raise Malformed(f"{line!r} has {attribute!r} after '#'; there are NAME=VALUE, once each, of {known}")
        values[slot] = frozenset(value.split("|")) if slot == "triggers" else value
    return values


def render_publisher(pin: PublisherPin) -> str:
    """The canonical line."""
    line = f"{pin.kind}:{_encoded(_name(pin), '#')}"
    if pin.workflow is not None:
        plain = pin.kind != "gitlab" or _YAML.fullmatch(pin.workflow)
        line += ("/" if plain else "//") + _encoded(pin.workflow, "@# ")
    if pin.ref is not None:
        line += f"@{_encoded(pin.ref, '#')}"
    attributes = "&".join(_written(pin))
    return f"{line}#{attributes}" if attributes else line


def _name(pin: PublisherPin) -> str:
    """A GitLab project that is called like a file must not be read as one."""
    if pin.kind == "gitlab" and pin.workflow is None and pin.repository.count("/") > 1:
        group, _, project = pin.repository.rpartition("/")
        if _YAML.fullmatch(project):
            stem, _, suffix = project.rpartition(".")
            return f"{group}/{stem}\0{suffix}"
    return pin.repository


def _written(pin: PublisherPin) -> Iterator[str]:
    for name, slot in _ATTRIBUTES.items():
        value = getattr(pin, slot)
        if value is not None:
            text = "|".join(sorted(value)) if slot == "triggers" else value
            yield f"{name}={_encoded(text, '&')}"


def _encoded(text: str, signs: str) -> str:
    """`signs` and whatever is not seen, percent-encoded; a space at an end is not seen either."""
    inner = "".join(
        "%2E" if sign == "\0" else quote(sign, safe="") if sign in f"%{signs}" or not sign.isprintable() else sign
        for sign in text
    )
    head = len(inner) - len(inner.lstrip())
    tail = len(inner[head:]) - len(inner[head:].rstrip())
    return "%20" * head + inner.strip() + "%20" * tail


def _decoded(text: str) -> str:
    try:
        return unquote_to_bytes(text).decode("utf-8")
    except UnicodeError:
        raise Malformed(f"{text!r} is not percent-encoded UTF-8") from None


def describe(identity: Identity) -> str:
    """An observed identity in the same form, so that it can be compared with a pin, or become one, at a glance.

    A kind that cannot be pinned shows its subject and who vouched for it. Safe to print.
    """
    pin = _observed(identity)
    return printable(render_publisher(pin) if pin else f"{identity.kind}:{identity.subject} (issuer {identity.issuer})")


def as_pin(identity: Identity) -> PublisherPin | None:
    """The whole vector as observed, as a pin that accepts it and, but for renaming, nothing else.

    None for a publisher that cannot be pinned, and so not be remembered either.
    """
    short = _observed(identity)
    if short is None or short.kind not in {"github", "gitlab", "circleci"}:
        return short
    forge = short.kind != "circleci"
    signer = signer_of(identity) if forge else None
    return _valid(
        PublisherPin(
            kind=short.kind,
            repository=short.repository,
            workflow=short.workflow,
            ref=short.ref,
            environment=short.environment,
            repository_id=identity.repository_id if forge else None,
            owner_id=identity.owner_id if forge else None,
            triggers=frozenset({identity.trigger}) if forge and identity.trigger is not None else None,
            runner=identity.runner,
            build_signer=literal(signer) if signer is not None else None,
            source=short.source,
        )
    )


def _observed(identity: Identity) -> PublisherPin | None:
    """Who, from which workflow, at which ref and into which environment."""
    name, kind = name_of(identity), KINDS.get(identity.kind)
    if name is None or kind is None:
        return None
    return _valid(
        PublisherPin(
            kind=identity.kind,
            repository=name,
            workflow=identity.workflow if kind.workflow is not None else None,
            ref=literal(identity.ref) if identity.ref is not None and "ref" in kind.may else None,
            environment=identity.environment if "environment" in kind.may else None,
            issuer=identity.issuer if "issuer" in kind.may else None,
            source=identity.repository if "source" in kind.may else None,
        )
    )


def _valid(pin: PublisherPin) -> PublisherPin | None:
    try:
        return valid(pin)
    except Malformed:
        return None


def printable(text: str) -> str:
    """Text from outside without control and direction characters, cut to one line of bounded length."""
    clean = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text[:_MAX_SHOWN])
    return clean if len(text) <= _MAX_SHOWN else f"{clean}..."
