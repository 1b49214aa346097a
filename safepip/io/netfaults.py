"""What can go wrong between us and an index, in words."""

from __future__ import annotations

import email.utils
import time
from datetime import datetime, timezone

from safepip.errors import IndexFault, NetworkFault, SafepipError
from safepip.model.ident import Url, redacted

RETRY_STATUS = frozenset({429, 500, 502, 503, 504, 520, 521, 522, 523, 524})
LONGEST_WAIT = 30.0


class Again(Exception):  # noqa: N818 - not a fault yet
    """Trying once more may help. `after`: seconds that the server asked us to wait."""

    def __init__(self, fault: SafepipError, after: float | None = None) -> None:
        super().__init__(fault.message)
        self.fault = fault
        self.after = after


def cancelled(url: Url) -> NetworkFault:
    return NetworkFault("cancelled", f"The request for {url} was given up because the run is ending.")


def too_large(url: Url, limit: int) -> NetworkFault:
    return NetworkFault("response-too-large", f"{url} sent more than the {limit:,} bytes that are accepted here.")


def too_slow(url: Url, received: int, seconds: float) -> NetworkFault:
    return NetworkFault(
        "response-too-slow",
        f"{url} sent only {received:,} bytes in {seconds:.0f} seconds.",
        hint="Try again later or, on a slow line, with a larger --timeout.",
    )


def redirected_without_end(url: Url, limit: int) -> IndexFault:
    return IndexFault("redirect-loop", f"{url} redirected more than {limit} times.")


def redirected_badly(url: Url, target: str, why: str) -> IndexFault:
    return IndexFault(
        "bad-redirect", f"{url} redirects to an address that {why}.", context=(("redirected to", str(Url(target))),)
    )


def refused_status(url: Url, status: int, *, netrc_problem: str | None, sent_credentials: bool) -> IndexFault | None:
    """The fault behind a status that no caller can make sense of, None for the others."""
    context = [("address", str(url)), ("status", str(status))]
    if status in {401, 407}:
        who = "The proxy" if status == 407 else f"The index at {url.host}"
        if netrc_problem is not None:
            context.append(("netrc", netrc_problem))
        message = "does not accept the user name and password." if sent_credentials else "asks for a password."
        return IndexFault(
            "unauthorised",
            f"{who} {message}",
            context=context,
            hint="Put them into ~/.netrc or into the index address: https://USER:PASSWORD@HOST/...",
        )
    if status == 403:
        return IndexFault(
            "forbidden",
            f"The index at {url.host} forbids access, so it cannot be known what it offers.",
            context=context,
            hint="Check the permissions of your account there; only 404 and 410 are read as 'not here'.",
        )
    return None


def failing_status(url: Url, status: int, retry_after: str | None) -> Again:
    fault = IndexFault(
        "index-failing",
        f"The index at {url.host} cannot answer at the moment (status {status}).",
        context=(("address", str(url)),),
        hint="Try again later.",
    )
    return Again(fault, parse_retry_after(retry_after, time.time()))


def parse_retry_after(value: str | None, now: float) -> float | None:
    """Seconds to wait, never more than LONGEST_WAIT; None where nothing legible was asked (RFC 9110, 10.2.3)."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_WAIT)
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return min(max(0.0, (moment - datetime.fromtimestamp(now, timezone.utc)).total_seconds()), LONGEST_WAIT)


def translate(error: Exception, url: Url, *, received: int | None = None) -> SafepipError | Again:
    """An exception of urllib3 or of the standard library, by whether trying again may help."""
    from urllib3 import exceptions as net

    context = (("address", str(url)),)
    host = url.host
    if isinstance(error, net.SSLError) or _mentions(error, "certificate verify failed"):
        return _tls(error, url)
    if isinstance(error, net.NameResolutionError) or _mentions(error, "name resolution"):
        return Again(_network("unknown-host", f"The name {host!r} cannot be resolved.", context))
    if isinstance(error, net.IncompleteRead) or (received is not None and _mentions(error, "incompleteread")):
        got = "" if received is None else f" after {received:,} bytes"
        return Again(_network("truncated", f"{url} ended before it was complete{got}.", context))
    if isinstance(error, net.ProxyError):
        return Again(_network("proxy-unreachable", f"The proxy on the way to {host} does not work.", context))
    if isinstance(error, net.NewConnectionError):
        return Again(_network("unreachable", f"{host} cannot be reached: {_reason(error)}.", context))
    if isinstance(error, (net.TimeoutError, TimeoutError)):
        return Again(_network("timeout", f"{host} did not answer in time.", context, "Try a larger --timeout."))
    if isinstance(error, net.DecodeError):
        return Again(_network("undecodable", f"{url} sent a body that cannot be decompressed.", context))
    if isinstance(error, (net.LocationValueError, UnicodeError)):
        return IndexFault("bad-address", f"{url} is not an address that can be fetched.")
    return Again(_network("connection-broken", f"The connection to {host} broke: {_reason(error)}.", context))


def _network(reference: str, message: str, context: tuple[tuple[str, str], ...], hint: str = "") -> NetworkFault:
    return NetworkFault(
        reference, message, context=context, hint=hint or "Check the network, the address and the proxy settings."
    )


def _tls(error: Exception, url: Url) -> SafepipError | Again:
    text = str(error).lower()
    fault = NetworkFault(
        "tls",
        f"A secure connection to {url.host} could not be made: {_reason(error)}.",
        context=(("address", str(url)),),
        hint="Where a private certificate authority signs for this host, name its file with --cert FILE.",
    )
    return fault if "certificate" in text else Again(fault)


def _mentions(error: Exception, words: str) -> bool:
    return words in str(error).lower() or words in repr(error).lower()


def _reason(error: BaseException) -> str:
    """The innermost cause in a few printable words. Such texts may name addresses, also that of the proxy."""
    seen: BaseException = error
    for _ in range(8):
        inner = next((one for one in reversed(seen.args) if isinstance(one, BaseException)), None) or seen.__cause__
        if inner is None:
            break
        seen = inner
    text = getattr(seen, "strerror", None) or getattr(seen, "verify_message", None) or str(seen) or type(seen).__name__
    printable = "".join(one if one.isprintable() else " " for one in redacted(str(text)))
    return printable.rpartition(": ")[2].strip(" .")[:160] or type(seen).__name__
