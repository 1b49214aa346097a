"""A pin is added to a policy, and nothing else in it moves."""

from __future__ import annotations

from pathlib import Path

import pytest

from safepip.cli.trustpin import pin
from safepip.errors import BadInput
from safepip.formats.publisher import parse_publisher
from tests.factories import NOW, project

TODAY = NOW.date()
WHO = parse_publisher("github:acme/demo/release.yml@refs/tags/*")


def add(folder: Path, name: str = "demo") -> tuple[Path, str]:
    return pin(project(name), [WHO], folder, TODAY)


@pytest.mark.parametrize("old", ["schema = 1\n", "schema = 1", "# a\r\nschema = 1\r\n\r\n[rules]\r\nhashes='all'"])
def test_the_old_text_stays_as_it_is(tmp_path: Path, old: str) -> None:
    path = tmp_path / "safepip.toml"
    path.write_bytes(old.encode())
    path.chmod(0o640)
    assert add(tmp_path)[0] == path
    assert path.read_bytes().startswith(old.encode())
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_name_with_a_dot_is_quoted(tmp_path: Path) -> None:
    """Normalised names have none; one that came here all the same must not become a table of a table."""
    path, lines = add(tmp_path, "Zope.Interface")
    assert lines.startswith("[projects.zope-interface]\n")
    assert path.read_text() == f"schema = 1\n\n{lines}\n"


def test_a_policy_in_pyproject_is_not_overshadowed_by_a_new_file(tmp_path: Path) -> None:
    """A new safepip.toml would be read in its place, and its rules would be gone."""
    (tmp_path / "pyproject.toml").write_text("[tool]\nsafepip = { schema = 1, rules = { hashes = 'all' } }\n")
    (tmp_path / "src").mkdir()
    for folder in (tmp_path, tmp_path / "src"):
        with pytest.raises(BadInput) as caught:
            add(folder)
        assert caught.value.reference == "pin-by-hand"
        assert "[tool.safepip.projects.demo]" in caught.value.context[0][1]
    assert not list(tmp_path.rglob("safepip.toml"))


def test_a_pyproject_without_a_policy_is_passed_by(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'safepip-demo'\n")
    assert add(tmp_path)[0] == tmp_path / "safepip.toml"


@pytest.mark.parametrize(
    "old",
    [
        "schema = 1\n[projects.demo]\n",
        'schema = 1\n[projects.Demo]\npublishers = ["github:a/b"]\n',
        "schema = 1\nprojects = {}\n",
    ],
)
def test_where_it_does_not_fit_the_lines_are_told_and_nothing_is_written(tmp_path: Path, old: str) -> None:
    path = tmp_path / "safepip.toml"
    path.write_text(old)
    with pytest.raises(BadInput) as caught:
        add(tmp_path)
    assert path.read_text() == old
    assert caught.value.reference in {"pin-by-hand", "policy-file"}


def test_a_policy_that_everybody_can_write_is_not_changed(tmp_path: Path) -> None:
    path = tmp_path / "safepip.toml"
    path.write_text("schema = 1\n")
    path.chmod(0o666)
    with pytest.raises(BadInput) as caught:
        add(tmp_path)
    assert caught.value.reference == "policy-not-ones-own"
    assert path.read_text() == "schema = 1\n"


def test_a_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "real.toml").write_text("schema = 1\n")
    (tmp_path / "safepip.toml").symlink_to("real.toml")
    add(tmp_path)
    assert (tmp_path / "safepip.toml").is_symlink()
    assert "acme/demo" in (tmp_path / "real.toml").read_text()
