"""Programs that would be found instead of the interpreter, pip, sudo and the like. docs/checks/script-shadow.md"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterator
from datetime import datetime

from safepip.formats.membername import shown
from safepip.model.contents import Contents, Manifest
from safepip.model.evidence import Dossier, Kind, Subject, Unavailable
from safepip.model.policy import Policy
from safepip.model.verdict import Finding, Outcome

ID = "script-shadow"
NEEDS = frozenset({Kind.CONTENTS})
_MOST_TOLD = 5
_SHELLS = "sh bash dash zsh fish ksh csh tcsh busybox pwsh powershell cmd"
_TRUSTED = "sudo su doas pkexec passwd ssh scp sftp ssh-add ssh-agent ssh-keygen gpg gpg2 gpgv gpg-agent openssl"
_EVERYDAY = (
    "env ls cat cp mv rm ln mkdir rmdir chmod chown touch echo printf pwd ps whoami which find grep egrep fgrep sed awk"
    " head tail tr xargs tee less vi vim nano tar gzip gunzip unzip curl wget git gcc cc ld apt apt-get dpkg yum dnf"
    " rpm apk brew systemctl crontab"
)
_ENVIRONMENT = "activate deactivate activate_this safepip"
_NAMES = frozenset(f"{_SHELLS} {_TRUSTED} {_EVERYDAY} {_ENVIRONMENT}".split())
_INTERPRETERS = re.compile(r"(?:pythonw?|pypy|pip)(?:\d[\d.]*t?)?|py|pyw|idle\d?[\d.]*|pydoc\d?[\d.]*")
_ENDINGS = re.compile(r"\.(?:exe|bat|cmd|com|ps1|vbs|js|wsf|sh|py|pyw|csh|fish|nu|xsh)\Z")
# A script's folder comes first on the search path of every Python script in it.
_MODULE = re.compile(r"([a-z_][a-z0-9_]*)(?:\.py|\.pyw|\.pyc|(?:\.[^/]*)?\.(?:so|pyd)|/.*)", re.DOTALL)
_MODULES = sys.stdlib_module_names | {"pip", "safepip", "setuptools", "sitecustomize", "usercustomize"}
# Whose own programs these are.
_OWNERS = {"pip": re.compile(r"pip[\d.]*"), "safepip": re.compile("safepip")}


def check(dossier: Dossier, policy: Policy, now: datetime) -> tuple[Finding, ...]:
    """By the names that will be in the scripts folder; `policy` and `now` are not looked at."""
    del policy, now
    subject, contents = dossier.subject, dossier.get(Contents)
    if isinstance(contents, Unavailable):
        return (_finding(subject, contents.code, Outcome.UNKNOWN, contents.why),)
    if contents.manifest is None:
        return (_finding(subject, "unreadable", Outcome.UNKNOWN, "the archive cannot be read"),)
    objections = tuple(_objections(subject, contents.manifest))
    return objections or (_finding(subject, ID, Outcome.PASS, "no program that takes the place of another"),)


def _objections(subject: Subject, manifest: Manifest) -> Iterator[Finding]:
    own = _OWNERS.get(subject.project)
    names = manifest.programs
    programs = [name for name in names if _is_shadow(name) and not (own and own.fullmatch(_bare(name)))]
    if programs:
        text = f"it installs programs that would be run in place of others: {_listed(programs)}"
        yield _finding(subject, "program", Outcome.FAIL, text)
    modules = [name for name in names if (found := _MODULE.fullmatch(_folded(name))) and found[1] in _MODULES]
    if modules:
        text = (
            f"it installs modules that every script beside them would import in place of Python's: {_listed(modules)}"
        )
        yield _finding(subject, "module", Outcome.FAIL, text)


def _is_shadow(name: str) -> bool:
    bare = _bare(name)
    return bare in _NAMES or _INTERPRETERS.fullmatch(bare) is not None


def _bare(name: str) -> str:
    """Without what Windows adds."""
    return _ENDINGS.sub("", _folded(name))


def _folded(name: str) -> str:
    """As systems compare that overlook case: to some, a long s is an s as well."""
    return unicodedata.normalize("NFKC", name).casefold()


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_TOLD:,} more" if len(names) > _MOST_TOLD else ""
    return ", ".join(map(shown, names[:_MOST_TOLD])) + more


def _finding(subject: Subject, code: str, outcome: Outcome, message: str) -> Finding:
    return Finding(check=ID, code=code, about=subject.key, outcome=outcome, message=message)
