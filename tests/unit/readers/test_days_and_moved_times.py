"""What states no time of day is a calendar day in whatever zone; what only orders versions survives a change of the clock."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from test_workbooks import workbook_of

from clientela.config.read import load_config
from clientela.extract.feeds import feeds_of
from clientela.load import loader
from clientela.load.context import LoadContext
from clientela.load.loader import load_feed
from clientela.load.outcome import Outcome
from tests.conftest import prepared_warehouse

NOW = datetime(2026, 3, 1, 3, tzinfo=UTC)
NEW_YORK = ZoneInfo("America/New_York")
COLUMNS = {"order_key": "id", "ordered_at": "at", "net_amount": "net", "product_key": "id", "updated_at": "at"}


class Shop:
    """A company in New York, and what its warehouse holds of one delivered file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "data").mkdir()
        self.warehouse = prepared_warehouse(folder / "w.duckdb")

    def load(self, entity: str, settings: dict[str, Any], zone: str = "UTC", **source: Any) -> Outcome:
        off = {"quarantined_share": {"severity": "off"}}
        entities = {entity: {"key": "id", "files": "x.*", "gate": off, **settings}}
        company = {
            "company": "Acme", "currency": "USD", "time_zone": "America/New_York",
            "sources": {"till": {"time_zone": zone, "entities": entities, **source}},
        }  # fmt: skip
        (self.folder / "clientela.yml").write_text(yaml.safe_dump(company), encoding="utf-8")
        (feed,) = feeds_of(load_config(self.folder / "clientela.yml"))
        (outcome,) = load_feed(LoadContext(self.warehouse, feed, "run", NOW))
        return outcome

    def sales(self, times: list[Any], **source: Any) -> list[date | datetime | None]:
        """When each line was ordered: a day where it is midnight in New York, an instant otherwise."""
        if isinstance(times[0], str):
            lines = [f"{n},{text},1\n" for n, text in enumerate(times)]
            (self.folder / "x.csv").write_text("id,at,net\n" + "".join(lines), encoding="utf-8")
        columns = {name: column for name, column in COLUMNS.items() if name != "updated_at"}
        with pytest.MonkeyPatch.context() as patched:
            # how a time is read, is no question to the gate
            patched.setattr(loader, "validate", lambda *_: [])
            outcome = self.load("transactions", {"columns": columns}, **source)
        assert outcome.status == "loaded", outcome.reason
        found = dict(self.warehouse.execute("select record_key, ordered_at from raw.transactions").fetchall())
        return [_as_day(found.get(str(n))) for n in range(len(times))]


def _as_day(at: datetime | None) -> date | datetime | None:
    if at is None:
        return None
    local = at.astimezone(NEW_YORK)
    return local.date() if (local.hour, local.minute, local.second) == (0, 0, 0) else at.astimezone(UTC)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path)
    yield made
    made.warehouse.close()


FIRST, SECOND = date(2025, 11, 1), date(2025, 11, 2)


@pytest.mark.parametrize(
    ("times", "source"),
    [
        (["01.11.2025", "02.11.2025"], {"datetime_format": "%d.%m.%Y"}),
        (["01/Nov/2025", "02/Nov/2025"], {"datetime_format": "%d/%b/%Y"}),
        (["01.11.2025 00:00", "02.11.2025 00:00"], {"datetime_format": "%d.%m.%Y %H:%M"}),
        (["2025-11-01", "2025-11-02"], {}),
        (["2025-11-01 00:00:00.000", "2025-11-02 00:00:00.000"], {}),
        (["2025-11-01", "2025-11-02T00:00"], {}),
        (["01/11/2025", "02/11/2025"], {"date_format": "%d/%m/%Y", "datetime_format": "%d/%m/%Y %H:%M"}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York"])
def test_text_without_a_time_of_day_is_that_day(
    shop: Shop, times: list[str], source: dict[str, Any], zone: str
) -> None:
    assert shop.sales(times, zone=zone, **source) == [FIRST, SECOND]


def test_midnight_among_times_is_a_time_of_the_source(shop: Shop) -> None:
    assert shop.sales(["2025-11-02 00:00:00", "2025-11-02 10:30:00"]) == [
        datetime(2025, 11, 2, 0, tzinfo=UTC), datetime(2025, 11, 2, 10, 30, tzinfo=UTC)
    ]  # fmt: skip


def test_a_day_among_times_under_a_format_of_its_own_is_a_day(shop: Shop) -> None:
    formats = {"date_format": "%d/%m/%Y", "datetime_format": "%d/%m/%Y %H:%M"}
    assert shop.sales(["02/11/2025", "02/11/2025 10:30"], **formats) == [
        SECOND, datetime(2025, 11, 2, 10, 30, tzinfo=UTC)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("2025-11-01 09:55:16 -0400", {}),
        ("2025-11-01 09:55:16 -04:00", {}),
        ("2025-11-01T13:55:16 Z", {}),
        ("2025-11-01 13:55:16 UTC", {}),
        ("2025-11-01 13:55:16 GMT", {}),
        ("2025-11-01 14:55:16 Europe/Madrid", {}),
        ("01/11/2025 09:55:16 -0400", {"datetime_format": "%d/%m/%Y %H:%M:%S %z"}),
        ("01/11/2025 13:55:16 UTC", {"datetime_format": "%d/%m/%Y %H:%M:%S %Z"}),
    ],
)
def test_a_zone_that_the_text_states_is_taken_at_its_word(shop: Shop, text: str, source: dict[str, Any]) -> None:
    assert shop.sales([text], zone="Asia/Tokyo", **source) == [datetime(2025, 11, 1, 13, 55, 16, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("kind", "times", "expected"),
    [
        (pa.date32(), [FIRST, SECOND], [FIRST, SECOND]),
        (pa.timestamp("us"), [datetime(2025, 11, 1), datetime(2025, 11, 2)], [FIRST, SECOND]),
        (pa.timestamp("ns"), [datetime(2025, 11, 1), datetime(2025, 11, 2)], [FIRST, SECOND]),
        (
            pa.timestamp("us"),
            [datetime(2025, 11, 2), datetime(2025, 11, 2, 10)],
            [datetime(2025, 11, 2, tzinfo=UTC), datetime(2025, 11, 2, 10, tzinfo=UTC)],
        ),
        (pa.timestamp("us", "UTC"), [datetime(2025, 11, 1)] * 2, [datetime(2025, 11, 1, tzinfo=UTC)] * 2),
    ],
)
def test_typed_times_that_are_all_midnight_are_days(
    shop: Shop, kind: pa.DataType, times: list[Any], expected: list[Any]
) -> None:
    table = pa.table({"id": [0, 1], "at": pa.array(times, kind), "net": [1, 1]})
    pq.write_table(table, shop.folder / "x.parquet")
    assert shop.sales(times) == expected


def test_a_date_cell_of_a_workbook_is_a_day_even_among_times(shop: Shop) -> None:
    rows = [["id", "at", "net"], [0, SECOND, 1], [1, datetime(2025, 11, 2, 10, 30), 1]]
    workbook_of(shop.folder / "x.xlsx", {"Sales": rows})
    assert shop.sales([SECOND, None]) == [SECOND, datetime(2025, 11, 2, 10, 30, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("kind", "at", "expected"),
    [
        (pa.timestamp("us", "UTC"), datetime(1980, 2, 29, tzinfo=UTC), date(1980, 2, 29)),
        (pa.timestamp("us", "UTC"), datetime(1980, 2, 28, 15, tzinfo=UTC), date(1980, 2, 29)),
        (pa.timestamp("us", "UTC"), datetime(1980, 2, 29, 3, tzinfo=UTC), date(1980, 2, 28)),
        (pa.timestamp("us"), datetime(1980, 2, 29), date(1980, 2, 29)),
        (pa.string(), "1980-02-29T00:00:00+02:00", date(1980, 2, 29)),
        (pa.string(), "1980-02-29T00:00:00Z", date(1980, 2, 29)),
    ],
    ids=["utc", "the source's zone", "an instant", "no zone", "offset", "Z"],
)
def test_a_day_kept_as_a_time_at_midnight_stays_that_day(
    shop: Shop, kind: pa.DataType, at: Any, expected: date
) -> None:
    pq.write_table(pa.table({"id": [0], "born": pa.array([at], kind)}), shop.folder / "x.parquet")
    assert shop.load("customers", {"columns": {"birth_date": "born"}}, zone="Asia/Tokyo").status == "loaded"
    assert shop.warehouse.execute("select birth_date from raw.customers").fetchall() == [(expected,)]


def _versions(shop: Shop) -> dict[str, tuple[str, datetime]]:
    rows = shop.warehouse.execute(
        "select record_key, city, version_at from raw.customers qualify row_number() over "
        "(partition by record_id order by version desc) = 1"
    ).fetchall()
    return {key: (city, at) for key, city, at in rows}


#: the clock of Madrid skips 02:00 to 03:00 on 30 March 2025
MOVED = "id,city,changed\n1,Lugo,2025-03-30 01:30:00\n1,Soria,2025-03-30 02:30:00\n2,Jaca,2025-06-01 12:00:00\n"


def _delivered(shop: Shop, kind: str) -> None:
    if kind == "csv":
        (shop.folder / "x.csv").write_text(MOVED, encoding="utf-8")
        return
    read = "select id, city, cast(changed as timestamp) as changed from read_csv(?, all_varchar = true)"
    (shop.folder / "moved.txt").write_text(MOVED, encoding="utf-8")
    duckdb.execute(
        f"copy ({read}) to ? (format parquet)", [str(shop.folder / "moved.txt"), str(shop.folder / "x.parquet")]
    )


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize(
    "settings",
    [
        {"columns": {"city": "city", "updated_at": "changed"}},
        {"columns": {"city": "city"}, "version_by": "changed"},
    ],
    ids=["updated_at", "version_by"],
)
def test_a_version_of_the_skipped_hour_is_taken_an_hour_later_and_reported(
    shop: Shop, kind: str, settings: dict[str, Any]
) -> None:
    _delivered(shop, kind)
    outcome = shop.load("customers", settings, zone="Europe/Madrid")
    assert (outcome.loaded, outcome.quarantined) == (3, 0)
    assert _versions(shop)["1"] == ("Soria", datetime(2025, 3, 30, 1, 30, tzinfo=UTC))
    (warning,) = outcome.warnings
    assert (warning.expect.name, warning.observed) == ("times_moved", "1")
    assert "is taken an hour later" in warning.expect.description


def test_nothing_is_reported_where_no_time_was_moved(shop: Shop) -> None:
    (shop.folder / "x.csv").write_text(MOVED.replace("02:30", "03:30"), encoding="utf-8")
    outcome = shop.load("customers", {"columns": {"city": "city", "updated_at": "changed"}}, zone="Europe/Madrid")
    assert (outcome.loaded, outcome.warnings) == (3, [])


def test_an_event_of_the_skipped_hour_is_still_quarantined(shop: Shop) -> None:
    (shop.folder / "x.csv").write_text("id,at,net\n1,2025-03-30 02:30:00,1\n2,2025-03-30 12:30:00,1\n")
    outcome = shop.load("transactions", {"columns": COLUMNS}, zone="Europe/Madrid")
    assert (outcome.loaded, outcome.quarantined) == (1, 1)
