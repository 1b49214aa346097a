from __future__ import annotations

import pytest

from safepip.checks import metadata_match
from safepip.model.artifact import Artifact
from safepip.model.contents import Contents
from safepip.model.evidence import Kind, Unavailable
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
    wheel = b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\nTag: py2-none-any\n"
    assert codes(contents(wheel=wheel), of) == HONEST


@pytest.mark.parametrize(
    ("file", "tags"),
    [
        ("demo-1.0-cp39-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
         ["cp39-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64"]),
        # named more narrowly than it was built
        ("demo-1.0-py3-none-manylinux1_x86_64.whl", ["py3-none-any"]),
        ("demo-1.0-cp311-cp311-manylinux_2_28_x86_64.whl", ["cp311-cp311-linux_x86_64"]),
        ("demo-1.0-cp311-cp311-musllinux_1_2_aarch64.whl", ["cp311-cp311-linux_aarch64"]),
        # named for both generations of the language
        ("demo-1.0-py2.py3-none-manylinux1_x86_64.whl", ["py3-none-manylinux1_x86_64"]),
    ],
)  # fmt: skip
def test_tags_as_real_projects_write_them(file: str, tags: list[str]) -> None:
    wheel = WHEEL.replace(b"Tag: py3-none-any\n", "".join(f"Tag: {tag}\r\n" for tag in tags).encode())
    assert codes(contents(wheel=wheel), artifact(listing(file))) == HONEST


@pytest.mark.parametrize(
    ("file", "tag"),
    [
        ("demo-1.0-py3-none-any.whl", "py3-none-win32"),
        ("demo-1.0-py3-none-any.whl", "py2-none-any"),
        ("demo-1.0-cp312-cp312-manylinux1_x86_64.whl", "cp311-cp311-manylinux1_x86_64"),
        ("demo-1.0-cp312-abi3-manylinux1_x86_64.whl", "cp312-cp312-manylinux1_x86_64"),
        ("demo-1.0-cp312-cp312-manylinux1_x86_64.whl", "cp312-cp312-linux_aarch64"),
        ("demo-1.0-cp312-cp312-win32.whl", "cp312-cp312-linux_x86_64"),
        ("demo-1.0-cp311.cp312-cp312-win32.whl", "cp312-cp312-win32"),
    ],
)
def test_tags_of_another_wheel(file: str, tag: str) -> None:
    piece = contents(wheel=WHEEL.replace(b"py3-none-any", tag.encode()))
    assert codes(piece, artifact(listing(file))) == [(Outcome.FAIL, "tags")]


def test_the_build_tag() -> None:
    named = artifact(listing("demo-1.0-3abc-py3-none-any.whl"))
    assert codes(contents(wheel=WHEEL + b"Build: 3abc\n"), named) == HONEST
    assert codes(contents(), named) == HONEST
    assert codes(contents(wheel=WHEEL + b"Build: 4\n"), named) == [(Outcome.FAIL, "build")]


@pytest.mark.parametrize(
    ("piece", "code"),
    [
        (contents(dist_info=("demo-1.0.dist-info", "evil-1.0.dist-info")), "dist-info"),
        (contents(dist_info=()), "dist-info"),
        (contents(dist_info=("evil-1.0.dist-info",)), "dist-info"),
        (contents(dist_info=("demo-1.1.dist-info",)), "dist-info"),
        (contents(dist_info=("demo-1.0 .dist-info",)), "dist-info"),
        (contents(dist_info=("demo-\N{NO-BREAK SPACE}1.0.dist-info",)), "dist-info"),
        (contents(metadata=METADATA.replace(b"demo", b"evil"), resolved_with=None), "metadata"),
        (contents(metadata=METADATA.replace(b"1.0", b"2.0"), resolved_with=None), "metadata"),
        (contents(metadata=None), "metadata"),
        (contents(metadata=b"Name: demo\nName: evil\nVersion: 1.0\n"), "metadata"),
        (contents(resolved_with=METADATA + b"Requires-Dist: hidden\n"), "resolved-with"),
        (contents(wheel=None), "wheel"),
        (contents(wheel=WHEEL.replace(b"Wheel-Version: 1.0", b"Wheel-Version: 2.0")), "wheel"),
        (contents(wheel=WHEEL.replace(b"py3-none-any", b"cp312-cp312-win32")), "tags"),
        (contents(metadata=METADATA + b"\n\xff", resolved_with=None), "metadata"),
        (contents(wheel=WHEEL.replace(b"1.0", b"1")), "wheel"),
        (contents(wheel=WHEEL.replace(b"1.0", b"1.x")), "wheel"),
        (contents(wheel=b"Wheel-Version: 1.0\n" + WHEEL), "wheel"),
        (contents(wheel=WHEEL + b"root-is-purelib: false\n"), "wheel"),
        (contents(wheel=WHEEL.replace(b"Purelib: true", b"Purelib: yes")), "wheel"),
        (contents(wheel=WHEEL.replace(b"Root-Is-Purelib: true\n", b"")), "wheel"),
        (contents(wheel=WHEEL.replace(b"Tag: py3-none-any\n", b"")), "wheel"),
        (contents(wheel=WHEEL + b" continued\n"), "wheel"),
        (contents(wheel=WHEEL.replace(b"Purelib: true", b"Purelib: true ")), "wheel"),
        (contents(wheel=WHEEL + b"\nTag: cp312-cp312-win32\n"), "wheel"),
        (contents(wheel=WHEEL + b"\xff: x\n"), "wheel"),
        (contents(wheel=WHEEL + b"Tag: cp312-cp312-win32\n"), "tags"),
        (contents(wheel=WHEEL + b"Tag: any\n"), "tags"),
        (contents(wheel=WHEEL + b"Tag: " + b"-".join([b".".join([b"py3"] * 200)] * 3) + b"\n"), "tags"),
        (contents(wheel=WHEEL + b"Build: 1\n"), "build"),
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
