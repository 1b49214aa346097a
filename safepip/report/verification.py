"""What `safepip verify` found, for people and for machines (docs/commands/verify.md).

What was seen goes to stdout, one block for each target, whatever is made of it; what is objected to, to stderr.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from safepip.formats.age import moment
from safepip.formats.plain import clean
from safepip.formats.publisher import describe, printable
from safepip.formats.statement import PREDICATES, SIGNATURE
from safepip.model.evidence import Build, RejectedAttestation, VerifiedAttestation
from safepip.model.publisher import Identity
from safepip.model.verification import Decision, Objection, Verification
from safepip.report.machine import stamp
from safepip.report.text import Style

SCHEMA = "safepip-verify/1"
_LABEL = 12
_WIDTH = 100
# What an attestation says, by the name that a policy uses for it.
_SAYS = {
    "publish": "publish (who published the file)",
    "slsa": "slsa (who built the file, and from what)",
    SIGNATURE: "signature (who signed the file itself)",
}


def seen(verifications: Iterable[Verification]) -> Iterator[str]:
    """For stdout: who published what, from where, when it was signed and where it was logged."""
    for number, one in enumerate(verifications):
        if number:
            yield ""
        yield clean(one.file or one.target)
        yield from _rows(_of_target(one))
        for attestation in one.verified:
            yield ""
            yield from _rows(_of_verified(attestation))
        for rejected in one.rejected:
            yield ""
            yield from _rows(_of_rejected(rejected))


def objected(verifications: Sequence[Verification], style: Style) -> Iterator[str]:
    """For stderr: what is not verified, why, and what to do."""
    failed = [one for one in verifications if one.decision is not Decision.VERIFIED]
    if not failed:
        return
    verb = "refused" if any(one.decision is Decision.REFUSED for one in failed) else "could not verify"
    what = f"{len(failed)} of {len(verifications)} targets" if len(verifications) > 1 else "the target"
    yield style.error(f"safepip {verb} {what}")
    for one in failed:
        for objection in one.objections:
            yield from _block(one, objection)


def report(verifications: Iterable[Verification]) -> str:
    """The JSON document. Everything that is not ASCII is escaped: names from outside may hold what moves a cursor."""
    document = {"schema": SCHEMA, "targets": [_target(one) for one in verifications]}
    return json.dumps(document, indent=2) + "\n"


# --- for people


def _of_target(one: Verification) -> Iterator[tuple[str, str]]:
    yield "decision", one.decision.value
    if one.file is not None and one.target != one.file:
        yield "target", one.target
    if one.sha256 is not None:
        yield "sha256", one.sha256
    if one.sources:
        yield "attested in", ", ".join(one.sources)
    yield from (("expected", met) for met in one.met)
    yield from (("note", note) for note in one.notes)


def _of_verified(one: VerifiedAttestation) -> Iterator[tuple[str, str]]:
    who = one.identity
    name = PREDICATES.get(one.predicate, one.predicate)
    yield "attestation", _SAYS.get(name, name)
    yield "signed by", _name(who)
    if who.repository is not None:
        ids = [f"{label} {text}" for label, text in (("id", who.repository_id), ("owner id", who.owner_id)) if text]
        yield "repository", who.repository + (f" ({', '.join(ids)})" if ids else "")
    for label in ("workflow", "ref", "environment", "trigger", "runner"):
        text = getattr(who, label)
        if text is not None:
            yield label, text
    if who.build_signer not in {None, who.subject}:
        yield "built by", str(who.build_signer)
    yield "subject", who.subject
    if who.issuer:
        yield "issuer", who.issuer
    if one.build is not None:
        yield from _of_build(one.build)
    yield "signed at", moment(one.logged_at) if one.logged_at is not None else "not known"
    if one.log is not None:
        yield "logged in", one.log + (f", entry {one.log_index}" if one.log_index is not None else "")
    yield "trusted root", f"sha256:{one.trust_root}"


def _name(who: Identity) -> str:
    """A key that somebody named is called by its digest, and nobody vouched for it."""
    return f"key {who.subject}" if who.kind == "key" else describe(who)


def _of_build(build: Build) -> Iterator[tuple[str, str]]:
    yield "builder", build.builder
    yield "build type", build.build_type
    if build.source is not None:
        yield "source", build.source + (f" at {build.revision}" if build.revision is not None else "")


def _of_rejected(one: RejectedAttestation) -> Iterator[tuple[str, str]]:
    yield "attestation", "refused" if one.known else "of a kind that safepip does not understand"
    yield one.code, one.message


def _block(one: Verification, objection: Objection) -> Iterator[str]:
    verb = "refused" if objection.decision is Decision.REFUSED else "unknown"
    head = f"  {verb:{_LABEL}} {printable(one.file or one.target)}"
    yield clean(f"{head:{max(_WIDTH - len(objection.code), len(head) + 1)}}{objection.code}")
    yield from _rows([("fact", objection.message), *([("next", objection.hint)] if objection.hint else [])])


def _rows(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    for label, text in pairs:
        first, *more = text.split("\n")
        yield clean(f"  {label:{_LABEL}} {printable(first)}")
        yield from (clean(f"  {'':{_LABEL}} {printable(line)}") for line in more)


# --- for machines


def _target(one: Verification) -> dict[str, Any]:
    leading = one.leading
    return {
        "target": one.target,
        "file": one.file,
        "sha256": one.sha256,
        "decision": one.decision.value,
        "code": leading.code if leading is not None else None,
        "message": leading.message if leading is not None else None,
        "hint": leading.hint if leading is not None else None,
        "expected": list(one.met),
        "sources": list(one.sources),
        "notes": list(one.notes),
        "objections": [_objection(objection) for objection in one.objections],
        "attestations": [*map(_verified, one.verified), *map(_rejected, one.rejected)],
    }


def _objection(one: Objection) -> dict[str, Any]:
    return {"decision": one.decision.value, "code": one.code, "message": one.message, "hint": one.hint}


def _verified(one: VerifiedAttestation) -> dict[str, Any]:
    return {
        "outcome": "verified",
        "code": None,
        "message": None,
        "predicate": one.predicate,
        "publisher": _name(one.identity),
        **_claims(one.identity),
        "logged_at": stamp(one.logged_at) if one.logged_at is not None else None,
        "log": None if one.log is None else {"host": one.log, "index": one.log_index},
        "trust_root": one.trust_root,
        "build": None if one.build is None else _build(one.build),
    }


def _build(one: Build) -> dict[str, Any]:
    return {"builder": one.builder, "build_type": one.build_type, "source": one.source, "revision": one.revision}


_CLAIMS = (
    "kind",
    "issuer",
    "subject",
    "repository",
    "repository_id",
    "owner_id",
    "workflow",
    "environment",
    "ref",
    "trigger",
    "runner",
    "build_signer",
)


def _claims(identity: Identity) -> dict[str, Any]:
    return {name: getattr(identity, name) for name in _CLAIMS}


def _rejected(one: RejectedAttestation) -> dict[str, Any]:
    """The same keys; of one that does not hold, nothing is worth repeating but why."""
    nothing = dict.fromkeys(
        ("predicate", "publisher", *_CLAIMS, "logged_at", "log", "trust_root", "build"),
    )
    return {"outcome": "refused" if one.known else "unknown", "code": one.code, "message": one.message, **nothing}
