"""The published file in older clients, and the whole suite on the older DuckDB."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.conftest import ROOT, Company
from tests.prove.duckdb15.other_python import python_with

#: the newest client for Node, of November 2026
NODE_CLIENT = "1.5.6-r.1"
#: what a client is asked; run by its own interpreter
ASK = """
import json, sys
import duckdb
connection = duckdb.connect(sys.argv[1], read_only=True)
connection.execute("set timezone = 'UTC'")
found = {"version": duckdb.__version__}
tables = connection.execute(
    "select schema_name, table_name, comment from duckdb_tables() order by 1, 2").fetchall()
for schema, table, comment in tables:
    found[f"{schema}.{table}"] = [comment, connection.execute(
        f"select cast(columns(*) as varchar) from {schema}.{table} order by all").fetchall()]
print(json.dumps(found))
"""


def _asked(python: str | Path, path: Path) -> dict[str, Any]:
    done = subprocess.run([str(python), "-c", ASK, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.mark.prove
@pytest.mark.parametrize("client", ["1.4", "1.5"])
def test_an_older_client_reads_what_ours_reads(small: Company, tmp_path: Path, client: str) -> None:
    python = python_with(tmp_path, Path(__file__).parent / f"client-{client}.lock")
    assert small.night().exit_code in (0, 3)
    published = small.config.published
    for path in (published / "marts.duckdb", published / "operations.duckdb", small.config.warehouse):
        theirs = _asked(python, path)
        ours = _asked(sys.executable, path)
        assert theirs.pop("version").startswith(f"{client}."), "the client is the one that is meant"
        assert ours.pop("version") not in ("", client)
        assert theirs == ours and len(ours) >= 5


@pytest.mark.prove
def test_the_whole_suite_passes_on_duckdb_1_5(tmp_path: Path) -> None:
    python = python_with(tmp_path, ROOT / "requirements-duckdb15.lock")
    uv = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", python, "--no-deps"]
    subprocess.run([*map(str, uv), "--no-build-isolation", "--editable", str(ROOT)], check=True)
    version = subprocess.run([python, "-c", "import duckdb; print(duckdb.__version__)"], capture_output=True, text=True)
    assert version.stdout.strip() == "1.5.6"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [python, "-m", "pytest", "-m", "not prove", "-n", "2", "--dist", "loadfile", "tests"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR")) or " passed" in line]
    print("\n".join(lines))
    assert done.returncode == 0, "\n".join(lines[-40:])


@pytest.mark.prove
def test_the_client_for_node_reads_the_published_file(small: Company, tmp_path: Path) -> None:
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("there is no Node on this machine")
    install = [npm, "install", "--no-audit", "--no-fund", "--silent", f"@duckdb/node-api@{NODE_CLIENT}"]
    done = subprocess.run(install, cwd=tmp_path, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"the client for Node cannot be installed here: {(done.stderr or done.stdout).strip()[:200]}")
    assert small.night().exit_code in (0, 3)
    (tmp_path / "published").symlink_to(small.config.published)
    page = (ROOT / "docs" / "connect.md").read_text(encoding="utf-8")
    (tmp_path / "ask.mjs").write_text(re.findall(r"```js\n(.*?)```", page, re.DOTALL)[0], encoding="utf-8")
    answer = subprocess.run([node, "ask.mjs"], cwd=tmp_path, capture_output=True, text=True, check=True)
    with duckdb.connect(str(small.config.published / "marts.duckdb"), read_only=True) as connection:
        ((customers,),) = connection.execute("select count(*) from value.customer_value").fetchall()
    assert json.loads(answer.stdout) == [{"customers": customers}]
