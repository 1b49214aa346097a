from __future__ import annotations

import json
import os

from safepip.report.machine import render


def test_a_folder_whose_name_is_not_utf8_can_be_reported() -> None:
    name = os.fsdecode(b"/srv/caf\xe9")
    written = render({"environment": name})
    assert json.loads(written.decode("utf-8")) == {"environment": name}


def test_words_of_any_script_stay() -> None:
    assert "日本語 ünïcode" in render({"reason": "日本語 ünïcode"}).decode("utf-8")
