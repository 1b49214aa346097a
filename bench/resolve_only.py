"""`safepip install` that stops once it has resolved: `python -m bench.resolve_only FILE ARGUMENT...`.

The real command in every other way (start-up, configuration, probe of the target, index, cache), so that it can be
compared with `pip install --dry-run`, which fetches no wheel where the index serves metadata. `safepip --dry-run`
does more: it fetches and judges the files too. FILE gets the picks as lines `name==version`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from safepip.cli.main import run
from safepip.flows import install
from safepip.model.artifact import Resolution
from safepip.ports import Catalog
from safepip.resolve.request import ResolveRequest
from safepip.resolve.select import resolve


def main(argv: list[str]) -> int:
    picks = Path(argv[0])

    def resolve_and_leave(request: ResolveRequest, catalog: Catalog) -> Resolution:
        resolution = resolve(request, catalog)
        lines = [f"{pin.project}=={pin.version}\n" for pin in resolution.pins]
        picks.write_text("".join(lines), encoding="utf-8")
        raise SystemExit(0)

    setattr(install, "resolve", resolve_and_leave)  # noqa: B010 - the flow's own name for it, replaced for this process
    return run(argv[1:], os.environ)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
