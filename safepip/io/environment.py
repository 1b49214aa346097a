"""The environment that is installed into: `safepip.ports.Environment` for a real interpreter."""

from __future__ import annotations

import configparser
import locale
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from safepip.errors import EnvironmentFault
from safepip.formats.pipfiles import Placement
from safepip.io.installed import Installed
from safepip.io.probe import Interpreter, Probe
from safepip.model.artifact import Target

_PIP_NOTE = (
    "If you believe this is a mistake, please contact your Python installation or OS distribution provider. "
    "You can override this, at the risk of breaking your Python installation or OS, by passing "
    "--break-system-packages. See PEP 668 for the detailed specification."
)
_PIP_DEFAULT = "The Python environment under {prefix} is managed externally, and may not be manipulated by the user."


class PythonEnvironment:
    """One interpreter and the place in it. The probe runs in the background until something is asked."""

    def __init__(self, interpreter: Path, placement: Placement, environ: Mapping[str, str]) -> None:
        """Start the probe. Raises EnvironmentFault when the interpreter cannot be started."""
        self.path = interpreter
        self.placement = placement
        self._probe = Probe(interpreter, environ)
        self._installed: Installed | None = None

    @property
    def interpreter(self) -> Interpreter:
        return self._probe.result()

    def target(self) -> Target:
        return self.interpreter.target

    def installed(self) -> Installed:
        """What is there now, read once; nothing for `--target`, where pip does not look either."""
        if self._installed is None:
            self._installed = Installed([] if self.placement.target_dir is not None else self._searched())
        return self._installed

    def refresh(self) -> Installed:
        """Look again: after pip, or between plan and pip."""
        self._installed = None
        return self.installed()

    def user(self) -> bool:
        """Whether pip will use the user's site folder (pip's `decide_user_install`)."""
        placement, interpreter = self.placement, self.interpreter
        if placement.user is not None:
            return placement.user
        if placement.target_dir is not None or placement.prefix is not None or interpreter.user_site is None:
            return False
        return not all(map(_writable, self._folders()))

    def library_folders(self) -> tuple[Path, ...]:
        """The folders that receive .dist-info folders."""
        if self.placement.target_dir is not None:
            return (self.placement.target_dir.absolute(),)
        if self.user() and self.interpreter.user_site is not None:
            return (self._rooted(self.interpreter.user_site),)
        return self._folders()

    def check(self) -> None:
        """Whether anything may and can be installed here; to be called before any download.

        Raises EnvironmentFault: externally managed, not writable, or no user site where `--user` was asked for.
        """
        if self.placement.user and self.interpreter.user_site is None:
            raise EnvironmentFault(
                "no-user-site",
                "Can not perform a '--user' install. User site-packages are not visible in this environment.",
                context=[("interpreter", str(self.path))],
            )
        if not self.placement.elsewhere and not self.placement.break_system_packages:
            _check_externally_managed(self.interpreter)
        for folder in self.library_folders():
            _check_writable(folder)

    def close(self) -> None:
        self._probe.close()

    def _folders(self) -> tuple[Path, ...]:
        """The library folders of the installation scheme, moved to `--prefix` and below `--root` where asked."""
        folders = dict.fromkeys(self.interpreter.paths[name] for name in ("purelib", "platlib"))
        prefix, own = self.placement.prefix, self.interpreter.prefix
        if prefix is not None:
            folders = dict.fromkeys(_moved(folder, own, prefix) for folder in folders)
        return tuple(map(self._rooted, folders))

    def _rooted(self, folder: Path) -> Path:
        root = self.placement.root
        return folder if root is None else _moved(folder, Path(folder.anchor), root)

    def _searched(self) -> Iterator[Path]:
        """As `site` orders it: the user's folder comes before those of the installation."""
        if self.interpreter.user_site is not None:
            yield self.interpreter.user_site
        yield from self.interpreter.search


def _moved(folder: Path, old: Path, new: Path) -> Path:
    """`folder` as it lies below `new` instead of `old`; unmoved where it did not lie there."""
    return new.absolute() / folder.relative_to(old) if folder.is_relative_to(old) else folder


def _existing(folder: Path) -> Path:
    return next(place for place in (folder, *folder.parents) if place.exists())


def _writable(folder: Path) -> bool:
    return os.access(_existing(folder), os.W_OK | os.X_OK)


def _check_writable(folder: Path) -> None:
    place = _existing(folder)
    if not place.is_dir():
        raise EnvironmentFault(
            "target-not-a-directory",
            "Target path exists but is not a directory, will not continue.",
            context=[("path", str(place))],
        )
    if not _writable(folder):
        raise EnvironmentFault(
            "target-not-writable",
            "The target environment cannot be written to by this user.",
            context=[("folder", str(place))],
            hint="Make a virtual environment (`python -m venv .venv`) and name it with --python .venv.",
        )


def _check_externally_managed(interpreter: Interpreter) -> None:
    if interpreter.marker is None:
        return
    raise EnvironmentFault(
        "externally-managed-environment",
        "This environment is externally managed.",
        context=[("reason", _reason(interpreter)), ("marker", str(interpreter.marker))],
        hint=_PIP_NOTE,
    )


def _reason(interpreter: Interpreter) -> str:
    """The vendor's words, in the user's language where there are such (PEP 668)."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(str(interpreter.marker), encoding="utf-8")
        section = parser["externally-managed"]
    except (KeyError, OSError, UnicodeDecodeError, configparser.Error):
        return _PIP_DEFAULT.format(prefix=interpreter.prefix)
    found = (section[key] for key in _error_keys() if key in section)
    return next(found, _PIP_DEFAULT.format(prefix=interpreter.prefix))


def _error_keys() -> Iterator[str]:
    language = locale.getlocale(locale.LC_MESSAGES)[0] if hasattr(locale, "LC_MESSAGES") else None
    if language:
        yield f"Error-{language}"
        yield f"Error-{language.partition('_')[0]}"
    yield "Error"
