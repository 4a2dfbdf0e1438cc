"""Who of an audience is highest, by a figure that the company has of them.

Belongs here: where each figure stands, and what is said where there is none. Does not belong here: who is in the audience
(`clientela.pipeline.audience`).
"""

import duckdb

from clientela.errors import ClientelaError
from clientela.relationship.settings import AudienceSettings

#: SQL with customer_id and figure; what it is called, and where to look when nobody has it
_FIGURES = {
    "value_at_risk": (
        "select customer_id, expected_value_at_risk as figure from retention.customer_retention",
        "value at risk", "retention.customer_retention",
    ),
    "expected_value": (
        "select customer_id, expected_value as figure from intermediate.int_customer_months where is_as_of",
        "expected value", "value.customer_value",
    ),
    "uplift": (
        "select customer_id, expected_uplift as figure from relationship.customer_uplift where campaign_id = ?",
        "uplift", "relationship.campaign_uplift (uplift_limitation)",
    ),
    "offer_probability": (
        "select customer_id, max(probability) as figure from relationship.customer_offers where offer = coalesce(?, offer) "
        "group by customer_id",
        "offer", "quality.offer_model_scores (limitation)",
    ),
}  # fmt: skip


def highest(
    connection: duckdb.DuckDBPyConnection, name: str, audience: AudienceSettings, members: list[int]
) -> list[int]:
    """The `top` of the members by `top_by`, of equals the lower numbers; who has no such figure is none of them.

    Raises ClientelaError where the company has no such figure of any of them.
    """
    if audience.top is None:
        return members
    sql, what, mart = _FIGURES[audience.top_by]
    values: list[object] = []
    of = ""
    if audience.top_by == "uplift":
        campaign_id, of = _campaign(connection, name, audience.uplift_of)
        values = [campaign_id]
    elif audience.top_by == "offer_probability":
        values, of = [audience.offer], f" of {audience.offer}" if audience.offer else ""
    found = connection.execute(
        f"""
        select figures.customer_id from ({sql}) as figures
        where figures.figure is not null and figures.customer_id in (select unnest(?::bigint[]))
        order by figures.figure desc, figures.customer_id limit ?
        """,
        [*values, members, audience.top],
    ).fetchall()
    if members and not found:
        raise ClientelaError(
            f"audiences.{name}.top_by: there is no {what}{of} known of anybody in the audience; see {mart}, or choose "
            "another `top_by`. Nothing was written."
        )
    return sorted(customer_id for (customer_id,) in found)


def _campaign(connection: duckdb.DuckDBPyConnection, name: str, campaign_key: str | None) -> tuple[int, str]:
    """The campaign whose uplift tells customers apart: the one that is named, or the last."""
    rows = connection.execute(
        """
        select campaigns.campaign_id, campaigns.campaign_key
        from relationship.campaigns as campaigns
        where campaigns.campaign_key = coalesce(?, campaigns.campaign_key)
            and campaigns.campaign_id in (select customer_uplift.campaign_id from relationship.customer_uplift)
        order by campaigns.window_until_on desc nulls last, campaigns.campaign_key limit 1
        """,
        [campaign_key],
    ).fetchall()
    if not rows:
        whose = f"the campaign {campaign_key}" if campaign_key else "any campaign"
        raise ClientelaError(
            f"audiences.{name}.top_by: nothing can be said of single customers' uplift in {whose}; "
            "relationship.campaign_uplift says why (uplift_limitation). Choose another `top_by`. Nothing was written."
        )
    campaign_id, key = rows[0]
    return int(campaign_id), f" in the campaign {key}"
