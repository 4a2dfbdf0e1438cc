"""Values made comparable, and values that are nobody's."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from clientela.identity import IdentitySettings
from clientela.identity import normalise as module
from clientela.identity.names import family_key, generation, given_key, split_full_name
from clientela.identity.normalise import clean_email, clean_phone, clean_street, clean_tax_id, normalise


@pytest.mark.parametrize(
    ("written", "country", "expected"),
    [
        ("612 345 678", "ES", "+34612345678"),
        ("0034 612-345-678", "ES", "+34612345678"),
        ("+34 612345678", "DE", "+34612345678"),
        ("07700 900123", "GB", "+447700900123"),
        ("030 901820", "DE", "+4930901820"),
        ("06 12 34 56 78", "FR", "+33612345678"),
        ("600 700 800", "PL", "+48600700800"),
        ("999999999", "ES", None),
        ("123456789", "ES", None),
        ("12", "ES", None),
    ],
)
def test_phones_become_e164_by_the_records_country_and_fillers_become_nothing(
    written: str, country: str, expected: str | None
) -> None:
    assert clean_phone(written, country).value == expected


def test_emails_lose_case_and_plus_tags_and_provider_rules_are_an_option() -> None:
    assert clean_email(" Ana.Gil+shop@GoogleMail.com ").value == "ana.gil@googlemail.com"
    assert clean_email("Ana.Gil@GoogleMail.com", use_provider_rules=True).value == "anagil@gmail.com"
    assert clean_email("ana+x@a.es", strip_plus_tags=False).value == "ana+x@a.es"


@pytest.mark.parametrize("mail", ["info@company.com", "no-reply@shop.de", "x@example.com", "N/A", "none", "a b@c.d"])
def test_mailboxes_of_nobody_are_no_evidence(mail: str) -> None:
    assert clean_email(mail).value is None


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("12345670", "ES", "invalid"),
        ("48712653-H", "ES", "valid"),
        ("48712653A", "ES", "invalid"),
        ("44051401359", "PL", "valid"),
        ("7244613", None, None),
    ],
)
def test_tax_ids_are_checked_where_the_country_has_a_check_digit(
    text: str, country: str | None, expected: str | None
) -> None:
    if text == "48712653-H":
        letter = "TRWAGMYFPDXBNJZSQVHLCKE"[48712653 % 23]
        text = f"48712653-{letter}"
    assert clean_tax_id(text, country).second == expected


@pytest.mark.parametrize(
    ("a", "b", "country"),
    [
        ("Pepe", "José", "ES"),
        ("Mª Carmen", "María Carmen", "ES"),
        ("Bill", "William", "GB"),
        ("Fritz", "Friedrich", "DE"),
        ("Gosia", "Małgorzata", "PL"),
        ("Fred", "Frédéric", "FR"),
        ("Dr. Ana", "ANA", "ES"),
        ("José-María", "Jose Maria", "ES"),
    ],
)
def test_one_first_name_written_two_ways_compares_equal(a: str, b: str, country: str) -> None:
    assert given_key(a, country) == given_key(b, country)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Müller", "Mueller"),
        ("von der Leyen", "Leyen"),
        ("de la Vega", "VEGA"),
        ("Kowalska", "Kowalski"),
        ("Lefèvre", "Lefevre"),
    ],
)
def test_one_family_name_written_two_ways_compares_equal(a: str, b: str) -> None:
    assert family_key(a) == family_key(b)


def test_a_nickname_belongs_to_its_language() -> None:
    assert given_key("Manu", "ES") == "manuel" and given_key("Manu", "FR") == "emmanuel"


def test_a_full_name_is_taken_apart_in_either_order() -> None:
    assert split_full_name("García López, Ana") == ("Ana", "García López")
    assert split_full_name("Ana María García López") == ("Ana María", "García López")
    assert generation("John Smith Jr.") == "junior"


def test_addresses_lose_kinds_of_street_and_the_order_of_lines() -> None:
    assert clean_street("C/ Mayor, 5 - 3º B") == clean_street("Calle Mayor 5, 3 b")
    assert clean_street("Hauptstraße 12").value == clean_street("Hauptstr. 12").value


def test_libraries_see_only_distinct_values_that_the_cache_does_not_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    real = module.clean_phone
    monkeypatch.setattr(module, "clean_phone", lambda text, country: (asked.append(text), real(text, country))[1])
    frame = pl.DataFrame({"record_id": range(100), "phone": ["612345678"] * 99 + ["612345679"], "country": "ES"})
    first = normalise(frame)
    assert sorted(asked) == ["612345678", "612345679"]
    asked.clear()
    again = normalise(frame, cache=first.new_cache)
    assert asked == [] and again.new_cache.is_empty() and again.records.equals(first.records)


def test_a_value_that_too_many_people_bear_is_dropped_and_listed() -> None:
    names = [f"{chr(97 + i)}na" for i in range(20)]
    frame = pl.DataFrame(
        {"record_id": range(20), "given_name": names, "family_name": "Gil", "email": "caja@tienda-gil.es"}
    )
    done = normalise(frame)
    assert done.records["email"].null_count() == 20
    assert done.placeholders.filter(pl.col("field") == "email").select("value", "reason", "record_count").rows() == [
        ("caja@tienda-gil.es", "borne by too many people", 20)
    ]


def test_one_person_with_many_misspelt_records_keeps_the_phone() -> None:
    names = ["Carmen", "Carmn", "Carmne", "Crmen", "CARMEN", "Carmenn", "Carrmen", "Cramen", "Camen", "Carmee"] * 3
    frame = pl.DataFrame({"record_id": range(30), "given_name": names, "family_name": "Gil", "phone": "+34612345678"})
    assert normalise(frame).records["phone"].null_count() == 0


def test_dates_that_systems_fill_in_are_nobodys_birthday() -> None:
    frame = pl.DataFrame({"record_id": [1, 2, 3], "birth_date": [dt.date(1900, 1, 1)] * 2 + [dt.date(1980, 5, 17)]})
    assert normalise(frame).records["birth_date"].to_list() == [None, None, dt.date(1980, 5, 17)]


def test_a_company_can_list_its_own_placeholders() -> None:
    frame = pl.DataFrame({"record_id": [1], "email": ["tienda@gil.es"]})
    done = normalise(frame, IdentitySettings(extra_placeholders={"email": ("TIENDA@gil.es",)}))
    assert done.records["email"].to_list() == [None]
    assert done.placeholders["reason"].to_list() == ["listed by the company"]


def test_records_without_an_id_are_refused_in_one_sentence() -> None:
    with pytest.raises(ValueError, match="needs a column record_id"):
        normalise(pl.DataFrame({"email": ["a@b.c"]}))
