"""A definition that does not compute, reaches for anything but its row, or names what is not there is refused, in a sentence."""

import csv
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clientela.contracts.reference import KPIS, OBJECTIVES
from clientela.errors import ConfigError
from clientela.objective.columns import AGGREGATIONS, AREAS, FACTS, SCOPES
from clientela.objective.definitions import check_kpi, check_kpis, kpi_of, objective_of, sealed
from tests.unit.objective.definitions import kpi, objective, shipped

NAMES = {
    "churn rate", "retention rate", "active customers", "VIN", "expected value", "share of value in the top tenth",
    "engagement", "repeat rate", "response rate", "return on campaigns", "cost to serve as share of contribution",
    "satisfaction", "complaints resolved within target", "cross-sell ratio", "cost per new customer", "contactable share",
}  # fmt: skip
#: what reads anything but the row, differs from run to run, or speaks of more than one row
HOSTILE = (
    "(select max(vin) from customer_months)", "(select count(*) from read_csv('/etc/passwd'))", "read_text('/etc/passwd')",
    "(select content from read_text('/etc/passwd'))", "glob('*')", "getenv('HOME')", "sum(vin)", "count(*)", "random()",
    "now()", "today()", "current_setting('home_directory')", "row_number() over ()", "lag(vin) over (order by month)",
    "nextval('s')", "pg_catalog.abs(vin)", "orders.net_amount", "other_table", "customer_months.vin", "$1", "?",
    "exists (select 1)", "vin in (select 1)", "list_sum([vin])", "vin; drop table customer_months", "*", "columns('v.*')",
)  # fmt: skip


SEALED = sealed()


def refusal(row: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as caught:
        check_kpi(SEALED, kpi_of(row))
    return caught.value.sentence


def test_those_that_are_shipped_compute() -> None:
    assert {definition.name for definition in check_kpis(shipped())} == NAMES


def test_the_closed_sets_are_those_of_the_contract() -> None:
    values = {column.name: column.values for column in (*KPIS.columns, *OBJECTIVES.columns)}
    assert values["aggregation"] == AGGREGATIONS
    assert values["area"] == AREAS
    described = {column.name: column.description for column in (*KPIS.columns, *OBJECTIVES.columns)}
    assert all(name in described["mart"] for name in FACTS)
    assert all(name in described["scopes"] for facts in FACTS.values() for name in facts.scopes)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(HOSTILE),
    st.sampled_from(
        ["{}", "abs({})", "coalesce({}, 0)", "case when is_customer then {} else 0 end", "vin + {}", "({})"]
    ),
    st.sampled_from(["numerator", "denominator"]),
)
def test_whatever_reaches_beyond_the_row_is_refused(hostile: str, around: str, part: str) -> None:
    row = kpi(aggregation="ratio", numerator="vin", denominator="vin") | {part: around.format(hostile)}
    assert "the KPI 'churn rate'" in refusal(row)


@settings(max_examples=60, deadline=None)
@given(st.from_regex(r"[a-z_]{1,20}", fullmatch=True), st.sampled_from(sorted(FACTS)))
def test_a_column_is_there_or_refused_by_name(column: str, facts: str) -> None:
    row = kpi(aggregation="sum", mart=facts, numerator=f'"{column}"', denominator=None)
    if column in FACTS[facts].columns:
        return
    assert f"{facts} has no column {column!r}" in refusal(row)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(sorted(FACTS)), st.data())
def test_every_number_of_the_facts_can_be_summed(facts: str, data: st.DataObject) -> None:
    numbers = [name for name, kind in FACTS[facts].columns.items() if kind not in ("VARCHAR", "DATE")]
    first, second = data.draw(st.sampled_from(numbers)), data.draw(st.sampled_from(numbers))
    text = f"coalesce(cast({first} as double), 0) / nullif(cast({second} as double), 0)"
    asked = kpi_of(kpi(aggregation="sum", mart=facts, numerator=text, denominator=None))
    assert check_kpi(SEALED, asked) == {"numerator": "DOUBLE"}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"numerator": None}, "has no numerator; give an expression over the columns of customer_months"),
        ({"aggregation": "ratio", "denominator": None}, "is a ratio and has no denominator; give one"),
        ({"aggregation": "sum"}, "is a sum, which has no denominator; leave it empty"),
        ({"aggregation": "median"}, "aggregation is 'median'; it is one of sum, ratio, mean, share"),
        ({"mart": "raw.customers"}, "mart is 'raw.customers'; it is one of customer_months"),
        ({"scopes": "value_tier, colour"}, "scopes is 'colour'; it is one of value_tier"),
        ({"segments_at": "noon"}, "segments_at is 'noon'; it is one of start, end"),
        ({"numerator": "vin"}, "gives DOUBLE; a share needs true or false"),
        ({"aggregation": "sum", "numerator": "state", "denominator": None}, "gives VARCHAR; a sum needs a number"),
        ({"numerator": "not is_currrent_customer"}, "did you mean 'is_current_customer'?"),
        ({"numerator": "vin >"}, "is not an SQL expression"),
        ({"numerator": "month + state > month"}, "does not fit the columns' types"),
    ],
)
def test_what_does_not_compute_is_refused_in_a_sentence(given: dict[str, Any], sentence: str) -> None:
    refused = refusal(kpi(**given))
    assert sentence in refused and refused.startswith("the KPI 'churn rate'") and "\n" not in refused


def test_a_kpi_is_cut_by_what_its_facts_know_of_what_it_asks_for() -> None:
    assert kpi_of(kpi()).scopes == FACTS["customer_months"].scopes
    assert kpi_of(kpi(scopes="channel, portfolio")).scopes == ("channel",)
    assert set(FACTS["customer_months"].scopes) <= set(SCOPES)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"kpi": "churn rat"}, "there is no KPI 'churn rat'; did you mean 'churn rate'?"),
        ({"area": "finance"}, "area is 'finance'; it is one of customer, value"),
        ({"scope": "value_tier"}, "give scope and segment together, or neither"),
        ({"segment": "high"}, "give scope and segment together, or neither"),
        (
            {"scope": "rfm_group", "segment": "Lost"},
            "the KPI 'churn rate' is not cut by rfm_group; it is by value_tier",
        ),
        ({"started_on": date(2026, 1, 1)}, "is due on 2025-12-31, before it begins on 2026-01-01"),
        ({"months": 0}, "months is 0; a value is taken over one month or more"),
        ({"target_kind": "wish"}, "target_kind is 'wish'; it is one of value, change"),
    ],
)
def test_an_objective_that_cannot_be_followed_is_refused_in_a_sentence(given: dict[str, Any], sentence: str) -> None:
    known = {"churn rate": kpi_of(kpi(scopes="value_tier"))}
    with pytest.raises(ConfigError) as caught:
        objective_of(objective(**given), known)
    assert sentence in caught.value.sentence and "the objective 'lose fewer'" in caught.value.sentence


def test_an_objective_begins_a_year_before_it_is_due_unless_it_says_when() -> None:
    known = {"churn rate": kpi_of(kpi())}
    assert objective_of(objective(started_on=None), known).started_on == date(2024, 12, 1)


def test_the_examples_of_the_page_compute() -> None:
    page = (Path(__file__).parents[3] / "docs" / "objectives.md").read_text(encoding="utf-8")
    kpis, objectives = (
        list(csv.DictReader(text.splitlines())) for text in re.findall(r"```csv\n(.*?)```", page, re.DOTALL)
    )
    known = {definition.name: definition for definition in check_kpis([*kpis, *shipped()])}
    assert len(known) == 18
    for row in objectives:
        given = {name: value or None for name, value in row.items()}
        dates = {name: date.fromisoformat(row[name]) for name in ("started_on", "due_on")}
        assert objective_of(given | dates, known).target == float(row["target"])
