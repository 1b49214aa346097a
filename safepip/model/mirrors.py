"""One name on several sources: what mirrors what, judged file by file.

Two sources agree about a file where both list it with the same sha256. Whatever one of them states about it and the
other leaves out (its age, its provenance, that it was yanked) then holds for both, or a copy in a folder would wash
it off.
"""

from __future__ import annotations

from dataclasses import replace

from safepip.model.artifact import IndexPage, Listing, Project
from safepip.model.ident import Sha256, Url

Key = tuple[str, Sha256]


def rivals_of(listing: Listing, project: Project) -> tuple[Url, ...]:
    """The other sources of this name that do not list this very file. Without a stated digest, nothing mirrors it."""
    others = [page for page in project.pages if page.index != listing.index and (page.listings or page.skipped)]
    key = _key(listing)
    return tuple(page.index for page in others if key is None or all(_key(one) != key for one in page.listings))


def sources_of(listing: Listing, project: Project) -> tuple[IndexPage, ...]:
    """The pages that list this very file, the one that it was taken from first."""
    key = _key(listing)
    own = [page for page in project.pages if page.index == listing.index]
    others = [page for page in project.pages if page.index != listing.index and key is not None]
    return (*own, *(page for page in others if any(_key(one) == key for one in page.listings)))


def attesting(listing: Listing, project: Project) -> tuple[Url, ...]:
    """The indexes that state a provenance of this very file themselves."""
    key = _key(listing)
    return tuple(
        page.index
        for page in sources_of(listing, project)
        if any(_key(one) == key and one.provenance is not None and not one.lent for one in page.listings)
    )


def reconciled(pages: tuple[IndexPage, ...]) -> tuple[IndexPage, ...]:
    """The same pages, each file with the strictest that any of them states about it."""
    if len(pages) < 2:
        return pages
    twins: dict[Key, list[Listing]] = {}
    for page in pages:
        for listing in page.listings:
            key = _key(listing)
            if key is not None:
                twins.setdefault(key, []).append(listing)
    return tuple(
        replace(page, listings=tuple(_strictest(listing, twins) for listing in page.listings)) for page in pages
    )


def _key(listing: Listing) -> Key | None:
    return (listing.name.text, listing.sha256) if listing.sha256 is not None else None


def _strictest(listing: Listing, twins: dict[Key, list[Listing]]) -> Listing:
    key = _key(listing)
    same = twins[key] if key is not None else [listing]
    if len(same) == 1:
        return listing
    provenance = next((one.provenance for one in (listing, *same) if one.provenance is not None), None)
    return replace(
        listing,
        uploaded=max((one.uploaded for one in same if one.uploaded is not None), default=None),
        provenance=provenance,
        lent=provenance != listing.provenance,
        yanked=next((one.yanked for one in (listing, *same) if one.yanked is not None), None),
        requires_python=next((one.requires_python for one in (listing, *same) if one.requires_python), None),
    )
