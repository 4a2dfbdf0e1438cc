"""A page per customer: in both languages, with what may be shown and nothing else."""

import re

import duckdb
import pytest
from click.testing import CliRunner

from clientela.cli.main import main
from clientela.errors import ClientelaError
from clientela.report.catalogue import Texts
from clientela.report.customer.page import write_customer
from tests.conftest import Company
from tests.integration.figures import plain, text_of


def whose(company: Company, key: str) -> int:
    ((customer_id,),) = company.published(
        f"select customer_id from customer.customer_records where first_seen_on = date '{key}'"
    )
    return int(customer_id)


@pytest.mark.parametrize(("language", "heading"), [("en", "What they are worth"), ("es", "Lo que vale")])
def test_a_page_says_what_the_marts_say(running: Company, language: str, heading: str) -> None:
    running.change(lambda settings: settings.update(language=language))
    config = running.config
    customer_id = whose(running, "2026-01-05")
    done = CliRunner().invoke(main, ["explain", "customer", str(customer_id), "--html", "-c", str(running.config_path)])
    assert done.exit_code == 0, done.output
    path = config.published / "customers" / f"{customer_id}.html"
    assert done.output.strip() == str(path)
    html, page = path.read_text(encoding="utf-8"), text_of(path)
    assert heading in page and f'<html lang="{language}"' in html
    assert "http" not in html.replace("http://www.w3.org/", "").replace("http-equiv", "") and "<script" not in html
    texts = Texts(language, "EUR")
    ((vin, realised),) = running.published(
        f"select vin, realised_value from value.customer_value where customer_id = {customer_id}"
    )
    assert plain(texts.amount(vin, exact=True)) in page and plain(texts.amount(realised, exact=True)) in page
    ((events,),) = running.published(
        f"select count(*) from customer.customer_timeline where customer_id = {customer_id}"
    )
    assert events and texts("customer.events", count=events, day="").split(",")[0] in page
    assert {"en": "likely not to order within 3 months", "es": "probabilidad de que no compre en 3 meses"}[
        language
    ] in page
    # every part could be made, and what is said of a person is not in the masked file
    assert "This part could not be made" not in page and "no se ha podido" not in page
    assert "Ana" not in html and "masked:" not in html and texts("page.masked") in page
    # no key of a text, and no label that the catalogue does not know in that language
    assert re.findall(r"\b(?:customer|link|rule|component|field)\.[a-z_]+\b", page) == []


def test_where_names_may_be_shown_the_page_bears_them_escaped(running: Company) -> None:
    running.change(lambda settings: settings.update(publish={"personal_data": "full"}))
    customer_id = whose(running, "2026-01-05")
    with duckdb.connect(str(running.config.published / "marts.duckdb")) as marts:
        marts.execute(
            "update customer.customers set full_name = 'Ana <b>Gil</b>', email = 'ana@example.com' where customer_id = ?",
            [customer_id],
        )
    html = write_customer(running.config, customer_id).read_text(encoding="utf-8")
    assert "<b>Gil" not in html and html.count("Ana &lt;b&gt;") == 2 and "ana@example.com" in html
    assert Texts("en", "EUR")("page.full") in html


def test_a_customer_who_is_not_there_is_said_in_a_sentence(running: Company) -> None:
    with pytest.raises(ClientelaError, match="There is no customer 999 in the published marts"):
        write_customer(running.config, 999)
    with pytest.raises(ClientelaError, match="Customer 0 holds what nobody can be named for"):
        write_customer(running.config, 0)
    assert not (running.config.published / "customers").exists()


def test_a_page_is_for_those_who_may_read_what_is_published(running: Company) -> None:
    path = write_customer(running.config, whose(running, "2026-01-05"))
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o640, 0o750)


@pytest.mark.parametrize(
    ("language", "parts"),
    [
        ("en", ["What they are likely to buy", "1 offer, likely within 60 days", "wine", "repeat", "by e-mail", "31%", "€4.20"]),
        ("es", ["Lo que es probable que compre", "1 oferta, probable en 60 días", "wine", "repetición", "por correo electrónico",
                "31 %", "4,20 €"]),
    ],
)  # fmt: skip
def test_the_page_shows_what_they_are_likely_to_buy(running: Company, language: str, parts: list[str]) -> None:
    running.change(lambda settings: settings.update(language=language))
    customer_id = whose(running, "2026-01-05")
    with duckdb.connect(str(running.config.published / "marts.duckdb")) as marts:
        marts.execute(
            """
            insert into relationship.customer_offers by name
            select ? as customer_id, 'wine' as offer, 'repeat' as kind, 'email' as channel, 'Because of it.' as reason,
                1 as offer_rank, 60 as horizon_days, 0.31 as probability, 4.2 as expected_contribution
            """,
            [customer_id],
        )
    page = text_of(write_customer(running.config, customer_id))
    for part in [*parts, "Because of it."]:
        assert plain(part) in page, part
