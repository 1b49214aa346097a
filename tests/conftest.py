"""What every test stands on: no network but loopback, no configuration of this machine, one bare environment."""

from __future__ import annotations

import ipaddress
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.command import Command

# How long one example takes says how busy the machine is. What must be fast is measured in processor time.
settings.register_profile("patient", settings(), deadline=None)
settings.load_profile("patient")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--golden-write", action="store_true", help="write the golden cases anew instead of comparing")


@pytest.fixture(scope="session", autouse=True)
def _interruptible() -> None:
    """Started in the background, a shell has us ignore interrupts, and so would every program that a test starts."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _only_loopback(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that reaches for the world fails, unless it is marked `online`."""
    if request.node.get_closest_marker("online") is not None:
        return
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and not ipaddress.ip_address(address[0]).is_loopback:
            raise AssertionError(f"a test tried to reach {address[0]}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(scope="session")
def bare_environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment without anything in it, not even pip. To be copied, never used."""
    folder = tmp_path_factory.mktemp("bare") / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", "--symlinks", str(folder)], check=True)
    return folder


@pytest.fixture
def environment(bare_environment: Path, tmp_path: Path) -> Path:
    """A fresh environment of this test's own."""
    folder = tmp_path / "environment"
    shutil.copytree(bare_environment, folder, symlinks=True)
    return folder


@pytest.fixture
def command(environment: Path, tmp_path: Path) -> Command:
    """`safepip`, installing into this test's environment, with a home and a cache of its own."""
    return Command(environment=environment, folder=tmp_path)
