"""Rows that lie after the as-of day are told: nothing of them is in a mart yet."""

from datetime import date

from clientela.pipeline.as_of import rows_after
from clientela.pipeline.open_run import open_run
from tests.conftest import NOW, Company


def test_rows_after_the_as_of_day_are_counted_by_their_newest_version(shop: Company) -> None:
    with open_run(shop.config, now=NOW) as run:
        run.load_all()
        assert rows_after(run.connection, run.config, date(2026, 2, 2)) == ""
        run.set_context()
        assert run.notices == []
        sentence = "Dated after 2026-01-19, the as-of day, and in no mart before their day comes: 2 of transactions."
        assert rows_after(run.connection, run.config, date(2026, 1, 19)) == sentence
        run.connection.execute("update raw.transactions set is_deleted = true where record_key = '2|1'")
        assert rows_after(run.connection, run.config, date(2026, 1, 19)) == sentence.replace("2 of", "1 of")


def test_a_run_says_it(shop: Company) -> None:
    shop.change(lambda settings: settings.update(as_of="2026-01-19"))
    with open_run(shop.config, now=NOW) as run:
        run.load_all()
        run.set_context()
        assert [notice for notice in run.notices if "2 of transactions" in notice] == run.notices[-1:]
