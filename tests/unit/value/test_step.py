"""What the forecasts' step leaves: a table per grain, what stands is not made again, what was stopped half way is."""

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from clientela.value import step
from clientela.value.forecasts import SCHEMAS
from clientela.value.settings import ValueSettings
from clientela.value.settled import Remembered
from clientela.value.step import forecast_days
from clientela.value.tables import FORECAST_TABLES, SETTLED_TABLES
from clientela.warehouse.tables import prepare_forecast

CUSTOMERS = 40
DAYS = pl.DataFrame(
    {
        "customer_id": [c for c in range(1, CUSTOMERS + 1) for _ in range(4)],
        "ordered_on": [date(2025, 1 + 2 * k, 1 + c % 28) for c in range(1, CUSTOMERS + 1) for k in range(4)],
        "is_order": [True] * CUSTOMERS * 4,
        "net_revenue": [10.0] * CUSTOMERS * 4,
        "contribution": [4.0] * CUSTOMERS * 4,
        "cost_to_serve": [0.0] * CUSTOMERS * 4,
    }
)
CONTRACTS = pl.DataFrame(
    schema={"customer_id": pl.Int64, "started_on": pl.Date, "cancelled_on": pl.Date, "ends_on": pl.Date}
)
KEYS = pl.DataFrame({"customer_id": range(1, CUSTOMERS + 1), "key": range(1, CUSTOMERS + 1)})


@pytest.fixture
def connection(tmp_path: Path) -> Any:
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as opened:
        opened.execute("create schema forecast")
        prepare_forecast(opened)
        opened.execute("create schema memory")
        for name, definition in SETTLED_TABLES.items():
            opened.execute(f"create table memory.{name} ({definition})")
        yield opened


def forecast(connection: duckdb.DuckDBPyConnection, as_of: date, code: str = "a") -> pl.DataFrame:
    """A run; memory takes what it settled."""
    held = [connection.sql(f"select * from memory.{name}").pl() for name in SETTLED_TABLES]
    run_id = f"run {connection.sql('select count(*) from memory.settled_fits').fetchall()[0][0]}"
    made = forecast_days(
        connection,
        days=DAYS,
        contracts=CONTRACTS,
        keys=KEYS,
        as_of=as_of,
        settings=ValueSettings(month_ends=2, draws=100, origins=1),
        code_version=code,
        frozen_until=None,
        remembered=Remembered(*held, None, run_id),
    )
    for name in SETTLED_TABLES:
        connection.execute(f"insert into memory.{name} select * from forecast.{name}")
    return made


def left(connection: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[Any, ...]]]:
    return {name: connection.sql(f"select * from forecast.{name} order by all").fetchall() for name in FORECAST_TABLES}


def test_what_the_last_run_left_stands_and_all_else_is_as_from_nothing(
    connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = forecast(connection, date(2025, 8, 20))
    assert first.sort("measured_on")["measured_on"].to_list() == [
        date(2025, 4, 30),
        date(2025, 6, 30),
        date(2025, 7, 31),
        date(2025, 8, 20),
    ]
    connection.execute("update forecast.customers set season = 'stands' where not is_as_of")
    forecast(connection, date(2025, 8, 21))
    count = "select measured_on, count(*) filter (season = 'stands'), count(*) from forecast.customers group by 1 order by 1"
    assert connection.sql(count).fetchall() == [
        (date(2025, 6, 30), 40, 40),
        (date(2025, 7, 31), 40, 40),
        (date(2025, 8, 21), 0, 40),
    ]
    connection.execute("update forecast.customers set season = 'no season learnt'")
    incremental = left(connection)
    for name in FORECAST_TABLES:
        connection.execute(f"delete from forecast.{name}")
    forecast(connection, date(2025, 8, 21))
    assert left(connection) == incremental
    assert all(incremental[name] for name in ("customers", "groups", "predictions", "scores", "choices", "parameters"))


def test_a_run_that_was_stopped_half_way_leaves_no_day_that_counts(
    connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    forecast(connection, date(2025, 8, 20))
    whole = left(connection)
    real = step.Forecasts.measured

    def stopped(self: Any) -> Any:
        for number, day in enumerate(real(self)):
            if number == 1:
                raise KeyboardInterrupt
            yield day

    monkeypatch.setattr(step.Forecasts, "measured", stopped)
    with pytest.raises(KeyboardInterrupt):
        forecast(connection, date(2025, 8, 20), "b")
    monkeypatch.setattr(step.Forecasts, "measured", real)
    forecast(connection, date(2025, 8, 20))
    assert left(connection) == whole


def test_nothing_to_forecast_leaves_nothing(connection: duckdb.DuckDBPyConnection) -> None:
    forecast(connection, date(2025, 8, 20))
    assert forecast(connection, date(2024, 1, 1)).height == 0
    assert not any(left(connection).values())


def test_every_table_has_a_frame_of_its_columns() -> None:
    assert set(SCHEMAS) == set(FORECAST_TABLES) - {"days"}
