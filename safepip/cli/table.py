"""The options of `safepip install`, as a table that one can read.

class OURS: resolution, fetching and judging are safepip's, so the option is too. FORWARDED: goes to the pip that
installs. REFUSED: would loosen what safepip promises; the message says what to do instead. INERT: accepted and
without effect here. `config`: whether pip's configuration files and PIP_* variables may set it.
safepip's own long options live under one prefix, `--sp-`, so that pip's abbreviations mean what they mean in pip.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Treatment(enum.Enum):
    OURS = "ours"
    FORWARDED = "forwarded"
    REFUSED = "refused"
    INERT = "inert"


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option. `action` is optparse's: store, append, count, store_true or store_false; `hint` is for REFUSED."""

    names: tuple[str, ...]
    dest: str
    action: str
    treatment: Treatment
    group: str
    help: str
    metavar: str | None = None
    choices: tuple[str, ...] | None = None
    form: str | None = None
    config: bool = True
    hint: str | None = None


_OURS, _FORWARDED = Treatment.OURS, Treatment.FORWARDED
_REFUSED, _INERT = Treatment.REFUSED, Treatment.INERT

WHAT = "What to install"
WHERE = "Where from"
INTO = "Where to"
JUDGE = "How it is judged"
SHOW = "What is shown"
NETWORK = "Network and cache"
ACCEPTED = "Accepted, as pip does or would"
REFUSED = "Refused, with the way to do it instead"
LATER = "Of pip, and not supported by this version"
_LATER_HINT = "leave it out; this version of safepip cannot do it, and will not do without it silently"


def option(*names: str, **rest: object) -> Option:
    dest = rest.pop("dest", None) or next(one for one in names if one.startswith("--"))[2:].replace("-", "_")
    return Option(names=names, dest=str(dest), **{"action": "store", "treatment": _OURS, **rest})  # type: ignore[arg-type]


OPTIONS: tuple[Option, ...] = (
    option(
        "-r",
        "--requirement",
        action="append",
        metavar="FILE",
        group=WHAT,
        help="requirements file or pylock.toml; repeatable",
    ),
    option("-c", "--constraint", action="append", metavar="FILE", group=WHAT, help="constraints file; repeatable"),
    option("--no-deps", action="store_true", group=WHAT, help="do not install dependencies"),
    option("-U", "--upgrade", action="store_true", group=WHAT, help="take the newest version that is let in"),
    option(
        "--upgrade-strategy",
        choices=("only-if-needed", "eager"),
        metavar="STRATEGY",
        group=WHAT,
        help="whether -U upgrades dependencies too: only-if-needed (default) or eager",
    ),
    option("--force-reinstall", action="store_true", group=WHAT, help="install again what is there already"),
    option("-I", "--ignore-installed", action="store_true", group=WHAT, help="do as if nothing were installed"),
    option("--pre", action="store_true", group=WHAT, help="pre-releases too"),
    option("--ignore-requires-python", action="store_true", group=WHAT, help="do not look at Requires-Python"),
    option("-i", "--index-url", metavar="URL", group=WHERE, help="the index; default: the one pip would use"),
    option("--extra-index-url", action="append", metavar="URL", group=WHERE, help="one more index; repeatable"),
    option("--no-index", action="store_true", group=WHERE, help="no index, only --find-links"),
    option(
        "-f", "--find-links", action="append", metavar="PLACE", group=WHERE, help="folder or page of wheels; repeatable"
    ),
    option(
        "--python",
        metavar="PYTHON",
        group=INTO,
        help="environment folder or interpreter; stands before the command",
    ),
    option("-t", "--target", metavar="DIR", group=INTO, help="install into this folder"),
    option("--user", action="store_true", group=INTO, help="install into the user's site folder"),
    option("--no-user", action="store_false", dest="user", group=INTO, help="not into the user's site folder"),
    option("--prefix", metavar="DIR", group=INTO, help="install below this prefix"),
    option("--root", metavar="DIR", group=INTO, help="install relative to this root"),
    option(
        "--break-system-packages",
        action="store_true",
        group=INTO,
        help="even if the environment says that something else manages it",
    ),
    option("--require-hashes", action="store_true", group=JUDGE, help="every distribution must be pinned by --hash"),
    option(
        "--uploaded-prior-to",
        metavar="AGE",
        group=JUDGE,
        help="only files uploaded before: a date, P7D, 7d or 36h; the stricter of this and the policy wins",
    ),
    option("--sp-policy", metavar="FILE", config=False, group=JUDGE, help="one more policy file (docs/policy.md)"),
    option(
        "--sp-trusted-root",
        metavar="FILE",
        config=False,
        group=JUDGE,
        help="Sigstore trusted root to verify with, instead of the public one that safepip ships",
    ),
    option("--dry-run", action="store_true", group=SHOW, help="resolve, fetch and judge, but install nothing"),
    option("--report", metavar="FILE", group=SHOW, help="pip's installation report as JSON; - for standard output"),
    option("--sp-report", metavar="FILE", config=False, group=SHOW, help="safepip's report as JSON (docs/report.md)"),
    option("-q", "--quiet", action="count", group=SHOW, help="say less; up to three times"),
    option("-v", "--verbose", action="count", group=SHOW, help="say more: each check of each file"),
    option("--no-color", action="store_true", group=SHOW, help="no colour"),
    option(
        "--progress-bar",
        choices=("auto", "on", "off", "raw"),
        metavar="TYPE",
        group=SHOW,
        help="auto (default), on, off or raw",
    ),
    option("--cache-dir", metavar="DIR", group=NETWORK, help="where judged files are kept"),
    option("--no-cache-dir", action="store_true", group=NETWORK, help="keep nothing"),
    option("--cert", metavar="FILE", group=NETWORK, help="CA bundle, instead of the system's certificates"),
    option("--proxy", metavar="URL", group=NETWORK, help="proxy for everything; else HTTPS_PROXY and the like"),
    option("--timeout", "--default-timeout", form="float", metavar="SECONDS", group=NETWORK, help="default 15"),
    option("--retries", form="int", metavar="N", group=NETWORK, help="tries after the first one; default 5"),
    option("--compile", action="store_true", dest="compile", group=ACCEPTED, help="compile to bytecode (the default)"),
    option("--no-compile", action="store_false", dest="compile", group=ACCEPTED, help="do not compile to bytecode"),
    option(
        "--no-warn-script-location",
        action="store_false",
        dest="warn_script_location",
        treatment=_FORWARDED,
        group=ACCEPTED,
        help="handed to pip",
    ),
    option(
        "--root-user-action",
        choices=("warn", "ignore"),
        metavar="ACTION",
        treatment=_FORWARDED,
        group=ACCEPTED,
        help="handed to pip",
    ),
    option("--only-binary", action="append", metavar="NAMES", treatment=_INERT, group=ACCEPTED, help="always :all:"),
    option("--prefer-binary", action="store_true", treatment=_INERT, group=ACCEPTED, help="always so"),
    option(
        "--require-virtualenv",
        action="store_true",
        group=INTO,
        help="only into a virtual environment; exit code 3 otherwise",
    ),
    option("--log", metavar="FILE", treatment=_INERT, group=ACCEPTED, help="without effect: see --sp-report"),
    option("--exists-action", metavar="ACTION", treatment=_INERT, group=ACCEPTED, help="without effect"),
    option("--keyring-provider", metavar="NAME", treatment=_INERT, group=ACCEPTED, help="without effect: netrc, URL"),
    option("--no-warn-conflicts", action="store_true", treatment=_FORWARDED, group=ACCEPTED, help="handed to pip"),
    option("--use-feature", action="append", metavar="NAME", treatment=_INERT, group=ACCEPTED, help="without effect"),
    option("--no-input", action="store_true", treatment=_INERT, group=ACCEPTED, help="safepip never asks"),
    option("--disable-pip-version-check", action="store_true", treatment=_INERT, group=ACCEPTED, help="always so"),
    option(
        "--no-binary",
        action="append",
        metavar="NAMES",
        treatment=_REFUSED,
        group=REFUSED,
        help="would build from source",
        hint="a source build runs the author's code as you; install a version that ships a wheel",
    ),
    option(
        "--trusted-host",
        action="append",
        metavar="HOST",
        treatment=_REFUSED,
        group=REFUSED,
        help="would not check certificates",
        hint="add the host's certificate authority with --cert FILE",
    ),
    option(
        "-e",
        "--editable",
        action="append",
        metavar="PATH",
        treatment=_REFUSED,
        group=REFUSED,
        help="would run the project's build code",
        hint="safepip install the project's dependencies, then: pip install --no-deps --no-build-isolation -e PATH",
    ),
    *(
        option(name, action=action, metavar=metavar, treatment=_REFUSED, group=LATER, help=help_, hint=_LATER_HINT)
        for name, action, metavar, help_ in (
            ("--client-cert", "store", "FILE", "client certificates"),
            ("--platform", "append", "NAME", "another platform than the target's"),
            ("--python-version", "store", "VERSION", "another Python than the target's"),
            ("--implementation", "store", "NAME", "another implementation than the target's"),
            ("--abi", "append", "NAME", "another ABI than the target's"),
            ("--only-deps", "store_true", None, "dependencies alone"),
            ("--group", "append", "GROUP", "dependency groups (PEP 735)"),
            ("--requirements-from-script", "append", "FILE", "inline script metadata (PEP 723)"),
            ("--all-releases", "append", "NAMES", "pre-releases of named projects"),
            ("--only-final", "append", "NAMES", "final releases of named projects"),
            ("--config-settings", "append", "SETTINGS", "settings of a build"),
            ("--no-build-isolation", "store_true", None, "a build"),
            ("--use-deprecated", "append", "FEATURE", "deprecated features of pip"),
        )
    ),
)
