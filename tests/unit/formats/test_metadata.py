"""Core metadata: the five fields that count, and nothing else."""

from __future__ import annotations

import pytest
from packaging.version import Version

from safepip.errors import Malformed
from safepip.formats.metadata import parse_metadata, parse_requirement

GOOD = b"""Metadata-Version: 2.1
Name: Demo.Package
Version: 1.0.post1
Summary: anything
Requires-Python: >=3.8
Provides-Extra: Dev_Tools
Requires-Dist: other (>=1.0,<2) ; extra == 'dev-tools'
Requires-Dist: third[x,y]
 >=2
Classifier: \xff\xfe

Requires-Dist: not-a-header
"""


def test_the_fields() -> None:
    metadata = parse_metadata(GOOD)
    assert metadata.project == "demo-package"
    assert metadata.version == Version("1.0.post1")
    assert metadata.requires_python == ">=3.8"
    assert metadata.provides_extra == {"dev-tools"}
    assert [str(one) for one in metadata.requires_dist] == [
        'other<2,>=1.0; extra == "dev-tools"',
        "third[x,y]>=2",
    ]
    assert metadata.raw == GOOD


def test_names_of_headers_have_no_case_and_lines_may_end_in_any_way() -> None:
    metadata = parse_metadata(b"NAME: demo\r\nversion: 1\rREQUIRES-dist: a\n\nbody")
    assert (metadata.project, len(metadata.requires_dist)) == ("demo", 1)


def test_a_value_folded_into_millions_of_lines_takes_no_longer_than_others() -> None:
    metadata = parse_metadata(b"Name: demo\nVersion: 1\nRequires-Dist: a\n" + b" \n" * 1_000_000 + b" >=2\n")
    assert [str(one) for one in metadata.requires_dist] == ["a>=2"]


def test_an_empty_requires_python_is_none() -> None:
    assert parse_metadata(b"Name: a\nVersion: 1\nRequires-Python:\n").requires_python is None


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "Name is there 0 times"),
        (b"Version: 1\n", "Name is there 0 times"),
        (b"Name: a\n", "Version is there 0 times"),
        (b"Name: a\nName: b\nVersion: 1\n", "Name is there 2 times"),
        (b"Name: a\nVersion: 1\nVersion: 2\n", "Version is there 2 times"),
        (b"Name: -a-\nVersion: 1\n", "project name"),
        (b"Name: a\nVersion: one\n", "version"),
        (b"Name: a\nVersion: 1" + b"9" * 5000 + b"\n", "version"),
        (b"Name: a\nVersion: 1\nRequires-Dist: b >>1\n", "Requires-Dist 'b >>1'"),
        (b"Name: a\nVersion: 1\nRequires-Dist: \n", "Requires-Dist ''"),
        (b"Name: a\nVersion: 1\nRequires-Dist: \xff\n", "not UTF-8"),
        (b"Name: a\nVersion: 1\nRequires-Python: >=3\nRequires-Python: >=4\n", "Requires-Python is there 2 times"),
        (b"\nName: a\nVersion: 1\n", "Name is there 0 times"),
    ],
)
def test_what_resolution_cannot_work_with_is_malformed(raw: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        parse_metadata(raw)


def test_a_requirement_nested_without_end_is_malformed() -> None:
    with pytest.raises(Malformed):
        parse_requirement("a; " + "(" * 20_000)


def test_a_requirement_is_parsed_once_a_text() -> None:
    assert parse_requirement("demo>=1") is parse_requirement("demo>=1")
