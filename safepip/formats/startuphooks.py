"""What a wheel would have Python do whenever it starts (the `site` module, and PEP 829).

Versions of Python read a `.pth` file differently: as lines that end with a line feed or with anything that Unicode
calls a line end, with or without a byte order mark, in UTF-8 or in the locale's encoding. What any of them would run
counts.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from codecs import BOM_UTF8
from collections.abc import Collection, Iterator, Mapping, Sequence

from safepip.formats.placement import Placed
from safepip.model.contents import StartupHook

LARGEST_HOOK_FILE = 64 * 1024
# More than any wheel has; the lines of further ones are not looked at, and not allowed either.
MOST_HOOK_FILES = 100
_FILE = re.compile(r"[^/]*\.(?:pth|start)", re.IGNORECASE | re.DOTALL)
# `_virtualenv` is what the .pth file in every environment that virtualenv or uv made imports.
_ENDINGS = (".pth", ".start")
_MODULE_NAME = re.compile("customize|_virtualenv", re.IGNORECASE)
_MODULE_FOLDER = re.compile(r"sitecustomize|usercustomize|_virtualenv", re.IGNORECASE)
_MODULE_FILE = re.compile(
    r"(?:sitecustomize|usercustomize|_virtualenv)(?:\..*)?\.(?:py|pyc|pyw|pyd|so|sl|dll|dylib)",
    re.IGNORECASE | re.DOTALL,
)
_LINE_END = re.compile(r"\r\n|\r|\n")
_DRIVE = re.compile(r"[A-Za-z]:")
_COMMANDS = ("import ", "import\t")


def has_hook_name(path: str) -> bool:
    """Whether a member's name ends as those do that Python looks for when it starts."""
    return path.lower().endswith(_ENDINGS)


def is_hook_file(placed: Placed) -> bool:
    """Whether Python would read the file when it starts."""
    place = placed.at_start if has_hook_name(placed.path) else None
    return place is not None and _FILE.fullmatch(place) is not None


def runs_at_start(name: str) -> bool:
    """Whether Python would read or import an entry of that name in a library folder when it starts."""
    return any(shape.fullmatch(name) is not None for shape in (_FILE, _MODULE_FILE, _MODULE_FOLDER))


def startup_hooks(members: Collection[Placed], kept: Mapping[str, bytes]) -> tuple[StartupHook, ...]:
    """Everything that would run by itself, each once. `kept`: the bytes of the hook files, by path."""
    library = {one.path: place for one in members if (place := one.at_start) is not None}
    files = [one.path for one in members if is_hook_file(one)]
    places = sorted(library.values()) if files else ()
    added: set[str] = set()
    found = [hook for path in files for hook in _of_file(path, kept.get(path), places, added)]
    found += _modules(library, added)
    return tuple(dict.fromkeys(found))


def _of_file(path: str, body: bytes | None, places: Sequence[str], added: set[str]) -> Iterator[StartupHook]:
    """The hooks of one file. `places`: of all members, sorted; `added` takes in the folders of theirs that it adds."""
    starts = path.lower().endswith(".start")
    try:
        lines = _lines(body, knows_mark=starts) if body is not None else None
    except UnicodeDecodeError:
        lines = None
    if lines is None:  # what it says depends on the machine, or it is too large to tell
        yield StartupHook(path=path, line="")
        return
    for line in lines:
        folder = None if starts or line.startswith(_COMMANDS) else _inner(line)
        if folder is None or (folder and not _is_folder(folder, places)):
            yield StartupHook(path=path, line=line)
        else:
            added.add(folder)


def _is_folder(folder: str, places: Sequence[str]) -> bool:
    """Whether something lies in it. By looking it up: a set of all folders of deep members would be enormous."""
    at = bisect_left(places, f"{folder}/")
    return at < len(places) and places[at].startswith(f"{folder}/")


def _lines(body: bytes, *, knows_mark: bool) -> list[str]:
    """All lines that some version of Python sees, but for empty ones and comments. Raises UnicodeDecodeError.

    knows_mark: whether every Python that reads such a file passes over a byte order mark
    """
    text = body.decode("utf-8-sig")
    lines = dict.fromkeys([*_LINE_END.split(text), *text.splitlines()])
    first = _LINE_END.split(text, maxsplit=1)[0]
    if body.startswith(BOM_UTF8) and not knows_mark and not first.startswith(_COMMANDS):
        lines[f"\ufeff{first}"] = None  # to some the name of a folder, even where it is a comment to others
    return [line for line in lines if line.strip() and not line.startswith("#")]


def _inner(line: str) -> str | None:
    """The folder that a line adds to the search path, below the library folder; None for one that is outside.

    None as well for one that is not ASCII: to a Python that reads by the locale's encoding it is another folder.
    """
    text = line.rstrip().replace("\\", "/")
    if text.startswith("/") or _DRIVE.match(text) or not text.isascii():
        return None
    parts: list[str] = []
    for part in text.split("/"):
        if part == ".." and not parts:
            return None
        if part == "..":
            parts.pop()
        elif part not in {"", "."}:
            parts.append(part)
    return "/".join(parts)


def _modules(library: Mapping[str, str], added: Collection[str]) -> Iterator[StartupHook]:
    """`sitecustomize` and its like, at the top of the library or of a folder that is added to the search path."""
    told: set[str] = set()
    for path, place in library.items():
        if not _MODULE_NAME.search(place):
            continue
        parts = place.split("/")
        for at, part in enumerate(parts):
            is_module = _MODULE_FILE if at == len(parts) - 1 else _MODULE_FOLDER
            if is_module.fullmatch(part) is None:
                continue
            folder = "/".join(parts[:at])
            if (not folder or folder in added) and f"{folder}/{part}" not in told:
                told.add(f"{folder}/{part}")
                yield StartupHook(path=path, line="")
