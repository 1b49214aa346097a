"""`make demo`: the main job on real packages, in a throw-away environment, and what happens when something is off.

Uses the configured index for real projects, and an index and a Sigstore of its own on loopback for the signed file.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

from tests.sigstore import GitHub, LocalSigstore
from tests.world import World, WorldServer
from tests.world.world import Published

# Some twenty wheels, markupsafe, greenlet and sqlalchemy with native code among them.
STACK = ("flask", "requests", "sqlalchemy", "httpx", "rich")
ONLY_AN_SDIST = "docopt"
FOLDER = Path(".demo")


def main() -> int:
    if FOLDER.exists():
        shutil.rmtree(FOLDER)
    FOLDER.mkdir()
    environment = FOLDER / "environment"
    say("a throw-away environment, without even a pip in it")
    run([sys.executable, "-m", "venv", "--without-pip", str(environment)])

    say("a small web stack from the configured index: judged, then installed")
    expect(0, safepip(environment, *STACK))

    say("a project that ships only its source: refused, with the reason and the way on")
    expect(1, safepip(environment, ONLY_AN_SDIST))

    say("a file with a Sigstore signature, on an index of this demo's own: verified, its publisher named")
    signed_file(environment)

    say("a wheel that has Python run something at every start: refused, and the line shown")
    hooked_wheel(environment)

    say("the environment is still what was judged; then one file in it is changed")
    expect(0, command("verify", "--environment", str(environment)))
    changed = next(environment.glob("lib/*/site-packages/flask/app.py"))
    changed.write_bytes(changed.read_bytes() + b"import os  # not there when it was judged\n")
    expect(1, command("verify", "--environment", str(environment)))

    say("for every file there is a receipt beside it that says why it was let in")
    return receipts(environment)


def signed_file(environment: Path) -> None:
    world, sigstore = World(), LocalSigstore.create(datetime.now(timezone.utc) - timedelta(days=1))
    published = signed(world, sigstore, "1.0", GitHub(repository="acme/signed-demo"))
    root = FOLDER / "local-trusted-root.json"
    root.write_bytes(sigstore.trusted_root_json())
    with WorldServer(world) as server:
        where = ("-i", server.index().reveal(), "--sp-trusted-root", str(root))
        expect(0, safepip(environment, "signed-demo", *where))
        say("that file on its own: who published it, and whether that is who was expected")
        (FOLDER / published.text).write_bytes(published.content)
        (FOLDER / f"{published.text}.provenance").write_bytes(published.provenance or b"")
        expected = "github:acme/signed-demo/release.yml@refs/tags/*"
        words = ("verify", str(FOLDER / published.text), "--publisher", expected, "--sp-trusted-root", str(root))
        expect(0, command(*words))
        say("a newer release, with a valid signature of somebody else: refused")
        stranger = GitHub(repository="evil/signed-demo", repository_id="666", owner_id="666")
        signed(world, sigstore, "1.1", stranger)
        expect(1, safepip(environment, "--upgrade", "signed-demo", *where))
        say("the first file with one byte changed after it was signed: refused")
        world.main.sizes = False
        world.tamper(published)
        expect(1, safepip(environment, "--force-reinstall", "--no-cache-dir", "signed-demo==1.0", *where))


def signed(world: World, sigstore: LocalSigstore, version: str, identity: GitHub) -> Published:
    published = world.publish("signed-demo", version)
    publisher = {"kind": "GitHub", "repository": identity.repository, "workflow": identity.workflow}
    attestation = sigstore.attest(published.text, published.claimed, identity)
    published.provenance = sigstore.provenance([attestation], publisher)
    return published


def hooked_wheel(environment: Path) -> None:
    world = World()
    world.publish("helpful", "1.0", files={"helpful.py": b"", "helpful.pth": b"import helpful; helpful.watch()\n"})
    with WorldServer(world) as server:
        expect(1, safepip(environment, "helpful", "-i", server.index().reveal()))


def receipts(environment: Path) -> int:
    found = sorted(environment.glob("lib/*/site-packages/*.dist-info/safepip.json"))
    print(f"{len(found)} receipts: {environment}/lib/*/site-packages/*.dist-info/safepip.json\n")
    told = json.loads(next(path for path in found if "flask-" in str(path)).read_bytes())
    distribution = told["distribution"]
    print(f"{distribution['name']} {distribution['version']}  sha256:{distribution['sha256']}")
    for finding in distribution["findings"]:
        print(f"  {finding['outcome']:5} {finding['check']}: {finding['message']}")
    return 0 if len(found) > len(STACK) else 1


def safepip(environment: Path, *arguments: str) -> int:
    return command("--python", str(environment), "install", *arguments)


def command(*arguments: str) -> int:
    words = ("safepip", *arguments)
    print(f"$ {shlex.join(words)}", flush=True)
    return subprocess.run([sys.executable, "-m", *words], env=environ(), check=False).returncode


def environ() -> dict[str, str]:
    """This process's variables without pip's, but for certificates, and without pip's configuration files.

    What safepip remembers of publishers goes into the demo's own folder.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_") or name == "PIP_CERT"}
    return {**kept, "PIP_CONFIG_FILE": os.devnull, "XDG_STATE_HOME": str(FOLDER.absolute() / "state")}


def run(command: list[str]) -> None:
    print(f"$ {shlex.join(['python3', *command[1:]])}", flush=True)
    subprocess.run(command, check=True)


def expect(wanted: int, code: int) -> None:
    if code != wanted:
        sys.exit(f"\nthe demo expected exit code {wanted} and got {code}")
    print(f"(exit code {code})")


def say(text: str) -> None:
    print(f"\n--- {text}\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
