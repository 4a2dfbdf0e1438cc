"""Events, nights and as-of days around changes of the clock, in zones that change in different ways.

What a day is in the company's zone is told apart by Python's `zoneinfo`; the marts must say the same.
"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from clientela.pipeline.past_day import run_as_of
from tests.conftest import Company

#: zone → (an instant when its clock springs forward, one when it falls back); Santiago and Havana change at midnight,
#: so that a day begins at one o'clock; Lord Howe changes by half an hour; Apia once left out a whole day
ZONES = {
    "Europe/Madrid": ("2025-03-30 01:00", "2025-10-26 01:00"),
    "America/New_York": ("2025-03-09 07:00", "2025-11-02 06:00"),
    "America/Santiago": ("2025-09-07 04:00", "2025-04-06 03:00"),
    "Australia/Lord_Howe": ("2025-10-04 15:30", "2025-04-05 15:00"),
    "Pacific/Apia": ("2011-12-30 10:00", "2011-04-02 14:00"),
}
HEAD = "receipt,line,customer,product,net,sold_at\n"


def _instants(zone: str) -> list[datetime]:
    """Every half hour, and the seconds before and after it, for a day and a half on both sides of each change."""
    changes = [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in ZONES[zone]]
    return sorted(
        change + timedelta(minutes=30 * half, seconds=second)
        for change in changes
        for half in range(-72, 73)
        for second in (-1, 0, 1)
    )


@pytest.mark.prove
@pytest.mark.parametrize("zone", ZONES)
def test_days_are_those_of_the_company_on_both_sides_of_a_change(shop: Company, zone: str) -> None:
    local = ZoneInfo(zone)
    instants = _instants(zone)
    shop.change(lambda s: s.update(time_zone=zone))
    shop.change(lambda s: s["sources"]["till"].update(time_zone="UTC"))
    (shop.folder / "customers.csv").write_text("customer,name,email,changed\na,Ana,,2011-01-01 08:00:00\n")
    lines = [f"{n},1,a,p,1.00,{at:%Y-%m-%d %H:%M:%S}\n" for n, at in enumerate(instants)]
    shop.write("sales_1.csv", HEAD + "".join(lines))
    # the night runs in the very hour of the last change but its deliveries reach further: no event is of the future
    now = instants[-1] + timedelta(minutes=1)
    assert shop.night(now).exit_code == 0
    days = shop.published("select cast(order_key as integer), ordered_on from value.order_lines order by 1")
    assert days == [(n, at.astimezone(local).date()) for n, at in enumerate(instants)]
    ((as_of,),) = shop.published("select as_of_on from operations.publication")
    assert as_of == instants[-1].astimezone(local).date()
    change = datetime.fromisoformat(ZONES[zone][0]).replace(tzinfo=UTC).astimezone(local).date()
    assert run_as_of(shop.config, change).exit_code == 0
    ((lines_then,),) = shop.published("select count(*) from value.order_lines", f"as_of/{change}/marts.duckdb")
    assert lines_then == sum(at.astimezone(local).date() <= change for at in instants)


@pytest.mark.prove
@pytest.mark.parametrize("zone", ZONES)
def test_times_of_a_local_clock_are_read_once_or_quarantined(shop: Company, zone: str) -> None:
    """A time that the clock skipped exists nowhere: quarantine. One that it showed twice is the first of both."""
    from clientela.extract.feeds import feeds_of
    from clientela.pipeline.open_run import open_run

    local = ZoneInfo(zone)
    shown = {at.astimezone(local).replace(tzinfo=None, fold=0) for at in _instants(zone)}
    clock = sorted(shown | {time + timedelta(hours=1) for time in shown})
    exists = [t for t in clock if t.replace(tzinfo=local).astimezone(UTC).astimezone(local).replace(tzinfo=None) == t]
    shop.change(lambda s: s.update(time_zone=zone))
    gate = {"quarantined_share": {"severity": "off"}}
    shop.change(lambda s: s["sources"]["till"]["entities"]["transactions"].update(gate=gate))
    shop.write(
        "sales_1.csv", HEAD + "".join(f"{t:%Y-%m-%d_%H:%M:%S},1,a,p,1.00,{t:%Y-%m-%d %H:%M:%S}\n" for t in clock)
    )
    with open_run(shop.config, now=datetime(2026, 1, 1, tzinfo=UTC)) as run:
        (feed,) = [f for f in feeds_of(shop.config) if f.entity.name == "transactions"]
        outcome = run.load(feed)[-1]
    assert outcome.status == "loaded", outcome.reason
    instants = dict(shop.warehouse("select order_key, ordered_at from raw.transactions"))
    assert {key: at.astimezone(UTC) for key, at in instants.items()} == {
        f"{t:%Y-%m-%d_%H:%M:%S}": t.replace(tzinfo=local).astimezone(UTC) for t in exists
    }
    assert outcome.quarantined == len(clock) - len(exists) > 0


@pytest.mark.prove
def test_a_night_during_the_change_judges_age_and_future_by_instants(shop: Company) -> None:
    """02:30 on the night in October comes twice in Madrid: nights at both, and sales up to the minute before each."""
    shop.change(lambda s: s["sources"]["till"].update(time_zone="UTC"))
    (shop.folder / "customers.csv").write_text("customer,name,email,changed\na,Ana,,2025-01-01 08:00:00\n")
    first = datetime(2025, 10, 26, 0, 30, tzinfo=UTC)
    for number, now in enumerate((first, first + timedelta(hours=1))):
        sold = now - timedelta(minutes=1)
        shop.write(f"sales_{number + 1}.csv", HEAD + f"{number},1,a,p,1.00,{sold:%Y-%m-%d %H:%M:%S}\n")
        report = shop.night(now)
        assert (report.exit_code, report.as_of) == (0, "2025-10-26"), report.message
        assert all(source.age_days == 0 for source in report.sources if source.entity == "transactions")
    runs = [row[0] for row in shop.warehouse("select run_id from ledger.runs order by started_at")]
    assert runs == sorted(runs) and len(set(runs)) == 2
    assert shop.published("select count(*), min(ordered_on) from value.order_lines") == [(2, date(2025, 10, 26))]
