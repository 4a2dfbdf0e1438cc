"""Currencies: amounts in the smallest unit of theirs, and amounts converted by the exchange rate of their day.

Each function gives SQL expressions over the typed columns. Which rate a row has is found in `exchange_rates`.
"""

from collections.abc import Collection, Mapping

from clientela.contracts import Entity

#: ISO 4217 currencies whose minor unit is not a hundredth: digits after the point
_MINOR_DIGITS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
}
_DIGITS_OF = {code: digits for digits, codes in _MINOR_DIGITS.items() for code in codes.split()}


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


def converted(entity: Entity, digits: int, *, is_exchanged: bool) -> Mapping[str, str]:
    """Amounts in the company's currency at `exchange_rate`, rounded per line; gross less discount stays net.

    is_exchanged: whether a row may have another currency; where none can, every amount is the company's as it stands.
    """
    if not entity.source_amount:
        return {}

    def exchanged(name: str) -> str:
        if not is_exchanged:
            return name
        product = f"cast(cast({name} as decimal(20,4)) * exchange_rate as decimal(36,12))"
        return f"case when exchange_rate = 1 then {name} else {half_even(product, digits)} end"

    amounts = {column.name: exchanged(column.name) for column in entity.columns if column.type == "money"}
    if "gross_amount" in amounts:
        amounts["discount_amount"] = f"{amounts['gross_amount']} - {amounts['net_amount']}"
    return amounts | {f"source_{entity.source_amount}": entity.source_amount}
