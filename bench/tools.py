"""How each tool is told to do the same thing, and how its answer is read."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import re
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

_ROOT = Path(__file__).resolve().parent.parent
Picks = frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """environment: what is installed into; answer: a file for the tool's own account of what it chose"""

    environment: Path
    cache: Path
    answer: Path
    index: str
    requirements: tuple[str, ...]

    @property
    def python(self) -> Path:
        return self.environment / "bin" / "python"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """resolve: fetches no wheel where it can do without; dry_run: whatever the tool's --dry-run does;
    picks: what a resolve or dry run chose, from the job and its printed output
    """

    name: str
    version: tuple[str, ...]
    resolve: Callable[[Job], Sequence[str]]
    dry_run: Callable[[Job], Sequence[str]] | None
    install: Callable[[Job], Sequence[str]]
    picks: Callable[[Job, str], Picks]


def tools() -> list[Tool]:
    """Pip first: the others are compared with it. uv is there if it is installed beside us."""
    found = [_pip(), _safepip()]
    uv = shutil.which("uv", path=str(Path(sys.executable).parent))
    return [*found, _uv(uv)] if uv is not None else found


def pick(name: str, version: str) -> str:
    return f"{canonicalize_name(name)}=={version}"


def installed(environment: Path) -> Picks:
    [site] = environment.glob("lib/python*/site-packages")
    found = importlib.metadata.distributions(path=[str(site)])
    return frozenset(pick(one.metadata["Name"], one.version) for one in found)


def pip_runner() -> str:
    """What the target's own interpreter runs to have our pip, as if it were installed there."""
    spec = importlib.util.find_spec("pip")
    assert spec is not None
    assert spec.origin is not None
    return str(Path(spec.origin).parent / "__pip-runner__.py")


def _pip() -> Tool:
    """Pip runs in the target's own interpreter: `pip --python` starts Python twice."""
    runner = pip_runner()

    def install(job: Job, *more: str) -> Sequence[str]:
        quiet = ("--disable-pip-version-check", "--root-user-action=ignore")
        # pip caches nothing that comes over plain http, unless the host is trusted by name.
        trusted = ("--trusted-host", job.index.split("/")[2])
        where = ("--index-url", job.index, *trusted, "--cache-dir", str(job.cache))
        only = ("--only-binary", ":all:")
        return [str(job.python), runner, "install", *quiet, *where, *only, *more, *job.requirements]

    def resolve(job: Job) -> Sequence[str]:
        return install(job, "--dry-run", "--report", str(job.answer))

    return Tool(
        name="pip",
        version=(sys.executable, "-m", "pip", "--version"),
        resolve=resolve,
        dry_run=None,
        install=install,
        picks=_from_report,
    )


def _safepip() -> Tool:
    program = str(Path(sys.executable).parent / "safepip")

    def arguments(job: Job, *more: str) -> list[str]:
        where = ("--index-url", job.index, "--cache-dir", str(job.cache))
        return ["--python", str(job.environment), "install", *where, *more, *job.requirements]

    def resolve(job: Job) -> Sequence[str]:
        return [sys.executable, "-m", "bench.resolve_only", str(job.answer), *arguments(job)]

    return Tool(
        name="safepip",
        version=(program, "--version"),
        resolve=resolve,
        dry_run=lambda job: [program, *arguments(job, "--dry-run", "--report", str(job.answer))],
        install=lambda job: [program, *arguments(job)],
        picks=_from_report,
    )


def _uv(program: str) -> Tool:
    """With byte compilation and copies, because pip does both."""

    def install(job: Job, *more: str) -> Sequence[str]:
        where = ("--python", str(job.python), "--default-index", job.index, "--cache-dir", str(job.cache))
        only = ("--only-binary", ":all:", "--compile-bytecode", "--link-mode", "copy")
        return [program, "pip", "install", *where, *only, *more, *job.requirements]

    def picks(_: Job, output: str) -> Picks:
        lines = re.finditer(r"^ \+ (\S+?)==(\S+)", output, re.MULTILINE)
        return frozenset(pick(line[1], line[2]) for line in lines)

    return Tool(
        name="uv",
        version=(program, "--version"),
        resolve=lambda job: install(job, "--dry-run"),
        dry_run=None,
        install=install,
        picks=picks,
    )


def _from_report(job: Job, _: str) -> Picks:
    """pip's installation report, or the lines of `bench.resolve_only`."""
    text = job.answer.read_text(encoding="utf-8")
    if not text.startswith("{"):
        return frozenset(text.split())
    told = (entry["metadata"] for entry in json.loads(text)["install"])
    return frozenset(pick(one["name"], one["version"]) for one in told)
