"""Which root speaks for which index and project, and which of the shipped and the updated one is used."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from tuf.api.metadata import Metadata, Root

from safepip.cli import trustcommand
from safepip.cli.args import Typed
from safepip.cli.console import Console
from safepip.cli.trust import Verifiers
from safepip.errors import BadInput
from safepip.formats.policyfile import parse_policy
from safepip.formats.statement import About
from safepip.io import rootfiles, rootfolder, shippedroots
from safepip.io.attestation import AttestationVerifier
from safepip.io.provenance import judged
from safepip.io.rootfolder import RootFolder
from safepip.io.rootstate import RootState
from safepip.io.shippedroots import ShippedRoot, shipped_root
from safepip.io.sigstore_edge import read_root
from safepip.model.ident import FileName, Sha256, Url
from safepip.model.levels import LayerKind, Placed, Profile
from safepip.model.policy import Policy
from tests import factories
from tests.factories import policy, project
from tests.sigstore import GitHub, LocalSigstore
from tests.tuf.repository import LocalRepository
from tests.tuf.server import TufServer

STAGING = shipped_root("staging")
NOW = datetime.now(timezone.utc).replace(microsecond=0)
SIGSTORES = {name: LocalSigstore.create(NOW) for name in ("a", "b", "typed", "new", "shipped")}
ROOTS = {name: sigstore.trusted_root_json() for name, sigstore in SIGSTORES.items()}
ACME, OTHER = project("acme-tool"), project("requests")
CORP = Url("https://corp.example/simple/")
CORP_INDEX = '[indexes.corp]\nurl = "https://corp.example/simple"\n'


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name, raw in ROOTS.items():
        (tmp_path / f"{name}.json").write_bytes(raw)
    return tmp_path


def granting(folder: Path, name: str, indexes: str = '["corp"]', more: str = "") -> str:
    return f'[trust-roots.{name}]\nfile = "{folder}/{name}.json"\nindexes = {indexes}\n{more}'


def layered(*texts: str) -> Policy:
    """Those layers, outermost first, as if nobody had compared them with each other."""
    parsed = [
        parse_policy(f"schema = 1\n{text}".encode(), "safepip.toml", table=(), kind=LayerKind.USER, today=NOW.date())
        for text in texts
    ]
    layers = tuple(layer for layer in parsed if layer is not None)
    return Policy(digest="", profile=Placed(Profile.STANDARD, "by default"), layers=layers)


def spoken(*layers: str, index: Url | None = CORP, name: str = ACME, typed: str | None = None) -> set[str]:
    """The names of the roots that speak."""
    verifiers = Verifiers(typed, layered(*layers), None, now=NOW)
    verifiers.check()
    told = verifiers.speaking_for(index, project(name)).trust_digest.split("+")
    by_digest = {_digest(raw): name for name, raw in ROOTS.items()}
    return {by_digest.get(one, "default") for one in told}


def _digest(raw: bytes) -> str:
    return str(factories.sha256(raw))


def test_without_a_policy_the_default_speaks_for_everything(folder: Path) -> None:
    assert spoken() == {"default"}
    assert spoken(index=None) == {"default"}
    assert spoken(typed=str(folder / "typed.json")) == {"typed"}


def test_a_root_speaks_for_its_index_and_for_no_other(folder: Path) -> None:
    text = CORP_INDEX + granting(folder, "a")
    assert spoken(text) == {"a"}
    assert spoken(text, index=Url("https://index.example/simple/")) == {"default"}
    assert spoken(text, index=None) == {"default"}
    assert spoken(text, index=None, typed=str(folder / "typed.json")) == {"typed"}
    assert spoken(text, typed=str(folder / "typed.json")) == {"a"}


def test_a_root_speaks_for_its_projects_and_for_no_others(folder: Path) -> None:
    text = CORP_INDEX + granting(folder, "a", more='projects = ["Acme_*"]\n')
    assert spoken(text) == {"a"}
    assert spoken(text, name=OTHER) == {"default"}


def test_all_roots_of_an_index_and_project_speak(folder: Path) -> None:
    text = CORP_INDEX + granting(folder, "a") + granting(folder, "b", more='projects = ["acme-*"]\n')
    assert spoken(text) == {"a", "b"}
    assert spoken(text, name=OTHER) == {"a"}


@pytest.mark.parametrize(
    "index",
    [
        "https://corp.example/simple",
        "https://user:secret@corp.example/simple/",
        "https://CORP.example/simple/",
        "HTTPS://corp.Example./simple/",
        "https://corp.example:443/simple/",
        "https://corp.example/simple//",
        "https://corp.example/./simple/",
        "https://corp.example/x/../simple/",
        "https://corp.example/s%69mple/",
        "https://corp.example/simple/#fragment",
    ],
)
def test_another_way_to_write_the_address_is_the_same_index(folder: Path, index: str) -> None:
    assert spoken(CORP_INDEX + granting(folder, "a"), index=Url(index)) == {"a"}
    reverse = f'[indexes.corp]\nurl = "{index}"\n' + granting(folder, "a")
    assert spoken(reverse) == {"a"}


@pytest.mark.parametrize(
    "index",
    [
        "http://corp.example/simple/",
        "https://corp.example:8443/simple/",
        "https://corp.example/other/",
        "https://corp.example/simple/more/",
        "https://corp.example/simple/?tenant=2",
        "https://corp.example@evil.example/simple/",
        "https://evil.example/https://corp.example/simple/",
        "https://corp.example.evil.example/simple/",
        "https://[broken/simple/",
    ],
)
def test_another_index_is_another_index(folder: Path, index: str) -> None:
    assert spoken(CORP_INDEX + granting(folder, "a"), index=Url(index)) == {"default"}


@pytest.mark.parametrize("other", ["https://corp.example/a/b/simple", "https://corp.example/a%252Fb/simple"])
def test_a_quoted_slash_is_not_a_slash(folder: Path, other: str) -> None:
    """To many servers `a%2Fb` is one name, and another place than `b` in `a`."""
    text = '[indexes.corp]\nurl = "https://corp.example/a%2Fb/simple"\n' + granting(folder, "a")
    assert spoken(text, index=Url("https://corp.example/a%2fb/simple/")) == {"a"}
    assert spoken(text, index=Url(other)) == {"default"}


def test_local_means_files_of_this_machine(folder: Path) -> None:
    text = granting(folder, "a", '["local"]')
    assert spoken(text, index=None) == {"a"}
    assert spoken(text, index=Url("file:///srv/wheels/")) == {"a"}
    assert spoken(text) == {"default"}
    assert spoken(text, index=Url("https://local/simple/")) == {"default"}


def test_an_inner_layer_cannot_move_an_outer_root_to_another_index(folder: Path) -> None:
    """A checkout whose policy calls the public index `corp` must not gain the private root for it."""
    outer = CORP_INDEX + granting(folder, "a")
    inner = '[indexes.corp]\nurl = "https://index.example/simple"\n'
    assert spoken(outer, inner, index=Url("https://index.example/simple/")) == {"default"}
    assert spoken(outer, inner) == {"a"}
    assert spoken(CORP_INDEX, granting(folder, "a")) == {"a"}  # the inner one may name an outer index


def test_a_root_of_an_index_that_nobody_describes_speaks_for_nothing(folder: Path) -> None:
    assert spoken(granting(folder, "a", '["nowhere"]')) == {"default"}


@pytest.mark.parametrize(
    ("content", "reference"),
    [
        (None, "trust-root-unreadable"),
        (b"", "trust-root-invalid"),
        (b"{}", "trust-root-invalid"),
        (b" " * (2 << 20), "trust-root-invalid"),
        (b'{"format": "safepip-trust-1"}', "trust-state-invalid"),
    ],
)
def test_a_root_that_is_none_is_told_before_anything_is_fetched(
    folder: Path, content: bytes | None, reference: str
) -> None:
    path = folder / "a.json"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    for verifiers in (
        Verifiers(str(path), policy(), None, now=NOW),
        Verifiers(None, policy(CORP_INDEX + granting(folder, "a")), None, now=NOW),
    ):
        with pytest.raises(BadInput) as caught:
            verifiers.check()
        assert caught.value.reference == reference
        assert "a.json" in f"{caught.value.message}{caught.value.context}"


def test_a_root_is_read_once(folder: Path) -> None:
    verifiers = Verifiers(str(folder / "typed.json"), policy(), None, now=NOW)
    verifiers.check()
    (folder / "typed.json").write_bytes(ROOTS["a"])
    assert verifiers.speaking_for(None, ACME).trust_digest == _digest(ROOTS["typed"])


def test_a_root_of_the_policy_that_everybody_can_write_is_not_believed(folder: Path) -> None:
    (folder / "a.json").chmod(0o666)
    with pytest.raises(BadInput, match="everybody can write it") as caught:
        spoken(CORP_INDEX + granting(folder, "a"))
    assert caught.value.reference == "trust-root-not-ones-own"
    (folder / "a.json").chmod(0o664)  # a group may be one's own
    assert spoken(CORP_INDEX + granting(folder, "a")) == {"a"}


# --- shipped and updated


def public(repository: LocalRepository) -> ShippedRoot:
    return ShippedRoot(
        name="production",
        url="https://tuf.example",
        taken=NOW - timedelta(days=10),
        trusted_root=ROOTS["shipped"],
        bootstrap=repository.bootstrap,
    )


@pytest.fixture
def repository(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalRepository]:
    """A public Sigstore whose trusted root `shipped` was taken ten days ago."""
    made = LocalRepository(ROOTS["new"])
    ships = public(made)
    for module in ("safepip.io.rootfiles", "safepip.io.rootfolder"):
        monkeypatch.setattr(f"{module}.shipped_root", lambda name: ships if name == "production" else STAGING)
    yield made
    shippedroots.shipped_root.cache_clear()


def kept(repository: LocalRepository, updated: datetime = NOW) -> RootState:
    files, version = repository.files, repository.version
    return RootState(
        url="https://tuf.example",
        updated=updated,
        roots=tuple(files[f"{one}.root.json"] for one in range(1, repository.root_version + 1)),
        timestamp=files["timestamp.json"],
        snapshot=files[f"{version}.snapshot.json"],
        targets=files[f"{version}.targets.json"],
        trusted_root=repository.trusted_root,
    )


def save(folder: Path, state: RootState) -> Path:
    roots = RootFolder(folder / "state" / "safepip")
    with roots.alone(state.url):
        return roots.save(state)


def default(typed: str | None = None) -> Verifiers:
    verifiers = Verifiers(typed, policy(), None, now=NOW)
    verifiers.check()
    return verifiers


@pytest.mark.usefixtures("repository")
def test_without_an_update_the_shipped_root_is_used() -> None:
    assert default().default().raw == ROOTS["shipped"]


def test_an_update_is_used_and_proven(folder: Path, repository: LocalRepository) -> None:
    save(folder, kept(repository))
    root = default().default()
    assert (root.raw, root.since) == (ROOTS["new"], NOW)
    root.prove()
    assert spoken(typed=str(folder / "typed.json")) == {"typed"}  # what is named stands in its place


def test_an_update_of_before_the_shipped_root_was_taken_is_not_used(folder: Path, repository: LocalRepository) -> None:
    save(folder, kept(repository, NOW - timedelta(days=11)))
    root = default().default()
    assert root.raw == ROOTS["shipped"]
    assert root.note is not None


def test_an_update_with_an_older_tuf_root_than_the_shipped_one_is_not_used(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = LocalRepository(ROOTS["new"])
    save(folder, kept(repository))
    repository.rotate(repository.keys)
    ships = replace(public(repository), bootstrap=repository.files["2.root.json"])
    for module in (rootfiles, rootfolder):
        monkeypatch.setattr(module, "shipped_root", lambda name: ships if name == "production" else STAGING)
    place = RootFolder(folder / "state" / "safepip").place_of("https://tuf.example")
    assert place.name == "production.json"
    [other] = place.parent.glob("*.json")
    other.rename(place)
    assert default().default().raw == ROOTS["shipped"]


def test_an_old_update_does_not_get_young_by_its_date(folder: Path, repository: LocalRepository) -> None:
    repository.expires["timestamp"] = NOW - timedelta(days=11)
    repository.publish(ROOTS["new"])
    save(folder, kept(repository, NOW))
    assert default().default().raw == ROOTS["shipped"]


def edited(place: Path, **changes: object) -> None:
    place.write_text(json.dumps({**json.loads(place.read_text()), **changes}))


def test_a_planted_root_is_refused_and_not_passed_over(folder: Path, repository: LocalRepository) -> None:
    place = save(folder, kept(repository))
    edited(place, trusted_root=ROOTS["a"].decode())
    verifier = default().speaking_for(None, ACME)
    about = About(file=FileName.parse("acme_tool-1.0-py3-none-any.whl"), sha256=Sha256("ab" * 32), digests={})
    forged = SIGSTORES["a"].attest(str(about.file), about.sha256, GitHub())
    document = SIGSTORES["a"].provenance(
        [forged], {"kind": "GitHub", "repository": "acme/demo", "workflow": "release.yml"}
    )
    assert len(judged(document, about, AttestationVerifier(ROOTS["a"]))[0]) == 1
    with pytest.raises(BadInput) as caught:
        judged(document, about, verifier)
    assert caught.value.reference == "trust-state-invalid"
    assert "safepip trust update" in str(caught.value.hint)


def test_a_state_of_other_keys_is_refused(folder: Path, repository: LocalRepository) -> None:
    assert repository.root_version == 1
    save(folder, kept(LocalRepository(ROOTS["a"])))
    with pytest.raises(BadInput, match="does not verify"):
        default().default().prove()


def test_a_torn_state_is_refused_before_anything_is_fetched(folder: Path, repository: LocalRepository) -> None:
    place = save(folder, kept(repository))
    place.write_bytes(place.read_bytes()[:-100])
    with pytest.raises(BadInput) as caught:
        default()
    assert caught.value.reference == "trust-state-invalid"


def test_a_state_in_a_folder_of_others_is_refused(folder: Path, repository: LocalRepository) -> None:
    save(folder, kept(repository)).parent.chmod(0o777)
    with pytest.raises(BadInput) as caught:
        default()
    assert caught.value.reference == "trust-state-not-ones-own"


def test_the_state_of_a_private_sigstore_can_be_named(folder: Path, repository: LocalRepository) -> None:
    place = save(folder, replace(kept(repository), url="https://tuf.corp.example"))
    assert spoken(typed=str(place)) == {"new"}
    edited(place, trusted_root=ROOTS["a"].decode())
    with pytest.raises(BadInput):
        default(str(place)).default().prove()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be in another user's home")
def test_root_does_not_believe_what_lies_in_the_home_of_another(folder: Path, repository: LocalRepository) -> None:
    place = save(folder, kept(repository))
    os.chown(place.parent, 65534, 65534)
    root = default().default()
    assert root.raw == ROOTS["shipped"]
    assert "another user's" in str(root.note)


def test_an_update_of_the_public_root_is_used_from_then_on(
    folder: Path, repository: LocalRepository, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with TufServer(repository) as server:
        ships = replace(public(repository), url=server.url)
        for module in (rootfiles, rootfolder, trustcommand):
            monkeypatch.setattr(module, "shipped_root", lambda name: ships if name == "production" else STAGING)
        typed = Typed(command="trust", arguments=("update",), given={"retries": 0})
        console = Console(verbosity=0, color=False, progress="off", environ={})
        environ = {"PIP_CONFIG_FILE": os.devnull, "HOME": str(folder)}
        assert trustcommand.trust(typed, ("safepip", "trust", "update"), environ, console) == 0
        assert "production.json" in capsys.readouterr().out
        root = default().default()
        root.prove()
        assert (root.raw, root.kind, root.refresh) == (ROOTS["new"], "updated", "safepip trust update")
        (folder / "state/safepip/trust/production.json").write_bytes(b"torn")
        assert trustcommand.trust(typed, ("safepip", "trust", "update"), environ, console) == 0
        assert "made anew" in capsys.readouterr().err
        default().default().prove()


def test_an_update_by_a_clock_that_is_behind_says_that_it_is_not_used(
    folder: Path, repository: LocalRepository, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with TufServer(repository) as server:
        ships = replace(public(repository), url=server.url, taken=NOW + timedelta(days=1))
        for module in (rootfiles, rootfolder, trustcommand):
            monkeypatch.setattr(module, "shipped_root", lambda name: ships if name == "production" else STAGING)
        typed = Typed(command="trust", arguments=("update",), given={"retries": 0})
        console = Console(verbosity=0, color=False, progress="off", environ={})
        environ = {"PIP_CONFIG_FILE": os.devnull, "HOME": str(folder)}
        assert trustcommand.trust(typed, ("safepip", "trust", "update"), environ, console) == 0
        assert "It is not used" in capsys.readouterr().out
        assert default().default().kind == "shipped"


def test_what_is_shipped_can_be_used() -> None:
    for name in ("production", "staging"):
        root = shipped_root(name)
        metadata: Metadata[Root] = Metadata.from_bytes(root.bootstrap)
        metadata.signed.verify_delegate("root", metadata.signed_bytes, metadata.signatures)
        assert read_root(root.trusted_root).get_fulcio_certs()


def test_what_is_shipped_is_what_the_list_says() -> None:
    for name in ("production", "staging"):
        stated = json.loads((Path(shippedroots.__file__).parent.parent / "data" / "roots.json").read_text())[name]
        root = shipped_root(name)
        assert (_digest(root.trusted_root), _digest(root.bootstrap)) == (stated["trusted_root"], stated["root"])
        assert datetime(2026, 1, 1, tzinfo=timezone.utc) < root.taken < NOW
        verifiers = Verifiers(None, policy(), None, staging=name == "staging", now=NOW)
        verifiers.check()
        assert verifiers.default().raw == root.trusted_root


def test_a_run_without_attestations_imports_nothing_dear() -> None:
    import subprocess
    import sys

    program = (
        "import sys; from safepip.cli.trust import Verifiers; from tests.factories import policy;"
        "Verifiers(None, policy(), None).check();"
        "print([name for name in ('tuf', 'sigstore', 'pydantic', 'cryptography') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
