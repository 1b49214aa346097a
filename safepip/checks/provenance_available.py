"""`provenance-available`: a provenance that the index advertises could be had.

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


def check(dossier: Dossier, policy: Policy, now: datetime) -> tuple[Finding, ...]:  # noqa: ARG001 - one signature
    key = dossier.subject.key
    attestations = dossier.get(Attestations)
    if isinstance(attestations, Unavailable):
        finding = Finding(
            check=ID,
            code=attestations.code,
            about=key,
            outcome=Outcome.UNKNOWN,
            message=attestations.why,
            hint="try again; if it stays away, tell the operator of the index",
        )
        return (finding,)
    message = "had" if attestations.advertised else "none is advertised for this file"
    return (Finding(check=ID, code=ID, about=key, outcome=Outcome.PASS, message=message),)
