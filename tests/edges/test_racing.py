"""Somebody writes while safepip works: another user gets nowhere, and what the same user does is found afterwards."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.command import Command, Result
from tests.unit.io.target.killing import changes, tree
from tests.world import World, WorldServer

NOBODY = 65534
MANY = {f"{{}}/m{number}.py": b"x = 1\n" for number in range(1500)}

# Run as root, and then as nobody: to write, replace, link and remove wherever it gets to below a folder.
INTRUDER = f"""
import os, select, sys
os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})
tried, done = 0, []
while not select.select([0], [], [], 0)[0]:
    known = (sys.argv[1], ["safepip", "safepip/files", "safepip/files/tmp", "safepip/files/sha256"], [])
    for place, folders, files in (known, *os.walk(sys.argv[1])):
        for name in [*folders, *files, "evil"]:
            path = os.path.join(place, name)
            for what in (lambda: os.close(os.open(path, os.O_WRONLY | os.O_CREAT)), lambda: os.rename(path, path + "~"),
                         lambda: os.symlink("/etc/passwd", path + ".link"), lambda: os.mkdir(path + ".folder"),
                         lambda: os.link(path, path + ".hard"), lambda: os.chmod(path, 0o777)):
                tried += 1
                try:
                    what()
                except OSError:
                    continue
                done.append(path)
print(tried, done)
"""


@pytest.fixture
def world() -> World:
    world = World()
    world.publish("large", "1.0", files={name.format("large"): body for name, body in MANY.items()})
    world.publish("web", "1.0", requires=["large"], files={"web/__init__.py": b"judged\n"})
    world.publish("small", "1.0", files={"small/__init__.py": b"judged\n"})
    files = {name.format("top"): body for name, body in MANY.items()}
    world.publish("top", "1.0", requires=["small"], files=files)
    return world


@pytest.fixture
def safepip(command: Command, world: World) -> Iterator[Command]:
    with WorldServer(world) as server:
        variables = {"PIP_INDEX_URL": server.index().reveal()}
        yield Command(environment=command.environment, folder=command.folder, variables=variables)


def while_running(safepip: Command, wanted: str, act: Callable[[], bool]) -> Result:
    """Install, and call `act` again and again until it has done what it wants."""
    results: list[Result] = []
    thread = threading.Thread(target=lambda: results.append(safepip(wanted)))
    thread.start()
    acted = False
    while thread.is_alive():
        acted = acted or act()
        time.sleep(0.001)
    thread.join()
    assert acted
    [result] = results
    assert "Traceback" not in result.stderr
    return result


def swapped(original: bytes) -> bytes:
    """A wheel of the same name and version, with other bytes and one more file that Python would run by itself."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(original)) as old, zipfile.ZipFile(stream, "w") as new:
        for name in old.namelist():
            new.writestr(name, b"evil\n" if name == "web/__init__.py" else old.read(name))
        new.writestr("evil.pth", b"import os\n")
        new.writestr("evil/module.py", b"")
    return stream.getvalue()


@pytest.mark.parametrize("way", ["replace", "rewrite"])
def test_the_staged_wheel_is_swapped_after_pip_has_hashed_it(safepip: Command, way: str) -> None:
    before = tree(safepip.environment)
    cache = safepip.folder / "home" / "cache"

    def swap() -> bool:
        if not (safepip.site / "large" / "m10.py").exists():  # pip hashes everything before it installs anything
            return False
        [staged] = cache.glob("**/safepip-stage-*/wheels/web-*.whl")
        evil = swapped(staged.read_bytes())
        if way == "replace":
            (safepip.folder / "evil.whl").write_bytes(evil)
            (safepip.folder / "evil.whl").replace(staged)
        else:
            staged.write_bytes(evil)
        return True

    result = while_running(safepip, "web", swap)
    assert result.exit == 1, result
    assert result.report is not None
    assert [error["reference"] for error in result.report["errors"]] == ["installed-differs"]
    assert "web/__init__.py" in result.stderr
    assert f"added: {safepip.site}/evil.pth" in result.stderr
    assert "web-1.0.dist-info/RECORD" in result.stderr
    assert "the environment is as it was" in result.stderr
    assert changes(before, tree(safepip.environment)) == []
    again = safepip("web")  # the store, whose bytes may have been rewritten, is hashed anew
    assert again.exit == 0, again.stderr
    assert (safepip.site / "web" / "__init__.py").read_bytes() == b"judged\n"


def test_an_installed_file_is_altered_right_after_pip_wrote_it(safepip: Command) -> None:
    before = tree(safepip.environment)
    target = safepip.site / "small" / "__init__.py"

    def alter() -> bool:
        if not (safepip.site / "top" / "m10.py").exists():
            return False
        target.write_bytes(b"evil\n")
        return True

    result = while_running(safepip, "top", alter)
    assert result.exit == 1, result
    assert f"altered: {target}" in result.stderr
    assert "small 1.0" in result.stderr
    assert changes(before, tree(safepip.environment)) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a program as another user")
@pytest.mark.parametrize("mask", [0o022, 0])
def test_another_user_gets_nowhere(bare_environment: Path, world: World, mask: int) -> None:
    base = Path(tempfile.mkdtemp(prefix="safepip-race-"))
    before = os.umask(mask)
    try:
        base.chmod(0o755)
        shutil.copytree(bare_environment, base / "environment", symlinks=True)
        (base / "home").mkdir(mode=0o755)
        # With such a mask pip makes what it installs open to all.
        attacked = base / "home" / "cache" if mask == 0 else base
        with WorldServer(world) as server:
            safepip = Command(
                environment=base / "environment", folder=base, variables={"PIP_INDEX_URL": server.index().reveal()}
            )
            intruder = subprocess.Popen(
                [sys.executable, "-c", INTRUDER, str(attacked)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            result = safepip("top")
            told, _ = intruder.communicate("", timeout=60)
        tried, _, done = told.strip().partition(" ")
        assert result.exit == 0, result.stderr
        assert int(tried) > 100
        assert done == "[]"
        assert (safepip.site / "small" / "__init__.py").read_bytes() == b"judged\n"
    finally:
        os.umask(before)
        shutil.rmtree(base)


@pytest.mark.skipif(os.geteuid() != 0, reason="the warning is about folders that others could write to")
def test_a_cache_below_a_folder_that_all_may_write_is_not_used(safepip: Command, tmp_path: Path) -> None:
    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    result = safepip("small", "--cache-dir", str(open_to_all / "cache"))
    assert result.exit == 0, result.stderr
    assert "The cache has been disabled" in result.stderr
    assert not list(open_to_all.glob("cache/files/*"))
