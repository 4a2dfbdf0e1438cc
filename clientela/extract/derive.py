"""What follows from a row's own values once they are typed: missing amounts, returns, tax, company currency.

Each function gives SQL expressions over the typed columns. A rule that compares rows, or a row with another table other
than the exchange rates, does not belong here.
"""

from collections.abc import Collection, Mapping

from clientela.contracts import Entity

#: ISO 4217 currencies whose minor unit is not a hundredth: digits after the point
_MINOR_DIGITS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
}
_DIGITS_OF = {code: digits for digits, codes in _MINOR_DIGITS.items() for code in codes.split()}
#: amounts of a whole order, with tax where its lines' are; of an order line they bear `order_` before their names
OF_ORDERS = ("discount_amount", "shipping_amount", "fee_amount")
SIGNED = ("quantity", "gross_amount", "discount_amount", "net_amount", "tax_amount", "cost_amount")


def minor_digits(currency: str) -> int:
    """Digits after the point of the currency's smallest unit (ISO 4217)."""
    return _DIGITS_OF.get(currency, 2)


def minor_units(entity: Entity, currency: str) -> str:
    """How many of the smallest unit make one of a row's currency, or of `currency` where the entity states none, as SQL."""
    if "currency" not in entity:
        return str(10 ** minor_digits(currency))
    listed = {digits: "', '".join(codes.split()) for digits, codes in _MINOR_DIGITS.items()}
    cases = " ".join(f"when currency in ('{codes}') then {10**digits}" for digits, codes in listed.items())
    return f"(case {cases} else 100 end)"


def in_major_units(entity: Entity, mapped: Collection[str], currency: str) -> Mapping[str, str]:
    """The mapped amounts that were delivered in the smallest unit of their currency, four digits kept."""
    units = minor_units(entity, currency)
    return {
        column.name: f"cast(cast({column.name} as decimal(20,4)) * cast(1 / {units} as decimal(4,3)) as decimal(18,4))"
        for column in entity.columns
        if column.type == "money" and column.name in mapped
    }


def half_even(expression: str, digits: int) -> str:
    """Round an exact decimal half to even; DuckDB's own `round` goes half away from zero."""
    unit = f"1e-{digits}" if digits else "1"
    unit = f"cast({unit} as decimal(18,12))"
    rounded = f"round(abs({expression}), {digits})"
    is_tie = f"{rounded} - abs({expression}) = {unit} / 2"
    is_odd = f"cast({rounded} * {10**digits} as hugeint) % 2 = 1"
    nearest = f"case when {is_tie} and {is_odd} then {rounded} - {unit} else {rounded} end"
    return f"cast(sign({expression}) * ({nearest}) as decimal(18,4))"


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


def converted(entity: Entity, digits: int) -> Mapping[str, str]:
    """Amounts in the company's currency at `exchange_rate`, rounded per line; gross less discount stays net."""
    if not entity.source_amount:
        return {}

    def exchanged(name: str) -> str:
        product = f"cast(cast({name} as decimal(20,4)) * exchange_rate as decimal(36,12))"
        return f"case when exchange_rate = 1 then {name} else {half_even(product, digits)} end"

    amounts = {column.name: exchanged(column.name) for column in entity.columns if column.type == "money"}
    if "gross_amount" in amounts:
        amounts["discount_amount"] = f"{amounts['gross_amount']} - {amounts['net_amount']}"
    return amounts | {f"source_{entity.source_amount}": entity.source_amount}
