"""What is said of a row that does not fit: its field, what stood there, and why it is quarantined."""

from clientela.extract.parameters import Parameters

#: longest cell that quarantine repeats; the delivered file itself is kept
LONGEST = 2000


def row_fault(condition: str, field: str, value: str, reason: str, parameters: Parameters) -> tuple[str, str]:
    """(condition, fault): the SQL that is true for a row of the fault, and the struct that describes it."""
    struct = (
        f"{{'field': {parameters.bind(field)}, 'value': left(cast({value} as varchar), {LONGEST}), "
        f"'reason': {parameters.bind(reason)}}}"
    )
    return condition, struct
