"""README's way from a folder of exports to a report, command by command."""

import re
import shlex
from datetime import date, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from clientela.cli.main import main
from clientela.config.read import load_config
from tests.conftest import ROOT
from tests.integration.figures import assert_figures_agree


def _commands() -> list[list[str]]:
    (block,) = re.findall(r"```shell\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    return [shlex.split(line, comments=True) for line in block.splitlines()]


def _exports(folder: Path) -> None:
    """What a small shop exports: customers, and their sales of two years."""
    folder.mkdir()
    people = [f"{n},Customer {n},person{n}@example.com,2024-01-0{1 + n % 9} 09:00:00" for n in range(1, 25)]
    text = "\n".join(["customer_id,name,email,updated_at", *people])
    (folder / "customers.csv").write_text(f"{text}\n", encoding="utf-8")
    lines = ["order_id,line,customer_id,product,quantity,net_amount,ordered_at"]
    first = date(2024, 1, 1)
    for n in range(400):
        day = first + timedelta(days=n * 7 // 4)
        lines.append(f"{n},1,{1 + n * 7 % 24},article {n % 11},{1 + n % 3},{10 + n % 40}.50,{day} 1{n % 9}:30:00")
    (folder / "sales.csv").write_text("\n".join([*lines, ""]), encoding="utf-8")


def test_five_commands_lead_from_exports_to_a_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install, *commands = _commands()
    # that the wheel installs is for test_installed.py
    assert install == ["pip", "install", "."] and len(commands) == 4
    _exports(tmp_path / "exports")
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda url: opened.append(url) or True)
    monkeypatch.chdir(tmp_path)
    for command in commands:
        assert command[0] == "clientela"
        done = CliRunner().invoke(main, command[1:])
        assert done.exit_code == 0, f"{command}\n{done.output}"
    (index,) = (Path(url.removeprefix("file://")) for url in opened)
    report = index.with_name("report.html").read_text(encoding="utf-8")
    assert "The morning report" in report and "could not be made" not in report
    assert {"movements", "whale", "identity", "gates"} <= set(re.findall(r'<section id="(\w+)"', report))
    assert_figures_agree(load_config(index.parents[2] / "clientela.yml"))
