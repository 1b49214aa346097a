"""The layers of docs/architecture.md, held by import-linter; and rules that it cannot say."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import safepip

SOURCE = Path(safepip.__file__).parent
ROOT = Path(__file__).resolve().parent.parent.parent


def test_imports_point_down() -> None:
    program = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run(
        [str(program), "--no-cache", "--config", str(ROOT / "pyproject.toml")],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert shutil.which("lint-imports", path=str(program.parent))


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_files_stay_small_and_finished(path: Path) -> None:
    source = path.read_text()
    assert len(source.splitlines()) <= 330
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ExceptHandler):
            assert not all(isinstance(one, ast.Pass) for one in node.body), f"line {node.lineno} swallows an error"
        if isinstance(node, ast.Raise):
            assert "NotImplementedError" not in ast.unparse(node), f"line {node.lineno} is not written yet"


def test_values_are_frozen() -> None:
    for path in (SOURCE / "model").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                for decorator in node.decorator_list:
                    if isinstance(decorator, ast.Call) and getattr(decorator.func, "id", "") == "dataclass":
                        names = {keyword.arg for keyword in decorator.keywords}
                        assert {"frozen", "slots"} <= names, f"{path.name}: {node.name}"
