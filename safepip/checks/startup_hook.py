"""What Python would run by itself whenever it starts: `.pth`, `.start`, sitecustomize. docs/checks/startup-hook.md"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from safepip.formats.membername import shown
from safepip.formats.plain import clean
from safepip.model.contents import StartupHook
from safepip.model.evidence import Dossier, Kind, Subject, Unavailable
from safepip.model.policy import Policy
from safepip.model.verdict import Finding, Outcome

ID = "startup-hook"
NEEDS = frozenset({Kind.CONTENTS})
_MOST_TOLD = 10
# Enough to judge a line by; a longer one shows both ends, since whatever it does may stand at either.
_LONGEST_LINE = 600
_LONGEST_GRANT = 2000


def check(dossier: Dossier, policy: Policy, now: datetime) -> tuple[Finding, ...]:
    """Each hook must be allowed for this project with this very line; `now` is not looked at."""
    del now
    subject, contents = dossier.subject, dossier.inside
    if isinstance(contents, Unavailable):
        return (_finding(subject, contents.code, Outcome.UNKNOWN, contents.why),)
    granted = [(one, policy.hook_grant(subject.project, one.line)) for one in contents.hooks]
    refused = [one for one, grant in granted if grant is None]
    if refused:
        return tuple(_refusals(subject, refused))
    chosen = [f"{_acts(one)} ({grant.place})" for one, grant in granted if grant is not None and not grant.shipped]
    if chosen:  # somebody decided that, and whoever installs it is to hear so
        told = f"allowed by a policy: {'; '.join(chosen[:_MOST_TOLD])}"
        return (Finding(check=ID, code="allowed", about=subject.key, outcome=Outcome.PASS, message=told),)
    told = "what runs when Python starts is known" if contents.hooks else "nothing runs by itself when Python starts"
    return (_finding(subject, ID, Outcome.PASS, told),)


def _acts(one: StartupHook) -> str:
    return f"{shown(one.path)} would act whenever Python starts: {_shortened(clean(one.line))}"


def _refusals(subject: Subject, refused: list[StartupHook]) -> Iterator[Finding]:
    for one in refused[:_MOST_TOLD]:
        if one.line:
            yield _finding(subject, "line", Outcome.FAIL, _acts(one), _grant(subject, one.line))
        elif one.path.lower().endswith((".pth", ".start")):
            text = f"{shown(one.path)} would be read whenever Python starts, and is too large or not UTF-8"
            yield _finding(subject, "unclear", Outcome.FAIL, text)
        else:
            text = f"{shown(one.path)} would run as a whole whenever Python starts"
            yield _finding(subject, "module", Outcome.FAIL, text)
    if len(refused) > _MOST_TOLD:
        text = f"and {len(refused) - _MOST_TOLD:,} more that would act whenever Python starts"
        yield _finding(subject, "line", Outcome.FAIL, text)


def _shortened(line: str) -> str:
    if len(line) <= _LONGEST_LINE:
        return line
    half = _LONGEST_LINE // 2
    return f"{line[:half]} [... {len(line) - 2 * half:,} characters ...] {line[-half:]}"


def _grant(subject: Subject, line: str) -> str | None:
    """What to write into a policy; None where a line cannot be written there in a form that is safe to print."""
    if len(line) > _LONGEST_GRANT or not line.replace("\t", " ").isprintable():
        return None
    written = line.replace("\t", " ").replace("\\", "\\\\").replace('"', '\\"')
    return (
        "If you know what that line does, and trust it, allow it in a policy:\n"
        f'[[allow.startup-hooks]]\nproject = "{subject.project}"\nline = "{written}"'
    )


def _finding(subject: Subject, code: str, outcome: Outcome, message: str, hint: str | None = None) -> Finding:
    return Finding(check=ID, code=code, about=subject.key, outcome=outcome, message=message, hint=hint)
