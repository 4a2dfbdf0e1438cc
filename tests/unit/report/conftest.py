"""A published file made by hand: every mart that the report reads, with the columns that it reads, of an invented company."""

import copy
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
import yaml

from clientela.config.company import Config
from clientela.config.read import load_config
from tests.conftest import SHOP

RUN, RUN_BEFORE = "20260301T030000000", "20260228T030000000"

MARTS = """
create schema operations; create schema value; create schema retention; create schema segment; create schema customer;
create schema quality;
create schema relationship; create schema objective;

create table operations.publication as select
    '{run}' as run_id, 'Casa <b>Lola</b>' as company, 'EUR' as currency, 'Europe/Madrid' as time_zone,
    date '2026-02-28' as as_of_on, timestamptz '2026-03-01 03:00:00+00' as known_at,
    timestamptz '2026-03-01 03:00:00+00' as started_at, 'contracts, rewards' as entities_without_source;

create table operations.loads (
    batch_id bigint, run_id varchar, source varchar, entity varchar, feed varchar, status varchar, reason varchar,
    retired_at timestamptz, delivered_rows bigint, loaded_rows bigint, quarantined_rows bigint, warning_count bigint,
    validation_report varchar
);
insert into operations.loads values
    (1, '{before}', 'till', 'transactions', 'transactions', 'loaded', null, null, 900, 900, 0, 0, '000001-till-transactions.html'),
    (2, '{run}', 'till', 'transactions', 'transactions', 'loaded', null, null, 105, 102, 3, 1, '000002-till-transactions.html'),
    (3, '{run}', 'crm', 'customers', 'customers', 'refused', 'quarantined_share: too many', null, 50, 0, 0, 0, '000003-crm-customers.html');
create table operations.load_checks as
select * from (values
    (2, 'rows_to_past', 'warning', false, 'rows_to_past', 'The batch has between a fifth and five times the usual rows.', '0.11'),
    (3, 'quarantined_share', 'critical', false, 'quarantined_share', 'At most a fifth …', '0.6'),
    (2, 'unbalanced_rows', 'critical', true, 'unbalanced_rows', 'Net is gross less discount.', '0')
) as checks (batch_id, expectation, severity, is_met, column_name, description, observed);
create table operations.quarantined_rows as
select 2 as batch_id, 'till' as source, 'transactions' as entity, 'sales.csv' as source_file, row as source_row,
    'net_amount' as field, cast(null as varchar) as value, 'masked:0123456789ab' as personal_value,
    'not an amount, or one of 100 billion and more' as reason, 'aa<script>' as shape
from range(7, 10) as rows (row);

-- 40 customers; from the 36th on they cost more than they brought
create table value.customer_value as
select id as customer_id, case when id = 0 then 1 else 5 end as orders,
    cast(case when id = 0 then 10 else 100 * (41 - id) end as decimal(18, 4)) as net_revenue,
    cast(case when id = 0 then 4 else 40 * (41 - id) end as decimal(18, 4)) as contribution,
    cast(case when id = 0 then 0 when id > 35 then -20 else 40 * (36 - id) end as decimal(18, 4)) as realised_value,
    case when id > 0 then 30.0e0 * (41 - id) end as expected_value, 12 as horizon_months
from range(41) as ids (id);

create table value.customer_months as
select id as customer_id, month, orders, net_revenue, contribution, is_customer, is_month_complete, is_assumed,
    month = date '2026-02-01' as is_as_of
from range(41) as ids (id)
cross join (select cast(unnest(range(date '2025-09-01', date '2026-03-01', interval 1 month)) as date) as month)
cross join lateral (select
    case when id % 3 = 0 then 0 else 1 end as orders,
    cast(case when id % 3 = 0 then 0 else 10 + month(month) end as decimal(18, 4)) as net_revenue,
    cast(case when id % 3 = 0 then 0 else 4 + month(month) / 10 end as decimal(18, 4)) as contribution,
    id > 0 and id <= 34 as is_customer, month < date '2026-02-01' as is_month_complete, false as is_assumed);

create table retention.customer_retention as
select id as customer_id,
    case when id = 0 then null when id > 34 then 'lapsed' when id % 5 = 0 then 'at_risk' when id % 7 = 0 then 'slowing'
        else 'active' end as state,
    case when id % 5 = 0 and id > 0 then 'rhythm_broken' when id % 7 = 0 and id > 0 then 'complaint_open' end as main_reason,
    case when id % 5 = 0 then 60 else 4 end as days_since_last_activity, 10.0e0 as expected_days_between_orders,
    case when id between 1 and 34 then case when id % 5 = 0 then 0.4e0 else 0.1e0 end end as churn_probability,
    'no_order' as churn_model, 3 as churn_horizon_months,
    case when id between 1 and 34 then 30.0e0 * (41 - id) * case when id % 5 = 0 then 0.4e0 else 0.1e0 end
        when id > 0 then 0 end as expected_value_at_risk
from range(41) as ids (id);

create table retention.customer_movements as
select cast(month as date) as month, 'all' as segmentation, 'all' as segment, 30 + n as opening_customers,
    4 as new_customers, 1 as returned_customers, 4 as lapsed_customers, 31 + n as closing_customers, n < 5 as is_month_complete
from (select unnest(range(date '2025-09-01', date '2026-03-01', interval 1 month)) as month, unnest(range(6)) as n);

create table retention.cohort_retention as
select 'month' as segmentation, strftime(began, '%Y-%m') as cohort, began as cohort_began_on, n = 0 as is_left_censored,
    period, 10 as customers, 10 - 2 * period as active_customers, 1 - period / 5 as share_active,
    period < 5 - n as is_period_complete
from (select cast(unnest(range(date '2025-09-01', date '2026-02-01', interval 1 month)) as date) as began, unnest(range(5)) as n)
cross join range(4) as periods (period);

create table retention.survival_curves as
select 'since landmark' as basis, 'value_tier' as segmentation, tier as segment, date '2025-09-30' as landmark_on,
    10 * n as days, 20 - n as customers_at_risk, 1 - n * fall as survival, greatest(1 - n * fall - 0.05e0, 0) as survival_low,
    least(1 - n * fall + 0.05e0, 1) as survival_high
from (values ('high', 0.01e0), ('medium', 0.02e0), ('low', 0.04e0)) as tiers (tier, fall) cross join range(11) as steps (n);

create table segment.customer_segments as
select id as customer_id,
    case when id = 0 then null when id <= 8 then 'high' when id <= 20 then 'medium' else 'low' end as value_tier,
    case when id = 0 then null when id > 34 then 'gone' when id % 4 = 0 then 'low' when id % 2 = 0 then 'medium' else 'high' end
        as engagement_tier,
    case when id = 0 then null when id <= 8 then 'keep' else 'develop' end as strategy, 'Ask them.' as strategy_advice,
    'Champions' as rfm_group
from range(41) as ids (id);

create table segment.segment_flows as
select 'value_tier' as segmentation, date '2025-11-30' as from_month_end, date '2026-02-28' as to_month_end,
    from_segment, to_segment, 3 as months_between, customers
from (values ('high', 'high', 6), ('high', 'medium', 2), ('medium', 'high', 3), ('medium', 'medium', 9),
    ('low', 'low', 18), (null, 'low', 2)) as flows (from_segment, to_segment, customers);

create table objective.objective_progress as
select objective, cast(month as date) as month, area, kpi, scope, segment, unit, 'Ana' as owner, date '2026-06-01' as due_month,
    baseline, target, path, actual, actual - baseline as change, actual as forecast_at_due, actual - 0.01e0 as forecast_at_due_p10,
    actual + 0.01e0 as forecast_at_due_p90, status, status = 'on track' as is_on_track, cast(null as varchar) as no_value_reason
from (values
    ('Lose fewer', '2025-12-01', 'retention', 'churn rate', 'company', 'company', 'share', 0.1e0, 0.09e0, 0.1e0, 0.1e0, 'baseline'),
    ('Lose fewer', '2026-01-01', 'retention', 'churn rate', 'company', 'company', 'share', 0.1e0, 0.09e0, 0.098e0, 0.12e0, 'off track'),
    ('Lose fewer', '2026-02-01', 'retention', 'churn rate', 'company', 'company', 'share', 0.1e0, 0.09e0, 0.096e0, null, 'to come'),
    ('Worth more', '2026-01-01', 'value', 'VIN', 'value_tier', 'high', 'amount', 5000.0e0, 6000.0e0, 5200.0e0, 5400.0e0, 'on track'),
    ('Later', '2026-05-01', 'value', 'VIN', 'company', 'company', 'amount', null, null, null, null, 'to come')
) as reached (objective, month, area, kpi, scope, segment, unit, baseline, target, path, actual, status);
create table objective.objective_contributions as
select 'Lose fewer' as objective, date '2026-01-01' as month, scope, segment, change
from (values ('value_tier', 'high', 0.015e0), ('value_tier', 'low', 0.005e0), ('value_tier', 'none', 0.5e0),
    ('rfm_group', 'Lost', 0.012e0)) as moved (scope, segment, change);

create table customer.customers as
select id as customer_id, 'Name <script>alert(' || id || ')</script>' as full_name, cast(null as varchar) as given_name,
    cast(null as varchar) as family_name, cast(null as varchar) as company_name
from range(41) as ids (id);

create table quality.identity_events as
select * from (values (5, 'merged', 2, '{run}'), (6, 'merged', 3, '{run}'), (7, 'split', 1, '{run}'), (8, 'created', 1, '{run}'),
    (9, 'merged', 1, '{before}')) as events (customer_id, event, record_count, run_id);

create table relationship.campaigns as select * from (values (1, date '2025-10-01'), (2, date '2025-12-01'))
    as campaigns (campaign_id, first_contacted_on);
create table relationship.campaign_results as
select *, null::double as buyer_share_difference, 'all' as segmentation, true as is_window_over from (values
    (1, 'Come back', 'loss', 'effect', 440, 151, 64, 2984.0::decimal(18, 4), 984.13::decimal(18, 4), null::double, null::double, -0.67e0),
    (2, 'Catalogue', 'open', 'association', 283, 0, 120, 465.0::decimal(18, 4), 1500.0::decimal(18, 4), null, null, 2.2e0)
) as results (campaign_id, campaign_name, verdict, evidence, assigned, held_out, buyers, cost_amount, contribution,
    incremental_contribution, return_on_spend, return_at_most);
create table relationship.programme_results as
select *, 'programme' as row_type, null::double as incremental_contribution, null::varchar as limitation from (values
    ('Club', 'defensive', 'open', date '2026-01-01', 'continue', 'association', 340, 300.0::decimal(18, 4), 12.0::decimal(18, 4), 900.0e0, 0.4e0),
    ('Club', 'defensive', 'open', date '2026-02-01', 'stop', 'association', 350, 310.0::decimal(18, 4), 17.0::decimal(18, 4), 100.0e0, -0.7e0)
) as results (programme, approach, stage, month, verdict, evidence, members, cost_amount, customer_gain_amount,
    associated_contribution, recent_return);
create table relationship.service_levels as
select *, 'phone' as channel from (values
    ('complaint', date '2026-02-01', 20, 2, 18, 9, 1, 8.0e0, 10), ('complaint', date '2025-01-01', 90, 0, 90, 0, 0, 1.0e0, 90),
    ('request', date '2026-01-01', 50, 0, 0, 0, 0, null, 0)
) as levels (kind, month, cases, open_cases, cases_with_target, cases_within_target, reopened_cases, satisfaction, answers);

create table quality.value_backtest as
select date '2025-11-30' as as_of_on, 3 as horizon_months, 'company' as segmentation, 34 as customers, 100.0e0 as expected_orders,
    98 as actual_orders, 4000.0e0 as expected_value, 4100.0e0 as actual_value,
    3600.0e0 as expected_value_p10, 4400.0e0 as expected_value_p90, 90.0e0 as expected_orders_p10,
    110.0e0 as expected_orders_p90, '20251201T030000000' as predicted_by, '{run}' as run_id, true as is_frozen
union all select date '2025-11-30', 3, 'not predicted', 7, null, 9, null, 350.0e0, null, null, null, null,
    '20251201T030000000', '{run}', true;
create table quality.value_predictions as
select horizon_months, 'company' as segmentation, '{run}' as run_id, 10.0e0 * horizon_months as expected_orders,
    9.0e0 * horizon_months as expected_orders_p10, 11.0e0 * horizon_months as expected_orders_p90,
    1500.0e0 * horizon_months as expected_value, 1400.0e0 * horizon_months as expected_value_p10,
    1600.0e0 * horizon_months as expected_value_p90
from (values (3), (12)) as horizons (horizon_months);
create table quality.value_model_scores (
    origin_on date, target varchar, holdout_days int, customers bigint, actual_total double, expected_total double,
    error_in_total double, candidate varchar, reason varchar, kind varchar, measured_on date, is_chosen boolean
);
"""


class Published:
    """A company whose published files a test writes and changes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        settings = copy.deepcopy(SHOP) | {"company": "Casa <b>Lola</b>"}
        (folder / "clientela.yml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
        self.config.published.mkdir(parents=True)
        self.write()

    @property
    def config(self) -> Config:
        return load_config(self.folder / "clientela.yml")

    def setting(self, **values: object) -> None:
        path = self.folder / "clientela.yml"
        path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text(encoding="utf-8")) | values), encoding="utf-8")

    def write(self) -> None:
        """Write the marts anew."""
        self.marts.unlink(missing_ok=True)
        self.change(MARTS.format(run=RUN, before=RUN_BEFORE))

    @property
    def marts(self) -> Path:
        return self.config.published / "marts.duckdb"

    def change(self, statements: str) -> None:
        with duckdb.connect(str(self.marts)) as connection:
            connection.execute(statements)

    def ask(self, query: str) -> list[tuple[object, ...]]:
        with duckdb.connect(str(self.marts), read_only=True) as connection:
            return connection.execute(query).fetchall()


@pytest.fixture
def company(tmp_path: Path) -> Published:
    return Published(tmp_path)


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Pictures take half a second each; a test that is not about them goes without."""

    def leave_out() -> None:
        monkeypatch.setattr("clientela.report.sections.section.draw", lambda *_: None)

    leave_out()
    return leave_out
