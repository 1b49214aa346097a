"""Every error a user can meet, by whose fault it is.

    SafepipError
    ├── BadInput           what the user wrote: command line, requirement, constraint or policy file
    ├── Refused            the policy, or the resolver, says no
    │   └── NoAnswer       no set of distributions satisfies the requirements
    ├── CouldNotCheck      a judgement needs something that could not be had ("could not ask" is never "fine")
    ├── IndexFault         an index answered, and its answer breaks the rules
    │   └── UnreadableFile a file is the one that was meant, and cannot be read
    ├── NetworkFault       an index did not answer
    ├── EnvironmentFault   the target, the cache or the disk
    ├── PipFailed          the pip that we delegated to failed
    └── Defect             ours

`Malformed` is not among them: it is what a pure parser raises about a value, without knowing where the value
stood; the caller who knows the place turns it into one of the above.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

USAGE_ERROR = 2


class Malformed(ValueError):  # noqa: N818 - it names the state of a value
    """A value from outside does not have the form that its specification asks for."""


class SafepipError(Exception):
    """An error with everything that a person needs to go on.

    reference: stable id, kebab-case, documented in docs/errors.md
    message:   one sentence
    context:   (label, text) pairs such as ("expected", ...), ("got", ...), printed aligned
    hint:      the next command or step, if there is one
    """

    exit_code = 1
    outcome = "failed"

    def __init__(
        self,
        reference: str,
        message: str,
        *,
        context: Sequence[tuple[str, str]] = (),
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.reference = reference
        self.message = message
        self.context = tuple(context)
        self.hint = hint


class BadInput(SafepipError):  # noqa: N818
    outcome = "bad-input"


class UsageError(BadInput):
    """The command line itself: pip's exit code 2."""

    exit_code = USAGE_ERROR


class Refused(SafepipError):  # noqa: N818
    outcome = "refused"


class NoAnswer(Refused):
    """No set of distributions satisfies the requirements.

    lines:       what pip says first, word for word, since scripts and people search for it; the last is `message`
    explanation: the rest in sentences, indented as they are to be printed
    failures:    a `safepip.resolve.explain.Unsatisfied` for each requirement that could not be met (that type stands
                 far above this module, which is at the bottom of the house)
    """

    def __init__(
        self,
        reference: str,
        message: str,
        *,
        lines: Sequence[str],
        explanation: Sequence[str],
        failures: Sequence[Any],
        context: Sequence[tuple[str, str]] = (),
        hint: str | None = None,
    ) -> None:
        super().__init__(reference, message, context=context, hint=hint)
        self.lines = tuple(lines)
        self.explanation = tuple(explanation)
        self.failures = tuple(failures)


class CouldNotCheck(SafepipError):  # noqa: N818
    outcome = "could-not-check"


class IndexFault(SafepipError):  # noqa: N818
    outcome = "could-not-check"


class UnreadableFile(IndexFault):
    """The very file that was meant, and its metadata cannot be had from it.

    check, code: what judges it so, as in a finding; fact: what is wrong with it, in one sentence
    """

    def __init__(
        self, message: str, *, check: str, code: str, fact: str, context: Sequence[tuple[str, str]] = ()
    ) -> None:
        super().__init__("unreadable-metadata", message, context=[("reason", fact), *context])
        self.check = check
        self.code = code
        self.fact = fact


class NetworkFault(SafepipError):  # noqa: N818
    outcome = "could-not-check"


class EnvironmentFault(SafepipError):  # noqa: N818
    outcome = "failed"


class PipFailed(SafepipError):  # noqa: N818
    outcome = "failed"


class Defect(SafepipError):  # noqa: N818
    outcome = "failed"
