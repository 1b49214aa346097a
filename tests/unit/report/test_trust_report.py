"""The trusted roots as they are shown."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest

from safepip.formats.trustedroot import Part, RootInForce, Service, Spoken, Standing
from safepip.report.trust import report, text

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=timezone.utc)
DAY = timedelta(days=1)


def service(*, start: datetime | None = None, end: datetime | None = None, host: str = "log.example") -> Service:
    return Service(part=Part.LOG, host=host, key_id="ab" * 32, key="Ed25519", start=start, end=end)


def root(*services: Service, since: datetime | None = NOW - 40 * DAY, spoken: tuple[Spoken, ...] = ()) -> RootInForce:
    return RootInForce(
        kind="updated",
        origin="a test",
        sha256="cd" * 32,
        since=since,
        refresh="safepip trust update",
        note=None,
        spoken=spoken,
        services=services,
    )


@pytest.mark.parametrize(
    ("start", "end", "standing"),
    [
        (None, None, Standing.IN_SERVICE),
        (NOW - DAY, NOW + DAY, Standing.IN_SERVICE),
        (NOW, NOW, Standing.IN_SERVICE),
        (NOW + DAY, None, Standing.NOT_YET),
        (NOW - 2 * DAY, NOW - DAY, Standing.RETIRED),
    ],
)
def test_the_standing_of_a_service(start: datetime | None, end: datetime | None, standing: Standing) -> None:
    one = service(start=start, end=end)
    assert one.standing(NOW) is standing
    assert standing.value in "\n".join(text([root(one)], NOW))
    assert json.loads(report([root(one)], NOW))["roots"][0]["services"][0]["standing"] == standing.value


def test_age_and_what_it_speaks_for() -> None:
    spoken = (Spoken(name="ours", indexes=("corp", "local"), projects=("acme-*",)),)
    lines = "\n".join(text([root(), root(spoken=spoken, since=None)], NOW))
    assert "2026-10-13, 40 days ago" in lines
    assert "Trusted root ours of the policy" in lines
    assert "projects acme-* on corp, local" in lines
    assert "not known" in lines
    assert [one["age-days"] for one in json.loads(report([root(), root(since=None)], NOW))["roots"]] == [40, None]


def test_nothing_is_younger_than_new() -> None:
    ahead = root(since=NOW + 3 * DAY)
    assert "2026-11-25, 0 days ago" in "\n".join(text([ahead], NOW))
    assert json.loads(report([ahead], NOW))["roots"][0]["age-days"] == 0


def test_a_root_cannot_write_to_the_terminal() -> None:
    bad = service(host="\x1b[31mlog\n  sha256      forged\u202e")
    lines = list(text([root(bad)], NOW))
    assert all(line.isprintable() for line in lines)
    assert report([root(bad)], NOW).isascii()
    assert "\x1b" not in report([root(bad)], NOW)
