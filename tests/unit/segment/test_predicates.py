"""A rule segment is a predicate over one customer's columns; whatever reaches further is refused before it runs."""

from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest

from clientela.errors import ConfigError
from clientela.segment.predicates import check_segments, first_match_sql, membership_sql, memberships
from clientela.segment.settings import RuleSegment

COLUMNS = {
    "customer_id": "BIGINT",
    "country": "VARCHAR",
    "orders_12m": "BIGINT",
    "first_seen_on": "DATE",
    "odd name": "DOUBLE",
}


def check(predicate: str) -> set[str]:
    return check_segments([RuleSegment(name="one", predicate=predicate)], COLUMNS)["one"]


@pytest.mark.parametrize(
    ("predicate", "reads"),
    [
        ("orders_12m >= 4 and country in ('ES', 'PT')", {"orders_12m", "country"}),
        ("ORDERS_12M between 1 and 3", {"orders_12m"}),
        ("lower(country) like 'e%' -- Spain", {"country"}),
        ("first_seen_on < date '2024-01-01' or country is null", {"first_seen_on", "country"}),
        ('case when orders_12m > 3 then true else "odd name" > 0.5 end', {"orders_12m", "odd name"}),
    ],
)
def test_a_predicate_over_the_columns_is_accepted(predicate: str, reads: set[str]) -> None:
    assert check(predicate) == reads


@pytest.mark.parametrize(
    "predicate",
    [
        "country = (select content from read_text('/etc/passwd'))",
        "exists (select 1 from 'people.csv')",
        "country in (select country from customers)",
        "true) from read_csv('x.csv') where (true",
        "true); drop table customer; select (true",
        "true), (orders_12m > 1",
        "count(*) > 1",
        "row_number() over () > 1",
        "getenv('HOME') = country",
        "current_setting('threads') = country",
        "orders_12m > random()",
        "first_seen_on < current_date",
        "first_seen_on < now()",
        "orders_12m > $1",
        "list_filter([1], x -> x > 0)[1] = orders_12m",
        "nowhere = 1",
        "main.customer.country = 'ES'",
        "orders_12m >",
        "orders_12m + 1",
        "country",
        "orders_12m > country::date",
        "1 = 1",
    ],
)
def test_whatever_is_not_a_predicate_over_the_columns_is_refused(predicate: str) -> None:
    with pytest.raises(ConfigError) as refused:
        check(predicate)
    assert str(refused.value).startswith("segments.one: ")


def test_a_refusal_names_the_column_that_was_meant() -> None:
    with pytest.raises(ConfigError, match="did you mean 'country'"):
        check("contry = 'ES'")
    with pytest.raises(ConfigError, match="more than once"):
        check_segments([RuleSegment(name="a", predicate="country = 'ES'")] * 2, COLUMNS)


ROWS = pl.DataFrame(
    {
        "customer_id": [9, 2, 5],
        "month_end": [date(2024, 1, 31)] * 3,
        "country": ["ES", None, "FR"],
        "orders_12m": [5, 7, 1],
    }
)


def test_the_first_segment_that_holds_is_taken_and_unknown_does_not_hold() -> None:
    rules = [
        RuleSegment(name="Spain's", predicate="country = 'ES'"),
        RuleSegment(name="frequent", predicate="orders_12m > 4 -- a year"),
        RuleSegment(name="foreign", predicate="not (country = 'ES')"),
    ]
    assert memberships(ROWS, rules).rows() == [
        (9, date(2024, 1, 31), "Spain's", "Spain's, frequent"),
        (2, date(2024, 1, 31), "frequent", "frequent"),
        (5, date(2024, 1, 31), "foreign", "foreign"),
    ]
    assert memberships(ROWS, [], "none")["segment"].to_list() == ["none"] * 3
    condition = membership_sql(rules)["foreign"]
    assert duckdb.execute(f"select {condition} from (select cast(null as varchar) as country)").fetchall() == [(False,)]
    assert "'Spain''s'" in first_match_sql(rules)


def test_a_predicate_cannot_read_a_file_even_if_the_check_were_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    monkeypatch.setattr("clientela.segment.predicates.check_segments", lambda *_: {})
    with pytest.raises(Exception, match="disabled by configuration"):
        memberships(ROWS, [RuleSegment(name="x", predicate=f"(select count(*) > 0 from '{secret}')")])
