"""A telephone company as such a file is found in public: one row per customer with their months of tenure, what they are charged
a month, and whether they left in the last month. No order line, no price list, no day of anything.

Invented numbers, in the shape of the file of 7,043 customers that courses use. What must come out is computed by hand here, with
nothing of clientela.
"""

import csv
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import yaml

CUT = "2026-02-28"
CONFIG: dict[str, Any] = {
    "company": "Telephones",
    "currency": "EUR",
    "time_zone": "Europe/Madrid",
    "data_folder": "data",
    # how far back, and with how many draws: what is tested hangs on neither
    "value": {"month_ends": 2, "draws": 100},
    "sources": {
        "billing": {
            "entities": {
                "contracts": {
                    "files": "customers.csv",
                    "key": "customerID",
                    "columns": {
                        "customer_key": "customerID",
                        "product_key": "Contract",
                        "started_on": {"sql": f"cast(date '{CUT}' - to_months(cast(tenure as integer)) as date)"},
                        "cancelled_on": {"sql": f"case when Churn = 'Yes' then date '{CUT}' end"},
                        "cancelled_by": {"sql": "case when Churn = 'Yes' then 'customer' end"},
                        "recurring_amount": "MonthlyCharges",
                    },
                },
            }
        }
    },
}


@dataclass(frozen=True)
class Telco:
    """folder: the company; the rest is what its file says. tenure, charge: in the order of the rows; charges in cents."""

    folder: Path
    tenure: np.ndarray
    cents: np.ndarray
    left: np.ndarray

    @property
    def recurring(self) -> Decimal:
        """What those who stayed are charged a month."""
        return Decimal(int(self.cents[~self.left].sum())) / 100

    def expected(self, rate: float, months: int = 24) -> float:
        """What those who stayed are expected to bring if each month `rate` of them stay: by hand, payment by payment. The cut
        is the 28th of February, and a payment falls due on the 28th of each month."""
        days = np.cumsum([28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 31] * 2)[:months]
        factor = sum(rate**k * 1.10 ** (-day / 365.25) for k, day in enumerate(days, start=1))
        return float(self.recurring) * factor


def write_telco(folder: Path, customers: int, seed: int = 1, churn: float = 0.06) -> Telco:
    """`churn`: who leaves in the last month, whatever their tenure."""
    rng = np.random.default_rng(seed)
    tenure = rng.integers(1, 73, customers)
    cents = np.rint(rng.uniform(1825, 11875, customers)).astype(np.int64)
    left = rng.random(customers) < churn
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "customers.csv").open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["customerID", "tenure", "Contract", "MonthlyCharges", "Churn"])
        for number, (months, charge, gone) in enumerate(zip(tenure, cents, left, strict=True)):
            lines.writerow(
                [f"{number:04d}-TELCO", months, "Month-to-month", f"{charge / 100:.2f}", "Yes" if gone else "No"]
            )
    (folder / "clientela.yml").write_text(yaml.safe_dump(CONFIG, sort_keys=False))
    return Telco(folder, tenure, cents, left)
