"""What is asked of every batch, whatever its entity, and where each measure's threshold lies unless a feed sets its own."""

from clientela.contracts.expectations import Expect, fact

EVERY_ENTITY: tuple[Expect, ...] = (
    fact(
        "quarantined_share",
        "critical",
        "At most a fifth of the delivered rows is quarantined, or fewer than five of them and not all: more speaks of a "
        "wrong mapping or a damaged file.",
        maximum=0.2,
    ),
    fact(
        "vanished_share",
        "critical",
        "At most half of the records known vanish with one snapshot, or, of fewer than twenty, not all: more speaks of a "
        "file that was cut off.",
        maximum=0.5,
    ),
    fact(
        "snapshot_files_to_past",
        "warning",
        "No more undated files than usual come as one snapshot; those of several nights count as one.",
        maximum=1,
    ),
    fact(
        "times_moved",
        "warning",
        "No time that orders versions lies in the hour that the source's clock skips; one that does is taken an hour later.",
        maximum=0,
    ),
    fact("control_rows_off", "critical", "The rows delivered are as many as the source states.", maximum=0),
    fact("control_sum_off", "critical", "The sum delivered is what the source states, to the cent.", maximum=0.005),
)
