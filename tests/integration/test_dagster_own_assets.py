"""A team's own assets and checks join ours, as docs/dagster.md says."""

import re
import sys

import dagster as dg
import polars as pl
import pytest
import yaml

from clientela.errors import ConfigError
from dagster_project.definitions import build_defs
from tests.conftest import ROOT, Company

_BLOCK = re.compile(r"^```\w+ (?P<path>\S+)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.fixture
def joined(running: Company, monkeypatch: pytest.MonkeyPatch) -> Company:
    """The company with the files of the recipe beside its configuration."""
    page = (ROOT / "docs" / "dagster.md").read_text(encoding="utf-8")
    blocks = {block["path"]: block["text"] for block in _BLOCK.finditer(page)}
    running.change(lambda settings: settings.update(yaml.safe_load(blocks["clientela.yml"])))
    running.write("team_assets.py", blocks["team_assets.py"])
    monkeypatch.setenv("CLIENTELA_CONFIG", str(running.config_path))
    monkeypatch.delitem(sys.modules, "team_assets", raising=False)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return running


def test_assets_and_checks_of_a_team_join_the_night(joined: Company) -> None:
    defs = build_defs(joined.config_path)
    graph = defs.resolve_asset_graph()
    own = dg.AssetKey("call_list")
    assert graph.get(own).parent_keys == {dg.AssetKey(["published", "marts"])} and graph.get(own).owners == [
        "team:call_centre"
    ]
    assert {key.name for key in graph.get(own).check_keys} == {"somebody_is_to_be_called"}
    assert own in defs.resolve_job_def("night").asset_layer.selected_asset_keys
    # ours are as they were
    assert graph.get(dg.AssetKey(["value", "orders"])).owners == ["team:Controlling"]
    module = sys.modules["team_assets"]
    made = dg.materialize([module.call_list, module.somebody_is_to_be_called], instance=dg.DagsterInstance.ephemeral())
    assert made.success
    assert pl.read_parquet(joined.folder / "call_list.parquet").height == 2


@pytest.mark.parametrize(
    ("module", "text", "sentence"),
    [
        ("not_there", None, "dagster_module = not_there: not_there is neither beside clientela.yml nor installed"),
        ("bare_assets", "x = 1\n", "the module has no `defs`"),
    ],
)
def test_a_module_that_cannot_join_is_said_in_a_sentence(
    running: Company, monkeypatch: pytest.MonkeyPatch, module: str, text: str | None, sentence: str
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    if text is not None:
        running.write(f"{module}.py", text)
    running.change(lambda settings: settings.update(dagster_module=module))
    with pytest.raises(ConfigError, match=re.escape(sentence)):
        build_defs(running.config_path)
