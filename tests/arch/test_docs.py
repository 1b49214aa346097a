"""What the documents say is what the program does."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import safepip
from safepip import checks, errors
from safepip.cli.args import COMMANDS, parse
from safepip.formats.policyfile import parse_policy
from safepip.model.levels import CHECKS, LayerKind, Level
from tests.factories import NOW

ROOT = Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "docs"
SOURCE = Path(safepip.__file__).parent
ERRORS = {name for name, one in vars(errors).items() if isinstance(one, type) and issubclass(one, errors.SafepipError)}
# Functions of modules that make an error from a reference.
RAISERS = {"BadConfigurationChoice", "NotVirtual", "_bad", "_refused", "_network"}


def text(*path: str) -> str:
    return DOCS.joinpath(*path).read_text()


def test_every_check_has_its_line_and_its_page() -> None:
    assert {one.ID for one in checks.ALL} == set(CHECKS)
    assert {path.stem for path in (DOCS / "checks").glob("*.md")} == set(CHECKS)
    for check in CHECKS:
        assert re.search(rf"^\| \[{check}\]\(checks/{check}\.md\) \|", text("policy.md"), re.MULTILINE)


def test_the_table_of_levels_is_the_one_in_the_code() -> None:
    letters = {Level.OFF: "-", Level.WARN: "W", Level.DENY: "D"}
    for check, spec in CHECKS.items():
        row = next(line for line in text("policy.md").splitlines() if line.startswith(f"| [{check}]"))
        shown = [cell.strip() for cell in row.split("|")[3:6]]
        if "as rule" not in shown:
            assert shown == [letters[level] for level in spec.levels], check


def test_every_code_of_a_check_is_on_its_page() -> None:
    for check in CHECKS:
        tree = ast.parse((SOURCE / "checks" / f"{check.replace('-', '_')}.py").read_text())
        codes = {
            str(keyword.value.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            for keyword in node.keywords
            if keyword.arg == "code" and isinstance(keyword.value, ast.Constant)
        }
        for code in codes:
            assert f"`{code}`" in text("checks", f"{check}.md"), f"{check}: {code}"


def test_the_documented_policy_is_valid() -> None:
    [block] = re.findall(r"```toml\n(.*?)```", text("policy.md"), re.DOTALL)
    assert parse_policy(block.encode(), "policy.md", table=(), kind=LayerKind.USER, today=NOW.date()) is not None


@pytest.mark.parametrize("command", COMMANDS)
def test_the_options_are_those_of_help(command: str) -> None:
    shown = parse([command, "--help"])
    assert isinstance(shown, str)
    assert shown.strip() in text("commands", f"{command}.md")


def references() -> set[str]:
    found = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else ""
            first = node.args[0]
            if name in ERRORS | RAISERS and isinstance(first, ast.Constant):
                found.add(str(first.value))
    return found


def test_every_error_is_documented() -> None:
    documented = set(re.findall(r"^\| `([a-z0-9-]+)` \|", text("errors.md"), re.MULTILINE))
    assert references() <= documented, sorted(references() - documented)


@pytest.mark.parametrize("path", [*sorted(DOCS.rglob("*.md")), ROOT / "README.md"], ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text()):
        if "://" not in target:
            assert (path.parent / target).exists(), target


def test_the_refusal_of_the_readme_is_a_real_one() -> None:
    golden = (ROOT / "tests" / "golden" / "install" / "too-young" / "stderr").read_text().splitlines()
    quoted = [line.strip() for line in (ROOT / "README.md").read_text().splitlines() if line.startswith("    ")]
    block = quoted[next(at for at, line in enumerate(quoted) if line.startswith("ERROR:")) :]
    block = block[: block.index("...")]
    assert block == [line.strip() for line in golden[: len(block)]]
