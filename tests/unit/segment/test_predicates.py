"""A rule segment is a predicate over one customer's columns; whatever reaches further is refused before it runs."""

from datetime import date
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from clientela.errors import ConfigError
from clientela.segment.predicates import check_segments, rule_segments
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
        "measured_on": [date(2024, 1, 31)] * 3,
        "country": ["ES", None, "FR"],
        "orders_12m": [5, 7, 1],
    }
)
READ = {"country": "VARCHAR", "orders_12m": "BIGINT"}


def answers(*rules: tuple[str, str]) -> list[str]:
    """The rule segment of customers 2, 5 and 9."""
    segments = [RuleSegment(name=name, predicate=predicate) for name, predicate in rules]
    found = rule_segments(ROWS.to_arrow(), segments, READ)
    assert found.columns == ["customer_id", "measured_on", "rule_segment"]
    assert found["measured_on"].to_list() == [date(2024, 1, 31)] * 3
    return found.sort("customer_id")["rule_segment"].to_list()


def test_the_first_segment_that_holds_is_taken_and_unknown_does_not_hold() -> None:
    assert answers(
        ("Spain's", "country = 'ES'"), ("frequent", "orders_12m > 4 -- a year"), ("foreign", "not (country = 'ES')")
    ) == ["frequent", "foreign", "Spain's"]
    assert answers(("foreign", "country <> 'ES'")) == ["other", "foreign", "other"]
    assert answers() == ["other"] * 3


def test_a_name_is_data_and_so_is_a_literal() -> None:
    for name in ("o'clock", "'; drop table customer; --", '{{ env_var("HOME") }}', "{% raw %}", "{#", "$1 ? \\", "\0"):
        literal = name.replace("'", "''").replace("\0", "")
        assert answers((name, f"country || '{literal}' = 'FR{literal}'")) == ["other", name, "other"]


def test_rows_are_read_batch_by_batch_and_as_the_types_that_were_checked() -> None:
    reader = pa.RecordBatchReader.from_batches(
        ROWS.to_arrow().schema, [batch for i in range(3) for batch in ROWS[i : i + 1].to_arrow().to_batches()]
    )
    exact = [RuleSegment(name="exact", predicate="orders_12m / 2 = 2.5")]
    found = rule_segments(reader, exact, {"orders_12m": "DECIMAL(18,4)"})
    assert dict(found.select("customer_id", "rule_segment").iter_rows()) == {9: "exact", 2: "other", 5: "other"}


def test_a_predicate_cannot_read_a_file_even_if_the_check_were_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    monkeypatch.setattr("clientela.segment.predicates.check_segments", lambda *_: {})
    with pytest.raises(Exception, match="disabled by configuration"):
        answers(("x", f"(select count(*) > 0 from '{secret}')"))


def test_a_predicate_that_was_not_checked_before_is_checked_when_it_is_used() -> None:
    with pytest.raises(ConfigError, match="uses subquery"):
        answers(("x", "orders_12m > (select 1)"))
