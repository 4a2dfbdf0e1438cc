"""What a source itself states of its files: rows and sums, in its own decimal style."""

import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from clientela.errors import DeliveryError, is_resource_error
from clientela.extract.casting import TEXT, blank_to_null
from clientela.extract.decimal_style import number
from clientela.extract.inbox import InboxFile, look, opened
from clientela.extract.readers.text import as_utf8
from clientela.load.context import LoadContext
from clientela.load.landing import land
from clientela.masking import shape, without_values
from clientela.sql.quoting import quoted


def control_totals(context: LoadContext) -> dict[str, tuple[int | None, Decimal | None]]:
    """File name → (rows, sum) as the source states them, in its decimal style. DeliveryError for what is no number."""
    feed = context.feed
    settings = feed.settings.control_totals
    if settings is None:
        return {}
    style = feed.source.decimal_style
    columns = [quoted(settings.file_column)]
    for column, target in ((settings.rows_column, "bigint"), (settings.sum_column, "decimal(18,4)")):
        text = blank_to_null(quoted(column), TEXT) if column else "cast(null as varchar)"
        columns += [text, number(text, style, target)]
    totals: dict[str, tuple[int | None, Decimal | None]] = {}
    for path in look(feed.config, [settings.files]).trusted():
        rows = _rows_of_totals(context, path, ", ".join(columns))
        for line, (name, rows_text, rows_stated, sum_text, sum_stated) in enumerate(rows, 1):
            for column, text, stated, expected in (
                (settings.rows_column, rows_text, rows_stated, "a whole number"),
                (settings.sum_column, sum_text, sum_stated, f"a number with a decimal {style}"),
            ):
                if text is not None and stated is None:
                    raise DeliveryError(
                        f"control totals {path.name}: {column} is not {expected} in row {line} behind the header; it looks like "
                        f"{shape(text)!r} (9 for a digit, a for a letter)"
                    )
            totals[str(name).strip()] = (rows_stated, sum_stated)
    return totals


def _rows_of_totals(context: LoadContext, file: InboxFile, columns: str) -> list[tuple[Any, ...]]:
    """The lines of a file with totals, read from a copy as every delivered file is."""
    feed = context.feed
    with tempfile.TemporaryDirectory(dir=context.scratch_folder) as folder:
        try:
            with opened(file) as source:
                landed = land(source, file.path, Path(folder)).landed
            plain = as_utf8(landed, "utf-8", Path(folder), feed.config.inbox.allowed_bytes(landed.stat().st_size))
            query = f"select {columns} from read_csv(?, all_varchar = true, header = true)"
            return context.connection.execute(query, [str(plain)]).fetchall()
        except DeliveryError as error:
            raise DeliveryError(f"control totals {file.name}: {error.sentence}") from error
        except duckdb.Error as error:
            if is_resource_error(error):
                raise
            column = feed.settings.control_totals.file_column if feed.settings.control_totals else ""
            reason = without_values(str(error).splitlines()[0].replace(str(plain), file.name), {column}.__contains__)
            raise DeliveryError(f"control totals {file.name}: {reason}") from error
