"""The ledger on a real disk, with real other processes."""

from __future__ import annotations

import fcntl
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from safepip.errors import BadInput, EnvironmentFault
from safepip.formats.ledger import parse_ledger, render_ledger
from safepip.io import ledger as under_test
from safepip.io.ledger import LedgerFile, LedgerPlace, begin, same_publisher
from safepip.model.ident import FileName, Url
from safepip.model.ledger import Sighting
from safepip.model.publisher import Identity
from tests.factories import INDEX, NOW
from tests.unit.checks.test_attestation_check import WHO

ROOT = Path(__file__).resolve().parents[3]


def sighting(
    project: str = "demo", who: Identity = WHO, *, file: str = "-1.0-py3-none-any.whl", only_here: bool = False
) -> Sighting:
    return Sighting(
        index=INDEX, file=FileName.parse(f"{project}{file}"), uploaded=NOW, identity=who, only_here=only_here
    )


def state(folder: Path) -> LedgerFile:
    path = folder / "state" / "safepip" / "publishers.toml"
    return LedgerFile(LedgerPlace(path=path, shown="state", project=False), lambda: NOW, patience=0.2)


def of_project(folder: Path, *, made: bool = True) -> LedgerFile:
    path = folder / "safepip-publishers.toml"
    if made:
        begin(path)
    return LedgerFile(LedgerPlace(path=path, shown=path.name, project=True), lambda: NOW, patience=0.2)


def there(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def projects(ledger: LedgerFile) -> list[str]:
    return sorted(one.project for one in parse_ledger(ledger.place.path.read_bytes(), "ledger"))


def test_the_first_use_is_remembered(tmp_path: Path) -> None:
    [note] = state(tmp_path).record([sighting()])
    assert "1 publisher of first use" in note
    assert "safepip trust init" in note
    found = state(tmp_path).recorded(INDEX, FileName.parse("demo-2.0-py3-none-any.whl"))
    assert found is not None
    assert found.publisher is not None
    assert (found.publisher.repository, found.file.text) == (WHO.repository, "demo-1.0-py3-none-any.whl")
    assert (found.uploaded, found.recorded_at) == (NOW, NOW)


def test_the_state_is_nobody_elses(tmp_path: Path) -> None:
    ledger = state(tmp_path)
    ledger.record([sighting()])
    assert stat.S_IMODE(ledger.place.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(ledger.place.path.parent.stat().st_mode) == 0o700


def test_what_a_checkout_said_itself_is_remembered_there_alone(tmp_path: Path) -> None:
    """Its own pin, lock or trusted root must not say who is believed in other projects."""
    assert state(tmp_path).record([sighting(only_here=True)]) == ()
    assert not state(tmp_path).place.path.exists()
    assert of_project(tmp_path).record([sighting(only_here=True)])
    assert projects(of_project(tmp_path, made=False)) == ["demo"]


def test_only_the_first_run_speaks(tmp_path: Path) -> None:
    state(tmp_path).record([sighting()])
    assert state(tmp_path).record([sighting()]) == ()
    assert state(tmp_path).record([sighting("other")]) == ()


def test_each_index_and_kind_is_remembered_by_itself(tmp_path: Path) -> None:
    state(tmp_path).record([sighting()])
    known = state(tmp_path)
    assert known.recorded(INDEX, FileName.parse("demo-1.0.tar.gz")) is None
    assert known.recorded(Url("https://other.example/simple"), FileName.parse("demo-1.0-py3-none-any.whl")) is None
    secret = Url("https://user:geheim@index.example/simple")
    assert known.recorded(secret, FileName.parse("demo-1.0-py3-none-any.whl")) is not None


def test_no_password_is_written(tmp_path: Path) -> None:
    ledger = state(tmp_path)
    ledger.record([replace(sighting(), index=Url("https://user:geheim@index.example/simple?token=geheim"))])
    assert b"geheim" not in ledger.place.path.read_bytes()


def test_the_first_stays(tmp_path: Path) -> None:
    """Recording never replaces, whatever it is given."""
    state(tmp_path).record([sighting()])
    before = state(tmp_path).place.path.read_bytes()
    assert state(tmp_path).record([sighting(who=replace(WHO, repository="evil/demo"))]) == ()
    assert state(tmp_path).place.path.read_bytes() == before


def test_another_publisher_of_a_run_beside_this_one_is_told(tmp_path: Path) -> None:
    late = state(tmp_path)
    late.check()
    state(tmp_path).record([sighting(who=replace(WHO, repository="evil/demo", repository_id="9"))])
    [note] = late.record([sighting()])
    assert "evil/demo" in note
    assert "the first stays" in note
    assert b"evil/demo" in late.place.path.read_bytes()


def test_the_same_publisher_of_a_run_beside_this_one_is_nothing_to_tell(tmp_path: Path) -> None:
    late = state(tmp_path)
    late.check()
    state(tmp_path).record([sighting(who=replace(WHO, ref="refs/tags/v0.9"))])
    assert late.record([sighting()]) == ()


def test_a_publisher_that_has_no_line_is_told_and_the_others_kept(tmp_path: Path) -> None:
    unknown = replace(WHO, kind="unknown", repository=None, workflow=None)
    notes = state(tmp_path).record([sighting("odd", unknown), sighting()])
    assert "odd-1.0-py3-none-any.whl" in notes[0]
    assert projects(state(tmp_path)) == ["demo"]


# -- a project's file ------------------------------------------------------------------------------------------------


def test_a_projects_file_is_added_to_and_told(tmp_path: Path) -> None:
    ledger = of_project(tmp_path)
    ledger.place.path.chmod(0o664)
    [note] = ledger.record([sighting()])
    assert note == "safepip-publishers.toml has 1 publisher more (demo): review and commit it"
    assert stat.S_IMODE(ledger.place.path.stat().st_mode) == 0o664
    assert there(tmp_path) == ["safepip-publishers.toml"]


def test_a_projects_file_that_is_gone_is_not_made_again(tmp_path: Path) -> None:
    ledger = of_project(tmp_path)
    ledger.check()
    ledger.place.path.unlink()
    with pytest.raises(EnvironmentFault, match="has gone meanwhile"):
        ledger.record([sighting()])
    assert there(tmp_path) == []


def test_a_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    begin(tmp_path / "real" / "ledger.toml")
    link = tmp_path / "safepip-publishers.toml"
    link.symlink_to(Path("real") / "ledger.toml")
    of_project(tmp_path, made=False).record([sighting()])
    assert link.is_symlink()
    assert b"acme/demo" in (tmp_path / "real" / "ledger.toml").read_bytes()


def test_a_link_that_leads_nowhere_stops_the_run(tmp_path: Path) -> None:
    (tmp_path / "safepip-publishers.toml").symlink_to("nowhere")
    with pytest.raises(BadInput, match="leads nowhere"):
        of_project(tmp_path, made=False).check()


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_what_is_no_file_stops_the_run_and_does_not_hang_it(tmp_path: Path, make: object) -> None:
    make(tmp_path / "safepip-publishers.toml")  # type: ignore[operator]
    with pytest.raises(BadInput, match="it is no regular file"):
        of_project(tmp_path, made=False).check()


def test_a_second_ledger_is_not_begun(tmp_path: Path) -> None:
    ledger = of_project(tmp_path)
    with pytest.raises(FileExistsError):
        begin(ledger.place.path)


# -- what cannot be read or written ----------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"", b"schema = 1\n[[publ", b"\xff", b"<<<<<<< HEAD\n", b"schema = 2\n"])
def test_a_broken_ledger_stops_the_run_and_is_never_overwritten(tmp_path: Path, body: bytes) -> None:
    path = state(tmp_path).place.path
    path.parent.mkdir(parents=True)
    path.write_bytes(body)
    for act in (LedgerFile.check, lambda one: one.record([sighting()]), lambda one: one.change(lambda _: {})):
        with pytest.raises(BadInput) as caught:
            act(state(tmp_path))
        assert caught.value.reference == "ledger-file"
    assert path.read_bytes() == body


def test_one_that_broke_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    ledger = of_project(tmp_path)
    ledger.check()
    ledger.place.path.write_bytes(b"broken")
    with pytest.raises(BadInput):
        ledger.record([sighting()])
    assert ledger.place.path.read_bytes() == b"broken"


def test_a_barred_place_knows_nothing_and_says_so_once(tmp_path: Path) -> None:
    place = LedgerPlace(path=tmp_path / "x", shown="x", project=False, barred="this user has no home folder")
    ledger = LedgerFile(place, lambda: NOW)
    ledger.check()
    assert ledger.recorded(INDEX, sighting().file) is None
    with pytest.raises(EnvironmentFault) as caught:
        ledger.record([sighting(), sighting("other")])
    assert "2 publishers of first use cannot be remembered" in caught.value.message
    assert "no home folder" in caught.value.message


@contextmanager
def unwritable(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Root may write anywhere, so what the system would answer another user is put in its mouth."""
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != folder and real(path, mode))
    yield
    monkeypatch.undo()


def test_a_read_only_state_folder_is_told_with_the_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with unwritable(tmp_path, monkeypatch), pytest.raises(EnvironmentFault) as caught:
        state(tmp_path).record([sighting()])
    assert "1 publisher of first use cannot be remembered" in caught.value.message
    assert there(tmp_path) == []


@pytest.mark.parametrize("what", ["folder", "file"])
def test_a_read_only_project_names_what_would_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    ledger = of_project(tmp_path)
    before = ledger.place.path.read_bytes()
    place = tmp_path if what == "folder" else ledger.place.path
    with unwritable(place, monkeypatch), pytest.raises(EnvironmentFault) as caught:
        ledger.record([sighting()])
    assert "demo (wheel) github:acme/demo/release.yml" in caught.value.message
    assert ledger.place.path.read_bytes() == before


def test_a_full_disk_leaves_the_old_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = of_project(tmp_path)
    before = ledger.place.path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(under_test, "write_whole", full)
    with pytest.raises(EnvironmentFault, match="No space left on device"):
        ledger.record([sighting()])
    assert ledger.place.path.read_bytes() == before


# -- other runs ------------------------------------------------------------------------------------------------------

WRITER = """
import sys
from dataclasses import replace
from pathlib import Path
from tests.unit.io.test_ledger_file import sighting
from safepip.io.ledger import LedgerFile, LedgerPlace
from tests.factories import NOW
path, project, names = Path(sys.argv[1]), sys.argv[2] == "project", sys.argv[3:]
print("ready", flush=True)
sys.stdin.readline()
for name in names:
    ledger = LedgerFile(LedgerPlace(path=path, shown="ledger", project=project), lambda: NOW, patience=60)
    ledger.record([sighting(name)])
"""


def writer(path: Path, kind: str, names: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), kind, *names],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def start(processes: list[subprocess.Popen[str]]) -> None:
    for one in processes:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in processes:
        assert one.stdin is not None
        one.stdin.write("\n")
        one.stdin.flush()


def end(process: subprocess.Popen[str]) -> int:
    with process:
        return process.wait(60)


@pytest.mark.parametrize("kind", ["state", "project"])
def test_of_many_writers_none_loses_anything(tmp_path: Path, kind: str) -> None:
    ledger = of_project(tmp_path) if kind == "project" else state(tmp_path)
    names = [[f"p{number}x{step}" for step in range(8)] for number in range(6)]
    processes = [writer(ledger.place.path, kind, mine) for mine in names]
    start(processes)
    assert [end(one) for one in processes] == [0] * 6
    assert projects(ledger) == sorted(name for mine in names for name in mine)


def test_killed_at_any_moment_it_is_the_old_text_or_the_new_one(tmp_path: Path) -> None:
    ledger = of_project(tmp_path)
    before = 0
    for step in range(12):
        process = writer(ledger.place.path, "project", [f"p{step}x{number}" for number in range(200)])
        start([process])
        time.sleep(0.004 * step)
        process.send_signal(signal.SIGKILL)
        end(process)
        now = projects(ledger)  # it parses
        assert len(now) >= before
        before = len(now)
    assert before > 0
    of_project(tmp_path, made=False).record([sighting("last")])
    assert projects(ledger) == sorted([*now, "last"])
    assert there(tmp_path) == ["safepip-publishers.toml"]  # and what the killed ones left is swept


def test_a_run_that_never_lets_go_is_not_waited_for_without_end(tmp_path: Path) -> None:
    ledger = of_project(tmp_path)
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with pytest.raises(EnvironmentFault) as caught:
            ledger.record([sighting()])
    finally:
        os.close(descriptor)
    assert caught.value.reference == "ledger-busy"
    assert ledger.place.path.read_bytes() == render_ledger(())


def test_a_place_that_cannot_be_locked_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As folders of some network file systems."""

    def refused(*_: object) -> None:
        raise OSError(9, "Bad file descriptor")

    monkeypatch.setattr(fcntl, "flock", refused)
    ledger = of_project(tmp_path)
    with pytest.raises(EnvironmentFault, match="cannot be locked: Bad file descriptor"):
        ledger.record([sighting()])


def test_a_planted_lock_link_is_not_followed(tmp_path: Path) -> None:
    ledger = state(tmp_path)
    ledger.place.path.parent.mkdir(parents=True)
    lock = ledger.place.path.with_name("publishers.toml.lock")
    lock.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EnvironmentFault):
        ledger.record([sighting()])
    assert not (tmp_path / "elsewhere").exists()


def test_what_another_run_has_added_already_is_not_told_as_ours(tmp_path: Path) -> None:
    late = of_project(tmp_path)
    late.check()
    of_project(tmp_path, made=False).record([sighting()])
    before = late.place.path.stat().st_ino
    assert late.record([sighting()]) == ()
    assert late.place.path.stat().st_ino == before


def test_only_what_an_ended_run_left_is_swept(tmp_path: Path) -> None:
    ledger = of_project(tmp_path)
    leftover = tmp_path / ".safepip-publishers.toml.0123456789ab~"
    mine = tmp_path / ".safepip-publishers.toml.mine~"
    leftover.touch()
    mine.touch()
    ledger.record([sighting()])
    assert there(tmp_path) == [mine.name, "safepip-publishers.toml"]


# -- a person's change -----------------------------------------------------------------------------------------------


def test_a_change_is_made_of_what_is_there_now(tmp_path: Path) -> None:
    ledger = state(tmp_path)
    ledger.check()
    state(tmp_path).record([sighting(), sighting("other")])
    ledger.change(lambda old: {key: one for key, one in old.items() if one.project != "demo"})
    assert projects(ledger) == ["other"]


def test_a_change_of_nothing_writes_nothing(tmp_path: Path) -> None:
    ledger = of_project(tmp_path)
    before = ledger.place.path.stat()
    ledger.change(lambda old: old)
    assert ledger.place.path.stat().st_ino == before.st_ino


def test_a_change_that_is_refused_changes_nothing(tmp_path: Path) -> None:
    ledger = of_project(tmp_path)

    def refuse(_: object) -> dict[object, object]:
        raise BadInput("not-recorded", "no")

    with pytest.raises(BadInput):
        ledger.change(refuse)  # type: ignore[arg-type]
    assert ledger.place.path.read_bytes() == render_ledger(())


def test_what_stays_the_same_from_release_to_release() -> None:
    ledger = LedgerFile(LedgerPlace(path=Path("x"), shown="x", project=False), lambda: NOW)

    def pin(**changes: str) -> object:
        record = ledger.record_of(sighting(who=replace(WHO, **changes)))
        assert record is not None
        return record.publisher

    assert same_publisher(pin(), pin(ref="refs/tags/v9", environment="release", runner="self-hosted"))  # type: ignore[arg-type]
    assert not same_publisher(pin(), pin(workflow="other.yml"))  # type: ignore[arg-type]
    assert not same_publisher(pin(), None)  # type: ignore[arg-type]
