"""What the local Sigstore mints is accepted by the unmodified verifier, and by the reference library's reader."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from cryptography.x509 import Certificate
from pypi_attestations import Attestation as Reference
from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier

from safepip.formats.attestation import PAYLOAD_TYPE
from safepip.formats.bundle import bundle_of, render_bundle
from safepip.formats.provenance import parse_attestation
from tests.sigstore import Claims, GitHub, GitLab, Google, LocalSigstore

FILE = "demo-1.0-py3-none-any.whl"


class Anyone:
    def verify(self, cert: Certificate) -> None:
        """Accepts every certificate."""


NOW = datetime(2026, 1, 2, tzinfo=timezone.utc)


@pytest.mark.parametrize("steps", [{}, {"stamps": (NOW,)}, {"rekor": 2}])
@pytest.mark.parametrize("identity", [GitHub(), GitHub(environment="release"), GitLab(), Google()])
def test_the_unmodified_verifier_accepts_it(tmp_path: Path, identity: Claims, steps: dict[str, Any]) -> None:
    sigstore = LocalSigstore.create(now=NOW)
    root = tmp_path / "trusted_root.json"
    root.write_bytes(sigstore.trusted_root_json())
    served = json.dumps(sigstore.attest(FILE, "0" * 64, identity, **steps)).encode()
    attestation = parse_attestation(served)

    verifier = Verifier(trusted_root=TrustedRoot.from_file(str(root)))
    bundle = Bundle.from_json(render_bundle(bundle_of(attestation), promises=True, timestamps=attestation.timestamps))
    payload_type, payload = verifier.verify_dsse(bundle, Anyone())

    assert payload_type == PAYLOAD_TYPE
    assert json.loads(payload)["subject"] == [{"name": FILE, "digest": {"sha256": "0" * 64}}]


def test_the_reference_library_reads_it_and_makes_the_same_bundle() -> None:
    sigstore = LocalSigstore.create(now=NOW)
    served = json.dumps(sigstore.attest(FILE, "0" * 64, GitHub())).encode()
    ours = Bundle.from_json(render_bundle(bundle_of(parse_attestation(served)), promises=True, timestamps=()))
    assert json.loads(ours.to_json()) == json.loads(Reference.model_validate_json(served).to_bundle().to_json())


def test_a_tree_proves_each_of_its_leaves_at_every_size() -> None:
    sigstore = LocalSigstore.create(now=NOW)
    lengths = set()
    for number in range(20):
        entry = sigstore.log.add(b"body %d" % number, "dsse", "0.0.1", 1)
        lengths.add(len(entry["inclusionProof"]["hashes"]))
    assert len(lengths) > 2
