"""Which offers each customer is likely to take up, and how good such offers were; see clientela.relationship.offers."""

from clientela.relationship.offers import HISTORY_DAYS, MOST_ITEMS, OfferInputs, propose_offers
from clientela.relationship.settings import OfferSettings
from clientela.segment.columns import RULE_ROW
from clientela.warehouse.run_settings import read_settings


def model(dbt, session):
    dbt.config(materialized="table")
    [[as_of_on]] = dbt.source("run", "context").select("as_of_on").fetchall()
    offers = dbt.ref("stg_offers")
    products = dbt.ref("int_product_costs").set_alias("products")
    named = offers.filter("product_key is not null").select("product_key").distinct().set_alias("named")
    read = f"ordered_on <= date '{as_of_on}' and ordered_on > date '{as_of_on}' - {HISTORY_DAYS}"
    read = f"customer_id <> 0 and product_id <> 0 and {read}"
    lines = dbt.ref("int_order_lines_identified").filter(read).set_alias("lines")
    is_item = "products.category is null or named.product_key is not null"
    known = (
        lines.join(products, "lines.product_id = products.product_id", how="left")
        .join(named, "lines.product_key = named.product_key", how="left")
        .select(
            f"""
            lines.customer_id, products.category, lines.ordered_on, lines.is_return, named.product_key is not null as is_named,
            case when {is_item} then lines.product_id end as product_id,
            case when {is_item} then lines.product_key end as product_key,
            case when {is_item} then products.product_name end as product_name,
            lines.net_amount, coalesce(lines.contribution, lines.net_amount) as contribution
            """
        )
    )
    if dbt.ref("int_product_costs").aggregate("count(*)").fetchall()[0][0] > MOST_ITEMS:
        known = _of_popular_items(known)
    purchases = known.aggregate(
        """
        customer_id, category, ordered_on, is_return, product_id, product_key, product_name,
        sum(net_amount)::double as net_amount, sum(contribution)::double as contribution
        """
    )
    contracts = (
        dbt.ref("int_contracts_identified")
        .set_alias("contracts")
        .join(products, "contracts.product_id = products.product_id", how="left")
        .filter("customer_id <> 0")
        .select(
            "contracts.customer_id, products.category, contracts.product_id, contracts.started_on, contracts.over_on"
        )
    )
    has_rules = offers.filter("coalesce(rule, '') <> ''").aggregate("count(*)").fetchall()[0][0] > 0
    months, labels = dbt.ref("int_customer_months").set_alias("months"), dbt.ref("int_rfm_scored").set_alias("labels")
    key = "months.customer_id = labels.customer_id and months.measured_on = labels.measured_on"
    today = months.join(labels, key).filter(f"months.measured_on = date '{as_of_on}' and {has_rules}")
    return propose_offers(
        as_of_on,
        OfferInputs(
            purchases=purchases.pl(),
            offers=offers.pl(),
            contracts=contracts.pl(),
            customers=today.select(f"months.customer_id, months.measured_on, {RULE_ROW}").to_arrow_table(),
        ),
        read_settings(dbt.source("run", "offer_settings"), OfferSettings),
    )


def _of_popular_items(known):
    """Without the lines of products that will not be considered, which may be most of them."""
    bought = known.filter("product_id is not null and not is_return")
    popular = (
        bought.aggregate("product_id, bool_or(is_named) as is_named, count(distinct customer_id) as buyers")
        .select(f"product_id, rank() over (order by buyers desc) <= {MOST_ITEMS} or is_named as is_considered")
        .filter("is_considered")
        .set_alias("popular")
    )
    rows = known.set_alias("known").join(popular, "known.product_id = popular.product_id", how="left")
    return rows.filter("category is not null or is_considered").select("known.*")
