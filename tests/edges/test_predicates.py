"""What a policy asks of SLSA provenances, and an index that offers no provenance, as a user sees them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from safepip.formats.statement import SLSA
from tests.command import Command, Result
from tests.sigstore import GitHub, LocalSigstore
from tests.world import World, WorldServer

DEMO = "https://github.com/acme/demo"
PREDICATE: dict[str, Any] = {
    "buildDefinition": {
        "buildType": "https://actions.github.io/buildtypes/workflow/v1",
        "externalParameters": {"workflow": {"repository": DEMO, "ref": "refs/tags/v1.0", "path": "release.yml"}},
        "resolvedDependencies": [{"uri": f"git+{DEMO}@refs/tags/v1.0", "digest": {"gitCommit": "a" * 40}}],
    },
    "runDetails": {"builder": {"id": f"{DEMO}/.github/workflows/release.yml@refs/tags/v1.0"}},
}
RULE = f'schema = 1\n[projects.signed]\nslsa = {{ source = "{DEMO}", revision = "{"a" * 40}" }}\n'


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def safepip(command: Command, world: World) -> Iterator[Command]:
    with WorldServer(world) as server:
        index = server.index().reveal()
        yield Command(environment=command.environment, folder=command.folder, variables={"PIP_INDEX_URL": index})


@pytest.fixture
def sigstore(safepip: Command) -> LocalSigstore:
    sigstore = LocalSigstore.create(datetime.now(timezone.utc))
    (safepip.folder / "root.json").write_bytes(sigstore.trusted_root_json())
    return sigstore


def install(safepip: Command, policy: str) -> Result:
    (safepip.folder / "safepip.toml").write_text(policy)
    return safepip("signed", "--sp-trusted-root", "root.json")


def publish(world: World, sigstore: LocalSigstore, *, builder: GitHub | None, predicate: object = PREDICATE) -> None:
    """A publish attestation of the project, and a provenance that `builder` signed."""
    signed = world.publish("signed", "1.0")
    bundles = [([sigstore.attest(signed.text, signed.claimed, GitHub())], "acme/demo")]
    if builder is not None:
        provenance = sigstore.attest(signed.text, signed.claimed, builder, predicate_type=SLSA, predicate=predicate)
        bundles.append(([provenance], builder.repository))
    signed.provenance = json.dumps({
        "version": 1,
        "attestation_bundles": [
            {
                "publisher": {"kind": "GitHub", "repository": repository, "workflow": "release.yml"},
                "attestations": attestations,
            }
            for attestations, repository in bundles
        ],
    }).encode()  # fmt: skip


def test_a_provenance_as_the_policy_asks(safepip: Command, world: World, sigstore: LocalSigstore) -> None:
    publish(world, sigstore, builder=GitHub())
    result = install(safepip, RULE)
    assert result.exit == 0, result.stderr
    assert result.report is not None
    [signed] = result.report["distributions"]
    assert [one["predicate"] for one in signed["attestations"]] == signed["predicates"]
    assert signed["attestations"][1]["build"] == {
        "builder": f"{DEMO}/.github/workflows/release.yml@refs/tags/v1.0",
        "build_type": "https://actions.github.io/buildtypes/workflow/v1",
        "source": DEMO,
        "revision": "a" * 40,
    }


@pytest.mark.parametrize(
    ("builder", "predicate", "codes"),
    [
        (None, PREDICATE, {"predicate"}),
        (GitHub(repository="evil/demo"), PREDICATE, {"slsa-source"}),
        (GitHub(), {**PREDICATE, "buildDefinition": {"buildType": "x"}}, {"slsa-source"}),
        (GitHub(), {"builder": "as in version 0.2"}, {"predicate"}),
    ],
)
def test_one_that_is_not(
    safepip: Command, world: World, sigstore: LocalSigstore, builder: GitHub | None, predicate: object, codes: set[str]
) -> None:
    publish(world, sigstore, builder=builder, predicate=predicate)
    result = install(safepip, RULE)
    assert result.exit == 1
    assert "Traceback" not in result.stderr
    assert result.report is not None
    assert [one["check"] for one in result.report["refusals"]] == ["attestation"]
    assert {one["code"] for one in result.report["refusals"]} == codes
    assert safepip.installed() == {}


def test_a_waiver_of_publisher_lifts_no_requirement(safepip: Command, world: World, sigstore: LocalSigstore) -> None:
    evil = GitHub(repository="evil/demo")
    publish(world, sigstore, builder=evil, predicate=json.loads(json.dumps(PREDICATE).replace("acme/", "evil/")))
    waiver = '[[waivers]]\ncheck = "publisher"\nproject = "signed"\nversion = "1.0"\nreason = "x"\nowner = "x"\n'
    until = (datetime.now(timezone.utc) + timedelta(days=2)).date()
    result = install(safepip, f'schema = 1\n[projects.signed]\npredicates = ["slsa"]\n{waiver}until = {until}\n')
    assert result.report is not None
    assert [(one["check"], one["code"]) for one in result.report["refusals"]] == [("attestation", "slsa-signer")]
    assert safepip.installed() == {}


def test_an_index_without_provenance_is_told_once(safepip: Command, world: World) -> None:
    world.main.provenance = False
    for name in ("web", "base"):
        world.publish(name, "1.0")
    result = safepip("web", "base")
    assert result.exit == 0
    assert result.stderr.count("No provenance: ") == 1
    assert "2 distributions" in result.stderr
    assert safepip("web", "base", "--force-reinstall", "-q").stderr == ""


def test_require_folds_what_such_an_index_cannot_give(safepip: Command, world: World) -> None:
    world.main.provenance = False
    for name in ("web", "base"):
        world.publish(name, "1.0")
    (safepip.folder / "safepip.toml").write_text(
        'schema = 1\n[rules]\nattestations = "require"\n[projects.web]\npublishers = ["github:acme/web"]\n'
    )
    result = safepip("web", "base")
    assert result.exit == 1
    assert result.report is not None
    assert [one["code"] for one in result.report["refusals"] if one["check"] == "attestation"] == [
        "index-offers-none",
        "index-offers-none",
    ]
    assert len([line for line in result.stderr.splitlines() if line.startswith("  refused")]) == 1
    assert result.stderr.count("does not offer") == 1
