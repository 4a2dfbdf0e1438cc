"""Where a customer's value comes from is said in words, from the marts' own figures."""

from collections.abc import Callable
from typing import Any

import duckdb
import pytest

from clientela.errors import ClientelaError
from clientela.query.explain_value import explain_value


@pytest.fixture
def ask() -> Callable[[str], list[dict[str, Any]]]:
    connection = duckdb.connect()
    connection.execute(
        """
        create schema value;
        create schema quality;
        create schema retention;
        create schema customer;
        create table all_of_it as
        select * from (values
            (1, 1200.5, 800.5, 400.0, 100.0, 700.0, 50.0, 0.93, 12.5, 24, 3, 1, 5, 1, 'mbg_nbd', 'gamma_gamma', 'sbg', null,
                'no season learnt', 20, date '2025-01-02', date '2025-12-01', true, true),
            (6, 1200.5, 800.5, 400.0, 100.0, 700.0, 50.0, 0.93, 12.5, 24, 3, 1, 5, 1, 'mbg_nbd', 'gamma_gamma', null, null,
                'no season learnt', 20, date '2025-01-02', date '2025-12-01', true, true),
            (2, -3.0, -3.0, null, null, null, null, null, null, null, 9, 10, 8, 9, null, null, null, null, null, 0, null, null,
                false, false),
            (3, -1.0, -1.0, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, 0,
                null, null, false, false),
            (4, -4.0, -4.0, null, null, null, null, null, null, null, 7, 8, null, null, null, null, null, null, null, 0, null,
                null, false, false),
            (0, null, 5.0, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, 0,
                null, null, false, false)
        ) as t(customer_id, vin, realised_value, expected_value, expected_value_p10, expected_value_p90,
            expected_contract_value, p_alive, expected_orders, horizon_months, vin_rank, vin_decile, expected_rank,
            expected_decile, order_model, spend_model, contract_model, fallback_reason, season, orders, first_ordered_on,
            last_ordered_on, is_left_truncated, is_assumed);
        create table value.customer_value as
        select * exclude (p_alive, first_ordered_on, last_ordered_on), case when customer_id = 1 then 0.02 end as p_no_order
        from all_of_it;
        create table retention.customer_retention as select * from (values
            (1, .123, .08, .031, .93, null), (4, .99, .95, .9, null, 'most were there before the data begin'),
            (2, null, null, null, null, null), (0, null, null, null, null, null), (3, null, null, null, null, null)
        ) as t(customer_id, p_no_order_3m, p_no_order_6m, p_no_order_12m, p_alive, p_alive_reason);
        create table customer.customers as select customer_id, first_ordered_on, last_ordered_on from all_of_it;
        create table value.value_ledger as
        select * from (values
            (1, date '2025-01-01', 'revenue', '', 'sales before discounts', 'till', 30, 1000.0, false),
            (1, date '2025-02-01', 'revenue', '', 'sales before discounts', 'till', 10, 200.0, false),
            (1, date '2025-02-01', 'cost of goods', '', 'company margin', 'till', 10, -399.5, true),
            (2, date '2025-03-01', 'campaigns', 'Spring', 'unit cost', 'mail', 1, -3.0, false),
            (0, date '2025-12-01', 'rewards', '', 'nothing delivered that tells it', 'none', 0, 0.0, false)
        ) as t(customer_id, month, component, activity, rule, source, entries, amount, is_assumed);
        create table quality.value_model_scores as
        select date '2025-12-31' as measured_on, null::date as origin_on, 'orders' as target, 'score' as kind,
            'mbg_nbd' as candidate, true as is_chosen, 'it has the lowest deviance' as reason
        union all by name
        select date '2025-12-31' as measured_on, null::date as origin_on, 'renewals' as target, 'score' as kind,
            'tenure_curve' as candidate, true as is_chosen, 'it has the lowest Brier score' as reason;
        """
    )

    def rows(query: str) -> list[dict[str, Any]]:
        answer = connection.execute(query)
        names = [column[0] for column in answer.description or []]
        return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]

    return rows


def test_every_part_is_explained_with_its_rule_and_every_reservation(ask: Any) -> None:
    text = "\n".join(explain_value(ask, 1, "EUR"))
    for said in (
        "VIN 1,200.50 EUR = 800.50 EUR realised + 400.00 EUR expected",
        "one time in ten more than 700.00 EUR; 2% likely that no order comes.",
        "1,200.00 EUR  revenue: sales before discounts, 40 entries, 2025-01 to 2025-02",
        "-399.50 EUR  cost of goods: company margin, assumed, 10 entries, 2025-02",
        "Not known, and so not deducted: rewards.",
        "12.50 orders expected",
        "No order within 3 months: 12% likely; within 6: 8%; within 12: 3%.",
        "93% likely to be a customer still.",
        "by MBG/NBD",
        "50.00 EUR of it from running contracts, by shifted beta-geometric",
        "One time in ten less than 100.00 EUR, one time in ten more than 700.00 EUR",
        "Why this model of orders: it has the lowest deviance.",
        "Why this model of renewals: it has the lowest Brier score.",
        "within the first eight weeks",
        "assumed, not measured",
        "no season learnt",
    ):
        assert said in text, said


def test_a_model_is_explained_to_those_whom_it_concerns(ask: Any) -> None:
    text = "\n".join(explain_value(ask, 6, "EUR"))
    assert "Why this model of orders" in text and "renewals" not in text


def test_of_whom_nothing_can_be_expected_that_is_said(ask: Any) -> None:
    text = "\n".join(explain_value(ask, 2, "EUR"))
    assert "campaigns (Spring): unit cost, 1 entry, 2025-03" in text
    assert "Expected: nothing can be said; they have neither ordered nor had a contract." in text


@pytest.mark.parametrize(("customer", "sentence"), [(99, "no customer 99"), (0, "Customer 0 holds what nobody")])
def test_nobody_and_the_anonymous_are_answered_in_a_sentence(ask: Any, customer: int, sentence: str) -> None:
    with pytest.raises(ClientelaError, match=sentence):
        explain_value(ask, customer, "EUR")


@pytest.mark.parametrize(
    ("customer", "said"),
    [
        (1, "rank 3 by VIN (tenth 1), 5 by what is expected (tenth 1)"),
        (3, "a prospect, who has no rank among customers"),
        (4, "rank 7 by VIN (tenth 8), nothing can be expected"),
    ],
)
def test_that_a_customer_has_no_rank_is_said(ask: Any, customer: int, said: str) -> None:
    assert said in explain_value(ask, customer, "EUR")[0]


def test_where_it_cannot_be_told_whether_they_are_a_customer_still_it_says_why(ask: Any) -> None:
    text = "\n".join(explain_value(ask, 4, "EUR"))
    assert "No order within 3 months: 99% likely; within 6: 95%; within 12: 90%." in text
    assert "Whether they are a customer still cannot be told: most were there before the data begin." in text
    assert "No order within" not in "\n".join(explain_value(ask, 2, "EUR")), "nothing but contracts, or nothing at all"
