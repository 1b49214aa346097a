"""archive, record, startup-hook, script-shadow, direct-url, native-in-pure and world-writable over one wheel."""

from __future__ import annotations

import ast
import inspect
import re
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from safepip.checks import (
    Check,
    archive,
    direct_url,
    metadata_match,
    native_in_pure,
    record,
    script_shadow,
    startup_hook,
    world_writable,
)
from safepip.formats import entrypoints, membername, wheellayout, wheelrecord, ziparchive, zipheaders, zipmembers
from safepip.formats.policyfile import parse_policy
from safepip.model.contents import Contents, EntryPoint, Fault, PackedFile, StartupHook
from safepip.model.evidence import Kind, Unavailable
from safepip.model.ident import Sha256
from safepip.model.levels import LayerKind
from safepip.model.policy import Policy
from safepip.model.shippedhooks import SHIPPED
from safepip.model.verdict import Finding, Outcome
from tests.factories import CONTENTS, MANIFEST, METADATA, NOW, artifact, dossier, listing, policy, subject

LOOKING_INSIDE = (
    metadata_match,
    record,
    startup_hook,
    script_shadow,
    direct_url,
    native_in_pure,
    world_writable,
)
BROKEN = replace(
    CONTENTS,
    sha256=None,
    manifest=None,
    metadata=None,
    wheel=None,
    dist_info=(),
    faults=(Fault(code="zip-prefix", message="there are 3 bytes before the first member"),),
)


def told(
    check: Check, piece: Contents | Unavailable, *, file: str = "demo-1.0-py3-none-any.whl", under: Policy | None = None
) -> tuple[Finding, ...]:
    about = subject(artifact(listing(file)))
    return check.check(dossier(about, piece), under if under is not None else policy(), NOW)


def said(
    check: Check, piece: Contents | Unavailable, *, file: str = "demo-1.0-py3-none-any.whl", under: Policy | None = None
) -> list[tuple[Outcome, str]]:
    return [(one.outcome, one.code) for one in told(check, piece, file=file, under=under)]


@pytest.mark.parametrize("check", [archive, *LOOKING_INSIDE], ids=lambda one: one.ID)
def test_an_honest_wheel_passes_and_one_that_is_not_there_does_not(check: Check) -> None:
    assert said(check, CONTENTS) == [(Outcome.PASS, check.ID)]
    missing = Unavailable(wanted=Kind.CONTENTS, code="unreadable", why="it cannot be read: Input/output error")
    assert said(check, missing) == [(Outcome.UNKNOWN, "unreadable")]


@pytest.mark.parametrize("check", LOOKING_INSIDE, ids=lambda one: one.ID)
def test_what_cannot_be_read_is_not_known(check: Check) -> None:
    assert said(check, BROKEN) == [(Outcome.UNKNOWN, "unreadable")]


def test_each_fault_of_the_archive_is_told_with_its_code() -> None:
    [finding] = told(archive, BROKEN)
    assert (finding.outcome, finding.code) == (Outcome.FAIL, "zip-prefix")
    assert "3 bytes" in finding.message
    assert finding.hint is not None


def test_an_archive_that_changed_while_it_was_judged() -> None:
    other = replace(CONTENTS, sha256=Sha256("0" * 64))
    assert said(archive, other) == [(Outcome.FAIL, "changed")]
    assert said(archive, replace(BROKEN, faults=())) == [(Outcome.UNKNOWN, "unreadable")]


@pytest.mark.parametrize(
    ("modules", "page"),
    [
        ((ziparchive, zipheaders, zipmembers, membername, wheellayout, entrypoints), "archive"),
        ((wheelrecord,), "record"),
    ],
)
def test_every_code_of_a_fault_is_on_its_page(modules: tuple[ModuleType, ...], page: str) -> None:
    text = (Path(__file__).parents[3] / "docs" / "checks" / f"{page}.md").read_text()
    for module in modules:
        tree = ast.parse(inspect.getsource(module))
        words = {one.value for one in ast.walk(tree) if isinstance(one, ast.Constant) and isinstance(one.value, str)}
        given = {
            str(word.value.value)
            for one in ast.walk(tree)
            if isinstance(one, ast.Call)
            for word in one.keywords
            if word.arg == "code" and isinstance(word.value, ast.Constant)
        }
        shaped = {one for one in words if re.fullmatch(r"(?:zip|name|member|too|bomb|setuid)-?[a-z0-9-]*", one)}
        for code in given | (shaped - {"name", "zip", "member"}):
            assert f"`{code}`" in text, f"{module.__name__}: {code}"
        assert given or shaped


def test_each_fault_of_record_is_told_with_its_code() -> None:
    faults = (Fault(code="hash", message="'a' ..."), Fault(code="unlisted", message="'b' ..."))
    assert said(record, replace(CONTENTS, record_faults=faults)) == [(Outcome.FAIL, "hash"), (Outcome.FAIL, "unlisted")]


# -- start-up hooks ---------------------------------------------------------------------------------------------------

LINE = 'import os; exec("print(1)\\n")'


def hooked(*lines: str, path: str = "demo.pth") -> Contents:
    return replace(CONTENTS, hooks=tuple(StartupHook(path=path, line=line) for line in lines))


def test_a_line_that_nobody_allowed_is_refused_and_shown() -> None:
    [finding] = told(startup_hook, hooked(LINE))
    assert (finding.outcome, finding.code) == (Outcome.FAIL, "line")
    assert LINE in finding.message
    assert "'demo.pth'" in finding.message


@pytest.mark.parametrize("line", [LINE, "import\tdemo", 'import "a\\b"', "import  demo", "/opt/evil"])
def test_the_block_of_the_hint_allows_exactly_that(line: str) -> None:
    [finding] = told(startup_hook, hooked(line))
    assert finding.hint is not None
    block = finding.hint[finding.hint.index("[[") :]
    raw = f"schema = 1\n{block}\n".encode()
    assert parse_policy(raw, "safepip.toml", table=(), kind=LayerKind.USER, today=NOW.date()) is not None
    assert said(startup_hook, hooked(line), under=policy(block)) == [(Outcome.PASS, "allowed")]
    assert said(startup_hook, hooked(line, "import other"), under=policy(block)) == [(Outcome.FAIL, "line")]
    other = policy(block.replace('"demo"', '"other"'))
    assert said(startup_hook, hooked(line), under=other) == [(Outcome.FAIL, "line")]


def test_white_space_is_folded_and_nothing_else() -> None:
    under = policy('[[allow.startup-hooks]]\nproject = "Demo"\nline = "import os;   os.getcwd()"')
    assert said(startup_hook, hooked("import os; \t os.getcwd() "), under=under) == [(Outcome.PASS, "allowed")]
    for line in (
        "import os;os.getcwd()",
        "import os; os.getcwd( )",
        "import os;\x0c os.getcwd()",
        "Import os; os.getcwd()",
    ):
        assert said(startup_hook, hooked(line), under=under) == [(Outcome.FAIL, "line")]


def test_a_module_is_never_allowed() -> None:
    assert said(startup_hook, hooked("", path="sitecustomize.py")) == [(Outcome.FAIL, "module")]
    assert said(startup_hook, hooked("", path="demo.pth")) == [(Outcome.FAIL, "unclear")]


def test_what_is_shown_is_safe_bounded_and_counted() -> None:
    [finding] = told(startup_hook, hooked(f"import a\x1b[2J{'x' * 5000}os.system('evil')"))
    assert finding.message.isprintable()
    assert len(finding.message) < 900
    assert finding.message.startswith("'demo.pth' would act whenever Python starts: import a")
    assert finding.message.endswith("os.system('evil')")
    assert finding.hint is None
    many = told(startup_hook, hooked(*(f"import m{number}" for number in range(30))))
    assert len(many) == 11
    assert many[-1].message.startswith("and 20 more")


def test_what_popular_projects_are_known_for_passes_for_them_alone() -> None:
    assert {grant.project for grant in SHIPPED} >= {"setuptools", "coverage", "coloredlogs", "cmeel"}
    for grant in SHIPPED:
        name = grant.project.replace("-", "_")
        own = said(startup_hook, hooked(grant.line + " "), file=f"{name}-1.0-py3-none-any.whl")
        assert own == [(Outcome.PASS, "startup-hook")]
        assert said(startup_hook, hooked(grant.line)) == [(Outcome.FAIL, "line")]


# -- scripts ----------------------------------------------------------------------------------------------------------


def scripted(*names: str, files: tuple[tuple[str, str], ...] = ()) -> Contents:
    points = tuple(EntryPoint(group="console_scripts", name=name, value="demo:main") for name in names)
    packed = tuple(
        PackedFile(path=f"demo-1.0.data/{scheme}/{place}", scheme=scheme, place=place, sha256=b"", size=0)
        for scheme, place in files
    )
    return replace(CONTENTS, manifest=replace(MANIFEST, entry_points=points, files=packed))


@pytest.mark.parametrize(
    "name",
    [
        "python", "python3", "python3.13", "python3.13t", "pythonw", "pypy3", "PYTHON", "python.exe", "Python.EXE",
        "pip", "pip3", "pip3.12", "pip.bat", "safepip", "sudo", "su", "git", "git.exe", "ssh", "sh", "bash", "env",
        "activate",
        "activate.fish", "activate.nu", "activate.xsh", "Activate.ps1", "deactivate.bat", "activate_this.py",
        "ls", "curl", "gpg", "py",
        "\N{LATIN SMALL LETTER LONG S}udo", "p\N{KELVIN SIGN}exec", "ba\N{LATIN SMALL LETTER LONG S}h.exe",
    ],
)  # fmt: skip
def test_programs_that_take_the_place_of_others(name: str) -> None:
    refused = [(Outcome.FAIL, "program")]
    assert said(script_shadow, scripted(name)) == refused
    assert said(script_shadow, scripted(files=(("scripts", name),))) == refused
    assert said(script_shadow, scripted(files=(("data", f"bin/{name}"),))) == refused
    assert said(script_shadow, scripted(files=(("data", f"Scripts/{name}"),))) == refused
    assert said(script_shadow, scripted(files=(("data", f"sbin/{name}"),))) == refused
    assert said(script_shadow, scripted(files=(("data", f"share/{name}"),))) == [(Outcome.PASS, "script-shadow")]


@pytest.mark.parametrize("name", ["json.py", "os.pyw", "Random.py", "ssl.cpython-312-x86_64-linux-gnu.so", "re.pyd",
                                  "pip.pyd", "encodings/__init__.py", "sitecustomize.py"])  # fmt: skip
def test_modules_that_every_script_would_import(name: str) -> None:
    assert (Outcome.FAIL, "module") in said(script_shadow, scripted(files=(("scripts", name),)))


def test_an_entry_point_can_be_such_a_module() -> None:
    assert said(script_shadow, scripted("json.py")) == [(Outcome.FAIL, "module")]


def test_programs_of_honest_projects() -> None:
    names = (
        "cmake ninja node uv tox wheel ruff virtualenv pip-install-dependency-groups git-clang-format pipx"
        " python-config python-grpc-tools-protoc activate-global-python-argcomplete register-python-argcomplete"
        " pyright-python pythonocc coverage3 f2py3.11 easy_install-3.8 aws.cmd aws_zsh_completer.sh jp.py models.py"
        " rc2.py rst2html.py pytest pybabel _dd_crashtracker_receiver test.py jsondiff sshtunnel bashate gitlint twist"
        " distro idna inv httpx"
    )
    assert said(script_shadow, scripted(*names.split())) == [(Outcome.PASS, "script-shadow")]


def test_whose_own_programs_they_are() -> None:
    own = scripted("pip", "pip3", "pip3.12")
    assert said(script_shadow, own, file="pip-26.3-py3-none-any.whl") == [(Outcome.PASS, "script-shadow")]
    assert said(script_shadow, scripted("safepip"), file="safepip-1-py3-none-any.whl") == [
        (Outcome.PASS, "script-shadow")
    ]
    assert said(script_shadow, scripted("pip", "python"), file="pip-26.3-py3-none-any.whl") == [
        (Outcome.FAIL, "program")
    ]


# -- the others -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "asked",
    [
        b"evil @ https://user:secret@evil.example/evil-1.whl",
        b"evil @ git+https://evil.example/evil",
        b'evil @ file:///tmp/evil.whl ; extra == "never"',
        b'evil[x] @ https://evil.example/e.whl ; python_version < "3"',
    ],
)
def test_a_dependency_by_address(asked: bytes) -> None:
    [finding] = told(direct_url, replace(CONTENTS, metadata=METADATA + b"Requires-Dist: " + asked + b"\n"))
    assert (finding.outcome, finding.code) == (Outcome.FAIL, "direct-url")
    assert "evil" in finding.message
    assert "secret" not in finding.message


def test_dependencies_by_name_and_metadata_that_cannot_be_read() -> None:
    fine = METADATA + b"Requires-Dist: other>=1 ; extra == 'x'\nProject-URL: a, https://x.example/\n\nx @ https://y/\n"
    assert said(direct_url, replace(CONTENTS, metadata=fine)) == [(Outcome.PASS, "direct-url")]
    assert said(direct_url, replace(CONTENTS, metadata=None)) == [(Outcome.UNKNOWN, "no-metadata")]
    assert said(direct_url, replace(CONTENTS, metadata=b"Name: x\nName: y\n")) == [(Outcome.UNKNOWN, "no-metadata")]


def test_machine_code_in_a_wheel_for_anywhere() -> None:
    native = replace(CONTENTS, native=("demo/a.so", "demo/b.so"))
    [finding] = told(native_in_pure, native)
    assert "'demo/a.so' and 1 more" in finding.message
    assert said(native_in_pure, native, file="demo-1.0-py3-none-any.win32.whl") == [(Outcome.FAIL, "native-in-pure")]
    assert said(native_in_pure, native, file="demo-1.0-py3-none-win32.whl") == [(Outcome.PASS, "native-in-pure")]


def test_what_anybody_could_write() -> None:
    assert said(world_writable, replace(CONTENTS, world_writable=("demo/a",))) == [(Outcome.FAIL, "world-writable")]
