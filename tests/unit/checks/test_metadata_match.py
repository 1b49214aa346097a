from __future__ import annotations

import pytest

from safepip.checks import metadata_match
from safepip.model.artifact import Artifact
from safepip.model.evidence import Contents, Kind, Unavailable
from safepip.model.verdict import Outcome
from tests.factories import METADATA, NOW, WHEEL, artifact, contents, dossier, listing, policy, subject


def codes(piece: Contents | Unavailable, of: Artifact | None = None) -> list[tuple[Outcome, str]]:
    findings = metadata_match.check(dossier(subject(of), piece), policy(), NOW)
    return [(one.outcome, one.code) for one in findings]


HONEST = [(Outcome.PASS, "metadata-match")]


def test_an_honest_wheel_passes() -> None:
    assert codes(contents()) == HONEST


def test_spelling_is_normalised() -> None:
    of = artifact(listing("De_Mo-1.0.0-py3-none-any.whl"))
    piece = contents(
        dist_info=("de.mo-1.0.dist-info",),
        metadata=b"Metadata-Version: 2.1\nName: De-Mo\nVersion: 1.0\n",
        resolved_with=None,
    )
    assert codes(piece, of) == HONEST


def test_tags_of_a_compressed_set_are_compared_as_a_set() -> None:
    of = artifact(listing("demo-1.0-py2.py3-none-any.whl"))
    wheel = b"Wheel-Version: 1.0\nTag: py3-none-any\nTag: py2-none-any\n"
    assert codes(contents(wheel=wheel), of) == HONEST


@pytest.mark.parametrize(
    ("piece", "code"),
    [
        (contents(dist_info=("demo-1.0.dist-info", "evil-1.0.dist-info")), "dist-info"),
        (contents(dist_info=()), "dist-info"),
        (contents(dist_info=("evil-1.0.dist-info",)), "dist-info"),
        (contents(dist_info=("demo-1.1.dist-info",)), "dist-info"),
        (contents(metadata=METADATA.replace(b"demo", b"evil"), resolved_with=None), "metadata"),
        (contents(metadata=METADATA.replace(b"1.0", b"2.0"), resolved_with=None), "metadata"),
        (contents(metadata=None), "metadata"),
        (contents(metadata=b"Name: demo\nName: evil\nVersion: 1.0\n"), "metadata"),
        (contents(resolved_with=METADATA + b"Requires-Dist: hidden\n"), "resolved-with"),
        (contents(wheel=None), "wheel"),
        (contents(wheel=WHEEL.replace(b"Wheel-Version: 1.0", b"Wheel-Version: 2.0")), "wheel"),
        (contents(wheel=WHEEL.replace(b"py3-none-any", b"cp312-cp312-win32")), "tags"),
        (Unavailable(wanted=Kind.CONTENTS, code="malformed", why="not a zip"), "malformed"),
    ],
)
def test_each_disagreement_fails(piece: Contents | Unavailable, code: str) -> None:
    assert (Outcome.FAIL, code) in codes(piece)


def test_requires_python_is_compared_as_versions() -> None:
    metadata = METADATA + b"Requires-Python: <4,>=3.9\n"
    of = artifact(listing(requires_python=">=3.9, <4"))
    assert codes(contents(metadata=metadata, resolved_with=metadata), of) == HONEST
    lying = artifact(listing(requires_python=">=3.6"))
    assert codes(contents(metadata=metadata, resolved_with=metadata), lying) == [(Outcome.FAIL, "requires-python")]


def test_contents_that_could_not_be_had_are_unknown() -> None:
    piece = Unavailable(wanted=Kind.CONTENTS, code="not-gathered", why="never read")
    assert codes(piece) == [(Outcome.UNKNOWN, "not-gathered")]
