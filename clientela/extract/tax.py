"""Tax: amounts that were delivered with it are split, and where a feed must say how much it is.

Each function gives SQL expressions over the typed columns. Sums without tax are made in `amounts`.
"""

from collections.abc import Mapping

from clientela.contracts import Entity
from clientela.errors import ConfigError
from clientela.extract.amounts import OF_ORDERS
from clientela.extract.currency import half_even
from clientela.extract.feed import Feed


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


def need_tax(feed: Feed) -> None:
    """Raise ConfigError where a feed whose amounts include tax maps nothing that says how much."""
    if feed.entity.name == "transactions" and not {"tax_amount", "tax_rate"} & set(feed.settings.columns):
        raise ConfigError(
            f"{feed.where}: amounts of {feed.source_name} include tax, so tax_amount or tax_rate must be mapped."
        )
    has_amounts = not set(OF_ORDERS).isdisjoint(feed.settings.columns)
    if feed.entity.name == "orders" and has_amounts and "tax_rate" not in feed.settings.columns:
        raise ConfigError(f"{feed.where}: amounts of {feed.source_name} include tax, so tax_rate must be mapped.")
