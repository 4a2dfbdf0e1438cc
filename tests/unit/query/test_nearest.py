"""Who behaves most like a customer, read from the published file."""

import duckdb
import pytest

from clientela.errors import ClientelaError
from clientela.query.nearest import nearest
from clientela.segment.columns import BEHAVIOUR
from tests.conftest import Company


@pytest.fixture
def published(shop: Company) -> Company:
    """Customers 1 to 4 whose behaviour grows with their number; 5 has never ordered, 0 is nobody."""
    shop.config.published.mkdir(parents=True)
    columns = ", ".join(f"n * 1.0 as {name}" for name in BEHAVIOUR if name != "days_since_last_order")
    with duckdb.connect(str(shop.config.published / "marts.duckdb")) as connection:
        connection.execute("create schema value")
        connection.execute(
            f"""
            create table value.customer_months as
            select n as customer_id, true as is_as_of, case when n < 5 then n * 1.0 end as days_since_last_order, {columns}
            from range(0, 6) as t(n)
            """
        )
    return shop


def test_the_customer_comes_first_and_the_most_alike_next(published: Company) -> None:
    found = nearest(published.config, 1, 2)
    assert found.select("rank", "customer_id").rows() == [(0, 1), (1, 2), (2, 3)]
    assert found["distance"][0] == 0.0 and found["distance"].is_sorted()


@pytest.mark.parametrize("customer_id", [0, 5, 99])
def test_who_is_nobody_or_never_ordered_has_no_nearest(published: Company, customer_id: int) -> None:
    with pytest.raises(ClientelaError, match=str(customer_id)):
        nearest(published.config, customer_id)
