"""One mapping as SQL over the delivered columns: a column, a constant, an expression, a translation, a composed key."""

import duckdb

from clientela.config.sources import Constant, Expression, Mapping, Translated
from clientela.errors import DeliveryError
from clientela.extract.column_names import missing_column
from clientela.extract.delivery import Delivery
from clientela.extract.feed import Feed
from clientela.extract.parameters import Parameters
from clientela.masking import without_values
from clientela.sql.expressions import check_expression
from clientela.sql.quoting import quoted


def column_sql(where: str, name: str, delivery: Delivery) -> str:
    """The delivered column of that name, in any case, quoted; DeliveryError where there is none, or several."""
    by_lower = {column.lower(): column for column in delivery.columns}
    if name.lower() not in by_lower:
        raise DeliveryError(undelivered(where, name, delivery))
    return quoted(by_lower[name.lower()])


def undelivered(where: str, name: str, delivery: Delivery) -> str:
    """The sentence about a mapped column that was not delivered, or that several columns bear the name of."""
    fault = delivery.repeated.get(name.lower()) or missing_column(name, delivery.columns, delivery.expected)
    return f"{where}: the source has {fault}"


def mapped_sql(
    connection: duckdb.DuckDBPyConnection,
    feed: Feed,
    where: str,
    mapping: Mapping,
    delivery: Delivery,
    parameters: Parameters,
) -> str:
    """The mapping as SQL over a delivered row; its values are bound into `parameters`."""
    if isinstance(mapping, str):
        return column_sql(where, mapping, delivery)
    if isinstance(mapping, Constant):
        return parameters.bind(mapping.value if not isinstance(mapping.value, float) else str(mapping.value))
    if isinstance(mapping, Expression):
        check_expression(
            connection, mapping.sql, list(delivery.columns), where,
            lambda at, name, _: DeliveryError(undelivered(at, name, delivery)),
        )  # fmt: skip
        return f"(\n{mapping.sql}\n)"
    if isinstance(mapping, Translated):
        column = f"trim(cast({column_sql(where, mapping.column, delivery)} as varchar))"
        cases = " ".join(
            f"when {parameters.bind(delivered)} then {parameters.bind(meant)}"
            for delivered, meant in mapping.values.items()
        )
        return f"case {column} {cases} else {column} end"
    parts = [f"nullif(trim(cast({column_sql(where, name, delivery)} as varchar)), '')" for name in mapping]
    return joined_key(parts)


def joined_key(parts: list[str]) -> str:
    """A composed key as one text; the separator is escaped, so that two keys never look alike."""
    if len(parts) == 1:
        return parts[0]
    escaped = [f"replace(replace({part}, '\\', '\\\\'), '|', '\\|')" for part in parts]
    return " || '|' || ".join(escaped)


def types_of(
    connection: duckdb.DuckDBPyConnection, delivery: Delivery, expressions: list[str], parameters: Parameters
) -> list[str]:
    """DuckDB's types of expressions over the delivered relation; DeliveryError where they do not fit it."""
    listed = ", ".join(f"{sql} as c{i}" for i, sql in enumerate(expressions))
    sql = f"describe select {listed} from {delivery.relation} limit 0"
    try:
        described = connection.execute(sql, parameters.used_in(sql)).fetchall()
    except duckdb.Error as error:
        reason = without_values(str(error).splitlines()[0], delivery.expected.__contains__)
        raise DeliveryError(f"The mapping does not fit what was delivered: {reason}") from error
    return [row[1] for row in described]
