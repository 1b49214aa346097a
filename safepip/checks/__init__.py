"""Rules: one file each, one signature, pure.

A check observes: it says PASS, FAIL or UNKNOWN about one dossier. What follows from that is the policy's word
(`safepip.decide`). A check module has

    ID:    its id in docs/policy.md
    NEEDS: the kinds of evidence it looks at
    def check(dossier: Dossier, policy: Policy, now: datetime) -> tuple[Finding, ...]
"""
