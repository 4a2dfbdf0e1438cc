"""A company with contracts and no order line is a whole company: its night is published, to the cent, and says what to expect."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from tests.conftest import Company
from tests.integration.telco_fixture import CUT, Telco, write_telco

CUSTOMERS = 400


@pytest.fixture(scope="module")
def telco(tmp_path_factory: pytest.TempPathFactory) -> Telco:
    telco = write_telco(tmp_path_factory.mktemp("telco"), CUSTOMERS)
    report = Company(telco.folder).night()
    assert report.status == "published", report.message
    return telco


@pytest.fixture(scope="module")
def ask(telco: Telco) -> Callable[[str], list[tuple[Any, ...]]]:
    return Company(telco.folder).published


def test_the_recurring_amount_is_that_of_the_file_to_the_cent(telco: Telco, ask: Any) -> None:
    assert ask(
        "select sum(monthly_recurring_amount), count(*) filter (where is_active), count(*) from customer.contracts"
    ) == [(telco.recurring, int((~telco.left).sum()), CUSTOMERS)]
    assert ask("select sum(monthly_recurring_amount) from value.customer_months where is_as_of") == [(telco.recurring,)]
    ((closing, churned, gone),) = ask(
        "select closing_amount, churned_amount, churned_customers from retention.contract_movements order by month desc limit 1"
    )
    assert (closing, gone) == (telco.recurring, int(telco.left.sum()))
    assert churned == Decimal(int(telco.cents[telco.left].sum())) / 100


def test_what_is_expected_is_what_a_hand_computes(telco: Telco, ask: Any) -> None:
    assert ask("select distinct contract_model from value.customer_value where customer_id <> 0") == [
        ("one_renewal_rate",)
    ]
    ends, stays = telco.left.sum() + 0.5, (~telco.left).sum() + 0.5
    by_hand = telco.expected(stays / (stays + ends))
    total, contracts, p10, p90 = ask(
        """
        select sum(customer_value.expected_value), (select sum(expected_value) from customer.contracts),
            any_value(company.expected_value_p10), any_value(company.expected_value_p90)
        from value.customer_value cross join quality.value_predictions as company
        where company.segmentation = 'company' and company.horizon_months = 24
        """
    )[0]
    assert total == pytest.approx(by_hand, rel=1e-9) and contracts == pytest.approx(by_hand, rel=1e-9)
    assert p10 < by_hand < p90
    reasons = ask("select distinct fallback_reason from value.customer_value where expected_value > 0")
    assert len(reasons) == 1 and "no cost is known of a contract of theirs, so its net amount stands" in reasons[0][0]
    assert ask("select distinct cost_rule, contribution from customer.contracts") == [("missing", None)]


def test_every_mart_copes_without_an_order(telco: Telco, ask: Any) -> None:
    assert ask("select as_of_on::varchar from operations.publication") == [(CUT,)]
    assert ask("select sum(orders), sum(net_revenue) from value.customer_value") == [(0, 0)]
    states = dict(ask("select state, count(*) from retention.customer_retention where customer_id <> 0 group by 1"))
    assert states["cancelled"] == telco.left.sum() and set(states) <= {"active", "new", "cancelled"}
    churn = ask(
        "select distinct churn_model, round(churn_probability, 6) from retention.customer_retention where state <> 'cancelled'"
        " and customer_id <> 0"
    )
    rate = 1 - (telco.left.sum() + 0.5) / (CUSTOMERS + 1)
    assert churn == [("contract", pytest.approx(1 - rate**3, abs=1e-6))]
    assert ask("select bool_and(is_within_tolerance) from quality.value_reconciliation") in ([(True,)], [(None,)])
    due = ask("select sum(renewals_due), sum(expected_renewals) from retention.contract_renewals where is_ahead")
    assert due == [((~telco.left).sum(), pytest.approx((~telco.left).sum() * rate))]
    past = ask(
        "select renewals_due, renewals from retention.contract_renewals where not is_ahead and month = date '2026-02-01'"
    )
    assert np.sum(past, axis=0).tolist() == [CUSTOMERS, (~telco.left).sum()]
