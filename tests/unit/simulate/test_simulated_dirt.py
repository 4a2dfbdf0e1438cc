"""Each planted fault is found in the file, at the row and under the key where the truth says; and there is no other."""

import csv
import json
from pathlib import Path

import polars as pl
import pytest

Dirt = list[dict[str, object]]


def physical_line(folder: Path, row: dict[str, object]) -> bytes:
    return (folder / str(row["file"])).read_bytes().split(b"\n")[int(str(row["row"])) - 1]


def of(dirt: Dirt, kind: str, ending: str) -> Dirt:
    found = [row for row in dirt if row["kind"] == kind and str(row["file"]).endswith(ending)]
    assert found, f"no {kind} was planted in any {ending} file"
    return found


def separator(row: dict[str, object]) -> bytes:
    return b";" if row["source"] == "till" else b","


def test_lines_with_too_few_and_too_many_fields(company: Path, dirt: Dirt) -> None:
    for kind in ("field_count_short", "field_count_long"):
        for row in of(dirt, kind, ".csv"):
            path, line = company / str(row["file"]), physical_line(company, row)
            header = path.read_bytes().split(b"\n")[0].count(separator(row))
            count = line.count(separator(row))
            assert count < header if kind == "field_count_short" else count > header
            assert line.split(separator(row))[0].decode() == str(row["record_key"]).split("|")[0]


def test_quotes_that_open_and_do_not_close(company: Path, dirt: Dirt) -> None:
    for row in of(dirt, "unclosed_quote", ".csv"):
        assert physical_line(company, row).count(b'"') % 2 == 1


def test_lines_in_the_wrong_encoding(company: Path, dirt: Dirt) -> None:
    for row in [*of(dirt, "wrong_encoding", ".csv"), *of(dirt, "wrong_encoding", ".jsonl")]:
        with pytest.raises(UnicodeDecodeError):
            physical_line(company, row).decode()


def test_json_that_breaks_off(company: Path, dirt: Dirt) -> None:
    for row in of(dirt, "broken_json", ".jsonl"):
        line = physical_line(company, row)
        assert str(row["record_key"]).encode() in line
        with pytest.raises(json.JSONDecodeError):
            json.loads(line)


def test_dates_that_no_calendar_has(company: Path, dirt: Dirt) -> None:
    for row in [*of(dirt, "impossible_date", ".csv"), *of(dirt, "impossible_date", ".jsonl")]:
        assert any(
            text in physical_line(company, row)
            for text in (b"31/02/", b"00/00/", b"12/25/", b"29/02/2023", b"02-30T", b"0000-", b"-13-", b"06-31T")
        )
    for row in of(dirt, "impossible_date", ".parquet"):
        line = pl.read_parquet(company / str(row["file"]))[int(str(row["row"])) - 1]
        assert line["ordered_at"].dt.year()[0] > 2900
        assert f"{line['order_id'][0]}|{line['line_no'][0]}" == row["record_key"]


def test_customers_that_nobody_knows(company: Path, dirt: Dirt) -> None:
    records = pl.read_parquet(company / "truth" / "records.parquet")
    known = {
        source: set(records.filter(pl.col("source") == source)["record_key"])
        for source in ("till", "webshop", "call_centre", "loyalty")
    }
    for row in of(dirt, "unknown_customer", ".csv"):
        names = (company / str(row["file"])).read_bytes().split(b"\n")[0].split(separator(row))
        column = names.index(b"socio" if row["source"] == "till" else b"card")
        assert physical_line(company, row).split(separator(row))[column].decode() not in known[str(row["source"])]
    for row in of(dirt, "unknown_customer", ".jsonl"):
        assert json.loads(physical_line(company, row))["contact_id"] not in known["call_centre"]
    for row in of(dirt, "unknown_customer", ".parquet"):
        assert (
            str(pl.read_parquet(company / str(row["file"]))["user_id"][int(str(row["row"])) - 1])
            not in known["webshop"]
        )


def test_rows_delivered_twice_in_one_file(company: Path, dirt: Dirt) -> None:
    for row in [*of(dirt, "duplicate_row", ".csv"), *of(dirt, "duplicate_row", ".jsonl")]:
        before = row | {"row": int(str(row["row"])) - 1}
        assert physical_line(company, row) == physical_line(company, before)
    for row in of(dirt, "duplicate_row", ".parquet"):
        frame, at = pl.read_parquet(company / str(row["file"])), int(str(row["row"])) - 1
        assert frame.row(at) == frame.row(at - 1)


def test_late_and_repeated_files(company: Path, dirt: Dirt) -> None:
    late = of(dirt, "late_file", ".csv")
    assert len(late) == 2
    for row in of(dirt, "repeated_file", ".csv"):
        path = company / str(row["file"])
        assert path.read_bytes() == path.with_name(path.name.replace("_reenvio", "")).read_bytes()
    for row in late:
        text = (company / str(row["file"])).read_text()
        day, month, year = next(csv.DictReader(text.splitlines(), delimiter=";"))["fecha_hora"][:10].split("/")
        assert f"{year}{month}{day}" < str(row["file"]).split("_")[1], "it bears a later date than its sales"


def test_there_is_no_dirt_that_the_truth_does_not_tell(company: Path, dirt: Dirt) -> None:
    """Every line of the till's and the call centre's files is whole, but those listed."""
    listed = {(str(row["file"]), row["row"]) for row in dirt if row["expected"] == "quarantined"}
    for path in [*(company / "till").glob("*.csv"), *(company / "loyalty").glob("points_*.csv")]:
        name, split = str(path.relative_to(company)), b";" if path.parent.name == "till" else b","
        lines = path.read_bytes().split(b"\n")[:-1]
        whole = lines[0].count(split)
        broken = {(name, n) for n, line in enumerate(lines, 1) if line.count(split) != whole or line.count(b'"') % 2}
        assert broken <= listed
    path = next((company / "call_centre").glob("tickets_*.jsonl"))
    for number, line in enumerate(path.read_bytes().split(b"\n")[:-1], 1):
        if (str(path.relative_to(company)), number) not in listed:
            json.loads(line)


def test_a_clean_company_has_no_dirt(tmp_path: Path) -> None:
    from clientela.simulate import SimulateSettings, write_company

    write_company(SimulateSettings(customers=200, dirt=0), tmp_path)
    assert pl.read_parquet(tmp_path / "truth" / "dirt.parquet").is_empty()
    assert set(pl.read_parquet(tmp_path / "truth" / "files.parquet")["kind"]) == {"regular"}
