"""The statement on its own; its codes within an attestation are in tests/unit/io/test_attestation.py."""

from __future__ import annotations

import json
from typing import Any

import pytest

from safepip.formats.fields import BadAttestation
from safepip.formats.statement import PUBLISH, SLSA, STATEMENT, About, parse_statement, require_subject
from safepip.model.ident import FileName, Sha256

SHA256 = Sha256("ab" * 32)


def statement(name: str = "demo-1.0-py3-none-any.whl", predicate_type: str = PUBLISH, **digests: Any) -> bytes:
    subject = {"name": name, "digest": digests or {"sha256": SHA256}}
    return json.dumps({"_type": STATEMENT, "subject": [subject], "predicateType": predicate_type}).encode()


def about(file: str = "demo-1.0-py3-none-any.whl", **digests: str) -> About:
    return About(file=FileName.parse(file), sha256=SHA256, digests=digests)


@pytest.mark.parametrize(
    ("attested", "file"),
    [
        ("demo-1.0-py3-none-any.whl", "demo-1.0-py3-none-any.whl"),
        ("Demo_Pack-1.0-py3-none-any.whl", "demo.pack-1.0.0-py3-none-any.whl"),
        ("demo-1.0-py2.py3-none-any.whl", "demo-1.0-py3.py2-none-any.whl"),
        ("demo-1.0.tar.gz", "Demo-1.0.0.tar.gz"),
    ],
)
def test_spelling_makes_no_difference(attested: str, file: str) -> None:
    parsed = parse_statement(statement(attested, SLSA))
    require_subject(parsed, about(file))
    assert parsed.predicate_type == SLSA


def test_the_digest_is_compared_with_what_we_computed() -> None:
    parsed = parse_statement(statement(sha256=SHA256, sha384="00"))
    require_subject(parsed, about(sha512="11"))
    with pytest.raises(BadAttestation) as caught:
        require_subject(parsed, about(sha384="01"))
    assert caught.value.code == "subject-digest"


def test_the_digest_that_we_computed_wins_over_the_one_in_the_table() -> None:
    parsed = parse_statement(statement(sha256="00"))
    with pytest.raises(BadAttestation):
        require_subject(parsed, about(sha256="00"))
