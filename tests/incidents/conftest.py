"""A project on an index, its publisher, a thief, and somebody who installs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from safepip.cli import compose
from safepip.cli.main import run
from tests.command import clean_environ
from tests.sigstore import GitHub, LocalSigstore
from tests.world import World, WorldServer
from tests.world.world import MAIN, NOW, Published


def claim(who: GitHub) -> dict[str, Any]:
    """What the index says of that publisher, beside its attestation."""
    named = {"kind": "GitHub", "repository": who.repository, "workflow": who.workflow}
    return {**named, "environment": who.environment} if who.environment is not None else named


class FixedClock:
    def now(self) -> datetime:
        return NOW


@dataclass(frozen=True, kw_only=True)
class Told:
    """How a run ended, and its report."""

    exit: int
    report: dict[str, Any]

    @property
    def versions(self) -> dict[str, str]:
        return {one["name"]: one["version"] for one in self.report["distributions"]}

    @property
    def held_back(self) -> set[tuple[str, str, str]]:
        return {(one["name"], one["version"], one["check"]) for one in self.report["held_back"]}

    def findings(self, check: str) -> set[tuple[str, str]]:
        """(code, outcome) of what that check said of the files."""
        found = (one for distribution in self.report["distributions"] for one in distribution["findings"])
        return {(one["code"], one["outcome"]) for one in found if one["check"] == check}


@dataclass(frozen=True, kw_only=True)
class Site:
    """world, server: the indexes; folder: where safepip runs; environment: what is installed into"""

    world: World
    server: WorldServer
    folder: Path
    environment: Path
    environ: dict[str, str]
    sigstore: LocalSigstore = field(default_factory=lambda: LocalSigstore.create(NOW - timedelta(days=100)))

    def publish(
        self, version: str, days: float, *, by: GitHub | None = None, name: str = "demo", index: str = MAIN, **more: Any
    ) -> Published:
        """A file, uploaded so many days ago; attested where somebody signs it."""
        one = self.world.publish(name, version, uploaded=NOW - timedelta(days=days), index=index, **more)
        if by is not None:
            one.provenance = self.sigstore.provenance([self.sigstore.attest(one.text, one.claimed, by)], claim(by))
        return one

    def policy(self, text: str) -> None:
        (self.folder / "safepip.toml").write_text(f"schema = 1\n{text}")

    def install(self, *words: str, dry_run: bool = True) -> Told:
        """`safepip install`, in this process."""
        (self.folder / "root.json").write_bytes(self.sigstore.trusted_root_json())
        report = self.folder / "report.json"
        report.unlink(missing_ok=True)
        dry = ["--dry-run"] if dry_run else []
        roots = ["--sp-trusted-root", "root.json", "--sp-report", str(report)]
        argv = ["--python", str(self.environment), "install", *dry, *roots, *words]
        code = run(argv, self.environ)
        return Told(exit=code, report=json.loads(report.read_text()))

    def installed(self) -> set[str]:
        return {one.name for one in self.environment.glob("lib/python*/site-packages/*.dist-info")}

    def approved(self, *words: str, dry_run: bool = True) -> Told:
        """The same, which must go through."""
        told = self.install(*words, dry_run=dry_run)
        assert told.report["refusals"] == []
        assert (told.exit, told.report["outcome"]) == (0, "would-install" if dry_run else "installed")
        return told

    def refused(self, check: str, code: str, *words: str) -> Told:
        """A real installation, which must be refused for that reason and leave everything as it was."""
        before = self.installed()
        told = self.install(*words, dry_run=False)
        assert (told.exit, told.report["outcome"]) == (1, "refused")
        assert (check, code) in {(one["check"], one["code"]) for one in told.report["refusals"]}
        assert self.installed() == before
        return told


@pytest.fixture
def site(environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(compose, "SystemClock", FixedClock)
    world = World()
    with WorldServer(world) as server:
        environ = clean_environ(tmp_path / "home", {"PIP_INDEX_URL": server.index().reveal()})
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        yield Site(world=world, server=server, folder=folder, environment=environment, environ=environ)
