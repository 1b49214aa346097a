"""An installation that is killed at a chosen step, as a program, and the environments that it is done to.

    python -m tests.unit.io.target.killing VENV WHEELS WHO COUNT

WHO dies right before its COUNT-th change to the file system below VENV: `safepip`; `pip` alone; `all` of them when pip
gets there; `orphan`: safepip, when pip gets there, and pip goes on; `compiling`: safepip, while the compilers, which go
on, are at work. A fault instead of death: `full`, in pip.
"""

from __future__ import annotations

import contextlib
import os
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safepip.formats.pipfiles import Forwarded, Placement
from safepip.io.environment import PythonEnvironment
from safepip.io.environmentlock import locked_environment
from safepip.io.pip import Pip, Streams
from safepip.model.ident import Sha256
from safepip.model.plan import Install, Plan
from tests.unit.io.target.wheels import Wheel, install, plan, wheel

KILLED = -9
Tree = dict[str, tuple[int, bytes | str]]
HERE = Placement(target_dir=None, prefix=None, root=None, upgrade=False, user=None, break_system_packages=False)
# Loaded by a .pth file in the environment, so into the pip that works there.
HOOK = """
import os, sys, signal, threading
_who, _count, _below = os.environ.get("KILL_WHO"), int(os.environ.get("KILL_COUNT", "0")), os.environ.get("KILL_BELOW")
_changes = {"os.rename": 2, "os.remove": 1, "os.mkdir": 1, "os.rmdir": 1, "os.link": 2, "os.symlink": 2, "os.chmod": 1}
_seen = 0
def _hook(event, args):
    global _seen
    if event == "subprocess.Popen" and _who == "compiling" and any("compile_files" in str(word) for word in args[1]):
        threading.Timer(0.15, os.kill, [os.getpid(), signal.SIGKILL]).start()
    if event == "open":
        paths = [args[0]] if args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) else []
    else:
        paths = args[:_changes.get(event, 0)]
    if not any(isinstance(path, (str, bytes)) and os.fsdecode(path).startswith(_below) for path in paths):
        return
    _seen += 1
    if os.environ.get("KILL_TOLD"):
        os.write(2, f"STEP {_seen} {event} {paths}\\n".encode())
    if _seen != _count:
        return
    if _who == "full":
        raise OSError(28, "No space left on device")
    if _who in {"all", "orphan"}:
        os.kill(int(os.environ["KILL_SAFEPIP"]), signal.SIGKILL)
    if _who == "all":
        os.killpg(0, signal.SIGKILL)
    if _who in {"safepip", "pip"}:
        os.kill(os.getpid(), signal.SIGKILL)
"""


def receipt(step: Install, record: Sha256, byte_code: Mapping[str, Sha256]) -> bytes:  # noqa: ARG001
    return f"{step.pin.project} {record}".encode()


def interrupted(*_: Any) -> bytes:
    raise KeyboardInterrupt


def old_wheel(folder: Path) -> Wheel:
    files = {
        "demo/gone.py": b"x = 1\n",
        "demo/data/table.csv": b"1,2\n",
        "single.py": b"y = 2\n",
        "demo-1.0.data/data/share/demo/notes.txt": b"old\n",
        "demo-1.0.data/scripts/tool": b"#!python\nprint(1)\n",
        "shared/old.py": b"",
    }
    return wheel(folder, "demo", "1.0", files=files, scripts={"demo": "demo:main", "old": "demo:main"})


def new_wheel(folder: Path, *, requires: tuple[str, ...] = ("part",), modules: int = 0) -> Wheel:
    files = {
        **{f"demo/m{number}.py": b"x = [" + b"1, " * 2000 + b"]\n" for number in range(modules)},
        "demo/new.py": b"x = 3\n",
        "single.py": b"y = 3\n",
        "demo-2.0.data/data/share/demo/notes.txt": b"new\n",
        "demo-2.0.data/data/share/man/man1/demo.1": b"new\n",
        "shared/new.py": b"",
    }
    scripts = {"demo": "demo:main", "fresh": "demo:main"}
    return wheel(folder, "demo", "2.0", files=files, scripts=scripts, requires=requires)


def upgrade(environment: PythonEnvironment, wheels: Path) -> Plan:
    part, new = wheel(wheels, "part"), new_wheel(wheels)
    there = environment.installed().get(new.name.project)
    return plan(install(part, parent="demo"), install(new, replaces=there))


def furnish(site: Path) -> None:
    """What users and other programs leave in an environment, and what an undo must not lose or add."""
    package = site / "demo"
    (package / "mine.txt").write_text("kept")
    (package / "empty").mkdir()
    (package / "link.py").symlink_to("gone.py")
    (package / "deep" / "module.py").chmod(0o640)
    (site / "shared" / "others.py").write_text("z = 1\n")
    (site / "demo-1.0.dist-info" / "unlisted").write_text("kept")
    (site / "~eftover").mkdir()


def tree(folder: Path) -> Tree:
    """Every file, folder and link: its kind and mode, and what it holds."""
    found: Tree = {}
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(place, name)
            status = path.lstat()
            held: bytes | str = b""
            if stat.S_ISLNK(status.st_mode):
                held = str(path.readlink())
            elif stat.S_ISREG(status.st_mode):
                held = path.read_bytes()
            found[str(path.relative_to(folder))] = (status.st_mode, held)
    return found


def changes(before: Tree, after: Tree) -> list[str]:
    return sorted(name for name in {*before, *after} if before.get(name) != after.get(name))


def recover(python: Path, placement: Placement = HERE, *, patience: float = 20) -> list[str]:
    """What the next run is told."""
    said: list[str] = []
    environment = PythonEnvironment(python, placement, os.environ)
    with contextlib.closing(environment), locked_environment(environment, said.append, patience=patience):
        pass
    return said


def run(venv: Path, wheels: Path, who: str, count: int, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.unit.io.target.killing", str(venv), str(wheels), who, str(count)]
    environ = {**os.environ, **more}
    return subprocess.run(command, check=False, capture_output=True, text=True, env=environ, timeout=60)


def main(venv: Path, wheels: Path, who: str, count: int) -> None:
    watched = {"KILL_WHO": who, "KILL_COUNT": str(count), "KILL_BELOW": str(venv), "KILL_SAFEPIP": str(os.getpid())}
    environment = PythonEnvironment(venv / "bin" / "python", HERE, os.environ)
    environ = {**os.environ, **(watched if who not in {"safepip", "compiling"} else {})}
    workshop = venv.parent / "workshop"
    workshop.mkdir(exist_ok=True)
    said = Streams(out=print, err=lambda line: print(line, file=sys.stderr))
    plain = Forwarded(no_deps=False, force_reinstall=False, ignore_installed=False, extra=())
    with contextlib.closing(environment), locked_environment(environment, said.err):
        there = environment.installed()
        part, new = wheel(wheels, "part"), new_wheel(wheels, modules=500 if who == "compiling" else 0)
        replaced = there.get(new.name.project)
        pip = Pip(environment, plain, environ=environ, streams=said, workshop=workshop, byte_compile=True)
        if who in {"safepip", "compiling"} or os.environ.get("KILL_UNDO"):
            own = "compiling" if who == "compiling" else "safepip"
            os.environ.update({**watched, "KILL_WHO": own, "KILL_COUNT": os.environ.get("KILL_UNDO", str(count))})
            names: dict[str, object] = {}
            exec(HOOK, names)
            sys.addaudithook(names["_hook"])  # type: ignore[arg-type]
        pip.install(plan(install(part, parent="demo"), install(new, replaces=replaced)), receipt)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
