"""Checkpoints are read in one way, and a proof leads to the root for exactly one entry of exactly one tree."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safepip.formats.checkpoint import MAX_SIGNATURES, parse_checkpoint, tree_root
from safepip.formats.fields import BadAttestation
from tests.sigstore.log import RekorLog, Tree

ROOT = base64.b64encode(b"r" * 32).decode()
LINE = f"\u2014 log.test {base64.b64encode(b'abcdsignature').decode()}\n"


def test_what_a_log_says() -> None:
    log = RekorLog("log.test", tree_id=7)
    checkpoint = parse_checkpoint(log.checkpoint())
    assert (checkpoint.origin, checkpoint.host, checkpoint.tree_size) == ("log.test - 7", "log.test", 5)
    assert checkpoint.root_hash == log.tree.root()
    [signature] = checkpoint.signatures
    assert (signature.name, signature.key_hash) == ("log.test", log.log_id[:4])
    assert checkpoint.signed == log.checkpoint().partition("\n\n")[0].encode() + b"\n"


def test_lines_below_the_root_are_allowed() -> None:
    checkpoint = parse_checkpoint(f"log.test\n5\n{ROOT}\nTimestamp: 1\n\n{LINE}{LINE}")
    assert len(checkpoint.signatures) == 2
    assert checkpoint.signed.endswith(b"Timestamp: 1\n")


@pytest.mark.parametrize(
    "note",
    [
        "",
        "\n\n",
        f"log.test\n5\n{ROOT}\n{LINE}",
        f"log.test\n5\n{ROOT}\n\n",
        f"log.test\n5\n{ROOT}\n\n{LINE}".rstrip(),
        f"log.test\n5\n\n{LINE}",
        f"\n5\n{ROOT}\n\n{LINE}",
        f"log.test\n{ROOT}\n\n{LINE}",
        f"log.test\n+5\n{ROOT}\n\n{LINE}",
        f"log.test\n05\n{ROOT}\n\n{LINE}",
        f"log.test\n{'5' * 20}\n{ROOT}\n\n{LINE}",
        f"log.test\n\u0665\n{ROOT}\n\n{LINE}",
        f"log.test\n5\nnone!\n\n{LINE}",
        f"log.test\n5\n{ROOT}\n\nlog.test AAAA\n",
        f"log.test\n5\n{ROOT}\n\n\u2014 log.test none!\n",
        f"log.test\n5\n{ROOT}\n\n\u2014 log.test AAAA\n",
        f"log.test\n5\n{ROOT}\n\n{LINE}something else\n",
        f"log.test\n5\n{ROOT}\n\n{LINE}\n\n{LINE}",
        f"log.test\n5\n{ROOT}\n\n{LINE * (MAX_SIGNATURES + 1)}",
    ],
)
def test_what_is_no_checkpoint(note: str) -> None:
    with pytest.raises(BadAttestation) as caught:
        parse_checkpoint(note)
    assert caught.value.code == "checkpoint"


@given(size=st.integers(1, 70), data=st.data())
def test_a_proof_leads_to_the_root_for_its_own_place_alone(size: int, data: st.DataObject) -> None:
    tree = Tree()
    for number in range(size):
        tree.append(b"%d" % number)
    index = data.draw(st.integers(0, size - 1))
    proof = tree.proof(index)
    assert tree_root(b"%d" % index, index, size, proof) == tree.root()
    assert tree_root(b"another", index, size, proof) != tree.root()
    other = data.draw(st.integers(-1, size + 1))
    assert (tree_root(b"%d" % index, other, size, proof) == tree.root()) == (other == index)
    assert tree_root(b"%d" % index, index, size, [*proof, b"\0" * 32]) is None
    if proof:
        assert tree_root(b"%d" % index, index, size, proof[:-1]) is None


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 1)])
def test_a_place_outside_of_the_tree(index: int, size: int) -> None:
    assert tree_root(b"", index, size, []) is None
