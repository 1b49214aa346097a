"""Delegation to a real pip, compared with what plain `pip install` leaves."""

from __future__ import annotations

import hashlib
import marshal
import os
import threading
import time
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from safepip import ports
from safepip.errors import PipFailed
from safepip.formats.record import parse_record
from safepip.io.receipts import RECEIPT, read_receipt
from safepip.model.artifact import Indexed, IndexPage, Offers, ProjectStatus, Status
from safepip.model.ident import ProjectName, Sha256, Url
from safepip.model.plan import Install
from tests.unit.io.target.conftest import HERE, PLAIN, Rigging, Venv, plain_pip
from tests.unit.io.target.wheels import Wheel, install, keep, listing, plan, wheel

SCRIPTS = {"demo": "demo:main", "demo.py": "demo:main"}
DATA = {
    "demo-1.0.data/scripts/tool": b"#!python\nprint(1)\n",
    "demo-1.0.data/data/share/demo/notes.txt": b"x = 1\n",
    "demo/broken.py": b"def (:\n",
    "demo/has, comma.txt": b"hello\n",
}


def receipt(step: Install, record: Sha256, byte_code: Mapping[str, Sha256]) -> bytes:  # noqa: ARG001
    return f"{step.pin.project} {record}".encode()


def indexed(of: Wheel) -> Indexed:
    claim = listing(of)
    page = IndexPage(
        index=claim.index,
        project=of.name.project,
        listings=(claim,),
        status=ProjectStatus(status=Status.ACTIVE, reason=None),
        offers=Offers(upload_time=False, provenance=False, core_metadata=False, status=False),
        skipped=(),
    )
    return Indexed(listing=claim, page=page)


def tree(venv: Venv) -> dict[str, bytes]:
    """Every file of the environment; of byte code what it does; and all of it without our receipts."""
    files = (path for path in venv.path.rglob("*") if path.is_file() and not path.is_symlink())
    return {str(path.relative_to(venv.path)): content(path) for path in files if path.name != RECEIPT}


def content(path: Path) -> bytes:
    if path.name == "RECORD":
        lines = path.read_bytes().splitlines(keepends=True)
        return b"".join(line for line in lines if RECEIPT.encode() not in line)
    return meaning(path) if path.suffix == ".pyc" else path.read_bytes()


def meaning(path: Path) -> bytes:
    """The kind of invalidation and the code; the time stamp differs, and so may the way that marshal shares objects."""
    body = path.read_bytes()
    code = marshal.loads(body[16:])
    return repr((body[:8], code.co_filename, code.co_names, code.co_code)).encode()


def difference(ours: dict[str, bytes], plain: dict[str, bytes]) -> dict[str, tuple[bytes | None, bytes | None]]:
    return {
        name: (ours.get(name), plain.get(name)) for name in sorted({*ours, *plain}) if ours.get(name) != plain.get(name)
    }


def both(
    venv: Venv, rig: Rigging, of: Wheel, *, named: str | None = None
) -> dict[str, tuple[bytes | None, bytes | None]]:
    """What differs between a plain install of a wheel by its path (or `named` from its folder) and ours."""
    origin = None if named is None else indexed(of)
    rig().pip.install(plan(install(of, origin=origin)), receipt)
    ours = tree(venv)
    venv.clear()
    asked = [str(of.path)] if named is None else ["--no-index", "--find-links", str(of.path.parent), named]
    plain_pip(venv, "install", "--no-cache-dir", *asked)
    return difference(ours, tree(venv))


class TestSameAsPlainPip:
    def test_a_wheel_named_by_path(self, venv: Venv, rig: Rigging, tmp_path: Path) -> None:
        of = wheel(tmp_path / "wheels", scripts=SCRIPTS, files=DATA)
        assert both(venv, rig, of) == {}
        assert (venv.library / "demo-1.0.dist-info" / "direct_url.json").is_file()
        assert (venv.library / "demo-1.0.dist-info" / "REQUESTED").is_file()

    def test_a_wheel_of_an_index(self, venv: Venv, rig: Rigging, tmp_path: Path) -> None:
        of = wheel(tmp_path / "wheels", scripts=SCRIPTS, files=DATA)
        assert both(venv, rig, of, named="demo") == {}
        assert not (venv.library / "demo-1.0.dist-info" / "direct_url.json").exists()

    def test_without_byte_code(self, venv: Venv, rig: Rigging, tmp_path: Path) -> None:
        of = wheel(tmp_path / "wheels")
        rig(byte_compile=False).pip.install(plan(install(of)), receipt)
        ours = tree(venv)
        venv.clear()
        plain_pip(venv, "install", "--no-cache-dir", "--no-compile", str(of.path))
        assert difference(ours, tree(venv)) == {}
        assert not [name for name in ours if name.endswith(".pyc")]

    def test_an_uninstall_takes_everything_along(self, venv: Venv, rig: Rigging, tmp_path: Path) -> None:
        empty = tree(venv)
        a_plan = plan(install(wheel(tmp_path / "wheels", scripts=SCRIPTS)))
        pip = rig().pip
        pip.install(a_plan, receipt)
        plain_pip(venv, "uninstall", "--yes", "demo")
        assert difference(tree(venv), empty) == {}


class TestPlans:
    def test_dependencies_are_not_requested(self, venv: Venv, rig: Rigging, tmp_path: Path) -> None:
        part = wheel(tmp_path / "wheels", "part")
        root = wheel(tmp_path / "wheels", "root", requires=["part"])
        rigged = rig()
        rigged.pip.install(plan(install(part, parent="root"), install(root)), receipt)
        assert (venv.library / "root-1.0.dist-info" / "REQUESTED").exists()
        assert not (venv.library / "part-1.0.dist-info" / "REQUESTED").exists()
        assert rigged.out == ["Installing collected packages: part, root", "Successfully installed part-1.0 root-1.0"]

    def test_upgrade_of_a_part_that_would_do(self, venv: Venv, rig: Rigging, tmp_path: Path) -> None:
        old = wheel(tmp_path / "wheels", "part", "1.0")
        new = wheel(tmp_path / "wheels", "part", "2.0")
        root = wheel(tmp_path / "wheels", "root", requires=["part"])
        venv.put(old)
        rigged = rig(byte_compile=False)
        there = rigged.environment.installed()[ProjectName.parse("part")]
        rigged.pip.install(plan(install(new, parent="root", replaces=there), install(root)), receipt)
        assert rigged.environment.refresh().versions() == {"part": "2.0", "root": "1.0"}
        assert "  Attempting uninstall: part" in rigged.out

    def test_a_part_missing_behind_a_kept_root(self, venv: Venv, rig: Rigging, tmp_path: Path) -> None:
        part = wheel(tmp_path / "wheels", "part")
        root = wheel(tmp_path / "wheels", "root", requires=["part"])
        venv.put(root)
        rigged = rig(byte_compile=False)
        there = rigged.environment.installed()[ProjectName.parse("root")]
        rigged.pip.install(plan(install(part, parent="root"), keep(root, there)), receipt)
        assert not (venv.library / "part-1.0.dist-info" / "REQUESTED").exists()
        assert rigged.out == ["Installing collected packages: part", "Successfully installed part-1.0"]

    def test_the_same_version_again_beside_kept_ones(self, venv: Venv, rig: Rigging, tmp_path: Path) -> None:
        part = wheel(tmp_path / "wheels", "part")
        root = wheel(tmp_path / "wheels", "root", requires=["part"])
        venv.put(part, root)
        rigged = rig(byte_compile=False)
        (venv.library / "part" / "__init__.py").write_text("altered")
        there = rigged.environment.installed()
        again = install(part, parent="root", replaces=there[ProjectName.parse("part")])
        rigged.pip.install(plan(again, keep(root, there[ProjectName.parse("root")])), receipt)
        assert (venv.library / "part" / "__init__.py").read_text() == "VERSION = '1.0'\n"
        assert not (venv.library / "part-1.0.dist-info" / "REQUESTED").exists()
        assert b"REQUESTED" not in (venv.library / "part-1.0.dist-info" / "RECORD").read_bytes()

    def test_a_local_version_gives_way_to_the_plain_one(self, venv: Venv, rig: Rigging, tmp_path: Path) -> None:
        venv.put(wheel(tmp_path / "wheels", "part", "1.0+patched"))
        rigged = rig(byte_compile=False)
        there = rigged.environment.installed()[ProjectName.parse("part")]
        rigged.pip.install(plan(install(wheel(tmp_path / "wheels", "part", "1.0"), replaces=there)), receipt)
        assert rigged.environment.refresh().versions() == {"part": "1.0"}

    def test_nothing_to_do_starts_no_pip(self, rig: Rigging) -> None:
        rigged = rig()
        rigged.pip.install(plan(), receipt)
        assert rigged.out == rigged.err == []


class TestElsewhere:
    def test_a_target_folder(self, venv: Venv, rig: Rigging, tmp_path: Path) -> None:
        folder = tmp_path / "into"
        rigged = rig(placement=replace(HERE, target_dir=folder))
        a_plan = plan(install(wheel(tmp_path / "wheels")))
        rigged.pip.install(a_plan, receipt)
        names = {row.path for row in parse_record((folder / "demo-1.0.dist-info" / "RECORD").read_bytes())}
        assert {name for name in names if not (folder / name).exists()} == set()
        assert any(name.endswith(".pyc") for name in names)
        assert list(venv.library.iterdir()) == []

    def test_what_a_target_folder_keeps_gets_no_receipt(self, rig: Rigging, tmp_path: Path) -> None:
        folder = tmp_path / "into"
        of = wheel(tmp_path / "wheels")
        with zipfile.ZipFile(of.path) as archive:
            archive.extractall(folder)
        a_plan = plan(install(of))
        rigged = rig(placement=replace(HERE, target_dir=folder))
        told = rigged.pip.install(a_plan, receipt)
        assert not (folder / "demo-1.0.dist-info" / RECEIPT).exists()
        assert any("already exists" in line for line in rigged.err)
        assert [line.split(":")[0] for line in told] == ["demo was there before, and pip left it as it was"]

    def test_a_prefix(self, rig: Rigging, venv: Venv, tmp_path: Path) -> None:
        rigged = rig(placement=replace(HERE, prefix=tmp_path / "prefix"))
        rigged.pip.install(plan(install(wheel(tmp_path / "wheels"))), receipt)
        library = tmp_path / "prefix" / venv.library.relative_to(venv.path)
        assert (library / "demo" / "__pycache__").is_dir()


class TestFailures:
    def test_altered_bytes_are_refused_before_anything_is_installed(
        self, venv: Venv, rig: Rigging, tmp_path: Path
    ) -> None:
        of = wheel(tmp_path / "wheels")
        rigged = rig()
        with pytest.raises(PipFailed) as caught:
            rigged.pip.install(plan(install(of, sha256=Sha256("a" * 64))), receipt)
        told = dict(caught.value.context)
        assert "DO NOT MATCH THE HASHES" in told["pip said"]
        assert told["changed"] == "nothing: the environment is as it was"
        assert list(venv.library.iterdir()) == []
        assert not [line for line in [*rigged.err, *rigged.out, told["pip said"]] if "stage" in line]

    def test_the_second_of_two_fails_and_the_first_is_undone(self, venv: Venv, rig: Rigging, tmp_path: Path) -> None:
        part = wheel(tmp_path / "wheels", "part")
        root = wheel(tmp_path / "wheels", "root", requires=["part"], scripts={"evil": "root"})
        with pytest.raises(PipFailed) as caught:
            rig().pip.install(plan(install(part, parent="root"), install(root)), receipt)
        told = dict(caught.value.context)
        assert told["changed"] == "nothing: the environment is as it was"
        assert list(venv.library.iterdir()) == []
        assert "callable suffix is required" in told["pip said"]

    def test_a_hostile_entry_point_is_one_clean_error(self, rig: Rigging, tmp_path: Path) -> None:
        of = wheel(tmp_path / "wheels", scripts={"e\x1b[31mX": "m:f", "ok": "demo:main"})
        rigged = rig()
        with pytest.raises(PipFailed) as caught:
            rigged.pip.install(plan(install(of)), receipt)
        told = dict(caught.value.context)
        lines = [*rigged.out, *rigged.err, *told["pip said"].split("\n")]
        assert not [line for line in lines if not line.isprintable() or "Traceback" in line or "File " in line]
        [error] = rigged.err
        assert error.startswith("ERROR: ")
        assert r"'e\x1b[31mX = m:f'" in error
        assert told["pip said"] == error
        assert told["changed"] == "nothing: the environment is as it was"

    def test_a_listener_that_breaks_leaves_no_half_installation(self, venv: Venv, rig: Rigging, tmp_path: Path) -> None:
        rigged = rig()

        def gone(line: str) -> None:
            raise BrokenPipeError(line)

        rigged.pip._streams = replace(rigged.pip._streams, out=gone)
        with pytest.raises(BrokenPipeError):
            rigged.pip.install(plan(install(wheel(tmp_path / "wheels"))), receipt)
        assert list(venv.library.iterdir()) == []

    def test_the_stage_is_gone_afterwards(self, rig: Rigging, tmp_path: Path) -> None:
        rig().pip.install(plan(install(wheel(tmp_path / "wheels"))), receipt)
        assert list((tmp_path / "workshop").iterdir()) == []

    def test_an_interrupt_waits_for_pip(self, venv: Venv, rig: Rigging, tmp_path: Path) -> None:
        many = {f"demo/m{number}.py": b"x = 1\n" for number in range(12_000)}
        of = wheel(tmp_path / "wheels", files=many)
        rigged = rig(byte_compile=False)
        said = threading.Event()
        out = rigged.out.append

        def interrupt() -> None:
            said.wait(20)
            time.sleep(0.05)
            os.kill(os.getpid(), 2)

        thread = threading.Thread(target=interrupt)

        def listen(line: str) -> None:
            out(line)
            if line.startswith("Installing"):
                said.set()

        rigged.pip._streams = replace(rigged.pip._streams, out=listen)
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            rigged.pip.install(plan(install(of)), receipt)
        thread.join()
        assert rigged.err[-1] == "What had been begun is undone: the environment is as it was."
        assert list(venv.library.iterdir()) == []
        assert not any("cancelled" in line for line in rigged.err)  # whoever is interrupted says it, once
        assert list((tmp_path / "workshop").iterdir()) == []  # pip had ended, or the stage could not be gone


class TestReceipts:
    def test_a_receipt_is_listed_and_speaks_of_record_without_itself(
        self, venv: Venv, rig: Rigging, tmp_path: Path
    ) -> None:
        a_plan = plan(install(wheel(tmp_path / "wheels")))
        pip = rig().pip
        pip.install(a_plan, receipt)
        info = venv.library / "demo-1.0.dist-info"
        plain = hashlib.sha256(content(info / "RECORD")).hexdigest()
        found = read_receipt(info)
        assert found is not None
        assert found.body == f"demo {plain}".encode()
        assert found.record == plain
        assert found.listed

    def test_the_url_of_a_direct_wheel_shows_no_password(self, venv: Venv, rig: Rigging, tmp_path: Path) -> None:
        of = wheel(tmp_path / "wheels")
        url = Url(f"https://user:secret@files.example/{of.name}#sha256={of.sha256}")
        rig(byte_compile=False).pip.install(plan(install(of, local=url)), receipt)
        written = (venv.library / "demo-1.0.dist-info" / "direct_url.json").read_text()
        assert "secret" not in written
        assert f"https://files.example/{of.name}" in written


def test_the_ports_are_answered(rig: Rigging) -> None:
    """Checked by mypy; here only that these are the objects that the program is put together from."""
    rigged = rig()
    installer: ports.Installer = rigged.pip
    environment: ports.Environment = rigged.environment
    assert callable(installer.install)
    assert environment.target().python.major == 3


def test_ignoring_what_is_installed(venv: Venv, rig: Rigging, tmp_path: Path) -> None:
    of = wheel(tmp_path / "wheels")
    venv.put(of)
    (venv.library / "demo" / "__init__.py").write_text("altered")
    rigged = rig(byte_compile=False, forwarded=replace(PLAIN, ignore_installed=True))
    rigged.pip.install(plan(install(of)), receipt)
    assert (venv.library / "demo" / "__init__.py").read_text() == "VERSION = '1.0'\n"
