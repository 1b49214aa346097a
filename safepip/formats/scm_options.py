"""The options of plugins that find out a version, where they name a function or a command of the sdist's own.

Those of setuptools-scm stand in three places: setup.py, pyproject.toml, and hatch-vcs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from safepip.formats.build_evidence import Reason, own_code, table
from safepip.formats.toml import Document

_FUNCTIONS = frozenset({"version_callback", "branch_formatter", "tag_formatter"})
_SCHEMES = ("version_scheme", "local_scheme", "parse", "version_cls", "normalize_version")


def unsafe_scm(options: Any) -> str | None:
    """Why they lead to code that is not the plugin's own, None where they do not.

    A scheme is a name, or `module:function`; the command that describes a checkout may be any.
    """
    if not isinstance(options, Mapping):
        return None
    scm = options.get("scm")
    git = scm.get("git") if isinstance(scm, Mapping) else None
    described = git.get("describe_command") if isinstance(git, Mapping) else None
    for command in (options.get("git_describe_command"), described):
        if command and not _is_git(command):
            return "the version is asked of a command that is not git describe"
    for key in _SCHEMES:
        value = options.get(key)
        if isinstance(value, str) and (":" in value or (key in {"parse", "version_cls"} and "." in value)):
            return f"{key} names a function: {value[:80]}"
    return None


def _is_git(command: Any) -> bool:
    words = command.split() if isinstance(command, str) else command
    return isinstance(words, list) and words[:2] == ["git", "describe"]


def read_versioning(document: Document) -> Iterator[Reason]:
    """Options of version plugins that name a function, or a command, of the sdist's own."""
    tool = table(document.data, "tool")
    for name in ("setuptools_scm", "setuptools-scm", "vcs-versioning"):
        if why := unsafe_scm(tool.get(name)):
            yield own_code(document, ("tool", name), why)
    for key, value in table(tool, "setuptools-git-versioning").items():
        if key.replace("-", "_") in _FUNCTIONS and ":" in str(value):
            yield own_code(document, ("tool", "setuptools-git-versioning", key), f"{key} names a function")
    for step, options in table(tool, "versioningit").items():
        if isinstance(options, Mapping) and isinstance(options.get("method"), Mapping):
            yield own_code(document, ("tool", "versioningit", step), f"{step} names a function in a module")
