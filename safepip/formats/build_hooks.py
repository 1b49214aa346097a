"""What hatchling, poetry-core and pdm-backend run of an sdist's own, by the settings that say so."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from safepip.formats.build_evidence import (
    HATCH,
    BuildFiles,
    Reason,
    clue_at,
    own_code,
    table,
    taking_part_by_text,
)
from safepip.formats.plain import clean
from safepip.formats.scm_options import overwrites, unsafe_scm
from safepip.formats.tarlinks import folded
from safepip.formats.toml import Document, Path
from safepip.model.sdist import BuildKind, Clue

# Plugins whose very purpose it is to run commands that the sdist names.
_RUNNING_HOOKS = frozenset({"build-scripts", "jupyter-builder", "nodejs-build", "scikit-build"})


def read_hatch(files: BuildFiles) -> Iterator[Reason]:
    """hatch.toml stands beside `[tool.hatch]`, and what it sets takes the place of it key by key."""
    for document, path in ((files.pyproject, ("tool", "hatch")), (files.hatch, ())):
        if document is not None:
            yield from _hatch_settings(document, path)
    if HATCH in files.links:
        yield BuildKind.OWN_CODE, Clue(file=HATCH, line=None, what="is a link, so that it is not read here")


def _hatch_settings(document: Document, path: tuple[str, ...]) -> Iterator[Reason]:
    settings = table(document.data, *path)
    source = table(settings, "version").get("source", "regex")
    if source == "code":
        yield own_code(document, (*path, "version", "source"), "the version is what a module of the sdist computes")
    elif source not in {"regex", "env"}:
        yield (
            BuildKind.PLUGINS,
            clue_at(document, (*path, "version", "source"), f"the version comes from {source!s:.80}"),
        )
    if why := unsafe_scm(table(settings, "version").get("raw-options")):
        yield own_code(document, (*path, "version", "raw-options"), why)
    build = table(settings, "build")
    places = [("build",), *(("build", "targets", one) for one in table(build, "targets")), ("metadata",)]
    for place in places:
        for hook in table(settings, *place, "hooks"):
            where = (*path, *place, "hooks", hook)
            for key in ("path", "version-file"):
                if why := overwrites(table(settings, *place, "hooks", hook).get(key)):
                    yield own_code(document, where, why)
            if hook == "custom":
                yield own_code(document, where, "a custom hook runs a script of the sdist")
            elif hook in _RUNNING_HOOKS and table(settings, *place, "hooks", hook):
                yield own_code(document, where, f"the hook {hook} runs commands that the sdist names")
            elif hook != "version":
                yield BuildKind.PLUGINS, clue_at(document, where, f"the hook {hook[:80]} is a plugin's")
    if "custom" in table(build, "targets"):
        yield own_code(document, (*path, "build", "targets", "custom"), "a custom builder is a script of the sdist")
    yield from _hatch_asks_for(document, path, places[:-1])


def _hatch_asks_for(document: Document, path: tuple[str, ...], places: Sequence[tuple[str, ...]]) -> Iterator[Reason]:
    """What is installed for the build, beyond `[build-system] requires`: builders and hooks can ask for more."""
    hooks = [(*place, "hooks", hook) for place in places for hook in table(document.data, *path, *place, "hooks")]
    for place in (*places, *hooks):
        where = (*path, *place)
        settings = table(document.data, *where)
        for text in _listed(settings.get("dependencies")):
            yield from taking_part_by_text(document, (*where, "dependencies"), text)
        for key in ("require-runtime-dependencies", "require-runtime-features"):
            if settings.get(key):
                what = "what the project requires is installed for the build, and takes part in it"
                yield BuildKind.PLUGINS, clue_at(document, (*where, key), what)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def read_poetry(files: BuildFiles) -> Iterator[Reason]:
    document = files.pyproject
    build = table(document.data, "tool", "poetry").get("build") if document is not None else None
    script = build.get("script") if isinstance(build, Mapping) else build
    if document is not None and script:
        yield own_code(document, ("tool", "poetry", "build"), f"the build runs {script!s:.80}")


def read_pdm(files: BuildFiles) -> Iterator[Reason]:
    """pdm_build.py is run wherever it stands at the top, unless another hook is named."""
    for name in sorted(files.names):
        if folded(name) == "pdm_build.py":  # on some systems another spelling is the same file
            yield BuildKind.OWN_CODE, Clue(file=clean(name), line=None, what="pdm runs it as its hook")
    document = files.pyproject
    if document is None:
        return
    pdm = table(document.data, "tool", "pdm")
    build = pdm.get("build")
    if isinstance(build, str):
        yield own_code(document, ("tool", "pdm", "build"), f"the build runs {build[:80]}")
    for key in ("custom-hook", "run-setuptools", "setup-script"):
        if table(pdm, "build").get(key):
            yield own_code(document, ("tool", "pdm", "build", key), f"{key} leads to code")
    version = table(pdm, "version")
    where: Path = ("tool", "pdm", "version")
    if why := overwrites(version.get("write_to")):
        yield own_code(document, where, why)
    if version.get("source") == "call" or version.get("from_call"):
        yield own_code(document, where, "the version is what a function of the sdist returns")
    elif any(re.fullmatch(r"[\w.]+:[\w.]+", str(version.get(key, ""))) for key in ("version_format", "tag_filter")):
        yield own_code(document, where, "the version is formatted by a function of the sdist")
