"""Every bad wheel through the whole command: refused for its own reason, and nothing is touched."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from safepip.cli.main import run
from tests.archives.corpus import BAD, BadWheel
from tests.command import Command, clean_environ

# What the resolver needs to read first: where that says something else, nothing is asked of the gate.
_READ_BEFORE = {("unreadable-metadata", "unreadable-metadata"), ("", "metadata-contradiction")}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_each_is_refused(
    bad: BadWheel,
    command: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    environ = clean_environ(tmp_path, {})
    monkeypatch.setattr(os, "environ", environ)
    file, report = tmp_path / bad.file, tmp_path / "report.json"
    file.write_bytes(bad.build())
    words = ("--no-index", "--no-deps", "--no-cache-dir", "--sp-report", str(report), str(file))
    before = sorted(command.environment.rglob("*"))
    code = run(["--python", str(command.environment), "install", *words], environ)
    assert code == 1
    assert sorted(command.environment.rglob("*")) == before
    told = json.loads(report.read_bytes())
    found = {(one["check"], one["code"]) for one in told["refusals"]}
    found |= {("", one["reference"]) for one in told["errors"]}
    expected = {(bad.check, bad.code)} | (_READ_BEFORE if bad.check == "metadata-match" else set())
    assert found & expected, (found, capsys.readouterr().err)
