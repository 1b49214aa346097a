"""Bringing a trusted root up to date through TUF (The Update Framework, the specification's "client workflow").

python-tuf does the work in a folder of its own, over our HTTP. What it finds good is read back, verified once more by
the code that verifies it at every load, and handed over as one `RootState`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from tuf.api.exceptions import DownloadError, DownloadHTTPError, ExpiredMetadataError, RepositoryError
from tuf.ngclient import FetcherInterface, Updater, UpdaterConfig

from safepip.errors import CouldNotCheck, Malformed, Refused, SafepipError
from safepip.formats.publisher import printable
from safepip.io.http import Http
from safepip.io.rootstate import TARGET, RootState, verify_state, version_of
from safepip.io.sigstore_edge import read_root
from safepip.io.trust import MOST_ROOT, TrustedMaterial
from safepip.model.ident import Url

_LIMITS = UpdaterConfig(
    max_root_rotations=128, root_max_length=512_000, snapshot_max_length=2_000_000, targets_max_length=5_000_000
)
_MOST = 5_000_000


class _Fetcher(FetcherInterface):
    """python-tuf asks, our HTTP answers: proxies, certificates, retries and limits are those of everything else.

    fault: why the last request failed, in our own words, which python-tuf would lose
    """

    def __init__(self, http: Http) -> None:
        self._http = http
        self.fault: SafepipError | None = None

    def _fetch(self, url: str) -> Iterator[bytes]:
        self.fault = None
        try:
            response = self._http.get(Url(url), accept="application/json, */*;q=0.5", headers={}, limit=_MOST)
        except SafepipError as error:
            self.fault = error
            if error.reference == "forbidden":  # how some stores say that there is no such file
                raise DownloadHTTPError(error.message, 403) from None
            raise DownloadError(error.message) from None
        if response.status != 200:
            self.fault = _absent(url, response.status)
            raise DownloadHTTPError(self.fault.message, response.status)
        return iter((response.body,))


def update(http: Http, url: str, bootstrap: bytes, before: RootState | None, now: datetime) -> RootState:
    """What the repository serves now; never older than `before`, which has been verified.

    bootstrap: the TUF root metadata to begin with
    Raises NetworkFault, IndexFault or CouldNotCheck where it could not be had, and Refused
    (`trust-update-refused`) where what was served must not be believed, BadInput (`trust-root-invalid`,
    `trust-root-newer`) where it is no trusted root, or one that this version cannot read.
    """
    fetcher = _Fetcher(http)
    with tempfile.TemporaryDirectory(prefix="safepip-trust-") as name:
        folder = Path(name)
        if before is not None:
            _lay_out(before, folder)
        try:
            updater = Updater(
                metadata_dir=name,
                metadata_base_url=url,
                target_base_url=f"{url}/targets/",
                target_dir=str(folder / "files"),
                fetcher=fetcher,
                config=_LIMITS,
                bootstrap=bootstrap,
            )
            updater.refresh()
            target = updater.get_targetinfo(TARGET)
            if target is None:
                raise refused(url, f"it does not offer {TARGET}")
            if target.length > MOST_ROOT:
                raise refused(url, f"its {TARGET} is larger than {MOST_ROOT >> 20} MiB")
            trusted_root = Path(updater.download_target(target, str(folder / TARGET))).read_bytes()
        except (DownloadError, RepositoryError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise _told(error, fetcher, url) from None
        state = _collected(folder, url, trusted_root, now, version_of(bootstrap))
    return _checked(state, bootstrap)


def _lay_out(before: RootState, folder: Path) -> None:
    """What was known, where python-tuf looks for it: versions that it has seen cannot be taken back."""
    history = folder / "root_history"
    history.mkdir()
    for raw in before.roots:
        (history / f"{version_of(raw)}.root.json").write_bytes(raw)
    for name in ("timestamp", "snapshot", "targets"):
        (folder / f"{name}.json").write_bytes(getattr(before, name))


def _collected(folder: Path, url: str, trusted_root: bytes, now: datetime, first: int) -> RootState:
    newest = version_of((folder / "root.json").read_bytes())
    files = {version_of(one.read_bytes()): one.read_bytes() for one in (folder / "root_history").glob("*.root.json")}
    return RootState(
        url=url,
        updated=now,
        roots=tuple(files[version] for version in sorted(files) if first <= version <= newest),
        timestamp=(folder / "timestamp.json").read_bytes(),
        snapshot=(folder / "snapshot.json").read_bytes(),
        targets=(folder / "targets.json").read_bytes(),
        trusted_root=trusted_root,
    )


def _checked(state: RootState, bootstrap: bytes) -> RootState:
    """What is written must be what every later run accepts, this sigstore included."""
    try:
        verify_state(state, bootstrap)
    except Malformed as error:
        raise refused(state.url, str(error)) from None
    TrustedMaterial(state.trusted_root)
    read_root(state.trusted_root)
    return state


def _told(error: Exception, fetcher: _Fetcher, url: str) -> SafepipError:
    """By what went wrong: our own fault of the network, or a repository that must not be believed."""
    if isinstance(error, DownloadError) and fetcher.fault is not None:
        return fetcher.fault
    why = printable(str(error).replace("\n", " "))[:300] or type(error).__name__
    if isinstance(error, ExpiredMetadataError):
        return refused(url, f"{why}: it serves what is out of date, or this machine's clock is wrong")
    return refused(url, why)


def refused(url: str, why: str) -> Refused:
    return Refused(
        "trust-update-refused",
        f"What {Url(url)} serves is not a trusted root that can be believed.",
        context=[("because", why)],
        hint="The trusted root in use stays as it was. Try again later; if it goes on, ask whoever runs that Sigstore.",
    )


def _absent(url: str, status: int) -> CouldNotCheck:
    return CouldNotCheck(
        "trust-update-missing",
        f"{Url(url)} answers {status}.",
        hint="Check the address of the TUF repository; the trusted root in use stays as it was.",
    )
