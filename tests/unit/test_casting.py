"""How delivered text becomes numbers, days and instants, and what becomes null instead of a guess."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clientela.contracts import Column
from clientela.extract.casting import Style, sensible, typed
from clientela.extract.decimal_style import number
from clientela.extract.parameters import Parameters
from clientela.extract.time_zones import changes_of, in_zone

MADRID = Style("Europe/Madrid", "Europe/Madrid")


def value_of(kind: str, text: object, style: Style = MADRID, delivered: str = "VARCHAR") -> object:
    parameters = Parameters()
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute(f"create table delivered (x {delivered})")
        connection.execute("insert into delivered values (?)", [text])
        column = Column("x", kind, "")  # type: ignore[arg-type]
        value = typed(column, "x", delivered, style, parameters)
        bound = sensible(column) if kind in ("date", "timestamp") else "x"
        sql = f"select {bound} from (select {value} as x from delivered)"
        return connection.execute(sql, parameters.used_in(sql)).fetchall()[0][0]


@pytest.mark.parametrize(
    ("style", "text", "expected"),
    [
        ("point", "1234.50", Decimal("1234.5")),
        ("point", "1,234.50", Decimal("1234.5")),
        ("point", "-1,234,567", Decimal(-1234567)),
        ("point", "+.5", Decimal("0.5")),
        ("point", "1,5", None),
        ("point", "1,23,456", None),
        ("point", "12,345,67", None),
        ("point", "1 234", None),
        ("point", "€5", None),
        ("point", "1e3", Decimal(1000)),
        ("comma", "1234,50", Decimal("1234.5")),
        ("comma", "1.234,50", Decimal("1234.5")),
        ("comma", "-1.234.567", Decimal(-1234567)),
        ("comma", ",5", Decimal("0.5")),
        ("comma", "1.5", None),
        ("comma", "1.23", None),
        ("comma", "1,234.50", None),
        ("comma", "-", None),
        ("comma", ",", None),
        ("comma", "", None),
        ("point", "nan", None),
        ("point", "inf", None),
        ("point", "12345678901234567890", None),
        ("comma", "12345678901234567890", None),
        ("point", "1_000", None),
        ("point", "0x10", None),
        ("point", "١٢", None),
    ],
)
def test_an_amount_is_read_in_its_own_style_or_not_at_all(style: str, text: str, expected: Decimal | None) -> None:
    assert value_of("money", text, Style("UTC", "UTC", decimal_style=style)) == expected


@given(st.decimals(-(10**12), 10**12, places=2, allow_nan=False))
@settings(max_examples=60, deadline=None)
def test_every_amount_comes_back_from_either_style(amount: Decimal) -> None:
    point, grouped = f"{amount:.2f}", f"{amount:,.2f}"
    comma = grouped.translate(str.maketrans(",.", ".,"))
    for style, text in [("point", point), ("point", grouped), ("comma", comma), ("comma", point.replace(".", ","))]:
        sql = f"select {number('$text', style, 'decimal(18,4)')}"
        assert duckdb.execute(sql, {"text": text}).fetchall()[0][0] == amount


@pytest.mark.parametrize("delivered", ["DOUBLE", "FLOAT"])
@pytest.mark.parametrize(
    ("value", "expected"),
    [("17", "17"), ("-3", "-3"), ("1.5", "1.5"), ("nan", None), ("inf", None), ("-inf", None), ("1e30", "1e+30")],
)
def test_a_floating_key_is_whole_or_not_given(delivered: str, value: str, expected: str | None) -> None:
    assert value_of("text", float(value), delivered=delivered) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("12", 12), ("-3", -3), ("12.0", None), ("1,000", None), ("1e3", None), ("9" * 30, None), ("1.5", None)],
)
def test_a_whole_number_is_digits(text: str, expected: int | None) -> None:
    assert value_of("integer", text) == expected


@pytest.mark.parametrize(("delivered", "value", "expected"), [("DOUBLE", 12.0, 12), ("DOUBLE", 1.5, None)])
def test_a_whole_number_of_another_type_must_be_whole(delivered: str, value: float, expected: int | None) -> None:
    assert value_of("integer", value, delivered=delivered) == expected


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e300])
def test_a_number_that_no_amount_can_be_is_null(value: float) -> None:
    assert value_of("money", value, delivered="DOUBLE") is None
    assert value_of("integer", value, delivered="DOUBLE") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Sí", True), ("YES", True), ("0", False), ("f", False), ("maybe", None), ("2", None)],
)
def test_true_and_false_are_words_that_people_write(text: str, expected: bool | None) -> None:
    assert value_of("boolean", text) is expected


@pytest.mark.parametrize(
    ("format_", "text", "expected"),
    [
        (None, "2024-02-29", date(2024, 2, 29)),
        (None, "2023-02-29", None),
        (None, "2024-02-29 23:59:59", date(2024, 2, 29)),
        (None, "29/02/2024", None),
        (None, "0024-02-29", None),
        (None, "2924-02-28", None),
        (None, "infinity", None),
        (None, "today", None),
        ("%d/%m/%Y", "29/02/2024", date(2024, 2, 29)),
        ("%d/%m/%Y", "30/02/2024", None),
        ("%d/%m/%Y", "2024-02-29", None),
    ],
)
def test_a_day_is_read_in_its_format_or_not_at_all(format_: str | None, text: str, expected: date | None) -> None:
    assert value_of("date", text, Style("UTC", "UTC", date_format=format_)) == expected


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("zone", "text", "expected"),
    [
        ("Europe/Madrid", "2024-07-01 12:00:00", utc(2024, 7, 1, 10)),
        ("Europe/Madrid", "2024-01-01 12:00:00", utc(2024, 1, 1, 11)),
        # the clock goes back at 3: 02:30 occurs twice, and the first is meant
        ("Europe/Madrid", "2024-10-27 02:30:00", utc(2024, 10, 27, 0, 30)),
        ("Europe/Madrid", "2024-10-27 01:59:59", utc(2024, 10, 26, 23, 59, 59)),
        ("Europe/Madrid", "2024-10-27 03:00:00", utc(2024, 10, 27, 2)),
        # the clock goes forward at 2: 02:30 does not exist
        ("Europe/Madrid", "2024-03-31 02:30:00", None),
        ("Europe/Madrid", "2024-03-31 02:00:00", None),
        ("Europe/Madrid", "2024-03-31 01:59:59", utc(2024, 3, 31, 0, 59, 59)),
        ("Europe/Madrid", "2024-03-31 03:00:00", utc(2024, 3, 31, 1)),
        ("America/New_York", "2024-11-03 01:30:00", utc(2024, 11, 3, 5, 30)),
        ("America/New_York", "2024-03-10 02:30:00", None),
        # Lord Howe's clock moves by half an hour
        ("Australia/Lord_Howe", "2024-04-07 01:45:00", utc(2024, 4, 6, 14, 45)),
        ("Australia/Lord_Howe", "2024-04-07 01:15:00", utc(2024, 4, 6, 14, 15)),
        ("Australia/Lord_Howe", "2024-10-06 02:15:00", None),
        ("Australia/Lord_Howe", "2024-10-06 02:30:00", utc(2024, 10, 5, 15, 30)),
        # Samoa left out a whole day
        ("Pacific/Apia", "2011-12-30 12:00:00", None),
        ("Pacific/Apia", "2011-12-31 00:00:00", utc(2011, 12, 30, 10)),
        ("Asia/Kathmandu", "2024-01-01 12:00:00", utc(2024, 1, 1, 6, 15)),
        # a change of more than an hour: Troll station moves by two
        ("Antarctica/Troll", "2024-10-27 01:30:00", utc(2024, 10, 26, 23, 30)),
        # a time that names its zone is taken at its word
        ("Europe/Madrid", "2024-10-27T02:30:00+01:00", utc(2024, 10, 27, 1, 30)),
        ("Europe/Madrid", "2024-10-27T02:30:00Z", utc(2024, 10, 27, 2, 30)),
        ("Europe/Madrid", "2025-01-01 09:55:16 -0400", utc(2025, 1, 1, 13, 55, 16)),
        ("Europe/Madrid", "2025-01-01 09:55:16.25 +05:30", utc(2025, 1, 1, 4, 25, 16, 250000)),
        ("Europe/Madrid", "2024-10-27 02:30:00.5-0500", utc(2024, 10, 27, 7, 30, 0, 500000)),
        ("Europe/Madrid", "2024-10-27 25:00:00", None),
        ("Europe/Madrid", "soon: now", None),
        ("Europe/Madrid", "2024-13-01", None),
    ],
)
def test_a_local_time_is_the_first_that_the_clock_showed(zone: str, text: str, expected: datetime | None) -> None:
    assert value_of("timestamp", text, Style(zone, "Europe/Madrid")) == expected


def test_a_day_without_a_time_is_a_day_of_the_company() -> None:
    assert value_of("timestamp", "2024-07-01", Style("UTC", "America/New_York")) == utc(2024, 7, 1, 4)


@pytest.mark.parametrize(
    "zone", ["Europe/Madrid", "America/New_York", "Australia/Lord_Howe", "Antarctica/Troll", "Africa/Casablanca", "UTC"]
)
def test_every_local_minute_around_a_change_agrees_with_the_tz_database(zone: str) -> None:
    tz = ZoneInfo(zone)
    days = [day for day in changes_of(zone)[0] if day.startswith("2024")] or ["2024-03-31"]
    minutes = [datetime.fromisoformat(day) + timedelta(minutes=5 * i) for day in days for i in range(288)]
    parameters = Parameters()
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        sql = f"select t, {in_zone('t', zone, parameters)} from (select unnest({parameters.bind(minutes)}::timestamp[]) as t)"
        instants = dict(connection.execute(sql, parameters.used_in(sql)).fetchall())
    for local in minutes:
        instant = local.replace(tzinfo=tz, fold=0).astimezone(UTC)
        exists = instant.astimezone(tz).replace(tzinfo=None) == local
        assert instants[local] == (instant if exists else None), local


def test_values_are_bound_and_never_pasted() -> None:
    parameters = Parameters()
    hostile = "x'); drop table t; --"
    sql = f"select {parameters.bind(hostile)}, {parameters.bind(1)}"
    assert hostile not in sql
    assert duckdb.execute(sql, parameters.used_in(sql)).fetchall() == [(hostile, 1)]
