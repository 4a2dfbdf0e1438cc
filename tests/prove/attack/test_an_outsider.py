"""What an outsider could try on the machine of a company: with another account, with what they deliver, with what they name.

Each attack is whole: a company's nights by its command line, the attack between them, and a night that heals once the attack
is taken away. What each layer refuses by itself stands in the short tests of that layer.
"""

import copy
import gzip
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from clientela.config.read import load_config
from clientela.errors import ClientelaError
from tests.conftest import CUSTOMERS, MORE_SALES, SALES, SHOP, Company
from tests.prove.attack.test_hostile_cells import CELLS

pytestmark = pytest.mark.prove

NOBODY = 65534
CANARY = "canary-5e1f9c07"
HEAD = "receipt,line,customer,product,net,sold_at\n"
NIGHT_SECONDS = 300

#: what another account tries on each path that is named; it lives on, holding what it got, until its input ends
ATTACK = """
import duckdb, fcntl, json, os, socket, sys
os.setgroups([]); os.setgid(65534); os.setuid(65534)
held = []
def read(path):
    with open(path, "rb") as file: file.read(1)
def write(path):
    held.append(os.open(path, os.O_WRONLY | os.O_APPEND))
def create(path):
    open(os.path.join(path, "from-outside"), "w").close()
def lock(path):
    held.append(os.open(path, os.O_RDONLY)); fcntl.flock(held[-1], fcntl.LOCK_SH | fcntl.LOCK_NB)
def opened(path):
    if not path.endswith(".duckdb"): raise OSError
    held.append(duckdb.connect(path, read_only=True))
got = []
for path in json.loads(sys.argv[1]):
    for attempt in (os.stat, os.listdir, read, write, create, lock, opened):
        try:
            attempt(path)
        except (OSError, duckdb.Error):
            continue
        got.append([attempt.__name__, path])
print(json.dumps(got), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every account of the machine may enter; pytest's own are the tester's alone."""
    folder = Path(tempfile.mkdtemp(prefix="clientela-outsider-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def night(company: Company, **variables: str) -> tuple[int, str]:
    """`clientela run` as a scheduler starts it under the usual umask: exit code, and all that it said."""
    environment = {**os.environ, "COLUMNS": "1000", **variables}
    done = subprocess.run(
        [sys.executable, "-m", "clientela", "run", "-c", str(company.config_path)], env=environment,
        capture_output=True, text=True, timeout=NIGHT_SECONDS, umask=0o022, check=False,
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert "Traceback" not in said, said
    return done.returncode, said


def status(company: Company) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((company.config.published / "status.json").read_text(encoding="utf-8"))
    return content


def shop_in(folder: Path, **changes: Any) -> Company:
    company = Company(folder)
    folder.mkdir(exist_ok=True)
    company.config_path.write_text(yaml.safe_dump({**SHOP, **changes}, sort_keys=False), encoding="utf-8")
    company.write("inbox/sales_1.csv", SALES)
    company.write("customers.csv", CUSTOMERS)
    company.change(lambda s: s["sources"]["till"]["entities"]["transactions"].update(files="inbox/**/sales*"))
    return company


def kept(company: Company) -> list[Path]:
    """Everything below the data folder, as its owner sees it."""
    return sorted([company.config.data, *company.config.data.rglob("*")])


def holding(company: Company, text: str) -> list[str]:
    """The kept files that hold a text, in their bytes, or in a value of a table where a database packs them."""
    found = []
    for path in kept(company):
        if not path.is_file() or path.is_symlink():
            continue
        if text.encode() in path.read_bytes() or (path.suffix == ".duckdb" and text in "\n".join(texts(path))):
            found.append(path.name)
    return found


def texts(path: Path) -> Iterator[str]:
    """Every row of every table of a database, as text."""
    connection = duckdb.connect(str(path), read_only=True)
    try:
        tables = connection.execute("select schema_name, table_name, comment from duckdb_tables()").fetchall()
        for schema, table, comment in tables:
            yield f"{schema}.{table} {comment}"
            for row in connection.execute(f'select cast(t as varchar) from "{schema}"."{table}" as t').fetchall():
                yield row[0]
    finally:
        connection.close()


# ------------------------------------------------------------------------------------------------ another account


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another account")
def test_another_account_reaches_nothing_and_blocks_nothing(open_folder: Path) -> None:
    company = shop_in(open_folder)
    assert night(company)[0] == 0
    below = kept(company)[1:]
    names = {path.name for path in below}
    assert {"warehouse.duckdb", "secret", "lock", "marts.duckdb", "status.json"} <= names and len(below) > 20
    paths = [str(company.config_path), str(company.config.data), *map(str, below)]
    attacker = subprocess.Popen(
        [sys.executable, "-c", ATTACK, json.dumps(paths)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert attacker.stdout is not None
        got = json.loads(attacker.stdout.readline())
        # what stands in the company's own folder is the company's affair; it shows that the attack can see anything
        assert ["read", str(company.config_path)] in got
        got = [(what, path) for what, path in got if path != str(company.config_path)]
        assert got == [("stat", str(company.config.data))], f"{len(got)} things were reached: {got[:10]}"
        company.write("inbox/sales_2.csv", MORE_SALES)
        code, said = night(company)
        assert code == 0, said
    finally:
        attacker.communicate()
    assert company.published("select count(*) from value.order_lines") == [(6,)]
    modes = {path: path.stat().st_mode & 0o777 for path in kept(company)}
    assert {str(path): oct(mode) for path, mode in modes.items() if mode & 0o007} == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another account")
def test_a_data_folder_that_stood_open_is_closed_by_the_next_night(open_folder: Path) -> None:
    """As an older version, or a copy back from a backup, leaves it."""
    company = shop_in(open_folder)
    assert night(company)[0] == 0
    for path in kept(company):
        path.chmod(0o777 if path.is_dir() else 0o666)
    company.write("inbox/sales_2.csv", MORE_SALES)
    code, said = night(company)
    assert code == 0, said
    assert {str(path) for path in kept(company) if path.stat().st_mode & 0o007} == set()


# ------------------------------------------------------------------------------------------------ what is delivered


def _farm(company: Company, outside: Path) -> list[Path]:
    """Every way in which a name in the inbox can be something else than a file of its own; gives the names."""
    inbox = company.folder / "inbox"
    line = f"{HEAD}9,1,a,{CANARY},9.00,2026-02-20 10:00:00\n"
    (outside / "folder").mkdir(parents=True)
    for name in ("outside.csv", "hard.csv", "folder/sales_inside.csv"):
        (outside / name).write_text(line, encoding="utf-8")
    links = {
        "sales_link.csv": outside / "outside.csv",
        "sales_secret.csv": company.config.data / "secret",
        "sales_warehouse.csv": company.config.warehouse,
        "sales_status.csv": company.config.published / "status.json",
        "sales_passwd.csv": Path("/etc/passwd"),
        "sales_dangling.csv": outside / "nothing",
        "sales_self.csv": inbox / "sales_self.csv",
        "sales_folder.csv": outside / "folder",
        "folder": outside / "folder",
        "loop": inbox,
    }
    for name, target in links.items():
        (inbox / name).symlink_to(target)
    os.link(outside / "hard.csv", inbox / "sales_hard.csv")
    os.mkfifo(inbox / "sales_pipe.csv")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(inbox / "sales_socket.csv"))
    listener.close()
    names = [*links, "sales_hard.csv", "sales_pipe.csv", "sales_socket.csv"]
    if os.geteuid() == 0:
        os.mknod(inbox / "sales_zero.csv", 0o644 | 0o020000, os.makedev(1, 5))
        names.append("sales_zero.csv")
    return [inbox / name for name in names]


def test_a_farm_of_links_lets_nothing_in_and_the_night_ends(open_folder: Path) -> None:
    company = shop_in(open_folder / "company")
    assert night(company)[0] == 0
    secret = (company.config.data / "secret").read_text(encoding="ascii").strip()
    before = company.published("select count(*) from value.order_lines")
    farm = _farm(company, open_folder / "outside")
    company.write("inbox/sales_2.csv", MORE_SALES)

    def nothing_came_in() -> None:
        assert holding(company, CANARY) == []
        assert holding(company, secret) == ["secret"]
        assert holding(company, "root:x:0:0") == []

    code, said = night(company)
    assert code in (0, 3, 4), said
    text = said + json.dumps(status(company))
    assert "link" in text and any(path.name in text for path in farm), text
    nothing_came_in()
    assert company.published("select count(*) from value.order_lines") in (before, [(6,)])
    for path in farm:
        if path.is_symlink() and path.name != "loop":
            path.unlink()
    code, said = night(company)
    assert code in (0, 3, 4) and "sales_hard.csv" in said + json.dumps(status(company)), said
    nothing_came_in()
    (company.folder / "inbox/sales_hard.csv").unlink()
    code, said = night(company)
    assert code in (0, 3) and "sales_pipe.csv" in said + json.dumps(status(company)), said
    assert company.published("select count(*) from value.order_lines") == [(6,)]
    for path in farm:
        path.unlink(missing_ok=True)
    code, said = night(company)
    assert code == 0, said
    nothing_came_in()
    assert [path for path in kept(company) if path.is_symlink() and "inbox" in str(path.resolve())] == []


def _bomb(path: Path, kind: str) -> None:
    """A packed file of a gigabyte: one endless line, or lines that are all good."""
    piece = b"0" * 2**20 if kind == "one line" else b"7,1,a,bread,2.00,2026-02-20 10:00:00\n" * 28_340
    with gzip.open(path, "wb", compresslevel=9) as file:
        file.write(HEAD.encode())
        for _ in range(1024):
            file.write(piece)
    assert path.stat().st_size < 5 * 2**20


@pytest.mark.parametrize("kind", ["one line", "good lines"])
def test_a_packed_gigabyte_is_refused_before_it_fills_disk_or_memory(open_folder: Path, kind: str) -> None:
    company = shop_in(open_folder, limits={"memory": "512MB", "threads": 2})
    assert night(company)[0] == 0
    _bomb(company.folder / "inbox/sales_bomb.csv.gz", kind)
    peak, is_over = [0], threading.Event()

    def watch() -> None:
        while not is_over.wait(0.1):
            sizes = []
            for path in (*kept(company), *Path(tempfile.gettempdir()).glob("clientela*")):
                try:
                    sizes.append(path.lstat().st_size)
                except OSError:
                    continue
            peak[0] = max(peak[0], sum(sizes))

    watcher = threading.Thread(target=watch)
    watcher.start()
    began = time.monotonic()
    try:
        code, said = night(company)
    finally:
        is_over.set()
        watcher.join()
    assert code == 4 and "sales_bomb.csv.gz" in said + json.dumps(status(company)), said
    assert peak[0] < 600 * 10**6, f"{peak[0] / 10**6:.0f} MB lay on the disk"
    assert time.monotonic() - began < 120
    (company.folder / "inbox/sales_bomb.csv.gz").unlink()
    company.write("inbox/sales_2.csv", MORE_SALES)
    code, said = night(company)
    assert code == 0, said
    assert company.published("select count(*) from value.order_lines") == [(6,)]


# ------------------------------------------------------------------------------------------------ what is named


def _payloads(file: Path) -> list[str]:
    """Names and literals that would say the canary, were they ever a template, a query or a shell's."""
    return [
        '{{ env_var("CLIENTELA_CANARY") }}',
        "{{ env_var('CLIENTELA_CANARY') }}",
        "{% set x = env_var('CLIENTELA_CANARY') %}{{ x }}",
        "{{ modules.datetime.__loader__ }}{{ env_var(\"CLIENTELA_CANARY\") | upper }}",
        f"' || (select content from read_text('{file}')) || '",
        f"''}}}}{{{{ \"' || (select content from read_text('{file}')) || '\" }}}}",
        f"{{% raw %}}' || (select content from read_text('{file}')) || '{{% endraw %}}",
        "${CLIENTELA_CANARY}", "$CLIENTELA_CANARY", "$(printenv CLIENTELA_CANARY)", "%(CLIENTELA_CANARY)s",
        f"!include {file}", "{CLIENTELA_CANARY}", "%{CLIENTELA_CANARY}", "\\u007b\\u007b env_var('CLIENTELA_CANARY') }}",
    ]  # fmt: skip


def test_names_of_segments_and_constants_are_data_and_never_a_template(open_folder: Path) -> None:
    """A whole night is published in which every free name of the configuration is hostile: each comes out as it was written."""
    file = open_folder / "canary.txt"
    file.write_text(CANARY, encoding="ascii")
    payloads = _payloads(file)
    small = [cell for cell in CELLS if len(cell) < 1000 and cell.isprintable()]
    company = shop_in(open_folder / "company")
    names = [*payloads, *small]
    quoted = [name.replace("'", "''") for name in names]

    def hostile(settings: dict[str, Any]) -> None:
        settings["company"] = payloads[0]
        settings["segments"] = {
            "rules": [
                *(
                    {"name": name, "predicate": f"state = '{literal}'"}
                    for name, literal in zip(names, quoted, strict=True)
                ),
                {"name": "last " + payloads[0] + payloads[4], "predicate": f"state <> '{quoted[0]}{quoted[4]}'"},
            ]
        }
        columns = settings["sources"]["till"]["entities"]["transactions"]["columns"]
        columns["channel"] = {"value": payloads[0]}
        columns["store_key"] = {"sql": f"'{quoted[1]}' || '{quoted[4]}'"}

    company.change(hostile)
    code, said = night(company, CLIENTELA_CANARY=CANARY)
    assert code == 0, said
    assert holding(company, CANARY) == []
    assert holding(company, CANARY.upper()) == []
    text = "\n".join(texts(company.config.published / "marts.duckdb"))
    assert "last {{ env_var" in text
    assert company.warehouse("select distinct channel, store_key from raw.transactions") == [
        (payloads[0], payloads[1] + payloads[4])
    ]
    assert status(company)["status"] == "published"


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, (*path, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _leaves(inner, (*path, number))
    elif isinstance(value, str):
        yield path


def test_no_string_of_the_configuration_says_what_it_should_not(open_folder: Path) -> None:
    """Every string of a configuration in turn: refused with a sentence, or kept as it is; then a night over all that is kept."""
    file = open_folder / "canary.txt"
    file.write_text(CANARY, encoding="ascii")
    company = shop_in(
        open_folder / "company",
        reference_folder="reference", models_path="own", as_of="latest", publish={"storage_version": "v1.4.0"},
        on_failure="true", on_stale="true",
        identity={"match": "always"},
        segments={"rules": [{"name": "all", "predicate": "orders >= 0"}]},
    )  # fmt: skip
    company.write("reference/exchange_rates.csv", "currency,valid_from,rate\nUSD,2026-01-01,0.9\n")
    company.write("own/mine.sql", "select customer_id from {{ ref('customers') }}\n")
    company.change(
        lambda s: s["sources"]["till"].update(date_format="%Y-%m-%d", currency="EUR", time_zone="Europe/Madrid")
    )
    company.change(
        lambda s: s["sources"]["till"]["entities"]["customers"].update(
            csv={"null_text": ["-"]}, attributes={"nick": "name"}, version_by="updated_at", encoding="utf-8"
        )
    )
    company.change(
        lambda s: s["sources"]["till"]["entities"]["transactions"]["columns"].update(
            channel={"value": "shop"}, store_key={"sql": "'s' || receipt"}
        )
    )
    plain = yaml.safe_load(company.config_path.read_text(encoding="utf-8"))
    assert load_config(company.config_path)
    # a command that the company itself names is run: that is what it is for
    leaves = [path for path in _leaves(plain) if path[0] not in ("on_failure", "on_stale")]
    # folders that are not there stop everything at once
    leaves = [path for path in leaves if path[0] not in ("data_folder", "reference_folder", "models_path")]
    missed = ("files", "key", "sql", "version_by", "date_format"), ("key", "columns", "attributes")
    loading = [
        path for path in leaves if path[-1] not in missed[0] and path[-2:-1] not in [(name,) for name in missed[1]]
    ]
    assert _replace(company, plain, loading, _payloads(file)) >= 4
    _, said = night(company, CLIENTELA_CANARY=CANARY)
    assert [o["status"] for o in status(company)["outcomes"]] == ["loaded"] * 3, "it went as far as the models"
    assert CANARY not in said
    assert holding(company, CANARY) == []
    assert _replace(company, plain, leaves, _payloads(file)) >= 12
    code, said = night(company, CLIENTELA_CANARY=CANARY)
    assert code == 0, said
    assert CANARY not in said
    assert holding(company, CANARY) == []


def _replace(company: Company, plain: dict[str, Any], leaves: list[tuple[Any, ...]], payloads: list[str]) -> int:
    """Put into each leaf the first payload that the configuration lets in there; gives how many it let in."""
    settings = copy.deepcopy(plain)
    taken = 0
    for path in leaves:
        inner: Any = settings
        for name in path[:-1]:
            inner = inner[name]
        good = inner[path[-1]]
        for payload in payloads:
            inner[path[-1]] = payload
            company.config_path.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
            try:
                load_config(company.config_path)
                taken += 1
                break
            except ClientelaError as error:
                assert CANARY not in error.sentence + error.details
                inner[path[-1]] = good
    company.config_path.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    return taken
