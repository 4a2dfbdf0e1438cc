"""The report says what the marts say, in the company's language, in one file that fetches nothing."""

import csv
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import get_args

import duckdb
import pytest

from clientela.identity.cluster import ALWAYS
from clientela.identity.exact_rules import ONLY_BEARER
from clientela.identity.namesakes import RARE_NAME
from clientela.identity.settings import IdentitySettings
from clientela.identity.vetoes import VETOES
from clientela.lifetime.backtest import SPEND_CANDIDATES
from clientela.lifetime.candidates import ORDER_CANDIDATES
from clientela.lifetime.renewal_models import CANDIDATES
from clientela.report.catalogue import Texts, catalogue
from clientela.report.report import make
from clientela.report.sections.registry import PARTS
from clientela.retention.settings import Reason
from clientela.retention.states import STATES
from tests.unit.report.conftest import RUN, Published

PACKAGE = Path(__file__).parents[3] / "clientela" / "report"


class Page(HTMLParser):
    """The text of each section, and every tag with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.sections: dict[str, str] = {}
        self._section = self._tag = "head"
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._tag = tag
        if tag == "section":
            self._section = dict(attrs)["id"] or ""

    def handle_data(self, data: str) -> None:
        if self._tag in ("style", "code"):
            return
        self.sections[self._section] = f"{self.sections.get(self._section, '')} {data}"

    def text(self, section: str) -> str:
        return re.sub(r"\s+", " ", self.sections[section].replace("\u00a0", " ")).strip()


def page_of(company: Published, before: Path | None = None) -> Page:
    made = make(company.config, company.config.published, before)
    assert made.warnings == ()
    return Page(made.html)


@pytest.mark.usefixtures("undrawn")
def test_a_dozen_figures_are_those_of_the_marts(company: Published) -> None:
    page, texts = page_of(company), Texts("en", "EUR")
    (month, revenue, contribution, orders, buyers), = company.ask(
        """
        select month, sum(net_revenue), sum(contribution), sum(orders), count(*) filter (orders > 0 and customer_id > 0)
        from value.customer_months where month = '2026-01-01' group by month
        """
    )  # fmt: skip
    assert str(month) == "2026-01-01"
    monthly = page.text("monthly")
    for figure in (texts.number(buyers), texts.number(orders), texts.amount(revenue), texts.amount(contribution)):
        assert figure in monthly
    (customers, expected, at_risk), = company.ask(
        """
        select (select count(*) from value.customer_months where is_as_of and is_customer),
            (select sum(expected_value) from value.customer_value),
            (select sum(expected_value_at_risk) from retention.customer_retention)
        """
    )  # fmt: skip
    head = page.text("head")
    for figure in (texts.number(customers), texts.amount(expected), texts.amount(at_risk), texts.amount(revenue)):
        assert figure in head
    assert texts.amount(at_risk) in page.text("risk")
    assert "No order in 3 months" in page.text("risk") and "to leave" not in page.text("risk")
    first = company.ask(
        "select customer_id from retention.customer_retention order by expected_value_at_risk desc limit 1"
    )
    assert re.search(rf"Why {first[0][0]} ", page.text("risk"))
    assert "12 customers won, 3 returned, 12 lost" in page.text("movements"), "of three months"
    assert "5 customers (12%) have cost more" in page.text("whale") and "€100 together" in page.text("whale")
    assert "who rose in value since 30 November 2025: 3; who fell: 2." in page.text("flows")
    assert "80% buy in the month after" in page.text("cohorts")
    assert "90% of high value, 80% of medium value and 60% of low value" in page.text("survival")
    assert "€4,100 came, inside the interval from €3,600 to €4,400" in page.text("forecast")
    assert "7 newcomers brought €350" in page.text("forecast") and "Newcomers, from Nov 25, 3 months €350" in page.text(
        "forecast"
    )
    objectives = page.text("objectives")
    assert "On track: 1 of 2 objectives under way." in objectives
    assert "in January 2026 churn rate is at 12.0%, where the plan asks for 9.8%." in objectives
    assert "What has held it back most since the start: high value (+1.5 points)." in objectives
    assert "1 objective has not begun or has no value." in objectives
    assert "12.0% (11.0% to 13.0%)" in objectives and "VIN (total customer value) (high value)" in objectives
    assert "Merged: 2; split: 1" in page.text("identity")
    assert "1 batch was refused" in page.text("gates") and "3 rows were set aside" in page.text("gates")


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    ("change", "section", "sentence"),
    [
        ("update quality.value_backtest set actual_value = 3000 where segmentation = 'company'", "forecast", "below the interval"),
        ("update quality.value_backtest set actual_value = 5000 where segmentation = 'company'", "forecast", "above the interval"),
        ("delete from quality.value_backtest", "forecast", "No forecast has come due yet"),
        ("update value.customer_value set realised_value = abs(realised_value)", "whale", "No customer has cost more"),
        ("update value.customer_months set contribution = null", "monthly", "there is no contribution yet"),
        ("update value.customer_months set is_assumed = true", "monthly", "margins that are assumed"),
        (
            "update value.customer_months set net_revenue = net_revenue / 2 where month = '2026-01-01'",
            "monthly",
            "75% less than in December 2025",
        ),
        ("update retention.customer_movements set closing_customers = opening_customers - 5, lapsed_customers = 10",
         "movements", "fewer than at the start"),
        ("delete from segment.segment_flows where to_segment = 'medium'", "flows", "No customer of high value has fallen"),
        ("update objective.objective_progress set status = 'met', is_on_track = true where month = '2026-01-01'", "objectives",
         "On track: 2 of 2 objectives under way"),
        ("delete from objective.objective_progress", "missing", "the company has set none"),
        ("delete from quality.identity_events where event <> 'created'", "identity", "Nobody was merged"),
        ("delete from operations.loads where status = 'refused'", "gates", "3 rows were set aside"),
        ("update operations.loads set status = 'loaded', quarantined_rows = 0; delete from operations.quarantined_rows",
         "gates", "No batch was refused, and no row was set aside"),
        ("update relationship.campaign_results set contribution = 100 where campaign_id = 2; "
         "update relationship.campaign_results set verdict = 'loss', return_at_most = -0.8, evidence = 'effect'",
         "campaigns", "2 were certainly a loss"),
        ("update relationship.campaign_results set evidence = 'none'", "campaigns", "In 2 campaigns nobody was held out"),
        ("update relationship.programme_results set verdict = 'change'", "programmes", "should be changed: Club"),
        ("update relationship.programme_results set verdict = 'not yet'", "programmes",
         "There is 1 activity; 0 could be judged by its return. Of Club nothing can be said yet: too few months have passed."),
        ("update relationship.programme_results set verdict = 'not yet', limitation = 'too few buyers for money'", "programmes",
         "Of Club nothing can be said yet: on one side there are fewer than a hundred buyers."),
        ("update relationship.service_levels set cases_with_target = 0", "service", "Without the table service_targets"),
        ("update retention.customer_retention set main_reason = 'complaint_open'", "risk", "20 times: a complaint is open"),
    ],
)  # fmt: skip
def test_sentences_change_when_the_data_do(company: Published, change: str, section: str, sentence: str) -> None:
    assert sentence not in re.sub("3 rows were set aside", "", page_of(company).text(section))
    company.change(change)
    assert sentence in page_of(company).text(section)


@pytest.mark.usefixtures("undrawn")
def test_campaigns_activities_and_service_stand_with_their_return(company: Published) -> None:
    page = page_of(company)
    campaigns = page.text("campaigns")
    assert "Of 2 campaigns whose window is over 1 were certainly a loss." in campaigns
    assert "Come back cost €2,984; all that those chosen bought, with or without it, left €984.13." in campaigns
    assert "In 1 campaign nobody was held out by lot" in campaigns
    club = page.text("programmes")
    assert (
        "They do not pay: Club." in club and "Figures of February 2026" in club and "350" in club and "340" not in club
    )
    # what was opened more than twelve months before the last is left out
    assert "In twelve months 70 cases were opened, of which 2 are still open." in page.text("service")
    assert "Of those with a target 50% were resolved within it." in page.text("service")
    company.change("delete from relationship.campaign_results; delete from relationship.service_levels")
    missing = page_of(company).text("missing")
    assert "No campaign is delivered." in missing and "No case of service is delivered." in missing


@pytest.mark.usefixtures("undrawn")
def test_what_changed_is_reported_against_the_file_before(company: Published) -> None:
    assert "This is the first report" in page_of(company).text("changes")
    before = company.config.published / "before.duckdb"
    before.write_bytes(company.marts.read_bytes())
    company.change(
        "update value.customer_value set orders = orders + 1, net_revenue = net_revenue + 2.5 where customer_id = 1"
    )
    changes = page_of(company, before).text("changes")
    assert "Since the report as of 28 February 2026: +1 order and +€2.50 of net revenue." in changes
    assert "There are 34 customers, as before." in changes
    other = company.config.published / "other.duckdb"
    other.write_bytes(b"not a database")
    assert "This is the first report" in page_of(company, other).text("changes"), "one that cannot be read is none"


def test_it_is_one_small_file_that_fetches_nothing(company: Published) -> None:
    made = make(company.config, company.config.published)
    assert made.warnings == () and len(made.html.encode()) < 3_000_000
    page = Page(made.html)
    links = [
        value for tag, attrs in page.tags for name, value in attrs.items() if name in ("href", "src", "xlink:href")
    ]
    assert links and not [link for link in links if re.match(r"(https?:)?//", link or "")]
    assert {tag for tag, _ in page.tags} & {"script", "img", "iframe", "object", "video"} == set()
    assert "url(" not in made.html.replace("url(#", ""), "styles fetch nothing"
    assert "default-src 'none'" in made.html
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids)), "an id is one element's"
    pictures = [attrs for tag, attrs in page.tags if tag == "svg"]
    assert len(pictures) == 10 and all(svg["role"] == "img" and svg["aria-label"] for svg in pictures)
    assert {svg["class"] for svg in pictures} == {"wide", "narrow"}


def test_nothing_of_the_data_is_taken_for_html(company: Published) -> None:
    company.setting(publish={"personal_data": "full"})
    company.change("update segment.customer_segments set strategy = '<script>x</script>'")
    company.change("update retention.survival_curves set segment = 'high' where segment = 'x'")
    html = make(company.config, company.config.published).html
    assert "<script" not in html and "&lt;script&gt;alert(1)" in html and "Casa &lt;b&gt;Lola&lt;/b&gt;" in html


@pytest.mark.usefixtures("undrawn")
def test_names_are_shown_only_where_the_company_publishes_them(company: Published) -> None:
    assert "alert(1)" not in make(company.config, company.config.published).html
    company.setting(publish={"personal_data": "full"})
    html = make(company.config, company.config.published).html
    assert "alert(1)" in html and "This page names persons" in html


@pytest.mark.usefixtures("undrawn")
def test_spanish_is_spoken_throughout(company: Published) -> None:
    company.setting(language="es")
    page = page_of(company)
    text = " ".join(page.text(section) for section in page.sections)
    assert "En enero de 2026, 27 clientes hicieron 27 pedidos por 297 €." in text
    assert "4.100 €, dentro del intervalo de 3.600 € a 4.400 €" in text
    assert "no es un importe" in text and "Tantas filas como de costumbre" in text
    assert [
        word for word in (" orders", "The ", "Found", " loaded", "refused", "value tier", " of ") if word in text
    ] == []


def test_both_languages_say_everything_with_the_same_places() -> None:
    spanish, english = catalogue("es"), catalogue("en")
    assert spanish.keys() == english.keys()
    for key in english:
        assert spanish[key] and english[key], key
        assert set(re.findall(r"\{\w+\}", spanish[key])) == set(re.findall(r"\{\w+\}", english[key])), key


def test_every_text_that_is_used_is_in_the_catalogue_and_the_other_way_round() -> None:
    sources = [path.read_text(encoding="utf-8") for path in (*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.j2"))]
    source = "\n".join(sources)
    known = catalogue("en")
    used = set(re.findall(r'\b(?:texts|t|night\.texts)\(\s*[\'"]([a-z_.]+)[\'"]', source))
    assert used and [key for key in sorted(used) if key not in known] == []
    said = {text for text in re.findall(r"[\"']([a-z_0-9.]+)[\"']", source) if "." in text}
    # of a text whose key is put together, what comes before the first brace
    beginnings = set(re.findall(r"[\"']([a-z_0-9]+\.[a-z_]*)\{", source))
    # what SQL joins is compared with the models in tests/unit/relationship
    beginnings |= {"timeline."}
    beginnings |= {f"{kind}." for kind in re.findall(r"label\(\s*[\"'](\w+)[\"']", source)} | {
        f"{p.key}.title" for p in PARTS
    }
    # texts that models join
    models = "\n".join(path.read_text(encoding="utf-8") for path in (PACKAGE.parents[1] / "models").rglob("*.sql"))
    beginnings |= {f"{area}." for area in re.findall(r"area = '([a-z_]+)'", models)}
    unused = {key for key in known if key.removesuffix(".one") not in said and not key.startswith(tuple(beginnings))}
    assert unused == set()


def test_what_the_pages_name_by_a_label_is_known_in_both_languages() -> None:
    """Rules, models and reasons stand in the marts as English words; each of them, and no other, has its label."""
    models = {path.name: path.read_text(encoding="utf-8") for path in (PACKAGE.parents[1] / "models").rglob("*.sql")}
    rule = r"(?:\bcase\b((?:(?!\bcase\b).)*?)\bend|'([a-z ]+)')\s+as (?:cost_|margin_)?rule\b"
    of_the_ledger = {
        found
        for name, text in models.items() if name not in ("identity_links.sql", "int_customer_field_values.sql")
        for branches, literal in re.findall(rule, text, re.DOTALL)
        for found in ([literal] if literal else re.findall(r"(?:then|else)\s+'([a-z ]+)'", branches))
    }  # fmt: skip
    of_the_ledger |= set(re.findall(r"\('[a-z]+', '([a-z ]+)'", models["int_sales_entered.sql"]))
    identity = PACKAGE.parent / "identity"
    apart = {
        found
        for name in ("cluster", "explain", "namesakes")
        for found in re.findall(
            r'pl\.lit\("([^"]+ [^"]+ [^"]+|a never-link pair)"\)', (identity / f"{name}.py").read_text()
        )
    } | {sentence for sentence, _ in VETOES.values()}
    of_permissions = {
        found
        for name in ("int_permissions.sql", "contact_permissions.sql")
        for found in re.findall(r"then\s+'([a-z]+ [a-z ]+|refused|withdrawn)'", models[name])
    }
    expected = {
        "rule": of_the_ledger,
        "apart": apart,
        "ground": of_permissions | {"refused", "withdrawn"},
        "link": {rule.name for rule in IdentitySettings().exact_rules}
        | {ONLY_BEARER, RARE_NAME, ALWAYS, "identical", "weighed", "only record"},
        # the curve of contracts by tenure is called by its formula where one was found
        "model": {*ORDER_CANDIDATES, *SPEND_CANDIDATES, *CANDIDATES, "one_rate", "mean", "sbg", "bdw"},
    }
    for kind, values in expected.items():
        labels = {key.removeprefix(f"{kind}.") for key in catalogue("es") if key.startswith(f"{kind}.")}
        assert len(values) > 5 and labels == {value.lower().replace(" ", "_") for value in values}, kind


@pytest.mark.usefixtures("undrawn")
def test_a_part_that_fails_takes_no_other_with_it(company: Published, monkeypatch: pytest.MonkeyPatch) -> None:
    company.change("alter table retention.customer_movements drop column lapsed_customers")
    made = make(company.config, company.config.published)
    assert len(made.warnings) == 1 and "movements" in made.warnings[0]
    page = Page(made.html)
    assert "movements" not in page.sections and "Customers won, returned and lost" in page.text("missing")
    assert "297" in page.text("monthly")


@pytest.mark.usefixtures("undrawn")
def test_a_part_whose_mart_is_not_there_is_left_out(company: Published) -> None:
    company.change("drop table segment.segment_flows")
    made = make(company.config, company.config.published)
    assert made.warnings == () and 'id="flows"' not in made.html and "Who rose and who fell" not in made.html


def test_without_the_libraries_that_draw_tables_stand_open(company: Published, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr("clientela.report.charts.importlib.import_module", absent)
    made = make(company.config, company.config.published)
    assert len(made.warnings) == 1 and "pip install" in made.warnings[0]
    assert (
        "<svg" not in made.html
        and "There are no pictures tonight" in made.html
        and "January 2026" in Page(made.html).text("monthly")
    )


def test_each_query_that_is_shown_gives_the_figures(company: Published) -> None:
    html = make(company.config, company.config.published).html
    queries = re.findall(r"<pre[^>]*><code>(.*?)</code></pre>", html, re.DOTALL)
    assert len(queries) > 12 and f"&#39;{RUN[:8]}" not in "".join(queries)
    import html as entities

    for query in queries:
        assert "$" not in query
        company.ask(entities.unescape(query))


def test_numbers_amounts_and_days_are_written_as_the_language_does() -> None:
    spanish, english = Texts("es", "EUR"), Texts("en", "USD")
    assert (spanish.amount(1234567.8), english.amount(1234567.8)) == ("1.234.568\u00a0€", "$1,234,568")
    assert (spanish.amount(-12.5), english.amount(12.5), english.amount(12)) == ("−12,50\u00a0€", "$12.50", "$12")
    assert (spanish.share(0.256), english.share(0.004)) == ("26\u00a0%", "0.4%")
    assert Texts("en", "JPY").amount(12.4) == "¥12"
    assert english("gates.refused", count=1).startswith("1 batch was") and "2 batches" in english(
        "gates.refused", count=2
    )


def test_what_clientela_itself_advises_is_said_in_both_languages() -> None:
    with (PACKAGE.parents[1] / "seeds" / "default_segment_strategies.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    spanish, english = Texts("es", "EUR"), catalogue("en")
    assert len(rows) == 12
    for row in rows:
        assert english[f"advice.{row['value_tier']}_{row['engagement_tier']}"] == row["advice"]
        assert spanish.label("strategy", row["strategy"]) != row["strategy"]
    assert [state for state in STATES if f"state.{state}" not in english] == []
    assert [reason for reason in get_args(Reason) if f"reason.{reason}" not in english] == []


def test_a_curve_of_many_customers_is_drawn_by_few_points_and_keeps_its_peak() -> None:
    with duckdb.connect() as db:
        db.execute(
            "create schema value; create table value.customer_value as "
            "select n as customer_id, cast(20000.5 - n as decimal(18, 4)) as realised_value from range(1, 30001) as c(n)"
        )
        query = (PACKAGE / "queries" / "whale_curve.sql").read_text(encoding="utf-8")
        rows = db.execute(query).fetchall()
    ranks = [row[0] for row in rows]
    assert len(ranks) < 120 and (ranks[0], ranks[-1]) == (1, 30000)
    assert max(rows, key=lambda row: row[2])[0] == 20000, "the last who has not cost more than they brought"
