"""Laws of reading sdists: nothing that is read makes it raise, and what it accepts, `tarfile` unpacks alike."""

from __future__ import annotations

import io
import re
import tarfile
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from safepip.formats.sdist import read_sdist
from safepip.formats.tararchive import TarContents, read_tar
from safepip.formats.tarlinks import MemberKind
from safepip.model.ident import FileName
from safepip.model.sdist import BuildKind
from tests.archives.badtars import BAD, GOOD
from tests.archives.rawtar import (
    FIELDS,
    FLIT,
    an_sdist,
    base256,
    file,
    folder,
    gnu_long,
    gz,
    hard_link,
    octal,
    pax,
    pkg_info,
    sdist_parts,
    symlink,
    tar,
    tar_gz,
)

NAME = FileName.parse("demo-1.0.tar.gz")
LONG = "t/" + "x" * 60 + "/" + "y" * 60
SEEDS = [
    tar(folder("t"), file("t/a"), file("t/b", b"y" * 700), symlink("t/l", "a"), hard_link("t/h", "t/a")),
    tar(pax({"path": LONG, "mtime": "1.5"}), file(LONG.encode()[:100]), file("t/z")),
    tar(gnu_long(LONG), file(LONG.encode()[:100]), gnu_long("a" * 120, kind=b"K"), symlink("t/l", "a" * 100)),
    tar(pax({"comment": "x"}, kind=b"g"), file("t/docs/a"), symlink("t/docs/l", "../b"), file("b", prefix="t")),
    tar(*sdist_parts(), record_size=0),
]
# What is written over a field: the values that readers are known to take in different ways.
VALUES = st.sampled_from(
    [base256(8), base256(-1), b"", b"ustar  \0", b"\0", *b"0 7 -1 0o7 1_0 +1 9 x g L K 5 1 2 S 6".split()]
) | st.sampled_from(b"t/a t/b .. t/../.. /t t/l/x l ../t/a ../../a t// a t/ t/docs".split())


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A sound tar with a few changes: a field, a byte, or whole blocks; the checksums mostly made right again."""
    content = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 3))):
        blocks = len(content) // 512
        start = 512 * draw(st.integers(0, min(blocks, 12) - 1))
        what = draw(st.sampled_from(["field", "byte", "cut", "twice", "swap", "zero"]))
        if what == "field":
            first, end = FIELDS[draw(st.sampled_from(sorted(FIELDS)))]
            raw = draw(VALUES | st.binary(max_size=12))
            content[start + first : start + end] = raw[: end - first].ljust(end - first, b"\0")
        elif what == "byte":
            content[start + draw(st.integers(0, 511))] = draw(st.integers(0, 255))
        elif what == "cut":
            del content[start : start + 512]
        elif what == "twice":
            content[start:start] = content[start : start + 512 * draw(st.integers(1, 2))]
        elif what == "swap":
            content[start : start + 1024] = content[start + 512 : start + 1024] + content[start : start + 512]
        else:
            content[start : start + 512] = bytes(512)
        if not content:
            content = bytearray(1024)
        if draw(st.integers(0, 9)):
            _sum_up(content, start)
    return bytes(content)


def _sum_up(content: bytearray, start: int) -> None:
    block = content[start : start + 512]
    if len(block) == 512 and any(block):
        block[148:156] = b" " * 8
        content[start + 148 : start + 156] = octal(sum(block), 7) + b" "


def accepted(content: bytes) -> TarContents | None:
    found = read_tar(io.BytesIO(content), lambda _: 10_000_000)
    return found if not found.faults else None


def unpacked(content: bytes) -> dict[str, bytes | str | None]:
    """What `tarfile` leaves in a folder, by path: content, target of a link, None for a folder."""
    with tempfile.TemporaryDirectory() as place, tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
        archive.extractall(place, filter="data")
        root = Path(place)
        return {
            str(path.relative_to(root)): str(path.readlink())
            if path.is_symlink()
            else None
            if path.is_dir()
            else path.read_bytes()
            for path in root.rglob("*")
        }


def expected(found: TarContents) -> dict[str, bytes | str | None]:
    tree: dict[str, bytes | str | None] = {}
    for member in found.members:
        parts = member.name.split("/")
        tree.update(dict.fromkeys(["/".join(parts[:depth]) for depth in range(1, len(parts))], None))
    for member in found.members:
        if member.kind is MemberKind.FILE:
            tree[member.name] = found.kept[member.name]
        elif member.kind is MemberKind.HARD_LINK:
            tree[member.name] = found.kept[member.target or ""]
        else:
            tree[member.name] = member.target
    return tree


def same(content: bytes) -> bool:
    """Whether it was accepted, and then is the same to `tarfile`: the members, and what comes out of it."""
    found = accepted(content)
    if found is None:
        return False
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
        theirs = [(one.name, one.size, one.linkname if one.issym() or one.islnk() else None) for one in archive]
    assert [(one.name, one.size, one.target) for one in found.members] == theirs
    tree = {path: _target(what) for path, what in unpacked(content).items()}
    assert {path: _target(what) for path, what in expected(found).items()} == tree
    return True


def _target(what: bytes | str | None) -> bytes | str | None:
    """The data filter of some versions writes `./a//b/` as `a/b`."""
    return str(Path(what)) if isinstance(what, str) else what


def test_the_seeds_and_the_good_ones_are_the_same_to_both() -> None:
    assert all(same(gz(seed)) for seed in SEEDS)
    assert all(same(content) for content in GOOD.values() if len(content) < 50_000)


def test_none_of_the_bad_ones_is() -> None:
    assert not any(same(content) for content, _ in BAD.values())


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(mutated())
def test_a_mutated_archive_is_refused_or_the_same_to_both(content: bytes) -> None:
    same(gz(content))


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([gz(seed) for seed in SEEDS]),
    st.integers(0, 10_000),
    st.binary(min_size=1, max_size=4),
    st.booleans(),
)
def test_a_mutated_gzip_file_is_refused_or_the_same_to_both(content: bytes, at: int, raw: bytes, instead: bool) -> None:
    place = at % (len(content) + 1)
    changed = content[:place] + raw + content[place + (len(raw) if instead else 0) :]
    same(changed)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=2000))
@example(b"\x1f\x8b\x08\x00" + bytes(6))
def test_any_bytes_are_read_without_an_error(raw: bytes) -> None:
    assert read_sdist(io.BytesIO(raw), NAME).kind is BuildKind.UNKNOWN
    assert read_sdist(io.BytesIO(gz(raw)), NAME).kind is BuildKind.UNKNOWN
    read_sdist(io.BytesIO(tar_gz(raw + bytes(-len(raw) % 512))), NAME)


TRIVIAL = "from setuptools import setup\nsetup()\n"
TEXT = st.text(max_size=200) | st.sampled_from(["", FLIT, pkg_info(), TRIVIAL, "[tool]"])
BACKENDS = ["flit_core.buildapi", "hatchling.build", "setuptools.build_meta", "pdm.backend", "poetry.core.masonry.api"]
SETTINGS = """
name = 'demo'|dynamic = ['version']|dynamic = 1|version = 1|version = {attr = 'a.b'}|version = {attr = ''}
version = {source = 'code'}|build = {hooks = 1}|build = {targets = {a = 1}}|build = []|hooks = {custom = {}}
cmdclass = 1|package-dir = {'' = 1}|package-dir = {'a' = './b'}|method = {}|vcs = {method = {}}|module = {name = 1}
"""
TABLES = """
project|tool|tool.flit|tool.hatch|tool.hatch.build|tool.hatch.version|tool.setuptools|tool.setuptools.dynamic
tool.distutils|tool.pdm|tool.pdm.build|tool.pdm.version|tool.poetry|tool.poetry.build|tool.versioningit
tool.setuptools_scm|tool.flit.module|build
"""


@st.composite
def declarations(draw: st.DrawFn) -> str:
    """A known backend, then tables with keys that some of them know, mostly where they do not belong."""
    lines = ["[build-system]", "requires = []", f"build-backend = '{draw(st.sampled_from(BACKENDS))}'"]
    tables = re.findall(r"[^|\n]+", TABLES)
    for table in draw(st.lists(st.sampled_from(tables), unique=True, max_size=4)):
        found = draw(st.lists(st.sampled_from(re.findall(r"[^|\n]+", SETTINGS)), max_size=3, unique_by=_key))
        lines += [f"[{table}]", *found]
    return "\n".join(lines)


def _key(line: str) -> str:
    return line.split(maxsplit=1)[0]


@settings(max_examples=300, deadline=None)
@given(TEXT, TEXT | declarations(), TEXT, TEXT, declarations())
def test_any_declarations_are_read_without_an_error(
    info: str, pyproject: str, setup: str, config: str, hatch: str
) -> None:
    files = {"setup.py": setup, "setup.cfg": config, "hatch.toml": hatch}
    encoded = {name: text.encode("utf-8", "replace") for name, text in files.items()}
    declared = pyproject.encode("utf-8", "replace")
    for stated in (info.encode("utf-8", "replace"), pkg_info().encode()):
        content = an_sdist(info=stated, pyproject=declared, files=encoded)
        found = read_sdist(io.BytesIO(content), NAME)
        assert (found.kind is BuildKind.UNKNOWN) == bool(found.faults)
        assert (found.static is None) == (found.not_static is not None)
        assert all(one.message.isprintable() for one in found.faults)
        assert all(one.what.isprintable() for one in found.clues)
