"""`safepip trust pin`: write `publishers = [...]` into the project's policy, and touch nothing else in it."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from safepip.cli.layers import why_not_ones_own
from safepip.errors import BadInput, EnvironmentFault
from safepip.formats.policyfile import parse_policy
from safepip.formats.publisher import render_publisher
from safepip.formats.toml import quoted
from safepip.io.lock import locked_folder
from safepip.io.statedir import write_whole
from safepip.model.ident import ProjectName
from safepip.model.levels import LayerKind
from safepip.model.publisher import PublisherPin

POLICY = "safepip.toml"
_NEW = "schema = 1\n"
_TOOL = ("tool", "safepip")


def pin(project: ProjectName, publishers: Sequence[PublisherPin], folder: Path, today: date) -> tuple[Path, str]:
    """The file that holds the pin now, and the lines that were added to it.

    Into `safepip.toml` of this folder or its nearest parent that has a policy, and into a new one where none has.
    Raises BadInput, with the lines to write by hand, where the text cannot simply be added to.
    """
    path = _policy(folder, today)
    listed = ", ".join(quoted(render_publisher(one)) for one in publishers)
    table = f"projects.{project}" if "." not in project else f'projects."{project}"'
    if path.name != POLICY:
        raise _by_hand(path, f"[tool.safepip.{table}]\npublishers = [{listed}]", "its policy stands in pyproject.toml")
    lines = f"[{table}]\npublishers = [{listed}]"
    with locked_folder(path.parent.resolve(), str(path)):
        old = _read(path)
        if old is not None:
            _require_own(path)
            _require_addable(path, old, project, lines, today)
        before = _NEW if old is None else old + ("" if old.endswith("\n") or not old else "\n")
        text = f"{before}\n{lines}\n"
        _require_pinned(path, text, project, publishers, lines, today)
        _write(path, text.encode())
    return path, lines


def _policy(folder: Path, today: date) -> Path:
    """As the policy of a project is looked up (`safepip.cli.layers`): a new file must not stand before an old one."""
    for place in (folder, *folder.parents):
        if os.path.lexists(place / POLICY):
            return place / POLICY
        path = place / "pyproject.toml"
        text = _read(path)
        if text is not None and "pip" in text.lower():
            layer = parse_policy(text.encode(), path.name, table=_TOOL, kind=LayerKind.PROJECT, today=today)
            if layer is not None:
                return path
    return folder / POLICY


def _read(path: Path) -> str | None:
    """None where there is no such file; a link that leads nowhere is an error."""
    if not os.path.lexists(path):
        return None
    try:
        return path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput("unreadable-configuration", f"{path} cannot be read: {error}", hint="mend it first") from None


def _require_own(path: Path) -> None:
    why = why_not_ones_own(path, inherited=True)
    if why is not None:
        raise BadInput("policy-not-ones-own", f"the policy {str(path)!r} is not changed: {why}")


def _require_addable(path: Path, text: str, project: ProjectName, lines: str, today: date) -> None:
    layer = parse_policy(text.encode(), path.name, table=(), kind=LayerKind.PROJECT, today=today)
    tables = dict(layer.projects) if layer is not None else {}
    if project in tables:
        placed = tables[project].publishers
        where = f"{placed.place} pins it already" if placed is not None else f"it has a table for {project} already"
        raise _by_hand(path, lines, where)


def _require_pinned(
    path: Path, text: str, project: ProjectName, publishers: Sequence[PublisherPin], lines: str, today: date
) -> None:
    """The text that will be written must say what was asked for: TOML has more than one way to write a table."""
    try:
        layer = parse_policy(text.encode(), path.name, table=(), kind=LayerKind.PROJECT, today=today)
    except BadInput:
        raise _by_hand(path, lines, "a table cannot simply be added to it") from None
    written = layer.rules_for(project).publishers if layer is not None else None
    if written is None or written.value != tuple(publishers):
        raise _by_hand(path, lines, "the table would not say what was asked for")


def _by_hand(path: Path, lines: str, why: str) -> BadInput:
    return BadInput(
        "pin-by-hand",
        f"{path} is not changed: {why}",
        context=[("write", lines)],
        hint="write these lines where they belong, instead of what stands there",
    )


def _write(path: Path, body: bytes) -> None:
    try:
        real = path.resolve()
        mode = stat.S_IMODE(real.stat().st_mode) if real.exists() else 0o666
        if real.exists() and not os.access(real, os.W_OK):
            raise PermissionError(13, os.strerror(13), str(path))
        write_whole(real, body, mode)
    except OSError as error:
        raise EnvironmentFault("policy-unwritable", f"{path} cannot be written: {error.strerror or error}") from None
