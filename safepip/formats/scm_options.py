"""The options of plugins that find out a version, where they name a function or a command of the sdist's own.

Those of setuptools-scm stand in three places: setup.py, pyproject.toml, and hatch-vcs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from safepip.formats.build_evidence import Reason, own_code, table
from safepip.formats.toml import Document, Path

_FUNCTIONS = frozenset({"version_callback", "branch_formatter", "tag_formatter"})
_SETUPTOOLS_SCM = ("setuptools_scm", "setuptools-scm", "vcs-versioning")
_TARGETS = ("version_file", "write_to")
# What a later step of the same build reads, so that writing it is writing what will be run.
_READ_LATER = frozenset({"setup.py", "setup.cfg", "pyproject.toml", "hatch.toml", "hatch_build.py", "pdm_build.py"})
_CHECKOUT = re.compile(r"(?:\.git|\.hg)(?:/.*)?|(?:.*/)?(?:\.git/config|\.hg/hgrc)", re.DOTALL | re.IGNORECASE)
_BARE = ("HEAD", "objects", "refs")  # by these git knows a folder as a repository that is nothing else
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
        values = options.get(key)
        for value in values if isinstance(values, list | tuple) else [values]:
            if isinstance(value, str) and (":" in value or (key in {"parse", "version_cls"} and "." in value)):
                return f"{key} names a function: {value[:80]}"
    return next(filter(None, (overwrites(options.get(key)) for key in _TARGETS)), None)


def overwrites(target: Any) -> str | None:
    """Why a file that a build writes, with a version in a text of the sdist's choice, may be one that is run."""
    if not isinstance(target, str) or not target:
        return None
    parts = target.replace("\\", "/").split("/")
    if target.startswith("~") or not parts[0] or ":" in target or ".." in parts:
        return f"the version is written to {target[:80]}, which leads out of the sdist"
    if parts[-1].strip(" .").lower() in _READ_LATER or {".git", ".hg"} & {part.lower() for part in parts}:
        return f"the version is written to {target[:80]}, which the build reads again"
    return None


def checkout(paths: Iterable[str]) -> str | None:
    """The member that makes a version control system take the sdist for a checkout, and follow its settings.

    `paths`: of all members, below the top folder. git and Mercurial run what the settings of a checkout name.
    """
    tops = set()
    for path in paths:
        if _CHECKOUT.fullmatch(path):
            return path
        tops.add(path.partition("/")[0].lower())
    return "HEAD" if tops.issuperset(name.lower() for name in _BARE) else None


def _is_git(command: Any) -> bool:
    words = command.split() if isinstance(command, str) else command
    return isinstance(words, list) and words[:2] == ["git", "describe"]


def template(document: Document) -> Path | None:
    """Where setuptools-scm is given the text of a module that it is to write, None where it is not."""
    for name in _SETUPTOOLS_SCM:
        for key in _TARGETS:
            if table(document.data, "tool", name).get(f"{key}_template"):
                return ("tool", name, f"{key}_template")
    return None


def read_versioning(document: Document) -> Iterator[Reason]:
    """Options of version plugins that name a function, or a command, of the sdist's own."""
    tool = table(document.data, "tool")
    for name in _SETUPTOOLS_SCM:
        if why := unsafe_scm(tool.get(name)):
            yield own_code(document, ("tool", name), why)
    for name in ("poetry-dynamic-versioning", "uv-dynamic-versioning"):
        if table(tool, name).get("format-jinja"):
            yield own_code(document, ("tool", name, "format-jinja"), "format-jinja is a template, which can run code")
        for path in (("files",), ("substitution",)):
            for file in _files(table(tool, name, *path)):
                if why := overwrites(file):
                    yield own_code(document, ("tool", name, *path), why)
    for key, value in table(tool, "setuptools-git-versioning").items():
        if key.replace("-", "_") in _FUNCTIONS and ":" in str(value):
            yield own_code(document, ("tool", "setuptools-git-versioning", key), f"{key} names a function")
    for step, options in table(tool, "versioningit").items():
        if isinstance(options, Mapping) and isinstance(options.get("method"), Mapping):
            yield own_code(document, ("tool", "versioningit", step), f"{step} names a function in a module")


def _files(settings: Mapping[str, Any]) -> Iterator[Any]:
    """Those that poetry-dynamic-versioning writes into: the keys of one table, the list and keys of the other."""
    yield from settings
    listed = settings.get("files")
    if isinstance(listed, list | Mapping):
        yield from listed
