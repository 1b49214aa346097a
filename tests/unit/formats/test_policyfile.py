from __future__ import annotations

import pytest

from safepip.errors import BadInput
from safepip.formats.policyfile import parse_policy
from safepip.model.grants import exclusive_index
from safepip.model.ident import ProjectName
from safepip.model.layers import combine
from safepip.model.levels import AttestationRule, Hashes, LayerKind, Level, Profile
from safepip.model.policy import Layer
from tests.factories import NOW, policy, project

WHOLE = b"""schema  = 1
profile = "strict"
[rules]
hashes            = "roots"
minimum-age       = "36h"
first-release-age = "P14D"
attestations      = "require"
[checks]
project-status = "deny"
[projects."acme-*"]
publishers = ["github:acme/tool/release.yml@refs/tags/*"]
predicates = ["publish", "signature"]
[projects."acme-*".slsa]
builder = "https://builder/*"
build-type = "https://type/v1"
source = "https://src/*"
revision = "*"
signers = ["github:acme/builder"]
[indexes.corp]
url = "https://user:secret@packages.corp.example/simple/"
packages = ["acme-*"]
private = true
upload-times = "absent"
minimum-age = "0d"
sidecars = true
[trust-roots.corp]
file = "corp.json"
indexes = ["corp", "local"]
projects = ["Acme_*"]
[[allow.startup-hooks]]
project = "Acme_Tool"
line = "import  acme_tool"
[[waivers]]
check = "release-age"
project = "Acme_Tool"
version = "2.1"
reason = "fix for CVE-2026-1"
owner = "security@acme.example"
until = 2026-11-24
[limits]
grants = ["indexes", "waivers"]
max-waiver-days = 90
"""


def read(raw: bytes, *, kind: LayerKind = LayerKind.USER) -> Layer:
    layer = parse_policy(raw, "safepip.toml", table=(), kind=kind, today=NOW.date())
    assert layer is not None
    return layer


def faults(raw: bytes, *, kind: LayerKind = LayerKind.USER) -> list[tuple[str, str]]:
    with pytest.raises(BadInput) as caught:
        read(raw, kind=kind)
    return list(caught.value.context) or [("", caught.value.message)]


def test_the_whole_schema() -> None:
    layer = read(WHOLE)
    assert layer.profile is not None
    assert (layer.profile.value, layer.profile.place) == (Profile.STRICT, "safepip.toml:2")
    assert layer.rules.hashes is not None
    assert (layer.rules.hashes.value, layer.rules.hashes.place) == (Hashes.ROOTS, "safepip.toml:4")
    [index] = layer.indexes
    assert "secret" not in str(index.url)
    assert index.upload_times_absent
    assert index.private
    [waiver] = layer.waivers
    assert (waiver.project, waiver.place) == ("acme-tool", "safepip.toml:33")
    rules = layer.rules_for(ProjectName.parse("acme-tool"))
    [hook] = layer.hooks
    assert (hook.project, hook.line, hook.place) == ("acme-tool", "import acme_tool", "safepip.toml:30")
    assert rules.publishers is not None
    assert rules.predicates is not None
    assert rules.predicates.value == {"publish", "signature"}
    assert rules.slsa is not None
    asked = rules.slsa.value
    assert (asked.builder, asked.build_type, asked.source, asked.revision, len(asked.signers)) == (
        "https://builder/*",
        "https://type/v1",
        "https://src/*",
        "*",
        1,
    )
    assert rules.slsa.place == "safepip.toml:13"
    assert index.sidecars
    [root] = layer.trust_roots
    assert (root.indexes, root.projects) == (("corp", "local"), ("acme-*",))
    assert layer.rules_for(ProjectName.parse("other")).publishers is None


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("[rules]\nminimun-age = '3d'", "safepip.toml:3", "not a key of the schema"),
        ("[rule]\n", "safepip.toml:2", "not a key of the schema"),
        ("[rules]\nminimum-age = 3", "safepip.toml:3", "not an age"),
        ("[rules]\nminimum-age = 'soon'", "safepip.toml:3", "not an age"),
        ("[rules]\nhashes = 'some'", "safepip.toml:3", "none of off, roots, all"),
        ("[rules]\nattestations = true", "safepip.toml:3", "none of off"),
        ("profile = 'lax'", "safepip.toml:2", "none of observe"),
        ("rules = 3", "safepip.toml:2", "not a table"),
        ("[checks]\ndigset = 'deny'", "safepip.toml:3", "there is no check"),
        ("[checks]\nadvisory = 'deny'", "safepip.toml:3", "cannot run the check"),
        ("[builders.corp]\nidentity = 'x'", "safepip.toml:2", "not enforced by this version"),
        ("[indexes.corp]\nurl='https://x/'\nsidecars = 1", "safepip.toml:4", "not true or false"),
        ("[indexes.local]\nurl='https://x/'", "safepip.toml:2", "files of this machine"),
        ("[rules]\nslsa = 'x'", "safepip.toml:3", "not a table"),
        ("[rules]\nslsa = {}", "safepip.toml:3", "asks for nothing"),
        ("[rules.slsa]\nbuilder = 3", "safepip.toml:3", "not a text"),
        ("[rules.slsa]\nbuild_type = 'x'", "safepip.toml:3", "not a key of the schema"),
        ("[projects.x.slsa]\nsigners = []", "safepip.toml:3", "accepts nobody"),
        ("[projects.x.slsa]\nsigners = ['nonsense']", "safepip.toml:3", "signers"),
        ("[rules]\npredicates = []", "safepip.toml:3", "publish, signature, slsa"),
        ("[rules]\npredicates = ['sbom']", "safepip.toml:3", "publish, signature, slsa"),
        ("[trust-roots.x]\nfile = 'x'\nindexes = []", "safepip.toml:4", "is empty"),
        ("[trust-roots.x]\nfile = 'x'", "safepip.toml:2", "indexes is missing"),
        ("[trust-roots.x]\nfile = 'x'\nindexes = ['local']\nprojects = []", "safepip.toml:5", "is empty"),
        ("[trust-roots.x]\nfile = 'x'\nindexes = ['local']\nprojects = ['a b']", "safepip.toml:5", "no glob"),
        ("[trust-roots.x]\nfile = 'x'\nindexes = 'local'", "safepip.toml:4", "not a list"),
        ("[indexes.corp]\npackages = ['a']", "safepip.toml:2", "url is missing"),
        ("[indexes.corp]\nurl = 'https://x/'\nupload-times = 'some'", "safepip.toml:4", "only value"),
        ("[projects.x]\npublishers = []", "safepip.toml:3", "accepts nobody"),
        ("[projects.x]\npublishers = ['nonsense']", "safepip.toml:3", "publishers"),
        ("[[waivers]]\ncheck = 'digest'", "safepip.toml:3", "cannot be waived"),
        ("[[waivers]]\ncheck = 'release-age'\nproject = 'x'\nreason='r'\nuntil=2026-12-01", "safepip.toml:2", "exact"),
        (
            "[[waivers]]\ncheck = 'release-age'\nproject = 'x'\nversion='1'\nreason='r'\nuntil=2026-11-21",
            "safepip.toml:7",
            "is past",
        ),
        (
            "[[waivers]]\ncheck = 'release-age'\nproject = 'x'\nversion='1'\nreason='r'\nuntil='2026-12-01'",
            "safepip.toml:7",
            "not a date",
        ),
        ("waivers = 3", "safepip.toml:2", "write [[waivers]]"),
        ("allow = 3", "safepip.toml:2", "not a table"),
        ("[allow]\nhooks = []", "safepip.toml:3", "not a key of the schema"),
        ("[allow.startup-hooks]\nline = 'x'", "safepip.toml:2", "write [[allow.startup-hooks]]"),
        ("[[allow.startup-hooks]]\nline = 'x'", "safepip.toml:2", "project is missing"),
        ("[[allow.startup-hooks]]\nproject = 'x'", "safepip.toml:2", "line is missing"),
        ("[[allow.startup-hooks]]\nproject = 'x'\nline = ' '", "safepip.toml:4", "not a text"),
        ("[[allow.startup-hooks]]\nproject = '*'\nline = 'x'", "safepip.toml:3", "not a valid project name"),
        ("[[allow.startup-hooks]]\nproject = 'x'\nline = 'x'\nuntil = 1", "safepip.toml:5", "not a key"),
        ("[limits]\ngrants = ['everything']", "safepip.toml:3", "unknown kinds"),
        ("[limits]\nmax-waiver-days = -1", "safepip.toml:3", "whole number"),
    ],
)
def test_each_fault_is_told_with_its_line(text: str, place: str, words: str) -> None:
    found = faults(f"schema = 1\n{text}".encode())
    assert any(where == place and words in what for where, what in found), found


def test_all_faults_are_told_at_once() -> None:
    assert len(faults(b"schema = 2\n[rules]\nhashes = 'x'\nfoo = 1\n[checks]\nbar = 'deny'\n")) == 4


@pytest.mark.parametrize("raw", [b"", b"schema = 2", b"schema = true", b"schema = 'x'"])
def test_the_schema_must_be_named_and_known(raw: bytes) -> None:
    assert any("schema" in what for _, what in faults(raw))


@pytest.mark.parametrize("raw", [b"a = = 1", b"\xff\xfe", b"schema = 1\nschema = 1", b"[" * 5000])
def test_no_toml_is_one_clear_fault(raw: bytes) -> None:
    [(_, what)] = faults(raw)
    assert "safepip.toml" in what


def test_limits_belong_to_outer_layers() -> None:
    [(place, what)] = faults(b"schema = 1\n[limits]\ngrants = []\n", kind=LayerKind.PROJECT)
    assert place == "safepip.toml:2"
    assert "[limits]" in what


def test_pyproject_carries_a_policy_in_its_tool_table() -> None:
    raw = b'[project]\nname = "x"\n[tool.safepip]\nschema = 1\n[tool.safepip.rules]\nhashes = "al"\n'
    with pytest.raises(BadInput) as caught:
        parse_policy(raw, "pyproject.toml", table=("tool", "safepip"), kind=LayerKind.PROJECT, today=NOW.date())
    assert caught.value.context[0][0] == "pyproject.toml:6"
    absent = parse_policy(b"[project]\n", "p", table=("tool", "safepip"), kind=LayerKind.PROJECT, today=NOW.date())
    assert absent is None


def test_defaults_are_a_floor_and_layers_only_tighten() -> None:
    demo = project("demo")
    assert policy().rules_for(demo).attestations.value is AttestationRule.FIRST_USE
    assert policy('[rules]\nattestations = "off"').rules_for(demo).attestations.value is AttestationRule.FIRST_USE
    raised = policy('[checks]\nproject-status = "deny"', '[checks]\nproject-status = "off"')
    assert raised.level("project-status", "archived", demo).value is Level.DENY
    assert raised.level("project-status", "archived", demo).place == "layer0.toml:3"


def test_a_pin_implies_require() -> None:
    pinned = policy('[projects.demo]\npublishers = ["github:a/b"]')
    assert pinned.rules_for(project("demo")).attestations.value is AttestationRule.REQUIRE
    assert pinned.rules_for(project("else")).attestations.value is AttestationRule.FIRST_USE


def test_within_a_layer_the_most_specific_glob_wins_and_layers_add_up() -> None:
    one = '[projects."*"]\nhashes = "all"\n[projects."de*"]\nhashes = "roots"'
    assert policy(one).rules_for(project("demo")).hashes.value is Hashes.ROOTS
    assert policy(one, '[rules]\nhashes = "all"').rules_for(project("demo")).hashes.value is Hashes.ALL


def test_globs_are_normalised_as_names_are() -> None:
    pinned = policy('[projects.De_Mo]\nhashes = "all"\n[indexes.c]\nurl = "https://c/"\npackages = ["Acme__*"]')
    assert pinned.rules_for(project("de-mo")).hashes.value is Hashes.ALL
    [grant] = pinned.indexes
    assert grant.covers(project("acme-tool")) == len("acme-")


@pytest.mark.parametrize("glob", ["ac me", "acme[12]", "-acme", ""])
def test_a_glob_that_cannot_match_is_a_fault(glob: str) -> None:
    assert faults(f'schema = 1\n[projects."{glob}"]\nhashes = "all"\n'.encode())
    assert faults(f'schema = 1\n[indexes.c]\nurl = "https://c/"\npackages = ["{glob}"]\n'.encode())


def test_the_outermost_layer_says_whose_a_name_is() -> None:
    outer = '[indexes.corp]\nurl = "https://corp/"\npackages = ["acme-*"]'
    inner = '[indexes.evil]\nurl = "https://evil/"\npackages = ["acme-tool"]'
    for both in (policy(outer, inner), policy(f"{outer}\n")):
        found = exclusive_index(both.indexes, project("acme-tool"))
        assert found is not None
        assert found.name == "corp"
    within = exclusive_index(policy(f"{outer}\n{inner}").indexes, project("acme-tool"))
    assert within is not None
    assert within.name == "evil"


def test_observe_counts_only_where_nobody_names_another_profile() -> None:
    assert policy('profile = "observe"').profile.value is Profile.OBSERVE
    assert policy('profile = "observe"', 'profile = "standard"').profile.value is Profile.STANDARD
    assert policy('profile = "strict"', 'profile = "observe"').profile.value is Profile.STRICT


def test_quarantine_and_missing_upload_times_have_levels_of_their_own() -> None:
    demo = project("demo")
    assert policy('profile = "observe"').level("project-status", "quarantined", demo).value is Level.DENY
    assert policy().level("release-age", "no-upload-times", demo).value is Level.WARN
    assert policy('profile = "strict"').level("release-age", "no-upload-times", demo).value is Level.DENY


HOOK = '[[allow.startup-hooks]]\nproject = "x"\nline = "import x"'
WAIVER = '[[waivers]]\ncheck = "release-age"\nproject = "x"\nversion = "1"\nreason = "r"\nuntil = 2027-11-24'


@pytest.mark.parametrize(
    ("outer", "inner", "words"),
    [
        ("[limits]\ngrants = []", WAIVER, "does not permit"),
        ('[limits]\ngrants = ["indexes"]', WAIVER, "does not permit"),
        ("[limits]\nmax-waiver-days = 90", WAIVER, "permits 90 days"),
        ('[limits]\ngrants = ["waivers"]', '[indexes.x]\nurl = "https://x/"', "does not permit"),
        ('[limits]\ngrants = ["waivers"]', HOOK, "grants startup-hooks, which"),
    ],
)
def test_a_grant_that_is_not_permitted_is_a_located_refusal(outer: str, inner: str, words: str) -> None:
    with pytest.raises(BadInput) as caught:
        policy(outer, inner)
    [(place, what)] = caught.value.context
    assert place == "layer1.toml:2"
    assert words in what


ROOT = '[trust-roots.corp]\nfile = "corp.json"\nindexes = ["corp"]'
CORP = '[indexes.corp]\nurl = "https://corp.example/simple/"'


def test_a_root_is_tied_to_indexes_that_its_own_or_an_outer_layer_defines() -> None:
    for fine in ((f"{CORP}\n{ROOT}",), (CORP, ROOT), (f"{CORP}\n{ROOT}", f"{CORP}\nprivate = true")):
        [root] = policy(*fine).trust_roots
        assert root.projects == ("*",)
    # Two of one name in two layers are two roots, each with its own tie.
    assert len(policy(f"{CORP}\n{ROOT}", ROOT.replace("corp.json", "other.json")).trust_roots) == 2
    assert policy(ROOT.replace('["corp"]', '["local"]')).trust_roots


@pytest.mark.parametrize(
    ("texts", "place", "words"),
    [
        ((ROOT,), "layer0.toml:2", "neither this policy nor one further out"),
        ((ROOT, CORP), "layer0.toml:2", "neither this policy nor one further out"),
        ((f"{CORP}\n{ROOT}", CORP.replace("corp.example", "evil.example")), "layer1.toml:2", "another address"),
        ((CORP, f"{CORP.replace('corp.example', 'evil.example')}\n{ROOT}"), "layer0.toml:2", "another address"),
    ],
)
def test_no_layer_can_widen_what_a_root_may_vouch_for(texts: tuple[str, ...], place: str, words: str) -> None:
    """The attack: a checkout defines `[indexes.corp]` anew, with the address of a public index."""
    with pytest.raises(BadInput) as caught:
        policy(*texts)
    [(where, what)] = caught.value.context
    assert where == place
    assert words in what


def test_a_slsa_rule_implies_its_predicate_and_the_signers_of_its_own_layer() -> None:
    asked = '[projects.demo]\nslsa = { builder = "x" }'
    pins = '[projects.demo]\npublishers = ["github:a/b"]'
    rules = policy(asked).rules_for(project("demo"))
    assert rules.attestations.value is AttestationRule.REQUIRE
    assert rules.predicates == {"slsa"}
    [alone] = policy(asked, pins).rules_for(project("demo")).slsa
    assert alone.value.signers == ()
    [together] = policy(f"{pins}\nslsa = {{ builder = 'x' }}").rules_for(project("demo")).slsa
    assert [pin.repository for pin in together.value.signers] == ["a/b"]
    [own] = policy(f'{pins}\nslsa = {{ signers = ["github:c/d"] }}').rules_for(project("demo")).slsa
    assert [pin.repository for pin in own.value.signers] == ["c/d"]
    assert policy(asked).rules_for(project("other")).slsa == ()


def test_a_rule_below_the_profiles_floor_turns_no_check_off() -> None:
    for text in ('attestations = "off"', 'attestations = "warn"'):
        under = policy(f"[rules]\n{text}")
        assert under.rules_for(project("demo")).attestations.value is AttestationRule.FIRST_USE
        assert under.level("attestation", "signature", project("demo")).value is Level.DENY
    observed = policy('profile = "observe"\n[rules]\nattestations = "off"').rules_for(project("demo"))
    assert observed.attestations.value is AttestationRule.WARN


def test_strict_makes_unpinned_changes_deny() -> None:
    for check, code in (("publisher", "claims-changed"), ("late-file", "late-file"), ("downgrade", "downgrade")):
        assert policy('profile = "strict"').level(check, code, project("demo")).value is Level.DENY
    assert policy().level("publisher", "claims-changed", project("demo")).value is Level.WARN
    assert policy().level("publisher", "identity-mismatch", project("demo")).value is Level.DENY
    assert policy().level("late-file", "late-file", project("demo")).value is Level.WARN


def test_limits_do_not_bind_their_own_layer() -> None:
    assert policy(f"[limits]\ngrants = []\n{''}", "").waivers == ()
    assert len(policy('[limits]\ngrants = ["waivers"]', WAIVER).waivers) == 1


def test_hooks_are_granted_by_every_layer_that_may_and_what_is_shipped_needs_none() -> None:
    under = policy('[limits]\ngrants = ["startup-hooks"]', HOOK)
    assert under.hook_grant(project("x"), "import x") is not None
    assert under.hook_grant(project("x"), "import y") is None
    assert under.hook_grant(project("y"), "import x") is None
    assert under.hook_grant(project("x"), "") is None
    for closed in (policy(), policy("[limits]\ngrants = []"), policy('profile = "strict"')):
        assert closed.hook_grant(project("cmeel"), "import cmeel_pth") is not None
        assert closed.hook_grant(project("demo"), "import cmeel_pth") is None


def test_the_digest_covers_bytes_and_profile() -> None:
    assert policy().digest != policy('profile = "strict"').digest
    assert policy("# a").digest != policy("# b").digest
    assert combine([], NOW.date()).digest == combine([], NOW.date()).digest
