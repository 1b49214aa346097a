"""What `safepip scan` shows, line by line, and the document for machines."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from safepip.errors import BadInput
from safepip.model.artifact import Artifact, Local, Metadata
from safepip.model.contents import Contents, EntryPoint, Fault, Manifest, PackedFile, StartupHook
from safepip.model.evidence import Kind, Unavailable
from safepip.model.grants import Waiver
from safepip.model.ident import FileName, ProjectName, Sha256, Url, parse_version
from safepip.model.levels import Level
from safepip.model.scan import Looked, Scan
from safepip.model.sdist import BuildKind, Clue, SdistContents
from safepip.model.verdict import Finding, Judged, Outcome
from safepip.report.scan import blocks, closing
from safepip.report.scanjson import report
from safepip.report.text import Style
from tests.factories import CONTENTS, policy, sha256

WHEEL = "demo-1.0-py3-none-any.whl"
SDIST = "demo-1.0.tar.gz"
PLAIN = Style(color=False)
FILES = tuple(
    PackedFile(path=f"demo/{name}.py", scheme="purelib", place=f"demo/{name}.py", sha256=bytes(32), size=1)
    for name in ("a", "b", "c")
)
SCRIPT = EntryPoint(group="console_scripts", name="demo", value="demo:main")
INSIDE = replace(CONTENTS, manifest=Manifest(dist_info="demo-1.0.dist-info", files=FILES, entry_points=(SCRIPT,)))
STATIC = Metadata(
    project=ProjectName.parse("demo"),
    version=parse_version("1.0"),
    requires_dist=(Requirement("idna>=3"), Requirement("attrs; extra == 'test'")),
    requires_python=">=3.9",
    provides_extra=frozenset({"test"}),
    raw=b"",
)
SOURCE = SdistContents(
    sha256=sha256(b"demo"),
    faults=(),
    members=12,
    kind=BuildKind.NEEDS_SETUP_PY,
    clues=(
        Clue(file="setup.py", line=12, what="runs code: subprocess.run(...)"),
        Clue(file="setup.py", line=3, what="an import"),
        Clue(file="pyproject.toml", line=None, what="there is none"),
        Clue(file="setup.py", line=4, what="an import"),
    ),
    backend=None,
    requires=("setuptools>=61", "wheel"),
    static=None,
    not_static="cannot be known without running it: Metadata 2.1",
)


def judged(
    check: str,
    outcome: Outcome = Outcome.PASS,
    message: str = "it holds",
    *,
    code: str | None = None,
    level: Level = Level.DENY,
    hint: str | None = None,
    waiver: Waiver | None = None,
) -> Judged:
    finding = Finding(check=check, code=code or check, about="x", outcome=outcome, message=message, hint=hint)
    return Judged(finding=finding, level=level, place="profile standard", waived_by=waiver)


def scanned(
    *found: Judged,
    contents: Contents | SdistContents | Unavailable = INSIDE,
    target: str | None = None,
    name: str | None = None,
    notes: tuple[str, ...] = (),
) -> Scan:
    name = name or (SDIST if isinstance(contents, SdistContents) else WHEEL)
    artifact = Artifact(
        name=FileName.parse(name),
        sha256=Sha256("ab" * 32),
        digests={"sha256": "ab" * 32},
        size=1234,
        path=Path(name),
        origin=Local(url=Url("file:///demo")),
        pins=(),
    )
    looked = Looked(artifact=artifact, contents=contents, begins=None)
    return Scan(target=target or name, looked=looked, error=None, judged=found, notes=notes)


def unread() -> Scan:
    error = BadInput("no-such-file", "there is no file 'gone'", context=[("why", "gone")], hint="check the path")
    return Scan(target="gone", looked=None, error=error, judged=(), notes=())


def shown(*scans: Scan, verbosity: int = 0) -> list[str]:
    lines = list(blocks(scans, verbosity))
    assert all(line == line.rstrip() for line in lines)
    return lines


def test_what_passed_is_counted() -> None:
    assert shown(scanned(judged("archive"), judged("record"))) == [
        WHEEL,
        "  decision     passed: 2 checks",
        f"  sha256       {'ab' * 32}",
        "  holds        3 files",
        "  programs     demo",
    ]


def test_all_is_told_with_v() -> None:
    lines = shown(scanned(judged("archive"), judged("record", message="RECORD is right")), verbosity=1)
    assert "  passed       record: RECORD is right" in lines
    assert not any("rule" in line for line in lines)


def test_what_was_found_its_code_and_the_way_on() -> None:
    found = (
        judged("archive", Outcome.FAIL, "8 bytes before the first member", code="prefix", hint="tell the project"),
        judged("archive", Outcome.FAIL, "8 bytes after the end", code="trailer", hint="tell the project"),
        judged("startup-hook", Outcome.FAIL, "demo.pth would run"),
        judged("native-in-pure", Outcome.FAIL, "demo/x.so", level=Level.WARN),
        judged("world-writable"),
    )
    assert shown(scanned(*found))[1:] == [
        "  decision     refused by 2 of 4 checks",
        f"  sha256       {'ab' * 32}",
        "  holds        3 files",
        "  programs     demo",
        "  refused      archive/prefix: 8 bytes before the first member",
        "  refused      archive/trailer: 8 bytes after the end",
        "  next         tell the project",
        "  refused      startup-hook: demo.pth would run",
        "  warning      native-in-pure: demo/x.so",
    ]
    assert '               profile standard  startup-hook = "deny"' not in shown(scanned(*found))
    assert '  rule         profile standard  startup-hook = "deny"' in shown(scanned(*found), verbosity=1)


def test_what_is_allowed_to_act_at_every_start_is_told_all_the_same() -> None:
    contents = replace(INSIDE, hooks=(StartupHook(path="demo.pth", line="import demo"),))
    assert "  at start     demo.pth has Python run: import demo (allowed)" in shown(
        scanned(judged("startup-hook"), contents=contents)
    )
    refused = scanned(judged("startup-hook", Outcome.FAIL, "demo.pth would run"), contents=contents)
    assert not any("allowed" in line for line in shown(refused))


def test_programs_that_are_brought_along() -> None:
    script = PackedFile(path="demo-1.0.data/scripts/tool", scheme="scripts", place="tool", sha256=bytes(32), size=1)
    data = PackedFile(path="demo-1.0.data/data/bin/other", scheme="data", place="bin/other", sha256=bytes(32), size=1)
    manifest = Manifest(dist_info="demo-1.0.dist-info", files=(script, data), entry_points=(SCRIPT,))
    contents = replace(INSIDE, manifest=manifest)
    assert "  programs     demo, tool, other" in shown(scanned(judged("archive"), contents=contents))
    assert told(scanned(judged("archive"), contents=contents))["wheel"]["programs"] == ["demo", "tool", "other"]


def test_what_is_merely_warned_of() -> None:
    lines = shown(scanned(judged("archive"), judged("native-in-pure", Outcome.FAIL, "x.so", level=Level.WARN)))
    assert "  decision     passed: 2 checks, with 1 warning" in lines
    assert "  warning      native-in-pure: x.so" in lines


def test_one_reason_is_told_once() -> None:
    broken = replace(INSIDE, manifest=None)
    found = (
        judged("archive", Outcome.FAIL, "no end record", code="no-end"),
        judged("record", Outcome.UNKNOWN, "the archive cannot be read, so...", code="unreadable"),
        judged("startup-hook", Outcome.UNKNOWN, "the archive cannot be read", code="unreadable"),
    )
    assert shown(scanned(*found, contents=broken))[3:] == [
        "  refused      archive/no-end: no end record",
        "  unknown      the other 2 checks: the archive cannot be read",
    ]
    more = (*found, judged("world-writable"))
    assert (
        shown(scanned(*more, contents=broken))[-1] == "  unknown      record, startup-hook: the archive cannot be read"
    )


def test_a_thousand_faults_are_cut() -> None:
    found = [judged("archive", Outcome.FAIL, f"member {number}", code="bad-name") for number in range(1000)]
    lines = shown(scanned(*found))
    assert lines[-1] == "               and 991 more, all with -v"
    assert len(lines) < 20
    assert sum("archive/bad-name" in line for line in shown(scanned(*found), verbosity=1)) == 1000


def test_an_sdist_with_its_evidence() -> None:
    assert shown(scanned(judged("archive"), contents=SOURCE)) == [
        SDIST,
        "  decision     passed: no fault in the archive",
        f"  sha256       {'ab' * 32}",
        "  holds        12 members",
        "  building     class C: its setup.py would run",
        "  evidence     setup.py:12  runs code: subprocess.run(...)",
        "               setup.py:3,4  an import",
        "               pyproject.toml  there is none",
        "  backend      none stated, which means setuptools",
        "  needs        setuptools>=61, wheel",
        "  metadata     cannot be known without running it: Metadata 2.1",
        "  install      `safepip install` takes wheels alone (source-kind)",
    ]


@pytest.mark.parametrize("kind", BuildKind)
def test_every_kind_has_its_words(kind: BuildKind) -> None:
    lines = shown(scanned(judged("archive"), contents=replace(SOURCE, kind=kind)))
    [line] = [line for line in lines if line.startswith("  building")]
    assert (f"class {kind.value[0]}:" in line) is (kind is not BuildKind.UNKNOWN)


def test_an_sdist_that_states_its_metadata() -> None:
    stating = replace(SOURCE, static=STATIC, not_static=None, kind=BuildKind.DECLARATIVE, backend="hatchling.build")
    lines = shown(scanned(judged("archive"), contents=stating))
    assert "  metadata     stated for good in PKG-INFO: 1 dependency, 1 more with its 1 extra, Python >=3.9" in lines
    assert "idna" not in "\n".join(lines)
    lines = shown(scanned(judged("archive"), contents=stating), verbosity=1)
    at = lines.index("  depends on   idna>=3")
    assert lines[at + 1] == '               attrs; extra == "test"'
    bare = replace(STATIC, requires_dist=(), requires_python=None, provides_extra=frozenset())
    lines = shown(scanned(judged("archive"), contents=replace(stating, static=bare)))
    assert "  metadata     stated for good in PKG-INFO: no dependencies, any Python" in lines


def test_of_a_bad_sdist_only_the_faults() -> None:
    bad = replace(SOURCE, sha256=None, kind=BuildKind.UNKNOWN)
    found = judged("archive", Outcome.FAIL, "demo-1.0/null is a device", code="device")
    bad = replace(bad, faults=(Fault(code="device", message="demo-1.0/null is a device"),))
    assert shown(scanned(found, contents=bad))[1:] == [
        "  decision     refused: 1 fault",
        f"  sha256       {'ab' * 32}",
        "  refused      archive/device: demo-1.0/null is a device",
    ]


def test_a_file_called_otherwise() -> None:
    lines = shown(scanned(judged("archive"), target="dist/download.bin", notes=("worth a look",)))
    assert lines[0] == "dist/download.bin"
    assert f"  as           {WHEEL}" in lines
    assert lines[-1] == "  note         worth a look"
    assert not any(" as " in line for line in shown(scanned(judged("archive"), target=f"dist/{WHEEL}")))


def test_quiet() -> None:
    good = scanned(judged("archive"))
    warned = scanned(judged("native-in-pure", Outcome.FAIL, "x.so", level=Level.WARN), target="warned")
    unknown = scanned(judged("record", Outcome.UNKNOWN, "?"), target="unknown")
    bad = scanned(judged("archive", Outcome.FAIL, "bad"), target="bad")
    every = (good, warned, unknown, bad, unread())

    def heads(verbosity: int) -> list[str]:
        return [line for line in shown(*every, verbosity=verbosity) if line and line[0] != " "]

    assert heads(0) == [WHEEL, "warned", "unknown", "bad"]
    assert heads(-1) == ["warned", "unknown", "bad"]
    assert heads(-2) == heads(-3) == ["unknown", "bad"]
    assert shown(good, verbosity=-1) == []


def test_the_closing_line() -> None:
    good, bad = scanned(judged("archive")), scanned(judged("archive", Outcome.FAIL, "bad"))
    unknown = scanned(judged("record", Outcome.UNKNOWN, "?"))
    assert list(closing([good], PLAIN)) == []
    assert list(closing([bad], PLAIN)) == ["ERROR: safepip scan refused the file"]
    assert list(closing([good, bad, unknown, unread()], PLAIN)) == [
        "ERROR: safepip scan refused 1 of 4 files",
        "ERROR: safepip scan could not check 1 of 4 files",
    ]
    assert list(closing([unread()], PLAIN)) == []


HOSTILE = "\x1b[31m\n  decision     passed\u202e\u2028x"


def test_nothing_from_outside_reaches_the_terminal_as_a_command() -> None:
    contents = replace(
        SOURCE,
        clues=(Clue(file=HOSTILE, line=1, what=HOSTILE),),
        backend=HOSTILE,
        requires=(HOSTILE,),
        not_static=HOSTILE,
    )
    found = judged("archive", Outcome.FAIL, HOSTILE, code="bad-name", hint=HOSTILE)
    wheel = replace(
        INSIDE,
        manifest=Manifest(
            dist_info="x", files=FILES, entry_points=(replace(SCRIPT, name=HOSTILE),)
        ),
        hooks=(StartupHook(path=HOSTILE, line=HOSTILE),),
    )  # fmt: skip
    scans = (
        scanned(judged("archive"), contents=contents, target=HOSTILE, notes=(HOSTILE,)),
        scanned(found, contents=wheel, target=HOSTILE),
    )
    for verbosity in (0, 1):
        for line in shown(*scans, verbosity=verbosity):
            assert line.isprintable()
            assert not line.startswith("  decision     passed\\")
    told = report(scans, policy())
    assert told.isascii()
    assert "\x1b" not in told
    assert json.loads(told)["files"][0]["target"] == HOSTILE


def told(one: Scan) -> dict[str, Any]:
    document = json.loads(report([one], policy()))
    assert document["schema"] == "safepip-scan/1"
    assert document["policy"]["profile"] == "standard"
    [only] = document["files"]
    assert isinstance(only, dict)
    return only


def test_the_document_of_a_wheel() -> None:
    waiver = Waiver(
        check="direct-url",
        project=ProjectName.parse("demo"),
        version=parse_version("1.0"),
        sha256=None,
        reason="our own",
        owner=None,
        until=date(2026, 12, 1),
        place="safepip.toml:3",
    )
    contents = replace(
        INSIDE, native=("demo/x.so",), hooks=(StartupHook(path="x.pth", line="import x"),), world_writable=("y",)
    )
    document = told(
        scanned(judged("archive"), judged("direct-url", Outcome.FAIL, "x", waiver=waiver), contents=contents)
    )
    assert document["wheel"] == {
        "files": 3,
        "programs": ["demo"],
        "native": ["demo/x.so"],
        "world-writable": ["y"],
        "hooks": [{"path": "x.pth", "line": "import x"}],
    }
    assert (document["kind"], document["name"], document["version"], document["size"]) == ("wheel", "demo", "1.0", 1234)
    assert (document["decision"], document["sdist"], document["error"]) == ("refused", None, None)
    assert document["findings"][0] == {
        "check": "archive",
        "code": "archive",
        "outcome": "pass",
        "level": "deny",
        "message": "it holds",
        "hint": None,
        "rule": 'profile standard  archive = "deny"',
        "waived-by": None,
    }
    waived = {"place": "safepip.toml:3", "reason": "our own", "until": "2026-12-01"}
    assert document["findings"][1]["waived-by"] == waived
    assert told(scanned(judged("archive"), contents=replace(INSIDE, manifest=None)))["wheel"] is None


def test_the_document_of_an_sdist() -> None:
    document = told(scanned(judged("archive"), contents=SOURCE))
    assert document["wheel"] is None
    assert document["sdist"] == {
        "members": 12,
        "class": "C",
        "kind": "C-setup.py",
        "clues": [
            {"file": "setup.py", "line": 12, "what": "runs code: subprocess.run(...)"},
            {"file": "setup.py", "line": 3, "what": "an import"},
            {"file": "pyproject.toml", "line": None, "what": "there is none"},
            {"file": "setup.py", "line": 4, "what": "an import"},
        ],
        "backend": None,
        "requires": ["setuptools>=61", "wheel"],
        "static": None,
        "not-static": "cannot be known without running it: Metadata 2.1",
    }
    stating = replace(SOURCE, static=STATIC, not_static=None)
    assert told(scanned(judged("archive"), contents=stating))["sdist"]["static"] == {
        "requires-dist": ["idna>=3", 'attrs; extra == "test"'],
        "requires-python": ">=3.9",
        "extras": ["test"],
    }
    unknown = told(scanned(judged("archive"), contents=replace(SOURCE, kind=BuildKind.UNKNOWN)))
    assert (unknown["sdist"]["class"], unknown["sdist"]["kind"]) == (None, "malformed")


def test_the_document_of_what_could_not_be_read() -> None:
    document = told(unread())
    assert document["decision"] == "unknown"
    assert document["error"] == {
        "reference": "no-such-file",
        "message": "there is no file 'gone'",
        "context": [["why", "gone"]],
        "hint": "check the path",
    }
    assert {document[key] for key in ("file", "kind", "name", "version", "sha256", "size", "wheel", "sdist")} == {None}
    unavailable = Unavailable(wanted=Kind.CONTENTS, code="malformed", why="?")
    document = told(scanned(judged("archive", Outcome.UNKNOWN, "?"), contents=unavailable))
    assert (document["wheel"], document["sdist"], document["decision"]) == (None, None, "unknown")
