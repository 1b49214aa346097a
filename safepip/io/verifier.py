"""What a verifier of attestations is to those who use one: sigstore with a trusted root, several roots, or a memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from safepip.formats.attestation import Attestation
from safepip.formats.bundle import SigstoreBundle
from safepip.formats.statement import About
from safepip.model.evidence import VerifiedAttestation


class Verifier(Protocol):
    """Safe to use from several threads.

    Each method raises BadAttestation, whatever happens inside, and BadInput about what the user configured.
    """

    def prepare(self, served: Sequence[Attestation], about: About) -> None:
        """Have at hand what verifying these will need, such as sigstore, which takes half a second to import."""
        ...

    def attestation(self, attestation: Attestation, about: About) -> VerifiedAttestation:
        """A PEP 740 attestation."""
        ...

    def bundle(self, bundle: SigstoreBundle, about: About) -> VerifiedAttestation:
        """A Sigstore bundle: a DSSE envelope, or a signature over the file itself."""
        ...
