"""Definitions that a company delivers as rows: KPIs and objectives that do not compute refuse their batch when they are read.

Belongs here: where the rows stand, and which KPIs an objective may name. Does not belong here: what a definition may say
(`clientela.objective.definitions`).
"""

import csv
from collections.abc import Mapping
from typing import Any

from clientela.errors import ConfigError, DeliveryError
from clientela.load.context import ACTIVE_BATCHES, LoadContext
from clientela.objective.definitions import Kpi, check_kpi, kpi_of, objective_of, readable_kpis, sealed
from clientela.project_files import PROJECT

#: the KPIs that are shipped, a seed of the dbt project too
SHIPPED = PROJECT / "seeds" / "default_kpis.csv"


def refuse_wrong_definitions(context: LoadContext) -> None:
    """Raise DeliveryError, a sentence with file and row, for the first definition of the staged batch that does not compute."""
    entity = context.feed.entity.name
    if entity not in ("kpis", "objectives"):
        return
    known = known_kpis(context) if entity == "objectives" else {}
    with sealed() as db:
        staged = "select file_name, source_row, * from gated join batch_files using (file_index)"
        for row in context.connection.sql(staged).pl().to_dicts():
            try:
                if entity == "kpis":
                    check_kpi(db, kpi_of(row))
                else:
                    objective_of(row, known)
            except ConfigError as error:
                raise DeliveryError(f"{row['file_name']}, row {row['source_row']}: {error.sentence}") from None


def known_kpis(context: LoadContext) -> dict[str, Kpi]:
    """The KPIs that an objective may name: those shipped, and the company's own that are loaded."""
    with SHIPPED.open(encoding="utf-8", newline="") as file:
        rows: list[Mapping[str, Any]] = [
            {name: value or None for name, value in row.items()} for row in csv.DictReader(file)
        ]
    own = f"""
        select * from raw.kpis where batch_id in (select batch_id from {ACTIVE_BATCHES})
        qualify row_number() over (partition by record_id order by version desc, content_hash desc) = 1 and not is_deleted
    """
    return readable_kpis([*rows, *context.connection.sql(own).pl().to_dicts()])
