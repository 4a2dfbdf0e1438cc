"""Messages read as sentences: one row is a row, a fault is a clause, and a warning that is counted is told."""

import pytest

from clientela.cli.output import say_report
from clientela.contracts.expectations import fact
from clientela.load.gate.validate import Check
from clientela.load.outcome import Outcome
from clientela.pipeline.run_summary import outcome_sentence
from clientela.wording import counted, fault_sentence, listed
from tests.conftest import Company

OLD = Check(
    fact("days_since_last_event", "warning", "The newest line is at most seven days old.", maximum=7),
    False,
    "9",
    None,
    None,
    (),
)


@pytest.mark.parametrize(("count", "sentence"), [(0, "0 rows"), (1, "1 row"), (2000, "2,000 rows")])
def test_what_is_counted_agrees_with_its_number(count: int, sentence: str) -> None:
    assert counted(count, "row") == sentence


def test_names_are_listed_as_they_are_said() -> None:
    assert (listed([]), listed(["a"]), listed(["a", "b", "c"])) == ("", "a", "a, b and c")
    assert listed([str(n) for n in range(10)], 3) == "0, 1, 2 and 7 more"


@pytest.mark.parametrize(
    ("field", "reason", "value", "sentence"),
    [
        ("Description", "the key is empty", "", "Description, which is part of the key, is empty"),
        ("channel", "a value is required", "", "channel is empty, and a value is required"),
        ("net_amount", "not an amount", "like 'aaa'", "net_amount like 'aaa' is not an amount"),
        (
            "currency",
            "no exchange rate to EUR on its day",
            "= 'XXX'",
            "currency = 'XXX' has no exchange rate to EUR on its day",
        ),
        (
            "sold_at",
            "dated more than 24 hours after it was delivered",
            "",
            "sold_at is dated more than 24 hours after it was delivered",
        ),
        ("note", "something else", "", "note: something else"),
    ],
)
def test_a_fault_is_a_clause(field: str, reason: str, value: str, sentence: str) -> None:
    assert fault_sentence(field, reason, value) == sentence


def test_a_batch_of_one_row_and_its_warning_are_reported() -> None:
    outcome = Outcome("till", "transactions", "loaded", delivered=1, loaded=1, checks=[OLD])
    assert outcome_sentence(outcome) == "1 of 1 row loaded, 1 warning: days_since_last_event"


def test_a_run_s_report_says_what_each_warning_is(shop: Company, capsys: pytest.CaptureFixture[str]) -> None:
    warning = "days_since_last_event: The newest line is old. Found: 9"
    report = {
        "status": "published", "as_of": "2026-02-01", "message": "", "failures": [], "sources": [], "published": "",
        "outcomes": [{"source": "till", "entity": "transactions", "warnings": [warning]}],
    }  # fmt: skip
    say_report(shop.config, report, as_json=False)
    assert f"till.transactions: warning {warning}" in capsys.readouterr().out
