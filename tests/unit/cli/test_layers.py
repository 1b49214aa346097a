"""Which files count, in which order, and what becomes of one that cannot be read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from safepip.cli import layers
from safepip.cli.args import Typed, parse
from safepip.cli.layers import load_policy, pip_configuration
from safepip.cli.settings import Settings, settle
from safepip.errors import BadInput
from safepip.model.levels import AttestationRule, Hashes, LayerKind, Profile
from safepip.model.policy import Policy
from tests.factories import NOW, project


@pytest.fixture(autouse=True)
def _no_system_policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "SYSTEM_POLICY", tmp_path / "etc" / "policy.toml")


def environ(home: Path, **more: str) -> dict[str, str]:
    return {"HOME": str(home), "XDG_CONFIG_DIRS": str(home / "xdg"), **more}


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def settings(*argv: str) -> Settings:
    typed = parse(["install", "demo", *argv])
    assert isinstance(typed, Typed)
    return settle(typed, {}, {}, ("safepip",))


def policy(
    tmp_path: Path,
    *argv: str,
    hash_mode: bool = False,
    folder: str = "project",
    variables: Mapping[str, str] = MappingProxyType({}),
) -> Policy:
    place = tmp_path / folder
    place.mkdir(parents=True, exist_ok=True)
    return load_policy(
        settings(*argv), environ(tmp_path, **variables), hash_mode=hash_mode, folder=place, today=NOW.date()
    )


class TestPipConfiguration:
    def test_user_over_global_and_the_environment_over_all(self, tmp_path: Path) -> None:
        write(tmp_path / "xdg" / "pip" / "pip.conf", "[global]\ntimeout = 1\nretries = 1\nproxy = x\n")
        write(tmp_path / ".config" / "pip" / "pip.conf", "[global]\ntimeout = 2\n")
        found = pip_configuration(environ(tmp_path, PIP_RETRIES="3"), None)
        assert (found["timeout"].value, found["retries"].value) == ("2", "3")

    def test_the_targets_own_file_counts(self, tmp_path: Path) -> None:
        write(tmp_path / "venv" / "pip.conf", "[install]\ntimeout = 9\n")
        assert pip_configuration(environ(tmp_path), tmp_path / "venv")["timeout"].value == "9"

    def test_a_named_file_replaces_the_users(self, tmp_path: Path) -> None:
        write(tmp_path / ".config" / "pip" / "pip.conf", "[global]\ntimeout = 2\n")
        named = write(tmp_path / "other.conf", "[global]\nretries = 7\n")
        found = pip_configuration(environ(tmp_path, PIP_CONFIG_FILE=str(named)), None)
        assert "timeout" not in found
        assert found["retries"].value == "7"

    def test_the_null_device_switches_all_files_off(self, tmp_path: Path) -> None:
        write(tmp_path / ".config" / "pip" / "pip.conf", "[global]\ntimeout = 2\n")
        found = pip_configuration(environ(tmp_path, PIP_CONFIG_FILE="/dev/null", PIP_RETRIES="1"), None)
        assert set(found) == {"retries"}

    def test_a_file_that_is_none_is_told(self, tmp_path: Path) -> None:
        write(tmp_path / ".config" / "pip" / "pip.conf", "timeout = 2\n")
        with pytest.raises(BadInput, match=r"pip\.conf"):
            pip_configuration(environ(tmp_path), None)


class TestPolicies:
    def test_none_is_the_standard_profile(self, tmp_path: Path) -> None:
        assert policy(tmp_path).profile.value is Profile.STANDARD

    def test_system_user_and_project_add_up(self, tmp_path: Path) -> None:
        write(tmp_path / "etc" / "policy.toml", 'schema = 1\nprofile = "strict"\n')
        write(tmp_path / ".config" / "safepip" / "policy.toml", 'schema = 1\n[rules]\nattestations = "require"\n')
        write(tmp_path / "project" / "safepip.toml", 'schema = 1\nprofile = "standard"\n[rules]\nhashes = "off"\n')
        merged = policy(tmp_path)
        rules = merged.rules_for(project("demo"))
        assert merged.profile.value is Profile.STRICT
        assert rules.attestations.value is AttestationRule.REQUIRE
        assert rules.hashes.value is Hashes.ALL
        assert len(merged.layers) == 4

    def test_the_nearest_parent_counts_and_only_that(self, tmp_path: Path) -> None:
        write(tmp_path / "project" / "safepip.toml", 'schema = 1\n[rules]\nhashes = "roots"\n')
        write(tmp_path / "project" / "sub" / "pyproject.toml", '[tool.safepip]\nschema = 1\nprofile = "strict"\n')
        assert policy(tmp_path, folder="project/sub/deeper").profile.value is Profile.STRICT
        assert policy(tmp_path, folder="project/other").rules_for(project("x")).hashes.value is Hashes.ROOTS

    def test_a_pyproject_without_our_table_is_passed_by(self, tmp_path: Path) -> None:
        write(tmp_path / "project" / "safepip.toml", 'schema = 1\nprofile = "strict"\n')
        write(tmp_path / "project" / "sub" / "pyproject.toml", '[project]\nname = "not-safepip"\n')
        assert policy(tmp_path, folder="project/sub").profile.value is Profile.STRICT

    def test_a_named_policy_adds_to_the_others(self, tmp_path: Path) -> None:
        write(tmp_path / "project" / "safepip.toml", 'schema = 1\nprofile = "strict"\n')
        named = write(tmp_path / "lax.toml", 'schema = 1\nprofile = "observe"\n[rules]\nminimum-age = "0d"\n')
        merged = policy(tmp_path, "--sp-policy", str(named))
        assert merged.profile.value is Profile.STRICT
        assert len(merged.rules_for(project("demo")).ages) == 2

    def test_observe_is_ones_own_choice(self, tmp_path: Path) -> None:
        """A checkout or a variable that asks for less is told so; whoever runs safepip may ask."""
        observe = 'schema = 1\nprofile = "observe"\n'
        named = write(tmp_path / "adopt.toml", observe)
        assert policy(tmp_path, "--sp-policy", str(named)).profile.value is Profile.OBSERVE
        with pytest.raises(BadInput, match="may not permit"):
            policy(tmp_path, variables={"SAFEPIP_PROFILE": "observe"})
        write(tmp_path / "project" / "safepip.toml", observe)
        with pytest.raises(BadInput) as caught:
            policy(tmp_path)
        assert caught.value.context[0][0].endswith("safepip.toml:2")

    def test_a_policy_that_others_could_write_is_not_followed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = write(tmp_path / "project" / "safepip.toml", "schema = 1\n")
        (tmp_path / "project" / "sub").mkdir()
        monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
        owned_by_root = path.stat().st_uid == 0
        if not owned_by_root:
            with pytest.raises(BadInput, match="not followed"):
                policy(tmp_path, folder="project/sub")
        assert policy(tmp_path).layers  # in the folder itself it is one's own decision to run there
        path.chmod(0o666)
        with pytest.raises(BadInput, match="not followed"):
            policy(tmp_path)

    def test_a_policy_of_another_user_in_a_parent_folder(self, tmp_path: Path) -> None:
        path = write(tmp_path / "project" / "safepip.toml", "schema = 1\n")
        try:
            os.chown(path, 65534, 65534)
        except PermissionError:
            return  # only root can make this case; the one above stands for it
        with pytest.raises(BadInput, match="another user"):
            policy(tmp_path, folder="project/sub")

    def test_naming_the_projects_own_file_is_to_mean_it(self, tmp_path: Path) -> None:
        path = write(tmp_path / "project" / "safepip.toml", 'schema = 1\nprofile = "strict"\n')
        path.chmod(0o666)
        merged = policy(tmp_path, "--sp-policy", str(path))
        assert merged.profile.value is Profile.STRICT
        assert [layer.kind for layer in merged.layers] == [LayerKind.NAMED, LayerKind.COMMAND_LINE]

    def test_a_link_that_leads_nowhere_is_no_absent_policy(self, tmp_path: Path) -> None:
        (tmp_path / "project").mkdir()
        (tmp_path / "project" / "safepip.toml").symlink_to(tmp_path / "gone.toml")
        with pytest.raises(BadInput, match="leads nowhere"):
            policy(tmp_path)

    def test_a_table_that_is_nearly_ours_is_an_error(self, tmp_path: Path) -> None:
        write(tmp_path / "project" / "pyproject.toml", '[tool.Safe-Pip]\nschema = 1\nprofile = "strict"\n')
        with pytest.raises(BadInput, match="it is written 'safepip'"):
            policy(tmp_path)

    def test_a_named_policy_must_be_there(self, tmp_path: Path) -> None:
        with pytest.raises(BadInput, match="no policy file"):
            policy(tmp_path, "--sp-policy", str(tmp_path / "absent.toml"))

    def test_a_project_cannot_limit(self, tmp_path: Path) -> None:
        write(tmp_path / "project" / "safepip.toml", "schema = 1\n[limits]\ngrants = []\n")
        with pytest.raises(BadInput):
            policy(tmp_path)

    def test_a_policy_that_is_a_folder_is_an_error_not_absent(self, tmp_path: Path) -> None:
        (tmp_path / "project" / "safepip.toml").mkdir(parents=True)
        with pytest.raises(BadInput, match="cannot be read"):
            policy(tmp_path)

    def test_variables_tighten(self, tmp_path: Path) -> None:
        merged = policy(tmp_path, variables={"SAFEPIP_PROFILE": "strict", "SAFEPIP_MINIMUM_AGE": "14d"})
        assert merged.profile.value is Profile.STRICT
        assert [age.place for age in merged.rules_for(project("demo")).ages][-1] == "environment"

    @pytest.mark.parametrize(
        "name", ["SAFEPIP_MINIMUN_AGE", "SAFEPIP_WAIVERS", "SAFEPIP_PUBLISHERS", "SAFEPIP_Profile", "safepip_hashes"]
    )
    def test_a_variable_that_is_no_rule_is_an_error(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(BadInput):
            policy(tmp_path, variables={name: "x"})

    def test_the_command_line_tightens(self, tmp_path: Path) -> None:
        merged = policy(tmp_path, "--uploaded-prior-to", "2020-01-01", hash_mode=True)
        rules = merged.rules_for(project("demo"))
        assert rules.hashes.place == "command line"
        assert len(rules.ages) == 2
        assert merged.digest != policy(tmp_path).digest


@pytest.mark.parametrize(
    "header", ["[trust-roots.corp]", '["trust\\u002droots".corp]', '[trust-roots."a#b"]', '[trust-roots."a]b"]']
)
def test_the_file_of_a_trusted_root_lies_beside_its_policy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, header: str
) -> None:
    """However the table is written, also where no line of it is known: never in the folder one happens to be in."""
    user = tmp_path / ".config" / "safepip"
    write(user / "policy.toml", f'schema = 1\n{header}\nfile = "root.json"\nindexes = ["local"]\n')
    checkout = tmp_path / "a:b"
    checkout.mkdir()
    monkeypatch.chdir(checkout)
    [root] = policy(tmp_path, folder="a:b").trust_roots
    assert Path(root.file) == user / "root.json"
