"""The customers who behave most like one: asked of the published file, one customer at a time.

Belongs here: which rows and columns of the published marts are compared. Does not belong here: the distance.
"""

from datetime import date

import polars as pl

from clientela.config.company import Config
from clientela.errors import ClientelaError
from clientela.query.sql import query_published
from clientela.segment.clusters import nearest_customers
from clientela.segment.columns import BEHAVIOUR
from clientela.segment.settings import SegmentError


def nearest(config: Config, customer_id: int, count: int = 10, as_of: date | None = None) -> pl.DataFrame:
    """What `clusters.nearest_customers` gives, the customer themselves first with rank 0.

    Compared are all who have ordered, by their behaviour at the as-of day.
    """
    columns = ", ".join(f"cast({name} as double) as {name}" for name in BEHAVIOUR)
    names, found = query_published(
        config,
        f"select customer_id, {columns} from value.customer_months "
        "where is_as_of and customer_id <> 0 and days_since_last_order is not null order by customer_id",
        as_of,
    )
    rows = pl.DataFrame(found, schema=dict.fromkeys(names, pl.Float64) | {"customer_id": pl.Int64}, orient="row")
    rows = rows.with_columns(pl.col(BEHAVIOUR).fill_null(0))
    try:
        others = nearest_customers(rows, BEHAVIOUR, customer_id, count)
    except SegmentError as error:
        raise ClientelaError(str(error)) from error
    own = rows.filter(pl.col("customer_id") == customer_id).with_columns(rank=pl.lit(0), distance=pl.lit(0.0))
    return pl.concat([own, others], how="diagonal_relaxed").select(others.columns)
