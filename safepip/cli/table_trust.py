"""The options of `safepip trust`, besides those that every command takes."""

from __future__ import annotations

from collections.abc import Mapping

from safepip.cli.table import Option, option

_ROOTS = "Which Sigstore is trusted"

# What the first argument may be.
WORDS: Mapping[str, str] = {
    "show": "the trusted roots in force: keys, windows, age, digest",
    "update": "bring the trusted root up to date",
    "list": "the publishers that are remembered",
    "init": "remember them in this project, in a file to be committed",
    "pin": "let only these publish a project: pin NAME SPEC [SPEC ...]",
    "accept": "accept whoever published a release: accept NAME==VERSION",
    "forget": "forget a project's publishers: forget NAME",
}

TRUST: tuple[Option, ...] = (
    option(
        "--sp-trusted-root",
        metavar="FILE",
        group=_ROOTS,
        help="show, accept: Sigstore trusted root to verify with, instead of the public one that safepip ships",
    ),
    option(
        "--staging", action="store_true", group=_ROOTS, help="show, update: the root of Sigstore's staging instance"
    ),
    option(
        "--url",
        metavar="URL",
        group=_ROOTS,
        help="update: the TUF repository of a private Sigstore, instead of the public one's",
    ),
    option(
        "--root",
        dest="root_metadata",
        metavar="FILE",
        group=_ROOTS,
        help="update: the TUF root metadata (root.json) to begin with, the first time that --url is used",
    ),
    option("--sp-policy", metavar="FILE", group=_ROOTS, help="show, accept: one more policy file (docs/policy.md)"),
    option(
        "--index",
        metavar="URL",
        group="What is remembered",
        help="accept, forget: the index that is meant, where a project is on several",
    ),
    option(
        "--format",
        choices=("text", "json"),
        metavar="FORMAT",
        group="What is remembered",
        help="show, list: text (default) or json",
    ),
)
