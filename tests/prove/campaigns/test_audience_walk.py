"""An audience of the invented company from its rule to its result: previewed, written out, and judged by the orders that come."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from clientela.pipeline.audience import preview_audience, write_audience
from clientela.simulate import SimulateSettings, write_company
from tests.conftest import Company

pytestmark = pytest.mark.prove
WRITTEN_AT = datetime(2026, 1, 2, 8, 0, tzinfo=UTC)
#: share of those held out who buy in the days after, what being contacted truly adds to it, and an order's net amount
BASE, TRUE_EFFECT, AMOUNT = 0.3, 0.25, 40.0


def test_an_audience_is_judged_by_the_orders_that_come(tmp_path: Path) -> None:
    folder = tmp_path / "invented"
    write_company(SimulateSettings(customers=1_500, seed=11, dirt=0.0), folder)
    company = Company(folder)
    company.change(
        lambda settings: settings.update(
            limits={"memory": "2GB", "threads": 2},
            permissions={"defaults": [{"purpose": "relationship", "channel": "email"}]},
            audiences={
                "shoppers": {
                    "rule": "cumulative_orders >= 1", "purpose": "marketing", "channel": "email", "held_out": 0.5,
                    "unit_cost": 0.02, "fixed_cost": 50, "keys_of": "webshop", "columns": ["customer_key", "given_name", "email"],
                }
            },
        )
    )  # fmt: skip
    report = company.night(datetime(2026, 1, 1, 3, 0, tzinfo=UTC))
    assert report.status == "published", report.message
    seen = preview_audience(company.config, "shoppers", effect=1.0, now=WRITTEN_AT)
    written = write_audience(company.config, "shoppers", now=WRITTEN_AT)
    assert written.path is not None
    assert written.chosen + written.held_out == seen.members > 400
    assert written.chosen == pl.read_csv(written.path).height
    forbidden = company.warehouse(
        """
        select count(*) from memory.audience_members as members
        inner join intermediate.int_customer_crosswalk as crosswalk using (record_id)
        inner join relationship.contact_permissions as permissions on crosswalk.customer_id = permissions.customer_id
        where purpose = 'marketing' and channel = 'email' and not is_contactable
        """
    )
    assert forbidden == [(0,)]

    # January's orders: the till knows nothing of the audience, and contact changes what is bought
    members = company.warehouse(
        """
        select members.arm, min(records.customer_key)
        from memory.audience_members as members
        inner join intermediate.int_customer_crosswalk as crosswalk using (record_id)
        inner join intermediate.int_customer_crosswalk as of_customer on crosswalk.customer_id = of_customer.customer_id
        inner join customer.customer_records as records on of_customer.record_id = records.customer_record_id
        where records.source = 'webshop' group by members.customer_id, members.arm order by all
        """
    )
    rng = np.random.default_rng(5)
    buys = [rng.random() < BASE + TRUE_EFFECT * (arm == "chosen") for arm, _ in members]
    buyers = [key for (_, key), is_buyer in zip(members, buys, strict=True) if is_buyer]
    template = pl.read_parquet(sorted((folder / "webshop").glob("order_lines_*.parquet"))[0])
    rows = template.filter(~pl.col("is_return")).head(1)
    orders = pl.concat([rows] * len(buyers)).with_columns(
        pl.Series("order_id", [90_000_000 + number for number in range(len(buyers))]).cast(template.schema["order_id"]),
        pl.Series("user_id", [int(key) for key in buyers]).cast(template.schema["user_id"]),
        pl.lit(datetime(2026, 1, 12, 12, 0)).cast(template.schema["ordered_at"]).alias("ordered_at"),
        pl.lit(AMOUNT).cast(template.schema["net_amount"]).alias("net_amount"),
        pl.lit(None, template.schema["promo_code"]).alias("promo_code"),
    )
    last = orders.tail(1).with_columns(
        pl.lit(91_000_000).cast(template.schema["order_id"]).alias("order_id"),
        pl.lit(datetime(2026, 2, 20, 12, 0)).cast(template.schema["ordered_at"]).alias("ordered_at"),
    )
    pl.concat([orders, last]).write_parquet(folder / "webshop" / "order_lines_zz.parquet")
    report = company.night(datetime(2026, 2, 21, 3, 0, tzinfo=UTC))
    assert report.status == "published", report.message
    [(evidence, limitation, assigned, held_out, low, high, has_effect, cost)] = company.published(
        """
        select evidence, limitation, assigned, held_out, buyer_share_low, buyer_share_high, has_effect,
            cost_amount
        from relationship.campaign_results where campaign_key = 'shoppers' and segmentation = 'all'
        """
    )
    assert (evidence, assigned, held_out) == ("effect", written.chosen, written.held_out), limitation
    # 0.9 is the interval's level; the seed is one of the nine in ten
    true = TRUE_EFFECT * len(members) / (assigned + held_out)
    assert low <= true <= high and has_effect, (low, true, high)
    assert float(cost) == 50 + round(0.02 * written.chosen, 4)
    assert company.published("select count(*) from relationship.campaign_contacts where role = 'held_out' and "
                             "campaign_id = (select campaign_id from relationship.campaigns where campaign_key = 'shoppers')"
                             ) == [(held_out,)]  # fmt: skip
    assert write_audience(company.config, "shoppers", now=datetime(2026, 2, 22, 8, 0, tzinfo=UTC)).was_written
