"""Planning a campaign: who could be chosen, what so many can show, and the split that is kept.

Belongs here: reading what the answer needs, and writing the split to memory. Does not belong here: the arithmetic
(`clientela.relationship.campaign_plan`), and how it is shown (`clientela.cli`).
"""

import secrets
from dataclasses import dataclass

import duckdb

from clientela.config.company import Config
from clientela.errors import ClientelaError, ConfigError
from clientela.file_modes import closed
from clientela.pipeline.built_warehouse import built_warehouse, require_built
from clientela.pipeline.open_run import open_run
from clientela.relationship.campaign_plan import HELD_OUT, SampleSize, draw_arms, sample_size
from clientela.segment.columns import RULE_COLUMNS, RULE_ROW
from clientela.segment.predicates import rule_segments
from clientela.segment.settings import RuleSegment
from clientela.warehouse.lock import hold_lock
from clientela.warehouse.transactions import transaction


@dataclass(frozen=True)
class CampaignPlan:
    """A campaign as planned. `arms`: customer_id → arm, empty until it is kept; `was_kept`: it had been made before.

    `size` says what they can show if they buy as they did in the last days, as many as a campaign is watched; of `measure`,
    contribution, or net revenue where no cost of goods is known. `buyer_share`: how many of them bought in these days.
    """

    campaign_key: str
    size: SampleSize
    measure: str
    buyer_share: float
    arms: dict[int, str]
    was_kept: bool

    @property
    def held_out(self) -> int:
        return sum(arm == HELD_OUT for arm in self.arms.values())


def plan_campaign(
    config: Config, campaign_key: str, rule: str | None, held_out_share: float, effect: float | None, *, accept: bool
) -> CampaignPlan:
    """What a campaign to the customers whom `rule` speaks of can show; with `accept` its split is drawn and kept.

    A campaign that has a split keeps it, whatever is asked for now.
    """
    if not accept:
        with closed(config), hold_lock(config.data, "Plan of a campaign"), built_warehouse(config) as connection:
            return _planned(connection, config, campaign_key, rule, held_out_share, effect)
    with open_run(config, "plan") as run:
        connection = run.connection
        require_built(connection, config)
        planned = _planned(connection, config, campaign_key, rule, held_out_share, effect)
        run.as_of_on = connection.execute("select as_of_on from run.context").fetchall()[0][0]
        if planned.was_kept:
            run.message = f"The campaign {campaign_key} keeps the split that it has."
            return planned
        if not planned.size.customers:
            raise ClientelaError("The rule speaks of no customer, so there is nobody to draw; nothing was kept.")
        salt = secrets.token_hex(16)
        arms = draw_arms(customers_of(connection, rule), salt, held_out_share)
        with transaction(connection):
            connection.execute(
                """
                insert into memory.campaign_splits
                select ?, crosswalk.record_id, drawn.customer_id, drawn.arm, ?, ?, ?, ?
                from (select unnest(?) as customer_id, unnest(?) as arm) as drawn
                inner join intermediate.int_customer_crosswalk as crosswalk on drawn.customer_id = crosswalk.customer_id
                """,
                [campaign_key, salt, held_out_share, run.run_id, run.now, list(arms), list(arms.values())],
            )
        run.message = f"The split of the campaign {campaign_key} is kept."
        return CampaignPlan(campaign_key, planned.size, planned.measure, planned.buyer_share, arms, was_kept=False)


def _planned(
    connection: duckdb.DuckDBPyConnection,
    config: Config,
    campaign_key: str,
    rule: str | None,
    held_out_share: float,
    effect: float | None,
) -> CampaignPlan:
    kept = dict(
        connection.execute(
            "select customer_id, any_value(arm) from memory.campaign_splits where campaign_key = ? group by customer_id",
            [campaign_key],
        ).fetchall()
    )
    customers = list(kept) or customers_of(connection, rule)
    size, measure, buyer_share = what_they_show(connection, config, customers, held_out_share, effect)
    return CampaignPlan(campaign_key, size, measure, buyer_share, kept, was_kept=bool(kept))


def what_they_show(
    connection: duckdb.DuckDBPyConnection,
    config: Config,
    customers: list[int],
    held_out_share: float,
    effect: float | None,
) -> tuple[SampleSize, str, float]:
    """What so many can show, of which measure, and the share of them who buy: as they did in the last days, as many as a campaign
    is watched."""
    # what each bought in as many days as a campaign is watched, up to the as-of day
    ((of_contribution, of_net_revenue, has_contribution, buyer_share),) = connection.execute(
        """
        select
            coalesce(stddev_samp(coalesce(bought.contribution, 0)), 0), coalesce(stddev_samp(coalesce(bought.net_revenue, 0)), 0),
            count(bought.contribution) > 0, coalesce(avg(case when bought.orders > 0 then 1 else 0 end), 0)
        from (select unnest(?::bigint[]) as customer_id) as chosen
        left join (
            select
                customer_id, cast(sum(contribution) as double) as contribution, cast(sum(net_amount) as double) as net_revenue,
                count(*) filter (where sale_line_count > 0) as orders
            from intermediate.int_order_days
            where ordered_on > (select as_of_on from run.context) - cast(? as int)
            group by customer_id
        ) as bought using (customer_id)
        """,
        [customers, config.campaigns.window_days],
    ).fetchall()
    try:
        size = sample_size(
            of_contribution if has_contribution else of_net_revenue, len(customers), held_out_share, effect
        )
    except ValueError as error:
        raise ConfigError(f"{error}.".capitalize()) from error
    measure = "contribution" if has_contribution else "net revenue"
    return size, measure, float(buyer_share)


def customers_of(connection: duckdb.DuckDBPyConnection, rule: str | None) -> list[int]:
    """Current customers, or those whom the rule speaks of; who asked to be forgotten is none of them."""
    rows = connection.sql(
        f"""
        select labels.customer_id, labels.measured_on, {RULE_ROW}
        from intermediate.int_rfm_scored as labels
        inner join intermediate.int_customer_months as months
            on labels.customer_id = months.customer_id and labels.measured_on = months.measured_on
        inner join intermediate.int_customers as customers on labels.customer_id = customers.customer_id
        where
            months.is_as_of and labels.customer_id <> 0 and customers.erasure_requested_on is null
            and {"true" if rule else "months.is_current_customer"}
        order by labels.customer_id
        """
    )
    if not rule:
        return [customer_id for (customer_id,) in rows.select("customer_id").fetchall()]
    named = rule_segments(rows.to_arrow_table(), [RuleSegment(name="rule", predicate=rule)], RULE_COLUMNS, otherwise="")
    return sorted(named.filter(named["rule_segment"] == "rule")["customer_id"].to_list())
