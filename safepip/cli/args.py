"""argv -> words that were typed, in the way of pip: its abbreviations, its error texts, its exit code 2."""

from __future__ import annotations

import optparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from safepip import __version__
from safepip.cli.table import OPTIONS, Option
from safepip.cli.table_scan import SCAN
from safepip.cli.table_trust import TRUST, WORDS
from safepip.cli.table_verify import VERIFY
from safepip.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command: what its help says, and its own options. `words`: what its first argument may be, with a summary."""

    summary: str
    usage: str
    options: tuple[Option, ...]
    words: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What the command line says, unjudged. `given` holds only options that were typed, by `Option.dest`."""

    command: str
    arguments: tuple[str, ...]
    given: Mapping[str, Any]


# What an answer hangs on. A second one that took the place of the first in silence would be another question.
_ONCE = frozenset({"provenance", "bundle", "filename", "identity", "issuer", "key", "sp_policy", "sp_trusted_root"})


class _Option(optparse.Option):
    def take_action(
        self, action: str, dest: str, opt: str, value: Any, values: optparse.Values, parser: optparse.OptionParser
    ) -> int:
        if dest in _ONCE and getattr(values, dest, None) not in {None, value}:
            parser.error(f"{opt} is given twice, and only one of them could count")
        return super().take_action(action, dest, opt, value, values, parser)


class _Parser(optparse.OptionParser):
    def error(self, msg: str) -> NoReturn:
        raise UsageError("usage", msg, hint=f"{self.get_prog_name()} --help")


def parse(argv: Sequence[str]) -> Typed | str:
    """The command to run, or a text to print and leave with success (`--help`, `--version`).

    Raises UsageError with pip's own words.
    """
    general = _parser("safepip", "%prog [general options] <command> [options]", _general())
    general.disable_interspersed_args()
    before, rest = general.parse_args(list(argv))
    if before.version:
        return f"safepip {__version__}"
    if not rest or (before.help and not rest) or rest[0] == "help":
        return _help_for(rest[1] if len(rest) > 1 else "", general)
    if rest[0] not in COMMANDS:
        raise UsageError(
            "unknown-command",
            f"unknown command {rest[0]!r}",
            hint=f"safepip knows: {', '.join(COMMANDS)}; for anything else use pip itself",
        ) from None
    if before.help:
        return _help_for(rest[0], general)
    parser = _of(rest[0])
    options, arguments = parser.parse_args(rest[1:])
    if options.help:
        return _help_for(rest[0], general)
    if getattr(options, "python", None) is not None:
        raise UsageError("usage", "The --python option must be placed before the pip subcommand name")
    given = _both(_given(before), _given(options))
    return Typed(command=rest[0], arguments=tuple(arguments), given=given)


def _of(command: str) -> _Parser:
    return _parser(f"safepip {command}", f"%prog {COMMANDS[command].usage}", COMMANDS[command].options)


def _general() -> tuple[Option, ...]:
    """What pip takes before the command as well."""
    names = {"--python", "-q", "-v", "--no-color", "--cert", "--timeout", "--retries", "--cache-dir", "--no-cache-dir",
             "--no-input", "--disable-pip-version-check", "--proxy", "--require-virtualenv"}  # fmt: skip
    return tuple(option for option in OPTIONS if names & set(option.names))


def _parser(prog: str, usage: str, options: Sequence[Option]) -> _Parser:
    form = optparse.IndentedHelpFormatter(width=100)
    parser = _Parser(prog=prog, usage=usage, add_help_option=False, formatter=form, option_class=_Option)
    parser.add_option("-h", "--help", action="store_true", dest="help", default=None, help="show this")
    if prog == "safepip":
        parser.add_option("-V", "--version", action="store_true", dest="version", default=None, help="show the version")
    for group in dict.fromkeys(option.group for option in options):
        box = parser.add_option_group(group) if prog != "safepip" else parser
        for option in options:
            if option.group == group:
                box.add_option(*option.names, **_keywords(option))
    return parser


def _keywords(option: Option) -> dict[str, Any]:
    keywords: dict[str, Any] = {"action": option.action, "dest": option.dest, "default": None, "help": option.help}
    if option.action in {"store", "append"}:
        keywords["metavar"] = option.metavar
        if option.choices is not None:
            keywords.update(type="choice", choices=option.choices)
        elif option.form is not None:
            keywords["type"] = option.form
    return keywords


def _given(values: optparse.Values) -> dict[str, Any]:
    return {key: value for key, value in vars(values).items() if value is not None}


def _both(before: Mapping[str, Any], after: Mapping[str, Any]) -> Mapping[str, Any]:
    """General options may stand before the command and after it: counts add up, lists join, the rest replaces."""
    joined = {**before, **after}
    for option in OPTIONS:
        if option.action in {"count", "append"} and option.dest in before and option.dest in after:
            joined[option.dest] = before[option.dest] + after[option.dest]
    return joined


def _help_for(command: str, general: _Parser) -> str:
    if command in COMMANDS:
        usage, options, rest = _of(command).format_help().partition("\nOptions:\n")
        words = "".join(f"  {word:12}{summary}\n" for word, summary in COMMANDS[command].words.items())
        return f"{usage}\nWords:\n{words}{options}{rest}" if words else f"{usage}{options}{rest}"
    commands = "\n".join(f"  {name:12}{one.summary}" for name, one in COMMANDS.items())
    return f"{general.format_help()}\nCommands:\n{commands}\n\n`safepip COMMAND --help` has the options of each.\n"


COMMANDS: Mapping[str, Command] = {
    "install": Command(
        summary="Install what has been judged, with pip.",
        usage="[options] <requirement> ...",
        options=OPTIONS,
    ),
    "verify": Command(
        summary="Say who published files, and whether that is who was expected.",
        usage="[options] <file, sha256:HEX or URL> ...\n"
        "       %prog --environment [options] [<folder or interpreter> ...]",
        options=(*VERIFY, *_general()),
    ),
    "scan": Command(
        summary="Look into wheels and sdists that are here, and run nothing.",
        usage="[options] <file> ...",
        options=SCAN,
    ),
    "trust": Command(
        summary="Trusted roots and the publishers that are remembered.",
        usage="[options] show | update | list | init | pin | accept | forget [<project> ...]",
        options=(*TRUST, *_general()),
        words=WORDS,
    ),
}
