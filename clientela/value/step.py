"""The forecasts' step of a night: what it reads in the warehouse, and the tables of schema `forecast` that it leaves.

Belongs here: relations and tables by name. Does not belong here: any forecast (`clientela.value.forecasts`), or writing memory
(`clientela.warehouse.memory` does, once the run's file is known to be good).
"""

from datetime import date

import duckdb
import polars as pl

from clientela.value.forecasts import OF_CUSTOMERS, SCHEMAS, Before, DayTables, Forecasts
from clientela.value.settings import ValueSettings
from clientela.value.settled import Remembered
from clientela.value.tables import FORECAST_TABLES, SETTLED_TABLES

_DAYS = {"made_from": pl.String, "measured_on": pl.Date, "is_as_of": pl.Boolean, "renewal_model": pl.String}
_BESIDE_CUSTOMERS = [name for name in SCHEMAS if name not in OF_CUSTOMERS]


def forecast_days(
    connection: duckdb.DuckDBPyConnection,
    *,
    days: pl.DataFrame,
    contracts: pl.DataFrame,
    keys: pl.DataFrame,
    as_of: date,
    settings: ValueSettings,
    code_version: str,
    frozen_until: date | None,
    remembered: Remembered | None = None,
) -> pl.DataFrame:
    """Forecast, and leave the figures of each measured day in schema `forecast`; gives the days, a row each, with
    the model of renewals that is used on it.

    days, contracts, keys: see clientela.value.forecasts. What the last run made of a day is kept where it was made from
    the very same: of customers the rows themselves, of all else they are written again. remembered: what was learnt at closed
    month-ends, which stands; what is learnt anew waits in `settled_…` for memory.
    """
    before = Before(code_version, _Earlier(connection), frozen_until, remembered or Remembered())
    for name in SETTLED_TABLES:
        connection.execute(f"delete from forecast.{name}")
    forecasts = Forecasts(days, contracts, as_of, settings, before, keys)
    rows: list[tuple[str, date, bool, str | None]] = []
    for day in forecasts.measured():
        # a day counts as held only where its row of `days` is there, which comes last: stopped half way, nothing is held
        if not rows:
            for name in (*_BESIDE_CUSTOMERS, "days"):
                connection.execute(f"delete from forecast.{name}")
        if not day.is_taken_over:
            for name in OF_CUSTOMERS:
                connection.execute(f"delete from forecast.{name} where measured_on = ?", [day.measured_on])
        for name, frame in day.made.frames():
            _insert(connection, name, frame)
        rows.append((day.made_from, day.measured_on, day.is_as_of, _renewal_model(day.made.scores)))
    made = pl.DataFrame(rows, schema=_DAYS, orient="row")
    if not rows:
        for name in FORECAST_TABLES:
            connection.execute(f"delete from forecast.{name}")
    kept = made.get_column("made_from").to_list()
    for name in OF_CUSTOMERS:
        connection.execute(f"delete from forecast.{name} where not list_contains(?::varchar[], made_from)", [kept])
    _insert(connection, "days", made.drop("renewal_model"))
    for name, frame in zip(SETTLED_TABLES, forecasts.settling.made(), strict=True):
        _insert(connection, name, frame)
    return made


def _renewal_model(scores: pl.DataFrame) -> str | None:
    """The model of renewals that is used on a day, if there are contracts."""
    is_chosen = (pl.col("target") == "renewals") & pl.col("is_chosen") & pl.col("origin_on").is_null()
    names = scores.filter(is_chosen).get_column("candidate").to_list()
    return str(names[0]) if names else None


class _Earlier:
    """What the last run left of days, by fingerprint (clientela.value.forecasts.Earlier)."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def __call__(self, fingerprints: list[str]) -> tuple[set[str], DayTables]:
        parameters = {"wanted": fingerprints}
        where = "where list_contains($wanted::varchar[], made_from)"
        there = self._connection.execute(f"select distinct made_from from forecast.days {where}", parameters)
        held = {name for (name,) in there.fetchall()}
        kept = {
            name: [self._connection.sql(f"select * from forecast.{name} {where}", params=parameters).pl()]
            for name in _BESIDE_CUSTOMERS
        }
        return held, DayTables.of(**kept)


def _insert(connection: duckdb.DuckDBPyConnection, table: str, frame: pl.DataFrame) -> None:
    if frame.height:
        connection.register("made_now", frame.to_arrow())
        connection.execute(f"insert into forecast.{table} by name select * from made_now")
        connection.unregister("made_now")
