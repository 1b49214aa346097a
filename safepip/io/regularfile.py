"""Regular files alone, opened without waiting: a pipe or a device could make us wait, or read, for ever."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from safepip.errors import BadInput

# Without O_NONBLOCK the opening of a pipe alone waits for its other end. Windows has none of these flags, and O_BINARY.
READ_ONLY = os.O_RDONLY
for _name in ("O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY"):
    READ_ONLY |= getattr(os, _name, 0)


class NotRegular(OSError):  # noqa: N818 - a kind of file, as much as a fault
    """A folder, a pipe or a device."""

    def __init__(self, path: Path) -> None:
        super().__init__(errno.EINVAL, "it is no regular file", str(path))


def open_regular(path: Path) -> BinaryIO:
    """Raises OSError, and of these NotRegular for what is no file."""
    try:
        descriptor = os.open(path, READ_ONLY)
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


def opened(path: Path) -> BinaryIO:
    """A regular file that a person named, open to be read. Raises BadInput, which says what it is instead."""
    try:
        return open_regular(path)
    except FileNotFoundError:
        raise BadInput("no-such-file", f"there is no file {str(path)!r}", hint="check the path") from None
    except NotRegular:
        raise BadInput("unreadable-file", f"{str(path)!r} is no regular file", hint="name a file") from None
    except OSError as error:
        raise unreadable(path, error) from None


def unreadable(path: Path, error: OSError) -> BadInput:
    """What is told of a file that a person named, and that cannot be read."""
    why = error.strerror or str(error)
    return BadInput("unreadable-file", f"{str(path)!r} cannot be read: {why}", hint="name a file that you may read")
