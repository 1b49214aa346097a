from __future__ import annotations

from typing import Any

import pytest

from safepip.errors import BadInput, Refused
from safepip.formats.publisher import render_publisher
from safepip.formats.pylock import Lock, is_lock, read_lock
from safepip.model.ident import Url
from tests.world.ports import TARGET

FOLDER = Url("file:///project/")
DIGEST = "ab" * 32
HEAD = 'lock-version = "1.0"\ncreated-by = "tests"\nextras = ["fast"]\n'
FILE = "demo-1.0-py3-none-any.whl"
HASHES = f'hashes = {{ sha256 = "{DIGEST}" }}'
WHEEL = f'wheels = [{{ name = "{FILE}", url = "https://files.example/{FILE}", {HASHES} }}]\n'


def package(name: str, version: str, marker: str = "") -> str:
    condition = f'marker = "{marker}"\n' if marker else ""
    wheel = WHEEL.replace("demo-1.0", f"{name}-{version}")
    return f'[[packages]]\nname = "{name}"\nversion = "{version}"\n{condition}{wheel}'


DEMO = package("demo", "1.0")


def read(text: str, *extras: str) -> Lock:
    return read_lock((HEAD + text).encode(), "pylock.toml", FOLDER, TARGET, extras)


def test_a_wheel_of_an_index_is_an_exact_version_and_a_digest() -> None:
    [root] = read(DEMO).roots
    assert str(root.requirement) == "demo==1.0"
    assert root.origin == "pylock.toml:4"
    assert [str(pin) for pin in root.pins] == [f"sha256:{DIGEST}"]


def test_the_wheel_for_this_target_is_the_one_that_is_pinned() -> None:
    other = WHEEL.replace("py3-none-any", "cp312-cp312-win32").replace(DIGEST, "cd" * 32)
    both = other.replace("wheels = [", "").rstrip("]\n")
    [root] = read(DEMO.replace("wheels = [", f"wheels = [{both}, ")).roots
    assert [pin.digest for pin in root.pins] == [DIGEST]


def test_markers_and_extras_select() -> None:
    text = DEMO + package("extra", "2", "'fast' in extras") + package("windows", "2", "sys_platform == 'win32'")
    assert [root.project for root in read(text).roots] == ["demo"]
    assert [root.project for root in read(text, "fast").roots] == ["demo", "extra"]
    with pytest.raises(BadInput, match="no extra slow"):
        read(text, "slow")


def test_a_wheel_beside_the_lock_is_named_by_its_path() -> None:
    [root] = read(DEMO.replace('url = "https://files.example/', 'path = "wheels/')).roots
    assert str(root.requirement) == "demo @ file:///project/wheels/demo-1.0-py3-none-any.whl"
    assert root.pins


@pytest.mark.parametrize(
    ("identity", "line"),
    [
        ('{ kind = "GitHub", repository = "acme/demo", workflow = "release.yml" }', "github:acme/demo/release.yml"),
        ('{ kind = "Google", email = "a@b.iam.gserviceaccount.com" }', "google:a@b.iam.gserviceaccount.com"),
    ],
)
def test_who_has_to_have_published_it(identity: str, line: str) -> None:
    [locked] = read(DEMO + f"attestation-identities = [{identity}]\n").publishers
    assert locked.project == "demo"
    assert [render_publisher(pin) for pin in locked.publishers] == [line]
    assert locked.place == "pylock.toml:4"


def test_a_lock_that_says_nothing_of_publishers_expects_nobody() -> None:
    assert read(DEMO).publishers == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[packages]", "not valid TOML"),
        ('[[packages]]\nname = "demo"\n', "Exactly one of vcs"),
        (DEMO.replace(DIGEST, "ab"), "sha256"),
        (DEMO.replace(f'sha256 = "{DIGEST}"', 'md5 = "ab"'), "no sha256"),
        (DEMO.replace("py3-none-any", "cp312-cp312-win32"), "No wheel found"),
        (DEMO + DEMO, "Multiple packages"),
        ('requires-python = ">=4"\n' + DEMO, "does not satisfy the Python version"),
        (DEMO + "attestation-identities = []\n", "accepts nobody"),
        (DEMO + 'attestation-identities = [{ kind = "Strange" }]\n', "Strange cannot be enforced"),
        (DEMO + 'attestation-identities = [{ kind = "GitHub", repository = 7 }]\n', "repository"),
    ],
)
def test_a_lock_that_cannot_be_followed_is_none(text: str, words: str) -> None:
    with pytest.raises(BadInput) as caught:
        read(text)
    assert caught.value.reference == "bad-lock"
    assert words in f"{caught.value.message} {caught.value.context}"


def test_another_lock_version() -> None:
    with pytest.raises(BadInput, match="version"):
        read_lock(b'lock-version = "2.0"\ncreated-by = "x"\npackages = []\n', "pylock.toml", FOLDER, TARGET, ())


SOURCES: dict[str, Any] = {
    "sdist": f'sdist = {{ name = "demo-1.0.tar.gz", url = "https://x.example/demo-1.0.tar.gz", {HASHES} }}',
    "repository": 'vcs = { type = "git", url = "https://x.example/demo.git", commit-id = "aa" }',
    "folder": 'directory = { path = "." }',
    "archive": f'archive = {{ url = "https://x.example/demo.zip", {HASHES} }}',
}


@pytest.mark.parametrize("kind", SOURCES)
def test_what_would_be_built_is_refused_with_its_line(kind: str) -> None:
    with pytest.raises(Refused) as caught:
        read(f'[[packages]]\nname = "demo"\nversion = "1.0"\n{SOURCES[kind]}\n')
    assert caught.value.reference == "source-only"
    [(place, _)] = caught.value.context
    assert place == "pylock.toml:4"


def test_the_names_that_a_lock_has() -> None:
    assert is_lock("x/pylock.toml")
    assert is_lock("pylock.dev.toml")
    assert not is_lock("pylock.toml.txt")
    assert not is_lock("lock.toml")
