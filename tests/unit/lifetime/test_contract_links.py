"""Contracts that renew each other are one relation; what runs beside is not mistaken for it."""

from datetime import date

import polars as pl

from clientela.lifetime.contract_links import link_contracts

SCHEMA = {
    "contract_id": pl.Int64,
    "customer_id": pl.Int64,
    "product_id": pl.Int64,
    "started_on": pl.Date,
    "over_on": pl.Date,
}


def links(*rows: tuple[int, int, int | None, date, date | None]) -> dict[int, tuple[object, ...]]:
    made = link_contracts(pl.DataFrame(rows, schema=SCHEMA, orient="row"))
    assert made["contract_id"].to_list() == sorted(row[0] for row in rows)
    return {row[0]: row[1:] for row in made.iter_rows()}


def test_a_chain_of_renewals_keeps_its_first_day() -> None:
    a, b, c = date(2023, 1, 1), date(2024, 1, 1), date(2025, 1, 20)
    made = links((1, 7, 5, a, b), (2, 7, 5, b, date(2025, 1, 1)), (3, 7, 5, c, None), (4, 8, 5, b, None))
    assert made[1] == (None, 2, None, a, b)
    assert made[2] == (1, 3, None, a, c)
    assert made[3] == (2, None, None, a, None)
    assert made[4] == (None, None, None, b, None), "another customer's contract renews nothing"


def test_too_late_is_new_and_another_product_only_at_once() -> None:
    over = date(2024, 6, 1)
    made = links(
        (1, 1, 5, date(2023, 1, 1), over), (2, 1, 5, date(2024, 7, 3), None),
        (3, 2, 5, date(2023, 1, 1), over), (4, 2, 6, date(2024, 6, 4), None),
        (5, 3, 5, date(2023, 1, 1), over), (6, 3, 6, date(2024, 6, 5), None),
        (7, 4, None, date(2023, 1, 1), over), (8, 4, None, date(2024, 5, 10), None),
    )  # fmt: skip
    assert [made[n][0] for n in (2, 4, 6, 8)] == [None, 3, None, 7]


def test_two_lines_renewed_on_one_day_pair_off_and_what_runs_on_is_beside_them() -> None:
    start, over = date(2023, 1, 1), date(2024, 1, 1)
    made = links(
        (1, 1, 5, start, over), (2, 1, 5, start, over), (3, 1, 5, start, None),
        (4, 1, 5, over, None), (5, 1, 5, over, None),
    )  # fmt: skip
    assert {made[4][0], made[5][0]} == {1, 2}
    assert [made[n][2] for n in (1, 2, 3, 4, 5)] == [None, 1, 1, 3, 3]
