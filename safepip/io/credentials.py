"""Who we are to an index: user names and passwords, and the only places that may see them."""

from __future__ import annotations

import base64
import netrc
import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from safepip.model.ident import Url

Pair = tuple[str, str]


class Credentials:
    """Credentials by address.

    authorities: the configured indexes and link pages, with the credentials that a person wrote into their
        addresses. Their origins are the only ones that these, or an entry of netrc, are ever sent to.

    The `default` entry of netrc is not used: it would greet every index with a password meant for none of them.
    """

    def __init__(self, authorities: Sequence[Url], *, use_netrc: bool) -> None:
        self._authorities = tuple(one for one in authorities if _splits(one))
        self._use_netrc = use_netrc
        self._lock = threading.Lock()
        self._hosts: Mapping[str, Pair] | None = None
        self.problem: str | None = None  # why netrc could not be read, to be told when an index asks for a password

    def of(self, url: Url) -> Pair | None:
        """What may be sent to `url`, None where nothing may."""
        if url.credentials is not None:
            return url.credentials
        near = [one for one in self._authorities if one.origin == url.origin]
        own = [one for one in near if one.credentials is not None]
        if own:
            return max(own, key=lambda one: _common_path(one, url)).credentials
        return self._netrc_hosts().get(url.host) if near else None

    def _netrc_hosts(self) -> Mapping[str, Pair]:
        with self._lock:
            if self._hosts is None:
                self._hosts = self._read_netrc() if self._use_netrc else {}
            return self._hosts

    def _read_netrc(self) -> Mapping[str, Pair]:
        for path in _netrc_files():
            try:
                entries = netrc.netrc(str(path)).hosts
            except FileNotFoundError:
                continue
            except (netrc.NetrcParseError, OSError, UnicodeDecodeError) as fault:
                self.problem = f"{path} cannot be read ({type(fault).__name__})"
                return {}
            return {
                host: (login or account or "", password or "")
                for host, (login, account, password) in entries.items()
                if host != "default"
            }
        return {}


def _netrc_files() -> tuple[Path, ...]:
    named = os.environ.get("NETRC")
    if named:
        return (Path(named).expanduser(),)
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - Path.home() raises where there is none
    return (home / ".netrc", home / "_netrc")


def _splits(url: Url) -> bool:
    """Whether it has an origin at all; nothing is ever fetched from one that has none."""
    try:
        return bool(url.origin)
    except ValueError:
        return False


def _common_path(one: Url, other: Url) -> int:
    """How many leading parts of the path they share: two indexes of one host may need different users."""
    left, right = (urlsplit(url.reveal()).path.strip("/").split("/") for url in (one, other))
    count = 0
    for mine, theirs in zip(left, right, strict=False):
        if mine != theirs:
            break
        count += 1
    return count


def basic(pair: Pair) -> str:
    """The value of an Authorization header (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{pair[0]}:{pair[1]}".encode()).decode("ascii")
