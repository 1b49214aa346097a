"""What a user sees, word for word: `cmd`, `stdout`, `stderr`, `exit` and `report.json` of the same run.

`make golden` writes them anew; the diff is then what to review. The documents quote these files.
"""

from __future__ import annotations

import difflib
import json
import re
import shlex
from datetime import datetime
from pathlib import Path

import pytest

from safepip import __version__
from safepip.cli import compose
from safepip.cli.main import run
from tests.command import clean_environ
from tests.golden.worlds import SCENES
from tests.world import WorldServer
from tests.world.world import NOW

CASES = sorted(path.parent for path in Path(__file__).parent.glob("*/*/cmd"))


class FixedClock:
    def now(self) -> datetime:
        return NOW


def test_every_scene_is_told() -> None:
    assert {case.name for case in CASES} == set(SCENES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_golden(
    case: Path,
    environment: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> None:
    scene = SCENES[case.name]()
    folder = tmp_path / "project"
    folder.mkdir()
    for name, content in scene.files.items():
        (folder / name).write_bytes(content)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(compose, "SystemClock", FixedClock)
    with WorldServer(scene.world) as server:
        environ = clean_environ(tmp_path / "home", {"PIP_INDEX_URL": server.index().reveal()})
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        words = shlex.split((case / "cmd").read_text().replace("BASE", server.base))
        reported = ["--sp-report", "report.json"] if words[1] == "install" else []
        argv = ["--python", str(environment), *words[1:], *reported]
        code = run(argv, environ)
        printed = capsys.readouterr()
    told = (folder / "report.json").read_text() if (folder / "report.json").exists() else "{}\n"

    def plain(text: str) -> str:
        text = text.replace(server.base, "BASE").replace(str(environment), "ENVIRONMENT").replace(str(folder), "FOLDER")
        text = text.replace(str(tmp_path), "TMP")
        text = re.sub(r"python3\.\d+", "python3.X", text)
        text = re.sub(r"(?:  (?:Downloading|Using cached) .*\n)+", _sorted, text)
        return re.sub(rf"safepip {re.escape(__version__)}", "safepip VERSION", text)

    shown = {"stdout": plain(printed.out), "stderr": plain(printed.err), "exit": f"{code}\n"}
    if reported:
        shown["report.json"] = plain(_stable(told))
    assert "Traceback" not in printed.err
    for name, text in shown.items():
        _compare(case / name, text, write=request.config.getoption("--golden-write"))


def _sorted(lines: re.Match[str]) -> str:
    """Files arrive in any order."""
    return "".join(sorted(lines[0].splitlines(keepends=True)))


def _stable(told: str) -> str:
    """Without what differs between machines and interpreters."""
    report = json.loads(told)
    if report:
        report["target"] = dict.fromkeys(report["target"], "...")
        report["policy"] = report["policy"] and {**report["policy"], "digest": "...", "layers": "..."}
        report["command"] = [word for word in report["command"] if "/" not in word]
    text = json.dumps(report, indent=2, ensure_ascii=False) + "\n"
    return re.sub(r'"(sha256|published|trust_root)": "[0-9a-f]{64}"', r'"\1": "..."', text)


def _compare(path: Path, text: str, *, write: bool) -> None:
    text = re.sub(r"\b[0-9a-f]{64}\b", "DIGEST", text)
    if write:
        path.write_text(text)
    expected = path.read_text() if path.exists() else ""
    difference = difflib.unified_diff(expected.splitlines(), text.splitlines(), "expected", "shown", lineterm="")
    assert text == expected, "\n".join(difference)
