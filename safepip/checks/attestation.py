"""What is attested verifies, and what must be attested is. docs/checks/attestation.md"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from fnmatch import fnmatchcase

from safepip.formats.publisher import describe, printable
from safepip.formats.slsa import certified_source, contradicts, same_source, source_matches, workflow_repository
from safepip.formats.statement import PREDICATES, PUBLISH, SLSA
from safepip.model.evidence import Attestations, Build, Dossier, Kind, Subject, Unavailable, VerifiedAttestation
from safepip.model.levels import AttestationRule, Placed
from safepip.model.policy import Policy
from safepip.model.publisher import Identity, matches
from safepip.model.rules import Rules, SlsaRule
from safepip.model.verdict import Finding, Outcome

ID = "attestation"
NEEDS = frozenset({Kind.ATTESTATIONS})
# What `provenance-available` answers for, so that a waiver there can let such a file in.
_NOT_TO_BE_HAD = frozenset({"provenance-unavailable", "sidecar-unavailable"})
# Their certificates name a repository of their own. Another issuer's may name what it was told.
_FORGES = frozenset({"github", "gitlab"})
_UPDATE = "safepip trust update"
_REPORT = "Do not use this file. Report it to the project and to the index; another version may be sound."


def check(dossier: Dossier, policy: Policy, now: datetime) -> tuple[Finding, ...]:
    """`now` is not looked at: an attestation is judged at the time that the log recorded."""
    del now
    subject, evidence = dossier.subject, dossier.get(Attestations)
    rules = policy.rules_for(subject.project)
    if isinstance(evidence, Unavailable):
        return (_unavailable(subject, evidence, rules.attestations),)
    broken = tuple(one for one in evidence.rejected if one.known)
    if broken:
        return tuple(
            _finding(
                subject,
                one.code,
                Outcome.FAIL,
                f"an attestation does not hold: {one.message}",
                _UPDATE if one.code == "trust-root-stale" else _REPORT,
            )
            for one in broken
        )
    if not evidence.verified:
        return (_without(subject, evidence, policy),)
    objections = (*_contradictions(subject, evidence), *_missing(subject, evidence, rules.predicates))
    return (*objections, *_slsa(subject, evidence, rules)) or (_sound(subject, evidence),)


def _unavailable(subject: Subject, evidence: Unavailable, rule: Placed[AttestationRule]) -> Finding:
    """What is known to be there and cannot be had is the question of `provenance-available`, which alone can be waived.

    Whatever else is missing leaves this check without an answer.
    """
    if evidence.code not in _NOT_TO_BE_HAD:
        return _finding(subject, evidence.code, Outcome.UNKNOWN, evidence.why)
    if rule.value is AttestationRule.REQUIRE:
        hint = f"An attestation is required by {rule.place}. Try again when it is served."
        return _finding(subject, "required", Outcome.FAIL, f"no attestation could be had: {evidence.why}", hint)
    return _finding(subject, evidence.code, Outcome.PASS, "left to provenance-available, which could not have it")


def _without(subject: Subject, evidence: Attestations, policy: Policy) -> Finding:
    """Nothing verified. Served and understood by nobody is not the same as not served."""
    if evidence.rejected:
        first = evidence.rejected[0]
        there = _beside(evidence) or " that are served"
        text = f"none of the attestations{there} is of a kind that safepip can verify: {first.message}"
        keyed = first.code == "untrusted-certificate"  # a newer safepip will not know whose key it is either
        hint = None if keyed else "Upgrade safepip, if a newer one knows that kind."
        return _finding(subject, first.code, Outcome.FAIL, text, hint)
    if evidence.advertised:
        text = "the index advertises provenance for this file and serves an empty list"
        return _finding(subject, "empty", Outcome.FAIL, text, "Report it to the index: an empty list verifies nothing.")
    if evidence.sidecars:
        text = f"there is no attestation{_beside(evidence)}"
        return _finding(subject, "empty", Outcome.FAIL, text, "Remove what verifies nothing, or put a sound one there.")
    looked_beside = _looked_beside(subject, policy)
    if subject.named:
        lack = "nothing attests this file, which was named by path or URL"
    elif evidence.index_offers:
        lack = "this file has no attestation; its index serves them for others"
    elif looked_beside:
        lack = "this index does not offer provenance, and nothing lies beside this file that attests it"
    else:
        lack = "this index does not offer provenance, so nobody can tell whether the file is attested"
    rule = policy.rules_for(subject.project).attestations
    if rule.value is not AttestationRule.REQUIRE:
        return _finding(subject, "unattested", Outcome.PASS, lack)
    code = "required" if subject.named or evidence.index_offers or looked_beside else "index-offers-none"
    hint = f"An attestation is required by {rule.place}. Choose a version that is attested, or change that rule."
    return _finding(subject, code, Outcome.FAIL, lack, hint)


def _looked_beside(subject: Subject, policy: Policy) -> bool:
    """Whether an attestation would have been seen beside the file: on this machine, or where the policy asks for it."""
    artifact = subject.artifact
    if artifact is None or artifact.listing is None:
        return False
    grant = policy.index_named(artifact.listing.index)
    return artifact.url.scheme == "file" or (grant is not None and grant.sidecars)


def _contradictions(subject: Subject, evidence: Attestations) -> Iterator[Finding]:
    """The certificate says in which repository the signer worked, whatever the signed words say."""
    for one in _provenances(evidence):
        if contradicts(one.identity, one.build):
            claimed = printable(one.build.source or "") if one.build is not None else ""
            text = f"it says that it was built from {claimed}, and was signed by {describe(one.identity)}"
            yield _finding(subject, "slsa-source", Outcome.FAIL, text, _REPORT)


def _missing(subject: Subject, evidence: Attestations, required: frozenset[str]) -> Iterator[Finding]:
    missing = sorted(required - _present(evidence))
    if missing:
        text = f"attested as {', '.join(sorted(_present(evidence)))}; required, and missing: {', '.join(missing)}"
        hint = "Choose a version that has it, or change the `predicates` or `slsa` rule."
        yield _finding(subject, "predicate", Outcome.FAIL, text, hint)


def _slsa(subject: Subject, evidence: Attestations, rules: Rules) -> Iterator[Finding]:
    """Each layer's rule must be met by one provenance in full, and each provenance be signed by whom the rule permits.

    Here and not in `publisher`, whose waiver must not lift what a rule requires. One that contradicts its own
    certificate meets no rule, and was told already.
    """
    provenances = [one for one in _provenances(evidence) if not contradicts(one.identity, one.build)]
    for rule in rules.slsa:
        differing = [next(_differences(rule.value, one, evidence), None) for one in provenances]
        if None in differing:
            differing = [_signer(rule.value, one, evidence) for one in provenances]
        for code, text in dict.fromkeys(one for one in differing if one is not None):
            hint = "Choose a version that was built so, or change that rule; if nobody there knows of it, report it."
            yield _finding(subject, code, Outcome.FAIL, text, hint, rule=f"{rule.place}  slsa")


def _differences(rule: SlsaRule, one: VerifiedAttestation, evidence: Attestations) -> Iterator[tuple[str, str]]:
    """In what a provenance is not what the rule asks for: (code, message)."""
    build = one.build
    if build is None:
        yield "slsa-builder", "its SLSA provenance says nothing that could be read"
        return
    yield from _builder(rule, build, one.identity)
    if rule.build_type not in {None, build.build_type}:
        yield "slsa-build-type", f"expected the build type {rule.build_type}, got {printable(build.build_type)}"
    if rule.source is not None and (build.source is None or not source_matches(rule.source, build.source)):
        yield "slsa-source", f"expected the source {rule.source}, got {_or_none(build.source, 'source')}"
    if rule.revision is not None and (build.revision is None or not fnmatchcase(build.revision, rule.revision)):
        yield "slsa-revision", f"expected the revision {rule.revision}, got {_or_none(build.revision, 'revision')}"
    signer = _signer(rule, one, evidence)
    if signer is not None:
        yield signer


def _signer(rule: SlsaRule, one: VerifiedAttestation, evidence: Attestations) -> tuple[str, str] | None:
    if _may_sign(rule, one, evidence):
        return None
    return "slsa-signer", f"{describe(one.identity)} signed how it was built, whom {_authority(rule)}"


def _builder(rule: SlsaRule, build: Build, signer: Identity) -> Iterator[tuple[str, str]]:
    """A workflow that is named as the builder has signed with its own certificate: anybody can write its name."""
    if rule.builder is None:
        return
    if not fnmatchcase(build.builder, rule.builder):
        yield "slsa-builder", f"expected the builder {rule.builder}, got {printable(build.builder)}"
        return
    named = workflow_repository(build.builder)
    if named is not None and named != workflow_repository(signer.subject):
        text = f"it names the builder {printable(build.builder)}, and {printable(signer.subject)} signed it"
        yield "slsa-builder", text


def _may_sign(rule: SlsaRule, one: VerifiedAttestation, evidence: Attestations) -> bool:
    """Named signers; else who published this very file, or a workflow of the source as its certificate names it.

    Otherwise anybody could sign a provenance that says what the rule asks for.
    """
    if rule.signers:
        return any(matches(pin, one.identity) for pin in rule.signers)
    certified = certified_source(one.identity) if one.identity.kind in _FORGES else None
    if rule.source is not None and certified is not None and source_matches(rule.source, certified):
        return True
    publishers = [other.identity for other in evidence.verified if other.predicate == PUBLISH]
    return any(_same_signer(one.identity, who) for who in publishers)


def _same_signer(one: Identity, other: Identity) -> bool:
    if (one.kind, one.issuer, one.repository_id) != (other.kind, other.issuer, other.repository_id):
        return False
    here, there = certified_source(one), certified_source(other)
    return same_source(here, there) if here is not None and there is not None else one.subject == other.subject


def _authority(rule: SlsaRule) -> str:
    if rule.signers:
        return "neither its `signers` nor the `publishers` beside it name"
    return "nothing vouches for: no `signers`, no publish attestation of this file, no certificate of the `source`"


def _or_none(text: str | None, what: str) -> str:
    return printable(text) if text is not None else f"no single {what}"


def _provenances(evidence: Attestations) -> tuple[VerifiedAttestation, ...]:
    """Each once, however often it is served."""
    return tuple(dict.fromkeys(one for one in evidence.verified if one.predicate == SLSA))


def _present(evidence: Attestations) -> frozenset[str]:
    return frozenset(PREDICATES.get(one.predicate, one.predicate) for one in evidence.verified)


def _sound(subject: Subject, evidence: Attestations) -> Finding:
    who = ", ".join(sorted({describe(one.identity) for one in evidence.verified}))
    text = f"{', '.join(sorted(_present(evidence)))} attested by {who}{_beside(evidence)}"
    if evidence.rejected:
        text += f"; passed over, being of an unknown kind: {len(evidence.rejected)}"
    return _finding(subject, ID, Outcome.PASS, text)


def _beside(evidence: Attestations) -> str:
    return f" in {', '.join(evidence.sidecars)} beside it" if evidence.sidecars else ""


def _finding(
    subject: Subject, code: str, outcome: Outcome, message: str, hint: str | None = None, *, rule: str | None = None
) -> Finding:
    return Finding(check=ID, code=code, about=subject.key, outcome=outcome, message=message, hint=hint, rule=rule)
