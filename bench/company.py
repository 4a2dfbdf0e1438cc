"""The company that is benchmarked: one till, order lines in CSV and in Parquet, of any size, made by DuckDB.

Belongs here: files and configuration. Does not belong here: measuring.
"""

from pathlib import Path

import duckdb
import yaml

LINES_PER_ORDER = 5
LINES_PER_CUSTOMER = 20
DAYS = 730
FIRST_DAY = "2024-01-01"

_LINES = """
    select
        i // {per_order} as receipt,
        i % {per_order} + 1 as line,
        -- an order belongs to one customer; some buy far more often than others
        cast(floor(power(hash(i // {per_order}) % 1000003 / 1000003.0, 2) * {customers}) as bigint) as customer,
        hash(i, 'p') % 5000 as product,
        1 + hash(i, 'q') % 3 as quantity,
        cast(1 + hash(i, 'a') % 4000 / 100.0 as decimal(18,2)) as gross,
        cast(hash(i, 'd') % 100 / 100.0 as decimal(18,2)) as discount,
        timestamp '{first_day}' + to_seconds(
            ({days} - {newest}) * 86400 + (hash(i // {per_order}, 't') % ({newest} * 86400))::bigint
        ) as sold_at
    from range({start}, {start} + {count}) as r(i)
"""


def lines_sql(count: int, start: int = 0, total: int | None = None, newest: int = DAYS) -> str:
    """SELECT of `count` order lines, numbered from `start`, of a company that has `total` in all, from its `newest` days."""
    customers = max((total or count) // LINES_PER_CUSTOMER, 10)
    return _LINES.format(
        per_order=LINES_PER_ORDER,
        customers=customers,
        first_day=FIRST_DAY,
        days=DAYS,
        newest=newest,
        start=start,
        count=count,
    )


def write_company(folder: Path, count: int, kind: str) -> Path:
    """Write the lines as `kind` (csv or parquet) and a configuration that maps them; gives the configuration's path."""
    folder.mkdir(parents=True, exist_ok=True)
    write_lines(folder / f"lines_0.{kind}", lines_sql(count), kind)
    settings = {
        "company": f"Bench {count:,}",
        "currency": "EUR",
        "time_zone": "Europe/Madrid",
        "sources": {
            "till": {
                "entities": {
                    "transactions": {
                        "files": f"lines_*.{kind}",
                        "key": ["receipt", "line"],
                        "columns": {
                            "order_key": "receipt",
                            "line_key": "line",
                            "customer_key": "customer",
                            "product_key": "product",
                            "quantity": "quantity",
                            "gross_amount": "gross",
                            "discount_amount": "discount",
                            "ordered_at": "sold_at",
                        },
                    }
                }
            }
        },
    }
    path = folder / "clientela.yml"
    path.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    return path


def write_lines(path: Path, query: str, kind: str) -> None:
    """Write the query's rows as a file of that kind."""
    connection = duckdb.connect()
    options = "format csv, header" if kind == "csv" else "format parquet"
    connection.execute(f"copy ({query}) to '{path}' ({options})")
    connection.close()
