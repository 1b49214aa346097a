"""What the pip that we delegate to is given: two files, a command line, and nothing of the user's own.

pip gets the judged distributions and no choice: `roots.txt` names what is asked for, `rest.txt` (constraints) pins
what comes along, each with the one digest that was judged. pip decides nothing that was not decided, and refuses
(`--require-hashes`) whatever differs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from safepip.errors import Malformed
from safepip.formats.plain import clean
from safepip.model.artifact import Artifact, Pin
from safepip.model.ident import ProjectName
from safepip.model.plan import Install, Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where the user wants things, in pip's own options.

    target_dir: `--target`; what is installed elsewhere is then left out of account
    upgrade:    `--upgrade`, which matters to pip only with `--target`: without it what is there stays
    user:       True for `--user`, False for `--no-user`, None to decide as pip does
    """

    target_dir: Path | None
    prefix: Path | None
    root: Path | None
    upgrade: bool
    user: bool | None
    break_system_packages: bool

    @property
    def elsewhere(self) -> bool:
        return any(place is not None for place in (self.target_dir, self.prefix, self.root))

    @property
    def keeps_existing(self) -> bool:
        return self.target_dir is not None and not self.upgrade


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarded:
    """The user's other options that pip itself must know.

    extra: verbatim, such as `--no-warn-script-location` or `--root-user-action=ignore`
    """

    no_deps: bool
    force_reinstall: bool
    ignore_installed: bool
    extra: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PipFiles:
    """The two files, the flags that go with them, and whom pip will wrongly mark as REQUESTED by them."""

    roots: str
    rest: str
    flags: tuple[str, ...]
    unrequested: frozenset[ProjectName]


def judged(step: Install) -> Artifact:
    """The bytes of a step; an approved verdict always has them."""
    artifact = step.approved.verdict.subject.artifact
    if artifact is None:
        raise Malformed(f"{step.pin.project} was approved without bytes")
    return artifact


def pip_files(plan: Plan, forwarded: Forwarded, placement: Placement, *, user: bool) -> PipFiles:
    """Render a plan for pip. `user`: whether it goes to the user's site folder, as we decided.

    Only what is to be installed is named, with two exceptions that pip needs to get there:

    * A part that only a kept distribution asks for: the kept roots are named too, without a digest, so that pip
      walks from them; it takes no file without a digest.
    * The same version again beside kept parts: `--force-reinstall` would want every file, so it goes with
      `--no-deps` and every part is named; those that nobody asked for come out as `unrequested`.

    A part with headers is named as well: pip calls their folder as the requirement spells the project, and a
    dependency's may be spelled in another way than ours.
    """
    again = forwarded.force_reinstall or any(map(_looks_satisfied, plan.installs))
    by_name = forwarded.no_deps or (again and bool(plan.keeps))
    roots = [step for step in plan.installs if by_name or step.pin.requested or _has_headers(step)]
    named = {step.pin.project for step in roots}
    rest = [step for step in plan.installs if step.pin.project not in named]
    kept = [] if by_name or _reachable(plan) else [step.pin for step in plan.keeps if step.pin.requested]
    return PipFiles(
        roots="".join([*map(_root_line, roots), *(_kept_line(pin) for pin in kept)]),
        rest="".join(map(_rest_line, rest)),
        flags=(
            *_places(placement, user=user),
            *(flag for flag, wanted in _switches(forwarded, again=again, by_name=by_name) if wanted),
            *forwarded.extra,
        ),
        unrequested=frozenset(step.pin.project for step in roots if not step.pin.requested),
    )


def _has_headers(step: Install) -> bool:
    return any(file.scheme == "headers" for file in step.manifest.files)


def _looks_satisfied(step: Install) -> bool:
    """Whether pip would take what is there for what is wanted: the same version, or one that `==` equates to it."""
    if step.replaces is None:
        return False
    return SpecifierSet(f"=={step.pin.version}").contains(step.replaces.version, prereleases=True)


def _reachable(plan: Plan) -> bool:
    """Whether pip gets from the installed roots to every other part without passing through what is kept."""
    waiting = {step.pin.project: step.pin for step in plan.installs if not step.pin.requested}
    reached = {step.pin.project for step in plan.installs if step.pin.requested}
    while found := {name for name, pin in waiting.items() if any(one.project in reached for one in pin.parents)}:
        reached |= found
        waiting = {name: pin for name, pin in waiting.items() if name not in found}
    return not waiting


def _name(pin: Pin) -> str:
    extras = ",".join(sorted(canonicalize_name(extra, validate=True) for extra in pin.extras))
    return f"{pin.project}[{extras}]" if extras else str(pin.project)


def _root_line(step: Install) -> str:
    return f"{_name(step.pin)}=={step.pin.version} --hash=sha256:{judged(step).sha256}\n"


def _rest_line(step: Install) -> str:
    return f"{step.pin.project}=={step.pin.version} --hash=sha256:{judged(step).sha256}\n"


def _kept_line(pin: Pin) -> str:
    return f"{_name(pin)}=={pin.version}\n"


def _places(placement: Placement, *, user: bool) -> Iterable[str]:
    if placement.target_dir is not None:
        yield from ("--target", str(placement.target_dir))
        if placement.upgrade:
            yield "--upgrade"
    else:
        # Said either way, so that pip cannot decide otherwise than we did when we looked at what is installed.
        yield "--user" if user else "--no-user"
    if placement.prefix is not None:
        yield from ("--prefix", str(placement.prefix))
    if placement.root is not None:
        yield from ("--root", str(placement.root))
    if placement.break_system_packages:
        yield "--break-system-packages"


def _switches(forwarded: Forwarded, *, again: bool, by_name: bool) -> Iterable[tuple[str, bool]]:
    yield "--no-deps", by_name
    yield "--force-reinstall", again
    yield "--ignore-installed", forwarded.ignore_installed


def pip_command(
    own: Path, interpreter: Path, stage: Path, roots: Path, rest: Path, flags: Sequence[str]
) -> tuple[str, ...]:
    """The command line: safepip's own pip (`own` is safepip's interpreter), installing into `interpreter`.

    `--no-compile` always: byte code is ours, made in parallel. `--no-index` and `--no-cache-dir` leave the stage as
    the only place that files come from; `--only-binary :all:` means that nothing is ever built.
    """
    return (
        *(str(own), "-I", "-m", "pip", "--python", str(interpreter), "install"),
        *("--isolated", "--no-cache-dir", "--no-input", "--disable-pip-version-check", "--no-color"),
        *("--progress-bar", "off", "--no-index", "--find-links", str(stage), "--only-binary", ":all:"),
        *("--require-hashes", "--no-compile", "-r", str(roots), "-c", str(rest)),
        *flags,
    )


# What pip says about the stage, or about what our own run has said before.
_HIDDEN = ("Looking in links:", "Processing ", "Requirement already satisfied:", "Using pip ")


def user_line(line: str, stage: str) -> str | None:
    """A line of pip's standard output as the user should see it, None where it tells of the stage alone."""
    if line.startswith(_HIDDEN) or not line.strip():
        return None
    return without_stage(line, stage)


def without_stage(line: str, stage: str) -> str:
    """A line of pip's without the private folder (file names and requirements stay), safe to print.

    pip repeats what metadata says, escape sequences and all.
    """
    for folder in (f"file://{stage}/", f"{stage}/", f"file://{stage}", stage):
        line = line.replace(folder, "")
    return clean(line)


_UNEXPECTED = "ERROR: Exception:"  # how pip announces a traceback of its own
_CHAINED = (
    "During handling of the above exception, another exception occurred:",
    "The above exception was the direct cause of the following exception:",
)


class Untraced:
    """Lines with each Python traceback cut down to its exception, told as an error of pip's.

    Of exceptions that led to one another the last is told. A line may be held back until the next one, or the end.
    """

    def __init__(self) -> None:
        self._held: str | None = None
        self._depth: int | None = None  # the indentation of the traceback that is being left out

    def lines(self, line: str) -> list[str]:
        """What can be told now that this line has come."""
        text = line.strip()
        depth = len(line) - len(line.lstrip())
        if text == "Traceback (most recent call last):":
            self._held, self._depth = None, depth
            return []
        if self._depth is not None:
            if text and depth <= self._depth:
                self._held, self._depth = f"ERROR: {text}", None
            return []
        if self._held is not None and (not text or text in _CHAINED):
            return []
        told = self.end()
        if text == _UNEXPECTED:
            self._held = line
            return told
        return [*told, line]

    def end(self) -> list[str]:
        """What was still held back."""
        held, self._held = self._held, None
        return [held] if held is not None else []
