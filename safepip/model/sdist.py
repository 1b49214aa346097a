"""What is inside an sdist, as far as it can be known without running any of it."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from safepip.model.artifact import Metadata
from safepip.model.contents import Fault
from safepip.model.ident import Sha256


class BuildKind(enum.Enum):
    """What building it would run, by the evidence inside.

    DECLARATIVE: a known backend that reads what is declared, and nothing of the sdist's own
    PLUGINS:     the same with third-party plugins of the build
    NEEDS_SETUP_PY, OWN_CODE: code that came with it
    UNKNOWN: the archive or its declarations are malformed, so that nobody can say
    """

    DECLARATIVE = "A"
    PLUGINS = "B"
    NEEDS_SETUP_PY = "C-setup.py"
    OWN_CODE = "C-own-code"
    UNKNOWN = "malformed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clue:
    """Why an sdist is of its kind. `file` below the top folder, `line` from 1, None where no single line says it."""

    file: str
    line: int | None
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SdistContents:
    """An sdist, read once from its first byte to its last, and never extracted.

    sha256:   of the bytes that were read; None where reading had to stop
    faults:   what the strict gate objects to; members: how many the archive has
    kind, clues: what building it would run, and why
    backend, requires: of `[build-system]`; None and empty where it says nothing
    static:   its core metadata, where PKG-INFO states them for good (Metadata 2.2 or newer, none of them Dynamic)
    not_static: why they cannot be known without running it, None where they can
    """

    sha256: Sha256 | None
    faults: tuple[Fault, ...]
    members: int
    kind: BuildKind
    clues: tuple[Clue, ...]
    backend: str | None
    requires: tuple[str, ...]
    static: Metadata | None
    not_static: str | None
