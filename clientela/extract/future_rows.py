"""Rows that are dated after they were delivered: quarantined, clocks that differ allowed for."""

from datetime import datetime, timedelta

from clientela.extract.parameters import Parameters
from clientela.extract.row_faults import row_fault
from clientela.sql.quoting import quoted

#: hours that an event may lie after its delivery, for clocks that differ
CLOCK_HOURS = 24
#: why a row that is dated later is quarantined
IN_FUTURE = f"dated more than {CLOCK_HOURS} hours after it was delivered"


def future_fault(event: str, landed_at: datetime, parameters: Parameters) -> tuple[str, str]:
    """The fault of a row whose event lies after its file first came, clocks that differ allowed for."""
    latest = parameters.bind(landed_at + timedelta(hours=CLOCK_HOURS))
    return row_fault(
        f"{quoted(event)} > cast({latest} as timestamptz)", event, quoted("m_" + event), IN_FUTURE, parameters
    )
