"""What Python would run by itself whenever it starts: `.pth`, `.start`, sitecustomize. docs/checks/startup-hook.md"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from safepip.formats.membername import shown
from safepip.formats.plain import clean
from safepip.model.contents import Contents, StartupHook
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
    subject, contents = dossier.subject, dossier.get(Contents)
    if isinstance(contents, Unavailable):
        return (_finding(subject, contents.code, Outcome.UNKNOWN, contents.why),)
    if not contents.readable:
        return (_finding(subject, "unreadable", Outcome.UNKNOWN, "the archive cannot be read"),)
    refused = [one for one in contents.hooks if not policy.allows_hook(subject.project, one.line)]
    if refused:
        return tuple(_refusals(subject, refused))
    told = "what runs when Python starts is allowed" if contents.hooks else "nothing runs by itself when Python starts"
    return (_finding(subject, ID, Outcome.PASS, told),)


def _refusals(subject: Subject, refused: list[StartupHook]) -> Iterator[Finding]:
    for one in refused[:_MOST_TOLD]:
        if one.line:
            text = f"{shown(one.path)} would act whenever Python starts: {_shortened(clean(one.line))}"
            yield _finding(subject, "line", Outcome.FAIL, text, _grant(subject, one.line))
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
