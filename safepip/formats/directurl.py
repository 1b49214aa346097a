"""direct_url.json: where a distribution came from that was named by path or URL (PEP 610)."""

from __future__ import annotations

import json
from urllib.parse import parse_qs

from packaging.direct_url import ArchiveInfo, DirectUrl

from safepip.model.artifact import HASH_ALGORITHMS, HashPin
from safepip.model.ident import Sha256, Url

FILE_NAME = "direct_url.json"


def render_direct_url(url: Url, sha256: Sha256) -> bytes:
    """The bytes that pip would have written for a wheel at this address; credentials are left out.

    The hash is the one in the fragment where there is one of the sha2 family, as pip has it, else the sha256 given.
    Raises Malformed on a fragment with a broken digest.
    """
    pin = _fragment_pin(url.fragment)
    hashes = {pin.algorithm: pin.digest} if pin is not None else {"sha256": str(sha256)}
    direct = DirectUrl(url=url.without_fragment().reveal(), archive_info=ArchiveInfo(hashes=hashes))
    # pip strips credentials, except those of environment variables and of `git@`; ours are expanded already.
    document = {
        **direct.to_dict(generate_legacy_hash=True),
        "url": url.without_fragment().without_credentials().reveal(),
    }
    return json.dumps(document, sort_keys=True).encode("utf-8")


def _fragment_pin(fragment: str) -> HashPin | None:
    stated = parse_qs(fragment)
    named = next((name for name in stated if name in HASH_ALGORITHMS), None)
    return HashPin.parse(f"{named}:{stated[named][0]}") if named is not None else None
