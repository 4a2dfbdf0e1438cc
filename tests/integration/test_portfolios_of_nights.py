"""Portfolios from night to night: capacities hold, memory keeps who is held, a closed one is emptied with its reason."""

from tests.conftest import Company

HEADER = "portfolio,manager,capacity,rule,capacity_hours,territories,languages,tiers,opened_on,closed_on\n"


def test_portfolios_hold_customers_from_night_to_night(running: Company) -> None:
    lines = [f"{100 + n},1,c{n},bread,{n}.00,2026-02-{1 + n % 20:02} 10:00:00" for n in range(1, 13)]
    running.write("sales_3.csv", "receipt,line,customer,product,net,sold_at\n" + "\n".join(lines) + "\n")
    running.change(lambda settings: settings.update(reference_folder="reference"))
    running.write("reference/portfolios.csv", HEADER + "north,Eva,4,orders_12m > 0,,,,,,\nsouth,Leo,3,,,,,,,\n")
    assert running.night().status == "published"
    load = "select portfolio, customers, capacity, is_open, refused_because from relationship.portfolio_load order by 1"
    assert running.published(load) == [("north", 4, 4, True, None), ("south", 3, 3, True, None)]
    held = "select customer_id, portfolio from relationship.portfolio_assignments where is_assigned order by all"
    first = running.published(held)
    pool = "select distinct assignment_reason from relationship.portfolio_assignments where not is_assigned"
    assert len(first) == 7 and running.published(pool) == [("no portfolio has room for them",)]
    assert running.warehouse("select customer_id, portfolio from memory.portfolio_decisions order by all") == first

    # a day later the north is closed
    running.write("sales_4.csv", "receipt,line,customer,product,net,sold_at\n200,1,c1,bread,1.00,2026-02-27 10:00:00\n")
    running.write("reference/portfolios.csv", HEADER + "north,Eva,4,,,,,,,2026-02-27\nsouth,Leo,5,,,,,,,\n")
    assert running.night().status == "published"
    assert running.published(load) == [("north", 0, 4, False, None), ("south", 5, 5, True, None)]
    second = running.published(held)
    stayed = {customer for customer, portfolio in first if portfolio == "south"}
    assert stayed < {customer for customer, _ in second}
    moved = running.published(
        "select assignment_reason, previous_portfolio, count(*) from relationship.portfolio_assignments "
        "where assigned_on = date '2026-02-27' group by all order by all"
    )
    assert sum(count for reason, before, count in moved if reason.startswith("north closed on 2026-02-27")) == 4
    history = running.published(
        "select portfolio, is_current, valid_until_on, count(*) from relationship.portfolio_history group by all order by all"
    )
    assert [(name, now, str(until)) for name, now, until, _ in history] == [
        ("north", False, "2026-02-27"), ("south", True, "None"),
    ]  # fmt: skip
    assert [count for *_, count in history] == [4, 5]
