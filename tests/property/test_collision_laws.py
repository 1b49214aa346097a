"""Laws of collisions: what is told is what a comparison of every file with every other would find."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from safepip.model.collisions import Collisions, Writer
from safepip.model.contents import Manifest, PackedFile
from safepip.model.neighbours import Holder, Neighbours
from tests.factories import project

SCHEMES = {"purelib": "/e/lib", "platlib": "/e/lib", "scripts": "/e/bin", "headers": "/e/inc", "data": "/e"}
FILES = st.builds(
    lambda scheme, parts, body: PackedFile(
        path="/".join(parts), scheme=scheme, place="/".join(parts), sha256=body, size=0
    ),
    st.sampled_from(sorted(SCHEMES)),
    st.lists(st.sampled_from(["a", "b", "lib", "bin"]), min_size=1, max_size=3),
    st.sampled_from([b"1", b"2"]),
)
WHEELS = st.lists(st.lists(FILES, max_size=4), min_size=1, max_size=5)


def writer(number: int, files: list[PackedFile]) -> Writer:
    return Writer(
        project=project(f"p{number}"),
        title=f"p{number} 1.0",
        manifest=Manifest(dist_info="", files=tuple(files), entry_points=()),
        schemes=SCHEMES,
        python="3.12",
        suffix="",
        replaces=False,
    )


def judged(wheels: list[list[PackedFile]]) -> tuple[Neighbours, ...]:
    writers = [writer(number, files) for number, files in enumerate(wheels)]
    return Collisions(writers, lambda _: {}).neighbours({})


def path(file: PackedFile) -> str:
    return f"{SCHEMES[file.scheme]}/{file.place}"


def conflict(one: PackedFile, other: PackedFile) -> bool:
    """Whether not both can be there as they are."""
    if path(one) == path(other):
        return one.sha256 != other.sha256
    return path(one).startswith(f"{path(other)}/") or path(other).startswith(f"{path(one)}/")


@given(WHEELS)
def test_a_plan_is_objected_to_exactly_when_two_files_conflict(wheels: list[list[PackedFile]]) -> None:
    every = [file for files in wheels for file in files]
    expected = any(conflict(one, other) for at, one in enumerate(every) for other in every[:at])
    found = any(not clash.same for one in judged(wheels) for clash in one.clashes)
    assert found is expected


@given(WHEELS)
def test_every_clash_that_is_told_is_one(wheels: list[list[PackedFile]]) -> None:
    for number, one in enumerate(judged(wheels)):
        for clash in one.clashes:
            others = [number] if clash.holder is Holder.ITSELF else [int(clash.other.removeprefix("p").split()[0])]
            mine = [file for file in wheels[number] if file.path == clash.member]
            theirs = [file for other in others for file in wheels[other]]
            if clash.same:
                assert any(path(a) == path(b) and a.sha256 == b.sha256 for a in mine for b in theirs)
            else:
                assert any(conflict(a, b) for a in mine for b in theirs)


@given(WHEELS)
def test_whoever_writes_other_bytes_to_a_shared_path_is_told(wheels: list[list[PackedFile]]) -> None:
    found = judged(wheels)
    for number, files in enumerate(wheels):
        theirs = [file for other, files in enumerate(wheels) if other != number for file in files]
        if any(path(a) == path(b) and a.sha256 != b.sha256 for a in files for b in theirs):
            assert any(not clash.same for clash in found[number].clashes)
