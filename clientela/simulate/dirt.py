"""Which rows go wrong, and how: each kind at its share of the stated rate, every one noted in the truth.

Values that are wrong in themselves (impossible dates, unknown customers) are planted here in the frame; lines that are
broken as text are broken by `files` when they are written.
"""

from dataclasses import replace

import numpy as np
import polars as pl

from clientela.simulate.files import Planted, Table
from clientela.simulate.mistakes import replaced
from clientela.simulate.settings import SimulateSettings
from clientela.simulate.streams import Ints, stream

#: files with fewer rows stay clean
_FEWEST_ROWS = 40
#: dates that no calendar has, in the notation of each format
_IMPOSSIBLE = {
    "csv": ("31/02/2025 10:15:00", "00/00/0000 00:00:00", "12/25/2024 09:00:00", "29/02/2023 18:30:00"),
    "jsonl": (
        "2025-02-30T10:15:00+01:00",
        "0000-00-00T00:00:00Z",
        "2024-13-07T09:00:00+01:00",
        "2023-06-31T18:30:00+02:00",
    ),
}
_LATIN = "[áéíóúñçàèùâêîôûëïöüäßÁÉÍÓÚÑÇÖÜÄ]"


def plant(table: Table, settings: SimulateSettings) -> tuple[Table, Planted]:
    """Choose the dirty rows and change the values of those whose value is wrong."""
    n, kinds = table.frame.height, table.dirt
    nothing = Planted(np.zeros(0, dtype=np.int64), ())
    if not kinds or settings.dirt == 0 or n < _FEWEST_ROWS:
        return table, nothing
    rng = stream(settings.seed, f"dirt {table.source} {table.entity}")
    each = max(1, round(settings.dirt * n / len(kinds)))
    each = min(each, n // (4 * len(kinds)))
    # every third row at most, so that no two dirty lines stand side by side
    drawn = rng.permutation(n // 3) * 3 + 1
    chosen: dict[str, Ints] = {}
    if "wrong_encoding" in kinds:
        accented = (
            table.frame[table.text_column].gather(drawn[: each * 40]).str.contains(_LATIN).fill_null(False).to_numpy()
        )
        chosen["wrong_encoding"] = drawn[: each * 40][accented][:each]
        drawn = drawn[~np.isin(drawn, chosen["wrong_encoding"])]
    for number, kind in enumerate(k for k in kinds if k != "wrong_encoding"):
        chosen[kind] = drawn[number * each : (number + 1) * each]
    frame = table.frame
    if "unknown_customer" in chosen:
        frame = _with_unknown_customers(table, frame, chosen["unknown_customer"])
    if "impossible_date" in chosen:
        frame = _with_impossible_dates(table, frame, chosen["impossible_date"])
    rows = np.concatenate([chosen[kind] for kind in kinds])
    names = [kind for kind in kinds for _ in chosen[kind]]
    order = np.argsort(rows)
    return replace(table, frame=frame), Planted(rows[order], tuple(names[i] for i in order))


def _with_unknown_customers(table: Table, frame: pl.DataFrame, rows: Ints) -> pl.DataFrame:
    """Ids that the customers' file never had."""
    name = table.customer_column
    numbers = pl.Series(900_000_001 + np.arange(len(rows), dtype=np.int64))
    ids = numbers if frame.schema[name].is_integer() else "9" + numbers.cast(pl.String)
    return frame.with_columns(replaced(frame[name], rows, ids).alias(name))


def _with_impossible_dates(table: Table, frame: pl.DataFrame, rows: Ints) -> pl.DataFrame:
    name = table.date_column
    if table.format == "parquet":
        wrong = frame[name].gather(rows).dt.offset_by("900y")
    else:
        texts = pl.Series(_IMPOSSIBLE[table.format])
        wrong = texts.gather(np.arange(len(rows)) % len(texts))
    return frame.with_columns(replaced(frame[name], rows, wrong).alias(name))


def without(planted: Planted, rows: Ints) -> Planted:
    """The dirt that remains when these rows go elsewhere, counted among the rows that stay."""
    stays = ~np.isin(planted.row, rows)
    moved = planted.row[stays] - np.searchsorted(rows, planted.row[stays])
    return Planted(moved, tuple(kind for kind, stay in zip(planted.kind, stays, strict=True) if stay))
