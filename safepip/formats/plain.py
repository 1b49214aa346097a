"""Text from outside, made safe to print."""

from __future__ import annotations

import unicodedata

# Controls, invisible formatting (bidirectional overrides among it), lone surrogates, line and paragraph separators.
_COMMANDING = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def clean(text: str) -> str:
    """Control, format and surrogate characters as escapes: nothing from outside reaches a terminal as a command.

    Line feeds too, or it could forge a line; a caller that prints several lines splits there first.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(ascii(one)[1:-1] if unicodedata.category(one) in _COMMANDING else one for one in text)
