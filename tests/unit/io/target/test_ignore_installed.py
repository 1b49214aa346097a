"""`--ignore-installed`: pip writes over what is there, and leaves of it what the new installation does not have."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from safepip.io.receipts import read_receipt
from tests.unit.io.target.conftest import PLAIN, Rigging, Venv
from tests.unit.io.target.killing import changes, interrupted, receipt, tree
from tests.unit.io.target.test_pip import indexed
from tests.unit.io.target.wheels import Wheel, install, plan, wheel

IGNORING = replace(PLAIN, ignore_installed=True)


@pytest.fixture
def of(rig: Rigging, tmp_path: Path) -> Wheel:
    """The same version, installed by safepip from a file."""
    of = wheel(tmp_path / "wheels")
    rig().pip.install(plan(install(of, local=of.url)), receipt)
    return of


def test_the_same_version_again(venv: Venv, rig: Rigging, of: Wheel) -> None:
    """Of the older .dist-info the receipt stays, and where it had come from."""
    info = venv.library / "demo-1.0.dist-info"
    assert (info / "direct_url.json").exists()
    rig(forwarded=IGNORING).pip.install(plan(install(of, origin=indexed(of))), receipt)
    assert not (info / "direct_url.json").exists()
    found = read_receipt(info)
    assert found is not None
    assert found.listed


def test_is_undone(venv: Venv, rig: Rigging, of: Wheel) -> None:
    """REQUESTED is the one file that pip empties where it lies, so that a hard link would be no copy of it."""
    before, requested = tree(venv.path), venv.library / "demo-1.0.dist-info" / "REQUESTED"
    written = requested.stat().st_mtime_ns
    with pytest.raises(KeyboardInterrupt):
        rig(forwarded=IGNORING).pip.install(plan(install(of)), interrupted)
    assert changes(before, tree(venv.path)) == []
    assert requested.stat().st_mtime_ns == written
