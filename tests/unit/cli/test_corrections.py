"""Commands that correct what was loaded hand on what a person asked, and refuse the options of before by their new name."""

import json
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner, Result

from clientela.cli.main import main
from clientela.pipeline import reapply_batch, unload_batch
from clientela.pipeline.changed_batches import Change
from tests.conftest import Company


def _invoke(shop: Company, *arguments: str) -> Result:
    return CliRunner().invoke(main, [*arguments, "-c", str(shop.config_path)])


@pytest.mark.parametrize(("module", "command"), [(unload_batch, "unload"), (reapply_batch, "reapply")])
def test_a_batch_is_handed_on_by_its_number(
    shop: Company, monkeypatch: pytest.MonkeyPatch, module: ModuleType, command: str
) -> None:
    asked: list[int] = []

    def change(config: Any, batch_id: int, watch: Any) -> Change:
        asked.append(batch_id)
        return Change(command, (7,), (8,))

    monkeypatch.setattr(module, command, change)
    answer = json.loads(_invoke(shop, command, "7", "--json").stdout)
    assert asked == [7]
    assert (answer["kind"], answer["unloaded"], answer["loaded"]) == (command, [7], [8])
    assert answer["message"].startswith("1 batch unloaded (7), 1 loaded in their place (8).")


@pytest.mark.parametrize(
    ("arguments", "now"),
    [
        (("unload", "--undo", "7"), "--undo is gone; it is now a command of its own, clientela reapply BATCH."),
        (("identity", "diff", "--with", "x.yml"), "--with is gone; it is now --against."),
    ],
)
def test_an_option_of_before_is_refused_with_its_new_name(shop: Company, arguments: tuple[str, ...], now: str) -> None:
    refused = _invoke(shop, *arguments)
    assert refused.exit_code == 2 and now in refused.stderr
    assert not shop.config.data.exists()


def test_help_names_no_option_of_before() -> None:
    for command, gone in ((["unload"], "--undo"), (["identity", "diff"], "--with ")):
        assert gone not in CliRunner().invoke(main, [*command, "--help"]).stdout
