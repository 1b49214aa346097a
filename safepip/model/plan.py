"""What will be done. Doing it is elsewhere; `--dry-run` prints the plan."""

from __future__ import annotations

from dataclasses import dataclass

from safepip.model.artifact import InstalledDistribution, Pin, Target
from safepip.model.contents import Manifest
from safepip.model.verdict import Approved


@dataclass(frozen=True, slots=True, kw_only=True)
class Install:
    """Install exactly these judged bytes. `replaces` is what is there now, if anything.

    manifest: the files that will be there afterwards, with the digests that were judged
    """

    approved: Approved
    pin: Pin
    manifest: Manifest
    replaces: InstalledDistribution | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """What is installed already satisfies the request and stays."""

    pin: Pin
    installed: InstalledDistribution


Step = Install | Keep


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The steps in installation order (dependencies first)."""

    steps: tuple[Step, ...]
    target: Target
    policy: str

    @property
    def installs(self) -> tuple[Install, ...]:
        return tuple(step for step in self.steps if isinstance(step, Install))

    @property
    def keeps(self) -> tuple[Keep, ...]:
        return tuple(step for step in self.steps if isinstance(step, Keep))
