"""One installation, all or nothing: the journal before, the look at what came of it, the undo where it failed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from safepip.errors import PipFailed, SafepipError
from safepip.formats.plain import clean
from safepip.formats.startuphooks import runs_at_start
from safepip.io.environment import PythonEnvironment
from safepip.io.environmentlock import PATIENCE, incomplete, not_restored, repair
from safepip.io.fingerprint import changed
from safepip.io.intact import compare_installed
from safepip.io.journal import JournalFolder
from safepip.io.lock import Busy
from safepip.io.owners import owned_by_others
from safepip.io.survey import survey
from safepip.io.territory import Territory
from safepip.io.undo import undisturbed, undo
from safepip.model.difference import Change, Difference
from safepip.model.ident import ProjectName
from safepip.model.plan import Install, Plan

_AS_IT_WAS = "nothing: the environment is as it was"
_MOST_TOLD = 10


class Transaction:
    """A context: entered, everything is ready to be undone; left by an exception, it is undone."""

    def __init__(
        self, plan: Plan, environment: PythonEnvironment, *, made: Sequence[str], say: Callable[[str], None]
    ) -> None:
        """Raises EnvironmentFault where it could not be undone; nothing was touched then.

        made: folders that were made for this run; say: is told what an error does not tell
        """
        self._plan = plan
        self._environment = environment
        self._say = say
        self._territory = Territory.of(environment)
        self._folder = JournalFolder(environment.library_folders()[0])
        footprint = survey(plan, environment, self._territory)
        self._journal = self._folder.begin(plan, footprint, made)
        self._began = self._folder.began()

    @property
    def at_work(self) -> int | None:
        """A descriptor for every program that writes into the environment to inherit."""
        return self._folder.at_work

    def require_judged(self, written: Mapping[ProjectName, Path]) -> None:
        """Raises PipFailed where what lies there is not what was judged.

        written: the .dist-info of each project that pip has installed
        """
        differing: dict[str, list[Difference]] = {}
        for step in self._plan.installs:
            if step.pin.project in written:
                found = tuple(one for one in self._compared(step, written) if not self._left_alone(one.path))
                if found:
                    differing[f"{step.pin.project} {step.pin.version}"] = list(found)
        strange = self._strange_hooks()
        if differing or strange:
            raise PipFailed(
                "installed-differs",
                f"What was installed of {', '.join(differing)} is not what was judged."
                if differing
                else "Somebody else has put something there, while pip was at work, that Python runs when it starts.",
                context=[
                    *((name, _listed(found)) for name, found in differing.items()),
                    *([("put there by others, and left", _listed(strange))] if strange else []),
                ],
                hint="Find out what else writes to the environment or to safepip's cache, then run the command again.",
            )

    def _strange_hooks(self) -> tuple[Difference, ...]:
        """What Python runs whenever it starts, and what came or changed while pip was at work, by nobody's plan."""
        libraries = {os.path.realpath(folder) for folder in self._environment.library_folders()}
        planned = {*self._journal.created, *(one.path for one in self._journal.kept)}
        found = {
            path: Difference(path=path, change=Change.ALTERED if name in self._journal.names[library] else Change.ADDED)
            for library in libraries.intersection(self._journal.names)
            for name in os.listdir(library)  # noqa: PTH208 - there may be thousands
            if runs_at_start(name)
            and (path := os.path.join(library, name)) not in planned  # noqa: PTH118
            and changed(path) > self._began
        }
        return tuple(found[path] for path in sorted(found.keys() - owned_by_others("", libraries, found)))

    def _compared(self, step: Install, written: Mapping[ProjectName, Path]) -> tuple[Difference, ...]:
        return compare_installed(
            step,
            written[step.pin.project],
            self._environment.schemes(step.pin.project),
            interpreter=self._environment.path,
            began=self._began,
        )

    def _left_alone(self, path: str) -> bool:
        """`--target` leaves entries that were there: all of them, or with `--upgrade` those that are links."""
        placement = self._environment.placement
        if placement.target_dir is None:
            return False
        target = os.path.realpath(placement.target_dir)
        top = Path(os.path.relpath(path, target)).parts[0]
        there = top in self._journal.names.get(target, ())
        return there and (not placement.upgrade or os.path.islink(os.path.join(target, top)))  # noqa: PTH114, PTH118

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._folder.done()
        except BaseException as late:  # an interrupt at the last moment, too
            if self._folder.under_way():
                raise self._undone(late) from None
            raise
        finally:
            if not self._folder.under_way():
                self._folder.remove()
        if error is not None:
            raise self._undone(error) from None

    def _undone(self, error: BaseException) -> BaseException:
        with undisturbed():
            try:
                self._folder.await_programs(PATIENCE)
                failed = undo(self._folder.path, self._journal, self._territory)
                if not failed:
                    self._folder.done()
                    self._folder.remove()
                    self._unmake()
            except Busy:
                return incomplete(self._folder.path, self._journal, ("pip is still at work",))
            except OSError as fault:
                failed = (str(fault.filename or fault),)
        if failed:
            return self._spoiled(error, failed)
        if isinstance(error, SafepipError):
            return _retold(error, [("changed", _AS_IT_WAS)], hint=_hint(error))
        self._say("What had been begun is undone: the environment is as it was.")
        return error

    def _unmake(self) -> None:
        for folder in reversed(self._journal.made):
            if self._territory.leads(folder):
                with contextlib.suppress(OSError):  # something else is in there
                    Path(folder).rmdir()

    def _spoiled(self, error: BaseException, failed: tuple[str, ...]) -> BaseException:
        journal, path = self._journal, self._folder.path
        if not isinstance(error, SafepipError):
            spoiled = incomplete(path, journal, failed)
            return _retold(spoiled, [("because", clean(f"{type(error).__name__} {error}".strip()))], hint=spoiled.hint)
        more = [("not as it was", not_restored(failed)), ("copies", str(path))]
        return _retold(error, more, hint=repair(path, journal))


def _retold(error: SafepipError, more: Sequence[tuple[str, str]], *, hint: str | None) -> SafepipError:
    """The same error, with what came of the environment in the end."""
    told = [pair for pair in error.context if pair[0] != "changed"]
    return type(error)(error.reference, error.message, context=[*told, *more], hint=hint)


def _hint(error: SafepipError) -> str | None:
    """What an error advises about an installation that has been undone since is no longer true."""
    return error.hint if error.reference == "installed-differs" else None


def _listed(found: Sequence[Difference]) -> str:
    lines = [f"{one.change.value}: {clean(one.path)}" for one in found[:_MOST_TOLD]]
    return "\n".join([*lines, f"and {len(found) - _MOST_TOLD} more"] if len(found) > _MOST_TOLD else lines)
