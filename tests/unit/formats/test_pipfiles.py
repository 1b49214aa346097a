"""What the pip that we delegate to is given."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from safepip.formats.directurl import render_direct_url
from safepip.formats.pipfiles import Forwarded, Placement, Untraced, pip_command, pip_files, user_line, without_stage
from safepip.model.artifact import InstalledDistribution
from safepip.model.ident import ProjectName, Sha256, Url, parse_version
from safepip.model.plan import Install
from tests.unit.io.target.wheels import install, keep, plan, wheel

HERE = Placement(target_dir=None, prefix=None, root=None, upgrade=False, user=None, break_system_packages=False)
PLAIN = Forwarded(no_deps=False, force_reinstall=False, ignore_installed=False, extra=())
STAGE = "/tmp/stage"


def there(name: str, version: str) -> InstalledDistribution:
    return InstalledDistribution(
        project=ProjectName.parse(name), version=parse_version(version), location=Path("x"), requires_dist=()
    )


class TestFiles:
    def test_roots_and_rest_each_with_the_judged_digest(self, tmp_path: Path) -> None:
        root, part = wheel(tmp_path, "root", "1.0+local"), wheel(tmp_path, "part", "2.0rc1")
        step = install(root)
        with_extras = Install(
            approved=step.approved,
            pin=replace(step.pin, extras=frozenset({"b", "A_x"})),
            manifest=step.manifest,
            replaces=None,
        )
        files = pip_files(plan(install(part, parent="root"), with_extras), PLAIN, HERE, user=False)
        assert files.roots == f"root[a-x,b]==1.0+local --hash=sha256:{root.sha256}\n"
        assert files.rest == f"part==2.0rc1 --hash=sha256:{part.sha256}\n"
        assert files.flags == ("--no-user",)
        assert files.unrequested == frozenset()

    def test_kept_ones_are_not_named(self, tmp_path: Path) -> None:
        root, other = wheel(tmp_path, "root"), wheel(tmp_path, "other")
        files = pip_files(plan(keep(other, there("other", "1.0")), install(root)), PLAIN, HERE, user=False)
        assert "other" not in files.roots + files.rest

    def test_unless_only_they_lead_to_what_is_missing(self, tmp_path: Path) -> None:
        root, part, deep = (wheel(tmp_path, name) for name in ("root", "part", "deep"))
        a_plan = plan(install(deep, parent="part"), install(part, parent="root"), keep(root, there("root", "1.0")))
        assert pip_files(a_plan, PLAIN, HERE, user=False).roots == "root==1.0\n"

    @pytest.mark.parametrize(("before", "again"), [("1.0", True), ("1.0.0", True), ("1.0+x", True), ("0.9", False)])
    def test_a_version_that_pip_would_be_content_with(self, tmp_path: Path, before: str, again: bool) -> None:
        step = install(wheel(tmp_path, "root"), replaces=there("root", before))
        assert ("--force-reinstall" in pip_files(plan(step), PLAIN, HERE, user=False).flags) is again

    def test_again_beside_kept_ones_goes_by_name(self, tmp_path: Path) -> None:
        root, part = wheel(tmp_path, "root"), wheel(tmp_path, "part")
        again = install(part, parent="root", replaces=there("part", "1.0"))
        files = pip_files(plan(again, keep(root, there("root", "1.0"))), PLAIN, HERE, user=False)
        assert files.roots == f"part==1.0 --hash=sha256:{part.sha256}\n"
        assert files.flags == ("--no-user", "--no-deps", "--force-reinstall")
        assert files.unrequested == {"part"}

    def test_what_has_headers_is_named_so_that_their_folder_is_called_as_we_call_it(self, tmp_path: Path) -> None:
        root, part = wheel(tmp_path, "root"), wheel(tmp_path, "part", files={"part-1.0.data/headers/part.h": b""})
        files = pip_files(plan(install(part, parent="root"), install(root)), PLAIN, HERE, user=False)
        assert set(files.roots.splitlines()) == {
            f"root==1.0 --hash=sha256:{root.sha256}",
            f"part==1.0 --hash=sha256:{part.sha256}",
        }
        assert files.rest == ""
        assert files.unrequested == {"part"}

    def test_every_placement(self, tmp_path: Path) -> None:
        a_plan = plan(install(wheel(tmp_path)))
        everything = replace(PLAIN, no_deps=True, ignore_installed=True, extra=("--no-warn-conflicts",))
        places = replace(HERE, target_dir=Path("/t"), upgrade=True)
        assert pip_files(a_plan, everything, places, user=False).flags == (
            "--target", "/t", "--upgrade", "--no-deps", "--ignore-installed", "--no-warn-conflicts",
        )  # fmt: skip
        places = replace(HERE, prefix=Path("/p"), root=Path("/r"), break_system_packages=True)
        assert pip_files(a_plan, PLAIN, places, user=True).flags == (
            "--user", "--prefix", "/p", "--root", "/r", "--break-system-packages",
        )  # fmt: skip


def test_the_command_line() -> None:
    command = pip_command(Path("/own"), Path("/venv/bin/python"), Path("/s"), Path("/r"), Path("/c"), ["--no-user"])
    assert " ".join(command) == (
        "/own -I -m pip --python /venv/bin/python install --isolated --no-cache-dir --no-input "
        "--disable-pip-version-check --no-color --progress-bar off --no-index --find-links /s "
        "--only-binary :all: --require-hashes --no-compile -r /r -c /c --no-user"
    )


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (f"Looking in links: {STAGE}/wheels", None),
        (f"Processing {STAGE}/wheels/a-1-py3-none-any.whl (from -r {STAGE}/roots.txt (line 1))", None),
        ("Requirement already satisfied: a==1 in ./x (1)", None),
        ("", None),
        ("Installing collected packages: a", "Installing collected packages: a"),
        ("    Found existing installation: a 0", "    Found existing installation: a 0"),
        ("Successfully installed a\x1b]0;owned\x07-1 \u202eb", "Successfully installed a\\x1b]0;owned\\x07-1 \\u202eb"),
        (f"something new about {STAGE}/wheels/a.whl", "something new about wheels/a.whl"),
    ],
)
def test_lines_for_the_user(line: str, shown: str | None) -> None:
    assert user_line(line, STAGE) == shown


def test_complaints_without_the_stage() -> None:
    assert without_stage(f"a from file://{STAGE}/wheels/a.whl (-r {STAGE}/roots.txt)", STAGE) == (
        "a from wheels/a.whl (-r roots.txt)"
    )


def untraced(text: str) -> list[str]:
    watching = Untraced()
    return [told for line in text.split("\n") for told in watching.lines(line)] + watching.end()


TRACE = """Traceback (most recent call last):
  File "x.py", line 1, in f
    raise E(
        ~^

ValueError: it is wrong"""


class TestUntraced:
    def test_of_a_traceback_the_exception_is_left(self) -> None:
        assert untraced(f"before\nERROR: Exception:\n{TRACE}") == ["before", "ERROR: ValueError: it is wrong"]
        assert untraced(f"{TRACE}\nand more\nafter") == ["ERROR: ValueError: it is wrong", "and more", "after"]

    @pytest.mark.parametrize(
        "how",
        [
            "During handling of the above exception, another exception occurred:",
            "The above exception was the direct cause of the following exception:",
        ],
    )
    def test_of_a_chain_the_last_one(self, how: str) -> None:
        chain = f"ERROR: Exception:\n{TRACE}\n\n{how}\n\n{TRACE.replace('wrong', 'worse')}"
        assert untraced(chain) == ["ERROR: ValueError: it is worse"]

    def test_an_indented_one(self) -> None:
        indented = "\n".join(f"  {line}" for line in TRACE.split("\n"))
        assert untraced(f"{indented}\nafter") == ["ERROR: ValueError: it is wrong", "after"]

    def test_everything_else_stays(self) -> None:
        honest = "WARNING: a\n\n  indented\nERROR: Exception: told in one line\nERROR: b"
        assert untraced(honest) == honest.split("\n")
        assert untraced("ERROR: Exception:\nnothing follows") == ["ERROR: Exception:", "nothing follows"]


class TestDirectUrl:
    def test_as_pip_writes_it(self) -> None:
        digest = Sha256("ab" * 32)
        assert render_direct_url(Url("file:///x/a.whl"), digest) == (
            b'{"archive_info": {"hash": "sha256=' + b"ab" * 32 + b'", "hashes": {"sha256": "' + b"ab" * 32 + b'"}}, '
            b'"url": "file:///x/a.whl"}'
        )

    def test_the_digest_of_the_fragment_and_no_password(self) -> None:
        url = Url(f"https://git:secret@x.example/a.whl#egg=a&sha512={'cd' * 64}")
        written = render_direct_url(url, Sha256("ab" * 32))
        assert b'"hashes": {"sha512": "cdcd' in written
        assert b'"url": "https://x.example/a.whl"' in written
        assert b"secret" not in written
