"""PEP 740 provenance documents: the attestations that an index serves for one file, read strictly.

Step 1 of the verification: limits and strictness, before anything else. Nothing here is verified yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from safepip.errors import Malformed
from safepip.formats.attestation import Attestation, read_attestation
from safepip.formats.fields import BadAttestation, read_document, read_list, read_object, read_text, require_object
from safepip.formats.publisher import describe, from_claim, printable, render_publisher
from safepip.model.publisher import Identity, PublisherPin, contradiction

MAX_ATTESTATIONS = 16
_PUBLISHER_KINDS = frozenset({"GitHub", "GitLab", "Google", "CircleCI", "ActiveState"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """What an index serves under one publisher; one that cannot be read is a value, so that its siblings keep theirs.

    publisher: the index's word for who it is, in the one-line form: a hint, never an expectation
    claim:     the same, to be compared; None where it cannot be
    known:     whether that publisher is of a kind that we understand
    """

    publisher: str
    claim: PublisherPin | None
    known: bool
    attestations: tuple[Attestation | BadAttestation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    bundles: tuple[Bundle, ...]


def parse_provenance(content: bytes) -> Provenance:
    """Read a provenance object (PEP 740). Raises BadAttestation for the document as a whole, and nothing else."""
    document = _document(content)
    bundles = read_list(document, "attestation_bundles")
    if len(bundles) > MAX_ATTESTATIONS:
        raise BadAttestation("too-large", f"the provenance holds more than {MAX_ATTESTATIONS} bundles")
    served = [read_list(require_object(one, "a bundle"), "attestations") for one in bundles]
    if sum(len(one) for one in served) > MAX_ATTESTATIONS:
        raise BadAttestation("too-large", f"the provenance holds more than {MAX_ATTESTATIONS} attestations")
    return Provenance(bundles=tuple(_bundle(one, each) for one, each in zip(bundles, served, strict=True)))


def parse_attestation(content: bytes) -> Attestation:
    """Read a single attestation object (PEP 740). Raises BadAttestation and nothing else."""
    return read_attestation(_document(content))


def _document(content: bytes) -> dict[str, Any]:
    document = read_document(content)
    _version(document)
    return document


def _version(document: Mapping[str, Any]) -> None:
    version = document.get("version")
    if type(version) is not int or version != 1:  # True equals 1, and 1.0 does
        raise BadAttestation("malformed", f"its version is {str(version)[:20]!r}, not the integer 1")


def _bundle(bundle: dict[str, Any], served: list[Any]) -> Bundle:
    publisher = read_object(bundle, "publisher")
    kind = read_text(publisher, "kind")
    try:
        claim = from_claim(publisher)
    except Malformed as error:
        raise BadAttestation("malformed", f"its publisher cannot be read: {error}") from None
    return Bundle(
        publisher=_publisher(kind, publisher),
        claim=claim,
        known=kind in _PUBLISHER_KINDS,
        attestations=tuple(_readable(one) for one in served),
    )


def require_claim(bundle: Bundle, identity: Identity) -> None:
    """What an index says about a bundle must be what the certificate in it says. Raises BadAttestation.

    That they agree proves nothing: an index that lies can lie to fit. That they do not is never in order.
    """
    if bundle.claim is None:
        return
    found = contradiction(bundle.claim, identity)
    if found is not None:
        raise BadAttestation(
            "identity-mismatch",
            f"the provenance says that {render_publisher(bundle.claim)} published it, and its certificate "
            f"says {describe(identity)} ({found.what} {found.got}, not {found.expected})",
        )


def _readable(served: Any) -> Attestation | BadAttestation:
    try:
        document = require_object(served, "an attestation")
        _version(document)
        return read_attestation(document)
    except BadAttestation as error:
        return error


def _publisher(kind: str, publisher: Mapping[str, Any]) -> str:
    """The index's claim in the one-line form, as far as it goes. Never parsed again; only shown and compared."""
    stated = {name: value for name, value in publisher.items() if isinstance(value, str) and value}
    line = f"{kind.lower()}:{stated.get('repository') or stated.get('email') or stated.get('project_id', '?')}"
    workflow = stated.get("workflow") or stated.get("workflow_filepath")
    line += f"/{workflow}" if workflow else ""
    return printable(line + (f"#environment={stated['environment']}" if "environment" in stated else ""))
