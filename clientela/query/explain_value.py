"""Where one customer's value comes from, in plain words, read from the published marts.

What belongs here: the sentences. What does not: any figure that the marts do not hold.
"""

from collections.abc import Callable
from datetime import date
from typing import Any

from clientela.errors import ClientelaError

#: asks the published marts: rows of the query as dictionaries
Ask = Callable[[str], list[dict[str, Any]]]
MODELS = {
    "own_rate": "the customer's own rate so far",
    "last_period": "their orders in the last quarter",
    "mean_of_two": "the mean of their own rate and their last quarter",
    "nbd": "NBD, in which nobody leaves",
    "bg_nbd": "BG/NBD",
    "mbg_nbd": "MBG/NBD",
    "pareto_nbd": "Pareto/NBD",
    "mbg_cnbd_k": "MBG/CNBD-k, which knows regular buyers",
    "poisson_regression": "a Poisson regression on recency, frequency, value, tenure and engagement",
    "one_rate": "one rate for all customers, their own orders added",
    "gamma_gamma": "Gamma-Gamma on net revenue, times their margin",
    "normal": "their mean contribution per order, shrunk to that of all",
    "mean": "their mean contribution per order, drawn to that of all",
    "sbg": "shifted beta-geometric",
    "bdw": "beta-discrete-Weibull",
    "one_renewal_rate": "one renewal rate for all contracts",
}


def explain_value(ask: Ask, customer_id: int, currency: str) -> list[str]:
    """The sentences about one customer. Raises ClientelaError if there is no such customer."""
    found = ask(f"select * from value.customer_value where customer_id = {customer_id}")
    if not found:
        raise ClientelaError(f"There is no customer {customer_id} in the published marts.")
    if customer_id == 0:
        raise ClientelaError(
            "Customer 0 holds what nobody can be named for; it has a ledger, and no value is expected of it."
        )
    told = found[0]

    def money(amount: Any) -> str:
        return f"{float(amount):,.2f} {currency}"

    lines = [
        f"Customer {customer_id}: VIN {money(told['vin'])} = {money(told['realised_value'])} realised + "
        f"{money(told['expected_contribution'] or 0)} expected; {_place(told)}."
    ]
    lines += _realised(ask, customer_id, money)
    lines += _expected(ask, told, money)
    return lines


def _place(told: dict[str, Any]) -> str:
    """Where the customer stands among customers."""
    if told["vin_rank"] is None:
        return "a prospect, who has no rank among customers"
    by_vin = f"rank {told['vin_rank']:,} by VIN (tenth {told['vin_decile']})"
    if told["expected_rank"] is None:
        return f"{by_vin}, nothing can be expected"
    return f"{by_vin}, {told['expected_rank']:,} by what is expected (tenth {told['expected_decile']})"


def _realised(ask: Ask, customer_id: int, money: Callable[[Any], str]) -> list[str]:
    ledger = ask(
        f"""
        select component, activity, rule, is_assumed, sum(amount) as amount, sum(entries) as entries,
            min(month) as first_month, max(month) as last_month
        from value.value_ledger where customer_id = {customer_id} group by all
        order by min(case component when 'revenue' then 1 when 'discounts' then 2 when 'returns' then 3
            when 'cost of goods' then 4 when 'cost to serve' then 5 else 6 end), component, sum(amount)
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
    nothing = ask("select distinct component from value.value_ledger where source = 'none' order by 1")
    if nothing:
        lines.append(f"  Not known, and so not deducted: {', '.join(row['component'] for row in nothing)}.")
    return lines


def _months(first: date, last: date) -> str:
    return f"{first:%Y-%m}" if first == last else f"{first:%Y-%m} to {last:%Y-%m}"


def _expected(ask: Ask, told: dict[str, Any], money: Callable[[Any], str]) -> list[str]:
    if told["expected_contribution"] is None:
        why = told["fallback_reason"] or "they have neither ordered nor had a contract"
        return [f"Expected: nothing can be said; {why}."]
    months = told["horizon_months"]
    lines = [f"Expected within {months} months, discounted to the as-of day: {money(told['expected_contribution'])}."]
    if told["order_model"]:
        alive = "" if told["p_alive"] is None else f"{told['p_alive']:.0%} likely to be a customer still; "
        lines.append(
            f"  {alive}{told['expected_orders']:.2f} orders expected, from {told['orders']:,} between "
            f"{told['first_ordered_on']} and {told['last_ordered_on']}, by {_named(told['order_model'])}."
        )
        lines.append(
            f"  What an order brings is expected by {_named(told['spend_model'])}; cost to serve is taken off."
        )
    if told["contract_model"]:
        lines.append(
            f"  {money(told['expected_contract_contribution'])} of it from running contracts, by "
            f"{_named(told['contract_model'])}."
        )
    if told["expected_contribution_p10"] is not None:
        lines.append(
            f"  One time in ten less than {money(told['expected_contribution_p10'])}, one time in ten more than "
            f"{money(told['expected_contribution_p90'])}."
        )
    reasons = ask(
        """
        select target, reason from value.value_model_scores
        where kind = 'score' and is_chosen and origin_on is null
            and month_end = (select max(month_end) from value.value_model_scores)
        order by target desc
        """
    )
    lines += [f"  Why this model of {row['target']}: {row['reason']}." for row in reasons]
    if told["fallback_reason"]:
        lines.append(f"  To be known: {told['fallback_reason']}.")
    if told["is_left_truncated"]:
        lines.append(
            "  They were there within the first eight weeks of the data: how long they have been a customer is unknown."
        )
    if told["is_assumed"]:
        lines.append("  Some of their costs are assumed, not measured.")
    lines.append(f"  Season: {told['season']}.")
    return lines


def _named(models: str) -> str:
    return ", ".join(MODELS.get(name, name) for name in models.split(", "))
