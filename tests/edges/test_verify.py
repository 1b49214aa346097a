"""`safepip verify` as a user runs it: a real process, a real index on loopback, nothing else."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import pytest

from tests.command import clean_environ
from tests.sigstore import GitHub, LocalSigstore
from tests.world import World, WorldServer

SOURCE = Path(__file__).resolve().parent.parent.parent
FILE = "demo-1.0-py3-none-any.whl"
CONTENT = b"the wheel"
PIN = "github:acme/demo/release.yml@refs/tags/*"
PUBLISHER = {"kind": "GitHub", "repository": "acme/demo", "workflow": "release.yml"}


@dataclass(frozen=True, kw_only=True)
class Folder:
    path: Path
    sigstore: LocalSigstore

    def __call__(
        self, *arguments: str | bytes, timeout: float = 60, memory: int | None = None
    ) -> subprocess.CompletedProcess[str]:
        words: Sequence[str | bytes] = [sys.executable, "-m", "safepip", "verify", *arguments]
        if memory is not None:
            words = ["/bin/sh", "-c", f'ulimit -v {memory}; exec "$@"', "sh", *words]
        done = subprocess.run(
            words,
            cwd=self.path,
            env=clean_environ(self.path / "home", {"PYTHONPATH": str(SOURCE)}),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert "Traceback" not in done.stderr
        return done


@pytest.fixture
def verify(tmp_path: Path) -> Folder:
    sigstore = LocalSigstore.create(datetime.now(timezone.utc))
    (tmp_path / FILE).write_bytes(CONTENT)
    (tmp_path / "root.json").write_bytes(sigstore.trusted_root_json())
    attestation = sigstore.attest(FILE, hashlib.sha256(CONTENT).hexdigest(), GitHub())
    (tmp_path / "p.json").write_bytes(sigstore.provenance([attestation], PUBLISHER))
    return Folder(path=tmp_path, sigstore=sigstore)


@pytest.fixture
def server(verify: Folder) -> Iterator[WorldServer]:
    world = World()
    published = world.publish("demo", "1.0")
    attestation = verify.sigstore.attest(published.text, published.claimed, GitHub())
    published.provenance = verify.sigstore.provenance([attestation], PUBLISHER)
    with WorldServer(world) as running:
        yield running


def test_verified_refused_unknown(verify: Folder) -> None:
    named = (FILE, "--provenance", "p.json", "--sp-trusted-root", "root.json")
    done = verify(*named, "--publisher", PIN)
    assert (done.returncode, done.stderr) == (0, "")
    assert "decision     verified" in done.stdout
    done = verify(*named, "--publisher", "github:acme/other")
    assert done.returncode == 1
    assert "refused" in done.stderr
    assert "identity-mismatch" in done.stderr
    done = verify(*named)
    assert done.returncode == 1
    assert "--publisher github:acme/demo/release.yml@refs/tags/v1.0" in done.stderr


def test_the_shipped_roots_do_not_know_it(verify: Folder) -> None:
    for more in ([], ["--staging"]):
        done = verify(FILE, "--provenance", "p.json", "--publisher", PIN, "--format", "json", *more)
        assert done.returncode == 1
        # A shipped root that has grown old says that an update may help; it accepts nothing more for that.
        assert json.loads(done.stdout)["targets"][0]["code"] in {"log-mismatch", "trust-root-stale"}


def test_from_an_index_that_was_named(verify: Folder, server: WorldServer) -> None:
    url = server.address(f"/files/{FILE}").reveal()
    where = ("-i", server.index().reveal(), "--sp-trusted-root", "root.json", "--format", "json")
    done = verify(url, "--publisher", PIN, *where)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["targets"][0]["decision"] == "verified"
    server.forget()
    assert verify(url, "--publisher", PIN, *where, "--offline").returncode == 1
    assert server.paths() == []


def test_a_local_file_asks_nobody(verify: Folder, server: WorldServer) -> None:
    where = ("-i", server.index().reveal(), "--sp-trusted-root", "root.json")
    assert verify(FILE, "--provenance", "p.json", "--publisher", PIN, *where).returncode == 0
    assert server.paths() == []


def test_a_pipe_keeps_nobody_waiting(verify: Folder) -> None:
    os.mkfifo(verify.path / "demo-2.0-py3-none-any.whl")
    done = verify("demo-2.0-py3-none-any.whl", "--provenance", "p.json", timeout=30)
    assert done.returncode == 1
    assert "no regular file" in done.stderr


def test_a_device_without_an_end(verify: Folder) -> None:
    (verify.path / "demo-2.0-py3-none-any.whl").symlink_to("/dev/zero")
    assert verify("demo-2.0-py3-none-any.whl", "--provenance", "p.json", timeout=30).returncode == 1


def test_a_huge_file_is_never_held_in_memory(verify: Folder) -> None:
    big = verify.path / "big-1.0-py3-none-any.whl"
    with big.open("wb") as stream:
        stream.truncate(1 << 29)  # a hole: it takes no room
    done = verify(big.name, "--provenance", "p.json", "--sp-trusted-root", "root.json", memory=1 << 19)
    assert done.returncode == 1
    assert "subject-name" in done.stderr


def test_a_name_that_is_no_text(verify: Folder) -> None:
    with (verify.path / "\udcff\n\x1b[31m.whl").open("wb") as stream:
        stream.write(CONTENT)
    name = b"\xff\n\x1b[31m.whl"
    more = ("--filename", FILE, "--provenance", "p.json", "--sp-trusted-root", "root.json", "--publisher", PIN)
    for form in ("text", "json"):
        done = verify(name, *more, "--format", form)
        assert done.returncode == 0, done.stderr
        assert "\x1b" not in done.stdout + done.stderr


def test_output_that_nobody_reads(verify: Folder) -> None:
    words = [
        sys.executable,
        "-m",
        "safepip",
        "verify",
        FILE,
        "--provenance",
        "p.json",
        "--sp-trusted-root",
        "root.json",
    ]
    environ = clean_environ(verify.path / "home", {"PYTHONPATH": str(SOURCE)})
    with subprocess.Popen(
        words, cwd=verify.path, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        told = running.stderr.read()
        assert running.wait(60) != 0
    assert "Traceback" not in told
