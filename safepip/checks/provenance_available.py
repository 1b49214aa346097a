"""`provenance-available`: what is known to attest the file could be had. docs/checks/provenance-available.md

"Advertised and not to be had" is never "unattested": whoever can block one request must not be able to strip an
attestation. Where an index offers none at all, nothing is missing here; `attestation` says so where one is required.
"""

from __future__ import annotations

from datetime import datetime

from safepip.model.evidence import Attestations, Dossier, Kind, Unavailable
from safepip.model.policy import Policy
from safepip.model.verdict import Finding, Outcome

ID = "provenance-available"
NEEDS: frozenset[Kind] = frozenset({Kind.ATTESTATIONS})


def check(dossier: Dossier, policy: Policy, now: datetime) -> tuple[Finding, ...]:
    """`policy` and `now` are not looked at."""
    del policy, now
    key = dossier.subject.key
    attestations = dossier.get(Attestations)
    if isinstance(attestations, Unavailable):
        finding = Finding(
            check=ID,
            code=attestations.code,
            about=key,
            outcome=Outcome.UNKNOWN,
            message=attestations.why,
            hint=_hint(attestations),
        )
        return (finding,)
    return (Finding(check=ID, code=ID, about=key, outcome=Outcome.PASS, message=_had(attestations)),)


def _hint(missing: Unavailable) -> str:
    if missing.code == "sidecar-unavailable":
        return "try again; if it stays so, mend what should lie beside the file, or tell whoever keeps that place"
    return "try again; if it stays away, tell the operator of the index"


def _had(attestations: Attestations) -> str:
    if attestations.advertised:
        return "had"
    if attestations.sidecars:
        return f"had, in {', '.join(attestations.sidecars)} beside the file"
    return "none is advertised for this file" if attestations.index_offers else "nothing here offers provenance"
