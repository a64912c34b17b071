"""Numbers and times as people read them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from console import look
from services.model import StageName, VideoState

BASE = Path(look.__file__).parent / "components" / "base.js"
MEBIBYTE = 1024 * 1024
SIZES = {
    0: "0 bytes",
    1: "1 byte",
    2: "2 bytes",
    1023: "1,023 bytes",
    1024: "1 KiB",
    1536: "1.5 KiB",
    102_300: "99.9 KiB",
    102_350: "100 KiB",
    1_048_063: "1,023 KiB",
    1_048_064: "1.0 MiB",
    1_048_575: "1.0 MiB",
    MEBIBYTE: "1 MiB",
    48_300_211: "46.1 MiB",
    700 * MEBIBYTE: "700 MiB",
    1024 * MEBIBYTE: "1 GiB",
    10 * 1024 * MEBIBYTE: "10 GiB",
    5000 * 1024 * MEBIBYTE: "5,000 GiB",
}
DURATIONS = {
    0.0: "0:00",
    -0.4: "0:00",
    0.9: "0:00",
    59.99: "0:59",
    60.0: "1:00",
    607.2: "10:07",
    3599.9: "59:59",
    3600.0: "1:00:00",
    3753.0: "1:02:33",
    36_000.0: "10:00:00",
}


@pytest.mark.parametrize(("count", "shown"), SIZES.items())
def test_a_size_reads_well(count: int, shown: str) -> None:
    assert look.size(count) == shown


@pytest.mark.parametrize(("seconds", "shown"), DURATIONS.items())
def test_a_duration_is_a_clock(seconds: float, shown: str) -> None:
    assert look.duration(seconds) == shown


def test_no_duration_is_none() -> None:
    assert look.duration(None) is None


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node")
def test_components_write_the_same() -> None:
    """A page draws with both: the same file must not have two sizes."""
    asked = f"[{json.dumps(list(SIZES))}.map(bytes), {json.dumps(list(DURATIONS))}.map(clock)]"
    script = f"{BASE.read_text(encoding='utf-8')}\nprocess.stdout.write(JSON.stringify({asked}));"
    told = subprocess.run(["node", "-e", script], capture_output=True, check=True, text=True)
    assert json.loads(told.stdout) == [list(SIZES.values()), list(DURATIONS.values())]


class Clock(datetime):
    """Half past nine in the evening of the last day of a year, in UTC."""

    @classmethod
    def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
        return datetime(2026, 12, 31, 21, 30, tzinfo=UTC).astimezone(tz)  # type: ignore[arg-type]


MOMENTS = pytest.mark.parametrize(
    ("before", "zone", "shown"),
    [
        (timedelta(minutes=5), "UTC", "today 21:25"),
        (timedelta(minutes=5), "Europe/Berlin", "today 22:25"),
        (timedelta(minutes=5), "Asia/Tokyo", "today 06:25"),
        (timedelta(hours=7), "Asia/Tokyo", "31 Dec 2026"),
        (timedelta(hours=22), "UTC", "30 Dec 23:30"),
        (timedelta(days=200), "UTC", "14 Jun 21:30"),
        (timedelta(days=365), "UTC", "31 Dec 2025"),
        (timedelta(minutes=-30), "UTC", "today 22:00"),
        (timedelta(minutes=5), "Asia/Kathmandu", "today 03:10"),
    ],
)


@MOMENTS
def test_a_moment_is_in_the_viewers_zone(
    monkeypatch: pytest.MonkeyPatch, before: timedelta, zone: str, shown: str
) -> None:
    monkeypatch.setattr(look, "datetime", Clock)
    assert look.moment(Clock.now(UTC) - before, timezone=ZoneInfo(zone)) == shown


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node")
@MOMENTS
def test_components_write_the_same_moment(before: timedelta, zone: str, shown: str) -> None:
    """Whatever language the browser speaks: only its zone counts."""
    now = Clock.now(UTC)
    script = f"""{BASE.read_text(encoding="utf-8")}
        const Real = Date;
        Date = class extends Real {{ constructor(...at) {{ super(...(at.length ? at : ["{now.isoformat()}"])); }} }};
        process.stdout.write(when("{(now - before).isoformat()}"));"""
    environment = {**os.environ, "TZ": zone, "LC_ALL": "de_DE.UTF-8"}
    told = subprocess.run(["node", "-e", script], capture_output=True, check=True, text=True, env=environment)
    assert told.stdout == shown


@pytest.mark.parametrize("named", [None, "", "America", "../../etc/passwd", "No/Where", "a" * 5000, "Europe/\0"])
def test_a_zone_that_is_none_is_utc(monkeypatch: pytest.MonkeyPatch, named: str | None) -> None:
    monkeypatch.setattr(look.st, "context", SimpleNamespace(timezone=named))
    assert str(look.viewer_timezone()) == "UTC"


def test_a_zone_is_what_the_browser_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look.st, "context", SimpleNamespace(timezone="Asia/Tokyo"))
    assert look.viewer_timezone() == ZoneInfo("Asia/Tokyo")


def test_every_state_and_stage_has_a_name() -> None:
    assert set(look.VIDEO_CHIPS) == set(VideoState)
    assert set(look.STAGE_NAMES) == set(StageName)
