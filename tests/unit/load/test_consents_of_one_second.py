"""A consent that is granted and withdrawn in the same second is withdrawn, in whatever order it is delivered."""

import itertools
from pathlib import Path
from typing import Any

import pytest

from tests.unit.load.loading import Loading

CONSENTS: dict[str, Any] = {
    "files": "consents*.csv",
    "key": ["customer", "at"],
    "columns": {"customer_key": "customer", "purpose": {"value": "news"}, "status": "status", "decided_at": "at"},
}
HEADER = "customer,status,at\n"
ROWS = [f"a,{status},2026-01-05 10:00:00\n" for status in ("granted", "withdrawn", "refused")]


def test_withdrawn_wins_within_one_file(tmp_path: Path) -> None:
    company = Loading(tmp_path, {"web": {"entities": {"consents": CONSENTS}}})
    company.write("consents_1.csv", HEADER + "".join(ROWS) + "b,granted,2026-01-05 10:00:00\n")
    assert company.load()["consents"].quarantined == 0
    assert company.current("consents", "customer_key, status") == [("a", "withdrawn"), ("b", "granted")]


@pytest.mark.parametrize("order", [*itertools.permutations(range(3))])
def test_withdrawn_wins_whichever_file_comes_last(tmp_path: Path, order: tuple[int, ...]) -> None:
    company = Loading(tmp_path, {"web": {"entities": {"consents": CONSENTS}}})
    for number, row in enumerate(order):
        company.write(f"consents_{number}.csv", HEADER + ROWS[row])
        company.load()
    assert company.current("consents", "customer_key, status") == [("a", "withdrawn")]


def test_a_later_decision_counts_though_it_comes_first(tmp_path: Path) -> None:
    company = Loading(tmp_path, {"web": {"entities": {"consents": {**CONSENTS, "key": "customer"}}}})
    for number, (status, day) in enumerate([("granted", 7), ("withdrawn", 6)]):
        company.write(f"consents_{number}.csv", f"{HEADER}a,{status},2026-01-0{day} 10:00:00\n")
        company.load()
    assert company.current("consents", "status") == [("granted",)]


def test_one_decision_that_says_two_things_is_still_a_conflict(tmp_path: Path) -> None:
    settings = {**CONSENTS, "columns": {**CONSENTS["columns"], "purpose": "purpose"}}
    company = Loading(tmp_path, {"web": {"entities": {"consents": settings}}})
    company.write(
        "consents_1.csv", "customer,status,at,purpose\na,granted,2026-01-05,news\na,granted,2026-01-05,calls\n"
    )
    assert company.load()["consents"].quarantined == 2
