"""The options of `safepip scan`. Nothing is fetched and nothing installed, so there are few."""

from __future__ import annotations

from safepip.cli.table import OPTIONS, SHOW, Option, option

_WHAT = "What it is, and by what rules"
_SHARED = frozenset({"--quiet", "--verbose", "--no-color"})

SCAN: tuple[Option, ...] = (
    option(
        "--filename",
        metavar="NAME",
        group=_WHAT,
        help="the wheel's or sdist's name, where the file is called otherwise",
    ),
    option(
        "--sp-policy",
        metavar="FILE",
        config=False,
        group=_WHAT,
        help="one more policy file: its levels, and the start-up hooks that it allows",
    ),
    option(
        "--format",
        choices=("text", "json"),
        metavar="FORM",
        group=SHOW,
        help="text (default), or json (docs/commands/scan.md)",
    ),
    *(one for one in OPTIONS if _SHARED & set(one.names)),
)
