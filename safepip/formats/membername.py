"""Names of archive members that every system reads alike: no way out of the folder, no tricks, no two for one file.

The rules hold on every system, because a wheel or sdist that is honest on one should be so on all of them.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice

from safepip.formats.plain import clean
from safepip.model.contents import Fault

LONGEST_NAME = 1024  # bytes in UTF-8; Linux itself ends at 4096, with the folders above
LONGEST_PART = 255  # bytes in UTF-8: NAME_MAX of every common file system
DEEPEST = 100  # folders
_MOST_SHOWN = 120

# ASCII without control characters, "\" and ":"; no part is empty or ends with a dot or a space ("." and ".." do).
_PART = r"[ -.0-9;-\[\]-~]{0,254}[!-\-0-9;-\[\]-~]"
_PLAIN = re.compile(rf"{_PART}(?:/{_PART}){{0,{DEEPEST - 1}}}")
# With "/" before the name. Windows looks at what is before the first dot, and overlooks spaces there.
_DEVICE = re.compile(
    r"/([Cc][Oo][Nn](?:[Ii][Nn]\$|[Oo][Uu][Tt]\$)?|[Pp][Rr][Nn]|[Aa][Uu][Xx]|[Nn][Uu][Ll]"
    r"|(?:[Cc][Oo][Mm]|[Ll][Pp][Tt])[0-9\u00b9\u00b2\u00b3]) *(\.[^/]*)?(?![^/])"
)
_MODULE = (".py", ".pyc", ".pyd", ".pyo", ".pyw", ".so")
_DRIVE = re.compile(r"[A-Za-z]:")
_COMMANDING = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# They join emoji and the letters of several scripts, where nothing reorders; between ASCII letters they only deceive.
_JOINERS = re.compile(r"(?<=[^\x00-\x7f])[\u200c\u200d](?=[^\x00-\x7f])")
# What some file systems overlook when they compare names (Unicode's Default_Ignorable_Code_Point).
_OVERLOOKED = re.compile(
    r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]"
)


def shown(name: str) -> str:
    """A member's name for a message: safe to print, in quotes, and no longer than a line."""
    text = clean(name[: _MOST_SHOWN + 1])
    return f"'{text}'" if len(text) <= _MOST_SHOWN else f"'{text[:_MOST_SHOWN]}...'"


def all_plain(names: Sequence[str]) -> bool:
    """Whether none of many names can have a fault by itself, found in a few looks at all of them together.

    False says nothing but that `name_faults` has to look at each.
    """
    text = f"/{f'/{chr(10)}/'.join(names)}/"
    return (
        text.isascii()
        and text.count("\n") == len(names) - 1
        and text.replace("\n", "").isprintable()
        and not any(part in text for part in ("//", "./", " /", "\\", ":"))
        and max(map(len, names)) < 2 * DEEPEST
        and not _DEVICE.search(text)
    )


def name_faults(name: str) -> Iterator[Fault]:
    """What is wrong with one name, by itself. `name`: as in the archive, without the "/" that closes a folder's."""
    if _PLAIN.fullmatch(name) and len(name) <= LONGEST_NAME and not _DEVICE.search(f"/{name}"):
        return
    yield from _length(name)
    for code, what in _objections(name, name.split("/")):
        yield Fault(code=code, message=f"{shown(name)} {what}")


def _length(name: str) -> Iterator[Fault]:
    encoded = name.encode("utf-8", "surrogatepass")
    if (
        len(encoded) > LONGEST_NAME
        or encoded.count(b"/") >= DEEPEST
        or max(map(len, encoded.split(b"/"))) > LONGEST_PART
    ):
        limits = f"{LONGEST_NAME} bytes, {LONGEST_PART} in a part, {DEEPEST} parts"
        yield Fault(code="name-length", message=f"{shown(name)} is longer than a name may be ({limits})")


def _objections(name: str, parts: list[str]) -> Iterator[tuple[str, str]]:
    """(code, what is to be said after the name)."""
    drive = _DRIVE.match(name) is not None
    if drive or name.startswith("/") or ".." in parts:
        yield "name-escapes", "leads out of the folder that it belongs into"
    if "\\" in name:
        yield "name-backslash", "holds a backslash, which is a separator on Windows"
    if not name.isascii() or not name.isprintable():
        yield from _controls(name)
    if "." in parts or "" in (parts[1:] if name.startswith("/") else parts):
        yield "name-empty-part", 'has a part that is empty or "."'
    if ":" in (name[2:] if drive else name):
        yield "name-stream", 'holds a ":", which names a hidden stream of a file on Windows'
    if any(part.endswith((".", " ")) and part not in {".", ".."} for part in parts):
        yield "name-trailing", "has a part that ends with a dot or a space, which Windows drops"
    if any(_is_device(*found) for found in _DEVICE.findall(f"/{name}")):
        yield "name-device", "is the name of a device on Windows"


def _controls(name: str) -> Iterator[tuple[str, str]]:
    rest = _JOINERS.sub("", name)
    if any(unicodedata.category(one) in _COMMANDING for one in rest):
        yield "name-control", "holds a control character, or an invisible one that can reorder or hide others"


def _is_device(stem: str, extension: str) -> bool:
    """Data such as `aux.json` is common and harmless; a program, a folder, or the device's own spelling is not."""
    return stem == stem.upper() or not extension or extension.lower().endswith(_MODULE)


class Names:
    """All names of an archive, to find those of which one would overwrite, or be taken for, another."""

    def __init__(self) -> None:
        self._names: list[str] = []

    def add(self, name: str, *, is_folder: bool) -> None:
        """`name` without the "/" that closes a folder's."""
        self._names.append(f"{name}/" if is_folder else name)

    def faults(self) -> Iterator[Fault]:
        """Everything that clashes. No slower than a sort of the names."""
        # Where "/" sorts before everything else, whatever lies in a folder comes right after the folder's own name.
        keys = sorted(map(_key, self._names))
        if not any(after.startswith(key) and after[len(key) :][:1] in {"", "\0"} for key, after in _pairs(keys)):
            return
        known: dict[str, list[str]] = defaultdict(list)
        for name in self._names:
            known[_key(name)].append(name)
        previous: str | None = None
        for key, after in _pairs(keys):
            if key == after and key != previous:
                yield from _same(known[key])
            elif after.startswith(f"{key}\0"):
                yield _file_and_folder(known[key][0], known[after][0])
            previous = key


def _pairs(keys: list[str]) -> Iterator[tuple[str, str]]:
    return zip(keys, islice(keys, 1, None), strict=False)


def _key(name: str) -> str:
    """The same for all names that some file system takes for one; with NUL as the separator."""
    if name.isascii() or len(name) > LONGEST_NAME:  # such a name is refused, and normalizing it could take long
        return name.lower().replace("/", "\0")
    plain = _OVERLOOKED.sub("", unicodedata.normalize("NFKC", name))
    return unicodedata.normalize("NFKC", plain.casefold()).replace("/", "\0")


def _same(names: list[str]) -> Iterator[Fault]:
    """One fault for each further name of the same key."""
    first = names[0]
    for other in names[1:]:
        if other == first:
            yield Fault(code="name-duplicate", message=f"{shown(other)} is there more than once")
        elif other.lower() == first.lower():
            yield Fault(code="name-case", message=f"{shown(other)} and {shown(first)} differ in case alone")
        else:
            message = f"{shown(other)} and {shown(first)} are the same name to some file systems (Unicode)"
            yield Fault(code="name-unicode", message=message)


def _file_and_folder(file: str, below: str) -> Fault:
    return Fault(code="name-file-and-folder", message=f"{shown(file)} is a file, and a folder for {shown(below)}")
