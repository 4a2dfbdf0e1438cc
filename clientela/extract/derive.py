"""What follows from a row's own values once they are typed: missing amounts, returns, tax.

Each function gives SQL expressions over the typed columns. A rule that compares rows, or a row with another table other
than the exchange rates, does not belong here.
"""

from collections.abc import Collection, Mapping

from clientela.contracts import Entity
from clientela.extract.currency import half_even

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


def without_tax(entity: Entity, digits: int) -> Mapping[str, str]:
    """Amounts delivered with tax, split: tax stands apart and gross, discount and net are without it."""
    if entity.name == "orders":
        return {name: half_even(f"cast({name} / (1 + tax_rate) as decimal(36,12))", digits) for name in OF_ORDERS}
    if entity.name != "transactions":
        return {}
    tax = (
        f"coalesce(tax_amount, {half_even('cast(net_amount - net_amount / (1 + tax_rate) as decimal(36,12))', digits)})"
    )
    net = f"(net_amount - {tax})"
    share = f"case when net_amount <> 0 then {net} / net_amount else 1 / (1 + coalesce(tax_rate, 0)) end"
    gross = half_even(f"cast(gross_amount * ({share}) as decimal(36,12))", digits)
    of_orders = {
        f"order_{name}": half_even(f"cast(order_{name} * ({share}) as decimal(36,12))", digits) for name in OF_ORDERS
    }
    return {
        "tax_amount": tax,
        "net_amount": net,
        "gross_amount": gross,
        "discount_amount": f"{gross} - {net}",
    } | of_orders
