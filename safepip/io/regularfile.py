"""Regular files alone, opened without waiting: a pipe or a device could make us wait, or read, for ever."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

# Without O_NONBLOCK the opening of a pipe alone waits for its other end. Windows has neither flag, and O_BINARY.
_FLAGS = os.O_RDONLY
for _name in ("O_NONBLOCK", "O_CLOEXEC", "O_BINARY"):
    _FLAGS |= getattr(os, _name, 0)


class NotRegular(OSError):  # noqa: N818 - a kind of file, as much as a fault
    """A folder, a pipe or a device."""

    def __init__(self, path: Path) -> None:
        super().__init__(errno.EINVAL, "it is no regular file", str(path))


def open_regular(path: Path) -> BinaryIO:
    """Raises OSError, and of these NotRegular for what is no file."""
    try:
        descriptor = os.open(path, _FLAGS)
    except ValueError as error:  # a null byte in the name
        raise OSError(errno.EINVAL, str(error)) from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotRegular(path)
    return os.fdopen(descriptor, "rb")


def read_at_most(path: Path, most: int) -> bytes:
    """What the file holds, and of more than `most` bytes one byte more, so that it can be told. Raises OSError."""
    with open_regular(path) as stream:
        return stream.read(most + 1)
