"""Headers, lines and refunds of random shops, in any order and any night: files to marts, to the cent.

What is expected is summed from the rows in plain Python.
"""

import os
import random
import tempfile
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
import yaml

from tests.conftest import Company
from tests.integration.test_orders_in_marts import SETTINGS, take_night

pytestmark = pytest.mark.prove


class Shop:
    """What each night brings, and what is known after it."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.headers: dict[int, tuple[Decimal, Decimal, Decimal, str]] = {}
        self.lines: dict[tuple[int, int], Decimal] = {}
        self.refunds: dict[int, Decimal] = {}

    def _money(self, most: int) -> Decimal:
        return Decimal(self.random.randint(0, most * 100)) / 100

    def night(self, company: Company, number: int) -> None:
        """Write some headers, new, corrected or void, some lines, new or corrected, and some refunds."""
        headers = ["order,customer,channel,placed,discount,shipping,fee,status,changed"]
        for order in self.random.sample(range(1, 9), self.random.randint(2, 5)):
            header = (self._money(9), self._money(5), self._money(1), self.random.choice(["paid", "paid", "void"]))
            self.headers[order] = header
            day = date(2026, 1, 1) + timedelta(days=order * 5)
            headers.append(
                f"{order},{self.random.choice('abc')},web,{day},{header[0]},{header[1]},{header[2]},{header[3]},"
                f"{date(2026, 2, 1) + timedelta(days=number)}"
            )
        lines = ["order,item,product,pieces,gross"]
        for _ in range(self.random.randint(4, 12)):
            key = self.random.randint(1, 8), self.random.randint(1, 4)
            if not any(line.startswith(f"{key[0]},{key[1]},") for line in lines):
                self.lines[key] = self._money(50)
                lines.append(f"{key[0]},{key[1]},{self.random.choice('pqr')},1,{self.lines[key]}")
        refund, amount = 100 + number, self._money(9) + 1
        self.refunds[refund] = amount
        company.write(f"orders_{number}.csv", "\n".join(headers) + "\n")
        company.write(f"lines_{number}.csv", "\n".join(lines) + "\n")
        company.write(
            f"refunds_{number}.csv",
            f"refund,order,amount,at\n{refund},{self.random.randint(1, 8)},{amount},2026-02-10\n",
        )

    def expected(self) -> tuple[Decimal, Decimal, Decimal, Decimal, int]:
        """Net revenue, shipping, fees, and what waits: its gross amount and its lines."""
        valid = {order: header for order, header in self.headers.items() if header[3] != "void"}
        headed = {key: gross for key, gross in self.lines.items() if key[0] in valid}
        sold = {valid[order] for order, _ in headed} and [valid[order] for order in {order for order, _ in headed}]
        net = sum(headed.values(), Decimal(0)) - sum((header[0] for header in sold), Decimal(0))
        waiting = [gross for key, gross in self.lines.items() if key not in headed]
        return (
            net - sum(self.refunds.values(), Decimal(0)),
            sum((header[1] for header in sold), Decimal(0)),
            -sum((header[2] for header in sold), Decimal(0)),
            sum(waiting, Decimal(0)),
            len(waiting),
        )


@pytest.mark.parametrize("seed", range(int(os.environ.get("CLIENTELA_SHOPS", "4"))))
def test_the_marts_hold_what_an_independent_sum_of_the_files_holds(seed: int) -> None:
    shop = Shop(seed)
    with tempfile.TemporaryDirectory() as folder:
        company = Company(Path(folder))
        settings = yaml.safe_load(yaml.safe_dump(SETTINGS))
        del settings["sources"]["flat"]
        company.config_path.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
        company.write("reference/margin_rates.csv", "department,category,margin_rate,is_assumed\n,,0.4,false\n")
        for number in range(3):
            shop.night(company, number)
            take_night(company, number)
            with duckdb.connect(str(company.config.warehouse), read_only=True) as connection:
                ((net, shipping, fees),) = connection.execute(
                    "select sum(net_amount), sum(shipping_amount), sum(fee_amount) from value.order_lines"
                ).fetchall()
                waiting = connection.execute(
                    """
                    select coalesce(sum(amount) filter (compared_with like 'amount%'), 0),
                        coalesce(sum(amount) filter (compared_with like 'lines%'), 0)
                    from quality.value_reconciliation where compared_with like '%waiting_for_header'
                    """
                ).fetchall()[0]
                assert (
                    connection.execute("select * from quality.value_reconciliation where difference <> 0").fetchall()
                    == []
                )
            assert (net, shipping, fees, *waiting) == shop.expected(), number
