"""Who may take part in a relational activity: its conditions of access, applied to customers at month-ends.

Belongs here: the rules, guarded as those of segments are. Does not belong here: what an activity brought, which is compared as
campaigns are.
"""

import polars as pl
import pyarrow as pa

from clientela.errors import ConfigError
from clientela.segment.columns import RULE_COLUMNS
from clientela.segment.predicates import rule_segments
from clientela.segment.settings import RuleSegment

ELIGIBLE_SCHEMA = {
    "programme": pl.String(), "customer_id": pl.Int64(), "measured_on": pl.Date(), "refused_because": pl.String(),
}  # fmt: skip


def eligible_customers(rows: pa.Table, rules: dict[str, str]) -> pl.DataFrame:
    """One row per activity, customer and month-end at which its rule holds; of a rule that cannot be applied one that says why.

    rows: customer_id, measured_on and RULE_COLUMNS. rules: the predicate of each activity, by its name.
    """
    found = [pl.DataFrame(schema=ELIGIBLE_SCHEMA)]
    for programme, rule in sorted(rules.items()):
        try:
            named = rule_segments(rows, [RuleSegment(name=programme, predicate=rule)], RULE_COLUMNS, otherwise="")
        except ConfigError as error:
            reason = error.sentence.removeprefix("segments.")
            found.append(pl.DataFrame([(programme, None, None, reason)], schema=ELIGIBLE_SCHEMA, orient="row"))
            continue
        found.append(
            named.filter(pl.col("rule_segment") == programme).select(
                pl.lit(programme).alias("programme"),
                pl.col("customer_id").cast(pl.Int64),
                pl.col("measured_on").cast(pl.Date),
                pl.lit(None, pl.String).alias("refused_because"),
            )
        )
    return pl.concat(found)
