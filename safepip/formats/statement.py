"""The in-toto statement inside an attestation: what it says, and about which file.

Sources: in-toto attestation framework, `Statement` v1; PEP 740, "Attestation statements".
Step 2 of the verification: this module never looks at signatures, and nothing here is true before step 4 says so.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from safepip.errors import Malformed
from safepip.formats.fields import BadAttestation
from safepip.formats.strictjson import NotStrict, parse_json
from safepip.model.ident import FileName, Sha256

STATEMENT = "https://in-toto.io/Statement/v1"
_STATEMENT_BEFORE = "https://in-toto.io/Statement/v0.1"  # says the same of its subjects; common in bundles before 2024
MAX_SUBJECTS = 1024
PUBLISH = "https://docs.pypi.org/attestations/publish/v1"
SLSA = "https://slsa.dev/provenance/v1"
# The predicate types that we understand, by the name that a policy uses for them.
PREDICATES: Mapping[str, str] = {PUBLISH: "publish", SLSA: "slsa"}
# Not a predicate: a signature over the file itself, as Sigstore bundles may carry.
SIGNATURE = "signature"


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """The file that an attestation must be about.

    file: None where its name is no distribution's and does not matter (`safepip verify` of any artifact)
    sha256, digests: of its bytes, as WE computed them; digests by algorithm, all that there are
    """

    file: FileName | None
    sha256: Sha256
    digests: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One subject, as listed. `digests`: algorithm -> hexadecimal digest; `predicate`: the body, unread."""

    name: FileName
    digests: Mapping[str, str]
    predicate_type: str
    predicate: Any


def parse_statement(payload: bytes) -> Statement:
    """Read a statement about a distribution, of a predicate type that we know. Raises BadAttestation alone."""
    document, predicate_type = _document(payload, {STATEMENT})
    if predicate_type not in PREDICATES:
        text = f"its predicate type {predicate_type[:200]!r} is not one that safepip understands"
        raise BadAttestation("unknown-predicate", text, known=False)
    # PEP 740: the publish attestation has no body; one that has says something that nobody would read.
    if predicate_type == PUBLISH and document.get("predicate") not in (None, {}):
        raise BadAttestation("predicate", "it is a publish attestation with a body, which must be empty")
    name, digests = _subject(document.get("subject"))
    return Statement(name=name, digests=digests, predicate_type=predicate_type, predicate=document.get("predicate"))


def predicate_about(payload: bytes, about: About) -> tuple[str, Any]:
    """Predicate type and body of a statement about an artifact whose name does not matter: any predicate, and any
    number of subjects, of which one must be this artifact. Raises BadAttestation and nothing else.
    """
    document, predicate_type = _document(payload, {STATEMENT, _STATEMENT_BEFORE})
    subjects = document.get("subject")
    if not isinstance(subjects, list) or not 1 <= len(subjects) <= MAX_SUBJECTS:
        raise BadAttestation("subject-name", f"its statement does not have 1 to {MAX_SUBJECTS} subjects")
    if not any(_digests_match(one, about) for one in subjects):
        raise BadAttestation("subject-digest", f"none of its subjects has the digests of this artifact, {about.sha256}")
    return predicate_type, document.get("predicate")


def _digests_match(subject: object, about: About) -> bool:
    """At least one digest that we can compute is listed, and all of those are ours."""
    stated = subject.get("digest") if isinstance(subject, dict) else None
    if not isinstance(stated, dict):
        return False
    known = {name: text for name, text in stated.items() if name == "sha256" or name in about.digests}
    return bool(known) and all(
        text == (about.sha256 if name == "sha256" else about.digests[name]) for name, text in known.items()
    )


def _document(payload: bytes, types: Collection[str]) -> tuple[Mapping[str, Any], str]:
    """The statement and its predicate type."""
    try:
        document = parse_json(payload)
    except NotStrict as error:
        raise BadAttestation("malformed", f"its statement cannot be read: {error}") from None
    if not isinstance(document, dict) or document.get("_type") not in tuple(types):
        raise BadAttestation("malformed", "its statement is not an in-toto statement of version 1")
    predicate_type = document.get("predicateType")
    if not isinstance(predicate_type, str):
        raise BadAttestation("malformed", "its statement names no predicate type")
    return document, predicate_type


def _subject(subjects: object) -> tuple[FileName, Mapping[str, str]]:
    if not isinstance(subjects, list) or len(subjects) != 1 or not isinstance(subjects[0], dict):
        raise BadAttestation("subject-name", "its statement does not have exactly one subject")
    name, digests = subjects[0].get("name"), subjects[0].get("digest")
    if not isinstance(name, str):
        raise BadAttestation("subject-name", "its subject has no name")
    if not isinstance(digests, dict) or not all(isinstance(text, str) for text in digests.values()):
        raise BadAttestation("subject-digest", "its subject has no digests")
    try:
        return FileName.parse(name), digests
    except Malformed as error:
        raise BadAttestation("subject-name", f"its subject is not a distribution file: {str(error)[:300]}") from None


def require_subject(statement: Statement, about: About) -> None:
    """The statement must be about exactly this file. Raises BadAttestation."""
    file, sha256, digests = about.file, about.sha256, about.digests
    if file is not None and _parsed(statement.name) != _parsed(file):
        raise BadAttestation("subject-name", f"it attests {str(statement.name)[:200]!r}, and this file is {file}")
    if "sha256" not in statement.digests:
        raise BadAttestation("subject-digest", "it lists no sha256 of the file that it attests")
    for algorithm, got in statement.digests.items():
        expected = sha256 if algorithm == "sha256" else digests.get(algorithm, got)
        if got != expected:
            text = f"it attests {algorithm} {got[:140]!r}, and this file has {algorithm} {expected}"
            raise BadAttestation("subject-digest", text)


def _parsed(name: FileName) -> tuple[object, ...]:
    """What makes two names the same: the parts, with the tags expanded, and not how they are spelled."""
    return (name.project, name.version, name.kind, name.build, name.tags)
