"""The trusted roots that may speak for a project, one or more: what any of them verifies, is verified."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from safepip.formats.attestation import Attestation
from safepip.formats.bundle import SigstoreBundle
from safepip.formats.fields import BadAttestation
from safepip.formats.logentry import LogEntry
from safepip.formats.statement import About
from safepip.io.rootverifier import RootVerifier
from safepip.io.verifier import Verifier
from safepip.model.evidence import VerifiedAttestation

# In the order in which they are met: of two roots that know as much, the later refusal is the more telling one.
_ORDER = ("trust-root-stale", "log-mismatch", "time", "untrusted-certificate", "sct", "trust-window")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """One root. `asked` is its verifier, or a memory in front of it."""

    root: RootVerifier
    asked: Verifier


class SeveralRoots:
    """Asks each. Where all refuse, the refusal of the one that came furthest is told: it is the one that was meant."""

    def __init__(self, roots: Sequence[Spoken]) -> None:
        self._roots = tuple(roots)
        self.trust_digest = "+".join(sorted(one.root.trust_digest for one in roots))

    def prepare(self, served: Sequence[Attestation], about: About) -> None:
        for one in self._roots:
            one.asked.prepare(served, about)

    def attestation(self, attestation: Attestation, about: About) -> VerifiedAttestation:
        def ask(one: Spoken) -> VerifiedAttestation:
            return one.asked.attestation(attestation, about)

        return self._first(ask, attestation.certificate, attestation.entries)

    def bundle(self, bundle: SigstoreBundle, about: About) -> VerifiedAttestation:
        def ask(one: Spoken) -> VerifiedAttestation:
            return one.asked.bundle(bundle, about)

        return self._first(ask, bundle.certificate, bundle.entries)

    def _first(
        self, ask: Callable[[Spoken], VerifiedAttestation], certificate: bytes | None, entries: Sequence[LogEntry]
    ) -> VerifiedAttestation:
        if len(self._roots) == 1:
            return ask(self._roots[0])
        refusals: list[tuple[int, int, BadAttestation]] = []
        for one in self._roots:
            try:
                return ask(one)
            except BadAttestation as error:
                known = -len(one.root.unknown(certificate, entries))
                step = _ORDER.index(error.code) if error.code in _ORDER else len(_ORDER)
                refusals.append((known, step, error))
        raise max(refusals, key=lambda refusal: refusal[:2])[2]
