"""Amounts that follow from a row's others: what two of gross, discount and net say of the third, and the sign of a return.

Each function gives SQL expressions over the typed columns. A rule that compares rows, or a row with another table other
than the exchange rates, does not belong here; tax is in `tax`.
"""

from collections.abc import Collection, Mapping

from clientela.contracts import Entity

#: amounts of a whole order, with tax where its lines' are; of an order line they bear `order_` before their names
OF_ORDERS = ("discount_amount", "shipping_amount", "fee_amount")
SIGNED = ("quantity", "gross_amount", "discount_amount", "net_amount", "tax_amount", "cost_amount")


def as_delivered(entity: Entity, mapped: Collection[str]) -> Mapping[str, str]:
    """What of a line's amounts the gate compares between rows, before signs are set and tax is split off: the sign of a
    return's amount, and what the row says of its whole order."""
    of_order = [f"order_{name}" for name in (*OF_ORDERS, "tax_amount")]
    is_line = entity.name == "transactions"
    amounts = f"[{', '.join(of_order)}]" if is_line and not set(of_order).isdisjoint(mapped) else "null"
    sign = "case when is_return then sign(coalesce(net_amount, gross_amount)) end" if is_line else "null"
    return {
        "return_sign": f"cast({sign} as integer)",
        "order_amounts": f"cast({amounts} as decimal(18,4)[])",
    }


def completed_amounts(entity: Entity) -> Mapping[str, str]:
    """Of gross, discount and net any two give the third; a lone one has no discount. Returns become negative."""
    if entity.name != "transactions":
        return {}
    net = "coalesce(net_amount, gross_amount - coalesce(discount_amount, 0))"
    completed = {
        "net_amount": net,
        "gross_amount": "coalesce(gross_amount, net_amount + coalesce(discount_amount, 0))",
        "discount_amount": "coalesce(discount_amount, gross_amount - net_amount, 0)",
    }
    # a discount that takes more than the line brings makes it no return: what counts is what it costs before
    is_negative = f"coalesce({completed['gross_amount']} < 0, false) or coalesce(quantity < 0, false)"
    is_return = f"coalesce(is_return, {is_negative})"
    signed = {
        name: f"case when {is_return} then -abs({completed.get(name, name)}) else {completed.get(name, name)} end"
        for name in SIGNED
    }
    return signed | {"is_return": is_return}
