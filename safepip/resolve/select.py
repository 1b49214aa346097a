"""The entry: what is asked for, a catalog, and one answer that depends on nothing else."""

from __future__ import annotations

from collections.abc import Iterator

from resolvelib import ResolutionImpossible, ResolutionTooDeep
from resolvelib.resolvers import Resolution as Search

from safepip.errors import BadInput, Malformed, NoAnswer
from safepip.model.artifact import Pin, Resolution
from safepip.ports import Catalog
from safepip.resolve.answer import connected, resolution
from safepip.resolve.explain import no_answer, too_deep
from safepip.resolve.hopeless import Watch
from safepip.resolve.nodes import Candidate, Need, requirement_text
from safepip.resolve.provider import Provider
from safepip.resolve.request import ResolveRequest
from safepip.resolve.terms import Terms


def resolve(request: ResolveRequest, catalog: Catalog) -> Resolution:
    """Choose one version of every distribution that the roots lead to.

    The same index state gives the same answer, in whatever order the network answers.

    Raises NoAnswer when nothing satisfies the requirements, Refused for a dependency by URL and for a named file
    that is no usable wheel, BadInput for requirements that cannot be evaluated, and what the catalog raises.
    """
    try:
        terms = Terms(request)
    except Malformed as error:
        raise BadInput("invalid-requirement", f"A requirement cannot be evaluated: {error}") from None
    _refuse_two_urls(terms)
    provider = Provider(terms, catalog)
    provider.ahead.start()
    roots = provider.root_needs()
    search: Search[Need, Candidate, str] = Search(provider, Watch(provider, roots))
    try:
        state = search.resolve(roots, max_rounds=request.rounds)
    except ResolutionImpossible as error:
        raise no_answer(provider, tuple(error.causes)) from None
    except ResolutionTooDeep:
        raise too_deep(request.rounds) from None
    return resolution(provider, connected(state))


def notes(answer: Resolution) -> tuple[str, ...]:
    """What pip would warn of: yanked versions that were pinned, and extras that do not exist."""
    return tuple(note for pin in answer.pins for note in _notes(pin))


def _notes(pin: Pin) -> Iterator[str]:
    if pin.listing is not None and pin.listing.yanked is not None:
        yield (
            f"The candidate selected for download or install is a yanked version: {str(pin.project)!r} candidate "
            f"(version {pin.version} at {pin.listing.url})\n"
            f"Reason for being yanked: {pin.listing.yanked or '<none given>'}"
        )
    if pin.metadata is not None:
        for extra in sorted(pin.extras - pin.metadata.provides_extra):
            yield f"{pin.project} {pin.version} does not provide the extra {extra!r}"


def _refuse_two_urls(terms: Terms) -> None:
    for project, urls in terms.urls.items():
        if len(urls) < 2:
            continue
        written = [root for root in (*terms.roots, *terms.constraints.get(project, ())) if root.project == project]
        line = (
            f"Cannot install {' and '.join(f'{project} @ {url}' for url in urls)} because these package versions "
            "have conflicting dependencies."
        )
        raise NoAnswer(
            "resolution-impossible",
            line,
            lines=(line,),
            explanation=(
                "The conflict is caused by:",
                *(f"    The user requested {requirement_text(one.requirement)}  ({one.origin})" for one in written),
            ),
            failures=(),
            context=[("required", f"{one.origin}  ->  {requirement_text(one.requirement)}") for one in written],
            hint="Name one file for each project.",
        )
