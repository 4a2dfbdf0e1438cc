"""Fixed width: columns stand at places of the line, counted in characters, whatever the encoding."""

from pathlib import Path

from clientela.config.sources import FixedFormat
from clientela.extract.delivery import Delivery
from clientela.extract.parameters import Parameters
from clientela.extract.readers import Opened
from clientela.extract.readers.text import UnreadableRows, as_utf8, footer_of, lines_to_parquet, part_of
from clientela.extract.row_faults import LONGEST
from clientela.sql.quoting import quoted

_PLACE = "clientela's own line"


def open_fixed(
    path: Path,
    settings: FixedFormat,
    parameters: Parameters,
    scratch: Path,
    encoding: str,
    allowed: int | None = None,
) -> Opened:
    """A line that ends early has no values behind its end; blank lines are no records."""
    rejected = UnreadableRows(scratch / "unreadable.parquet")
    plain = as_utf8(path, encoding, scratch, allowed)
    end, footers = footer_of(plain, settings, 0, " \t\r\n")
    if footers:
        plain = part_of(plain, 0, end, scratch)
    count = lines_to_parquet(plain, encoding, scratch / "lines.parquet", rejected)
    lines = (
        f"(select file_row_number + 1 as {quoted(_PLACE)}, rtrim(line, chr(10) || chr(13)) as line "
        f"from read_parquet({parameters.bind(str(scratch / 'lines.parquet'))}, file_row_number = true) "
        f"where trim(line, ' ' || chr(9) || chr(10) || chr(13)) <> '' and file_row_number >= {settings.header_lines})"
    )
    nulls = ", ".join(parameters.bind(text) for text in settings.null_text)
    columns = []
    for name, place in settings.columns.items():
        value = f"trim(substr(line, {place.start}, {place.width}))"
        columns.append(f"case when {value} not in ({nulls}) then {value} end as {quoted(name)}")
    unreadable = rejected.relation(parameters)
    fits = "true"
    if settings.line_length is not None:
        fits = f"length(line) = {settings.line_length}"
        misfits = (
            f"select {quoted(_PLACE)} as source_row, left(line, {LONGEST}) as text, "
            f"'the line has ' || length(line) || ' characters, not {settings.line_length}' as reason "
            f"from {lines} where not ({fits})"
        )
        unreadable = (
            f"({misfits} union all select source_row, text, reason from {unreadable})" if unreadable else f"({misfits})"
        )
    relation = f"(select {', '.join(columns)}, {quoted(_PLACE)} from {lines} where {fits})"
    return Opened(
        Delivery(relation, dict.fromkeys(settings.columns, "VARCHAR"), quoted(_PLACE)),
        unreadable=unreadable,
        title_lines=min(settings.header_lines, count),
        footer_lines=footers,
    )
