"""Addresses of indexes as people write them, slips included."""

from __future__ import annotations

from pathlib import Path

import pytest

from safepip.cli.network import address
from safepip.errors import BadInput
from safepip.model.ident import Url
from safepip.model.levels import Placed

PASSWORD = "hunter2"


@pytest.mark.parametrize(
    "text",
    [
        f"https:/user:{PASSWORD}@host/simple",
        f"https:\\\\user:{PASSWORD}@host/simple",
        f"//user:{PASSWORD}@host/simple",
        f"user:{PASSWORD}@host/simple",
        f"https://user:a#{PASSWORD}@host/simple",
        f"HTTP:user:{PASSWORD}@host",
    ],
)
def test_a_slip_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        address(Placed(text, "command line"))
    assert PASSWORD not in caught.value.message + str(caught.value.context) + str(caught.value.hint)


@pytest.mark.parametrize("text", ["https://host:8080/simple", "https://user:pw@host/simple", "file:///srv/index"])
def test_addresses_stay_as_they_are(text: str) -> None:
    assert address(Placed(text, "x")) == Url(text)


def test_a_path_becomes_anaddress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert address(Placed("wheels", "x")) == Url((tmp_path / "wheels").as_uri())
