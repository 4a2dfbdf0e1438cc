"""Purchase logs without a header, and files whose lines do not fit their header."""

from decimal import Decimal
from pathlib import Path

import pytest

from clientela.config.read import load_config
from clientela.onboard.propose import propose
from clientela.onboard.propose.headless import fixed_places, has_no_header
from clientela.pipeline.open_run import open_run

LOG = [
    (n % 23 + 1, f"1997{n % 12 + 1:02d}{n % 28 + 1:02d}", n % 4 + 1, Decimal(n * 7 % 90) + Decimal("9.77"))
    for n in range(80)
]


def _loaded(folder: Path) -> tuple[int, Decimal, int]:
    path = folder / "clientela.yml"
    path.write_text(propose(str(folder), folder).text, encoding="utf-8")
    with open_run(load_config(path)) as run:
        run.load_all()
        count = "select count(*), sum(net_amount), count(distinct customer_key) from raw.transactions"
        row: tuple[int, Decimal, int] = run.connection.execute(count).fetchall()[0]
        return row


def test_a_log_at_fixed_places_loads_its_total(tmp_path: Path) -> None:
    lines = [f" {who:05d} {day} {units:2d} {amount:7.2f}" for who, day, units, amount in LOG]
    (tmp_path / "CDNOW_master.txt").write_text("\n".join(lines) + "\n")
    assert _loaded(tmp_path) == (80, sum(amount for *_, amount in LOG), 23)


def test_a_log_between_commas_loads_its_total(tmp_path: Path) -> None:
    lines = [f"{who},{day[:4]}-{day[4:6]}-{day[6:]},{units},{amount}" for who, day, units, amount in LOG]
    (tmp_path / "log.csv").write_text("\n".join(lines) + "\n")
    assert _loaded(tmp_path) == (80, sum(amount for *_, amount in LOG), 23)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["1,2025-01-01,3.50", "2,2025-01-02,4.50"], True),
        (["id,date,amount", "1,2025-01-01,3.50"], False),
        (["Ana,Gil,Leon", "Blas,Ruiz,Soria"], False),
        (["2023,2024,2025", "a,b,c"], False),
        (["x,2025-01-01,3.50", "y,2025-01-02,4.50"], True),
        (["1,2025-01-01"], False),
    ],
)
def test_a_header_is_distinguished_from_a_record(lines: list[str], expected: bool) -> None:
    assert has_no_header([line.split(",") for line in lines]) is expected


def test_places_are_proposed_only_where_spaces_part_every_line() -> None:
    assert fixed_places([" 001 1997 2.50", " 002 1998 3.50"]) == {
        "column_1": [1, 4],
        "column_2": [5, 5],
        "column_3": [10, 5],
    }
    assert fixed_places(["a b c", "aa bb"]) is None
    assert fixed_places(["a,b c", "d,e f"]) is None
    assert fixed_places(["some words here", "others are there"]) is None


def test_a_file_whose_every_line_has_a_field_too_many_is_said_to_be_so(tmp_path: Path) -> None:
    lines = [
        "order_id,customer_id,order_date,amount",
        *(f"{n},O{n},c{n % 5},2025-01-0{n % 9 + 1},{n}.50" for n in range(1, 21)),
    ]
    (tmp_path / "sales.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "customers.csv").write_text("customer_id,email\nc1,a@x.example\nc2,b@x.example\n")
    text = propose(str(tmp_path), tmp_path).text
    line = next(line for line in text.splitlines() if "Could not be read: sales.csv" in line)
    assert "none of its 20 lines can be read" in line and "5" in line and "4" in line and "no rows" not in line
