"""A share needs a number of rows: a few odd ones refuse no batch, and all of them always do."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from clientela.extract.feeds import feeds_of
from clientela.load.outcome import Outcome
from clientela.pipeline.open_run import open_run
from tests.conftest import NOW, SALES, Company

HEADER = SALES.splitlines(keepends=True)[0]


def _deliver(shop: Company, good: int, bad: int, gate: dict | None = None, first_customer: str = "a") -> Outcome:
    """Load a file with so many lines, the last of them without an amount that can be read."""
    lines = [
        f"{n},1,{'a' if n else first_customer},bread,{'2.00' if n < good else 'two'},2026-02-28 10:00:00\n"
        for n in range(good + bad)
    ]
    shop.write("sales_1.csv", HEADER + "".join(lines))
    shop.change(lambda s: s["sources"]["till"]["entities"]["transactions"].update(gate=gate or {}))
    with open_run(shop.config, now=NOW) as run:
        (feed,) = [f for f in feeds_of(shop.config) if f.entity.name == "transactions"]
        return run.load(feed)[-1]


@pytest.mark.parametrize(
    ("good", "bad", "status"),
    [(2, 1, "loaded"), (1, 4, "loaded"), (6, 5, "refused"), (0, 1, "refused"), (0, 4, "refused"), (20, 5, "loaded")],
)
def test_a_few_lines_that_do_not_fit_refuse_no_batch_and_all_of_them_do(
    shop: Company, good: int, bad: int, status: str
) -> None:
    outcome = _deliver(shop, good, bad)
    assert (outcome.status, outcome.quarantined) == (status, bad)
    observed = {check.expect.name: check.observed for check in outcome.checks}["quarantined_share"]
    is_warned = status == "loaded" and bad / (good + bad) > 0.2
    assert (observed == f"{bad} of {good + bad} rows, too few to tell") == is_warned


def test_who_wants_no_line_in_quarantine_says_so_and_is_obeyed(shop: Company) -> None:
    outcome = _deliver(shop, 9, 1, {"quarantined_share": {"maximum": 0}})
    assert outcome.status == "refused" and "quarantined_share" in outcome.reason


def test_warnings_about_shares_need_rows_too(shop: Company) -> None:
    with open_run(shop.config, now=NOW) as run:
        run.load(next(f for f in feeds_of(shop.config) if f.entity.name == "customers"))
    names = {"customer_key_is_given", "known_customers_share", "rows_to_past", "total_to_past"}

    def warned(good: int, first_customer: str) -> set[str]:
        outcome = _deliver(shop, good, 0, first_customer=first_customer)
        assert outcome.status == "loaded"
        return {check.expect.name for check in outcome.warnings} & names

    assert warned(1, "") == {"customer_key_is_given"}, "all of them"
    assert warned(2, "") == set(), "one of two, and no unknown one"
    assert warned(3, "b") == set()
    assert warned(1, "unknown") == {"known_customers_share"}, "all of them"
    assert warned(19, "b") == set(), "many times what is usual, and still no number to speak of"
    assert warned(90, "b") == {"rows_to_past", "total_to_past"}


def february_comes_later(small: Company) -> Path:
    """Move February's sales out of README's example, into the folder that is given."""
    later = small.folder / "later"
    later.mkdir()
    for path in (small.folder / "exports").glob("*2026-02.csv"):
        shutil.move(path, later / path.name)
    return later


def test_the_small_example_delivered_night_by_night_stops_no_publication(small: Company) -> None:
    later = february_comes_later(small)
    for days in (0, 1):
        with open_run(small.config, now=NOW + timedelta(days=days)) as run:
            run.load_all()
            run.require_sources()
            assert {outcome.status for outcome in run.outcomes} <= {"loaded", "nothing new"}, run.outcomes
        for path in later.iterdir():
            shutil.move(path, small.folder / "exports" / path.name)
    assert small.warehouse("select sum(quarantined_rows) from ledger.loads where entity = 'transactions'") == [(1,)]
