"""Small wheels, made in a folder, and plans that install them."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from safepip.formats.wheel import read_contents
from safepip.model.artifact import Artifact, InstalledDistribution, Listing, Local, Origin, Parent, Pin, Target
from safepip.model.contents import Manifest
from safepip.model.evidence import Subject
from safepip.model.ident import FileName, Sha256, Url, parse_version
from safepip.model.levels import Level
from safepip.model.plan import Install, Keep, Plan, Step
from safepip.model.verdict import Approved, Finding, Judged, Outcome, Verdict


@dataclass(frozen=True)
class Wheel:
    path: Path
    body: bytes

    @property
    def name(self) -> FileName:
        return FileName.parse(self.path.name)

    @property
    def sha256(self) -> Sha256:
        return Sha256(hashlib.sha256(self.body).hexdigest())

    @property
    def url(self) -> Url:
        return Url(self.path.as_uri())


def wheel(
    folder: Path,
    name: str = "demo",
    version: str = "1.0",
    *,
    requires: Iterable[str] = (),
    scripts: Mapping[str, str] | None = None,
    files: Mapping[str, bytes] | None = None,
    also_listed: Iterable[str] = (),
) -> Wheel:
    """`also_listed`: paths in RECORD that the archive does not hold."""
    info = f"{name}-{version}.dist-info"
    members = {
        f"{name}/__init__.py": f"VERSION = {version!r}\n".encode(),
        f"{name}/deep/module.py": b"def answer():\n    return 42\n",
        **(files or {}),
        f"{info}/METADATA": "\n".join(
            [
                "Metadata-Version: 2.1",
                f"Name: {name}",
                f"Version: {version}",
                *(f"Requires-Dist: {r}" for r in requires),
            ]
        ).encode()
        + b"\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    if scripts:
        lines = "".join(f"{script} = {target}\n" for script, target in scripts.items())
        members[f"{info}/entry_points.txt"] = f"[console_scripts]\n{lines}".encode()
    members[f"{info}/RECORD"] = _record(members, f"{info}/RECORD") + "".join(f"{p},,\n" for p in also_listed).encode()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    return Wheel(path, path.read_bytes())


def _record(members: Mapping[str, bytes], own: str) -> bytes:
    quoted = {name: f'"{name}"' if "," in name else name for name in members}
    rows = [f"{quoted[name]},sha256={_digest(content)},{len(content)}\n" for name, content in members.items()]
    return "".join([*rows, f"{own},,\n"]).encode()


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def listing(of: Wheel) -> Listing:
    return Listing(
        name=of.name,
        url=of.url,
        index=of.url,
        claimed={"sha256": of.sha256},
        size=None,
        uploaded=None,
        requires_python=None,
        yanked=None,
        metadata=None,
        provenance=None,
    )


def pin(of: Wheel, *, parent: str | None = None, installed: InstalledDistribution | None = None) -> Pin:
    """`parent`: the name of the distribution that asks for it; None makes it a root."""
    asked = (
        Parent(project=None, version=None, requirement=of.name.project, origin="command line")
        if parent is None
        else Parent(
            project=FileName.parse(f"{parent}-1-py3-none-any.whl").project,
            version=parse_version("1"),
            requirement=of.name.project,
            origin=parent,
        )
    )
    return Pin(
        project=of.name.project,
        version=of.name.version,
        extras=frozenset(),
        listing=None if installed is not None else listing(of),
        installed=installed,
        metadata=None,
        parents=(asked,),
    )


def install(
    of: Wheel,
    *,
    parent: str | None = None,
    replaces: InstalledDistribution | None = None,
    local: Url | None = None,
    sha256: Sha256 | None = None,
    origin: Origin | None = None,
) -> Install:
    """`sha256`: what was judged, where that differs from what lies there now."""
    digest = sha256 if sha256 is not None else of.sha256
    judged = Artifact(
        name=of.name,
        sha256=digest,
        digests={"sha256": digest},
        size=len(of.body),
        path=of.path,
        origin=origin if origin is not None else Local(url=local if local is not None else of.url),
        pins=(),
    )
    subject = Subject(
        project=of.name.project, version=of.name.version, file=of.name, artifact=judged, requested=parent is None
    )
    finding = Finding(check="digest", code="digest", about=subject.key, outcome=Outcome.PASS, message="It holds.")
    verdict = Verdict(
        subject=subject,
        policy="0" * 64,
        judged=(Judged(finding=finding, level=Level.DENY, place="profile standard", waived_by=None),),
        unasked=(),
    )
    read = read_contents(io.BytesIO(of.body), None).manifest
    manifest = read if read is not None else Manifest(dist_info="", files=(), entry_points=())
    return Install(approved=Approved(verdict), pin=pin(of, parent=parent), manifest=manifest, replaces=replaces)


def keep(of: Wheel, installed: InstalledDistribution, *, parent: str | None = None) -> Keep:
    return Keep(pin=pin(of, parent=parent, installed=installed), installed=installed)


def plan(*steps: Step) -> Plan:
    target = Target(python=parse_version("3.12"), tags=(), markers={})
    return Plan(steps=steps, target=target, policy="0" * 64)
