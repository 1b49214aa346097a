"""Where pip puts the members of a wheel (binary distribution format, "Installing a wheel", as pip 26 does it)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from safepip.model.contents import SCHEMES, program_of

_DATA = ".data"
# The library folder, reached through the folder of all data: lib/python3.12/site-packages, Lib/site-packages, ...
_LIBRARY = re.compile(r"(?:\A|/)(?:site|dist)-packages/(.+)", re.IGNORECASE | re.DOTALL)
_LIBRARIES = frozenset({"purelib", "platlib"})


@dataclass(frozen=True, slots=True)
class Placed:
    """A member and where it goes: `place` is its path below the folder of `scheme`."""

    path: str
    scheme: str
    place: str

    @property
    def in_library(self) -> str | None:
        """Its path below the folder that modules are imported from, None where it does not go there."""
        if self.scheme in _LIBRARIES:
            return self.place
        found = _LIBRARY.search(self.place)
        return found[1] if found is not None else None

    @property
    def at_start(self) -> str | None:
        """Its path below a folder that Python looks through when it starts, on some system; None for any other.

        On Windows the folder of all data is one itself; with `--target` it becomes the library folder.
        """
        place = self.in_library
        return self.place if place is None and self.scheme == "data" else place

    @property
    def program(self) -> str | None:
        """Its path below the folder of programs, None where it does not go there."""
        return program_of(self.scheme, self.place)


def is_data(path: str) -> bool:
    """Whether pip takes the member for one of `X.data/`: by the end of its first part, in this very spelling."""
    return path.partition("/")[0].endswith(_DATA)


def place(path: str, root: str) -> Placed | None:
    """Where a member goes; None for one of `X.data/` that has no place. `root`: the scheme of what is not in there."""
    if not is_data(path):
        return Placed(path, root, path)
    _, scheme, rest = (*path.split("/", 2), "", "")[:3]
    return Placed(path, scheme, rest) if scheme in SCHEMES and rest else None
