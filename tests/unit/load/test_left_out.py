"""Rows that a feed's `where` does not take: they are counted, with their money, and what counted before counts no longer."""

from decimal import Decimal
from pathlib import Path

import pytest

from clientela.errors import ConfigError, DeliveryError
from tests.unit.load.loading import LINES, Loading, shop

HEADER = "receipt,line,customer,net,sold_at,status,changed\n"
CHARGES = (
    HEADER
    + """1,1,a,10.00,2026-01-05,paid,2026-01-05 10:00
2,1,a,7.50,2026-01-06,failed,2026-01-06 10:00
3,1,b,lots,2026-01-07,failed,2026-01-07 10:00
4,1,b,20.00,2026-02-07,,2026-02-07 10:00
"""
)


def test_rows_left_out_are_counted_with_their_money(tmp_path: Path) -> None:
    company = shop(tmp_path, where="status = 'paid'")
    company.write("lines_1.csv", CHARGES)
    outcome = company.load()["transactions"]
    assert (outcome.delivered, outcome.loaded, outcome.quarantined, outcome.left_out) == (4, 1, 0, 3)
    assert company.current("transactions", "order_key, net_amount") == [("1", 10)]
    assert company.amounts() == {
        "delivered": (4, Decimal("37.5"), 1),
        "loaded": (1, Decimal(10), 0),
        "left out": (3, Decimal("27.5"), 1),
    }
    assert company.rows("select delivered_rows, left_out_rows from ledger.loads") == [(4, 3)]
    assert company.is_closed()


def test_a_condition_that_is_not_known_takes_no_row_and_one_that_asks_for_it_does(tmp_path: Path) -> None:
    company = shop(tmp_path, where="coalesce(status, 'paid') = 'paid'")
    company.write("lines_1.csv", CHARGES)
    company.load()
    assert company.current("transactions", "order_key") == [("1",), ("4",)]


@pytest.mark.parametrize("is_versioned", [True, False], ids=["versions by the rows", "versions by the batches"])
def test_a_sale_that_is_void_today_counts_no_longer_and_comes_back(tmp_path: Path, is_versioned: bool) -> None:
    columns = {**LINES["columns"], **({"updated_at": "changed"} if is_versioned else {})}
    company = shop(tmp_path, where="status = 'paid'", columns=columns)
    paid, void = "1,1,a,10.00,2026-01-05,{},2026-01-0{} 10:00\n", "1,1,a,10.00,2026-01-05,void,2026-01-06 10:00\n"
    company.write("lines_1.csv", HEADER + paid.format("paid", 5) + "2,1,b,3.00,2026-01-05,paid,2026-01-05 10:00\n")
    company.load()
    company.write("lines_2.csv", HEADER + void)
    assert company.load()["transactions"].deleted == 1
    assert company.current("transactions", "order_key") == [("2",)]
    company.write("lines_3.csv", HEADER + void.replace("void", "gone"))
    assert company.load()["transactions"].deleted == 0, "it counts no longer already"
    company.write("lines_4.csv", HEADER + paid.format("paid", 7))
    company.load()
    assert company.current("transactions", "order_key") == [("1",), ("2",)]
    assert company.is_closed()


def test_an_older_version_that_comes_late_does_not_bring_back_what_was_left_out(tmp_path: Path) -> None:
    company = shop(tmp_path, where="status = 'paid'", columns={**LINES["columns"], "updated_at": "changed"})
    company.write("lines_1.csv", HEADER + "1,1,a,10.00,2026-01-05,void,2026-01-06 10:00\n")
    company.load()
    company.write("lines_2.csv", HEADER + "1,1,a,10.00,2026-01-05,paid,2026-01-05 10:00\n")
    company.load()
    assert company.current("transactions", "order_key") == []


def test_an_attempt_that_failed_does_not_undo_the_one_that_succeeded_in_the_same_file(tmp_path: Path) -> None:
    company = shop(tmp_path, where="status = 'paid'")
    rows = HEADER + "1,1,a,10.00,2026-01-05,failed,x\n1,1,a,10.00,2026-01-05,paid,x\n"
    company.write("lines_1.csv", rows)
    company.load()
    company.write("lines_2.csv", rows + "2,1,a,1.00,2026-01-05,paid,x\n")
    company.load()
    assert company.current("transactions", "order_key") == [("1",), ("2",)]
    assert company.is_closed()


def test_what_a_snapshot_leaves_out_has_vanished_with_it(tmp_path: Path) -> None:
    company = shop(tmp_path, where="status = 'paid'", delivery="snapshot")
    company.write("lines_1.csv", CHARGES)
    company.load()
    (tmp_path / "lines_1.csv").unlink()
    company.write("lines_2.csv", CHARGES.replace("paid", "void").replace("2026-02-07,,", "2026-02-07,paid,"))
    assert company.load()["transactions"].deleted == 1
    assert company.current("transactions", "order_key") == [("4",)]


def test_one_file_holds_two_id_spaces_parted_by_a_condition(tmp_path: Path) -> None:
    company = Loading(
        tmp_path,
        {
            name: {"entities": {"transactions": {**LINES, "where": f"status = '{name}'"}}}
            for name in ("web", "store")
        },
    )  # fmt: skip
    company.write("lines_1.csv", HEADER + "1,1,7,10.00,2026-01-05,web,x\n1,1,7,20.00,2026-01-05,store,x\n")
    company.load()
    assert company.current("transactions", "source, customer_key, net_amount") == [("store", "7", 20), ("web", "7", 10)]
    assert company.rows(
        "select count(distinct order_id), count(distinct customer_record_id) from raw.transactions"
    ) == [(2, 2)]
    assert company.is_closed()


@pytest.mark.parametrize(
    ("where", "error", "sentence"),
    [
        ("net", ConfigError, "sources.till.entities.transactions.where: it must be true or false for each row"),
        ("state = 'paid'", DeliveryError, "sources.till.entities.transactions.where: the source has no column 'state'"),
        ("(select true)", ConfigError, "sources.till.entities.transactions.where: '(select true)' uses subquery"),
    ],
)
def test_a_condition_is_one_guarded_expression(
    tmp_path: Path, where: str, error: type[Exception], sentence: str
) -> None:
    company = shop(tmp_path, where=where)
    company.write("lines_1.csv", CHARGES)
    with pytest.raises((AssertionError, error), match=sentence.replace("(", r"\(").replace(")", r"\)")):
        company.load()
