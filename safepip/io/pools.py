"""Connections: TLS, proxies, and the pools that keep them open. urllib3 and ssl are imported at the first use."""

from __future__ import annotations

import ipaddress
import re
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safepip.errors import BadInput, IndexFault
from safepip.model.ident import Url

if TYPE_CHECKING:
    import ssl

    import urllib3

CONNECTIONS = 16
_HOST = re.compile(r"[\w.-]+|[0-9a-f:.]*:[0-9a-f:.]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxies:
    """explicit: the proxy that a person named for everything; from_environment: whether HTTPS_PROXY, ALL_PROXY,
    NO_PROXY and their like count where none was named.
    """

    explicit: Url | None
    from_environment: bool

    def for_url(self, url: Url) -> str | None:
        """The proxy to reach `url` through, with its credentials; None for a direct connection."""
        if self.explicit is not None:
            return self.explicit.reveal()
        if not self.from_environment:
            return None
        from urllib.request import getproxies, proxy_bypass

        proxies = getproxies()
        proxy = proxies.get(url.scheme) or proxies.get("all")
        if not proxy or proxy_bypass(url.host):
            return None
        return proxy if "://" in proxy else f"http://{proxy}"


def is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def require_secure(url: Url) -> None:
    """https, or http to this very machine. Raises IndexFault for everything else."""
    scheme, host = _parts(url)
    if scheme not in {"http", "https"} or not _HOST.fullmatch(host):
        raise IndexFault("bad-address", f"{url} is not an address that can be fetched.")
    if scheme == "http" and not is_loopback(host):
        raise IndexFault(
            "plain-http",
            f"{url} is plain http, which anybody on the way can read and change.",
            hint="Use the https:// address of this index; for a private certificate authority add --cert FILE.",
        )


def _parts(url: Url) -> tuple[str, str]:
    """(scheme, host), both empty for an address that two parsers might read in two ways."""
    text = url.reveal()
    if not text.isprintable() or "\\" in text or " " in text:
        return "", ""
    try:
        return url.origin[:2]
    except ValueError:
        return "", ""


class Pools:
    """One urllib3 pool manager for each way to the net: direct or through a proxy, with TLS or without."""

    def __init__(self, *, proxies: Proxies, certificates: Path | None, client_certificate: Path | None) -> None:
        self._proxies = proxies
        self._certificates = certificates
        self._client_certificate = client_certificate
        self._managers: dict[tuple[str | None, bool], urllib3.PoolManager] = {}
        self._routes: dict[tuple[str, str], str | None] = {}
        self._lock = threading.Lock()
        self._context: ssl.SSLContext | None = None

    def manager(self, url: Url) -> urllib3.PoolManager:
        place = (url.scheme, url.host)
        with self._lock:
            if place not in self._routes:  # looking through the environment takes longer than all the rest
                self._routes[place] = self._proxies.for_url(url)
            key = (self._routes[place], url.scheme == "https")
            manager = self._managers.get(key)
            if manager is None:
                manager = self._managers[key] = self._make(*key)
            return manager

    def clear(self) -> None:
        with self._lock:
            for manager in self._managers.values():
                manager.clear()

    def _make(self, proxy: str | None, secure: bool) -> urllib3.PoolManager:
        import urllib3

        options: dict[str, Any] = {"num_pools": 32, "maxsize": CONNECTIONS, "block": False}
        if secure or (proxy or "").startswith("https:"):
            options["ssl_context"] = self._tls()
        if proxy is None:
            return urllib3.PoolManager(**options)
        return _through(Url(proxy), options)

    def _tls(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = tls_context(self._certificates, self._client_certificate)
        return self._context


def _through(proxy: Url, options: dict[str, Any]) -> urllib3.PoolManager:
    import urllib3

    try:
        scheme, host, _ = proxy.origin
        if scheme not in {"http", "https"} or not host:
            raise ValueError  # noqa: TRY301 - told once, below
        headers = None
        if proxy.credentials is not None:
            headers = urllib3.make_headers(proxy_basic_auth=":".join(proxy.credentials))
        if "ssl_context" in options:
            options["proxy_ssl_context"] = options["ssl_context"]
        return urllib3.ProxyManager(proxy.without_credentials().reveal(), proxy_headers=headers, **options)
    except ValueError:
        raise BadInput(
            "bad-proxy",
            f"The proxy {proxy} cannot be used: only http:// and https:// proxies are supported.",
            hint="Correct --proxy or HTTPS_PROXY, or leave it out with --no-proxy-env.",
        ) from None


def tls_context(certificates: Path | None, client_certificate: Path | None) -> ssl.SSLContext:
    """certificates: a bundle that replaces the system's trust store; without it, that store and certifi's bundle."""
    import ssl

    context: ssl.SSLContext
    try:
        if certificates is None:
            import certifi
            import truststore

            context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.load_verify_locations(certifi.where())
        else:
            folder = certificates.is_dir()
            context = ssl.create_default_context(
                cafile=None if folder else str(certificates), capath=str(certificates) if folder else None
            )
    except (OSError, ssl.SSLError) as fault:
        raise _unreadable("certificate bundle", certificates, fault) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        if client_certificate is not None:
            context.load_cert_chain(str(client_certificate))
    except (OSError, ssl.SSLError) as fault:
        raise _unreadable("client certificate", client_certificate, fault) from None
    return context


def _unreadable(what: str, path: Path | None, fault: Exception) -> BadInput:
    return BadInput(
        "bad-certificate-file",
        f"The {what} {str(path)!r} cannot be read: {getattr(fault, 'strerror', None) or fault}.",
        hint="It must be a file in PEM form; check --cert, --client-cert, REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE.",
    )
