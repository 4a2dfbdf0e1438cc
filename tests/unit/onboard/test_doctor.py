"""What the doctor says is what the night does: the same verdicts, the same exit code, before anything is loaded."""

from collections.abc import Callable
from typing import Any

import pytest

from clientela.onboard.doctor import foretell
from clientela.pipeline.open_run import take_steps
from clientela.pipeline.pipeline_run import PipelineRun
from clientela.pipeline.progress import silent
from clientela.pipeline.run_summary import Report
from tests.conftest import CUSTOMERS, NOW, SALES, Company

Change = Callable[[Company], object]


def _without_transactions(company: Company) -> None:
    company.change(lambda s: s["sources"]["till"]["entities"].pop("transactions"))


def _one_line_in_forty_is_wrong(company: Company) -> None:
    lines = "".join(f"{n},1,a,wine,{'free' if n == 30 else '1.00'},2026-02-03\n" for n in range(4, 40))
    company.write("sales_1.csv", SALES + lines)


def _of(entity: str, **settings: Any) -> Change:
    return lambda company: company.change(lambda s: s["sources"]["till"]["entities"][entity].update(settings))


def _mapped(entity: str, **columns: Any) -> Change:
    return lambda company: company.change(lambda s: s["sources"]["till"]["entities"][entity]["columns"].update(columns))


def _night_without_models(company: Company) -> Report:
    """All that a night does before it builds."""

    def steps(run: PipelineRun) -> None:
        run.load_all()
        run.require_sources()
        run.set_context()

    return take_steps(company.config, "night", silent, NOW, steps)


@pytest.mark.parametrize(
    ("change", "code", "sentence"),
    [
        (lambda company: None, 0, ""),
        (_one_line_in_forty_is_wrong, 0, ""),
        (_of("transactions", files="other*.csv"), 4, "till.transactions is required and was never delivered"),
        (_mapped("transactions", net_amount="nett"), 4, "no column 'nett'"),
        (_of("transactions", max_age="2 days"), 4, "older than its max_age"),
        (_mapped("transactions", net_amount={"value": "free"}), 4, "quarantined_share"),
        (_mapped("customers", updated_at="name"), 3, ""),
        (_of("customers", files="other*.csv"), 3, ""),
        (_without_transactions, 4, "so there is no day to publish as of"),
        (_mapped("customers", birth_date={"sql": "today("}), 2, "wrong"),
    ],
)  # fmt: skip
def test_the_doctor_ends_as_the_night_would(shop: Company, change: Change, code: int, sentence: str) -> None:
    change(shop)
    seen = foretell(shop.config)
    assert seen.exit_code == code and sentence in seen.sentence, seen
    assert not shop.config.warehouse.exists()
    report = _night_without_models(shop)
    assert report.exit_code == code
    if code == 4:
        assert report.message == seen.sentence or "max_age" in sentence


def test_the_gate_s_verdict_is_shown_before_the_night(shop: Company) -> None:
    shop.write("customers.csv", CUSTOMERS.replace("a,Ana", "x,Ana").replace("b,Blas", "y,Blas"))
    many = "".join(f"{n},1,{'uvw'[n % 3]},wine,1.00,2026-02-03\n" for n in range(4, 20))
    shop.write("sales_1.csv", SALES + many)
    shop.change(lambda s: s["sources"]["till"]["entities"].update(_customers_first(s)))
    (sales,) = [f for f in foretell(shop.config).findings if f.entity == "transactions"]
    assert any("known_customers_share: Half of the customers named are known" in note for note in sales.notes)


def _customers_first(settings: dict[str, Any]) -> dict[str, Any]:
    entities = settings["sources"]["till"]["entities"]
    return {"customers": entities["customers"], "transactions": entities.pop("transactions")}


def test_of_one_source_only_what_stands_against_it_counts(shop: Company) -> None:
    shop.change(
        lambda s: s["sources"].update(
            crm={"entities": {"customers": {"files": "none*.csv", "key": "id", "columns": {"full_name": "name"}}}}
        )
    )
    assert foretell(shop.config, "till").exit_code == 0
    assert foretell(shop.config, "crm").exit_code == 3


def test_faults_are_said_in_sentences(shop: Company) -> None:
    shop.write(
        "sales_1.csv",
        "receipt,line,customer,product,net,sold_at,currency\n"
        + "".join(f"{n},1,a,wine,1.00,2026-02-03,EUR\n" for n in range(10, 40))
        + ",1,a,wine,1.00,2026-02-03,EUR\n7,1,a,wine,1.00,,EUR\n8,1,a,wine,1.00,2026-02-03,XXX\n",
    )
    _mapped("transactions", currency="currency")(shop)
    (sales,) = [f for f in foretell(shop.config).findings if f.entity == "transactions"]
    notes = "\n".join(sales.notes)
    assert "1 row: receipt, which is part of the key, is empty; row 32 of sales_1.csv" in notes
    assert "1 row: ordered_at is empty, and a value is required; row 33 of sales_1.csv" in notes
    assert "1 row: currency like 'AAA' has no exchange rate to EUR on its day or the 31 days before; row 34" in notes
    assert " is no " not in notes and "is the key is" not in notes and "1 rows" not in notes


def test_rows_that_repeat_are_reported(shop: Company) -> None:
    shop.write("sales_1.csv", SALES + SALES.splitlines(keepends=True)[1])
    (sales,) = [f for f in foretell(shop.config).findings if f.entity == "transactions"]
    assert "5 rows, 4 would load, 1 would be quarantined" in sales.sentence
    assert any("`repeats: number` says that each counts" in note for note in sales.notes)
    _of("transactions", repeats="number")(shop)
    (sales,) = [f for f in foretell(shop.config).findings if f.entity == "transactions"]
    assert "5 rows, 5 would load" in sales.sentence and not sales.is_ill
    assert "1 row repeats an earlier one of the same file, and counts too" in sales.notes


def test_deliveries_that_may_overlap_are_reported(shop: Company) -> None:
    visits = "customer,channel,at\n" + "".join(f"a,store,2026-02-0{n} 10:00:00\n" for n in range(1, 6))
    shop.write("visits_1.csv", visits)
    shop.write("visits_2.csv", visits.replace("2026-02-01", "2026-02-09"))
    shop.change(
        lambda s: s["sources"]["till"]["entities"].update(
            interactions={
                "files": "visits*.csv",
                "key": ["customer", "at"],
                "repeats": "number",
                "columns": {
                    "customer_key": "customer",
                    "kind": {"value": "session"},
                    "channel": "channel",
                    "opened_at": "at",
                },
            }
        )
    )
    (visited,) = [f for f in foretell(shop.config).findings if f.entity == "interactions"]
    assert any("visits_1.csv and visits_2.csv have 4 rows in common" in note for note in visited.notes), visited


def test_lines_that_wait_for_their_header_are_reported(shop: Company) -> None:
    shop.write("heads.csv", "receipt,customer,at\n1,a,2026-01-05 10:00:00\n3,b,2026-02-02 09:00:00\n")
    shop.change(
        lambda s: s["sources"]["till"]["entities"].update(
            orders={"files": "heads.csv", "key": "receipt", "columns": {"customer_key": "customer", "ordered_at": "at"}}
        )
    )
    (sales,) = [f for f in foretell(shop.config).findings if f.entity == "transactions"]
    assert (
        "warning waiting_for_header: 1 line, 2.00 EUR, waits for the header of its order and is in no mart until it comes"
        in sales.notes
    )


def _notes(company: Company) -> str:
    return "\n".join(note for finding in foretell(company.config, "till").findings for note in finding.notes)


def test_phones_that_nothing_can_be_compared_with_are_named_before_the_first_night(shop: Company) -> None:
    _mapped("customers", phone={"sql": "case when customer = 'a' then '612 345 678' else '+34 612345679' end"})(shop)
    assert "CHECK: 1 phone without a country's prefix: `identity: {default_country: ES}`" in _notes(shop)
    shop.change(lambda s: s.update(identity={"default_country": "ES"}))
    assert "prefix" not in _notes(shop)


def test_what_a_company_adds_of_its_own_is_said(shop: Company) -> None:
    shop.write("own/clubs.sql", "select 1 as club")
    shop.change(lambda s: s.update(models_path="own", dagster_module="team"))
    said = {finding.entity: finding.sentence for finding in foretell(shop.config).findings if finding.source == "own"}
    assert said == {
        "models": f"1 model in {shop.folder / 'own'}; a night builds them",
        "dagster_module": "team; Dagster imports it",
    }
