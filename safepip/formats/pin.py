"""What a publisher's pin may say, by kind: the one validation behind the line, the table and the index's claim.

{ kind = "github", repository = "acme/tool", workflow = "release.yml", ref = "refs/tags/*", environment = "pypi",
repository-id = "123", owner-id = "7", triggers = ["push"], runner = "github-hosted", build-signer = "https://..." }
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from safepip.errors import Malformed
from safepip.model.publisher import PublisherPin

_FORGE = frozenset({"ref", "environment", "repository_id", "owner_id", "triggers", "runner", "build_signer"})
_PART = r"[A-Za-z0-9_.-]+"
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+", re.ASCII)
_ID = re.compile(r"[A-Za-z0-9_.:-]{1,100}", re.ASCII)
_TRIGGER = re.compile(r"[A-Za-z0-9_-]{1,100}", re.ASCII)
_ISSUER = re.compile(r"https?://[!-~]{1,500}", re.ASCII)
_UUID = re.compile(r"[A-Za-z0-9-]{1,100}", re.ASCII)
# Lone surrogates cannot be written down; controls would forge a line.
_TEXT = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,255}")
_LONG_TEXT = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,1000}")
_REF = re.compile(r"[^\s\x00-\x1f\x7f\ud800-\udfff]{1,500}")  # git: no space and no control character
_FILE = re.compile(r"[^/\\\x00-\x1f\x7f\ud800-\udfff]{1,250}\.ya?ml")
_PATH = re.compile(r"[^/\\\x00-\x1f\x7f\ud800-\udfff]+(?:/[^/\\\x00-\x1f\x7f\ud800-\udfff]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of publisher: how it is called, and what else a pin of it may name.

    shape: as shown to people; called: the key of a table that stands for `repository`
    """

    shape: str
    repository: re.Pattern[str]
    workflow: re.Pattern[str] | None = None
    may: frozenset[str] = frozenset()
    called: str = "repository"
    workflow_called: str = "workflow"


KINDS: Mapping[str, Kind] = {
    "github": Kind(
        shape="OWNER/NAME[/WORKFLOW.yml]",
        repository=re.compile(rf"{_PART}/{_PART}", re.ASCII),
        workflow=_FILE,
        may=_FORGE,
    ),
    "gitlab": Kind(
        shape="GROUP/PROJECT[/FILE.yml] or [//PATH]",
        repository=re.compile(rf"{_PART}(?:/{_PART})+", re.ASCII),
        workflow=_PATH,
        may=_FORGE,
    ),
    "google": Kind(shape="the e-mail address of an account", repository=_ADDRESS, called="account"),
    "email": Kind(shape="ADDRESS#issuer=URL", repository=_ADDRESS, may=frozenset({"issuer"}), called="account"),
    "circleci": Kind(
        shape="PROJECT-ID[/PIPELINE-DEFINITION-ID]",
        repository=_UUID,
        workflow=_UUID,
        may=frozenset({"ref", "runner", "source"}),
        called="project-id",
        workflow_called="pipeline-definition-id",
    ),
    "activestate": Kind(shape="ORGANIZATION/PROJECT", repository=re.compile(rf"{_PART}/{_PART}", re.ASCII)),
}
_FORMS: Mapping[str, tuple[re.Pattern[str], str]] = {
    "ref": (_REF, "is no git ref; one looks like refs/tags/*"),
    "environment": (_TEXT, "is no name of an environment"),
    "repository_id": (_ID, "is no id of a repository"),
    "owner_id": (_ID, "is no id of an owner"),
    "runner": (_TEXT, "is no kind of runner"),
    "build_signer": (_LONG_TEXT, "is no glob over a build signer"),
    "issuer": (_ISSUER, "is no issuer; one is an address such as https://github.com/login/oauth"),
    "source": (_TEXT, "is no source repository"),
}


def valid(pin: PublisherPin) -> PublisherPin:
    """The pin itself, where everything that it names can be named for its kind. Raises Malformed."""
    kind = KINDS.get(pin.kind)
    if kind is None:
        raise Malformed(f"{pin.kind!r} is no kind of publisher; there are {', '.join(KINDS)}")
    if not kind.repository.fullmatch(pin.repository) or len(pin.repository) > 400:
        raise Malformed(f"{pin.repository!r} does not name {pin.kind}:{kind.shape}")
    if pin.workflow is not None and (kind.workflow is None or not kind.workflow.fullmatch(pin.workflow)):
        raise Malformed(f"{pin.workflow!r} does not name {pin.kind}:{kind.shape}")
    for slot in _named(pin):
        if slot not in kind.may:
            raise Malformed(f"a publisher of the kind {pin.kind} has no {slot.replace('_', '-')}")
        form, words = _FORMS.get(slot, (None, ""))
        if form is not None and not form.fullmatch(getattr(pin, slot)):
            raise Malformed(f"{getattr(pin, slot)!r} {words}")
    if pin.triggers is not None and (not pin.triggers or not all(map(_TRIGGER.fullmatch, pin.triggers))):
        raise Malformed(f"{sorted(pin.triggers)!r} are no names of triggers, such as push or release")
    if pin.kind == "email" and pin.issuer is None:
        raise Malformed(
            f"{pin.repository!r} means nothing without who vouches for it: "
            f"email:{pin.repository}#issuer=https://github.com/login/oauth"
        )
    return pin


def _named(pin: PublisherPin) -> list[str]:
    """What else the pin names."""
    slots = [slot.name for slot in fields(pin) if slot.name not in {"kind", "repository", "workflow"}]
    return [slot for slot in slots if getattr(pin, slot) is not None]


def read_table(table: Mapping[str, Any]) -> PublisherPin:
    """A pin as a table of a policy. Raises Malformed, saying which key is wrong."""
    kind = KINDS.get(table["kind"]) if isinstance(table.get("kind"), str) else None
    if kind is None:
        raise Malformed(f"a publisher's table has a kind, one of {', '.join(KINDS)}")
    slots = {kind.called: "repository", kind.workflow_called: "workflow", "repository": "repository"}
    values: dict[str, Any] = dict.fromkeys(("repository", "workflow", "ref", "environment"))
    for key, value in table.items():
        if key == "kind":
            continue
        slot = slots.get(key) or key.replace("-", "_")
        if slot not in {*kind.may, "repository", "workflow"} or "_" in key or values.get(slot) is not None:
            raise Malformed(f"a publisher of the kind {table['kind']} has no key {key!r}, or has it twice")
        values[slot] = _SLOT_READERS.get(slot, _text)(value, key)
    if values["repository"] is None:
        raise Malformed(f"a publisher of the kind {table['kind']} has the key {kind.called!r}")
    return valid(PublisherPin(kind=table["kind"], **values))


def _text(value: object, key: str) -> str:
    if not isinstance(value, str) or not value:
        raise Malformed(f"{key} is {value!r}, and not a text")
    return value


def _texts(value: object, key: str) -> frozenset[str]:
    if not isinstance(value, list):
        raise Malformed(f"{key} is {value!r}, and not a list of texts")
    return frozenset(_text(one, key) for one in value)


_SLOT_READERS: Mapping[str, Callable[[object, str], Any]] = {"triggers": _texts}


def literal(text: str) -> str:
    """That very text as a glob (`fnmatch`)."""
    return re.sub(r"([*?[])", r"[\1]", text)


def from_claim(claim: Mapping[str, Any]) -> PublisherPin | None:
    """A publisher as an index claims it (PEP 740) or a lock states it (PEP 751); None for a kind that we do not know.

    An empty text says nothing. Raises Malformed for a known kind with a field missing or of the wrong type.
    """
    kind = claim.get("kind")
    slots = _CLAIMS.get(kind) if isinstance(kind, str) else None
    if slots is None:
        return None
    stated = {slot: _claimed(claim, key) for key, slot in slots.items()}
    if kind == "ActiveState":
        organization, project = stated.get("organization"), stated.get("project")
        if organization is None or project is None:
            return None  # neither PEP 740 nor PyPI's documents say how it is spelled
        stated = {"repository": f"{organization}/{project}"}
    values: dict[str, Any] = {"workflow": None, "ref": None, "environment": None, **stated}
    missing = [key for key, slot in slots.items() if slot in {"repository", "workflow"} and values.get(slot) is None]
    if missing:
        raise Malformed(f"a publisher of the kind {kind} has a text {missing[0]!r}")
    if values["ref"] is not None:
        values["ref"] = literal(values["ref"])
    return valid(PublisherPin(kind=str(kind).lower(), **values))


_CLAIMS: Mapping[str, Mapping[str, str]] = {
    "GitHub": {"repository": "repository", "workflow": "workflow", "environment": "environment"},
    "GitLab": {"repository": "repository", "workflow_filepath": "workflow", "environment": "environment"},
    "Google": {"email": "repository"},
    "CircleCI": {
        "project_id": "repository",
        "pipeline_definition_id": "workflow",
        "vcs_origin": "source",
        "vcs_ref": "ref",
    },
    "ActiveState": {"organization": "organization", "project": "project"},
}


def _claimed(claim: Mapping[str, Any], key: str) -> str | None:
    value = claim.get(key)
    if value is not None and not isinstance(value, str):
        raise Malformed(f"the {key} of a publisher is {str(value)[:60]!r}, and not a text")
    return value or None
