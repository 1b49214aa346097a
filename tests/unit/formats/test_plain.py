from __future__ import annotations

import pytest

from safepip.formats.plain import clean


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb", "a\\nb"),
        ("\x1b[2J\r", "\\x1b[2J\\r"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("a\u2028b\u2029", "a\\u2028b\\u2029"),
        ("\udce9", "\\udce9"),
        ("naïve 日本語", "naïve 日本語"),
    ],
)
def test_what_steers_is_escaped_and_words_stay(text: str, shown: str) -> None:
    assert clean(text) == shown
