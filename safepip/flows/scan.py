"""`safepip scan`: what is inside files that are here. Nothing is installed, extracted or run, and nobody is asked.

The checks are those of `install` that need nothing but the file, and the levels are the policy's, so that both say the
same of the same bytes. The policy's waivers do not count: they say what may be installed in spite of an answer, and
this command is asked for the answer; one that would lift an objection is told with it.

An sdist is judged by its archive alone. What building it would run is told and is no objection: `install` takes no
sdist, whatever is in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Protocol

from safepip.checks import ALL, archive
from safepip.decide import decide
from safepip.errors import SafepipError
from safepip.model.artifact import Artifact
from safepip.model.contents import Contents
from safepip.model.evidence import Dossier, Kind, Subject, Unavailable
from safepip.model.ident import FileKind
from safepip.model.policy import Policy
from safepip.model.scan import Looked, Scan
from safepip.model.sdist import BuildKind, SdistContents
from safepip.model.verdict import Finding, Judged, Outcome
from safepip.model.verification import OfFile
from safepip.pipeline import judge
from safepip.ports import Clock

# What needs no index, no attestation and no environment.
CHECKS = tuple(one for one in ALL if {Kind.CONTENTS} == one.NEEDS)
_SDIST_HINT = "Do not build it: tell the project, and the index, that this file is not a sound sdist."
_BEGINS = {
    "zip": "its first bytes are those of a zip archive, as wheels are: if it is one, say so with --filename NAME.whl",
    "gzip": "its first bytes are those of a gzip file, as sdists are: if it is one, say so with --filename NAME.tar.gz",
}


class Files(Protocol):
    """Files of this machine."""

    def look(self, target: OfFile) -> Looked:
        """Open the file once, and read it once for its digest and once for what is inside. Raises SafepipError."""
        ...


def scan(targets: Iterable[OfFile], policy: Policy, files: Files, clock: Clock) -> Iterator[Scan]:
    """Judge every file, one after the other. What goes wrong with one is its own answer and hides no other's."""
    return (_scan(target, policy, files, clock) for target in targets)


def _scan(target: OfFile, policy: Policy, files: Files, clock: Clock) -> Scan:
    try:
        looked = files.look(target)
    except SafepipError as error:
        return Scan(target=str(target), looked=None, error=error, judged=(), notes=())
    judged = _judged(looked, policy, clock)
    return Scan(target=str(target), looked=looked, error=None, judged=judged, notes=tuple(_notes(looked, judged)))


def _judged(looked: Looked, policy: Policy, clock: Clock) -> tuple[Judged, ...]:
    subject, now = _subject(looked.artifact), clock.now()
    if looked.artifact.name.kind is FileKind.SDIST:
        findings = list(_of_sdist(subject, looked))
        return decide(subject, policy, findings, asked=[archive.ID], today=now.date()).judged
    asked = [one for one in CHECKS if one.ID in policy.active(subject.project)]
    evidence = () if isinstance(looked.contents, SdistContents) else (looked.contents,)
    verdict = judge(Dossier(subject=subject, evidence=evidence), policy, asked, now)
    order = [one.ID for one in asked]
    return tuple(sorted(verdict.judged, key=lambda one: order.index(one.finding.check)))


def _subject(artifact: Artifact) -> Subject:
    name = artifact.name
    return Subject(project=name.project, version=name.version, file=name, artifact=artifact, requested=True)


def _of_sdist(subject: Subject, looked: Looked) -> Iterator[Finding]:
    """The strict gate for sdists, in the words of the check `archive`."""
    contents = looked.contents
    if isinstance(contents, Unavailable):
        yield _finding(subject, contents.code, Outcome.UNKNOWN, contents.why)
    elif isinstance(contents, Contents):
        yield _finding(subject, "no-sdist", Outcome.UNKNOWN, "it was not read as an sdist")
    elif contents.faults:
        for fault in contents.faults:
            yield replace(_finding(subject, fault.code, Outcome.FAIL, fault.message), hint=_SDIST_HINT)
    elif contents.sha256 != looked.artifact.sha256:
        yield _finding(subject, "changed", Outcome.FAIL, "the file changed while it was being judged")
    elif contents.kind is BuildKind.UNKNOWN:
        yield _finding(subject, "unclassified", Outcome.UNKNOWN, "nobody can say what building it would run")
    else:
        yield _finding(subject, archive.ID, Outcome.PASS, "one sound archive, from its first byte to its last")


def _finding(subject: Subject, code: str, outcome: Outcome, message: str) -> Finding:
    return Finding(check=archive.ID, code=code, about=subject.key, outcome=outcome, message=message)


def _notes(looked: Looked, judged: tuple[Judged, ...]) -> Iterator[str]:
    other = "gzip" if looked.artifact.name.kind is FileKind.WHEEL else "zip"
    named_zip = looked.artifact.name.text.endswith(".zip")
    if looked.begins == other and not named_zip:
        yield _BEGINS[other]
    for one in judged:
        waiver = one.waived_by
        if waiver is not None:
            yield (
                f"`safepip install` lets {one.finding.check} pass until {waiver.until}"
                f" ({waiver.place}: {waiver.reason})"
            )
