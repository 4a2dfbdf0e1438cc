"""Nothing of a company's configuration is rendered as a template or becomes SQL: it reaches the models as rows of tables."""

from typing import Any

import pytest

from clientela import compiled_models, transform
from clientela.config.sources import Constant
from tests.conftest import Company, open_shop

#: stands in every text of the configuration
CANARY = "kanarienvogel"
ENVIRONMENT = '{{ env_var("CLIENTELA_TEST_SECRET") }}'
NAMES = (
    ENVIRONMENT,
    f"{{% set x = 1 %}}{CANARY}",
    f"{CANARY}'; select 1; --",
    "{# gone #} whale's",
    "{{ 7 * 7 }} $1 ? {name}",
)


def settings_of_a_spiteful_person(settings: dict[str, Any]) -> None:
    """Templates and quotes in every place that takes a text, and a canary in each."""
    jinja = f"{CANARY} {ENVIRONMENT} {{% raw %}} {{#"
    settings["company"] = f"[/red][a-z] {jinja}'"
    settings["on_failure"] = f"true # {jinja}"
    settings["sources"][f"till_{CANARY}"] = settings["sources"].pop("till")
    entities = settings["sources"][f"till_{CANARY}"]["entities"]
    customers, transactions = entities["customers"], entities["transactions"]
    customers["columns"]["acquisition_channel"] = {"value": jinja}
    customers["columns"]["city"] = {"sql": f"'{jinja}' || left(name, 1)"}
    customers["columns"]["family_name"] = {"column": "name", "values": {jinja: jinja}}
    customers["attributes"] = {jinja: "name"}
    transactions["columns"]["coupon"] = {"value": jinja}
    settings["identity"] = {
        "extra_placeholders": {"email": [f"{CANARY}@example.com"]},
        "trusted_sources": [f"till_{CANARY}"],
    }
    settings["segments"] = {
        "rules": [
            {"name": NAMES[0], "predicate": f"cumulative_orders > 90 or state = '{jinja}'"},
            {"name": NAMES[1], "predicate": f"cumulative_orders > 80 and state <> '{jinja}' -- {jinja}"},
            {"name": NAMES[2], "predicate": "cumulative_net_revenue > 30 and state <> '{{ 1 }}'"},
            {"name": NAMES[3], "predicate": "cumulative_net_revenue > 10 and '{{ 1 }}' || state <> '1' || state"},
            {"name": NAMES[4], "predicate": "state <> '{{ 7 * 7 }}' and orders >= 0"},
        ],
        "value_tiers": [0.4, 0.7],
    }  # fmt: skip
    settings["value"] = {"annual_discount_rate": 0.07, "tolerance": 0.5}
    settings["retention"] = {"states": {"rule": "fixed_days", "lapsed_days": 99}}


@pytest.fixture(scope="module")
def spiteful(tmp_path_factory: pytest.TempPathFactory) -> Company:
    folder = tmp_path_factory.mktemp("spiteful") / "{{ 7 * 7 }} o'clock"
    folder.mkdir()
    company = open_shop(folder)
    company.write("sales_2.csv", "receipt,line,customer,product,net,sold_at\n9,1,b,wine,40,2026-02-01 10:00:00\n")
    company.change(settings_of_a_spiteful_person)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("CLIENTELA_TEST_SECRET", "the value of the variable")
        report = company.night()
    assert report.status == "published", (report.message, report.failures)
    return company


def test_names_and_literals_of_rules_are_published_as_they_stand(spiteful: Company) -> None:
    rows = spiteful.published(
        """
        select full_name is not null, rule_segment_today, net_revenue
        from segment.customer_segments join customer.customer_today using (customer_id)
        where customer_id > 0 order by net_revenue
        """
    )
    # a literal that were rendered would let customer a fall through to the last rule
    assert [(name, revenue) for _, name, revenue in rows] == [(NAMES[3], 10.5), (NAMES[2], 42)], rows
    assert spiteful.published("select distinct company from operations.publication")[0][0] == spiteful.config.company
    channel = spiteful.config.sources[f"till_{CANARY}"].entities["customers"].columns["acquisition_channel"]
    assert isinstance(channel, Constant)
    rows = spiteful.published("select distinct acquisition_channel from customer.customers where customer_id > 0")
    assert rows == [(channel.value,)]


def test_what_is_compiled_holds_nothing_of_a_company(spiteful: Company) -> None:
    """Compiling is given no company; the user's cache keeps what it made for all of them."""
    # others who compile meanwhile may have taken its place
    compiled_models.keep(transform.compiled())
    held = compiled_models.path().read_bytes()
    assert b"select" in held
    assert CANARY.encode() not in held and b"the value of the variable" not in held
    assert not transform.target_folder(spiteful.config).exists(), "dbt leaves nothing in the company's folder"
    manifest = transform.manifest(spiteful.config)
    assert not any(node.get("config", {}).get("meta", {}).get("settings") for node in manifest["nodes"].values())
    assert not any("--vars" in argument for argument in transform.arguments(spiteful.config))


def test_one_compiled_project_serves_every_setting(
    shop: Company, spiteful: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    def compile_project(*_: object, **__: object) -> None:
        raise AssertionError("compiled again")

    monkeypatch.setattr(compiled_models, "compile_project", compile_project)
    assert transform.manifest(shop.config) == transform.manifest(spiteful.config)
    assert transform.cached_relations(shop.config) == transform.cached_relations(spiteful.config)


def test_the_project_asks_for_no_variable() -> None:
    places = [*(transform.PROJECT / "models").rglob("*"), *(transform.PROJECT / "dbt").rglob("*")]
    for path in [*places, transform.PROJECT / "dbt_project.yml"]:
        if path.suffix in (".sql", ".yml", ".py"):
            text = path.read_text(encoding="utf-8")
            assert "var(" not in text.replace("env_var(", "") and "meta_get" not in text, path
