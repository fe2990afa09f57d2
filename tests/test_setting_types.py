"""A crontab means what crontab(5) says, in its time zone."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from bot.setting_types import NICKNAMES, Crontab

BERLIN = ZoneInfo("Europe/Berlin")


def due(text: str, since: str, count: int, zone: str = "UTC") -> list[str]:
    """The next times as the clock on the wall shows them."""
    crontab = Crontab.parse(text, ZoneInfo(zone))
    moment: datetime | None = datetime.fromisoformat(since).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    found = []
    for _ in range(count):
        assert moment is not None
        moment = crontab.after(moment)
        assert moment is not None
        assert moment.tzinfo is UTC
        found.append(f"{moment.astimezone(ZoneInfo(zone)):%a %m-%d %H:%M}")
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 4 * * 0", ["Sun 11-29 04:00", "Sun 12-06 04:00"]),
        ("0 4 * * 7", ["Sun 11-29 04:00", "Sun 12-06 04:00"]),
        ("0 4 * * SUN", ["Sun 11-29 04:00", "Sun 12-06 04:00"]),
        ("0 4 * * 1", ["Mon 11-30 04:00", "Mon 12-07 04:00"]),
        ("0 4 * * 1-5", ["Mon 11-30 04:00", "Tue 12-01 04:00"]),
        ("0 4 * * 5-7", ["Sun 11-29 04:00", "Fri 12-04 04:00"]),
        ("0 4 * * mon,Wed-fri", ["Mon 11-30 04:00", "Wed 12-02 04:00"]),
        ("0\t4  *  dec *", ["Tue 12-01 04:00", "Wed 12-02 04:00"]),
        (" */15 3 * * * ", ["Sun 11-29 03:00", "Sun 11-29 03:15"]),
        ("10-40/15 3 * * *", ["Sun 11-29 03:10", "Sun 11-29 03:25"]),
        ("5,10-12 3 * * *", ["Sun 11-29 03:05", "Sun 11-29 03:10"]),
        ("0 0 1-30/7 * *", ["Sun 11-29 00:00", "Tue 12-01 00:00"]),
        ("0 0 13 * fri", ["Fri 12-04 00:00", "Fri 12-11 00:00"]),
        ("0 0 */2 * fri", ["Fri 12-11 00:00", "Fri 12-25 00:00"]),
        ("0 0 1 * */2", ["Tue 12-01 00:00", "Thu 04-01 00:00"]),  # a star at the head of either: both have to hold
        ("@daily", ["Sun 11-29 00:00", "Mon 11-30 00:00"]),
        ("@midnight", ["Sun 11-29 00:00", "Mon 11-30 00:00"]),
        ("@Hourly", ["Sun 11-29 00:00", "Sun 11-29 01:00"]),
        ("@weekly", ["Sun 11-29 00:00", "Sun 12-06 00:00"]),
        ("@monthly", ["Tue 12-01 00:00", "Fri 01-01 00:00"]),
        ("@yearly", ["Fri 01-01 00:00", "Sat 01-01 00:00"]),
        ("@annually", ["Fri 01-01 00:00", "Sat 01-01 00:00"]),
    ],
)
def test_it_is_due_when_a_crontab_is(text: str, expected: list[str]) -> None:
    assert due(text, "2026-11-28T23:59:59", len(expected)) == expected


@pytest.mark.parametrize(
    ("text", "since", "expected"),
    [
        ("30 2 * * *", "2026-03-28T12:00", ["Sun 03-29 03:00", "Mon 03-30 02:30"]),  # 02:00 to 03:00 is skipped
        ("0,30 2 * * *", "2026-03-28T12:00", ["Sun 03-29 03:00", "Mon 03-30 02:00"]),
        ("0 2,3 * * *", "2026-03-28T12:00", ["Sun 03-29 03:00", "Mon 03-30 02:00"]),
        ("30 2 * * *", "2026-10-24T12:00", ["Sun 10-25 02:30", "Mon 10-26 02:30"]),  # 02:00 to 03:00 comes twice
        ("0 3 * * *", "2026-10-24T12:00", ["Sun 10-25 03:00", "Mon 10-26 03:00"]),
        ("0 * * * *", "2026-10-25T01:30", ["Sun 10-25 02:00", "Sun 10-25 02:00", "Sun 10-25 03:00"]),
    ],
)
def test_clocks_that_change_make_it_due_once(text: str, since: str, expected: list[str]) -> None:
    assert due(text, since, len(expected), "Europe/Berlin") == expected


def test_a_start_in_the_repeated_hour_repeats_nothing() -> None:
    again = datetime(2026, 10, 25, 2, 10, fold=1, tzinfo=BERLIN).astimezone(UTC)
    assert Crontab.parse("30 2 * * *", BERLIN).after(again) == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize("zone", ["America/Santiago", "Africa/Cairo", "Australia/Lord_Howe", "Pacific/Apia"])
@pytest.mark.parametrize("text", ["0 0 * * *", "15 2 * * *", "45 1 * * *"])
def test_every_day_has_its_time_once(zone: str, text: str) -> None:
    crontab, moment = Crontab.parse(text, ZoneInfo(zone)), datetime(2026, 1, 1, tzinfo=UTC)
    days = []
    while moment.year < 2027:
        found = crontab.after(moment)
        assert found is not None
        assert found > moment
        moment = found
        days.append(moment.astimezone(ZoneInfo(zone)).date())
    assert len(days) == len(set(days))
    assert len(days) in (365, 366)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "sometimes", "0 4 * *", "0 4 * * * *", "0 4 * * 8", "60 4 * * *", "0 24 * * *", "0 4 0 * *",
        "0 4 32 * *", "0 4 * 13 *", "0 4 * 0 *", "-1 4 * * *", "0 4 * * mond", "0 4 * foo *", "mon 4 * * *",
        "0 4 * * 5-1", "*/0 4 * * *", "5/15 4 * * *", "*/ 4 * * *", "1, 4 * * *", "1-2-3 4 * * *", "*/2/3 4 * * *",
        "0 4 L * *", "0 4 LW * *", "0 4 * * 5L", "0 4 * * fri#2", "0 4 ? * *", "0 4 1W * *", "0~30 4 * * *",
        "H 4 * * *", "0 4 30 2 *", "0 4 31 2,4,6 *", "٣ 4 * * *", "0 4 * * *\n0 5 * * *", "0 4 * *\n*", "@", "@noon",
        "@every 5m", "@daily x", "0 4 * * " + "1," * 100_000, "1" * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_crontab_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        Crontab.parse(text, BERLIN)
    assert len(str(refused.value)) < 120


def test_reboot_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="not a time"):
        Crontab.parse("@reboot", BERLIN)


def test_a_nickname_is_what_the_manual_says() -> None:
    for nickname, fields in NICKNAMES.items():
        assert due(nickname, "2026-05-05T05:05", 3) == due(fields, "2026-05-05T05:05", 3)
