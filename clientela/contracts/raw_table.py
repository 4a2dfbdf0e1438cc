"""The columns that an entity's raw table has, made of its contract."""

from clientela.contracts import META_COLUMNS, SQL_TYPES, Entity


def raw_columns(entity: Entity) -> dict[str, str]:
    """Name → DuckDB type of every column of the entity's raw table, in table order."""
    columns = {name: sql_type for name, sql_type, _ in META_COLUMNS}
    for column in entity.columns:
        columns[column.name] = column.sql_type
        if column.refers_to:
            columns[column.id_name] = "bigint"
    if "order_key" in entity:
        columns["order_id"] = "bigint"
    if "return_of_order_key" in entity:
        columns["return_of_order_id"] = "bigint"
    if entity.source_amount:
        columns["exchange_rate"] = SQL_TYPES["rate"]
        columns[f"source_{entity.source_amount}"] = entity[entity.source_amount].sql_type
    return columns
