"""Faults of an archive, told so that a person can read them: some of each kind, and how many more there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from safepip.model.contents import Fault

_MOST_OF_A_KIND = 10


def shortened(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """The first faults of each code in their order, and for a code that has more of them, one that says how many."""
    counted: Counter[str] = Counter()
    told = []
    for fault in faults:
        counted[fault.code] += 1
        if counted[fault.code] <= _MOST_OF_A_KIND:
            told.append(fault)
    more = ((code, number - _MOST_OF_A_KIND) for code, number in counted.items() if number > _MOST_OF_A_KIND)
    return (*told, *(Fault(code=code, message=f"and {number:,} more like that ({code})") for code, number in more))
