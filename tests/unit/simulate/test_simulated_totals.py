"""The truth's totals against the delivered files, added up by other means: csv and Decimal for the till, SQL for the shop."""

import csv
import datetime
from collections import defaultdict
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

import duckdb
import polars as pl

CENT = Decimal("0.01")


def refused_keys(folder: Path, source: str) -> set[str]:
    dirt = pl.read_parquet(folder / "truth" / "dirt.parquet").filter(
        (pl.col("source") == source) & (pl.col("entity") == "transactions") & (pl.col("expected") == "quarantined")
    )
    return set(dirt["record_key"])


def till_by_month(folder: Path) -> dict[datetime.date, tuple[int, Decimal, Decimal]]:
    """(lines, net, tax) a month from the good lines of the till's files, each key once."""
    refused, seen = refused_keys(folder, "till"), set()
    sums: dict[datetime.date, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0), Decimal(0)])
    for path in sorted((folder / "till").glob("ventas_*.csv")):
        lines = path.read_bytes().decode("utf-8", "replace").splitlines()
        for row in csv.DictReader(lines, delimiter=";", quoting=csv.QUOTE_NONE):
            key = f"{row['ticket']}|{row['linea']}"
            if key in refused or key in seen:
                continue
            seen.add(key)
            month = datetime.datetime.strptime(row["fecha_hora"], "%d/%m/%Y %H:%M:%S").date().replace(day=1)
            paid, rate = Decimal(row["importe"].replace(",", ".")), Decimal(row["iva"])
            tax = (paid * rate / (100 + rate)).quantize(CENT, ROUND_HALF_EVEN)
            sign = -1 if row["tipo"] == "D" else 1
            for place, value in enumerate((Decimal(1), sign * (paid - tax), sign * tax)):
                sums[month][place] += value
    return {month: (int(rows), net, tax) for month, (rows, net, tax) in sums.items()}


def truth_by_month(folder: Path, source: str) -> dict[datetime.date, tuple[int, Decimal, Decimal]]:
    totals = pl.read_parquet(folder / "truth" / "totals.parquet").filter(pl.col("source") == source)
    months = totals.group_by("month").agg(pl.col("rows_loaded", "net_cents", "tax_cents").sum())
    return {m: (rows, Decimal(net) * CENT, Decimal(tax) * CENT) for m, rows, net, tax in months.iter_rows() if rows}


def test_the_till_adds_up_to_the_cent_month_by_month(company: Path) -> None:
    assert till_by_month(company) == truth_by_month(company, "till")


def test_the_web_shop_adds_up_in_each_currency_and_in_the_companys(company: Path) -> None:
    refused = list(refused_keys(company, "webshop"))
    con = duckdb.connect()
    con.execute("set timezone = 'Europe/Madrid'")
    found = con.execute(
        """
        with lines as (
            select distinct on (order_id, line_no) *, cast(date_trunc('month', ordered_at) as date) as month
            from read_parquet($files) where order_id || '|' || line_no not in (select unnest($refused))
        ),
        priced as (
            select lines.*, coalesce((
                select rate from read_csv($rates, types = {'rate': 'decimal(18,6)'}) as r
                where r.currency = lines.currency and valid_from <= cast(ordered_at as date) order by valid_from desc limit 1
            ), 1) as rate
            from lines
        )
        select month, currency, count(*), cast(sum(net_amount) * 100 as bigint), cast(sum(tax) * 100 as bigint),
            list(net_amount), list(rate)
        from priced group by all
        """,
        {
            "files": str(company / "webshop/order_lines_*.parquet"),
            "refused": refused,
            "rates": str(company / "reference/exchange_rates.csv"),
        },
    ).fetchall()

    def converted(amounts: list[Decimal], rates: list[Decimal]) -> int:
        return int(sum((a * r).quantize(CENT, ROUND_HALF_EVEN) for a, r in zip(amounts, rates, strict=True)) * 100)

    mine = {
        (month, currency): (rows, net, tax, converted(amounts, rates))
        for month, currency, rows, net, tax, amounts, rates in found
    }
    truth = pl.read_parquet(company / "truth" / "totals.parquet").filter(
        (pl.col("source") == "webshop") & (pl.col("rows_loaded") > 0)
    )
    columns = ("month", "currency", "rows_loaded", "net_cents", "tax_cents", "company_net_cents")
    assert mine == {(m, c): tuple(rest) for m, c, *rest in truth.select(columns).iter_rows()}
    assert {currency for _, currency in mine} == {"EUR", "GBP", "PLN", "USD"}


def test_delivered_is_loaded_plus_quarantined_plus_repeated_in_every_file(company: Path) -> None:
    rows = pl.read_parquet(company / "truth" / "rows.parquet")
    parts = rows["rows_loaded"] + rows["rows_quarantined"] + rows["rows_repeated"]
    assert (parts == rows["rows_delivered"]).all()
    delivered = {(s, e): n for s, e, n in rows.select("source", "entity", "rows_delivered").iter_rows()}
    assert delivered["till", "transactions"] == sum(
        path.read_bytes().count(b"\n") - 1 for path in (company / "till").glob("ventas_*.csv")
    )
    totals = (
        pl.read_parquet(company / "truth" / "totals.parquet")
        .group_by("source")
        .agg(pl.col("rows_loaded", "rows_quarantined", "rows_repeated").sum())
    )
    for source, *counts in totals.iter_rows():
        row = rows.filter((pl.col("source") == source) & (pl.col("entity") == "transactions"))
        assert counts == list(row.select("rows_loaded", "rows_quarantined", "rows_repeated").row(0))


def test_every_order_of_the_truth_is_delivered_and_every_delivered_one_is_in_the_truth(company: Path) -> None:
    orders = pl.read_parquet(company / "truth" / "orders.parquet")
    web = pl.read_parquet(company / "webshop" / "order_lines_*.parquet")["order_id"].cast(pl.String)
    assert set(orders.filter(pl.col("source") == "webshop")["order_key"]) == set(web)
    returned = orders.filter(pl.col("is_return"))
    assert (returned["net_cents"] < 0).all()
    assert 0.01 < len(returned) / len(orders) < 0.1


def test_what_each_customer_bought_in_the_process_is_what_his_records_were_sold(company: Path) -> None:
    """Sales of a person, less returns, charges and what campaigns added, are the process's own less what they kept away."""
    orders = pl.read_parquet(company / "truth" / "orders.parquet").filter(
        (pl.col("person_id") > 0) & ~pl.col("is_return") & ~pl.col("is_subscription") & pl.col("caused_by").is_null()
    )
    bought = orders.group_by("person_id").len("bought")
    customers = (
        pl.read_parquet(company / "truth" / "customers.parquet").join(bought, on="person_id", how="left").fill_null(0)
    )
    missing = customers["orders_in_process"].cast(pl.Int64) - customers["bought"].cast(pl.Int64)
    assert (missing >= 0).all()
    assert (missing == 0).mean() > 0.97  # type: ignore[operator]
