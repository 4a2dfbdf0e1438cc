"""A landed file that was written anew because somebody was forgotten, or something expired: Parquet, whatever it was before.

It holds the columns as the file's own reader gave them, each row's place in the delivered file, the rows that could not be
parsed, and how many rows went. So it is read like the file that it stands for.
"""

from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from clientela.errors import DeliveryError
from clientela.extract.delivery import Delivery
from clientela.extract.parameters import Parameters
from clientela.extract.readers import Opened
from clientela.sql.quoting import quoted

#: how the name of such a file ends, behind the name of the landed file
SUFFIX = ".forgotten.parquet"
#: columns beside the delivered ones: the row's place; the text and the reason of one that could not be parsed
ROW, TEXT, REASON = "_clientela_row", "_clientela_text", "_clientela_reason"
#: what the file says of itself
FORGOTTEN_ROWS, EXPIRED_ROWS = "clientela_forgotten_rows", "clientela_expired_rows"
LEFT_OUT_LINES, MIDNIGHT = "clientela_left_out_lines", "clientela_midnight"


def open_rewritten(connection: duckdb.DuckDBPyConnection, path: Path, parameters: Parameters) -> Opened:
    """Raises DeliveryError if it is not what was written."""
    try:
        with pq.ParquetFile(path) as file:
            facts = {name.decode(): value.decode() for name, value in (file.metadata.metadata or {}).items()}
        described = connection.execute("describe select * from read_parquet(?)", [str(path)]).fetchall()
    except (OSError, ValueError, duckdb.Error) as error:
        raise DeliveryError("the kept file, written anew without what was forgotten or expired, is damaged") from error
    relation = f"read_parquet({parameters.bind(str(path))})"
    own = f"select * exclude ({TEXT}, {REASON}) from {relation} where {REASON} is null"
    columns = {row[0]: row[1] for row in described if row[0] not in (ROW, TEXT, REASON)}
    delivery = Delivery(f"({own})", columns, quoted(ROW), is_midnight_a_day=facts.get(MIDNIGHT) == "1")
    return Opened(
        delivery,
        unreadable=f"(select {ROW} as source_row, {TEXT} as text, {REASON} as reason from {relation} where {REASON} is not null)",
        title_lines=int(facts.get(LEFT_OUT_LINES, 0)),
        forgotten_rows=int(facts.get(FORGOTTEN_ROWS, 0)),
        expired_rows=int(facts.get(EXPIRED_ROWS, 0)),
    )
