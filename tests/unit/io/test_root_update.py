"""An update through TUF: what it brings, what it refuses, and that it leaves the old state where it fails."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from safepip.errors import BadInput, EnvironmentFault, Malformed, NetworkFault, Refused, SafepipError
from safepip.io.http import Http, HttpSettings
from safepip.io.pools import Proxies
from safepip.io.rootfolder import RootFolder
from safepip.io.rootstate import RootState, parse_state, verify_state
from safepip.io.rootupdate import update
from tests.sigstore.local import LocalSigstore
from tests.tuf.repository import LocalRepository
from tests.tuf.server import TufServer
from tests.world.server import Fault

NOW = datetime.now(timezone.utc).replace(microsecond=0)
LONG_AGO = NOW - timedelta(days=100)
OLD_ROOT = LocalSigstore.create(NOW).trusted_root_json()
NEW_ROOT = LocalSigstore.create(NOW).trusted_root_json()


def http(*, patience: float = 10.0) -> Http:
    settings = HttpSettings(
        timeout=5.0,
        patience=patience,
        retries=0,
        backoff=0.01,
        certificates=None,
        client_certificate=None,
        proxies=Proxies(explicit=None, from_environment=False),
        authorities=(),
        use_netrc=False,
        user_agent="safepip/test",
    )
    return Http(settings)


@pytest.fixture
def server() -> Iterator[TufServer]:
    with TufServer(LocalRepository(OLD_ROOT)) as running:
        yield running


def updated(server: TufServer, before: RootState | None = None, *, bootstrap: bytes | None = None) -> RootState:
    return update(http(), server.url, bootstrap or server.repository.bootstrap, before, NOW)


def refusal(server: TufServer, before: RootState | None = None) -> SafepipError:
    with pytest.raises(SafepipError) as caught:
        updated(server, before)
    return caught.value


def test_an_update_brings_the_root_and_what_vouches_for_it(server: TufServer) -> None:
    state = updated(server)
    assert state.trusted_root == OLD_ROOT
    assert state.updated == NOW
    verify_state(parse_state(state.render()), server.repository.bootstrap)


def test_the_next_update_brings_the_next_root(server: TufServer) -> None:
    before = updated(server)
    server.repository.publish(NEW_ROOT)
    assert updated(server, before).trusted_root == NEW_ROOT


def test_an_update_without_news_takes_one_file_and_not_all(server: TufServer) -> None:
    before = updated(server)
    server.paths.clear()
    assert updated(server, before).trusted_root == OLD_ROOT
    assert "1.snapshot.json" not in server.paths
    assert "timestamp.json" in server.paths


def test_roots_may_rotate_their_keys(server: TufServer) -> None:
    before = updated(server)
    server.repository.rotate(LocalRepository(OLD_ROOT).keys)
    server.repository.rotate(LocalRepository(OLD_ROOT).keys)
    server.repository.publish(NEW_ROOT)
    state = updated(server, before)
    assert state.trusted_root == NEW_ROOT
    assert state.root_version() == 3
    verify_state(state, server.repository.bootstrap)
    verify_state(state, server.repository.files["3.root.json"])  # as after an upgrade that ships a newer one


def test_a_rotation_that_the_old_keys_did_not_sign_is_refused(server: TufServer) -> None:
    stolen = LocalRepository(NEW_ROOT).keys
    server.repository.rotate(stolen, signers=(stolen["root"],))
    server.repository.publish(NEW_ROOT)
    assert refusal(server).reference == "trust-update-refused"


def test_what_begins_with_another_root_is_refused(server: TufServer) -> None:
    with pytest.raises(Refused):
        updated(server, bootstrap=LocalRepository(OLD_ROOT).bootstrap)


@pytest.mark.parametrize("bootstrap", [b"", b"{}", b"[]", b'{"signed": {}}', b'{"signed":{"_type":"root"}}', b"\xff"])
def test_a_bootstrap_that_is_none_is_refused(server: TufServer, bootstrap: bytes) -> None:
    with pytest.raises(Refused):
        update(http(), server.url, bootstrap, None, NOW)


def test_a_rollback_is_refused(server: TufServer) -> None:
    early = dict(server.repository.files)
    server.repository.publish(NEW_ROOT)
    before = updated(server)
    server.repository.files.update(early)
    assert "version" in str(refusal(server, before).context)


def test_a_rollback_of_the_snapshot_alone_is_refused(server: TufServer) -> None:
    server.repository.publish(NEW_ROOT)
    before = updated(server)
    server.repository.version = 0
    timestamp = server.repository.files["timestamp.json"]
    server.repository.publish(OLD_ROOT)  # version 1 again
    assert server.repository.files["timestamp.json"] != timestamp
    assert refusal(server, before).reference == "trust-update-refused"


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets"])
def test_what_has_expired_is_refused(server: TufServer, role: str) -> None:
    """A freeze is the same: whoever serves an old state for ever runs into its expiry."""
    server.repository.expires[role] = LONG_AGO
    server.repository.publish(NEW_ROOT)
    error = refusal(server)
    assert error.reference == "trust-update-refused"
    assert "expired" in str(error.context)


def test_an_expired_root_is_refused_unless_a_newer_one_follows(server: TufServer) -> None:
    server.repository.expires["root"] = LONG_AGO
    server.repository.rotate(server.repository.keys)
    server.repository.publish(NEW_ROOT)
    assert "expired" in str(refusal(server).context)
    server.repository.expires.clear()
    server.repository.rotate(server.repository.keys)
    assert updated(server).trusted_root == NEW_ROOT


def test_a_freeze_is_refused_once_the_old_time_stamp_has_run_out(server: TufServer) -> None:
    before = updated(server)
    frozen = server.repository.files["timestamp.json"]
    server.repository.expires["timestamp"] = LONG_AGO
    server.repository.publish(OLD_ROOT)
    assert frozen != server.repository.files["timestamp.json"]
    assert "expired" in str(refusal(server, before).context)


def test_a_changed_target_is_refused(server: TufServer) -> None:
    server.repository.files[server.repository.target_path] = NEW_ROOT
    assert refusal(server).reference == "trust-update-refused"


@pytest.mark.parametrize("path", ["timestamp.json", "1.snapshot.json", "1.targets.json"])
def test_changed_metadata_is_refused(server: TufServer, path: str) -> None:
    document = json.loads(server.repository.files[path])
    document["signed"]["version"] += 1
    server.repository.files[path] = json.dumps(document).encode()
    assert refusal(server).reference == "trust-update-refused"


@pytest.mark.parametrize("path", ["timestamp.json", "1.snapshot.json", "1.targets.json", "2.root.json"])
@pytest.mark.parametrize("body", [b"", b"null", b"{}", b"[]", b"\xff\xfe", b'{"signed":{"_type":"root","keys":1}}'])
def test_garbage_is_refused(server: TufServer, path: str, body: bytes) -> None:
    server.faults[path] = Fault(body=body, status=200)
    assert refusal(server).reference == "trust-update-refused"


def test_metadata_of_another_role_is_refused(server: TufServer) -> None:
    server.repository.files["timestamp.json"] = server.repository.files["1.targets.json"]
    assert refusal(server).reference == "trust-update-refused"


@pytest.mark.parametrize("path", ["timestamp.json", "2.snapshot.json", "2.targets.json", "target", "2.root.json"])
def test_an_interrupted_update_leaves_the_old_state(server: TufServer, tmp_path: Path, path: str) -> None:
    folder = RootFolder(tmp_path)
    before = updated(server)
    with folder.alone(server.url):
        place = folder.save(before)
    server.repository.publish(NEW_ROOT)
    path = server.repository.target_path if path == "target" else path
    server.faults[path] = Fault(drop=True) if path == "2.root.json" else Fault(truncate=20)
    with folder.alone(server.url), pytest.raises(NetworkFault):
        folder.save(updated(server, before))
    assert [one.name for one in sorted(folder.path.iterdir())] == sorted([place.name, place.with_suffix(".lock").name])
    assert folder.load(server.url, "update") == before


def test_endless_data_is_cut(server: TufServer) -> None:
    server.endless.add("timestamp.json")
    assert refusal(server).reference == "response-too-large"


def test_a_slow_drip_is_cut(server: TufServer) -> None:
    server.faults["timestamp.json"] = Fault(drip=0.02)
    with pytest.raises(NetworkFault) as caught:
        update(http(patience=0.3), server.url, server.repository.bootstrap, None, NOW)
    assert caught.value.reference == "response-too-slow"


@pytest.mark.parametrize(
    ("status", "reference"), [(404, "trust-update-missing"), (403, "forbidden"), (500, "index-failing")]
)
def test_a_status_is_told(server: TufServer, status: int, reference: str) -> None:
    server.faults["timestamp.json"] = Fault(status=status)
    assert refusal(server).reference == reference


def test_a_missing_next_root_may_be_forbidden(server: TufServer) -> None:
    server.faults["2.root.json"] = Fault(status=403)
    assert updated(server).trusted_root == OLD_ROOT


def test_a_repository_without_a_trusted_root_is_refused() -> None:
    with TufServer(LocalRepository(OLD_ROOT, target="other.json")) as server:
        assert "does not offer" in str(refusal(server).context)


def test_a_root_with_a_field_that_sigstore_does_not_know_is_not_taken(server: TufServer) -> None:
    document = json.loads(NEW_ROOT)
    document["certificateAuthorities"][0]["quantum"] = "yes"
    server.repository.publish(json.dumps(document).encode())
    assert refusal(server).reference == "trust-root-newer"


def test_a_root_of_a_kind_that_sigstore_does_not_know_is_not_taken(server: TufServer) -> None:
    document = {**json.loads(NEW_ROOT), "mediaType": "application/vnd.dev.sigstore.trustedroot.v0.2+json"}
    server.repository.publish(json.dumps(document).encode())
    assert refusal(server).reference == "trust-root-newer"


def test_a_target_that_is_no_trusted_root_is_not_taken(server: TufServer) -> None:
    server.repository.publish(b'{"signed": "by the right keys"}')
    assert refusal(server).reference == "trust-root-invalid"


def test_a_target_that_is_too_large_is_not_fetched(server: TufServer) -> None:
    server.repository.publish(b" " * (2 << 20))
    assert "larger" in str(refusal(server).context)
    assert server.repository.target_path not in server.paths


# --- what is kept


@pytest.fixture
def kept(server: TufServer) -> RootState:
    server.repository.rotate(LocalRepository(OLD_ROOT).keys)
    server.repository.publish(OLD_ROOT)
    return updated(server)


def broken(kept: RootState, server: TufServer, **changes: bytes | tuple[bytes, ...]) -> str:
    import dataclasses

    with pytest.raises(Malformed) as caught:
        verify_state(dataclasses.replace(kept, **changes), server.repository.bootstrap)  # type: ignore[arg-type]
    return str(caught.value)


def test_an_edited_trusted_root_does_not_verify(server: TufServer, kept: RootState) -> None:
    assert broken(kept, server, trusted_root=NEW_ROOT)


@pytest.mark.parametrize("part", ["timestamp", "snapshot", "targets"])
def test_edited_metadata_does_not_verify(server: TufServer, kept: RootState, part: str) -> None:
    document = json.loads(getattr(kept, part))
    document["signed"]["expires"] = "2199-01-01T00:00:00Z"
    assert broken(kept, server, **{part: json.dumps(document).encode()})


def test_a_state_signed_by_other_keys_does_not_verify(server: TufServer, kept: RootState) -> None:
    with TufServer(LocalRepository(NEW_ROOT)) as other:
        forged = updated(other)
    with pytest.raises(Malformed):
        verify_state(forged, server.repository.bootstrap)
    for part in ("timestamp", "snapshot", "targets"):
        assert broken(kept, server, **{part: getattr(forged, part)})
    assert broken(kept, server, roots=(server.repository.bootstrap, forged.roots[0]))


def test_roots_must_follow_each_other(server: TufServer, kept: RootState) -> None:
    assert broken(kept, server, roots=kept.roots[:1])  # the time-stamp is signed by keys of the second
    server.repository.rotate(LocalRepository(OLD_ROOT).keys)
    assert broken(kept, server, roots=(kept.roots[0], server.repository.files["3.root.json"]))


def test_mixed_versions_do_not_verify(server: TufServer, kept: RootState) -> None:
    server.repository.publish(NEW_ROOT)
    later = updated(server, kept)
    for part in ("timestamp", "snapshot", "targets", "trusted_root"):
        assert broken(kept, server, **{part: getattr(later, part)})


def as_kept(repository: LocalRepository, *roots: int) -> RootState:
    """What an update would keep of it, without asking whether it holds."""
    files, version = repository.files, repository.version
    return RootState(
        url="https://tuf.example",
        updated=NOW,
        roots=tuple(files[f"{one}.root.json"] for one in roots),
        timestamp=files["timestamp.json"],
        snapshot=files[f"{version}.snapshot.json"],
        targets=files[f"{version}.targets.json"],
        trusted_root=repository.trusted_root,
    )


@pytest.mark.parametrize("signer", ["new", "old", "both"])
def test_a_newer_root_is_signed_by_itself_and_by_the_one_before(signer: str) -> None:
    repository = LocalRepository(OLD_ROOT)
    old, new = repository.keys["root"], LocalRepository(OLD_ROOT).keys
    repository.rotate(new, signers={"new": (new["root"],), "old": (old,), "both": (old, new["root"])}[signer])
    repository.publish(NEW_ROOT)
    state = as_kept(repository, 1, 2)
    if signer == "both":
        verify_state(state, repository.bootstrap)
        return
    with pytest.raises(Malformed):
        verify_state(state, repository.bootstrap)


def test_no_root_is_left_out() -> None:
    repository = LocalRepository(OLD_ROOT)
    for _ in range(2):
        repository.rotate(repository.keys)
    verify_state(as_kept(repository, 1, 2, 3), repository.bootstrap)
    with pytest.raises(Malformed, match="root 3 follows root 1"):
        verify_state(as_kept(repository, 1, 3), repository.bootstrap)


@pytest.mark.parametrize("hashed", [True, False])
@pytest.mark.parametrize("part", ["timestamp", "snapshot", "targets"])
def test_two_good_states_cannot_be_mixed(part: str, *, hashed: bool) -> None:
    """Of one version, told apart by the digests; or of two, told apart by the versions alone."""
    import dataclasses

    repository = LocalRepository(OLD_ROOT, hashed=hashed)
    one = as_kept(repository, 1)
    repository.version -= hashed
    repository.expires = dict.fromkeys(("timestamp", "snapshot", "targets"), NOW + timedelta(days=9))
    repository.publish(OLD_ROOT)
    other = as_kept(repository, 1)
    for state in (one, other):
        verify_state(state, repository.bootstrap)
    with pytest.raises(Malformed):
        verify_state(dataclasses.replace(one, **{part: getattr(other, part)}), repository.bootstrap)


def test_a_state_of_before_a_newer_bootstrap_does_not_verify(server: TufServer, kept: RootState) -> None:
    server.repository.rotate(server.repository.keys)
    with pytest.raises(Malformed, match="older than version 3"):
        verify_state(kept, server.repository.files["3.root.json"])


def test_a_state_verifies_although_its_metadata_has_expired(server: TufServer) -> None:
    """The verdict on an attestation must not depend on the day on which it is asked."""
    import dataclasses

    fresh = updated(server)
    server.repository.expires["timestamp"] = LONG_AGO
    server.repository.publish(OLD_ROOT)
    files = server.repository.files
    state = dataclasses.replace(
        fresh, timestamp=files["timestamp.json"], snapshot=files["2.snapshot.json"], targets=files["2.targets.json"]
    )
    verify_state(state, server.repository.bootstrap)
    assert state.at_most() == LONG_AGO  # and its age is the signed one, whatever stands in `updated`


def save(folder: RootFolder, state: RootState) -> Path:
    with folder.alone(state.url):
        return folder.save(state)


def test_what_is_kept_is_for_this_user_alone(tmp_path: Path, kept: RootState) -> None:
    folder = RootFolder(tmp_path / "state")
    place = save(folder, kept)
    assert place.stat().st_mode & 0o777 == 0o600
    assert folder.path.stat().st_mode & 0o777 == 0o700
    assert folder.load(kept.url, "update") == kept
    assert folder.load("https://other.example", "update") is None


def test_a_folder_that_others_can_write_is_not_believed(tmp_path: Path, kept: RootState) -> None:
    folder = RootFolder(tmp_path)
    save(folder, kept)
    folder.path.chmod(0o777)
    with pytest.raises(BadInput) as caught:
        folder.load(kept.url, "update")
    assert caught.value.reference == "trust-state-not-ones-own"
    with pytest.raises(BadInput), folder.alone(kept.url):
        pytest.fail("and nothing is written there")


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, kept: RootState) -> None:
    (tmp_path / "trust").write_text("a file where the folder belongs")
    with pytest.raises(EnvironmentFault) as caught, RootFolder(tmp_path).alone(kept.url):
        pytest.fail("there is nothing to write into")
    assert caught.value.reference == "trust-state-unwritable"


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"null", b'{"format": "safepip-trust-1"}', b"\xff", b"[" * 100_000, b"{}" * (9 << 20)]
)
def test_a_file_that_is_no_state_is_told(tmp_path: Path, kept: RootState, content: bytes) -> None:
    folder = RootFolder(tmp_path)
    save(folder, kept).write_bytes(content)
    with pytest.raises(BadInput) as caught:
        folder.load(kept.url, "safepip trust update")
    assert caught.value.reference == "trust-state-invalid"
    assert caught.value.hint is not None
    assert "safepip trust update" in caught.value.hint


def test_the_state_of_another_repository_is_none_of_this_one(tmp_path: Path, kept: RootState) -> None:
    folder = RootFolder(tmp_path)
    place = save(folder, kept)
    place.rename(folder.place_of("https://other.example"))
    with pytest.raises(BadInput):
        folder.load("https://other.example", "update")


def test_one_update_waits_for_another(tmp_path: Path, kept: RootState) -> None:
    folder, order = RootFolder(tmp_path), []
    entered, leave = threading.Event(), threading.Event()

    def first() -> None:
        with folder.alone(kept.url):
            entered.set()
            leave.wait(10)
            order.append("first")

    thread = threading.Thread(target=first)
    thread.start()
    assert entered.wait(10)
    with pytest.raises(EnvironmentFault) as caught, folder.alone(kept.url, patience=0.2):
        pytest.fail("it must wait")
    assert caught.value.reference == "trust-state-busy"
    leave.set()
    with folder.alone(kept.url):
        order.append("second")
    thread.join()
    assert order == ["first", "second"]
