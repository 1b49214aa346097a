"""Whatever is in a file, `scan` has an answer: no exception, no line that commands a terminal, none passed blindly."""

from __future__ import annotations

import gzip
import io
import json
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safepip.flows.scan import scan
from safepip.io import scanfile
from safepip.io.scanfile import NamedFiles
from safepip.model.scan import Answer, Scan
from safepip.model.verdict import Outcome
from safepip.model.verification import OfFile
from safepip.report.scan import blocks
from safepip.report.scanjson import report
from tests.factories import NOW, policy
from tests.world import artifacts

RULES = policy()
WHEEL, WHEEL_BYTES = artifacts.wheel("demo", "1.0", files={"demo.py": b"x = 1\n", "demo.pth": b"import os\n"})
SDIST, SDIST_BYTES = artifacts.sdist("demo", "1.0", requires=["idna"], files={"setup.py": b"print(1)\n"})
TAR = gzip.decompress(SDIST_BYTES)

Cut = tuple[int, int, bytes]


class At:
    def now(self) -> datetime:
        return NOW


def scanned(name: str, content: bytes) -> Scan:
    def opened(_: Path) -> BinaryIO:
        return io.BytesIO(content)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scanfile, "opened", opened)
        [found] = scan([OfFile(typed=name, name=None)], RULES, NamedFiles(), At())
    return found


def mutated(content: bytes, cuts: list[Cut]) -> bytes:
    """Each cut replaces `length` bytes at a place by others."""
    for place, length, other in cuts:
        at = place % (len(content) + 1)
        content = content[:at] + other + content[at + length :]
    return content


def an_answer(found: Scan) -> None:
    assert found.looked is not None
    denied = any(one.finding.outcome is Outcome.FAIL and one.level.name == "DENY" for one in found.judged)
    assert (found.answer is Answer.REFUSED) is denied
    if found.answer is Answer.PASSED:
        assert all(one.finding.outcome is not Outcome.UNKNOWN for one in found.judged)
        assert found.judged
    for verbosity in (0, 1):
        assert all(line.isprintable() for line in blocks([found], verbosity))
    [told] = json.loads(report([found], RULES))["files"]
    assert told["decision"] == found.answer.value


CUTS = st.lists(
    st.tuples(st.integers(0, 1 << 16), st.sampled_from([0, 1, 4, 512]), st.binary(max_size=8)), min_size=1, max_size=4
)


@given(CUTS)
def test_a_mutated_wheel(cuts: list[Cut]) -> None:
    """It had a hook from the start, so it never passes."""
    found = scanned(WHEEL, mutated(WHEEL_BYTES, cuts))
    an_answer(found)
    assert found.answer is Answer.REFUSED


@given(CUTS)
def test_a_mutated_sdist(cuts: list[Cut]) -> None:
    an_answer(scanned(SDIST, mutated(SDIST_BYTES, cuts)))


@given(CUTS)
def test_a_mutated_tar_in_sound_gzip(cuts: list[Cut]) -> None:
    an_answer(scanned(SDIST, gzip.compress(mutated(TAR, cuts), mtime=0)))


@given(st.sampled_from([WHEEL, SDIST, "demo-1.0.zip"]), st.binary(max_size=200))
def test_any_bytes_at_all(name: str, content: bytes) -> None:
    found = scanned(name, content)
    an_answer(found)
    assert found.answer is not Answer.PASSED
