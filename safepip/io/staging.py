"""The stage: a private folder with the judged files, from which pip takes them."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from safepip.errors import EnvironmentFault
from safepip.formats.pipfiles import PipFiles, judged
from safepip.model.plan import Plan


@contextlib.contextmanager
def staged(plan: Plan, files: PipFiles, workshop: Path | None) -> Iterator[Path]:
    """A private folder with the judged files under their own names, and pip's two files.

    workshop: a folder on the file system of the judged files, so that the stage can link to them
    They are not hashed again here: pip, told `--require-hashes`, hashes each staged file itself against the judged
    digest, and its look is later than ours could be.
    """
    with contextlib.ExitStack() as removal:
        try:
            folder = tempfile.TemporaryDirectory(prefix="safepip-stage-", dir=workshop)
            stage = Path(removal.enter_context(folder))
            _fill(stage, plan, files)
        except OSError as error:
            raise EnvironmentFault(
                "stage-unwritable",
                "The judged files could not be put together for pip.",
                context=[("folder", str(workshop)), ("reason", error.strerror or str(error))],
            ) from None
        yield stage


def _fill(stage: Path, plan: Plan, files: PipFiles) -> None:
    wheels = stage / "wheels"
    wheels.mkdir(mode=0o700)
    for step in plan.installs:
        artifact = judged(step)
        _link_or_copy(artifact.path, wheels / artifact.name.text)
    (stage / "roots.txt").write_text(files.roots, encoding="utf-8")
    (stage / "rest.txt").write_text(files.rest, encoding="utf-8")


def _link_or_copy(source: Path, destination: Path) -> None:
    try:
        destination.hardlink_to(source)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, destination)
