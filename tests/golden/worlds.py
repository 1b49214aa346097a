"""The worlds behind the golden cases. A case is a folder `<command>/<case>`; its world is the function of that name."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from safepip.model.artifact import Status
from tests.sigstore import GitHub, LocalSigstore
from tests.world import World, sdist, wheel
from tests.world.world import NOW, Published


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A world, and files that lie where safepip runs."""

    world: World
    files: Mapping[str, bytes] = field(default_factory=dict)


def _stack() -> World:
    world = World()
    world.publish("web-app", "4.0", requires=["acme-tool>=2"])
    world.publish("acme-tool", "2.0")
    return world


def quiet_success() -> Scene:
    return Scene(world=_stack())


def held_back() -> Scene:
    world = _stack()
    world.publish("acme-tool", "2.1", uploaded=NOW - timedelta(days=1, hours=2))
    return Scene(world=world)


def too_young() -> Scene:
    scene = held_back()
    requirements = b"# the application\n-c constraints.txt\nweb-app\n"
    return Scene(
        world=scene.world,
        files={
            "requirements.txt": requirements,
            "constraints.txt": b"acme-tool==2.1\n",
            "safepip.toml": b'schema = 1\n[rules]\nminimum-age = "7d"\n',
        },
    )


def waived() -> Scene:
    waiver = (
        b'schema = 1\n[[waivers]]\ncheck = "release-age"\nproject = "acme-tool"\nversion = "2.1"\n'
        b'reason = "fix for CVE-2026-1"\nuntil = 2026-11-24\n'
    )
    return Scene(world=held_back().world, files={"safepip.toml": waiver})


def only_an_sdist() -> Scene:
    world = World()
    world.publish("legacy", "0.6", kind="sdist")
    return Scene(world=world)


def tampered() -> Scene:
    world = _stack()
    world.main.sizes = False
    world.tamper(world.publish("acme-tool", "2.2"))
    return Scene(world=world)


def conflict() -> Scene:
    world = _stack()
    world.publish("other-app", "1.0", requires=["acme-tool<2"])
    world.publish("acme-tool", "1.0")
    return Scene(world=world)


def no_such_project() -> Scene:
    return Scene(world=_stack())


def no_such_version() -> Scene:
    return Scene(world=_stack())


def dependency_confusion() -> Scene:
    world = _stack()
    world.index("public")
    world.publish("acme-tool", "99.0", index="public")
    return Scene(world=world)


def quarantined() -> Scene:
    world = _stack()
    world.mark("acme-tool", Status.QUARANTINED, reason="malware")
    return Scene(world=world)


def archived() -> Scene:
    world = _stack()
    world.mark("acme-tool", Status.ARCHIVED)
    return Scene(world=world)


def no_upload_times() -> Scene:
    world = _stack()
    world.main.upload_times = False
    return Scene(world=world)


def bad_policy() -> Scene:
    policy = b'schema = 1\nprofil = "strict"\n\n[rules]\nminimum-age = "soon"\n[checks]\nadvisory = "deny"\n'
    return Scene(world=_stack(), files={"safepip.toml": policy})


def bad_requirements() -> Scene:
    return Scene(world=_stack(), files={"requirements.txt": b"web-app\nacme-tool >> 2\n\n./nowhere.whl\n"})


def loosening_line() -> Scene:
    return Scene(world=_stack(), files={"requirements.txt": b"web-app\n--trusted-host packages.example\n"})


def unpinned() -> Scene:
    return Scene(world=_stack())


def _attested(*, digest: str | None = None) -> tuple[World, bytes, Published]:
    world, sigstore = World(), LocalSigstore.create(NOW - timedelta(days=100))
    signed = world.publish("signed", "1.0")
    attestation = sigstore.attest(signed.text, digest or signed.claimed, GitHub())
    publisher = {"kind": "GitHub", "repository": "acme/demo", "workflow": "release.yml"}
    signed.provenance = sigstore.provenance([attestation], publisher)
    return world, sigstore.trusted_root_json(), signed


def attested() -> Scene:
    world, root, _ = _attested()
    return Scene(world=world, files={"root.json": root})


def attestation_of_other_bytes() -> Scene:
    world, root, _ = _attested(digest="0" * 64)
    return Scene(world=world, files={"root.json": root})


def another_publisher() -> Scene:
    world, root, _ = _attested()
    pin = b'schema = 1\n[projects.signed]\npublishers = ["github:acme/other/release.yml@refs/tags/*"]\n'
    return Scene(world=world, files={"root.json": root, "safepip.toml": pin})


def provenance_gone() -> Scene:
    world, root, _ = _attested()
    world.lose("provenance")
    return Scene(world=world, files={"root.json": root})


def _signed_twice(second: GitHub | None) -> Scene:
    """Two releases; the second one is attested by that identity, or not at all."""
    sigstore = LocalSigstore.create(NOW - timedelta(days=100))
    world = World()
    for version, identity, age in (("1.0", GitHub(), 90), ("1.1", second, 30)):
        one = world.publish("signed", version, uploaded=NOW - timedelta(days=age))
        if identity is not None:
            attestation = sigstore.attest(one.text, one.claimed, identity)
            claim = {"kind": "GitHub", "repository": identity.repository, "workflow": identity.workflow}
            one.provenance = sigstore.provenance([attestation], claim)
    return Scene(world=world, files={"root.json": sigstore.trusted_root_json()})


def downgraded() -> Scene:
    return _signed_twice(None)


def downgraded_and_pinned() -> Scene:
    return _signed_twice(None)


def publisher_changed() -> Scene:
    return _signed_twice(GitHub(repository="evil/demo", repository_id="6666", owner_id="6667"))


def repository_renamed() -> Scene:
    return _signed_twice(GitHub(repository="acme/renamed"))


def late_wheel() -> Scene:
    world = World()
    world.publish("steady", "1.0", kind="sdist", uploaded=NOW - timedelta(days=90))
    world.publish("steady", "1.0", uploaded=NOW - timedelta(days=30))
    return Scene(world=world)


def file_collision() -> Scene:
    """Two forks of one project: the same module, and a program of the same name."""
    world, entry = World(), "[console_scripts]\nacme = acme:main\n"
    world.publish("acme-vision", "4.1", files={"acme/__init__.py": b"VIEWER = True\n"}, entry_points=entry)
    world.publish("acme-vision-headless", "4.1", files={"acme/__init__.py": b"VIEWER = False\n"}, entry_points=entry)
    world.publish("web-app", "4.0", requires=["acme-vision-headless"])
    return Scene(world=world)


def startup_hook() -> Scene:
    world = World()
    line = b"import os; os.environ.get('DEMO') and __import__('boot_me').start()\n"
    world.publish(
        "boot-me", "1.0", files={"boot_me.py": b"", "boot_me.pth": line, "sitecustomize.py": b"import boot_me\n"}
    )
    return Scene(world=world)


def startup_hook_allowed() -> Scene:
    allowed = b"""schema = 1
[[allow.startup-hooks]]
project = "boot-me"
line = "import boot_me"
"""
    world = World()
    world.publish("boot-me", "1.0", files={"boot_me.py": b"", "boot_me.pth": b"import  boot_me\n"})
    return Scene(world=world, files={"safepip.toml": allowed})


def broken_archive() -> Scene:
    world = World()
    good = world.publish("stacked", "1.0")
    world.publish("stacked", "1.1", content=b"#!/bin/sh\n" + good.content)
    return Scene(world=world)


def wrong_record() -> Scene:
    world = World()
    good = world.publish("edited", "1.0", files={"edited.py": b"print('as it was built')\n"})
    with zipfile.ZipFile(io.BytesIO(good.content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    changed = io.BytesIO()
    with zipfile.ZipFile(changed, "w") as archive:
        for name, body in {**members, "edited.py": b"print('as it was not!!')\n", "more.py": b""}.items():
            archive.writestr(zipfile.ZipInfo(name), body)
    good.content, good.size = changed.getvalue(), len(changed.getvalue())
    good.claimed = hashlib.sha256(good.content).hexdigest()
    return Scene(world=world)


def script_shadow() -> Scene:
    world = World()
    world.publish("helper", "1.0", entry_points="[console_scripts]\nhelper = helper:main\nsudo = helper:main\n")
    return Scene(world=world)


def direct_url() -> Scene:
    world = World()
    address = "https://user:secret@files.example/narrow-1.0-py3-none-any.whl"
    world.publish("wide", "1.0", requires=[f"narrow @ {address} ; extra == 'all'"], extras=["all"])
    return Scene(world=world)


def nobody_there() -> Scene:
    return Scene(world=_stack())


def _named(*, digest: str | None = None) -> Scene:
    """The file and its provenance lie here."""
    world, root, signed = _attested(digest=digest)
    files = {signed.text: signed.content, "signed.provenance": signed.provenance or b"", "root.json": root}
    return Scene(world=world, files=files)


def verified() -> Scene:
    return _named()


def nobody_expected() -> Scene:
    return _named()


def published_by_another() -> Scene:
    return _named()


def provenance_of_other_bytes() -> Scene:
    return _named(digest="0" * 64)


def _lying_here(*made: tuple[str, bytes]) -> Scene:
    return Scene(world=World(), files=dict(made))


def sound_wheel() -> Scene:
    return _lying_here(wheel("demo", "1.0", entry_points="[console_scripts]\ndemo = demo:main\n"))


def acts_at_every_start() -> Scene:
    files = {"demo.py": b"", "demo.pth": b"import demo.surprise\n", "demo/fast.so": b"\x7fELF" + bytes(60)}
    return _lying_here(wheel("demo", "1.0", files=files))


def sdist_that_runs_setup_py() -> Scene:
    setup = b"import subprocess\nfrom setuptools import setup\n\nsubprocess.run(['make'])\nsetup(name='demo')\n"
    build = b'[build-system]\nrequires = ["setuptools>=61"]\nbuild-backend = "setuptools.build_meta"\n'
    files = {"setup.py": setup, "pyproject.toml": build}
    return _lying_here(sdist("demo", "1.0", requires=["idna>=3"], requires_python=">=3.9", files=files))


def several_files_scanned() -> Scene:
    name, content = wheel("other", "2.0")
    return _lying_here(sdist("demo", "1.0"), (name, b"MZ" + content), ("notes.txt", b"notes"))


SCENES: Mapping[str, Callable[[], Scene]] = {
    name.replace("_", "-"): scene
    for name, scene in globals().items()
    if getattr(scene, "__module__", None) == __name__ and name[0].islower()
}
