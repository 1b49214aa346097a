"""Where policies and pip's configuration stand on disk, and what of them counts for this run."""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

from safepip.cli.settings import COMMAND_LINE, Settings
from safepip.errors import BadInput, Malformed
from safepip.formats.pipconfig import Entry, effective, from_environment, parse_file
from safepip.formats.policyfile import layer_from_environment, parse_policy
from safepip.model.layers import combine
from safepip.model.levels import Hashes, LayerKind, Placed
from safepip.model.policy import Layer, Policy
from safepip.model.rules import RuleSet

_TOOL = ("tool", "safepip")
SYSTEM_POLICY = Path("/etc/safepip/policy.toml")


def pip_configuration(environ: Mapping[str, str], prefix: Path | None) -> Mapping[str, Entry]:
    """Pip's effective options for `install`. `prefix`: the target environment, whose pip.conf counts too."""
    entries: list[Entry] = []
    for path in _pip_files(environ, prefix):
        raw = _read(path)
        if raw is None:
            continue
        try:
            entries.extend(parse_file(raw, str(path)))
        except Malformed as error:
            raise BadInput("pip-configuration", str(error), hint="mend it, or set PIP_CONFIG_FILE=/dev/null") from None
    return effective([*entries, *from_environment(environ)], "install")


def _pip_files(environ: Mapping[str, str], prefix: Path | None) -> Iterator[Path]:
    """In pip's order, least first. `PIP_CONFIG_FILE` replaces the user's files; the null device switches all off."""
    named = environ.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return
    for folder in reversed((environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(os.pathsep)):
        yield Path(folder) / "pip" / "pip.conf"
    yield Path("/etc/pip.conf")
    if not (named and Path(named).exists()):
        yield from (home / ".pip" / "pip.conf" for home in _home(environ))
        yield from (folder / "pip" / "pip.conf" for folder in _user_folders(environ))
    if prefix is not None:
        yield prefix / "pip.conf"
    if named:
        yield Path(named)


def _home(environ: Mapping[str, str]) -> list[Path]:
    """The user's home, if there is one: a container's arbitrary uid has none."""
    named = environ.get("HOME")
    if named:
        return [Path(named)]
    try:
        return [Path.home()]
    except RuntimeError:
        return []


def _user_folders(environ: Mapping[str, str]) -> list[Path]:
    named = environ.get("XDG_CONFIG_HOME")
    return [Path(named)] if named else [home / ".config" for home in _home(environ)]


def environment_of(interpreter: Path) -> Path | None:
    """The folder of the virtual environment that this interpreter belongs to; its base folder for any other."""
    folder = interpreter.parent.parent
    if (folder / "pyvenv.cfg").is_file():
        return folder
    return Path(sys.prefix) if interpreter == Path(sys.executable) else None


def load_policy(
    settings: Settings, environ: Mapping[str, str], *, hash_mode: bool, folder: Path, today: date
) -> Policy:
    """All layers, outermost first: system, user, `--sp-policy`, project, SAFEPIP_*, command line."""
    layers = [*_files(settings, environ, folder, today), layer_from_environment(environ)]
    return combine([*(layer for layer in layers if layer is not None), _typed(settings, hash_mode)], today)


def _files(settings: Settings, environ: Mapping[str, str], folder: Path, today: date) -> Iterator[Layer | None]:
    yield _layer(SYSTEM_POLICY, table=(), kind=LayerKind.SYSTEM, today=today)
    for user in _user_folders(environ):
        yield _layer(user / "safepip" / "policy.toml", table=(), kind=LayerKind.USER, today=today)
    named = Path(settings.policy_file) if settings.policy_file is not None else None
    if named is not None:
        if not named.is_file():
            raise BadInput("policy-file", f"there is no policy file {settings.policy_file!r}", hint="check --sp-policy")
        yield _layer(named, table=(), kind=LayerKind.NAMED, today=today)
    yield _project(folder, named, today)


def _project(folder: Path, named: Path | None, today: date) -> Layer | None:
    """`safepip.toml`, or `[tool.safepip]` of pyproject.toml, of this folder or its nearest parent that has one.

    named: `--sp-policy`; whoever names the project's own file has said that it is to be followed
    """
    for place in (folder, *folder.parents):
        if named is not None and (place / "safepip.toml").exists() and named.samefile(place / "safepip.toml"):
            return None
        for path, table in ((place / "safepip.toml", ()), (place / "pyproject.toml", _TOOL)):
            layer = _layer(path, table=table, kind=LayerKind.PROJECT, today=today)
            if layer is not None:
                _require_trusted(path, inherited=place != folder)
                return layer
    return None


def _require_trusted(path: Path, *, inherited: bool) -> None:
    """A policy may permit things, so nobody else may be able to write it."""
    why = why_not_ones_own(path, inherited=inherited)
    if why is not None:
        raise BadInput(
            "policy-not-ones-own",
            f"the policy {str(path)!r} is not followed: {why}",
            hint="mend its owner or mode, or name it with --sp-policy where you mean it",
        )


def why_not_ones_own(path: Path, *, inherited: bool) -> str | None:
    """Why a file that a run is to believe may be somebody else's; None where it is not.

    One found in a parent folder must belong to this user or to root: anybody can put a file into /tmp (compare git's
    safe.directory).
    """
    owners = {path.stat().st_uid, path.lstat().st_uid}
    if path.stat().st_mode & stat.S_IWOTH:
        return "everybody can write it"
    if owners <= {os.geteuid(), 0}:
        return None
    if inherited:
        return "it lies in a parent folder and belongs to another user"
    if path.parent.stat().st_mode & stat.S_IWOTH:
        return "it belongs to another user, in a folder that everybody can write"
    return None


def _layer(path: Path, *, table: tuple[str, ...], kind: LayerKind, today: date) -> Layer | None:
    raw = _read(path)
    if raw is None or (table and b"pip" not in raw.lower()):
        return None
    layer = parse_policy(raw, _shown(path), table=table, kind=kind, today=today)
    if layer is None:
        return None
    roots = (replace(root, file=str(path.parent / root.file)) for root in layer.trust_roots)
    return replace(layer, trust_roots=tuple(roots))


def _shown(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _read(path: Path) -> bytes | None:
    """None where there is no such file. One that cannot be read is an error: it may hold a rule."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        if path.is_symlink():
            raise BadInput(
                "unreadable-configuration", f"{path} leads nowhere", hint="it may hold a rule: mend or remove the link"
            ) from None
        return None
    except OSError as error:
        raise BadInput(
            "unreadable-configuration",
            f"{path} cannot be read: {error.strerror or error}",
            hint="it may hold a rule: mend its permissions, or set HOME or XDG_CONFIG_HOME to a folder of this user",
        ) from None


def _typed(settings: Settings, hash_mode: bool) -> Layer:
    """What the command line adds: rules only, never a grant."""
    rules = RuleSet(
        hashes=Placed(Hashes.ALL, COMMAND_LINE) if hash_mode else None,
        minimum_age=settings.uploaded_prior_to,
    )
    return Layer(
        name=COMMAND_LINE,
        kind=LayerKind.COMMAND_LINE,
        digest=hashlib.sha256(repr(rules).encode()).hexdigest(),
        profile=None,
        rules=rules,
        checks=(),
        projects=(),
        indexes=(),
        trust_roots=(),
        waivers=(),
        permitted_grants=None,
        max_waiver_days=None,
    )
