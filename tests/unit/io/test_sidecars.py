"""Attestations in files beside a distribution: on this machine always, on the web where they are asked for."""

from __future__ import annotations

import errno
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from safepip.formats.fields import MAX_BYTES
from safepip.formats.statement import PUBLISH, SIGNATURE, SLSA
from safepip.io.sidecars import SUFFIXES, Sidecars
from safepip.model.artifact import Artifact, Indexed, Local
from safepip.model.evidence import Attestations, Unavailable
from safepip.model.ident import Url
from tests.factories import artifact, listing
from tests.sigstore import GitHub
from tests.sigstore.bundles import sign, statement
from tests.unit.io.edges import NOWHERE, an_http
from tests.unit.io.test_attestation import PUBLISHER, SIGSTORE, VERIFIER
from tests.world import Fault, World, WorldServer

CONTENT = b"a wheel"
MADE = artifact(content=CONTENT)
FILE, SHA256 = str(MADE.name), MADE.sha256
BUILD = {"buildDefinition": {"buildType": "https://example.org/type"}, "runDetails": {"builder": {"id": "builder"}}}
Document = dict[str, Any]


def attestation(**overrides: Any) -> Document:
    return SIGSTORE.attest(FILE, SHA256, GitHub(), **overrides)


def provenance(*attestations: Document) -> bytes:
    return SIGSTORE.provenance(list(attestations), PUBLISHER)


SLSA_ATTESTATION = attestation(predicate_type=SLSA, predicate=BUILD)
GOOD: dict[str, tuple[bytes, str]] = {
    ".sigstore.json": (json.dumps(sign(SIGSTORE, SHA256)).encode(), SIGNATURE),
    ".sigstore": (json.dumps(sign(SIGSTORE, SHA256, statement=statement(FILE, SHA256))).encode(), PUBLISH),
    ".provenance": (provenance(attestation()), PUBLISH),
    ".publish.attestation": (json.dumps(attestation()).encode(), PUBLISH),
    ".slsa.attestation": (json.dumps(SLSA_ATTESTATION).encode(), SLSA),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / FILE).write_bytes(CONTENT)
    return tmp_path


def local(folder: Path) -> Artifact:
    return replace(MADE, path=folder / FILE, origin=Local(url=Url((folder / FILE).as_uri())))


def beside(folder: Path) -> Attestations | Unavailable | None:
    with an_http() as http:
        return Sidecars(http, lambda _: True).of(local(folder), None, VERIFIER)


def attested(found: Attestations | Unavailable | None) -> Attestations:
    assert isinstance(found, Attestations)
    assert (found.advertised, found.index_offers) == (False, False)
    return found


def codes(found: Attestations | Unavailable | None) -> list[str]:
    rejected = attested(found).rejected
    assert all(FILE in one.message and one.message.isprintable() for one in rejected)
    return [one.code for one in rejected]


# --- beside a file of this machine


def test_nothing_beside_it_is_no_answer(folder: Path) -> None:
    assert beside(folder) is None


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_each_form(folder: Path, suffix: str) -> None:
    document, predicate = GOOD[suffix]
    (folder / f"{FILE}{suffix}").write_bytes(document)
    found = attested(beside(folder))
    assert [(one.predicate, one.identity.repository) for one in found.verified] == [(predicate, "acme/demo")]
    assert (found.rejected, found.sidecars) == ((), (f"{FILE}{suffix}",))


def test_all_of_them_at_once(folder: Path) -> None:
    for suffix, (document, _) in GOOD.items():
        (folder / f"{FILE}{suffix}").write_bytes(document)
    found = attested(beside(folder))
    assert [one.predicate for one in found.verified] == [predicate for _, predicate in GOOD.values()]
    assert found.claimed_publishers == ("github:acme/demo/release.yml",)
    assert len(found.sidecars) == 5


def test_a_find_links_folder(folder: Path) -> None:
    (folder / f"{FILE}.sigstore").write_bytes(GOOD[".sigstore"][0])
    claim = replace(listing(FILE), url=Url((folder / FILE).as_uri() + "#sha256=00"), index=Url(folder.as_uri()))
    made = local(folder)
    assert isinstance(MADE.origin, Indexed)
    made = replace(made, origin=replace(MADE.origin, listing=claim))
    with an_http() as http:
        found = Sidecars(http, lambda _: False).of(made, claim, VERIFIER)
    assert len(attested(found).verified) == 1


def test_the_same_bundle_under_both_names_is_one(folder: Path) -> None:
    for suffix in (".sigstore", ".sigstore.json"):
        (folder / f"{FILE}{suffix}").write_bytes(GOOD[".sigstore"][0])
    found = attested(beside(folder))
    assert (len(found.verified), len(found.sidecars)) == (1, 2)


def test_two_bundles_with_different_publishers_are_both_told(folder: Path) -> None:
    for suffix, repository in ((".sigstore", "acme/demo"), (".sigstore.json", "evil/demo")):
        bundle = sign(SIGSTORE, SHA256, identity=GitHub(repository=repository))
        (folder / f"{FILE}{suffix}").write_text(json.dumps(bundle))
    assert {one.identity.repository for one in attested(beside(folder)).verified} == {"acme/demo", "evil/demo"}


def test_a_broken_one_does_not_hide_behind_a_good_one(folder: Path) -> None:
    (folder / f"{FILE}.sigstore").write_bytes(b"{}")
    (folder / f"{FILE}.provenance").write_bytes(GOOD[".provenance"][0])
    found = attested(beside(folder))
    assert (len(found.verified), codes(found), found.rejected[0].known) == (1, ["malformed"], True)


OTHER = SIGSTORE.attest("demo-2.0-py3-none-any.whl", SHA256, GitHub())


@pytest.mark.parametrize(
    ("suffix", "document", "code"),
    [
        (".sigstore.json", b"", "malformed"),
        (".sigstore.json", GOOD[".provenance"][0], "malformed"),
        (".sigstore", b" " * (MAX_BYTES + 1), "too-large"),
        (".sigstore", json.dumps(sign(SIGSTORE, "00" * 32)).encode(), "subject-digest"),
        (".sigstore", json.dumps(sign(SIGSTORE, SHA256, signature=b"none")).encode(), "signature"),
        (".provenance", b"<html>", "malformed"),
        (".provenance", provenance(), "empty"),
        (".provenance", provenance(OTHER), "subject-name"),
        (".provenance", b" " * (MAX_BYTES + 1), "too-large"),
        (".publish.attestation", GOOD[".slsa.attestation"][0], "predicate"),
        (".slsa.attestation", GOOD[".publish.attestation"][0], "predicate"),
        (".publish.attestation", b" " * (MAX_BYTES + 1), "too-large"),
        (".publish.attestation", json.dumps(OTHER).encode(), "subject-name"),
    ],
)
def test_a_broken_sidecar_is_a_rejection(folder: Path, suffix: str, document: bytes, code: str) -> None:
    (folder / f"{FILE}{suffix}").write_bytes(document)
    found = beside(folder)
    assert codes(found) == [code]
    assert attested(found).rejected[0].known


def test_a_predicate_that_nobody_knows_is_told_as_such(folder: Path) -> None:
    signed = statement(FILE, SHA256, predicate_type="https://example.org/review/v9")
    (folder / f"{FILE}.sigstore").write_text(json.dumps(sign(SIGSTORE, SHA256, statement=signed)))
    [one] = attested(beside(folder)).rejected
    assert (one.code, one.known) == ("unknown-predicate", False)


# --- what is no file


def test_a_folder(folder: Path) -> None:
    (folder / f"{FILE}.sigstore").mkdir()
    assert codes(beside(folder)) == ["malformed"]


def test_a_pipe_does_not_hold_it_up(folder: Path) -> None:
    os.mkfifo(folder / f"{FILE}.sigstore")
    answers: list[Any] = []
    asking = threading.Thread(target=lambda: answers.append(beside(folder)), daemon=True)
    asking.start()
    asking.join(10)
    assert [codes(one) for one in answers] == [["malformed"]]


def test_an_endless_device(folder: Path) -> None:
    (folder / f"{FILE}.sigstore").symlink_to("/dev/zero")
    assert codes(beside(folder)) == ["malformed"]


def test_a_link_to_a_file_is_that_file(folder: Path) -> None:
    (folder / "elsewhere").write_bytes(GOOD[".sigstore"][0])
    (folder / f"{FILE}.sigstore").symlink_to("elsewhere")
    assert len(attested(beside(folder)).verified) == 1


@pytest.mark.parametrize("target", ["nowhere", f"{FILE}.sigstore"])
def test_a_link_that_leads_nowhere(folder: Path, target: str) -> None:
    (folder / f"{FILE}.sigstore").symlink_to(target)
    found = beside(folder)
    assert isinstance(found, Unavailable)
    assert (found.code, f"{FILE}.sigstore" in found.why) == ("sidecar-unavailable", True)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO])
def test_what_cannot_be_read_is_no_answer(folder: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    (folder / f"{FILE}.sigstore").write_bytes(GOOD[".sigstore"][0])
    honest = os.open

    def refuse(path: Any, *arguments: Any, **named: Any) -> int:
        if str(path).endswith(".sigstore"):
            raise OSError(number, os.strerror(number))
        return honest(path, *arguments, **named)

    monkeypatch.setattr("safepip.io.regularfile.os.open", refuse)
    found = beside(folder)
    assert isinstance(found, Unavailable)
    assert os.strerror(number) in found.why


def test_a_name_that_is_too_long_for_a_sidecar_has_none(tmp_path: Path) -> None:
    name = f"demo-1.0-py3-none-any{'.any' * 57}.whl"
    (tmp_path / name).write_bytes(CONTENT)
    made = replace(MADE, origin=Local(url=Url((tmp_path / name).as_uri())))
    with an_http() as http:
        assert Sidecars(http, lambda _: True).of(made, None, VERIFIER) is None


# --- on an index of the web


@pytest.fixture
def server() -> Iterator[WorldServer]:
    with WorldServer(World()) as running:
        yield running


def served(server: WorldServer, *, asked: bool = True, query: str = "") -> Attestations | Unavailable | None:
    claim = replace(listing(FILE), url=Url(f"{server.base}/files/{FILE}{query}"), index=server.address("/simple/"))
    assert isinstance(MADE.origin, Indexed)
    made = replace(MADE, origin=replace(MADE.origin, listing=claim))
    with an_http() as http:
        return Sidecars(http, lambda index: asked and index == claim.index).of(made, claim, VERIFIER)


def serve(server: WorldServer, suffix: str, **fault: Any) -> None:
    server.fail(f"/files/{FILE}{suffix}", Fault(**fault))


def test_an_index_is_not_asked_unless_the_policy_says_so(server: WorldServer) -> None:
    serve(server, ".sigstore", status=200, body=GOOD[".sigstore"][0])
    assert served(server, asked=False) is None
    assert server.paths() == []


def test_an_index_that_has_none(server: WorldServer) -> None:
    assert served(server) is None
    assert sorted(server.paths()) == sorted(f"/files/{FILE}{suffix}" for suffix in SUFFIXES)


def test_a_file_named_by_address_has_no_index_that_could_be_asked(server: WorldServer) -> None:
    made = replace(MADE, origin=Local(url=Url(f"{server.base}/files/{FILE}")))
    with an_http() as http:
        assert Sidecars(http, lambda _: True).of(made, None, VERIFIER) is None
    assert server.paths() == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_each_form_from_an_index(server: WorldServer, suffix: str) -> None:
    serve(server, suffix, status=200, body=GOOD[suffix][0])
    found = attested(served(server))
    assert [one.predicate for one in found.verified] == [GOOD[suffix][1]]
    assert found.sidecars == (f"{FILE}{suffix}",)


def test_the_name_of_a_sidecar_comes_before_the_query_and_without_fragment(server: WorldServer) -> None:
    served(server, query="?signed=1#sha256=00")
    assert f"/files/{FILE}.sigstore?signed=1" in server.paths()


def test_gone_is_absent(server: WorldServer) -> None:
    for suffix in SUFFIXES:
        serve(server, suffix, status=410)
    assert served(server) is None


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 401},
        {"status": 403},
        {"status": 418},
        {"status": 500},
        {"status": 204},
        {"drop": True},
        {"redirect": "ftp://example.org/x"},
        {"status": 200, "body": b" " * (MAX_BYTES + 1)},
        {"status": 200, "body": b"{}", "truncate": 1},
    ],
)
def test_anything_else_is_no_answer(server: WorldServer, fault: Document) -> None:
    serve(server, ".provenance", **fault)
    found = served(server)
    assert isinstance(found, Unavailable)
    assert (found.code, bool(found.why)) == ("sidecar-unavailable", True)


def test_a_page_that_says_so_in_words_is_a_broken_sidecar(server: WorldServer) -> None:
    serve(server, ".provenance", status=200, body=b"<html>not found</html>")
    assert codes(served(server)) == ["malformed"]


def test_an_index_that_cannot_be_reached() -> None:
    claim = replace(listing(FILE), url=NOWHERE.join(f"/files/{FILE}"), index=NOWHERE)
    assert isinstance(MADE.origin, Indexed)
    made = replace(MADE, origin=replace(MADE.origin, listing=claim))
    with an_http() as http:
        found = Sidecars(http, lambda _: True).of(made, claim, VERIFIER)
    assert isinstance(found, Unavailable)
