"""The one-line form of a publisher, expected or observed.

    github:psf/requests/publish.yml@refs/tags/*#environment=release
    gitlab:group/sub/project/.gitlab-ci.yml@refs/heads/main
    gitlab:group/project//ci/release.yml
    google:account@project.iam.gserviceaccount.com

    line = kind ":" repository [ "/" workflow ] [ "@" ref ] [ "#environment=" name ]

github: `owner/name`; the workflow is the name of a YAML file in `.github/workflows`.
gitlab: two or more path segments; a workflow in a folder, or not named `*.yml`, is set off by `//`, which is how
        GitLab's own certificates write it.
google: the e-mail address of a service account, and nothing else.
`ref` is a glob over the git ref. What is left out accepts any. `render_publisher` writes what `parse_publisher` reads.
"""

from __future__ import annotations

import re

from safepip.errors import Malformed
from safepip.model.evidence import Identity
from safepip.model.publisher import PublisherPin

FORMS = "github:OWNER/NAME/WORKFLOW.yml@REF, gitlab:GROUP/PROJECT/FILE.yml@REF or google:ACCOUNT"
_ENVIRONMENT = "#environment="
_PART = r"[A-Za-z0-9_.-]+"
_YAML = re.compile(rf"{_PART}\.ya?ml", re.ASCII)
_GITHUB = re.compile(rf"(?P<repository>{_PART}/{_PART})(?:/(?P<workflow>{_PART}\.ya?ml))?", re.ASCII)
_GITLAB = re.compile(
    rf"(?P<repository>{_PART}(?:/{_PART})+?)(?://(?P<path>{_PART}(?:/{_PART})*)|/(?P<workflow>{_PART}\.ya?ml))?",
    re.ASCII,
)
_MAIL = re.compile(r"[A-Za-z0-9_.+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+", re.ASCII)
_REF = re.compile(r"[!\"$-~]+", re.ASCII)  # printable, without space and "#"
_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,255}")
_MAX_LINE = 1000


def parse_publisher(text: object) -> PublisherPin:
    """Read one line. Raises Malformed, saying which part is wrong."""
    if not isinstance(text, str) or len(text) > _MAX_LINE:
        raise Malformed(f"a publisher is a line such as {FORMS}")
    kind, colon, rest = text.partition(":")
    if not colon or kind not in {"github", "gitlab", "google"}:
        raise Malformed(f"{text!r} is not a publisher; the forms are {FORMS}")
    if kind == "google":
        return _google(text, rest)
    rest, marked, environment = rest.partition(_ENVIRONMENT)
    place, at, ref = rest.partition("@")
    match = (_GITHUB if kind == "github" else _GITLAB).fullmatch(place)
    if match is None:
        wanted = "OWNER/NAME[/WORKFLOW.yml]" if kind == "github" else "GROUP/PROJECT[/FILE.yml] or [//PATH]"
        raise Malformed(f"{text!r} does not name {kind}:{wanted}")
    if at and not _REF.fullmatch(ref):
        raise Malformed(f"{text!r} has no git ref after '@'; one looks like refs/tags/*")
    if marked and not _NAME.fullmatch(environment):
        raise Malformed(f"{text!r} has no environment after {_ENVIRONMENT!r}")
    return PublisherPin(
        kind=kind,
        repository=match["repository"],
        workflow=match["workflow"] or match.groupdict().get("path"),
        ref=ref if at else None,
        environment=environment if marked else None,
    )


def _google(text: str, account: str) -> PublisherPin:
    if not _MAIL.fullmatch(account):
        raise Malformed(f"{text!r} does not name the e-mail address of a Google service account, and only that")
    return PublisherPin(kind="google", repository=account, workflow=None, ref=None, environment=None)


def render_publisher(pin: PublisherPin) -> str:
    return _line(pin.kind, pin.repository, pin.workflow, pin.ref, pin.environment)


def describe(identity: Identity) -> str:
    """An observed identity in the same form, so that it can be compared with a pin, or become one, at a glance.

    A kind that cannot be pinned shows its subject and who vouched for it. Safe to print.
    """
    if identity.kind in {"github", "gitlab"} and identity.repository is not None:
        line = _line(identity.kind, identity.repository, identity.workflow, identity.ref, identity.environment)
    elif identity.kind == "google":
        line = f"google:{identity.subject}"
    else:
        line = f"{identity.kind}:{identity.subject} (issuer {identity.issuer})"
    return printable(line)


def printable(text: str) -> str:
    """Text from outside without control and direction characters, cut to one line of bounded length."""
    clean = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text[:_MAX_LINE])
    return clean if len(text) <= _MAX_LINE else f"{clean}..."


def _line(kind: str, repository: str, workflow: str | None, ref: str | None, environment: str | None) -> str:
    line = f"{kind}:{repository}"
    if workflow is not None:
        plain = kind == "github" or _YAML.fullmatch(workflow)
        line += ("/" if plain else "//") + workflow
    if ref is not None:
        line += f"@{ref}"
    return line if environment is None else f"{line}{_ENVIRONMENT}{environment}"
