"""The same company in nights: the same rows, each once, in the night that its day belongs to."""

from collections import Counter
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import polars as pl

from clientela.simulate import SimulateSettings


def lines(folder: Path, pattern: str) -> Counter[bytes]:
    """All physical lines of the files, without their headers."""
    has_header = pattern.endswith(".csv")
    return Counter(line for path in folder.glob(pattern) for line in path.read_bytes().split(b"\n")[has_header:-1])


def test_the_union_of_the_nights_is_the_one_delivery_line_by_line(company: Path, in_nights: Path) -> None:
    for pattern in ("till/*.csv", "call_centre/*.jsonl", "loyalty/*.csv"):
        assert lines(company, pattern) == lines(in_nights, pattern)
    for stem in ("customers", "products", "order_lines", "subscriptions", "sessions"):
        whole = pl.read_parquet(company / "webshop" / f"{stem}*.parquet")
        nightly = pl.read_parquet(in_nights / "webshop" / f"{stem}*.parquet")
        assert whole.sort(pl.all()).equals(nightly.sort(pl.all()))


def test_the_excel_files_of_the_nights_hold_the_rows_of_the_one(company: Path, in_nights: Path) -> None:
    def members(folder: Path) -> pl.DataFrame:
        files = sorted((folder / "loyalty").glob("members_*.xlsx"))
        return pl.concat(pl.read_excel(f, infer_schema_length=None).cast(pl.String) for f in files).sort(pl.all())

    assert members(company).equals(members(in_nights))


def test_a_night_holds_no_sale_of_a_later_day(in_nights: Path) -> None:
    files = pl.read_parquet(in_nights / "truth" / "files.parquet")
    sales = files.filter((pl.col("source") == "webshop") & (pl.col("entity") == "transactions"))
    assert sales["night"].to_list() == [1, 2, 3, 4, 5]
    before = datetime.min.date()
    for name in sales["file"]:
        closes = datetime.strptime(name[-16:-8], "%Y%m%d").date()
        days = pl.read_parquet(in_nights / name)["ordered_at"].dt.convert_time_zone("Europe/Madrid").dt.date()
        days = days.filter(days.dt.year() < 2900)
        assert before < days.min() <= days.max() <= closes  # type: ignore[operator]
        before = closes


def test_the_late_file_comes_in_a_later_night_and_the_repeated_one_after_it(in_nights: Path) -> None:
    files = pl.read_parquet(in_nights / "truth" / "files.parquet")
    night = {row["file"]: row["night"] for row in files.to_dicts()}
    repeated = next(name for name in night if "reenvio" in name)
    assert night[repeated] >= night[repeated.replace("_reenvio", "")]


def test_nights_may_be_single_days_after_a_first_load() -> None:
    ends = SimulateSettings(nights=10, night_days=1).night_ends()
    assert ends[-1] == SimulateSettings().days
    assert [b - a for a, b in pairwise(ends)] == [1] * 9
