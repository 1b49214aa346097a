"""The flow of `safepip scan` over files in memory: what becomes of each thing that may be inside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from safepip.errors import BadInput
from safepip.flows.scan import CHECKS, scan
from safepip.model.artifact import Artifact, Local, Metadata
from safepip.model.contents import Contents, EntryPoint, Fault, StartupHook
from safepip.model.evidence import Kind, Unavailable
from safepip.model.grants import HookGrant
from safepip.model.ident import FileName, ProjectName, Url, parse_version
from safepip.model.policy import Policy
from safepip.model.scan import Answer, Looked, Scan
from safepip.model.sdist import BuildKind, SdistContents
from safepip.model.verdict import Outcome
from safepip.model.verification import OfFile
from tests.factories import CONTENTS, MANIFEST, NOW, policy, sha256

CONTENT = b"demo"
STANDARD = policy()
INSIDE = replace(CONTENTS, resolved_with=None)
SDIST = SdistContents(
    sha256=sha256(CONTENT),
    faults=(),
    members=4,
    kind=BuildKind.DECLARATIVE,
    clues=(),
    backend="flit_core.buildapi",
    requires=("flit_core>=3",),
    static=Metadata(
        project=ProjectName.parse("demo"),
        version=parse_version("1.0"),
        requires_dist=(),
        requires_python=None,
        provides_extra=frozenset(),
        raw=b"",
    ),
    not_static=None,
)


class At:
    def now(self) -> datetime:
        return NOW


@dataclass(frozen=True)
class Memory:
    """`Files` by name; what is no contents is raised."""

    inside: Mapping[str, Any]
    begins: str | None = None

    def look(self, target: OfFile) -> Looked:
        contents = self.inside[target.typed]
        if isinstance(contents, Exception):
            raise contents
        artifact = Artifact(
            name=FileName.parse(target.typed),
            sha256=sha256(CONTENT),
            digests={"sha256": sha256(CONTENT)},
            size=len(CONTENT),
            path=Path(target.typed),
            origin=Local(url=Url("file:///demo")),
            pins=(),
        )
        return Looked(artifact=artifact, contents=contents, begins=self.begins)


def one(
    contents: Contents | SdistContents | Unavailable,
    rules: Policy = STANDARD,
    *,
    file: str | None = None,
    begins: str | None = None,
) -> Scan:
    name = file or ("demo-1.0.tar.gz" if isinstance(contents, SdistContents) else "demo-1.0-py3-none-any.whl")
    [found] = scan([OfFile(typed=name, name=None)], rules, Memory({name: contents}, begins), At())
    return found


def objections(found: Scan) -> dict[str, Outcome]:
    judged = [one.finding for one in found.judged if one.finding.outcome is not Outcome.PASS]
    return {f"{one.check}/{one.code}": one.outcome for one in judged}


def test_a_sound_wheel_passes_every_check() -> None:
    found = one(INSIDE)
    assert found.answer is Answer.PASSED
    assert [judged.finding.check for judged in found.judged] == [check.ID for check in CHECKS]
    assert not found.warned
    assert found.notes == ()


def test_the_checks_need_nothing_but_the_file() -> None:
    """Those that the page of the command names, and in the order of a report."""
    assert [check.ID for check in CHECKS] == [
        "archive",
        "record",
        "metadata-match",
        "startup-hook",
        "script-shadow",
        "direct-url",
        "native-in-pure",
        "world-writable",
    ]


@pytest.mark.parametrize(
    ("contents", "check"),
    [
        (replace(INSIDE, faults=(Fault(code="trailer", message="8 bytes after the end"),)), "archive"),
        (replace(INSIDE, record_faults=(Fault(code="unlisted", message="x.py"),)), "record"),
        (replace(INSIDE, metadata=b"Metadata-Version: 2.1\nName: other\nVersion: 1.0\n"), "metadata-match"),
        (replace(INSIDE, hooks=(StartupHook(path="demo.pth", line="import os"),)), "startup-hook"),
        (
            replace(
                INSIDE,
                manifest=replace(
                    MANIFEST, entry_points=(EntryPoint(group="console_scripts", name="sudo", value="demo:main"),)
                ),
            ),
            "script-shadow",
        ),
        (
            replace(
                INSIDE,
                metadata=b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\nRequires-Dist: x @ https://a.example/x.whl\n",
            ),
            "direct-url",
        ),
    ],
)
def test_each_check_refuses_what_it_is_for(contents: Contents, check: str) -> None:
    found = one(contents)
    assert found.answer is Answer.REFUSED
    assert {name.partition("/")[0] for name in objections(found)} == {check}
    assert set(objections(found).values()) == {Outcome.FAIL}


@pytest.mark.parametrize(
    ("contents", "check"),
    [
        (replace(INSIDE, native=("demo/x.so",)), "native-in-pure"),
        (replace(INSIDE, world_writable=("demo/x.py",)), "world-writable"),
    ],
)
def test_what_is_warned_of_passes_and_what_the_policy_denies_does_not(contents: Contents, check: str) -> None:
    found = one(contents)
    assert (found.answer, found.warned) == (Answer.PASSED, True)
    assert {name.partition("/")[0] for name in objections(found)} == {check}
    assert one(contents, policy(f'[checks]\n{check} = "deny"')).answer is Answer.REFUSED


HOOKED = replace(INSIDE, hooks=(StartupHook(path="demo.pth", line="import  os"),))
GRANT = HookGrant(project=ProjectName.parse("demo"), line="import os", place="layer0.toml:2")
WAIVED = (
    '[[waivers]]\ncheck = "direct-url"\nproject = "demo"\nversion = "1.0"\nreason = "our own"\nuntil = 2026-12-01\n'
)


def test_the_hooks_that_the_policy_allows() -> None:
    """White space folded, for that project, and for that line alone."""
    general = policy("")
    allowing = replace(general, layers=(replace(general.layers[0], hooks=(GRANT,)),))
    assert one(HOOKED, allowing).answer is Answer.PASSED
    more = replace(INSIDE, hooks=(*HOOKED.hooks, StartupHook(path="x.pth", line="import sys")))
    assert one(more, allowing).answer is Answer.REFUSED
    module = replace(INSIDE, hooks=(StartupHook(path="sitecustomize.py", line=""),))
    assert one(module, allowing).answer is Answer.REFUSED


def test_the_policy_of_observers_warns() -> None:
    assert one(HOOKED).answer is Answer.REFUSED
    assert one(HOOKED, policy('profile = "observe"')).answer is Answer.PASSED


def test_a_waiver_is_told_and_lifts_nothing() -> None:
    url = b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\nRequires-Dist: x @ https://a.example/x.whl\n"
    found = one(replace(INSIDE, metadata=url), policy(WAIVED))
    assert found.answer is Answer.REFUSED
    assert "direct-url" in found.notes[0]
    assert "our own" in found.notes[0]


def test_nothing_known_is_never_passed() -> None:
    found = one(Unavailable(wanted=Kind.CONTENTS, code="malformed", why="it is no zip"))
    assert found.answer is not Answer.PASSED
    assert len(found.judged) == len(CHECKS)
    silent = replace(one(INSIDE), judged=())
    assert silent.answer is Answer.UNKNOWN


def test_an_archive_that_cannot_be_read_is_refused_for_what_is_known() -> None:
    fault = Fault(code="no-end", message="there is no end record")
    found = one(replace(INSIDE, sha256=None, faults=(fault,), manifest=None, dist_info=(), metadata=None, wheel=None))
    assert found.answer is Answer.REFUSED
    assert objections(found)["archive/no-end"] is Outcome.FAIL
    assert objections(found)["record/unreadable"] is Outcome.UNKNOWN


@pytest.mark.parametrize("kind", [kind for kind in BuildKind if kind is not BuildKind.UNKNOWN])
def test_the_class_of_an_sdist_is_no_objection(kind: BuildKind) -> None:
    found = one(replace(SDIST, kind=kind))
    assert found.answer is Answer.PASSED
    assert [judged.finding.check for judged in found.judged] == ["archive"]


def test_the_faults_of_an_sdist() -> None:
    faults = (Fault(code="device", message="demo-1.0/null is a device"), Fault(code="climbs", message="../x"))
    found = one(replace(SDIST, faults=faults, sha256=None, kind=BuildKind.UNKNOWN))
    assert found.answer is Answer.REFUSED
    assert objections(found) == {"archive/device": Outcome.FAIL, "archive/climbs": Outcome.FAIL}


def test_an_sdist_that_nobody_can_classify_is_not_passed() -> None:
    found = one(replace(SDIST, kind=BuildKind.UNKNOWN))
    assert found.answer is Answer.UNKNOWN
    assert objections(found) == {"archive/unclassified": Outcome.UNKNOWN}


@pytest.mark.parametrize("contents", [SDIST, INSIDE])
@pytest.mark.parametrize("digest", [None, sha256(b"other")])
def test_a_file_that_somebody_writes_to_is_told(contents: Contents | SdistContents, digest: Any) -> None:
    found = one(replace(contents, sha256=digest))
    assert found.answer is Answer.REFUSED
    assert objections(found) == {"archive/changed": Outcome.FAIL}


def test_an_sdist_that_cannot_be_read() -> None:
    unavailable = Unavailable(wanted=Kind.CONTENTS, code="malformed", why="it is no gzip")
    found = one(unavailable, file="demo-1.0.tar.gz")
    assert found.answer is Answer.UNKNOWN
    assert objections(found) == {"archive/malformed": Outcome.UNKNOWN}
    assert one(INSIDE, file="demo-1.0.tar.gz").answer is Answer.UNKNOWN
    assert one(SDIST, file="demo-1.0-py3-none-any.whl").answer is Answer.UNKNOWN


@pytest.mark.parametrize(
    ("file", "begins", "told"),
    [
        ("demo-1.0-py3-none-any.whl", "gzip", True),
        ("demo-1.0-py3-none-any.whl", "zip", False),
        ("demo-1.0-py3-none-any.whl", None, False),
        ("demo-1.0.tar.gz", "zip", True),
        ("demo-1.0.tar.gz", "gzip", False),
        ("demo-1.0.zip", "zip", False),
    ],
)
def test_a_name_that_fits_another_kind(file: str, begins: str | None, told: bool) -> None:
    contents: Contents | SdistContents = INSIDE if file.endswith(".whl") else SDIST
    assert any("--filename" in note for note in one(contents, file=file, begins=begins).notes) is told


def test_what_is_wrong_with_one_hides_no_other() -> None:
    gone = BadInput("no-such-file", "there is no file", hint="check")
    files = Memory({"gone": gone, "demo-1.0.tar.gz": SDIST, "demo-1.0-py3-none-any.whl": HOOKED})
    found = list(scan([OfFile(typed=name, name=None) for name in files.inside], STANDARD, files, At()))
    assert [one.answer for one in found] == [Answer.UNKNOWN, Answer.PASSED, Answer.REFUSED]
    assert (found[0].error, found[0].looked) == (gone, None)
