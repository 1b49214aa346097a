"""What is attested verifies, and what must be attested is. docs/checks/attestation.md"""

from __future__ import annotations

from datetime import datetime

from safepip.formats.publisher import describe
from safepip.formats.statement import PREDICATES
from safepip.model.evidence import Attestations, Dossier, Kind, Subject, Unavailable
from safepip.model.levels import AttestationRule, Placed
from safepip.model.policy import Policy
from safepip.model.verdict import Finding, Outcome

ID = "attestation"
NEEDS = frozenset({Kind.ATTESTATIONS})


def check(dossier: Dossier, policy: Policy, now: datetime) -> tuple[Finding, ...]:
    """`now` is not looked at: an attestation is judged at the time that the log recorded."""
    del now
    subject, evidence = dossier.subject, dossier.get(Attestations)
    rules = policy.rules_for(subject.project)
    if isinstance(evidence, Unavailable):
        return (_unavailable(subject, evidence, rules.attestations),)
    broken = tuple(one for one in evidence.rejected if one.known)
    if broken:
        hint = "Do not use this file. Report it to the project and to the index; another version may be sound."
        return tuple(
            _finding(subject, one.code, Outcome.FAIL, f"an attestation does not hold: {one.message}", hint)
            for one in broken
        )
    if not evidence.verified:
        return (_without(subject, evidence, rules.attestations),)
    return (_with(subject, evidence, rules.predicates),)


def _unavailable(subject: Subject, evidence: Unavailable, rule: Placed[AttestationRule]) -> Finding:
    """An advertised provenance that cannot be had is the question of `provenance-available`, which alone can be waived.

    Whatever else is missing leaves this check without an answer.
    """
    if evidence.code != "provenance-unavailable":
        return _finding(subject, evidence.code, Outcome.UNKNOWN, evidence.why)
    if rule.value is AttestationRule.REQUIRE:
        hint = f"An attestation is required by {rule.place}. Try again when the index serves it."
        return _finding(subject, "required", Outcome.FAIL, f"no attestation could be had: {evidence.why}", hint)
    return _finding(subject, evidence.code, Outcome.PASS, "left to provenance-available, which could not have it")


def _without(subject: Subject, evidence: Attestations, rule: Placed[AttestationRule]) -> Finding:
    """Nothing verified. Served and understood by nobody is not the same as not served."""
    if evidence.rejected:
        first = evidence.rejected[0]
        text = f"none of the attestations that are served is of a kind that safepip can verify: {first.message}"
        return _finding(subject, first.code, Outcome.FAIL, text, "Upgrade safepip, if a newer one knows that kind.")
    if evidence.advertised:
        text = "the index advertises provenance for this file and serves an empty list"
        return _finding(subject, "empty", Outcome.FAIL, text, "Report it to the index: an empty list verifies nothing.")
    if subject.named:
        lack = "nothing attests this file, which was named by path or URL"
    elif evidence.index_offers:
        lack = "this file has no attestation; its index serves them for others"
    else:
        lack = "this index does not offer provenance, so nobody can tell whether the file is attested"
    if rule.value is not AttestationRule.REQUIRE:
        return _finding(subject, "unattested", Outcome.PASS, lack)
    code = "required" if subject.named or evidence.index_offers else "index-offers-none"
    hint = f"An attestation is required by {rule.place}. Choose a version that is attested, or change that rule."
    return _finding(subject, code, Outcome.FAIL, lack, hint)


def _with(subject: Subject, evidence: Attestations, required: frozenset[str]) -> Finding:
    present = {PREDICATES.get(one.predicate, one.predicate) for one in evidence.verified}
    missing = sorted(required - present)
    if missing:
        text = f"attested as {', '.join(sorted(present))}; required, and missing: {', '.join(missing)}"
        hint = "Choose a version that has it, or change the `predicates` rule."
        return _finding(subject, "predicate", Outcome.FAIL, text, hint)
    who = ", ".join(sorted({describe(one.identity) for one in evidence.verified}))
    text = f"{', '.join(sorted(present))} attested by {who}"
    if evidence.rejected:
        text += f"; passed over, being of an unknown kind: {len(evidence.rejected)}"
    return _finding(subject, ID, Outcome.PASS, text)


def _finding(subject: Subject, code: str, outcome: Outcome, message: str, hint: str | None = None) -> Finding:
    return Finding(check=ID, code=code, about=subject.key, outcome=outcome, message=message, hint=hint)
