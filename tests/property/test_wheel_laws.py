"""Whatever is in a sound archive: reading it as a wheel ends, in words, and RECORD is held to all of it."""

from __future__ import annotations

import io

from hypothesis import given, settings
from hypothesis import strategies as st

from safepip.formats.wheel import read_contents
from tests.unit.formats.wheels import DATA, INFO, built, members_of, row

PARTS = [
    "demo", DATA, INFO, "evil-1.dist-info", "evil.data", "purelib", "data", "scripts", "headers", "lib", "bin",
    "python3.12", "site-packages", "__pycache__", "x.pth", "x.start", "sitecustomize.py", "x.pyc", "python3",
    "METADATA",
    "WHEEL", "entry_points.txt", "INSTALLER", "x.egg-info", "x.cpython-312.pyc", "x.so", "Lib", "os.py", "pyvenv.cfg",
]  # fmt: skip
BODIES = [
    b"", b"import x\n", b"../x\n", b"\xff\xfe", b"[console_scripts]\n../x = a:b\n", b"Tag: py3-none-any\n", b"\0" * 99,
    b"[console_scripts]\ndemo = demo:main\n", b"Root-Is-Purelib: true\nRoot-Is-Purelib: false\n", b"=\n[", b"#",
]  # fmt: skip
names = st.lists(st.sampled_from(PARTS), min_size=1, max_size=5).map("/".join)
members = st.dictionaries(names, st.sampled_from(BODIES), max_size=8)


@given(members, st.binary(max_size=60))
@settings(max_examples=150)
def test_it_never_raises_and_says_everything_in_words(more: dict[str, bytes], record: bytes) -> None:
    for text in (None, record):
        contents = read_contents(io.BytesIO(built(members_of(more), text)), None)
        for fault in (*contents.faults, *contents.record_faults):
            assert fault.message.isprintable()
            assert len(fault.message) < 600
        if contents.manifest is not None and not contents.faults:
            assert {one.path for one in contents.manifest.files} <= {*members_of(more), f"{INFO}/RECORD"}


@given(members, names)
@settings(max_examples=150)
def test_nothing_is_in_a_wheel_that_record_does_not_tell(more: dict[str, bytes], hidden: str) -> None:
    whole = members_of({**more, hidden: b"hidden"})
    rows = [row(name, body) for name, body in whole.items() if name != hidden]
    contents = read_contents(io.BytesIO(built(whole, "\n".join([*rows, f"{INFO}/RECORD,,"]).encode())), None)
    assert (
        contents.faults or "unlisted" in {one.code for one in contents.record_faults} or not _counts(contents.dist_info)
    )


def _counts(folders: tuple[str, ...]) -> bool:
    return len(folders) == 1
