"""The page on operations is true: its commands run as written, one after another, in a company's folder."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from clientela.cli.main import main
from clientela.config.company import Config
from clientela.pipeline import nightly
from clientela.pipeline.open_run import open_run
from clientela.pipeline.pipeline_run import PipelineRun
from tests.conftest import NOW, ROOT, Company
from tests.unit.privacy.test_forget import REQUESTS, open_privacy_shop

PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
#: what is lost before a block runs that brings it back
LOST = {
    "clientela restore backups/encrypted": ("data", "clientela.yml"),
    "clientela rebuild": ("data/warehouse.duckdb",),
    "clientela restore backups/plain --only secret": ("data/secret",),
}
#: heading → what is done there by commands
SECTIONS = {
    "Backup and restore": ("clientela backup ", "clientela restore ", "clientela rebuild"),
    "Rotating the secret": ("clientela rotate-secret",),
    "Forgetting a person": ("clientela forget ",),
    "Upgrading": ("clientela upgrade",),
    "A full disk": ("du ", "clientela run"),
}


def blocks(page: str = PAGE) -> list[list[str]]:
    return [block.strip().splitlines() for block in re.findall(r"```sh\n(.*?)```", page, re.DOTALL)]


@pytest.mark.parametrize("heading", SECTIONS)
def test_what_an_operator_has_to_do_is_there_as_commands(heading: str) -> None:
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for block in blocks(section) for line in block]
    assert all(any(line.startswith(command) for line in lines) for command in SECTIONS[heading]), lines


def test_the_commands_of_the_page_run_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = open_privacy_shop(tmp_path)
    shop.write("erasures.csv", REQUESTS)
    shop.change(lambda settings: settings.update(privacy={"grace_days": 3650}))

    def load(config: Config, *_: object, **__: object) -> object:
        """A night without its marts, which other tests build."""
        with open_run(config, "night", now=NOW) as run:
            run.load_all()
        assert run.report is not None
        return run.report

    monkeypatch.setattr(nightly, "run", load)
    for step in ("set_context", "transform", "publish", "write_report"):
        monkeypatch.setattr(PipelineRun, step, lambda *_: None)
    monkeypatch.chdir(tmp_path)
    load(Company(tmp_path).config)
    total = "select sum(net_amount), count(*) from raw.transactions"
    rows = shop.warehouse(total)
    commands = set()
    for block in blocks():
        for name in next((lost for start, lost in LOST.items() if block[0].startswith(start)), ()):
            path = tmp_path / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        for line in block:
            if not line.startswith("clientela "):
                subprocess.run(line, shell=True, check=True, capture_output=True)
                continue
            commands.add(line.split()[1])
            outcome = CliRunner().invoke(main, shlex.split(line)[1:])
            assert outcome.exit_code in (0, 3), f"{line}: {outcome.output} {outcome.exception}"
    assert commands >= {"upgrade", "backup", "restore", "rebuild", "audit", "run", "forget", "rotate-secret"}
    assert shop.warehouse(total) == rows
