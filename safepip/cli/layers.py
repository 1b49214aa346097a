"""Where policies and pip's configuration stand on disk, and what of them counts for this run."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

from safepip.cli.settings import COMMAND_LINE, Settings
from safepip.errors import BadInput, Malformed
from safepip.formats.pipconfig import Entry, effective, from_environment, parse_file
from safepip.formats.policyfile import layer_from_environment, parse_policy
from safepip.model.layers import combine
from safepip.model.policy import Hashes, Layer, Placed, Policy, RuleSet

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
        home = Path(environ.get("HOME") or Path.home())
        yield home / ".pip" / "pip.conf"
        yield Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "pip" / "pip.conf"
    if prefix is not None:
        yield prefix / "pip.conf"
    if named:
        yield Path(named)


def environment_of(interpreter: Path) -> Path | None:
    """The folder of the virtual environment that this interpreter belongs to; its base folder for any other."""
    folder = interpreter.parent.parent
    if (folder / "pyvenv.cfg").is_file():
        return folder
    return Path(sys.prefix) if interpreter == Path(sys.executable) else None


def load_policy(
    settings: Settings, environ: Mapping[str, str], *, hash_mode: bool, folder: Path, today: date
) -> Policy:
    """All layers, outermost first: system, user, project, `--sp-policy`, SAFEPIP_*, command line."""
    layers = [*_files(settings, environ, folder, today), layer_from_environment(environ)]
    return combine([*(layer for layer in layers if layer is not None), _typed(settings, hash_mode)], today)


def _files(settings: Settings, environ: Mapping[str, str], folder: Path, today: date) -> Iterator[Layer | None]:
    home = Path(environ.get("HOME") or Path.home())
    user = Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "safepip" / "policy.toml"
    for path in (SYSTEM_POLICY, user):
        yield _layer(path, table=(), may_limit=True, today=today)
    yield _project(folder, today)
    if settings.policy_file is not None:
        path = Path(settings.policy_file)
        if not path.is_file():
            raise BadInput("policy-file", f"there is no policy file {settings.policy_file!r}", hint="check --sp-policy")
        yield _layer(path, table=(), may_limit=False, today=today)


def _project(folder: Path, today: date) -> Layer | None:
    """`safepip.toml`, or `[tool.safepip]` of pyproject.toml, of this folder or its nearest parent that has one."""
    for place in (folder, *folder.parents):
        layer = _layer(place / "safepip.toml", table=(), may_limit=False, today=today)
        layer = layer or _layer(place / "pyproject.toml", table=("tool", "safepip"), may_limit=False, today=today)
        if layer is not None:
            return layer
    return None


def _layer(path: Path, *, table: tuple[str, ...], may_limit: bool, today: date) -> Layer | None:
    raw = _read(path)
    if raw is None or (table and b"safepip" not in raw):
        return None
    return parse_policy(raw, _shown(path), table=table, may_limit=may_limit, today=today)


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
        return None
    except OSError as error:
        raise BadInput("unreadable-configuration", f"{path} cannot be read: {error.strerror or error}") from None


def _typed(settings: Settings, hash_mode: bool) -> Layer:
    """What the command line adds: rules only, never a grant."""
    rules = RuleSet(
        hashes=Placed(Hashes.ALL, COMMAND_LINE) if hash_mode else None,
        minimum_age=settings.uploaded_prior_to,
    )
    return Layer(
        name=COMMAND_LINE,
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
