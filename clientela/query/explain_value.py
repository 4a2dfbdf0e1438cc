"""Where one customer's value comes from, in plain words, read from the published marts.

What belongs here: the sentences. What does not: any figure that the marts do not hold.
"""

from collections.abc import Callable
from datetime import date
from typing import Any

from clientela.errors import ClientelaError
from clientela.report.catalogue import catalogue

#: queries the published marts; gives rows as dictionaries
Query = Callable[[str], list[dict[str, Any]]]


def explain_value(query: Query, customer_id: int, currency: str) -> list[str]:
    """The sentences about one customer. Raises ClientelaError if there is no such customer."""
    found = query(
        f"""
        select value.*, retention.p_alive, retention.p_alive_reason, retention.p_no_order_3m, retention.p_no_order_6m,
            retention.p_no_order_12m, customers.first_ordered_on, customers.last_ordered_on
        from value.customer_value as value
        left join retention.customer_retention as retention using (customer_id)
        left join customer.customers as customers using (customer_id)
        where value.customer_id = {customer_id}
        """
    )
    if not found:
        raise ClientelaError(f"There is no customer {customer_id} in the published marts.")
    if customer_id == 0:
        raise ClientelaError(
            "Customer 0 holds what nobody can be named for; it has a ledger, and no value is expected of it."
        )
    [customer] = found

    def money(amount: Any) -> str:
        return f"{float(amount):,.2f} {currency}"

    lines = [
        f"Customer {customer_id}: VIN {money(customer['vin'])} = {money(customer['realised_value'])} realised + "
        f"{money(customer['expected_value'] or 0)} expected; {_rank(customer)}."
    ]
    lines += _realised(query, customer_id, money)
    lines += _expected(query, customer, money)
    lines += _coming_back(customer)
    return lines


def _rank(customer: dict[str, Any]) -> str:
    """Where the customer stands among customers."""
    if customer["vin_rank"] is None:
        return "a prospect, who has no rank among customers"
    by_vin = f"rank {customer['vin_rank']:,} by VIN (tenth {customer['vin_decile']})"
    if customer["expected_rank"] is None:
        return f"{by_vin}, nothing can be expected"
    return f"{by_vin}, {customer['expected_rank']:,} by what is expected (tenth {customer['expected_decile']})"


def _realised(query: Query, customer_id: int, money: Callable[[Any], str]) -> list[str]:
    ledger = query(
        f"""
        select component, activity, rule, is_assumed, sum(amount) as amount, sum(entries) as entries,
            min(month) as first_month, max(month) as last_month
        from value.value_ledger where customer_id = {customer_id} group by all
        order by min(case component when 'revenue' then 1 when 'discounts' then 2 when 'returns' then 3
            when 'shipping' then 4
            when 'fees' then 5 when 'cost of goods' then 6 when 'cost to serve' then 7 else 8 end), component, sum(amount)
        """
    )
    if not ledger:
        return ["Realised: nothing yet."]
    lines = ["Realised, by what and by which rule:"]
    for line in ledger:
        activity = f" ({line['activity']})" if line["activity"] else ""
        assumed = ", assumed" if line["is_assumed"] else ""
        span = _months(line["first_month"], line["last_month"])
        lines.append(
            f"  {money(line['amount'])}  {line['component']}{activity}: {line['rule']}{assumed}, "
            f"{int(line['entries']):,} {'entry' if line['entries'] == 1 else 'entries'}, {span}"
        )
    nothing = query("select distinct component from value.value_ledger where source = 'none' order by 1")
    if nothing:
        lines.append(f"  Not known, and so not deducted: {', '.join(row['component'] for row in nothing)}.")
    return lines


def _coming_back(customer: dict[str, Any]) -> list[str]:
    """Whether an order is to be expected at all, and whether they are a customer still, if that can be told."""
    if customer["p_no_order_3m"] is None:
        return []
    lines = [
        f"No order within 3 months: {customer['p_no_order_3m']:.0%} likely; within 6: "
        f"{customer['p_no_order_6m']:.0%}; within 12: {customer['p_no_order_12m']:.0%}."
    ]
    if customer["p_alive"] is not None:
        lines.append(f"  {customer['p_alive']:.0%} likely to be a customer still.")
    elif customer["p_alive_reason"]:
        lines.append(f"  Whether they are a customer still cannot be told: {customer['p_alive_reason']}.")
    return lines


def _months(first: date, last: date) -> str:
    return f"{first:%Y-%m}" if first == last else f"{first:%Y-%m} to {last:%Y-%m}"


def _expected(query: Query, customer: dict[str, Any], money: Callable[[Any], str]) -> list[str]:
    if customer["expected_value"] is None:
        why = customer["fallback_reason"] or "they have neither ordered nor had a contract"
        return [f"Expected: nothing can be said; {why}."]
    months = customer["horizon_months"]
    lines = [f"Expected within {months} months, discounted to the as-of day: {money(customer['expected_value'])}."]
    if customer["order_model"]:
        lines.append(
            f"  {customer['expected_orders']:.2f} orders expected, from {customer['orders']:,} between "
            f"{customer['first_ordered_on']} and {customer['last_ordered_on']}, by {_named(customer['order_model'])}."
        )
        lines.append(
            f"  What an order brings is expected by {_named(customer['spend_model'])}; cost to serve is taken off."
        )
    if customer["contract_model"]:
        lines.append(
            f"  {money(customer['expected_contract_value'])} of it from running contracts, by "
            f"{_named(customer['contract_model'])}."
        )
    if customer["expected_value_p10"] is not None:
        lines.append(
            f"  One time in ten less than {money(customer['expected_value_p10'])}, one time in ten more than "
            f"{money(customer['expected_value_p90'])}"
            + (
                f"; {customer['p_no_order']:.0%} likely that no order comes."
                if customer["p_no_order"] is not None
                else "."
            )
        )
    reasons = query(
        """
        select target, reason from quality.value_model_scores
        where kind = 'score' and is_chosen and origin_on is null
            and measured_on = (select max(measured_on) from quality.value_model_scores)
        order by target desc
        """
    )
    lines += [
        f"  Why this model of {row['target']}: {row['reason']}."
        for row in reasons
        if customer["contract_model" if row["target"] == "renewals" else "order_model"]
    ]
    if customer["fallback_reason"]:
        lines.append(f"  To be known: {customer['fallback_reason']}.")
    if customer["is_left_truncated"]:
        lines.append(
            "  They were there within the first eight weeks of the data: how long they have been a customer is unknown."
        )
    if customer["is_assumed"]:
        lines.append("  Some of their costs are assumed, not measured.")
    lines.append(f"  Season: {customer['season']}.")
    return lines


def _named(models: str) -> str:
    names = catalogue("en")
    return ", ".join(names.get(f"model.{model}", model) for model in models.split(", "))
