"""`clientela disclose`: everything that is held of a person, from which source and for which purpose, for that person to read.

In JSON, for whoever takes it elsewhere, and as a page. It is read from raw, so every version of every row is in it, with the
totals that expired facts became, decisions about identity, and what quarantine and refused batches hold of them; what was
computed of them is taken from the marts as they are built. Values are in clear: the files are for the person, and are closed to
others.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
from jinja2 import Environment

from clientela import durable
from clientela.config.company import Config
from clientela.contracts import COMPANY_ENTITIES, META_COLUMNS
from clientela.errors import ConfigError
from clientela.extract.personal_keys import DECISION_KEYS
from clientela.file_modes import private_files
from clientela.privacy.person import Person, by_customer
from clientela.sql.quoting import quoted
from clientela.sql.surrogate_key import surrogate_key
from clientela.warehouse import audit

#: why a company that uses clientela keeps each kind of record; the company's own words may say more
PURPOSES = {
    "customers": "to know who the customer is, and to recognise them in every system",
    "transactions": "to keep what was bought, and to know what the relationship is worth to both sides",
    "orders": "to keep what was bought, and to know what the relationship is worth to both sides",
    "contracts": "to keep what was agreed, and to foresee its renewal",
    "interactions": "to serve the customer, and to measure how well",
    "campaign_contacts": "to know who was contacted by which campaign, and whether it was of use",
    "rewards": "to keep points and gifts",
    "consents": "to respect what the customer decided about contact",
    "erasures": "to carry out a request to be forgotten",
    "identity_decisions": "to know which records are the same person, where somebody decided it",
}
#: what expired facts became, by record; none says more than a month
TOTALS = {
    "expired_amounts": "so that the books add up",
    "expired_points": "so that the balance of points is right",
}
#: marts of one row or more for a customer, in the order in which they are told
_NOT_MARTS = ("raw", "ledger", "run", "identity", "staging", "intermediate", "memory", "forecast")
_HIDDEN = {name for name, *_ in META_COLUMNS} - {"source", "source_file", "loaded_at"}

_PAGE = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>What {{ company }} holds of you</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
body { color: #1c2430; background: #fff; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; margin-bottom: 1rem; }
th, td { text-align: left; padding: .2rem .6rem; border-bottom: 1px solid #d9dee5; vertical-align: top; overflow-wrap: anywhere; }
th { width: 16rem; font-weight: 600; } .quiet { color: #5a6675; }
</style>
</head>
<body>
{% macro tables(rows) %}{% for row in rows %}
<table>
{% for name, value in row.items() %}<tr><th>{{ name }}</th><td>{{ value }}</td></tr>
{% endfor %}
</table>
{% endfor %}{% endmacro %}
<h1>What {{ company }} holds of you</h1>
<p class="quiet">Customer {{ customer_id }}, {{ made_at }}. Records:
{% for r in records %}{{ r.source }} {{ r.key }}{{ "," if not loop.last else "." }}
{% endfor %}</p>
{% for part in delivered %}
<h2>{{ part.entity }} ({{ part.rows|length }})</h2>
<p class="quiet">Kept {{ part.purpose }}. From: {{ part.sources|join(", ") }}.</p>
{{ tables(part.rows) }}
{% endfor %}
{% for part in totals %}
<h2>What older facts came to, by month ({{ part.rows|length }})</h2>
<p class="quiet">Kept {{ part.purpose }}; the facts themselves are gone. From: {{ part.sources|join(", ") }}.</p>
{{ tables(part.rows) }}
{% endfor %}
{% for part in set_aside %}
<h2>{{ part.title }} ({{ part.rows|length }})</h2>
{% for row in part.rows %}
<table>
{% for name, value in row.items() %}{% if value is not none %}<tr><th>{{ name }}</th><td>{{ value }}</td></tr>
{% endif %}{% endfor %}
</table>
{% endfor %}
{% endfor %}
{% if computed %}<h2>What was computed from it</h2>{% endif %}
{% for part in computed %}
<h2>{{ part.mart }}</h2>
{{ tables(part.rows) }}
{% endfor %}
</body>
</html>
""")


@dataclass(frozen=True)
class Disclosed:
    """The two files, and how many rows they tell."""

    json_file: Path
    page: Path
    rows: int


def disclose(
    connection: duckdb.DuckDBPyConnection, config: Config, customer_id: int, folder: Path, now: datetime | None = None
) -> Disclosed:
    """Write everything of a customer into a folder that is not there yet, for its owner alone.

    Raises ClientelaError for a customer that there is not, ConfigError for a folder that is there or cannot be written.
    """
    person = by_customer(connection, customer_id)
    now = now or datetime.now(UTC)
    told = {
        "company": config.company,
        "customer_id": customer_id,
        "made_at": now.isoformat(timespec="seconds"),
        "records": [{"source": record.source, "key": record.key} for record in person.records],
        "delivered": [*_delivered(connection, person), *_decided(connection, person)],
        "totals": list(_totals(connection, person)),
        "quarantined": _quarantined(connection, person),
        "refused": _refused(connection, config, person),
        "computed": list(_computed(connection, customer_id)),
    }
    if os.path.lexists(folder):
        raise ConfigError(f"{folder} is there already; name a folder that is not.")
    try:
        with private_files():
            folder.mkdir(mode=0o700, parents=True)
            text = json.dumps(told, indent=2, ensure_ascii=False, default=str) + "\n"
            durable.write(folder / "disclosure.json", text.encode())
            aside = [
                ("Rows that did not fit", told["quarantined"]),
                ("Rows of deliveries that were refused", told["refused"]),
            ]
            set_aside = [{"title": title, "rows": rows} for title, rows in aside if rows]
            durable.write(folder / "disclosure.html", _PAGE.render(**told, set_aside=set_aside).encode())
    except OSError as error:
        raise ConfigError(
            f"{folder} cannot be written: {error.strerror}. Name a folder that you may write to."
        ) from error
    audit.leave(config, "disclose", f"customer {customer_id} to {folder}")
    rows = sum(len(part["rows"]) for part in [*told["delivered"], *told["totals"], *told["computed"]])  # type: ignore[misc]
    return Disclosed(folder / "disclosure.json", folder / "disclosure.html", rows)


def _delivered(connection: duckdb.DuckDBPyConnection, person: Person) -> Any:
    """Every version of every row, entity by entity, with where it came from."""
    for entity in COMPANY_ENTITIES:
        column = (
            "record_id" if entity.name == "customers" else "customer_record_id" if "customer_key" in entity else None
        )
        if column is None:
            continue
        rows = _rows(
            connection,
            f"select * from raw.{quoted(entity.name)} where {column} in (select unnest(?)) "
            "order by source, loaded_at, source_row",
            [person.record_ids],
        )
        if rows:
            yield _part(entity.name, rows)


def _part(entity: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "entity": entity, "purpose": PURPOSES[entity], "sources": _sources(rows), "rows": [_shown(row) for row in rows],
    }  # fmt: skip


def _sources(rows: list[dict[str, Any]]) -> list[str]:
    return sorted({str(row["source"]) for row in rows})


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """What a row says of the person, without what the loader notes in it."""
    return {name: value for name, value in row.items() if name not in _HIDDEN and value is not None}


def _decided(connection: duckdb.DuckDBPyConnection, person: Person) -> Any:
    """The decisions that somebody took about who their records are; the key of a record that is another's is not told."""
    theirs = {
        name: f"coalesce({surrogate_key(quoted(owner), quoted(name))} in (select unnest($records)), false)"
        for name, owner in DECISION_KEYS.items()
    }
    shown = ", ".join(
        f"case when {is_theirs} then {quoted(name)} end as {quoted(name)}" for name, is_theirs in theirs.items()
    )
    rows = _rows(
        connection,
        f"select * replace ({shown}) from raw.identity_decisions where {' or '.join(theirs.values())} "
        "order by loaded_at, source_row",
        {"records": person.record_ids},
    )
    if rows:
        yield _part("identity_decisions", rows)


def _totals(connection: duckdb.DuckDBPyConnection, person: Person) -> Any:
    """What their expired facts came to."""
    for table, purpose in TOTALS.items():
        rows = _rows(
            connection,
            f"select * exclude (customer_record_id) from ledger.{quoted(table)} where customer_record_id in (select unnest(?)) "
            "order by all",
            [person.record_ids],
        )
        if rows:
            shown = [{k: v for k, v in row.items() if v not in (None, "")} for row in rows]
            yield {"table": table, "purpose": purpose, "sources": _sources(rows), "rows": shown}


def _refused(connection: duckdb.DuckDBPyConnection, config: Config, person: Person) -> list[dict[str, Any]]:
    """Their rows in batches that were refused, which are kept until they are judged anew."""
    found = []
    for path in sorted((config.data / "quarantine").glob("*.parquet")):
        columns = {
            name for name, *_ in connection.execute("describe select * from read_parquet(?)", [str(path)]).fetchall()
        }
        if numbers := sorted(columns & {"record_id", "customer_record_id"}):
            named = " or ".join(f"{name} in (select unnest($records))" for name in numbers)
            found += _rows(
                connection,
                f"select * from read_parquet($path) where {named}",
                {"path": str(path), "records": person.record_ids},
            )
    return [_shown(row) for row in found]


def _quarantined(connection: duckdb.DuckDBPyConnection, person: Person) -> list[dict[str, Any]]:
    """Rows that did not fit and say a value of theirs."""
    return _rows(
        connection,
        """
        select source, entity, source_file, source_row, field, coalesce(value, personal_value) as value, reason, delivered_row
        from ledger.quarantined_rows
        where len(list_filter(?::varchar[], lambda sought:
            contains(concat_ws(' ', delivered_row, value, personal_value), sought)
        )) > 0
        """,
        [list(person.values)],
    )


def _computed(connection: duckdb.DuckDBPyConnection, customer_id: int) -> Any:
    """The rows of every built mart that bear the customer's number."""
    tables = connection.execute(
        """
        select table_schema, table_name from information_schema.columns
        where column_name = 'customer_id' and table_catalog = current_database() and table_schema not in (select unnest(?))
        order by 1, 2
        """,
        [list(_NOT_MARTS)],
    ).fetchall()
    for schema, table in tables:
        rows = _rows(connection, f"select * from {quoted(schema)}.{quoted(table)} where customer_id = ?", [customer_id])
        if rows:
            yield {
                "mart": f"{schema}.{table}",
                "rows": [{k: v for k, v in row.items() if v is not None} for row in rows],
            }


def _rows(
    connection: duckdb.DuckDBPyConnection, query: str, values: Sequence[object] | Mapping[str, object]
) -> list[dict[str, Any]]:
    cursor = connection.execute(query, values)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
