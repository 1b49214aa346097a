"""`python -m bench.attested`: what verifying costs. Attested packages on loopback, signed by a Sigstore of our own.

Needs no network. Two indexes have the same hundred small packages, one with a provenance for each and one without; they
are installed in turn, so the ratio is what fetching and verifying the attestations adds. Beside that, verification
alone is measured in this process, in processor time, as milliseconds an attestation.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import statistics
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from bench.measure import Ran, clean_environ, run
from safepip.formats.statement import About
from safepip.io.attestation import AttestationVerifier
from safepip.io.cachefile import CacheFolder
from safepip.io.provenance import judged
from safepip.io.verdicts import CachedVerifier
from safepip.io.verifier import Verifier
from safepip.model.ident import Sha256
from tests.sigstore import GitHub, LocalSigstore
from tests.world import World, WorldServer
from tests.world.world import Published

PACKAGES, TARGET = 100, 2.0
PUBLISHER = {"kind": "GitHub", "repository": "acme/demo", "workflow": "release.yml"}
KINDS, STATES = ("attested", "plain"), ("cold", "warm")
_HEAD = "job             plain s  attested/plain  cpu attested/plain  cpu ms more each        requests"


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """One installation. `requests`: how many the index got"""

    kind: str
    state: str
    ran: Ran
    requests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """milliseconds: of processor time an attestation: verified, with sigstore imported; remembered; and the import"""

    verified: float
    remembered: float
    imported: float
    installs: Sequence[Installed]

    def ratio(self, state: str, what: Callable[[Ran], float]) -> float:
        """Of medians, attested to plain."""
        attested, plain = (self.median(kind, state, what) for kind in KINDS)
        return attested / plain

    def median(self, kind: str, state: str, what: Callable[[Ran], float]) -> float:
        return statistics.median(what(one.ran) for one in self.installs if (one.kind, one.state) == (kind, state))


def measure(rounds: int, packages: int = PACKAGES, latency: float = 0.02) -> Figures:
    sigstore = LocalSigstore.create(datetime.now(timezone.utc).replace(microsecond=0))
    worlds = {kind: _world(packages, latency) for kind in KINDS}
    files = [one for files in worlds["attested"].main.projects.values() for one in files]
    for one in files:
        one.provenance = sigstore.provenance([sigstore.attest(one.text, one.claimed, GitHub())], PUBLISHER)
    with tempfile.TemporaryDirectory(prefix="bench-attested-") as place:
        folder = Path(place)
        root = folder / "root.json"
        root.write_bytes(sigstore.trusted_root_json())
        imported, verified, remembered = _alone(files, root.read_bytes(), folder / "verdicts")
        turns = [KINDS if number % 2 else KINDS[::-1] for number in range(rounds)]
        installs = [one for kinds in turns for kind in kinds for one in _installs(kind, worlds[kind], folder)]
    return Figures(verified=verified, remembered=remembered, imported=imported, installs=installs)


def _world(packages: int, latency: float) -> World:
    world = World(latency=latency)
    for number in range(packages):
        world.publish(f"demo-{number}", "1.0")
    return world


def _alone(files: Sequence[Published], root: bytes, folder: Path) -> tuple[float, float, float]:
    verifier = AttestationVerifier(root)
    begun = time.process_time()
    verifier.load()
    imported = (time.process_time() - begun) * 1000
    _each(files, verifier)  # the first of all makes sigstore's verifier
    memory = CachedVerifier(verifier, CacheFolder(folder), hashlib.sha256(root).hexdigest())
    _each(files, memory)
    return imported, min(_each(files, verifier) for _ in range(5)), min(_each(files, memory) for _ in range(5))


def _each(files: Sequence[Published], verifier: Verifier) -> float:
    """Milliseconds of processor time an attestation."""
    begun = time.process_time()
    for one in files:
        about = About(file=one.name, sha256=Sha256(one.claimed), digests={})
        verified, rejected, _ = judged(one.provenance or b"", about, verifier)
        assert len(verified) == 1
        assert not rejected
    return (time.process_time() - begun) * 1000 / len(files)


def _installs(kind: str, world: World, folder: Path) -> Iterator[Installed]:
    """Cold, and again with the cache of the cold one."""
    cache = folder / "cache"
    shutil.rmtree(cache, ignore_errors=True)
    with WorldServer(world) as server:
        for state in STATES:
            server.forget()
            with _environment(folder) as environment:
                ran = run(_command(world, server, environment, cache, folder), clean_environ(folder), folder)
            if ran.status != 0:
                raise RuntimeError(f"safepip ended with {ran.status}: {ran.output[-600:]}")
            yield Installed(kind=kind, state=state, ran=ran, requests=len(server.requests))


@contextmanager
def _environment(folder: Path) -> Iterator[Path]:
    template, environment = folder / "template", folder / "environment"
    if not template.exists():
        venv.EnvBuilder(with_pip=False, symlinks=True).create(template)
    shutil.copytree(template, environment, symlinks=True)
    try:
        yield environment
    finally:
        shutil.rmtree(environment)


def _command(world: World, server: WorldServer, environment: Path, cache: Path, folder: Path) -> list[str]:
    where = ["--index-url", server.index().reveal(), "--cache-dir", str(cache), "--sp-trusted-root", "root.json"]
    program = str(Path(sys.executable).parent / "safepip")
    (folder / "requirements.txt").write_text("\n".join(sorted(world.main.projects)) + "\n", encoding="utf-8")
    return [program, "--python", str(environment), "install", *where, "-r", "requirements.txt"]


def render(figures: Figures) -> str:
    lines = [
        "",
        f"== attested ({PACKAGES} distributions, each with one attestation)",
        _HEAD,
    ]
    for state in STATES:
        cpu = [figures.median(kind, state, _cpu) for kind in KINDS]
        counts = "/".join(str(_requests(figures, kind, state)) for kind in KINDS)
        seconds, processor = figures.ratio(state, _seconds), figures.ratio(state, _cpu)
        more = (cpu[0] - cpu[1]) * 1000 / PACKAGES
        plain = figures.median("plain", state, _seconds)
        lines.append(f"install {state:6}{plain:9.2f}{seconds:16.2f}{processor:20.2f}{more:18.2f}{counts:>16}")
    lines.append(
        f"verification alone, cpu: {figures.verified:.2f} ms an attestation (target <= {TARGET:.1f}), "
        f"{figures.remembered:.2f} ms remembered, {figures.imported:.0f} ms once for the import"
    )
    return "\n".join(lines)


def document(figures: Figures) -> dict[str, Any]:
    return {
        "verified_ms": figures.verified,
        "remembered_ms": figures.remembered,
        "import_ms": figures.imported,
        "ratios": {
            state: {"seconds": figures.ratio(state, _seconds), "cpu": figures.ratio(state, _cpu)} for state in STATES
        },
    }


def _seconds(ran: Ran) -> float:
    return ran.seconds


def _cpu(ran: Ran) -> float:
    return ran.cpu


def _requests(figures: Figures, kind: str, state: str) -> int:
    return max(one.requests for one in figures.installs if (one.kind, one.state) == (kind, state))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.attested", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    print(render(measure(parser.parse_args().rounds)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
