"""The whole asset graph, against what the files of the project say: nothing hangs loose, nothing is missing."""

import re
from datetime import timedelta
from pathlib import Path

import dagster as dg
import duckdb
import pytest
import yaml
from dagster_fixture import write_company

from clientela.contracts.expectations import fact
from clientela.load.gate.validate import Check
from clientela.load.outcome import Outcome
from clientela.pipeline.run_summary import SourceStatus
from clientela.transform import PROJECT, NodeResult
from dagster_project.definitions import build_defs
from dagster_project.defs import transformation
from dagster_project.defs.ingestion import check_result

Graph = dict[str, set[str]]
AREAS = ("customer", "value", "retention", "segment", "relationship", "objective", "quality", "operations")


@pytest.fixture(scope="module")
def defs(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    return build_defs(write_company(tmp_path_factory.mktemp("graph")))


def models() -> dict[str, tuple[Path, str]]:
    """Model → (file, asset key), by where its file stands."""
    found = {}
    for path in (PROJECT / "models").rglob("*"):
        if path.suffix in (".sql", ".py"):
            layer, *area = path.relative_to(PROJECT / "models").parent.parts
            found[path.stem] = path, "/".join([area[0] if layer == "marts" else layer, path.stem])
    return found


def seeds() -> dict[str, str]:
    return {path.stem: f"staging/{path.stem}" for path in (PROJECT / "seeds").glob("*.csv")}


def graph_of_files() -> Graph:
    """Asset key → its parents, as the text of each model names them; macros name further ones in the models' arguments."""
    known = models()
    edges: Graph = {key: set() for key in seeds().values()}
    for path, key in known.values():
        text = path.read_text(encoding="utf-8")
        refs = re.findall(r"\bref\(\s*['\"](\w+)['\"]\s*\)", text)
        sources = re.findall(r"\bsource\(\s*['\"](\w+)['\"]\s*,\s*['\"](\w+)['\"]\s*\)", text)
        edges[key] = {f"{schema}/{table}" for schema, table in sources}
        edges[key] |= {known[name][1] if name in known else seeds()[name] for name in refs}
    return edges


def graph_of_dagster(defs: dg.Definitions) -> Graph:
    graph = defs.resolve_asset_graph()
    return {
        key.to_user_string(): {parent.to_user_string() for parent in graph.get(key).parent_keys}
        for key in graph.get_all_asset_keys()
    }


def test_deliveries_lead_to_raw_tables_and_those_to_the_run(defs: dg.Definitions) -> None:
    graph = graph_of_dagster(defs)
    sources = {key for key in graph if key.startswith("sources/")}
    assert sources == {
        "sources/reference/exchange_rates",
        "sources/till/customers",
        "sources/till/transactions",
        "sources/web/transactions",
        "sources/service/interactions",
    }
    assert graph["raw/exchange_rates"] == {"sources/reference/exchange_rates"}
    assert graph["raw/customers"] == {"sources/till/customers", "raw/exchange_rates"}
    assert graph["raw/transactions"] == {"sources/till/transactions", "sources/web/transactions", "raw/exchange_rates"}
    assert graph["raw/interactions"] == {"sources/service/interactions", "raw/exchange_rates"}
    loaded = {"raw/customers", "raw/transactions", "raw/interactions", "raw/exchange_rates"}
    assert graph["run/context"] == loaded
    assert graph["published/as_of"] == loaded


def test_every_model_and_seed_is_an_asset_with_the_parents_its_file_names(defs: dg.Definitions) -> None:
    graph = graph_of_dagster(defs)
    for key, parents in graph_of_files().items():
        # a macro that a model calls may add parents; it takes none away
        assert parents <= graph[key], key
        assert all(parent.split("/")[0] != "sources" for parent in graph[key]), key
    built = {key for key in graph if key.split("/")[0] in ("staging", "intermediate", *AREAS)}
    assert built == set(graph_of_files())


def test_the_published_file_stands_behind_every_mart(defs: dg.Definitions) -> None:
    marts = {key for path, key in models().values() if "marts" in path.parts}
    assert len(marts) > 15
    assert graph_of_dagster(defs)["published/marts"] == marts


def test_what_nobody_delivers_or_makes_is_in_the_graph_and_says_so(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    external = {key.to_user_string() for key in graph.get_all_asset_keys() if not graph.get(key).is_executable}
    assert {key.split("/")[0] for key in external} == {
        "sources",
        "raw",
        "run",
        "ledger",
        "memory",
        "identity",
        "forecast",
    }
    assert "No source of this company delivers it" in (graph.get(dg.AssetKey(["raw", "consents"])).description or "")


def test_groups_follow_the_way_data_flows(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    for key in graph.get_all_asset_keys():
        schema, group = key.path[0], graph.get(key).group_name
        if key.path[-1] in seeds():
            assert group == "seeds", key
        else:
            assert group == (f"marts_{schema}" if schema in AREAS else schema), key


def test_each_feed_has_one_check_and_only_a_required_one_blocks(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    blocking = {
        f"{key.asset_key.path[1]}.{key.name}": graph.get_check_spec(key).blocking
        for key in graph.asset_check_keys
        if key.asset_key.path[0] == "raw"
    }
    assert blocking == {
        "exchange_rates.reference_gate": False,
        "customers.till_gate": False,
        "transactions.till_gate": True,
        "transactions.web_gate": False,
        "interactions.service_gate": False,
    }


def test_every_dbt_test_is_a_check(defs: dg.Definitions) -> None:
    names = {key.name for key in defs.resolve_asset_graph().asset_check_keys}
    singular = {path.stem for path in (PROJECT / "dbt" / "tests").glob("*.sql")}
    assert singular and singular <= names


def test_the_night_holds_every_asset_but_those_of_past_days(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    made = {key for key in graph.get_all_asset_keys() if graph.get(key).is_executable}
    night = defs.resolve_job_def("night")
    assert set(night.asset_layer.executable_asset_keys) & made == made - {dg.AssetKey(["published", "as_of"])}
    assert night.tags["clientela/warehouse"] == "Tiny"
    assert defs.resolve_job_def("as_of").tags["clientela/warehouse"] == "Tiny"


def test_loads_are_tried_again_and_nothing_else_is(defs: dg.Definitions) -> None:
    night = defs.resolve_job_def("night")
    retried = {node.name for node in night.nodes if getattr(node.definition, "retry_policy", None)}
    assert retried == {"raw__customers", "raw__transactions", "raw__interactions", "raw__exchange_rates"}


def test_the_report_stands_behind_the_published_file_and_its_check_only_warns(defs: dg.Definitions) -> None:
    assert graph_of_dagster(defs)["published/report"] == {"published/marts"}
    graph = defs.resolve_asset_graph()
    (check,) = (key for key in graph.asset_check_keys if key.asset_key == dg.AssetKey(["published", "report"]))
    assert not graph.get_check_spec(check).blocking


def test_marts_are_owned_by_the_teams_of_their_groups(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    owners = {key.path[0]: graph.get(key).owners for key in graph.get_all_asset_keys() if key.path[0] in AREAS}
    assert owners["value"] == ["team:Controlling"] and owners["relationship"] == ["team:Marketing_and_service"]
    assert owners.keys() == set(AREAS) and all(owners.values())


def test_a_model_is_stored_in_the_warehouse_under_its_own_name(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    names = {
        str(value)
        for key in graph.get_all_asset_keys()
        for name, value in graph.get(key).metadata.items()
        # the manifest, which each bears whole, is long to write out
        if name != "dagster_dbt/manifest" and "orders" in str(value)
    }
    assert "warehouse.value.orders" in names and not [name for name in names if name.startswith("memory.")]


def test_how_old_a_delivery_may_be_is_how_long_its_table_is_fresh(tmp_path: Path) -> None:
    path = write_company(tmp_path)
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    settings["sources"]["till"]["entities"]["transactions"]["max_age"] = "5 days"
    settings["sources"]["web"]["entities"]["transactions"]["max_age"] = "3 days"
    settings["max_silence"] = "36 hours"
    path.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    graph = build_defs(path).resolve_asset_graph()
    policies = {key.to_user_string(): graph.get(key).freshness_policy for key in graph.get_all_asset_keys()}
    fresh = {key: policy.fail_window.to_timedelta() for key, policy in policies.items() if policy is not None}
    assert fresh == {"raw/transactions": timedelta(days=3), "published/marts": timedelta(hours=36)}


def test_a_companys_own_models_are_assets_upon_ours(tmp_path: Path) -> None:
    path = write_company(tmp_path)
    path.write_text(path.read_text(encoding="utf-8") + "models_path: own\n", encoding="utf-8")
    (tmp_path / "own").mkdir()
    (tmp_path / "own/my_customers.sql").write_text("select customer_id from {{ ref('customers') }}", encoding="utf-8")
    graph = build_defs(path).resolve_asset_graph()
    (own,) = (key for key in graph.get_all_asset_keys() if key.path[-1] == "my_customers")
    assert graph.get(own).parent_keys == {dg.AssetKey(["customer", "customers"])}


def test_rows_and_seconds_of_a_mart_are_numbers_that_dagster_plots(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        connection.execute("create schema value")
        connection.execute("create table value.orders as from range(7)")
        rows = transformation.row_counts(connection)
    key = dg.AssetKey(["value", "orders"])
    built = NodeResult("model.orders", "model", "orders", "success", 0.5, "", 0)
    (event,) = transformation.dagster_events([built], {"model.orders": key}, {key}, {}, rows)
    assert isinstance(event, dg.MaterializeResult) and event.metadata == {"seconds": 0.5, "dagster/row_count": 7}


@pytest.mark.parametrize(("is_met", "severity"), [(True, "WARN"), (False, "WARN")])
def test_what_was_met_only_with_a_warning_is_not_green(is_met: bool, severity: str) -> None:
    state = SourceStatus("till", "transactions", "loaded", "", True, False, 1, None, "transactions")
    expect = fact("rows_in_future", "warning", "Nothing is dated after its delivery.", maximum=0)
    outcome = Outcome("till", "transactions", "loaded", checks=[Check(expect, is_met, "1", None, None, ())])
    told = check_result(dg.AssetKey(["raw", "transactions"]), state, [outcome], None)
    assert (told.passed, told.severity.value) == (is_met, severity)


def test_jobs_schedule_and_sensor_say_what_they_do(defs: dg.Definitions) -> None:
    repository = defs.get_repository_def()
    described = [
        *repository.schedule_defs,
        *repository.sensor_defs,
        *(repository.get_job(name) for name in ("night", "as_of")),
    ]
    assert len(described) == 4 and all(found.description for found in described)
