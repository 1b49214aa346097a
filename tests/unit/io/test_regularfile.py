"""Only regular files are read, and nothing that could make us wait is waited for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from safepip.errors import BadInput
from safepip.io.regularfile import NotRegular, read_at_most
from safepip.io.rootfiles import named_root


def test_one_byte_more_than_wanted_tells_that_it_is_larger(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    assert read_at_most(tmp_path / "file", 5) == b"12345"
    assert read_at_most(tmp_path / "file", 3) == b"1234"


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_a_pipe_keeps_nobody_waiting(tmp_path: Path, make: object) -> None:
    make(tmp_path / "it")  # type: ignore[operator]
    with pytest.raises(NotRegular):
        read_at_most(tmp_path / "it", 5)
    with pytest.raises(BadInput, match="no regular file"):
        named_root(tmp_path / "it", "--sp-trusted-root")


def test_a_name_with_a_null_byte_is_the_fault_of_a_file(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="embedded null"):  # byte, or since 3.12 character
        read_at_most(tmp_path / "a\0b", 5)
