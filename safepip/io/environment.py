"""The environment that is installed into: `safepip.ports.Environment` for a real interpreter."""

from __future__ import annotations

import configparser
import locale
import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from safepip.errors import EnvironmentFault
from safepip.formats.pipfiles import Placement
from safepip.io.installed import Installed
from safepip.io.occupants import Ground, Occupancy, moved_home
from safepip.io.probe import Interpreter, Probe
from safepip.model.artifact import Target
from safepip.model.ident import ProjectName
from safepip.model.neighbours import Occupant

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

    def schemes(self, project: ProjectName) -> Mapping[str, str]:
        """Where a wheel's files go, as pip will choose it.

        pip names the folder of headers as the requirement spells the project; ours is spelled as pip gets it from us.
        """
        return {name: str(folder / project if name == "headers" else folder) for name, folder in self._scheme().items()}

    def real_folders(self, folders: Collection[str]) -> Mapping[str, str]:
        """Where those folders really lie. Of `--target` pip moves what went to lib/python to the folder itself."""
        ground, home = Ground(), self.placement.target_dir
        real = {folder: ground.real(moved_home(folder, home) if home is not None else folder) for folder in folders}
        return {folder: place for folder, place in real.items() if place != folder}

    def occupants(
        self, names: Mapping[str, Collection[str]], leaving: Collection[ProjectName]
    ) -> Mapping[str, Occupant]:
        """What stands in the way of files there now."""
        placed = self.library_folders()
        searched = () if self.placement.target_dir is not None else tuple(self._searched())
        libraries = tuple(dict.fromkeys((*placed, *searched)))
        return Occupancy(self.interpreter, libraries, self.placement.target_dir).occupants(names, leaving)

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
        usual = interpreter.schemes["default"]
        return not all(_writable(self._rooted(usual[name])) for name in ("purelib", "platlib"))

    def library_folders(self) -> tuple[Path, ...]:
        """The folders that receive .dist-info folders."""
        scheme = self._scheme()
        return tuple(dict.fromkeys((scheme["purelib"], scheme["platlib"])))

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

    def _scheme(self) -> Mapping[str, Path]:
        """The folders as pip's `locations.get_scheme` has them, moved to `--prefix` and below `--root` where asked."""
        placement, interpreter = self.placement, self.interpreter
        if placement.target_dir is not None:
            # pip installs into a temporary home, and moves what is at the top of that and of its libraries.
            target = placement.target_dir.absolute()
            home = {name: _moved(path, interpreter.moved, target) for name, path in interpreter.schemes["home"].items()}
            return {**home, "purelib": target, "platlib": target}
        if placement.prefix is not None:
            chosen = interpreter.schemes["prefix"].items()
            scheme = {name: _moved(path, interpreter.moved, placement.prefix) for name, path in chosen}
        else:
            scheme = dict(interpreter.schemes["user" if self.user() else "default"])
        return {name: self._rooted(path) for name, path in scheme.items()}

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
