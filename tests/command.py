"""`safepip` as a program: a real process, a real pip, a real environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Result:
    """report: the JSON of `--sp-report`, None where none was written"""

    exit: int
    stdout: str
    stderr: str
    report: dict[str, Any] | None


def clean_environ(home: Path, more: Mapping[str, str]) -> dict[str, str]:
    """The environment of this process without anybody's configuration."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PIP_", "SAFEPIP_", "XDG_", "PYTHON", "VIRTUAL_ENV", "COV_"))
        and not name.lower().endswith("_proxy")
    }
    return {
        **kept,
        "PIP_CONFIG_FILE": os.devnull,
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "NO_COLOR": "1",
        "COLUMNS": "200",
        "LC_ALL": "C.UTF-8",
        **more,
    }


@dataclass(frozen=True, kw_only=True)
class Command:
    """environment: what is installed into; folder: where the program runs, and where its home is"""

    environment: Path
    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def site(self) -> Path:
        [found] = self.environment.glob("lib/python*/site-packages")
        return found

    def __call__(self, *arguments: str, **variables: str) -> Result:
        report = self.folder / "report.json"
        report.unlink(missing_ok=True)
        where = ["--python", str(self.environment)]
        done = subprocess.run(
            [sys.executable, "-m", "safepip", *where, "install", "--sp-report", str(report), *arguments],
            env=self.environ(variables),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        told = json.loads(report.read_text()) if report.exists() else None
        return Result(exit=done.returncode, stdout=done.stdout, stderr=done.stderr, report=told)

    def environ(self, more: Mapping[str, str]) -> dict[str, str]:
        path = str(Path(__file__).resolve().parent.parent)
        return clean_environ(self.folder / "home", {"PYTHONPATH": path, **self.variables, **more})

    def installed(self) -> dict[str, str]:
        """Name and version of what is there now, from the folders themselves."""
        pairs = (one.name.removesuffix(".dist-info").split("-") for one in self.site.glob("*.dist-info"))
        return {pair[0]: pair[1] for pair in pairs}
