"""People are hard to tell apart, their numbers are valid, and the truth knows every record."""

import json
import warnings
from pathlib import Path

import phonenumbers
import polars as pl
import pytest
from stdnum.de import idnr
from stdnum.es import dni
from stdnum.fr import nif
from stdnum.gb import utr
from stdnum.pl import pesel

from clientela.simulate.linkage import exact_scores, read_records

CHECKS = {"ES": dni, "GB": utr, "DE": idnr, "FR": nif, "PL": pesel}


@pytest.fixture(scope="module")
def people(company: Path) -> pl.DataFrame:
    return pl.read_parquet(company / "truth" / "people.parquet")


def test_linking_on_exact_email_phone_or_tax_id_finds_at_most_six_pairs_in_ten(company: Path) -> None:
    pairwise, in_clusters = exact_scores(read_records(company / "truth"))
    assert 0.3 < pairwise.recall <= 0.6
    assert 0.3 < in_clusters.recall <= 0.6
    assert pairwise.precision < 0.7, "placeholders and families must cost an honest linker something"


def test_tax_numbers_have_right_check_digits_and_are_nobody_elses(people: pl.DataFrame) -> None:
    for country, number in people.select("country", "tax_id").iter_rows():
        assert CHECKS[country].is_valid(number), (country, number)
    assert people["tax_id"].n_unique() == people.height


def test_mobile_numbers_exist_in_their_countries(people: pl.DataFrame) -> None:
    for country, number in people.select("country", "mobile").iter_rows():
        assert phonenumbers.is_valid_number(phonenumbers.parse(number, country)), (country, number)
    assert people["mobile"].n_unique() == people.height


def test_nobody_shares_his_own_email_with_another_person(people: pl.DataFrame) -> None:
    assert people["email"].n_unique() == people.height


def test_the_hard_cases_are_there(company: Path, people: pl.DataFrame) -> None:
    kinds = set(people["kind"])
    assert {"twin", "son_of_same_name", "family", "single"} <= kinds
    twins = people.filter(pl.col("kind") == "twin")
    pairs = twins.group_by("household_id").agg(
        pl.len(), pl.col("birth_date").n_unique(), pl.col("given_name").n_unique().alias("names")
    )
    full = pairs.filter(pl.col("len") == 2)
    assert full.height > 0
    assert (full["birth_date"] == 1).all()
    fields = pl.read_parquet(company / "truth" / "record_fields.parquet")
    assert (fields["phone"] == "999999999").sum() > 2
    assert (fields["email"] == "info@").sum() > 0
    assert set(people["country"]) == set(CHECKS)


def test_every_record_has_one_person_and_every_person_a_record(company: Path, people: pl.DataFrame) -> None:
    records = pl.read_parquet(company / "truth" / "records.parquet")
    assert records.select("source", "record_key").is_unique().all()
    assert set(records["person_id"]) == set(people["person_id"])
    assert records.group_by("source").len().height == 4
    delivered = {
        json.loads(line)["contact_id"]
        for path in (company / "call_centre").glob("contacts_*.jsonl")
        for line in path.open()
    }
    assert delivered == set(records.filter(pl.col("source") == "call_centre")["record_key"])
    web = pl.read_parquet(company / "webshop" / "customers_*.parquet")["user_id"].cast(pl.String)
    assert set(web) == set(records.filter(pl.col("source") == "webshop")["record_key"])


def test_ids_of_the_systems_tell_nothing_of_each_other(company: Path) -> None:
    """No system numbers its people in the order of another."""
    records = pl.read_parquet(company / "truth" / "records.parquet")
    till = (
        records.filter(pl.col("source") == "till")
        .unique("person_id")
        .select("person_id", a=pl.col("record_key").cast(pl.Int64))
    )
    web = (
        records.filter(pl.col("source") == "loyalty")
        .unique("person_id")
        .select("person_id", b=pl.col("record_key").cast(pl.Int64))
    )
    both = till.join(web, on="person_id")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert abs(both.select(pl.corr("a", "b", method="spearman")).item()) < 0.2


def test_a_record_is_there_before_anything_is_sold_to_it(company: Path) -> None:
    records = pl.read_parquet(company / "truth" / "records.parquet")
    web = pl.read_parquet(company / "webshop" / "order_lines_*.parquet").with_columns(
        record_key=pl.col("user_id").cast(pl.String)
    )
    first = web.group_by("record_key").agg(pl.col("ordered_at").min())
    both = first.join(records.filter(pl.col("source") == "webshop"), on="record_key")
    assert (both["registered_at"] <= both["ordered_at"]).all()
