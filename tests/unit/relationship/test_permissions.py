"""Who may be contacted: the models on companies that Hypothesis makes up, beside the rule written once more in Python.

A word is a customer's decision as it was delivered: of a record, about a purpose and a channel, on an instant. The reference
below reads no SQL and knows nothing of intervals: it asks each word in turn whether it speaks of the question.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

import duckdb
import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from clientela.publish import PERMISSION_AS_OF
from clientela.relationship.settings import PermissionSettings
from clientela.warehouse.run_settings import write_settings
from tests.unit.rendering import rendered

AS_OF = date(2026, 3, 10)
PURPOSES = ("relationship", "news", "offers", "transactional")
CHANNELS = (None, "email", "phone")
STATUSES = ("granted", "refused", "withdrawn")
#: customers and records of each group, and groups of a company
CUSTOMERS, RECORDS, GROUPS = 3, 5, 30
Question = tuple[int, str, str]


@dataclass(frozen=True)
class Word:
    """What a record's customer decided; `hour` counts from the first of March, two of one hour are of one instant."""

    record: int
    purpose: str
    channel: str | None
    status: str
    hour: int

    @property
    def at(self) -> datetime:
        return _at(self.hour)


@dataclass(frozen=True)
class Company:
    """Words in the order in which they arrived, which record is which customer, who asked to be forgotten, what is allowed.

    Many small groups of customers who know nothing of each other, so that one execution of the models answers for all.
    """

    words: list[Word]
    customer_of: list[int]
    erasures: list[tuple[int, int]]
    defaults: dict[tuple[str, str | None], str] = field(default_factory=dict)


def speaks_of(purpose: str, channel: str | None, question: tuple[str, str]) -> bool:
    asked_purpose, asked_channel = question
    return channel in (None, asked_channel) and (
        purpose == asked_purpose or (purpose == "relationship" and asked_purpose != "transactional")
    )


def answer(company: Company, customer: int, question: tuple[str, str], day: date) -> tuple[str | None, str | None]:
    """(basis, reason) by the rules as a person would apply them."""
    mine = {record for record, owner in enumerate(company.customer_of) if owner == customer}
    if any(record in mine and _at(hour).date() <= day for record, hour in company.erasures):
        return None, "erasure requested"
    if question[0] == "transactional":
        return "transactional", None
    heard = [
        word
        for word in company.words
        if word.record in mine and word.at.date() <= day and speaks_of(word.purpose, word.channel, question)
    ]
    if heard:
        latest = max(word.at for word in heard)
        said = {word.status for word in heard if word.at == latest}
        for status in ("withdrawn", "refused"):
            if status in said:
                return None, status
        return "consent", None
    purpose, channel = question
    for named in ((purpose, channel), (purpose, None), ("relationship", channel), ("relationship", None)):
        if named in company.defaults:
            return ("default", None) if company.defaults[named] == "granted" else (None, "never asked")
    return None, "never asked"


words = st.builds(
    Word,
    record=st.integers(0, RECORDS - 1),
    purpose=st.sampled_from(PURPOSES),
    channel=st.sampled_from(CHANNELS),
    status=st.sampled_from(STATUSES),
    # few instants, so that many words share one; the last of them lie after the as-of day
    hour=st.sampled_from([0, 1, 23, 24, 100, 101, 200, 239, 240, 300]),
)
groups = st.tuples(
    st.lists(words, max_size=10),
    st.lists(st.integers(1, CUSTOMERS), min_size=RECORDS, max_size=RECORDS),
    st.lists(st.tuples(st.integers(0, RECORDS - 1), st.sampled_from([0, 50, 200])), max_size=1),
)


@st.composite
def companies(draw: st.DrawFn) -> Company:
    said: list[Word] = []
    customer_of: list[int] = []
    erasures: list[tuple[int, int]] = []
    for number, (group_words, group_customers, group_erasures) in enumerate(
        draw(st.lists(groups, min_size=1, max_size=GROUPS))
    ):
        said += [replace(word, record=word.record + number * RECORDS) for word in group_words]
        customer_of += [customer + number * CUSTOMERS for customer in group_customers]
        erasures += [(record + number * RECORDS, hour) for record, hour in group_erasures]
    defaults = draw(
        st.dictionaries(
            st.tuples(st.sampled_from(PURPOSES[:-1]), st.sampled_from(CHANNELS)),
            st.sampled_from(["granted", "refused"]),
            max_size=3,
        )
    )
    return Company(said, customer_of, erasures, defaults)


@pytest.fixture(scope="module")
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    """The models as views over tables that each example fills anew."""
    with duckdb.connect() as connection:
        connection.execute(
            """
            set timezone = 'UTC'; set threads = 1;
            create schema run; create schema customer; create schema relationship;
            create table run.context (as_of_on date);
            create table int_customer_crosswalk (record_id bigint, customer_id bigint);
            create table stg_consents (
                consent_id bigint, customer_record_id bigint, source varchar, consent_key varchar, customer_key varchar,
                purpose varchar, channel varchar, status varchar, decided_at timestamptz, decided_on date
            );
            create table stg_erasures (customer_record_id bigint, requested_at timestamptz, requested_on date);
            create table int_outbound_contacts (customer_id bigint, channel varchar, contacted_on date);
            create table int_interactions_identified (customer_id bigint, kind varchar, opened_on date, resolved_on date);
            create table int_customers (customer_id bigint, erasure_requested_on date, first_seen_on date);
            create view int_golden_records_chosen as
                select customer_id, 'x' as email, 'x' as phone, 'x' as street from int_customers;
            create view customer.customers as from int_customers;
            """
        )
        connection.execute("insert into run.context values (?)", [AS_OF])
        write_settings(connection)
        for model in ("int_consents_held", "int_permission_terms", "int_permissions", "int_contact_limits_reached"):
            connection.execute(f"create view {model} as {rendered(model)}")
        for mart in ("consents", "contact_permissions"):
            connection.execute(f"create view relationship.{mart} as {rendered(mart)}")
        connection.execute(f"create macro permission_as_of(day) as table {PERMISSION_AS_OF}")
        yield connection


def fill(connection: duckdb.DuckDBPyConnection, company: Company) -> None:
    defaults = [
        {"purpose": purpose, "channel": channel, "status": status}
        for (purpose, channel), status in company.defaults.items()
    ]
    write_settings(connection, PermissionSettings.model_validate({"defaults": defaults}))
    requested = {company.customer_of[record]: _at(hour).date() for record, hour in company.erasures}
    rows: dict[str, list[tuple[object, ...]]] = {
        "int_customer_crosswalk": list(enumerate(company.customer_of)),
        "stg_consents": [
            (
                number, word.record, "shop", str(number), str(word.record),
                word.purpose, word.channel, word.status, word.at, word.at.date(),
            )
            for number, word in enumerate(company.words)
            if word.at.date() <= AS_OF
        ],
        "stg_erasures": [(record, _at(hour), _at(hour).date()) for record, hour in company.erasures],
        "int_customers": [(customer, requested.get(customer), None) for customer in sorted(set(company.customer_of))],
    }  # fmt: skip
    for table, values in rows.items():
        connection.execute(f"delete from {table}")
        if values:
            columns = connection.table(table).columns
            incoming = pl.DataFrame(values, schema=columns, orient="row", infer_schema_length=None).to_arrow()
            connection.register("incoming", incoming)
            connection.execute(f"insert into {table} select * from incoming")


def _at(hour: int) -> datetime:
    return datetime(2026, 3, 1, tzinfo=UTC) + timedelta(hours=hour)


def answers(connection: duckdb.DuckDBPyConnection, query: str) -> dict[Question, tuple[str | None, str | None]]:
    rows = connection.execute(f"select customer_id, purpose, channel, basis, reason from {query}").fetchall()
    return {(customer, purpose, channel): (basis, reason) for customer, purpose, channel, basis, reason in rows}


def expected(company: Company, questions: set[Question], day: date) -> dict[Question, tuple[str | None, str | None]]:
    return {(c, purpose, channel): answer(company, c, (purpose, channel), day) for c, purpose, channel in questions}


# no shrinking: a group that fails is small, and each try costs an execution of all models
quick = settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@quick
@given(company=companies(), days_before=st.sampled_from([0, 1, 5, 9, 20]))
def test_permissions_are_what_the_rules_say_today_and_on_any_past_day(
    warehouse: duckdb.DuckDBPyConnection, company: Company, days_before: int
) -> None:
    fill(warehouse, company)
    today = answers(warehouse, "relationship.contact_permissions")
    assert {purpose for _, purpose, _ in today} >= {"relationship", "transactional"}
    assert today == expected(company, set(today), AS_OF)
    day = AS_OF - timedelta(days=days_before)
    past = answers(warehouse, f"permission_as_of(date '{day}')")
    assert past == expected(company, set(today), day)


@quick
@given(company=companies(), order=st.randoms(use_true_random=False))
def test_neither_the_order_of_arrival_nor_the_number_of_a_record_matters(
    warehouse: duckdb.DuckDBPyConnection, company: Company, order: object
) -> None:
    fill(warehouse, company)
    before = answers(warehouse, "relationship.contact_permissions")
    shuffled = list(company.words)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    fill(warehouse, Company(shuffled, company.customer_of, company.erasures, company.defaults))
    assert answers(warehouse, "relationship.contact_permissions") == before


@quick
@given(company=companies())
def test_a_word_holds_exactly_until_another_speaks_of_all_of_it(
    warehouse: duckdb.DuckDBPyConnection, company: Company
) -> None:
    """The interval of a word, asked at its two ends: who reads intervals finds what the reference finds."""
    fill(warehouse, company)
    rows = warehouse.execute(
        """
        select consent_id, customer_id, decided_at, valid_until_at, is_latest_word, is_active from relationship.consents
        """
    ).fetchall()
    erased = {
        company.customer_of[record]: datetime(2026, 3, 1, tzinfo=UTC) + timedelta(hours=hour)
        for record, hour in company.erasures
    }
    rank = {status: number for number, status in enumerate(STATUSES)}
    known = {number: word for number, word in enumerate(company.words) if word.at.date() <= AS_OF}
    assert {row[0] for row in rows} == set(known)
    for consent_id, customer, decided_at, until, is_latest_word, is_active in rows:
        word = known[consent_id]
        later = [
            other.at
            for number, other in known.items()
            if company.customer_of[other.record] == customer
            and (other.at, rank[other.status], number) > (word.at, rank[word.status], consent_id)
            and (other.channel is None or other.channel == word.channel)
            and (other.purpose == word.purpose or (other.purpose == "relationship" and word.purpose != "transactional"))
        ]
        ends = later + ([max(word.at, erased[customer])] if customer in erased else [])
        assert decided_at == word.at
        assert until == min(ends, default=None)
        assert is_latest_word == (not later)
        assert is_active == (not ends)


@quick
@given(company=companies())
def test_who_is_merged_is_bound_by_all_that_their_records_said_and_a_split_gives_each_their_own_back(
    warehouse: duckdb.DuckDBPyConnection, company: Company
) -> None:
    fill(warehouse, company)
    apart = answers(warehouse, "relationship.contact_permissions")
    merged = Company(
        company.words,
        [1 + record // RECORDS for record in range(len(company.customer_of))],
        company.erasures,
        company.defaults,
    )
    fill(warehouse, merged)
    together = answers(warehouse, "relationship.contact_permissions")
    assert together == expected(merged, set(together), AS_OF)
    fill(warehouse, company)
    assert answers(warehouse, "relationship.contact_permissions") == apart


@pytest.mark.parametrize(
    ("given_settings", "sentence"),
    [
        ({"defaults": [{"purpose": "Transactional"}]}, "transactional contact needs no permission"),
        ({"limits": [{"purpose": "transactional", "max_contacts": 1, "per_days": 1}]}, "needs no permission"),
        ({"defaults": [{"purpose": "news", "channel": "fax"}]}, "'fax' is not a channel"),
        ({"defaults": [{"purpose": "news"}, {"purpose": "News "}]}, "news by all channels is given twice"),
    ],
)  # fmt: skip
def test_settings_that_cannot_hold_are_refused(given_settings: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        PermissionSettings.model_validate(given_settings)
