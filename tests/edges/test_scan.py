"""`safepip scan` as a user runs it: a real process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.command import clean_environ
from tests.world import artifacts

SOURCE = Path(__file__).resolve().parent.parent.parent
WHEEL, CONTENT = artifacts.wheel("demo", "1.0")


@dataclass(frozen=True, kw_only=True)
class Folder:
    path: Path

    def __call__(
        self, *arguments: str | bytes, timeout: float = 60, memory: int | None = None
    ) -> subprocess.CompletedProcess[str]:
        words: Sequence[str | bytes] = [sys.executable, "-m", "safepip", "scan", *arguments]
        if memory is not None:
            words = ["/bin/sh", "-c", f'ulimit -v {memory}; exec "$@"', "sh", *words]
        done = subprocess.run(
            words, cwd=self.path, env=self.environ(), capture_output=True, text=True, timeout=timeout, check=False
        )
        assert "Traceback" not in done.stderr
        return done

    def environ(self) -> dict[str, str]:
        return clean_environ(self.path / "home", {"PYTHONPATH": str(SOURCE)})


@pytest.fixture
def scan(tmp_path: Path) -> Folder:
    (tmp_path / WHEEL).write_bytes(CONTENT)
    return Folder(path=tmp_path)


def test_a_wheel(scan: Folder) -> None:
    done = scan(WHEEL)
    assert (done.returncode, done.stderr) == (0, "")
    assert "decision     passed" in done.stdout
    before = sorted(scan.path.rglob("*"))
    done = scan(WHEEL, "--format", "json")
    assert json.loads(done.stdout)["files"][0]["decision"] == "passed"
    assert sorted(scan.path.rglob("*")) == before


def test_nothing_of_the_network_is_even_imported(scan: Folder) -> None:
    name, content = artifacts.sdist("demo", "1.0")
    (scan.path / name).write_bytes(content)
    code = f"import sys; from safepip.__main__ import main; sys.argv = ['safepip', 'scan', {WHEEL!r}, {name!r}]\n"
    code += "try: main()\nfinally: print({'sigstore', 'cryptography', 'urllib3', 'ssl', 'pip', 'setuptools'}"
    code += " & {one.partition('.')[0] for one in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=scan.path, env=scan.environ(), capture_output=True, text=True, check=False
    )
    assert done.stdout.strip().endswith("set()"), done.stdout + done.stderr


@pytest.mark.parametrize("name", ["demo-2.0-py3-none-any.whl", "demo-2.0.tar.gz"])
def test_a_pipe_and_a_device_keep_nobody_waiting(scan: Folder, name: str) -> None:
    os.mkfifo(scan.path / name)
    (scan.path / f"zero-{name}").symlink_to("/dev/zero")
    done = scan(name, f"zero-{name}", timeout=30)
    assert done.returncode == 1
    assert done.stderr.count("no regular file") == 2


@pytest.mark.parametrize("name", ["big-1.0-py3-none-any.whl", "big-1.0.tar.gz"])
def test_a_huge_file_is_never_held_in_memory(scan: Folder, name: str) -> None:
    with (scan.path / name).open("wb") as stream:
        stream.truncate(1 << 29)  # a hole: it takes no room
    done = scan(name, memory=1 << 19)
    assert done.returncode == 1
    assert "decision" in done.stdout, done.stderr


def test_a_name_that_is_no_text(scan: Folder) -> None:
    with (scan.path / "\udcff\n\x1b[31m.whl").open("wb") as stream:
        stream.write(CONTENT)
    for form in ("text", "json"):
        done = scan(b"\xff\n\x1b[31m.whl", "--filename", WHEEL, "--format", form)
        assert done.returncode == 0, done.stderr
        assert "\x1b" not in done.stdout + done.stderr
        assert scan(b"\xff\n\x1b[31m.whl", "--format", form).returncode == 1


def test_output_that_nobody_reads(scan: Folder) -> None:
    words = [sys.executable, "-m", "safepip", "scan", WHEEL]
    with subprocess.Popen(
        words, cwd=scan.path, env=scan.environ(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        told = running.stderr.read()
        assert running.wait(60) != 0
    assert "Traceback" not in told


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device")
def test_output_that_does_not_fit(scan: Folder) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "safepip", "scan", WHEEL],
            cwd=scan.path,
            env=scan.environ(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
